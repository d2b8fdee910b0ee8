/* The error text that travels up with a code. Knows no language: callers pass formats through TR().
 */
#include "base/err.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

/* One byte more than fits, so that a text that was too long is seen and cut at a character border.
 */
struct err_scratch {
    char at[sizeof(((struct base_err *)0)->text) + 1];
};

/* text lies outside err: an argument may have been the text that is being replaced. */
static void text_store(struct base_err *err, const char *text) {
    struct str whole = str_from(text);
    size_t bytes = base_utf8_cut(whole, sizeof(err->text) - 1);
    memcpy(err->text, text, bytes);
    err->text[bytes] = '\0';
}

int base_err_set(struct base_err *err, int code, const char *fmt, ...) {
    if (!err) {
        return code;
    }
    struct err_scratch scratch;
    va_list args;
    va_start(args, fmt);
    vsnprintf(scratch.at, sizeof(scratch.at), fmt, args);
    va_end(args);
    text_store(err, scratch.at);
    err->code = code;
    return code;
}

int base_err_prefix(struct base_err *err, const char *fmt, ...) {
    if (!err) {
        return LANTOA_EINVAL;
    }
    struct err_scratch whole;
    va_list args;
    va_start(args, fmt);
    int printed = vsnprintf(whole.at, sizeof(whole.at), fmt, args);
    va_end(args);
    size_t used = printed < 0 ? 0 : (size_t)printed;
    const char *tail[] = {": ", err->text};
    for (size_t i = 0; i < 2 && used < sizeof(whole.at); i++) {
        size_t room = sizeof(whole.at) - 1 - used, bytes = strlen(tail[i]);
        bytes = bytes < room ? bytes : room;
        memcpy(whole.at + used, tail[i], bytes);
        used += bytes;
        whole.at[used] = '\0';
    }
    text_store(err, whole.at);
    return err->code;
}

#define ERR_NAME(name, value, text)                                                                \
    case name:                                                                                     \
        return text;

const char *base_err_name(int code) {
    switch (code) {
    case LANTOA_OK:
        return "success";
        LANTOA_ERRORS(ERR_NAME)
    }
    return "unknown error";
}
