/* The database interface: one SQL text for SQLite (>= 3.40) and PostgreSQL (>= 15). Knows no table.
 *
 * SQL is written with ?1 ?2 ... placeholders, RETURNING and ON CONFLICT; the few differences are
 * named fragments that the driver puts in:  @ID@ (auto-numbered 64-bit primary key), @KEY@ (a
 * 64-bit primary key we choose), @JSON@ (type of a JSON text; read with column ->> 'name'),
 * @BLOB@ (bytes), @SKIP_LOCKED@ (FOR UPDATE SKIP LOCKED, or nothing).
 *
 * A connection belongs to one thread. Texts given to bind are BORROWED until the next db_step or
 * db_reset of that statement; texts read from a column until the next db_step, db_reset or
 * db_finish. Binding never fails by itself: a fault shows at db_step. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/err.h"
#include "base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct db;
struct db_stmt;

/* SCRATCH: a throw-away copy; durability is given up for speed. */
enum db_open_flags { DB_OPEN_CREATE = 1, DB_OPEN_READ_ONLY = 2, DB_OPEN_SCRATCH = 4 };

/* where: a file path (SQLite; WAL, synchronous FULL, foreign keys on, busy time-out DB_WAIT_MS) or
 * postgresql://... Refuses (LANTOA_EVERSION) a schema newer than this program; does not migrate. */
int db_open(
    const char *where, int flags, struct db **db_out, struct base_err *err) LANTOA_MUST_CHECK;
/* One more connection to the same database, to read by another thread. */
int db_open_beside(const struct db *db, struct db **db_out, struct base_err *err) LANTOA_MUST_CHECK;
void db_close(struct db **db); /* all statements must be finished */

/* Runs statements that give no rows, separated by ';'. Fragments are expanded. */
int db_exec(struct db *db, const char *sql, struct base_err *err) LANTOA_MUST_CHECK;
int db_prepare(struct db *db, const char *sql, struct db_stmt **stmt_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void db_finish(struct db_stmt **stmt);

/* index counts from 1 */
void db_bind_i64(struct db_stmt *stmt, int index, int64_t value);
void db_bind_f64(struct db_stmt *stmt, int index, double value);
void db_bind_str(struct db_stmt *stmt, int index, struct str value);   /* .at NULL binds NULL */
void db_bind_text(struct db_stmt *stmt, int index, const char *value); /* NULL binds NULL */
void db_bind_blob(struct db_stmt *stmt, int index, const void *bytes, size_t count);
void db_bind_null(struct db_stmt *stmt, int index);

/* 1: a row is there; 0: finished (statement is reset, bindings stay); < 0: error (reset too). */
int db_step(struct db_stmt *stmt, struct base_err *err) LANTOA_MUST_CHECK;
void db_reset(struct db_stmt *stmt);
/* Step to the end, dropping rows; 0 or negative. For INSERT, UPDATE, DELETE. */
int db_run(struct db_stmt *stmt, struct base_err *err) LANTOA_MUST_CHECK;

/* column counts from 0; NULL reads as 0 or an empty str with .at NULL */
int64_t db_column_i64(struct db_stmt *stmt, int column);
double db_column_f64(struct db_stmt *stmt, int column);
struct str db_column_str(struct db_stmt *stmt, int column);
struct str db_column_blob(struct db_stmt *stmt, int column);
bool db_column_is_null(struct db_stmt *stmt, int column);
int db_column_count(struct db_stmt *stmt);
int64_t db_changes(struct db *db); /* rows touched by the last INSERT, UPDATE or DELETE */

/* One-off helpers: prepare, run, finish. The i64 form reads the first column of the first row
 * (LANTOA_ENOENT when no row). */
int db_get_i64(
    struct db *db, const char *sql, int64_t *value_out, struct base_err *err) LANTOA_MUST_CHECK;

/* A write transaction: takes the writer's place at once (SQLite: BEGIN IMMEDIATE). Not nested. */
int db_begin(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;
/* A transaction that only reads: everything up to db_commit or db_rollback shows the database at
 * one moment, and nothing is locked anew for each statement. Others write meanwhile; a checkpoint
 * waits for it, so keep it short. */
int db_begin_read(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;
/* How long db_begin and everything else waits for a lock before it gives up with LANTOA_EBUSY;
 * DB_WAIT_MS after db_open, 0: not at all. */
#define DB_WAIT_MS 10000
void db_set_wait(struct db *db, int wait_ms);
/* On error the transaction is rolled back. Which steps of the ledger were written to, by whatever
 * statement, is counted in ledger_change in the same transaction, for figures that are kept
 * (report/kept.h); other keys of that table: */
enum { DB_NOTED_PEOPLE = 0, DB_NOTED_ARRIVALS = -1 };
int db_commit(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Changes whenever another connection commits. Cheap; lets the daemon notice the CLI. */
int db_data_version(struct db *db, int64_t *version_out, struct base_err *err) LANTOA_MUST_CHECK;
/* A consistent copy into a new file while others read and write; meta.restored is set to 1 in the
 * copy. */
int db_backup(struct db *db, const char *path, struct base_err *err) LANTOA_MUST_CHECK;
/* A second connection, to try something out: it reads the same database, but the tables named are
 * private copies of its own, with or without the rows, which alone it may write to; they go with
 * it. References are not checked in them and their indexes are not there. For the time it is open
 * others read and write as ever. */
struct db_shadow {
    const char *name; /* trusted: it is put into SQL as it is */
    bool with_rows;
};
int db_shadow_open(struct db *db, const struct db_shadow *tables, size_t count,
    struct db **shadow_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Integrity check of the file itself; LANTOA_ECORRUPT with the first finding. */
int db_check(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;
/* Moves the WAL into the database file when that disturbs nobody. */
int db_checkpoint(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;
/* Holds that much room on the database's disk, so that what was begun can be taken back on a disk
 * that fills up; *fd_out is closed to give it back. -1: the database's disk is not ours.
 * LANTOA_EFULL. */
int db_reserve(struct db *db, int64_t bytes, int *fd_out, struct base_err *err) LANTOA_MUST_CHECK;
const char *db_dialect(const struct db *db); /* "sqlite" or "postgresql" */

#endif
