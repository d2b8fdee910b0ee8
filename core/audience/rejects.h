/* The rejects file: what an import did not take, for people to mend in a spreadsheet. Private to
 * core/audience. */
#ifndef AUDIENCE_REJECTS_H
#define AUDIENCE_REJECTS_H

#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

struct audience__rejects;

/* path NULL: everything is passed over. */
int audience__rejects_open(const char *path, struct audience__rejects **rejects_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* kept: the row was taken without this value. Faults of writing show at close. */
void audience__rejects_add(struct audience__rejects *rejects, int64_t line, struct str field,
    struct str value, const char *reason, bool kept);
int audience__rejects_close(
    struct audience__rejects **rejects, struct base_err *err) LANTOA_MUST_CHECK;

#endif
