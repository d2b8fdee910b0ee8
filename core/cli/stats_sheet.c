/* Reading the files of `lantoa stats`. Knows no statistics. */
#include "cli/stats_sheet.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static bool same_name(struct str a, struct str b) {
    return str_case_eq(a, b);
}

/* The field that a heading stands for: by --map, else by its own name. */
static struct str field_of(struct str heading, const char *const *map, size_t map_count) {
    for (size_t i = 0; i < map_count; i++) {
        struct str right = str_from(map[i]);
        struct str left = str_cut(&right, '=');
        if (same_name(str_trim(left), heading)) {
            return str_trim(right);
        }
    }
    return heading;
}

static int find_columns(struct stats_sheet *sheet, const char *const *map, size_t map_count) {
    for (size_t f = 0; f < sheet->field_count; f++) {
        sheet->column[f] = -1;
    }
    for (size_t c = 0; c < audience_csv_columns(sheet->csv); c++) {
        struct str field = field_of(audience_csv_heading(sheet->csv, c), map, map_count);
        for (size_t f = 0; f < sheet->field_count; f++) {
            if (!same_name(field, str_from(sheet->fields[f].name))) {
                continue;
            }
            if (sheet->column[f] >= 0) {
                return base_err_set(sheet->err, LANTOA_EINVAL, TR("%s:1: column %s stands twice"),
                    sheet->path, sheet->fields[f].name);
            }
            sheet->column[f] = (int)c;
        }
    }
    for (size_t f = 0; f < sheet->field_count; f++) {
        if (sheet->fields[f].required && sheet->column[f] < 0) {
            return base_err_set(sheet->err, LANTOA_EINVAL,
                TR("%s:1: no column %s; name it by --map HEADING=%s"), sheet->path,
                sheet->fields[f].name, sheet->fields[f].name);
        }
    }
    return 0;
}

int stats_sheet_open(TAKES struct audience_csv *csv, const char *path,
    const struct stats_field *fields, size_t field_count, const char *const *map, size_t map_count,
    struct stats_sheet *sheet_out, struct base_err *err) {
    *sheet_out = (struct stats_sheet){
        .csv = csv, .path = path, .fields = fields, .field_count = field_count, .err = err};
    if (audience_csv_rows(csv) > STATS_SHEET_ROWS_MAX) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("%s: more than %d rows"), path, STATS_SHEET_ROWS_MAX);
    }
    return find_columns(sheet_out, map, map_count);
}

void stats_sheet_close(struct stats_sheet *sheet) {
    audience_csv_close(&sheet->csv);
}

int stats_sheet_next(struct stats_sheet *sheet) {
    int answer = audience_csv_next(sheet->csv, &sheet->row, sheet->err);
    if (answer == 1 && sheet->row.fault) {
        return base_err_set(sheet->err, LANTOA_EINVAL, "%s:%lld: %s", sheet->path,
            (long long)sheet->row.line, sheet->row.fault);
    }
    sheet->rows += answer == 1;
    if (answer == 0 && sheet->rows == 0) {
        return base_err_set(
            sheet->err, LANTOA_EINVAL, TR("%s: there is no row below the heading"), sheet->path);
    }
    return answer;
}

bool stats_sheet_has(const struct stats_sheet *sheet, size_t field) {
    return sheet->column[field] >= 0;
}

struct str stats_sheet_text(const struct stats_sheet *sheet, size_t field) {
    int column = sheet->column[field];
    return column >= 0 && (size_t)column < sheet->row.count ? sheet->row.fields[column] : STR("");
}

int stats_sheet_fault(struct stats_sheet *sheet, size_t field, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    text[base_utf8_cut(str_from(text), sizeof text - 1)] = '\0';
    return base_err_set(sheet->err, LANTOA_EINVAL, TR("%s:%lld: column %s: %s"), sheet->path,
        (long long)sheet->row.line, sheet->fields[field].name, text);
}

#define SHOWN(s) (int)((s).bytes > 40 ? base_utf8_cut((s), 40) : (s).bytes), (s).at

int stats_sheet_count(
    struct stats_sheet *sheet, size_t field, int64_t missing, int64_t *value_out) {
    *value_out = missing;
    if (!stats_sheet_has(sheet, field)) {
        return 0;
    }
    struct str text = stats_sheet_text(sheet, field);
    /* Above this, sums of a million rows would leave the exact range of a double. */
    const int64_t most = INT64_C(1000000000);
    if (base_parse_i64(text, value_out) != 0 || *value_out < 0 || *value_out > most) {
        return stats_sheet_fault(
            sheet, field, TR("\"%.*s\" is no whole number from 0 to 1000000000"), SHOWN(text));
    }
    return 0;
}

int stats_parse_f64(struct str text, double *value_out) {
    char digits[64];
    struct str rest = text;
    bool minus = str_starts(rest, STR("-"));
    if (minus) {
        rest = str_of(rest.at + 1, rest.bytes - 1);
    }
    if (!str_starts(rest, STR(".")) || rest.bytes > sizeof digits - 3) {
        return base_parse_f64(text, value_out);
    }
    int bytes = snprintf(digits, sizeof digits, "%s0%.*s", minus ? "-" : "", STR_ARG(rest));
    return base_parse_f64(str_of(digits, (size_t)bytes), value_out);
}

int stats_sheet_number(struct stats_sheet *sheet, size_t field, double missing, double *value_out) {
    *value_out = missing;
    if (!stats_sheet_has(sheet, field)) {
        return 0;
    }
    struct str text = stats_sheet_text(sheet, field);
    if (stats_parse_f64(text, value_out) != 0 || !(fabs(*value_out) <= 1e15)) {
        return stats_sheet_fault(
            sheet, field, TR("\"%.*s\" is no number, with a point as in 3.66"), SHOWN(text));
    }
    return 0;
}

static void names_grow(struct stats_names *names) {
    size_t slots = names->slot_count ? names->slot_count * 2 : 64;
    base_free(names->slots);
    names->slots = base_alloc_array(slots, sizeof *names->slots);
    names->slot_count = slots;
    for (size_t i = 0; i < names->count; i++) {
        size_t at = base_hash64(names->name[i], strlen(names->name[i])) & (slots - 1);
        while (names->slots[at]) {
            at = (at + 1) & (slots - 1);
        }
        names->slots[at] = (uint32_t)i + 1;
    }
}

uint32_t stats_names_add(struct stats_names *names, struct str name) {
    if (names->count * 2 >= names->slot_count) {
        names_grow(names);
    }
    name.at = name.at ? name.at : "";
    size_t at = base_hash64(name.at, name.bytes) & (names->slot_count - 1);
    while (names->slots[at]) {
        uint32_t index = names->slots[at] - 1;
        if (str_is(name, names->name[index])) {
            return index;
        }
        at = (at + 1) & (names->slot_count - 1);
    }
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : 16;
        names->name = base_realloc(names->name, names->room * sizeof *names->name);
    }
    names->name[names->count] = base_strndup(name.at ? name.at : "", name.bytes);
    names->slots[at] = (uint32_t)++names->count;
    return (uint32_t)names->count - 1;
}

void stats_names_release(struct stats_names *names) {
    for (size_t i = 0; i < names->count; i++) {
        base_free(names->name[i]);
    }
    base_free(names->name);
    base_free(names->slots);
    *names = (struct stats_names){0};
}

/* "control", "C", "0", "đối chứng", ... */
static bool says_control(struct str arm) {
    static const char *const words[] = {"control", "c", "0", "doi chung", "holdout", "none", "no"};
    struct base_buf key;
    base_buf_init(&key, 256);
    bool found = false;
    if (base_text_key(&key, arm) == 0) {
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            found = found || str_is(base_buf_str(&key), words[i]);
        }
    }
    base_buf_release(&key);
    return found;
}

int stats_arms_read(struct stats_arms *arms, struct stats_sheet *sheet, size_t field) {
    struct str arm = stats_sheet_text(sheet, field);
    if (arm.bytes == 0) {
        return stats_sheet_fault(sheet, field, "%s", TR("is empty"));
    }
    bool control = arms->control ? str_is(arm, arms->control) : says_control(arm);
    if (!control && arms->treated && !str_is(arm, arms->treated)) {
        return 2;
    }
    /* One name for each side; a third arm, or two for the same side, is no comparison of two. */
    uint32_t place = stats_names_add(&arms->seen, arm);
    for (size_t i = 0; i < arms->seen.count; i++) {
        struct str other = str_from(arms->seen.name[i]);
        bool other_control = arms->control ? str_is(other, arms->control) : says_control(other);
        if (i != place && other_control == control) {
            return stats_sheet_fault(sheet, field,
                control ? TR("\"%.*s\" and \"%s\" both read as the control arm; say --control "
                             "NAME")
                        : TR("\"%.*s\" and \"%s\" are both no control arm; say --control NAME, "
                             "and --treated NAME when there are more than two"),
                SHOWN(arm), arms->seen.name[i]);
        }
    }
    return control ? 0 : 1;
}
