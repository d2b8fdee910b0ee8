/* Guards that refuse a verdict. */
#include "stats/guard.h"

#include "base/text.h"
#include "base/tr.h"
#include "stats/dist.h"
#include "stats/number.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *stats_guard_name(enum stats_guard_kind kind) {
    static const char *const names[STATS_GUARD_KINDS] = {
        "sample_ratio", "few_conversions", "few_clusters", "pre_imbalance", "contamination"};
    return names[kind];
}

double stats_sample_ratio_p(const int64_t n[static 2], const double share[static 2]) {
    double all = (double)n[0] + (double)n[1];
    double shares = share[0] + share[1];
    if (!(share[0] > 0 && share[1] > 0 && all > 0)) {
        return (double)NAN;
    }
    double square = 0;
    for (int arm = 0; arm < 2; arm++) {
        double expected = all * share[arm] / shares;
        square += ((double)n[arm] - expected) * ((double)n[arm] - expected) / expected;
    }
    return stats_chi2_upper(square, 1);
}

struct list {
    struct stats_guard *out;
    size_t count;
};

static void add(struct list *list, enum stats_guard_kind kind, double value, const char *fmt, ...)
    LANTOA_PRINTF(4, 5);

static void add(struct list *list, enum stats_guard_kind kind, double value, const char *fmt, ...) {
    struct stats_guard *guard = &list->out[list->count++];
    *guard = (struct stats_guard){.kind = kind, .value = value};
    va_list args;
    va_start(args, fmt);
    vsnprintf(guard->text, sizeof guard->text, fmt, args);
    va_end(args);
    struct str text = str_from(guard->text);
    guard->text[base_utf8_cut(text, sizeof guard->text - 1)] = '\0';
}

static void judge_conversions(const struct stats_facts *f, struct list *list) {
    double all = (double)f->n[0] + (double)f->n[1];
    if (!(f->n[0] > 0 && f->n[1] > 0)) {
        return;
    }
    int64_t least_n = f->n[0] < f->n[1] ? f->n[0] : f->n[1];
    double expected = (double)least_n * ((double)f->x[0] + (double)f->x[1]) / all;
    if (expected < STATS_GUARD_CONVERSIONS) {
        add(list, STATS_GUARD_FEW_CONVERSIONS, expected,
            TR("no verdict: %s conversions are expected in the smaller arm, at least %d are "
               "needed"),
            stats_number_fixed(expected, 1).text, STATS_GUARD_CONVERSIONS);
    }
}

size_t stats_guards(const struct stats_facts *f, struct stats_guard *out) {
    struct list list = {out, 0};
    double ratio_p = stats_sample_ratio_p(f->n, f->planned_share);
    if (ratio_p < STATS_GUARD_RATIO_P) {
        add(&list, STATS_GUARD_SAMPLE_RATIO, ratio_p,
            TR("no verdict: %lld and %lld people are not what the lot was to give (p %s); "
               "somebody was lost or added on one side"),
            (long long)f->n[1], (long long)f->n[0], stats_number_short(ratio_p, 2).text);
    }
    judge_conversions(f, &list);
    size_t least = f->clusters[0] < f->clusters[1] ? f->clusters[0] : f->clusters[1];
    if (f->by_cluster && !f->permutation && least < STATS_GUARD_CLUSTERS) {
        add(&list, STATS_GUARD_FEW_CLUSTERS, (double)least,
            TR("no verdict: %zu clusters in the smaller arm, at least %d are needed without a "
               "permutation test"),
            least, STATS_GUARD_CLUSTERS);
    }
    if (f->balance_p >= 0 && f->balance_p < STATS_GUARD_BALANCE_P) {
        add(&list, STATS_GUARD_PRE_IMBALANCE, f->balance_p,
            TR("no verdict: the arms differed before the start (p %s)"),
            stats_number_short(f->balance_p, 2).text);
    }
    if (f->contaminated > 0) {
        add(&list, STATS_GUARD_CONTAMINATION, (double)f->contaminated,
            TR("no verdict: %lld people of the control arm were sent a message"),
            (long long)f->contaminated);
    }
    return list.count;
}
