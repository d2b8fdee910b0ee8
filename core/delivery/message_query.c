/* Reading the ledger. */
#include "delivery/message_query.h"

#include "base/buf.h"
#include "base/tr.h"
#include "campaign/store.h"

/* The address a row was or would be written to is that of the channel's kind: phone channels show
 * the phone, others the email first. */
/* enum lantoa_address_kind: 3 phone, 4 outlet, 5 account, 6 page */
static const char select_sql[] =
    "SELECT m.id, m.at, coalesce(m.due_at, 0), m.state, m.reason, m.tries, s.occurrence, g.name, "
    "s.name, h.name, "
    "coalesce(c.name, o.name), coalesce(c.ref, o.code), "
    "CASE WHEN h.address = 4 THEN o.device WHEN h.address = 3 THEN c.phone WHEN h.address = 5 "
    "THEN CAST(c.attrs ->> h.account AS TEXT) WHEN h.address = 6 THEN h.name ELSE "
    "coalesce(c.email, c.phone) END, "
    "m.ref, m.detail, coalesce(m.at + m.settled_ms, 0) FROM step s JOIN campaign g ON g.id = "
    "s.campaign_id JOIN channel h ON h.id = "
    "s.channel_id "
    "JOIN message m ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 "
    "LEFT JOIN contact c ON c.id = " LEDGER_CONTACT_SQL(
        "m.id") " LEFT JOIN airing a ON a.id = " LEDGER_AIRING_SQL("m.id") " LEFT JOIN outlet o ON "
                                                                           "o.id = a.outlet_id";

static void build(struct base_buf *sql, const struct message_filter *f) {
    base_buf_add_text(sql, select_sql);
    base_buf_add_text(sql, " WHERE m.id > ?1");
    if (f->campaign) {
        base_buf_add_text(sql, " AND g.name = ?2");
    }
    if (f->step) {
        base_buf_add_text(sql, " AND s.name = ?3");
    }
    if (f->state >= 0) {
        base_buf_add_text(sql, " AND m.state = ?4");
    }
    if (f->reason >= 0) {
        base_buf_add_text(sql, " AND m.reason = ?5");
    }
    if (f->contact_id) {
        base_buf_add_text(
            sql, " AND m.id BETWEEN (s.id << 43) + (?6 << 4) AND (s.id << 43) + (?6 << 4) + 15");
    }
    base_buf_add_text(sql, " ORDER BY m.id");
    if (f->limit) {
        base_buf_add_text(sql, " LIMIT ?7");
    }
}

static void bind(struct db_stmt *stmt, const struct message_filter *f) {
    db_bind_i64(stmt, 1, f->after_id);
    if (f->campaign) {
        db_bind_text(stmt, 2, f->campaign);
    }
    if (f->step) {
        db_bind_text(stmt, 3, f->step);
    }
    if (f->state >= 0) {
        db_bind_i64(stmt, 4, f->state);
    }
    if (f->reason >= 0) {
        db_bind_i64(stmt, 5, f->reason);
    }
    if (f->contact_id) {
        db_bind_i64(stmt, 6, f->contact_id);
    }
    if (f->limit) {
        db_bind_i64(stmt, 7, f->limit);
    }
}

int message_each(struct db *db, const struct message_filter *filter,
    int (*row)(void *arg, const struct message_row *message), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_buf sql;
    int rc = 0;
    if (filter->campaign) {
        struct campaign_row campaign = {0};
        rc = campaign_get(db, filter->campaign, &campaign, err);
        campaign_row_release(&campaign);
        if (rc != 0) {
            return rc;
        }
    }
    base_buf_init(&sql, 8192);
    build(&sql, filter);
    rc = db_prepare(db, base_buf_text(&sql), &stmt, err);
    base_buf_release(&sql);
    if (rc != 0) {
        return rc;
    }
    bind(stmt, filter);
    while ((rc = db_step(stmt, err)) == 1) {
        int64_t id = db_column_i64(stmt, 0);
        const struct message_row message = {.id = id,
            .contact_id = ledger_is_outlet(id) ? 0 : ledger_recipient(id),
            .airing_id = ledger_is_outlet(id) ? ledger_recipient(id) : 0,
            .generation = ledger_generation(id),
            .at = db_column_i64(stmt, 1),
            .due_at = db_column_i64(stmt, 2),
            .state = (int)db_column_i64(stmt, 3),
            .reason = (int)db_column_i64(stmt, 4),
            .tries = (int)db_column_i64(stmt, 5),
            .occurrence = (int)db_column_i64(stmt, 6),
            .campaign = db_column_str(stmt, 7),
            .step = db_column_str(stmt, 8),
            .channel = db_column_str(stmt, 9),
            .name = db_column_str(stmt, 10),
            .ref_of_contact = db_column_str(stmt, 11),
            .address = db_column_str(stmt, 12),
            .ref = db_column_str(stmt, 13),
            .detail = db_column_str(stmt, 14),
            .settled_at = db_column_i64(stmt, 15)};
        rc = row(arg, &message);
        if (rc != 0) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

int message_history(struct db *db, int64_t id, int (*act)(void *arg, const struct message_act *act),
    void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT at, state, reason, detail FROM (SELECT at, state, reason, detail, id FROM attempt "
        "WHERE message_id = ?1 UNION ALL SELECT m.at + m.settled_ms, m.state, 0, m.detail, 0 FROM "
        "message m WHERE m.id = ?1 AND m.settled_ms IS NOT NULL AND m.state = 5 AND NOT EXISTS "
        "(SELECT 1 FROM attempt a WHERE a.message_id = m.id AND a.state = 5)) x ORDER BY at, id",
        &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, id);
    while ((rc = db_step(stmt, err)) == 1) {
        const struct message_act row = {.at = db_column_i64(stmt, 0),
            .state = (int)db_column_i64(stmt, 1),
            .reason = (int)db_column_i64(stmt, 2),
            .detail = db_column_str(stmt, 3)};
        rc = act(arg, &row);
        if (rc != 0) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}
