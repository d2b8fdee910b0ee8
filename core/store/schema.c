/* Brings a database up to this program's schema, one numbered step at a time. Knows the table meta
 * and no other. */
#include "store/schema.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "store/driver.h"
#include "store/schema_private.h"

#include <stdio.h>

#include "store_migrations.inc"

enum { SCHEMA_LATEST = sizeof(migrations) / sizeof(migrations[0]) };

int schema_latest(void) {
    return SCHEMA_LATEST;
}

const char *schema__migration(int number) {
    BASE_ASSERT(number >= 1 && number <= SCHEMA_LATEST);
    return (const char *)migrations[number - 1];
}

int schema__newer_fault(struct db *db, int version, struct base_err *err) {
    return base_err_set(err, LANTOA_EVERSION,
        TR("%s: the database has schema %d, this program knows schemas up to %d: use a newer "
           "version of Lantoa"),
        db->name, version, schema_latest());
}

int schema_version(struct db *db, int *version_out, struct base_err *err) {
    bool there = false, any = false;
    int result = db->driver->has_table(db, "meta", &there, &any, err);
    if (result != 0) {
        return result;
    }
    if (!there) {
        if (any) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("%s: the database belongs to another program"), db->name);
        }
        *version_out = 0;
        return 0;
    }
    char *text = NULL;
    int64_t version = 0;
    result = schema_meta_get(db, "schema", &text, err);
    if (result == LANTOA_ENOENT) {
        result = base_err_set(
            err, LANTOA_EINVAL, TR("%s: the database belongs to another program"), db->name);
    } else if (result == 0 && (base_parse_i64(str_from(text), &version) != 0 || version < 1 ||
                                  version > INT32_MAX)) {
        result = base_err_set(err, LANTOA_ECORRUPT,
            TR("%s: the schema number \"%.40s\" in table meta is damaged"), db->name, text);
    }
    base_free(text);
    if (result == 0) {
        *version_out = (int)version;
    }
    return result;
}

/* One step, in a transaction: another process may have been quicker, so the version is read again
 * inside it. */
static int migrate_step(struct db *db, struct base_err *err) {
    int result = db_begin(db, err);
    if (result != 0) {
        return result;
    }
    int version = 0;
    result = schema_version(db, &version, err);
    if (result == 0 && version < SCHEMA_LATEST) {
        char number[12];
        snprintf(number, sizeof(number), "%d", version + 1);
        result = db_exec(db, schema__migration(version + 1), err);
        if (result == 0) {
            result = schema_meta_set(db, "schema", number, err);
        }
        if (result != 0) {
            result = base_err_prefix(err, TR("schema step %s"), number);
        }
    }
    if (result != 0) {
        db_rollback(db);
        return result;
    }
    return db_commit(db, err);
}

int schema_migrate(struct db *db, struct base_err *err) {
    for (;;) {
        int version = 0;
        int result = schema_version(db, &version, err);
        if (result != 0) {
            return result;
        }
        if (version > SCHEMA_LATEST) {
            return schema__newer_fault(db, version, err);
        }
        if (version == SCHEMA_LATEST) {
            return 0;
        }
        result = migrate_step(db, err);
        if (result != 0) {
            return result;
        }
    }
}

int schema_upgrade(struct db *db, struct base_err *err) {
    int version = 0;
    int result = schema_version(db, &version, err);
    if (result == 0 && version == 0) {
        return base_err_set(err, LANTOA_ECORRUPT,
            TR("%s: the database is empty: put a backup in its place (lantoa restore FILE)"),
            db->name);
    }
    return result ? result : schema_migrate(db, err);
}

int schema_meta_get(struct db *db, const char *key, char **value_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int result = db_prepare(db, "SELECT value FROM meta WHERE key = ?1", &stmt, err);
    if (result == 0) {
        db_bind_text(stmt, 1, key);
        result = db_step(stmt, err);
        if (result == 1) {
            struct str value = db_column_str(stmt, 0);
            *value_out = base_strndup(value.at, value.bytes);
            result = 0;
        } else if (result == 0) {
            result =
                base_err_set(err, LANTOA_ENOENT, TR("%s: table meta has no \"%s\""), db->name, key);
        }
    }
    db_finish(&stmt);
    return result;
}

int schema_meta_set(struct db *db, const char *key, const char *value, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int result = db_prepare(db,
        "INSERT INTO meta (key, value) VALUES (?1, ?2) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        &stmt, err);
    if (result == 0) {
        db_bind_text(stmt, 1, key);
        db_bind_text(stmt, 2, value);
        result = db_run(stmt, err);
    }
    db_finish(&stmt);
    return result;
}
