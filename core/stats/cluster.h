/* Clusters (villages) drawn by lot, people counted (F5): least squares of 0/1 on the arm with
 * sandwich variances that let people of one cluster be alike.
 *
 * CR2 and its degrees of freedom after Bell and McCaffrey 2002, Pustejovsky and Tipton 2018. All
 * people of a cluster who share arm and stratum form a cell; everything is computed over cells,
 * which is exact and needs no row per person. With one cell per cluster and no strata it is the
 * closed form F5; clusters that stand in both arms (a lot drawn inside villages) are covered by
 * the same code. */
#ifndef STATS_CLUSTER_H
#define STATS_CLUSTER_H

#include "stats/estimate.h"
#include <stdint.h>

#define STATS_STRATA_MAX 1000
#define STATS_CELLS_MAX 1000000

/* x of the n people of a cluster, an arm, a stratum. Cells of one cluster need not lie together;
 * several cells of the same cluster, arm and stratum are added up. */
struct stats_cell {
    uint32_t cluster; /* any number below STATS_CELLS_MAX */
    uint32_t stratum; /* below STATS_STRATA_MAX */
    bool treated;
    int64_t n, x; /* 0 <= x <= n; n == 0: the cell is left out */
};

struct stats_cluster {
    struct stats_estimate cr0; /* no correction; t with clusters - 1 */
    struct stats_estimate cr1; /* times G/(G-1) (N-1)/(N-k), as Stata; t with clusters - 1 */
    struct stats_estimate cr2; /* t with Bell-McCaffrey degrees of freedom */
    size_t clusters[2];        /* control, treated; a cluster in both counts in both */
    int64_t n[2], x[2];
};

/* strata: the arm alone, or the arm and a fixed effect per stratum (least squares with dummies). */
enum stats_strata_use { STATS_WITHOUT_STRATA, STATS_WITH_STRATA };

/* LANTOA_EINVAL for cells out of range, LANTOA_ESTATE when an arm has fewer than two clusters or
 * the arm cannot be told from the strata. */
int stats_cluster(const struct stats_cell *cells, size_t count, enum stats_strata_use strata,
    double level, struct stats_cluster *out, struct base_err *err) LANTOA_MUST_CHECK;

/* Intracluster correlation by analysis of variance within the arms (F14); may be negative. */
int stats_icc(const struct stats_cell *cells, size_t count, double *icc_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
