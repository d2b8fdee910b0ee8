/* The import of places. A list may be the whole country of one day or a handful of villages; it is
 * held in memory, for rows come in any order and parents must stand before their children. One
 * transaction: a tree is taken over as a whole. */
#include "audience/place.h"

#include "audience/import_run.h"
#include "audience/place_history.h"
#include "audience/place_name.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <stdio.h>

enum field { FIELD_CODE, FIELD_NAME, FIELD_LEVEL, FIELD_PARENT, FIELD_FROM, FIELD_TO, FIELDS };

static const struct audience__field fields[FIELDS] = {
    [FIELD_CODE] = {"code", "ma|ma don vi|ma dia ban|ma don vi hanh chinh"},
    [FIELD_NAME] = {"name", "ten|ten don vi|ten dia ban|dia ban"},
    [FIELD_LEVEL] = {"level", "cap|cap don vi|cap hanh chinh"},
    [FIELD_PARENT] = {"parent", "parent_code|ma cap tren|thuoc|ma don vi cap tren|ma cha"},
    [FIELD_FROM] = {"valid_from", "tu ngay|hieu luc tu|ngay hieu luc"},
    [FIELD_TO] = {"valid_to", "den ngay|het hieu luc|ngay het hieu luc"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = FIELDS};

enum { ROWS_MOST = 200000, RANKS = 4, KEY_MOST = 4096 };

/* A row of the file that looks right by itself. */
struct row {
    int64_t line;
    struct str code, name, name_key, parent;
    int rank;
    char from[BASE_DATE_MAX], to[BASE_DATE_MAX]; /* to empty: stands */
};

struct place_import {
    struct audience__run run;
    struct base_arena *arena;
    struct row *rows;
    size_t count, room;
    struct base_buf scratch;
    struct db_stmt *same, *open_before, *close, *insert, *update, *parent, *successor, *next;
    struct audience__places_seen *seen; /* NULL: nobody asks */
};

/* The list names this place. */
static void note_seen(struct place_import *import, int64_t id) {
    struct audience__places_seen *seen = import->seen;
    if (!seen) {
        return;
    }
    if (seen->count == seen->room) {
        seen->room = seen->room ? seen->room * 2 : 256;
        seen->ids = base_realloc(seen->ids, seen->room * sizeof(*seen->ids));
    }
    seen->ids[seen->count++] = id;
}

/* ---- reading ---- */

static void refuse(struct place_import *import, int64_t line, enum field field, struct str value,
    const char *reason) {
    audience__run_fault(&import->run, line,
        audience__columns_heading(import->run.columns, import->run.csv, &spec, field), value,
        reason, false);
    import->run.outcome->rejected++;
}

static struct str keep(struct place_import *import, struct str text) {
    return str_of(base_arena_strndup(import->arena, text.at, text.bytes), text.bytes);
}

static bool take_date(struct place_import *import, const struct audience_csv_row *csv_row,
    enum field field, char out[static BASE_DATE_MAX]) {
    struct str text = audience__columns_value(import->run.columns, csv_row, field);
    struct base_date date;
    if (text.bytes == 0) {
        out[0] = '\0';
        return true;
    }
    if (base_parse_date(text, &date)) {
        refuse(import, csv_row->line, field, text,
            TR("not a date (write it as 2025-07-01 or 01/07/2025)"));
        return false;
    }
    base_format_date(date, out);
    return true;
}

static bool take_name(struct place_import *import, struct str name, struct row *row) {
    base_buf_clear(&import->scratch);
    if (base_text_nfc(&import->scratch, name)) {
        return false;
    }
    row->name = keep(import, base_buf_str(&import->scratch));
    base_buf_clear(&import->scratch);
    if (base_text_key(&import->scratch, name)) {
        return false;
    }
    row->name_key = keep(import, base_buf_str(&import->scratch));
    return row->name_key.bytes > 0;
}

static bool check_row(
    struct place_import *import, const struct audience_csv_row *csv_row, struct row *row) {
    const struct audience__columns *columns = import->run.columns;
    *row = (struct row){.line = csv_row->line};
    if (csv_row->fault) {
        refuse(import, csv_row->line, FIELD_CODE, csv_row->fields[0], csv_row->fault);
        return false;
    }
    struct str code = audience__columns_value(columns, csv_row, FIELD_CODE);
    if (code.bytes == 0 || memchr(code.at, '@', code.bytes)) {
        refuse(import, csv_row->line, FIELD_CODE, code, TR("a code is needed, without @"));
        return false;
    }
    row->code = keep(import, code);
    struct str name = audience__columns_value(columns, csv_row, FIELD_NAME);
    if (!take_name(import, name, row)) {
        refuse(import, csv_row->line, FIELD_NAME, name, TR("a name is needed"));
        return false;
    }
    struct str level = audience__columns_value(columns, csv_row, FIELD_LEVEL);
    row->rank = audience__place_rank(level);
    if (row->rank < 0) {
        refuse(import, csv_row->line, FIELD_LEVEL, level,
            TR("the level is province, district, commune or village"));
        return false;
    }
    row->parent = keep(import, audience__columns_value(columns, csv_row, FIELD_PARENT));
    if (!take_date(import, csv_row, FIELD_FROM, row->from) ||
        !take_date(import, csv_row, FIELD_TO, row->to)) {
        return false;
    }
    if (row->from[0] == '\0') {
        refuse(import, csv_row->line, FIELD_FROM, (struct str){"", 0},
            TR("the day from which it stands is needed (--set valid_from=2025-07-01 gives one to "
               "all rows)"));
        return false;
    }
    if (row->to[0] != '\0' && strcmp(row->to, row->from) <= 0) {
        refuse(import, csv_row->line, FIELD_TO, str_from(row->to),
            TR("valid_to must be after valid_from"));
        return false;
    }
    return true;
}

static int read_rows(struct place_import *import, struct base_err *err) {
    struct audience_csv_row csv_row;
    int rc;
    while ((rc = audience_csv_next(import->run.csv, &csv_row, err)) == 1) {
        import->run.outcome->rows++;
        if (import->count == ROWS_MOST) {
            return base_err_set(
                err, LANTOA_ELIMIT, TR("more than %d places in one file: split it"), ROWS_MOST);
        }
        if (import->count == import->room) {
            import->room = import->room ? import->room * 2 : 1024;
            import->rows = base_realloc(import->rows, import->room * sizeof(*import->rows));
        }
        if (check_row(import, &csv_row, &import->rows[import->count])) {
            import->count++;
        }
    }
    return rc;
}

/* ---- writing ---- */

static int prepare(struct place_import *import, struct base_err *err) {
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } all[] = {
        {&import->same, "SELECT id, name, COALESCE(parent_id, 0), COALESCE(valid_to, '') FROM "
                        "place WHERE code = ?1 AND level = ?2 AND valid_from = ?3"},
        {&import->open_before,
            "SELECT id, name, COALESCE(parent_id, 0), COALESCE(valid_to, '') FROM place WHERE "
            "code = ?1 AND level = ?2 AND valid_from < ?3 AND (valid_to IS NULL OR valid_to >= ?3) "
            "ORDER BY valid_from DESC LIMIT 1"},
        {&import->next, "SELECT id, valid_from, name FROM place WHERE code = ?1 AND level = ?2 AND "
                        "valid_from > ?3 ORDER BY valid_from LIMIT 1"},
        {&import->close, "UPDATE place SET valid_to = ?2 WHERE id = ?1"},
        {&import->insert,
            "INSERT INTO place (code, name, name_key, short_key, level, parent_id, valid_from, "
            "valid_to, batch_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id"},
        {&import->update, "UPDATE place SET name = ?2, name_key = ?3, short_key = ?4, parent_id = "
                          "?5, valid_to = ?6 WHERE id = ?1"},
        {&import->parent,
            "SELECT id FROM place WHERE code = ?1 AND valid_from <= ?2 AND (valid_to IS NULL OR "
            "valid_to > ?2) AND CASE level WHEN 'province' THEN 0 WHEN 'district' THEN 1 WHEN "
            "'commune' THEN 2 ELSE 3 END < ?3 ORDER BY CASE level WHEN 'province' THEN 0 WHEN "
            "'district' THEN 1 WHEN 'commune' THEN 2 ELSE 3 END DESC LIMIT 1"},
        {&import->successor,
            "INSERT INTO place_successor (place_id, successor_id, since) VALUES (?1, ?2, ?3) "
            "ON CONFLICT DO NOTHING"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int rc = db_prepare(import->run.db, all[i].sql, all[i].stmt, err);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* A place in the table, as far as an import needs it. */
struct known {
    int64_t id, parent_id;
    struct str name, to; /* BORROWED from the statement */
};

/* 1 and *known_out if the statement finds one (it stays open: reset it); 0: none. */
static int find(
    struct db_stmt *stmt, const struct row *row, struct known *known_out, struct base_err *err) {
    db_bind_str(stmt, 1, row->code);
    db_bind_text(stmt, 2, audience__place_level(row->rank));
    db_bind_text(stmt, 3, row->from);
    int rc = db_step(stmt, err);
    if (rc == 1) {
        *known_out = (struct known){.id = db_column_i64(stmt, 0),
            .name = db_column_str(stmt, 1),
            .parent_id = db_column_i64(stmt, 2),
            .to = db_column_str(stmt, 3)};
    }
    return rc;
}

static void bind_id(struct db_stmt *stmt, int index, int64_t id) {
    if (id) {
        db_bind_i64(stmt, index, id);
    } else {
        db_bind_null(stmt, index);
    }
}

static int link_successor(struct place_import *import, int64_t from, int64_t to, const char *since,
    struct base_err *err) {
    db_bind_i64(import->successor, 1, from);
    db_bind_i64(import->successor, 2, to);
    db_bind_text(import->successor, 3, since);
    return db_run(import->successor, err);
}

static int update(struct place_import *import, const struct row *row, int64_t parent_id,
    const struct known *known, struct base_err *err) {
    bool same = str_eq(known->name, row->name) && known->parent_id == parent_id &&
                (row->to[0] == '\0' || str_is(known->to, row->to));
    if (same) {
        import->run.outcome->unchanged++;
        return 0;
    }
    /* The file not saying when it ended does not raise it from the dead. */
    struct str to = row->to[0] ? str_from(row->to) : known->to;
    db_bind_i64(import->update, 1, known->id);
    db_bind_str(import->update, 2, row->name);
    db_bind_str(import->update, 3, row->name_key);
    db_bind_str(import->update, 4, audience__place_short(row->name_key));
    bind_id(import->update, 5, parent_id);
    db_bind_str(import->update, 6, to.bytes ? to : (struct str){NULL, 0});
    import->run.outcome->updated++;
    return db_run(import->update, err);
}

/* The place of the same code that stands just before: closed on the day the new one begins, for a
 * code and a day must name one place only. If it bears the same name it is the one before, and its
 * people belong to the new one. */
static int close_earlier(struct place_import *import, const struct row *row,
    const struct known *earlier, int64_t *same_place_out, struct base_err *err) {
    *same_place_out = str_eq(earlier->name, row->name) ? earlier->id : 0;
    if (str_is(earlier->to, row->from)) {
        return 0;
    }
    db_bind_i64(import->close, 1, earlier->id);
    db_bind_text(import->close, 2, row->from);
    return db_run(import->close, err);
}

/* A place of the same code that begins later ends this one, when an older list comes in after a
 * newer. */
static int end_by_later(struct place_import *import, const struct row *row,
    char to[static BASE_DATE_MAX], int64_t *later_out, struct base_err *err) {
    *later_out = 0;
    struct db_stmt *stmt = import->next;
    db_bind_str(stmt, 1, row->code);
    db_bind_text(stmt, 2, audience__place_level(row->rank));
    db_bind_text(stmt, 3, row->from);
    int rc = db_step(stmt, err);
    if (rc == 1) {
        struct str begins = db_column_str(stmt, 1);
        if (to[0] == '\0' || str_cmp(str_from(to), begins) >= 0) {
            (void)snprintf(to, BASE_DATE_MAX, "%.*s", STR_ARG(begins));
            *later_out = str_eq(db_column_str(stmt, 2), row->name) ? db_column_i64(stmt, 0) : 0;
        }
        db_reset(stmt);
        rc = 0;
    }
    return rc;
}

static int insert(struct place_import *import, const struct row *row, int64_t parent_id,
    int64_t before, struct base_err *err) {
    char to[BASE_DATE_MAX];
    memcpy(to, row->to, sizeof(to));
    int64_t later = 0;
    int rc = end_by_later(import, row, to, &later, err);
    if (rc) {
        return rc;
    }
    struct db_stmt *stmt = import->insert;
    db_bind_str(stmt, 1, row->code);
    db_bind_str(stmt, 2, row->name);
    db_bind_str(stmt, 3, row->name_key);
    db_bind_str(stmt, 4, audience__place_short(row->name_key));
    db_bind_text(stmt, 5, audience__place_level(row->rank));
    bind_id(stmt, 6, parent_id);
    db_bind_text(stmt, 7, row->from);
    db_bind_text(stmt, 8, to[0] ? to : NULL);
    db_bind_i64(stmt, 9, import->run.batch_id);
    rc = db_step(stmt, err);
    if (rc != 1) {
        return rc;
    }
    int64_t id = db_column_i64(stmt, 0);
    db_reset(stmt);
    import->run.outcome->added++;
    note_seen(import, id);
    rc = before ? link_successor(import, before, id, row->from, err) : 0;
    return rc == 0 && later ? link_successor(import, id, later, to, err) : rc;
}

static int find_parent(struct place_import *import, const struct row *row, int64_t *parent_id_out,
    struct base_err *err) {
    *parent_id_out = 0;
    if (row->parent.bytes == 0) {
        return 0;
    }
    db_bind_str(import->parent, 1, row->parent);
    db_bind_text(import->parent, 2, row->from);
    db_bind_i64(import->parent, 3, row->rank);
    int rc = db_step(import->parent, err);
    if (rc == 1) {
        *parent_id_out = db_column_i64(import->parent, 0);
        db_reset(import->parent);
        rc = 0;
    }
    return rc;
}

static int put(struct place_import *import, const struct row *row, struct base_err *err) {
    int64_t parent_id = 0;
    struct known known = {0};
    int rc = find_parent(import, row, &parent_id, err);
    if (rc == 0 && row->parent.bytes > 0 && parent_id == 0) {
        refuse(import, row->line, FIELD_PARENT, row->parent,
            TR("no place of a higher level has this code on that day, in the file or before"));
        return 0;
    }
    rc = rc ? rc : find(import->same, row, &known, err);
    if (rc == 1) {
        note_seen(import, known.id);
        rc = update(import, row, parent_id, &known, err);
        db_reset(import->same);
        return rc;
    }
    rc = rc ? rc : find(import->open_before, row, &known, err);
    int64_t before = 0;
    if (rc == 1) {
        /* A list of a later day that says the same of a place which still stands: it is the same
         * place. */
        bool goes_on = str_eq(known.name, row->name) && known.parent_id == parent_id &&
                       !str_is(known.to, row->from) &&
                       (row->to[0] == '\0' || str_is(known.to, row->to));
        if (goes_on) {
            import->run.outcome->unchanged++;
            note_seen(import, known.id);
            db_reset(import->open_before);
            return 0;
        }
        rc = close_earlier(import, row, &known, &before, err);
        db_reset(import->open_before);
    }
    return rc ? rc : insert(import, row, parent_id, before, err);
}

static int write_rows(struct place_import *import, struct base_err *err) {
    int rc = prepare(import, err);
    /* Higher levels first. A parent is always of a higher level than its child, so there is no
     * cycle. */
    for (int rank = 0; rc == 0 && rank < RANKS; rank++) {
        for (size_t i = 0; rc == 0 && i < import->count; i++) {
            if (import->rows[i].rank == rank) {
                rc = put(import, &import->rows[i], err);
            }
        }
    }
    struct db_stmt **all[] = {&import->same, &import->open_before, &import->next, &import->close,
        &import->insert, &import->update, &import->parent, &import->successor};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        db_finish(all[i]);
    }
    return rc;
}

int audience__place_import(struct db *db, const struct audience_import *options,
    struct audience__places_seen *seen, struct audience_import_outcome *outcome_out,
    struct base_err *err) {
    static const int needed[][2] = {{FIELD_CODE, -1}, {FIELD_NAME, -1}, {FIELD_LEVEL, -1}};
    struct place_import import = {.seen = seen};
    int rc = audience__run_open(&import.run, db, options, &spec, outcome_out, err);
    if (rc) {
        return rc;
    }
    import.arena = base_arena_new();
    base_buf_init(&import.scratch, (size_t)KEY_MOST * 32);
    for (size_t i = 0; rc == 0 && i < sizeof(needed) / sizeof(needed[0]); i++) {
        rc = audience__run_needs(&import.run, needed[i], err);
    }
    rc = rc ? rc : audience__run_start(&import.run, "place", err);
    rc = rc ? rc : read_rows(&import, err);
    rc = rc ? rc : write_rows(&import, err);
    rc = audience__run_end(&import.run, rc, err);
    base_buf_release(&import.scratch);
    base_arena_free(&import.arena);
    base_free(import.rows);
    return rc;
}

int place_import(struct db *db, const struct audience_import *options,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    return audience__place_import(db, options, NULL, outcome_out, err);
}
