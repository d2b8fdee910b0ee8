/* What begins with a digit: telephone numbers, dates, times, numbers of documents, amounts. */
#include "campaign/speech_private.h"

#include "base/civil.h"
#include "base/parse.h"

#include <stdio.h>

enum { NUMBER_DIGITS_MOST = 15, PHONE_MOST = 16 };

static size_t digits_at(const struct speech__scan *s, size_t pos) {
    size_t end = pos;
    while (speech__digit_at(s, end)) {
        end++;
    }
    return end - pos;
}

/* Digits as a number; -1 when there are none or too many. */
static int64_t whole(struct str digits) {
    int64_t value = 0;
    return base_parse_i64(digits, &value) == 0 ? value : -1;
}

static int64_t value_at(const struct speech__scan *s, size_t pos, size_t count) {
    return whole(str_of(s->text.at + pos, count));
}

/* --- telephone numbers and other rows of digits --- */

/* Digits in groups, a pause between them. */
static void say_groups(struct speech__scan *s, struct str digits, size_t first) {
    size_t at = 0, group = first;
    while (at < digits.bytes) {
        size_t count = digits.bytes - at < group ? digits.bytes - at : group;
        if (digits.bytes - at - count == 1) {
            count++;
        }
        if (at > 0) {
            speech__pause(s, ',');
        }
        speech__say_digits(s, str_of(digits.at + at, count));
        at += count;
        group = 3;
    }
}

/* 0912 345 678, +84912345678, 1900.9068: the end behind it, or 0. */
static size_t phone_end(const struct speech__scan *s, char digits[static PHONE_MOST], size_t *n) {
    size_t pos = s->pos + (speech__at(s, s->pos) == '+'), end = 0;
    bool plus = pos != s->pos;
    *n = 0;
    while (*n < PHONE_MOST - 1) {
        if (speech__digit_at(s, pos)) {
            digits[(*n)++] = speech__at(s, pos++);
            end = pos;
        } else if (*n > 0 && strchr(" .-", speech__at(s, pos)) && speech__at(s, pos) &&
                   speech__digit_at(s, pos + 1)) {
            pos++;
        } else {
            break;
        }
    }
    if (speech__digit_at(s, end)) {
        return 0;
    }
    digits[*n] = '\0';
    bool service = *n == 8 && (strncmp(digits, "1900", 4) == 0 || strncmp(digits, "1800", 4) == 0);
    bool home = !plus && digits[0] == '0' && (*n == 10 || *n == 11);
    bool abroad = plus && *n >= 9 && *n <= 15;
    return service || home || abroad ? end : 0;
}

static bool scan_phone(struct speech__scan *s) {
    char digits[PHONE_MOST];
    size_t count = 0, end = phone_end(s, digits, &count);
    if (!end) {
        return false;
    }
    if (speech__at(s, s->pos) == '+') {
        speech__say(s, "cộng");
    }
    say_groups(s, str_of(digits, count), 4);
    s->pos = end;
    return true;
}

/* Numbers of cards and the like, and short ones one dials. */
static bool scan_row(struct speech__scan *s) {
    size_t count = digits_at(s, s->pos);
    bool led = speech__at(s, s->pos) == '0' && count >= 3;
    bool dialled = count <= 4 && speech__before_is(s, "gọi máy hotline");
    if (!led && !dialled && count < 9 && count <= NUMBER_DIGITS_MOST) {
        return false;
    }
    say_groups(s, str_of(s->text.at + s->pos, count), count <= 4 ? 4 : 3);
    s->pos += count;
    return true;
}

/* --- dates --- */

struct day {
    int64_t day, month, year; /* year 0: none */
    size_t end;
};

static bool day_fits(const struct day *d) {
    struct base_date date = {(int)(d->year ? d->year : 2024), (int)d->month, (int)d->day};
    return d->day >= 1 && d->day <= 31 && d->month >= 1 && d->month <= 12 && base_date_valid(date);
}

/* 1/12/2026, 01-12-2026, 1.12.2026, 1/12 */
static bool read_day(const struct speech__scan *s, size_t pos, struct day *out) {
    size_t first = digits_at(s, pos), second, third;
    char sign = speech__at(s, pos + first);
    if (first < 1 || first > 2 || !sign || !strchr("/.-", sign)) {
        return false;
    }
    size_t at = pos + first + 1;
    second = digits_at(s, at);
    if (second < 1 || second > 2) {
        return false;
    }
    *out = (struct day){value_at(s, pos, first), value_at(s, at, second), 0, at + second};
    third = speech__at(s, out->end) == sign ? digits_at(s, out->end + 1) : 0;
    if (third == 4) {
        out->year = value_at(s, out->end + 1, 4);
        out->end += 5;
    } else if (third > 0 || sign != '/') {
        return false;
    }
    return day_fits(out);
}

/* 2026-12-01 */
static bool read_iso(const struct speech__scan *s, struct day *out) {
    struct base_date date;
    if (digits_at(s, s->pos) != 4 || s->text.bytes - s->pos < 10 ||
        speech__digit_at(s, s->pos + 10) ||
        base_parse_date(str_of(s->text.at + s->pos, 10), &date) != 0) {
        return false;
    }
    *out = (struct day){date.day, date.month, date.year, s->pos + 10};
    return true;
}

static void say_month(struct speech__scan *s, int64_t month) {
    if (month == 4) {
        speech__say(s, "tư");
    } else {
        speech__say_number(s, (uint64_t)month);
    }
}

static void say_day(struct speech__scan *s, const struct day *d) {
    bool mung = speech__before_is(s, "mùng mồng");
    if (!mung && !speech__before_is(s, "ngày")) {
        speech__say(s, "ngày");
    }
    if (d->day <= 10 && !mung) {
        speech__say(s, "mùng");
    }
    speech__say_number(s, (uint64_t)d->day);
    speech__say(s, "tháng");
    say_month(s, d->month);
    if (d->year) {
        speech__say(s, "năm");
        speech__say_number(s, (uint64_t)d->year);
    }
    s->pos = d->end;
}

/* "1/12" is a day where one is expected, else a fraction. */
static bool day_expected(const struct speech__scan *s, const struct day *d) {
    struct day other;
    size_t next = d->end;
    while (speech__at(s, next) == ' ') {
        next++;
    }
    bool to = speech__at(s, next) == '-' && read_day(s, next + 1, &other);
    return to || s->range ||
           speech__before_is(s,
               "ngày mùng mồng nay mai qua từ đến tới trước sau hạn sáng trưa chiều tối đêm hết");
}

static bool scan_date(struct speech__scan *s) {
    struct day d;
    if (read_iso(s, &d) || (read_day(s, s->pos, &d) && (d.year || day_expected(s, &d)))) {
        say_day(s, &d);
        return true;
    }
    size_t first = digits_at(s, s->pos), at = s->pos + first + 1;
    int64_t month = value_at(s, s->pos, first);
    bool quarter = speech__before_is(s, "quý");
    if (first <= 2 && speech__at(s, at - 1) == '/' && digits_at(s, at) == 4 && month >= 1 &&
        month <= (quarter ? 4 : 12) && speech__at(s, at + 4) != '/') {
        if (!quarter && !speech__before_is(s, "tháng")) {
            speech__say(s, "tháng");
        }
        say_month(s, month);
        speech__say(s, "năm");
        speech__say_number(s, (uint64_t)value_at(s, at, 4));
        s->pos = at + 4;
        return true;
    }
    return false;
}

/* --- times --- */

/* 7h, 7h30, 17g30, 07:30, 07:30:00 */
static bool scan_time(struct speech__scan *s) {
    size_t first = digits_at(s, s->pos), at = s->pos + first + 1;
    char sign = speech__at(s, at - 1);
    int64_t hour = value_at(s, s->pos, first);
    size_t second = digits_at(s, at);
    bool hours_only = sign == 'h' && second == 0 && !speech__letter_at(s, at);
    bool minutes = second == 2 && strchr("hgH:", sign) && sign && !speech__letter_at(s, at + 2);
    if (first < 1 || first > 2 || hour > 24 || (!hours_only && !minutes) ||
        (minutes && value_at(s, at, 2) > 59)) {
        return false;
    }
    int64_t minute = minutes ? value_at(s, at, 2) : 0;
    speech__say_number(s, (uint64_t)hour);
    speech__say(s, "giờ");
    if (minute > 0) {
        speech__say_number(s, (uint64_t)minute);
        speech__say(s, "phút");
    }
    s->pos = at + (minutes ? 2 : 0);
    if (sign == ':' && speech__at(s, s->pos) == ':' && digits_at(s, s->pos + 1) == 2) {
        s->pos += 3;
    }
    while (speech__at(s, s->pos) == '\'') {
        s->pos++;
    }
    return true;
}

/* --- numbers --- */

struct number {
    char digits[NUMBER_DIGITS_MOST + 1]; /* before the decimal sign, without separators */
    struct str fraction;                 /* .at NULL: none */
    size_t end;
};

static bool group_at(const struct speech__scan *s, size_t pos, char sign) {
    return speech__at(s, pos) == sign && digits_at(s, pos + 1) == 3;
}

static bool add_digits(const struct speech__scan *s, struct number *n, size_t pos, size_t count) {
    size_t have = strlen(n->digits);
    if (have + count > NUMBER_DIGITS_MOST) {
        return false;
    }
    memcpy(n->digits + have, s->text.at + pos, count);
    n->digits[have + count] = '\0';
    return true;
}

/* A decimal comma, or point, with its digits. */
static void read_fraction(const struct speech__scan *s, struct number *n) {
    char sign = speech__at(s, n->end);
    size_t count = sign == ',' || sign == '.' ? digits_at(s, n->end + 1) : 0;
    char after = count ? speech__at(s, n->end + 1 + count) : '\0';
    bool more = (after == '.' || after == ',') && speech__digit_at(s, n->end + 2 + count);
    if (count > 0 && !more) {
        n->fraction = str_of(s->text.at + n->end + 1, count);
        n->end += 1 + count;
    }
}

static bool read_number(const struct speech__scan *s, struct number *n) {
    size_t first = digits_at(s, s->pos);
    *n = (struct number){.end = s->pos + first};
    if (!add_digits(s, n, s->pos, first)) {
        return false;
    }
    char sign = speech__at(s, n->end);
    bool dots = first <= 3 && sign == '.' && group_at(s, n->end, '.');
    bool commas = first <= 3 && sign == ',' && group_at(s, n->end, ',') &&
                  (group_at(s, n->end + 4, ',') || strncmp(s->text.at + n->end + 1, "000", 3) == 0);
    while ((dots || commas) && group_at(s, n->end, sign)) {
        if (!add_digits(s, n, n->end + 1, 3)) {
            return false;
        }
        n->end += 4;
    }
    read_fraction(s, n);
    return true;
}

static void say_read_number(struct speech__scan *s, const struct number *n) {
    int64_t value = whole(str_from(n->digits));
    bool plain = !n->fraction.at;
    if (plain && value == 4 && speech__before_is(s, "tháng thứ quý")) {
        speech__say(s, "tư");
    } else if (plain && value == 1 && speech__before_is(s, "thứ")) {
        speech__say(s, "nhất");
    } else {
        speech__say_number(s, (uint64_t)value);
    }
    if (plain) {
        return;
    }
    speech__say(s, "phẩy");
    if (n->fraction.at[0] == '0' || n->fraction.bytes > 2) {
        speech__say_digits(s, n->fraction);
    } else {
        speech__say_number(s, (uint64_t)whole(n->fraction));
    }
}

/* "%", "đ", "km" behind a number; one letter only when nothing stands between. */
static void say_unit(struct speech__scan *s) {
    size_t at = s->pos;
    bool apart = speech__at(s, at) == ' ';
    if (apart) {
        at++;
    } else if (strncmp(s->text.at + at, "\xc2\xa0", s->text.bytes - at < 2 ? 0 : 2) == 0 &&
               s->text.bytes - at >= 2) {
        at += 2;
    }
    const struct speech__entry *unit = speech__find(s, &s->speech->units, at);
    bool letter = unit && unit->key.bytes == 1 && speech__letter_at(s, at);
    if (!unit || (apart && letter)) {
        return;
    }
    speech__say_str(s, unit->words);
    s->pos = at + unit->key.bytes;
}

/* "/tháng" behind an amount. */
static void say_per(struct speech__scan *s) {
    const struct speech__entry *per =
        speech__at(s, s->pos) == '/' ? speech__find(s, &s->speech->per, s->pos + 1) : NULL;
    if (per) {
        speech__say(s, "một");
        s->pos += 1;
    }
}

/* 1/2 "một phần hai", 24/7 "hai mươi bốn trên bảy", 159/2025/NĐ-CP. */
static bool scan_slash(struct speech__scan *s) {
    size_t first = digits_at(s, s->pos), at = s->pos + first + 1;
    size_t second = speech__at(s, at - 1) == '/' ? digits_at(s, at) : 0;
    if (first > 6 || second < 1 || second > 6) {
        return false;
    }
    int64_t above = value_at(s, s->pos, first), below = value_at(s, at, second);
    bool document = speech__at(s, at + second) == '/';
    speech__say_number(s, (uint64_t)above);
    speech__say(s, document && second == 4 ? "năm" : !document && above < below ? "phần" : "trên");
    speech__say_number(s, (uint64_t)below);
    s->pos = at + second;
    if (document) {
        speech__pause(s, ',');
        s->pos++;
    }
    return true;
}

/* "-" or a dash to another number. */
static bool range_follows(const struct speech__scan *s, size_t *next_out) {
    static const char dash[] = "\xe2\x80\x93";
    size_t at = s->pos;
    while (speech__at(s, at) == ' ') {
        at++;
    }
    if (speech__at(s, at) == '-') {
        at++;
    } else if (str_starts(str_of(s->text.at + at, s->text.bytes - at), STR(dash))) {
        at += sizeof dash - 1;
    } else {
        return false;
    }
    while (speech__at(s, at) == ' ') {
        at++;
    }
    *next_out = at;
    return speech__digit_at(s, at);
}

void speech__scan_digits(struct speech__scan *s) {
    struct number number;
    size_t next;
    if (scan_phone(s)) {
        s->range = false;
        return;
    }
    if (speech__at(s, s->pos) == '+') {
        speech__say(s, "cộng");
        s->pos++;
        return;
    }
    if (!scan_date(s) && !scan_time(s) && !scan_slash(s)) {
        if (scan_row(s)) {
            s->range = false;
            return;
        }
        if (read_number(s, &number)) {
            s->pos = number.end;
            say_read_number(s, &number);
        } else { /* longer than any amount: digit by digit */
            size_t count = digits_at(s, s->pos);
            say_groups(s, str_of(s->text.at + s->pos, count), 3);
            s->pos += count;
        }
        say_unit(s);
        say_per(s);
    }
    s->range = range_follows(s, &next);
    if (s->range) {
        speech__say(s, "đến");
        s->pos = next;
    }
}
