/* The ledger by theme and by channel. */
#include "base/tr.h"
#include "campaign/store.h"
#include "report/figure_part.h"
#include "report/kinds.h"
#include "report/ledger_part.h"
#include "report/numbers_part.h"

static const struct report_column theme_columns[] = {{"theme", "theme", REPORT_TEXT},
    LEDGER_PART_COLUMNS, {"people", "people reached", REPORT_COUNT},
    {"clicked", "followed a link", REPORT_COUNT | REPORT_SUM}};
static const struct report_column channel_columns[] = {{"channel", "channel", REPORT_TEXT},
    LEDGER_PART_COLUMNS, {"people", "people reached", REPORT_COUNT},
    {"clicked", "followed a link", REPORT_COUNT | REPORT_SUM}};
static const struct report_column campaign_columns[] = {{"campaign", "campaign", REPORT_TEXT},
    LEDGER_PART_COLUMNS, {"people", "people reached", REPORT_COUNT},
    {"clicked", "followed a link", REPORT_COUNT | REPORT_SUM}};
#define GROUP_COLUMNS (sizeof theme_columns / sizeof theme_columns[0])

/* --- themes and channels: a row for each, or for each campaign of one --- */

static void put_group(struct report_table *table, const struct tally *tally, size_t group) {
    int64_t states[MESSAGE_STATE_COUNT] = {0};
    int64_t clicked = 0;
    for (size_t s = 0; s < tally->step_count; s++) {
        for (int i = 0; tally->steps[s].group == group && i < MESSAGE_STATE_COUNT; i++) {
            states[i] += tally_step_state(&tally->steps[s], i);
        }
        clicked += tally->steps[s].group == group ? tally->steps[s].clicked : 0;
    }
    report_put_text(table, str_from(tally->groups[group]));
    ledger_part_put(table, states);
    report_put_i64(table, tally->group_reached[group]);
    report_put_i64(table, clicked);
}

static _Thread_local const struct tally *sorted_tally;

static int name_order(const void *a, const void *b) {
    const struct tally *tally = sorted_tally;
    int order = strcmp(tally->groups[*(const size_t *)a], tally->groups[*(const size_t *)b]);
    return order ? order
                 : (*(const size_t *)a > *(const size_t *)b) -
                       (*(const size_t *)a < *(const size_t *)b);
}

static void put_groups(struct report_table *table, const struct tally *tally) {
    size_t *order = base_alloc_array(tally->group_count + 1, sizeof *order);
    for (size_t g = 0; g < tally->group_count; g++) {
        order[g] = g;
    }
    sorted_tally = tally;
    qsort(order, tally->group_count, sizeof *order, name_order);
    for (size_t g = 0; g < tally->group_count; g++) {
        put_group(table, tally, order[g]);
    }
    base_free(order);
    report_table_sum(table, TR("Total"));
}

static void add_reach_chart(struct report *report, const struct report_table *table) {
    struct report_chart *chart = report_add_chart(report, "reached", REPORT_BARS,
        TR("People reached"), table->columns[0].label, TR("people reached"), REPORT_COUNT);
    for (size_t r = 0; r < report_table_plain_rows(table); r++) {
        const struct report_value *name = report_table_at(table, r, 0);
        struct report_point *point = report_chart_point(chart, str_of(name->text, name->bytes));
        point->value = (double)report_table_at(table, r, 1 + LEDGER_PART_COLUMN_COUNT)->i64;
    }
}

static int report_groups(const struct report_request *request, struct report *report,
    const struct tally_filter *filter, enum tally_by by, const struct report_column *columns,
    struct base_err *err) {
    struct tally tally;
    int what = TALLY_PEOPLE | (request->with_charts ? TALLY_DAYS : 0);
    int rc = tally_run(request->db, filter, by, what, request->offset_min, &tally, err);
    if (rc == 0) {
        struct report_table *table =
            report_add_table(report, "main", TR("Messages and people"), columns, GROUP_COLUMNS);
        put_groups(table, &tally);
        report_note(report, "%s",
            TR("People reached by several rows count once in each; so that column has no sum."));
        report_param_count(report, TR("People reached in all"), tally.reached);
        if (request->with_charts) {
            add_reach_chart(report, table);
            ledger_part_charts(report, &tally);
        }
    }
    tally_release(&tally);
    const enum attribution_by units[] = {[TALLY_BY_CHANNEL] = ATTRIBUTION_BY_CHANNEL,
        [TALLY_BY_THEME] = ATTRIBUTION_BY_THEME,
        [TALLY_BY_CAMPAIGN] = ATTRIBUTION_BY_CAMPAIGN};
    return rc ? rc
              : numbers_part_groups(
                    request, report, units[by], filter->theme_id, filter->channel_id, err);
}

/* The id of a theme by its name. LANTOA_ENOENT */
static int theme_id(struct db *db, const char *name, int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT id FROM theme WHERE name = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 0 ? base_err_set(err, LANTOA_ENOENT, TR("there is no theme \"%s\""), name)
                     : (rc == 1 ? 0 : rc);
    }
    db_finish(&stmt);
    return rc;
}

int report_theme(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct tally_filter filter = {0};
    int rc = request->name ? theme_id(request->db, request->name, &filter.theme_id, err) : 0;
    if (rc != 0) {
        return rc;
    }
    if (request->name) {
        report_title(report, TR("Report of the theme %s"), request->name);
        return report_groups(request, report, &filter, TALLY_BY_CAMPAIGN, campaign_columns, err);
    }
    report_title(report, "%s", TR("Report by theme"));
    return report_groups(request, report, &filter, TALLY_BY_THEME, theme_columns, err);
}

int report_channel(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct tally_filter filter = {0};
    struct channel_row row = {0};
    if (!request->name) {
        report_title(report, "%s", TR("Report by channel"));
        return report_groups(request, report, &filter, TALLY_BY_CHANNEL, channel_columns, err);
    }
    int rc = channel_get(request->db, request->name, &row, err);
    if (rc == 0) {
        filter.channel_id = row.id;
        report_title(report, TR("Report of the channel %s"), request->name);
        rc = report_groups(request, report, &filter, TALLY_BY_CAMPAIGN, campaign_columns, err);
    }
    if (rc == 0) {
        rc = figure_part_add(report, request->db, "figures", NULL, request->name, err);
    }
    channel_row_release(&row);
    return rc;
}
