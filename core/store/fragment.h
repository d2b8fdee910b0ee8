/* The named fragments of store/db.h: where the two dialects differ, the SQL says @NAME@. */
#ifndef STORE_FRAGMENT_H
#define STORE_FRAGMENT_H

#include "base/buf.h"
#include "base/err.h"

/* Appends sql to out as the dialect ("sqlite" or "postgresql") wants it: fragments put in, and ?1
 * written $1 for PostgreSQL. LANTOA_EINVAL for an unknown fragment or dialect. */
int db_expand(const char *dialect, const char *sql, struct base_buf *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
