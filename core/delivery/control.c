/* What people do with campaigns and messages. */
#include "delivery/control.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"

#define STOP_CHUNK 20000

struct change {
    const char *verb;
    enum campaign_state from, from_too, to;
    const char *set; /* further columns; ?2 is now, ?3 is who */
    const char *hint;
};

static int update_campaign(
    struct db *db, int64_t id, const struct change *change, const char *who, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char sql[400];
    snprintf(sql, sizeof sql,
        "UPDATE campaign SET state = %d, changed_at = ?2%s WHERE id = ?1 AND CAST(?3 AS TEXT) IS "
        "NOT NULL",
        (int)change->to, change->set);
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_i64(stmt, 2, base_clock_now_ms());
        db_bind_text(stmt, 3, who);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int run_on_steps(struct db *db, const char *sql, int64_t campaign_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* Devices that have airings of the campaign are to give them back. Those that have begun by now
 * (from_ms) play on. */
static int want_back(struct db *db, int64_t campaign_id, int64_t from_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE airing SET withdraw = 1 WHERE campaign_id = ?1 AND start_at > ?2 AND withdraw = 0 "
        "AND EXISTS (SELECT 1 FROM message m WHERE m.id BETWEEN (airing.step_id << 43) + "
        "4398046511104 + (airing.id << 4) AND (airing.step_id << 43) + 4398046511104 + (airing.id "
        "<< 4) + 15 AND m.state IN (3, 4))",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, from_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int end_transaction(struct db *db, int rc, struct base_err *err) {
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

static int change_state(struct db *db, const char *name, const char *who,
    const struct change *change, const char *steps_sql, int64_t *id_out, struct base_err *err) {
    struct campaign_row row = {0};
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = campaign_get(db, name, &row, err);
    if (rc == 0 && row.state != change->from && row.state != change->from_too) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("campaign %s is %s: %s"), name,
            TR(campaign_state_word(row.state)), TR(change->hint));
    }
    if (rc == 0) {
        rc = update_campaign(db, row.id, change, who, err);
    }
    if (rc == 0 && steps_sql) {
        rc = run_on_steps(db, steps_sql, row.id, err);
    }
    if (rc == 0 && (change->to == CAMPAIGN_PAUSED || change->to == CAMPAIGN_STOPPED)) {
        /* A pause lets what plays go on, a stop does not. */
        rc = want_back(db, row.id, change->to == CAMPAIGN_PAUSED ? base_clock_now_ms() : -1, err);
    }
    if (rc == 0 && change->to == CAMPAIGN_RUNNING) { /* not asked for yet: it stays */
        rc = run_on_steps(db,
            "UPDATE airing SET withdraw = 0 WHERE campaign_id = ?1 AND withdraw = 1 AND state < 2 "
            "AND coalesce(device, '') = (SELECT coalesce(o.device, '') FROM outlet o WHERE o.id = "
            "airing.outlet_id)",
            row.id, err);
    }
    if (rc == 0) {
        rc = audit_add(db, who, change->verb, name, NULL, err);
    }
    if (id_out) {
        *id_out = row.id;
    }
    campaign_row_release(&row);
    return end_transaction(db, rc, err);
}

int control_pause(struct db *db, const char *name, const char *who, struct base_err *err) {
    static const struct change change = {"pause", CAMPAIGN_RUNNING, CAMPAIGN_RUNNING,
        CAMPAIGN_PAUSED, ", wait_reason = 'paused by ' || ?3",
        "only a running campaign can be paused"};
    return change_state(db, name, who, &change, NULL, NULL, err);
}

int control_resume(struct db *db, const char *name, const char *who, struct base_err *err) {
    static const struct change change = {"resume", CAMPAIGN_PAUSED, CAMPAIGN_PAUSED,
        CAMPAIGN_RUNNING, ", wait_reason = NULL", "only a paused campaign can be resumed"};
    /* 2: STEP_MISSED begins now (1: STEP_RUNNING), for a person has said so. */
    return change_state(db, name, who, &change,
        "UPDATE step SET state = 1 WHERE campaign_id = ?1 AND state = 2", NULL, err);
}

/* Rows that have not left, some at a time; 1 when there may be more. */
static int suppress_some(struct db *db, int64_t campaign_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_prepare(db,
        "UPDATE message SET state = ?2, reason = ?3, due_at = NULL, at = ?4 WHERE id IN (SELECT "
        "m.id FROM step s JOIN "
        "message m ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 "
        "WHERE s.campaign_id = ?1 AND m.state IN (0, 1) LIMIT ?5)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, MESSAGE_SUPPRESSED);
        db_bind_i64(stmt, 3, SUPPRESSED_STOPPED);
        db_bind_i64(stmt, 4, base_clock_now_ms());
        db_bind_i64(stmt, 5, STOP_CHUNK);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    bool more = rc == 0 && db_changes(db) == STOP_CHUNK;
    rc = end_transaction(db, rc, err);
    return rc == 0 && more ? 1 : rc;
}

int control_stop(struct db *db, const char *name, const char *who, struct base_err *err) {
    struct change change = {"stop", CAMPAIGN_RUNNING, CAMPAIGN_PAUSED, CAMPAIGN_STOPPED,
        ", ended_at = ?2, wait_reason = NULL", "there is nothing to stop yet"};
    struct campaign_row row = {0};
    int64_t id = 0;
    int rc = campaign_get(db, name, &row, err);
    /* Who presses stop wants to know that nothing more leaves: so it is. A stop that was cut off is
     * finished. */
    bool over = rc == 0 && (row.state == CAMPAIGN_DONE || row.state == CAMPAIGN_STOPPED);
    bool stopped = over && row.state == CAMPAIGN_STOPPED;
    if (rc == 0 && (row.state == CAMPAIGN_PLANNED || row.state == CAMPAIGN_APPROVED)) {
        change.from = change.from_too = row.state;
    }
    id = row.id;
    campaign_row_release(&row);
    if (rc != 0 || (over && !stopped)) {
        return rc;
    }
    /* The state first and by itself: from here on nothing more leaves. 3: STEP_DONE stays done, 4:
     * STEP_STOPPED. */
    rc = over ? 0
              : change_state(db, name, who, &change,
                    "UPDATE step SET state = 4 WHERE campaign_id = ?1 AND state <> 3", &id, err);
    while (rc == 0 && (rc = suppress_some(db, id, err)) == 1) {
        rc = 0;
    }
    return rc;
}

static int list_names(
    struct db *db, const char *sql, char ***names_out, size_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char **names = NULL;
    size_t count = 0;
    int rc = db_prepare(db, sql, &stmt, err);
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        struct str name = db_column_str(stmt, 0);
        names = base_realloc(names, (count + 1) * sizeof *names);
        names[count++] = base_strndup(name.at, name.bytes);
    }
    db_finish(&stmt);
    *names_out = names;
    *count_out = count;
    return rc;
}

int control_stop_all(struct db *db, const char *who, int64_t *stopped_out, struct base_err *err) {
    char **names = NULL;
    size_t count = 0;
    int rc = list_names(
        db, "SELECT name FROM campaign WHERE state IN (3, 4) ORDER BY id", &names, &count, err);
    /* All pauses first, which is quick, so that nothing of any campaign leaves while the first
     * one's rows are worked off. */
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = control_pause(db, names[i], who, err);
        rc = rc == LANTOA_ESTATE ? 0 : rc;
    }
    *stopped_out = 0;
    for (size_t i = 0; i < count; i++) {
        if (rc == 0) {
            rc = control_stop(db, names[i], who, err);
            *stopped_out += rc == 0;
        }
        base_free(names[i]);
    }
    base_free(names);
    return rc;
}

int control_hold_all(struct db *db, const char *reason, int64_t *held_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_prepare(
        db, "UPDATE campaign SET state = 4, wait_reason = ?1 WHERE state = 3", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, reason);
        rc = db_run(stmt, err);
    }
    *held_out = rc == 0 ? db_changes(db) : 0;
    db_finish(&stmt);
    if (rc == 0) {
        rc = audit_add(db, "lantoa", "hold", "all campaigns", reason, err);
    }
    return end_transaction(db, rc, err);
}

/* --- single messages --- */

struct message_facts {
    int state;
    enum campaign_state campaign_state;
};

static int read_message(
    struct db *db, int64_t id, struct message_facts *facts_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT m.state, g.state FROM message m JOIN step s ON s.id = m.id >> 43 "
        "JOIN campaign g ON g.id = s.campaign_id WHERE m.id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            facts_out->state = (int)db_column_i64(stmt, 0);
            facts_out->campaign_state = (enum campaign_state)db_column_i64(stmt, 1);
        }
    }
    db_finish(&stmt);
    if (rc == 0) {
        return base_err_set(err, LANTOA_ENOENT, TR("no message %lld"), (long long)id);
    }
    return rc < 0 ? rc : 0;
}

static int note_act(struct db *db, int64_t id, const char *who, const char *verb, const char *note,
    struct base_err *err) {
    char object[32];
    snprintf(object, sizeof object, "message %lld", (long long)id);
    return audit_add(db, who, verb, object, note, err);
}

int control_settle(struct db *db, int64_t message_id, enum message_state state, const char *who,
    const char *note, struct base_err *err) {
    struct message_facts facts = {0};
    struct db_stmt *stmt = NULL;
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = read_message(db, message_id, &facts, err);
    if (rc == 0 && facts.state != MESSAGE_UNCERTAIN) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("message %lld is %s, not uncertain"),
            (long long)message_id, message_state_label(facts.state));
    }
    if (rc == 0) {
        rc = db_prepare(db, "UPDATE message SET state = ?2, reason = ?3, detail = ?4 WHERE id = ?1",
            &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, message_id);
        db_bind_i64(stmt, 2, state);
        db_bind_i64(stmt, 3, state == MESSAGE_FAILED ? FAILED_BY_PERSON : 0);
        db_bind_text(stmt, 4, note);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = note_act(db, message_id, who, "settle", message_state_word((int)state), err);
    }
    return end_transaction(db, rc, err);
}

/* The next free generation of the same step and person. */
static int next_generation(
    struct db *db, int64_t message_id, int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t base = message_id & ~(int64_t)LEDGER_GENERATION_MAX;
    int rc = db_prepare(db, "SELECT max(id) FROM message WHERE id BETWEEN ?1 AND ?2", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, base);
        db_bind_i64(stmt, 2, base + LEDGER_GENERATION_MAX);
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) + 1 : 0;
    }
    db_finish(&stmt);
    if (rc == 1 && *id_out > base + LEDGER_GENERATION_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("message %lld was sent again %d times already"),
            (long long)message_id, LEDGER_GENERATION_MAX);
    }
    return rc < 0 ? rc : 0;
}

static int insert_generation(struct db *db, int64_t id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t now = base_clock_now_ms();
    int rc = db_prepare(db,
        "INSERT INTO message (id, state, reason, at, due_at) VALUES (?1, 0, 0, ?2, ?2)", &stmt,
        err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_i64(stmt, 2, now);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) { /* a step that was through has work again; so has its campaign */
        rc = run_on_steps(
            db, "UPDATE step SET state = 1 WHERE id = ?1 AND state = 3", ledger_step(id), err);
    }
    if (rc == 0) {
        rc = run_on_steps(db,
            "UPDATE campaign SET state = 3, ended_at = NULL WHERE state = 5 AND "
            "id = (SELECT campaign_id FROM step WHERE id = ?1)",
            ledger_step(id), err);
    }
    return rc;
}

int control_resend(
    struct db *db, int64_t message_id, const char *who, int64_t *new_id_out, struct base_err *err) {
    struct message_facts facts = {0};
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = read_message(db, message_id, &facts, err);
    if (rc == 0 && facts.state != MESSAGE_FAILED && facts.state != MESSAGE_UNCERTAIN &&
        facts.state != MESSAGE_SUPPRESSED) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("message %lld is %s: only a failed, uncertain or suppressed one can be sent again"),
            (long long)message_id, message_state_label(facts.state));
    }
    if (rc == 0 && facts.campaign_state != CAMPAIGN_RUNNING &&
        facts.campaign_state != CAMPAIGN_PAUSED && facts.campaign_state != CAMPAIGN_DONE) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("its campaign is %s"),
            TR(campaign_state_word(facts.campaign_state)));
    }
    if (rc == 0) {
        rc = next_generation(db, message_id, new_id_out, err);
    }
    if (rc == 0) {
        rc = insert_generation(db, *new_id_out, err);
    }
    if (rc == 0) {
        char note[48];
        snprintf(note, sizeof note, "as message %lld", (long long)*new_id_out);
        rc = note_act(db, message_id, who, "resend", note, err);
    }
    return end_transaction(db, rc, err);
}
