/* Reading enrolments, and the list of events that a person has to settle. */
#include "conversion/enrolment_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"

static const struct {
    const char *word, *others;
} event_words[] = {
#define EVENT(name, enrolled, words) {#name, words},
    ENROLMENT_EVENTS(EVENT)
#undef EVENT
};

const char *enrolment_event_word(enum enrolment_event event) {
    return event_words[event].word;
}

int enrolment_event_find(struct str text) {
    struct base_buf key;
    int found = -1;
    for (int i = 0; i < ENROLMENT_EVENT_COUNT; i++) {
        if (str_is(text, event_words[i].word)) {
            return i;
        }
    }
    base_buf_init(&key, 512);
    if (text.bytes > 0 && text.bytes <= 128 && base_text_key(&key, text) == 0) {
        for (int i = 0; i < ENROLMENT_EVENT_COUNT && found < 0; i++) {
            struct str others = str_from(event_words[i].others);
            bool fits = str_is(base_buf_str(&key), event_words[i].word);
            while (!fits && others.bytes > 0) {
                fits = str_eq(base_buf_str(&key), str_cut(&others, '|'));
            }
            found = fits ? i : -1;
        }
    }
    base_buf_release(&key);
    return found;
}

/* --- lists --- */

static void read_row(struct db_stmt *stmt, struct enrolment_row *row) {
    bool review = db_column_i64(stmt, 16) == 1;
    *row = (struct enrolment_row){.id = db_column_i64(stmt, 0),
        .batch_id = db_column_i64(stmt, 1),
        .line = db_column_i64(stmt, 2),
        .event = db_column_str(stmt, 3),
        .event_date = db_column_str(stmt, 4),
        .registered_date = db_column_str(stmt, 5),
        .imported_at = db_column_i64(stmt, 6),
        .place_id = db_column_i64(stmt, 7),
        .from_place_id = db_column_i64(stmt, 8),
        .income = db_column_i64(stmt, 9),
        .months = db_column_i64(stmt, 10),
        .method = db_column_str(stmt, 11),
        .group = db_column_str(stmt, 12),
        .sponsor = db_column_str(stmt, 13),
        .contact_id = db_column_i64(stmt, 14),
        .matched_by = review ? (struct str){0} : db_column_str(stmt, 15),
        .review = (int)db_column_i64(stmt, 16),
        .candidates = review ? db_column_str(stmt, 15) : (struct str){0}};
}

int enrolment_each(struct db *db, const struct enrolment_query *query,
    int (*row)(void *arg, const struct enrolment_row *row), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, batch_id, line, event, event_date, registered_date, imported_at, place_id, "
        "from_place_id, income, months, method, support_group, sponsor, contact_id, matched_by, "
        "review FROM enrolment WHERE id > ?1 AND event_date >= ?2 AND event_date <= ?3 AND "
        "(?4 = 0 OR contact_id = ?4) AND (?5 = 0 OR review = 1) AND (?6 = 0 OR sponsor IS NOT "
        "NULL) "
        "ORDER BY id LIMIT ?7",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, query->after_id);
    db_bind_text(stmt, 2, query->from ? query->from : "0000");
    db_bind_text(stmt, 3, query->to ? query->to : "9999");
    db_bind_i64(stmt, 4, query->contact_id);
    db_bind_i64(stmt, 5, query->review_only);
    db_bind_i64(stmt, 6, query->gifts_only);
    db_bind_i64(stmt, 7, query->most ? query->most : INT64_MAX);
    while ((rc = db_step(stmt, err)) == 1) {
        struct enrolment_row found;
        read_row(stmt, &found);
        rc = row(arg, &found);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

int enrolment_match_each(struct db *db, const char *from, const char *to,
    int (*row)(void *arg, const struct enrolment_match_row *row), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT COALESCE(e.place_id, 0), COALESCE(MIN(p.name), ''), COUNT(*), "
        "COUNT(e.contact_id), SUM(CASE WHEN e.review = 1 THEN 1 ELSE 0 END) FROM enrolment e LEFT "
        "JOIN place p ON p.id = e.place_id WHERE e.event_date >= ?1 AND e.event_date <= ?2 GROUP "
        "BY COALESCE(e.place_id, 0) ORDER BY 2, 1",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_text(stmt, 1, from ? from : "0000");
    db_bind_text(stmt, 2, to ? to : "9999");
    while ((rc = db_step(stmt, err)) == 1) {
        const struct enrolment_match_row found = {db_column_i64(stmt, 0), db_column_str(stmt, 1),
            db_column_i64(stmt, 2), db_column_i64(stmt, 3), db_column_i64(stmt, 4)};
        rc = row(arg, &found);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

int enrolment_due_each(struct db *db, const char *from, const char *to,
    int (*row)(void *arg, const struct enrolment_due_row *row), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT d.contact_id, COALESCE(c.place_id, 0), d.paid_to, d.due_on, d.method FROM "
        "enrolment_due d JOIN contact c ON c.id = d.contact_id WHERE d.due_on >= ?1 AND d.due_on "
        "<= ?2 ORDER BY d.due_on, d.contact_id",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_text(stmt, 1, from ? from : "0000");
    db_bind_text(stmt, 2, to ? to : "9999");
    while ((rc = db_step(stmt, err)) == 1) {
        const struct enrolment_due_row found = {db_column_i64(stmt, 0), db_column_i64(stmt, 1),
            db_column_str(stmt, 2), db_column_str(stmt, 3), db_column_str(stmt, 4)};
        rc = row(arg, &found);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

/* --- settling by hand --- */

static int check_settle(struct db *db, int64_t id, int64_t contact_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT (SELECT COUNT(*) FROM enrolment WHERE id = ?1), (SELECT COUNT(*) FROM enrolment "
        "WHERE id = ?1 AND contact_id IS NULL AND review < 2), "
        "(SELECT COUNT(*) FROM contact WHERE id = ?2)",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, contact_id);
    rc = db_step(stmt, err);
    if (rc == 1) {
        int64_t there = db_column_i64(stmt, 0), open = db_column_i64(stmt, 1);
        int64_t contact = db_column_i64(stmt, 2);
        rc = !there  ? base_err_set(err, LANTOA_ENOENT,
                           TR("there is no enrolment with the number %lld"), (long long)id)
             : !open ? base_err_set(err, LANTOA_ESTATE, TR("enrolment %lld is settled already"),
                           (long long)id)
             : contact_id && !contact
                 ? base_err_set(err, LANTOA_ENOENT, TR("there is no contact with the number %lld"),
                       (long long)contact_id)
                 : 0;
    }
    db_finish(&stmt);
    return rc;
}

static int write_settle(struct db *db, int64_t id, int64_t contact_id, const char *who,
    struct enrolment__state *state, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char object[32], detail[32];
    int rc = db_prepare(db,
        contact_id ? "UPDATE enrolment SET contact_id = ?2, matched_by = 'hand', review = 0 WHERE "
                     "id = ?1"
                   : "UPDATE enrolment SET contact_id = NULLIF(?2, 0), matched_by = NULL, review = "
                     "2 WHERE id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_i64(stmt, 2, contact_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    snprintf(object, sizeof object, "%lld", (long long)id);
    snprintf(detail, sizeof detail, "%lld", (long long)contact_id);
    rc = rc ? rc : audit_add(db, who, "enrolment_settle", object, detail, err);
    return rc == 0 && contact_id ? enrolment__state_refresh(state, contact_id, err) : rc;
}

int enrolment_settle(
    struct db *db, int64_t id, int64_t contact_id, const char *who, struct base_err *err) {
    struct enrolment__state *state = NULL;
    int rc = check_settle(db, id, contact_id, err);
    rc = rc ? rc : enrolment__state_new(db, base_clock_now_ms(), &state, err);
    if (rc) {
        return rc;
    }
    rc = db_begin(db, err);
    if (rc == 0) {
        rc = write_settle(db, id, contact_id, who, state, err);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    enrolment__state_free(&state);
    return rc;
}
