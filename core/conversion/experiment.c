/* Who was assigned to what, who enrolled, who was reached. */
#include "conversion/experiment_private.h"

#include "base/mem.h"
#include "base/tr.h"
#include "conversion/recorded.h"
#include "delivery/ledger.h"
#include "stats/estimate.h"

const char *experiment_scale_word(enum experiment_scale scale) {
    static const char *const words[] = {
#define WORD(name, word) word,
        EXPERIMENT_SCALES(WORD)
#undef WORD
    };
    return words[scale];
}

const char *experiment_verdict_word(enum experiment_verdict verdict) {
    static const char *const words[] = {
#define WORD(name, word) word,
        EXPERIMENT_VERDICTS(WORD)
#undef WORD
    };
    return words[verdict];
}

/* --- people --- */

static uint32_t stratum_of(struct experiment__data *d, const char *name, struct base_err *err) {
    for (size_t i = d->stratum_count; i-- > 0;) {
        if (strcmp(d->strata[i], name) == 0) {
            return (uint32_t)i;
        }
    }
    if (d->stratum_count == STATS_STRATA_MAX) {
        (void)base_err_set(err, LANTOA_ELIMIT, TR("more than %d strata"), STATS_STRATA_MAX);
        return UINT32_MAX;
    }
    if (d->stratum_count == d->stratum_room) {
        d->stratum_room = d->stratum_room ? 2 * d->stratum_room : 16;
        d->strata = base_realloc(d->strata, d->stratum_room * sizeof *d->strata);
    }
    d->strata[d->stratum_count++] = name;
    return (uint32_t)d->stratum_count - 1;
}

static bool in_clusters(const struct experiment__data *d) {
    return d->out->unit == HOLDOUT_PLACE || d->out->unit == HOLDOUT_HOUSEHOLD;
}

/* Columns: contact, place, household. arm < 0: in none. */
static int add_person(struct experiment__data *d, struct db_stmt *stmt, int arm,
    const char *stratum, struct base_err *err) {
    struct str household = db_column_str(stmt, 2);
    if (arm < 0) {
        d->out->unassigned++;
        return 0;
    }
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 1024;
        d->people = base_realloc(d->people, d->room * sizeof *d->people);
    }
    struct experiment__person *person = &d->people[d->count++];
    *person = (struct experiment__person){.contact_id = db_column_i64(stmt, 0), .arm = arm};
    person->cluster = d->out->unit == HOLDOUT_PLACE ? (uint64_t)db_column_i64(stmt, 1)
                      : household.bytes             ? base_hash64(household.at, household.bytes)
                                        : (uint64_t)person->contact_id << 1 | UINT64_C(1) << 63;
    person->stratum = stratum_of(d, stratum, err);
    return person->stratum == UINT32_MAX ? LANTOA_ELIMIT : 0;
}

/* The arms as they were imported to be measured only, or of a campaign not planned yet. */
static int people_of_arms(struct experiment__data *d, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db,
        d->lot->unit == HOLDOUT_PLACE
            ? "SELECT c.id, c.place_id, c.household, u.unit_id FROM experiment_unit u JOIN contact "
              "c ON c.place_id = u.unit_id WHERE u.campaign_id = ?1 ORDER BY c.id"
            : "SELECT c.id, c.place_id, c.household, u.unit_id FROM experiment_unit u JOIN contact "
              "c ON c.id = u.unit_id WHERE u.campaign_id = ?1 ORDER BY c.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, d->row.id);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        const struct lot_unit *unit = lot_find(d->lot, db_column_i64(stmt, 3));
        rc = unit ? add_person(d, stmt, unit->arm, unit->stratum, err) : 0;
    }
    db_finish(&stmt);
    return rc;
}

/* The audience as it was frozen: every person has a row of the first step. */
static int people_of_ledger(struct experiment__data *d, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db,
        "SELECT " LEDGER_RECIPIENT_SQL(
            "m.id") ", coalesce(c.place_id, 0), c.household, m.reason "
                    "FROM message m LEFT JOIN contact c ON c.id = " LEDGER_RECIPIENT_SQL(
                        "m.id") " WHERE m.id BETWEEN ?1 AND ?2 AND (m.id & 15) = 0 ORDER BY m.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, ledger_first(d->first_step));
        db_bind_i64(stmt, 2, ledger_first(d->first_step) + (INT64_C(1) << 42) - 1);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        int arm = db_column_i64(stmt, 3) != SUPPRESSED_HOLDOUT;
        const struct lot_unit *unit =
            d->lot ? lot_find(d->lot, db_column_i64(stmt, d->lot->unit == HOLDOUT_PLACE)) : NULL;
        if (d->lot) {
            arm = unit ? unit->arm : -1;
        }
        rc = add_person(d, stmt, arm, unit ? unit->stratum : "", err);
    }
    db_finish(&stmt);
    return rc;
}

/* --- what became of them --- */

static struct experiment__person *find(struct experiment__data *d, int64_t contact) {
    size_t low = 0;
    size_t high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->people[middle].contact_id < contact) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < d->count && d->people[low].contact_id == contact ? &d->people[low] : NULL;
}

static int read_enrolled(struct experiment__data *d, struct base_err *err) {
    struct recorded_list list = {0};
    bool over = d->out->until_day < d->out->today; /* nothing from after today */
    const struct recorded_ask ask = {
        .from_day = d->out->from_day, .to_day = over ? d->out->until_day : d->out->today};
    int rc = recorded_read(d->db, &ask, &list, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        struct experiment__person *person =
            list.rows[i].contact_id ? find(d, list.rows[i].contact_id) : NULL;
        if (person) {
            person->enrolled = true;
        }
    }
    d->out->recorded = (int64_t)list.count;
    recorded_release(&list);
    return rc;
}

/* Reached: a message was taken or delivered. Contaminated: one left for somebody of the control
 * arm, whatever became of it. Also what all of it cost. */
static int read_step(
    struct experiment__data *d, struct db_stmt *rows, int64_t step, struct base_err *err) {
    size_t at = 0;
    int rc;
    db_bind_i64(rows, 1, ledger_first(step));
    db_bind_i64(rows, 2, ledger_last(step));
    while ((rc = db_step(rows, err)) == 1) {
        int64_t id = db_column_i64(rows, 0);
        int state = (int)db_column_i64(rows, 1);
        d->out->cost += db_column_i64(rows, 3);
        if (id >> 42 & 1 || (state < MESSAGE_SENDING && db_column_i64(rows, 2) == 0)) {
            continue;
        }
        while (at < d->count && d->people[at].contact_id < ledger_recipient(id)) {
            at++;
        }
        if (at < d->count && d->people[at].contact_id == ledger_recipient(id)) {
            struct experiment__person *person = &d->people[at];
            person->reached =
                person->reached || state == MESSAGE_ACCEPTED || state == MESSAGE_DELIVERED;
            person->contaminated = person->arm == 0;
        }
    }
    db_reset(rows);
    return rc;
}

static int read_messages(struct experiment__data *d, struct base_err *err) {
    struct db_stmt *steps = NULL;
    struct db_stmt *rows = NULL;
    int rc =
        db_prepare(d->db, "SELECT id FROM step WHERE campaign_id = ?1 ORDER BY id", &steps, err);
    rc = rc == 0 ? db_prepare(d->db,
                       "SELECT id, state, tries, coalesce(minor, 0) FROM message WHERE id BETWEEN "
                       "?1 AND ?2 ORDER BY id",
                       &rows, err)
                 : rc;
    if (rc == 0) {
        db_bind_i64(steps, 1, d->row.id);
    }
    while (rc == 0 && (rc = db_step(steps, err)) == 1) {
        rc = read_step(d, rows, db_column_i64(steps, 0), err);
    }
    db_finish(&steps);
    db_finish(&rows);
    return rc;
}

/* --- clusters and arms --- */

static int by_cluster(const void *a, const void *b) {
    const struct experiment__person *x = *(const struct experiment__person *const *)a;
    const struct experiment__person *y = *(const struct experiment__person *const *)b;
    return x->cluster != y->cluster
               ? (x->cluster > y->cluster) - (x->cluster < y->cluster)
               : (x->contact_id > y->contact_id) - (x->contact_id < y->contact_id);
}

static void index_clusters(struct experiment__data *d) {
    struct experiment__person **order = base_alloc_array(d->count + 1, sizeof(void *));
    d->clusters = base_alloc_array(d->count + 1, sizeof *d->clusters);
    for (size_t i = 0; i < d->count; i++) {
        order[i] = &d->people[i];
    }
    if (d->count) {
        qsort(order, d->count, sizeof(void *), by_cluster);
    }
    for (size_t i = 0; i < d->count; i++) {
        struct experiment__person *person = order[i];
        if (d->cluster_count == 0 || d->clusters[d->cluster_count - 1].key != person->cluster) {
            d->clusters[d->cluster_count++] = (struct experiment__cluster){
                .key = person->cluster, .stratum = person->stratum, .arm = person->arm};
        }
        struct experiment__cluster *cluster = &d->clusters[d->cluster_count - 1];
        cluster->people++;
        cluster->enrolled += person->enrolled;
        person->cluster = d->cluster_count - 1;
    }
    base_free(order);
}

static void count_arms(struct experiment__data *d) {
    struct experiment *out = d->out;
    int first = out->design == HOLDOUT_WAVES ? 1 : 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct experiment__person *person = &d->people[i];
        size_t at = (size_t)(person->arm - first);
        if (person->arm < first || at >= EXPERIMENT_ARMS_MOST) {
            continue;
        }
        out->arm_count = at + 1 > out->arm_count ? at + 1 : out->arm_count;
        out->arms[at].people++;
        out->arms[at].enrolled += person->enrolled;
        out->arms[at].reached += person->reached;
        out->contaminated += person->contaminated;
    }
    for (size_t a = 0; a < out->arm_count; a++) {
        out->arms[a].arm = (int)a + first;
        out->arms[a].units = in_clusters(d) ? 0 : (size_t)out->arms[a].people;
    }
    for (size_t i = 0; i < d->cluster_count; i++) {
        size_t at = (size_t)(d->clusters[i].arm - first);
        if (at < out->arm_count) {
            out->arms[at].units++;
        }
    }
}

/* --- all of it --- */

static int read_design(struct experiment__data *d, struct base_err *err) {
    struct experiment *out = d->out;
    const struct campaign_spec *spec = d->spec;
    struct db_stmt *stmt = NULL;
    out->by_lot = d->lot != NULL || spec->has_holdout;
    out->unit = d->lot ? d->lot->unit : spec->holdout_unit;
    out->imported = d->lot && d->lot->design == LOT_IMPORTED;
    out->measure_only = d->lot && d->lot->measure_only;
    out->design = out->imported ? HOLDOUT_LOTTERY : spec->holdout_design;
    snprintf(out->hash, sizeof out->hash, "%s",
        d->lot                   ? d->lot->hash
        : d->row.assignment_hash ? d->row.assignment_hash
                                 : "");
    out->from_day = d->ask->from_day ? d->ask->from_day : base_days_from_date(spec->from);
    out->until_day =
        d->ask->until_day ? d->ask->until_day : base_days_from_date(spec->holdout_until);
    out->today = d->ask->today;
    double days = (double)(out->until_day - out->from_day + 1);
    double done = (double)(out->today - out->from_day) / days;
    out->elapsed = done < 0 ? 0 : done > 1 ? 1 : done;
    int rc = db_prepare(d->db,
        "SELECT min(s.id) FROM step s WHERE s.campaign_id = ?1 AND EXISTS (SELECT 1 FROM message m "
        "WHERE m.id BETWEEN (s.id << 43) AND (s.id << 43) + 4398046511103)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, d->row.id);
        rc = db_step(stmt, err);
        d->first_step = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 1 ? 0 : rc;
    }
    db_finish(&stmt);
    return rc;
}

static int read_all(struct experiment__data *d, struct base_err *err) {
    int rc = campaign_get_id(d->db, d->ask->campaign_id, &d->row, err);
    rc = rc == 0 ? campaign_row_spec(&d->row, &d->spec, err) : rc;
    rc = rc == 0 ? lot_load(d->db, d->row.id, &d->lot, err) : rc;
    rc = rc == 0 ? read_design(d, err) : rc;
    if (rc == 0 && d->lot && (d->lot->measure_only || d->first_step == 0)) {
        rc = people_of_arms(d, err);
    } else if (rc == 0 && d->first_step) {
        rc = people_of_ledger(d, err);
    }
    rc = rc == 0 ? read_enrolled(d, err) : rc;
    return rc == 0 ? read_messages(d, err) : rc;
}

int experiment_run(
    struct db *db, const struct experiment_ask *ask, struct experiment *out, struct base_err *err) {
    struct experiment__data d = {.db = db, .ask = ask, .out = out};
    bool own = !db_in_transaction(db);
    *out = (struct experiment){0};
    stats_estimate_clear(&out->caused);
    stats_estimate_clear(&out->cost_per_caused);
    int rc = own ? db_begin_read(db, err) : 0;
    rc = rc == 0 ? read_all(&d, err) : rc;
    if (rc == 0 && out->by_lot) {
        if (in_clusters(&d)) {
            index_clusters(&d);
        }
        out->strata = d.stratum_count;
        count_arms(&d);
        rc = experiment__effect(&d, err);
    }
    if (own) {
        db_rollback(db);
    }
    base_free(d.people);
    base_free(d.clusters);
    base_free(d.strata);
    lot_free(&d.lot);
    campaign_spec_free(&d.spec);
    campaign_row_release(&d.row);
    return rc;
}
