/* Reading secrets from where channel files say they are. */
#include "wire/secret.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_MOST ((size_t)64 << 10)

int wire_secret_read(const struct wire_option_value *value, const char *data_dir, char **text_out,
    struct base_err *err) {
    if (value->from_env) {
        const char *text = getenv(value->from_env);
        if (!text) {
            return base_err_set(
                err, LANTOA_ENOENT, TR("the environment variable %s is not set"), value->from_env);
        }
        *text_out = base_strdup(text);
        return 0;
    }
    struct base_buf buf;
    base_buf_init(&buf, SECRET_MOST);
    char *path = base_path_join(data_dir, value->from_file);
    int code = base_file_read(path, SECRET_MOST, &buf, err);
    if (!code) {
        struct str text = base_buf_str(&buf);
        while (text.bytes > 0 &&
               (text.at[text.bytes - 1] == '\n' || text.at[text.bytes - 1] == '\r')) {
            text.bytes--;
        }
        *text_out = base_strndup(text.bytes ? text.at : "", text.bytes);
    }
    if (buf.at) {
        explicit_bzero(buf.at, buf.bytes);
    }
    base_buf_release(&buf);
    base_free(path);
    return code;
}
