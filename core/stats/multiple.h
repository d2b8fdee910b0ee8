/* Many verdicts at once, and looks before the end (R22). */
#ifndef STATS_MULTIPLE_H
#define STATS_MULTIPLE_H

#include "base/err.h"
#include <stddef.h>

#define STATS_TESTS_MAX 1000000
#define STATS_LOOKS_MAX 50

/* Adjusted p values, in the order of the input; adjusted_out has room for count. LANTOA_EINVAL for
 * a p outside 0 to 1. */
int stats_holm(const double *p, size_t count, double *adjusted_out,
    struct base_err *err) LANTOA_MUST_CHECK; /* family-wise: verdicts */
int stats_benjamini_hochberg(const double *p, size_t count, double *adjusted_out,
    struct base_err *err) LANTOA_MUST_CHECK; /* false discoveries: screening */

enum stats_bound { STATS_OBRIEN_FLEMING, STATS_POCOCK };
/* Bounds on |z| at each look, so that all looks together err with probability alpha when there is
 * no effect: c / sqrt(t) or c. information: the share of the final information at each look,
 * rising, the last 1; NULL: equally spaced. By the recursion of Armitage, McPherson and Rowe 1969
 * with Gauss-Legendre quadrature; accurate to 1e-8. */
int stats_bounds(enum stats_bound bound, const double *information, size_t looks, double alpha,
    double *z_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
