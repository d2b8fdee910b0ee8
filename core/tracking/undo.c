/* Undoing a withdrawal of consent. */
#include "tracking/undo.h"

#include "audience/consent.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/spec.h"
#include "campaign/store.h"

#define NOTE_CHARS_MAX 2000

struct withdrawal {
    int64_t id, contact_id, at_ms;
    char *channel, *purpose;
    bool given;
};

static int read_withdrawal(
    struct db *db, int64_t id, struct withdrawal *row_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT contact_id, at, channel, purpose, action FROM consent WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        struct str channel = db_column_str(stmt, 2);
        struct str purpose = db_column_str(stmt, 3);
        *row_out = (struct withdrawal){.id = id,
            .contact_id = db_column_i64(stmt, 0),
            .at_ms = db_column_i64(stmt, 1),
            .channel = base_strndup(channel.at, channel.bytes),
            .purpose = base_strndup(purpose.at, purpose.bytes),
            .given = db_column_i64(stmt, 4) != 0};
        rc = 0;
    } else if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT,
            TR("there is no consent row %lld; see: lantoa consent list"), (long long)id);
    }
    db_finish(&stmt);
    return rc;
}

/* The newest row about the same thing, at or before the withdrawal when `before`. */
static int newest(struct db *db, const struct withdrawal *row, const char *purpose, bool before,
    int64_t *id_out, bool *given_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, action FROM consent WHERE contact_id = ?1 AND (channel IN (?2, '*') OR ?2 = "
        "'*') AND (purpose IN (?3, '*') OR ?3 = '*') AND (?4 = 0 OR at < ?5 OR (at = ?5 AND id < "
        "?6)) ORDER BY at DESC, id DESC LIMIT 1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->contact_id);
        db_bind_text(stmt, 2, row->channel);
        db_bind_text(stmt, 3, purpose);
        db_bind_i64(stmt, 4, before);
        db_bind_i64(stmt, 5, row->at_ms);
        db_bind_i64(stmt, 6, row->id);
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
        *given_out = rc == 1 && db_column_i64(stmt, 1) != 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int check(struct db *db, const struct withdrawal *row, struct base_err *err) {
    int64_t id = 0;
    bool given = false;
    if (row->given) {
        return base_err_set(
            err, LANTOA_ESTATE, TR("consent row %lld is no withdrawal"), (long long)row->id);
    }
    int rc = newest(db, row, row->purpose, false, &id, &given, err);
    if (rc == 0 && id != row->id) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("consent row %lld was settled by a newer one: %lld"), (long long)row->id,
            (long long)id);
    }
    return rc;
}

static int give(struct db *db, const struct withdrawal *row, const char *purpose, const char *note,
    struct undo_outcome *outcome, struct base_err *err) {
    int64_t now_ms = base_clock_now_ms();
    const struct consent_entry entry = {.contact_id = row->contact_id,
        .channel = row->channel,
        .purpose = purpose,
        .given = true,
        /* Never older than what it undoes, whatever the clocks say, or it would not count. */
        .at_ms = now_ms > row->at_ms ? now_ms : row->at_ms,
        .source = "undo",
        .evidence = note};
    int rc = consent_add(db, &entry, err);
    outcome->rows += rc == 0;
    return rc;
}

static int give_back(struct db *db, const struct withdrawal *row, const char *note,
    struct undo_outcome *outcome, struct base_err *err) {
    int64_t id = 0;
    bool given = false;
    bool all = strcmp(row->purpose, "*") == 0;
    int rc = newest(db, row, "advertising", true, &id, &given, err);
    outcome->everything = !all || given;
    if (rc != 0 || outcome->everything) {
        return rc ? rc : give(db, row, row->purpose, note, outcome, err);
    }
    for (int class = CLASS_STATE_INFORMATION; rc == 0 && class <= CLASS_INTERNAL; class ++) {
        if (class != CLASS_ADVERTISING) {
            rc =
                give(db, row, campaign_class_word((enum campaign_class) class), note, outcome, err);
        }
    }
    return rc;
}

static int free_addresses(struct db *db, const struct withdrawal *row, struct undo_outcome *outcome,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "DELETE FROM suppression WHERE reason = 'opted_out' AND at = ?2 AND EXISTS (SELECT 1 FROM "
        "contact c WHERE c.id = ?1 AND ((suppression.kind = 'email' AND lower(c.email) "
        "= suppression.address) OR (suppression.kind = 'phone' AND c.phone = "
        "suppression.address)))",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->contact_id);
        db_bind_i64(stmt, 2, row->at_ms);
        rc = db_run(stmt, err);
    }
    outcome->freed = rc == 0 ? db_changes(db) : 0;
    db_finish(&stmt);
    return rc;
}

static int undo(struct db *db, int64_t id, const char *note, const char *who,
    struct undo_outcome *outcome, struct base_err *err) {
    struct withdrawal row = {0};
    char object[40];
    int rc = read_withdrawal(db, id, &row, err);
    if (rc == 0) {
        rc = check(db, &row, err);
    }
    if (rc == 0) {
        rc = give_back(db, &row, note, outcome, err);
    }
    if (rc == 0) {
        rc = free_addresses(db, &row, outcome, err);
    }
    if (rc == 0) {
        snprintf(object, sizeof object, "consent %lld", (long long)id);
        rc = audit_add(db, who, "undo", object, note, err);
    }
    base_free(row.channel);
    base_free(row.purpose);
    return rc;
}

int consent_undo(struct db *db, int64_t consent_id, const char *note, const char *who,
    struct undo_outcome *outcome_out, struct base_err *err) {
    struct str text = str_from(note);
    *outcome_out = (struct undo_outcome){0};
    if (str_trim(text).bytes == 0 || !base_utf8_valid(text) || base_text_has_control(text) ||
        base_utf8_count(text) > NOTE_CHARS_MAX) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("--note: say who asked for it and how, in at most %d characters"), NOTE_CHARS_MAX);
    }
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = undo(db, consent_id, note, who, outcome_out, err);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}
