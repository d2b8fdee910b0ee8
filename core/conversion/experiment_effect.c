/* The estimates of an experiment, and what forbids a verdict. */
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "conversion/experiment_private.h"
#include "stats/cace.h"
#include "stats/dist.h"
#include "stats/multiple.h"
#include "stats/panel.h"
#include "stats/permute.h"
#include "stats/series.h"
#include "stats/staggered.h"
#include "stats/strata.h"
#include "stats/synthetic.h"
#include "stats/units.h"

#define ALPHA 0.05
#define PERMUTE_SEED 20261123
#define PRE_DAYS_MOST 366
#define CELLS_OF_SERIES_MOST 5000000

/* As much of a text as fits. */
static void put_why(char *room, size_t bytes, const char *text) {
    size_t fits = base_utf8_cut(str_from(text), bytes - 1);
    memcpy(room, text, fits);
    room[fits] = '\0';
}

/* Adds an estimate, or why there is none. */
static struct experiment_estimate *add(struct experiment *out, const char *name,
    enum experiment_scale scale, int rc, const struct stats_estimate *value,
    const struct base_err *why) {
    struct experiment_estimate *e = &out->estimates[out->estimate_count++];
    *e = (struct experiment_estimate){.name = name, .scale = scale, .known = rc == 0};
    stats_estimate_clear(&e->value);
    if (rc == 0) {
        e->value = *value;
    } else {
        put_why(e->why, sizeof e->why, why->text);
    }
    return e;
}

static struct stats_pair pair_of(const struct experiment *out) {
    return (struct stats_pair){
        {out->arms[1].enrolled, out->arms[1].people}, {out->arms[0].enrolled, out->arms[0].people}};
}

static void add_pair(struct experiment *out, const char *name, enum experiment_scale scale,
    stats_pair_estimator *estimator, double level) {
    struct stats_estimate value;
    struct base_err why = {0};
    int rc = estimator(pair_of(out), level, &value, &why);
    add(out, name, scale, rc, &value, &why);
}

/* --- lots over people --- */

static struct stats_pair *pairs_of_strata(const struct experiment__data *d) {
    struct stats_pair *pairs = base_alloc_array(d->stratum_count + 1, sizeof *pairs);
    for (size_t i = 0; i < d->count; i++) {
        struct stats_pair *pair = &pairs[d->people[i].stratum];
        struct stats_count *count = d->people[i].arm ? &pair->treated : &pair->control;
        count->n++;
        count->x += d->people[i].enrolled;
    }
    return pairs;
}

static void add_strata(struct experiment__data *d) {
    static const struct {
        const char *name;
        enum experiment_scale scale;
        stats_strata_estimator *estimator;
    } all[] = {{"stratified", EXPERIMENT_SHARE, stats_stratified},
        {"mantel_haenszel", EXPERIMENT_SHARE, stats_mantel_haenszel},
        {"inverse_variance", EXPERIMENT_SHARE, stats_inverse_variance},
        {"cmh", EXPERIMENT_TEST, stats_cmh}};
    struct stats_pair *pairs = pairs_of_strata(d);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct stats_estimate value;
        struct base_err why = {0};
        int rc = all[i].estimator(pairs, d->stratum_count, d->ask->level, &value, &why);
        add(d->out, all[i].name, all[i].scale, rc, &value, &why);
    }
    base_free(pairs);
}

/* Newcombe's interval with the p value of the pooled test. */
static void add_newcombe(struct experiment__data *d) {
    struct stats_estimate value;
    struct stats_estimate test;
    struct base_err why = {0};
    struct base_err ignored = {0};
    int rc = stats_newcombe(pair_of(d->out), d->ask->level, &value, &why);
    if (rc == 0 && stats_pooled_z(pair_of(d->out), d->ask->level, &test, &ignored) == 0) {
        value.p = test.p;
        value.statistic = test.statistic;
    }
    add(d->out, "newcombe", EXPERIMENT_SHARE, rc, &value, &why);
}

static void effect_of_people(struct experiment__data *d) {
    if (d->stratum_count > 1) {
        add_strata(d);
    }
    add_newcombe(d);
    add_pair(d->out, "wald", EXPERIMENT_SHARE, stats_wald, d->ask->level);
    add_pair(d->out, "hc2", EXPERIMENT_SHARE, stats_hc2, d->ask->level);
    add_pair(d->out, "pooled_z", EXPERIMENT_TEST, stats_pooled_z, d->ask->level);
    add_pair(d->out, "lift", EXPERIMENT_RATIO, stats_lift, d->ask->level);
}

/* --- lots over places and households --- */

static void add_cells(struct experiment__data *d) {
    struct stats_cell *cells = base_alloc_array(d->cluster_count + 1, sizeof *cells);
    struct stats_cluster result;
    struct base_err why = {0};
    for (size_t i = 0; i < d->cluster_count; i++) {
        const struct experiment__cluster *c = &d->clusters[i];
        cells[i] = (struct stats_cell){.cluster = (uint32_t)i,
            .stratum = c->stratum,
            .treated = c->arm != 0,
            .n = c->people,
            .x = c->enrolled};
    }
    int rc = d->cluster_count > STATS_CELLS_MAX
                 ? base_err_set(&why, LANTOA_ELIMIT, TR("more than %d clusters"), STATS_CELLS_MAX)
                 : stats_cluster(cells, d->cluster_count,
                       d->stratum_count > 1 ? STATS_WITH_STRATA : STATS_WITHOUT_STRATA,
                       d->ask->level, &result, &why);
    add(d->out, "cr2", EXPERIMENT_SHARE, rc, &result.cr2, &why);
    if (d->stratum_count > 1) {
        struct base_err without = {0};
        rc = stats_cluster(
            cells, d->cluster_count, STATS_WITHOUT_STRATA, d->ask->level, &result, &without);
        add(d->out, "cr2_without_strata", EXPERIMENT_SHARE, rc, &result.cr2, &without);
    }
    base_free(cells);
}

/* Rates of the places, each place once. */
static bool add_means(struct experiment__data *d) {
    struct stats_unit *units = base_alloc_array(d->cluster_count + 1, sizeof *units);
    struct stats_permutation permutation;
    struct stats_estimate value;
    struct base_err why = {0};
    for (size_t i = 0; i < d->cluster_count; i++) {
        const struct experiment__cluster *c = &d->clusters[i];
        units[i] =
            (struct stats_unit){(double)c->enrolled / (double)c->people, c->arm != 0, c->stratum};
    }
    int rc = stats_welch(units, d->cluster_count, d->ask->level, &value, &why);
    add(d->out, "welch", EXPERIMENT_SHARE, rc, &value, &why);
    if (d->stratum_count > 1) {
        struct base_err singular = {0};
        rc = stats_dummies(units, d->cluster_count, d->ask->level, &value, &singular);
        add(d->out, "dummies", EXPERIMENT_SHARE, rc, &value, &singular);
    }
    struct base_err few = {0};
    bool small = d->cluster_count <= 5000; /* a permutation of more places shows nothing new */
    rc = small ? stats_permute(
                     units, d->cluster_count, STATS_PERMUTE_DRAWS, PERMUTE_SEED, &permutation, &few)
               : base_err_set(&few, LANTOA_ELIMIT, "%s", TR("more than 5000 clusters"));
    add(d->out, "permutation", EXPERIMENT_SHARE, rc, &permutation.estimate, &few);
    base_free(units);
    return rc == 0;
}

/* --- before and after: what the registry recorded in each place, day by day. Not only the
 * audience: who had enrolled before was left out of it, so its own past is empty. --- */

struct history {
    int64_t first_day; /* of days[...][0] */
    size_t days;
    double *counts; /* cluster * days + day */
    double before;  /* recorded before the start, all places of the lot */
};

static int read_history(struct experiment__data *d, int64_t first, int64_t last, struct history *h,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char from[BASE_DATE_MAX];
    char to[BASE_DATE_MAX];
    *h = (struct history){.first_day = first, .days = (size_t)(last - first + 1)};
    if (d->cluster_count * h->days > CELLS_OF_SERIES_MOST) {
        return base_err_set(err, LANTOA_ELIMIT, "%s", TR("too many places and days"));
    }
    h->counts = base_alloc_array(d->cluster_count * h->days + 1, sizeof *h->counts);
    base_format_date(base_date_from_days(first), from);
    base_format_date(base_date_from_days(last), to);
    int rc = db_prepare(d->db,
        "SELECT place_id, event_date, count(*) FROM enrolment WHERE place_id IS NOT NULL AND event "
        "IN ('new', 'returned') AND event_date BETWEEN ?1 AND ?2 GROUP BY 1, 2",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, from);
        db_bind_text(stmt, 2, to);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct base_date date;
        uint64_t place = (uint64_t)db_column_i64(stmt, 0);
        size_t low = 0;
        size_t high = d->cluster_count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (d->clusters[middle].key < place) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        rc = 0;
        if (low < d->cluster_count && d->clusters[low].key == place &&
            base_parse_date(db_column_str(stmt, 1), &date) == 0) {
            int64_t day = base_days_from_date(date);
            double count = (double)db_column_i64(stmt, 2);
            h->counts[low * h->days + (size_t)(day - first)] += count;
            h->before += day < d->out->from_day ? count : 0;
        }
    }
    db_finish(&stmt);
    return rc;
}

static double sum_of(const struct history *h, size_t cluster, size_t from, size_t to) {
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += h->counts[cluster * h->days + i];
    }
    return sum;
}

static void add_panel(
    struct experiment__data *d, const struct history *h, size_t pre, double *balance_out) {
    static const struct {
        const char *name;
        stats_panel_estimator *estimator;
    } all[] = {{"gbr", stats_gbr}, {"ancova", stats_ancova}, {"did", stats_did}};
    struct stats_panel_unit *units = base_alloc_array(d->cluster_count + 1, sizeof *units);
    struct stats_estimate value;
    struct base_err ignored = {0};
    for (size_t i = 0; i < d->cluster_count; i++) {
        units[i] = (struct stats_panel_unit){sum_of(h, i, 0, pre), sum_of(h, i, pre, h->days),
            d->clusters[i].arm != 0, d->clusters[i].stratum};
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct base_err why = {0};
        int rc = all[i].estimator(units, d->cluster_count, d->ask->level, &value, &why);
        add(d->out, all[i].name, EXPERIMENT_PEOPLE, rc, &value, &why);
    }
    if (stats_pre_balance(units, d->cluster_count, d->ask->level, &value, &ignored) == 0) {
        *balance_out = value.p;
    }
    base_free(units);
}

static void add_series(struct experiment__data *d, const struct history *h, size_t pre) {
    struct stats_point *points = base_alloc_array(h->days + 1, sizeof *points);
    bool *treated = base_alloc_array(d->cluster_count + 1, sizeof *treated);
    struct stats_tbr tbr;
    struct stats_synthetic synthetic = {0};
    struct base_err why = {0};
    struct base_err few = {0};
    for (size_t c = 0; c < d->cluster_count; c++) {
        treated[c] = d->clusters[c].arm != 0;
        for (size_t i = 0; i < h->days; i++) {
            double count = h->counts[c * h->days + i];
            points[i].post = i >= pre;
            points[i].treated += treated[c] ? count : 0;
            points[i].control += treated[c] ? 0 : count;
        }
    }
    int rc = stats_tbr(points, h->days, d->ask->level, &tbr, &why);
    add(d->out, "tbr", EXPERIMENT_PEOPLE, rc, &tbr.effect, &why);
    const struct stats_series_set set = {.values = h->counts,
        .treated = treated,
        .units = d->cluster_count,
        .periods = h->days,
        .pre = pre};
    rc = d->cluster_count <= 200
             ? stats_synthetic(&set, &synthetic, &few)
             : base_err_set(&few, LANTOA_ELIMIT, "%s", TR("more than 200 places"));
    add(d->out, "synthetic", EXPERIMENT_PEOPLE, rc, &synthetic.total, &few);
    stats_synthetic_release(&synthetic);
    base_free(points);
    base_free(treated);
}

/* The last day that can be counted. */
static int64_t last_day(const struct experiment *out) {
    return out->until_day < out->today ? out->until_day : out->today;
}

static int add_history(struct experiment__data *d, double *balance_out, struct base_err *err) {
    const struct experiment *out = d->out;
    struct history h = {0};
    struct base_err why = {0};
    int64_t last = last_day(out);
    int64_t pre = out->until_day - out->from_day + 1;
    pre = pre < PRE_DAYS_MOST ? pre : PRE_DAYS_MOST;
    if (last < out->from_day) {
        return 0;
    }
    int rc = read_history(d, out->from_day - pre, last, &h, &why);
    if (rc == 0 && h.counts && h.before > 0) {
        add_panel(d, &h, (size_t)pre, balance_out);
        add_series(d, &h, (size_t)pre);
    }
    base_free(h.counts);
    return rc == LANTOA_ELIMIT ? 0 : rc != 0 ? base_err_set(err, rc, "%s", why.text) : 0;
}

/* --- waves --- */

static double exposed_places(
    const struct stats_staggered *result, const uint32_t *starts, size_t clusters) {
    double exposed = 0;
    for (size_t i = 0; i < result->count; i++) {
        for (size_t c = 0; result->att[i].post && c < clusters; c++) {
            exposed += starts[c] == result->att[i].start;
        }
    }
    return exposed;
}

/* Periods as long as the time between waves, as many before the start as there are waves; the
 * counts of the registry by place and period. */
static int effect_of_waves(struct experiment__data *d, struct base_err *err) {
    struct experiment *out = d->out;
    const struct base_duration *every = &d->spec->holdout_every;
    int64_t length = every->months * 30 + every->ms / INT64_C(86400000);
    int64_t waves = d->spec->holdout_waves;
    struct history h = {0};
    struct base_err why = {0};
    struct stats_staggered result = {0};
    int64_t done = length > 0 ? (last_day(out) - out->from_day + 1) / length : 0;
    if (done <= 0) {
        base_err_set(&why, LANTOA_ESTATE, "%s", TR("no period between two waves is over yet"));
        add(out, "staggered", EXPERIMENT_PEOPLE, LANTOA_ESTATE, &out->caused, &why);
        return 0;
    }
    int rc =
        read_history(d, out->from_day - waves * length, out->from_day + done * length - 1, &h, err);
    if (rc == 0 && h.counts) {
        size_t periods = (size_t)(waves + done);
        double *values = base_alloc_array(d->cluster_count * periods + 1, sizeof *values);
        uint32_t *starts = base_alloc_array(d->cluster_count + 1, sizeof *starts);
        for (size_t c = 0; c < d->cluster_count; c++) {
            starts[c] = (uint32_t)(waves + d->clusters[c].arm - 1);
            starts[c] = starts[c] < periods ? starts[c] : STATS_NEVER;
            for (size_t t = 0; t < periods; t++) {
                values[c * periods + t] =
                    sum_of(&h, c, t * (size_t)length, (t + 1) * (size_t)length);
            }
        }
        const struct stats_rollout rollout = {values, starts, d->cluster_count, periods};
        int made = stats_staggered(&rollout, STATS_CONTROL_NOT_YET, d->ask->level, &result, &why);
        add(out, "staggered", EXPERIMENT_PEOPLE, made, &result.simple, &why);
        if (made == 0) { /* of a place and period; times those that had others to compare with */
            double exposed = exposed_places(&result, starts, d->cluster_count);
            out->caused = result.simple;
            out->caused.estimate *= exposed;
            out->caused.se *= exposed;
            out->caused.low *= exposed;
            out->caused.high *= exposed;
            out->caused_known = true;
        }
        stats_staggered_release(&result);
        base_free(values);
        base_free(starts);
    }
    base_free(h.counts);
    return rc;
}

/* --- what follows from the deciding estimate --- */

static void add_cace(struct experiment__data *d) {
    struct experiment *out = d->out;
    const struct stats_pair contact = {
        {out->arms[1].reached, out->arms[1].people}, {out->arms[0].reached, out->arms[0].people}};
    struct stats_estimate value;
    struct base_err why = {0};
    const struct stats_estimate itt = out->estimates[0].value;
    int rc = out->estimates[0].known && isfinite(itt.se)
                 ? stats_cace(&itt, contact, d->ask->level, &value, NULL, &why)
                 : LANTOA_ESTATE;
    if (rc != 0 && !why.text[0]) { /* Newcombe has no standard error: Wald's */
        struct stats_estimate wald;
        rc = stats_wald(pair_of(out), d->ask->level, &wald, &why);
        rc = rc == 0 ? stats_cace(&wald, contact, d->ask->level, &value, NULL, &why) : rc;
    }
    add(out, "cace", EXPERIMENT_SHARE, rc, &value, &why);
}

static void scale_caused(struct experiment__data *d) {
    struct experiment *out = d->out;
    double people = (double)out->arms[1].people;
    if (out->estimates[0].known) {
        out->caused = out->estimates[0].value;
        out->caused.estimate *= people;
        out->caused.se *= people;
        out->caused.low *= people;
        out->caused.high *= people;
        out->caused_known = true;
    }
}

static void cost_of_caused(struct experiment__data *d) {
    struct experiment *out = d->out;
    struct base_err why = {0};
    const struct experiment_estimate *first = &out->estimates[0];
    int rc = LANTOA_ESTATE;
    if (out->cost <= 0) {
        base_err_set(&why, rc, "%s", TR("no money was booked for this campaign"));
    } else if (!out->caused_known || !isfinite(out->caused.low) ||
               stats_covers_zero(&out->caused)) {
        base_err_set(&why, rc, "%s", TR("undefined: the effect may be none"));
    } else if (strcmp(first->name, "newcombe") == 0) {
        rc = stats_cost_per_incremental(
            pair_of(out), (double)out->cost, d->ask->level, &out->cost_per_caused, &why);
    } else {
        const struct stats_quotient quotient = {.a = (double)out->cost,
            .b = out->caused.estimate,
            .var_b = out->caused.se * out->caused.se};
        rc = stats_fieller(&quotient, d->ask->level, &out->cost_per_caused, &why);
    }
    out->cost_known = rc == 0;
    put_why(out->cost_why, sizeof out->cost_why, rc == 0 ? "" : why.text);
}

static void guard(struct experiment__data *d, bool permuted, double balance_p) {
    struct experiment *out = d->out;
    struct stats_facts facts = {.balance_p = balance_p, .contaminated = out->contaminated};
    bool waves = out->design == HOLDOUT_WAVES;
    for (size_t a = 0; !waves && a < 2; a++) {
        facts.n[a] = out->arms[a].people;
        facts.x[a] = out->arms[a].enrolled;
        facts.clusters[a] = out->arms[a].units;
    }
    if (!d->lot && out->unit == HOLDOUT_CONTACT) {
        facts.planned_share[0] = d->spec->holdout_percent;
        facts.planned_share[1] = 100 - d->spec->holdout_percent;
    }
    facts.by_cluster = !waves && d->cluster_count > 0;
    facts.permutation = permuted;
    out->guard_count = stats_guards(&facts, out->guards);
}

/* |z| of the deciding estimate; by its p value, whatever the distribution. */
static double z_of(const struct stats_estimate *value) {
    return isfinite(value->p) && value->p > 0 ? stats_normal_quantile(1 - value->p / 2)
           : value->p == 0                    ? HUGE_VAL
                                              : 0;
}

static void judge(struct experiment__data *d) {
    struct experiment *out = d->out;
    const struct experiment_estimate *first = &out->estimates[0];
    bool past = true;
    out->bound = (double)NAN;
    if (out->today <= out->until_day) {
        const double looks[] = {out->elapsed > 0.01 ? out->elapsed : 0.01, 1};
        double bounds[2] = {HUGE_VAL, 0};
        struct base_err ignored = {0};
        past = out->elapsed > 0 && out->elapsed < 1 &&
               stats_bounds(STATS_OBRIEN_FLEMING, looks, 2, ALPHA, bounds, &ignored) == 0 &&
               first->known && z_of(&first->value) >= bounds[0];
        out->bound = bounds[0];
    }
    if (out->guard_count || !first->known) {
        out->verdict = EXPERIMENT_REFUSED;
    } else if (!past) {
        out->verdict = EXPERIMENT_EARLY;
    } else if (!(first->value.p < ALPHA)) {
        out->verdict = EXPERIMENT_NOT_SHOWN;
    } else {
        out->verdict = first->value.estimate > 0 ? EXPERIMENT_EFFECTIVE : EXPERIMENT_HARMFUL;
    }
}

int experiment__effect(struct experiment__data *d, struct base_err *err) {
    struct experiment *out = d->out;
    bool permuted = false;
    double balance_p = (double)NAN;
    int rc = 0;
    if (out->arm_count < 2 || out->arms[0].people == 0 || out->arms[1].people == 0) {
        struct base_err why = {0};
        base_err_set(&why, LANTOA_ESTATE, "%s", TR("nobody stands in one of the arms"));
        add(out, "newcombe", EXPERIMENT_SHARE, LANTOA_ESTATE, &out->caused, &why);
    } else if (out->design == HOLDOUT_WAVES) {
        rc = effect_of_waves(d, err);
    } else if (d->cluster_count) {
        add_cells(d);
        permuted = add_means(d);
        add_pair(out, "lift", EXPERIMENT_RATIO, stats_lift, d->ask->level);
        rc = out->unit == HOLDOUT_PLACE ? add_history(d, &balance_p, err) : 0;
        add_cace(d);
        scale_caused(d);
    } else {
        effect_of_people(d);
        add_cace(d);
        scale_caused(d);
    }
    if (rc == 0) {
        cost_of_caused(d);
        guard(d, permuted, balance_p);
        judge(d);
    }
    return rc;
}
