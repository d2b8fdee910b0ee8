/* Calendar arithmetic on the proleptic Gregorian calendar and ISO 8601 texts. No time zones beyond
 * a fixed offset: zones with rules live in campaign/calendar. Sources: ISO 8601-1:2019; days
 * algorithm after Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include "base/str.h"
#include <lantoa/errors.h>
#include <stdbool.h>
#include <stdint.h>

struct base_date {
    int year, month, day; /* month 1..12, day 1..31 */
};
struct base_civil {
    int year, month, day, hour, minute, second, ms;
};

int64_t base_days_from_date(struct base_date date); /* days since 1970-01-01 */
struct base_date base_date_from_days(int64_t days);
bool base_date_valid(struct base_date date); /* years 1800..2200 */
int base_weekday(int64_t days);              /* 0 Monday .. 6 Sunday */
int64_t base_ms_from_civil(struct base_civil civil, int offset_min);
struct base_civil base_civil_from_ms(int64_t ms, int offset_min);

/* "2026-12-01"; also "01/12/2026" and "1/12/2026" (day first, as Vietnamese files have it). */
int base_parse_date(struct str text, struct base_date *date_out) LANTOA_MUST_CHECK;
/* "2026-12-01T08:00[:00[.123]]" with 'T' or a space, or the date alone; *has_offset_out tells
 * whether Z or +hh:mm followed (then *offset_min_out is set). */
int base_parse_datetime(struct str text, struct base_civil *civil_out, bool *has_offset_out,
    int *offset_min_out) LANTOA_MUST_CHECK;
/* "P7D", "PT2H30M", "P1W", "P1M": months kept apart, for they have no fixed length. No negatives.
 */
struct base_duration {
    int months;
    int64_t ms;
};
int base_parse_duration(struct str text, struct base_duration *duration_out) LANTOA_MUST_CHECK;
/* "07:00" -> minutes of the day, 0..1440 ("24:00" allowed). */
int base_parse_minute(struct str text, int *minute_out) LANTOA_MUST_CHECK;

#define BASE_DATE_MAX 11 /* bytes of a printed date with NUL */
#define BASE_ISO_MAX 32
void base_format_date(struct base_date date, char out[static BASE_DATE_MAX]); /* 2026-12-01 */
/* 2026-12-01T08:00:00+07:00. */
void base_format_iso(int64_t ms, int offset_min, char out[static BASE_ISO_MAX]);

#endif
