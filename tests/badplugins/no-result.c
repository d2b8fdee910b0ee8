/* Sits on messages: begins them and never says how they ended. With "silent" it does not even begin
 * them. */
#include "bad.h"

static void no_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (!bad_now(bad)) {
            bad_send_well(bad, messages[i]);
        } else if (strcmp(bad->config->how, "silent") != 0) {
            bad->host->began(bad->host, messages[i]->id);
        }
    }
}

BAD_PLUGIN("no-result", bad_open, no_send);
