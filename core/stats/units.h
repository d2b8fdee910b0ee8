/* Units with one number each (village rates, changes) by arm and stratum (F6): Welch's t and least
 * squares with a dummy per stratum. */
#ifndef STATS_UNITS_H
#define STATS_UNITS_H

#include "stats/estimate.h"
#include <stdint.h>

#define STATS_UNITS_MAX 1000000

struct stats_unit {
    double value; /* finite */
    bool treated;
    uint32_t stratum; /* below the number of units */
};

/* LANTOA_EINVAL for a value that is not finite, LANTOA_ESTATE when an arm is empty or has no spread
 * to estimate. */
typedef int stats_units_estimator(const struct stats_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err);
stats_units_estimator stats_welch;   /* Satterthwaite's df; ignores strata */
stats_units_estimator stats_dummies; /* value on arm and strata, df = units - strata - 1 */

/* The number of strata when every unit has a stratum below count and a finite value, both arms have
 * somebody; else the error. */
int stats_units_check(const struct stats_unit *units, size_t count, size_t *strata_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Mean difference adjusted for strata: the coefficient of stats_dummies alone. LANTOA_ESTATE when
 * no stratum has both arms. */
int stats_units_effect(const struct stats_unit *units, size_t count, double *effect_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
