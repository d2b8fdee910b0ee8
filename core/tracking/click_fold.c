/* Counting clicks that have come in: in order, once each, into counters per step and link. */
#include "tracking/click.h"

#include "base/parse.h"
#include "store/schema.h"
#include <inttypes.h>
#include <stdio.h>

/* A click is counted when its second is over, so that all that belongs to that second is there. */
#define SETTLE_MS 2000
#define LAST_KEY "click_folded"

/* Up to which id everything is counted. */
static int read_last(struct db *db, int64_t *last_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT value FROM meta WHERE key = '" LAST_KEY "'", &stmt, err);
    *last_out = 0;
    if (rc == 0) {
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        rc = base_parse_i64(db_column_str(stmt, 0), last_out);
    }
    db_finish(&stmt);
    return rc;
}

/* The range to count: from *last to *end, whole seconds as far as the clock ran forward. */
static int find_end(struct db *db, int64_t last, int64_t now_ms, int64_t most, int64_t *end_out,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT coalesce(max(x.id), 0), coalesce(max(x.at), 0) FROM (SELECT id, at FROM click "
        "WHERE id > ?1 AND at < ?2 ORDER BY id LIMIT ?3) x",
        &stmt, err);
    int64_t at_ms = 0;
    *end_out = 0;
    if (rc == 0) {
        db_bind_i64(stmt, 1, last);
        db_bind_i64(stmt, 2, now_ms - SETTLE_MS);
        db_bind_i64(stmt, 3, most);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        *end_out = db_column_i64(stmt, 0);
        at_ms = db_column_i64(stmt, 1);
        rc = 0;
    }
    db_finish(&stmt);
    if (rc != 0 || *end_out == 0) {
        return rc;
    }
    rc = db_prepare(db,
        "SELECT coalesce(max(x.id), ?1) FROM (SELECT id, at FROM click WHERE id > ?1 ORDER BY id "
        "LIMIT 5000) x WHERE x.at / 1000 <= ?2",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, *end_out);
        db_bind_i64(stmt, 2, at_ms / 1000);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        *end_out = db_column_i64(stmt, 0);
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

/* The statements of one fold; each gets the range as ?1 (not in it) and ?2 (in it). */
static const char *const fold_sql[] = {
    /* All links of a message within one second: nobody is that quick. */
    "UPDATE click SET machine = 5 WHERE id > ?1 AND id <= ?2 AND machine = 0 AND link >= 0 AND "
    "(message_id, at / 1000) IN (SELECT k.message_id, k.at / 1000 FROM click k WHERE k.id > ?1 "
    "AND k.id <= ?2 AND k.link >= 0 GROUP BY k.message_id, k.at / 1000 HAVING "
    "count(DISTINCT k.link) > 1 AND count(DISTINCT k.link) = (SELECT count(*) FROM link l WHERE "
    "l.step_id = (k.message_id >> 43)))",
    "INSERT INTO click_count (step_id, link) SELECT DISTINCT message_id >> 43, link FROM click "
    "WHERE id > ?1 AND id <= ?2 ON CONFLICT DO NOTHING",
    "UPDATE click_count SET "
    "human = human + (SELECT count(*) FROM click k WHERE k.id > ?1 AND k.id <= ?2 AND "
    "(k.message_id >> 43) = step_id AND k.link = click_count.link AND k.machine = 0), "
    "machine = machine + (SELECT count(*) FROM click k WHERE k.id > ?1 AND k.id <= ?2 AND "
    "(k.message_id >> 43) = step_id AND k.link = click_count.link AND k.machine <> 0), "
    "people = people + (SELECT count(DISTINCT k.message_id) FROM click k WHERE k.id > ?1 AND "
    "k.id <= ?2 AND (k.message_id >> 43) = step_id AND k.link = click_count.link AND "
    "k.machine = 0 AND NOT EXISTS (SELECT 1 FROM click_first f WHERE f.message_id = k.message_id "
    "AND f.link = k.link)) "
    "WHERE (step_id, link) IN (SELECT k.message_id >> 43, k.link FROM click k WHERE k.id > ?1 AND "
    "k.id <= ?2)",
    "INSERT INTO click_first (message_id, link, at) SELECT message_id, link, min(at) FROM click "
    "WHERE id > ?1 AND id <= ?2 AND machine = 0 GROUP BY message_id, link ON CONFLICT DO NOTHING",
};

static int fold_range(struct db *db, int64_t last, int64_t end, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof fold_sql / sizeof fold_sql[0]; i++) {
        struct db_stmt *stmt = NULL;
        rc = db_prepare(db, fold_sql[i], &stmt, err);
        if (rc == 0) {
            db_bind_i64(stmt, 1, last);
            db_bind_i64(stmt, 2, end);
            rc = db_run(stmt, err);
        }
        db_finish(&stmt);
    }
    if (rc == 0) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, end);
        rc = schema_meta_set(db, LAST_KEY, text, err);
    }
    return rc;
}

int click_fold(
    struct db *db, int64_t now_ms, int64_t most, int64_t *folded_out, struct base_err *err) {
    int64_t last = 0;
    int64_t end = 0;
    *folded_out = 0;
    /* A look without the writer's place first: mostly there is nothing to do. */
    int rc = read_last(db, &last, err);
    if (rc == 0) {
        rc = find_end(db, last, now_ms, most, &end, err);
    }
    if (rc != 0 || end == 0) {
        return rc;
    }
    rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = read_last(db, &last, err);
    if (rc == 0) {
        rc = find_end(db, last, now_ms, most, &end, err);
    }
    if (rc == 0 && end > last) {
        rc = fold_range(db, last, end, err);
    }
    if (rc != 0) {
        db_rollback(db);
        return rc;
    }
    rc = db_commit(db, err);
    if (rc == 0 && end > last) {
        *folded_out = end - last;
    }
    return rc;
}
