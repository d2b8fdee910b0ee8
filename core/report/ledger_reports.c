/* The ledger by theme, by channel and by place. */
#include "base/tr.h"
#include "campaign/store.h"
#include "report/kinds.h"
#include "report/ledger_part.h"

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
    return rc;
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
    channel_row_release(&row);
    return rc;
}

/* --- places --- */

static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"contacts", "contacts", REPORT_COUNT | REPORT_SUM},
    LEDGER_PART_COLUMNS, {"people", "people reached", REPORT_COUNT | REPORT_SUM},
    {"reach", "share reached", REPORT_PERCENT}};
#define PLACE_COLUMNS (sizeof place_columns / sizeof place_columns[0])

struct node { /* of the tree: what stands below a place counts for it */
    int64_t id, parent_id, contacts, reached;
    int64_t states[MESSAGE_STATE_COUNT];
    const char *code, *name, *level;
    size_t parent; /* index + 1; 0: none */
    bool counted;
};

static int node_order(const void *a, const void *b) {
    int64_t x = ((const struct node *)a)->id;
    int64_t y = ((const struct node *)b)->id;
    return (x > y) - (x < y);
}

static const char *keep_column(struct report *report, struct db_stmt *stmt, int column) {
    return report_keep(report, db_column_str(stmt, column));
}

static int read_nodes(const struct report_request *request, struct report *report,
    const struct tally *tally, struct node *nodes, size_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t count = 0;
    int rc = db_prepare(request->db,
        "SELECT id, coalesce(parent_id, 0), code, name, level FROM place ORDER BY id", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        size_t at = ledger_part_place(tally, db_column_i64(stmt, 0));
        rc = 0;
        if (at == 0) {
            continue; /* made since the tally read them */
        }
        struct node *node = &nodes[count++];
        *node = (struct node){.id = db_column_i64(stmt, 0),
            .parent_id = db_column_i64(stmt, 1),
            .code = keep_column(report, stmt, 2),
            .name = keep_column(report, stmt, 3),
            .level = keep_column(report, stmt, 4),
            .contacts = tally->places[at].contacts,
            .reached = tally->places[at].reached};
        for (size_t i = 0; i < tally->group_count * MESSAGE_STATE_COUNT; i++) {
            node->states[i % MESSAGE_STATE_COUNT] += tally->places[at].counts[i];
        }
    }
    db_finish(&stmt);
    *count_out = count;
    for (size_t i = 0; i < count; i++) {
        struct node key = {.id = nodes[i].parent_id};
        const struct node *parent = bsearch(&key, nodes, count, sizeof key, node_order);
        nodes[i].parent = parent ? (size_t)(parent - nodes) + 1 : 0;
    }
    return rc;
}

/* The level of the most places that have people of their own, when none was asked for. */
static const char *usual_level(const struct node *nodes, size_t count) {
    static const char *const levels[] = {"province", "district", "commune", "village"};
    const char *best = "commune";
    size_t most = 0;
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
        size_t have = 0;
        for (size_t i = 0; i < count; i++) {
            have += nodes[i].contacts > 0 && strcmp(nodes[i].level, levels[l]) == 0;
        }
        if (have > most) {
            most = have;
            best = levels[l];
        }
    }
    return best;
}

static void add_node(struct node *to, const struct node *from) {
    to->contacts += from->contacts;
    to->reached += from->reached;
    for (int i = 0; i < MESSAGE_STATE_COUNT; i++) {
        to->states[i] += from->states[i];
    }
}

/* Adds the figures of every place to the one of the level above it. What stands above the level, or
 * nowhere, is the remainder, so that the sum stays the audience. */
static void roll_up(struct node *nodes, size_t count, const char *level, struct node *rest) {
    struct node *own = base_alloc_array(count + 1, sizeof *own);
    memcpy(own, nodes, count * sizeof *own);
    for (size_t i = 0; i < count; i++) {
        nodes[i].contacts = nodes[i].reached = 0;
        memset(nodes[i].states, 0, sizeof nodes[i].states);
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = i + 1;
        size_t steps = 0;
        while (at && strcmp(nodes[at - 1].level, level) != 0 && steps++ < count) {
            at = nodes[at - 1].parent;
        }
        bool found = at && strcmp(nodes[at - 1].level, level) == 0;
        add_node(found ? &nodes[at - 1] : rest, &own[i]);
    }
    base_free(own);
}

static bool is_empty(const struct node *node) {
    int64_t all = node->contacts;
    for (int i = 0; i < MESSAGE_STATE_COUNT; i++) {
        all += node->states[i];
    }
    return all == 0;
}

static int code_order(const void *a, const void *b) {
    const struct node *x = a;
    const struct node *y = b;
    int order = strcmp(x->code, y->code);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static void put_node(struct report_table *table, const struct node *node) {
    report_put_text(table, str_from(node->code));
    report_put_text(table, str_from(node->name));
    report_put_i64(table, node->contacts);
    ledger_part_put(table, node->states);
    report_put_i64(table, node->reached);
    report_put_share(table, node->reached, node->contacts);
}

static int check_level(const char *level, struct base_err *err) {
    static const char *const levels[] = {"province", "district", "commune", "village"};
    for (size_t i = 0; level && i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(level, levels[i]) == 0) {
            return 0;
        }
    }
    return level ? base_err_set(err, LANTOA_EINVAL,
                       TR("--level %s: must be province, district, commune or village"), level)
                 : 0;
}

static int fill_places(const struct report_request *request, struct report *report,
    const struct tally *tally, const char *level, struct base_err *err) {
    struct node *nodes = base_alloc_array(tally->place_count + 1, sizeof *nodes);
    struct node rest = {.code = "", .name = TR("without a place of this level")};
    size_t count = 0;
    int rc = read_nodes(request, report, tally, nodes, &count, err);
    if (rc == 0) {
        rest.contacts = tally->places[0].contacts;
        rest.reached = tally->places[0].reached;
        for (size_t i = 0; i < tally->group_count * MESSAGE_STATE_COUNT; i++) {
            rest.states[i % MESSAGE_STATE_COUNT] += tally->places[0].counts[i];
        }
        level = level ? level : usual_level(nodes, count);
        roll_up(nodes, count, level, &rest);
        qsort(nodes, count, sizeof *nodes, code_order);
        struct report_table *table = report_add_table(
            report, "main", TR("Messages and people by place"), place_columns, PLACE_COLUMNS);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(nodes[i].level, level) == 0 && !is_empty(&nodes[i])) {
                put_node(table, &nodes[i]);
            }
        }
        if (!is_empty(&rest)) {
            put_node(table, &rest);
        }
        report_param(report, TR("Level"), "%s", TR(level));
        report_table_sum(table, TR("Total"));
    }
    base_free(nodes);
    return rc;
}

int report_place(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct tally tally = {0};
    struct tally_filter filter = {0};
    const char *level = report_option(request, "level");
    const char *campaign = report_option(request, "campaign");
    int rc = check_level(level, err);
    if (rc == 0 && campaign) {
        struct campaign_row row = {0};
        rc = campaign_get(request->db, campaign, &row, err);
        filter.campaign_id = row.id;
        campaign_row_release(&row);
    }
    if (rc == 0) {
        report_title(report, "%s", TR("Report by place"));
        if (campaign) {
            report_param(report, TR("Campaign"), "%s", campaign);
        }
        rc = tally_run(request->db, &filter, TALLY_BY_CHANNEL,
            TALLY_PLACES | TALLY_PEOPLE | (request->with_charts ? TALLY_DAYS : 0),
            request->offset_min, &tally, err);
    }
    if (rc == 0) {
        rc = fill_places(request, report, &tally, level, err);
    }
    if (rc == 0 && request->with_charts) {
        ledger_part_charts(report, &tally);
    }
    tally_release(&tally);
    return rc;
}
