/* Its check of the options crashes, says nothing, or says what nobody can read. */
#include "bad.h"

static int bad_check(const void *given, struct lantoa_fault *fault_out) {
    const struct bad_config *config = given;
    if (strcmp(config->how, "crash") == 0) {
        abort();
    }
    if (strcmp(config->how, "unreadable") == 0) {
        memset(fault_out->option, 'A', sizeof(fault_out->option));
        memset(fault_out->why_en, '\n', sizeof(fault_out->why_en));
        memset(fault_out->why_vi, 0xff, sizeof(fault_out->why_vi));
    }
    return config->how[0] == '\0' ? LANTOA_OK : LANTOA_EDENIED;
}

static void well_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bad_send_well(self, messages[i]);
    }
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    BAD_HEAD("bad-check"), .ops = {BAD_OPS(bad_open, well_send), .check = bad_check}};
