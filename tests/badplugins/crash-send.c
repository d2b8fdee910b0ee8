/* Crashes in the middle of a batch, just after a message has begun. */
#include "bad.h"

static void crash_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (bad_now(bad)) {
            bad->host->began(bad->host, messages[i]->id);
            abort();
        }
        bad_send_well(bad, messages[i]);
    }
}

BAD_PLUGIN("crash-send", bad_open, crash_send);
