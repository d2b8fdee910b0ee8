/* Keeping expressions under a name. */
#include "audience/segment_store.h"

#include "audience/segment.h"
#include "base/text.h"
#include "base/tr.h"

enum { NAME_MOST = 100, REFERENCE_MOST = 1024 };

static bool one_line(struct str name) {
    return !memchr(name.at, '\n', name.bytes) && !memchr(name.at, '\r', name.bytes) &&
           !memchr(name.at, '\t', name.bytes) && !base_text_has_control(name);
}

static int check_name(struct str name, struct base_err *err) {
    if (name.bytes == 0 || name.bytes > 4 * NAME_MOST || !base_utf8_valid(name) ||
        base_utf8_count(name) > NAME_MOST || !one_line(name)) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("the name of a segment has 1 to %d characters"), NAME_MOST);
    }
    return 0;
}

static int put(
    struct db *db, struct str name, struct str expression, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO segment (name, expression, changed_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) "
        "DO UPDATE SET expression = excluded.expression, changed_at = excluded.changed_at",
        &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, name);
        db_bind_str(stmt, 2, expression);
        db_bind_i64(stmt, 3, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* Parses it as others will use it: only so is a segment found that contains itself over others. */
static int check_use(struct db *db, struct str name, struct base_err *err) {
    struct base_buf use;
    base_buf_init(&use, REFERENCE_MOST);
    base_buf_add_text(&use, "segment '");
    for (size_t i = 0; i < name.bytes; i++) {
        base_buf_add_char(&use, name.at[i]);
        if (name.at[i] == '\'') {
            base_buf_add_char(&use, '\'');
        }
    }
    base_buf_add_char(&use, '\'');
    struct segment *segment = NULL;
    int rc = segment_parse(db, base_buf_str(&use), &segment, NULL, err);
    segment_free(&segment);
    base_buf_release(&use);
    return rc;
}

int segment_save(
    struct db *db, struct str name, struct str expression, int64_t now_ms, struct base_err *err) {
    struct segment *segment = NULL;
    struct base_buf nfc;
    base_buf_init(&nfc, REFERENCE_MOST);
    int rc = check_name(name, err);
    rc = rc ? rc : base_text_nfc(&nfc, name);
    name = base_buf_str(&nfc);
    rc = rc ? rc : segment_parse(db, expression, &segment, NULL, err);
    segment_free(&segment);
    rc = rc ? rc : db_begin(db, err);
    if (rc == 0) {
        rc = put(db, name, expression, now_ms, err);
        rc = rc ? rc : check_use(db, name, err);
        if (rc) {
            db_rollback(db);
        } else {
            rc = db_commit(db, err);
        }
    }
    base_buf_release(&nfc);
    return rc;
}

int segment_remove(struct db *db, struct str name, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "DELETE FROM segment WHERE name = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, name);
        rc = db_run(stmt, err);
    }
    if (rc == 0 && db_changes(db) == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("there is no segment '%.*s'"), STR_ARG(name));
    }
    db_finish(&stmt);
    return rc;
}

int segment_each(struct db *db, int (*row)(void *arg, const struct segment_row *segment), void *arg,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(
        db, "SELECT id, name, expression, changed_at FROM segment ORDER BY name", &stmt, err);
    if (rc) {
        return rc;
    }
    while ((rc = db_step(stmt, err)) == 1) {
        struct segment_row segment = {.id = db_column_i64(stmt, 0),
            .name = db_column_str(stmt, 1),
            .expression = db_column_str(stmt, 2),
            .changed_at = db_column_i64(stmt, 3)};
        rc = row(arg, &segment);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}
