/* Says what is not so. `how`: "unsent" SENT without having begun; "unknown" a result for an id
 * nobody gave it; "twice" begins a message twice; "foreign" begins a message it was not given;
 * "outcome" a result that does not exist. */
#include "bad.h"

static void lie(struct bad *bad, uint64_t id) {
    const char *how = bad->config->how;
    const struct lantoa_host *host = bad->host;
    if (strcmp(how, "unsent") == 0) {
        bad_result(bad, id, LANTOA_SENT);
    } else if (strcmp(how, "unknown") == 0) {
        bad_result(bad, id + 1000000000, LANTOA_SENT);
    } else if (strcmp(how, "twice") == 0) {
        host->began(host, id);
        host->began(host, id);
    } else if (strcmp(how, "foreign") == 0) {
        host->began(host, id + 1000000000);
    } else {
        bad_result(bad, id, (enum lantoa_outcome)77);
    }
}

static void lies_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (bad_now(bad)) {
            lie(bad, messages[i]->id);
        }
        bad_send_well(bad, messages[i]);
    }
}

BAD_PLUGIN("lies", bad_open, lies_send);
