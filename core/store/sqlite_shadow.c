/* A connection that reads the database but keeps some tables for itself: SQLite looks a name up
 * among the temporary tables first, so a temporary table of the same name takes the place of the
 * real one in every statement. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/tr.h"
#include "store/sqlite_private.h"

#include <string.h>

enum { DDL_MOST = 1 << 20 };

/* The statement that made the table, additions by later migrations included. */
static int read_ddl(
    struct sqlite_db *db, const char *table, struct base_buf *out, struct base_err *err) {
    static const char create[] = "CREATE TABLE ";
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(db->handle,
        "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?1", -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    int code = 0;
    const char *sql = result == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (sql && strncmp(sql, create, sizeof create - 1) == 0) {
        base_buf_add_text(out, "CREATE TEMP TABLE ");
        base_buf_add_text(out, sql + sizeof create - 1);
    } else {
        code = result == SQLITE_ROW || result == SQLITE_DONE
                   ? base_err_set(err, LANTOA_ENOENT, "%s: table %s", db->head.name, table)
                   : sqlite__fault(db->head.name, db->handle, result, err);
    }
    sqlite3_finalize(stmt);
    return code;
}

static int shadow_table(struct sqlite_db *db, const struct db_shadow *table, struct base_err *err) {
    struct base_buf sql;
    base_buf_init(&sql, DDL_MOST);
    int code = read_ddl(db, table->name, &sql, err);
    if (code == 0 && table->with_rows) {
        base_buf_printf(
            &sql, "; INSERT INTO temp.%s SELECT * FROM main.%s", table->name, table->name);
    }
    if (code == 0) {
        code = sqlite__exec(db->head.name, db->handle, base_buf_text(&sql), err);
    }
    base_buf_release(&sql);
    return code;
}

int sqlite__shadow(struct db *head, const struct db_shadow *tables, size_t count,
    struct db **shadow_out, struct base_err *err) {
    /* References would be looked for among the temporary tables alone. Nothing of it lasts, so its
     * rollback may live in memory. */
    static const char settings[] = "PRAGMA foreign_keys = OFF; PRAGMA temp.journal_mode = MEMORY; "
                                   "PRAGMA temp.cache_size = -32768";
    struct db *shadow = NULL;
    int code = sqlite__open(head->name, DB_OPEN_READ_ONLY, &shadow, err);
    if (code != 0) {
        return code;
    }
    struct sqlite_db *db = (struct sqlite_db *)shadow;
    code = sqlite__exec(head->name, db->handle, settings, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = shadow_table(db, &tables[i], err);
    }
    if (code != 0) {
        sqlite__close(shadow);
        return code;
    }
    *shadow_out = shadow;
    return 0;
}
