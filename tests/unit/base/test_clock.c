#include "support.h"

#include "base/clock.h"

#include <time.h>

static void sleep_ms(int ms) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = ms * 1000000L};
    nanosleep(&pause, NULL);
}

static void real(void **state) {
    (void)state;
    assert_int_equal(base_clock_speed(), 1);
    int64_t gap = base_clock_now_ms() - (int64_t)time(NULL) * 1000;
    assert_true(gap > -1500 && gap < 2500);
    gap = base_clock_wall_ms() - base_clock_now_ms();
    assert_true(gap >= 0 && gap < 1000);
    int64_t before = base_clock_real_ms();
    sleep_ms(5);
    int64_t passed = base_clock_real_ms() - before;
    assert_true(passed >= 4 && passed < 5000);
    assert_true(base_clock_real_until(base_clock_now_ms() + 10000) > 9000);
    assert_int_equal(base_clock_real_until(base_clock_now_ms() - 1), 0);
    assert_true(base_clock_real_until(INT64_MAX) > 0);
}

static void simulated(void **state) {
    (void)state;
    base_clock_simulate(1000000000000, 1000000);
    assert_int_equal(base_clock_speed(), 1000000);
    int64_t first = base_clock_now_ms();
    sleep_ms(5);
    int64_t second = base_clock_now_ms();
    assert_true(first >= 1000000000000);
    assert_true(second - first >= 4900000 && second - first < 5000000000);
    /* a day is 86 ms, rounded up so that a timer never rings early */
    int64_t until = base_clock_real_until(base_clock_now_ms() + 86400000);
    assert_true(until >= 1 && until <= 87);
    /* Less than a real millisecond ahead is still not past, save when that much went by between the
     * calls. */
    base_clock_simulate(0, 1000);
    int64_t soon = 0;
    for (int i = 0; i < 100 && soon == 0; i++) {
        soon = base_clock_real_until(base_clock_now_ms() + 999);
    }
    assert_int_equal(soon, 1);
    base_clock_jump(2000000000000);
    assert_true(base_clock_now_ms() >= 2000000000000);
    base_clock_jump(1500000000000);
    assert_true(base_clock_now_ms() >= 2000000000000);
    base_clock_simulate(-5000, 1);
    assert_true(base_clock_now_ms() < 0);
    assert_true(base_clock_real_until(0) > 0);
    assert_true(base_clock_real_until(INT64_MAX) > 0);
}

static void standing(void **state) {
    (void)state;
    base_clock_stand(5000);
    assert_int_equal(base_clock_speed(), 0);
    sleep_ms(2);
    assert_true(base_clock_now_ms() == 5000);
    assert_int_equal(base_clock_real_until(5000), 0);
    assert_true(base_clock_real_until(5001) == INT64_MAX);
    base_clock_jump(7000);
    assert_true(base_clock_now_ms() == 7000);
    base_clock_jump(6000);
    assert_true(base_clock_now_ms() == 7000);
}

static void spec(void **state) {
    (void)state;
    struct base_err err = {0};
    int64_t start, speed;
    assert_ok(base_clock_parse(STR("2026-12-01T08:00"), 420, &start, &speed, &err), err);
    assert_true(start == 1796086800000);
    assert_int_equal(speed, 1);
    assert_ok(base_clock_parse(STR("2026-12-01T01:00Z,x3600"), 420, &start, &speed, &err), err);
    assert_true(start == 1796086800000);
    assert_int_equal(speed, 3600);
    assert_ok(base_clock_parse(STR("2026-12-01,x1000000"), 0, &start, &speed, &err), err);
    assert_int_equal(speed, 1000000);
    assert_fault(base_clock_parse(STR("tomorrow,x2"), 0, &start, &speed, &err), LANTOA_EINVAL, err,
        "clock \"tomorrow,x2\": \"tomorrow\" is not a date-time like 2026-12-01T08:00");
    static const char *const bad[] = {"2026-12-01,", "2026-12-01,3600", "2026-12-01,x",
        "2026-12-01,x0", "2026-12-01,x-1", "2026-12-01,x1000001", "2026-12-01,x1,x2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_fault_part(base_clock_parse(str_from(bad[i]), 0, &start, &speed, &err),
            LANTOA_EINVAL, err, "the speed must be x1 to x1000000");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real),
        cmocka_unit_test(simulated),
        cmocka_unit_test(standing),
        cmocka_unit_test(spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
