/* Time-based regression (F9; Kerman, Wang, Vaver 2017): the treated total y predicted from the
 * control total x by the line fitted before the campaign. */
#ifndef STATS_SERIES_H
#define STATS_SERIES_H

#include "stats/estimate.h"
#include <stdint.h>

#define STATS_PERIODS_MAX 100000
#define STATS_TBR_ADVISED 28 /* periods before the start, below which the fit is weak */

struct stats_point {
    double treated, control; /* finite */
    bool post;
};

struct stats_tbr {
    struct stats_estimate effect; /* sum over the post periods, t(n_pre - 2) */
    /* Relative to what was expected; interval by dividing the effect's; absent when expected <= 0.
     */
    struct stats_estimate lift;
    double alpha, beta, sigma;
    double expected; /* sum of the counterfactual over the post periods */
    size_t pre, post;
};

/* LANTOA_ESTATE with fewer than 3 pre periods, no post period, or a control that does not move. */
int stats_tbr(const struct stats_point *points, size_t count, double level, struct stats_tbr *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
