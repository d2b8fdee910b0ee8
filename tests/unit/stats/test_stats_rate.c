/* One rate, two rates, strata: worked examples R3, R19, R20 and the checks of F1; edges. */
#include "near.h"

#include "stats/dist.h"
#include "stats/rate.h"
#include "stats/strata.h"

static struct base_err err;

static struct stats_pair pair(int64_t x1, int64_t n1, int64_t x0, int64_t n0) {
    return (struct stats_pair){{x1, n1}, {x0, n0}};
}

static void test_wilson(void **state) {
    (void)state;
    static const struct {
        struct stats_count c;
        double low, high;
    } known[] = {{{81, 263}, .255289, .366210}, {{15, 148}, .062386, .160487},
        {{0, 20}, 0, .161125}, {{1, 29}, .006113, .171755}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct stats_estimate e;
        assert_ok(stats_wilson(known[i].c, STATS_LEVEL, &e, &err), err);
        assert_near(e.low, known[i].low);
        assert_near(e.high, known[i].high);
    }
    struct stats_estimate e;
    assert_ok(stats_wilson((struct stats_count){20, 20}, STATS_LEVEL, &e, &err), err);
    assert_true(e.high == 1 && e.estimate == 1);
    assert_near(e.low, 1 - .161125);
}

static void test_newcombe(void **state) {
    (void)state;
    static const struct {
        struct stats_pair p;
        double low, high;
    } table[] = {{{{56, 70}, {48, 80}}, .0524, .3339}, {{{9, 10}, {3, 10}}, .1705, .8090},
        {{{6, 7}, {2, 7}}, .0582, .8062}, {{{5, 56}, {0, 29}}, -.0381, .1926},
        {{{0, 10}, {0, 20}}, -.1611, .2775}, {{{0, 10}, {0, 10}}, -.2775, .2775},
        {{{10, 10}, {0, 20}}, .6791, 1}, {{{10, 10}, {0, 10}}, .6075, 1}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct stats_estimate e;
        assert_ok(stats_newcombe(table[i].p, STATS_LEVEL, &e, &err), err);
        assert_within(e.low, table[i].low, 5e-5);
        assert_within(e.high, table[i].high, 5e-5);
    }
}

static void test_farmers_by_household(void **state) {
    (void)state;
    struct stats_estimate e;
    assert_ok(stats_newcombe(pair(322, 693, 332, 717), STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, .00160602);
    assert_near(e.low, -.05032027);
    assert_near(e.high, .05353414);
    assert_ok(stats_pooled_z(pair(322, 693, 332, 717), STATS_LEVEL, &e, &err), err);
    assert_near(e.statistic, .06045559);
    struct stats_estimate square;
    assert_ok(stats_chi_square(pair(322, 693, 332, 717), STATS_LEVEL, &square, &err), err);
    assert_near(square.statistic, .06045559 * .06045559);
    assert_near(square.p, e.p);
    assert_near(square.p, stats_chi2_upper(square.statistic, 1));
}

static void test_relative(void **state) {
    (void)state;
    struct stats_estimate e;
    struct stats_pair p = pair(184, 1860, 125, 1886);
    double p1 = 184.0 / 1860;
    double p0 = 125.0 / 1886;
    double se = sqrt((1 - p1) / 184 + (1 - p0) / 125);
    assert_ok(stats_risk_ratio(p, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, p1 / p0);
    assert_near(e.low, exp(log(p1 / p0) - 1.959963985 * se));
    assert_near(e.high, exp(log(p1 / p0) + 1.959963985 * se));
    assert_ok(stats_lift(p, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, p1 / p0 - 1);
    assert_ok(stats_odds_ratio(p, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, 184.0 * 1761 / (1676.0 * 125));
    struct stats_estimate d;
    assert_ok(stats_newcombe(p, STATS_LEVEL, &d, &err), err);
    assert_ok(stats_incremental(p, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, 184 - 1860 * p0);
    assert_near(e.low, 1860 * d.low);
    assert_ok(stats_cost_per_incremental(p, 5000000, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, 5000000 / (184 - 1860 * p0));
    /* With a known cost Fieller's interval is the inverse of Wald's. */
    assert_ok(stats_wald(p, STATS_LEVEL, &d, &err), err);
    assert_near(e.low, 5000000 / (1860 * d.high));
    assert_near(e.high, 5000000 / (1860 * d.low));
    assert_fault_part(stats_cost_per_incremental(pair(10, 100, 9, 100), 1, STATS_LEVEL, &e, &err),
        LANTOA_ESTATE, err, "undefined");
    assert_absent(e.estimate);
}

static void test_fieller(void **state) {
    (void)state;
    struct stats_estimate e;
    /* Both ends solve (a - r b)^2 = z^2 (var_a - 2 r cov + r^2 var_b). */
    struct stats_quotient q = {10, 4, 2, 0.5, 0.3};
    assert_ok(stats_fieller(&q, STATS_LEVEL, &e, &err), err);
    double z2 = 1.959963984540054 * 1.959963984540054;
    double ends[] = {e.low, e.high};
    for (int i = 0; i < 2; i++) {
        double r = ends[i];
        double left = (q.a - r * q.b) * (q.a - r * q.b);
        assert_near(left, z2 * (q.var_a - 2 * r * q.cov + r * r * q.var_b));
    }
    q.b = 1;
    assert_fault_part(stats_fieller(&q, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "may be 0");
}

static void test_fisher(void **state) {
    (void)state;
    struct stats_estimate e;
    assert_ok(stats_fisher(pair(3, 4, 1, 4), STATS_LEVEL, &e, &err), err);
    assert_within(e.p, .4857142857, 1e-10);
    assert_ok(stats_fisher_greater(pair(3, 4, 1, 4), STATS_LEVEL, &e, &err), err);
    assert_within(e.p, .2428571429, 1e-10);
    assert_ok(stats_fisher_less(pair(3, 4, 1, 4), STATS_LEVEL, &e, &err), err);
    assert_within(e.p, 69.0 / 70, 1e-10);
    assert_ok(stats_fisher(pair(0, 4, 0, 4), STATS_LEVEL, &e, &err), err);
    assert_true(e.p == 1);
}

static void test_edges(void **state) {
    (void)state;
    struct stats_estimate e;
    assert_fault_part(stats_wilson((struct stats_count){0, 0}, STATS_LEVEL, &e, &err),
        LANTOA_EINVAL, err, "nobody");
    assert_fault_part(
        stats_newcombe(pair(3, 2, 0, 4), STATS_LEVEL, &e, &err), LANTOA_EINVAL, err, "3 of 2");
    assert_fault_part(
        stats_newcombe(pair(-1, 2, 0, 4), STATS_LEVEL, &e, &err), LANTOA_EINVAL, err, "-1 of 2");
    assert_fault_part(
        stats_wald(pair(1, 2, 0, 4), 1.5, &e, &err), LANTOA_EINVAL, err, "confidence level");
    assert_ok(stats_wald(pair(0, 10, 0, 20), STATS_LEVEL, &e, &err), err);
    assert_true(e.estimate == 0 && e.se == 0);
    assert_absent(e.p);
    assert_absent(e.low);
    assert_fault_part(
        stats_pooled_z(pair(0, 10, 0, 20), STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "nobody");
    assert_fault_part(
        stats_pooled_z(pair(5, 5, 9, 9), STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "everybody");
    assert_fault_part(stats_risk_ratio(pair(3, 10, 0, 20), STATS_LEVEL, &e, &err), LANTOA_ESTATE,
        err, "no ratio");
    assert_fault_part(stats_odds_ratio(pair(10, 10, 3, 20), STATS_LEVEL, &e, &err), LANTOA_ESTATE,
        err, "no odds ratio");
    /* 300,000 people squared passes 2^32. */
    assert_ok(stats_pooled_z(pair(30000, 300000, 29000, 300000), STATS_LEVEL, &e, &err), err);
    double p = 59000.0 / 600000;
    assert_near(e.statistic, (1000.0 / 300000) / sqrt(p * (1 - p) * 2 / 300000));
}

static const struct stats_pair own[] = {
    {{56, 800}, {20, 400}}, {{96, 1200}, {36, 600}}, {{30, 600}, {24, 600}}, {{44, 400}, {9, 100}}};

static void test_strata(void **state) {
    (void)state;
    struct stats_estimate e;
    assert_ok(stats_stratified(own, 4, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, .01744681);
    assert_near(e.se, .00756310);
    assert_near(e.statistic, 2.306834);
    assert_near(e.p, .0210641);
    assert_near(e.low, .00262341);
    assert_near(e.high, .03227021);
    assert_ok(stats_mantel_haenszel(own, 4, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, .01713376);
    assert_ok(stats_inverse_variance(own, 4, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, .01639204);
    assert_near(e.se, .00718707);
    assert_ok(stats_heterogeneity(own, 4, STATS_LEVEL, &e, &err), err);
    assert_near(e.statistic, .446475);
    assert_true(e.df == 3);
    assert_ok(stats_mantel_haenszel_odds_ratio(own, 4, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, 1.34297226);
    assert_near(e.low, 1.03816876);
    assert_near(e.high, 1.73726522);
    assert_ok(stats_newcombe(stats_strata_sum(own, 4), STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, .02298039);
}

static void test_cmh(void **state) {
    (void)state;
    struct stats_estimate e;
    assert_ok(stats_cmh(own, 4, STATS_LEVEL, &e, &err), err);
    assert_near(e.statistic, 5.06229709);
    assert_near(e.p, .0244518);
    struct stats_estimate corrected;
    assert_ok(stats_cmh_corrected(own, 4, STATS_LEVEL, &corrected, &err), err);
    assert_true(corrected.statistic < e.statistic);
}

static void test_strata_edges(void **state) {
    (void)state;
    struct stats_estimate e;
    const struct stats_pair gap[] = {{{5, 50}, {2, 50}}, {{3, 30}, {0, 0}}};
    assert_fault_part(
        stats_stratified(gap, 2, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "stratum 2");
    assert_ok(stats_mantel_haenszel(gap, 2, STATS_LEVEL, &e, &err), err);
    assert_near(e.estimate, .06);
    const struct stats_pair none[] = {{{5, 50}, {0, 0}}, {{0, 0}, {0, 10}}};
    assert_fault_part(stats_cmh(none, 2, STATS_LEVEL, &e, &err), LANTOA_EINVAL, err, "both arms");
    const struct stats_pair flat[] = {{{5, 50}, {2, 50}}, {{0, 30}, {0, 30}}};
    assert_fault_part(
        stats_inverse_variance(flat, 2, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "stratum 2");
    assert_fault_part(
        stats_heterogeneity(gap, 2, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "one stratum");
    assert_ok(stats_stratified(flat, 2, STATS_LEVEL, &e, &err), err);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_newcombe), cmocka_unit_test(test_farmers_by_household),
        cmocka_unit_test(test_relative), cmocka_unit_test(test_fieller),
        cmocka_unit_test(test_fisher), cmocka_unit_test(test_edges), cmocka_unit_test(test_strata),
        cmocka_unit_test(test_cmh), cmocka_unit_test(test_strata_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
