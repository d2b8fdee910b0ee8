/* Sandwich variances over cells.
 *
 * By Frisch, Waugh and Lovell the arm's coefficient needs no matrix: with u_s the treated share of
 * stratum s, t = T - u_s and D = sum n t2, the bread is
 *     x_i' M x_j = t_i t_j / D + [s_i == s_j] / n_s,
 * and in the basis of the cells' unit vectors the hat matrix of a cluster is
 *     K_jl = sqrt(n_j n_l) x_j' M x_l. */
#include "stats/cluster.h"

#include "base/mem.h"
#include "base/tr.h"
#include "stats/matrix.h"
#include <stdlib.h>

#define CELLS_OF_CLUSTER_MAX 200
/* An eigenvalue of I - K below this is 0: the cluster alone fixes a coefficient, and has no
 * residual. */
#define LEVERAGE_ONE 1e-10

struct fit {
    struct stats_cell *cells; /* sorted by cluster, merged */
    size_t count;
    size_t strata;     /* one more than the highest number */
    double *n_stratum; /* people */
    double *share;     /* u_s */
    double *mean;      /* of the outcome in the stratum */
    double d, effect, people;
    size_t clusters, columns;
};

static int by_cluster(const void *left, const void *right) {
    const struct stats_cell *a = left;
    const struct stats_cell *b = right;
    if (a->cluster != b->cluster) {
        return a->cluster < b->cluster ? -1 : 1;
    }
    if (a->stratum != b->stratum) {
        return a->stratum < b->stratum ? -1 : 1;
    }
    return (int)a->treated - (int)b->treated;
}

static int check_cells(const struct stats_cell *cells, size_t count, struct base_err *err) {
    if (count > STATS_CELLS_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("more than %d rows"), STATS_CELLS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const struct stats_cell *c = &cells[i];
        if (c->n < 0 || c->x < 0 || c->x > c->n || c->cluster >= STATS_CELLS_MAX ||
            c->stratum >= STATS_STRATA_MAX) {
            return base_err_set(err, LANTOA_EINVAL,
                TR("%lld of %lld: the conversions must lie between 0 and the number of people"),
                (long long)c->x, (long long)c->n);
        }
    }
    return 0;
}

/* A sorted copy without empty cells, equal ones added up. */
static struct stats_cell *merge(
    const struct stats_cell *cells, size_t count, bool strata, size_t *count_out) {
    struct stats_cell *copy = base_alloc_array(count + 1, sizeof *copy);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (cells[i].n > 0) {
            copy[kept] = cells[i];
            copy[kept].stratum = strata ? cells[i].stratum : 0;
            kept++;
        }
    }
    if (kept > 0) {
        qsort(copy, kept, sizeof *copy, by_cluster);
    }
    size_t merged = 0;
    for (size_t i = 0; i < kept; i++) {
        if (merged > 0 && by_cluster(&copy[merged - 1], &copy[i]) == 0) {
            copy[merged - 1].n += copy[i].n;
            copy[merged - 1].x += copy[i].x;
        } else {
            copy[merged++] = copy[i];
        }
    }
    *count_out = merged;
    return copy;
}

static void count_arms(struct fit *fit, struct stats_cluster *out) {
    for (size_t i = 0; i < fit->count; i++) {
        const struct stats_cell *c = &fit->cells[i];
        fit->clusters += i == 0 || c->cluster != fit->cells[i - 1].cluster;
        out->n[c->treated] += c->n;
        out->x[c->treated] += c->x;
        /* Cells of a cluster lie together: count it once per arm. */
        bool seen = false;
        for (size_t k = i; k-- > 0 && fit->cells[k].cluster == c->cluster;) {
            seen = seen || fit->cells[k].treated == c->treated;
        }
        out->clusters[c->treated] += !seen;
    }
}

static void sum_strata(struct fit *fit) {
    for (size_t i = 0; i < fit->count; i++) {
        size_t s = fit->cells[i].stratum + 1;
        fit->strata = s > fit->strata ? s : fit->strata;
    }
    fit->n_stratum = base_alloc_array(fit->strata + 1, sizeof(double));
    fit->share = base_alloc_array(fit->strata + 1, sizeof(double));
    fit->mean = base_alloc_array(fit->strata + 1, sizeof(double));
    for (size_t i = 0; i < fit->count; i++) {
        const struct stats_cell *c = &fit->cells[i];
        fit->n_stratum[c->stratum] += (double)c->n;
        fit->share[c->stratum] += c->treated ? (double)c->n : 0;
        fit->mean[c->stratum] += (double)c->x;
        fit->people += (double)c->n;
    }
    fit->columns = 1;
    for (size_t s = 0; s < fit->strata; s++) {
        if (fit->n_stratum[s] > 0) {
            fit->share[s] /= fit->n_stratum[s];
            fit->mean[s] /= fit->n_stratum[s];
            fit->columns++;
        }
    }
}

static double arm_rest(const struct fit *fit, const struct stats_cell *c) {
    return (c->treated ? 1 : 0) - fit->share[c->stratum];
}

static int fit_effect(struct fit *fit, struct base_err *err) {
    double top = 0;
    for (size_t i = 0; i < fit->count; i++) {
        const struct stats_cell *c = &fit->cells[i];
        double t = arm_rest(fit, c);
        fit->d += (double)c->n * t * t;
        top += t * (double)c->x;
    }
    if (!(fit->d > LEVERAGE_ONE * fit->people)) {
        return base_err_set(err, LANTOA_ESTATE, "%s", TR("no stratum has people in both arms"));
    }
    fit->effect = top / fit->d;
    return 0;
}

/* What the clusters add up to. */
struct sums {
    double cr0, cr2;
    double trace, diagonal; /* tr B; sum of |v|^4 - 2 |v|^2 q'Mq */
    double aa;              /* sum a_g^2 */
    double *ab;             /* per stratum: sum a_g b_gs */
    double *bb;             /* strata x strata: sum b_gs b_gs' */
};

/* One cluster: cells [first, first + k). */
struct block {
    const struct stats_cell *cells;
    size_t k;
    double *root;    /* sqrt n_j */
    double *t;       /* arm_rest */
    double *z;       /* sqrt(n_j) t_j / D */
    double *rest;    /* S_j / sqrt n_j */
    double *v;       /* (I - K)^-1/2 z */
    double *hat;     /* I - K, k x k */
    double *vectors; /* k x k */
    double *values;
};

static void fill_block(const struct fit *fit, struct block *b) {
    for (size_t j = 0; j < b->k; j++) {
        const struct stats_cell *c = &b->cells[j];
        double n = (double)c->n;
        b->root[j] = sqrt(n);
        b->t[j] = arm_rest(fit, c);
        b->z[j] = b->root[j] * b->t[j] / fit->d;
        b->rest[j] =
            ((double)c->x - n * (fit->mean[c->stratum] + fit->effect * b->t[j])) / b->root[j];
    }
    for (size_t j = 0; j < b->k; j++) {
        for (size_t l = 0; l < b->k; l++) {
            size_t s = b->cells[j].stratum;
            double inner = b->t[j] * b->t[l] / fit->d;
            inner += s == b->cells[l].stratum ? 1 / fit->n_stratum[s] : 0;
            b->hat[j * b->k + l] = (j == l) - b->root[j] * b->root[l] * inner;
        }
    }
}

/* v = (I - K)^-1/2 z, with the pseudo-inverse where a leverage is 1. */
static void straighten(struct block *b) {
    stats__eigen(b->hat, b->k, b->values, b->vectors);
    for (size_t j = 0; j < b->k; j++) {
        b->v[j] = 0;
    }
    for (size_t e = 0; e < b->k; e++) {
        double dot = 0;
        for (size_t j = 0; j < b->k; j++) {
            dot += b->vectors[j * b->k + e] * b->z[j];
        }
        double scale = b->values[e] > LEVERAGE_ONE ? 1 / sqrt(b->values[e]) : 0;
        for (size_t j = 0; j < b->k; j++) {
            b->v[j] += scale * dot * b->vectors[j * b->k + e];
        }
    }
}

static void add_block(const struct fit *fit, const struct block *b, struct sums *sums) {
    double plain = 0;
    double straight = 0;
    double length = 0;
    double a = 0;
    double inner = 0;
    for (size_t j = 0; j < b->k; j++) {
        plain += b->z[j] * b->rest[j];
        straight += b->v[j] * b->rest[j];
        length += b->v[j] * b->v[j];
        a += b->t[j] * b->root[j] * b->v[j];
    }
    for (size_t j = 0; j < b->k; j++) {
        size_t s = b->cells[j].stratum;
        double mine = b->root[j] * b->v[j];
        sums->ab[s] += a * mine;
        for (size_t l = 0; l < b->k; l++) {
            size_t other = b->cells[l].stratum;
            double product = mine * b->root[l] * b->v[l];
            sums->bb[s * fit->strata + other] += product;
            inner += s == other ? product / fit->n_stratum[s] : 0;
        }
    }
    double hat = a * a / fit->d + inner;
    sums->cr0 += plain * plain;
    sums->cr2 += straight * straight;
    sums->trace += length - hat;
    sums->diagonal += length * length - 2 * length * hat;
    sums->aa += a * a;
}

/* sum over g, h of (q_g' M q_h)^2, from sums over the strata. */
static double cross_sum(const struct fit *fit, const struct sums *sums) {
    double sum = sums->aa * sums->aa / (fit->d * fit->d);
    for (size_t s = 0; s < fit->strata; s++) {
        if (!(fit->n_stratum[s] > 0)) {
            continue;
        }
        sum += 2 / fit->d * sums->ab[s] * sums->ab[s] / fit->n_stratum[s];
        for (size_t o = 0; o < fit->strata; o++) {
            double b = sums->bb[s * fit->strata + o];
            sum += fit->n_stratum[o] > 0 ? b * b / (fit->n_stratum[s] * fit->n_stratum[o]) : 0;
        }
    }
    return sum;
}

static int walk_clusters(const struct fit *fit, struct sums *sums, struct base_err *err) {
    const size_t most = CELLS_OF_CLUSTER_MAX;
    double *memory = base_alloc_array(2 * most * most + 6 * most, sizeof *memory);
    struct block b = {.hat = memory, .vectors = memory + most * most};
    double *rows = memory + 2 * most * most;
    b.root = rows;
    b.t = rows + most;
    b.z = rows + 2 * most;
    b.rest = rows + 3 * most;
    b.v = rows + 4 * most;
    b.values = rows + 5 * most;
    int rc = 0;
    for (size_t first = 0; rc == 0 && first < fit->count; first += b.k) {
        b.cells = &fit->cells[first];
        b.k = 1;
        while (first + b.k < fit->count && b.cells[b.k].cluster == b.cells[0].cluster) {
            b.k++;
        }
        if (b.k > most) {
            rc = base_err_set(err, LANTOA_ELIMIT, TR("a cluster lies in more than %d strata"),
                CELLS_OF_CLUSTER_MAX / 2);
            break;
        }
        fill_block(fit, &b);
        straighten(&b);
        add_block(fit, &b, sums);
    }
    base_free(memory);
    return rc;
}

static int variances(
    const struct fit *fit, double level, struct stats_cluster *out, struct base_err *err) {
    struct sums sums = {0};
    sums.ab = base_alloc_array(fit->strata, sizeof *sums.ab);
    sums.bb = base_alloc_array(fit->strata * fit->strata, sizeof *sums.bb);
    int rc = walk_clusters(fit, &sums, err);
    double g = (double)fit->clusters;
    double below = sums.diagonal + cross_sum(fit, &sums);
    base_free(sums.ab);
    base_free(sums.bb);
    if (rc != 0) {
        return rc;
    }
    if (!(sums.trace > 0 && below > 0)) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", TR("too few clusters: each one alone fixes the estimate"));
    }
    stats_estimate_of(fit->effect, sqrt(sums.cr0), g - 1, level, &out->cr0);
    stats_estimate_of(
        fit->effect, sqrt(sums.cr2), sums.trace * sums.trace / below, level, &out->cr2);
    if (fit->people > (double)fit->columns) {
        double factor = g / (g - 1) * (fit->people - 1) / (fit->people - (double)fit->columns);
        stats_estimate_of(fit->effect, sqrt(sums.cr0 * factor), g - 1, level, &out->cr1);
    }
    return 0;
}

int stats_cluster(const struct stats_cell *cells, size_t count, enum stats_strata_use strata,
    double level, struct stats_cluster *out, struct base_err *err) {
    *out = (struct stats_cluster){0};
    stats_estimate_clear(&out->cr0);
    stats_estimate_clear(&out->cr1);
    stats_estimate_clear(&out->cr2);
    int rc = stats_level_check(level, err);
    rc = rc ? rc : check_cells(cells, count, err);
    if (rc != 0) {
        return rc;
    }
    struct fit fit = {0};
    fit.cells = merge(cells, count, strata == STATS_WITH_STRATA, &fit.count);
    count_arms(&fit, out);
    if (out->clusters[0] < 2 || out->clusters[1] < 2) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("needs at least two clusters in each arm; there are %zu treated and %zu control"),
            out->clusters[1], out->clusters[0]);
    }
    if (rc == 0) {
        sum_strata(&fit);
        rc = fit_effect(&fit, err);
    }
    rc = rc ? rc : variances(&fit, level, out, err);
    base_free(fit.cells);
    base_free(fit.n_stratum);
    base_free(fit.share);
    base_free(fit.mean);
    return rc;
}

int stats_icc(const struct stats_cell *cells, size_t count, double *icc_out, struct base_err *err) {
    *icc_out = STATS_ABSENT;
    int rc = check_cells(cells, count, err);
    if (rc != 0) {
        return rc;
    }
    size_t groups;
    struct stats_cell *merged = merge(cells, count, false, &groups);
    double n[2] = {0, 0};
    double x[2] = {0, 0};
    double squares[2] = {0, 0};
    for (size_t i = 0; i < groups; i++) {
        n[merged[i].treated] += (double)merged[i].n;
        x[merged[i].treated] += (double)merged[i].x;
        squares[merged[i].treated] += (double)merged[i].n * (double)merged[i].n;
    }
    double between = 0;
    double within = 0;
    for (size_t i = 0; i < groups; i++) {
        double m = (double)merged[i].n;
        double p = (double)merged[i].x / m;
        double gap = p - x[merged[i].treated] / n[merged[i].treated];
        between += m * gap * gap;
        within += m * p * (1 - p);
    }
    base_free(merged);
    double people = n[0] + n[1];
    double arms = (n[0] > 0) + (n[1] > 0);
    double free_groups = (double)groups - arms;
    double free_people = people - (double)groups;
    if (!(free_groups > 0 && free_people > 0)) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no intracluster correlation: needs more clusters than arms, and more people than "
               "clusters"));
    }
    double msb = between / free_groups;
    double msw = within / free_people;
    double uneven = (n[0] > 0 ? squares[0] / n[0] : 0) + (n[1] > 0 ? squares[1] / n[1] : 0);
    double size = (people - uneven) / free_groups;
    double below = msb + (size - 1) * msw;
    if (!(below > 0)) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no intracluster correlation: everybody in an arm did the same"));
    }
    *icc_out = (msb - msw) / below;
    return 0;
}
