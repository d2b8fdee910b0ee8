/* What forbids a verdict on an experiment, however small its p value (measurement decision 6). */
#ifndef STATS_GUARD_H
#define STATS_GUARD_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_GUARD_RATIO_P 0.001  /* chi-square of the arms' sizes against the plan */
#define STATS_GUARD_CONVERSIONS 10 /* expected per arm, by the common rate */
#define STATS_GUARD_CLUSTERS 10    /* per arm, unless a permutation test is made */
#define STATS_GUARD_BALANCE_P 0.01 /* of the values before the start */

enum stats_guard_kind {
    STATS_GUARD_SAMPLE_RATIO,
    STATS_GUARD_FEW_CONVERSIONS,
    STATS_GUARD_FEW_CLUSTERS,
    STATS_GUARD_PRE_IMBALANCE,
    STATS_GUARD_CONTAMINATION,
    STATS_GUARD_KINDS
};

/* What is known of the experiment; index 0 control, 1 treated. Fields left 0 (p left NAN or
 * negative) are not known and not judged. */
struct stats_facts {
    int64_t n[2], x[2];
    double planned_share[2]; /* of the lot; any scale */
    bool by_cluster;         /* judge the clusters */
    size_t clusters[2];
    bool permutation;     /* a permutation test is made */
    double balance_p;     /* stats_pre_balance; NAN: not known */
    int64_t contaminated; /* people of the control arm in the ledger of what was sent */
};

struct stats_guard {
    enum stats_guard_kind kind;
    double value;   /* p, expected conversions, clusters, people */
    char text[256]; /* why, in the reader's language */
};

/* Fills out (room for STATS_GUARD_KINDS) with the guards that refuse; returns how many. */
size_t stats_guards(const struct stats_facts *facts, struct stats_guard *out);
/* "sample_ratio", "few_conversions", ... Static. */
const char *stats_guard_name(enum stats_guard_kind kind);
/* p of the sizes against the shares, chi-square with 1 df; absent (NAN) when a share is not known.
 */
double stats_sample_ratio_p(const int64_t n[static 2], const double share[static 2]);

#endif
