/* Whole lists of places, one after the other: what a list no longer names has ended, and what came
 * of it is found by name; what is not found is told and can be linked by hand.
 *
 * A place that ended on the day of a list is linked to a place of that list when
 *   - the successor file says so, else
 *   - the same code carries the same name without its kind ("Xã Song Mai", "Phường Song Mai"), else
 *   - the folded name without its kind stands once under the same parent (or what came of it).
 * A code alone links nothing: codes are given to other places (domain facts 1.4). A province or
 * district all of whose communes went under one of its level is linked to that one.
 * One thread, one connection, no transaction open. */
#ifndef AUDIENCE_PLACE_HISTORY_H
#define AUDIENCE_PLACE_HISTORY_H

#include "audience/csv.h"
#include "store/db.h"

struct place_list_outcome {
    struct audience_import_outcome import, successors;
    int64_t ended;     /* places that the list no longer names */
    int64_t linked;    /* found by name */
    int64_t unmatched; /* ended on that day, and nobody knows what came of them */
    int64_t split;     /* ended on that day, into several */
};
/* The list (columns as place_import) names every place of its provinces, down to its lowest level,
 * as of that day. successors: as place_import_successors; NULL: none. Provinces that lost all their
 * communes to others end too. The same list again changes nothing. */
int place_import_whole(struct db *db, const struct audience_import *list,
    const struct audience_import *successors, int64_t day, struct place_list_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

enum place_gap { PLACE_UNMATCHED, PLACE_SPLIT };
struct place_gap_row {
    enum place_gap gap;
    int64_t place_id;
    struct str code, name, level, parent, ended; /* ended: first day it no longer stood */
    struct str hint;  /* what stood under its code on that day, or the successors with shares */
    double share_sum; /* of a split */
};
/* Places that ended without a successor, and those with several; by day, name. row returns 0 to go
 * on. */
int place_gap_each(struct db *db, int (*row)(void *arg, const struct place_gap_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Links by hand: what stood under old_code on the eve of day went to what stands under new_code on
 * it. The old place ends on that day when it still stood. *changed_out false: known already.
 * LANTOA_ENOENT, LANTOA_EINVAL (the same place, a share not in (0, 1]). */
int place_link(struct db *db, struct str old_code, struct str new_code, int64_t day, double share,
    bool *changed_out, struct base_err *err) LANTOA_MUST_CHECK;

/* --- private to core/audience --- */

struct audience__places_seen {
    int64_t *ids; /* base_free */
    size_t count, room;
};
int audience__place_import(struct db *db, const struct audience_import *options,
    struct audience__places_seen *seen, struct audience_import_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
