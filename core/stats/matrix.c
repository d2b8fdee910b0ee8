/* Small dense linear algebra. Knows no statistics. */
#include "stats/matrix.h"

#include "base/mem.h"
#include "base/tr.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define SINGULAR 1e-12
#define JACOBI_SWEEPS 100

/* The factor L (lower) with a = L L', in place. */
static bool cholesky(double *a, size_t n) {
    for (size_t j = 0; j < n; j++) {
        double whole = a[j * n + j];
        double pivot = whole;
        for (size_t k = 0; k < j; k++) {
            pivot -= a[j * n + k] * a[j * n + k];
        }
        if (!(pivot > SINGULAR * whole)) {
            return false;
        }
        double root = sqrt(pivot);
        a[j * n + j] = root;
        for (size_t i = j + 1; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) {
                sum -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = sum / root;
        }
    }
    return true;
}

/* L to its inverse, in place. */
static void invert_lower(double *l, size_t n) {
    for (size_t j = 0; j < n; j++) {
        l[j * n + j] = 1 / l[j * n + j];
        for (size_t i = j + 1; i < n; i++) {
            double sum = 0;
            for (size_t k = j; k < i; k++) {
                sum -= l[i * n + k] * l[k * n + j];
            }
            l[i * n + j] = sum / l[i * n + i];
        }
    }
}

bool stats__invert_spd(double *a, size_t n) {
    if (!cholesky(a, n)) {
        return false;
    }
    invert_lower(a, n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j++) {
            double sum = 0;
            for (size_t k = j; k < n; k++) {
                sum += a[k * n + i] * a[k * n + j];
            }
            a[i * n + j] = sum;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            a[i * n + j] = a[j * n + i];
        }
    }
    return true;
}

static void swap_rows(double *a, double *b, size_t n, size_t i, size_t j) {
    for (size_t k = 0; k < n; k++) {
        double keep = a[i * n + k];
        a[i * n + k] = a[j * n + k];
        a[j * n + k] = keep;
    }
    double keep = b[i];
    b[i] = b[j];
    b[j] = keep;
}

bool stats__solve(double *a, double *b, size_t n) {
    double scale = 0;
    for (size_t i = 0; i < n * n; i++) {
        scale = fmax(scale, fabs(a[i]));
    }
    for (size_t j = 0; j < n; j++) {
        size_t best = j;
        for (size_t i = j + 1; i < n; i++) {
            best = fabs(a[i * n + j]) > fabs(a[best * n + j]) ? i : best;
        }
        if (!(fabs(a[best * n + j]) > scale * DBL_EPSILON)) {
            return false;
        }
        swap_rows(a, b, n, best, j);
        for (size_t i = j + 1; i < n; i++) {
            double factor = a[i * n + j] / a[j * n + j];
            for (size_t k = j; factor != 0 && k < n; k++) {
                a[i * n + k] -= factor * a[j * n + k];
            }
            b[i] -= factor * b[j];
        }
    }
    for (size_t j = n; j-- > 0;) {
        for (size_t k = j + 1; k < n; k++) {
            b[j] -= a[j * n + k] * b[k];
        }
        b[j] /= a[j * n + j];
    }
    return true;
}

bool stats__invert(double *a, size_t n) {
    size_t *order = base_alloc_array(n + 1, sizeof *order);
    bool regular = true;
    for (size_t j = 0; j < n && regular; j++) {
        size_t best = j;
        for (size_t i = j + 1; i < n; i++) {
            best = fabs(a[i * n + j]) > fabs(a[best * n + j]) ? i : best;
        }
        order[j] = best;
        for (size_t k = 0; best != j && k < n; k++) {
            double keep = a[best * n + k];
            a[best * n + k] = a[j * n + k];
            a[j * n + k] = keep;
        }
        double pivot = a[j * n + j];
        regular = fabs(pivot) > DBL_EPSILON;
        a[j * n + j] = 1;
        for (size_t k = 0; k < n && regular; k++) {
            a[j * n + k] /= pivot;
        }
        for (size_t i = 0; i < n && regular; i++) {
            double factor = i == j ? 0 : a[i * n + j];
            a[i * n + j] = i == j ? a[i * n + j] : 0;
            for (size_t k = 0; factor != 0 && k < n; k++) {
                a[i * n + k] -= factor * a[j * n + k];
            }
        }
    }
    /* Row exchanges come back as column exchanges, last first. */
    for (size_t j = n; regular && j-- > 0;) {
        for (size_t i = 0; order[j] != j && i < n; i++) {
            double keep = a[i * n + j];
            a[i * n + j] = a[i * n + order[j]];
            a[i * n + order[j]] = keep;
        }
    }
    base_free(order);
    return regular;
}

/* Turns rows and columns p, q so that a[p][q] becomes 0. */
static void jacobi_turn(double *a, double *vectors, size_t n, size_t p, size_t q) {
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1);
    double s = t * c;
    for (size_t k = 0; k < n; k++) {
        double kp = a[k * n + p];
        double kq = a[k * n + q];
        a[k * n + p] = c * kp - s * kq;
        a[k * n + q] = s * kp + c * kq;
    }
    for (size_t k = 0; k < n; k++) {
        double pk = a[p * n + k];
        double qk = a[q * n + k];
        a[p * n + k] = c * pk - s * qk;
        a[q * n + k] = s * pk + c * qk;
        double vp = vectors[k * n + p];
        double vq = vectors[k * n + q];
        vectors[k * n + p] = c * vp - s * vq;
        vectors[k * n + q] = s * vp + c * vq;
    }
}

void stats__eigen(double *a, size_t n, double *values, double *vectors) {
    for (size_t i = 0; i < n * n; i++) {
        vectors[i] = i % (n + 1) == 0;
    }
    for (int sweep = 0; sweep < JACOBI_SWEEPS; sweep++) {
        double off = 0;
        for (size_t p = 0; p < n; p++) {
            for (size_t q = p + 1; q < n; q++) {
                off = fmax(off, fabs(a[p * n + q]));
                if (fabs(a[p * n + q]) > DBL_MIN) {
                    jacobi_turn(a, vectors, n, p, q);
                }
            }
        }
        if (off < DBL_EPSILON * DBL_EPSILON) {
            break;
        }
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = a[i * n + i];
    }
}

/* Reflects column j of the work matrix (rows x width) onto the axis and the rest with it. false if
 * the column has nothing left that the columns before it do not explain. */
static bool reflect(double *work, size_t rows, size_t width, size_t j, double whole) {
    double norm = 0;
    for (size_t i = j; i < rows; i++) {
        norm = hypot(norm, work[i * width + j]);
    }
    if (!(norm > whole * SINGULAR)) {
        return false;
    }
    double head = work[j * width + j];
    double axis = head > 0 ? -norm : norm;
    double scale = axis * (axis - head);
    work[j * width + j] = head - axis;
    for (size_t c = j + 1; c < width; c++) {
        double dot = 0;
        for (size_t i = j; i < rows; i++) {
            dot += work[i * width + j] * work[i * width + c];
        }
        for (size_t i = j; i < rows; i++) {
            work[i * width + c] -= work[i * width + j] * dot / scale;
        }
    }
    work[j * width + j] = axis;
    return true;
}

/* From R (upper, in work) to b and (R'R)^-1. */
static void back_substitute(const double *work, size_t columns, struct stats__fit *fit) {
    size_t width = columns + 1;
    double *inverse = base_alloc_array(columns * columns, sizeof *inverse);
    for (size_t j = columns; j-- > 0;) {
        inverse[j * columns + j] = 1 / work[j * width + j];
        for (size_t c = j + 1; c < columns; c++) {
            double sum = 0;
            for (size_t k = j + 1; k <= c; k++) {
                sum -= work[j * width + k] * inverse[k * columns + c];
            }
            inverse[j * columns + c] = sum / work[j * width + j];
        }
    }
    for (size_t i = 0; i < columns; i++) {
        for (size_t c = 0; c < columns; c++) {
            fit->b[i] += inverse[i * columns + c] * work[c * width + columns];
            for (size_t k = 0; k < columns; k++) {
                fit->covariance[i * columns + c] +=
                    inverse[i * columns + k] * inverse[c * columns + k];
            }
        }
    }
    base_free(inverse);
}

int stats__least_squares(const double *x, const double *y, const double *weights, size_t rows,
    size_t columns, struct stats__fit *fit_out, struct base_err *err) {
    *fit_out = (struct stats__fit){0};
    if (rows < columns) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("too few units for this estimate"));
    }
    size_t width = columns + 1;
    double *work = base_alloc_array(rows * width, sizeof *work);
    double *whole = base_alloc_array(width, sizeof *whole);
    for (size_t i = 0; i < rows; i++) {
        double root = weights ? sqrt(weights[i]) : 1;
        for (size_t c = 0; c < columns; c++) {
            work[i * width + c] = root * x[i * columns + c];
            whole[c] = hypot(whole[c], work[i * width + c]);
        }
        work[i * width + columns] = root * y[i];
    }
    bool regular = true;
    for (size_t j = 0; j < columns && regular; j++) {
        regular = reflect(work, rows, width, j, whole[j]);
    }
    int rc = 0;
    if (regular) {
        fit_out->b = base_alloc_array(columns, sizeof *fit_out->b);
        fit_out->covariance = base_alloc_array(columns * columns, sizeof *fit_out->covariance);
        back_substitute(work, columns, fit_out);
        for (size_t i = columns; i < rows; i++) {
            fit_out->rss += work[i * width + columns] * work[i * width + columns];
        }
    } else {
        rc = base_err_set(err, LANTOA_ESTATE, "%s",
            TR("the design is singular: the effect cannot be told from the other terms"));
    }
    base_free(work);
    base_free(whole);
    return rc;
}

void stats__fit_release(struct stats__fit *fit) {
    base_free(fit->b);
    base_free(fit->covariance);
    *fit = (struct stats__fit){0};
}
