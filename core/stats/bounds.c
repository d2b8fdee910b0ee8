/* Bounds for looks before the end. The sum S_k = sqrt(t_k) Z_k has independent increments of
 * variance t_k - t_(k-1); its density on "not stopped yet" is carried from look to look on the
 * nodes of a quadrature. */
#include "stats/multiple.h"

#include "base/mem.h"
#include "base/tr.h"
#include "stats/dist.h"
#include <math.h>
#include <stdbool.h>

#define PANELS 12
#define ORDER 16
#define NODES (PANELS * ORDER)
#define ROUNDS 100

struct rule {
    double at[ORDER], weight[ORDER]; /* Gauss-Legendre on [-1, 1] */
};

static void gauss_legendre(struct rule *rule) {
    for (int i = 0; i < ORDER; i++) {
        double x = cos(M_PI * (i + 0.75) / (ORDER + 0.5));
        double slope = 1;
        for (int round = 0; round < 20; round++) {
            double before = 1;
            double here = x;
            for (int n = 2; n <= ORDER; n++) {
                double next = ((2 * n - 1) * x * here - (n - 1) * before) / n;
                before = here;
                here = next;
            }
            slope = ORDER * (x * here - before) / (x * x - 1);
            x -= here / slope;
        }
        rule->at[i] = x;
        rule->weight[i] = 2 / ((1 - x * x) * slope * slope);
    }
}

/* Nodes and weights over [-b, b]. */
static void spread(const struct rule *rule, double b, double *at, double *weight) {
    double half = b / PANELS;
    for (int p = 0; p < PANELS; p++) {
        double middle = -b + half * (2 * p + 1);
        for (int i = 0; i < ORDER; i++) {
            at[p * ORDER + i] = middle + half * rule->at[i];
            weight[p * ORDER + i] = half * rule->weight[i];
        }
    }
}

static double bound_at(enum stats_bound bound, double c, double t) {
    return bound == STATS_OBRIEN_FLEMING ? c / sqrt(t) : c;
}

/* The chance of never stopping when there is no effect. */
static double never(
    enum stats_bound bound, const struct rule *rule, const double *t, size_t looks, double c) {
    double at[2][NODES];
    double weight[2][NODES];
    double density[2][NODES];
    int now = 0;
    double b = bound_at(bound, c, t[0]) * sqrt(t[0]);
    if (looks == 1) {
        return 1 - 2 * stats_normal_upper(c);
    }
    spread(rule, b, at[now], weight[now]);
    for (int i = 0; i < NODES; i++) {
        density[now][i] = stats_normal_density(at[now][i] / sqrt(t[0])) / sqrt(t[0]);
    }
    for (size_t k = 1; k + 1 < looks; k++) {
        int next = 1 - now;
        double sd = sqrt(t[k] - t[k - 1]);
        spread(rule, bound_at(bound, c, t[k]) * sqrt(t[k]), at[next], weight[next]);
        for (int j = 0; j < NODES; j++) {
            double sum = 0;
            for (int i = 0; i < NODES; i++) {
                sum += weight[now][i] * density[now][i] *
                       stats_normal_density((at[next][j] - at[now][i]) / sd);
            }
            density[next][j] = sum / sd;
        }
        now = next;
    }
    double sd = sqrt(t[looks - 1] - t[looks - 2]);
    double end = bound_at(bound, c, t[looks - 1]) * sqrt(t[looks - 1]);
    double inside = 0;
    for (int i = 0; i < NODES; i++) {
        double within =
            stats_normal_cdf((end - at[now][i]) / sd) - stats_normal_cdf((-end - at[now][i]) / sd);
        inside += weight[now][i] * density[now][i] * within;
    }
    return inside;
}

static int check(const double *information, size_t looks, double alpha, struct base_err *err) {
    if (looks < 1 || looks > STATS_LOOKS_MAX) {
        return base_err_set(err, LANTOA_EINVAL, TR("the number of looks must lie between 1 and %d"),
            STATS_LOOKS_MAX);
    }
    if (!(alpha > 1e-9 && alpha < 1)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must lie between 0 and 1"), "alpha");
    }
    for (size_t k = 0; information && k < looks; k++) {
        double before = k == 0 ? 0 : information[k - 1];
        bool end = k + 1 < looks || fabs(information[k] - 1) < 1e-12;
        if (!(information[k] > before + 1e-6 && information[k] <= 1) || !end) {
            return base_err_set(
                err, LANTOA_EINVAL, "%s", TR("the shares of information must rise to 1"));
        }
    }
    return 0;
}

int stats_bounds(enum stats_bound bound, const double *information, size_t looks, double alpha,
    double *z_out, struct base_err *err) {
    int rc = check(information, looks, alpha, err);
    if (rc != 0) {
        return rc;
    }
    double t[STATS_LOOKS_MAX];
    struct rule rule;
    gauss_legendre(&rule);
    for (size_t k = 0; k < looks; k++) {
        t[k] = information ? information[k] : (double)(k + 1) / (double)looks;
    }
    /* The bound lies between that of one look and Bonferroni's. */
    double low = -stats_normal_quantile(alpha / 2);
    double high = -stats_normal_quantile(alpha / 2 / (double)looks) + 1e-9;
    double f_low = never(bound, &rule, t, looks, low) - (1 - alpha);
    double f_high = never(bound, &rule, t, looks, high) - (1 - alpha);
    for (int round = 0; round < ROUNDS && high - low > 1e-12; round++) {
        /* Regula falsi after Illinois. */
        double c = f_high - f_low > 0 ? high - f_high * (high - low) / (f_high - f_low) : low;
        double f = never(bound, &rule, t, looks, c) - (1 - alpha);
        if (fabs(f) < 1e-14) {
            low = high = c;
        } else if (f > 0) {
            high = c;
            f_high = f;
            f_low /= 2;
        } else {
            low = c;
            f_low = f;
            f_high /= 2;
        }
    }
    for (size_t k = 0; k < looks; k++) {
        z_out[k] = bound_at(bound, (low + high) / 2, t[k]);
    }
    return 0;
}
