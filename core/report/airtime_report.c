/* Reports on loudspeakers: the printable month of a commune (days and times), and how what was
 * planned ran. */
#include "audience/outlet.h"
#include "audience/place.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "delivery/airing.h"
#include "report/kinds.h"

#define DAY_MS (INT64_C(86400) * 1000)
#define HOURS_MOST 12 /* columns of times in a month */
#define CELL_BYTES_MAX 2000

/* --- which ones --- */

struct scope {
    int64_t *places;
    struct airing_filter filter;
};

static int read_place(
    const struct report_request *request, struct scope *scope, struct base_err *err) {
    const char *text = report_option(request, "place");
    int64_t *ids = NULL;
    size_t count = 0;
    if (!text) {
        return 0;
    }
    int rc = place_find(request->db, str_from(text), &ids, &count, err);
    if (rc == 0) {
        rc = place_under(request->db, ids, count, &scope->places, &scope->filter.place_count, err);
        scope->filter.place_ids = scope->places;
    }
    base_free(ids);
    return rc;
}

static int64_t midnight(int year, int month, int day, int offset_min) {
    return base_ms_from_civil((struct base_civil){year, month, day, 0, 0, 0, 0}, offset_min);
}

/* "2026-12" to its days; without the option the month of the report. */
static int read_month(const struct report_request *request, struct scope *scope,
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

static int read_day(const struct report_request *request, const char *name, int64_t add_ms,
    int64_t *ms_out, struct base_err *err) {
    const char *text = report_option(request, name);
    struct base_date date;
    if (!text) {
        return 0;
    }
    if (base_parse_date(str_from(text), &date) != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("--%s %s: no date like 2026-12-01"), name, text);
    }
    *ms_out = midnight(date.year, date.month, date.day, request->offset_min) + add_ms;
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
        base_printf("%02d:%02d %.*s: %.*s (%lld\")%s", at.hour, at.minute, STR_ARG(a->outlet),
            STR_ARG(a->title), (long long)a->seconds, open ? " ?" : "")};
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
        TR("Each entry: time, outlet, material and its length in seconds. Reserved by the "
           "commune's approval; an emergency may interrupt."));
}

int report_airtime(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct scope scope = {0};
    struct base_date first = {0};
    struct month m = {.request = request};
    int rc = read_place(request, &scope, err);
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
    base_free(scope.places);
    return rc;
}

/* --- as run --- */

/* X(key, label): what became of airings; they add up to the planned ones. */
#define ENDS(X)                                                                                    \
    X(played, "played")                                                                            \
    X(cut, "cut")                                                                                  \
    X(missed, "missed")                                                                            \
    X(refused, "declined, withdrawn, expired")                                                     \
    X(open, "still open")
#define END_ENUM(key, label) END_##key,
enum end { ENDS(END_ENUM) END_COUNT };
#undef END_ENUM

struct tally {
    int64_t outlet_id, households, planned, ends[END_COUNT], planned_s, heard_ms, confirmed;
    char *code, *name, *owner, *place;
};
struct as_run {
    struct tally *rows;
    size_t count, room;
    struct report_table *lost; /* those that were not heard in full */
    int offset_min;
};

static enum end end_of(const struct airing *a) {
    switch (a->message_state) {
    case MESSAGE_DELIVERED:
        return a->played_ms > 0 && a->played_ms < (a->seconds - 1) * 1000 ? END_cut : END_played;
    case MESSAGE_FAILED:
        return a->played_ms > 0 ? END_cut : END_missed;
    case MESSAGE_SUPPRESSED:
        return END_refused;
    default:
        return a->state >= AIRING_DECLINED ? END_refused : END_open;
    }
}

static struct tally *tally_of(struct as_run *run, const struct airing *a) {
    for (size_t i = run->count; i-- > 0;) {
        if (run->rows[i].outlet_id == a->outlet_id) {
            return &run->rows[i];
        }
    }
    if (run->count == run->room) {
        run->room = run->room ? 2 * run->room : 64;
        run->rows = base_realloc(run->rows, run->room * sizeof *run->rows);
    }
    struct tally *t = &run->rows[run->count++];
    *t = (struct tally){.outlet_id = a->outlet_id,
        .households = a->households,
        .code = base_strndup(a->outlet.at, a->outlet.bytes),
        .name = base_strndup(a->outlet_name.at, a->outlet_name.bytes),
        .owner = base_strndup(a->owner.at, a->owner.bytes),
        .place = base_strndup(a->place.at, a->place.bytes)};
    return t;
}

static int count_airing(void *arg, const struct airing *a) {
    struct as_run *run = arg;
    struct tally *t = tally_of(run, a);
    enum end end = end_of(a);
    t->planned++;
    t->ends[end]++;
    t->planned_s += a->seconds;
    t->heard_ms += a->played_at ? a->played_ms : 0;
    t->confirmed += a->confirmed_by.bytes > 0;
    if (end != END_played && end != END_open) {
        struct str why = a->reason.bytes ? a->reason : a->detail;
        report_put_i64(run->lost, a->start_ms);
        report_put_text(run->lost, a->outlet);
        report_put_text(run->lost, a->campaign);
        report_put_text(run->lost, a->title);
        report_put_i64(run->lost, a->seconds);
        report_put_i64(run->lost, a->played_at ? a->played_ms / 1000 : 0);
        report_put_word(run->lost, message_state_word(a->message_state));
        report_put_text(
            run->lost, why.bytes ? why : str_from(TR(message_reason_word(a->message_reason))));
    }
    return 0;
}

static void put_tallies(struct as_run *run, struct report_table *table) {
    for (size_t i = 0; i < run->count; i++) {
        struct tally *t = &run->rows[i];
        report_put_text(table, str_from(t->code));
        report_put_text(table, str_from(t->name));
        report_put_word(table, t->owner);
        report_put_text(table, str_from(t->place));
        report_put_i64(table, t->planned);
        for (size_t e = 0; e < END_COUNT; e++) {
            report_put_i64(table, t->ends[e]);
        }
        report_put_share(table, t->ends[END_played], t->planned);
        report_put_i64(table, t->confirmed);
        report_put_f64(table, (double)t->planned_s / 60);
        report_put_f64(table, (double)t->heard_ms / 60000);
        report_put_i64(table, t->households);
    }
    report_table_sum(table, TR("all"));
}

/* Households that heard at least one outlet that played something. */
static int put_reach(const struct report_request *request, const struct as_run *run,
    struct report *report, struct base_err *err) {
    int64_t *ids = base_alloc_array(run->count + 1, sizeof *ids);
    size_t count = 0;
    int64_t households = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->rows[i].heard_ms > 0) {
            ids[count++] = run->rows[i].outlet_id;
        }
    }
    int rc = outlet_reach(request->db, ids, count, &households, err);
    base_free(ids);
    if (rc == 0) {
        report_param_count(report, TR("households covered (an estimate)"), households);
        report_note(report, "%s",
            TR("Households are those that the outlets cover: an estimate, never people reached."));
    }
    return rc;
}

static const struct report_column *tally_columns(void) {
    static struct report_column columns[16];
    const struct report_column all[] = {{"outlet", TR("outlet"), REPORT_TEXT},
        {"name", TR("name"), REPORT_TEXT}, {"owner", TR("owner"), REPORT_WORD},
        {"place", TR("place"), REPORT_TEXT}, {"planned", TR("planned"), REPORT_COUNT | REPORT_SUM},
#define END_COLUMN(key, label) {#key, TR(label), REPORT_COUNT | REPORT_SUM},
        ENDS(END_COLUMN)
#undef END_COLUMN
            {"share", TR("share played"), REPORT_PERCENT},
        {"confirmed", TR("confirmed by people"), REPORT_COUNT | REPORT_SUM},
        {"planned_min", TR("minutes planned"), REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM},
        {"heard_min", TR("minutes played"), REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM},
        {"households", TR("households (estimate)"), REPORT_COUNT}};
    _Static_assert(sizeof all <= sizeof columns, "as many columns");
    memcpy(columns, all, sizeof all);
    return columns;
}
#define TALLY_COLUMNS (10 + END_COUNT)

static const struct report_column *lost_columns(void) {
    static struct report_column columns[8];
    columns[0] = (struct report_column){"start", TR("start"), REPORT_TIME};
    columns[1] = (struct report_column){"outlet", TR("outlet"), REPORT_TEXT};
    columns[2] = (struct report_column){"campaign", TR("campaign"), REPORT_TEXT};
    columns[3] = (struct report_column){"material", TR("material"), REPORT_TEXT};
    columns[4] = (struct report_column){"seconds", TR("seconds"), REPORT_COUNT};
    columns[5] = (struct report_column){"played_s", TR("heard, s"), REPORT_COUNT};
    columns[6] = (struct report_column){"state", TR("state"), REPORT_WORD};
    columns[7] = (struct report_column){"why", TR("why"), REPORT_TEXT};
    return columns;
}

int report_asrun(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct scope scope = {.filter = {.campaign = request->name}};
    struct as_run run = {.offset_min = request->offset_min};
    int rc = read_place(request, &scope, err);
    rc = rc ? rc : read_day(request, "from", 0, &scope.filter.from_ms, err);
    rc = rc ? rc : read_day(request, "to", DAY_MS, &scope.filter.to_ms, err);
    if (rc == 0) {
        report_title(report, "%s", TR("What the loudspeakers played"));
        report_subtitle(report, "%s", request->name ? request->name : "");
        struct report_table *table =
            report_add_table(report, "outlets", "", tally_columns(), TALLY_COLUMNS);
        run.lost =
            report_add_table(report, "lost", TR("Not heard, or not in full"), lost_columns(), 8);
        run.lost->offset_min = request->offset_min;
        rc = airing_each(request->db, &scope.filter, count_airing, &run, err);
        if (rc == 0) {
            put_tallies(&run, table);
            rc = put_reach(request, &run, report, err);
        }
    }
    for (size_t i = 0; i < run.count; i++) {
        base_free(run.rows[i].code);
        base_free(run.rows[i].name);
        base_free(run.rows[i].owner);
        base_free(run.rows[i].place);
    }
    base_free(run.rows);
    base_free(scope.places);
    return rc;
}
