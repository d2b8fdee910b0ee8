/* The files of `lantoa stats`: any bytes end in figures or one clear error; no figure that is told
 * is infinite where a finite one is promised. The first byte chooses the kind of file. */
#include "fuzz.h"

#include "cli/stats_read.h"
#include "stats/permute.h"
#include "stats/staggered.h"
#include "stats/synthetic.h"
#include <math.h>
#include <string.h>

/* More would only be slow. */
#define UNITS_MOST 60

static void holds(int rc, const struct stats_estimate *e, const struct base_err *err) {
    FUZZ_HOLDS(rc == 0 || err->text[0] != '\0');
    FUZZ_HOLDS(rc != 0 || (isfinite(e->estimate) && !isinf(e->low) && !isinf(e->high)));
    FUZZ_HOLDS(rc != 0 || isnan(e->p) || (e->p >= 0 && e->p <= 1));
}

static int try_strata(struct stats_source *source, struct base_err *err) {
    struct stats_strata_file file;
    struct stats_estimate e;
    int rc = stats_read_strata(source, &file, err);
    if (rc == 0) {
        stats_strata_estimator *const all[] = {stats_stratified, stats_mantel_haenszel,
            stats_inverse_variance, stats_heterogeneity, stats_cmh,
            stats_mantel_haenszel_odds_ratio};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            int done = all[i](file.pairs, file.strata.count, STATS_LEVEL, &e, err);
            holds(done, &e, err);
        }
    }
    stats_strata_file_release(&file);
    return rc;
}

static int try_clusters(struct stats_source *source, struct base_err *err) {
    struct stats_cluster_file file;
    struct stats_cluster c;
    int rc = stats_read_clusters(source, STATS_LOT_WITHIN, &file, err);
    if (rc == 0 && file.strata.count <= UNITS_MOST) {
        int done = stats_cluster(file.cells, file.count, STATS_WITH_STRATA, STATS_LEVEL, &c, err);
        holds(done, &c.cr2, err);
    }
    stats_cluster_file_release(&file);
    return rc;
}

static int try_panel(struct stats_source *source, struct base_err *err) {
    struct stats_panel_file file;
    struct stats_estimate e;
    int rc = stats_read_panel(source, STATS_FORM_PANEL, &file, err);
    if (rc == 0) {
        stats_panel_estimator *const all[] = {
            stats_gbr, stats_ancova, stats_did, stats_did_strata, stats_pre_balance};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            int done = all[i](file.units, file.count, STATS_LEVEL, &e, err);
            FUZZ_HOLDS(done == 0 || err->text[0] != '\0');
        }
    }
    stats_panel_file_release(&file);
    return rc;
}

static int try_series(struct stats_source *source, struct base_err *err) {
    struct stats_series_file file;
    int rc = stats_read_series(source, NULL, &file, err);
    if (rc == 0 && file.units.count <= UNITS_MOST && file.periods.count <= UNITS_MOST) {
        struct stats_series_set set = {
            file.values, file.treated, file.units.count, file.periods.count, file.pre};
        struct stats_synthetic s;
        struct stats_staggered w;
        if (stats_synthetic(&set, &s, err) == 0) {
            stats_synthetic_release(&s);
        }
        if (file.starts) {
            struct stats_rollout rollout = {
                file.values, file.starts, file.units.count, file.periods.count};
            if (stats_staggered(&rollout, STATS_CONTROL_NOT_YET, STATS_LEVEL, &w, err) == 0) {
                stats_staggered_release(&w);
            }
        }
    }
    stats_series_file_release(&file);
    return rc;
}

static int try_paths(struct stats_source *source, struct base_err *err) {
    const struct stats_paths_options options = {
        (1U << STATS_CREDIT_MODELS) - 1, STATS_HALF_LIFE_DAYS, NULL, 0};
    struct stats_paths_file file;
    int rc = stats_read_paths(source, &options, &file, err);
    if (rc == 0 && file.channels.count <= UNITS_MOST) {
        double credit[UNITS_MOST + 1];
        struct stats_credit_sum total;
        stats_credit_total(file.credit, &total);
        for (int m = 0; m < STATS_CREDIT_MODELS; m++) {
            enum stats_credit_model model = (enum stats_credit_model)m;
            double sum = total.nobody_conversions;
            if (stats_credit_result(file.credit, model, credit, NULL, err) != 0) {
                continue;
            }
            for (size_t i = 0; i < file.channels.count; i++) {
                sum += credit[i];
            }
            FUZZ_HOLDS(!stats_credit_adds_up(model) || model == STATS_CREDIT_MARKOV ||
                       fabs(sum - total.conversions) <= 1e-9 * (1 + total.conversions));
        }
    }
    stats_paths_file_release(&file);
    return rc;
}

static int try_game(struct stats_source *source, struct base_err *err) {
    struct stats_game_file file;
    int rc = stats_read_game(source, &file, err);
    stats_game_file_release(&file);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static int (*const kinds[])(struct stats_source *, struct base_err *) = {
        try_strata, try_clusters, try_panel, try_series, try_paths, try_game};
    struct base_err err = {0};
    struct stats_source source = {.path = "fuzz.csv"};
    if (count < 1) {
        return 0;
    }
    struct str text = str_of((const char *)bytes + 1, count - 1);
    if (audience_csv_open_memory(text, "fuzz.csv", &source.csv, &err) == 0) {
        int rc = kinds[bytes[0] % (sizeof kinds / sizeof kinds[0])](&source, &err);
        FUZZ_HOLDS(rc == 0 || err.text[0] != '\0');
    }
    return 0;
}
