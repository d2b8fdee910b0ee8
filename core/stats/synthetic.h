/* Synthetic control (F11, as GeoLift does by default, without ridge augmentation): each series
 * loses its mean of the pre-period; weights >= 0 that add up to 1 make the controls follow the
 * treated before the start; what they do afterwards is what would have been. */
#ifndef STATS_SYNTHETIC_H
#define STATS_SYNTHETIC_H

#include "stats/estimate.h"
#include <stdint.h>

#define STATS_SYNTHETIC_UNITS_MAX 2000
#define STATS_SYNTHETIC_CELLS_MAX 10000000

struct stats_series_set {
    const double *values; /* units x periods, finite; BORROWED */
    const bool *treated;  /* per unit; BORROWED */
    size_t units, periods;
    size_t pre; /* the first so many periods lie before the start; 1 <= pre < periods */
};

struct stats_synthetic {
    struct stats_estimate average; /* effect per treated unit and period after the start */
    struct stats_estimate total;   /* times treated units and periods */
    double lift;                   /* average / counterfactual; absent if that is <= 0 */
    double rmse_pre;               /* how well the controls follow before the start */
    /* Placebo in space: every control takes the treated's place in turn. p = rank/units: `average`
     * and `total` rank the absolute average effect, ratio_p ranks post over pre mean square error
     * (Abadie, Diamond, Hainmueller 2010). */
    double ratio_p;
    double *weights;        /* per unit, 0 for the treated; owned */
    double *counterfactual; /* per period, mean of the treated; owned */
};

/* Several treated units are averaged first. LANTOA_EINVAL for sizes and values, LANTOA_ESTATE
 * without a treated or with fewer than two control units. */
int stats_synthetic(const struct stats_series_set *set, struct stats_synthetic *out,
    struct base_err *err) LANTOA_MUST_CHECK;
void stats_synthetic_release(struct stats_synthetic *result);

/* min |b - A w|^2, w >= 0, sum w = 1. a is rows x n; by an active set on the normal equations,
 * with a ridge of 1e-10 of their mean diagonal, so that the answer is unique when there are more
 * columns than rows. LANTOA_ESTATE if it does not come to an end. */
int stats_simplex_fit(const double *a, const double *b, size_t rows, size_t n, double *weights_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
