/* Opens a SQLite file the way Lantoa wants it: durable, in WAL mode, strict about what PostgreSQL
 * would not take. */
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 50 };

static pthread_once_t config_once = PTHREAD_ONCE_INIT;

static void config(void) {
    /* Counting allocations takes a global lock that no one reads the result of. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Why a file cannot be created: errno of its folder, 0 when that is not the reason. SQLite's own
 * number is the one of a second try without writing, which is always "no such file". */
static int folder_errno(const char *where) {
    const char *slash = strrchr(where, '/');
    char *folder = slash ? base_strndup(where, (size_t)(slash - where) + 1) : base_strdup(".");
    int number = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
    base_free(folder);
    return number;
}

/* Why a file cannot be opened, in better words than SQLite's "unable to open database file". */
static int open_fault(
    const char *where, int flags, sqlite3 *handle, int result, struct base_err *err) {
    struct stat found;
    if (stat(where, &found) == 0) {
        if (S_ISDIR(found.st_mode)) {
            return base_err_set(err, LANTOA_EINVAL, TR("%s: is a folder, not a database"), where);
        }
        return sqlite__fault(where, handle, result, err);
    }
    int number = errno;
    if (number == ENOENT && !(flags & DB_OPEN_CREATE)) {
        return base_err_set(err, LANTOA_ENOENT, TR("%s: no such database"), where);
    }
    if (number == ENOENT) {
        number = folder_errno(where);
    }
    if (number == 0) {
        return sqlite__fault(where, handle, result, err);
    }
    int code = number == EACCES || number == EROFS ? LANTOA_EDENIED : LANTOA_EIO;
    return base_err_set(
        err, code, TR("%s: cannot open the database (%s)"), where, strerrordesc_np(number));
}

static int wal_try(const char *name, sqlite3 *handle, bool *is_wal_out, struct base_err *err) {
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    if (result == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        *is_wal_out = mode && strcmp(mode, "wal") == 0;
        result = SQLITE_OK;
    }
    int code = result == SQLITE_OK ? 0 : sqlite__fault(name, handle, result, err);
    sqlite3_finalize(stmt);
    return code;
}

/* Two processes that open a new file at once race for this change, and SQLite's busy time-out does
 * not cover it. */
static int wal_switch_on(const char *name, sqlite3 *handle, struct base_err *err) {
    bool is_wal = false;
    int result = 0;
    for (int waited_ms = 0; waited_ms <= DB_WAIT_MS; waited_ms += RETRY_MS) {
        result = wal_try(name, handle, &is_wal, err);
        if (result != LANTOA_EBUSY) {
            break;
        }
        struct timespec pause = {.tv_sec = 0, .tv_nsec = RETRY_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    if (result == 0 && !is_wal) {
        result = base_err_set(err, LANTOA_EIO,
            TR("%s: the file system does not allow a write-ahead log; use a local disk"), name);
    }
    return result;
}

/* Memory: 16 MiB of pages for each connection and no mapping, so that the size of the audience does
 * not show. The WAL: 4,000 pages before a checkpoint, and no more than 64 MiB kept on disk after a
 * burst. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA cache_size = -16384;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA temp_store = FILE;"
                               "PRAGMA wal_autocheckpoint = 4000;"
                               "PRAGMA journal_size_limit = 67108864;";

static int configure(const char *name, sqlite3 *handle, int flags, struct base_err *err) {
    sqlite3_busy_timeout(handle, DB_WAIT_MS);
    sqlite3_extended_result_codes(handle, 1);
    /* "text" in double quotes would pass for a string here and fail on PostgreSQL. */
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!(flags & DB_OPEN_READ_ONLY)) {
        /* Where it may not write, SQLite opens for reading and says nothing. */
        if (sqlite3_db_readonly(handle, "main") == 1) {
            return sqlite__fault(name, NULL, SQLITE_READONLY, err);
        }
        int result = wal_switch_on(name, handle, err);
        if (result != 0) {
            return result;
        }
    }
    int result = sqlite__exec(name, handle, settings, err);
    if (result == 0 && flags & DB_OPEN_SCRATCH) {
        result = sqlite__exec(name, handle, "PRAGMA synchronous = OFF", err);
    }
    return result;
}

int sqlite__open(const char *where, int flags, struct db **db_out, struct base_err *err) {
    pthread_once(&config_once, config);
    int how = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (flags & DB_OPEN_READ_ONLY) {
        how |= SQLITE_OPEN_READONLY;
    } else {
        how |= SQLITE_OPEN_READWRITE | (flags & DB_OPEN_CREATE ? SQLITE_OPEN_CREATE : 0);
    }
    sqlite3 *handle = NULL;
    int opened = sqlite3_open_v2(where, &handle, how, NULL);
    int result = opened == SQLITE_OK ? configure(where, handle, flags, err)
                                     : open_fault(where, flags, handle, opened, err);
    if (result != 0) {
        sqlite3_close(handle);
        return result;
    }
    struct sqlite_db *db = base_alloc(sizeof(*db));
    db->head.driver = &db__sqlite_driver;
    db->head.name = base_strdup(where);
    db->handle = handle;
    if (!(flags & DB_OPEN_READ_ONLY)) {
        sqlite__note_start(db);
    }
    *db_out = &db->head;
    return 0;
}

void sqlite__close(struct db *head) {
    struct sqlite_db *db = (struct sqlite_db *)head;
    sqlite3_finalize(db->version_stmt);
    sqlite__note_end(db);
    sqlite3_stmt *left;
    while ((left = sqlite3_next_stmt(db->handle, NULL)) != NULL) {
        base_log(BASE_LOG_ERROR, "store", "statement not finished: %.200s", sqlite3_sql(left));
        sqlite3_finalize(left);
    }
    sqlite3_close(db->handle);
    base_free(head->name);
    base_free(db);
}
