/* Compares a whole list with what stood the day before: ends, links, and tells what is left. */
#include "audience/place_history.h"

#include "audience/place.h"
#include "audience/place_name.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANK_PROVINCE, RANK_COMMUNE = 2, RANKS = 4 };

struct unit {
    int64_t id, parent_id;
    struct str code, key; /* key: folded name without its kind */
    int rank;
    char from[BASE_DATE_MAX], to[BASE_DATE_MAX]; /* to empty: stands */
    bool seen;
    int64_t heir; /* successor as of the day; 0: none */
    int heirs;
};
struct history {
    struct db *db;
    struct base_arena *arena;
    struct unit *units; /* by id */
    size_t count, room;
    struct unit **by_key; /* by rank and key */
    int deepest;          /* lowest level that the list names */
    char day[BASE_DATE_MAX];
    struct db_stmt *close, *link;
    struct place_list_outcome *outcome;
};

/* --- reading --- */

static struct str keep(struct history *h, struct str text) {
    return str_of(base_arena_strndup(h->arena, text.at, text.bytes), text.bytes);
}

static int compare_ids(const void *a, const void *b) {
    const struct unit *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static int compare_keys(const void *a, const void *b) {
    const struct unit *left = *(struct unit *const *)a, *right = *(struct unit *const *)b;
    return left->rank != right->rank ? left->rank - right->rank : str_cmp(left->key, right->key);
}

static struct unit *unit_of(const struct history *h, int64_t id) {
    const struct unit key = {.id = id};
    return id ? bsearch(&key, h->units, h->count, sizeof key, compare_ids) : NULL;
}

static int load_units(struct history *h, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(h->db,
        "SELECT id, COALESCE(parent_id, 0), code, short_key, level, valid_from, valid_to FROM "
        "place ORDER BY id",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (h->count == h->room) {
            h->room = h->room ? 2 * h->room : 1024;
            h->units = base_realloc(h->units, h->room * sizeof *h->units);
        }
        struct unit *unit = &h->units[h->count++];
        *unit = (struct unit){.id = db_column_i64(stmt, 0),
            .parent_id = db_column_i64(stmt, 1),
            .code = keep(h, db_column_str(stmt, 2)),
            .key = keep(h, db_column_str(stmt, 3)),
            .rank = audience__place_rank(db_column_str(stmt, 4))};
        snprintf(unit->from, sizeof unit->from, "%.*s", STR_ARG(db_column_str(stmt, 5)));
        snprintf(unit->to, sizeof unit->to, "%.*s", STR_ARG(db_column_str(stmt, 6)));
        rc = 0;
    }
    db_finish(&stmt);
    if (rc == 0) {
        h->by_key = base_alloc_array(h->count + 1, sizeof(struct unit *));
        for (size_t i = 0; i < h->count; i++) {
            h->by_key[i] = &h->units[i];
        }
        qsort(h->by_key, h->count, sizeof(struct unit *), compare_keys);
    }
    return rc;
}

static int load_links(struct history *h, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(h->db,
        "SELECT place_id, successor_id FROM place_successor ORDER BY place_id, share DESC, "
        "successor_id",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct unit *unit = unit_of(h, db_column_i64(stmt, 0));
        if (unit) {
            unit->heir = unit->heirs ? unit->heir : db_column_i64(stmt, 1);
            unit->heirs++;
        }
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static bool stood_on_eve(const struct history *h, const struct unit *unit) {
    return strcmp(unit->from, h->day) < 0 && (!unit->to[0] || strcmp(unit->to, h->day) >= 0);
}

static bool stands_on_day(const struct history *h, const struct unit *unit) {
    return strcmp(unit->from, h->day) <= 0 && (!unit->to[0] || strcmp(unit->to, h->day) > 0);
}

static bool ended(const struct history *h, const struct unit *unit) {
    return strcmp(unit->to, h->day) == 0;
}

static struct unit *above(const struct history *h, const struct unit *unit, int rank) {
    struct unit *at = unit_of(h, unit->id);
    while (at && at->rank > rank) {
        at = unit_of(h, at->parent_id);
    }
    return at && at->rank == rank ? at : NULL;
}

/* --- ending --- */

static int end_unit(struct history *h, struct unit *unit, struct base_err *err) {
    db_bind_i64(h->close, 1, unit->id);
    db_bind_text(h->close, 2, h->day);
    memcpy(unit->to, h->day, sizeof unit->to);
    h->outcome->ended++;
    return db_run(h->close, err);
}

static bool province_listed(const struct history *h, const struct unit *unit) {
    const struct unit *province = above(h, unit, RANK_PROVINCE);
    for (size_t i = 0; province && i < h->count; i++) {
        if (h->units[i].seen && h->units[i].rank == RANK_PROVINCE &&
            str_eq(h->units[i].code, province->code)) {
            return true;
        }
    }
    return false;
}

/* It had places below it, and none of them stands any more. */
static bool emptied(const struct history *h, const struct unit *unit) {
    bool had = false;
    for (size_t i = 0; i < h->count; i++) {
        if (h->units[i].parent_id == unit->id && h->units[i].rank <= h->deepest) {
            if (stands_on_day(h, &h->units[i])) {
                return false;
            }
            had = had || ended(h, &h->units[i]);
        }
    }
    return had;
}

static int end_missing(struct history *h, struct base_err *err) {
    int rc = 0;
    for (int rank = h->deepest; rank >= 0; rank--) {
        for (size_t i = 0; rc == 0 && i < h->count; i++) {
            struct unit *unit = &h->units[i];
            if (unit->rank == rank && !unit->seen && !unit->to[0] && stood_on_eve(h, unit) &&
                (province_listed(h, unit) || emptied(h, unit))) {
                rc = end_unit(h, unit, err);
            }
        }
    }
    return rc;
}

/* --- linking --- */

static int add_link(
    struct history *h, struct unit *old, const struct unit *heir, struct base_err *err) {
    db_bind_i64(h->link, 1, old->id);
    db_bind_i64(h->link, 2, heir->id);
    db_bind_text(h->link, 3, h->day);
    db_bind_f64(h->link, 4, 1);
    old->heir = heir->id;
    old->heirs = 1;
    h->outcome->linked++;
    return db_run(h->link, err);
}

static bool same_parent(const struct history *h, const struct unit *old, const struct unit *heir) {
    struct unit *was = unit_of(h, old->parent_id), *is = unit_of(h, heir->parent_id);
    if (was && is && was->rank > is->rank) {
        was = above(h, was, is->rank); /* the level between was given up */
    }
    return was == is || (was && is && was->heir == is->id) ||
           (was && is && was->rank == is->rank && str_eq(was->code, is->code) &&
               str_eq(was->key, is->key));
}

/* The only one of the name; an older place of that name that ended too makes it unsure. */
static struct unit *find_heir(const struct history *h, struct unit *old) {
    struct unit *key = old, *found = NULL;
    size_t low = 0, high = h->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_keys(&h->by_key[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool several = false;
    for (size_t i = low; i < h->count && compare_keys(&h->by_key[i], &key) == 0; i++) {
        struct unit *unit = h->by_key[i];
        if (unit == old) {
            continue;
        }
        if (stands_on_day(h, unit) && str_eq(unit->code, old->code)) {
            return unit;
        }
        if (!same_parent(h, old, unit)) {
            continue;
        }
        if (stands_on_day(h, unit)) {
            several = several || found;
            found = unit;
        } else if (ended(h, unit) && unit->heirs == 0) {
            several = true;
        }
    }
    return several ? NULL : found;
}

static int link_by_name(struct history *h, struct base_err *err) {
    int rc = 0;
    for (int rank = 0; rank < RANKS; rank++) { /* parents first */
        for (size_t i = 0; rc == 0 && i < h->count; i++) {
            struct unit *old = &h->units[i];
            struct unit *heir =
                old->rank == rank && ended(h, old) && old->heirs == 0 ? find_heir(h, old) : NULL;
            rc = heir ? add_link(h, old, heir, err) : 0;
        }
    }
    return rc;
}

/* Where the places of the lowest level under it are now, as one place of its own level; NULL: in
 * several, or nobody knows. */
static struct unit *common_heir(const struct history *h, const struct unit *old) {
    struct unit *found = NULL;
    for (size_t i = 0; i < h->count; i++) {
        const struct unit *low = &h->units[i];
        if (low->rank != h->deepest || !stood_on_eve(h, low) || above(h, low, old->rank) != old) {
            continue;
        }
        const struct unit *now = stands_on_day(h, low) ? low : unit_of(h, low->heir);
        struct unit *top = now ? above(h, now, old->rank) : NULL;
        if (now && (!top || (found && top != found))) {
            return NULL;
        }
        found = top ? top : found;
    }
    return found;
}

static int link_upper(struct history *h, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < h->count; i++) {
        struct unit *old = &h->units[i];
        if (old->rank < h->deepest && ended(h, old) && old->heirs == 0) {
            const struct unit *heir = common_heir(h, old);
            rc = heir && heir != old ? add_link(h, old, heir, err) : 0;
        }
    }
    return rc;
}

/* --- the whole --- */

static void mark_seen(struct history *h, const struct audience__places_seen *seen) {
    for (size_t i = 0; i < seen->count; i++) {
        struct unit *unit = unit_of(h, seen->ids[i]);
        if (unit) {
            unit->seen = true;
            h->deepest = unit->rank > h->deepest ? unit->rank : h->deepest;
        }
    }
}

static void count_gaps(struct history *h) {
    for (size_t i = 0; i < h->count; i++) {
        const struct unit *unit = &h->units[i];
        if (ended(h, unit) && unit->rank >= RANK_COMMUNE && unit->rank <= h->deepest) {
            h->outcome->unmatched += unit->heirs == 0;
            h->outcome->split += unit->heirs > 1;
        }
    }
}

static const char link_sql[] =
    "INSERT INTO place_successor (place_id, successor_id, since, share) VALUES (?1, ?2, ?3, ?4) ON "
    "CONFLICT (place_id, successor_id) DO UPDATE SET since = excluded.since, share = "
    "excluded.share";

static int reconcile(
    struct history *h, const struct audience__places_seen *seen, struct base_err *err) {
    int rc = load_units(h, err);
    rc = rc ? rc : load_links(h, err);
    rc = rc ? rc : db_prepare(h->db, link_sql, &h->link, err);
    rc =
        rc ? rc : db_prepare(h->db, "UPDATE place SET valid_to = ?2 WHERE id = ?1", &h->close, err);
    rc = rc ? rc : db_begin(h->db, err);
    if (rc == 0) {
        mark_seen(h, seen);
        rc = end_missing(h, err);
        rc = rc ? rc : link_by_name(h, err);
        rc = rc ? rc : link_upper(h, err);
        if (rc == 0) {
            rc = db_commit(h->db, err);
        } else {
            db_rollback(h->db);
        }
    }
    if (rc == 0) {
        count_gaps(h);
    }
    db_finish(&h->close);
    db_finish(&h->link);
    return rc;
}

int place_import_whole(struct db *db, const struct audience_import *list,
    const struct audience_import *successors, int64_t day, struct place_list_outcome *outcome_out,
    struct base_err *err) {
    struct audience__places_seen seen = {0};
    struct history h = {.db = db, .outcome = outcome_out};
    *outcome_out = (struct place_list_outcome){0};
    base_format_date(base_date_from_days(day), h.day);
    int rc = audience__place_import(db, list, &seen, &outcome_out->import, err);
    if (rc == 0 && successors) {
        rc = place_import_successors(db, successors, &outcome_out->successors, err);
    }
    if (rc == 0) {
        h.arena = base_arena_new();
        rc = reconcile(&h, &seen, err);
        base_arena_free(&h.arena);
    }
    base_free(h.units);
    base_free(h.by_key);
    base_free(seen.ids);
    return rc;
}

/* --- by hand --- */

static int put_link(struct db *db, int64_t old_id, int64_t new_id, const char *since, double share,
    struct base_err *err) {
    struct db_stmt *link = NULL, *close = NULL;
    int rc = db_prepare(db, link_sql, &link, err);
    rc = rc ? rc
            : db_prepare(db,
                  "UPDATE place SET valid_to = ?2 WHERE id = ?1 AND (valid_to IS NULL OR "
                  "valid_to < ?2)",
                  &close, err);
    rc = rc ? rc : db_begin(db, err);
    if (rc == 0) {
        db_bind_i64(link, 1, old_id);
        db_bind_i64(link, 2, new_id);
        db_bind_text(link, 3, since);
        db_bind_f64(link, 4, share);
        db_bind_i64(close, 1, old_id);
        db_bind_text(close, 2, since);
        rc = db_run(link, err);
        rc = rc ? rc : db_run(close, err);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    db_finish(&link);
    db_finish(&close);
    return rc;
}

int place_link(struct db *db, struct str old_code, struct str new_code, int64_t day, double share,
    bool *changed_out, struct base_err *err) {
    int64_t old_id = 0, new_id = 0;
    char since[BASE_DATE_MAX];
    struct db_stmt *known = NULL;
    *changed_out = false;
    if (!(share > 0 && share <= 1)) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("the share is a number above 0, at most 1"));
    }
    base_format_date(base_date_from_days(day), since);
    int rc = place_before(db, old_code, NULL, day, &old_id, err);
    rc = rc ? rc : place_by_code(db, new_code, NULL, day, &new_id, err);
    if (rc == 0 && old_id == new_id) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("%.*s on %s is the place it was the day before"),
            STR_ARG(new_code), since);
    }
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT share FROM place_successor WHERE place_id = ?1 AND successor_id = ?2 AND "
                  "since = ?3",
                  &known, err);
    if (rc == 0) {
        db_bind_i64(known, 1, old_id);
        db_bind_i64(known, 2, new_id);
        db_bind_text(known, 3, since);
        rc = db_step(known, err);
        *changed_out = rc == 0 || (rc == 1 && db_column_f64(known, 0) != share);
        rc = rc == 1 ? 0 : rc;
    }
    db_finish(&known);
    return rc == 0 && *changed_out ? put_link(db, old_id, new_id, since, share, err) : rc;
}

/* --- what is left --- */

int place_gap_each(struct db *db, int (*row)(void *arg, const struct place_gap_row *row), void *arg,
    struct base_err *err) {
    struct db_stmt *stmt = NULL, *hints = NULL;
    int rc = db_prepare(db,
        "SELECT p.id, p.code, p.name, p.level, u.name, p.valid_to, COUNT(s.successor_id), "
        "COALESCE(SUM(s.share), 0) FROM place p LEFT JOIN place_successor s ON s.place_id = p.id "
        "LEFT JOIN place u ON u.id = p.parent_id WHERE p.valid_to IS NOT NULL AND (p.level IN "
        "('commune', 'village') OR NOT EXISTS (SELECT 1 FROM place c WHERE c.parent_id = p.id)) "
        "GROUP BY p.id, p.code, p.name, p.level, u.name, p.valid_to HAVING COUNT(s.successor_id) "
        "<> 1 ORDER BY p.valid_to, p.name, p.id",
        &stmt, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT n.code, n.name, s.share FROM place_successor s JOIN place n ON n.id = "
                  "s.successor_id WHERE s.place_id = ?1 UNION ALL SELECT n.code, n.name, 0 FROM "
                  "place n WHERE n.code = ?2 AND n.id <> ?1 AND n.valid_from <= ?3 AND (n.valid_to "
                  "IS NULL OR n.valid_to > ?3) AND NOT EXISTS (SELECT 1 FROM place_successor o "
                  "WHERE o.place_id = ?1) ORDER BY 3 DESC, 1",
                  &hints, err);
    struct base_buf hint;
    base_buf_init(&hint, 1 << 16);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct place_gap_row found = {
            .gap = db_column_i64(stmt, 6) ? PLACE_SPLIT : PLACE_UNMATCHED,
            .place_id = db_column_i64(stmt, 0),
            .code = db_column_str(stmt, 1),
            .name = db_column_str(stmt, 2),
            .level = db_column_str(stmt, 3),
            .parent = db_column_str(stmt, 4),
            .ended = db_column_str(stmt, 5),
            .share_sum = db_column_f64(stmt, 7),
        };
        base_buf_clear(&hint);
        db_bind_i64(hints, 1, found.place_id);
        db_bind_str(hints, 2, found.code);
        db_bind_str(hints, 3, found.ended);
        while ((rc = db_step(hints, err)) == 1) {
            base_buf_printf(&hint, "%s%.*s %.*s", hint.bytes ? "; " : "",
                STR_ARG(db_column_str(hints, 0)), STR_ARG(db_column_str(hints, 1)));
            if (found.gap == PLACE_SPLIT) {
                base_buf_printf(&hint, " (%g)", db_column_f64(hints, 2));
            }
        }
        found.hint = base_buf_str(&hint);
        rc = rc ? rc : row(arg, &found);
    }
    base_buf_release(&hint);
    db_finish(&hints);
    db_finish(&stmt);
    return rc;
}
