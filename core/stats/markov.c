/* Removal effects of an absorbing chain, exactly. With N = (I - Q)^-1 the chance to come by channel
 * i is N_si / N_ii and the chance of a conversion from there is h_i; without the channel their
 * product is lost. One inverse serves all channels. Shapley's sum for any game stands here too. */
#include "stats/credit_private.h"

#include "base/mem.h"
#include "base/tr.h"
#include "stats/matrix.h"
#include <math.h>
#include <string.h>

static double row_sum(const struct stats_credit *c, size_t from) {
    double sum = 0;
    for (size_t to = 0; to < c->channels + 2; to++) {
        sum += *stats__chain_at(c, from, to);
    }
    return sum;
}

/* I - Q over the channels; those never seen keep the row of I. */
static void fill(const struct stats_credit *c, double *a) {
    size_t n = c->channels;
    for (size_t i = 0; i < n; i++) {
        double sum = row_sum(c, i);
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] = (i == j) - (sum > 0 ? *stats__chain_at(c, i, j) / sum : 0);
        }
    }
}

static double chance_from(const struct stats_credit *c, size_t from, size_t to) {
    double sum = row_sum(c, from);
    return sum > 0 ? *stats__chain_at(c, from, to) / sum : 0;
}

int stats_credit_removal(const struct stats_credit *c, double *probability_out, double *removal_out,
    struct base_err *err) {
    *probability_out = 0;
    if (!c->chain) {
        return base_err_set(err, LANTOA_EINVAL, TR("the model %s was not computed"),
            stats_credit_name(STATS_CREDIT_MARKOV));
    }
    size_t n = c->channels;
    double *inverse = base_alloc_array(n * n + 1, sizeof *inverse);
    fill(c, inverse);
    int rc = 0;
    if (!stats__invert(inverse, n)) {
        rc = base_err_set(err, LANTOA_ESTATE, "%s", TR("the chain of touches has no end"));
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        double visits = 0;
        double success = 0;
        for (size_t j = 0; j < n; j++) {
            visits += chance_from(c, n, j) * inverse[j * n + i];
            success += inverse[i * n + j] * chance_from(c, j, STATS__TO_CONVERSION(c));
        }
        removal_out[i] = visits / inverse[i * n + i] * success;
        *probability_out += chance_from(c, n, i) * success;
    }
    for (size_t i = 0; i < n; i++) {
        removal_out[i] = rc == 0 && *probability_out > 0 ? removal_out[i] / *probability_out : 0;
    }
    base_free(inverse);
    return rc;
}

int stats_shapley(const double *values, size_t players, double *shares_out, struct base_err *err) {
    if (players < 1 || players > STATS_SHAPLEY_MAX) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("Shapley's sum takes 1 to %d channels"), STATS_SHAPLEY_MAX);
    }
    /* weight[s] = s! (n - s - 1)! / n! */
    double weight[STATS_SHAPLEY_MAX];
    weight[0] = 1.0 / (double)players;
    for (size_t s = 1; s < players; s++) {
        weight[s] = weight[s - 1] * (double)s / (double)(players - s);
    }
    memset(shares_out, 0, players * sizeof *shares_out);
    for (size_t set = 0; set < (size_t)1 << players; set++) {
        if (!isfinite(values[set])) {
            return base_err_set(err, LANTOA_EINVAL, "%s", TR("a value of the game is no number"));
        }
        int size = __builtin_popcountll(set);
        for (size_t i = 0; i < players; i++) {
            if (!(set >> i & 1)) {
                shares_out[i] += weight[size] * (values[set | (size_t)1 << i] - values[set]);
            }
        }
    }
    return 0;
}
