/* Recorded, attributed and caused of campaigns; groups and places are in numbers_groups.c. */
#include "report/numbers_part.h"

#include "base/tr.h"
#include "campaign/store.h"
#include "report/conversion_part.h"
#include "report/ledger_part.h"

static const struct report_column number_columns[] = {{"number", "number", REPORT_WORD},
    {"enrolments", "enrolments", REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_PEOPLE},
    {"low", "from", REPORT_DECIMAL | REPORT_DIGITS(1)},
    {"high", "to", REPORT_DECIMAL | REPORT_DIGITS(1)}, {"meaning", "meaning", REPORT_TEXT}};

/* --- what campaigns caused --- */

static int has_lot(
    struct db *db, const struct campaign_row *row, bool *lot_out, struct base_err *err) {
    struct campaign_spec *spec = NULL;
    struct db_stmt *stmt = NULL;
    int rc = campaign_row_spec(row, &spec, err);
    *lot_out = rc == 0 && spec->has_holdout;
    campaign_spec_free(&spec);
    if (rc || *lot_out) {
        return rc;
    }
    rc = db_prepare(db, "SELECT 1 FROM experiment WHERE campaign_id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->id);
        rc = db_step(stmt, err);
        *lot_out = rc == 1;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static void take_result(
    struct report *report, const struct experiment *result, struct numbers_campaign *out) {
    const char *why = result->estimate_count && result->estimates[0].why[0]
                          ? result->estimates[0].why
                          : TR("no effect can be estimated");
    out->from_day = result->from_day;
    out->to_day = result->until_day < result->today ? result->until_day : result->today;
    out->waves = result->design == HOLDOUT_WAVES;
    out->caused.known = result->caused_known;
    out->caused.people = result->caused;
    out->caused.why = result->caused_known ? NULL : report_keep(report, str_from(why));
    out->cost_known = result->cost_known;
    out->cost_per = result->cost_per_caused;
    out->cost_why = report_keep(report, str_from(result->cost_why));
}

static int analyse(const struct report_request *request, struct report *report, int64_t from_day,
    int64_t to_day, struct numbers_campaign *out, struct base_err *err) {
    struct campaign_row row = {0};
    struct experiment result;
    bool lot = false;
    const struct experiment_ask ask = {.campaign_id = out->id,
        .today = conversion_part_today(request),
        .from_day = from_day,
        .until_day = to_day,
        .level = STATS_LEVEL};
    stats_estimate_clear(&out->caused.people);
    stats_estimate_clear(&out->cost_per);
    out->caused.why = out->cost_why = TR("no lot was drawn: nobody to compare with");
    int rc = campaign_get_id(request->db, out->id, &row, err);
    rc = rc ? rc : has_lot(request->db, &row, &lot, err);
    if (rc == 0 && lot) {
        rc = experiment_run(request->db, &ask, &result, err);
        if (rc == 0) {
            take_result(report, &result, out);
        }
    }
    campaign_row_release(&row);
    return rc;
}

static int read_list(struct db *db, struct report *report, int64_t campaign_id, int64_t theme_id,
    struct numbers_list *list, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    int rc = db_prepare(db,
        "SELECT g.id, g.theme_id, g.name FROM campaign g WHERE (?1 = 0 OR g.id = ?1) AND (?2 = 0 "
        "OR g.theme_id = ?2) AND (?1 <> 0 OR g.planned_at IS NOT NULL OR EXISTS (SELECT 1 FROM "
        "experiment e WHERE e.campaign_id = g.id)) AND g.name NOT LIKE ?3 ORDER BY g.name",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, theme_id);
        db_bind_text(stmt, 3, CAMPAIGN_SYSTEM_PREFIX "%");
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (list->count == room) {
            room = room ? 2 * room : 16;
            list->rows = base_realloc(list->rows, room * sizeof *list->rows);
        }
        list->rows[list->count++] = (struct numbers_campaign){.id = db_column_i64(stmt, 0),
            .theme_id = db_column_i64(stmt, 1),
            .name = report_keep(report, db_column_str(stmt, 2))};
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

int numbers_part_list(const struct report_request *request, struct report *report,
    int64_t campaign_id, int64_t theme_id, int64_t from_day, int64_t to_day,
    struct numbers_list *list, struct base_err *err) {
    *list = (struct numbers_list){0};
    int rc = read_list(request->db, report, campaign_id, theme_id, list, err);
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        rc = analyse(request, report, from_day, to_day, &list->rows[i], err);
    }
    return rc;
}

void numbers_part_list_release(struct numbers_list *list) {
    base_free(list->rows);
    *list = (struct numbers_list){0};
}

struct numbers_caused numbers_part_sum(const struct numbers_list *list, int64_t theme_id) {
    struct numbers_caused sum = {.why = TR("no campaign of it was planned")};
    double below = 0;
    double above = 0;
    size_t count = 0;
    stats_estimate_clear(&sum.people);
    for (size_t i = 0; i < list->count; i++) {
        const struct numbers_campaign *one = &list->rows[i];
        const struct stats_estimate *people = &one->caused.people;
        if (theme_id && one->theme_id != theme_id) {
            continue;
        }
        if (++count == 1) {
            sum = one->caused;
        } else if (!sum.known || !one->caused.known || !isfinite(people->low)) {
            sum.known = false;
            sum.why = TR("not each of its campaigns has been measured by a lot");
        } else {
            if (count == 2) {
                below =
                    (sum.people.estimate - sum.people.low) * (sum.people.estimate - sum.people.low);
                above = (sum.people.high - sum.people.estimate) *
                        (sum.people.high - sum.people.estimate);
            }
            below += (people->estimate - people->low) * (people->estimate - people->low);
            above += (people->high - people->estimate) * (people->high - people->estimate);
            sum.people.estimate += people->estimate;
            sum.people.low = sum.people.estimate - sqrt(below);
            sum.people.high = sum.people.estimate + sqrt(above);
            sum.people.se = sum.people.df = sum.people.p = sum.people.statistic = STATS_ABSENT;
        }
    }
    return sum;
}

/* --- the three as a table --- */

static void put(struct report_table *table, const char *word, double value,
    const struct stats_estimate *interval, const char *why, const char *meaning) {
    report_put_word(table, word);
    if (why) {
        report_put_none(table, why);
    } else {
        report_put_f64(table, value);
    }
    report_put_f64(table, interval && !why ? interval->low : STATS_ABSENT);
    report_put_f64(table, interval && !why ? interval->high : STATS_ABSENT);
    report_put_text(table, str_from(meaning));
}

void numbers_part_put(struct report *report, const char *key, const struct numbers *numbers) {
    struct report_table *table = report_add_table(report, key, TR("Three numbers, never added up"),
        number_columns, sizeof number_columns / sizeof number_columns[0]);
    char rule[160];
    snprintf(rule, sizeof rule, TR("shared out to this campaign by a rule, the model \"%s\""),
        numbers->model ? numbers->model : "-");
    put(table, "recorded", numbers->recorded, NULL, NULL,
        TR("all that the registry recorded in these days"));
    put(table, "attributed", numbers->attributed, NULL, numbers->attributed_why, rule);
    put(table, "caused", numbers->caused.people.estimate, &numbers->caused.people,
        numbers->caused.known ? NULL : numbers->caused.why,
        TR("more than without the campaign, by comparison of what the lot put apart"));
}

void numbers_part_days(struct report *report, int64_t from_day, int64_t to_day) {
    struct base_date from = base_date_from_days(from_day);
    struct base_date to = base_date_from_days(to_day);
    if (to_day < from_day) {
        report_param(report, TR("Enrolments counted"), TR("none yet, from %02d/%02d/%04d on"),
            from.day, from.month, from.year);
        return;
    }
    report_param(report, TR("Enrolments counted"), TR("%02d/%02d/%04d to %02d/%02d/%04d"), from.day,
        from.month, from.year, to.day, to.month, to.year);
}

int numbers_part_credit(const struct report_request *request, struct report *report,
    struct attribution_ask *ask, struct attribution *credit, const char **why_out,
    struct base_err *err) {
    struct base_err why = {0};
    ask->offset_min = request->offset_min;
    *why_out = NULL;
    int rc = attribution_run(request->db, ask, credit, &why);
    if (rc == LANTOA_EINVAL || rc == LANTOA_ELIMIT) {
        *why_out = report_keep(report, str_from(why.text));
        if (!ask->places) {
            return 0;
        }
        /* The registry's numbers by place stand without the model. */
        why = (struct base_err){0};
        attribution_release(credit);
        ask->by = ATTRIBUTION_TOGETHER;
        ask->model_given = true;
        ask->model = STATS_CREDIT_LAST;
        rc = attribution_run(request->db, ask, credit, &why);
    }
    return rc ? base_err_set(err, rc, "%s", why.text) : 0;
}

int numbers_part_campaign(const struct report_request *request, struct report *report,
    int64_t campaign_id, struct base_err *err) {
    struct numbers_list list = {0};
    struct attribution credit = {0};
    struct attribution_ask ask = {.campaign_id = campaign_id, .by = ATTRIBUTION_TOGETHER};
    struct numbers numbers = {0};
    int64_t theme = 0;
    if (request->main_only) {
        return 0;
    }
    int rc = numbers_part_list(request, report, campaign_id, 0, 0, 0, &list, err);
    if (rc == 0 && list.count && list.rows[0].from_day) {
        ask.recorded.from_day = list.rows[0].from_day;
        ask.recorded.to_day = list.rows[0].to_day;
    } else if (rc == 0) {
        rc = conversion_part_scope(
            request, &campaign_id, &theme, &ask.recorded.from_day, &ask.recorded.to_day, err);
    }
    rc =
        rc ? rc : numbers_part_credit(request, report, &ask, &credit, &numbers.attributed_why, err);
    if (rc == 0 && list.count) {
        numbers.recorded = credit.recorded;
        numbers.model = stats_credit_name(credit.model);
        numbers.caused = list.rows[0].caused;
        for (size_t i = 0; i < credit.row_count; i++) {
            numbers.attributed += credit.rows[i].credit;
        }
        numbers_part_put(report, "numbers", &numbers);
        numbers_part_days(report, ask.recorded.from_day, ask.recorded.to_day);
    }
    attribution_release(&credit);
    numbers_part_list_release(&list);
    return rc;
}
