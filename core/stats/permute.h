/* The permutation test (F7): the arm's coefficient (adjusted for strata) over all re-randomisations
 * that keep the number treated in each stratum. */
#ifndef STATS_PERMUTE_H
#define STATS_PERMUTE_H

#include "stats/units.h"

#define STATS_PERMUTE_EXACT_MAX 100000
#define STATS_PERMUTE_DRAWS 9999
#define STATS_PERMUTE_DRAWS_MAX 10000000

struct stats_permutation {
    struct stats_estimate estimate; /* estimate and two-sided p; the rest absent */
    bool exact;
    int64_t arrangements; /* all of them when exact, else the number drawn */
    int64_t as_extreme;   /* of these, the one seen included when exact */
};

/* Exact when there are at most STATS_PERMUTE_EXACT_MAX arrangements, else draws arrangements from
 * the seed and p = (k + 1)/(draws + 1). Errors as stats_units_effect; LANTOA_EINVAL for draws
 * outside 99 to STATS_PERMUTE_DRAWS_MAX. */
int stats_permute(const struct stats_unit *units, size_t count, int64_t draws, uint64_t seed,
    struct stats_permutation *out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
