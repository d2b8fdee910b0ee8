/* Declares an option whose place is outside its config. */
#include "bad.h"

static const struct lantoa_option far_options[] = {
    {"far", LANTOA_TYPE_INT, 0, 4096, "1", 0, 0, NULL, "Far away", "Ở xa"},
};

static void never_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    (void)self;
    (void)messages;
    (void)count;
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "bad-tables",
    .version = "1.0",
    .kind = "test",
    .address = LANTOA_ADDRESS_ANY,
    .config_size = sizeof(struct bad_config),
    .options = far_options,
    .option_count = 1,
    .content = bad_content,
    .content_count = 1,
    .ops = {BAD_OPS(bad_open, never_send)},
};
