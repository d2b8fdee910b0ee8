/* Tails and quantiles against values computed elsewhere (scipy, boost), and each other. */
#include "near.h"

#include "stats/dist.h"

static void test_normal(void **state) {
    (void)state;
    assert_close(stats_normal_quantile(0.975), 1.959963984540054, 1e-14);
    assert_close(stats_normal_quantile(1e-10), -6.361340902404056, 1e-13);
    assert_close(stats_normal_quantile(0.3), -0.5244005127080409, 1e-13);
    assert_close(stats_normal_quantile(0.9999), 3.719016485455709, 1e-12);
    assert_true(stats_normal_quantile(0.5) == 0);
    assert_true(isinf(stats_normal_quantile(0)) && stats_normal_quantile(1) > 0);
    assert_close(stats_normal_upper(1.96), 0.024997895148220435, 1e-12);
    assert_close(stats_normal_upper(8), 6.22096057427174e-16, 1e-12);
    assert_close(stats_normal_cdf(3), 0.9986501019683699, 1e-14);
}

static void test_t(void **state) {
    (void)state;
    static const struct {
        double df, upper, p, low;
    } known[] = {{1, 12.706204736432095, 0.16804452564789515, -318.3088389855422},
        {2.5, 3.5746548420118773, 0.04636956692187038, -13.822193110834323},
        {27.518931, 2.0500216076600783, 0.00095215484718022, -3.414223284401367},
        {120, 1.9799304050527766, 0.0003267585692808081, -3.1595387433171105},
        {100000, 1.9599877075346093, 0.00021571492803971074, -3.0903138094272373}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_close(stats_t_quantile(0.975, known[i].df), known[i].upper, 1e-10);
        assert_close(stats_t_two_sided(-3.7, known[i].df), known[i].p, 1e-10);
        assert_close(stats_t_quantile(0.001, known[i].df), known[i].low, 1e-10);
    }
    assert_close(stats_t_quantile(0.975, STATS_NORMAL), 1.959963984540054, 1e-14);
    /* df = 1 is Cauchy's distribution. */
    assert_close(stats_t_upper(2, 1), 0.5 - atan(2) / M_PI, 1e-13);
    assert_true(stats_t_quantile(0.5, 3) == 0);
}

static void test_chi2(void **state) {
    (void)state;
    assert_close(stats_chi2_upper(1.3, 1), 0.2542132236039611, 1e-12);
    assert_close(stats_chi2_upper(5.2, 4), 0.2673848815716019, 1e-12);
    assert_close(stats_chi2_upper(0.5 * 25.5, 25.5), 0.9830451175024543, 1e-12);
    assert_close(stats_chi2_upper(1300, 1000), 3.8897364994868366e-10, 1e-10);
    assert_close(stats_chi2_quantile(0.95, 1), 3.841458820694124, 1e-11);
    assert_close(stats_chi2_quantile(0.95, 25.5), 38.269393378676, 1e-11);
    assert_close(stats_chi2_quantile(0.95, 1000), 1074.679448803441, 1e-11);
    /* df = 2 is exponential. */
    assert_close(stats_chi2_upper(60, 2), exp(-30), 1e-12);
}

static void test_binomial(void **state) {
    (void)state;
    assert_close(stats_binomial_cdf(3, 20, 0.2), 0.41144886195656893, 1e-12);
    assert_close(stats_binomial_upper(3, 20, 0.2), 0.7939152810515259, 1e-12);
    assert_close(stats_binomial_upper(180, 1860, 0.08), 0.005240342362773637, 1e-10);
    assert_close(stats_binomial_cdf(500000, 1000000, 0.4995), 0.8415867166766839, 1e-9);
    assert_int_equal(stats_binomial_quantile(0.975, 1860, 0.08), 172);
    assert_true(stats_binomial_cdf(-1, 5, 0.5) == 0 && stats_binomial_cdf(5, 5, 0.5) == 1);
    assert_true(stats_binomial_upper(0, 5, 0.5) == 1 && stats_binomial_upper(6, 5, 0.5) == 0);
}

static void test_hypergeometric(void **state) {
    (void)state;
    struct stats_tails t;
    stats_hypergeometric_tails((struct stats_hypergeometric){4, 4, 4}, 3, &t);
    assert_close(t.upper, 17.0 / 70, 1e-14);
    assert_close(t.lower, 69.0 / 70, 1e-14);
    assert_close(t.two_sided, 34.0 / 70, 1e-14);
    stats_hypergeometric_tails((struct stats_hypergeometric){309, 3437, 1860}, 184, &t);
    assert_close(t.point, 6.379845474888245e-05, 1e-9);
    assert_close(t.lower, 0.9998922589243253, 1e-9);
    assert_close(t.upper, 0.00017153953042371598, 1e-9);
    assert_close(t.two_sided, 0.00028555916423079, 1e-9);
    stats_hypergeometric_tails((struct stats_hypergeometric){900, 99100, 5000}, 40, &t);
    assert_close(t.two_sided, 0.4893517809122126, 1e-8);
    struct stats_hypergeometric urn = {309, 3437, 1860};
    int64_t x = stats_hypergeometric_quantile(0.975, urn);
    stats_hypergeometric_tails(urn, x, &t);
    assert_true(t.lower >= 0.975 && t.lower - t.point < 0.975);
    stats_hypergeometric_tails((struct stats_hypergeometric){3, 0, 2}, 2, &t);
    assert_true(t.point == 1 && t.two_sided == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_normal), cmocka_unit_test(test_t),
        cmocka_unit_test(test_chi2), cmocka_unit_test(test_binomial),
        cmocka_unit_test(test_hypergeometric)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
