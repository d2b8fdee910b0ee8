/* The airtime planner's fairness towards campaigns that came before. */
#include "delivery/airtime.h"

#include "support.h"

enum { DAY = 20000, MOST = 8, CAMPAIGNS = 4, NEW = 9 };

static const size_t first_station[] = {0};
static const struct airtime_material one_minute[] = {{7, 60}};

static struct airtime_request request_of(int per_day) {
    return (struct airtime_request){.id = NEW,
        .campaign = NEW,
        .priority = AIRTIME_NORMAL,
        .first_day = DAY,
        .last_day = DAY,
        .per_day = per_day,
        .rotation = AIRTIME_IN_TURN,
        .material_count = 1,
        .stations = first_station,
        .station_count = 1,
        .materials = one_minute};
}

/* One minute each from 5 o'clock on, of one campaign, offered. */
static void offer(struct airtime_booking *bookings, int count, int64_t campaign) {
    for (int i = 0; i < count; i++) {
        bookings[i] = (struct airtime_booking){.ref = 1 + i,
            .day = DAY,
            .start_s = 18000 + 60 * i,
            .seconds = 60,
            .request = campaign,
            .campaign = campaign,
            .priority = AIRTIME_NORMAL};
    }
}

static struct airtime_plan plan_of(const struct airtime_span *window, int64_t most_s, int per_day,
    const struct airtime_booking *bookings, size_t count) {
    const struct airtime_station station = {
        .id = 1, .windows = window, .window_count = 1, .most_s = most_s};
    const struct airtime_request request = request_of(per_day);
    const struct airtime_input in = {&station, 1, &request, 1, bookings, count};
    struct airtime_plan plan;
    struct base_err err = {0};
    assert_ok(airtime_plan(&in, &plan, &err), err);
    return plan;
}

static void a_later_campaign_gets_its_share_and_no_more(void **state) {
    (void)state;
    const struct airtime_span four = {300, 304, AIRTIME_ALL_DAYS};
    struct airtime_booking bookings[4];
    offer(bookings, 4, 5);
    struct airtime_plan plan = plan_of(&four, 0, 4, bookings, 4);
    assert_int_equal(plan.airing_count, 2);
    assert_int_equal(plan.move_count, 2); /* the last ones */
    assert_true(plan.moves[0].start_s == -1 && plan.moves[1].start_s == -1);
    assert_true(plan.moves[0].booking == 3 && plan.moves[1].booking == 2);
    assert_int_equal(plan.refusals[0].got, 2);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_TAKEN);
    airtime_plan_release(&plan);
    bookings[3].fixed = bookings[2].fixed = true; /* approved: the earlier ones make room */
    plan = plan_of(&four, 0, 4, bookings, 4);
    assert_int_equal(plan.airing_count, 2);
    assert_true(plan.moves[0].booking == 1 && plan.moves[1].booking == 0);
    airtime_plan_release(&plan);
    bookings[0].fixed = bookings[1].fixed = true; /* all of them: nobody does */
    plan = plan_of(&four, 0, 4, bookings, 4);
    assert_int_equal(plan.airing_count + plan.move_count, 0);
    airtime_plan_release(&plan);
}

static void what_would_make_no_room_stays(void **state) {
    (void)state;
    const struct airtime_span four = {300, 304, AIRTIME_ALL_DAYS};
    struct airtime_booking bookings[4];
    offer(bookings, 4, 5);
    bookings[0].seconds = 30;
    bookings[1].start_s = 18030;
    bookings[1].seconds = 90;
    bookings[1].fixed = bookings[2].fixed = bookings[3].fixed = true;
    struct airtime_plan plan = plan_of(&four, 0, 1, bookings, 4);
    assert_int_equal(plan.airing_count + plan.move_count, 0);
    airtime_plan_release(&plan);
}

static void the_minutes_of_a_day_are_shared_too(void **state) {
    (void)state;
    const struct airtime_span hour = {300, 360, AIRTIME_ALL_DAYS};
    struct airtime_booking bookings[3];
    offer(bookings, 3, 5);
    struct airtime_plan plan = plan_of(&hour, 180, 3, bookings, 3);
    assert_int_equal(plan.airing_count, 1);
    assert_int_equal(plan.move_count, 1);
    assert_int_equal(plan.moves[0].booking, 2);
    assert_int_equal(plan.moves[0].reason, AIRTIME_MINUTES);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_MINUTES);
    airtime_plan_release(&plan);
}

/* What stands in the evening leaves the morning to the others of the day. */
static void a_repeat_goes_where_the_day_lacks_it(void **state) {
    (void)state;
    const struct airtime_span windows[] = {
        {300, 330, AIRTIME_ALL_DAYS}, {1020, 1050, AIRTIME_ALL_DAYS}};
    const struct airtime_station station = {.id = 1, .windows = windows, .window_count = 2};
    const struct airtime_request request = request_of(4);
    struct airtime_booking bookings[2];
    struct airtime_plan plan;
    struct base_err err = {0};
    offer(bookings, 2, NEW);
    bookings[0].start_s = 61200;
    bookings[1].start_s = 61260;
    bookings[0].fixed = bookings[1].fixed = true;
    const struct airtime_input in = {&station, 1, &request, 1, bookings, 2};
    assert_ok(airtime_plan(&in, &plan, &err), err);
    assert_int_equal(plan.airing_count, 2);
    assert_true(plan.airings[0].start_s == 18000 && plan.airings[1].start_s == 18060);
    airtime_plan_release(&plan);
}

/* --- over many mornings --- */

static uint64_t roll(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A full morning of one-minute airings of several campaigns, some approved; who has how much in the
 * end. */
static void check_morning(uint64_t seed, size_t *gave_way) {
    uint64_t dice = seed;
    struct airtime_booking bookings[MOST];
    int has[NEW + 1] = {0}, offered[NEW + 1] = {0};
    bool dropped[NEW + 1] = {false};
    size_t count = 1 + roll(&dice) % MOST;
    const struct airtime_span window = {300, 300 + (int)count, AIRTIME_ALL_DAYS};
    offer(bookings, (int)count, 1);
    for (size_t i = 0; i < count; i++) {
        bookings[i].campaign = bookings[i].request = 1 + (int64_t)(roll(&dice) % CAMPAIGNS);
        bookings[i].fixed = roll(&dice) % 3 == 0;
        has[bookings[i].campaign]++;
        offered[bookings[i].campaign] += !bookings[i].fixed;
    }
    int wanted = 1 + (int)(roll(&dice) % 6);
    struct airtime_plan plan = plan_of(&window, 0, wanted, bookings, count);
    for (size_t i = 0; i < plan.move_count; i++) {
        int64_t campaign = bookings[plan.moves[i].booking].campaign;
        assert_int_equal(plan.moves[i].start_s, -1);
        assert_false(bookings[plan.moves[i].booking].fixed);
        dropped[campaign] = true;
        has[campaign]--;
        offered[campaign]--;
    }
    assert_int_equal(plan.airing_count, plan.move_count); /* the morning was full */
    has[NEW] = (int)plan.airing_count;
    for (int c = 1; c <= CAMPAIGNS; c++) {
        assert_true(!dropped[c] || has[c] >= has[NEW]);
        assert_true(has[NEW] == wanted || offered[c] == 0 || has[c] <= has[NEW] + 1);
    }
    *gave_way += plan.move_count;
    airtime_plan_release(&plan);
}

static void nobody_is_left_with_less_than_the_newcomer(void **state) {
    (void)state;
    size_t gave_way = 0;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        check_morning(seed, &gave_way);
    }
    assert_true(gave_way > 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_campaign_gets_its_share_and_no_more),
        cmocka_unit_test(what_would_make_no_room_stays),
        cmocka_unit_test(the_minutes_of_a_day_are_shared_too),
        cmocka_unit_test(a_repeat_goes_where_the_day_lacks_it),
        cmocka_unit_test(nobody_is_left_with_less_than_the_newcomer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
