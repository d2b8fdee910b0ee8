/* Arms that somebody else drew: a file of units. */
#include "delivery/lot.h"

#include "audience/columns.h"
#include "audience/place.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

enum field { FIELD_UNIT, FIELD_ARM, FIELD_STRATUM, FIELDS };
static const struct audience__field fields[FIELDS] = {
    [FIELD_UNIT] = {"unit", "don vi|ma don vi|ma xa|ma dia ban|place_code|ref|household"},
    [FIELD_ARM] = {"arm", "nhanh|nhom|group"},
    [FIELD_STRATUM] = {"stratum", "tang|strata|block"},
};
static const struct audience__column_spec columns_spec = {.fields = fields, .field_count = FIELDS};

struct importer {
    struct db *db;
    const char *path;
    enum holdout_unit unit;
    int64_t first_day; /* of the campaign, for codes of places */
    struct audience_csv *csv;
    struct audience__columns *columns;
    struct lot *lot;
    size_t room;
    struct db_stmt *people;
    struct lot_outcome *out;
};

static int refuse(const struct importer *m, int64_t line, enum field field, struct base_err *err,
    const char *fmt, ...) LANTOA_PRINTF(5, 6);
static int refuse(const struct importer *m, int64_t line, enum field field, struct base_err *err,
    const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct str heading = audience__columns_heading(m->columns, m->csv, &columns_spec, field);
    return base_err_set(err, LANTOA_EINVAL, TR("%s:%lld: field %.*s: %s"), m->path, (long long)line,
        STR_ARG(heading), text);
}

static int read_arm(struct str text, int *arm_out) {
    static const char treated[] = "|treated|treatment|t|1|yes|intervention|can thiep|tac dong|co|";
    static const char control[] = "|control|c|0|no|none|holdout|doi chung|khong|";
    struct base_buf key;
    base_buf_init(&key, 256);
    base_buf_add_char(&key, '|');
    int rc = text.bytes && text.bytes < 60 ? base_text_key(&key, text) : LANTOA_EINVAL;
    base_buf_add_char(&key, '|');
    if (rc == 0) {
        *arm_out = strstr(treated, base_buf_text(&key)) ? 1 : 0;
        rc = *arm_out || strstr(control, base_buf_text(&key)) ? 0 : LANTOA_EINVAL;
    }
    base_buf_release(&key);
    return rc;
}

static void add_unit(struct importer *m, int64_t id, int arm, const char *stratum) {
    if (m->lot->count == m->room) {
        m->room = m->room ? 2 * m->room : 256;
        m->lot->units = base_realloc(m->lot->units, m->room * sizeof *m->lot->units);
    }
    m->lot->units[m->lot->count++] = (struct lot_unit){id, arm, stratum};
}

/* The places or contacts a unit means, added with its line as the stratum's neighbour. */
static int resolve(struct importer *m, const struct audience_csv_row *row, struct str unit, int arm,
    const char *stratum, struct base_err *err) {
    int64_t found = 0;
    int rc = 0;
    if (m->unit == HOLDOUT_PLACE) {
        struct base_err missing = {0};
        rc = place_by_code(m->db, unit, NULL, m->first_day, &found, &missing);
        if (rc == 0) {
            add_unit(m, found, arm, stratum);
            return 0;
        }
        return rc == LANTOA_ENOENT
                   ? refuse(m, row->line, FIELD_UNIT, err,
                         TR("no place has the code %.*s on the campaign's first day"),
                         STR_ARG(unit))
                   : base_err_set(err, rc, "%s", missing.text);
    }
    db_bind_str(m->people, 1, unit);
    while ((rc = db_step(m->people, err)) == 1) {
        add_unit(m, db_column_i64(m->people, 0), arm, stratum);
        found++;
    }
    if (rc == 0 && found == 0) {
        rc = refuse(m, row->line, FIELD_UNIT, err,
            m->unit == HOLDOUT_HOUSEHOLD ? TR("there is no household %.*s")
                                         : TR("there is no contact %.*s"),
            STR_ARG(unit));
    }
    if (rc == 0 && m->unit == HOLDOUT_CONTACT && found > 1) {
        rc = refuse(m, row->line, FIELD_UNIT, err, TR("%lld contacts are called %.*s"),
            (long long)found, STR_ARG(unit));
    }
    return rc;
}

static int take_row(struct importer *m, const struct audience_csv_row *row, struct base_err *err) {
    struct str unit = audience__columns_value(m->columns, row, FIELD_UNIT);
    struct str arm_text = audience__columns_value(m->columns, row, FIELD_ARM);
    struct str stratum = audience__columns_value(m->columns, row, FIELD_STRATUM);
    int arm = 0;
    m->out->rows++;
    if (row->fault) {
        return refuse(m, row->line, FIELD_UNIT, err, "%s", row->fault);
    }
    if (unit.bytes == 0) {
        return refuse(m, row->line, FIELD_UNIT, err, "%s", TR("is empty"));
    }
    if (read_arm(arm_text, &arm) != 0) {
        return refuse(m, row->line, FIELD_ARM, err, TR("'%.*s' is no arm: treated or control"),
            STR_ARG(arm_text));
    }
    if (stratum.bytes > LOT_STRATUM_BYTES_MOST) {
        return refuse(m, row->line, FIELD_STRATUM, err, "%s", TR("is too long"));
    }
    if (m->lot->count >= LOT_UNITS_MOST) {
        return refuse(m, row->line, FIELD_UNIT, err, TR("more than %d units"), LOT_UNITS_MOST);
    }
    const char *kept =
        base_arena_strndup(m->lot->arena, stratum.at ? stratum.at : "", stratum.bytes);
    size_t first = m->lot->count;
    int rc = resolve(m, row, unit, arm, kept, err);
    m->out->units += rc == 0 && m->lot->count > first;
    return rc;
}

/* --- the same unit twice --- */

struct seen {
    size_t order; /* in the file */
    struct lot_unit unit;
};

static int seen_order(const void *a, const void *b) {
    const struct seen *x = a;
    const struct seen *y = b;
    if (x->unit.id != y->unit.id) {
        return x->unit.id < y->unit.id ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static int name_unit(struct importer *m, int64_t id, struct base_buf *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(m->db,
        m->unit == HOLDOUT_PLACE
            ? "SELECT code FROM place WHERE id = ?1"
            : "SELECT coalesce(ref, CAST(id AS TEXT)) FROM contact WHERE id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_step(stmt, err);
        base_buf_add_str(out, rc == 1 ? db_column_str(stmt, 0) : STR("?"));
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int check_units(struct importer *m, struct base_err *err) {
    struct lot *lot = m->lot;
    struct seen *seen = base_alloc_array(lot->count + 1, sizeof *seen);
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; i < lot->count; i++) {
        seen[i] = (struct seen){i, lot->units[i]};
    }
    if (lot->count) {
        qsort(seen, lot->count, sizeof *seen, seen_order);
    }
    for (size_t i = 0; rc == 0 && i < lot->count; i++) {
        const struct lot_unit *last = kept ? &lot->units[kept - 1] : NULL;
        if (!last || last->id != seen[i].unit.id) {
            lot->units[kept++] = seen[i].unit;
            continue;
        }
        m->out->repeated++;
        if (last->arm != seen[i].unit.arm || strcmp(last->stratum, seen[i].unit.stratum) != 0) {
            struct base_buf name;
            base_buf_init(&name, 200);
            rc = name_unit(m, seen[i].unit.id, &name, err);
            if (rc == 0) {
                rc = base_err_set(err, LANTOA_EINVAL,
                    last->arm != seen[i].unit.arm
                        ? TR("%s: field arm: %s stands in both arms (row %zu below the heading)")
                        : TR("%s: field stratum: %s stands in two strata (row %zu below the "
                             "heading)"),
                    m->path, base_buf_text(&name), seen[i].order + 1);
            }
            base_buf_release(&name);
        }
    }
    lot->count = kept;
    base_free(seen);
    for (size_t i = 0; i < kept; i++) {
        m->out->treated += lot->units[i].arm == 1;
        m->out->control += lot->units[i].arm == 0;
    }
    if (rc == 0 && (m->out->treated == 0 || m->out->control == 0)) {
        rc = base_err_set(err, LANTOA_EINVAL,
            m->out->treated == 0 ? TR("%s: field arm: nobody is treated")
                                 : TR("%s: field arm: nobody is in the control arm"),
            m->path);
    }
    return rc;
}

/* --- the file --- */

static int read_file(
    struct importer *m, const struct audience_import *import, struct base_err *err) {
    struct audience_csv_row row;
    int rc = audience_csv_open(import->path, &m->csv, err);
    rc = rc == 0 ? audience__columns_build(m->csv, import, &columns_spec, &m->columns, err) : rc;
    for (int field = FIELD_UNIT; rc == 0 && field <= FIELD_ARM; field++) {
        if (!audience__columns_has(m->columns, (size_t)field)) {
            rc = base_err_set(
                err, LANTOA_EINVAL, TR("%s: there is no column %s"), m->path, fields[field].name);
        }
    }
    if (rc == 0 && m->unit != HOLDOUT_PLACE) {
        rc = db_prepare(m->db,
            m->unit == HOLDOUT_HOUSEHOLD
                ? "SELECT id FROM contact WHERE household = ?1 ORDER BY id"
                : "SELECT id FROM contact WHERE ref = ?1 UNION SELECT id FROM contact WHERE "
                  "person_id = ?1 UNION SELECT id FROM contact WHERE phone = ?1 UNION SELECT id "
                  "FROM contact WHERE email = ?1",
            &m->people, err);
    }
    while (rc == 0 && (rc = audience_csv_next(m->csv, &row, err)) == 1) {
        rc = take_row(m, &row, err);
    }
    return rc == 0 ? check_units(m, err) : rc;
}

/* Whether arms may come in now; *same_out: these very arms are there. */
static int check_state(const struct importer *m, const struct campaign_row *row,
    const struct campaign_spec *spec, bool *same_out, struct base_err *err) {
    struct lot *old = NULL;
    int rc = lot_load(m->db, row->id, &old, err);
    if (rc != 0) {
        return rc;
    }
    *same_out = old && strcmp(old->hash, m->lot->hash) == 0 && old->unit == m->lot->unit &&
                old->measure_only == m->lot->measure_only;
    bool started = row->state >= CAMPAIGN_RUNNING;
    if (spec->has_holdout) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("campaign %s draws a lot of its own (\"holdout\" in its file)"), row->name);
    } else if (started && !*same_out && old) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("campaign %s has started: its lot (hash %.12s) cannot change any more"), row->name,
            old->hash);
    } else if (!m->lot->measure_only && !*same_out && row->state != CAMPAIGN_DRAFT) {
        rc = base_err_set(err, LANTOA_ESTATE,
            started ? TR("campaign %s has started: arms can only be measured now "
                         "(--measure-only)")
                    : TR("campaign %s is planned: take that back first (campaign unplan)"),
            row->name);
    }
    lot_free(&old);
    return rc;
}

static int count_people(struct importer *m, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    if (m->unit != HOLDOUT_PLACE) {
        m->out->people = (int64_t)m->lot->count;
        return 0;
    }
    int rc = db_prepare(m->db, "SELECT count(*) FROM contact WHERE place_id = ?1", &stmt, err);
    for (size_t i = 0; rc == 0 && i < m->lot->count; i++) {
        db_bind_i64(stmt, 1, m->lot->units[i].id);
        rc = db_step(stmt, err);
        m->out->people += rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 1 ? 0 : rc;
        db_reset(stmt);
    }
    db_finish(&stmt);
    return rc;
}

static int keep(
    struct importer *m, const struct campaign_row *row, const char *who, struct base_err *err) {
    int rc = db_begin(m->db, err);
    if (rc == 0) {
        rc = lot__keep(m->db, row->id, m->lot, row->name, who, err);
        if (rc == 0) {
            rc = db_commit(m->db, err);
        } else {
            db_rollback(m->db);
        }
    }
    return rc;
}

int lot_import(struct db *db, const char *campaign, const struct audience_import *import,
    enum holdout_unit unit, bool measure_only, const char *who, struct lot_outcome *outcome,
    struct base_err *err) {
    struct importer m = {.db = db, .path = import->path, .unit = unit, .out = outcome};
    struct campaign_row row = {0};
    struct campaign_spec *spec = NULL;
    bool same = false;
    *outcome = (struct lot_outcome){0};
    m.lot = base_alloc(sizeof *m.lot);
    m.lot->arena = base_arena_new();
    m.lot->design = LOT_IMPORTED;
    m.lot->unit = unit;
    m.lot->measure_only = measure_only;
    int rc = campaign_get(db, campaign, &row, err);
    rc = rc == 0 ? campaign_row_spec(&row, &spec, err) : rc;
    if (rc == 0) {
        m.first_day = base_days_from_date(spec->from);
        rc = read_file(&m, import, err);
    }
    if (rc == 0) {
        lot__hash(m.lot);
        memcpy(outcome->hash, m.lot->hash, sizeof outcome->hash);
        rc = check_state(&m, &row, spec, &same, err);
    }
    rc = rc == 0 ? count_people(&m, err) : rc;
    outcome->changed = rc == 0 && !same;
    if (rc == 0 && !same && !import->dry_run) {
        rc = keep(&m, &row, who, err);
    }
    db_finish(&m.people);
    audience__columns_free(&m.columns);
    audience_csv_close(&m.csv);
    lot_free(&m.lot);
    campaign_spec_free(&spec);
    campaign_row_release(&row);
    return rc;
}
