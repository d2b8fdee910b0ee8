/* Two rates in strata (F4): the weighted difference, Mantel-Haenszel, inverse variance, the
 * Cochran-Mantel-Haenszel test. */
#ifndef STATS_STRATA_H
#define STATS_STRATA_H

#include "stats/rate.h"

/* strata: count of them, each with 0 <= x <= n; LANTOA_EINVAL otherwise or when no stratum has both
 * arms. A stratum without one arm is LANTOA_ESTATE where it cannot be left out honestly
 * (stats_stratified, stats_inverse_variance); elsewhere it has no weight. */
typedef int stats_strata_estimator(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err);
stats_strata_estimator stats_stratified; /* sum W_h d_h, W_h = N_h/N; normal */
/* Mantel-Haenszel risk difference, variance of Sato 1989. */
stats_strata_estimator stats_mantel_haenszel;
/* Weights 1/V_h; LANTOA_ESTATE when a stratum has variance 0. */
stats_strata_estimator stats_inverse_variance;
/* Cochran's Q over the strata: estimate and statistic Q, df, p. */
stats_strata_estimator stats_heterogeneity;
/* CMH chi-square without continuity correction; estimate and statistic X2, df 1, p. */
stats_strata_estimator stats_cmh;
/* The same with Yates's correction of 1/2, as R does by default. */
stats_strata_estimator stats_cmh_corrected;
/* Mantel-Haenszel odds ratio with the interval of Robins, Breslow and Greenland 1986. */
stats_strata_estimator stats_mantel_haenszel_odds_ratio;

/* All strata thrown together. */
struct stats_pair stats_strata_sum(const struct stats_pair *strata, size_t count);

#endif
