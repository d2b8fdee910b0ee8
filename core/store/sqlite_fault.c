/* SQLite's result codes in our words. */
#include "base/tr.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <string.h>

static int constraint_code(int extended) {
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return LANTOA_EEXIST;
    default:
        return LANTOA_EINVAL;
    }
}

/* "name: what we say (what SQLite says)"; detail may be NULL. */
static int say(
    struct base_err *err, int code, const char *name, const char *what, const char *detail) {
    if (detail) {
        return base_err_set(err, code, "%s: %s (%s)", name, what, detail);
    }
    return base_err_set(err, code, "%s: %s", name, what);
}

/* SQLite says FULL when a page does not fit, and IOERR or CANTOPEN when it is the WAL's index or a
 * new file that does not. */
static bool disk_full(sqlite3 *handle) {
    int number = handle ? sqlite3_system_errno(handle) : 0;
    return number == ENOSPC || number == EDQUOT;
}

/* The operating system's word on it, when it had one; else SQLite's. */
static const char *io_detail(sqlite3 *handle, const char *message) {
    int number = handle ? sqlite3_system_errno(handle) : 0;
    const char *text = number ? strerrordesc_np(number) : NULL;
    return text ? text : message;
}

int sqlite__fault(const char *name, sqlite3 *handle, int result, struct base_err *err) {
    const char *message = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result);
    int extended = result;
    if (handle && (sqlite3_extended_errcode(handle) & 0xff) == (result & 0xff)) {
        extended = sqlite3_extended_errcode(handle);
    }
    int primary = result & 0xff;
    if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && disk_full(handle)) {
        primary = SQLITE_FULL;
    }
    switch (primary) {
    case SQLITE_FULL:
        return say(err, LANTOA_EFULL, name, TR("no space left on the disk"), NULL);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return say(err, LANTOA_EBUSY, name, TR("another process keeps the database locked"), NULL);
    case SQLITE_NOTADB:
        return say(err, LANTOA_ECORRUPT, name, TR("the file is not a database"), NULL);
    case SQLITE_CORRUPT:
        return say(err, LANTOA_ECORRUPT, name, TR("the database is damaged"), message);
    case SQLITE_IOERR:
        if (extended == SQLITE_IOERR_NOMEM) {
            return say(err, LANTOA_ENOMEM, name, TR("out of memory"), NULL);
        }
        return say(err, LANTOA_EIO, name, TR("reading or writing the database failed"),
            io_detail(handle, message));
    case SQLITE_CANTOPEN:
        return say(
            err, LANTOA_EIO, name, TR("cannot open the database"), io_detail(handle, message));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return say(err, LANTOA_EDENIED, name, TR("no permission to write the database"), NULL);
    case SQLITE_NOMEM:
        return say(err, LANTOA_ENOMEM, name, TR("out of memory"), NULL);
    case SQLITE_CONSTRAINT:
        return say(err, constraint_code(extended), name, message, NULL);
    case SQLITE_TOOBIG:
        return say(err, LANTOA_ELIMIT, name, message, NULL);
    case SQLITE_INTERRUPT:
        return say(err, LANTOA_EAGAIN, name, message, NULL);
    default:
        return say(err, LANTOA_EINVAL, name, message, NULL);
    }
}

int sqlite__exec(const char *name, sqlite3 *handle, const char *sql, struct base_err *err) {
    int result = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : sqlite__fault(name, handle, result, err);
}
