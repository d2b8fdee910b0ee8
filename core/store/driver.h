/* What a database driver must bring; db.c turns the calls of store/db.h into calls of these. Only
 * the drivers and schema.c include this. The contracts are those of store/db.h; sql comes with its
 * fragments expanded. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/db.h"

struct db_driver {
    const char *dialect;
    int (*open)(const char *where, int flags, struct db **db_out, struct base_err *err);
    void (*close)(struct db *db);
    int (*exec)(struct db *db, const char *sql, struct base_err *err);
    int (*prepare)(struct db *db, const char *sql, struct db_stmt **stmt_out, struct base_err *err);
    void (*finish)(struct db_stmt *stmt);
    void (*bind_i64)(struct db_stmt *stmt, int index, int64_t value);
    void (*bind_f64)(struct db_stmt *stmt, int index, double value);
    void (*bind_str)(struct db_stmt *stmt, int index, struct str value);
    void (*bind_blob)(struct db_stmt *stmt, int index, const void *bytes, size_t count);
    void (*bind_null)(struct db_stmt *stmt, int index);
    int (*step)(struct db_stmt *stmt, struct base_err *err);
    void (*reset)(struct db_stmt *stmt);
    int64_t (*column_i64)(struct db_stmt *stmt, int column);
    double (*column_f64)(struct db_stmt *stmt, int column);
    struct str (*column_str)(struct db_stmt *stmt, int column);
    struct str (*column_blob)(struct db_stmt *stmt, int column);
    bool (*column_is_null)(struct db_stmt *stmt, int column);
    int (*column_count)(struct db_stmt *stmt);
    int64_t (*changes)(struct db *db);
    bool (*in_transaction)(const struct db *db);
    const char *begin_sql, *begin_read_sql;
    void (*set_wait)(struct db *db, int wait_ms);
    int (*data_version)(struct db *db, int64_t *version_out, struct base_err *err);
    int (*backup)(struct db *db, const char *path, struct base_err *err);
    int (*shadow)(struct db *db, const struct db_shadow *tables, size_t count,
        struct db **shadow_out, struct base_err *err);
    int (*check)(struct db *db, struct base_err *err);
    int (*checkpoint)(struct db *db, struct base_err *err);
    int (*reserve)(struct db *db, int64_t bytes, int *fd_out, struct base_err *err);
    /* What db_commit and db_rollback do with the changes noted since the transaction began: into
     * ledger_change, or away. */
    int (*note_write)(struct db *db, struct base_err *err);
    void (*note_forget)(struct db *db);
    /* Whether the table is there, and whether any is; both as of one moment. */
    int (*has_table)(
        struct db *db, const char *name, bool *there_out, bool *any_out, struct base_err *err);
};

/* The heads of the drivers' own structs. */
struct db {
    const struct db_driver *driver;
    char *name; /* owned; what errors call this database: the path, or host and database name, never
                   a password */
};
struct db_stmt {
    struct db *db;
};

extern const struct db_driver db__sqlite_driver;

#endif
