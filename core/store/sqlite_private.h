/* What the files of the SQLite driver share: sqlite.c (statements), sqlite_open.c, sqlite_admin.c,
 * sqlite_fault.c, sqlite_noted.c. */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "store/driver.h"
#include <sqlite3.h>

/* Keys of ledger_change that this transaction changed; each once. */
struct sqlite_noted {
    int64_t *keys;
    size_t count, room, last;
};

struct sqlite_db {
    struct db head;
    sqlite3 *handle;
    sqlite3_stmt *version_stmt; /* PRAGMA data_version, made at its first use */
    struct sqlite_noted noted;
    sqlite3_stmt *note_stmt; /* made at its first use */
};

/* A bound text, copied: the caller's may go, and nothing is allocated when the next one fits. */
struct sqlite_text {
    char *at;
    size_t room;
};

struct sqlite_stmt {
    struct db_stmt head;
    sqlite3_stmt *handle;
    struct sqlite_text *texts; /* one per parameter */
    int parameters;
    int bind_fault; /* SQLite's code of the first bind that failed since the last step; 0: none */
    bool running;   /* between the first row and the end */
};

int sqlite__open(const char *where, int flags, struct db **db_out, struct base_err *err);
void sqlite__close(struct db *db);
int sqlite__data_version(struct db *db, int64_t *version_out, struct base_err *err);
int sqlite__backup(struct db *db, const char *path, struct base_err *err);
int sqlite__shadow(struct db *db, const struct db_shadow *tables, size_t count,
    struct db **shadow_out, struct base_err *err);
int sqlite__check(struct db *db, struct base_err *err);
int sqlite__checkpoint(struct db *db, struct base_err *err);
int sqlite__reserve(struct db *db, int64_t bytes, int *fd_out, struct base_err *err);
/* From now on what is written is noted; note_end frees. The others: see driver.h. */
void sqlite__note_start(struct sqlite_db *db);
void sqlite__note_end(struct sqlite_db *db);
int sqlite__note_write(struct db *db, struct base_err *err);
void sqlite__note_forget(struct db *db);

/* Turns SQLite's result into ours, with one line of text naming the database. handle may be NULL.
 */
int sqlite__fault(const char *name, sqlite3 *handle, int result, struct base_err *err);
/* Runs sql on a bare handle. */
int sqlite__exec(const char *name, sqlite3 *handle, const char *sql, struct base_err *err);

#endif
