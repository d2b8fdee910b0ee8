/* Eats memory with every message; it does not get as far as answering for the one it dies of. */
#include "bad.h"

#define BITE ((size_t)4 << 20)

static void bite(void *arg) {
    struct bad *bad = arg;
    char *memory = malloc(BITE);
    if (!memory) {
        abort();
    }
    memset(memory, 1, BITE);
    bad->host->timer(bad->host, 1, bite, bad);
}

static void leak_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        if (!bad_now(bad)) {
            bad_send_well(bad, messages[i]);
        } else {
            bad->host->began(bad->host, messages[i]->id);
            bite(bad);
        }
    }
}

BAD_PLUGIN("leak", bad_open, leak_send);
