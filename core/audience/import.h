/* The record of imports: which files came in when, and what they did. */
#ifndef AUDIENCE_IMPORT_H
#define AUDIENCE_IMPORT_H

#include "base/str.h"
#include "store/db.h"

struct import_batch {
    int64_t id;
    struct str kind,
        file; /* contact, place, successor, consent, suppression; BORROWED for the call */
    int64_t started_at, finished_at; /* ms; finished_at 0: still running, or ended half way */
    int64_t rows, added, updated, unchanged, rejected;
    int64_t undone_at; /* 0: stands */
};

/* Newest first, at most `most`. row returns 0 to go on; another value ends the list and is
 * returned. */
int import_batch_each(struct db *db, int64_t most,
    int (*row)(void *arg, const struct import_batch *batch), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
