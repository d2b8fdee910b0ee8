/* The permutation test. The coefficient is proportional to the sum of the treated units' values
 * with their stratum's mean taken out, so only that sum is permuted. */
#include "stats/permute.h"

#include "base/mem.h"
#include "base/tr.h"
#include "stats/random.h"
#include <stdlib.h>

/* Sums that differ by rounding only are equal. */
#define TIE 1e-9

struct stratum {
    const double *values; /* centred */
    size_t n, treated;
};

struct layout {
    double *values; /* centred, by stratum */
    struct stratum *strata;
    size_t strata_count;
    double seen;  /* sum over the treated */
    double scale; /* sum of |values| */
};

struct keyed {
    uint32_t stratum;
    bool treated;
    double value;
};

static int by_stratum(const void *left, const void *right) {
    const struct keyed *a = left;
    const struct keyed *b = right;
    return a->stratum < b->stratum ? -1 : a->stratum > b->stratum;
}

static void lay_out(const struct stats_unit *units, size_t count, struct layout *out) {
    struct keyed *sorted = base_alloc_array(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (struct keyed){units[i].stratum, units[i].treated, units[i].value};
    }
    qsort(sorted, count, sizeof *sorted, by_stratum);
    *out = (struct layout){.values = base_alloc_array(count, sizeof(double)),
        .strata = base_alloc_array(count, sizeof(struct stratum))};
    for (size_t first = 0, n = 0; first < count; first += n) {
        double sum = 0;
        struct stratum *s = &out->strata[out->strata_count++];
        n = 0;
        while (first + n < count && sorted[first + n].stratum == sorted[first].stratum) {
            sum += sorted[first + n].value;
            n++;
        }
        for (size_t i = first; i < first + n; i++) {
            out->values[i] = sorted[i].value - sum / (double)n;
            out->seen += sorted[i].treated ? out->values[i] : 0;
            out->scale += fabs(out->values[i]);
            s->treated += sorted[i].treated;
        }
        s->values = &out->values[first];
        s->n = n;
    }
    base_free(sorted);
}

/* n over k; beyond the limit only "more than that" matters. */
static double choose(size_t n, size_t k) {
    double result = 1;
    for (size_t i = 1; i <= k && result < 1e15; i++) {
        result = result * (double)(n - k + i) / (double)i;
    }
    return round(result);
}

static double arrangements(const struct layout *layout) {
    double all = 1;
    for (size_t s = 0; s < layout->strata_count; s++) {
        const struct stratum *stratum = &layout->strata[s];
        size_t k = stratum->treated;
        all *= choose(stratum->n, k < stratum->n - k ? k : stratum->n - k);
    }
    return all;
}

/* Moves the chosen places to the next combination of k among n; false after the last. */
static bool next_choice(size_t *chosen, size_t k, size_t n) {
    size_t i = k;
    while (i > 0 && chosen[i - 1] == n - k + i - 1) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    chosen[i - 1]++;
    for (; i < k; i++) {
        chosen[i] = chosen[i - 1] + 1;
    }
    return true;
}

/* All sums of `treated` values of the stratum added to each of the sums so far. */
static double *extend(
    const double *sums, size_t count, const struct stratum *s, size_t *count_out) {
    size_t ways =
        (size_t)choose(s->n, s->treated < s->n - s->treated ? s->treated : s->n - s->treated);
    double *more = base_alloc_array(count * ways, sizeof *more);
    size_t *chosen = base_alloc_array(s->treated + 1, sizeof *chosen);
    for (size_t i = 0; i < s->treated; i++) {
        chosen[i] = i;
    }
    size_t at = 0;
    do {
        double sum = 0;
        for (size_t i = 0; i < s->treated; i++) {
            sum += s->values[chosen[i]];
        }
        for (size_t i = 0; i < count && at < count * ways; i++) {
            more[at++] = sums[i] + sum;
        }
    } while (next_choice(chosen, s->treated, s->n));
    base_free(chosen);
    *count_out = at;
    return more;
}

static bool extreme(const struct layout *layout, double sum) {
    return fabs(sum) >= fabs(layout->seen) - TIE * layout->scale;
}

static void exact(const struct layout *layout, struct stats_permutation *out) {
    size_t count = 1;
    double *sums = base_alloc_array(1, sizeof *sums);
    for (size_t s = 0; s < layout->strata_count; s++) {
        double *more = extend(sums, count, &layout->strata[s], &count);
        base_free(sums);
        sums = more;
    }
    for (size_t i = 0; i < count; i++) {
        out->as_extreme += extreme(layout, sums[i]);
    }
    base_free(sums);
    out->exact = true;
    out->arrangements = (int64_t)count;
    out->estimate.p = (double)out->as_extreme / (double)count;
}

/* The sum over a random choice: the first places of a partial shuffle. */
static double draw(const struct stratum *s, double *values, struct stats_random *random) {
    double sum = 0;
    for (size_t i = 0; i < s->treated; i++) {
        size_t other = i + (size_t)stats_random_below(random, s->n - i);
        double keep = values[other];
        values[other] = values[i];
        values[i] = keep;
        sum += keep;
    }
    return sum;
}

static void sample(
    const struct layout *layout, int64_t draws, uint64_t seed, struct stats_permutation *out) {
    struct stats_random random = {seed};
    for (int64_t d = 0; d < draws; d++) {
        double sum = 0;
        for (size_t s = 0; s < layout->strata_count; s++) {
            const struct stratum *stratum = &layout->strata[s];
            size_t first = (size_t)(stratum->values - layout->values);
            sum += draw(stratum, layout->values + first, &random);
        }
        out->as_extreme += extreme(layout, sum);
    }
    out->arrangements = draws;
    out->estimate.p = ((double)out->as_extreme + 1) / ((double)draws + 1);
}

int stats_permute(const struct stats_unit *units, size_t count, int64_t draws, uint64_t seed,
    struct stats_permutation *out, struct base_err *err) {
    double effect;
    *out = (struct stats_permutation){0};
    stats_estimate_clear(&out->estimate);
    if (draws < 99 || draws > STATS_PERMUTE_DRAWS_MAX) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("the number of draws must lie between %d and %d"), 99, STATS_PERMUTE_DRAWS_MAX);
    }
    int rc = stats_units_effect(units, count, &effect, err);
    if (rc != 0) {
        return rc;
    }
    struct layout layout;
    lay_out(units, count, &layout);
    out->estimate.estimate = effect;
    if (arrangements(&layout) <= STATS_PERMUTE_EXACT_MAX) {
        exact(&layout, out);
    } else {
        sample(&layout, draws, seed, out);
    }
    base_free(layout.values);
    base_free(layout.strata);
    return 0;
}
