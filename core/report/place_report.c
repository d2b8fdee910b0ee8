/* The ledger by place: the tree rolled up to one level, and by channel where that is asked for. */
#include "base/tr.h"
#include "campaign/store.h"
#include "report/kinds.h"
#include "report/ledger_part.h"
#include "report/numbers_part.h"
#include "report/place_view.h"

static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"contacts", "contacts", REPORT_COUNT | REPORT_SUM},
    LEDGER_PART_COLUMNS, {"people", "people reached", REPORT_COUNT | REPORT_SUM},
    {"reach", "share reached", REPORT_PERCENT}};
#define PLACE_COLUMNS (sizeof place_columns / sizeof place_columns[0])
static const struct report_column cross_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"channel", "channel", REPORT_TEXT}, LEDGER_PART_COLUMNS,
    {"people", "people reached", REPORT_COUNT}};
#define CROSS_COLUMNS (sizeof cross_columns / sizeof cross_columns[0])

struct node { /* of the tree: what stands below a place counts for it */
    int64_t id, parent_id, contacts, reached;
    int64_t *counts, *reached_by; /* as in struct tally_place; of the report's memory */
    const char *code, *name, *level;
    size_t parent; /* index + 1; 0: none */
};

struct places {
    const struct report_request *request;
    struct report *report;
    const struct tally *tally;
    struct node *nodes; /* in order of id while they are read and rolled up */
    size_t count;
    struct node rest; /* what has no place of the level */
    struct place_view *view;
};

static int node_order(const void *a, const void *b) {
    int64_t x = ((const struct node *)a)->id;
    int64_t y = ((const struct node *)b)->id;
    return (x > y) - (x < y);
}

static const char *keep_column(struct report *report, struct db_stmt *stmt, int column) {
    return report_keep(report, db_column_str(stmt, column));
}

static void fill_node(struct places *p, struct node *node, size_t at) {
    const struct tally_place *from = &p->tally->places[at];
    size_t groups = p->tally->group_count;
    size_t counts = groups * MESSAGE_STATE_COUNT;
    node->contacts = from->contacts;
    node->reached = from->reached;
    node->counts = base_arena_alloc(p->report->arena, (counts + groups + 1) * sizeof *node->counts);
    node->reached_by = node->counts + counts;
    memcpy(node->counts, from->counts, counts * sizeof *node->counts);
    memcpy(node->reached_by, from->reached_by, groups * sizeof *node->reached_by);
}

static int read_nodes(struct places *p, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(p->request->db,
        "SELECT id, coalesce(parent_id, 0), code, name, level FROM place ORDER BY id", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        size_t at = ledger_part_place(p->tally, db_column_i64(stmt, 0));
        rc = 0;
        if (at == 0) {
            continue; /* made since the tally read them */
        }
        struct node *node = &p->nodes[p->count++];
        *node = (struct node){.id = db_column_i64(stmt, 0),
            .parent_id = db_column_i64(stmt, 1),
            .code = keep_column(p->report, stmt, 2),
            .name = keep_column(p->report, stmt, 3),
            .level = keep_column(p->report, stmt, 4)};
        fill_node(p, node, at);
    }
    db_finish(&stmt);
    for (size_t i = 0; i < p->count; i++) {
        struct node key = {.id = p->nodes[i].parent_id};
        const struct node *parent = bsearch(&key, p->nodes, p->count, sizeof key, node_order);
        p->nodes[i].parent = parent ? (size_t)(parent - p->nodes) + 1 : 0;
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

static void add_node(const struct tally *tally, struct node *to, const struct node *from) {
    to->contacts += from->contacts;
    to->reached += from->reached;
    for (size_t i = 0; i < tally->group_count * MESSAGE_STATE_COUNT; i++) {
        to->counts[i] += from->counts[i];
    }
    for (size_t g = 0; g < tally->group_count; g++) {
        to->reached_by[g] += from->reached_by[g];
    }
}

static bool is_at(const struct node *node, const char *level) {
    return strcmp(node->level, level) == 0;
}

/* Adds the figures of every place to the one of the level above it. What stands above the level, or
 * nowhere, is the remainder, so that the sum stays the audience. */
static void roll_up(struct places *p, const char *level) {
    for (size_t i = 0; i < p->count; i++) {
        size_t at = i + 1;
        size_t steps = 0;
        while (at && !is_at(&p->nodes[at - 1], level) && steps++ < p->count) {
            at = p->nodes[at - 1].parent;
        }
        bool found = at && is_at(&p->nodes[at - 1], level);
        if (at != i + 1) {
            add_node(p->tally, found ? &p->nodes[at - 1] : &p->rest, &p->nodes[i]);
        }
    }
}

/* --- under the places of a day --- */

/* All figures of a node, one after the other: contacts, reached, counts, reached_by. */
static int64_t *figure(struct node *node, size_t at) {
    return at == 0 ? &node->contacts : at == 1 ? &node->reached : &node->counts[at - 2];
}

static struct node *node_of(struct places *p, int64_t place_id) {
    struct node key = {.id = place_id};
    struct node *node = bsearch(&key, p->nodes, p->count, sizeof key, node_order);
    return node ? node : &p->rest;
}

/* Each figure of every place goes where the view shows it; the sums stay. */
static void carry(struct places *p) {
    size_t groups = p->tally->group_count;
    size_t figures = 2 + groups * MESSAGE_STATE_COUNT + groups;
    struct place_part parts[PLACE_CARRY_PARTS];
    int64_t *before = base_alloc_array((p->count + 1) * figures, sizeof *before);
    for (size_t i = 0; i < p->count * figures; i++) {
        int64_t *own = figure(&p->nodes[i / figures], i % figures);
        before[i] = *own;
        *own = 0;
    }
    for (size_t i = 0; i < p->count * figures; i++) {
        size_t count =
            before[i] ? place_view_amount(p->view, p->nodes[i / figures].id, before[i], parts) : 0;
        for (size_t k = 0; k < count; k++) {
            *figure(node_of(p, parts[k].place_id), i % figures) += parts[k].amount;
        }
    }
    base_free(before);
}

static void states_of(
    const struct tally *tally, const struct node *node, int64_t states[MESSAGE_STATE_COUNT]) {
    memset(states, 0, MESSAGE_STATE_COUNT * sizeof *states);
    for (size_t i = 0; i < tally->group_count * MESSAGE_STATE_COUNT; i++) {
        states[i % MESSAGE_STATE_COUNT] += node->counts[i];
    }
}

static bool any(const int64_t *counts, size_t count) {
    int64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all |= counts[i];
    }
    return all != 0;
}

static bool is_empty(const struct tally *tally, const struct node *node) {
    return node->contacts == 0 && !any(node->counts, tally->group_count * MESSAGE_STATE_COUNT);
}

static int code_order(const void *a, const void *b) {
    const struct node *x = a;
    const struct node *y = b;
    int order = strcmp(x->code, y->code);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static void put_node(const struct places *p, struct report_table *table, const struct node *node) {
    int64_t states[MESSAGE_STATE_COUNT];
    if (is_empty(p->tally, node)) {
        return;
    }
    states_of(p->tally, node, states);
    place_view_put(p->view, table, node->id);
    report_put_i64(table, node->contacts);
    ledger_part_put(table, states);
    report_put_i64(table, node->reached);
    report_put_share(table, node->reached, node->contacts);
}

/* A row for each channel that has messages there. */
static void put_cross(const struct places *p, struct report_table *table, const struct node *node) {
    for (size_t g = 0; g < p->tally->group_count; g++) {
        const int64_t *states = &node->counts[g * MESSAGE_STATE_COUNT];
        if (any(states, MESSAGE_STATE_COUNT)) {
            place_view_put(p->view, table, node->id);
            report_put_text(table, str_from(p->tally->groups[g]));
            ledger_part_put(table, states);
            report_put_i64(table, node->reached_by[g]);
        }
    }
}

static void put_places(struct places *p, const char *level, bool cross) {
    struct report_table *table = report_add_table(p->report, "main",
        cross ? TR("Messages and people by place and channel") : TR("Messages and people by place"),
        cross ? cross_columns : place_columns, cross ? CROSS_COLUMNS : PLACE_COLUMNS);
    for (size_t i = 0; i <= p->count; i++) {
        const struct node *node = i < p->count ? &p->nodes[i] : &p->rest;
        if (i < p->count && !is_at(node, level)) {
            continue;
        }
        if (cross) {
            put_cross(p, table, node);
        } else {
            put_node(p, table, node);
        }
    }
    report_table_sum(table, TR("Total"));
    if (cross) {
        report_note(p->report, "%s",
            TR("People reached by several rows count once in each; so that column has no sum."));
    }
}

static int fill_places(const struct report_request *request, struct report *report,
    const struct tally *tally, const char *level, int64_t campaign_id, struct base_err *err) {
    const char *on = NULL;
    struct places p = {.request = request,
        .report = report,
        .tally = tally,
        .nodes = base_alloc_array(tally->place_count + 1, sizeof *p.nodes),
        .rest = {.code = "", .name = ""}};
    fill_node(&p, &p.rest, 0);
    int rc = place_view_day(request, report, &on, err);
    rc = rc ? rc : read_nodes(&p, err);
    level = level ? level : usual_level(p.nodes, p.count);
    rc = rc ? rc : place_view_new(request->db, on, level, &p.view, err);
    if (rc == 0) {
        if (on) {
            carry(&p);
        } else {
            roll_up(&p, level);
        }
        qsort(p.nodes, p.count, sizeof *p.nodes, code_order);
        report_param(report, TR("Level"), "%s", TR(level));
        put_places(&p, level, report_option(request, "by") != NULL);
        place_view_note(p.view, report);
        rc = numbers_part_places(request, report, p.view, campaign_id, err);
    }
    place_view_free(&p.view);
    base_free(p.nodes);
    return rc;
}

int report_place(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct tally tally = {0};
    struct tally_filter filter = {0};
    const char *level = NULL;
    const char *campaign = report_option(request, "campaign");
    const char *by = report_option(request, "by");
    int rc = place_view_level(request, &level, err);
    if (rc == 0 && by && strcmp(by, "channel") != 0) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("--by %s: must be channel"), by);
    }
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
        rc = fill_places(request, report, &tally, level, filter.campaign_id, err);
    }
    if (rc == 0 && request->with_charts) {
        ledger_part_charts(report, &tally);
    }
    tally_release(&tally);
    return rc;
}
