/* An outlet with its coverage as one thing: loaded, compared, kept, put back. */
#include "audience/outlet_private.h"

#include "base/text.h"
#include "base/tr.h"

#include <math.h>

struct outlet__table {
    struct db *db;
    struct db_stmt *find, *device, *load, *covers, *insert, *update, *uncover, *cover, *remove;
    struct base_buf key;
};

int outlet__table_new(struct db *db, struct outlet__table **table_out, struct base_err *err) {
    struct outlet__table *t = base_alloc(sizeof *t);
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } all[] = {
        {&t->find, "SELECT id FROM outlet WHERE code = ?1"},
        {&t->device, "SELECT code FROM outlet WHERE device = ?1 AND code <> ?2"},
        {&t->load,
            "SELECT code, name, kind, owner, channel, languages, windows, state, device, "
            "quiet, place_id, households, minutes_per_day, lat, lon, coalesce(lead_hours, -1) "
            "FROM outlet WHERE id = "
            "?1"},
        {&t->covers, "SELECT place_id, households, share FROM outlet_coverage WHERE outlet_id = ?1 "
                     "ORDER BY place_id"},
        {&t->insert,
            "INSERT INTO outlet (code, name, name_key, kind, owner, channel, languages, windows, "
            "state, device, quiet, place_id, households, minutes_per_day, lead_hours, lat, lon, "
            "changed_at, batch_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
            "?14, ?15, ?16, ?17, ?18, ?19) RETURNING id"},
        {&t->update,
            "UPDATE outlet SET code = ?1, name = ?2, name_key = ?3, kind = ?4, owner = ?5, channel "
            "= ?6, languages = ?7, windows = ?8, state = ?9, device = ?10, quiet = ?11, place_id = "
            "?12, households = ?13, minutes_per_day = ?14, lead_hours = ?15, lat = ?16, lon = "
            "?17, changed_at = ?18, unsettled = 1 WHERE id = ?19"},
        {&t->uncover, "DELETE FROM outlet_coverage WHERE outlet_id = ?1"},
        {&t->cover, "INSERT INTO outlet_coverage (outlet_id, place_id, households, share) VALUES "
                    "(?1, ?2, ?3, ?4)"},
        {&t->remove, "DELETE FROM outlet WHERE id = ?1"},
    };
    t->db = db;
    base_buf_init(&t->key, 1 << 18);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int rc = db_prepare(db, all[i].sql, all[i].stmt, err);
        if (rc) {
            outlet__table_free(&t);
            return rc;
        }
    }
    *table_out = t;
    return 0;
}

void outlet__table_free(struct outlet__table **table) {
    struct outlet__table *t = *table;
    if (!t) {
        return;
    }
    struct db_stmt **all[] = {&t->find, &t->device, &t->load, &t->covers, &t->insert, &t->update,
        &t->uncover, &t->cover, &t->remove};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        db_finish(all[i]);
    }
    base_buf_release(&t->key);
    base_free(t);
    *table = NULL;
}

int outlet__table_find(
    struct outlet__table *table, struct str code, int64_t *id_out, struct base_err *err) {
    *id_out = 0;
    db_bind_str(table->find, 1, code);
    int rc = db_step(table->find, err);
    if (rc == 1) {
        *id_out = db_column_i64(table->find, 0);
        db_reset(table->find);
    }
    return rc;
}

static struct str keep(struct base_arena *arena, struct str text) {
    return text.at ? str_of(base_arena_strndup(arena, text.at, text.bytes), text.bytes) : text;
}

int outlet__table_device(struct outlet__table *table, struct str device, struct str code,
    struct base_arena *arena, struct str *code_out, struct base_err *err) {
    *code_out = (struct str){0};
    db_bind_str(table->device, 1, device);
    db_bind_str(table->device, 2, code);
    int rc = db_step(table->device, err);
    if (rc == 1) {
        *code_out = keep(arena, db_column_str(table->device, 0));
        db_reset(table->device);
        rc = 0;
    }
    return rc;
}

static double column_f64(struct db_stmt *stmt, int column) {
    return db_column_is_null(stmt, column) ? (double)NAN : db_column_f64(stmt, column);
}

int outlet__table_load(struct outlet__table *table, int64_t id, struct base_arena *arena,
    struct outlet__row *row_out, struct base_err *err) {
    struct db_stmt *s = table->load;
    row_out->cover_count = 0;
    db_bind_i64(s, 1, id);
    int rc = db_step(s, err);
    if (rc == 0) {
        return base_err_set(
            err, LANTOA_ENOENT, TR("there is no outlet with the number %lld"), (long long)id);
    }
    if (rc < 0) {
        return rc;
    }
    struct str *texts[] = {&row_out->code, &row_out->name, &row_out->kind, &row_out->owner,
        &row_out->channel, &row_out->languages, &row_out->windows, &row_out->state,
        &row_out->device, &row_out->quiet};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    for (int i = 0; i < TEXTS; i++) {
        *texts[i] = keep(arena, db_column_str(s, i));
    }
    row_out->place_id = db_column_i64(s, TEXTS);
    row_out->households = db_column_i64(s, TEXTS + 1);
    row_out->minutes_per_day = db_column_i64(s, TEXTS + 2);
    row_out->lat = column_f64(s, TEXTS + 3);
    row_out->lon = column_f64(s, TEXTS + 4);
    row_out->lead_hours = db_column_i64(s, TEXTS + 5);
    db_reset(s);
    db_bind_i64(table->covers, 1, id);
    while ((rc = db_step(table->covers, err)) == 1) {
        if (row_out->cover_count < OUTLET_COVERAGE_MAX) {
            row_out->covers[row_out->cover_count++] =
                (struct outlet__cover){db_column_i64(table->covers, 0),
                    db_column_i64(table->covers, 1), db_column_i64(table->covers, 2) != 0};
        }
    }
    return rc;
}

static void bind_f64(struct db_stmt *stmt, int index, double value) {
    if (isnan(value)) {
        db_bind_null(stmt, index);
    } else {
        db_bind_f64(stmt, index, value);
    }
}

static int save_covers(
    struct outlet__table *table, const struct outlet__row *row, int64_t id, struct base_err *err) {
    db_bind_i64(table->uncover, 1, id);
    int rc = db_run(table->uncover, err);
    for (size_t i = 0; rc == 0 && i < row->cover_count; i++) {
        db_bind_i64(table->cover, 1, id);
        db_bind_i64(table->cover, 2, row->covers[i].place_id);
        db_bind_i64(table->cover, 3, row->covers[i].households);
        db_bind_i64(table->cover, 4, row->covers[i].share);
        rc = db_run(table->cover, err);
    }
    return rc;
}

int outlet__table_save(struct outlet__table *table, const struct outlet__row *row, int64_t batch_id,
    int64_t now_ms, int64_t *id_io, struct base_err *err) {
    bool fresh = *id_io == 0;
    struct db_stmt *s = fresh ? table->insert : table->update;
    base_buf_clear(&table->key);
    int rc = base_text_key(&table->key, row->name);
    if (rc) {
        return base_err_set(err, rc, "%s", TR("the text is not valid"));
    }
    const struct str texts[] = {row->code, row->name, base_buf_str(&table->key), row->kind,
        row->owner, row->channel, row->languages, row->windows, row->state, row->device,
        row->quiet};
    int index = 1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        db_bind_str(s, index++, texts[i]);
    }
    db_bind_i64(s, index++, row->place_id);
    db_bind_i64(s, index++, row->households);
    db_bind_i64(s, index++, row->minutes_per_day);
    if (row->lead_hours < 0) {
        db_bind_null(s, index++);
    } else {
        db_bind_i64(s, index++, row->lead_hours);
    }
    bind_f64(s, index++, row->lat);
    bind_f64(s, index++, row->lon);
    db_bind_i64(s, index++, now_ms);
    db_bind_i64(s, index, fresh ? batch_id : *id_io);
    if (fresh) {
        rc = db_step(s, err);
        if (rc == 1) {
            *id_io = db_column_i64(s, 0);
            db_reset(s);
            rc = 0;
        }
    } else {
        rc = db_run(s, err);
    }
    return rc ? rc : save_covers(table, row, *id_io, err);
}

int outlet__table_delete(struct outlet__table *table, int64_t id, struct base_err *err) {
    db_bind_i64(table->uncover, 1, id);
    int rc = db_run(table->uncover, err);
    db_bind_i64(table->remove, 1, id);
    return rc ? rc : db_run(table->remove, err);
}

/* --- JSON --- */

/* X(field): the texts; .at NULL is null. */
#define ROW_TEXTS(X)                                                                               \
    X(code) X(name) X(kind) X(owner) X(channel) X(languages) X(windows) X(state) X(device) X(quiet)

static json_t *text_json(struct str text) {
    return text.at ? json_stringn(text.at, text.bytes) : json_null();
}

static json_t *f64_json(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

char *outlet__row_json(const struct outlet__row *row) {
    json_t *json = json_object(), *covers = json_array();
#define SET_TEXT(field) json_object_set_new(json, #field, text_json(row->field));
    ROW_TEXTS(SET_TEXT)
#undef SET_TEXT
    json_object_set_new(json, "place_id", json_integer(row->place_id));
    json_object_set_new(json, "households", json_integer(row->households));
    json_object_set_new(json, "minutes_per_day", json_integer(row->minutes_per_day));
    json_object_set_new(json, "lead_hours", json_integer(row->lead_hours));
    json_object_set_new(json, "lat", f64_json(row->lat));
    json_object_set_new(json, "lon", f64_json(row->lon));
    for (size_t i = 0; i < row->cover_count; i++) {
        const struct outlet__cover *cover = &row->covers[i];
        json_array_append_new(covers, json_pack("[I,I,I]", (json_int_t)cover->place_id,
                                          (json_int_t)cover->households, (json_int_t)cover->share));
    }
    json_object_set_new(json, "covers", covers);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(json);
    return text;
}

static struct str text_from(json_t *json, const char *field, struct base_arena *arena) {
    json_t *value = json_object_get(json, field);
    return json_is_string(value)
               ? keep(arena, str_of(json_string_value(value), json_string_length(value)))
               : (struct str){0};
}

static double f64_from(json_t *json, const char *field) {
    json_t *value = json_object_get(json, field);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

int outlet__row_from_json(struct str json_text, struct base_arena *arena,
    struct outlet__row *row_out, struct base_err *err) {
    json_t *json = json_loadb(json_text.at ? json_text.at : "", json_text.bytes, 0, NULL);
    json_t *covers = json_object_get(json, "covers");
    size_t count = json_array_size(covers);
#define GET_TEXT(field) row_out->field = text_from(json, #field, arena);
    ROW_TEXTS(GET_TEXT)
#undef GET_TEXT
    row_out->place_id = json_integer_value(json_object_get(json, "place_id"));
    row_out->households = json_integer_value(json_object_get(json, "households"));
    row_out->minutes_per_day = json_integer_value(json_object_get(json, "minutes_per_day"));
    json_t *lead = json_object_get(json, "lead_hours");
    row_out->lead_hours = lead ? json_integer_value(lead) : -1;
    row_out->lat = f64_from(json, "lat");
    row_out->lon = f64_from(json, "lon");
    row_out->cover_count = 0;
    bool fine = row_out->code.at && row_out->windows.at && count <= OUTLET_COVERAGE_MAX;
    for (size_t i = 0; fine && i < count; i++) {
        json_t *item = json_array_get(covers, i);
        row_out->covers[row_out->cover_count++] =
            (struct outlet__cover){json_integer_value(json_array_get(item, 0)),
                json_integer_value(json_array_get(item, 1)),
                json_integer_value(json_array_get(item, 2)) != 0};
    }
    json_decref(json);
    return fine ? 0
                : base_err_set(err, LANTOA_ECORRUPT, "%s",
                      TR("what an outlet was before is damaged in the database"));
}
