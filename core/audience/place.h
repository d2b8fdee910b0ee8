/* Places: a dated tree with successors. A code alone never identifies a place; code and day do. */
#ifndef AUDIENCE_PLACE_H
#define AUDIENCE_PLACE_H

#include "audience/csv.h"
#include "base/buf.h"
#include "store/db.h"

/* Columns: code, name, level (province, district, commune, village), parent (code of the parent
 * standing on valid_from; also parent_code), valid_from, valid_to (first day it no longer stands);
 * the last two may come from --set. A place with the same code, level and valid_from is updated.
 * Rows may come in any order; a parent that is neither in the file nor known is a rejected row, as
 * is a cycle or valid_to <= valid_from. */
int place_import(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Columns: old_code, new_code, since, share (default 1), level (optional). old_code stood the day
 * before since, new_code stands on it. Closes the old place (valid_to = since) when it was open, or
 * when its valid_to was the last day it stood.
 * Unmatched codes are rejected rows. */
int place_import_successors(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

/* The place with this code standing on that day; LANTOA_ENOENT. level NULL: any (the lowest wins
 * when several share the code). */
int place_by_code(struct db *db, struct str code, const char *level, int64_t day, int64_t *id_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* The place with this code that came to its end when another began on the day since: it stood the
 * day before, or its file gave that last day as valid_to. LANTOA_ENOENT. */
int place_before(struct db *db, struct str code, const char *level, int64_t since, int64_t *id_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* All places that a name can mean ("Lục Ngạn", "huyện Lục Ngạn", "Đồng Tiến, Yên Thế" with the
 * parent, "24@2022-01-01" code and day). Accents and case do not matter unless two places differ by
 * them only. LANTOA_ENOENT: none; the text offers the nearest name. */
int place_find(struct db *db, struct str name, int64_t **ids_out, size_t *count_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Kin of a place over time: every id whose people count as "under" it (itself, all below,
 * predecessors and successors of those). Caller frees with base_free. */
int place_under(struct db *db, const int64_t *ids, size_t count, int64_t **under_out,
    size_t *under_count_out, struct base_err *err) LANTOA_MUST_CHECK;

struct place_row {
    int64_t id, parent_id;
    struct str code, name, level, valid_from, valid_to;
};
/* Calls back for each place standing on a day (day -1: every place ever), parents before children,
 * in name order. */
int place_each(struct db *db, int64_t day, int (*row)(void *arg, const struct place_row *place),
    void *arg, struct base_err *err) LANTOA_MUST_CHECK;

/* Appends the name with those above it: "Xã Đồng Tiến, Huyện Yên Thế, Tỉnh Bắc Giang".
 * LANTOA_ENOENT. */
int place_path(
    struct db *db, int64_t id, struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
