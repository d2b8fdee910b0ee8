/* Before and after: worked example R13; the others against hand-made series whose answer is known.
 */
#include "near.h"

#include "stats/panel.h"
#include "stats/random.h"
#include "stats/series.h"
#include "stats/staggered.h"
#include "stats/synthetic.h"

static struct base_err err;

static void test_tbr(void **state) {
    (void)state;
    struct stats_point points[70];
    for (int t = 1; t <= 70; t++) {
        double x = 200 + 15 * (3 * t % 7) + t;
        double y = floor(.8 * x + 12 + (11 * t % 13) - 6 + (t > 42 ? 25 : 0));
        points[t - 1] = (struct stats_point){y, x, t > 42};
    }
    struct stats_tbr r;
    assert_ok(stats_tbr(points, 70, STATS_LEVEL, &r, &err), err);
    assert_near(r.alpha, 18.86843343);
    assert_near(r.beta, .77347680);
    assert_near(r.sigma, 3.74018847);
    assert_near(r.effect.estimate, 716.992738);
    assert_near(r.effect.se, 31.256089);
    assert_near(r.effect.low, 653.821827);
    assert_near(r.effect.high, 780.163650);
    assert_true(r.effect.df == 40 && r.pre == 42 && r.post == 28);
    assert_near(r.lift.estimate, .101586);
    assert_fault_part(
        stats_tbr(points, 42, STATS_LEVEL, &r, &err), LANTOA_ESTATE, err, "one after");
    assert_fault_part(
        stats_tbr(points + 40, 20, STATS_LEVEL, &r, &err), LANTOA_ESTATE, err, "at least 3");
    for (int t = 0; t < 70; t++) {
        points[t].control = 5;
    }
    assert_fault_part(
        stats_tbr(points, 70, STATS_LEVEL, &r, &err), LANTOA_ESTATE, err, "does not move");
}

static void test_panel(void **state) {
    (void)state;
    /* post = 3 + 2 pre + 5 T exactly but for +-1 that is orthogonal to everything in ANCOVA. */
    struct stats_panel_unit units[] = {{10, 24, false, 0}, {10, 22, false, 0}, {20, 44, false, 1},
        {20, 42, false, 1}, {10, 29, true, 0}, {10, 27, true, 0}, {20, 49, true, 1},
        {20, 47, true, 1}};
    struct stats_estimate e;
    assert_ok(stats_ancova(units, 8, STATS_LEVEL, &e, &err), err);
    assert_within(e.estimate, 5, 1e-12);
    assert_true(e.df == 5);
    /* sigma^2 = 8/5, var(tau) = sigma^2 (1/4 + 1/4). */
    assert_within(e.se, sqrt(8.0 / 5 / 2), 1e-12);
    assert_ok(stats_gbr(units, 8, STATS_LEVEL, &e, &err), err);
    assert_within(e.estimate, 5, 1e-12);
    /* Weights .01 and .0025: rss = .05, var(tau) = rss/5 (1/.025 + 1/.025). */
    assert_within(e.se, sqrt(.05 / 5 * (2 / .025)), 1e-12);
    /* Changes: control 14 12 24 22, treated 19 17 29 27. */
    assert_ok(stats_did(units, 8, STATS_LEVEL, &e, &err), err);
    assert_within(e.estimate, 5, 1e-12);
    assert_within(e.se, sqrt(2 * (104.0 / 3) / 4), 1e-12);
    assert_ok(stats_did_strata(units, 8, STATS_LEVEL, &e, &err), err);
    assert_within(e.se, sqrt(8.0 / 5 / 2), 1e-12);
    assert_ok(stats_pre_balance(units, 8, STATS_LEVEL, &e, &err), err);
    assert_within(e.p, 1, 1e-12);
    units[0].pre = 0;
    assert_fault_part(
        stats_gbr(units, 8, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "unit 1 has 0");
    assert_fault_part(
        stats_ancova(units + 3, 3, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "too few");
    for (size_t i = 0; i < 8; i++) {
        units[i].pre = units[i].treated ? 10 : 20;
    }
    assert_fault_part(
        stats_ancova(units, 8, STATS_LEVEL, &e, &err), LANTOA_ESTATE, err, "singular");
}

static void test_simplex(void **state) {
    (void)state;
    /* No better point on a fine grid over the triangle, for random problems. */
    struct stats_random random = {3};
    for (int round = 0; round < 50; round++) {
        double a[12];
        double b[4];
        double w[3];
        for (int i = 0; i < 12; i++) {
            a[i] = stats_random_unit(&random) * 4 - 2;
        }
        for (int i = 0; i < 4; i++) {
            b[i] = stats_random_unit(&random) * 4 - 2;
        }
        assert_ok(stats_simplex_fit(a, b, 4, 3, w, &err), err);
        assert_within(w[0] + w[1] + w[2], 1, 1e-10);
        assert_true(w[0] >= 0 && w[1] >= 0 && w[2] >= 0);
        double best = 0;
        for (int r = 0; r < 4; r++) {
            double gap = b[r] - a[3 * r] * w[0] - a[3 * r + 1] * w[1] - a[3 * r + 2] * w[2];
            best += gap * gap;
        }
        for (int i = 0; i <= 100; i++) {
            for (int j = 0; i + j <= 100; j++) {
                double sum = 0;
                for (int r = 0; r < 4; r++) {
                    double gap =
                        b[r] -
                        (a[3 * r] * i + a[3 * r + 1] * j + a[3 * r + 2] * (100 - i - j)) / 100;
                    sum += gap * gap;
                }
                assert_true(sum >= best - 1e-8);
            }
        }
    }
}

#define UNITS 8
#define PERIODS 12
#define PRE 9

static void test_synthetic(void **state) {
    (void)state;
    struct stats_random random = {17};
    double values[UNITS * PERIODS];
    bool treated[UNITS] = {true};
    for (int i = PERIODS; i < UNITS * PERIODS; i++) {
        values[i] = 100 + 20 * stats_random_unit(&random);
    }
    /* The treated is 30 % of unit 1 and 70 % of unit 2, on another level, plus 8 after the start.
     */
    for (int t = 0; t < PERIODS; t++) {
        values[t] =
            50 + .3 * values[PERIODS + t] + .7 * values[2 * PERIODS + t] + (t >= PRE ? 8 : 0);
    }
    struct stats_series_set set = {values, treated, UNITS, PERIODS, PRE};
    struct stats_synthetic s;
    assert_ok(stats_synthetic(&set, &s, &err), err);
    assert_within(s.average.estimate, 8, 1e-6);
    assert_within(s.total.estimate, 24, 1e-6);
    assert_near(s.weights[1], .3);
    assert_near(s.weights[2], .7);
    assert_true(s.weights[0] == 0 && s.rmse_pre < 1e-6);
    assert_within(s.ratio_p, 1.0 / UNITS, 1e-12);
    double expected = (s.counterfactual[9] + s.counterfactual[10] + s.counterfactual[11]) / 3;
    assert_within(s.lift, 8 / expected, 1e-7);
    stats_synthetic_release(&s);
    set.pre = 1;
    assert_fault_part(stats_synthetic(&set, &s, &err), LANTOA_ESTATE, err, "at least 2 periods");
    set.pre = PRE;
    set.units = 2;
    assert_fault_part(stats_synthetic(&set, &s, &err), LANTOA_ESTATE, err, "two control");
}

/* Six units, five periods: cohorts 2 and 3 and two that are never treated. Trends are 1 a period;
 * the effect is 10 for the first cohort, 4 for the second. */
static const uint32_t starts[] = {2, 2, 3, STATS_NEVER, STATS_NEVER, STATS_NEVER};

static void test_staggered(void **state) {
    (void)state;
    double values[30];
    for (uint32_t u = 0; u < 6; u++) {
        for (uint32_t t = 0; t < 5; t++) {
            double effect = starts[u] == STATS_NEVER || t < starts[u] ? 0 : starts[u] == 2 ? 10 : 4;
            values[u * 5 + t] = 7.0 * u + t + effect;
        }
    }
    /* The two of the first cohort: one 9, one 11. */
    values[2] -= 1;
    values[7] += 1;
    struct stats_rollout rollout = {values, starts, 6, 5};
    struct stats_staggered s;
    assert_ok(stats_staggered(&rollout, STATS_CONTROL_NEVER, STATS_LEVEL, &s, &err), err);
    assert_int_equal(s.count, 8);
    for (size_t i = 0; i < s.count; i++) {
        const struct stats_att *a = &s.att[i];
        assert_within(a->effect.estimate, !a->post ? 0 : a->start == 2 ? 10 : 4, 1e-12);
    }
    /* 2 units x 3 periods of 10, 1 unit x 2 periods of 4. */
    assert_within(s.simple.estimate, (6 * 10 + 2 * 4) / 8.0, 1e-12);
    assert_true(s.simple.se > 0);
    stats_staggered_release(&s);
    /* Against the not yet treated: the second cohort serves the first in period 2 only. */
    assert_ok(stats_staggered(&rollout, STATS_CONTROL_NOT_YET, STATS_LEVEL, &s, &err), err);
    assert_within(s.simple.estimate, 8.5, 1e-12);
    stats_staggered_release(&s);
    const uint32_t all[] = {2, 2, 3, 3, 3, 3};
    rollout.starts = all;
    assert_fault_part(stats_staggered(&rollout, STATS_CONTROL_NEVER, STATS_LEVEL, &s, &err),
        LANTOA_ESTATE, err, "not yet treated");
    assert_ok(stats_staggered(&rollout, STATS_CONTROL_NOT_YET, STATS_LEVEL, &s, &err), err);
    stats_staggered_release(&s);
    const uint32_t first[] = {0, 0, 0, 0, 0, STATS_NEVER};
    rollout.starts = first;
    assert_fault_part(stats_staggered(&rollout, STATS_CONTROL_NEVER, STATS_LEVEL, &s, &err),
        LANTOA_ESTATE, err, "after the first period");
}

/* One cohort, two periods: the effect is a difference of changes and its error is Welch's with
 * n instead of n - 1. */
static void test_staggered_two_by_two(void **state) {
    (void)state;
    const double values[] = {1, 5, 2, 9, 3, 6, 4, 5, 5, 7, 6, 9.5};
    const uint32_t when[] = {1, 1, 1, STATS_NEVER, STATS_NEVER, STATS_NEVER};
    struct stats_rollout rollout = {values, when, 6, 2};
    struct stats_staggered s;
    assert_ok(stats_staggered(&rollout, STATS_CONTROL_NEVER, STATS_LEVEL, &s, &err), err);
    /* changes 4 7 3 against 1 2 3.5 */
    assert_within(s.simple.estimate, 14.0 / 3 - 6.5 / 3, 1e-12);
    double treated = 16 + 49 + 9 - 14.0 * 14 / 3;
    double control = 1 + 4 + 12.25 - 6.5 * 6.5 / 3;
    assert_within(s.simple.se, sqrt((treated + control) / 9), 1e-12);
    assert_within(s.att[0].effect.se, s.simple.se, 1e-12);
    stats_staggered_release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tbr), cmocka_unit_test(test_panel),
        cmocka_unit_test(test_simplex), cmocka_unit_test(test_synthetic),
        cmocka_unit_test(test_staggered), cmocka_unit_test(test_staggered_two_by_two)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
