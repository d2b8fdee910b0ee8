/* The table of call-backs. */
#include "tracking/hook.h"

#include "base/mem.h"
#include "base/parse.h"
#include "store/schema.h"

struct hook_writer {
    struct db_stmt *insert;
};

int hook_writer_new(struct db *db, struct hook_writer **writer_out, struct base_err *err) {
    struct hook_writer *w = base_alloc(sizeof *w);
    int rc = db_prepare(db,
        "INSERT INTO hook (channel_id, at, remote, headers, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        &w->insert, err);
    if (rc != 0) {
        base_free(w);
        return rc;
    }
    *writer_out = w;
    return 0;
}

void hook_writer_free(struct hook_writer **writer) {
    if (*writer) {
        db_finish(&(*writer)->insert);
        base_free(*writer);
        *writer = NULL;
    }
}

int hook_add(struct hook_writer *w, const struct hook *hook, struct base_err *err) {
    db_bind_i64(w->insert, 1, hook->channel_id);
    db_bind_i64(w->insert, 2, hook->at_ms);
    db_bind_str(w->insert, 3, hook->remote);
    db_bind_str(w->insert, 4, hook->headers);
    db_bind_blob(w->insert, 5, hook->body.at ? hook->body.at : "", hook->body.bytes);
    return db_run(w->insert, err);
}

int hook_next_batch(struct db *db, int64_t channel_id, int64_t after_id, int most,
    int (*take)(void *arg, const struct hook *hook), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, at, remote, headers, body FROM hook WHERE done_at IS NULL AND channel_id = ?1 "
        "AND id > ?2 ORDER BY id LIMIT ?3",
        &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, channel_id);
    db_bind_i64(stmt, 2, after_id);
    db_bind_i64(stmt, 3, most);
    while ((rc = db_step(stmt, err)) == 1) {
        const struct hook hook = {.id = db_column_i64(stmt, 0),
            .channel_id = channel_id,
            .at_ms = db_column_i64(stmt, 1),
            .remote = db_column_str(stmt, 2),
            .headers = db_column_str(stmt, 3),
            .body = db_column_blob(stmt, 4)};
        rc = take(arg, &hook);
        if (rc != 0) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

int hook_done(struct db *db, int64_t id, int result, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE hook SET done_at = ?2, result = ?3 WHERE id = ?1 AND done_at IS NULL", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 3, result);
        db_bind_i64(stmt, 1, id);
        db_bind_i64(stmt, 2, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int hook_prune(
    struct db *db, int64_t before_ms, int64_t most, int64_t *deleted_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "DELETE FROM hook WHERE id IN (SELECT id FROM hook WHERE done_at IS NOT NULL AND done_at < "
        "?1 ORDER BY done_at LIMIT ?2)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, before_ms);
        db_bind_i64(stmt, 2, most);
        rc = db_run(stmt, err);
    }
    *deleted_out = rc == 0 ? db_changes(db) : 0;
    db_finish(&stmt);
    return rc;
}

int hook_keep_days(struct db *db, int64_t *days_out, struct base_err *err) {
    struct base_err missing = {0};
    char *text = NULL;
    *days_out = HOOK_KEEP_DAYS;
    int rc = schema_meta_get(db, HOOK_KEEP_SETTING, &text, &missing);
    if (rc != 0 && rc != LANTOA_ENOENT) {
        return base_err_set(err, rc, "%s", missing.text);
    }
    int64_t days;
    if (rc == 0 && base_parse_i64(str_from(text), &days) == 0) {
        *days_out = days;
    }
    base_free(text);
    return 0;
}

int hook_waiting(struct db *db, int64_t *count_out, struct base_err *err) {
    return db_get_i64(db, "SELECT count(*) FROM hook WHERE done_at IS NULL", count_out, err);
}
