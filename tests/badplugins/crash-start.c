/* Crashes before it is open. */
#include "bad.h"

static int crash_open(const struct lantoa_host *host, const void *config, void **self_out) {
    (void)host;
    (void)config;
    (void)self_out;
    abort();
}

static void never_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    (void)self;
    (void)messages;
    (void)count;
}

BAD_PLUGIN("crash-start", crash_open, never_send);
