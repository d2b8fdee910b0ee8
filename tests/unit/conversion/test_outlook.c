/* The forecast of a target and the share who lapse, against figures reckoned by hand. */
#include "support.h"

#include "conversion/outlook.h"
#include "conversion/whatif.h"

#include <math.h>

static void test_forecast(void **state) {
    (void)state;
    struct outlook_history history = {.months = 6};
    struct outlook_forecast f;
    for (size_t i = 0; i < 6; i++) {
        history.joins[i] = i % 2 ? 30 : 10; /* scatters more than chance: phi = 600 / (5 * 20) */
    }
    outlook_forecast(&history, 100, 3, &f);
    double reach = 2.5705818356 * sqrt(6.0 * 20 * (3 + 9.0 / 6));
    assert_null(f.why);
    assert_true(fabs(f.expected - 160) < 1e-9);
    assert_true(fabs(f.low - (160 - reach)) < 1e-6 && fabs(f.high - (160 + reach)) < 1e-6);
    outlook_forecast(&history, 100, 0, &f); /* the period is over */
    assert_true(f.low == 100 && f.high == 100);
    history.months = 5;
    outlook_forecast(&history, 100, 3, &f);
    assert_non_null(f.why);
    history = (struct outlook_history){.months = 12};
    outlook_forecast(&history, 100, 3, &f);
    assert_non_null(f.why);
}

static void test_lapse(void **state) {
    (void)state;
    struct whatif_lapse lapse;
    struct base_err err = {0};
    assert_int_equal(whatif_lapse_load(NULL, &lapse, &err), 0);
    assert_true(whatif_lapse_share(&lapse, WHATIF_HIGH, 330, 330) == 0);
    assert_true(whatif_lapse_share(&lapse, WHATIF_HIGH, 330, 100) == 0);
    assert_true(whatif_lapse_share(&lapse, WHATIF_LOW, 0, 100) == lapse.from_nothing[WHATIF_LOW]);
    assert_true(fabs(whatif_lapse_share(&lapse, WHATIF_MIDDLE, 154, 330) - 0.20438670) < 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forecast), cmocka_unit_test(test_lapse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
