/* Which place came of which: the import of successions. */
#include "audience/place.h"

#include "audience/import_run.h"
#include "base/civil.h"
#include "base/parse.h"
#include "base/tr.h"

#include <stdio.h>

enum field { FIELD_OLD, FIELD_NEW, FIELD_SINCE, FIELD_SHARE, FIELD_LEVEL, FIELDS };

static const struct audience__field fields[FIELDS] = {
    [FIELD_OLD] = {"old_code", "ma cu"},
    [FIELD_NEW] = {"new_code", "ma moi"},
    [FIELD_SINCE] = {"since", "tu ngay|hieu luc tu"},
    [FIELD_SHARE] = {"share", "ty le|ti le"},
    [FIELD_LEVEL] = {"level", "cap"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = FIELDS};

struct succession {
    struct audience__run run;
    struct db_stmt *put, *close, *known;
};

static void refuse(struct succession *import, const struct audience_csv_row *row, enum field field,
    struct str value, const char *reason) {
    audience__run_fault(&import->run, row->line,
        audience__columns_heading(import->run.columns, import->run.csv, &spec, field), value,
        reason, false);
    import->run.outcome->rejected++;
}

/* Both ends of one row. false: refused. */
struct ends {
    int64_t old_id, new_id;
    int64_t since_days;
    char since[BASE_DATE_MAX];
    double share;
};

static bool read_ends(
    struct succession *import, const struct audience_csv_row *row, struct ends *ends) {
    const struct audience__columns *columns = import->run.columns;
    struct str since = audience__columns_value(columns, row, FIELD_SINCE);
    struct str share = audience__columns_value(columns, row, FIELD_SHARE);
    struct base_date date;
    if (row->fault) {
        refuse(import, row, FIELD_OLD, row->fields[0], row->fault);
        return false;
    }
    if (base_parse_date(since, &date)) {
        refuse(import, row, FIELD_SINCE, since,
            TR("not a date (write it as 2025-07-01 or 01/07/2025)"));
        return false;
    }
    ends->since_days = base_days_from_date(date);
    base_format_date(date, ends->since);
    ends->share = 1;
    if (share.bytes > 0 &&
        (base_parse_f64(share, &ends->share) || ends->share <= 0 || ends->share > 1)) {
        refuse(import, row, FIELD_SHARE, share, TR("the share is a number above 0, at most 1"));
        return false;
    }
    return true;
}

/* Negative: the database failed; 0 with *id_out 0: refused. */
static int find_end(struct succession *import, const struct audience_csv_row *row, enum field field,
    const char *level, int64_t since, int64_t *id_out, struct base_err *err) {
    struct str code = audience__columns_value(import->run.columns, row, field);
    struct base_err why = {0};
    *id_out = 0;
    int rc = field == FIELD_OLD ? place_before(import->run.db, code, level, since, id_out, &why)
                                : place_by_code(import->run.db, code, level, since, id_out, &why);
    if (rc == LANTOA_ENOENT) {
        refuse(import, row, field, code, why.text);
        *id_out = 0;
        return 0;
    }
    return rc ? base_err_set(err, rc, "%s", why.text) : 0;
}

static int write_link(struct succession *import, const struct ends *ends, struct base_err *err) {
    db_bind_i64(import->known, 1, ends->old_id);
    db_bind_i64(import->known, 2, ends->new_id);
    int rc = db_step(import->known, err);
    if (rc < 0) {
        return rc;
    }
    bool known = rc == 1;
    bool same = known && db_column_f64(import->known, 0) == ends->share &&
                str_is(db_column_str(import->known, 1), ends->since);
    db_reset(import->known);
    db_bind_i64(import->put, 1, ends->old_id);
    db_bind_i64(import->put, 2, ends->new_id);
    db_bind_text(import->put, 3, ends->since);
    db_bind_f64(import->put, 4, ends->share);
    rc = db_run(import->put, err);
    if (rc == 0) {
        db_bind_i64(import->close, 1, ends->old_id);
        db_bind_text(import->close, 2, ends->since);
        rc = db_run(import->close, err);
    }
    import->run.outcome->unchanged += same;
    import->run.outcome->updated += known && !same;
    import->run.outcome->added += !known;
    return rc;
}

static int take_row(
    struct succession *import, const struct audience_csv_row *row, struct base_err *err) {
    struct ends ends = {0};
    import->run.outcome->rows++;
    import->run.position = audience_csv_position(import->run.csv);
    if (!read_ends(import, row, &ends)) {
        return 0;
    }
    char level[16] = "";
    struct str text = audience__columns_value(import->run.columns, row, FIELD_LEVEL);
    (void)snprintf(level, sizeof(level), "%.*s", STR_ARG(text));
    const char *wanted = text.bytes ? level : NULL;
    int rc = find_end(import, row, FIELD_OLD, wanted, ends.since_days, &ends.old_id, err);
    if (rc || ends.old_id == 0) {
        return rc;
    }
    rc = find_end(import, row, FIELD_NEW, wanted, ends.since_days, &ends.new_id, err);
    if (rc || ends.new_id == 0) {
        return rc;
    }
    if (ends.old_id == ends.new_id) {
        /* It goes on unchanged; nothing to link. */
        import->run.outcome->unchanged++;
        return 0;
    }
    return write_link(import, &ends, err);
}

static int take_all(struct succession *import, struct base_err *err) {
    struct db *db = import->run.db;
    int rc = db_prepare(db,
        "INSERT INTO place_successor (place_id, successor_id, since, share) VALUES (?1, ?2, ?3, "
        "?4) ON CONFLICT (place_id, successor_id) DO UPDATE SET since = excluded.since, share = "
        "excluded.share",
        &import->put, err);
    rc = rc ? rc
            : db_prepare(db,
                  "UPDATE place SET valid_to = ?2 WHERE id = ?1 AND (valid_to IS NULL OR "
                  "valid_to < ?2)",
                  &import->close, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT share, since FROM place_successor WHERE place_id = ?1 AND "
                  "successor_id = ?2",
                  &import->known, err);
    struct audience_csv_row row;
    while (rc == 0 && (rc = audience_csv_next(import->run.csv, &row, err)) == 1) {
        bool committed = false;
        rc = take_row(import, &row, err);
        rc = rc ? rc : audience__run_row(&import->run, &committed, err);
    }
    db_finish(&import->put);
    db_finish(&import->close);
    db_finish(&import->known);
    return rc;
}

int place_import_successors(struct db *db, const struct audience_import *options,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    static const int needed[][2] = {{FIELD_OLD, -1}, {FIELD_NEW, -1}, {FIELD_SINCE, -1}};
    struct succession import = {0};
    int rc = audience__run_open(&import.run, db, options, &spec, outcome_out, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < sizeof(needed) / sizeof(needed[0]); i++) {
        rc = audience__run_needs(&import.run, needed[i], err);
    }
    rc = rc ? rc : audience__run_start(&import.run, "successor", err);
    rc = rc ? rc : take_all(&import, err);
    return audience__run_end(&import.run, rc, err);
}
