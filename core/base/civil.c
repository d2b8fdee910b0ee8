/* Calendar arithmetic. Knows no time zone rules. */
#include "base/civil.h"

#include <stdio.h>

enum { YEAR_LEAST = 1800, YEAR_MOST = 2200, DAY_MS = 86400000, OFFSET_MOST_MIN = 24 * 60 - 1 };

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

int64_t base_days_from_date(struct base_date date) {
    /* March comes first, so that the leap day is the last of its year; 400-year eras repeat
     * exactly. */
    int64_t year = date.month <= 2 ? (int64_t)date.year - 1 : date.year;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct base_date base_date_from_days(int64_t days) {
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct base_date date;
    date.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = (int)(year_of_era + era * 400 + (date.month <= 2));
    return date;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool base_date_valid(struct base_date date) {
    return date.year >= YEAR_LEAST && date.year <= YEAR_MOST && date.month >= 1 &&
           date.month <= 12 && date.day >= 1 && date.day <= days_in_month(date.year, date.month);
}

int base_weekday(int64_t days) {
    /* 1970-01-01 was a Thursday. */
    return (int)(((days + 3) % 7 + 7) % 7);
}

int64_t base_ms_from_civil(struct base_civil civil, int offset_min) {
    struct base_date date = {civil.year, civil.month, civil.day};
    int64_t minutes = (int64_t)civil.hour * 60 + civil.minute - offset_min;
    return base_days_from_date(date) * DAY_MS + minutes * 60000 + (int64_t)civil.second * 1000 +
           civil.ms;
}

struct base_civil base_civil_from_ms(int64_t ms, int offset_min) {
    ms += (int64_t)offset_min * 60000;
    int64_t days = floor_div(ms, DAY_MS);
    int rest = (int)(ms - days * DAY_MS);
    struct base_date date = base_date_from_days(days);
    return (struct base_civil){
        .year = date.year,
        .month = date.month,
        .day = date.day,
        .hour = rest / 3600000,
        .minute = rest / 60000 % 60,
        .second = rest / 1000 % 60,
        .ms = rest % 1000,
    };
}

void base_format_date(struct base_date date, char out[static BASE_DATE_MAX]) {
    /* The casts bound the width, which the compiler would otherwise have to doubt. */
    snprintf(out, BASE_DATE_MAX, "%04u-%02u-%02u", (unsigned)date.year % 10000,
        (unsigned)date.month % 100, (unsigned)date.day % 100);
}

void base_format_iso(int64_t ms, int offset_min, char out[static BASE_ISO_MAX]) {
    struct base_civil civil = base_civil_from_ms(ms, offset_min);
    unsigned ahead = (unsigned)(offset_min < 0 ? -offset_min : offset_min);
    snprintf(out, BASE_ISO_MAX, "%04u-%02u-%02uT%02u:%02u:%02u%c%02u:%02u",
        (unsigned)civil.year % 10000, (unsigned)civil.month % 100, (unsigned)civil.day % 100,
        (unsigned)civil.hour % 100, (unsigned)civil.minute % 100, (unsigned)civil.second % 100,
        offset_min < 0 ? '-' : '+', ahead / 60 % 100, ahead % 60);
}
