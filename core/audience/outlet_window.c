/* Times of the week: the text people write in a file, the JSON that is kept. Knows no outlet. */
#include "audience/outlet.h"
#include "audience/outlet_private.h"

#include "base/civil.h"
#include "base/text.h"
#include "base/tr.h"

enum { DAYS = 7, PART_MOST = 120 };

static const char *const day_words[DAYS] = {"mo", "tu", "we", "th", "fr", "sa", "su"};
static const char *const day_words_vi[DAYS] = {"t2", "t3", "t4", "t5", "t6", "t7", "cn"};

/* --- reading --- */

static int part_fault(struct str part, struct base_err *err, const char *why) {
    return base_err_set(err, LANTOA_EINVAL, "\"%.*s\": %s", (int)base_utf8_cut(part, PART_MOST),
        part.at ? part.at : "", why);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The time begins at the first digit that is no weekday's ("t2"). */
static size_t time_at(struct str part) {
    size_t at = 0;
    while (at < part.bytes &&
           !(is_digit(part.at[at]) && (at == 0 || (part.at[at - 1] | 0x20) != 't'))) {
        at++;
    }
    return at;
}

static int day_of(struct str word) {
    for (int day = 0; day < DAYS; day++) {
        if (str_case_eq(word, str_from(day_words[day])) ||
            str_case_eq(word, str_from(day_words_vi[day]))) {
            return day;
        }
    }
    return -1;
}

/* "mo-su", "mo,we,fr", "t2-t6, cn"; nothing: every day. 0 when it is none of these. */
static unsigned read_days(struct str text) {
    unsigned days = 0;
    struct str rest = str_trim(text);
    if (rest.bytes == 0) {
        return OUTLET_ALL_DAYS;
    }
    while (rest.bytes > 0) {
        struct str to = str_cut(&rest, ',');
        struct str from = str_cut(&to, '-');
        int first = day_of(str_trim(from));
        int last = to.bytes ? day_of(str_trim(to)) : first;
        if (first < 0 || last < 0) {
            return 0;
        }
        for (int day = first;; day = (day + 1) % DAYS) {
            days |= 1U << day;
            if (day == last) {
                break;
            }
        }
    }
    return days;
}

/* "05:00", "5:00", "5h", "17h30": minutes of the day, or -1. Moves *at behind it. */
static int read_minute(struct str text, size_t *at) {
    int parts[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        size_t digits = 0;
        while (*at < text.bytes && is_digit(text.at[*at]) && digits < 3) {
            parts[i] = parts[i] * 10 + (text.at[(*at)++] - '0');
            digits++;
        }
        if (digits > 2 || (i == 0 && digits == 0)) {
            return -1;
        }
        if (i == 1) {
            return digits == 1 || parts[1] > 59 ? -1 : parts[0] * 60 + parts[1];
        }
        char sign = *at < text.bytes ? text.at[*at] : '\0';
        bool hour_only =
            (sign | 0x20) == 'h' && !(*at + 1 < text.bytes && is_digit(text.at[*at + 1]));
        if (sign != ':' && (sign | 0x20) != 'h') {
            return -1;
        }
        ++*at;
        if (hour_only) {
            return parts[0] * 60;
        }
        if (*at >= text.bytes) {
            return -1;
        }
    }
    return -1;
}

static void skip_blanks(struct str text, size_t *at) {
    while (*at < text.bytes && text.at[*at] == ' ') {
        ++*at;
    }
}

/* "05:00-05:30", also with a dash. */
static bool read_range(struct str text, int *from_out, int *to_out) {
    static const char dash[] = "\xe2\x80\x93";
    size_t at = 0;
    *from_out = read_minute(text, &at);
    skip_blanks(text, &at);
    if (at < text.bytes && text.at[at] == '-') {
        at++;
    } else if (str_starts(str_of(text.at + at, text.bytes - at), STR(dash))) {
        at += sizeof dash - 1;
    } else {
        return false;
    }
    skip_blanks(text, &at);
    *to_out = read_minute(text, &at);
    return *from_out >= 0 && *to_out >= 0 && *from_out < OUTLET_DAY_MINUTES &&
           *to_out <= OUTLET_DAY_MINUTES && at == text.bytes;
}

static unsigned day_after(unsigned days) {
    return ((days << 1) | (days >> (DAYS - 1))) & OUTLET_ALL_DAYS;
}

static bool same_time(const struct outlet_window *a, const struct outlet_window *b) {
    return (a->days & b->days) && a->from_min < b->to_min && b->from_min < a->to_min;
}

static int read_part(struct str part, enum outlet_wrap wraps, struct outlet_window found[static 2],
    size_t *count_out, struct base_err *err) {
    size_t at = time_at(part);
    int from, to;
    unsigned days = read_days(str_of(part.at, at));
    if (!days) {
        return part_fault(
            part, err, TR("not days of the week (mo tu we th fr sa su, as mo-fr or mo,we,fr)"));
    }
    if (!read_range(str_of(part.at + at, part.bytes - at), &from, &to)) {
        return part_fault(part, err, TR("not a time from and to (write mo-su 05:00-05:30)"));
    }
    if (from == to || (to < from && wraps == OUTLET_NO_WRAP)) {
        return part_fault(part, err, TR("ends before it begins"));
    }
    found[0] = (struct outlet_window){days, from, to < from ? OUTLET_DAY_MINUTES : to};
    found[1] = (struct outlet_window){day_after(days), 0, to};
    *count_out = to < from && to > 0 ? 2 : 1;
    return 0;
}

int outlet_windows_parse(struct str text, enum outlet_wrap wraps,
    struct outlet_window windows_out[static OUTLET_WINDOWS_MAX], size_t *count_out,
    struct base_err *err) {
    *count_out = 0;
    while (text.bytes > 0) {
        struct str part = str_trim(str_cut(&text, ';'));
        struct outlet_window found[2];
        size_t count = 0;
        if (part.bytes == 0) {
            continue;
        }
        int rc = read_part(part, wraps, found, &count, err);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            for (size_t k = 0; k < *count_out && wraps == OUTLET_NO_WRAP; k++) {
                if (same_time(&windows_out[k], &found[i])) {
                    return part_fault(part, err, TR("lies over another window"));
                }
            }
            if (*count_out == OUTLET_WINDOWS_MAX) {
                return base_err_set(
                    err, LANTOA_ELIMIT, TR("more than %d windows"), OUTLET_WINDOWS_MAX);
            }
            windows_out[(*count_out)++] = found[i];
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* --- writing --- */

static void days_text(unsigned days, const char *const words[DAYS], struct base_buf *out) {
    bool first = true;
    for (int day = 0; day < DAYS; day++) {
        int last = day;
        if (!(days >> day & 1)) {
            continue;
        }
        while (last + 1 < DAYS && (days >> (last + 1) & 1)) {
            last++;
        }
        base_buf_printf(out, "%s%s", first ? "" : ",", words[day]);
        if (last > day) {
            base_buf_printf(out, "%c%s", last > day + 1 ? '-' : ',', words[last]);
        }
        first = false;
        day = last;
    }
}

static void minute_text(int minute, char out[static 8]) {
    (void)snprintf(out, 8, "%02d:%02d", minute / 60 % 100, minute % 60);
}

static void windows_text(const struct outlet_window *windows, size_t count,
    const char *const words[DAYS], struct base_buf *out) {
    for (size_t i = 0; i < count; i++) {
        char from[8], to[8];
        minute_text(windows[i].from_min, from);
        minute_text(windows[i].to_min, to);
        base_buf_add_text(out, i ? "; " : "");
        days_text(windows[i].days, words, out);
        base_buf_printf(out, " %s-%s", from, to);
    }
}

void outlet_windows_text(const struct outlet_window *windows, size_t count, struct base_buf *out) {
    windows_text(windows, count, day_words, out);
}

void outlet_windows_shown(const struct outlet_window *windows, size_t count, struct base_buf *out) {
    windows_text(windows, count, base_tr_get() == BASE_LANG_VI ? day_words_vi : day_words, out);
}

bool outlet_windows_touch(
    const struct outlet_window *windows, size_t count, int weekday, int from_min, int to_min) {
    for (size_t i = 0; i < count; i++) {
        if ((windows[i].days >> weekday & 1) && windows[i].from_min < to_min &&
            from_min < windows[i].to_min) {
            return true;
        }
    }
    return false;
}

const struct outlet_window *outlet__window_in_quiet(const struct outlet_window *windows,
    size_t count, const struct outlet_window *quiet, size_t quiet_count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < quiet_count; k++) {
            if (same_time(&windows[i], &quiet[k])) {
                return &windows[i];
            }
        }
    }
    return NULL;
}

/* --- JSON --- */

void outlet__windows_json(const struct outlet_window *windows, size_t count, struct base_buf *out) {
    base_buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        char from[8], to[8];
        minute_text(windows[i].from_min, from);
        minute_text(windows[i].to_min, to);
        base_buf_add_text(out, i ? ",{\"days\":\"" : "{\"days\":\"");
        days_text(windows[i].days, day_words, out);
        base_buf_printf(out, "\",\"from\":\"%s\",\"to\":\"%s\"}", from, to);
    }
    base_buf_add_char(out, ']');
}

int outlet__windows_from_json(struct str json,
    struct outlet_window windows_out[static OUTLET_WINDOWS_MAX], size_t *count_out,
    struct base_err *err) {
    json_t *list = json_loadb(json.at ? json.at : "", json.bytes, 0, NULL);
    size_t count = json_array_size(list);
    int rc = json_is_array(list) && count <= OUTLET_WINDOWS_MAX ? 0 : LANTOA_ECORRUPT;
    *count_out = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        json_t *item = json_array_get(list, i);
        const char *days = json_string_value(json_object_get(item, "days"));
        const char *from = json_string_value(json_object_get(item, "from"));
        const char *to = json_string_value(json_object_get(item, "to"));
        struct outlet_window *window = &windows_out[i];
        window->days = days ? read_days(str_from(days)) : 0;
        if (!window->days || !from || !to ||
            base_parse_minute(str_from(from), &window->from_min) != 0 ||
            base_parse_minute(str_from(to), &window->to_min) != 0 ||
            window->to_min <= window->from_min) {
            rc = LANTOA_ECORRUPT;
        }
    }
    json_decref(list);
    if (rc) {
        return base_err_set(err, rc, "%s", TR("the windows of an outlet are damaged"));
    }
    *count_out = count;
    return 0;
}
