/* The database interface: picks the driver, expands fragments, and does once what all drivers would
 * do alike. Knows no table but, at opening, asks schema.c whether this program may touch the
 * database. */
#include "store/db.h"

#include "base/log.h"
#include "base/tr.h"
#include "store/driver.h"
#include "store/fragment.h"
#include "store/schema.h"
#include "store/schema_private.h"

enum { DB_SQL_MOST_BYTES = 4 << 20 };

static bool is_postgresql(const char *where) {
    struct str text = str_from(where);
    return str_starts(text, STR("postgresql://")) || str_starts(text, STR("postgres://"));
}

int db_open(const char *where, int flags, struct db **db_out, struct base_err *err) {
    if (is_postgresql(where)) {
        return base_err_set(err, LANTOA_EINVAL, TR("this build has no PostgreSQL driver"));
    }
    struct db *db = NULL;
    int result = db__sqlite_driver.open(where, flags, &db, err);
    if (result != 0) {
        return result;
    }
    int version;
    result = schema_version(db, &version, err);
    if (result == 0 && version > schema_latest()) {
        result = schema__newer_fault(db, version, err);
    }
    if (result != 0) {
        db_close(&db);
        return result;
    }
    *db_out = db;
    return 0;
}

int db_open_beside(const struct db *db, struct db **db_out, struct base_err *err) {
    return db_open(db->name, DB_OPEN_READ_ONLY, db_out, err);
}

void db_close(struct db **db) {
    if (*db) {
        (*db)->driver->close(*db);
        *db = NULL;
    }
}

/* Prepares sql, or runs it when stmt_out is NULL, with its fragments expanded; most statements have
 * none and are not copied. */
static int with_expanded(
    struct db *db, const char *sql, struct db_stmt **stmt_out, struct base_err *err) {
    struct base_buf text;
    base_buf_init(&text, DB_SQL_MOST_BYTES);
    int result = 0;
    if (strchr(sql, '@')) {
        result = db_expand(db->driver->dialect, sql, &text, err);
        sql = base_buf_text(&text);
    }
    if (result == 0) {
        result =
            stmt_out ? db->driver->prepare(db, sql, stmt_out, err) : db->driver->exec(db, sql, err);
    }
    base_buf_release(&text);
    return result;
}

int db_exec(struct db *db, const char *sql, struct base_err *err) {
    return with_expanded(db, sql, NULL, err);
}

int db_prepare(struct db *db, const char *sql, struct db_stmt **stmt_out, struct base_err *err) {
    *stmt_out = NULL;
    return with_expanded(db, sql, stmt_out, err);
}

void db_finish(struct db_stmt **stmt) {
    if (*stmt) {
        (*stmt)->db->driver->finish(*stmt);
        *stmt = NULL;
    }
}

void db_bind_i64(struct db_stmt *stmt, int index, int64_t value) {
    stmt->db->driver->bind_i64(stmt, index, value);
}

void db_bind_f64(struct db_stmt *stmt, int index, double value) {
    stmt->db->driver->bind_f64(stmt, index, value);
}

void db_bind_str(struct db_stmt *stmt, int index, struct str value) {
    if (value.at) {
        stmt->db->driver->bind_str(stmt, index, value);
    } else {
        db_bind_null(stmt, index);
    }
}

void db_bind_text(struct db_stmt *stmt, int index, const char *value) {
    db_bind_str(stmt, index, str_from(value));
}

void db_bind_blob(struct db_stmt *stmt, int index, const void *bytes, size_t count) {
    if (bytes) {
        stmt->db->driver->bind_blob(stmt, index, bytes, count);
    } else {
        db_bind_null(stmt, index);
    }
}

void db_bind_null(struct db_stmt *stmt, int index) {
    stmt->db->driver->bind_null(stmt, index);
}

int db_step(struct db_stmt *stmt, struct base_err *err) {
    return stmt->db->driver->step(stmt, err);
}

void db_reset(struct db_stmt *stmt) {
    stmt->db->driver->reset(stmt);
}

int db_run(struct db_stmt *stmt, struct base_err *err) {
    int result;
    do {
        result = db_step(stmt, err);
    } while (result > 0);
    return result;
}

int64_t db_column_i64(struct db_stmt *stmt, int column) {
    return stmt->db->driver->column_i64(stmt, column);
}

double db_column_f64(struct db_stmt *stmt, int column) {
    return stmt->db->driver->column_f64(stmt, column);
}

struct str db_column_str(struct db_stmt *stmt, int column) {
    return stmt->db->driver->column_str(stmt, column);
}

struct str db_column_blob(struct db_stmt *stmt, int column) {
    return stmt->db->driver->column_blob(stmt, column);
}

bool db_column_is_null(struct db_stmt *stmt, int column) {
    return stmt->db->driver->column_is_null(stmt, column);
}

int db_column_count(struct db_stmt *stmt) {
    return stmt->db->driver->column_count(stmt);
}

int64_t db_changes(struct db *db) {
    return db->driver->changes(db);
}

int db_get_i64(struct db *db, const char *sql, int64_t *value_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int result = db_prepare(db, sql, &stmt, err);
    if (result == 0) {
        result = db_step(stmt, err);
        if (result == 1) {
            *value_out = db_column_i64(stmt, 0);
            result = 0;
        } else if (result == 0) {
            result = base_err_set(err, LANTOA_ENOENT, TR("%s: no such row"), db->name);
        }
    }
    db_finish(&stmt);
    return result;
}

void db_set_wait(struct db *db, int wait_ms) {
    db->driver->set_wait(db, wait_ms);
}

int db_begin(struct db *db, struct base_err *err) {
    if (db_in_transaction(db)) {
        return base_err_set(err, LANTOA_ESTATE, TR("%s: a transaction is open already"), db->name);
    }
    return db->driver->exec(db, db->driver->begin_sql, err);
}

int db_begin_read(struct db *db, struct base_err *err) {
    if (db_in_transaction(db)) {
        return base_err_set(err, LANTOA_ESTATE, TR("%s: a transaction is open already"), db->name);
    }
    return db->driver->exec(db, db->driver->begin_read_sql, err);
}

int db_commit(struct db *db, struct base_err *err) {
    if (!db_in_transaction(db)) {
        /* A full disk or a failed write ends the transaction by itself. */
        return base_err_set(err, LANTOA_ESTATE,
            TR("%s: nothing to commit, the transaction was rolled back"), db->name);
    }
    int result = db->driver->note_write(db, err);
    result = result ? result : db->driver->exec(db, "COMMIT", err);
    if (result != 0) {
        db_rollback(db);
    }
    return result;
}

void db_rollback(struct db *db) {
    struct base_err err = {0};
    db->driver->note_forget(db);
    if (db_in_transaction(db) && db->driver->exec(db, "ROLLBACK", &err) != 0) {
        base_log(BASE_LOG_ERROR, "store", TR("cannot roll back: %s"), err.text);
    }
}

bool db_in_transaction(const struct db *db) {
    return db->driver->in_transaction(db);
}

int db_data_version(struct db *db, int64_t *version_out, struct base_err *err) {
    return db->driver->data_version(db, version_out, err);
}

int db_backup(struct db *db, const char *path, struct base_err *err) {
    return db->driver->backup(db, path, err);
}

int db_shadow_open(struct db *db, const struct db_shadow *tables, size_t count,
    struct db **shadow_out, struct base_err *err) {
    return db->driver->shadow(db, tables, count, shadow_out, err);
}

int db_check(struct db *db, struct base_err *err) {
    return db->driver->check(db, err);
}

int db_checkpoint(struct db *db, struct base_err *err) {
    return db->driver->checkpoint(db, err);
}

int db_reserve(struct db *db, int64_t bytes, int *fd_out, struct base_err *err) {
    return db->driver->reserve(db, bytes, fd_out, err);
}

const char *db_dialect(const struct db *db) {
    return db->driver->dialect;
}
