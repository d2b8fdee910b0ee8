/* The forecast of a target and the share who lapse, against figures reckoned by hand. */
#include "conversion_fixture.h"

#include "base/civil.h"
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

static int64_t day(int year, int month, int day_of_month) {
    return base_days_from_date((struct base_date){year, month, day_of_month});
}

/* A stock target of the first half of 2026, asked for in December. */
static struct outlook_row outlook_of(struct db *db) {
    struct outlook *outlook = NULL;
    struct base_err err = {0};
    size_t count = 0;
    assert_ok(
        outlook_new(db, day(2026, 12, 10), day(2026, 1, 1), day(2026, 6, 30), &outlook, &err), err);
    const struct outlook_row *rows = outlook_rows(outlook, &count);
    assert_int_equal(count, 1);
    struct outlook_row row = rows[0];
    outlook_free(&outlook);
    return row;
}

#define JOINED(id, date)                                                                           \
    "INSERT INTO enrolment (batch_id, line, event, event_date, imported_at, place_id, "            \
    "contact_id, "                                                                                 \
    "fingerprint) VALUES (1, " #id ", 'new', '" date "', 0, 1, " #id ", " #id ");"

static void test_months_before_the_end_alone(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db,
        "INSERT INTO target (place_id, kind, period_from, period_to, value, decided_on, document, "
        "recorded_at, recorded_by) VALUES (1, 'stock', '2026-01-01', '2026-06-30', 10, "
        "'2025-12-01', 'KH-1', 0, 't');"
        "INSERT INTO contact (id) VALUES (1), (2), (3);" JOINED(1, "2026-09-05"));
    /* The first event of all comes after the period: no month is counted, and none fewer. */
    struct outlook_row row = outlook_of(db);
    assert_int_equal(row.reached, 0);
    assert_int_equal(row.start, 0);
    assert_int_equal(row.expected, 10);
    assert_non_null(row.forecast.why);
    /* In the last month of the period: that month is not full. */
    run_sql(db, JOINED(2, "2026-06-02"));
    row = outlook_of(db);
    assert_int_equal(row.reached, 1);
    assert_non_null(row.forecast.why);
    /* Half a year before: six full months are counted, and nothing is left to forecast. */
    run_sql(db, JOINED(3, "2025-12-02"));
    row = outlook_of(db);
    assert_int_equal(row.start, 1);
    assert_int_equal(row.reached, 2);
    assert_null(row.forecast.why);
    assert_true(row.forecast.low == 2 && row.forecast.high == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forecast),
        cmocka_unit_test(test_lapse),
        cmocka_unit_test_setup_teardown(
            test_months_before_the_end_alone, fixture_open, fixture_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
