/* `lantoa stats` on files of counts and units: strata, clusters, panel, permute, series. */
#include "cli/stats_verbs.h"

#include "base/tr.h"
#include "stats/permute.h"
#include "stats/series.h"
#include "stats/staggered.h"
#include "stats/synthetic.h"
#include <string.h>

#define SEED 1

/* Opens the file of the command; *map_out is the caller's. */
static int open_source(struct cli *cli, struct stats_source *source, const char ***map_out) {
    *source = (struct stats_source){.path = cli->args[0]};
    source->arms.control = cli_option(cli, "control");
    source->arms.treated = cli_option(cli, "treated");
    source->map_count = cli_option_all(cli, "map", map_out);
    source->map = *map_out;
    return audience_csv_open(cli->args[0], &source->csv, &cli->err);
}

int stats_strata_verb(struct cli *cli) {
    static const struct {
        const char *name;
        enum stats_unit_kind kind;
        stats_strata_estimator *run;
    } estimators[] = {{"stratified", STATS_SAY_SHARE, stats_stratified},
        {"mantel_haenszel", STATS_SAY_SHARE, stats_mantel_haenszel},
        {"inverse_variance", STATS_SAY_SHARE, stats_inverse_variance},
        {"heterogeneity_q", STATS_SAY_NUMBER, stats_heterogeneity},
        {"cmh", STATS_SAY_NUMBER, stats_cmh},
        {"cmh_corrected", STATS_SAY_NUMBER, stats_cmh_corrected},
        {"mantel_haenszel_odds_ratio", STATS_SAY_NUMBER, stats_mantel_haenszel_odds_ratio}};
    struct stats_source source;
    struct stats_strata_file file = {0};
    const char **map = NULL;
    double level;
    int rc = stats_level(cli, &level);
    rc = rc ? rc : open_source(cli, &source, &map);
    rc = rc ? rc : stats_read_strata(&source, &file, &cli->err);
    if (rc == 0) {
        struct stats_say say;
        struct stats_estimate e;
        size_t count = file.strata.count;
        struct stats_pair sum = stats_strata_sum(file.pairs, count);
        stats_say_init(cli, level, &say);
        for (size_t i = 0; i < sizeof estimators / sizeof estimators[0]; i++) {
            struct base_err err = {0};
            int done = estimators[i].run(file.pairs, count, level, &e, &err);
            stats_say_row(&say, estimators[i].name, estimators[i].kind, done, &e, &err);
        }
        struct base_err err = {0};
        int done = stats_newcombe(sum, level, &e, &err);
        stats_say_row(&say, "unstratified", STATS_SAY_SHARE, done, &e, &err);
        struct stats_facts facts = {.n = {sum.control.n, sum.treated.n},
            .x = {sum.control.x, sum.treated.x},
            .balance_p = STATS_ABSENT};
        stats_say_guards(&say, &facts);
        rc = stats_say_end(&say, 0);
    }
    stats_strata_file_release(&file);
    base_free(map);
    return rc;
}

/* Permutation rows are alike wherever they stand. */
static int say_permutation(struct cli *cli, struct stats_say *say, const struct stats_unit *units,
    size_t count, enum stats_unit_kind kind) {
    struct stats_permutation p;
    struct base_err err = {0};
    int64_t draws;
    int64_t seed;
    int rc = cli_option_i64(cli, "draws", STATS_PERMUTE_DRAWS, &draws);
    rc = rc ? rc : cli_option_i64(cli, "seed", SEED, &seed);
    if (rc != 0) {
        return rc;
    }
    rc = stats_permute(units, count, draws, (uint64_t)seed, &p, &err);
    if (rc == LANTOA_EINVAL) {
        cli->err = err;
        return rc;
    }
    json_t *row = stats_say_row(say, "permutation", kind, rc, &p.estimate, &err);
    if (rc == 0) {
        json_object_set_new(row, "exact", json_boolean(p.exact));
        json_object_set_new(row, "arrangements", json_integer(p.arrangements));
        json_object_set_new(row, "as_extreme", json_integer(p.as_extreme));
    }
    return 0;
}

static void say_units(struct stats_say *say, const char *name, stats_units_estimator *estimator,
    const struct stats_unit *units, size_t count, enum stats_unit_kind kind) {
    struct stats_estimate e;
    struct base_err err = {0};
    int rc = estimator(units, count, say->level, &e, &err);
    stats_say_row(say, name, kind, rc, &e, &err);
}

/* The villages' own rates, a unit each: the cells of a cluster and arm added up. */
static struct stats_unit *village_rates(const struct stats_cluster_file *file, size_t *count_out) {
    size_t clusters = file->clusters.count;
    struct stats_cell *sum = base_alloc_array(2 * clusters + 1, sizeof *sum);
    struct stats_unit *units = base_alloc_array(2 * clusters + 1, sizeof *units);
    uint32_t *stratum = base_alloc_array(file->strata.count + 1, sizeof *stratum);
    uint32_t strata = 0;
    size_t count = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct stats_cell *cell = &file->cells[i];
        struct stats_cell *to = &sum[2 * cell->cluster + cell->treated];
        to->n += cell->n;
        to->x += cell->x;
        to->stratum = cell->stratum;
    }
    for (size_t i = 0; i < 2 * clusters; i++) {
        if (sum[i].n > 0) {
            /* Strata are numbered anew, so that none lies beyond the number of units. */
            uint32_t *mine = &stratum[sum[i].stratum];
            *mine = *mine ? *mine : ++strata;
            units[count++] =
                (struct stats_unit){(double)sum[i].x / (double)sum[i].n, i % 2 == 1, *mine - 1};
        }
    }
    base_free(sum);
    base_free(stratum);
    *count_out = count;
    return units;
}

static void say_cluster(
    struct stats_say *say, const struct stats_cluster_file *file, struct stats_cluster *plain) {
    struct stats_cluster strata;
    struct stats_estimate e;
    struct base_err err = {0};
    int rc = stats_cluster(file->cells, file->count, STATS_WITHOUT_STRATA, say->level, plain, &err);
    struct base_err same = err;
    stats_say_row(say, "cr2", STATS_SAY_SHARE, rc, &plain->cr2, &err);
    err = same;
    stats_say_row(say, "cr1", STATS_SAY_SHARE, rc, &plain->cr1, &err);
    err = same;
    stats_say_row(say, "cr0", STATS_SAY_SHARE, rc, &plain->cr0, &err);
    struct stats_pair people = {{plain->x[1], plain->n[1]}, {plain->x[0], plain->n[0]}};
    rc = stats_hc2(people, say->level, &e, &err);
    stats_say_row(say, "hc2", STATS_SAY_SHARE, rc, &e, &err);
    if (file->strata.count > 1) {
        rc = stats_cluster(file->cells, file->count, STATS_WITH_STRATA, say->level, &strata, &err);
        same = err;
        stats_say_row(say, "strata_fe_cr2", STATS_SAY_SHARE, rc, &strata.cr2, &err);
        err = same;
        stats_say_row(say, "strata_fe_cr1", STATS_SAY_SHARE, rc, &strata.cr1, &err);
        err = same;
        stats_say_row(say, "strata_fe_cr0", STATS_SAY_SHARE, rc, &strata.cr0, &err);
    }
}

static int say_villages(
    struct cli *cli, struct stats_say *say, const struct stats_cluster_file *file) {
    struct stats_cluster plain;
    struct base_err err = {0};
    size_t count;
    double icc;
    say_cluster(say, file, &plain);
    /* A lot drawn inside villages makes no village a unit: its two halves belong together. */
    if (!cli_switch(cli, "within")) {
        struct stats_unit *units = village_rates(file, &count);
        say_units(say, "welch", stats_welch, units, count, STATS_SAY_SHARE);
        if (file->strata.count > 1) {
            say_units(say, "dummies", stats_dummies, units, count, STATS_SAY_SHARE);
        }
        int rc = say_permutation(cli, say, units, count, STATS_SAY_SHARE);
        base_free(units);
        if (rc != 0) {
            return rc;
        }
    }
    struct stats_estimate e;
    stats_estimate_clear(&e);
    int done = stats_icc(file->cells, file->count, &icc, &err);
    e.estimate = icc;
    stats_say_row(say, "icc", STATS_SAY_NUMBER, done, &e, &err);
    struct stats_facts facts = {.n = {plain.n[0], plain.n[1]},
        .x = {plain.x[0], plain.x[1]},
        .by_cluster = true,
        .clusters = {plain.clusters[0], plain.clusters[1]},
        .balance_p = STATS_ABSENT};
    stats_say_guards(say, &facts);
    if (plain.clusters[0] < STATS_GUARD_CLUSTERS || plain.clusters[1] < STATS_GUARD_CLUSTERS) {
        stats_say_words(say, "%s",
            TR("With so few villages only the row \"permutation\" may carry a verdict."));
    }
    return 0;
}

int stats_clusters_verb(struct cli *cli) {
    struct stats_source source;
    struct stats_cluster_file file = {0};
    const char **map = NULL;
    double level;
    int rc = stats_level(cli, &level);
    rc = rc ? rc : open_source(cli, &source, &map);
    enum stats_lot lot = cli_switch(cli, "within") ? STATS_LOT_WITHIN : STATS_LOT_OF_CLUSTERS;
    rc = rc ? rc : stats_read_clusters(&source, lot, &file, &cli->err);
    if (rc == 0) {
        struct stats_say say;
        stats_say_init(cli, level, &say);
        rc = stats_say_end(&say, say_villages(cli, &say, &file));
    }
    stats_cluster_file_release(&file);
    base_free(map);
    return rc;
}

static void say_panel(struct stats_say *say, const struct stats_panel_file *file) {
    static const struct {
        const char *name;
        stats_panel_estimator *run;
        bool strata;
    } estimators[] = {{"gbr", stats_gbr, false}, {"ancova", stats_ancova, false},
        {"did", stats_did, false}, {"did_strata", stats_did_strata, true},
        {"pre_balance", stats_pre_balance, false}};
    struct stats_facts facts = {.balance_p = STATS_ABSENT};
    for (size_t i = 0; i < sizeof estimators / sizeof estimators[0]; i++) {
        struct stats_estimate e;
        struct base_err err = {0};
        if (estimators[i].strata && file->strata.count < 2) {
            continue;
        }
        int rc = estimators[i].run(file->units, file->count, say->level, &e, &err);
        stats_say_row(say, estimators[i].name, STATS_SAY_NUMBER, rc, &e, &err);
        if (estimators[i].run == stats_pre_balance) {
            facts.balance_p = e.p;
        }
    }
    stats_say_guards(say, &facts);
}

static struct stats_unit *changes(const struct stats_panel_file *file) {
    struct stats_unit *units = base_alloc_array(file->count + 1, sizeof *units);
    for (size_t i = 0; i < file->count; i++) {
        const struct stats_panel_unit *u = &file->units[i];
        units[i] = (struct stats_unit){u->post - u->pre, u->treated, u->stratum};
    }
    return units;
}

static int panel_verb(struct cli *cli, enum stats_panel_form form) {
    struct stats_source source;
    struct stats_panel_file file = {0};
    const char **map = NULL;
    double level;
    int rc = stats_level(cli, &level);
    rc = rc ? rc : open_source(cli, &source, &map);
    rc = rc ? rc : stats_read_panel(&source, form, &file, &cli->err);
    if (rc == 0) {
        struct stats_say say;
        struct stats_unit *units = changes(&file);
        stats_say_init(cli, level, &say);
        if (form == STATS_FORM_PANEL) {
            say_panel(&say, &file);
        } else {
            say_units(&say, "welch", stats_welch, units, file.count, STATS_SAY_NUMBER);
        }
        if (form == STATS_FORM_VALUE && file.strata.count > 1) {
            say_units(&say, "dummies", stats_dummies, units, file.count, STATS_SAY_NUMBER);
        }
        rc = stats_say_end(&say, say_permutation(cli, &say, units, file.count, STATS_SAY_NUMBER));
        base_free(units);
    }
    stats_panel_file_release(&file);
    base_free(map);
    return rc;
}

int stats_panel_verb(struct cli *cli) {
    return panel_verb(cli, STATS_FORM_PANEL);
}

int stats_permute_verb(struct cli *cli) {
    return panel_verb(cli, STATS_FORM_VALUE);
}

/* One method of series. Returns 0 after its rows were said; an error when it does not fit. */
typedef int series_method(struct cli *cli, struct stats_say *say,
    const struct stats_series_file *file, struct base_err *err);

static double mean_of(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return count ? sum / (double)count : 0;
}

static int need_start(const struct stats_series_file *file, struct base_err *err) {
    if (file->pre == 0) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("when did it start? give the column phase (pre, post) or --start PERIOD"));
    }
    return 0;
}

static int say_tbr(struct cli *cli, struct stats_say *say, const struct stats_series_file *file,
    struct base_err *err) {
    (void)cli;
    size_t periods = file->periods.count;
    struct stats_point *points = base_alloc_array(periods + 1, sizeof *points);
    struct stats_tbr tbr;
    for (size_t t = 0; t < periods; t++) {
        points[t].post = t >= file->pre;
        for (size_t u = 0; u < file->units.count; u++) {
            double value = file->values[u * periods + t];
            *(file->treated[u] ? &points[t].treated : &points[t].control) += value;
        }
    }
    int rc = need_start(file, err);
    rc = rc ? rc : stats_tbr(points, periods, say->level, &tbr, err);
    base_free(points);
    if (rc != 0) {
        return rc;
    }
    json_t *row = stats_say_row(say, "tbr", STATS_SAY_NUMBER, 0, &tbr.effect, err);
    json_object_set_new(row, "alpha", stats_say_json(tbr.alpha));
    json_object_set_new(row, "beta", stats_say_json(tbr.beta));
    json_object_set_new(row, "sigma", stats_say_json(tbr.sigma));
    json_object_set_new(row, "expected", stats_say_json(tbr.expected));
    stats_say_row(say, "tbr_lift", STATS_SAY_SHARE, 0, &tbr.lift, err);
    if (tbr.pre < STATS_TBR_ADVISED) {
        stats_say_words(say, TR("Only %zu periods before the start: at least %d are advised."),
            tbr.pre, STATS_TBR_ADVISED);
    }
    return 0;
}

static int say_unit_method(struct stats_say *say, const struct stats_series_file *file,
    const char *name, stats_panel_estimator *estimator, struct base_err *err) {
    size_t periods = file->periods.count;
    int rc = need_start(file, err);
    if (rc != 0) {
        return rc;
    }
    struct stats_panel_unit *units = base_alloc_array(file->units.count + 1, sizeof *units);
    struct stats_estimate e;
    for (size_t u = 0; u < file->units.count; u++) {
        const double *row = file->values + u * periods;
        units[u] = (struct stats_panel_unit){mean_of(row, file->pre),
            mean_of(row + file->pre, periods - file->pre), file->treated[u], 0};
    }
    rc = estimator(units, file->units.count, say->level, &e, err);
    if (rc == 0) {
        stats_say_row(say, name, STATS_SAY_NUMBER, 0, &e, err);
    }
    base_free(units);
    return rc;
}

static int say_did(struct cli *cli, struct stats_say *say, const struct stats_series_file *file,
    struct base_err *err) {
    (void)cli;
    return say_unit_method(say, file, "did", stats_did, err);
}
static int say_gbr(struct cli *cli, struct stats_say *say, const struct stats_series_file *file,
    struct base_err *err) {
    (void)cli;
    return say_unit_method(say, file, "gbr", stats_gbr, err);
}
static int say_ancova(struct cli *cli, struct stats_say *say, const struct stats_series_file *file,
    struct base_err *err) {
    (void)cli;
    return say_unit_method(say, file, "ancova", stats_ancova, err);
}

static int say_synthetic(struct cli *cli, struct stats_say *say,
    const struct stats_series_file *file, struct base_err *err) {
    (void)cli;
    struct stats_series_set set = {
        file->values, file->treated, file->units.count, file->periods.count, file->pre};
    struct stats_synthetic s;
    struct stats_estimate ratio;
    int rc = need_start(file, err);
    rc = rc ? rc : stats_synthetic(&set, &s, err);
    if (rc != 0) {
        return rc;
    }
    json_t *row = stats_say_row(say, "synthetic_control", STATS_SAY_NUMBER, 0, &s.average, err);
    json_t *weights = json_object();
    for (size_t u = 0; u < file->units.count; u++) {
        if (s.weights[u] > 0) {
            json_object_set_new(weights, file->units.name[u], json_real(s.weights[u]));
        }
    }
    json_object_set_new(row, "weights", weights);
    json_object_set_new(row, "lift", stats_say_json(s.lift));
    json_object_set_new(row, "rmse_pre", stats_say_json(s.rmse_pre));
    stats_say_row(say, "synthetic_control_total", STATS_SAY_NUMBER, 0, &s.total, err);
    ratio = s.average;
    ratio.p = s.ratio_p;
    stats_say_row(say, "synthetic_control_ratio", STATS_SAY_NUMBER, 0, &ratio, err);
    stats_synthetic_release(&s);
    return 0;
}

static int say_staggered(struct cli *cli, struct stats_say *say,
    const struct stats_series_file *file, struct base_err *err) {
    if (!file->starts) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("a roll-out in waves needs the column start: when each unit's treatment starts"));
    }
    bool never = false;
    for (size_t u = 0; u < file->units.count; u++) {
        never = never || file->starts[u] == STATS_NEVER;
    }
    struct stats_rollout rollout = {
        file->values, file->starts, file->units.count, file->periods.count};
    struct stats_staggered s;
    int rc = stats_staggered(&rollout,
        never && !cli_switch(cli, "not-yet") ? STATS_CONTROL_NEVER : STATS_CONTROL_NOT_YET,
        say->level, &s, err);
    if (rc != 0) {
        return rc;
    }
    stats_say_row(say, "callaway_santanna", STATS_SAY_NUMBER, 0, &s.simple, err);
    for (size_t i = 0; i < s.count; i++) {
        const struct stats_att *a = &s.att[i];
        char *name =
            base_printf("att(%s,%s)", file->periods.name[a->start], file->periods.name[a->period]);
        json_t *row = stats_say_row(say, name, STATS_SAY_NUMBER, 0, &a->effect, err);
        json_object_set_new(row, "start", json_string(file->periods.name[a->start]));
        json_object_set_new(row, "period", json_string(file->periods.name[a->period]));
        json_object_set_new(row, "post", json_boolean(a->post));
        base_free(name);
    }
    if (s.dropped > 0) {
        stats_say_words(say,
            TR("%zu units treated from the first period on were left out: there is nothing "
               "before."),
            s.dropped);
    }
    stats_staggered_release(&s);
    return 0;
}

static int say_series(
    struct cli *cli, struct stats_say *say, const struct stats_series_file *file) {
    static const struct {
        const char *name;
        series_method *run;
        bool waves;
    } methods[] = {{"tbr", say_tbr, false}, {"did", say_did, false}, {"gbr", say_gbr, false},
        {"ancova", say_ancova, false}, {"synthetic_control", say_synthetic, false},
        {"callaway_santanna", say_staggered, true}};
    const char *wanted = cli_option(cli, "method");
    bool any = false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (wanted ? strcmp(wanted, methods[i].name) != 0
                   : methods[i].waves != (file->starts != NULL)) {
            continue;
        }
        struct base_err err = {0};
        int rc = methods[i].run(cli, say, file, &err);
        any = true;
        if (rc != 0 && wanted) {
            cli->err = err;
            return rc;
        }
        if (rc != 0) {
            stats_say_row(say, methods[i].name, STATS_SAY_NUMBER, rc, NULL, &err);
        }
    }
    if (!any) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--method %s: there is tbr, did, gbr, ancova, synthetic_control, callaway_santanna"),
            wanted);
    }
    return 0;
}

int stats_series_verb(struct cli *cli) {
    struct stats_source source;
    struct stats_series_file file = {0};
    const char **map = NULL;
    double level;
    int rc = stats_level(cli, &level);
    rc = rc ? rc : open_source(cli, &source, &map);
    rc = rc ? rc : stats_read_series(&source, cli_option(cli, "start"), &file, &cli->err);
    if (rc == 0) {
        struct stats_say say;
        stats_say_init(cli, level, &say);
        rc = stats_say_end(&say, say_series(cli, &say, &file));
    }
    stats_series_file_release(&file);
    base_free(map);
    return rc;
}
