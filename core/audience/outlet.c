/* Outlets in the database: asked for, and what they reach. */
#include "audience/outlet_private.h"

#include "audience/place.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- words --- */

const char *outlet_kind_word(enum outlet_kind kind) {
    return kind == OUTLET_CLUSTER ? "cluster" : "station";
}

const char *outlet_owner_word(enum outlet_owner owner) {
    return owner == OUTLET_VILLAGE ? "village" : "commune";
}

/* words: alternatives of the first answer, a NULL, alternatives of the second, two NULLs. */
static int word_find(struct str word, const char *const *words) {
    struct base_buf key;
    base_buf_init(&key, 400);
    int found = -1, answer = 0;
    if (word.bytes < 100 && base_text_key(&key, word) == 0) {
        for (size_t i = 0; answer < 2; i++) {
            if (!words[i]) {
                answer++;
            } else if (str_is(base_buf_str(&key), words[i])) {
                found = answer;
                break;
            }
        }
    }
    base_buf_release(&key);
    return found;
}

int outlet__kind_find(struct str word) {
    static const char *const words[] = {"station", "tram", "dai", "tram truyen thanh",
        "dai truyen thanh", NULL, "cluster", "cum", "cum loa", NULL};
    return word_find(word, words);
}

int outlet__owner_find(struct str word) {
    static const char *const words[] = {"commune", "xa", "phuong", "thi tran", "ubnd xa",
        "ubnd phuong", NULL, "village", "thon", "to dan pho", "tdp", "ban", "khu pho", NULL};
    return word_find(word, words);
}

/* --- sets --- */

struct outlet_set {
    struct base_arena *arena;
    struct outlet *rows;
    size_t count, room;
    size_t *by_id; /* indexes in order of id */
};

size_t outlet_set_count(const struct outlet_set *set) {
    return set->count;
}

const struct outlet *outlet_set_at(const struct outlet_set *set, size_t index) {
    BASE_ASSERT(index < set->count);
    return &set->rows[index];
}

const struct outlet *outlet_set_find(const struct outlet_set *set, int64_t id) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (set->rows[set->by_id[middle]].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < set->count && set->rows[set->by_id[low]].id == id ? &set->rows[set->by_id[low]]
                                                                   : NULL;
}

void outlet_set_free(struct outlet_set **set) {
    if (*set) {
        base_arena_free(&(*set)->arena);
        base_free((*set)->rows);
        base_free((*set)->by_id);
        base_free(*set);
        *set = NULL;
    }
}

struct by_id {
    int64_t id;
    size_t index;
};

static int compare_id(const void *a, const void *b) {
    const struct by_id *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static void index_set(struct outlet_set *set) {
    struct by_id *order = base_alloc_array(set->count + 1, sizeof *order);
    set->by_id = base_alloc_array(set->count + 1, sizeof *set->by_id);
    for (size_t i = 0; i < set->count; i++) {
        order[i] = (struct by_id){set->rows[i].id, i};
    }
    qsort(order, set->count, sizeof *order, compare_id);
    for (size_t i = 0; i < set->count; i++) {
        set->by_id[i] = order[i].index;
    }
    base_free(order);
}

/* --- reading --- */

#define OUTLET_COLUMNS                                                                             \
    "c.id, c.code, c.name, c.kind, c.owner, c.place_id, p.name, c.device, c.channel, "             \
    "c.households, c.languages, c.windows, c.quiet, c.minutes_per_day, c.lat, c.lon, c.state, "    \
    "COALESCE(c.batch_id, 0), c.lead_hours"

struct reader {
    struct outlet_set *set;
    struct outlet_rules rules;
    const struct outlet_window *rule_quiet; /* in the set's arena */
};

static const char *keep(struct reader *reader, struct db_stmt *stmt, int column) {
    struct str text = db_column_str(stmt, column);
    return text.at ? base_arena_strndup(reader->set->arena, text.at, text.bytes) : NULL;
}

static const struct outlet_window *keep_windows(
    struct reader *reader, const struct outlet_window *windows, size_t count) {
    struct outlet_window *kept =
        base_arena_alloc(reader->set->arena, (count + 1) * sizeof *windows);
    if (count > 0) {
        memcpy(kept, windows, count * sizeof *windows);
    }
    return kept;
}

static void read_languages(struct reader *reader, struct str text, struct outlet *outlet) {
    while (text.bytes > 0 && outlet->language_count < OUTLET_LANGS_MAX) {
        struct str one = str_cut(&text, ' ');
        if (one.bytes) {
            outlet->languages[outlet->language_count++] =
                base_arena_strndup(reader->set->arena, one.at, one.bytes);
        }
    }
}

static int read_times(
    struct reader *reader, struct db_stmt *stmt, struct outlet *outlet, struct base_err *err) {
    struct outlet_window windows[OUTLET_WINDOWS_MAX];
    int rc =
        outlet__windows_from_json(db_column_str(stmt, 11), windows, &outlet->window_count, err);
    if (rc == 0) {
        outlet->windows = keep_windows(reader, windows, outlet->window_count);
    }
    if (rc == 0 && db_column_is_null(stmt, 12)) {
        outlet->quiet = reader->rule_quiet;
        outlet->quiet_count = reader->rules.quiet_count;
    } else if (rc == 0) {
        rc = outlet__windows_from_json(db_column_str(stmt, 12), windows, &outlet->quiet_count, err);
        outlet->quiet = rc ? NULL : keep_windows(reader, windows, outlet->quiet_count);
    }
    return rc;
}

static int read_outlet(struct reader *reader, struct db_stmt *stmt, struct base_err *err) {
    struct outlet_set *set = reader->set;
    if (set->count == set->room) {
        set->room = set->room ? 2 * set->room : 64;
        set->rows = base_realloc(set->rows, set->room * sizeof *set->rows);
    }
    struct outlet *outlet = &set->rows[set->count];
    *outlet = (struct outlet){.id = db_column_i64(stmt, 0),
        .code = keep(reader, stmt, 1),
        .name = keep(reader, stmt, 2),
        .kind = str_is(db_column_str(stmt, 3), "cluster") ? OUTLET_CLUSTER : OUTLET_STATION,
        .owner = str_is(db_column_str(stmt, 4), "village") ? OUTLET_VILLAGE : OUTLET_COMMUNE,
        .place_id = db_column_i64(stmt, 5),
        .place = keep(reader, stmt, 6),
        .device = keep(reader, stmt, 7),
        .channel = keep(reader, stmt, 8),
        .households = db_column_i64(stmt, 9),
        .minutes_per_day = (int)db_column_i64(stmt, 13),
        .lat = db_column_is_null(stmt, 14) ? (double)NAN : db_column_f64(stmt, 14),
        .lon = db_column_is_null(stmt, 15) ? (double)NAN : db_column_f64(stmt, 15),
        .retired = str_is(db_column_str(stmt, 16), "retired"),
        .batch_id = db_column_i64(stmt, 17)};
    int64_t own_ms = db_column_i64(stmt, 18) * 3600000;
    outlet->lead_ms = db_column_is_null(stmt, 18)
                          ? outlet_rules_lead_ms(&reader->rules, outlet->device)
                      : own_ms > OUTLET_LEAD_LEAST_MS ? own_ms
                                                      : OUTLET_LEAD_LEAST_MS;
    read_languages(reader, db_column_str(stmt, 10), outlet);
    int rc = read_times(reader, stmt, outlet, err);
    if (rc) {
        return base_err_prefix(err, "%s", outlet->code);
    }
    set->count++;
    return 0;
}

/* --- asking --- */

static void add_places(const struct outlet_filter *filter, struct base_buf *sql) {
    struct base_buf list;
    base_buf_init(&list, 1 << 24);
    for (size_t i = 0; i < filter->place_count; i++) {
        base_buf_add_text(&list, i ? "," : "");
        base_buf_add_u64(&list, (uint64_t)filter->place_ids[i]);
    }
    base_buf_add_text(sql, " AND (c.place_id IN (");
    base_buf_add_str(sql, base_buf_str(&list));
    base_buf_add_text(
        sql, ") OR c.id IN (SELECT v.outlet_id FROM outlet_coverage v WHERE v.place_id IN (");
    base_buf_add_str(sql, base_buf_str(&list));
    base_buf_add_text(sql, ")))");
    base_buf_release(&list);
}

static int build_sql(const struct outlet_filter *filter, const struct segment *where,
    struct base_buf *sql, struct base_err *err) {
    int next = 3, rc = 0;
    base_buf_add_text(sql, "SELECT " OUTLET_COLUMNS
                           " FROM outlet c JOIN place p ON p.id = c.place_id WHERE (?1 = 0 OR "
                           "c.id = ?1) AND (?2 = '' OR c.channel = ?2)");
    if (!filter->with_retired && !filter->id) {
        base_buf_add_text(sql, " AND c.state <> 'retired'");
    }
    if (filter->place_ids) {
        add_places(filter, sql);
    }
    if (where) {
        base_buf_add_text(sql, " AND (");
        rc = segment_sql(where, sql, next, &next, err);
        base_buf_add_char(sql, ')');
    }
    base_buf_add_text(sql, " ORDER BY c.code");
    if (rc == 0 && !base_buf_ok(sql)) {
        rc = base_err_set(err, LANTOA_ELIMIT, TR("the expression is too large"));
    }
    return rc;
}

static int load(struct db *db, const struct outlet_filter *filter, const struct segment *where,
    struct outlet_set *set, struct base_err *err) {
    struct reader reader = {.set = set};
    struct db_stmt *stmt = NULL;
    struct base_buf sql;
    base_buf_init(&sql, 1 << 25);
    int rc = outlet_rules_load(db, &reader.rules, err);
    rc = rc ? rc : build_sql(filter, where, &sql, err);
    rc = rc ? rc : db_prepare(db, base_buf_text(&sql), &stmt, err);
    if (rc == 0) {
        reader.rule_quiet = keep_windows(&reader, reader.rules.quiet, reader.rules.quiet_count);
        db_bind_i64(stmt, 1, filter->id);
        db_bind_text(stmt, 2, filter->channel ? filter->channel : "");
        if (where) {
            segment_bind(where, stmt, 3, 0);
        }
        while ((rc = db_step(stmt, err)) == 1) {
            rc = read_outlet(&reader, stmt, err);
            if (rc) {
                break;
            }
        }
    }
    db_finish(&stmt);
    base_buf_release(&sql);
    return rc;
}

int outlet_query(struct db *db, const struct outlet_filter *filter, struct outlet_set **set_out,
    int *column_out, struct base_err *err) {
    struct segment *where = NULL;
    int rc = 0;
    if (column_out) {
        *column_out = 0;
    }
    if (filter->where.bytes) {
        rc = outlet__where_parse(db, filter->where, &where, column_out, err);
    }
    if (rc == 0) {
        struct outlet_set *set = base_alloc(sizeof *set);
        set->arena = base_arena_new();
        rc = load(db, filter, where, set, err);
        if (rc == 0) {
            index_set(set);
            *set_out = set;
        } else {
            outlet_set_free(&set);
        }
    }
    segment_free(&where);
    return rc;
}

int outlet_where_check(struct db *db, struct str where, int *column_out, struct base_err *err) {
    struct segment *segment = NULL;
    int rc = outlet__where_parse(db, where, &segment, column_out, err);
    segment_free(&segment);
    return rc;
}

int outlet_coverage_each(struct db *db, int64_t outlet_id,
    int (*row)(void *arg, const struct outlet_coverage *coverage), void *arg,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT v.place_id, v.households, p.name, v.share FROM outlet_coverage v JOIN place p ON "
        "p.id = v.place_id WHERE v.outlet_id = ?1 ORDER BY p.code, p.id",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, outlet_id);
    while ((rc = db_step(stmt, err)) == 1) {
        const struct outlet_coverage coverage = {db_column_i64(stmt, 0), db_column_i64(stmt, 1),
            db_column_str(stmt, 2), db_column_i64(stmt, 3) != 0};
        rc = row(arg, &coverage);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}
