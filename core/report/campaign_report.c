/* Counts of the ledger. */
#include "report/campaign_report.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "campaign/store.h"
#include "delivery/ledger.h"
#include "tracking/click.h"

/* Rows of the campaign's ledger whose message was not sent again. */
#define ROWS_SQL                                                                                   \
    "FROM step s JOIN message m ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 "          \
    "LEFT JOIN message n ON n.id = m.id + 1 AND (n.id & 15) <> 0 "
#define WHERE_SQL "WHERE s.campaign_id = ?1 AND n.id IS NULL "

struct counting {
    struct db *db;
    int64_t campaign_id;
    int offset_min;  /* of the campaign's zone */
    bool has_offset; /* the text has a second placeholder for it */
    struct report_table *table;
};

typedef void add_row_fn(struct counting *c, struct db_stmt *stmt);

static int each(struct counting *c, const char *sql, add_row_fn *add, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(c->db, sql, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, c->campaign_id);
    if (c->has_offset) {
        db_bind_i64(stmt, 2, (int64_t)c->offset_min * 60000);
    }
    while ((rc = db_step(stmt, err)) == 1) {
        add(c, stmt);
    }
    db_finish(&stmt);
    return rc;
}

static json_t *text(struct str s) {
    return json_stringn(s.at ? s.at : "", s.bytes);
}

static void add_state(struct counting *c, struct db_stmt *stmt) {
    json_t *values[] = {json_string(message_state_word((int)db_column_i64(stmt, 0))),
        json_integer(db_column_i64(stmt, 1))};
    report_table_add(c->table, values);
}

static void add_reason(struct counting *c, struct db_stmt *stmt) {
    json_t *values[] = {json_string(message_state_word((int)db_column_i64(stmt, 0))),
        json_string(message_reason_word((int)db_column_i64(stmt, 1))),
        json_integer(db_column_i64(stmt, 2))};
    report_table_add(c->table, values);
}

static void add_place(struct counting *c, struct db_stmt *stmt) {
    json_t *values[] = {text(db_column_str(stmt, 0)), text(db_column_str(stmt, 1)),
        json_string(message_state_word((int)db_column_i64(stmt, 2))),
        json_integer(db_column_i64(stmt, 3))};
    report_table_add(c->table, values);
}

static void add_day(struct counting *c, struct db_stmt *stmt) {
    char day[BASE_DATE_MAX];
    base_format_date(base_date_from_days(db_column_i64(stmt, 0)), day);
    json_t *values[] = {json_string(day),
        json_string(message_state_word((int)db_column_i64(stmt, 1))),
        json_integer(db_column_i64(stmt, 2))};
    report_table_add(c->table, values);
}

static void add_step(struct counting *c, struct db_stmt *stmt) {
    json_t *values[4 + MESSAGE_STATE_COUNT];
    size_t n = 0;
    values[n++] = text(db_column_str(stmt, 0));
    values[n++] = json_integer(db_column_i64(stmt, 1));
    values[n++] = json_string(step_state_word((enum step_state)db_column_i64(stmt, 2)));
    for (int i = 0; i <= MESSAGE_STATE_COUNT; i++) {
        values[n++] = json_integer(db_column_i64(stmt, 3 + i));
    }
    report_table_add(c->table, values);
}

static void add_link(struct counting *c, struct db_stmt *stmt) {
    json_t *values[] = {text(db_column_str(stmt, 0)), json_integer(db_column_i64(stmt, 1)),
        db_column_i64(stmt, 2) < 0 ? json_string("open") : json_integer(db_column_i64(stmt, 2)),
        text(db_column_str(stmt, 3)), json_integer(db_column_i64(stmt, 4)),
        json_integer(db_column_i64(stmt, 5)), json_integer(db_column_i64(stmt, 6))};
    report_table_add(c->table, values);
}

static const struct report_column state_columns[] = {
    {"state", "state", REPORT_WORD}, {"messages", "messages", REPORT_NUMBER}};
static const struct report_column reason_columns[] = {{"state", "state", REPORT_WORD},
    {"reason", "reason", REPORT_WORD}, {"messages", "messages", REPORT_NUMBER}};
static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"state", "state", REPORT_WORD},
    {"messages", "messages", REPORT_NUMBER}};
static const struct report_column day_columns[] = {{"day", "day", REPORT_TEXT},
    {"state", "state", REPORT_WORD}, {"messages", "messages", REPORT_NUMBER}};
static const struct report_column step_columns[] = {
    {"step", "step", REPORT_TEXT}, {"occurrence", "occurrence", REPORT_NUMBER},
    {"step_state", "step state", REPORT_WORD}, {"messages", "messages", REPORT_NUMBER},
#define COLUMN(name, value, word) {word, word, REPORT_NUMBER},
    MESSAGE_STATES(COLUMN)
#undef COLUMN
};

static const struct report_column link_columns[] = {{"step", "step", REPORT_TEXT},
    {"occurrence", "occurrence", REPORT_NUMBER}, {"link", "link", REPORT_TEXT},
    {"url", "url", REPORT_TEXT}, {"people", "people", REPORT_NUMBER},
    {"human", "human", REPORT_NUMBER}, {"machine", "machine", REPORT_NUMBER}};

#define SUM_OF(name, value, word) ", sum(CASE WHEN m.state = " #value " THEN 1 ELSE 0 END)"

static const struct {
    const char *by;
    const struct report_column *columns;
    size_t column_count;
    const char *sql;
    add_row_fn *add;
} reports[] = {
    {"state", state_columns, 2,
        "SELECT m.state, count(*) " ROWS_SQL WHERE_SQL "GROUP BY m.state ORDER BY m.state",
        add_state},
    {"reason", reason_columns, 3,
        "SELECT m.state, m.reason, count(*) " ROWS_SQL WHERE_SQL
        "GROUP BY m.state, m.reason ORDER BY m.state, count(*) DESC, m.reason",
        add_reason},
    {"place", place_columns, 4,
        "SELECT coalesce(p.code, ''), coalesce(p.name, '-'), m.state, count(*) " ROWS_SQL
        "LEFT JOIN contact c ON c.id = " LEDGER_RECIPIENT_SQL(
            "m.id") " LEFT JOIN place p ON p.id = c.place_id " WHERE_SQL
                    "GROUP BY p.id, p.code, p.name, m.state ORDER BY p.code, p.id, m.state",
        add_place},
    {"day", day_columns, 3,
        "SELECT (m.at + ?2) / 86400000, m.state, count(*) " ROWS_SQL WHERE_SQL
        "GROUP BY (m.at + ?2) / 86400000, m.state ORDER BY 1, 2",
        add_day},
    {"step", step_columns, 4 + MESSAGE_STATE_COUNT,
        "SELECT s.name, s.occurrence, s.state, count(*)" MESSAGE_STATES(
            SUM_OF) " " ROWS_SQL WHERE_SQL "GROUP BY s.position, s.occurrence, s.name, s.state "
                    "ORDER BY s.position, s.occurrence",
        add_step},
    {"link", link_columns, 7,
        "SELECT s.name, s.occurrence, x.link, coalesce(l.url, ''), coalesce(k.people, 0), "
        "coalesce(k.human, 0), coalesce(k.machine, 0) FROM step s JOIN (SELECT step_id, number AS "
        "link FROM link UNION SELECT step_id, link FROM click_count) x ON x.step_id = s.id "
        "LEFT JOIN link l ON l.step_id = x.step_id AND l.number = x.link "
        "LEFT JOIN click_count k ON k.step_id = x.step_id AND k.link = x.link "
        "WHERE s.campaign_id = ?1 ORDER BY s.position, s.occurrence, x.link",
        add_link},
};

/* What came in since somebody looked last. */
static int fold_clicks(struct db *db, struct base_err *err) {
    int64_t folded = 1;
    int rc = 0;
    while (rc == 0 && folded > 0) {
        rc = click_fold(db, base_clock_now_ms(), 5000, &folded, err);
    }
    return rc;
}

static int campaign_offset(
    const struct campaign_row *row, int *offset_min_out, struct base_err *err) {
    struct campaign_spec *spec = NULL;
    const struct calendar_zone *zone = NULL;
    int rc = campaign_row_spec(row, &spec, err);
    if (rc == 0) {
        rc = calendar_zone_find(spec->timezone, &zone, err);
    }
    if (rc == 0) {
        *offset_min_out =
            calendar_offset_min(zone, row->started_at ? row->started_at : row->changed_at);
    }
    campaign_spec_free(&spec);
    return rc;
}

int report_campaign(struct db *db, const char *campaign, const char *by,
    struct report_table *table_out, struct base_err *err) {
    struct campaign_row row = {0};
    struct counting counting = {.db = db, .table = table_out};
    size_t which = 0;
    while (by && which < sizeof reports / sizeof reports[0] && strcmp(reports[which].by, by) != 0) {
        which++;
    }
    *table_out = (struct report_table){0};
    if (which == sizeof reports / sizeof reports[0]) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("--by %s: must be state, reason, step, place, day or link"), by);
    }
    int rc = campaign_get(db, campaign, &row, err);
    if (rc == 0) {
        rc = campaign_offset(&row, &counting.offset_min, err);
    }
    if (rc == 0) {
        counting.campaign_id = row.id;
        counting.has_offset = strstr(reports[which].sql, "?2") != NULL;
        report_table_init(table_out, reports[which].columns, reports[which].column_count);
        rc = reports[which].add == add_link ? fold_clicks(db, err) : 0;
    }
    if (rc == 0) {
        rc = each(&counting, reports[which].sql, reports[which].add, err);
    }
    if (rc != 0) {
        report_table_release(table_out);
    }
    campaign_row_release(&row);
    return rc;
}
