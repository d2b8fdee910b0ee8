/* Least squares over the simplex by an active set (as Lawson and Hanson do for w >= 0, with one
 * equation more for the sum). */
#include "stats/synthetic.h"

#include "base/mem.h"
#include "base/tr.h"
#include "stats/matrix.h"
#include <string.h>

#define RIDGE 1e-10
#define OPTIMAL 1e-11
#define ROUNDS_PER_COLUMN 30

struct problem {
    size_t n;
    double *q, *c;   /* A'A and A'b */
    double *w;       /* the point */
    size_t *support; /* columns with w > 0 allowed */
    size_t count;
    double *kkt, *right; /* room for (n + 1)^2 and n + 1 */
    double scale;
};

static void normal_equations(
    const double *a, const double *b, size_t rows, size_t n, struct problem *p) {
    double sum = 0;
    for (size_t r = 0; r < rows; r++) {
        const double *row = a + r * n;
        for (size_t i = 0; i < n; i++) {
            p->c[i] += row[i] * b[r];
            for (size_t j = i; j < n; j++) {
                p->q[i * n + j] += row[i] * row[j];
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        sum += p->q[i * n + i];
        for (size_t j = 0; j < i; j++) {
            p->q[i * n + j] = p->q[j * n + i];
        }
    }
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        p->q[i * n + i] += RIDGE * (mean > 0 ? mean : 1);
        p->scale = fmax(p->scale, fmax(p->q[i * n + i], fabs(p->c[i])));
    }
}

/* The best point on the support without the sign conditions; p->right[0..count) and its last
 * element, the multiplier. */
static bool solve_support(struct problem *p) {
    size_t m = p->count + 1;
    for (size_t i = 0; i < p->count; i++) {
        for (size_t j = 0; j < p->count; j++) {
            p->kkt[i * m + j] = p->q[p->support[i] * p->n + p->support[j]];
        }
        p->kkt[i * m + p->count] = p->kkt[p->count * m + i] = p->scale;
        p->right[i] = p->c[p->support[i]];
    }
    p->kkt[p->count * m + p->count] = 0;
    p->right[p->count] = p->scale;
    return stats__solve(p->kkt, p->right, m);
}

/* Goes towards the solution as far as the signs allow; true when it was reached. */
static bool step(struct problem *p) {
    double length = 1;
    size_t blocking = p->count;
    for (size_t i = 0; i < p->count; i++) {
        double from = p->w[p->support[i]];
        if (p->right[i] < 0 && from / (from - p->right[i]) < length) {
            length = from / (from - p->right[i]);
            blocking = i;
        }
    }
    for (size_t i = 0; i < p->count; i++) {
        double *at = &p->w[p->support[i]];
        *at += length * (p->right[i] - *at);
    }
    if (blocking == p->count) {
        return true;
    }
    p->w[p->support[blocking]] = 0;
    p->support[blocking] = p->support[--p->count];
    return false;
}

static double slope(const struct problem *p, size_t column) {
    double sum = -p->c[column];
    for (size_t i = 0; i < p->count; i++) {
        sum += p->q[column * p->n + p->support[i]] * p->w[p->support[i]];
    }
    return sum;
}

/* Lets in the column along which the sum of squares falls fastest; false when none does. */
static bool widen(struct problem *p) {
    double level = 0;
    for (size_t i = 0; i < p->count; i++) {
        level += p->w[p->support[i]] * slope(p, p->support[i]);
    }
    double best = -OPTIMAL * p->scale;
    size_t found = p->n;
    for (size_t j = 0; j < p->n; j++) {
        bool inside = false;
        for (size_t i = 0; i < p->count; i++) {
            inside = inside || p->support[i] == j;
        }
        double gap = inside ? 0 : slope(p, j) - level;
        if (gap < best) {
            best = gap;
            found = j;
        }
    }
    if (found < p->n) {
        p->support[p->count++] = found;
    }
    return found < p->n;
}

static bool minimise(struct problem *p) {
    size_t start = 0;
    for (size_t j = 1; j < p->n; j++) {
        double here = p->q[j * p->n + j] - 2 * p->c[j];
        start = here < p->q[start * p->n + start] - 2 * p->c[start] ? j : start;
    }
    p->w[start] = 1;
    p->support[0] = start;
    p->count = 1;
    for (size_t round = 0; round < ROUNDS_PER_COLUMN * p->n + 100; round++) {
        if (!solve_support(p)) {
            return false;
        }
        if (step(p) && !widen(p)) {
            return true;
        }
    }
    return false;
}

int stats_simplex_fit(const double *a, const double *b, size_t rows, size_t n, double *weights_out,
    struct base_err *err) {
    struct problem p = {.n = n, .w = weights_out};
    memset(weights_out, 0, n * sizeof *weights_out);
    p.q = base_alloc_array(n * n, sizeof(double));
    p.c = base_alloc_array(n, sizeof(double));
    p.support = base_alloc_array(n, sizeof *p.support);
    p.kkt = base_alloc_array((n + 1) * (n + 1), sizeof(double));
    p.right = base_alloc_array(n + 1, sizeof(double));
    normal_equations(a, b, rows, n, &p);
    int rc = 0;
    if (!minimise(&p)) {
        rc = base_err_set(err, LANTOA_ESTATE, "%s", TR("the control units are too much alike"));
    }
    base_free(p.q);
    base_free(p.c);
    base_free(p.support);
    base_free(p.kkt);
    base_free(p.right);
    return rc;
}
