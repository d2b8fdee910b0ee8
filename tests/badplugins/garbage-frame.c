/* Writes rubbish to the host's socket. */
#include "bad.h"

#define HOST_SOCKET 3

static void garbage_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (bad_now(bad)) {
            char rubbish[64];
            memset(rubbish, 0xA5, sizeof(rubbish));
            if (write(HOST_SOCKET, rubbish, sizeof(rubbish)) < 0) {
                abort();
            }
            bad->sent = -1000000;
        }
        bad_send_well(bad, messages[i]);
    }
}

BAD_PLUGIN("garbage-frame", bad_open, garbage_send);
