/* The SQLite driver: statements and transactions. Opening is in sqlite_open.c, backup and checks in
 * sqlite_admin.c. */
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "store/sqlite_private.h"

#include <string.h>

/* Longer texts are rare and not worth keeping a copy's memory for. */
enum { TEXT_KEPT_BYTES = 16 << 10 };

static struct sqlite_db *own(struct db *db) {
    return (struct sqlite_db *)db;
}

static struct sqlite_stmt *own_stmt(struct db_stmt *stmt) {
    return (struct sqlite_stmt *)stmt;
}

/* A statement outside of a transaction is committed by itself; so is what it changed. */
static int note_alone(struct db *db, struct base_err *err) {
    bool alone = own(db)->noted.count && sqlite3_get_autocommit(own(db)->handle);
    return alone ? sqlite__note_write(db, err) : 0;
}

static int driver_exec(struct db *db, const char *sql, struct base_err *err) {
    int code = sqlite__exec(db->name, own(db)->handle, sql, err);
    return code == 0 ? note_alone(db, err) : code;
}

static int driver_prepare(
    struct db *db, const char *sql, struct db_stmt **stmt_out, struct base_err *err) {
    sqlite3_stmt *handle = NULL;
    const char *tail = NULL;
    int result =
        sqlite3_prepare_v3(own(db)->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, &tail);
    if (result != SQLITE_OK) {
        return sqlite__fault(db->name, own(db)->handle, result, err);
    }
    if (!handle || tail[strspn(tail, " \t\r\n;")] != '\0') {
        sqlite3_finalize(handle);
        base_err_set(
            err, LANTOA_EINVAL, TR("%s: one SQL statement expected: %.200s"), db->name, sql);
        return LANTOA_EINVAL;
    }
    struct sqlite_stmt *stmt = base_alloc(sizeof(*stmt));
    stmt->head.db = db;
    stmt->handle = handle;
    stmt->parameters = sqlite3_bind_parameter_count(handle);
    stmt->texts = base_alloc_array((size_t)stmt->parameters, sizeof(*stmt->texts));
    *stmt_out = &stmt->head;
    return 0;
}

static void driver_finish(struct db_stmt *head) {
    struct sqlite_stmt *stmt = own_stmt(head);
    sqlite3_finalize(stmt->handle);
    for (int i = 0; i < stmt->parameters; i++) {
        base_free(stmt->texts[i].at);
    }
    base_free(stmt->texts);
    base_free(stmt);
}

static void bind_note(struct sqlite_stmt *stmt, int result) {
    if (result != SQLITE_OK && stmt->bind_fault == 0) {
        stmt->bind_fault = result;
    }
}

static void driver_bind_i64(struct db_stmt *stmt, int index, int64_t value) {
    bind_note(own_stmt(stmt), sqlite3_bind_int64(own_stmt(stmt)->handle, index, value));
}

static void driver_bind_f64(struct db_stmt *stmt, int index, double value) {
    bind_note(own_stmt(stmt), sqlite3_bind_double(own_stmt(stmt)->handle, index, value));
}

static void driver_bind_null(struct db_stmt *stmt, int index) {
    bind_note(own_stmt(stmt), sqlite3_bind_null(own_stmt(stmt)->handle, index));
}

/* Our copy of the bytes, or NULL when SQLite shall make its own. */
static const char *text_keep(struct sqlite_stmt *stmt, int index, const void *bytes, size_t count) {
    if (count > TEXT_KEPT_BYTES || index < 1 || index > stmt->parameters) {
        return NULL;
    }
    struct sqlite_text *text = &stmt->texts[index - 1];
    if (count > text->room || !text->at) {
        text->room = count < 64 ? 64 : count * 2;
        base_free(text->at);
        text->at = base_alloc(text->room);
    }
    if (count > 0) {
        memcpy(text->at, bytes, count);
    }
    return text->at;
}

/* SQLite refuses to bind while the statement runs, and must not find the copy overwritten either.
 */
static bool bind_refused(struct sqlite_stmt *stmt) {
    if (stmt->running) {
        bind_note(stmt, SQLITE_MISUSE);
    }
    return stmt->running;
}

static void driver_bind_str(struct db_stmt *head, int index, struct str value) {
    struct sqlite_stmt *stmt = own_stmt(head);
    if (bind_refused(stmt)) {
        return;
    }
    const char *kept = text_keep(stmt, index, value.at, value.bytes);
    bind_note(stmt, sqlite3_bind_text64(stmt->handle, index, kept ? kept : value.at, value.bytes,
                        kept ? SQLITE_STATIC : SQLITE_TRANSIENT, SQLITE_UTF8));
}

static void driver_bind_blob(struct db_stmt *head, int index, const void *bytes, size_t count) {
    struct sqlite_stmt *stmt = own_stmt(head);
    if (bind_refused(stmt)) {
        return;
    }
    const char *kept = text_keep(stmt, index, bytes, count);
    bind_note(stmt, sqlite3_bind_blob64(stmt->handle, index, kept ? kept : bytes, count,
                        kept ? SQLITE_STATIC : SQLITE_TRANSIENT));
}

static void driver_reset(struct db_stmt *head) {
    own_stmt(head)->running = false;
    sqlite3_reset(own_stmt(head)->handle);
}

static int driver_step(struct db_stmt *head, struct base_err *err) {
    struct sqlite_stmt *stmt = own_stmt(head);
    sqlite3 *handle = own(head->db)->handle;
    int result = stmt->bind_fault;
    if (result != 0) {
        stmt->bind_fault = 0;
        driver_reset(head);
        return base_err_set(err, LANTOA_EINVAL, TR("%s: a value cannot be bound (%s): %.200s"),
            head->db->name, sqlite3_errstr(result), sqlite3_sql(stmt->handle));
    }
    result = sqlite3_step(stmt->handle);
    if (result == SQLITE_ROW) {
        stmt->running = true;
        return 1;
    }
    if (result == SQLITE_DONE) {
        driver_reset(head);
        return note_alone(head->db, err);
    }
    int code = sqlite__fault(head->db->name, handle, result, err);
    driver_reset(head);
    return code;
}

static int64_t driver_column_i64(struct db_stmt *stmt, int column) {
    return sqlite3_column_int64(own_stmt(stmt)->handle, column);
}

static double driver_column_f64(struct db_stmt *stmt, int column) {
    return sqlite3_column_double(own_stmt(stmt)->handle, column);
}

static bool driver_column_is_null(struct db_stmt *stmt, int column) {
    return sqlite3_column_type(own_stmt(stmt)->handle, column) == SQLITE_NULL;
}

static struct str driver_column_str(struct db_stmt *stmt, int column) {
    sqlite3_stmt *handle = own_stmt(stmt)->handle;
    const char *text = (const char *)sqlite3_column_text(handle, column);
    return text ? str_of(text, (size_t)sqlite3_column_bytes(handle, column)) : str_of(NULL, 0);
}

static struct str driver_column_blob(struct db_stmt *stmt, int column) {
    sqlite3_stmt *handle = own_stmt(stmt)->handle;
    const char *bytes = sqlite3_column_blob(handle, column);
    if (!bytes) {
        /* SQLite gives NULL for an empty blob too. */
        return str_of(driver_column_is_null(stmt, column) ? NULL : "", 0);
    }
    return str_of(bytes, (size_t)sqlite3_column_bytes(handle, column));
}

static int driver_column_count(struct db_stmt *stmt) {
    return sqlite3_column_count(own_stmt(stmt)->handle);
}

static int64_t driver_changes(struct db *db) {
    return sqlite3_changes64(own(db)->handle);
}

static bool driver_in_transaction(const struct db *db) {
    return sqlite3_get_autocommit(((const struct sqlite_db *)db)->handle) == 0;
}

static void driver_set_wait(struct db *db, int wait_ms) {
    sqlite3_busy_timeout(own(db)->handle, wait_ms);
}

static int driver_has_table(
    struct db *db, const char *name, bool *there_out, bool *any_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int result = driver_prepare(db,
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE name = ?1) FROM sqlite_schema WHERE type = "
        "'table'",
        &stmt, err);
    if (result != 0) {
        return result;
    }
    BASE_ASSERT(stmt);
    driver_bind_str(stmt, 1, str_from(name));
    result = driver_step(stmt, err);
    if (result == 1) {
        *any_out = driver_column_i64(stmt, 0) > 0;
        *there_out = driver_column_i64(stmt, 1) > 0;
        result = 0;
    }
    driver_finish(stmt);
    return result;
}

const struct db_driver db__sqlite_driver = {
    .dialect = "sqlite",
    .open = sqlite__open,
    .close = sqlite__close,
    .exec = driver_exec,
    .prepare = driver_prepare,
    .finish = driver_finish,
    .bind_i64 = driver_bind_i64,
    .bind_f64 = driver_bind_f64,
    .bind_str = driver_bind_str,
    .bind_blob = driver_bind_blob,
    .bind_null = driver_bind_null,
    .step = driver_step,
    .reset = driver_reset,
    .column_i64 = driver_column_i64,
    .column_f64 = driver_column_f64,
    .column_str = driver_column_str,
    .column_blob = driver_column_blob,
    .column_is_null = driver_column_is_null,
    .column_count = driver_column_count,
    .changes = driver_changes,
    .in_transaction = driver_in_transaction,
    .begin_sql = "BEGIN IMMEDIATE",
    .begin_read_sql = "BEGIN",
    .set_wait = driver_set_wait,
    .data_version = sqlite__data_version,
    .backup = sqlite__backup,
    .shadow = sqlite__shadow,
    .check = sqlite__check,
    .checkpoint = sqlite__checkpoint,
    .reserve = sqlite__reserve,
    .note_write = sqlite__note_write,
    .note_forget = sqlite__note_forget,
    .has_table = driver_has_table,
};
