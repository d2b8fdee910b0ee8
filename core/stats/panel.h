/* Units measured before and after (F8, F10): Google's geo-based regression, analysis of covariance,
 * difference in differences from the units' changes. */
#ifndef STATS_PANEL_H
#define STATS_PANEL_H

#include "stats/units.h"

struct stats_panel_unit {
    double pre, post; /* finite */
    bool treated;
    uint32_t stratum; /* below the number of units */
};

/* LANTOA_EINVAL for numbers that are not finite, LANTOA_ESTATE when the design is singular or has
 * too few units. */
typedef int stats_panel_estimator(const struct stats_panel_unit *units, size_t count, double level,
    struct stats_estimate *out, struct base_err *err);
/* post = a + b pre + tau T, weights 1/pre^2 (Vaver and Koehler 2011), t(G - 3); every pre must be
 * different from 0. */
stats_panel_estimator stats_gbr;
stats_panel_estimator stats_ancova; /* the same with equal weights */
/* Difference in differences: the units' changes by Welch's t, or with a dummy per stratum. */
stats_panel_estimator stats_did;
stats_panel_estimator stats_did_strata;
/* Welch's t on the values before: what a lot should leave equal. */
stats_panel_estimator stats_pre_balance;

#endif
