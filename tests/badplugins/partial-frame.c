/* Writes the beginning of a frame. "exit": and ends; "stay": and goes on, so that what the host
 * says next becomes the frame's body. */
#include "bad.h"

#define HOST_SOCKET 3
#define RESULTS 13 /* a type of frame that the core expects */

static void partial_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (bad_now(bad)) {
            const unsigned char head[] = {200, 0, 0, 0, RESULTS, 1, 2, 3};
            if (write(HOST_SOCKET, head, sizeof(head)) < 0) {
                abort();
            }
            if (strcmp(bad->config->how, "exit") == 0) {
                _exit(0);
            }
            bad->sent = -1000000;
        }
        bad_send_well(bad, messages[i]);
    }
}

BAD_PLUGIN("partial-frame", bad_open, partial_send);
