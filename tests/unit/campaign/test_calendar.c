/* Time zones read from the system's zoneinfo, month arithmetic, recurrence rules. */
#include "support.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "campaign/calendar.h"
#include "campaign/calendar_zone.h"

#include <pthread.h>
#include <stdio.h>

static const struct calendar_zone *zone(const char *name) {
    const struct calendar_zone *found = NULL;
    struct base_err err = {0};
    if (calendar_zone_find(name, &found, &err)) {
        fail_msg("%s", err.text);
    }
    return found;
}

static struct base_civil civil(const char *text) {
    struct base_civil c;
    bool has_offset;
    int offset;
    assert_int_equal(base_parse_datetime(str_from(text), &c, &has_offset, &offset), 0);
    return c;
}

static int64_t utc(const char *text) {
    return base_ms_from_civil(civil(text), 0);
}

static void to_ms_table(void **state) {
    (void)state;
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        {"Asia/Ho_Chi_Minh", "2026-12-01T08:00", "2026-12-01T01:00"},
        {"Asia/Ho_Chi_Minh", "2100-06-01T08:00", "2100-06-01T01:00"},
        {"UTC", "2026-12-01T08:00", "2026-12-01T08:00"},
        {"Europe/Paris", "2026-01-15T08:00", "2026-01-15T07:00"},
        {"Europe/Paris", "2026-07-15T08:00", "2026-07-15T06:00"},
        /* 29 March 2026: 02:00 becomes 03:00, so 02:30 does not exist and moves forward */
        {"Europe/Paris", "2026-03-29T01:59", "2026-03-29T00:59"},
        {"Europe/Paris", "2026-03-29T02:00", "2026-03-29T01:00"},
        {"Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:30"},
        {"Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00"},
        /* 25 October 2026: 02:30 happens twice; the first one is meant */
        {"Europe/Paris", "2026-10-25T01:59", "2026-10-24T23:59"},
        {"Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:30"},
        {"Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00"},
        /* beyond the table of the file: the rule in its footer */
        {"Europe/Paris", "2090-07-15T08:00", "2090-07-15T06:00"},
        {"Europe/Paris", "2090-01-15T08:00", "2090-01-15T07:00"},
        {"Europe/Paris", "2095-03-26T08:00", "2095-03-26T07:00"},
        {"Europe/Paris", "2095-03-27T02:30",
            "2095-03-27T01:30"}, /* the last Sunday is the fourth */
        {"Europe/Paris", "2095-03-27T08:00", "2095-03-27T06:00"},
        {"Australia/Sydney", "2090-01-15T08:00", "2090-01-14T21:00"},
        {"Australia/Sydney", "2090-07-15T08:00", "2090-07-14T22:00"},
        {"America/New_York", "2026-03-08T02:30", "2026-03-08T07:30"},
        {"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45"}, /* half an hour only */
        {"Asia/Kathmandu", "2026-10-04T05:45", "2026-10-04T00:00"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = calendar_to_ms(zone(cases[i].zone), civil(cases[i].local));
        if (got != utc(cases[i].utc)) {
            char text[BASE_ISO_MAX];
            base_format_iso(got, 0, text);
            fail_msg(
                "%s %s: expected %s, got %s", cases[i].zone, cases[i].local, cases[i].utc, text);
        }
    }
}

static void offsets(void **state) {
    (void)state;
    assert_int_equal(calendar_offset_min(zone("Asia/Ho_Chi_Minh"), utc("2026-12-01")), 420);
    assert_int_equal(calendar_offset_min(zone("Europe/Paris"), utc("2026-03-29T00:59")), 60);
    assert_int_equal(calendar_offset_min(zone("Europe/Paris"), utc("2026-03-29T01:00")), 120);
    assert_int_equal(calendar_offset_min(zone("America/New_York"), utc("2026-12-01")), -300);
    assert_int_equal(calendar_offset_min(zone("Asia/Kolkata"), utc("2026-12-01")), 330);
}

static void unknown_zones(void **state) {
    (void)state;
    static const char *const names[] = {"", "Mars/Base", "../../../etc/passwd", "/etc/localtime",
        "Asia//Tokyo", "Asia/", "Asia", "asia/../Asia/Tokyo", "Asia/Ho Chi Minh", "zone.tab",
        "tzdata.zi", "posixrules\n"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct calendar_zone *found;
        struct base_err err = {0};
        assert_int_equal(calendar_zone_find(names[i], &found, &err), LANTOA_ENOENT);
        assert_null(found);
        assert_non_null(strstr(err.text, names[i]));
    }
}

static void broken_zone_files(void **state) {
    (void)state;
    struct base_buf bytes;
    base_buf_init(&bytes, 1 << 20);
    struct base_err err;
    assert_int_equal(base_file_read("/usr/share/zoneinfo/Europe/Paris", 1 << 20, &bytes, &err), 0);
    /* every shorter piece is refused, and every changed byte is survived */
    for (size_t cut = 0; cut < bytes.bytes; cut++) {
        struct calendar_zone one = {0};
        char *piece = base_strndup(bytes.at, cut);
        assert_int_equal(calendar__zone_read(&one, str_of(piece, cut)), LANTOA_ECORRUPT);
        base_free(piece);
        base_free(one.at);
        base_free(one.offset_s);
    }
    for (size_t at = 0; at < bytes.bytes; at++) {
        struct calendar_zone one = {0};
        bytes.at[at] ^= 0xff;
        if (calendar__zone_read(&one, base_buf_str(&bytes)) == 0) {
            (void)calendar__offset(&one, 1800000000);
            (void)calendar__offset(&one, 4800000000);
        }
        bytes.at[at] ^= 0xff;
        base_free(one.at);
        base_free(one.offset_s);
    }
    base_buf_release(&bytes);
}

static void adding(void **state) {
    (void)state;
    static const struct {
        const char *zone, *from;
        int months;
        int64_t ms;
        const char *to;
    } cases[] = {
        {"Asia/Ho_Chi_Minh", "2027-01-31T08:00", 1, 0, "2027-02-28T08:00"},
        {"Asia/Ho_Chi_Minh", "2028-01-31T08:00", 1, 0, "2028-02-29T08:00"},
        {"Asia/Ho_Chi_Minh", "2026-12-31T08:00", 2, 0, "2027-02-28T08:00"},
        {"Asia/Ho_Chi_Minh", "2026-12-15T08:00", 12, 0, "2027-12-15T08:00"},
        {"Asia/Ho_Chi_Minh", "2026-11-30T08:00", 25, 3600000, "2028-12-30T09:00"},
        {"Asia/Ho_Chi_Minh", "2026-12-01T08:00", 0, 7 * 86400000LL, "2026-12-08T08:00"},
        {"Europe/Paris", "2026-02-28T08:00", 1, 0, "2026-03-28T08:00"},
        {"Europe/Paris", "2026-02-28T02:30", 1, 86400000, "2026-03-29T03:30"},
        {"Europe/Paris", "2026-03-28T08:00", 0, 86400000, "2026-03-29T09:00"}, /* exactly 24 h */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct calendar_zone *z = zone(cases[i].zone);
        struct base_duration duration = {cases[i].months, cases[i].ms};
        int64_t got = calendar_add(z, calendar_to_ms(z, civil(cases[i].from)), duration);
        assert_int_equal(got, calendar_to_ms(z, civil(cases[i].to)));
    }
}

/* Expands from first within 2026-12-01 .. 2027-12-01 and compares with the local times in want,
 * parted by blanks. */
static void expect_days(
    const char *zone_name, const char *rrule, const char *first, const char *want) {
    const struct calendar_zone *z = zone(zone_name);
    int64_t times[1000];
    size_t count = 0;
    struct base_err err = {0};
    struct base_buf got;
    base_buf_init(&got, 1 << 16);
    int code = calendar_expand(z, rrule, civil(first), calendar_to_ms(z, civil("2026-12-01")),
        calendar_to_ms(z, civil("2027-12-01")), times, 1000, &count, &err);
    if (code) {
        base_buf_printf(&got, "%d", code);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        char text[BASE_ISO_MAX];
        base_format_iso(times[i], calendar_offset_min(z, times[i]), text);
        base_buf_printf(&got, "%s%.16s", i ? " " : "", text);
    }
    if (strcmp(base_buf_text(&got), want) != 0) {
        fail_msg("%s: expected %s, got %s %s", rrule, want, base_buf_text(&got), err.text);
    }
    base_buf_release(&got);
}

static void rules(void **state) {
    (void)state;
    expect_days("Asia/Ho_Chi_Minh", "FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2026-12-01T08:00",
        "2026-12-07T08:00 2026-12-14T08:00 2026-12-21T08:00");
    expect_days("Asia/Ho_Chi_Minh", "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "2026-12-01T08:00",
        "2026-12-31T08:00 2027-01-31T08:00 2027-03-31T08:00");
    expect_days("Asia/Ho_Chi_Minh", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", "2026-12-01T19:30",
        "2026-12-25T19:30 2027-01-29T19:30");
    /* occurrences before the window count, but are not given */
    expect_days("Asia/Ho_Chi_Minh", "FREQ=DAILY;COUNT=3", "2026-11-29T08:00", "2026-12-01T08:00");
    expect_days("Asia/Ho_Chi_Minh", "FREQ=DAILY;UNTIL=20261202", "2026-12-01T08:00",
        "2026-12-01T08:00 2026-12-02T08:00");
    expect_days("Asia/Ho_Chi_Minh", "FREQ=DAILY;UNTIL=20261202T010000Z", "2026-12-01T08:00",
        "2026-12-01T08:00 2026-12-02T08:00");
    expect_days("Asia/Ho_Chi_Minh", "FREQ=DAILY;UNTIL=20261202T005959Z", "2026-12-01T08:00",
        "2026-12-01T08:00");
    expect_days("Asia/Ho_Chi_Minh", "FREQ=HOURLY;INTERVAL=6;COUNT=3", "2026-12-01T08:00",
        "2026-12-01T08:00 2026-12-01T14:00 2026-12-01T20:00");
    /* 08:00 stays 08:00 over the change of the clock */
    expect_days("Europe/Paris", "FREQ=DAILY;COUNT=2", "2027-03-27T08:00",
        "2027-03-27T08:00 2027-03-28T08:00");
    /* the end of the window is not in it */
    expect_days("Asia/Ho_Chi_Minh", "FREQ=DAILY", "2027-11-30T08:00", "2027-11-30T08:00");
}

static void impossible_rules(void **state) {
    (void)state;
    static const char *const rrules[] = {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5", "FREQ=DAILY;UNTIL=20200101", "garbage", "",
        "FREQ=FOO", "FREQ=WEEKLY;BYDAY=XX", "BYDAY=MO", "FREQ=MINUTELY", "FREQ=SECONDLY;COUNT=2",
        "FREQ=WEEKLY;INTERVAL=0", "FREQ=WEEKLY;COUNT=4;UNTIL=20270101T000000", "RRULE:FREQ=WEEKLY",
        "FREQ=YEARLY;BYMONTH=13", "FREQ=DAILY;COUNT=-1"};
    for (size_t i = 0; i < sizeof(rrules) / sizeof(rrules[0]); i++) {
        expect_days("Asia/Ho_Chi_Minh", rrules[i], "2026-12-01T08:00", "-1");
    }
}

static void too_many(void **state) {
    (void)state;
    const struct calendar_zone *z = zone("UTC");
    int64_t times[10];
    size_t count;
    struct base_err err = {0};
    assert_int_equal(calendar_expand(z, "FREQ=DAILY", civil("2026-12-01"), utc("2026-12-01"),
                         utc("2026-12-12"), times, 10, &count, &err),
        LANTOA_ELIMIT);
    assert_int_equal(calendar_expand(z, "FREQ=DAILY", civil("2026-12-01"), utc("2026-12-01"),
                         utc("2026-12-11"), times, 10, &count, &err),
        0);
    assert_int_equal(count, 10);
}

static void *many_finds(void *arg) {
    static const char *const names[] = {"Asia/Tokyo", "Asia/Seoul", "Europe/Rome", "Europe/Oslo"};
    for (int i = 0; i < 200; i++) {
        const struct calendar_zone *found = NULL;
        struct base_err err;
        if (calendar_zone_find(names[i % 4], &found, &err) || calendar_offset_min(found, 0) < 60) {
            *(int *)arg = 1;
        }
    }
    return NULL;
}

static void threads_share(void **state) {
    (void)state;
    pthread_t threads[4];
    int bad[4] = {0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, many_finds, &bad[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(bad[i], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_ms_table),
        cmocka_unit_test(offsets),
        cmocka_unit_test(unknown_zones),
        cmocka_unit_test(broken_zone_files),
        cmocka_unit_test(adding),
        cmocka_unit_test(rules),
        cmocka_unit_test(impossible_rules),
        cmocka_unit_test(too_many),
        cmocka_unit_test(threads_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
