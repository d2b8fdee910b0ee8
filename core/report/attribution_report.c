/* The report of attribution: conversions shared out by a stated rule; the sum is what the registry
 * recorded. */
#include "base/tr.h"
#include "campaign/store.h"
#include "conversion/attribution.h"
#include "report/conversion_part.h"
#include "report/kinds.h"
#include "report/ledger_part.h"

#define CREDIT_KIND (REPORT_DECIMAL | REPORT_DIGITS(2) | REPORT_SUM | REPORT_PEOPLE)

static const struct report_column unit_columns[] = {{"kind", "kind", REPORT_WORD},
    {"name", "credit to", REPORT_TEXT}, {"campaign", "campaign", REPORT_TEXT},
    {"credit", "enrolments", CREDIT_KIND}, {"share", "share", REPORT_PERCENT}};
static const struct report_column unit_place_columns[] = {{"kind", "kind", REPORT_WORD},
    {"name", "credit to", REPORT_TEXT}, {"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"credit", "enrolments", CREDIT_KIND}};
static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"recorded", "recorded", REPORT_COUNT | REPORT_SUM},
    {"credit", "attributed", CREDIT_KIND}, {"others", "other campaigns", CREDIT_KIND},
    {"nobody", "nobody's", CREDIT_KIND}, {"unmatched", "not matched", REPORT_COUNT | REPORT_SUM}};

struct making {
    const struct report_request *request;
    struct report *report;
    struct attribution_ask ask;
    struct attribution result;
    bool by_place; /* places alone */
};

/* --- options --- */

/* "channel", "place", "channel,place", "place,step", ... */
static int read_by(struct making *m, struct base_err *err) {
    const char *text = report_option(m->request, "by");
    struct str rest = str_from(text ? text : "channel");
    bool axis = false;
    m->ask.by = ATTRIBUTION_TOGETHER;
    while (rest.bytes) {
        static const char *const words[] = {
#define WORD(name, word) word,
            ATTRIBUTION_AXES(WORD)
#undef WORD
        };
        struct str word = str_trim(str_cut(&rest, ','));
        int found = str_is(word, "place") ? ATTRIBUTION_AXIS_COUNT : -1;
        for (int i = 0; i < ATTRIBUTION_AXIS_COUNT; i++) {
            found = str_is(word, words[i]) ? i : found;
        }
        if (found < 0 || (found < ATTRIBUTION_AXIS_COUNT && axis)) {
            return base_err_set(err, LANTOA_EINVAL,
                TR("--by %s: must be channel, step, campaign, theme or place, or one of the first "
                   "four with place, as channel,place"),
                text);
        }
        if (found == ATTRIBUTION_AXIS_COUNT) {
            m->ask.places = true;
        } else {
            m->ask.by = (enum attribution_by)found;
            axis = true;
        }
    }
    m->by_place = m->ask.places && !axis;
    return 0;
}

static int read_options(struct making *m, struct base_err *err) {
    const struct report_request *request = m->request;
    const char *model = report_option(request, "model");
    int rc = read_by(m, err);
    m->ask.offset_min = request->offset_min;
    if (rc == 0 && model) {
        m->ask.model_given = true;
        rc = stats_credit_model_parse(model, &m->ask.model, err);
    }
    rc = rc == 0 ? conversion_part_basis(request, &m->ask.recorded.by_registered, err) : rc;
    if (rc == 0) {
        rc = conversion_part_scope(request, &m->ask.campaign_id, &m->ask.theme_id,
            &m->ask.recorded.from_day, &m->ask.recorded.to_day, err);
    }
    return rc;
}

/* --- tables --- */

static void put_unit(struct report_table *table, const char *kind, const char *name,
    const char *campaign, double credit, double recorded) {
    report_put_word(table, kind);
    report_put_text(table, str_from(name));
    report_put_text(table, str_from(campaign));
    report_put_f64(table, credit);
    if (recorded > 0) {
        report_put_f64(table, credit / recorded);
    } else {
        report_put_none(table, TR("no enrolment"));
    }
}

static void by_unit(struct making *m) {
    const struct attribution *r = &m->result;
    struct report_table *table = report_add_table(m->report, "main", TR("Enrolments by credit"),
        unit_columns, sizeof unit_columns / sizeof unit_columns[0]);
    for (size_t i = 0; i < r->row_count; i++) {
        put_unit(
            table, "credit", r->rows[i].name, r->rows[i].campaign, r->rows[i].credit, r->recorded);
    }
    if (m->ask.campaign_id || m->ask.theme_id) {
        put_unit(table, "others", TR("other campaigns"), "", r->others, r->recorded);
    }
    put_unit(table, "nobody", TR("nobody's"), "", r->nobody, r->recorded);
    put_unit(table, "unmatched", TR("not matched to a contact"), "", r->unmatched, r->recorded);
    if (stats_credit_adds_up(r->model)) {
        report_table_sum(table, TR("Recorded"));
    }
}

static void put_place_row(struct report_table *table, const char *kind, const char *name,
    const struct conversion_part_place *place, double credit) {
    if (credit <= 0) {
        return;
    }
    report_put_word(table, kind);
    report_put_text(table, str_from(name));
    report_put_text(table, str_from(place->code));
    report_put_text(table, str_from(place->name));
    report_put_f64(table, credit);
}

static void by_unit_and_place(struct making *m, const struct conversion_part_places *places) {
    const struct attribution *r = &m->result;
    struct report_table *table =
        report_add_table(m->report, "main", TR("Enrolments by credit and place"),
            unit_place_columns, sizeof unit_place_columns / sizeof unit_place_columns[0]);
    for (size_t i = 0; i < r->row_count; i++) {
        put_place_row(table, "credit", r->rows[i].name,
            conversion_part_place(places, r->rows[i].place_id), r->rows[i].credit);
    }
    for (size_t i = 0; i < r->place_count; i++) {
        const struct attribution_place *at = &r->places[i];
        const struct conversion_part_place *place = conversion_part_place(places, at->place_id);
        put_place_row(table, "others", TR("other campaigns"), place, at->others);
        put_place_row(table, "nobody", TR("nobody's"), place, at->nobody);
        put_place_row(table, "unmatched", TR("not matched to a contact"), place, at->unmatched);
    }
    if (stats_credit_adds_up(r->model)) {
        report_table_sum(table, TR("Recorded"));
    }
}

static void by_place(struct making *m, const struct conversion_part_places *places) {
    const struct attribution *r = &m->result;
    struct report_table *table = report_add_table(m->report, "main", TR("Enrolments by place"),
        place_columns, sizeof place_columns / sizeof place_columns[0]);
    for (size_t i = 0; i < r->place_count; i++) {
        const struct attribution_place *at = &r->places[i];
        const struct conversion_part_place *place = conversion_part_place(places, at->place_id);
        report_put_text(table, str_from(place->code));
        report_put_text(table, str_from(place->name));
        report_put_i64(table, (int64_t)at->recorded);
        report_put_f64(table, at->credit);
        report_put_f64(table, at->others);
        report_put_f64(table, at->nobody);
        report_put_i64(table, (int64_t)at->unmatched);
    }
    report_table_sum(table, TR("Total"));
}

static void add_chart(struct making *m) {
    const struct attribution *r = &m->result;
    if (m->ask.places || !m->request->with_charts) {
        return;
    }
    struct report_chart *chart = report_add_chart(m->report, "credit", REPORT_BARS,
        TR("Enrolments by credit"), TR("credit to"), TR("enrolments"), CREDIT_KIND);
    for (size_t i = 0; i < r->row_count; i++) {
        report_chart_point(chart, str_from(r->rows[i].name))->value = r->rows[i].credit;
    }
    report_chart_point(chart, str_from(TR("nobody's")))->value = r->nobody;
}

/* Airings are touches of people of whom nobody knows whether they listened. */
static int note_airings(struct making *m, struct base_err *err) {
    int64_t any = 0;
    int rc = db_get_i64(m->request->db,
        "SELECT count(*) FROM (SELECT 1 FROM airing WHERE played_ms > 0 LIMIT 1) AS one", &any,
        err);
    if (rc == 0 && any) {
        report_note(m->report, "%s",
            TR("An airing counts for everybody who lives where it was played: an estimate, nobody "
               "knows who listened."));
    }
    return rc;
}

static int fill(struct making *m, struct base_err *err) {
    const struct attribution *r = &m->result;
    struct report *report = m->report;
    struct conversion_part_places places = {0};
    int rc = m->ask.places ? conversion_part_places_read(m->request->db, report, &places, err) : 0;
    if (rc != 0) {
        return rc;
    }
    double matched = r->recorded - r->unmatched;
    report_param(report, TR("Model"), "%s", stats_credit_name(r->model));
    report_param(report, TR("Days counted by"), "%s",
        m->ask.recorded.by_registered ? TR("registration") : TR("event"));
    report_param_count(report, TR("Recorded"), (int64_t)r->recorded);
    report_param_count(report, TR("Matched to a contact"), (int64_t)matched);
    if (m->by_place) {
        by_place(m, &places);
    } else if (m->ask.places) {
        by_unit_and_place(m, &places);
    } else {
        by_unit(m);
    }
    add_chart(m);
    conversion_part_windows(m->request->db, report);
    report_note(report, "%s",
        TR("Attributed is a rule of sharing, not an effect: what a campaign caused is told by "
           "\"report experiment\" only."));
    if (!stats_credit_adds_up(r->model)) {
        report_note(report, "%s",
            TR("The model any gives each the whole enrolment, so the rows do not add up."));
    }
    conversion_part_places_release(&places);
    return note_airings(m, err);
}

int report_attribution(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct making m = {.request = request, .report = report};
    int rc = read_options(&m, err);
    if (rc == 0) {
        if (request->name) {
            report_title(report, TR("Attribution for the campaign %s"), request->name);
        } else if (report_option(request, "theme")) {
            report_title(
                report, TR("Attribution for the theme %s"), report_option(request, "theme"));
        } else {
            report_title(report, "%s", TR("Attribution"));
        }
        ledger_part_period(report, m.ask.recorded.from_day, m.ask.recorded.to_day);
        rc = attribution_run(request->db, &m.ask, &m.result, err);
    }
    rc = rc == 0 ? fill(&m, err) : rc;
    attribution_release(&m.result);
    return rc;
}
