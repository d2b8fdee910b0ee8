/* Numbers that agree to a relative or absolute tolerance, for the tests of core/stats. */
#ifndef TESTS_UNIT_STATS_NEAR_H
#define TESTS_UNIT_STATS_NEAR_H

#include "support.h"

#include "stats/estimate.h"

#define NEAR 1e-6 /* the tolerance of the worked examples */

/* Within tolerance, absolute below 1 and relative above. */
#define assert_within(actual, expected, tolerance)                                                 \
    do {                                                                                           \
        double near_a = (actual);                                                                  \
        double near_e = (expected);                                                                \
        double near_scale = fabs(near_e) > 1 ? fabs(near_e) : 1;                                   \
        if (!(fabs(near_a - near_e) <= (tolerance)*near_scale)) {                                  \
            fail_msg("%s is %.17g, not %.17g", #actual, near_a, near_e);                           \
        }                                                                                          \
    } while (0)
#define assert_near(actual, expected) assert_within(actual, expected, NEAR)
/* Relative: for tails and small figures. */
#define assert_close(actual, expected, tolerance)                                                  \
    do {                                                                                           \
        double near_a = (actual);                                                                  \
        double near_e = (expected);                                                                \
        if (!(fabs(near_a - near_e) <= (tolerance)*fabs(near_e))) {                                \
            fail_msg("%s is %.17g, not %.17g", #actual, near_a, near_e);                           \
        }                                                                                          \
    } while (0)
#define assert_absent(value) assert_true(isnan(value))

#endif
