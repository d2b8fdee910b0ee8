/* Saved segments: expressions with a name. */
#ifndef AUDIENCE_SEGMENT_STORE_H
#define AUDIENCE_SEGMENT_STORE_H

#include "base/str.h"
#include "store/db.h"

/* Checks the expression and keeps it; an older one of that name is replaced. A name has 1 to 100
 * characters. LANTOA_EINVAL with the column of the fault. */
int segment_save(struct db *db, struct str name, struct str expression, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
int segment_remove(
    struct db *db, struct str name, struct base_err *err) LANTOA_MUST_CHECK; /* LANTOA_ENOENT */

struct segment_row {
    int64_t id, changed_at;
    struct str name, expression; /* BORROWED for the call */
};
/* By name. row returns 0 to go on; another value ends the list and is returned. */
int segment_each(struct db *db, int (*row)(void *arg, const struct segment_row *segment), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
