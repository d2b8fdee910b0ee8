/* Targets with pace, forecast and rank; the balance of participants. */
#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"
#include "conversion/balance.h"
#include "conversion/outlook.h"
#include "report/kinds.h"
#include "report/ledger_part.h"
#include "report/place_view.h"
#include <math.h>

/* --- options --- */

static int read_day(
    const char *name, const char *text, int64_t fallback, int64_t *day_out, struct base_err *err) {
    struct base_date date;
    *day_out = fallback;
    if (!text) {
        return 0;
    }
    if (base_parse_date(str_from(text), &date) != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("--%s %s: no date"), name, text);
    }
    *day_out = base_days_from_date(date);
    return 0;
}

static int64_t today_of(const struct report_request *request) {
    struct base_civil now = base_civil_from_ms(request->now_ms, request->offset_min);
    return base_days_from_date((struct base_date){now.year, now.month, now.day});
}

/* "Phường Bắc Giang (Phường Thọ Xương, Xã Dĩnh Trì)": what it was put together from, seen from an
 * earlier day. */
static void put_place(
    struct report_table *table, const struct place_carry *places, int64_t place_id) {
    struct place_row info;
    struct base_buf name, old;
    if (!place_carry_info(places, place_id, &info)) {
        report_put_text(table, STR(""));
        report_put_text(table, STR("-"));
        return;
    }
    base_buf_init(&name, 1 << 16);
    base_buf_init(&old, 1 << 15);
    place_carry_old_names(places, place_id, &old);
    base_buf_printf(&name, "%.*s", STR_ARG(info.name));
    if (old.bytes) {
        base_buf_printf(&name, " (%.*s)", (int)old.bytes, old.at);
    }
    report_put_text(table, info.code);
    report_put_text(table, base_buf_str(&name));
    base_buf_release(&name);
    base_buf_release(&old);
}

/* --- targets --- */

static const struct report_column target_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"kind", "kind", REPORT_WORD}, {"from", "from", REPORT_DATE},
    {"to", "to", REPORT_DATE}, {"assigned", "as assigned", REPORT_COUNT},
    {"target", "target", REPORT_COUNT}, {"start", "at the start", REPORT_COUNT},
    {"reached", "reached", REPORT_COUNT}, {"of_assigned", "of the assigned", REPORT_PERCENT},
    {"of_target", "of the target", REPORT_PERCENT}, {"expected", "due by now", REPORT_COUNT},
    {"pace", "ahead of pace", REPORT_COUNT}, {"gap", "still to reach", REPORT_COUNT},
    {"forecast", "forecast", REPORT_COUNT}, {"forecast_low", "at least", REPORT_COUNT},
    {"forecast_high", "at most", REPORT_COUNT},
    {"forecast_of_target", "forecast of the target", REPORT_PERCENT},
    {"rank", "rank", REPORT_NUMBER}};

static void put_forecast(struct report_table *table, const struct outlook_row *row) {
    const struct outlook_forecast *f = &row->forecast;
    if (f->why) {
        for (int i = 0; i < 4; i++) {
            report_put_none(table, f->why);
        }
        return;
    }
    report_put_i64(table, llround(f->expected));
    report_put_i64(table, llround(f->low));
    report_put_i64(table, llround(f->high));
    report_put_share(table, llround(f->expected), row->value);
}

static void put_target(
    struct report_table *table, const struct place_carry *places, const struct outlook_row *row) {
    int64_t gap = row->value - row->reached;
    put_place(table, places, row->place_id);
    report_put_word(table, target_kind_word(row->kind));
    report_put_i64(table, row->from_days);
    report_put_i64(table, row->to_days);
    report_put_i64(table, row->assigned);
    report_put_i64(table, row->value);
    report_put_i64(table, row->start);
    report_put_i64(table, row->reached);
    report_put_share(table, row->reached, row->assigned);
    report_put_share(table, row->reached, row->value);
    report_put_i64(table, row->expected);
    report_put_i64(table, row->reached - row->expected);
    report_put_i64(table, gap > 0 ? gap : 0);
    put_forecast(table, row);
    if (row->rank) {
        report_put_i64(table, row->rank);
    } else {
        report_put_none(table, TR("a target of 0 is not ranked"));
    }
}

static void add_target_chart(struct report *report, const struct place_carry *places,
    const struct outlook_row *row, struct report_chart **chart) {
    struct place_row info = {.name = STR("-")};
    if (!*chart) {
        *chart = report_add_chart(report, "against_target", REPORT_BARS,
            TR("Reached, against the target"), TR("place"), TR("people"), REPORT_COUNT);
    }
    (void)place_carry_info(places, row->place_id, &info);
    struct report_point *point = report_chart_point(*chart, info.name);
    point->value = (double)row->reached;
    point->target = (double)row->value;
    point->has_target = true;
}

static bool wanted(const struct report_request *request, const char *level,
    const struct place_carry *places, const struct outlook_row *row) {
    const char *kind = report_option(request, "kind"), *code = report_option(request, "place");
    struct place_row info;
    if (!place_carry_info(places, row->place_id, &info)) {
        return !level && !code;
    }
    return (!kind || strcmp(kind, target_kind_word(row->kind)) == 0) &&
           (!level || str_is(info.level, level)) && (!code || str_is(info.code, code));
}

int report_target(
    const struct report_request *request, struct report *report, struct base_err *err) {
    int64_t on = 0, from = -1, to = -1;
    const char *kind = report_option(request, "kind"), *level = NULL;
    struct outlook *outlook = NULL;
    struct report_chart *chart = NULL;
    size_t count = 0;
    if (kind && strcmp(kind, "stock") != 0 && strcmp(kind, "flow") != 0) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the kind is stock or flow"));
    }
    int rc = read_day("on", report_option(request, "on"), today_of(request), &on, err);
    rc = rc ? rc : place_view_level(request, &level, err);
    rc = rc || !request->name ? rc : target_period(str_from(request->name), &from, &to, err);
    rc = rc ? rc : outlook_new(request->db, on, from, to, &outlook, err);
    if (rc) {
        return rc;
    }
    struct report_table *table =
        report_add_table(report, "main", TR("Targets and what was reached"), target_columns,
            sizeof target_columns / sizeof target_columns[0]);
    const struct place_carry *places = outlook_places(outlook);
    const struct outlook_row *rows = outlook_rows(outlook, &count);
    report_title(report, "%s", TR("Report of targets"));
    bool carried = false;
    for (size_t i = 0; i < count; i++) {
        if (wanted(request, level, places, &rows[i])) {
            put_target(table, places, &rows[i]);
            carried = carried || rows[i].carried;
            if (request->with_charts) {
                add_target_chart(report, places, &rows[i], &chart);
            }
        }
    }
    struct base_date day = base_date_from_days(on);
    report_param(report, TR("As of"), "%02d/%02d/%04d", day.day, day.month, day.year);
    report_note(report, "%s",
        TR("Forecast: what was reached plus the mean monthly flow of up to 12 full months, with a "
           "95 percent interval of counts that scatter more than chance (quasi-Poisson); without "
           "season "
           "and without changes of policy."));
    report_note(report, "%s",
        TR("Places share a rank when chance alone could swap them (95 percent intervals that "
           "overlap)."));
    if (carried) {
        report_note(report, "%s",
            TR("Targets of places that are gone are shared out to their successors."));
    }
    outlook_free(&outlook);
    return 0;
}

/* --- balance --- */

static const struct report_column balance_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"start", "start", REPORT_COUNT | REPORT_SUM},
    {"new", "new", REPORT_COUNT | REPORT_SUM}, {"returned", "returned", REPORT_COUNT | REPORT_SUM},
    {"lapsed", "lapsed", REPORT_COUNT | REPORT_SUM},
    {"to_compulsory", "to_compulsory", REPORT_COUNT | REPORT_SUM},
    {"pensioned", "pensioned", REPORT_COUNT | REPORT_SUM},
    {"lump_sum_exit", "lump_sum_exit", REPORT_COUNT | REPORT_SUM},
    {"died", "died", REPORT_COUNT | REPORT_SUM},
    {"moved_in", "moved_in", REPORT_COUNT | REPORT_SUM},
    {"moved_out", "moved_out", REPORT_COUNT | REPORT_SUM},
    {"end", "end", REPORT_COUNT | REPORT_SUM}};

enum { FAULTS_NAMED = 10 };
struct balancing {
    const struct place_carry *places;
    const char *level; /* NULL: every place as it is */
    struct balance_row *rows;
    size_t count, room;
    struct base_buf faults;
    int64_t fault_count;
};

static int take_row(void *arg, const struct balance_row *row) {
    struct balancing *b = arg;
    int64_t place =
        b->level ? place_carry_above(b->places, row->place_id, str_from(b->level)) : row->place_id;
    size_t at = 0;
    while (at < b->count && b->rows[at].place_id != place) {
        at++;
    }
    if (at == b->count) {
        if (b->count == b->room) {
            b->room = b->room ? 2 * b->room : 256;
            b->rows = base_realloc(b->rows, b->room * sizeof *b->rows);
        }
        b->rows[b->count++] = (struct balance_row){.place_id = place};
    }
    b->rows[at].start += row->start;
    b->rows[at].end += row->end;
    for (int i = 0; i < BALANCE_FLOWS; i++) {
        b->rows[at].flows[i] += row->flows[i];
    }
    return 0;
}

static int take_fault(void *arg, const struct balance_fault *fault) {
    struct balancing *b = arg;
    if (b->fault_count++ < FAULTS_NAMED) {
        base_buf_printf(&b->faults, TR("; enrolment %lld (contact %lld), %.*s on %.*s: %s"),
            (long long)fault->enrolment_id, (long long)fault->contact_id, STR_ARG(fault->event),
            STR_ARG(fault->event_date), fault->reason);
    }
    return 0;
}

/* domain facts, section 7 */
static bool identity_holds(const struct balance_row *row) {
    const int64_t *f = row->flows;
    return row->end == row->start + f[BALANCE_NEW] + f[BALANCE_RETURNED] - f[BALANCE_LAPSED] -
                           f[BALANCE_TO_COMPULSORY] - f[BALANCE_PENSIONED] -
                           f[BALANCE_LUMP_SUM_EXIT] - f[BALANCE_DIED] + f[BALANCE_MOVED_IN] -
                           f[BALANCE_MOVED_OUT];
}

static int put_balance(struct balancing *b, struct report_table *table, struct base_err *err) {
    for (size_t i = 0; i < b->count; i++) {
        const struct balance_row *row = &b->rows[i];
        if (!identity_holds(row)) {
            return base_err_set(err, LANTOA_ECORRUPT, TR("the balance of place %lld does not hold"),
                (long long)row->place_id);
        }
        put_place(table, b->places, row->place_id);
        report_put_i64(table, row->start);
        for (int f = 0; f < BALANCE_FLOWS; f++) {
            report_put_i64(table, row->flows[f]);
        }
        report_put_i64(table, row->end);
    }
    report_table_sum(table, TR("Total"));
    return 0;
}

static int run_balance(const struct report_request *request, struct balancing *b, int64_t from,
    int64_t to, int64_t places_on, struct place_carry **places_out, struct base_err *err) {
    char days[3][BASE_DATE_MAX];
    const int64_t numbers[] = {from, to, places_on};
    const struct balance_calls calls = {.row = take_row, .fault = take_fault, .arg = b};
    int64_t faults = 0;
    for (int i = 0; i < 3; i++) {
        base_format_date(base_date_from_days(numbers[i]), days[i]);
    }
    int rc = place_carry_new(request->db, days[2], places_out, err);
    b->places = *places_out;
    rc = rc ? rc : balance_each(request->db, days[0], days[1], days[2], &calls, &faults, err);
    if (rc == 0 && faults) {
        rc = base_err_set(err, LANTOA_EINVAL,
            TR("the balance does not hold: %lld events cannot be as they stand%.*s"),
            (long long)faults, (int)b->faults.bytes, b->faults.at);
    }
    return rc;
}

int report_balance(
    const struct report_request *request, struct report *report, struct base_err *err) {
    int64_t from = 0, to = 0, places_on = 0;
    struct balancing b = {0};
    struct place_carry *places = NULL;
    int rc = target_period(str_from(request->name), &from, &to, err);
    rc = rc ? rc : place_view_level(request, &b.level, err);
    rc = rc ? rc : read_day("places-on", report_option(request, "places-on"), to, &places_on, err);
    if (rc) {
        return rc;
    }
    base_buf_init(&b.faults, 1 << 14);
    rc = run_balance(request, &b, from, to, places_on, &places, err);
    if (rc == 0) {
        report_title(report, "%s", TR("Balance of participants"));
        ledger_part_period(report, from, to);
        rc = put_balance(&b,
            report_add_table(report, "main", TR("Participants at start and end"), balance_columns,
                sizeof balance_columns / sizeof balance_columns[0]),
            err);
    }
    if (rc == 0) {
        report_note(report, "%s",
            TR("End = start + new + returned - lapsed - to compulsory - pensioned - lump sum - "
               "died "
               "+ moved in - moved out, for every row and the sum."));
        if (request->with_charts) {
            struct report_chart *chart = report_add_chart(report, "participants", REPORT_BARS,
                TR("Participants at the end"), TR("place"), TR("people"), REPORT_COUNT);
            for (size_t i = 0; i < b.count; i++) {
                struct place_row info = {.name = STR("-")};
                (void)place_carry_info(places, b.rows[i].place_id, &info);
                report_chart_point(chart, info.name)->value = (double)b.rows[i].end;
            }
        }
    }
    place_carry_free(&places);
    base_buf_release(&b.faults);
    base_free(b.rows);
    return rc;
}
