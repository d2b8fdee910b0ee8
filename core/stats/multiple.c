/* Adjusted p values. */
#include "stats/multiple.h"

#include "base/mem.h"
#include "base/tr.h"
#include <math.h>
#include <stdlib.h>

struct ranked {
    double p;
    size_t place;
};

static int by_p(const void *left, const void *right) {
    const struct ranked *a = left;
    const struct ranked *b = right;
    if (a->p != b->p) {
        return a->p < b->p ? -1 : 1;
    }
    return a->place < b->place ? -1 : 1;
}

static int rank(const double *p, size_t count, struct ranked **out, struct base_err *err) {
    if (count > STATS_TESTS_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("more than %d p values"), STATS_TESTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!(p[i] >= 0 && p[i] <= 1)) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("p value %zu: must lie between 0 and 1"), i + 1);
        }
    }
    struct ranked *ranked = base_alloc_array(count + 1, sizeof *ranked);
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){p[i], i};
    }
    qsort(ranked, count, sizeof *ranked, by_p);
    *out = ranked;
    return 0;
}

int stats_holm(const double *p, size_t count, double *adjusted_out, struct base_err *err) {
    struct ranked *ranked = NULL;
    int rc = rank(p, count, &ranked, err);
    if (rc != 0 || !ranked) {
        return rc;
    }
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fmin(1, ranked[i].p * (double)(count - i)));
        adjusted_out[ranked[i].place] = most;
    }
    base_free(ranked);
    return 0;
}

int stats_benjamini_hochberg(
    const double *p, size_t count, double *adjusted_out, struct base_err *err) {
    struct ranked *ranked = NULL;
    int rc = rank(p, count, &ranked, err);
    if (rc != 0 || !ranked) {
        return rc;
    }
    double least = 1;
    for (size_t i = count; i-- > 0;) {
        least = fmin(least, ranked[i].p * (double)count / (double)(i + 1));
        adjusted_out[ranked[i].place] = least;
    }
    base_free(ranked);
    return 0;
}
