/* Care of a SQLite file: backup, checks, checkpoint, and noticing other writers. */
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "store/sqlite_private.h"

#include <string.h>
#include <unistd.h>

int sqlite__data_version(struct db *head, int64_t *version_out, struct base_err *err) {
    struct sqlite_db *db = (struct sqlite_db *)head;
    int result = SQLITE_OK;
    if (!db->version_stmt) {
        result = sqlite3_prepare_v3(db->handle, "PRAGMA data_version", -1,
            SQLITE_PREPARE_PERSISTENT, &db->version_stmt, NULL);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_step(db->version_stmt);
    }
    int code = 0;
    if (result == SQLITE_ROW) {
        *version_out = sqlite3_column_int64(db->version_stmt, 0);
    } else {
        code = sqlite__fault(head->name, db->handle, result, err);
    }
    sqlite3_reset(db->version_stmt);
    return code;
}

int sqlite__checkpoint(struct db *head, struct base_err *err) {
    struct sqlite_db *db = (struct sqlite_db *)head;
    int result = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    /* Busy means somebody reads an older state; the next try takes the rest. */
    if (result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY) {
        return 0;
    }
    return sqlite__fault(head->name, db->handle, result, err);
}

int sqlite__reserve(struct db *head, int64_t bytes, int *fd_out, struct base_err *err) {
    int result = base_disk_reserve(head->name, bytes, fd_out, err);
    if (result == LANTOA_EFULL) {
        return base_err_set(err, result, TR("%s: no space left on the disk"), head->name);
    }
    return result;
}

/* Runs a checking pragma; its first row that is not "ok" is the finding. */
static int check_one(struct db *head, const char *pragma, struct base_err *err) {
    struct sqlite_db *db = (struct sqlite_db *)head;
    sqlite3_stmt *stmt = NULL;
    int code = 0;
    int result = sqlite3_prepare_v2(db->handle, pragma, -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    if (result == SQLITE_ROW) {
        const char *finding = (const char *)sqlite3_column_text(stmt, 0);
        /* The first line only names the schema. */
        const char *second = finding && finding[0] == '*' ? strchr(finding, '\n') : NULL;
        finding = second ? second + 1 : finding;
        bool foreign_key = sqlite3_column_count(stmt) > 1;
        if (foreign_key) {
            code = base_err_set(err, LANTOA_ECORRUPT,
                TR("%s: the database is damaged: row %lld of table %s refers to a missing row of "
                   "table %s"),
                head->name, (long long)sqlite3_column_int64(stmt, 1), finding,
                (const char *)sqlite3_column_text(stmt, 2));
        } else if (!finding || strcmp(finding, "ok") != 0) {
            code = base_err_set(err, LANTOA_ECORRUPT, TR("%s: the database is damaged: %.*s"),
                head->name, finding ? (int)strcspn(finding, "\n") : 0, finding ? finding : "");
        }
    } else if (result != SQLITE_DONE) {
        code = sqlite__fault(head->name, db->handle, result, err);
    }
    sqlite3_finalize(stmt);
    return code;
}

int sqlite__check(struct db *head, struct base_err *err) {
    int result = check_one(head, "PRAGMA integrity_check(1)", err);
    return result != 0 ? result : check_one(head, "PRAGMA foreign_key_check", err);
}

/* ---- backup ---- */

static int copy_pages(struct sqlite_db *from, const char *name, sqlite3 *to, struct base_err *err) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->handle, "main");
    if (!backup) {
        return sqlite__fault(name, to, sqlite3_errcode(to), err);
    }
    /* All pages in one step: in WAL mode that reads one state and stops no writer; in several steps
     * every commit of another process would start the copy anew. */
    int result = sqlite3_backup_step(backup, -1);
    int finished = sqlite3_backup_finish(backup);
    if (result == SQLITE_DONE) {
        result = finished;
    }
    if (result != SQLITE_OK) {
        return sqlite__fault(name, to, result, err);
    }
    return 0;
}

/* The copy must say that it is one, and be one file without a WAL beside it. */
static int mark_restored(const char *name, sqlite3 *to, struct base_err *err) {
    sqlite3_stmt *stmt = NULL;
    int found =
        sqlite3_prepare_v2(to, "SELECT 1 FROM sqlite_schema WHERE name = 'meta'", -1, &stmt, NULL);
    if (found == SQLITE_OK) {
        found = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    if (found != SQLITE_ROW && found != SQLITE_DONE) {
        return sqlite__fault(name, to, found, err);
    }
    int result = 0;
    if (found == SQLITE_ROW) {
        result = sqlite__exec(name, to,
            "INSERT INTO meta (key, value) VALUES ('restored', '1') "
            "ON CONFLICT (key) DO UPDATE SET value = '1'",
            err);
    }
    return result != 0 ? result : sqlite__exec(name, to, "PRAGMA journal_mode = DELETE", err);
}

static void remove_part(const char *part) {
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char *path = base_printf("%s%s", part, tails[i]);
        unlink(path);
        base_free(path);
    }
}

/* SQLite would let the umask decide who reads people's data. */
static int make_private(const char *part, const char *path, struct base_err *err) {
    struct base_err why = {0};
    int result = base_file_make(part, 0600, &why);
    if (result != 0) {
        int code = result == LANTOA_EFULL || result == LANTOA_EDENIED ? result : LANTOA_EIO;
        /* The name of the caller's file, not of the part. */
        bool named = strncmp(why.text, part, strlen(part)) == 0;
        return base_err_set(
            err, code, "%s%s", named ? path : "", why.text + (named ? strlen(part) : 0));
    }
    return 0;
}

int sqlite__backup(struct db *head, const char *path, struct base_err *err) {
    if (base_file_exists(path)) {
        return base_err_set(err, LANTOA_EEXIST, TR("%s: exists already"), path);
    }
    char *part = base_printf("%s.part", path);
    remove_part(part);
    sqlite3 *to = NULL;
    int result = make_private(part, path, err);
    if (result != 0) {
        goto out;
    }
    int opened = sqlite3_open_v2(
        part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (opened != SQLITE_OK) {
        result = sqlite__fault(path, to, opened, err);
        goto out;
    }
    result = sqlite__exec(path, to, "PRAGMA synchronous = FULL", err);
    if (result == 0) {
        result = copy_pages((struct sqlite_db *)head, path, to, err);
    }
    if (result == 0) {
        result = mark_restored(path, to, err);
    }
    sqlite3_close(to);
    to = NULL;
    if (result == 0) {
        result = base_file_place(part, path, err);
    }
out:
    sqlite3_close(to);
    remove_part(part);
    base_free(part);
    return result;
}
