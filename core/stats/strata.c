/* Two rates in strata. */
#include "stats/strata.h"

#include "base/tr.h"
#include "stats/dist.h"

static bool both_arms(const struct stats_pair *stratum) {
    return stratum->treated.n > 0 && stratum->control.n > 0;
}

static int check_count(struct stats_count c, struct base_err *err) {
    return c.n == 0 && c.x == 0 ? 0 : stats_count_check(c, err);
}

static int check(
    const struct stats_pair *strata, size_t count, double level, struct base_err *err) {
    int rc = stats_level_check(level, err);
    bool any = false;
    for (size_t h = 0; rc == 0 && h < count; h++) {
        rc = check_count(strata[h].treated, err);
        rc = rc ? rc : check_count(strata[h].control, err);
        any = any || both_arms(&strata[h]);
        if (rc != 0) {
            base_err_prefix(err, TR("stratum %zu"), h + 1);
        }
    }
    if (rc == 0 && !any) {
        rc = base_err_set(err, LANTOA_EINVAL, "%s", TR("no stratum has people in both arms"));
    }
    return rc;
}

/* The sizes and rates of one stratum as doubles. */
struct numbers {
    double n1, n0, n, x1, x0, d, variance;
};

static struct numbers numbers_of(const struct stats_pair *s) {
    struct numbers v = {.n1 = (double)s->treated.n, .n0 = (double)s->control.n};
    v.n = v.n1 + v.n0;
    v.x1 = (double)s->treated.x;
    v.x0 = (double)s->control.x;
    double p1 = v.x1 / v.n1;
    double p0 = v.x0 / v.n0;
    v.d = p1 - p0;
    v.variance = p1 * (1 - p1) / v.n1 + p0 * (1 - p0) / v.n0;
    return v;
}

static int one_sided_stratum(const struct stats_pair *strata, size_t count, struct base_err *err) {
    for (size_t h = 0; h < count; h++) {
        if (!both_arms(&strata[h]) && strata[h].treated.n + strata[h].control.n > 0) {
            return base_err_set(
                err, LANTOA_ESTATE, TR("stratum %zu has nobody in one of the arms"), h + 1);
        }
    }
    return 0;
}

struct stats_pair stats_strata_sum(const struct stats_pair *strata, size_t count) {
    struct stats_pair sum = {{0, 0}, {0, 0}};
    for (size_t h = 0; h < count; h++) {
        sum.treated.x += strata[h].treated.x;
        sum.treated.n += strata[h].treated.n;
        sum.control.x += strata[h].control.x;
        sum.control.n += strata[h].control.n;
    }
    return sum;
}

int stats_stratified(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    rc = rc ? rc : one_sided_stratum(strata, count, err);
    if (rc != 0) {
        return rc;
    }
    double all = 0;
    double d = 0;
    double variance = 0;
    for (size_t h = 0; h < count; h++) {
        if (both_arms(&strata[h])) {
            struct numbers v = numbers_of(&strata[h]);
            all += v.n;
            d += v.n * v.d;
            variance += v.n * v.n * v.variance;
        }
    }
    stats_estimate_of(d / all, sqrt(variance) / all, STATS_NORMAL, level, out);
    return 0;
}

int stats_mantel_haenszel(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    if (rc != 0) {
        return rc;
    }
    double weights = 0;
    double d = 0;
    double p = 0;
    double q = 0;
    for (size_t h = 0; h < count; h++) {
        if (!both_arms(&strata[h])) {
            continue;
        }
        struct numbers v = numbers_of(&strata[h]);
        weights += v.n1 * v.n0 / v.n;
        d += v.n1 * v.n0 / v.n * v.d;
        p += (v.n1 * v.n1 * v.x0 - v.n0 * v.n0 * v.x1 + v.n1 * v.n0 * (v.n0 - v.n1) / 2) /
             (v.n * v.n);
        q += (v.x1 * (v.n0 - v.x0) + v.x0 * (v.n1 - v.x1)) / (2 * v.n);
    }
    double rd = d / weights;
    double variance = (rd * p + q) / (weights * weights);
    stats_estimate_of(rd, sqrt(fmax(0, variance)), STATS_NORMAL, level, out);
    return 0;
}

/* The weighted mean, its weight sum and Cochran's Q. */
static int inverse_variance(const struct stats_pair *strata, size_t count, double *mean,
    double *weights, double *q, struct base_err *err) {
    double sum = 0;
    double squares = 0;
    *weights = 0;
    for (size_t h = 0; h < count; h++) {
        if (!both_arms(&strata[h])) {
            continue;
        }
        struct numbers v = numbers_of(&strata[h]);
        if (!(v.variance > 0)) {
            return base_err_set(err, LANTOA_ESTATE,
                TR("stratum %zu has no variance: nobody or everybody converted in both arms"),
                h + 1);
        }
        *weights += 1 / v.variance;
        sum += v.d / v.variance;
    }
    *mean = sum / *weights;
    for (size_t h = 0; h < count; h++) {
        if (both_arms(&strata[h])) {
            struct numbers v = numbers_of(&strata[h]);
            squares += (v.d - *mean) * (v.d - *mean) / v.variance;
        }
    }
    *q = squares;
    return 0;
}

int stats_inverse_variance(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    double mean = 0;
    double weights = 0;
    double q = 0;
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    rc = rc ? rc : one_sided_stratum(strata, count, err);
    rc = rc ? rc : inverse_variance(strata, count, &mean, &weights, &q, err);
    if (rc == 0) {
        stats_estimate_of(mean, sqrt(1 / weights), STATS_NORMAL, level, out);
    }
    return rc;
}

int stats_heterogeneity(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    double mean = 0;
    double weights = 0;
    double q = 0;
    size_t used = 0;
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    for (size_t h = 0; h < count; h++) {
        used += both_arms(&strata[h]);
    }
    if (rc == 0 && used < 2) {
        rc = base_err_set(err, LANTOA_ESTATE, "%s", TR("one stratum cannot differ from itself"));
    }
    rc = rc ? rc : inverse_variance(strata, count, &mean, &weights, &q, err);
    if (rc == 0) {
        out->estimate = out->statistic = q;
        out->df = (double)used - 1;
        out->p = stats_chi2_upper(q, out->df);
    }
    return rc;
}

static int cmh(const struct stats_pair *strata, size_t count, double correction,
    struct stats_estimate *out, struct base_err *err) {
    double gap = 0;
    double variance = 0;
    for (size_t h = 0; h < count; h++) {
        struct numbers v = numbers_of(&strata[h]);
        if (both_arms(&strata[h]) && v.n > 1) {
            double converted = v.x1 + v.x0;
            gap += v.x1 - v.n1 * converted / v.n;
            variance += v.n1 * v.n0 * converted * (v.n - converted) / (v.n * v.n * (v.n - 1));
        }
    }
    if (!(variance > 0)) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("no test: nobody or everybody converted in both arms"));
    }
    double rest = fmax(0, fabs(gap) - correction);
    out->estimate = out->statistic = rest * rest / variance;
    out->df = 1;
    out->p = stats_chi2_upper(out->statistic, 1);
    return 0;
}

int stats_cmh(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    return rc ? rc : cmh(strata, count, 0, out, err);
}

int stats_cmh_corrected(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    return rc ? rc : cmh(strata, count, 0.5, out, err);
}

int stats_mantel_haenszel_odds_ratio(const struct stats_pair *strata, size_t count, double level,
    struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(strata, count, level, err);
    if (rc != 0) {
        return rc;
    }
    double r = 0;
    double s = 0;
    double pr = 0;
    double cross = 0;
    double qs = 0;
    for (size_t h = 0; h < count; h++) {
        if (!both_arms(&strata[h])) {
            continue;
        }
        struct numbers v = numbers_of(&strata[h]);
        double agree = (v.x1 + (v.n0 - v.x0)) / v.n;
        double differ = ((v.n1 - v.x1) + v.x0) / v.n;
        double rh = v.x1 * (v.n0 - v.x0) / v.n;
        double sh = (v.n1 - v.x1) * v.x0 / v.n;
        r += rh;
        s += sh;
        pr += agree * rh;
        cross += agree * sh + differ * rh;
        qs += differ * sh;
    }
    if (!(r > 0 && s > 0)) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no odds ratio: an arm has no conversion or nothing but conversions"));
    }
    double variance = pr / (2 * r * r) + cross / (2 * r * s) + qs / (2 * s * s);
    stats_estimate_of(log(r / s), sqrt(variance), STATS_NORMAL, level, out);
    out->estimate = r / s;
    out->low = exp(out->low);
    out->high = exp(out->high);
    return 0;
}
