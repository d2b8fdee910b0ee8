/* One device's schedule: order, priorities, interruption, expiry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule.h"

#define RESUME 600000

static struct schedule_entry entry(int64_t start, int64_t ends, enum entry_priority priority) {
    return (struct schedule_entry){.start_ms = start, .ends_ms = ends, .priority = priority};
}

static void expect(
    struct schedule *schedule, int64_t now, enum schedule_act act, struct schedule_entry *which) {
    struct schedule_step step = schedule_next(schedule, now, RESUME);
    assert_int_equal(step.act, act);
    assert_ptr_equal(step.entry, which);
}

static void test_waits_begins_expires(void **state) {
    struct schedule schedule = {0};
    struct schedule_entry one = entry(1000, 2000, ENTRY_NORMAL);
    (void)state;
    assert_int_equal(schedule_next(&schedule, 0, RESUME).at_ms, INT64_MAX);
    schedule_add(&schedule, &one);
    assert_int_equal(schedule_next(&schedule, 0, RESUME).at_ms, 1000);
    expect(&schedule, 999, SCHEDULE_WAIT, NULL);
    expect(&schedule, 1000, SCHEDULE_BEGIN, &one);
    expect(&schedule, 2000, SCHEDULE_BEGIN, &one);
    expect(&schedule, 2001, SCHEDULE_EXPIRED, &one);
    schedule_remove(&schedule, &one);
    expect(&schedule, 3000, SCHEDULE_WAIT, NULL);
}

static void test_higher_priority_first_but_no_interruption(void **state) {
    struct schedule schedule = {0};
    struct schedule_entry a = entry(0, 5000, ENTRY_NORMAL), b = entry(0, 5000, ENTRY_PRIORITY),
                          c = entry(10, 500, ENTRY_PRIORITY);
    (void)state;
    schedule_add(&schedule, &a);
    schedule_add(&schedule, &b);
    expect(&schedule, 0, SCHEDULE_BEGIN, &b);
    schedule_begin(&schedule, &b);
    schedule_add(&schedule, &c);
    expect(&schedule, 20, SCHEDULE_WAIT, NULL);
    assert_int_equal(schedule_next(&schedule, 20, RESUME).at_ms, 501);
    expect(&schedule, 501, SCHEDULE_EXPIRED, &c);
    assert_int_equal(c.block, ENTRY_DEVICE_BUSY);
    schedule_remove(&schedule, &c);
    schedule_remove(&schedule, &b);
    expect(&schedule, 600, SCHEDULE_BEGIN, &a);
}

static void test_emergency_interrupts_and_the_earlier_resumes(void **state) {
    struct schedule schedule = {0};
    struct schedule_entry a = entry(0, 100, ENTRY_PRIORITY), e = entry(50, 9000, ENTRY_EMERGENCY),
                          f = entry(60, 9000, ENTRY_EMERGENCY);
    (void)state;
    schedule_add(&schedule, &a);
    schedule_begin(&schedule, &a);
    schedule_add(&schedule, &e);
    schedule_add(&schedule, &f);
    expect(&schedule, 49, SCHEDULE_WAIT, NULL);
    expect(&schedule, 50, SCHEDULE_INTERRUPT, &a);
    schedule_hold(&schedule, 50);
    expect(&schedule, 50, SCHEDULE_BEGIN, &e);
    schedule_begin(&schedule, &e);
    expect(&schedule, 70, SCHEDULE_WAIT, NULL); /* one emergency does not interrupt another */
    schedule_remove(&schedule, &e);
    expect(&schedule, 500, SCHEDULE_BEGIN, &f);
    schedule_begin(&schedule, &f);
    schedule_remove(&schedule, &f);
    expect(&schedule, 900, SCHEDULE_BEGIN, &a); /* after its latest begin, for it had begun */
}

static void test_held_for_too_long_is_cut(void **state) {
    struct schedule schedule = {0};
    struct schedule_entry a = entry(0, 100, ENTRY_NORMAL);
    (void)state;
    schedule_add(&schedule, &a);
    schedule_begin(&schedule, &a);
    schedule_hold(&schedule, 50);
    expect(&schedule, 50 + RESUME, SCHEDULE_BEGIN, &a);
    expect(&schedule, 51 + RESUME, SCHEDULE_CUT, &a);
}

static void test_a_device_that_is_not_there(void **state) {
    struct schedule schedule = {0};
    struct schedule_entry a = entry(0, 5000, ENTRY_NORMAL);
    (void)state;
    schedule_add(&schedule, &a);
    schedule_begin(&schedule, &a);
    schedule_postpone(&schedule, 2000);
    assert_int_equal(schedule_next(&schedule, 10, RESUME).at_ms, 2000);
    expect(&schedule, 2000, SCHEDULE_BEGIN, &a);
    schedule_begin(&schedule, &a);
    schedule_postpone(&schedule, 6000);
    assert_int_equal(schedule_next(&schedule, 10, RESUME).at_ms, 5001);
    expect(&schedule, 5001, SCHEDULE_EXPIRED, &a);
    assert_int_equal(a.block, ENTRY_DEVICE_OFFLINE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_begins_expires),
        cmocka_unit_test(test_higher_priority_first_but_no_interruption),
        cmocka_unit_test(test_emergency_interrupts_and_the_earlier_resumes),
        cmocka_unit_test(test_held_for_too_long_is_cut),
        cmocka_unit_test(test_a_device_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
