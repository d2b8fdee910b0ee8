/* Counts the audience by unit, looks at what was recorded before, and asks core/stats. */
#include "conversion/experiment_power.h"

#include "audience/segment.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/lot.h"
#include "stats/cluster.h"
#include "stats/estimate.h"
#include "stats/power.h"

#define ALPHA 0.05
/* Without a record: the base rate, the effect and the likeness of the planner's warning in the
 * rules of measurement (3 percent, one point; 0.01, and 0.04 as in a television trial). */
#define P0_USUAL 0.03
#define EFFECT_USUAL 0.01
#define ICC_USUAL 0.01
#define ICC_WORSE 0.04
#define RECORDED_LEAST 10 /* enrolments, to take a rate from them */
#define PLACES_LEAST 10   /* to take an ICC from them */
#define DAYS_MOST 366

struct group {
    int64_t place_id, people, households;
};
struct maker {
    struct db *db;
    const struct experiment_power_ask *ask;
    struct experiment_power *out;
    struct campaign_row row;
    struct campaign_spec *spec;
    struct lot *lot;
    struct group *groups; /* the audience by place, in order of id */
    size_t count, room;
    int64_t people, households;
};

/* --- the audience --- */

static int read_audience(struct maker *m, struct base_err *err) {
    struct segment *audience = NULL;
    struct db_stmt *stmt = NULL;
    struct base_buf sql;
    int next;
    base_buf_init(&sql, 1 << 20);
    base_buf_add_text(&sql,
        "SELECT coalesce(c.place_id, 0) AS p, count(*), count(DISTINCT coalesce(c.household, "
        "CAST(c.id AS TEXT))) FROM contact c WHERE (");
    int rc = segment_parse(m->db, str_from(m->spec->audience), &audience, NULL, err);
    rc = rc ? rc : segment_sql(audience, &sql, 1, &next, err);
    base_buf_add_text(&sql, ") GROUP BY coalesce(c.place_id, 0) ORDER BY p");
    rc = rc ? rc : db_prepare(m->db, base_buf_text(&sql), &stmt, err);
    if (rc == 0) {
        segment_bind(audience, stmt, 1, m->ask->today);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (m->count == m->room) {
            m->room = m->room ? 2 * m->room : 256;
            m->groups = base_realloc(m->groups, m->room * sizeof *m->groups);
        }
        m->groups[m->count++] =
            (struct group){db_column_i64(stmt, 0), db_column_i64(stmt, 1), db_column_i64(stmt, 2)};
        m->people += db_column_i64(stmt, 1);
        m->households += db_column_i64(stmt, 2);
        rc = 0;
    }
    db_finish(&stmt);
    base_buf_release(&sql);
    segment_free(&audience);
    return rc;
}

/* Sizes of places and their coefficient of variation. */
static void measure_places(struct maker *m) {
    struct experiment_power *out = m->out;
    double sum = 0;
    double squares = 0;
    size_t places = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->groups[i].place_id) {
            sum += (double)m->groups[i].people;
            squares += (double)m->groups[i].people * (double)m->groups[i].people;
            places++;
        }
    }
    out->size = places ? sum / (double)places : 0;
    double variance = places ? squares / (double)places - out->size * out->size : 0;
    out->size_cv = out->size > 0 && variance > 0 ? sqrt(variance) / out->size : 0;
}

static void add_arm(struct maker *m, int arm, int64_t units, int64_t people) {
    m->out->units[arm] += units;
    m->out->people[arm] += people;
}

static int64_t people_of(const struct maker *m, int64_t place_id) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->groups[i].place_id == place_id) {
            return m->groups[i].people;
        }
    }
    return 0;
}

/* As drawn or imported. Of waves the last is the control and the first is treated. */
static void arms_of_lot(struct maker *m) {
    bool places = m->lot->unit == HOLDOUT_PLACE;
    int last = 0;
    for (size_t i = 0; i < m->lot->count; i++) {
        last = m->lot->units[i].arm > last ? m->lot->units[i].arm : last;
    }
    for (size_t i = 0; i < m->lot->count; i++) {
        const struct lot_unit *unit = &m->lot->units[i];
        int arm = m->lot->design != LOT_WAVES ? unit->arm
                  : unit->arm == 1            ? 1
                  : unit->arm == last         ? 0
                                              : -1;
        int64_t people = places ? people_of(m, unit->id) : 1;
        if (arm >= 0 && people) {
            add_arm(m, arm, 1, people);
        }
    }
}

/* As the file asks for; nothing is drawn yet. */
static void arms_of_file(struct maker *m) {
    const struct campaign_spec *spec = m->spec;
    int64_t units = 0;
    if (m->out->unit == HOLDOUT_PLACE) {
        for (size_t i = 0; i < m->count; i++) {
            units += m->groups[i].place_id != 0;
        }
    } else {
        units = m->out->unit == HOLDOUT_HOUSEHOLD ? m->households : m->people;
    }
    double share = spec->holdout_percent / 100;
    if (m->out->design == HOLDOUT_WAVES) {
        int64_t waves = spec->holdout_waves > 0 ? spec->holdout_waves : 1;
        add_arm(m, 0, units / waves, m->people / waves);
        add_arm(m, 1, units / waves, m->people / waves);
    } else {
        int64_t out = llround((double)units * share);
        int64_t people = llround((double)m->people * share);
        add_arm(m, 0, out, people);
        add_arm(m, 1, units - out, m->people - people);
    }
}

/* --- what the registry recorded before --- */

struct past {
    struct stats_cell *cells; /* a place each */
    size_t count, room;
    int64_t people, enrolled;
};

/* As many days before today as the comparison will last: who enrolled, of everybody we know. */
static int read_past(struct maker *m, struct past *past, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char from[BASE_DATE_MAX];
    char to[BASE_DATE_MAX];
    base_format_date(base_date_from_days(m->ask->today - m->out->days), from);
    base_format_date(base_date_from_days(m->ask->today - 1), to);
    int rc = db_prepare(m->db,
        "SELECT coalesce(c.place_id, 0), count(*), count(e.contact_id) FROM contact c LEFT JOIN "
        "(SELECT DISTINCT contact_id FROM enrolment WHERE event IN ('new', 'returned') AND "
        "event_date BETWEEN ?1 AND ?2 AND contact_id IS NOT NULL) e ON e.contact_id = c.id GROUP "
        "BY coalesce(c.place_id, 0)",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, from);
        db_bind_text(stmt, 2, to);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        int64_t people = db_column_i64(stmt, 1);
        int64_t enrolled = db_column_i64(stmt, 2);
        past->people += people;
        past->enrolled += enrolled;
        rc = 0;
        if (db_column_i64(stmt, 0) == 0 || past->count == STATS_CELLS_MAX) {
            continue;
        }
        if (past->count == past->room) {
            past->room = past->room ? 2 * past->room : 256;
            past->cells = base_realloc(past->cells, past->room * sizeof *past->cells);
        }
        past->cells[past->count] =
            (struct stats_cell){.cluster = (uint32_t)past->count, .n = people, .x = enrolled};
        past->count++;
    }
    db_finish(&stmt);
    return rc;
}

static void choose_rates(struct maker *m, const struct past *past) {
    struct experiment_power *out = m->out;
    const struct experiment_power_ask *ask = m->ask;
    double effect = ask->effect;
    if (isfinite(ask->p0)) {
        out->p0 = ask->p0;
        snprintf(out->p0_from, sizeof out->p0_from, "%s", TR("as given"));
    } else if (past->enrolled >= RECORDED_LEAST) {
        out->p0 = (double)past->enrolled / (double)past->people;
        snprintf(out->p0_from, sizeof out->p0_from, TR("the registry's last %lld days"),
            (long long)out->days);
    } else {
        out->p0 = P0_USUAL;
        snprintf(out->p0_from, sizeof out->p0_from, "%s",
            TR("assumed: the registry has too few enrolments"));
    }
    if (isfinite(effect)) {
        snprintf(out->p1_from, sizeof out->p1_from, "%s", TR("as given"));
    } else if (m->spec->goal_enrolments > 0 && out->people[1] > 0) {
        effect = (double)m->spec->goal_enrolments / (double)out->people[1];
        snprintf(out->p1_from, sizeof out->p1_from, "%s", TR("the goal of the campaign"));
    } else {
        effect = EFFECT_USUAL;
        snprintf(out->p1_from, sizeof out->p1_from, "%s", TR("assumed: one point"));
    }
    out->p1 = out->p0 + effect;
}

/* --- power --- */

static int add_row(struct maker *m, double icc, struct base_err *err) {
    struct experiment_power *out = m->out;
    struct experiment_power_row *row = &out->rows[out->row_count++];
    bool clusters = out->unit == HOLDOUT_PLACE;
    const struct stats_plan plan = {.design = clusters ? STATS_CLUSTERS_ICC : STATS_PEOPLE,
        .p0 = out->p0,
        .p1 = out->p1,
        .alpha = ALPHA,
        .power = m->ask->power,
        .m = out->size,
        .icc = icc,
        .size_cv = out->size_cv};
    struct base_err none = {0};
    *row = (struct experiment_power_row){.icc = icc,
        .design_effect = clusters ? stats_design_effect(out->size, icc, out->size_cv) : 1,
        .above = STATS_ABSENT,
        .needed = STATS_ABSENT};
    int rc = stats_plan_power(&plan, out->per_arm, &row->power, err);
    if (rc == 0 && stats_plan_visible(&plan, out->per_arm, &row->above, NULL, &none) != 0) {
        row->above = STATS_ABSENT;
    }
    if (rc == 0 && stats_plan_size(&plan, &row->needed, &none) != 0) {
        row->needed = STATS_ABSENT;
    }
    out->weak = out->weak || row->power < m->ask->power;
    return rc;
}

static int add_rows(struct maker *m, const struct past *past, struct base_err *err) {
    struct experiment_power *out = m->out;
    struct base_err none = {0};
    double icc = m->ask->icc;
    if (out->unit != HOLDOUT_PLACE) {
        return add_row(m, 0, err);
    }
    if (isfinite(icc)) {
        snprintf(out->icc_from, sizeof out->icc_from, "%s", TR("as given"));
        return add_row(m, icc, err);
    }
    if (past->count >= PLACES_LEAST && past->enrolled >= RECORDED_LEAST &&
        stats_icc(past->cells, past->count, &icc, &none) == 0) {
        snprintf(out->icc_from, sizeof out->icc_from, "%s", TR("the registry's record by place"));
        return add_row(m, icc > 0 ? icc : 0, err);
    }
    snprintf(out->icc_from, sizeof out->icc_from, "%s",
        TR("assumed, a usual one and a worse one: the registry has too few enrolments"));
    int rc = add_row(m, ICC_USUAL, err);
    return rc ? rc : add_row(m, ICC_WORSE, err);
}

static int check_ask(const struct experiment_power_ask *ask, struct base_err *err) {
    if ((isfinite(ask->p0) && !(ask->p0 > 0 && ask->p0 < 1)) ||
        (isfinite(ask->effect) && !(ask->effect > 0 && ask->effect < 1)) ||
        (isfinite(ask->icc) && !(ask->icc >= 0 && ask->icc < 1)) ||
        !(ask->power > 0 && ask->power < 1)) {
        return base_err_set(err, LANTOA_EINVAL, "%s",
            TR("--p0, --effect, --icc and --power are shares such as .03"));
    }
    return 0;
}

static int reckon(struct maker *m, struct base_err *err) {
    struct experiment_power *out = m->out;
    struct past past = {0};
    if (m->lot) {
        arms_of_lot(m);
    } else {
        arms_of_file(m);
    }
    measure_places(m);
    if (out->units[0] < 1 || out->units[1] < 1) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("campaign %s: of %lld people nobody would stand in one of the arms"),
            m->ask->campaign, (long long)m->people);
    }
    out->per_arm = 2 / (1 / (double)out->units[0] + 1 / (double)out->units[1]); /* same variance */
    int rc = read_past(m, &past, err);
    if (rc == 0) {
        choose_rates(m, &past);
        if (out->p1 >= 1) {
            rc = base_err_set(err, LANTOA_EINVAL, "%s",
                TR("such an effect would make more than everybody enrol"));
        }
    }
    rc = rc ? rc : add_rows(m, &past, err);
    base_free(past.cells);
    return rc;
}

int experiment_power_run(struct db *db, const struct experiment_power_ask *ask,
    struct experiment_power *out, struct base_err *err) {
    struct maker m = {.db = db, .ask = ask, .out = out};
    *out = (struct experiment_power){0};
    int rc = check_ask(ask, err);
    rc = rc ? rc : campaign_get(db, ask->campaign, &m.row, err);
    rc = rc ? rc : campaign_row_spec(&m.row, &m.spec, err);
    rc = rc ? rc : lot_load(db, m.row.id, &m.lot, err);
    if (rc == 0 && (m.lot || m.spec->has_holdout)) {
        out->by_lot = true;
        out->imported = m.lot && m.lot->design == LOT_IMPORTED;
        out->unit = m.lot ? m.lot->unit : m.spec->holdout_unit;
        out->design = out->imported ? HOLDOUT_LOTTERY : m.spec->holdout_design;
        int64_t until = base_days_from_date(m.spec->holdout_until);
        out->days = until - base_days_from_date(m.spec->from) + 1;
        out->days = out->days < 1 ? 1 : out->days > DAYS_MOST ? DAYS_MOST : out->days;
        rc = read_audience(&m, err);
        rc = rc ? rc : reckon(&m, err);
    }
    lot_free(&m.lot);
    campaign_spec_free(&m.spec);
    campaign_row_release(&m.row);
    base_free(m.groups);
    return rc;
}

/* --- words --- */

static const char *units_word(const struct experiment_power *p) {
    return p->unit == HOLDOUT_PLACE       ? TR("places")
           : p->unit == HOLDOUT_HOUSEHOLD ? TR("households")
                                          : TR("people");
}

static void say_row(const struct experiment_power *p, const struct experiment_power_row *row,
    struct base_buf *lines) {
    double points = 100 * (p->p1 - p->p0);
    if (p->unit == HOLDOUT_PLACE) {
        base_buf_printf(lines,
            TR("If people of one place are alike by an ICC of %.3f: an effect of +%.2f points is "
               "seen with a probability of %.0f %%"),
            row->icc, points, 100 * row->power);
    } else {
        base_buf_printf(lines,
            TR("An effect of +%.2f points is seen with a probability of %.0f %%"), points,
            100 * row->power);
    }
    if (isfinite(row->above)) {
        base_buf_printf(lines,
            TR("; the smallest visible effect is +%.2f points (%lld enrolments)"),
            100 * (row->above - p->p0),
            (long long)llround((row->above - p->p0) * (double)p->people[1]));
    }
    if (isfinite(row->needed) && row->needed < 1e9) {
        base_buf_printf(lines, TR("; for that one %lld %s per arm are needed"),
            (long long)ceil(row->needed), units_word(p));
    }
    base_buf_add_text(lines, ".\n");
}

static void say_weak(const struct experiment_power *p, struct base_buf *lines) {
    base_buf_printf(lines, "%s\n",
        p->unit == HOLDOUT_PLACE
            ? TR("Warning: such an effect would rather be missed, and the campaign taken for one "
                 "without effect. More places help, more people in each hardly; so do pairs of "
                 "alike places (strata) and a longer record before the start.")
            : TR("Warning: such an effect would rather be missed, and the campaign taken for one "
                 "without effect. A larger holdout, more people or more days help."));
}

void experiment_power_words(const struct experiment_power *p, struct base_buf *lines) {
    if (!p->by_lot) {
        base_buf_printf(lines, "%s\n",
            TR("Without a lot nobody can say what the campaign caused: put \"holdout\" into its "
               "file, or import arms."));
        return;
    }
    base_buf_printf(lines,
        p->design == HOLDOUT_WAVES
            ? TR("The last wave (%lld %s, %lld people) is compared with the first (%lld, %lld "
                 "people).\n")
            : TR("%lld %s (%lld people) are kept for comparison with %lld (%lld people).\n"),
        (long long)p->units[0], units_word(p), (long long)p->people[0], (long long)p->units[1],
        (long long)p->people[1]);
    base_buf_printf(lines,
        TR("Without the campaign %.2f %% of people enrol in %lld days (%s); the effect looked for: "
           "+%.2f points (%s).\n"),
        100 * p->p0, (long long)p->days, p->p0_from, 100 * (p->p1 - p->p0), p->p1_from);
    if (p->icc_from[0]) {
        base_buf_printf(lines, TR("How alike people of one place are: %s.\n"), p->icc_from);
    }
    for (size_t i = 0; i < p->row_count; i++) {
        say_row(p, &p->rows[i], lines);
    }
    if (p->unit == HOLDOUT_PLACE && p->per_arm < 15) {
        base_buf_printf(lines, "%s\n",
            TR("With fewer than 15 places in an arm a little less is seen than said here."));
    }
    if (p->weak) {
        say_weak(p, lines);
    }
}

int experiment_power_warn(struct db *db, const char *campaign, int64_t today,
    struct base_buf *lines, struct base_err *err) {
    struct experiment_power power;
    const struct experiment_power_ask ask = {.campaign = campaign,
        .today = today,
        .p0 = STATS_ABSENT,
        .effect = STATS_ABSENT,
        .icc = STATS_ABSENT,
        .power = 0.8};
    struct base_err why = {0};
    int rc = experiment_power_run(db, &ask, &power, &why);
    if (rc == LANTOA_EINVAL) { /* told, but no reason to stop a check */
        base_buf_printf(lines, "%s\n", why.text);
        return 0;
    }
    if (rc) {
        return base_err_set(err, rc, "%s", why.text);
    }
    if (power.by_lot && power.weak) {
        say_row(&power, &power.rows[power.row_count - 1], lines);
        say_weak(&power, lines);
        base_buf_printf(lines, TR("More of it: lantoa campaign power %s\n"), campaign);
    }
    return 0;
}
