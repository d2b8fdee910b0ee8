/* How values look: to people in their language, and to programs. */
#include "base/civil.h"
#include "base/tr.h"
#include "report/private.h"
#include <inttypes.h>

#define NUMBER_CHARS 64

int report__digits(int kind) {
    int stated = kind >> 8 & 0xff;
    if (stated) {
        return stated - 1;
    }
    return REPORT_KIND(kind) == REPORT_DECIMAL || REPORT_KIND(kind) == REPORT_PERCENT ? 2 : 0;
}

bool report__is_right(int kind) {
    switch (REPORT_KIND(kind)) {
    case REPORT_NUMBER:
    case REPORT_COUNT:
    case REPORT_DECIMAL:
    case REPORT_PERCENT:
    case REPORT_MONEY:
        return true;
    case REPORT_TEXT:
    case REPORT_WORD:
    case REPORT_DATE:
    case REPORT_TIME:
        return false;
    }
    return false;
}

/* "-1234567.50" with the marks of the language: vi -1.234.567,50, en -1,234,567.50. */
static void add_grouped(struct base_buf *out, const char *number, bool grouped) {
    bool vi = base_tr_get() == BASE_LANG_VI;
    const char *dot = strchr(number, '.');
    size_t whole = dot ? (size_t)(dot - number) : strlen(number);
    size_t at = 0;
    if (number[0] == '-') {
        base_buf_add_char(out, '-');
        at = 1;
    }
    for (; at < whole; at++) {
        base_buf_add_char(out, number[at]);
        if (grouped && at + 1 < whole && (whole - at - 1) % 3 == 0) {
            base_buf_add_char(out, vi ? '.' : ',');
        }
    }
    if (dot) {
        base_buf_add_char(out, vi ? ',' : '.');
        base_buf_add_text(out, dot + 1);
    }
}

/* Rounded to no more than these digits; "-0" is no number people know. */
static void add_real(struct base_buf *out, double value, int digits) {
    char text[NUMBER_CHARS * 6];
    snprintf(text, sizeof text, "%.*f", digits, value);
    bool zero = text[0] == '-' && strspn(text + 1, "0.") == strlen(text + 1);
    add_grouped(out, zero ? text + 1 : text, true);
}

static void add_whole(struct base_buf *out, int64_t value, bool grouped) {
    char text[NUMBER_CHARS];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_grouped(out, text, grouped);
}

static void add_date(struct base_buf *out, int64_t days) {
    struct base_date date = base_date_from_days(days);
    if (base_tr_get() == BASE_LANG_VI) {
        base_buf_printf(out, "%02d/%02d/%04d", date.day, date.month, date.year);
    } else {
        base_buf_printf(out, "%04d-%02d-%02d", date.year, date.month, date.day);
    }
}

static void add_time(struct base_buf *out, int64_t ms, int offset_min) {
    struct base_civil civil = base_civil_from_ms(ms, offset_min);
    add_date(out, base_days_from_date((struct base_date){civil.year, civil.month, civil.day}));
    base_buf_printf(out, " %02d:%02d", civil.hour, civil.minute);
}

static void show_i64(
    const struct report_table *table, int kind, int64_t value, struct base_buf *out) {
    switch (REPORT_KIND(kind)) {
    case REPORT_TEXT:
    case REPORT_WORD:
    case REPORT_NUMBER:
        base_buf_printf(out, "%" PRId64, value);
        break;
    case REPORT_COUNT:
    case REPORT_MONEY:
        add_whole(out, value, true);
        break;
    case REPORT_DECIMAL:
        add_real(out, (double)value, report__digits(kind));
        break;
    case REPORT_PERCENT:
        add_real(out, 100.0 * (double)value, report__digits(kind));
        base_buf_add_text(out, " %");
        break;
    case REPORT_DATE:
        add_date(out, value);
        break;
    case REPORT_TIME:
        if (value) {
            add_time(out, value, table->offset_min);
        }
        break;
    }
}

void report__show_number(double value, int kind, struct base_buf *out) {
    bool percent = REPORT_KIND(kind) == REPORT_PERCENT;
    add_real(out, percent ? 100.0 * value : value, report__digits(kind));
    if (percent) {
        base_buf_add_text(out, " %");
    }
}

void report__show(const struct report_table *table, size_t column, const struct report_value *value,
    struct base_buf *out) {
    int kind = table->columns[column].kind;
    switch (value->fill) {
    case REPORT_BLANK:
        break;
    case REPORT_I64:
        show_i64(table, kind, value->i64, out);
        break;
    case REPORT_F64:
        report__show_number(value->f64, kind, out);
        break;
    case REPORT_BOOL:
        base_buf_add_text(out, value->i64 ? TR("yes") : TR("no"));
        break;
    case REPORT_STR:
        if (REPORT_KIND(kind) == REPORT_WORD && value->bytes) {
            base_buf_add_text(out, TR(value->text));
        } else {
            base_buf_add(out, value->text, value->bytes);
        }
        break;
    }
}

void report__plain(const struct report_table *table, size_t column,
    const struct report_value *value, struct base_buf *out) {
    char date[BASE_DATE_MAX];
    char time[BASE_ISO_MAX];
    int kind = REPORT_KIND(table->columns[column].kind);
    switch (value->fill) {
    case REPORT_BLANK:
        break;
    case REPORT_I64:
        if (kind == REPORT_DATE) {
            base_format_date(base_date_from_days(value->i64), date);
            base_buf_add_text(out, date);
        } else if (kind == REPORT_TIME) {
            base_format_iso(value->i64, table->offset_min, time);
            base_buf_add_text(out, value->i64 ? time : "");
        } else {
            base_buf_printf(out, "%" PRId64, value->i64);
        }
        break;
    case REPORT_F64: {
        /* The fewest digits that read back as the same number. */
        char text[NUMBER_CHARS];
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value->f64);
            if (strtod(text, NULL) == value->f64) {
                break;
            }
        }
        base_buf_add_text(out, text);
        break;
    }
    case REPORT_BOOL:
        base_buf_add_text(out, value->i64 ? "true" : "false");
        break;
    case REPORT_STR:
        base_buf_add(out, value->text, value->bytes);
        break;
    }
}

void report__whys_of(const struct report_table *table, struct report__whys *whys_out) {
    *whys_out = (struct report__whys){0};
    size_t cells = table->row_count * table->column_count;
    for (size_t i = 0; i < cells && whys_out->count < REPORT__WHY_MAX; i++) {
        const struct report_value *value = &table->cells[i];
        if (value->fill == REPORT_BLANK && value->text &&
            report__why_number(whys_out, value) == 0) {
            whys_out->why[whys_out->count++] = value->text;
        }
    }
}

size_t report__why_number(const struct report__whys *whys, const struct report_value *value) {
    for (size_t i = 0; value->fill == REPORT_BLANK && value->text && i < whys->count; i++) {
        if (strcmp(whys->why[i], value->text) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* --- the date of a report --- */

void report__as_of(const struct report *report, struct base_buf *out) {
    struct base_civil at = base_civil_from_ms(report->as_of_ms, report->offset_min);
    if (base_tr_get() == BASE_LANG_VI) {
        base_buf_printf(out, "Số liệu đến %02d giờ %02d phút ngày %02d/%02d/%04d", at.hour,
            at.minute, at.day, at.month, at.year);
    } else {
        base_buf_printf(out, "Figures as of %04d-%02d-%02d %02d:%02d", at.year, at.month, at.day,
            at.hour, at.minute);
    }
}

/* Days below 10 and the months 1 and 2 are written with a 0: Decree 30/2020/ND-CP, annex I, II.4.
 */
void report__date_of_place(const struct report *report, struct base_buf *out) {
    struct base_civil at = base_civil_from_ms(report->as_of_ms, report->offset_min);
    const char *place = report->heading.place ? report->heading.place : "……";
    if (base_tr_get() == BASE_LANG_VI) {
        base_buf_printf(out, "%s, ngày %02d tháng %s%d năm %d", place, at.day,
            at.month < 3 ? "0" : "", at.month, at.year);
    } else {
        base_buf_printf(out, "%s, %04d-%02d-%02d", place, at.year, at.month, at.day);
    }
}
