/* Says that it cannot go on: at once, or after some messages. */
#include "bad.h"

static int give_up_open(const struct lantoa_host *host, const void *config, void **self_out) {
    const struct bad_config *options = config;
    if (options->after == 0) {
        host->fail(host, "wrong password for %s", "the gateway");
        return LANTOA_EDENIED;
    }
    return bad_open(host, config, self_out);
}

static void give_up_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (bad_now(bad)) {
            bad_result(bad, messages[i]->id, LANTOA_RETRY);
            bad->host->fail(bad->host, "the account is closed");
        } else {
            bad_send_well(bad, messages[i]);
        }
    }
}

BAD_PLUGIN("gives-up", give_up_open, give_up_send);
