/* ISO 8601 texts to dates, times and durations; also dates the Vietnamese way, day first. */
#include "base/civil.h"
#include "base/parse.h"

/* A reader over the text: each take_ moves on only when it fits. */
struct reader {
    struct str rest;
};

static bool take_char(struct reader *in, char c) {
    if (in->rest.bytes == 0 || in->rest.at[0] != c) {
        return false;
    }
    in->rest = str_of(in->rest.at + 1, in->rest.bytes - 1);
    return true;
}

/* least to most digits, as many as there are. */
static bool take_number(struct reader *in, size_t least, size_t most, int *value_out) {
    size_t count = 0;
    int value = 0;
    while (count < most && count < in->rest.bytes && in->rest.at[count] >= '0' &&
           in->rest.at[count] <= '9') {
        value = value * 10 + (in->rest.at[count] - '0');
        count++;
    }
    if (count < least) {
        return false;
    }
    in->rest = str_of(in->rest.at + count, in->rest.bytes - count);
    *value_out = value;
    return true;
}

static bool take_iso_date(struct reader *in, struct base_date *date) {
    return take_number(in, 4, 4, &date->year) && take_char(in, '-') &&
           take_number(in, 2, 2, &date->month) && take_char(in, '-') &&
           take_number(in, 2, 2, &date->day) && base_date_valid(*date);
}

static bool take_day_first(struct reader *in, struct base_date *date) {
    return take_number(in, 1, 2, &date->day) && take_char(in, '/') &&
           take_number(in, 1, 2, &date->month) && take_char(in, '/') &&
           take_number(in, 4, 4, &date->year) && base_date_valid(*date);
}

int base_parse_date(struct str text, struct base_date *date_out) {
    struct base_date date;
    struct reader in = {text};
    if (take_iso_date(&in, &date) && in.rest.bytes == 0) {
        *date_out = date;
        return 0;
    }
    in = (struct reader){text};
    if (take_day_first(&in, &date) && in.rest.bytes == 0) {
        *date_out = date;
        return 0;
    }
    return LANTOA_EINVAL;
}

/* ".1" to ".123456789"; kept to the millisecond. */
static bool take_fraction(struct reader *in, int *ms_out) {
    int ms = 0, weight = 100;
    size_t count = 0;
    while (count < in->rest.bytes && in->rest.at[count] >= '0' && in->rest.at[count] <= '9') {
        ms += (in->rest.at[count] - '0') * weight;
        weight /= 10;
        count++;
    }
    if (count == 0 || count > 9) {
        return false;
    }
    in->rest = str_of(in->rest.at + count, in->rest.bytes - count);
    *ms_out = ms;
    return true;
}

static bool take_time(struct reader *in, struct base_civil *civil) {
    if (!take_number(in, 2, 2, &civil->hour) || !take_char(in, ':') ||
        !take_number(in, 2, 2, &civil->minute)) {
        return false;
    }
    if (take_char(in, ':')) {
        if (!take_number(in, 2, 2, &civil->second)) {
            return false;
        }
        if (take_char(in, '.') && !take_fraction(in, &civil->ms)) {
            return false;
        }
    }
    return civil->hour <= 23 && civil->minute <= 59 && civil->second <= 59;
}

static bool take_offset(struct reader *in, int *offset_min_out) {
    if (take_char(in, 'Z')) {
        *offset_min_out = 0;
        return true;
    }
    int sign = take_char(in, '+') ? 1 : take_char(in, '-') ? -1 : 0;
    int hours, minutes;
    if (sign == 0 || !take_number(in, 2, 2, &hours)) {
        return false;
    }
    take_char(in, ':');
    if (!take_number(in, 2, 2, &minutes) || hours > 18 || minutes > 59) {
        return false;
    }
    *offset_min_out = sign * (hours * 60 + minutes);
    return true;
}

int base_parse_datetime(
    struct str text, struct base_civil *civil_out, bool *has_offset_out, int *offset_min_out) {
    struct reader in = {text};
    struct base_date date;
    if (!take_iso_date(&in, &date)) {
        return LANTOA_EINVAL;
    }
    struct base_civil civil = {.year = date.year, .month = date.month, .day = date.day};
    bool has_offset = false;
    int offset_min = 0;
    if (take_char(&in, 'T') || take_char(&in, ' ')) {
        if (!take_time(&in, &civil)) {
            return LANTOA_EINVAL;
        }
        if (in.rest.bytes > 0) {
            if (!take_offset(&in, &offset_min)) {
                return LANTOA_EINVAL;
            }
            has_offset = true;
        }
    }
    if (in.rest.bytes > 0) {
        return LANTOA_EINVAL;
    }
    *civil_out = civil;
    *has_offset_out = has_offset;
    if (has_offset) {
        *offset_min_out = offset_min;
    }
    return 0;
}

struct duration_unit {
    char letter;
    int64_t months, ms;
};

/* In the order in which ISO 8601 wants them; M is months before the T and minutes after it. */
static const struct duration_unit date_units[] = {
    {'Y', 12, 0}, {'M', 1, 0}, {'W', 0, 7 * 86400000LL}, {'D', 0, 86400000}};
static const struct duration_unit time_units[] = {
    {'H', 0, 3600000}, {'M', 0, 60000}, {'S', 0, 1000}};

/* Reads "3D", "2H" ... in the order of the table; returns how many there were, or -1. */
static int take_units(struct reader *in, const struct duration_unit *units, size_t count,
    int64_t *months, int64_t *ms) {
    int taken = 0;
    size_t unit = 0;
    int number;
    while (in->rest.bytes > 0 && in->rest.at[0] != 'T') {
        if (!take_number(in, 1, 6, &number) || in->rest.bytes == 0) {
            return -1;
        }
        while (unit < count && units[unit].letter != in->rest.at[0]) {
            unit++;
        }
        if (unit == count) {
            return -1;
        }
        in->rest = str_of(in->rest.at + 1, in->rest.bytes - 1);
        *months += number * units[unit].months;
        *ms += number * units[unit].ms;
        unit++;
        taken++;
    }
    return taken;
}

int base_parse_duration(struct str text, struct base_duration *duration_out) {
    struct reader in = {text};
    int64_t months = 0, ms = 0;
    if (!take_char(&in, 'P')) {
        return LANTOA_EINVAL;
    }
    int taken = take_units(&in, date_units, 4, &months, &ms);
    if (taken < 0) {
        return LANTOA_EINVAL;
    }
    if (take_char(&in, 'T')) {
        taken = take_units(&in, time_units, 3, &months, &ms);
    }
    /* "P" and "PT" say nothing, "PT1HT2M" says it twice. */
    if (taken <= 0 || in.rest.bytes > 0) {
        return LANTOA_EINVAL;
    }
    *duration_out = (struct base_duration){.months = (int)months, .ms = ms};
    return 0;
}

int base_parse_minute(struct str text, int *minute_out) {
    struct reader in = {text};
    int hour, minute;
    if (!take_number(&in, 1, 2, &hour) || !take_char(&in, ':') ||
        !take_number(&in, 2, 2, &minute) || in.rest.bytes > 0 || minute > 59 ||
        hour * 60 + minute > 1440) {
        return LANTOA_EINVAL;
    }
    *minute_out = hour * 60 + minute;
    return 0;
}
