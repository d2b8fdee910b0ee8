/* Targets: periods read, decisions kept one after the other. */
#include "conversion/target.h"

#include "audience/import_run.h"
#include "audience/place.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/tr.h"
#include "campaign/store.h"

const char *target_kind_word(enum target_kind kind) {
    return kind == TARGET_STOCK ? "stock" : "flow";
}

/* --- periods --- */

static int64_t month_days(int64_t year, int64_t month) { /* month may be 13 */
    return base_days_from_date(
        (struct base_date){(int)(year + (month - 1) / 12), (int)((month - 1) % 12 + 1), 1});
}

static bool whole_period(struct str text, int64_t *from_out, int64_t *to_out) {
    int64_t year, part = 0, first, count;
    if (text.bytes < 4 || base_parse_i64(str_of(text.at, 4), &year) != 0 || year < 1995 ||
        year > 2200) {
        return false;
    }
    struct str rest = str_of(text.at + 4, text.bytes - 4);
    bool quarter = rest.bytes == 3 && rest.at[0] == '-' && (rest.at[1] == 'Q' || rest.at[1] == 'q');
    if (rest.bytes == 0) {
        first = 1;
        count = 12;
    } else if (rest.bytes == 3 && rest.at[0] == '-' &&
               base_parse_i64(str_of(rest.at + (quarter ? 2 : 1), quarter ? 1 : 2), &part) == 0 &&
               part >= 1 && part <= (quarter ? 4 : 12)) {
        first = quarter ? 3 * part - 2 : part;
        count = quarter ? 3 : 1;
    } else {
        return false;
    }
    *from_out = month_days(year, first);
    *to_out = month_days(year, first + count) - 1;
    return true;
}

int target_period(struct str text, int64_t *from_out, int64_t *to_out, struct base_err *err) {
    struct base_date from, to;
    const char *dots = text.bytes ? memmem(text.at, text.bytes, "..", 2) : NULL;
    if (dots) {
        size_t at = (size_t)(dots - text.at);
        if (base_parse_date(str_trim(str_of(text.at, at)), &from) == 0 &&
            base_parse_date(str_trim(str_of(dots + 2, text.bytes - at - 2)), &to) == 0 &&
            base_days_from_date(from) <= base_days_from_date(to)) {
            *from_out = base_days_from_date(from);
            *to_out = base_days_from_date(to);
            return 0;
        }
    } else if (whole_period(text, from_out, to_out)) {
        return 0;
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("'%.*s' is no period: 2026, 2026-Q3, 2026-07 or 2026-04-01..2026-05-31"),
        (int)(text.bytes < 40 ? text.bytes : 40), text.at);
}

/* --- places --- */

/* What became of the place that had this code last. */
static int gone_place(struct db *db, struct str code, const char *date, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char names[400] = "";
    char old[128] = "", until[BASE_DATE_MAX] = "";
    int rc = db_prepare(db,
        "SELECT p.name, p.valid_to, n.name, n.code FROM place p LEFT JOIN place_successor s ON "
        "s.place_id = p.id LEFT JOIN place n ON n.id = s.successor_id WHERE p.code = ?1 AND "
        "p.valid_to IS NOT NULL AND p.valid_to <= ?2 ORDER BY p.valid_to DESC, n.name LIMIT 4",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_str(stmt, 1, code);
    db_bind_text(stmt, 2, date);
    size_t at = 0;
    while ((rc = db_step(stmt, err)) == 1) {
        snprintf(old, sizeof old, "%.*s", STR_ARG(db_column_str(stmt, 0)));
        snprintf(until, sizeof until, "%.*s", STR_ARG(db_column_str(stmt, 1)));
        if (!db_column_is_null(stmt, 2) && at + 160 < sizeof names) {
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%.*s (%.*s)", at ? ", " : "",
                (int)(db_column_str(stmt, 2).bytes < 100 ? db_column_str(stmt, 2).bytes : 100),
                db_column_str(stmt, 2).at, STR_ARG(db_column_str(stmt, 3)));
        }
    }
    db_finish(&stmt);
    if (rc < 0) {
        return rc;
    }
    if (!old[0]) {
        return base_err_set(
            err, LANTOA_ENOENT, TR("no place has the code \"%.*s\" on %s"), STR_ARG(code), date);
    }
    return names[0] ? base_err_set(err, LANTOA_ENOENT,
                          TR("%s (%.*s) stands no longer since %s; its people are in: %s"), old,
                          STR_ARG(code), until, names)
                    : base_err_set(err, LANTOA_ENOENT,
                          TR("%s (%.*s) stands no longer since %s, and no successor is known"), old,
                          STR_ARG(code), until);
}

int target_place(struct db *db, struct str code, int64_t decided_days, int64_t *place_id_out,
    struct base_err *err) {
    struct base_err why = {0};
    char date[BASE_DATE_MAX];
    int rc = place_by_code(db, code, NULL, decided_days, place_id_out, &why);
    if (rc == 0) {
        return 0;
    }
    base_format_date(base_date_from_days(decided_days), date);
    return rc == LANTOA_ENOENT ? gone_place(db, code, date, err)
                               : base_err_set(err, rc, "%s", why.text);
}

/* --- keeping --- */

struct keeper {
    struct db_stmt *known, *insert;
    int64_t batch_id, now_ms;
    const char *who;
};

static int keeper_init(struct keeper *k, struct db *db, struct base_err *err) {
    int rc = db_prepare(db,
        "SELECT value FROM target WHERE place_id = ?1 AND kind = ?2 AND period_from = ?3 AND "
        "period_to = ?4 AND decided_on = ?5",
        &k->known, err);
    return rc ? rc
              : db_prepare(db,
                    "INSERT INTO target (place_id, kind, period_from, period_to, decided_on, "
                    "value, document, recorded_at, recorded_by, batch_id) VALUES (?1, ?2, ?3, ?4, "
                    "?5, ?6, ?7, ?8, ?9, ?10)",
                    &k->insert, err);
}

static void keeper_release(struct keeper *k) {
    db_finish(&k->known);
    db_finish(&k->insert);
}

static int keep(
    struct keeper *k, const struct target *target, bool *added_out, struct base_err *err) {
    char from[BASE_DATE_MAX], to[BASE_DATE_MAX], decided[BASE_DATE_MAX];
    struct db_stmt *both[] = {k->known, k->insert};
    base_format_date(base_date_from_days(target->from_days), from);
    base_format_date(base_date_from_days(target->to_days), to);
    base_format_date(base_date_from_days(target->decided_days), decided);
    for (size_t i = 0; i < 2; i++) {
        db_bind_i64(both[i], 1, target->place_id);
        db_bind_text(both[i], 2, target_kind_word(target->kind));
        db_bind_text(both[i], 3, from);
        db_bind_text(both[i], 4, to);
        db_bind_text(both[i], 5, decided);
    }
    *added_out = false;
    int rc = db_step(k->known, err);
    int64_t value = rc == 1 ? db_column_i64(k->known, 0) : 0;
    db_reset(k->known);
    if (rc == 1) {
        return value == target->value
                   ? 0
                   : base_err_set(err, LANTOA_EEXIST,
                         TR("the decision of %s already sets %lld: a revision needs a later day"),
                         decided, (long long)value);
    }
    if (rc < 0) {
        return rc;
    }
    db_bind_i64(k->insert, 6, target->value);
    db_bind_text(k->insert, 7, target->document);
    db_bind_i64(k->insert, 8, k->now_ms);
    db_bind_text(k->insert, 9, k->who);
    if (k->batch_id) {
        db_bind_i64(k->insert, 10, k->batch_id);
    } else {
        db_bind_null(k->insert, 10);
    }
    *added_out = true;
    return db_run(k->insert, err);
}

int target_set(struct db *db, const struct target *target, const char *who, bool *added_out,
    struct base_err *err) {
    struct keeper k = {.now_ms = base_clock_now_ms(), .who = who};
    char object[32], detail[48];
    int rc = keeper_init(&k, db, err);
    rc = rc ? rc : db_begin(db, err);
    if (rc == 0) {
        rc = keep(&k, target, added_out, err);
        snprintf(object, sizeof object, "%lld", (long long)target->place_id);
        snprintf(detail, sizeof detail, "%s %lld", target_kind_word(target->kind),
            (long long)target->value);
        if (rc == 0 && *added_out) {
            rc = audit_add(db, who, "target", object, detail, err);
        }
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    keeper_release(&k);
    return rc;
}

/* --- import --- */

enum field {
    FIELD_PLACE,
    FIELD_KIND,
    FIELD_PERIOD,
    FIELD_VALUE,
    FIELD_DECIDED,
    FIELD_DOCUMENT,
    FIELDS
};
static const struct audience__field fields[FIELDS] = {
    [FIELD_PLACE] = {"place_code", "ma dia ban|ma xa|place"},
    [FIELD_KIND] = {"kind", "loai|loai chi tieu"},
    [FIELD_PERIOD] = {"period", "ky|nam|thoi ky"},
    [FIELD_VALUE] = {"value", "chi tieu|gia tri|target"},
    [FIELD_DECIDED] = {"decided_on", "ngay giao|ngay quyet dinh|ngay"},
    [FIELD_DOCUMENT] = {"document", "van ban|so van ban|quyet dinh"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = FIELDS};
enum { VALUE_MOST = 100000000, DOCUMENT_MOST = 500 };

static int refuse(struct audience__run *run, const struct audience_csv_row *row, enum field field,
    const char *reason) {
    audience__run_fault(run, row->line,
        audience__columns_heading(run->columns, run->csv, &spec, field),
        audience__columns_value(run->columns, row, field), reason, false);
    run->outcome->rejected++;
    return 1;
}

/* 0, 1 refused, or negative. document must hold DOCUMENT_MOST + 1 bytes. */
static int read_target(struct audience__run *run, const struct audience_csv_row *row,
    struct target *target, char *document, struct base_err *err) {
    struct str kind = audience__columns_value(run->columns, row, FIELD_KIND);
    struct str text = audience__columns_value(run->columns, row, FIELD_DOCUMENT);
    struct base_err why = {0};
    struct base_date decided;
    if (row->fault) {
        return refuse(run, row, FIELD_PLACE, row->fault);
    }
    bool stock = str_is(kind, "stock");
    if (!stock && !str_is(kind, "flow")) {
        return refuse(run, row, FIELD_KIND, TR("the kind is stock or flow"));
    }
    target->kind = stock ? TARGET_STOCK : TARGET_FLOW;
    if (target_period(audience__columns_value(run->columns, row, FIELD_PERIOD), &target->from_days,
            &target->to_days, &why) != 0) {
        return refuse(run, row, FIELD_PERIOD, why.text);
    }
    if (base_parse_i64(audience__columns_value(run->columns, row, FIELD_VALUE), &target->value) !=
            0 ||
        target->value < 0 || target->value > VALUE_MOST) {
        return refuse(run, row, FIELD_VALUE, TR("not a number of people"));
    }
    if (base_parse_date(audience__columns_value(run->columns, row, FIELD_DECIDED), &decided) != 0) {
        return refuse(
            run, row, FIELD_DECIDED, TR("not a date (write it as 2026-12-31 or 31/12/2026)"));
    }
    if (text.bytes == 0 || text.bytes > DOCUMENT_MOST) {
        return refuse(run, row, FIELD_DOCUMENT, TR("the document that sets the target is needed"));
    }
    snprintf(document, DOCUMENT_MOST + 1, "%.*s", STR_ARG(text));
    target->document = document;
    target->decided_days = base_days_from_date(decided);
    int rc = target_place(run->db, audience__columns_value(run->columns, row, FIELD_PLACE),
        target->decided_days, &target->place_id, &why);
    if (rc == LANTOA_ENOENT) {
        return refuse(run, row, FIELD_PLACE, why.text);
    }
    return rc ? base_err_set(err, rc, "%s", why.text) : 0;
}

static int take_row(struct audience__run *run, struct keeper *k, const struct audience_csv_row *row,
    struct base_err *err) {
    struct target target = {0};
    struct base_err why = {0};
    char document[DOCUMENT_MOST + 1];
    bool added = false;
    run->outcome->rows++;
    run->position = audience_csv_position(run->csv);
    int rc = read_target(run, row, &target, document, err);
    if (rc) {
        return rc < 0 ? rc : 0;
    }
    rc = keep(k, &target, &added, &why);
    if (rc == LANTOA_EEXIST) {
        (void)refuse(run, row, FIELD_VALUE, why.text);
        return 0;
    }
    run->outcome->added += added;
    run->outcome->unchanged += !added;
    return rc ? base_err_set(err, rc, "%s", why.text) : 0;
}

int target_import(struct db *db, const struct audience_import *options, const char *who,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    struct audience__run run;
    struct keeper k = {.who = who};
    int rc = audience__run_open(&run, db, options, &spec, outcome_out, err);
    if (rc) {
        return rc;
    }
    for (int field = 0; rc == 0 && field < FIELDS; field++) {
        const int needed[] = {field, -1};
        rc = audience__run_needs(&run, needed, err);
    }
    rc = rc ? rc : audience__run_start(&run, "target", err);
    k.batch_id = run.batch_id;
    k.now_ms = run.now_ms;
    rc = rc ? rc : keeper_init(&k, db, err);
    struct audience_csv_row row;
    while (rc == 0 && (rc = audience_csv_next(run.csv, &row, err)) == 1) {
        bool committed = false;
        rc = take_row(&run, &k, &row, err);
        rc = rc ? rc : audience__run_row(&run, &committed, err);
    }
    keeper_release(&k);
    return audience__run_end(&run, rc, err);
}

/* --- reading --- */

int target_each(struct db *db, const struct target_query *query,
    int (*row)(void *arg, const struct target_row *row), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT t.id, t.place_id, p.code, p.name, t.kind, t.period_from, t.period_to, "
        "t.decided_on, t.document, t.recorded_by, t.value, t.recorded_at, "
        "(SELECT f.value FROM target f WHERE f.place_id = t.place_id AND f.kind = t.kind AND "
        "f.period_from = t.period_from AND f.period_to = t.period_to ORDER BY f.decided_on LIMIT "
        "1), "
        "(SELECT COUNT(*) FROM target f WHERE f.place_id = t.place_id AND f.kind = t.kind AND "
        "f.period_from = t.period_from AND f.period_to = t.period_to AND f.decided_on < "
        "t.decided_on) "
        "FROM target t JOIN place p ON p.id = t.place_id WHERE (?1 = 0 OR t.place_id = ?1) AND "
        "(?2 = '' OR (t.period_from <= ?2 AND t.period_to >= ?2)) AND (?3 = 1 OR NOT EXISTS "
        "(SELECT 1 FROM target l WHERE l.place_id = t.place_id AND l.kind = t.kind AND "
        "l.period_from = t.period_from AND l.period_to = t.period_to AND l.decided_on > "
        "t.decided_on)) ORDER BY t.period_from, t.period_to, t.kind, p.name, p.id, t.decided_on",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, query->place_id);
    db_bind_text(stmt, 2, query->on ? query->on : "");
    db_bind_i64(stmt, 3, query->history);
    while ((rc = db_step(stmt, err)) == 1) {
        const struct target_row found = {.id = db_column_i64(stmt, 0),
            .place_id = db_column_i64(stmt, 1),
            .place_code = db_column_str(stmt, 2),
            .place = db_column_str(stmt, 3),
            .kind = db_column_str(stmt, 4),
            .from = db_column_str(stmt, 5),
            .to = db_column_str(stmt, 6),
            .decided_on = db_column_str(stmt, 7),
            .document = db_column_str(stmt, 8),
            .recorded_by = db_column_str(stmt, 9),
            .value = db_column_i64(stmt, 10),
            .recorded_at = db_column_i64(stmt, 11),
            .first_value = db_column_i64(stmt, 12),
            .revisions = db_column_i64(stmt, 13)};
        rc = row(arg, &found);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}
