/* Small dense linear algebra, row-major doubles; private to core/stats. Sizes are the caller's
 * duty; nothing is allocated here except where a function says so. */
#ifndef STATS_MATRIX_H
#define STATS_MATRIX_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

/* Inverts a symmetric positive definite n x n matrix in place; false if it is (nearly) singular:
 * a pivot falls below 1e-12 of its diagonal element. */
bool stats__invert_spd(double *a, size_t n);
/* Solves a x = b by elimination with row exchange; a and b (n) are destroyed, b becomes x. false if
 * singular. */
bool stats__solve(double *a, double *b, size_t n);
/* Inverts any n x n matrix in place by elimination with row exchange; false if singular. */
bool stats__invert(double *a, size_t n);
/* Eigenvalues and vectors of a symmetric n x n matrix (cyclic Jacobi); a is destroyed, column j of
 * vectors belongs to values[j]. */
void stats__eigen(double *a, size_t n, double *values, double *vectors);

/* Least squares min |sqrt(w)(y - X b)| by Householder reflections. */
struct stats__fit {
    double *b;          /* columns; owned */
    double *covariance; /* (X'WX)^-1, columns x columns; without sigma; owned */
    double rss;         /* weighted residual sum of squares */
};
/* x is rows x columns, weights NULL for ones. LANTOA_ESTATE if a column is a combination of others
 * or there are fewer rows than columns. */
int stats__least_squares(const double *x, const double *y, const double *weights, size_t rows,
    size_t columns, struct stats__fit *fit_out, struct base_err *err) LANTOA_MUST_CHECK;
void stats__fit_release(struct stats__fit *fit);

#endif
