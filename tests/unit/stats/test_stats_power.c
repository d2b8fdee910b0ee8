/* Sizes and power: worked examples R6 and the planner's warning. */
#include "near.h"

#include "stats/power.h"

static struct base_err err;

static double size_of(struct stats_plan plan) {
    double n = 0;
    plan.alpha = plan.alpha > 0 ? plan.alpha : .05;
    assert_ok(stats_plan_size(&plan, &n, &err), err);
    return n;
}

static void test_people(void **state) {
    (void)state;
    assert_near(size_of((struct stats_plan){.p0 = .5, .p1 = .75, .power = .9}), 76.70693011);
    assert_near(size_of((struct stats_plan){.p0 = .05, .p1 = .06, .power = .8}), 8157.731448);
    assert_near(size_of((struct stats_plan){.p0 = .02, .p1 = .025, .power = .8}), 13808.92492);
    assert_near(size_of((struct stats_plan){.p0 = .1, .p1 = .12, .power = .9}), 5141.306183);
    struct stats_plan miller = {STATS_PEOPLE_BASE, .p0 = .2, .p1 = .25, .power = .8};
    assert_near(size_of(miller), 1030.219283);
    struct stats_plan plan = {.p0 = .5, .p1 = .75, .alpha = .05};
    double power;
    assert_ok(stats_plan_power(&plan, 50, &power, &err), err);
    assert_near(power, .7401659013);
}

static void test_clusters(void **state) {
    (void)state;
    struct stats_plan plan = {
        STATS_CLUSTERS_K, .p0 = .05, .p1 = .07, .power = .8, .m = 100, .k = .25};
    assert_near(size_of(plan), 32.16986365);
    plan.power = .9;
    assert_near(size_of(plan), 42.72760383);
    plan.matching = STATS_MATCHED;
    assert_near(size_of(plan), 43.72760383);
    struct stats_plan rates = {
        STATS_CLUSTERS_RATES, .p0 = .01, .p1 = .005, .power = .8, .m = 2000, .k = .25};
    assert_near(size_of(rates), 5.807438837);
    struct stats_plan people = {
        STATS_CLUSTERS_ICC, .p0 = .05, .p1 = .07, .power = .8, .m = 1, .icc = 0};
    assert_near(size_of(people), 2209.459645);
    assert_near(2209.459645 * stats_design_effect(100, .02, 0), 6584.189743);
    people.m = 100;
    people.icc = .02;
    assert_near(size_of(people), 65.84189743);
    assert_near(stats_design_effect(100, .02, .5), 1 + (1.25 * 100 - 1) * .02);
    assert_true(stats_design_effect(100, -.3, 0) == 1);
}

static void test_the_warning(void **state) {
    (void)state;
    static const double clusters[] = {20, 40, 60, 100};
    static const struct {
        double icc, power[4];
    } known[] = {{.01, {.29, .51, .68, .88}}, {.04, {.13, .21, .29, .44}}};
    for (size_t i = 0; i < 2; i++) {
        struct stats_plan plan = {
            STATS_CLUSTERS_ICC, .p0 = .03, .p1 = .04, .alpha = .05, .m = 200, .icc = known[i].icc};
        for (size_t c = 0; c < 4; c++) {
            double power;
            assert_ok(stats_plan_power(&plan, clusters[c], &power, &err), err);
            assert_within(power, known[i].power[c], .005);
        }
    }
}

static void test_visible_inverts_power(void **state) {
    (void)state;
    static const enum stats_design designs[] = {STATS_PEOPLE, STATS_PEOPLE_BASE, STATS_CLUSTERS_ICC,
        STATS_CLUSTERS_K, STATS_CLUSTERS_RATES};
    for (size_t i = 0; i < sizeof designs / sizeof designs[0]; i++) {
        struct stats_plan plan = {
            designs[i], .p0 = .05, .alpha = .05, .power = .8, .m = 150, .icc = .02, .k = .2};
        double size = designs[i] <= STATS_PEOPLE_BASE ? 4000 : 40;
        double above;
        double below;
        double power;
        assert_ok(stats_plan_visible(&plan, size, &above, &below, &err), err);
        assert_true(above > .05 && below < .05);
        plan.p1 = above;
        assert_ok(stats_plan_power(&plan, size, &power, &err), err);
        assert_near(power, .8);
        assert_near(size_of(plan), size);
        plan.p1 = below;
        assert_ok(stats_plan_power(&plan, size, &power, &err), err);
        assert_near(power, .8);
    }
}

static void test_power_edges(void **state) {
    (void)state;
    double out;
    struct stats_plan plan = {.p0 = .05, .p1 = .05, .alpha = .05, .power = .8};
    assert_fault_part(stats_plan_size(&plan, &out, &err), LANTOA_EINVAL, err, "equal");
    plan.p1 = 1.2;
    assert_fault_part(stats_plan_size(&plan, &out, &err), LANTOA_EINVAL, err, "p1");
    plan.p1 = .06;
    plan.power = 1;
    assert_fault_part(stats_plan_size(&plan, &out, &err), LANTOA_EINVAL, err, "power");
    plan.design = STATS_CLUSTERS_ICC;
    plan.power = .8;
    assert_fault_part(stats_plan_size(&plan, &out, &err), LANTOA_EINVAL, err, "m:");
    plan.m = 1;
    plan.icc = 1;
    plan.p0 = .5;
    assert_fault_part(
        stats_plan_visible(&plan, 1, &out, NULL, &err), LANTOA_ESTATE, err, "too few");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_people),
        cmocka_unit_test(test_clusters), cmocka_unit_test(test_the_warning),
        cmocka_unit_test(test_visible_inverts_power), cmocka_unit_test(test_power_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
