/* Units with one number each. */
#include "stats/units.h"

#include "base/mem.h"
#include "base/tr.h"

int stats_units_check(
    const struct stats_unit *units, size_t count, size_t *strata_out, struct base_err *err) {
    size_t arms[2] = {0, 0};
    uint32_t highest = 0;
    if (count > STATS_UNITS_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("more than %d units"), STATS_UNITS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(units[i].value) || units[i].stratum >= count) {
            return base_err_set(err, LANTOA_EINVAL, TR("unit %zu: the value is no number"), i + 1);
        }
        arms[units[i].treated]++;
        highest = units[i].stratum > highest ? units[i].stratum : highest;
    }
    if (arms[0] == 0 || arms[1] == 0) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("an arm has no unit in it"));
    }
    *strata_out = (size_t)highest + 1;
    return 0;
}

struct moments {
    double n, mean, squares;
};

static void moments_add(struct moments *m, double value) {
    double gap = value - m->mean;
    m->n += 1;
    m->mean += gap / m->n;
    m->squares += gap * (value - m->mean);
}

int stats_welch(const struct stats_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    size_t strata = 0;
    struct moments arm[2] = {{0, 0, 0}, {0, 0, 0}};
    stats_estimate_clear(out);
    int rc = stats_level_check(level, err);
    rc = rc ? rc : stats_units_check(units, count, &strata, err);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        moments_add(&arm[units[i].treated], units[i].value);
    }
    if (arm[0].n < 2 || arm[1].n < 2) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("needs at least two units in each arm"));
    }
    double v1 = arm[1].squares / (arm[1].n - 1) / arm[1].n;
    double v0 = arm[0].squares / (arm[0].n - 1) / arm[0].n;
    double all = v1 + v0;
    if (!(all > 0)) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("no spread: all units of each arm are equal"));
    }
    double df = all * all / (v1 * v1 / (arm[1].n - 1) + v0 * v0 / (arm[0].n - 1));
    stats_estimate_of(arm[1].mean - arm[0].mean, sqrt(all), df, level, out);
    return 0;
}

/* Sums of the regression after taking the strata's means out. */
struct within {
    size_t strata; /* that have units */
    double tt, ty, yy;
};

static void within_strata(
    const struct stats_unit *units, size_t count, size_t strata, struct within *out) {
    struct moments *value = base_alloc_array(strata, sizeof *value);
    struct moments *arm = base_alloc_array(strata, sizeof *arm);
    *out = (struct within){0};
    for (size_t i = 0; i < count; i++) {
        moments_add(&value[units[i].stratum], units[i].value);
        moments_add(&arm[units[i].stratum], units[i].treated ? 1 : 0);
    }
    for (size_t s = 0; s < strata; s++) {
        out->strata += value[s].n > 0;
    }
    for (size_t i = 0; i < count; i++) {
        double t = (units[i].treated ? 1 : 0) - arm[units[i].stratum].mean;
        double y = units[i].value - value[units[i].stratum].mean;
        out->tt += t * t;
        out->ty += t * y;
        out->yy += y * y;
    }
    base_free(value);
    base_free(arm);
}

static int adjusted(
    const struct stats_unit *units, size_t count, struct within *out, struct base_err *err) {
    size_t strata = 0;
    int rc = stats_units_check(units, count, &strata, err);
    if (rc != 0) {
        return rc;
    }
    within_strata(units, count, strata, out);
    if (!(out->tt > 1e-9)) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("no stratum has units in both arms"));
    }
    return 0;
}

int stats_units_effect(
    const struct stats_unit *units, size_t count, double *effect_out, struct base_err *err) {
    struct within w = {0};
    int rc = adjusted(units, count, &w, err);
    *effect_out = rc == 0 ? w.ty / w.tt : STATS_ABSENT;
    return rc;
}

int stats_dummies(const struct stats_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    struct within w = {0};
    stats_estimate_clear(out);
    int rc = stats_level_check(level, err);
    rc = rc ? rc : adjusted(units, count, &w, err);
    if (rc != 0) {
        return rc;
    }
    double df = (double)count - (double)w.strata - 1;
    double rest = w.yy - w.ty * w.ty / w.tt;
    if (!(df > 0)) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("too few units for this estimate"));
    }
    if (!(rest > 1e-14 * w.yy)) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("no spread: all units of each arm are equal"));
    }
    stats_estimate_of(w.ty / w.tt, sqrt(rest / df / w.tt), df, level, out);
    return 0;
}
