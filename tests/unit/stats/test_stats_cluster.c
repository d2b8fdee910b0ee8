/* Villages drawn by lot: worked examples R9 and R20, edges. */
#include "near.h"

#include "stats/cluster.h"
#include "stats/permute.h"
#include "stats/rate.h"

#define VILLAGES 30

static struct base_err err;
static struct stats_cell villages[VILLAGES];
static struct stats_unit rates[VILLAGES];

static int make_villages(void **state) {
    (void)state;
    for (uint32_t i = 1; i <= VILLAGES; i++) {
        int64_t m = 40 + 17 * i % 23;
        bool treated = i % 2 == 1;
        int64_t y = m * (10 + 2 * (7 * i % 5) + (treated ? 4 : 0)) / 100;
        villages[i - 1] = (struct stats_cell){i, (i + 5) / 6, treated, m, y};
        rates[i - 1] = (struct stats_unit){(double)y / (double)m, treated, (i + 5) / 6};
    }
    return 0;
}

static void test_villages(void **state) {
    (void)state;
    struct stats_cluster c;
    assert_ok(stats_cluster(villages, VILLAGES, STATS_WITHOUT_STRATA, STATS_LEVEL, &c, &err), err);
    assert_int_equal(c.x[1], 128);
    assert_int_equal(c.n[1], 745);
    assert_int_equal(c.x[0], 104);
    assert_int_equal(c.n[0], 793);
    assert_int_equal(c.clusters[0] + c.clusters[1], VILLAGES);
    assert_within(c.cr0.estimate, .04066454, 1e-8);
    assert_within(c.cr0.se, .01104126, 1e-8);
    assert_within(c.cr1.se, .01123367, 1e-8);
    assert_within(c.cr2.se, .01143900, 1e-8);
    assert_within(c.cr2.df, 27.518931, 1e-7);
    assert_within(c.cr2.p, .00139058, 1e-8);
    assert_within(c.cr2.low, .01721433, 1e-8);
    assert_within(c.cr2.high, .06411475, 1e-8);
    struct stats_estimate e;
    assert_ok(stats_hc2((struct stats_pair){{128, 745}, {104, 793}}, STATS_LEVEL, &e, &err), err);
    assert_within(e.se, .01830648, 1e-8);
    assert_within(e.p, .0264746, 1e-7);
}

static void test_strata_effects(void **state) {
    (void)state;
    struct stats_cluster c;
    assert_ok(stats_cluster(villages, VILLAGES, STATS_WITH_STRATA, STATS_LEVEL, &c, &err), err);
    assert_within(c.cr2.estimate, .04099535, 1e-8);
    assert_within(c.cr2.se, .01202154, 1e-8);
    assert_within(c.cr2.df, 23.60113, 1e-6);
    assert_within(c.cr2.p, .00233775, 1e-8);
}

static void test_village_rates(void **state) {
    (void)state;
    struct stats_estimate e;
    assert_ok(stats_welch(rates, VILLAGES, STATS_LEVEL, &e, &err), err);
    assert_within(e.estimate, .04008731, 1e-8);
    assert_near(e.statistic, 3.510143);
    assert_near(e.df, 27.99229);
    assert_within(e.p, .00153583, 1e-8);
    assert_ok(stats_dummies(rates, VILLAGES, STATS_LEVEL, &e, &err), err);
    assert_within(e.estimate, .04008731, 1e-8);
    assert_within(e.se, .01217331, 1e-8);
    assert_true(e.df == 24);
    assert_within(e.p, .00306341, 1e-8);
}

static void test_icc(void **state) {
    (void)state;
    double icc;
    assert_ok(stats_icc(villages, VILLAGES, &icc, &err), err);
    assert_within(icc, -.01215025, 1e-8);
    const struct stats_cell equal[] = {
        {0, 0, true, 5, 5}, {1, 0, true, 5, 5}, {2, 0, false, 5, 0}, {3, 0, false, 5, 0}};
    assert_fault_part(stats_icc(equal, 4, &icc, &err), LANTOA_ESTATE, err, "did the same");
    assert_fault_part(stats_icc(equal, 1, &icc, &err), LANTOA_ESTATE, err, "more clusters");
}

/* One row per person gives what one row per village gives. */
static void test_people_and_villages_agree(void **state) {
    (void)state;
    static struct stats_cell people[2000];
    size_t count = 0;
    for (size_t v = 0; v < VILLAGES; v++) {
        for (int64_t i = 0; i < villages[v].n; i++) {
            struct stats_cell one = villages[v];
            one.n = 1;
            one.x = i < villages[v].x;
            people[count++] = one;
        }
    }
    struct stats_cluster a;
    struct stats_cluster b;
    assert_ok(stats_cluster(villages, VILLAGES, STATS_WITH_STRATA, STATS_LEVEL, &a, &err), err);
    assert_ok(stats_cluster(people, count, STATS_WITH_STRATA, STATS_LEVEL, &b, &err), err);
    assert_within(a.cr2.se, b.cr2.se, 1e-14);
    assert_within(a.cr2.df, b.cr2.df, 1e-12);
    assert_within(a.cr1.se, b.cr1.se, 1e-14);
}

static void test_cluster_edges(void **state) {
    (void)state;
    struct stats_cluster c;
    struct stats_cell few[] = {{0, 0, true, 10, 3}, {1, 0, false, 10, 1}, {2, 0, false, 12, 4}};
    assert_fault_part(stats_cluster(few, 3, STATS_WITHOUT_STRATA, STATS_LEVEL, &c, &err),
        LANTOA_ESTATE, err, "at least two clusters");
    assert_fault_part(stats_cluster(NULL, 0, STATS_WITHOUT_STRATA, STATS_LEVEL, &c, &err),
        LANTOA_ESTATE, err, "at least two clusters");
    few[0].x = 11;
    assert_fault_part(stats_cluster(few, 3, STATS_WITHOUT_STRATA, STATS_LEVEL, &c, &err),
        LANTOA_EINVAL, err, "11 of 10");
    /* Each stratum in one arm only: nothing to compare. */
    const struct stats_cell apart[] = {
        {0, 0, true, 10, 3}, {1, 0, true, 10, 1}, {2, 1, false, 12, 4}, {3, 1, false, 10, 2}};
    assert_fault_part(stats_cluster(apart, 4, STATS_WITH_STRATA, STATS_LEVEL, &c, &err),
        LANTOA_ESTATE, err, "both arms");
    /* Nobody converted: an estimate of 0 without an interval, and no NaN in estimate or se. */
    const struct stats_cell none[] = {
        {0, 0, true, 10, 0}, {1, 0, true, 10, 0}, {2, 1, false, 12, 0}, {3, 1, false, 10, 0}};
    assert_ok(stats_cluster(none, 4, STATS_WITHOUT_STRATA, STATS_LEVEL, &c, &err), err);
    assert_true(c.cr2.estimate == 0 && c.cr2.se == 0 && c.cr2.df > 0);
    assert_absent(c.cr2.p);
}

static void test_permutation(void **state) {
    (void)state;
    const struct stats_unit units[] = {{.12, false, 0}, {.15, false, 0}, {.09, false, 0},
        {.20, false, 0}, {.18, true, 0}, {.25, true, 0}, {.22, true, 0}, {.30, true, 0}};
    struct stats_permutation p;
    assert_ok(stats_permute(units, 8, STATS_PERMUTE_DRAWS, 1, &p, &err), err);
    assert_true(p.exact && p.arrangements == 70 && p.as_extreme == 4);
    assert_within(p.estimate.estimate, .0975, 1e-12);
    assert_within(p.estimate.p, .05714285714, 1e-10);
    struct stats_estimate e;
    assert_ok(stats_welch(units, 8, STATS_LEVEL, &e, &err), err);
    assert_within(e.statistic, 2.826878744, 1e-9);
    assert_within(e.df, 5.966165482, 1e-9);
    assert_within(e.p, .03026645777, 1e-10);
}

static void test_permutation_keeps_strata(void **state) {
    (void)state;
    /* Three pairs: 8 arrangements, all treated ahead: 2 as extreme. Without strata it were 20. */
    const struct stats_unit pairs[] = {
        {1, false, 0}, {2, true, 0}, {11, false, 1}, {13, true, 1}, {30, false, 2}, {31, true, 2}};
    struct stats_permutation p;
    assert_ok(stats_permute(pairs, 6, STATS_PERMUTE_DRAWS, 1, &p, &err), err);
    assert_true(p.exact && p.arrangements == 8 && p.as_extreme == 2);
    assert_within(p.estimate.estimate, 4.0 / 3, 1e-12);
}

static void test_permutation_by_draws(void **state) {
    (void)state;
    struct stats_permutation a;
    struct stats_permutation b;
    assert_ok(stats_permute(rates, VILLAGES, STATS_PERMUTE_DRAWS, 7, &a, &err), err);
    assert_ok(stats_permute(rates, VILLAGES, STATS_PERMUTE_DRAWS, 7, &b, &err), err);
    assert_true(!a.exact && a.arrangements == STATS_PERMUTE_DRAWS);
    assert_true(a.estimate.p == b.estimate.p);
    assert_within(a.estimate.p, ((double)a.as_extreme + 1) / 10000, 1e-15);
    assert_true(a.estimate.p > .0005 && a.estimate.p < .01);
    assert_fault_part(
        stats_permute(rates, VILLAGES, 5, 7, &a, &err), LANTOA_EINVAL, err, "number of draws");
    struct stats_unit alone[] = {{1, true, 0}, {2, true, 0}};
    assert_fault_part(
        stats_permute(alone, 2, 999, 7, &a, &err), LANTOA_ESTATE, err, "no unit in it");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_villages),
        cmocka_unit_test(test_strata_effects), cmocka_unit_test(test_village_rates),
        cmocka_unit_test(test_icc), cmocka_unit_test(test_people_and_villages_agree),
        cmocka_unit_test(test_cluster_edges), cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_permutation_keeps_strata),
        cmocka_unit_test(test_permutation_by_draws)};
    return cmocka_run_group_tests(tests, make_villages, NULL);
}
