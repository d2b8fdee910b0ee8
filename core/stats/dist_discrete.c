/* Binomial and hypergeometric distributions. */
#include "stats/dist.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* R's fisher.test adds outcomes that are likelier than the one seen by less than this. */
#define TIE 1e-7

double stats_binomial_cdf(int64_t k, int64_t n, double p) {
    if (k < 0 || k >= n) {
        return k < 0 ? 0 : 1;
    }
    return stats_beta_cdf(1 - p, p, (double)(n - k), (double)k + 1);
}

double stats_binomial_upper(int64_t k, int64_t n, double p) {
    if (k <= 0 || k > n) {
        return k <= 0 ? 1 : 0;
    }
    return stats_beta_cdf(p, 1 - p, (double)k, (double)(n - k) + 1);
}

int64_t stats_binomial_quantile(double q, int64_t n, double p) {
    int64_t low = 0;
    int64_t high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (stats_binomial_cdf(middle, n, p) >= q) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static int64_t first_outcome(struct stats_hypergeometric urn) {
    return urn.draws > urn.unmarked ? urn.draws - urn.unmarked : 0;
}

static int64_t last_outcome(struct stats_hypergeometric urn) {
    return urn.draws < urn.marked ? urn.draws : urn.marked;
}

static int64_t likeliest(struct stats_hypergeometric urn) {
    double mode = floor(((double)urn.draws + 1) * ((double)urn.marked + 1) /
                        ((double)(urn.marked + urn.unmarked) + 2));
    int64_t low = first_outcome(urn);
    int64_t high = last_outcome(urn);
    int64_t x = (int64_t)mode;
    return x < low ? low : x > high ? high : x;
}

/* P(X = x + 1) / P(X = x). */
static double ratio_up(struct stats_hypergeometric urn, int64_t x) {
    return ((double)(urn.marked - x) / (double)(x + 1)) *
           ((double)(urn.draws - x) / (double)(urn.unmarked - urn.draws + x + 1));
}

/* A walk over the outcomes from the likeliest one in one direction; weights are relative to it.
 * Exact up to rounding: no gamma functions are subtracted. */
struct walk {
    int64_t x;
    double weight;
};

static bool walk_on(struct stats_hypergeometric urn, struct walk *at, int direction) {
    if (direction > 0) {
        if (at->x >= last_outcome(urn)) {
            return false;
        }
        at->weight *= ratio_up(urn, at->x);
        at->x++;
    } else {
        if (at->x <= first_outcome(urn)) {
            return false;
        }
        at->x--;
        at->weight /= ratio_up(urn, at->x);
    }
    return at->weight > DBL_MIN;
}

static double weight_of(struct stats_hypergeometric urn, int64_t x) {
    struct walk at = {likeliest(urn), 1};
    int direction = x > at.x ? 1 : -1;
    while (at.x != x) {
        if (!walk_on(urn, &at, direction)) {
            return 0;
        }
    }
    return at.weight;
}

static void add_outcome(struct walk at, int64_t x, double seen, struct stats_tails *sum) {
    sum->point += at.x == x ? at.weight : 0;
    sum->lower += at.x <= x ? at.weight : 0;
    sum->upper += at.x >= x ? at.weight : 0;
    sum->two_sided += at.weight <= seen * (1 + TIE) ? at.weight : 0;
}

void stats_hypergeometric_tails(
    struct stats_hypergeometric urn, int64_t x, struct stats_tails *out) {
    struct walk start = {likeliest(urn), 1};
    double seen = x < first_outcome(urn) || x > last_outcome(urn) ? 0 : weight_of(urn, x);
    double all = 1;
    *out = (struct stats_tails){0};
    add_outcome(start, x, seen, out);
    for (int direction = -1; direction <= 1; direction += 2) {
        struct walk at = start;
        while (walk_on(urn, &at, direction)) {
            all += at.weight;
            add_outcome(at, x, seen, out);
        }
    }
    out->point /= all;
    out->lower /= all;
    out->upper /= all;
    out->two_sided /= all;
}

int64_t stats_hypergeometric_quantile(double q, struct stats_hypergeometric urn) {
    int64_t low = first_outcome(urn);
    int64_t high = last_outcome(urn);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        struct stats_tails tails;
        stats_hypergeometric_tails(urn, middle, &tails);
        if (tails.lower >= q) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}
