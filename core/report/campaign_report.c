/* The campaign report: the ledger counted by step, state, reason, place or day; links; the funnel.
 * Every axis adds up to the audience of each step. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "campaign/store.h"
#include "report/figure_part.h"
#include "report/kinds.h"
#include "report/ledger_part.h"
#include "report/numbers_part.h"
#include "tracking/click.h"

static const struct report_column state_columns[] = {
    {"state", "state", REPORT_WORD}, {"messages", "messages", REPORT_COUNT | REPORT_SUM}};
static const struct report_column reason_columns[] = {{"state", "state", REPORT_WORD},
    {"reason", "reason", REPORT_WORD}, {"messages", "messages", REPORT_COUNT | REPORT_SUM}};
static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"state", "state", REPORT_WORD},
    {"messages", "messages", REPORT_COUNT | REPORT_SUM}};
static const struct report_column day_columns[] = {{"day", "day", REPORT_DATE},
    {"state", "state", REPORT_WORD}, {"messages", "messages", REPORT_COUNT | REPORT_SUM}};
static const struct report_column step_columns[] = {
    {"step", "step", REPORT_TEXT}, {"occurrence", "occurrence", REPORT_NUMBER},
    {"step_state", "step state", REPORT_WORD}, {"messages", "messages", REPORT_COUNT | REPORT_SUM},
#define COLUMN(name, value, word) {word, word, REPORT_COUNT | REPORT_SUM},
    MESSAGE_STATES(COLUMN)
#undef COLUMN
};
static const struct report_column link_columns[] = {{"step", "step", REPORT_TEXT},
    {"occurrence", "occurrence", REPORT_NUMBER}, {"link", "link", REPORT_NUMBER},
    {"url", "url", REPORT_TEXT}, {"people", "people", REPORT_COUNT | REPORT_SUM},
    {"human", "human", REPORT_COUNT | REPORT_SUM},
    {"machine", "machine", REPORT_COUNT | REPORT_SUM}};
static const struct report_column funnel_columns[] = {{"stage", "stage", REPORT_WORD},
    {"messages", "messages", REPORT_COUNT}, {"of_first", "of the first", REPORT_PERCENT},
    {"of_before", "of the one before", REPORT_PERCENT}};

struct making {
    const struct report_request *request;
    struct report *report;
    struct tally tally;
    int64_t campaign_id;
};
#define ADD_TABLE(m, heading, columns)                                                             \
    report_add_table((m)->report, "main", heading, columns, sizeof columns / sizeof columns[0])

static int64_t state_sum(const struct tally *tally, int state) {
    int64_t sum = 0;
    for (size_t s = 0; s < tally->step_count; s++) {
        sum += tally_step_state(&tally->steps[s], state);
    }
    return sum;
}

static int by_state(struct making *m, struct base_err *err) {
    (void)err;
    struct report_table *table = ADD_TABLE(m, TR("Messages by state"), state_columns);
    for (int state = 0; state < MESSAGE_STATE_COUNT; state++) {
        int64_t count = state_sum(&m->tally, state);
        if (count) {
            report_put_word(table, message_state_word(state));
            report_put_i64(table, count);
        }
    }
    report_table_sum(table, TR("Total"));
    return 0;
}

struct reason_row {
    int state, reason;
    int64_t count;
};

static int by_count(const void *a, const void *b) {
    const struct reason_row *x = a;
    const struct reason_row *y = b;
    if (x->state != y->state) {
        return x->state - y->state;
    }
    return x->count != y->count ? (y->count > x->count) - (y->count < x->count)
                                : x->reason - y->reason;
}

static int by_reason(struct making *m, struct base_err *err) {
    (void)err;
    struct report_table *table = ADD_TABLE(m, TR("Messages by reason"), reason_columns);
    struct reason_row rows[MESSAGE_STATE_COUNT * TALLY_REASONS];
    size_t count = 0;
    for (int state = 0; state < MESSAGE_STATE_COUNT; state++) {
        for (int reason = 0; reason < TALLY_REASONS; reason++) {
            struct reason_row row = {state, reason, 0};
            for (size_t s = 0; s < m->tally.step_count; s++) {
                row.count += m->tally.steps[s].counts[state][reason];
            }
            if (row.count) {
                rows[count++] = row;
            }
        }
    }
    qsort(rows, count, sizeof rows[0], by_count);
    for (size_t i = 0; i < count; i++) {
        report_put_word(table, message_state_word(rows[i].state));
        report_put_word(table, message_reason_word(rows[i].reason));
        report_put_i64(table, rows[i].count);
    }
    report_table_sum(table, TR("Total"));
    return 0;
}

static void put_place(struct report_table *table, const struct tally *tally, size_t at,
    struct str code, struct str name) {
    const struct tally_place *place = &tally->places[at];
    for (int state = 0; state < MESSAGE_STATE_COUNT; state++) {
        int64_t count = 0;
        for (size_t c = 0; c < tally->group_count; c++) {
            count += place->counts[c * MESSAGE_STATE_COUNT + (size_t)state];
        }
        if (count) {
            report_put_text(table, code);
            report_put_text(table, name);
            report_put_word(table, message_state_word(state));
            report_put_i64(table, count);
        }
    }
}

static int by_place(struct making *m, struct base_err *err) {
    struct report_table *table = ADD_TABLE(m, TR("Messages by place"), place_columns);
    struct db_stmt *stmt = NULL;
    put_place(table, &m->tally, 0, STR(""), STR("-"));
    int rc = db_prepare(
        m->request->db, "SELECT id, code, name FROM place ORDER BY code, id", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        size_t at = ledger_part_place(&m->tally, db_column_i64(stmt, 0));
        if (at) {
            put_place(table, &m->tally, at, db_column_str(stmt, 1), db_column_str(stmt, 2));
        }
        rc = 0;
    }
    db_finish(&stmt);
    report_table_sum(table, TR("Total"));
    return rc;
}

static int by_day(struct making *m, struct base_err *err) {
    (void)err;
    struct report_table *table = ADD_TABLE(m, TR("Messages by day"), day_columns);
    for (size_t d = 0; d < m->tally.day_count; d++) {
        for (int state = 0; state < MESSAGE_STATE_COUNT; state++) {
            if (m->tally.days[d].counts[state]) {
                report_put_i64(table, m->tally.days[d].day);
                report_put_word(table, message_state_word(state));
                report_put_i64(table, m->tally.days[d].counts[state]);
            }
        }
    }
    report_table_sum(table, TR("Total"));
    return 0;
}

static int by_step(struct making *m, struct base_err *err) {
    (void)err;
    struct report_table *table = ADD_TABLE(m, TR("Messages by step"), step_columns);
    for (size_t s = 0; s < m->tally.step_count; s++) {
        const struct tally_step *step = &m->tally.steps[s];
        if (tally_step_sum(step) == 0) {
            continue;
        }
        report_put_text(table, str_from(step->name));
        report_put_i64(table, step->occurrence);
        report_put_word(table, step_state_word((enum step_state)step->state));
        report_put_i64(table, tally_step_sum(step));
        for (int state = 0; state < MESSAGE_STATE_COUNT; state++) {
            report_put_i64(table, tally_step_state(step, state));
        }
    }
    report_table_sum(table, TR("Total"));
    return 0;
}

/* What came in since somebody looked last. */
static int fold_clicks(struct db *db, struct base_err *err) {
    int64_t folded = 1;
    int rc = 0;
    while (rc == 0 && folded > 0) {
        rc = click_fold(db, base_clock_now_ms(), 5000, &folded, err);
    }
    return rc;
}

static int by_link(struct making *m, struct base_err *err) {
    struct report_table *table = ADD_TABLE(m, TR("Links"), link_columns);
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(m->request->db,
        "SELECT s.name, s.occurrence, x.link, coalesce(l.url, ''), coalesce(k.people, 0), "
        "coalesce(k.human, 0), coalesce(k.machine, 0) FROM step s JOIN (SELECT step_id, number AS "
        "link FROM link UNION SELECT step_id, link FROM click_count) x ON x.step_id = s.id "
        "LEFT JOIN link l ON l.step_id = x.step_id AND l.number = x.link "
        "LEFT JOIN click_count k ON k.step_id = x.step_id AND k.link = x.link "
        "WHERE s.campaign_id = ?1 ORDER BY s.position, s.occurrence, x.link",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, m->campaign_id);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        report_put_text(table, db_column_str(stmt, 0));
        report_put_i64(table, db_column_i64(stmt, 1));
        if (db_column_i64(stmt, 2) < 0) {
            report_put_text(table, STR("open"));
        } else {
            report_put_i64(table, db_column_i64(stmt, 2));
        }
        report_put_text(table, db_column_str(stmt, 3));
        for (int i = 4; i < 7; i++) {
            report_put_i64(table, db_column_i64(stmt, i));
        }
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static int by_funnel(struct making *m, struct base_err *err) {
    (void)err;
    struct report_table *table = ADD_TABLE(m, TR("From the audience to the click"), funnel_columns);
    int64_t stages[LEDGER_PART_STAGES];
    ledger_part_stages(&m->tally, stages);
    for (size_t i = 0; i < LEDGER_PART_STAGES; i++) {
        report_put_word(table, ledger_part_stage_word(i));
        report_put_i64(table, stages[i]);
        report_put_share(table, stages[i], stages[0]);
        report_put_share(table, stages[i], stages[i ? i - 1 : 0]);
    }
    return 0;
}

static int by_figure(struct making *m, struct base_err *err) {
    return figure_part_add(m->report, m->request->db, "main", m->request->name, NULL, err);
}

static const struct {
    const char *by;
    int what;
    int (*fill)(struct making *m, struct base_err *err);
} axes[] = {{"state", 0, by_state}, {"reason", 0, by_reason}, {"step", 0, by_step},
    {"place", TALLY_PLACES, by_place}, {"day", TALLY_DAYS, by_day}, {"link", 0, by_link},
    {"funnel", 0, by_funnel}, {"figure", 0, by_figure}};
#define AXES (sizeof axes / sizeof axes[0])

/* The offset of the campaign's own zone, and its window as the period. */
static int read_spec(struct making *m, const struct campaign_row *row, struct base_err *err) {
    struct campaign_spec *spec = NULL;
    const struct calendar_zone *zone = NULL;
    int rc = campaign_row_spec(row, &spec, err);
    if (rc == 0) {
        rc = calendar_zone_find(spec->timezone, &zone, err);
    }
    if (rc == 0) {
        m->report->offset_min =
            calendar_offset_min(zone, row->started_at ? row->started_at : row->changed_at);
        ledger_part_period(
            m->report, base_days_from_date(spec->from), base_days_from_date(spec->to));
    }
    campaign_spec_free(&spec);
    return rc;
}

static int fill(
    struct making *m, size_t axis, const struct campaign_row *row, struct base_err *err) {
    const struct report_request *request = m->request;
    const struct tally_filter filter = {.campaign_id = row->id};
    int what = axes[axis].what | (request->with_charts ? TALLY_DAYS : 0);
    int rc = read_spec(m, row, err);
    if (rc == 0) {
        rc = fold_clicks(request->db, err);
    }
    if (rc == 0 && (axes[axis].fill != by_link || request->with_charts)) {
        rc = tally_run(
            request->db, &filter, TALLY_BY_CHANNEL, what, m->report->offset_min, &m->tally, err);
    }
    if (rc == 0) {
        report_title(m->report, TR("Report of the campaign %s"), row->name);
        report_param(
            m->report, TR("State of the campaign"), "%s", TR(campaign_state_word(row->state)));
        rc = axes[axis].fill(m, err);
    }
    rc = rc ? rc : numbers_part_campaign(request, m->report, row->id, err);
    if (rc == 0 && axes[axis].fill != by_figure) {
        rc = figure_part_add(m->report, request->db, "figures", request->name, NULL, err);
    }
    if (rc == 0 && request->with_charts) {
        ledger_part_charts(m->report, &m->tally);
    }
    tally_release(&m->tally);
    return rc;
}

int report_campaign(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct making making = {.request = request, .report = report};
    struct campaign_row row = {0};
    const char *by = report_option(request, "by");
    size_t axis = 0;
    while (by && axis < AXES && strcmp(axes[axis].by, by) != 0) {
        axis++;
    }
    if (axis == AXES) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("--by %s: must be state, reason, step, place, day, link, funnel or figure"), by);
    }
    int rc = campaign_get(request->db, request->name, &row, err);
    if (rc == 0) {
        making.campaign_id = row.id;
        rc = fill(&making, axis, &row, err);
    }
    campaign_row_release(&row);
    return rc;
}
