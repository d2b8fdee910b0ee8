/* Built for an ABI that this program does not know. */
#include "bad.h"

static void never_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    (void)self;
    (void)messages;
    (void)count;
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    .size = sizeof(struct lantoa_plugin),
    .abi_major = LANTOA_ABI_MAJOR + 1,
    .abi_minor = 0,
    .option_size = sizeof(struct lantoa_option),
    .content_size = sizeof(struct lantoa_content),
    .name = "wrong-abi",
    .version = "1.0",
    .kind = "test",
    .ops = {BAD_OPS(bad_open, never_send)},
};
