/* Completing an estimate from its standard error. Knows no design. */
#include "stats/estimate.h"

#include "base/tr.h"
#include "stats/dist.h"

void stats_estimate_clear(struct stats_estimate *out) {
    *out = (struct stats_estimate){STATS_ABSENT, STATS_ABSENT, STATS_ABSENT, STATS_ABSENT,
        STATS_ABSENT, STATS_ABSENT, STATS_ABSENT};
}

void stats_estimate_of(
    double estimate, double se, double df, double level, struct stats_estimate *out) {
    stats_estimate_clear(out);
    out->estimate = estimate;
    out->se = se;
    out->df = df;
    if (!(se > 0) || !isfinite(se) || !(df > 0)) {
        return;
    }
    double q = stats_t_quantile(0.5 + level / 2, df);
    out->statistic = estimate / se;
    out->p = stats_t_two_sided(out->statistic, df);
    out->low = estimate - q * se;
    out->high = estimate + q * se;
}

int stats_level_check(double level, struct base_err *err) {
    if (!(level > 0 && level < 1)) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("the confidence level must lie between 0 and 1"));
    }
    return 0;
}

bool stats_covers_zero(const struct stats_estimate *estimate) {
    return estimate->low <= 0 && estimate->high >= 0;
}
