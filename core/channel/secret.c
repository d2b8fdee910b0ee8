/* Reading one option of a channel file. */
#include "channel/secret.h"

#include "base/mem.h"
#include "wire/secret.h"

int channel_secret_read(const json_t *options, const char *name, const char *data_dir,
    char **text_out, struct base_err *err) {
    const struct wire_option_rule rule = {
        .name = name, .type = LANTOA_TYPE_TEXT, .flags = LANTOA_SECRET};
    struct wire_option_value value;
    *text_out = NULL;
    int rc = wire_option_read(&rule, json_object_get(options, name), &value, err);
    if (rc == 0 && (value.from_file || value.from_env)) {
        rc = wire_secret_read(&value, data_dir, text_out, err);
    } else if (rc == 0 && value.set) {
        *text_out = base_strndup(value.text.at, value.text.bytes);
    }
    return rc;
}
