/* Local times of a campaign to UTC and back, and the occurrences of recurring steps. libical reads
 * and unrolls the rules, in local time without a zone; the zone comes from calendar_zone.c. */
#include "campaign/calendar.h"
#include "campaign/calendar_zone.h"

#include "base/tr.h"

#include <libical/ical.h>

enum { DAY_MS = 86400000 };

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t offset_ms(const struct calendar_zone *zone, int64_t ms) {
    return calendar__offset(zone, floor_div(ms, 1000)) * 1000;
}

int calendar_offset_min(const struct calendar_zone *zone, int64_t ms) {
    return (int)floor_div(offset_ms(zone, ms), 60000);
}

int64_t calendar_to_ms(const struct calendar_zone *zone, struct base_civil local) {
    int64_t naive = base_ms_from_civil(local, 0);
    /* The offsets of the day before and the day after are the only candidates. */
    int64_t before = offset_ms(zone, naive - DAY_MS);
    int64_t after = offset_ms(zone, naive + DAY_MS);
    if (offset_ms(zone, naive - before) == before) {
        return naive - before; /* also the first of the two, where the clock runs an hour twice */
    }
    if (offset_ms(zone, naive - after) == after) {
        return naive - after;
    }
    return naive -
           before; /* in the gap: as if the clock had not been changed, so it moves forward */
}

static struct base_civil to_local(const struct calendar_zone *zone, int64_t ms) {
    return base_civil_from_ms(ms + offset_ms(zone, ms), 0);
}

static int month_days(int year, int month) {
    int day = 31;
    while (!base_date_valid((struct base_date){year, month, day})) {
        day--;
    }
    return day;
}

int64_t calendar_add(const struct calendar_zone *zone, int64_t ms, struct base_duration duration) {
    if (duration.months != 0) {
        struct base_civil local = to_local(zone, ms);
        int months = local.month - 1 + duration.months;
        local.year += months / 12;
        local.month = months % 12 + 1;
        if (local.year > 2200) { /* beyond what base/civil knows */
            local.year = 2200;
        }
        int most = month_days(local.year, local.month);
        local.day = local.day < most ? local.day : most;
        ms = calendar_to_ms(zone, local);
    }
    return ms + duration.ms;
}

/* --- recurrence --- */

static struct icaltimetype to_ical(struct base_civil c) {
    struct icaltimetype t = icaltime_null_time();
    t.year = c.year;
    t.month = c.month;
    t.day = c.day;
    t.hour = c.hour;
    t.minute = c.minute;
    t.second = c.second;
    return t;
}

static struct base_civil from_ical(struct icaltimetype t) {
    return (struct base_civil){.year = t.year,
        .month = t.month,
        .day = t.day,
        .hour = t.hour,
        .minute = t.minute,
        .second = t.second};
}

/* UNTIL may be a date (that whole day), a UTC time or a local one; we need a local one. */
static struct icaltimetype until_local(
    const struct calendar_zone *zone, struct icaltimetype until) {
    if (until.is_date) {
        until.is_date = 0;
        until.hour = 23;
        until.minute = until.second = 59;
    } else if (icaltime_is_utc(until)) {
        until = to_ical(to_local(zone, base_ms_from_civil(from_ical(until), 0)));
    }
    return until;
}

static int rule_read(const char *rrule, struct icalrecurrencetype *rule_out, struct base_err *err) {
    icalerror_clear_errno();
    *rule_out = icalrecurrencetype_from_string(rrule);
    if (rule_out->freq == ICAL_NO_RECURRENCE) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("'%s' is no recurrence rule (RFC 5545), such as FREQ=WEEKLY;BYDAY=MO;COUNT=4"),
            rrule);
    }
    if (rule_out->freq == ICAL_SECONDLY_RECURRENCE || rule_out->freq == ICAL_MINUTELY_RECURRENCE) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("a step cannot recur more often than every hour"));
    }
    return 0;
}

int calendar_expand(const struct calendar_zone *zone, const char *rrule, struct base_civil first,
    int64_t from_ms, int64_t to_ms, int64_t *times_out, size_t max, size_t *count_out,
    struct base_err *err) {
    struct icalrecurrencetype rule;
    *count_out = 0;
    int code = rule_read(rrule, &rule, err);
    if (code) {
        return code;
    }
    /* We do the counting, so that the iterator always has an end to stop at: looking for an
     * impossible day it would otherwise go on for centuries. */
    int most = rule.count;
    struct icaltimetype end = to_ical(to_local(zone, to_ms));
    if (!icaltime_is_null_time(rule.until)) {
        struct icaltimetype until = until_local(zone, rule.until);
        end = icaltime_compare(until, end) < 0 ? until : end;
    }
    rule.count = 0;
    rule.until = end;
    icalrecur_iterator *it = icalrecur_iterator_new(rule, to_ical(first));
    struct icaltimetype next = it ? icalrecur_iterator_next(it) : icaltime_null_time();
    for (int seen = 0; !icaltime_is_null_time(next) && (most == 0 || seen < most); seen++) {
        int64_t ms = calendar_to_ms(zone, from_ical(next));
        if (ms >= to_ms) {
            break;
        }
        if (ms >= from_ms) {
            if (*count_out == max) {
                code = base_err_set(
                    err, LANTOA_ELIMIT, TR("'%s' gives more than %zu occurrences"), rrule, max);
                break;
            }
            times_out[(*count_out)++] = ms;
        }
        next = icalrecur_iterator_next(it);
    }
    icalrecur_iterator_free(it);
    if (code == 0 && *count_out == 0) {
        code = base_err_set(err, LANTOA_EINVAL,
            TR("'%s' is impossible: it gives no day within the campaign's window"), rrule);
    }
    return code;
}
