/* Distributions: tails and quantiles, relative error below 1e-10 for parameters up to 1e6. Tails
 * are computed as such, never as 1 minus the other side. df may be STATS_NORMAL (infinity) for t.
 * Methods: erfc of the C library; continued fractions (DLMF 8.9.2,
 * 8.17.22) by Lentz's algorithm; quantiles by Newton's method on the logarithm of the tail. */
#ifndef STATS_DIST_H
#define STATS_DIST_H

#include <stdint.h>

double stats_normal_density(double x);
double stats_normal_cdf(double x);
double stats_normal_upper(double x);    /* P(Z > x) */
double stats_normal_quantile(double p); /* 0 < p < 1; beyond: -inf, inf */

double stats_t_upper(double t, double df);
double stats_t_two_sided(double t, double df); /* P(|T| > |t|) */
double stats_t_quantile(double p, double df);

double stats_chi2_upper(double x, double df);
double stats_chi2_quantile(double p, double df);

/* Regularised incomplete beta I_x(a, b), a, b > 0; y is 1 - x, given apart so that no digits are
 * lost. */
double stats_beta_cdf(double x, double y, double a, double b);
/* Regularised upper incomplete gamma Q(a, x), a > 0, x >= 0. */
double stats_gamma_upper(double a, double x);

double stats_binomial_cdf(int64_t k, int64_t n, double p);      /* P(X <= k) */
double stats_binomial_upper(int64_t k, int64_t n, double p);    /* P(X >= k) */
int64_t stats_binomial_quantile(double q, int64_t n, double p); /* least k with cdf >= q */

struct stats_hypergeometric {
    int64_t marked, unmarked; /* in the urn */
    int64_t draws;            /* <= marked + unmarked */
};
struct stats_tails {
    double point, lower, upper; /* P(X = x), P(X <= x), P(X >= x) */
    double two_sided;           /* all outcomes no likelier than x, as Fisher's test adds them */
};
void stats_hypergeometric_tails(
    struct stats_hypergeometric urn, int64_t x, struct stats_tails *out);
/* Least x with P(X <= x) >= q. */
int64_t stats_hypergeometric_quantile(double q, struct stats_hypergeometric urn);

#endif
