/* One estimate with what makes it usable: standard error, degrees of freedom, interval, p value.
 * Every function of core/stats is pure: no state, no clock, any thread; errors are LANTOA_EINVAL
 * (the numbers given make no sense), LANTOA_ESTATE (they do, but the figure is not defined for
 * them) or LANTOA_ELIMIT, with a text for the reader. */
#ifndef STATS_ESTIMATE_H
#define STATS_ESTIMATE_H

#include "base/err.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define STATS_LEVEL 0.95 /* the usual confidence level */
/* A field that the estimator does not have. Never the result of a computation. */
#define STATS_ABSENT ((double)NAN)
#define STATS_NORMAL ((double)INFINITY) /* degrees of freedom of the normal distribution */

struct stats_estimate {
    double estimate;
    double se;
    double df; /* STATS_NORMAL when the normal distribution was used */
    double low, high;
    double p;         /* two-sided unless the estimator's name says otherwise */
    double statistic; /* z, t or chi-square */
};

/* All fields absent. */
void stats_estimate_clear(struct stats_estimate *out);
/* Sets statistic, p (two-sided) and the interval estimate +- quantile(df) * se. A standard error
 * of 0 leaves statistic, p and interval absent: without variation there is no test. */
void stats_estimate_of(
    double estimate, double se, double df, double level, struct stats_estimate *out);
/* LANTOA_EINVAL unless 0 < level < 1. */
int stats_level_check(double level, struct base_err *err) LANTOA_MUST_CHECK;
/* true if the interval is known and holds 0. */
bool stats_covers_zero(const struct stats_estimate *estimate);

#endif
