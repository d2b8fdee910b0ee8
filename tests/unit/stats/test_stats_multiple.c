/* Many verdicts, looks before the end (R22), guards, the effect on those reached (F13). */
#include "near.h"

#include "stats/cace.h"
#include "stats/guard.h"
#include "stats/multiple.h"

static struct base_err err;

static void test_holm(void **state) {
    (void)state;
    const double p[] = {.03, .01, .02, .05, .04};
    const double wanted[] = {.09, .05, .08, .09, .09};
    double got[5];
    assert_ok(stats_holm(p, 5, got, &err), err);
    for (size_t i = 0; i < 5; i++) {
        assert_within(got[i], wanted[i], 1e-12);
    }
    const double bad[] = {.1, 1.1};
    assert_fault_part(stats_holm(bad, 2, got, &err), LANTOA_EINVAL, err, "p value 2");
}

static void test_benjamini_hochberg(void **state) {
    (void)state;
    /* McDonald's handbook. */
    const double p[] = {.001, .008, .039, .041, .042, .06, .074, .205, .212, .216, .222, .251, .269,
        .275, .34, .341, .384, .569, .594, .696, .762, .94, .942, .975, .986};
    const double wanted[] = {.025, .1, .21, .21, .21, .25, .264286};
    double got[25];
    assert_ok(stats_benjamini_hochberg(p, 25, got, &err), err);
    for (size_t i = 0; i < 7; i++) {
        assert_near(got[i], wanted[i]);
    }
}

static void test_bounds(void **state) {
    (void)state;
    const double fleming[] = {4.562, 3.226, 2.634, 2.281, 2.040};
    double z[5];
    assert_ok(stats_bounds(STATS_OBRIEN_FLEMING, NULL, 5, .05, z, &err), err);
    for (size_t i = 0; i < 5; i++) {
        assert_true(fabs(z[i] - fleming[i]) < 6e-4);
    }
    assert_ok(stats_bounds(STATS_POCOCK, NULL, 5, .05, z, &err), err);
    assert_true(fabs(z[0] - 2.413) < 6e-4 && z[0] == z[4]);
    assert_ok(stats_bounds(STATS_POCOCK, NULL, 1, .05, z, &err), err);
    assert_within(z[0], 1.959963984540054, 1e-8);
    /* Jennison and Turnbull, table 2.1 and 2.3: two looks. */
    assert_ok(stats_bounds(STATS_POCOCK, NULL, 2, .05, z, &err), err);
    assert_true(fabs(z[0] - 2.178) < 6e-4);
    assert_ok(stats_bounds(STATS_OBRIEN_FLEMING, NULL, 2, .05, z, &err), err);
    assert_true(fabs(z[1] - 1.977) < 6e-4 && fabs(z[0] - 2.797) < 6e-4);
    const double equal[] = {.2, .4, .6, .8, 1};
    double same[5];
    assert_ok(stats_bounds(STATS_OBRIEN_FLEMING, equal, 5, .05, same, &err), err);
    assert_ok(stats_bounds(STATS_OBRIEN_FLEMING, NULL, 5, .05, z, &err), err);
    assert_within(same[4], z[4], 1e-9);
    const double falling[] = {.5, .4, 1};
    assert_fault_part(
        stats_bounds(STATS_POCOCK, falling, 3, .05, z, &err), LANTOA_EINVAL, err, "rise to 1");
    assert_fault_part(
        stats_bounds(STATS_POCOCK, NULL, 0, .05, z, &err), LANTOA_EINVAL, err, "looks");
}

static struct stats_facts good(void) {
    return (struct stats_facts){.n = {1000, 1010},
        .x = {50, 60},
        .planned_share = {1, 1},
        .by_cluster = true,
        .clusters = {12, 12},
        .balance_p = .5};
}

static void expect_guard(struct stats_facts facts, enum stats_guard_kind kind, const char *part) {
    struct stats_guard guards[STATS_GUARD_KINDS];
    assert_int_equal(stats_guards(&facts, guards), 1);
    assert_int_equal(guards[0].kind, kind);
    assert_non_null(strstr(guards[0].text, part));
}

static void test_guards(void **state) {
    (void)state;
    struct stats_guard guards[STATS_GUARD_KINDS];
    struct stats_facts facts = good();
    assert_int_equal(stats_guards(&facts, guards), 0);
    facts.n[0] = 800;
    expect_guard(facts, STATS_GUARD_SAMPLE_RATIO, "lot");
    /* The same sizes are right when the lot was to give 8 to 10. */
    facts.planned_share[0] = .8;
    assert_int_equal(stats_guards(&facts, guards), 0);
    facts = good();
    facts.x[0] = 9;
    facts.x[1] = 10;
    expect_guard(facts, STATS_GUARD_FEW_CONVERSIONS, "9.5");
    facts = good();
    facts.clusters[0] = 9;
    expect_guard(facts, STATS_GUARD_FEW_CLUSTERS, "9 clusters");
    facts.permutation = true;
    assert_int_equal(stats_guards(&facts, guards), 0);
    facts = good();
    facts.balance_p = .009;
    expect_guard(facts, STATS_GUARD_PRE_IMBALANCE, "before the start");
    facts = good();
    facts.balance_p = STATS_ABSENT;
    facts.contaminated = 3;
    expect_guard(facts, STATS_GUARD_CONTAMINATION, "3 people");
    assert_string_equal(stats_guard_name(STATS_GUARD_SAMPLE_RATIO), "sample_ratio");
}

static void test_cace(void **state) {
    (void)state;
    struct stats_estimate itt;
    struct stats_estimate e;
    double z;
    struct stats_pair trial = {{184, 1860}, {125, 1886}};
    assert_ok(stats_wald(trial, STATS_LEVEL, &itt, &err), err);
    struct stats_pair contact = {{1116, 1860}, {0, 1886}};
    assert_ok(stats_cace(&itt, contact, STATS_LEVEL, &e, &z, &err), err);
    assert_near(e.estimate, itt.estimate / .6);
    assert_near(e.se, itt.se / .6);
    assert_near(e.p, itt.p);
    struct stats_pair weak = {{40, 1860}, {30, 1886}};
    assert_fault_part(
        stats_cace(&itt, weak, STATS_LEVEL, &e, &z, &err), LANTOA_ESTATE, err, "hardly differ");
    assert_true(z < STATS_FIRST_STAGE_Z);
    struct stats_pair full = {{1860, 1860}, {0, 1886}};
    assert_ok(stats_cace(&itt, full, STATS_LEVEL, &e, NULL, &err), err);
    assert_near(e.estimate, itt.estimate);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_holm),
        cmocka_unit_test(test_benjamini_hochberg), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_guards), cmocka_unit_test(test_cace)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
