/* Taking an import back: what it added goes, what it changed gets its old values, unless something
 * has been built on it since. */
#include "audience/contact.h"

#include "base/clock.h"
#include "base/tr.h"

enum { IDS_A_TRANSACTION = 20000 };

/* Recipients of any message are found by the primary key of the ledger (see migrations/001.sql):
 * for each step, the messages to one range of contacts lie together, so each transaction reads
 * short runs of the ledger, whatever its size. */
#define IN_LEDGER                                                                                  \
    "(SELECT (m.id >> 4) & 274877906943 FROM step s CROSS JOIN message m WHERE m.id BETWEEN "      \
    "((s.id << 43) | (CAST(?2 AS BIGINT) << 4)) AND "                                              \
    "((s.id << 43) | (CAST(?3 AS BIGINT) << 4) | 15))"

/* Contacts of the range that a later import changed; an import that is undone leaves nothing here.
 */
#define CHANGED_LATER                                                                              \
    "(SELECT l.contact_id FROM import_before l WHERE l.batch_id > ?1 AND "                         \
    "l.contact_id BETWEEN ?2 AND ?3)"

#define ADDED_AND_FREE                                                                             \
    "batch_id = ?1 AND id BETWEEN ?2 AND ?3 AND id NOT IN " CHANGED_LATER                          \
    " AND id NOT IN " IN_LEDGER

static const char *const steps_of_a_range[] = {
    /* What it changed. */
    "UPDATE contact SET ref = b.before ->> 'ref', person_id = b.before ->> 'person_id', "
    "si_code = b.before ->> 'si_code', name = b.before ->> 'name', "
    "name_key = b.before ->> 'name_key', email = b.before ->> 'email', "
    "phone = b.before ->> 'phone', lang = b.before ->> 'lang', "
    "birth_date = b.before ->> 'birth_date', sex = b.before ->> 'sex', "
    "household = b.before ->> 'household', "
    "place_id = CAST(b.before ->> 'place_id' AS BIGINT), "
    "enrolled_on = b.before ->> 'enrolled_on', "
    "enrolled_at = CAST(b.before ->> 'enrolled_at' AS BIGINT), "
    "attrs = CAST(b.before ->> 'attrs' AS @JSON@) "
    "FROM import_before b WHERE b.batch_id = ?1 AND b.contact_id = contact.id "
    "AND b.contact_id BETWEEN ?2 AND ?3 AND b.contact_id NOT IN " CHANGED_LATER,
    "DELETE FROM import_before WHERE batch_id = ?1 AND contact_id BETWEEN ?2 AND ?3 "
    "AND contact_id NOT IN " CHANGED_LATER,
    /* Consents are never taken out of the ledger of a person who stays: what counted before is said
       again. */
    "INSERT INTO consent (contact_id, channel, purpose, action, at, source) "
    "SELECT c.contact_id, c.channel, c.purpose, COALESCE((SELECT e.action FROM consent e "
    "WHERE e.contact_id = c.contact_id AND e.channel = c.channel AND e.purpose = c.purpose "
    "AND e.id < c.id ORDER BY e.at DESC, e.id DESC LIMIT 1), 0), ?4, 'undo' FROM consent c "
    "WHERE c.batch_id = ?1 AND c.contact_id BETWEEN ?2 AND ?3 AND NOT EXISTS (SELECT 1 FROM "
    "consent f WHERE f.contact_id = c.contact_id AND f.channel = c.channel AND "
    "f.purpose = c.purpose AND f.id > c.id)",
    /* What it added. */
    "DELETE FROM consent WHERE contact_id BETWEEN ?2 AND ?3 AND contact_id IN "
    "(SELECT id FROM contact WHERE " ADDED_AND_FREE ")",
    "DELETE FROM contact WHERE " ADDED_AND_FREE,
};
enum { RANGE_STEPS = 5, STEP_RESTORE = 0, STEP_CONSENT = 2, STEP_DELETE = 4 };

struct undo {
    struct db *db;
    int64_t batch_id, first, last; /* contacts it touched lie between these ids */
    struct db_stmt *stmts[RANGE_STEPS];
    struct contact_undo_outcome *outcome;
};

static int get_i64(struct undo *undo, const char *sql, int64_t *value_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(undo->db, sql, &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, undo->batch_id);
    rc = db_step(stmt, err);
    if (rc == 1) {
        *value_out = db_column_i64(stmt, 0);
        db_reset(stmt);
        rc = 0;
    } else if (rc == 0) {
        rc = LANTOA_ENOENT;
    }
    db_finish(&stmt);
    return rc;
}

/* The batch must be one of contacts. What an earlier undo had to keep can be tried again: what
 * stood in its way may be gone. */
static int check_batch(struct undo *undo, struct base_err *err) {
    int64_t undone = 0;
    int rc = get_i64(undo,
        "SELECT CASE WHEN undone_at IS NULL OR EXISTS (SELECT 1 FROM contact WHERE batch_id = ?1) "
        "OR EXISTS (SELECT 1 FROM import_before WHERE batch_id = ?1) THEN 0 ELSE 1 END FROM "
        "import_batch WHERE id = ?1 AND kind = 'contact'",
        &undone, err);
    if (rc == LANTOA_ENOENT) {
        return base_err_set(err, rc, TR("there is no import of contacts with the number %lld"),
            (long long)undo->batch_id);
    }
    if (rc == 0 && undone) {
        return base_err_set(err, LANTOA_ESTATE, TR("import %lld has been undone already"),
            (long long)undo->batch_id);
    }
    return rc;
}

static int find_range(struct undo *undo, struct base_err *err) {
    /* Without an index by batch: one pass over the contacts, as an undo is rare. */
    int rc = get_i64(undo,
        "SELECT COALESCE(MIN(i), 0) FROM (SELECT MIN(id) AS i FROM contact WHERE batch_id = ?1 "
        "UNION ALL SELECT MIN(contact_id) FROM import_before WHERE batch_id = ?1 "
        "UNION ALL SELECT MIN(contact_id) FROM consent WHERE batch_id = ?1) AS r",
        &undo->first, err);
    if (rc == 0) {
        rc = get_i64(undo,
            "SELECT COALESCE(MAX(i), -1) FROM (SELECT MAX(id) AS i FROM contact WHERE batch_id = "
            "?1 "
            "UNION ALL SELECT MAX(contact_id) FROM import_before WHERE batch_id = ?1 "
            "UNION ALL SELECT MAX(contact_id) FROM consent WHERE batch_id = ?1) AS r",
            &undo->last, err);
    }
    return rc;
}

static int undo_range(struct undo *undo, int64_t first, int64_t last, struct base_err *err) {
    int rc = db_begin(undo->db, err);
    if (rc) {
        return rc;
    }
    int64_t changes[RANGE_STEPS] = {0};
    for (int i = 0; rc == 0 && i < RANGE_STEPS; i++) {
        db_bind_i64(undo->stmts[i], 1, undo->batch_id);
        db_bind_i64(undo->stmts[i], 2, first);
        db_bind_i64(undo->stmts[i], 3, last);
        if (i == STEP_CONSENT) {
            db_bind_i64(undo->stmts[i], 4, base_clock_now_ms());
        }
        rc = db_run(undo->stmts[i], err);
        changes[i] = db_changes(undo->db);
    }
    if (rc) {
        db_rollback(undo->db);
        return rc;
    }
    undo->outcome->restored += changes[STEP_RESTORE];
    undo->outcome->deleted += changes[STEP_DELETE];
    return db_commit(undo->db, err);
}

static int finish(struct undo *undo, struct base_err *err) {
    int rc = get_i64(undo,
        "SELECT (SELECT COUNT(*) FROM contact WHERE batch_id = ?1) + "
        "(SELECT COUNT(*) FROM import_before WHERE batch_id = ?1)",
        &undo->outcome->kept, err);
    struct db_stmt *stmt = NULL;
    rc = rc ? rc
            : db_prepare(
                  undo->db, "UPDATE import_batch SET undone_at = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, undo->batch_id);
        db_bind_i64(stmt, 2, base_clock_now_ms());
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int contact_undo(struct db *db, int64_t batch_id, struct contact_undo_outcome *outcome_out,
    struct base_err *err) {
    *outcome_out = (struct contact_undo_outcome){0};
    struct undo undo = {.db = db, .batch_id = batch_id, .outcome = outcome_out};
    int rc = check_batch(&undo, err);
    rc = rc ? rc : find_range(&undo, err);
    for (int i = 0; rc == 0 && i < RANGE_STEPS; i++) {
        rc = db_prepare(db, steps_of_a_range[i], &undo.stmts[i], err);
    }
    /* A crash between two ranges leaves an undo half done; doing it again finishes it. */
    for (int64_t at = undo.first; rc == 0 && at <= undo.last; at += IDS_A_TRANSACTION) {
        rc = undo_range(&undo, at, at + IDS_A_TRANSACTION - 1, err);
    }
    rc = rc ? rc : finish(&undo, err);
    for (int i = 0; i < RANGE_STEPS; i++) {
        db_finish(&undo.stmts[i]);
    }
    return rc;
}
