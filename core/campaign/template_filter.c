/* The filters of a template: numbers, money, dates, names and phones as Vietnamese readers write
 * them, or English ones. Pure functions over texts; numbers stay decimal texts all the way, so that
 * no digit is lost to binary rounding. */
#include "campaign/template_private.h"

#include "base/civil.h"
#include "base/text.h"

#include <unicase.h>

#define FILTER_NAME(name) [TEMPLATE__FILTER_##name] = #name,
static const char *const filter_names[] = {FILTER_NAME(or) TEMPLATE_FILTERS(FILTER_NAME)};
#undef FILTER_NAME

const char *template__filter_name(enum template__filter_kind kind) {
    return filter_names[kind];
}

bool template__filter_find(struct str name, enum template__filter_kind *kind_out) {
    for (size_t i = 0; i < sizeof(filter_names) / sizeof(filter_names[0]); i++) {
        if (str_is(name, filter_names[i])) {
            *kind_out = (enum template__filter_kind)i;
            return true;
        }
    }
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* --- decimal numbers --- */

enum { DIGITS_MOST = 40 };

struct decimal {
    bool negative;
    char whole[DIGITS_MOST]; /* without leading zeros; at least one digit */
    size_t whole_count;
    char fraction[DIGITS_MOST]; /* without trailing zeros */
    size_t fraction_count;
};

/* Removes the grouping from "1.234.567" in place of digits_out; false when it is no well-formed
 * grouping by that mark. */
static bool ungroup(struct str text, char mark, char digits_out[DIGITS_MOST], size_t *count_out) {
    size_t since = 0, count = 0;
    bool grouped = false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] == mark) {
            if (since == 0 || since > 3 || (grouped && since != 3)) {
                return false;
            }
            grouped = true;
            since = 0;
        } else if (!is_digit(text.at[i]) || count == DIGITS_MOST) {
            return false;
        } else {
            digits_out[count++] = text.at[i];
            since++;
        }
    }
    *count_out = count;
    return count > 0 && (!grouped || since == 3);
}

static size_t count_of(struct str text, char c) {
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        count += text.at[i] == c;
    }
    return count;
}

/* One mark only, three digits behind it and one to three (not a lone 0) before: 1.500 may be 1500
 * or 1,5. */
static bool two_meanings(struct str text, size_t mark) {
    return text.bytes - mark == 4 && mark >= 1 && mark <= 3 && text.at[0] != '0';
}

/* Which mark is the decimal one? '\0': none. false: cannot be known. */
static bool decimal_mark(struct str text, char *mark_out) {
    size_t points = count_of(text, '.'), commas = count_of(text, ',');
    *mark_out = '\0';
    if (points && commas) {
        const char *point = memrchr(text.at, '.', text.bytes);
        const char *comma = memrchr(text.at, ',', text.bytes);
        *mark_out = point > comma ? '.' : ',';
        return (point > comma ? points : commas) == 1;
    }
    if (points + commas != 1) {
        return true; /* none at all, or a grouping */
    }
    *mark_out = points ? '.' : ',';
    size_t at = (size_t)((const char *)memchr(text.at, *mark_out, text.bytes) - text.at);
    return !two_meanings(text, at);
}

static bool decimal_read(struct str text, struct decimal *number_out) {
    *number_out = (struct decimal){0};
    text = str_trim(text);
    if (text.bytes > 0 && (text.at[0] == '-' || text.at[0] == '+')) {
        number_out->negative = text.at[0] == '-';
        text = str_of(text.at + 1, text.bytes - 1);
    }
    char mark;
    if (!decimal_mark(text, &mark)) {
        return false;
    }
    struct str whole = text, fraction = {0};
    if (mark) {
        fraction = text;
        whole = str_cut(&fraction, mark);
        if (fraction.bytes == 0 || fraction.bytes > DIGITS_MOST) {
            return false;
        }
    }
    /* The grouping mark is the one that is not the decimal mark. */
    char group = mark == ',' || (!mark && count_of(text, '.')) ? '.' : ',';
    if (!ungroup(whole, group, number_out->whole, &number_out->whole_count)) {
        return false;
    }
    for (size_t i = 0; i < fraction.bytes; i++) {
        if (!is_digit(fraction.at[i])) {
            return false;
        }
        number_out->fraction[i] = fraction.at[i];
    }
    number_out->fraction_count = fraction.bytes;
    while (number_out->fraction_count > 0 &&
           number_out->fraction[number_out->fraction_count - 1] == '0') {
        number_out->fraction_count--;
    }
    size_t zeros = 0;
    while (zeros + 1 < number_out->whole_count && number_out->whole[zeros] == '0') {
        zeros++;
    }
    number_out->whole_count -= zeros;
    memmove(number_out->whole, number_out->whole + zeros, number_out->whole_count);
    return true;
}

/* To a whole number, half away from zero: dong have no smaller unit. */
static bool decimal_round(struct decimal *number) {
    bool up = number->fraction_count > 0 && number->fraction[0] >= '5';
    number->fraction_count = 0;
    for (size_t i = number->whole_count; up && i-- > 0;) {
        up = number->whole[i] == '9';
        number->whole[i] = (char)(up ? '0' : number->whole[i] + 1);
    }
    if (up) {
        if (number->whole_count == DIGITS_MOST) {
            return false;
        }
        memmove(number->whole + 1, number->whole, number->whole_count++);
        number->whole[0] = '1';
    }
    return true;
}

static void decimal_print(const struct decimal *number, bool english, struct base_buf *out) {
    bool zero = number->fraction_count == 0 && number->whole_count == 1 && number->whole[0] == '0';
    if (number->negative && !zero) {
        base_buf_add_char(out, '-');
    }
    for (size_t i = 0; i < number->whole_count; i++) {
        if (i > 0 && (number->whole_count - i) % 3 == 0) {
            base_buf_add_char(out, english ? ',' : '.');
        }
        base_buf_add_char(out, number->whole[i]);
    }
    if (number->fraction_count > 0) {
        base_buf_add_char(out, english ? '.' : ',');
        base_buf_add(out, number->fraction, number->fraction_count);
    }
}

static int filter_number(struct str value, bool english, struct base_buf *out) {
    struct decimal number;
    if (!decimal_read(value, &number)) {
        return LANTOA_EINVAL;
    }
    decimal_print(&number, english, out);
    return 0;
}

static int filter_money(struct str value, bool english, struct base_buf *out) {
    struct decimal number;
    if (!decimal_read(value, &number) || !decimal_round(&number)) {
        return LANTOA_EINVAL;
    }
    if (english) {
        base_buf_add_text(out, "VND ");
    }
    decimal_print(&number, english, out);
    if (!english) {
        base_buf_add_text(out, " đ");
    }
    return 0;
}

static int filter_percent(struct str value, bool english, struct base_buf *out) {
    struct decimal number;
    if (!decimal_read(value, &number)) {
        return LANTOA_EINVAL;
    }
    decimal_print(&number, english, out);
    base_buf_add_text(out, english ? "%" : " %");
    return 0;
}

/* --- dates --- */

static void date_print(struct base_civil civil, bool english, struct base_buf *out) {
    static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (english) {
        base_buf_printf(out, "%d %s %d", civil.day, months[civil.month - 1], civil.year);
    } else {
        base_buf_printf(out, "%02d/%02d/%d", civil.day, civil.month, civil.year);
    }
}

/* A date-time is shown in the zone it is written in. */
static int civil_read(struct str value, struct base_civil *civil_out, bool *has_time_out) {
    struct base_date date;
    if (base_parse_date(value, &date) == 0) {
        *civil_out = (struct base_civil){.year = date.year, .month = date.month, .day = date.day};
        *has_time_out = false;
        return 0;
    }
    bool has_offset;
    int offset_min;
    *has_time_out = true;
    return base_parse_datetime(value, civil_out, &has_offset, &offset_min);
}

static int filter_date(struct str value, bool english, struct base_buf *out) {
    struct base_civil civil;
    bool has_time;
    value = str_trim(value);
    if (civil_read(value, &civil, &has_time) == 0) {
        date_print(civil, english, out);
        return 0;
    }
    /* Of some people only the year of birth is known. */
    if (value.bytes == 4 && is_digit(value.at[0]) && is_digit(value.at[1]) &&
        is_digit(value.at[2]) && is_digit(value.at[3])) {
        base_buf_add_str(out, value);
        return 0;
    }
    return LANTOA_EINVAL;
}

static int filter_datetime(struct str value, bool english, struct base_buf *out) {
    struct base_civil civil;
    bool has_time;
    if (civil_read(str_trim(value), &civil, &has_time)) {
        return LANTOA_EINVAL;
    }
    date_print(civil, english, out);
    if (has_time) {
        base_buf_printf(out, " %02d:%02d", civil.hour, civil.minute);
    }
    return 0;
}

/* --- texts --- */

/* One character for one: the long forms of some scripts (German sharp s) stay as they are,
 * Vietnamese has none. */
static int filter_case(struct str value, ucs4_t (*map)(ucs4_t), struct base_buf *out) {
    if (!base_utf8_valid(value)) {
        return LANTOA_EINVAL;
    }
    for (size_t pos = 0; pos < value.bytes;) {
        base_utf8_add(out, (uint32_t)map(base_utf8_next(value, &pos)));
    }
    return 0;
}

/* Vietnamese family names come first: "Nguyễn Thị Hoà" is addressed as Hoà. */
static int filter_first(struct str value, struct base_buf *out) {
    value = str_trim(value);
    const char *blank = memrchr(value.at, ' ', value.bytes);
    if (blank) {
        size_t skip = (size_t)(blank - value.at) + 1;
        value = str_of(value.at + skip, value.bytes - skip);
    }
    base_buf_add_str(out, value);
    return 0;
}

static int filter_url(struct str value, struct base_buf *out) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if (is_digit((char)c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '.' ||
            c == '_' || c == '~') {
            base_buf_add_char(out, (char)c);
        } else {
            char encoded[3] = {'%', hex[c >> 4], hex[c & 15]};
            base_buf_add(out, encoded, sizeof(encoded));
        }
    }
    return 0;
}

/* National numbers in groups: mobile 0912 345 678, Hanoi and Saigon 024 3825 1234, other areas 0204
 * 385 4321. */
static int filter_phone(struct str value, struct base_buf *out) {
    char digits[16];
    size_t count = 0;
    value = str_trim(value);
    bool abroad = value.bytes > 0 && value.at[0] == '+';
    if (abroad && str_starts(value, STR("+84"))) {
        abroad = false;
        digits[count++] = '0';
        value = str_of(value.at + 3, value.bytes - 3);
    }
    for (size_t i = abroad ? 1 : 0; i < value.bytes; i++) {
        char c = value.at[i];
        if (is_digit(c) && count < sizeof(digits)) {
            digits[count++] = c;
        } else if (c != ' ' && c != '.' && c != '-') {
            return LANTOA_EINVAL;
        }
    }
    if (abroad) {
        base_buf_add_char(out, '+');
        base_buf_add(out, digits, count);
        return count >= 7 ? 0 : LANTOA_EINVAL;
    }
    if (count < 10 || count > 11 || digits[0] != '0') {
        return LANTOA_EINVAL;
    }
    bool city = count == 11 && digits[1] == '2' && (digits[2] == '4' || digits[2] == '8');
    size_t first = city ? 3 : 4;
    size_t second = count == 10 ? 3 : city ? 4 : 3;
    base_buf_printf(out, "%.*s %.*s %.*s", (int)first, digits, (int)second, digits + first,
        (int)(count - first - second), digits + first + second);
    return 0;
}

int template__filter_run(
    enum template__filter_kind kind, bool english, struct str value, struct base_buf *out) {
    switch (kind) {
    case TEMPLATE__FILTER_number:
        return filter_number(value, english, out);
    case TEMPLATE__FILTER_money:
        return filter_money(value, english, out);
    case TEMPLATE__FILTER_date:
        return filter_date(value, english, out);
    case TEMPLATE__FILTER_datetime:
        return filter_datetime(value, english, out);
    case TEMPLATE__FILTER_percent:
        return filter_percent(value, english, out);
    case TEMPLATE__FILTER_upper:
        return filter_case(value, uc_toupper, out);
    case TEMPLATE__FILTER_lower:
        return filter_case(value, uc_tolower, out);
    case TEMPLATE__FILTER_strip:
        return base_text_strip(out, value);
    case TEMPLATE__FILTER_phone:
        return filter_phone(value, out);
    case TEMPLATE__FILTER_first:
        return filter_first(value, out);
    case TEMPLATE__FILTER_url:
        return filter_url(value, out);
    case TEMPLATE__FILTER_or:
        break; /* handled by the renderer: it alone knows of missing values */
    }
    return LANTOA_EINVAL;
}
