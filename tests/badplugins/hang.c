/* Never comes back from send. */
#include "bad.h"

static void hang_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (bad_now(bad)) {
            bad->host->began(bad->host, messages[i]->id);
            for (;;) {
                pause();
            }
        }
        bad_send_well(bad, messages[i]);
    }
}

BAD_PLUGIN("hang", bad_open, hang_send);
