/* The three numbers by theme, channel, campaign and place. */
#include "base/tr.h"
#include "campaign/store.h"
#include "report/conversion_part.h"
#include "report/numbers_part.h"

#define CREDIT (REPORT_DECIMAL | REPORT_DIGITS(2) | REPORT_PEOPLE)
#define FIGURES                                                                                    \
    {"attributed", "attributed", CREDIT}, {"caused", "caused", REPORT_DECIMAL | REPORT_DIGITS(1)}, \
        {"caused_low", "from", REPORT_DECIMAL | REPORT_DIGITS(1)}, {                               \
        "caused_high", "to", REPORT_DECIMAL | REPORT_DIGITS(1)                                     \
    }
static const struct report_column theme_columns[] = {
    {"theme", "theme", REPORT_TEXT}, {"recorded", "recorded", REPORT_COUNT}, FIGURES};
static const struct report_column channel_columns[] = {
    {"channel", "channel", REPORT_TEXT}, {"recorded", "recorded", REPORT_COUNT}, FIGURES};
static const struct report_column campaign_columns[] = {
    {"campaign", "campaign", REPORT_TEXT}, {"recorded", "recorded", REPORT_COUNT}, FIGURES};
#define COLUMNS (sizeof theme_columns / sizeof theme_columns[0])
static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"recorded", "recorded", REPORT_COUNT | REPORT_SUM},
    {"attributed", "attributed", CREDIT | REPORT_SUM},
    {"caused", "caused", REPORT_DECIMAL | REPORT_DIGITS(1)}};
#define PLACE_COLUMNS (sizeof place_columns / sizeof place_columns[0])

/* --- who uses which channel --- */

struct use {
    int64_t campaign_id, channel_id;
};
struct uses {
    struct use *rows;
    size_t count, room;
};

static int read_uses(struct db *db, struct uses *uses, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(
        db, "SELECT DISTINCT campaign_id, channel_id FROM step ORDER BY 1, 2", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (uses->count == uses->room) {
            uses->room = uses->room ? 2 * uses->room : 64;
            uses->rows = base_realloc(uses->rows, uses->room * sizeof *uses->rows);
        }
        uses->rows[uses->count++] = (struct use){db_column_i64(stmt, 0), db_column_i64(stmt, 1)};
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

/* 0 does not, 1 only this one, 2 others too */
static int uses_channel(const struct uses *uses, int64_t campaign_id, int64_t channel_id) {
    bool this = false;
    bool other = false;
    for (size_t i = 0; i < uses->count; i++) {
        bool mine = uses->rows[i].campaign_id == campaign_id;
        this = this || (mine && uses->rows[i].channel_id == channel_id);
        other = other || (mine && uses->rows[i].channel_id != channel_id);
    }
    return !this ? 0 : other ? 2 : 1;
}

/* --- rows --- */

struct line {
    int64_t id; /* of the theme, channel, campaign */
    const char *name;
    double credit;
    struct numbers_caused caused;
};
struct groups {
    const struct report_request *request;
    struct report *report;
    enum attribution_by by;
    int64_t theme_id, channel_id;
    struct numbers_list campaigns;
    struct uses uses;
    struct line *lines;
    size_t count, room;
};

static struct line *line_named(struct groups *g, struct str name) {
    for (size_t i = 0; i < g->count; i++) {
        if (str_is(name, g->lines[i].name)) {
            return &g->lines[i];
        }
    }
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 32;
        g->lines = base_realloc(g->lines, g->room * sizeof *g->lines);
    }
    struct line *line = &g->lines[g->count++];
    *line = (struct line){.name = report_keep(g->report, name),
        .caused = {.why = TR("no lot was drawn: nobody to compare with")}};
    return line;
}

static struct numbers_caused caused_of_channel(const struct groups *g, int64_t channel_id) {
    struct numbers_list own = {.rows = base_alloc_array(g->campaigns.count + 1, sizeof *own.rows)};
    bool mixed = false;
    for (size_t i = 0; i < g->campaigns.count; i++) {
        int uses = uses_channel(&g->uses, g->campaigns.rows[i].id, channel_id);
        mixed = mixed || uses == 2;
        if (uses == 1) {
            own.rows[own.count++] = g->campaigns.rows[i];
        }
    }
    struct numbers_caused sum = numbers_part_sum(&own, 0);
    if (mixed) {
        sum.known = false;
        sum.why = TR("its campaigns speak by other channels too: a lot tells of all together");
    }
    base_free(own.rows);
    return sum;
}

static int read_names(struct groups *g, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(g->request->db,
        g->by == ATTRIBUTION_BY_THEME
            ? "SELECT DISTINCT t.id, t.name FROM theme t JOIN campaign g ON g.theme_id = t.id "
              "WHERE g.planned_at IS NOT NULL AND g.name NOT LIKE ?1 ORDER BY t.name"
            : "SELECT DISTINCT c.id, c.name FROM channel c JOIN step s ON s.channel_id = c.id JOIN "
              "campaign g ON g.id = s.campaign_id WHERE g.name NOT LIKE ?1 ORDER BY c.name",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, CAMPAIGN_SYSTEM_PREFIX "%");
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct line *line = line_named(g, db_column_str(stmt, 1));
        line->id = db_column_i64(stmt, 0);
        line->caused = g->by == ATTRIBUTION_BY_THEME ? numbers_part_sum(&g->campaigns, line->id)
                                                     : caused_of_channel(g, line->id);
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static void name_campaigns(struct groups *g) {
    for (size_t i = 0; i < g->campaigns.count; i++) {
        const struct numbers_campaign *one = &g->campaigns.rows[i];
        int uses = g->channel_id ? uses_channel(&g->uses, one->id, g->channel_id) : 1;
        if (uses) {
            struct line *line = line_named(g, str_from(one->name));
            line->id = one->id;
            line->caused = one->caused;
            if (uses == 2) {
                line->caused.known = false;
                line->caused.why =
                    TR("it speaks by other channels too: its lot tells of all together");
            }
        }
    }
}

/* --- credit --- */

static int step_has_channel(struct db_stmt *stmt, const struct attribution_row *row,
    int64_t channel_id, bool *has_out, struct base_err *err) {
    db_bind_text(stmt, 1, row->campaign);
    db_bind_text(stmt, 2, row->name);
    db_bind_i64(stmt, 3, channel_id);
    int rc = db_step(stmt, err);
    *has_out = rc == 1;
    db_reset(stmt);
    return rc < 0 ? rc : 0;
}

/* Of one channel: the credit of its steps, by campaign; what the others have is told apart. */
static int share_channel(
    struct groups *g, const struct attribution *credit, double *others, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(g->request->db,
        "SELECT 1 FROM step s JOIN campaign g ON g.id = s.campaign_id WHERE g.name = ?1 AND "
        "s.name = ?2 AND s.channel_id = ?3 LIMIT 1",
        &stmt, err);
    for (size_t i = 0; rc == 0 && i < credit->row_count; i++) {
        bool has = false;
        rc = step_has_channel(stmt, &credit->rows[i], g->channel_id, &has, err);
        if (rc == 0 && has) {
            line_named(g, str_from(credit->rows[i].campaign))->credit += credit->rows[i].credit;
        } else {
            *others += credit->rows[i].credit;
        }
    }
    db_finish(&stmt);
    return rc;
}

static int share(
    struct groups *g, const struct attribution *credit, double *others, struct base_err *err) {
    *others = credit->others;
    if (g->channel_id) {
        return share_channel(g, credit, others, err);
    }
    for (size_t i = 0; i < credit->row_count; i++) {
        line_named(g, str_from(credit->rows[i].name))->credit += credit->rows[i].credit;
    }
    return 0;
}

/* --- the table --- */

static void put_caused(struct report_table *table, const struct numbers_caused *caused) {
    if (caused->known) {
        report_put_f64(table, caused->people.estimate);
        report_put_f64(table, caused->people.low);
        report_put_f64(table, caused->people.high);
    } else {
        report_put_none(table, caused->why);
        report_put_none(table, NULL);
        report_put_none(table, NULL);
    }
}

static void put_credit(struct report_table *table, double credit, const char *why) {
    if (why) {
        report_put_none(table, why);
    } else {
        report_put_f64(table, credit);
    }
}

static void put_rest(struct report_table *table, const char *name, double credit, const char *why) {
    report_put_text(table, str_from(name));
    report_put_none(table, NULL);
    put_credit(table, credit, why);
    put_caused(table, &(struct numbers_caused){.why = NULL});
}

static void put_lines(
    struct groups *g, const struct attribution *credit, double others, const char *why) {
    const struct report_column *columns = g->by == ATTRIBUTION_BY_THEME     ? theme_columns
                                          : g->by == ATTRIBUTION_BY_CHANNEL ? channel_columns
                                                                            : campaign_columns;
    struct report_table *table = report_add_table(
        g->report, "enrolments", TR("Enrolments: three numbers, never added up"), columns, COLUMNS);
    double rest = credit->nobody + credit->unmatched + others;
    double sum = rest;
    for (size_t i = 0; i < g->count; i++) {
        report_put_text(table, str_from(g->lines[i].name));
        report_put_none(table, TR("the registry does not say whose doing an enrolment was"));
        put_credit(table, g->lines[i].credit, why);
        put_caused(table, &g->lines[i].caused);
        sum += g->lines[i].credit;
    }
    if (g->theme_id || g->channel_id) {
        put_rest(table, TR("others"), others, why);
    }
    put_rest(table, TR("nobody's"), credit->nobody, why);
    put_rest(table, TR("not matched to a contact"), credit->unmatched, why);
    report_put_text(table, str_from(TR("all")));
    report_put_i64(table, (int64_t)credit->recorded);
    put_credit(table, sum, why);
    put_caused(table,
        &(struct numbers_caused){
            .why = TR("what several caused is told by theme or campaign, where lots were drawn")});
}

/* All that was ever recorded; or the days of the campaign named. */
static int ever(const struct report_request *request, const char *campaign,
    struct recorded_ask *days, struct base_err *err) {
    struct report_request all = *request;
    int64_t none = 0;
    all.name = campaign;
    all.option_count = 0;
    return conversion_part_scope(&all, &none, &none, &days->from_day, &days->to_day, err);
}

static void put_model(
    struct report *report, const struct attribution *credit, const struct recorded_ask *days) {
    numbers_part_days(report, days->from_day, days->to_day);
    report_note(report,
        TR("Recorded: all that the registry took up. Attributed: shared out by a rule (model "
           "\"%s\"), no effect. Caused: only where a lot was drawn, with its 95 percent interval."),
        stats_credit_name(credit->model));
}

int numbers_part_groups(const struct report_request *request, struct report *report,
    enum attribution_by by, int64_t theme_id, int64_t channel_id, struct base_err *err) {
    struct groups g = {.request = request,
        .report = report,
        .by = by,
        .theme_id = theme_id,
        .channel_id = channel_id};
    struct attribution credit = {0};
    struct attribution_ask ask = {
        .theme_id = theme_id, .by = channel_id ? ATTRIBUTION_BY_STEP : by};
    const char *why = NULL;
    double others = 0;
    if (request->main_only) {
        return 0;
    }
    int rc = ever(request, NULL, &ask.recorded, err);
    rc = rc ? rc : read_uses(request->db, &g.uses, err);
    rc = rc ? rc : numbers_part_list(request, report, 0, theme_id, 0, 0, &g.campaigns, err);
    rc = rc ? rc : numbers_part_credit(request, report, &ask, &credit, &why, err);
    if (rc == 0 && by == ATTRIBUTION_BY_CAMPAIGN) {
        name_campaigns(&g);
    } else if (rc == 0) {
        rc = read_names(&g, err);
    }
    rc = rc ? rc : share(&g, &credit, &others, err);
    if (rc == 0) {
        put_lines(&g, &credit, others, why);
        put_model(report, &credit, &ask.recorded);
    }
    attribution_release(&credit);
    numbers_part_list_release(&g.campaigns);
    base_free(g.uses.rows);
    base_free(g.lines);
    return rc;
}

/* --- places --- */

struct spot {
    int64_t place_id, recorded;
    double credit;
};
struct spots {
    const struct place_view *view;
    struct spot *rows; /* in order of id */
    size_t count, room;
};

static struct spot *spot_of(struct spots *s, int64_t place_id) {
    size_t low = 0;
    size_t high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->rows[middle].place_id < place_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == s->count || s->rows[low].place_id != place_id) {
        if (s->count == s->room) {
            s->room = s->room ? 2 * s->room : 128;
            s->rows = base_realloc(s->rows, s->room * sizeof *s->rows);
        }
        memmove(&s->rows[low + 1], &s->rows[low], (s->count - low) * sizeof *s->rows);
        s->rows[low] = (struct spot){.place_id = place_id};
        s->count++;
    }
    return &s->rows[low];
}

static void add_place(struct spots *s, const struct attribution_place *place) {
    struct place_part parts[PLACE_CARRY_PARTS];
    size_t count = place_view_amount(s->view, place->place_id, (int64_t)place->recorded, parts);
    for (size_t i = 0; i < count; i++) {
        spot_of(s, parts[i].place_id)->recorded += parts[i].amount;
    }
    count = place_view_shares(s->view, place->place_id, parts);
    for (size_t i = 0; i < count; i++) {
        spot_of(s, parts[i].place_id)->credit +=
            place->credit * ((double)parts[i].amount / PLACE_VIEW_WHOLE);
    }
}

static _Thread_local const struct place_view *sorting;

static int spot_order(const void *a, const void *b) {
    return place_view_order(
        sorting, ((const struct spot *)a)->place_id, ((const struct spot *)b)->place_id);
}

static void put_spots(struct spots *s, struct report *report, const char *why) {
    struct report_table *table = report_add_table(report, "enrolments",
        TR("Enrolments: three numbers, never added up"), place_columns, PLACE_COLUMNS);
    sorting = s->view;
    if (s->count) {
        qsort(s->rows, s->count, sizeof *s->rows, spot_order);
    }
    for (size_t i = 0; i < s->count; i++) {
        place_view_put(s->view, table, s->rows[i].place_id);
        report_put_i64(table, s->rows[i].recorded);
        put_credit(table, s->rows[i].credit, why);
        report_put_none(table, TR("a lot tells of its whole campaign, not of single places"));
    }
    report_table_sum(table, TR("Total"));
}

int numbers_part_places(const struct report_request *request, struct report *report,
    const struct place_view *view, int64_t campaign_id, struct base_err *err) {
    struct attribution credit = {0};
    struct attribution_ask ask = {
        .campaign_id = campaign_id, .by = ATTRIBUTION_TOGETHER, .places = true};
    struct spots spots = {.view = view};
    const char *why = NULL;
    if (request->main_only) {
        return 0;
    }
    int rc =
        ever(request, campaign_id ? report_option(request, "campaign") : NULL, &ask.recorded, err);
    rc = rc ? rc : numbers_part_credit(request, report, &ask, &credit, &why, err);
    for (size_t i = 0; rc == 0 && i < credit.place_count; i++) {
        add_place(&spots, &credit.places[i]);
    }
    if (rc == 0) {
        put_spots(&spots, report, why);
        put_model(report, &credit, &ask.recorded);
    }
    attribution_release(&credit);
    base_free(spots.rows);
    return rc;
}
