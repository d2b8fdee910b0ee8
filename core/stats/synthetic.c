/* Synthetic control and its placebos. */
#include "stats/synthetic.h"

#include "base/mem.h"
#include "base/tr.h"

/* The series without their pre-period means: controls as columns, periods as rows. */
struct centred {
    double *values; /* units x periods */
    double *means;  /* per unit */
};

static int check(const struct stats_series_set *set, size_t *treated_out, struct base_err *err) {
    *treated_out = 0;
    if (set->units > STATS_SYNTHETIC_UNITS_MAX || set->periods > STATS_SYNTHETIC_CELLS_MAX ||
        set->units * set->periods > STATS_SYNTHETIC_CELLS_MAX) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("more than %d units"), STATS_SYNTHETIC_UNITS_MAX);
    }
    for (size_t i = 0; i < set->units * set->periods; i++) {
        if (!isfinite(set->values[i])) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("period %zu: the value is no number"), i % set->periods + 1);
        }
    }
    for (size_t u = 0; u < set->units; u++) {
        *treated_out += set->treated[u];
    }
    if (set->pre < 2 || set->pre >= set->periods) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("needs at least 2 periods before the start and one after it"));
    }
    if (*treated_out == 0 || set->units - *treated_out < 2) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("needs a treated unit and at least two control units"));
    }
    return 0;
}

static double mean(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / (double)count;
}

/* Fits target (centred, periods long) by the units listed; gap is target minus fit, per period. */
struct placebo {
    double effect, ratio, rmse;
};

static int fit(const struct stats_series_set *set, const struct centred *c, const double *target,
    const size_t *donors, size_t donor_count, double *weights, double *gap, struct placebo *out,
    struct base_err *err) {
    double *a = base_alloc_array(set->pre * donor_count, sizeof *a);
    for (size_t t = 0; t < set->pre; t++) {
        for (size_t j = 0; j < donor_count; j++) {
            a[t * donor_count + j] = c->values[donors[j] * set->periods + t];
        }
    }
    int rc = stats_simplex_fit(a, target, set->pre, donor_count, weights, err);
    base_free(a);
    if (rc != 0) {
        return rc;
    }
    double before = 0;
    double after = 0;
    double effect = 0;
    for (size_t t = 0; t < set->periods; t++) {
        gap[t] = target[t];
        for (size_t j = 0; j < donor_count; j++) {
            gap[t] -= weights[j] * c->values[donors[j] * set->periods + t];
        }
        before += t < set->pre ? gap[t] * gap[t] : 0;
        after += t < set->pre ? 0 : gap[t] * gap[t];
        effect += t < set->pre ? 0 : gap[t];
    }
    double post = (double)(set->periods - set->pre);
    out->effect = effect / post;
    out->rmse = sqrt(before / (double)set->pre);
    double least = 1e-300;
    out->ratio = (after / post) / fmax(before / (double)set->pre, least);
    return 0;
}

/* How many of the placebos are at least as far out as the treated. */
struct ranks {
    size_t effect, ratio, units;
};

static int placebos(const struct stats_series_set *set, const struct centred *c,
    const size_t *donors, size_t donor_count, const struct placebo *seen, struct ranks *ranks,
    struct base_err *err) {
    size_t *others = base_alloc_array(donor_count, sizeof *others);
    double *weights = base_alloc_array(donor_count, sizeof *weights);
    double *gap = base_alloc_array(set->periods, sizeof *gap);
    int rc = 0;
    *ranks = (struct ranks){1, 1, 1};
    for (size_t d = 0; rc == 0 && d < donor_count; d++) {
        size_t count = 0;
        struct placebo placebo;
        for (size_t j = 0; j < donor_count; j++) {
            others[count] = donors[j];
            count += j != d;
        }
        rc = fit(set, c, c->values + donors[d] * set->periods, others, count, weights, gap,
            &placebo, err);
        if (rc == 0) {
            ranks->units++;
            ranks->effect += fabs(placebo.effect) >= fabs(seen->effect) * (1 - 1e-12);
            ranks->ratio += placebo.ratio >= seen->ratio * (1 - 1e-12);
        }
    }
    base_free(others);
    base_free(weights);
    base_free(gap);
    return rc;
}

/* Room of one analysis. */
struct room {
    struct centred centred;
    double *target, *gap, *weights;
    size_t *donors;
    size_t donor_count;
    double target_mean;
};

static void centre(const struct stats_series_set *set, size_t treated, struct room *room) {
    for (size_t u = 0; u < set->units; u++) {
        const double *row = set->values + u * set->periods;
        double *out = room->centred.values + u * set->periods;
        room->centred.means[u] = mean(row, set->pre);
        for (size_t t = 0; t < set->periods; t++) {
            out[t] = row[t] - room->centred.means[u];
            room->target[t] += set->treated[u] ? out[t] / (double)treated : 0;
        }
        if (set->treated[u]) {
            room->target_mean += room->centred.means[u] / (double)treated;
        } else {
            room->donors[room->donor_count++] = u;
        }
    }
}

static void tell(const struct stats_series_set *set, size_t treated, const struct room *room,
    const struct placebo *seen, const struct ranks *ranks, struct stats_synthetic *out) {
    double post = (double)(set->periods - set->pre);
    double expected = 0;
    out->weights = base_alloc_array(set->units, sizeof(double));
    out->counterfactual = base_alloc_array(set->periods, sizeof(double));
    for (size_t j = 0; j < room->donor_count; j++) {
        out->weights[room->donors[j]] = room->weights[j];
    }
    for (size_t t = 0; t < set->periods; t++) {
        out->counterfactual[t] = room->target_mean + room->target[t] - room->gap[t];
        expected += t < set->pre ? 0 : out->counterfactual[t] / post;
    }
    out->average.estimate = seen->effect;
    out->average.p = (double)ranks->effect / (double)ranks->units;
    out->total.estimate = seen->effect * post * (double)treated;
    out->total.p = out->average.p;
    out->ratio_p = (double)ranks->ratio / (double)ranks->units;
    out->lift = expected > 0 ? seen->effect / expected : STATS_ABSENT;
    out->rmse_pre = seen->rmse;
}

int stats_synthetic(
    const struct stats_series_set *set, struct stats_synthetic *out, struct base_err *err) {
    size_t treated;
    *out = (struct stats_synthetic){0};
    stats_estimate_clear(&out->average);
    stats_estimate_clear(&out->total);
    int rc = check(set, &treated, err);
    if (rc != 0) {
        return rc;
    }
    struct room room = {0};
    room.centred.values = base_alloc_array(set->units * set->periods, sizeof(double));
    room.centred.means = base_alloc_array(set->units, sizeof(double));
    room.target = base_alloc_array(set->periods, sizeof(double));
    room.gap = base_alloc_array(set->periods, sizeof(double));
    room.weights = base_alloc_array(set->units, sizeof(double));
    room.donors = base_alloc_array(set->units, sizeof *room.donors);
    centre(set, treated, &room);
    struct placebo seen;
    struct ranks ranks;
    rc = fit(set, &room.centred, room.target, room.donors, room.donor_count, room.weights, room.gap,
        &seen, err);
    rc = rc ? rc : placebos(set, &room.centred, room.donors, room.donor_count, &seen, &ranks, err);
    if (rc == 0) {
        tell(set, treated, &room, &seen, &ranks, out);
    }
    base_free(room.centred.values);
    base_free(room.centred.means);
    base_free(room.target);
    base_free(room.gap);
    base_free(room.weights);
    base_free(room.donors);
    return rc;
}

void stats_synthetic_release(struct stats_synthetic *result) {
    base_free(result->weights);
    base_free(result->counterfactual);
    result->weights = result->counterfactual = NULL;
}
