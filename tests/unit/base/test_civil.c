#include "support.h"

#include "base/civil.h"

static void days_match_a_slow_count(void **state) {
    (void)state;
    /* Day by day from 1800 to 2200, against the plainest calendar there is. */
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = base_days_from_date((struct base_date){1800, 1, 1});
    assert_int_equal(days, -62091);
    int weekday = base_weekday(days);
    assert_int_equal(weekday, 2); /* a Wednesday */
    for (int year = 1800; year <= 2200; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int last = length[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= last; day++) {
                struct base_date date = {year, month, day};
                if (base_days_from_date(date) != days || base_weekday(days) != weekday) {
                    fail_msg("%d-%d-%d", year, month, day);
                }
                struct base_date back = base_date_from_days(days);
                assert_int_equal(back.year, year);
                assert_int_equal(back.month, month);
                assert_int_equal(back.day, day);
                assert_true(base_date_valid(date));
                days++;
                weekday = (weekday + 1) % 7;
            }
            assert_false(base_date_valid((struct base_date){year, month, last + 1}));
            assert_false(base_date_valid((struct base_date){year, month, 0}));
        }
    }
    assert_int_equal(base_days_from_date((struct base_date){1970, 1, 1}), 0);
    assert_false(base_date_valid((struct base_date){1799, 12, 31}));
    assert_false(base_date_valid((struct base_date){2201, 1, 1}));
    assert_false(base_date_valid((struct base_date){2026, 13, 1}));
    assert_false(base_date_valid((struct base_date){2026, 0, 1}));
}

static void civil_and_ms(void **state) {
    (void)state;
    struct base_civil civil = {2026, 12, 1, 8, 0, 0, 0};
    int64_t ms = base_ms_from_civil(civil, 420);
    assert_true(ms == 1796086800000);
    struct base_civil back = base_civil_from_ms(ms + 1234, 420);
    assert_int_equal(back.year, 2026);
    assert_int_equal(back.month, 12);
    assert_int_equal(back.day, 1);
    assert_int_equal(back.hour, 8);
    assert_int_equal(back.minute, 0);
    assert_int_equal(back.second, 1);
    assert_int_equal(back.ms, 234);
    back = base_civil_from_ms(-1, 0);
    assert_int_equal(back.year, 1969);
    assert_int_equal(back.hour, 23);
    assert_int_equal(back.ms, 999);
    for (int64_t at = -5000000000000; at < 5000000000000; at += 7777777777) {
        for (int offset = -720; offset <= 840; offset += 65) {
            assert_true(base_ms_from_civil(base_civil_from_ms(at, offset), offset) == at);
        }
    }
}

static void printing(void **state) {
    (void)state;
    char date[BASE_DATE_MAX], iso[BASE_ISO_MAX];
    base_format_date((struct base_date){2026, 1, 9}, date);
    assert_string_equal(date, "2026-01-09");
    base_format_iso(1796086800999, 420, iso);
    assert_string_equal(iso, "2026-12-01T08:00:00+07:00");
    base_format_iso(1796086800000, 0, iso);
    assert_string_equal(iso, "2026-12-01T01:00:00+00:00");
    base_format_iso(1796086800000, -210, iso);
    assert_string_equal(iso, "2026-11-30T21:30:00-03:30");
}

static void date_is(const char *text, int year, int month, int day) {
    struct base_date date;
    assert_int_equal(base_parse_date(str_from(text), &date), 0);
    assert_int_equal(date.year, year);
    assert_int_equal(date.month, month);
    assert_int_equal(date.day, day);
}

static void dates(void **state) {
    (void)state;
    date_is("2026-12-01", 2026, 12, 1);
    date_is("01/12/2026", 2026, 12, 1);
    date_is("1/2/2026", 2026, 2, 1);
    date_is("29/2/2024", 2024, 2, 29);
    static const char *const bad[] = {"", "2026-12-1", "2026-13-01", "2026-02-30", "31/04/2026",
        "1/13/2026", "1-2-2026", "01/12/26", "2026/12/01", "2026-12-01 ", " 2026-12-01",
        "2026-12-01T", "12/2026", "001/1/2026", "1790-01-01", "９/1/2026"};
    struct base_date date;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base_parse_date(str_from(bad[i]), &date) != LANTOA_EINVAL) {
            fail_msg("\"%s\" passed", bad[i]);
        }
    }
}

static void datetimes(void **state) {
    (void)state;
    struct base_civil civil;
    bool has;
    int offset = 77;
    assert_int_equal(base_parse_datetime(STR("2026-12-01T08:30"), &civil, &has, &offset), 0);
    assert_int_equal(civil.hour, 8);
    assert_int_equal(civil.minute, 30);
    assert_false(has);
    assert_int_equal(offset, 77);
    assert_int_equal(base_parse_datetime(STR("2026-12-01"), &civil, &has, &offset), 0);
    assert_int_equal(civil.hour, 0);
    assert_int_equal(
        base_parse_datetime(STR("2026-12-01 23:59:58.25+07:00"), &civil, &has, &offset), 0);
    assert_int_equal(civil.second, 58);
    assert_int_equal(civil.ms, 250);
    assert_true(has);
    assert_int_equal(offset, 420);
    assert_int_equal(
        base_parse_datetime(STR("2026-12-01T00:00:00-0330"), &civil, &has, &offset), 0);
    assert_int_equal(offset, -210);
    assert_int_equal(
        base_parse_datetime(STR("2026-12-01T00:00:00.1239999Z"), &civil, &has, &offset), 0);
    assert_int_equal(offset, 0);
    assert_int_equal(civil.ms, 123);
    static const char *const bad[] = {"", "2026-12-01T", "2026-12-01T8:00", "2026-12-01T24:00",
        "2026-12-01T08:60", "2026-12-01T08:00:60", "2026-12-01T08:00:00.", "2026-12-01T08:00X",
        "2026-12-01T08:00+7", "2026-12-01T08:00+19:00", "2026-12-01T08:00+07:60", "2026-12-01Z",
        "2026-02-29T08:00", "01/12/2026 08:00", "2026-12-01T08:00Zx",
        "2026-12-01T08:00:00.1234567890"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base_parse_datetime(str_from(bad[i]), &civil, &has, &offset) != LANTOA_EINVAL) {
            fail_msg("\"%s\" passed", bad[i]);
        }
    }
}

static void duration_is(const char *text, int months, int64_t ms) {
    struct base_duration duration;
    if (base_parse_duration(str_from(text), &duration) != 0) {
        fail_msg("\"%s\" refused", text);
    }
    assert_int_equal(duration.months, months);
    assert_true(duration.ms == ms);
}

static void durations(void **state) {
    (void)state;
    duration_is("P7D", 0, 7 * 86400000LL);
    duration_is("PT2H30M", 0, 9000000);
    duration_is("P1W", 0, 7 * 86400000LL);
    duration_is("P1M", 1, 0);
    duration_is("P1Y2M3DT4H5M6S", 14, 3 * 86400000LL + 14706000);
    duration_is("PT0S", 0, 0);
    duration_is("P999999D", 0, 999999 * 86400000LL);
    static const char *const bad[] = {"", "P", "PT", "7D", "P7", "P7X", "-P1D", "P-1D", "P1H",
        "PT1D", "P1D2Y", "P1D1D", "P1DT", "PT1S2M", "P1.5D", "P7D ", "P9999999D", "p7d",
        "P1DT1HT1M"};
    struct base_duration duration;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base_parse_duration(str_from(bad[i]), &duration) != LANTOA_EINVAL) {
            fail_msg("\"%s\" passed", bad[i]);
        }
    }
}

static void minutes(void **state) {
    (void)state;
    int minute;
    assert_int_equal(base_parse_minute(STR("07:00"), &minute), 0);
    assert_int_equal(minute, 420);
    assert_int_equal(base_parse_minute(STR("00:00"), &minute), 0);
    assert_int_equal(minute, 0);
    assert_int_equal(base_parse_minute(STR("24:00"), &minute), 0);
    assert_int_equal(minute, 1440);
    assert_int_equal(base_parse_minute(STR("23:59"), &minute), 0);
    assert_int_equal(minute, 1439);
    static const char *const bad[] = {
        "", "7", "07:0", "07:60", "24:01", "25:00", "07:00:00", "-1:00", "7h00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(base_parse_minute(str_from(bad[i]), &minute), LANTOA_EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_match_a_slow_count),
        cmocka_unit_test(civil_and_ms),
        cmocka_unit_test(printing),
        cmocka_unit_test(dates),
        cmocka_unit_test(datetimes),
        cmocka_unit_test(durations),
        cmocka_unit_test(minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
