/* RFC 3339, read strictly: digits where digits belong, ranges checked by turning it back. */
#include "when.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* `count` digits at *at; moves on. -1: not digits. */
static int digits(const char **at, const char *end, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (*at >= end || **at < '0' || **at > '9') {
            return -1;
        }
        value = value * 10 + (*(*at)++ - '0');
    }
    return value;
}

static bool letter(const char **at, const char *end, char wanted) {
    if (*at < end && **at == wanted) {
        (*at)++;
        return true;
    }
    return false;
}

static bool read_zone(const char **at, const char *end, int *zone_out) {
    *zone_out = 0;
    if (letter(at, end, 'Z')) {
        return true;
    }
    int sign = letter(at, end, '+') ? 1 : letter(at, end, '-') ? -1 : 0;
    int hours = sign != 0 ? digits(at, end, 2) : -1;
    int minutes = hours >= 0 && letter(at, end, ':') ? digits(at, end, 2) : -1;
    *zone_out = sign * (hours * 60 + minutes);
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

bool when_read(struct lantoa_str text, int64_t *ms_out, int *zone_out) {
    const char *at = text.at, *end = text.at + text.bytes;
    struct tm tm = {0};
    int zone = 0;
    int64_t fraction = 0;
    int year = digits(&at, end, 4), month = letter(&at, end, '-') ? digits(&at, end, 2) : -1;
    int day = letter(&at, end, '-') ? digits(&at, end, 2) : -1;
    int hour = letter(&at, end, 'T') ? digits(&at, end, 2) : -1;
    int minute = letter(&at, end, ':') ? digits(&at, end, 2) : -1;
    int second = letter(&at, end, ':') ? digits(&at, end, 2) : 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59) {
        return false;
    }
    if (letter(&at, end, '.')) {
        int64_t unit = 100;
        const char *from = at;
        for (; at < end && *at >= '0' && *at <= '9'; at++, unit /= 10) {
            fraction += unit * (*at - '0');
        }
        if (at == from) {
            return false;
        }
    }
    if (!read_zone(&at, end, &zone) || at != end) {
        return false;
    }
    tm = (struct tm){.tm_year = year - 1900,
        .tm_mon = month - 1,
        .tm_mday = day,
        .tm_hour = hour,
        .tm_min = minute,
        .tm_sec = second};
    time_t seconds = timegm(&tm);
    if (tm.tm_mday != day || tm.tm_mon != month - 1) {
        return false; /* 31 February */
    }
    *ms_out = ((int64_t)seconds - (int64_t)zone * 60) * 1000 + fraction;
    if (zone_out) {
        *zone_out = zone;
    }
    return true;
}

static void split(int64_t ms, int zone_minutes, struct tm *tm_out, int *ms_out) {
    int64_t local = ms + (int64_t)zone_minutes * 60000;
    int64_t seconds = local / 1000, rest = local % 1000;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t at = (time_t)seconds;
    gmtime_r(&at, tm_out);
    *ms_out = (int)rest;
}

void when_print(int64_t ms, int zone_minutes, char out[static WHEN_BYTES]) {
    struct tm tm;
    int rest, zone = zone_minutes < 0 ? -zone_minutes : zone_minutes;
    char day[24], fraction[8] = "";
    split(ms, zone_minutes, &tm, &rest);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest > 0) {
        snprintf(fraction, sizeof(fraction), ".%03d", rest % 1000);
    }
    snprintf(out, WHEN_BYTES, "%s%s%c%02d:%02d", day, fraction, zone_minutes < 0 ? '-' : '+',
        zone / 60 % 100, zone % 60);
}

void when_print_clock(int64_t ms, int zone_minutes, char out[static WHEN_BYTES]) {
    struct tm tm;
    int rest;
    split(ms, zone_minutes, &tm, &rest);
    strftime(out, WHEN_BYTES, "%H:%M", &tm);
}
