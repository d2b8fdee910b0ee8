/* The report of an experiment: recorded, attributed and caused, which are three numbers; the arms;
 * every estimate by name; and the verdict, or why there is none. */
#include "base/tr.h"
#include "conversion/attribution.h"
#include "conversion/experiment.h"
#include "report/conversion_part.h"
#include "report/kinds.h"
#include "report/ledger_part.h"
#include "report/numbers_part.h"
#include "report/private.h"

#define FINE REPORT_DIGITS(4)

static const struct report_column arm_columns[] = {{"arm", "arm", REPORT_WORD},
    {"units", "units of the lot", REPORT_COUNT | REPORT_SUM},
    {"people", "people", REPORT_COUNT | REPORT_SUM},
    {"reached", "people reached", REPORT_COUNT | REPORT_SUM},
    {"enrolled", "people who enrolled", REPORT_COUNT | REPORT_SUM},
    {"rate", "share", REPORT_PERCENT}, {"low", "from", REPORT_PERCENT},
    {"high", "to", REPORT_PERCENT}};
static const struct report_column estimate_columns[] = {{"estimator", "estimator", REPORT_TEXT},
    {"scale", "of", REPORT_WORD}, {"estimate", "estimate", REPORT_DECIMAL | FINE},
    {"se", "standard error", REPORT_DECIMAL | FINE}, {"df", "df", REPORT_DECIMAL},
    {"ci_low", "from", REPORT_DECIMAL | FINE}, {"ci_high", "to", REPORT_DECIMAL | FINE},
    {"p", "p", REPORT_DECIMAL | FINE}, {"why", "why not", REPORT_TEXT}};
static const struct report_column guard_columns[] = {{"guard", "guard", REPORT_TEXT},
    {"value", "value", REPORT_DECIMAL | FINE}, {"text", "why", REPORT_TEXT}};
#define COLUMNS(list) list, sizeof list / sizeof list[0]

struct making {
    const struct report_request *request;
    struct report *report;
    struct experiment result;
    struct attribution credit;
    const char *credit_why;
};

/* --- the three numbers --- */

static void put_numbers(struct making *m) {
    const struct experiment *r = &m->result;
    struct numbers numbers = {.recorded = (double)r->recorded,
        .attributed_why = m->credit_why,
        .model = stats_credit_name(m->credit.model),
        .caused = {.known = r->by_lot && r->caused_known,
            .people = r->caused,
            .why = r->by_lot ? TR("no effect can be estimated")
                             : TR("no lot was drawn: nobody to compare with")}};
    for (size_t i = 0; i < m->credit.row_count; i++) {
        numbers.attributed += m->credit.rows[i].credit;
    }
    numbers_part_put(m->report, "main", &numbers);
}

/* --- arms, estimates, guards --- */

static void put_arms(struct making *m) {
    const struct experiment *r = &m->result;
    struct report_table *table =
        report_add_table(m->report, "arms", TR("Arms, as assigned"), COLUMNS(arm_columns));
    for (size_t a = 0; a < r->arm_count; a++) {
        const struct experiment_arm *arm = &r->arms[a];
        struct stats_estimate rate;
        struct base_err ignored = {0};
        char wave[40];
        snprintf(wave, sizeof wave, TR("wave %d"), arm->arm);
        bool known = stats_wilson((struct stats_count){arm->enrolled, arm->people}, STATS_LEVEL,
                         &rate, &ignored) == 0;
        report_put_word(table, r->design == HOLDOUT_WAVES ? wave
                               : arm->arm                 ? "treated"
                                                          : "control");
        report_put_i64(table, (int64_t)arm->units);
        report_put_i64(table, arm->people);
        report_put_i64(table, arm->reached);
        report_put_i64(table, arm->enrolled);
        report_put_share(table, arm->enrolled, arm->people);
        report_put_f64(table, known ? rate.low : STATS_ABSENT);
        report_put_f64(table, known ? rate.high : STATS_ABSENT);
    }
    report_table_sum(table, TR("Total"));
}

static void put_estimates(struct making *m) {
    const struct experiment *r = &m->result;
    struct report_table *table = report_add_table(
        m->report, "estimates", TR("Estimates; the first decides"), COLUMNS(estimate_columns));
    for (size_t i = 0; i < r->estimate_count; i++) {
        const struct experiment_estimate *e = &r->estimates[i];
        report_put_text(table, str_from(e->name));
        report_put_word(table, experiment_scale_word(e->scale));
        report_put_f64(table, e->value.estimate);
        report_put_f64(table, e->value.se);
        report_put_f64(table, e->value.df); /* infinite: blank */
        report_put_f64(table, e->value.low);
        report_put_f64(table, e->value.high);
        report_put_f64(table, e->value.p);
        report_put_text(table, str_from(e->why));
    }
}

static void put_guards(struct making *m) {
    const struct experiment *r = &m->result;
    struct report_table *table =
        report_add_table(m->report, "guards", TR("What forbids a verdict"), COLUMNS(guard_columns));
    for (size_t i = 0; i < r->guard_count; i++) {
        report_put_text(table, str_from(stats_guard_name(r->guards[i].kind)));
        report_put_f64(table, r->guards[i].value);
        report_put_text(table, str_from(r->guards[i].text));
    }
}

static void put_chart(struct making *m) {
    const struct experiment *r = &m->result;
    if (!m->request->with_charts || !r->by_lot || r->estimate_count == 0) {
        return;
    }
    struct report_chart *chart = report_add_chart(m->report, "effect", REPORT_EFFECT,
        TR("Effect with its interval"), TR("estimator"), TR("more enrolments, share of people"),
        REPORT_PERCENT | REPORT_DIGITS(2));
    for (size_t i = 0; i < r->estimate_count; i++) {
        const struct experiment_estimate *e = &r->estimates[i];
        if (e->scale == EXPERIMENT_SHARE && e->known && isfinite(e->value.low)) {
            struct report_point *point = report_chart_point(chart, str_from(e->name));
            point->value = e->value.estimate;
            point->low = e->value.low;
            point->high = e->value.high;
            point->has_interval = true;
        }
    }
}

/* --- words --- */

static const char *unit_word(enum holdout_unit unit) {
    return unit == HOLDOUT_PLACE ? "place" : unit == HOLDOUT_HOUSEHOLD ? "household" : "contact";
}

static void put_verdict(struct making *m) {
    const struct experiment *r = &m->result;
    report_param(m->report, TR("Verdict"), "%s", TR(experiment_verdict_word(r->verdict)));
    for (size_t i = 0; i < r->guard_count; i++) {
        report_note(m->report, TR("No verdict: %s"), r->guards[i].text);
    }
    if (isfinite(r->bound)) {
        report_note(m->report,
            TR("The planned end has not come: a verdict before it needs |z| of at least %.2f "
               "(O'Brien-Fleming); %.0f %% of the time is over."),
            r->bound, 100 * r->elapsed);
    } else if (r->today <= r->until_day) {
        report_note(m->report, "%s", TR("The campaign's days have not begun: nothing to compare."));
    }
}

static void put_words(struct making *m) {
    const struct experiment *r = &m->result;
    struct report *report = m->report;
    report_param(report, TR("Lot over"), "%s", TR(unit_word(r->unit)));
    report_param(report, TR("Design"), "%s",
        r->imported                    ? TR("arms drawn elsewhere")
        : r->design == HOLDOUT_WAVES   ? TR("delayed start in waves")
        : r->design == HOLDOUT_LOTTERY ? TR("lottery in strata")
                                       : TR("each unit by itself"));
    report_param_count(report, TR("Strata"), (int64_t)r->strata);
    report_param(report, TR("Hash of the lot"), "%s", r->hash[0] ? r->hash : "-");
    report_param_count(
        report, TR("Control people found in the ledger of messages"), r->contaminated);
    report_param_count(report, TR("Of the audience in no arm"), r->unassigned);
    put_verdict(m);
    if (r->cost_known) {
        struct base_buf each[3];
        const double values[] = {
            r->cost_per_caused.estimate, r->cost_per_caused.low, r->cost_per_caused.high};
        for (int i = 0; i < 3; i++) {
            base_buf_init(&each[i], 64);
            report__show_number(values[i], REPORT_MONEY, &each[i]);
        }
        report_param(report, TR("Cost per caused enrolment"), TR("%s VND (from %s to %s)"),
            base_buf_text(&each[0]), base_buf_text(&each[1]), base_buf_text(&each[2]));
        for (int i = 0; i < 3; i++) {
            base_buf_release(&each[i]);
        }
    } else {
        report_param(report, TR("Cost per caused enrolment"), "%s", r->cost_why);
    }
    report_note(report, "%s",
        TR("Everybody assigned counts in the arm the lot gave them, reached or not."));
}

static int fill(struct making *m, struct base_err *err) {
    (void)err;
    put_numbers(m);
    if (m->result.by_lot) {
        put_arms(m);
        put_estimates(m);
        put_guards(m);
        put_chart(m);
        put_words(m);
    } else {
        report_note(m->report, "%s",
            TR("Without a lot nobody can say what the campaign caused: put \"holdout\" into its "
               "file, or import arms."));
    }
    return 0;
}

int report_experiment(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct making m = {.request = request, .report = report};
    struct campaign_row row = {0};
    struct experiment_ask ask = {.today = conversion_part_today(request), .level = STATS_LEVEL};
    int rc = campaign_get(request->db, request->name, &row, err);
    rc = rc == 0 ? conversion_part_day(request, "from", &ask.from_day, err) : rc;
    rc = rc == 0 ? conversion_part_day(request, "to", &ask.until_day, err) : rc;
    if (rc == 0) {
        ask.campaign_id = row.id;
        rc = experiment_run(request->db, &ask, &m.result, err);
    }
    if (rc == 0) {
        struct attribution_ask credit = {.campaign_id = row.id,
            .recorded = {.from_day = m.result.from_day,
                .to_day =
                    m.result.until_day < m.result.today ? m.result.until_day : m.result.today},
            .by = ATTRIBUTION_TOGETHER};
        rc = numbers_part_credit(request, report, &credit, &m.credit, &m.credit_why, err);
    }
    if (rc == 0) {
        report_title(report, TR("Experiment of the campaign %s"), row.name);
        ledger_part_period(report, m.result.from_day, m.result.until_day);
        rc = fill(&m, err);
    }
    attribution_release(&m.credit);
    campaign_row_release(&row);
    return rc;
}
