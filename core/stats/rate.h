/* One rate and two rates (F1 to F3): Wilson, Wald, Newcombe's method 10, the pooled test, relative
 * measures, Fisher's exact test, Fieller's interval. */
#ifndef STATS_RATE_H
#define STATS_RATE_H

#include "stats/estimate.h"
#include <stdint.h>

struct stats_count {
    int64_t x, n; /* x of n; 0 <= x <= n, n > 0 */
};
struct stats_pair {
    struct stats_count treated, control;
};

/* LANTOA_EINVAL unless 0 <= x <= n and n > 0. */
int stats_count_check(struct stats_count count, struct base_err *err) LANTOA_MUST_CHECK;

/* Wilson's score interval (F1); se is the plain sqrt(pq/n). */
int stats_wilson(struct stats_count count, double level, struct stats_estimate *out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Difference of two rates. All check their counts. */
typedef int stats_pair_estimator(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err);
stats_pair_estimator stats_wald;     /* se unpooled, interval and p from it */
stats_pair_estimator stats_newcombe; /* Newcombe 1998 method 10; se and p absent */
/* z = d / sqrt(pq(1/n1 + 1/n0)) with the common rate; no interval. LANTOA_ESTATE if nobody or
 * everybody converted. */
stats_pair_estimator stats_pooled_z;
stats_pair_estimator stats_chi_square;  /* X2 = z2: estimate and statistic, df 1, p */
stats_pair_estimator stats_incremental; /* n1 d with n1 times Newcombe's interval */
/* HC2 of the regression of 0/1 on the arm, t with n1 + n0 - 2. */
stats_pair_estimator stats_hc2;
/* Ratios; se is that of the logarithm. LANTOA_ESTATE if a rate is 0. */
stats_pair_estimator stats_risk_ratio;
stats_pair_estimator stats_lift;       /* risk ratio - 1 */
stats_pair_estimator stats_odds_ratio; /* Woolf's interval */
/* Fisher's exact test: estimate is d; p two-sided as R adds it; the other two one-sided: more, less
 * conversions in the treated arm. */
stats_pair_estimator stats_fisher;
stats_pair_estimator stats_fisher_greater;
stats_pair_estimator stats_fisher_less;

/* A quotient a/b of two normal estimates with their (co)variances. */
struct stats_quotient {
    double a, b, var_a, var_b, cov;
};
/* Fieller 1954. LANTOA_ESTATE when b may be 0 at this level: the interval has no end. se by the
 * delta method. */
int stats_fieller(const struct stats_quotient *quotient, double level, struct stats_estimate *out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* cost / (n1 d), Fieller over Wald's variance. LANTOA_ESTATE ("undefined") when Newcombe's interval
 * of d covers 0. cost > 0 in any unit. */
int stats_cost_per_incremental(struct stats_pair pair, double cost, double level,
    struct stats_estimate *out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
