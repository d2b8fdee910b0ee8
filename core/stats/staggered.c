/* Callaway and Sant'Anna without covariates. */
#include "stats/staggered.h"

#include "base/mem.h"
#include "base/tr.h"
#include <string.h>

/* One (g, t): who counts and from which period the change is taken. */
struct cell {
    uint32_t g, t, base;
    double treated, controls;
    double mean[2]; /* change of controls, treated */
};

static bool in_analysis(const struct stats_rollout *r, size_t unit) {
    return r->starts[unit] > 0;
}

static bool is_control(
    const struct stats_rollout *r, enum stats_control control, size_t unit, const struct cell *c) {
    uint32_t start = r->starts[unit];
    if (control == STATS_CONTROL_NEVER || start == STATS_NEVER) {
        return start == STATS_NEVER;
    }
    /* Not yet treated in t, nor in the base period. */
    return start != c->g && start > c->t && start > c->base;
}

static double change(const struct stats_rollout *r, size_t unit, const struct cell *c) {
    const double *row = r->values + unit * r->periods;
    return row[c->t] - row[c->base];
}

static bool measure(const struct stats_rollout *r, enum stats_control control, struct cell *c) {
    for (size_t u = 0; u < r->units; u++) {
        if (!in_analysis(r, u)) {
            continue;
        }
        bool treated = r->starts[u] == c->g;
        if (!treated && !is_control(r, control, u, c)) {
            continue;
        }
        double *n = treated ? &c->treated : &c->controls;
        *n += 1;
        c->mean[treated] += (change(r, u, c) - c->mean[treated]) / *n;
    }
    return c->treated > 0 && c->controls > 0;
}

/* The influence of each unit on ATT(g, t), times 1/units of the analysis. */
static void influence(
    const struct stats_rollout *r, enum stats_control control, const struct cell *c, double *out) {
    for (size_t u = 0; u < r->units; u++) {
        out[u] = 0;
        if (!in_analysis(r, u)) {
            continue;
        }
        if (r->starts[u] == c->g) {
            out[u] = (change(r, u, c) - c->mean[1]) / c->treated;
        } else if (is_control(r, control, u, c)) {
            out[u] = -(change(r, u, c) - c->mean[0]) / c->controls;
        }
    }
}

static double length(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i] * values[i];
    }
    return sqrt(sum);
}

static int check(const struct stats_rollout *r, struct stats_staggered *out, bool *starts,
    struct base_err *err) {
    if (r->units > STATS_STAGGERED_CELLS_MAX || r->periods > STATS_STAGGERED_CELLS_MAX ||
        r->units * r->periods > STATS_STAGGERED_CELLS_MAX) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("more than %d numbers"), STATS_STAGGERED_CELLS_MAX);
    }
    for (size_t i = 0; i < r->units * r->periods; i++) {
        if (!isfinite(r->values[i])) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("period %zu: the value is no number"), i % r->periods + 1);
        }
    }
    bool any = false;
    for (size_t u = 0; u < r->units; u++) {
        uint32_t start = r->starts[u];
        if (start != STATS_NEVER && start >= r->periods) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("unit %zu: its start lies outside the periods"), u + 1);
        }
        out->dropped += start == 0;
        if (start != STATS_NEVER && start > 0) {
            starts[start] = any = true;
        }
    }
    if (!any) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no unit starts after the first period: there is nothing to compare"));
    }
    return 0;
}

/* The weighted mean over t >= g, and the influence of the units on it and on the weights. */
static void simple(const struct stats_rollout *r, enum stats_control control,
    struct stats_staggered *out, double *total, double *one, double level) {
    double weights = 0;
    double mean = 0;
    struct cell *cells = base_alloc_array(out->count, sizeof *cells);
    for (size_t i = 0; i < out->count; i++) {
        if (out->att[i].post) {
            cells[i] = (struct cell){
                .g = out->att[i].start, .t = out->att[i].period, .base = out->att[i].start - 1};
            measure(r, control, &cells[i]);
            weights += cells[i].treated;
            mean += cells[i].treated * out->att[i].effect.estimate;
        }
    }
    if (!(weights > 0)) {
        base_free(cells);
        return;
    }
    mean /= weights;
    memset(total, 0, r->units * sizeof *total);
    for (size_t i = 0; i < out->count; i++) {
        if (!out->att[i].post) {
            continue;
        }
        double share = cells[i].treated / weights;
        influence(r, control, &cells[i], one);
        for (size_t u = 0; u < r->units; u++) {
            total[u] += share * one[u];
            /* d(sum p_g ATT / sum p_g) by the unit's own cohort share. */
            total[u] +=
                r->starts[u] == cells[i].g ? (out->att[i].effect.estimate - mean) / weights : 0;
        }
    }
    base_free(cells);
    stats_estimate_of(mean, length(total, r->units), STATS_NORMAL, level, &out->simple);
}

int stats_staggered(const struct stats_rollout *rollout, enum stats_control control, double level,
    struct stats_staggered *out, struct base_err *err) {
    *out = (struct stats_staggered){0};
    stats_estimate_clear(&out->simple);
    int rc = stats_level_check(level, err);
    if (rc != 0) {
        return rc;
    }
    bool *starts = base_alloc_array(rollout->periods + 1, sizeof *starts);
    double *one = base_alloc_array(rollout->units + 1, sizeof *one);
    double *total = base_alloc_array(rollout->units + 1, sizeof *total);
    rc = check(rollout, out, starts, err);
    size_t cohorts = 0;
    for (size_t g = 1; g < rollout->periods; g++) {
        cohorts += starts[g];
    }
    out->att = base_alloc_array(cohorts * rollout->periods + 1, sizeof *out->att);
    for (uint32_t g = 1; rc == 0 && g < rollout->periods; g++) {
        for (uint32_t t = 1; starts[g] && t < rollout->periods; t++) {
            struct cell c = {.g = g, .t = t, .base = t >= g ? g - 1 : t - 1};
            if (!measure(rollout, control, &c)) {
                continue;
            }
            influence(rollout, control, &c, one);
            struct stats_att *att = &out->att[out->count++];
            *att = (struct stats_att){.start = g, .period = t, .post = t >= g};
            stats_estimate_of(c.mean[1] - c.mean[0], length(one, rollout->units), STATS_NORMAL,
                level, &att->effect);
        }
    }
    if (rc == 0) {
        simple(rollout, control, out, total, one, level);
        if (isnan(out->simple.estimate)) {
            rc = base_err_set(err, LANTOA_ESTATE, "%s",
                TR("no unit is left untreated to compare with; try the units not yet treated"));
        }
    }
    base_free(starts);
    base_free(one);
    base_free(total);
    if (rc != 0) {
        stats_staggered_release(out);
    }
    return rc;
}

void stats_staggered_release(struct stats_staggered *result) {
    base_free(result->att);
    result->att = NULL;
    result->count = 0;
}
