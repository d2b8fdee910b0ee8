/* Continuous distributions: normal, t, chi-square, over the incomplete gamma and beta functions. */
#include "stats/dist.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#define HALF_LOG_2PI 0.918938533204672741780329736406
#define CF_ROUNDS 1000000
#define CF_EXACT 1e-16
#define TINY 1e-300

double stats_normal_density(double x) {
    return exp(-x * x / 2 - HALF_LOG_2PI);
}

double stats_normal_cdf(double x) {
    return erfc(-x * M_SQRT1_2) / 2;
}

double stats_normal_upper(double x) {
    return erfc(x * M_SQRT1_2) / 2;
}

/* Abramowitz and Stegun 26.2.23 (error 4.5e-4), then Newton on ln P(Z > x). */
static double normal_tail_quantile(double q) {
    double t = sqrt(-2 * log(q));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 6; i++) {
        double upper = stats_normal_upper(x);
        x += (log(upper) - log(q)) * upper / stats_normal_density(x);
    }
    return x;
}

double stats_normal_quantile(double p) {
    if (p <= 0 || p >= 1) {
        return p <= 0 ? -(double)INFINITY : (double)INFINITY;
    }
    return p < 0.5 ? -normal_tail_quantile(p) : p > 0.5 ? normal_tail_quantile(1 - p) : 0;
}

/* ln Gamma(x) minus Stirling's (x - 1/2) ln x - x + ln(2 pi)/2: DLMF 5.11.1. */
static double stirling_rest(double x) {
    if (x < 10) {
        int sign;
        return lgamma_r(x, &sign) - ((x - 0.5) * log(x) - x + HALF_LOG_2PI);
    }
    double s = 1 / (x * x);
    double sum =
        1.0 / 12 -
        s * (1.0 / 360 -
                s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360360 -
                                                                              s * (1.0 / 156))))));
    return sum / x;
}

/* u - 1 - ln u without losing digits near 1. */
static double log_gap(double u) {
    return (u - 1) - log1p(u - 1);
}

/* x^a e^-x / Gamma(a + 1) times a, that is x^a e^-x / Gamma(a). */
static double gamma_front(double a, double x) {
    return exp(-a * log_gap(x / a) - stirling_rest(a)) * sqrt(a) * exp(-HALF_LOG_2PI);
}

double stats_gamma_upper(double a, double x) {
    if (x <= 0) {
        return 1;
    }
    if (isinf(x)) {
        return 0;
    }
    if (x < a + 1) {
        double term = 1 / a;
        double sum = term;
        for (int n = 1; n < CF_ROUNDS && term > sum * CF_EXACT; n++) {
            term *= x / (a + n);
            sum += term;
        }
        return 1 - sum * gamma_front(a, x);
    }
    double b = x + 1 - a;
    double c = 1 / TINY;
    double d = 1 / b;
    double h = d;
    for (int n = 1; n < CF_ROUNDS; n++) {
        double step = -n * (n - a);
        b += 2;
        d = step * d + b;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = b + step / c;
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        if (fabs(d * c - 1) < CF_EXACT * 4) {
            break;
        }
    }
    return gamma_front(a, x) * h;
}

/* x^a y^b / B(a, b). */
static double beta_front(double x, double y, double a, double b) {
    double whole = a + b;
    double rest = stirling_rest(a) + stirling_rest(b) - stirling_rest(whole);
    double power = a * log(x * whole / a) + b * log(y * whole / b);
    return exp(power - rest - HALF_LOG_2PI) * sqrt(a * b / whole);
}

/* The continued fraction DLMF 8.17.22, for x < (a + 1)/(a + b + 2). */
static double beta_fraction(double x, double a, double b) {
    double c = 1;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < TINY ? TINY : d);
    double h = d;
    for (int m = 1; m < CF_ROUNDS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double last = h;
        for (int half = 0; half < 2; half++) {
            double step = half ? odd : even;
            d = 1 + step * d;
            d = 1 / (fabs(d) < TINY ? TINY : d);
            c = 1 + step / c;
            c = fabs(c) < TINY ? TINY : c;
            h *= d * c;
        }
        if (fabs(h - last) <= fabs(h) * CF_EXACT * 4) {
            break;
        }
    }
    return h;
}

double stats_beta_cdf(double x, double y, double a, double b) {
    if (x <= 0 || y <= 0) {
        return x <= 0 ? 0 : 1;
    }
    double front = beta_front(x, y, a, b);
    if (x < (a + 1) / (a + b + 2)) {
        return front * beta_fraction(x, a, b) / a;
    }
    return 1 - front * beta_fraction(y, b, a) / b;
}

double stats_t_two_sided(double t, double df) {
    if (isinf(df)) {
        return 2 * stats_normal_upper(fabs(t));
    }
    double square = t * t;
    if (isinf(square)) {
        return 0;
    }
    return stats_beta_cdf(df / (df + square), square / (df + square), df / 2, 0.5);
}

double stats_t_upper(double t, double df) {
    double two = stats_t_two_sided(t, df);
    return t >= 0 ? two / 2 : 1 - two / 2;
}

double stats_chi2_upper(double x, double df) {
    return stats_gamma_upper(df / 2, x / 2);
}

/* Finds x >= 0 with tail(x) = q; tail falls from above q towards 0. Newton on the logarithm of the
 * tail, by its numeric slope, inside a bracket that is halved when Newton leaves it. */
static double tail_solve(double (*tail)(double x, double df), double df, double q) {
    double low = 0;
    double high = 1;
    while (tail(high, df) > q && high < 1e300) {
        low = high;
        high *= 2;
    }
    double x = (low + high) / 2;
    for (int i = 0; i < 300; i++) {
        double value = tail(x, df);
        if (value > q) {
            low = x;
        } else {
            high = x;
        }
        double step = 1e-5 * (x > 0 ? x : 1);
        double slope = (log(tail(x + step, df)) - log(tail(x - step, df))) / (2 * step);
        double next = x - (log(value) - log(q)) / slope;
        if (!(next > low && next < high)) {
            next = low + (high - low) / 2;
        }
        if (fabs(next - x) <= 1e-15 * fabs(x) || high - low <= 1e-16 * high) {
            return next;
        }
        x = next;
    }
    return x;
}

double stats_t_quantile(double p, double df) {
    if (isinf(df) || p <= 0 || p >= 1) {
        return stats_normal_quantile(p);
    }
    double q = p < 0.5 ? p : 1 - p;
    double x = p == 0.5 ? 0 : tail_solve(stats_t_upper, df, q);
    return p < 0.5 ? -x : x;
}

double stats_chi2_quantile(double p, double df) {
    if (p <= 0 || p >= 1) {
        return p <= 0 ? 0 : (double)INFINITY;
    }
    return tail_solve(stats_chi2_upper, df, 1 - p);
}
