/* Units measured before and after. */
#include "stats/panel.h"

#include "base/mem.h"
#include "base/tr.h"
#include "stats/matrix.h"

enum { INTERCEPT, PRE, ARM, COLUMNS };
enum value { VALUE_PRE, VALUE_CHANGE };

static int check(
    const struct stats_panel_unit *units, size_t count, double level, struct base_err *err) {
    size_t arms[2] = {0, 0};
    int rc = stats_level_check(level, err);
    if (rc == 0 && count > STATS_UNITS_MAX) {
        rc = base_err_set(err, LANTOA_ELIMIT, TR("more than %d units"), STATS_UNITS_MAX);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!isfinite(units[i].pre) || !isfinite(units[i].post)) {
            rc = base_err_set(err, LANTOA_EINVAL, TR("unit %zu: the value is no number"), i + 1);
        }
        arms[units[i].treated]++;
    }
    if (rc == 0 && (arms[0] == 0 || arms[1] == 0)) {
        rc = base_err_set(err, LANTOA_ESTATE, "%s", TR("an arm has no unit in it"));
    }
    return rc;
}

/* weights NULL: equal. */
static int regress(const struct stats_panel_unit *units, size_t count, const double *weights,
    double level, struct stats_estimate *out, struct base_err *err) {
    if (count <= COLUMNS) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("too few units for this estimate"));
    }
    double *x = base_alloc_array(count * COLUMNS, sizeof *x);
    double *y = base_alloc_array(count, sizeof *y);
    for (size_t i = 0; i < count; i++) {
        x[i * COLUMNS + INTERCEPT] = 1;
        x[i * COLUMNS + PRE] = units[i].pre;
        x[i * COLUMNS + ARM] = units[i].treated ? 1 : 0;
        y[i] = units[i].post;
    }
    struct stats__fit fit;
    int rc = stats__least_squares(x, y, weights, count, COLUMNS, &fit, err);
    if (rc == 0) {
        double df = (double)(count - COLUMNS);
        double variance = fit.rss / df * fit.covariance[ARM * COLUMNS + ARM];
        stats_estimate_of(fit.b[ARM], sqrt(variance), df, level, out);
        stats__fit_release(&fit);
    }
    base_free(x);
    base_free(y);
    return rc;
}

int stats_gbr(const struct stats_panel_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(units, count, level, err);
    if (rc != 0) {
        return rc;
    }
    double *weights = base_alloc_array(count, sizeof *weights);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        weights[i] = 1 / (units[i].pre * units[i].pre);
        if (!isfinite(weights[i]) || !(weights[i] > 0)) {
            rc = base_err_set(err, LANTOA_ESTATE,
                TR("unit %zu has 0 before: the geo-based regression cannot weigh it"), i + 1);
        }
    }
    rc = rc ? rc : regress(units, count, weights, level, out, err);
    base_free(weights);
    return rc;
}

int stats_ancova(const struct stats_panel_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(units, count, level, err);
    return rc ? rc : regress(units, count, NULL, level, out, err);
}

static int by_units(const struct stats_panel_unit *units, size_t count, enum value value,
    stats_units_estimator *estimator, double level, struct stats_estimate *out,
    struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(units, count, level, err);
    if (rc != 0) {
        return rc;
    }
    struct stats_unit *plain = base_alloc_array(count, sizeof *plain);
    for (size_t i = 0; i < count; i++) {
        double pre = units[i].pre;
        plain[i] = (struct stats_unit){
            value == VALUE_PRE ? pre : units[i].post - pre, units[i].treated, units[i].stratum};
    }
    rc = estimator(plain, count, level, out, err);
    base_free(plain);
    return rc;
}

int stats_did(const struct stats_panel_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    return by_units(units, count, VALUE_CHANGE, stats_welch, level, out, err);
}

int stats_did_strata(const struct stats_panel_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    return by_units(units, count, VALUE_CHANGE, stats_dummies, level, out, err);
}

int stats_pre_balance(const struct stats_panel_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    return by_units(units, count, VALUE_PRE, stats_welch, level, out, err);
}
