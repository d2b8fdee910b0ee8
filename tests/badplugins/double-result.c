/* Gives a second result for a message. */
#include "bad.h"

static void double_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        bool now = bad_now(bad);
        uint64_t id = messages[i]->id;
        bad_send_well(bad, messages[i]);
        if (now) {
            bad_result(bad, id, LANTOA_REFUSED);
        }
    }
}

BAD_PLUGIN("double-result", bad_open, double_send);
