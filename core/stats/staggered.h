/* Roll-out in waves (F12; Callaway and Sant'Anna 2021, no covariates): effects of each cohort in
 * each period against units that are not treated, never against those treated before. */
#ifndef STATS_STAGGERED_H
#define STATS_STAGGERED_H

#include "stats/estimate.h"
#include <stdint.h>

#define STATS_NEVER UINT32_MAX
#define STATS_STAGGERED_CELLS_MAX 10000000

struct stats_rollout {
    const double *values;   /* units x periods, finite; BORROWED */
    const uint32_t *starts; /* per unit: index of its first treated period, or STATS_NEVER */
    size_t units, periods;
};

enum stats_control { STATS_CONTROL_NEVER, STATS_CONTROL_NOT_YET };

struct stats_att {
    uint32_t start, period; /* cohort g and time t */
    bool post;              /* t >= g; before: from t - 1 to t, 0 unless trends differ */
    struct stats_estimate effect;
};

struct stats_staggered {
    struct stats_att *att; /* by start, then period; owned */
    size_t count;
    struct stats_estimate simple; /* mean over t >= g, weighted by cohort size */
    size_t dropped;               /* units treated from the first period on: no base period */
};

/* Standard errors from influence functions (units independent), the weights' own included, normal.
 * LANTOA_ESTATE without a cohort that has a period before, or when no control is left for any
 * (g, t); a (g, t) without controls is left out. */
int stats_staggered(const struct stats_rollout *rollout, enum stats_control control, double level,
    struct stats_staggered *out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_staggered_release(struct stats_staggered *result);

#endif
