/* The printable month of a commune's loudspeakers: days and times. */
#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "report/airing_scope.h"

#define DAY_MS (INT64_C(86400) * 1000)
#define HOURS_MOST 12 /* columns of times in a month */
#define CELL_BYTES_MAX 2000

/* --- which ones --- */

static int64_t midnight(int year, int month, int day, int offset_min) {
    return base_ms_from_civil((struct base_civil){year, month, day, 0, 0, 0, 0}, offset_min);
}

/* "2026-12" to its days; without the option the month of the report. */
static int read_month(const struct report_request *request, struct airing_scope *scope,
    struct base_date *first_out, struct base_err *err) {
    const char *text = report_option(request, "month");
    struct base_civil now = base_civil_from_ms(request->now_ms, request->offset_min);
    struct base_date first = {now.year, now.month, 1};
    char day[16];
    if (text) {
        snprintf(day, sizeof day, "%.8s-01", text);
        if (strlen(text) != 7 || base_parse_date(str_from(day), &first) != 0) {
            return base_err_set(err, LANTOA_EINVAL, TR("--month %s: no month like 2026-12"), text);
        }
    }
    int year = first.month == 12 ? first.year + 1 : first.year;
    int month = first.month == 12 ? 1 : first.month + 1;
    scope->filter.from_ms = midnight(first.year, first.month, 1, request->offset_min);
    scope->filter.to_ms = midnight(year, month, 1, request->offset_min);
    *first_out = first;
    return 0;
}

/* --- the month --- */

struct cell {
    int64_t day; /* from the first of the month */
    int hour;
    char *text;
};
struct month {
    struct report_request const *request;
    int64_t from_ms;
    struct cell *cells;
    size_t count, room;
    bool hours[24];
    int64_t airings, waiting;
};

static int note_airing(void *arg, const struct airing *a) {
    struct month *m = arg;
    if (a->state >= AIRING_DECLINED || a->message_state == MESSAGE_SUPPRESSED || a->start_ms == 0) {
        return 0;
    }
    struct base_civil at = base_civil_from_ms(a->start_ms, m->request->offset_min);
    if (m->count == m->room) {
        m->room = m->room ? 2 * m->room : 256;
        m->cells = base_realloc(m->cells, m->room * sizeof *m->cells);
    }
    bool open = a->state == AIRING_OFFERED;
    m->cells[m->count++] = (struct cell){(a->start_ms - m->from_ms) / DAY_MS, at.hour,
        base_printf("%02d:%02d %.*s: %.*s (%lld\")%s%.*s%s", at.hour, at.minute, STR_ARG(a->outlet),
            STR_ARG(a->title), (long long)a->seconds, a->code.bytes ? " " : "", STR_ARG(a->code),
            open ? " ?" : "")};
    m->hours[at.hour] = true;
    m->airings++;
    m->waiting += open;
    return 0;
}

/* The hours that have something, each a column; hours beyond the last column join it. */
static size_t columns_of(const struct month *m, struct report *report,
    struct report_column columns[HOURS_MOST + 1], int hours[HOURS_MOST]) {
    size_t count = 0;
    columns[0] = (struct report_column){"day", TR("day"), REPORT_TEXT};
    for (int hour = 0; hour < 24; hour++) {
        if (m->hours[hour] && count < HOURS_MOST) {
            char key[16];
            char label[16];
            snprintf(key, sizeof key, "h%02d", hour);
            snprintf(label, sizeof label, "%02d:00", hour);
            hours[count] = hour;
            columns[++count] = (struct report_column){report_keep(report, str_from(key)),
                report_keep(report, str_from(label)), REPORT_TEXT};
        }
    }
    return count;
}

static void put_days(const struct month *m, struct report_table *table, const int *hours,
    size_t count, struct base_date first, int64_t days) {
    static const char *const weekdays[] = {"mo", "tu", "we", "th", "fr", "sa", "su"};
    struct base_buf cell;
    int64_t start = base_days_from_date(first);
    base_buf_init(&cell, CELL_BYTES_MAX);
    for (int64_t day = 0; day < days; day++) {
        char label[64];
        struct base_date date = base_date_from_days(start + day);
        snprintf(label, sizeof label, "%s %02d/%02d", TR(weekdays[base_weekday(start + day)]),
            date.day, date.month);
        report_put_text(table, str_from(label));
        for (size_t h = 0; h < count; h++) {
            base_buf_clear(&cell);
            for (size_t i = 0; i < m->count; i++) {
                bool here =
                    m->cells[i].hour == hours[h] || (h + 1 == count && m->cells[i].hour > hours[h]);
                if (m->cells[i].day == day && here && cell.bytes + 200 < CELL_BYTES_MAX) {
                    base_buf_printf(&cell, "%s%s", cell.bytes ? "; " : "", m->cells[i].text);
                }
            }
            report_put_text(table, base_buf_str(&cell));
        }
    }
    base_buf_release(&cell);
}

static void fill_month(struct month *m, struct report *report, const struct airing_filter *filter,
    struct base_date first) {
    struct report_column *columns =
        base_arena_alloc(report->arena, (HOURS_MOST + 1) * sizeof *columns);
    int hours[HOURS_MOST] = {0};
    size_t count = columns_of(m, report, columns, hours);
    struct report_table *table = report_add_table(report, "days", "", columns, count + 1);
    put_days(m, table, hours, count, first, (filter->to_ms - filter->from_ms) / DAY_MS);
    report_param_count(report, TR("airings"), m->airings);
    if (m->waiting) {
        report_param_count(report, TR("not decided yet (?)"), m->waiting);
    }
    report_note(report, "%s",
        TR("Each entry: time, outlet, material and its length in seconds; with a code: who has "
           "played it tells the code. Reserved by the commune's approval; an emergency may "
           "interrupt."));
}

int report_airtime(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct airing_scope scope;
    struct base_date first = {0};
    struct month m = {.request = request};
    int rc = airing_scope_read(request, &scope, err);
    if (rc == 0) {
        rc = read_month(request, &scope, &first, err);
    }
    if (rc == 0) {
        const char *place = report_option(request, "place");
        m.from_ms = scope.filter.from_ms;
        report_title(report, "%s", TR("Broadcast schedule of the loudspeakers"));
        report_subtitle(report, "%s", place ? place : "");
        report_period(report, TR("month %d of %d"), first.month, first.year);
        rc = airing_each(request->db, &scope.filter, note_airing, &m, err);
    }
    if (rc == 0) {
        fill_month(&m, report, &scope.filter, first);
    }
    for (size_t i = 0; i < m.count; i++) {
        base_free(m.cells[i].text);
    }
    base_free(m.cells);
    airing_scope_release(&scope);
    return rc;
}
