/* Targets: what a place is to reach in a period. Append-only: a revision during the year is a row
 * with a later day of decision and its document, so reports can show a target as assigned (the
 * first row) and as supplemented (the newest).
 *
 * stock: participants on the last day of the period. flow: new and returned within the period. */
#ifndef CONVERSION_TARGET_H
#define CONVERSION_TARGET_H

#include "audience/csv.h"
#include "store/db.h"

enum target_kind { TARGET_STOCK = 1, TARGET_FLOW };
/* "stock", "flow". */
const char *target_kind_word(enum target_kind kind);

/* A period as people write it: 2026, 2026-Q3, 2026-07, or 2026-04-01..2026-05-31. Days of
 * base/civil.h, both included. LANTOA_EINVAL. */
int target_period(
    struct str text, int64_t *from_out, int64_t *to_out, struct base_err *err) LANTOA_MUST_CHECK;

struct target {
    int64_t place_id;
    enum target_kind kind;
    int64_t from_days, to_days; /* of the period */
    int64_t value;              /* people, 0 or more */
    int64_t decided_days;       /* of the decision */
    const char *document;       /* BORROWED */
};
/* The place with this code on the day a target was decided. LANTOA_ENOENT: there is none; when it
 * stood before, err says until when and what came of it. */
int target_place(struct db *db, struct str code, int64_t decided_days, int64_t *place_id_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Records it, with the audit. Same place, kind, period and day of decision: the same value changes
 * nothing (*added_out false), another one is LANTOA_EEXIST. */
int target_set(struct db *db, const struct target *target, const char *who, bool *added_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Columns: place_code, kind, period, value, decided_on, document. Bad rows are rejects. */
int target_import(struct db *db, const struct audience_import *import, const char *who,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

struct target_row {
    int64_t id, place_id;
    struct str place_code, place, kind, from, to, decided_on, document, recorded_by;
    int64_t value, recorded_at;
    int64_t first_value; /* as assigned: of the first decision */
    int64_t revisions;   /* decisions after the first */
};
struct target_query {
    int64_t place_id; /* 0: any */
    const char *on;   /* periods that hold this day; NULL: any */
    bool history;     /* every decision; else the newest of each place, kind and period */
};
/* By period, kind, place, day of decision. row returns 0 to go on; texts BORROWED for the call. */
int target_each(struct db *db, const struct target_query *query,
    int (*row)(void *arg, const struct target_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
