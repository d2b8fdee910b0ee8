/* One rate and two rates. */
#include "stats/rate.h"

#include "base/tr.h"
#include "stats/dist.h"

static double rate(struct stats_count c) {
    return (double)c.x / (double)c.n;
}

static double spread(struct stats_count c) {
    double p = rate(c);
    return p * ((double)(c.n - c.x) / (double)c.n);
}

int stats_count_check(struct stats_count count, struct base_err *err) {
    if (count.n <= 0) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("an arm has nobody in it"));
    }
    if (count.x < 0 || count.x > count.n) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%lld of %lld: the conversions must lie between 0 and the number of people"),
            (long long)count.x, (long long)count.n);
    }
    return 0;
}

static int check(struct stats_pair pair, double level, struct base_err *err) {
    int rc = stats_level_check(level, err);
    rc = rc ? rc : stats_count_check(pair.treated, err);
    return rc ? rc : stats_count_check(pair.control, err);
}

static void wilson(struct stats_count count, double z, double *low, double *high) {
    double n = (double)count.n;
    double p = rate(count);
    double half = z * sqrt(spread(count) / n + z * z / (4 * n * n));
    double middle = p + z * z / (2 * n);
    double whole = 1 + z * z / n;
    *low = count.x == 0 ? 0 : fmax(0, (middle - half) / whole);
    *high = count.x == count.n ? 1 : fmin(1, (middle + half) / whole);
}

int stats_wilson(
    struct stats_count count, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = stats_level_check(level, err);
    rc = rc ? rc : stats_count_check(count, err);
    if (rc != 0) {
        return rc;
    }
    out->estimate = rate(count);
    out->se = sqrt(spread(count) / (double)count.n);
    wilson(count, stats_normal_quantile(0.5 + level / 2), &out->low, &out->high);
    return 0;
}

static double difference(struct stats_pair pair) {
    return rate(pair.treated) - rate(pair.control);
}

static double wald_variance(struct stats_pair pair) {
    return spread(pair.treated) / (double)pair.treated.n +
           spread(pair.control) / (double)pair.control.n;
}

int stats_wald(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(pair, level, err);
    if (rc == 0) {
        stats_estimate_of(difference(pair), sqrt(wald_variance(pair)), STATS_NORMAL, level, out);
    }
    return rc;
}

int stats_newcombe(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(pair, level, err);
    if (rc != 0) {
        return rc;
    }
    double z = stats_normal_quantile(0.5 + level / 2);
    double p1 = rate(pair.treated);
    double p0 = rate(pair.control);
    double low1;
    double high1;
    double low0;
    double high0;
    wilson(pair.treated, z, &low1, &high1);
    wilson(pair.control, z, &low0, &high0);
    out->estimate = p1 - p0;
    out->low = out->estimate - hypot(p1 - low1, high0 - p0);
    out->high = out->estimate + hypot(high1 - p1, p0 - low0);
    return 0;
}

int stats_pooled_z(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(pair, level, err);
    if (rc != 0) {
        return rc;
    }
    double n1 = (double)pair.treated.n;
    double n0 = (double)pair.control.n;
    double p = ((double)pair.treated.x + (double)pair.control.x) / (n1 + n0);
    if (p == 0 || p == 1) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("no test: nobody or everybody converted in both arms"));
    }
    out->estimate = difference(pair);
    out->se = sqrt(p * (1 - p) * (1 / n1 + 1 / n0));
    out->df = STATS_NORMAL;
    out->statistic = out->estimate / out->se;
    out->p = stats_t_two_sided(out->statistic, STATS_NORMAL);
    return 0;
}

int stats_chi_square(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    struct stats_estimate z;
    stats_estimate_clear(out);
    int rc = stats_pooled_z(pair, level, &z, err);
    if (rc == 0) {
        out->estimate = out->statistic = z.statistic * z.statistic;
        out->df = 1;
        out->p = z.p;
    }
    return rc;
}

int stats_incremental(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    int rc = stats_newcombe(pair, level, out, err);
    if (rc == 0) {
        double n = (double)pair.treated.n;
        out->estimate *= n;
        out->low *= n;
        out->high *= n;
    }
    return rc;
}

int stats_hc2(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(pair, level, err);
    if (rc != 0) {
        return rc;
    }
    if (pair.treated.n < 2 || pair.control.n < 2) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("an arm of one person has no variance"));
    }
    double variance = spread(pair.treated) / (double)(pair.treated.n - 1) +
                      spread(pair.control) / (double)(pair.control.n - 1);
    stats_estimate_of(difference(pair), sqrt(variance),
        (double)pair.treated.n + (double)pair.control.n - 2, level, out);
    return 0;
}

/* Estimate and interval from the logarithm of a ratio. */
static void ratio_of(double log_ratio, double se, double level, struct stats_estimate *out) {
    stats_estimate_of(log_ratio, se, STATS_NORMAL, level, out);
    out->estimate = exp(log_ratio);
    out->low = exp(out->low);
    out->high = exp(out->high);
}

int stats_risk_ratio(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(pair, level, err);
    if (rc != 0) {
        return rc;
    }
    if (pair.control.x == 0 || pair.treated.x == 0) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("no ratio: an arm has no conversion"));
    }
    double p1 = rate(pair.treated);
    double p0 = rate(pair.control);
    double se = sqrt((1 - p1) / (double)pair.treated.x + (1 - p0) / (double)pair.control.x);
    ratio_of(log(p1 / p0), se, level, out);
    return 0;
}

int stats_lift(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    int rc = stats_risk_ratio(pair, level, out, err);
    if (rc == 0) {
        out->estimate -= 1;
        out->low -= 1;
        out->high -= 1;
    }
    return rc;
}

int stats_odds_ratio(
    struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {
    stats_estimate_clear(out);
    int rc = check(pair, level, err);
    if (rc != 0) {
        return rc;
    }
    double a = (double)pair.treated.x;
    double b = (double)(pair.treated.n - pair.treated.x);
    double c = (double)pair.control.x;
    double d = (double)(pair.control.n - pair.control.x);
    if (a == 0 || b == 0 || c == 0 || d == 0) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no odds ratio: an arm has no conversion or nothing but conversions"));
    }
    ratio_of(log(a * d / (b * c)), sqrt(1 / a + 1 / b + 1 / c + 1 / d), level, out);
    return 0;
}

static int fisher(
    struct stats_pair pair, double level, struct stats_tails *tails, struct base_err *err) {
    int rc = check(pair, level, err);
    if (rc == 0) {
        int64_t converted = pair.treated.x + pair.control.x;
        int64_t all = pair.treated.n + pair.control.n;
        stats_hypergeometric_tails(
            (struct stats_hypergeometric){converted, all - converted, pair.treated.n},
            pair.treated.x, tails);
    }
    return rc;
}

#define FISHER(name, tail)                                                                         \
    int name(                                                                                      \
        struct stats_pair pair, double level, struct stats_estimate *out, struct base_err *err) {  \
        struct stats_tails tails;                                                                  \
        stats_estimate_clear(out);                                                                 \
        int rc = fisher(pair, level, &tails, err);                                                 \
        if (rc == 0) {                                                                             \
            out->estimate = difference(pair);                                                      \
            out->p = fmin(1, tails.tail);                                                          \
        }                                                                                          \
        return rc;                                                                                 \
    }
FISHER(stats_fisher, two_sided)
FISHER(stats_fisher_greater, upper)
FISHER(stats_fisher_less, lower)

int stats_fieller(const struct stats_quotient *quotient, double level, struct stats_estimate *out,
    struct base_err *err) {
    stats_estimate_clear(out);
    int rc = stats_level_check(level, err);
    if (rc != 0) {
        return rc;
    }
    const struct stats_quotient q = *quotient;
    double z = stats_normal_quantile(0.5 + level / 2);
    double g = q.b * q.b - z * z * q.var_b;
    double middle = q.a * q.b - z * z * q.cov;
    double inside = middle * middle - (q.a * q.a - z * z * q.var_a) * g;
    if (!(g > 0) || !(inside >= 0)) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("undefined: what it is divided by may be 0"));
    }
    double ratio = q.a / q.b;
    out->estimate = ratio;
    out->se = sqrt(fmax(0, q.var_a - 2 * ratio * q.cov + ratio * ratio * q.var_b)) / fabs(q.b);
    out->low = (middle - sqrt(inside)) / g;
    out->high = (middle + sqrt(inside)) / g;
    return 0;
}

int stats_cost_per_incremental(struct stats_pair pair, double cost, double level,
    struct stats_estimate *out, struct base_err *err) {
    struct stats_estimate d;
    int rc = stats_newcombe(pair, level, &d, err);
    if (rc == 0 && !(cost > 0 && isfinite(cost))) {
        rc = base_err_set(err, LANTOA_EINVAL, "%s", TR("the cost must be a number above 0"));
    }
    if (rc == 0 && stats_covers_zero(&d)) {
        rc = base_err_set(err, LANTOA_ESTATE, "%s",
            TR("undefined: the campaign may have caused no enrolment at all"));
    }
    if (rc != 0) {
        stats_estimate_clear(out);
        return rc;
    }
    double n = (double)pair.treated.n;
    struct stats_quotient quotient = {cost, n * d.estimate, 0, n * n * wald_variance(pair), 0};
    return stats_fieller(&quotient, level, out, err);
}
