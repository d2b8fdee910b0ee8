/* How many people or villages an experiment needs, what it can see with those it has (F14). Normal
 * approximation, two-sided, arms of equal size. Below some 15 clusters per arm a t test sees a
 * little less than is said here. */
#ifndef STATS_POWER_H
#define STATS_POWER_H

#include "base/err.h"

enum stats_design {
    STATS_PEOPLE,        /* two rates, variance pooled under the null: R's power.prop.test */
    STATS_PEOPLE_BASE,   /* Evan Miller's form: the base rate's variance under the null */
    STATS_CLUSTERS_ICC,  /* people, variance not pooled, times the design effect */
    STATS_CLUSTERS_K,    /* Hayes and Bennett 1999, coefficient of variation k between clusters */
    STATS_CLUSTERS_RATES /* the same for events per person-year; m is person-years */
};
enum stats_matching { STATS_UNMATCHED, STATS_MATCHED }; /* Hayes-Bennett: +1 or +2 clusters */

struct stats_plan {
    enum stats_design design;
    double p0, p1; /* proportions, or events per person-year */
    double alpha;  /* two-sided */
    double power;
    double m;       /* people (person-years) per cluster, on average */
    double icc;     /* STATS_CLUSTERS_ICC; below 0 counts as 0 */
    double size_cv; /* coefficient of variation of the clusters' sizes, 0: all equal */
    double k;       /* STATS_CLUSTERS_K and _RATES */
    enum stats_matching matching;
};

/* 1 + ((1 + cv^2) m - 1) icc, icc floored at 0. */
double stats_design_effect(double m, double icc, double size_cv);

/* All return LANTOA_EINVAL with the field for a plan that makes no sense. The unit is people per
 * arm for designs of people and clusters per arm for the others; not rounded. */
int stats_plan_size(const struct stats_plan *plan, double *per_arm_out,
    struct base_err *err) LANTOA_MUST_CHECK; /* from p0, p1, power */
int stats_plan_power(const struct stats_plan *plan, double per_arm, double *power_out,
    struct base_err *err) LANTOA_MUST_CHECK; /* from p0, p1 */
/* The least p1 above p0 (and the greatest below it) that is seen with the plan's power;
 * LANTOA_ESTATE if none is. below_out may be NULL; it becomes NAN when not even p1 = 0 would be
 * seen. */
int stats_plan_visible(const struct stats_plan *plan, double per_arm, double *above_out,
    double *below_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
