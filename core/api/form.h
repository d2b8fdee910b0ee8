/* application/x-www-form-urlencoded, as browsers and mail programs send it. */
#ifndef API_FORM_H
#define API_FORM_H

#include "base/buf.h"

#define FORM_FIELDS_MAX 64

struct form {
    struct {
        struct str name, value; /* BORROWED from text */
    } fields[FORM_FIELDS_MAX];
    size_t count;
    struct base_buf text; /* decoded */
};

/* Reads a body; form_release afterwards in any case. LANTOA_EINVAL: a broken %XX, a control
 * character, not UTF-8; LANTOA_ELIMIT: too many fields. */
int form_read(struct str body, struct form *form_out) LANTOA_MUST_CHECK;
void form_release(struct form *form);
/* The first field of that name; an empty str with .at NULL when there is none. */
struct str form_get(const struct form *form, const char *name);

#endif
