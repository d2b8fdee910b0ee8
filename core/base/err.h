/* The error text that travels up with a negative LANTOA_E* code. Each level puts its context in
 * front; the level that handles the error prints or logs it, once. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <lantoa/errors.h>

struct base_err {
    int code;        /* the LANTOA_E* set last, 0 when none */
    char text[1024]; /* UTF-8, cut at a character border when too long */
};

/* Sets code and text (printf form; pass the format through TR() of base/tr.h) and returns code, so
 * that `return base_err_set(err, LANTOA_EINVAL, TR("..."))` reads well. err may be NULL. */
int base_err_set(struct base_err *err, int code, const char *fmt, ...) LANTOA_PRINTF(3, 4);

/* Puts "context: " in front of the text already there and returns err->code (LANTOA_EINVAL if err
 * is NULL). */
int base_err_prefix(struct base_err *err, const char *fmt, ...) LANTOA_PRINTF(2, 3);

/* The short English text of a code, "unknown error" for others. Static. */
const char *base_err_name(int code);

#endif
