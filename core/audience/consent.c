/* The consent ledger: adding to it and asking it. Rows are never changed or removed here. */
#include "audience/consent.h"

#include "base/mem.h"
#include "base/tr.h"

int consent_add(struct db *db, const struct consent_entry *entry, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO consent (contact_id, channel, purpose, action, at, source, evidence, "
        "text_hash) SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM contact WHERE id = ?1",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, entry->contact_id);
    db_bind_text(stmt, 2, entry->channel);
    db_bind_text(stmt, 3, entry->purpose);
    db_bind_i64(stmt, 4, entry->given);
    db_bind_i64(stmt, 5, entry->at_ms);
    db_bind_text(stmt, 6, entry->source);
    db_bind_text(stmt, 7, entry->evidence);
    db_bind_text(stmt, 8, entry->text_hash);
    rc = db_run(stmt, err);
    if (rc == 0 && db_changes(db) == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("there is no contact with the number %lld"),
            (long long)entry->contact_id);
    }
    db_finish(&stmt);
    return rc;
}

int consent_each(struct db *db, int64_t contact_id, int64_t most,
    int (*row)(void *arg, const struct consent_row *consent), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        contact_id
            ? "SELECT id, contact_id, channel, purpose, action, at, source, evidence, "
              "text_hash FROM consent WHERE contact_id = ?1 ORDER BY at DESC, id DESC LIMIT ?2"
            : "SELECT id, contact_id, channel, purpose, action, at, source, evidence, "
              "text_hash FROM consent WHERE id > ?1 ORDER BY id DESC LIMIT ?2",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, contact_id);
    db_bind_i64(stmt, 2, most);
    while ((rc = db_step(stmt, err)) == 1) {
        struct consent_row consent = {.id = db_column_i64(stmt, 0),
            .contact_id = db_column_i64(stmt, 1),
            .channel = db_column_str(stmt, 2),
            .purpose = db_column_str(stmt, 3),
            .given = db_column_i64(stmt, 4) != 0,
            .at_ms = db_column_i64(stmt, 5),
            .source = db_column_str(stmt, 6),
            .evidence = db_column_str(stmt, 7),
            .text_hash = db_column_str(stmt, 8)};
        rc = row(arg, &consent);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

/* ---- asking ---- */

struct consent_checker {
    struct db_stmt *stmt;
};

int consent_checker_new(struct db *db, const char *channel_kind, const char *purpose,
    struct consent_checker **checker_out, struct base_err *err) {
    struct consent_checker *checker = base_alloc(sizeof(*checker));
    int rc = db_prepare(db,
        "SELECT action FROM consent WHERE contact_id = ?1 AND channel IN (?2, '*') AND "
        "purpose IN (?3, '*') ORDER BY at DESC, id DESC LIMIT 1",
        &checker->stmt, err);
    if (rc) {
        base_free(checker);
        return rc;
    }
    db_bind_text(checker->stmt, 2, channel_kind);
    db_bind_text(checker->stmt, 3, purpose);
    *checker_out = checker;
    return 0;
}

int consent_check(struct consent_checker *checker, int64_t contact_id,
    enum consent_answer *answer_out, struct base_err *err) {
    db_bind_i64(checker->stmt, 1, contact_id);
    int rc = db_step(checker->stmt, err);
    if (rc < 0) {
        return rc;
    }
    *answer_out = CONSENT_NONE;
    if (rc == 1) {
        *answer_out = db_column_i64(checker->stmt, 0) ? CONSENT_GIVEN : CONSENT_WITHDRAWN;
        db_reset(checker->stmt);
    }
    return 0;
}

void consent_checker_free(struct consent_checker **checker) {
    if (*checker) {
        db_finish(&(*checker)->stmt);
        base_free(*checker);
        *checker = NULL;
    }
}
