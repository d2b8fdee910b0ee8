/* Sizes and power. */
#include "stats/power.h"

#include "base/tr.h"
#include "stats/dist.h"
#include <math.h>
#include <stdbool.h>

#define BISECTIONS 200
#define RATE_MOST 1e6 /* events per person-year */

double stats_design_effect(double m, double icc, double size_cv) {
    return 1 + ((1 + size_cv * size_cv) * m - 1) * fmax(0, icc);
}

static bool of_people(const struct stats_plan *plan) {
    return plan->design == STATS_PEOPLE || plan->design == STATS_PEOPLE_BASE;
}

static bool inside(double value, double low, double high) {
    return value >= low && value <= high;
}

static int check(const struct stats_plan *p, struct base_err *err) {
    bool rates = p->design == STATS_CLUSTERS_RATES;
    if (!inside(p->p0, 0, rates ? RATE_MOST : 1)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must lie between 0 and 1"), "p0");
    }
    if (!(p->alpha > 0 && p->alpha < 1)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must lie between 0 and 1"), "alpha");
    }
    if (!of_people(p) && !inside(p->m, 1e-9, 1e12)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must be a number above 0"), "m");
    }
    if (!inside(p->icc, -1, 1)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must lie between 0 and 1"), "icc");
    }
    if (!inside(p->k, 0, 100) || !inside(p->size_cv, 0, 100)) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("%s: must lie between 0 and 100"), p->k > 100 ? "k" : "cv");
    }
    return 0;
}

static int check_p1(const struct stats_plan *p, struct base_err *err) {
    if (!inside(p->p1, 0, p->design == STATS_CLUSTERS_RATES ? RATE_MOST : 1)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must lie between 0 and 1"), "p1");
    }
    if (p->p1 == p->p0) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("p0 and p1 are equal: there is no effect to see"));
    }
    return 0;
}

static int check_power(const struct stats_plan *p, struct base_err *err) {
    if (!(p->power > p->alpha && p->power < 1)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("power: must lie between alpha and 1"));
    }
    return 0;
}

/* Standard deviations of the difference of two single observations: under the null, in truth. */
static void deviations(const struct stats_plan *p, double *null_out, double *truth_out) {
    double base = p->design == STATS_PEOPLE_BASE ? p->p0 : (p->p0 + p->p1) / 2;
    *truth_out = sqrt(p->p0 * (1 - p->p0) + p->p1 * (1 - p->p1));
    *null_out = p->design == STATS_CLUSTERS_ICC ? *truth_out : sqrt(2 * base * (1 - base));
}

/* Hayes and Bennett: the variance of the difference of two clusters. */
static double cluster_variance(const struct stats_plan *p) {
    double own = p->design == STATS_CLUSTERS_RATES ? p->p0 + p->p1
                                                   : p->p0 * (1 - p->p0) + p->p1 * (1 - p->p1);
    return own / p->m + p->k * p->k * (p->p0 * p->p0 + p->p1 * p->p1);
}

static double lost_clusters(const struct stats_plan *p) {
    return p->matching == STATS_MATCHED ? 2 : 1;
}

static bool hayes_bennett(const struct stats_plan *p) {
    return p->design == STATS_CLUSTERS_K || p->design == STATS_CLUSTERS_RATES;
}

int stats_plan_size(const struct stats_plan *plan, double *per_arm_out, struct base_err *err) {
    int rc = check(plan, err);
    rc = rc ? rc : check_p1(plan, err);
    rc = rc ? rc : check_power(plan, err);
    if (rc != 0) {
        return rc;
    }
    double alpha_z = -stats_normal_quantile(plan->alpha / 2);
    double beta_z = stats_normal_quantile(plan->power);
    double d = plan->p1 - plan->p0;
    if (hayes_bennett(plan)) {
        double z = alpha_z + beta_z;
        *per_arm_out = lost_clusters(plan) + z * z * cluster_variance(plan) / (d * d);
        return 0;
    }
    double null;
    double truth;
    deviations(plan, &null, &truth);
    double top = alpha_z * null + beta_z * truth;
    *per_arm_out = top * top / (d * d);
    if (plan->design == STATS_CLUSTERS_ICC) {
        *per_arm_out *= stats_design_effect(plan->m, plan->icc, plan->size_cv) / plan->m;
    }
    return 0;
}

/* The plan has been checked. */
static double power_of(const struct stats_plan *plan, double per_arm) {
    double alpha_z = -stats_normal_quantile(plan->alpha / 2);
    double d = fabs(plan->p1 - plan->p0);
    if (hayes_bennett(plan)) {
        double clusters = fmax(0, per_arm - lost_clusters(plan));
        double variance = cluster_variance(plan);
        return variance > 0 ? stats_normal_cdf(d * sqrt(clusters / variance) - alpha_z) : d > 0;
    }
    double null;
    double truth;
    deviations(plan, &null, &truth);
    double n = per_arm;
    if (plan->design == STATS_CLUSTERS_ICC) {
        n *= plan->m / stats_design_effect(plan->m, plan->icc, plan->size_cv);
    }
    double gap = d * sqrt(n) - alpha_z * null;
    return truth > 0 ? stats_normal_cdf(gap / truth) : gap > 0;
}

static int check_per_arm(double per_arm, struct base_err *err) {
    if (!inside(per_arm, 1, 1e12)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the size of an arm must be at least 1"));
    }
    return 0;
}

int stats_plan_power(
    const struct stats_plan *plan, double per_arm, double *power_out, struct base_err *err) {
    int rc = check(plan, err);
    rc = rc ? rc : check_p1(plan, err);
    rc = rc ? rc : check_per_arm(per_arm, err);
    if (rc == 0) {
        *power_out = power_of(plan, per_arm);
    }
    return rc;
}

/* The p1 nearest to p0 towards `end` whose power is enough. */
static bool visible(struct stats_plan plan, double per_arm, double end, double *found) {
    double unseen = plan.p0;
    double seen = end;
    plan.p1 = end;
    if (end == plan.p0 || power_of(&plan, per_arm) < plan.power) {
        return false;
    }
    for (int i = 0; i < BISECTIONS; i++) {
        plan.p1 = unseen + (seen - unseen) / 2;
        if (power_of(&plan, per_arm) < plan.power) {
            unseen = plan.p1;
        } else {
            seen = plan.p1;
        }
    }
    *found = seen;
    return true;
}

int stats_plan_visible(const struct stats_plan *plan, double per_arm, double *above_out,
    double *below_out, struct base_err *err) {
    int rc = check(plan, err);
    rc = rc ? rc : check_power(plan, err);
    rc = rc ? rc : check_per_arm(per_arm, err);
    if (rc != 0) {
        return rc;
    }
    bool rates = plan->design == STATS_CLUSTERS_RATES;
    /* Hayes and Bennett's variance grows with the effect squared: beyond a ratio of some 10 more
     * effect can mean less power, so a rate's search ends at 100 times the base. */
    double top = rates ? fmin(RATE_MOST, plan->p0 * 100) : 1;
    if (below_out && !visible(*plan, per_arm, 0, below_out)) {
        *below_out = (double)NAN;
    }
    if (!visible(*plan, per_arm, top, above_out)) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no effect, however large, is seen with this power: there are too few"));
    }
    return 0;
}
