/* The report of cost: money by channel, step, campaign, theme or place; what an enrolment cost, as
 * recorded, attributed and caused; and the support of the State and of the province apart. */
#include "base/tr.h"
#include "campaign/store.h"
#include "conversion/spending.h"
#include "report/conversion_part.h"
#include "report/ledger_part.h"
#include "report/numbers_part.h"

#define DAY_MS INT64_C(86400000)
#define CREDIT (REPORT_DECIMAL | REPORT_DIGITS(2) | REPORT_PEOPLE)
#define MONEY (REPORT_MONEY | REPORT_SUM)
#define ONE_DIGIT (REPORT_DECIMAL | REPORT_DIGITS(1))
#define SPENT                                                                                      \
    {"messages", "messages charged", REPORT_COUNT | REPORT_SUM},                                   \
        {"units", "units", REPORT_COUNT | REPORT_SUM}, {"cost", "cost (VND)", MONEY},              \
        {"cost_share", "share of the cost", REPORT_PERCENT},                                       \
        {"attributed", "attributed", CREDIT | REPORT_SUM}, {                                       \
        "cost_per_attributed", "VND per attributed enrolment", REPORT_MONEY                        \
    }
static const struct report_column step_columns[] = {{"name", "name", REPORT_TEXT},
    {"campaign", "campaign", REPORT_TEXT}, SPENT,
    {"subsidy", "support of the attributed (VND)", MONEY}};
static const struct report_column channel_columns[] = {
    {"name", "name", REPORT_TEXT}, SPENT, {"subsidy", "support of the attributed (VND)", MONEY}};
static const struct report_column wide_columns[] = {{"name", "name", REPORT_TEXT}, SPENT,
    {"subsidy", "support of the attributed (VND)", MONEY}, {"caused", "caused", ONE_DIGIT},
    {"caused_low", "from", ONE_DIGIT}, {"caused_high", "to", ONE_DIGIT},
    {"cost_per_caused", "VND per caused enrolment", REPORT_MONEY},
    {"cost_per_caused_low", "from", REPORT_MONEY}, {"cost_per_caused_high", "to", REPORT_MONEY}};
static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, SPENT, {"recorded", "recorded", REPORT_COUNT | REPORT_SUM},
    {"cost_per_recorded", "VND per recorded enrolment", REPORT_MONEY},
    {"support_state", "State's support of the recorded (VND)", MONEY},
    {"support_local", "local support of the recorded (VND)", MONEY}};
static const struct report_column number_columns[] = {{"number", "number", REPORT_WORD},
    {"enrolments", "enrolments", ONE_DIGIT | REPORT_PEOPLE}, {"low", "from", ONE_DIGIT},
    {"high", "to", ONE_DIGIT}, {"cost_per", "VND each", REPORT_MONEY},
    {"cost_per_low", "from", REPORT_MONEY}, {"cost_per_high", "to", REPORT_MONEY}};
static const struct report_column subsidy_columns[] = {{"support", "support", REPORT_WORD},
    {"paid", "of the payments recorded (VND)", MONEY},
    {"per_enrolment", "VND per recorded enrolment", REPORT_MONEY},
    {"year", "in a year if all go on (VND)", MONEY}};
#define COLUMNS(list) list, sizeof list / sizeof list[0]

enum axis { BY_CHANNEL, BY_STEP, BY_CAMPAIGN, BY_THEME, BY_PLACE, AXES };
static const char *const axis_words[AXES] = {"channel", "step", "campaign", "theme", "place"};

struct line {
    const char *name, *campaign;
    int64_t place_id, theme_id, campaign_id;
    int64_t messages, units, minor, recorded, support, local;
    double credit, subsidy;
};
struct making {
    const struct report_request *request;
    struct report *report;
    enum axis axis;
    int64_t campaign_id, theme_id, from_day, to_day;
    bool of_period; /* --from or --to: money of these days only */
    bool registered;
    bool model_given;
    enum stats_credit_model model;
    struct spending spending;
    struct recorded_list recorded;
    int64_t unknown_support, minor, unpriced;
    struct attribution credit;
    const char *credit_why;
    struct numbers_list campaigns;
    struct place_view *view;
    struct line *lines;
    size_t count, room;
};

/* --- options --- */

static int read_axis(struct making *m, struct base_err *err) {
    const char *by = report_option(m->request, "by");
    int found = by ? -1 : m->request->name ? BY_STEP : BY_CHANNEL;
    for (int i = 0; by && i < AXES; i++) {
        found = strcmp(by, axis_words[i]) == 0 ? i : found;
    }
    m->axis = (enum axis)(found < 0 ? 0 : found);
    if (found < 0) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("--by %s: must be channel, step, campaign, theme or place"), by);
    }
    return 0;
}

static int read_options(struct making *m, struct base_err *err) {
    const struct report_request *request = m->request;
    const char *model = report_option(request, "model");
    const char *level = NULL;
    const char *on = NULL;
    int rc = read_axis(m, err);
    rc = rc ? rc : conversion_part_basis(request, &m->registered, err);
    if (rc == 0 && model) {
        m->model_given = true;
        rc = stats_credit_model_parse(model, &m->model, err);
    }
    m->of_period = report_option(request, "from") || report_option(request, "to");
    rc = rc ? rc
            : conversion_part_scope(
                  request, &m->campaign_id, &m->theme_id, &m->from_day, &m->to_day, err);
    rc = rc ? rc : place_view_level(request, &level, err);
    rc = rc ? rc : place_view_day(request, m->report, &on, err);
    if (rc == 0 && m->axis != BY_PLACE && (level || on)) {
        rc = base_err_set(
            err, LANTOA_EINVAL, "%s", TR("--level and --places-on go with --by place"));
    }
    return rc || m->axis != BY_PLACE
               ? rc
               : place_view_new(request->db, on, level ? level : "commune", &m->view, err);
}

/* --- reading --- */

static int read_spending(struct making *m, struct base_err *err) {
    int64_t offset_ms = m->request->offset_min * INT64_C(60000);
    const struct spending_ask ask = {.campaign_id = m->campaign_id,
        .theme_id = m->theme_id,
        .from_ms = m->of_period ? m->from_day * DAY_MS - offset_ms : 0,
        .until_ms = m->of_period ? (m->to_day + 1) * DAY_MS - offset_ms : 0,
        .places = m->axis == BY_PLACE};
    int rc = spending_read(m->request->db, &ask, &m->spending, err);
    for (size_t i = 0; i < m->spending.count; i++) {
        m->minor += m->spending.rows[i].minor;
        m->unpriced += m->spending.rows[i].unpriced;
    }
    return rc;
}

/* A campaign with a lot counts the days of its comparison, so that the three numbers are of the
 * same days. */
static void take_days(struct making *m) {
    if (m->campaign_id && !m->of_period && m->campaigns.count && m->campaigns.rows[0].from_day) {
        m->from_day = m->campaigns.rows[0].from_day;
        m->to_day = m->campaigns.rows[0].to_day;
    }
}

static int read_all(struct making *m, struct base_err *err) {
    static const enum attribution_by units[AXES] = {ATTRIBUTION_BY_CHANNEL, ATTRIBUTION_BY_STEP,
        ATTRIBUTION_BY_CAMPAIGN, ATTRIBUTION_BY_THEME, ATTRIBUTION_TOGETHER};
    bool wide = !m->of_period;
    int rc = numbers_part_list(m->request, m->report, m->campaign_id, m->theme_id,
        wide ? 0 : m->from_day, wide ? 0 : m->to_day, &m->campaigns, err);
    take_days(m);
    struct attribution_ask ask = {.campaign_id = m->campaign_id,
        .theme_id = m->theme_id,
        .recorded = {m->from_day, m->to_day, m->registered},
        .by = units[m->axis],
        .places = m->axis == BY_PLACE,
        .subsidy = true,
        .model_given = m->model_given,
        .model = m->model};
    rc = rc ? rc : read_spending(m, err);
    rc = rc ? rc : recorded_read(m->request->db, &ask.recorded, &m->recorded, err);
    rc = rc ? rc : recorded_subsidy(m->request->db, &m->recorded, &m->unknown_support, err);
    return rc ? rc
              : numbers_part_credit(m->request, m->report, &ask, &m->credit, &m->credit_why, err);
}

/* --- lines --- */

static struct line *line_of(
    struct making *m, const char *name, const char *campaign, int64_t place_id) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->lines[i].place_id == place_id && strcmp(m->lines[i].name, name) == 0 &&
            strcmp(m->lines[i].campaign, campaign) == 0) {
            return &m->lines[i];
        }
    }
    if (m->count == m->room) {
        m->room = m->room ? 2 * m->room : 64;
        m->lines = base_realloc(m->lines, m->room * sizeof *m->lines);
    }
    struct line *line = &m->lines[m->count++];
    *line = (struct line){.name = report_keep(m->report, str_from(name)),
        .campaign = report_keep(m->report, str_from(campaign)),
        .place_id = place_id};
    return line;
}

static void add_unit(struct making *m, const struct spending_row *row) {
    const char *const names[AXES] = {row->channel, row->step, row->campaign, row->theme, ""};
    struct line *line = line_of(m, names[m->axis], m->axis == BY_STEP ? row->campaign : "", 0);
    line->campaign_id = row->campaign_id;
    line->theme_id = row->theme_id;
    line->messages += row->messages;
    line->units += row->units;
    line->minor += row->minor;
}

/* To the rows that the view shows a place under. at: where the figure stands in the line. */
static void add_at(struct making *m, int64_t place_id, int64_t amount, size_t at) {
    struct place_part parts[PLACE_CARRY_PARTS];
    size_t count = amount ? place_view_amount(m->view, place_id, amount, parts) : 0;
    for (size_t i = 0; i < count; i++) {
        char *line = (char *)line_of(m, "", "", parts[i].place_id);
        int64_t sum;
        memcpy(&sum, line + at, sizeof sum);
        sum += parts[i].amount;
        memcpy(line + at, &sum, sizeof sum);
    }
}

static void add_place(struct making *m, const struct spending_row *row) {
    add_at(m, row->place_id, row->messages, offsetof(struct line, messages));
    add_at(m, row->place_id, row->units, offsetof(struct line, units));
    add_at(m, row->place_id, row->minor, offsetof(struct line, minor));
}

static void add_enrolments(struct making *m) {
    struct place_part parts[PLACE_CARRY_PARTS];
    for (size_t i = 0; i < m->credit.place_count; i++) {
        const struct attribution_place *place = &m->credit.places[i];
        size_t count = place_view_shares(m->view, place->place_id, parts);
        for (size_t k = 0; k < count; k++) {
            line_of(m, "", "", parts[k].place_id)->credit +=
                place->credit * ((double)parts[k].amount / PLACE_VIEW_WHOLE);
        }
    }
    /* Recorded ones are whole people and whole dong: added up by place before they are shared. */
    for (size_t i = 0; i < m->credit.place_count; i++) {
        int64_t sums[3] = {0};
        int64_t place = m->credit.places[i].place_id;
        for (size_t k = 0; k < m->recorded.count; k++) {
            const struct recorded *one = &m->recorded.rows[k];
            sums[0] += one->place_id == place;
            sums[1] += one->place_id == place ? one->support : 0;
            sums[2] += one->place_id == place ? one->local : 0;
        }
        add_at(m, place, sums[0], offsetof(struct line, recorded));
        add_at(m, place, sums[1], offsetof(struct line, support));
        add_at(m, place, sums[2], offsetof(struct line, local));
    }
}

static _Thread_local const struct place_view *sorting;

static int line_order(const void *a, const void *b) {
    const struct line *x = a;
    const struct line *y = b;
    int order = sorting ? place_view_order(sorting, x->place_id, y->place_id)
                        : strcmp(x->campaign, y->campaign);
    return order ? order : strcmp(x->name, y->name);
}

static void make_lines(struct making *m) {
    for (size_t i = 0; i < m->spending.count; i++) {
        if (m->axis == BY_PLACE) {
            add_place(m, &m->spending.rows[i]);
        } else {
            add_unit(m, &m->spending.rows[i]);
        }
    }
    if (m->axis == BY_PLACE) {
        add_enrolments(m);
    }
    for (size_t i = 0; m->axis != BY_PLACE && i < m->credit.row_count; i++) {
        const struct attribution_row *row = &m->credit.rows[i];
        struct line *line = line_of(m, row->name, row->campaign, 0);
        line->credit += row->credit;
        line->subsidy += row->subsidy;
    }
    sorting = m->view;
    if (m->count) {
        qsort(m->lines, m->count, sizeof *m->lines, line_order);
    }
}

/* --- tables --- */

static const char *no_money(void) {
    return TR("no money was booked");
}

/* Money for each; blank with the reason when there is nobody, or no money. */
static void put_each(struct report_table *table, int64_t minor, double people, const char *why) {
    if (why || minor <= 0 || people <= 0) {
        report_put_none(table, why ? why : minor <= 0 ? no_money() : TR("no enrolment"));
    } else {
        report_put_f64(table, (double)minor / people);
    }
}

static void put_spent(const struct making *m, struct report_table *table, const struct line *line) {
    report_put_i64(table, line->messages);
    report_put_i64(table, line->units);
    report_put_i64(table, line->minor);
    report_put_share(table, line->minor, m->minor);
    if (m->credit_why) {
        report_put_none(table, m->credit_why);
    } else {
        report_put_f64(table, line->credit);
    }
    put_each(table, line->minor, line->credit, m->credit_why);
}

static void put_subsidy(const struct making *m, struct report_table *table, double subsidy) {
    if (m->credit_why) {
        report_put_none(table, m->credit_why);
    } else {
        report_put_f64(table, subsidy);
    }
}

struct each {
    bool known;
    struct stats_estimate cost;
    const char *why;
};

/* Fieller over the interval's width; "undefined" when nobody may have come because of it. */
static struct each each_caused(
    struct report *report, const struct numbers_caused *caused, int64_t minor) {
    struct each each = {.why = caused->why};
    struct base_err why = {0};
    stats_estimate_clear(&each.cost);
    if (!caused->known) {
        return each;
    }
    if (minor <= 0) {
        each.why = no_money();
    } else if (!isfinite(caused->people.low) || stats_covers_zero(&caused->people)) {
        each.why = TR("undefined: the effect may be none");
    } else {
        double half = (caused->people.high - caused->people.low) / 2;
        double se = isfinite(caused->people.se) ? caused->people.se : half / 1.959963984540054;
        const struct stats_quotient quotient = {
            .a = (double)minor, .b = caused->people.estimate, .var_b = se * se};
        each.known = stats_fieller(&quotient, STATS_LEVEL, &each.cost, &why) == 0;
        each.why = each.known ? NULL : report_keep(report, str_from(why.text));
    }
    return each;
}

/* Of one campaign over the days of its lot: as its experiment has it. */
static struct each each_of(
    struct making *m, int64_t campaign_id, const struct numbers_caused *caused, int64_t minor) {
    for (size_t i = 0; campaign_id && !m->of_period && i < m->campaigns.count; i++) {
        const struct numbers_campaign *one = &m->campaigns.rows[i];
        if (one->id == campaign_id && one->from_day) {
            return (struct each){one->cost_known, one->cost_per, one->cost_why};
        }
    }
    return each_caused(m->report, caused, minor);
}

static void put_interval(
    struct report_table *table, const struct stats_estimate *value, bool known, const char *why) {
    if (known) {
        report_put_f64(table, value->estimate);
        report_put_f64(table, value->low);
        report_put_f64(table, value->high);
    } else {
        report_put_none(table, why);
        report_put_none(table, NULL);
        report_put_none(table, NULL);
    }
}

static struct numbers_caused caused_of(const struct making *m, const struct line *line) {
    struct numbers_caused none = {.why = TR("no lot was drawn: nobody to compare with")};
    stats_estimate_clear(&none.people);
    if (m->axis == BY_THEME && line->theme_id) {
        return numbers_part_sum(&m->campaigns, line->theme_id);
    }
    for (size_t i = 0; i < m->campaigns.count; i++) {
        if (m->campaigns.rows[i].id == line->campaign_id) {
            return m->campaigns.rows[i].caused;
        }
    }
    return none;
}

static void put_wide(struct making *m, struct report_table *table, const struct line *line) {
    struct numbers_caused caused = caused_of(m, line);
    struct each each =
        each_of(m, m->axis == BY_CAMPAIGN ? line->campaign_id : 0, &caused, line->minor);
    report_put_text(table, str_from(line->name));
    put_spent(m, table, line);
    put_subsidy(m, table, line->subsidy);
    put_interval(table, &caused.people, caused.known, caused.why);
    put_interval(table, &each.cost, each.known, each.why);
}

static void put_lines(struct making *m) {
    bool wide = m->axis == BY_CAMPAIGN || m->axis == BY_THEME;
    static const char *const headings[AXES] = {
        "Cost by channel", "Cost by step", "Cost by campaign", "Cost by theme", "Cost by place"};
    struct report_table *table =
        m->axis == BY_PLACE
            ? report_add_table(m->report, "main", TR(headings[m->axis]), COLUMNS(place_columns))
        : wide ? report_add_table(m->report, "main", TR(headings[m->axis]), COLUMNS(wide_columns))
        : m->axis == BY_STEP
            ? report_add_table(m->report, "main", TR(headings[m->axis]), COLUMNS(step_columns))
            : report_add_table(m->report, "main", TR(headings[m->axis]), COLUMNS(channel_columns));
    for (size_t i = 0; i < m->count; i++) {
        const struct line *line = &m->lines[i];
        if (wide) {
            put_wide(m, table, line);
        } else if (m->axis == BY_PLACE) {
            place_view_put(m->view, table, line->place_id);
            put_spent(m, table, line);
            report_put_i64(table, line->recorded);
            put_each(table, line->minor, (double)line->recorded, NULL);
            report_put_i64(table, line->support);
            report_put_i64(table, line->local);
        } else {
            report_put_text(table, str_from(line->name));
            if (m->axis == BY_STEP) {
                report_put_text(table, str_from(line->campaign));
            }
            put_spent(m, table, line);
            put_subsidy(m, table, line->subsidy);
        }
    }
    report_table_sum(table, TR("Total"));
}

static void put_number(const struct making *m, struct report_table *table, const char *word,
    double people, const char *why) {
    report_put_word(table, word);
    if (why) {
        report_put_none(table, why);
    } else {
        report_put_f64(table, people);
    }
    report_put_none(table, NULL);
    report_put_none(table, NULL);
    put_each(table, m->minor, people, why);
    report_put_none(table, NULL);
    report_put_none(table, NULL);
}

static void put_numbers(struct making *m) {
    struct report_table *table = report_add_table(m->report, "numbers",
        TR("Cost of an enrolment: three numbers, never added up"), COLUMNS(number_columns));
    struct numbers_caused caused = numbers_part_sum(&m->campaigns, 0);
    struct each each = each_of(m, m->campaign_id, &caused, m->minor);
    double credit = 0;
    for (size_t i = 0; i < m->count; i++) {
        credit += m->lines[i].credit;
    }
    put_number(m, table, "recorded", m->credit.recorded, NULL);
    put_number(m, table, "attributed", credit, m->credit_why);
    report_put_word(table, "caused");
    put_interval(table, &caused.people, caused.known, caused.why);
    put_interval(table, &each.cost, each.known, each.why);
}

static void put_support(struct making *m) {
    struct report_table *table = report_add_table(m->report, "subsidy",
        TR("Support of contributions, no cost of the campaign"), COLUMNS(subsidy_columns));
    int64_t sums[2][2] = {{0}};
    for (size_t i = 0; i < m->recorded.count; i++) {
        sums[0][0] += m->recorded.rows[i].support;
        sums[0][1] += m->recorded.rows[i].support_year;
        sums[1][0] += m->recorded.rows[i].local;
        sums[1][1] += m->recorded.rows[i].local_year;
    }
    for (int i = 0; i < 2; i++) {
        report_put_word(table, i ? "local support" : "State's support");
        report_put_i64(table, sums[i][0]);
        if (m->recorded.count) {
            report_put_f64(table, (double)sums[i][0] / (double)m->recorded.count);
        } else {
            report_put_none(table, TR("no enrolment"));
        }
        report_put_i64(table, sums[i][1]);
    }
    report_table_sum(table, TR("Total"));
}

static void put_chart(struct making *m) {
    struct report_chart *chart = report_add_chart(m->report, "cost", REPORT_BARS,
        TR("Where the money went"), TR(axis_words[m->axis]), TR("cost (VND)"), REPORT_MONEY);
    for (size_t i = 0; i < m->count; i++) {
        struct place_row info = {.name = str_from(m->lines[i].name)};
        if (m->view && !place_view_info(m->view, m->lines[i].place_id, &info)) {
            info.name = str_from("-");
        }
        if (m->lines[i].minor) {
            report_chart_point(chart, info.name)->value = (double)m->lines[i].minor;
        }
    }
}

static void put_notes(struct making *m) {
    struct report *report = m->report;
    report_param(report, TR("Model"), "%s", stats_credit_name(m->credit.model));
    report_param(
        report, TR("Days counted by"), "%s", m->registered ? TR("registration") : TR("event"));
    report_param_count(report, TR("Messages that left without a price"), m->unpriced);
    if (m->unpriced) {
        report_note(report, "%s",
            TR("Their cost is not known: give the channel a price. The sums are too low by it."));
    }
    if (m->unknown_support) {
        report_note(report,
            TR("The support of %lld enrolments could not be reckoned (income below the floor, or "
               "none given); it counts as 0."),
            (long long)m->unknown_support);
    }
    report_note(report, "%s",
        TR("Cost is what the ledger booked for messages, copies sent again included. Support by "
           "the tables of contributions of the day; a year is twelve months from the event."));
    report_note(report, "%s",
        TR("Attributed is a rule of sharing, not an effect. A cost per caused enrolment has "
           "Fieller's interval; it is undefined when the effect may be none."));
    for (size_t i = 0; i < m->campaigns.count; i++) {
        if (m->campaigns.rows[i].waves && m->campaigns.rows[i].caused.known) {
            report_note(report,
                TR("%s came in waves: only weeks with a later wave to compare with are counted "
                   "as caused, so a caused enrolment cost at most this."),
                m->campaigns.rows[i].name);
        }
    }
    if (m->view) {
        place_view_note(m->view, report);
    }
}

static void put_title(struct making *m) {
    const char *theme = report_option(m->request, "theme");
    if (m->request->name) {
        report_title(m->report, TR("Cost of the campaign %s"), m->request->name);
    } else if (theme) {
        report_title(m->report, TR("Cost of the theme %s"), theme);
    } else {
        report_title(m->report, "%s", TR("Cost"));
    }
    ledger_part_period(m->report, m->from_day, m->to_day);
}

int report_cost(const struct report_request *request, struct report *report, struct base_err *err) {
    struct making m = {.request = request, .report = report};
    int rc = read_options(&m, err);
    rc = rc ? rc : read_all(&m, err);
    if (rc == 0) {
        put_title(&m);
        make_lines(&m);
        put_lines(&m);
        put_numbers(&m);
        put_support(&m);
        put_notes(&m);
        if (request->with_charts) {
            put_chart(&m);
        }
    }
    spending_release(&m.spending);
    recorded_release(&m.recorded);
    attribution_release(&m.credit);
    numbers_part_list_release(&m.campaigns);
    place_view_free(&m.view);
    base_free(m.lines);
    return rc;
}
