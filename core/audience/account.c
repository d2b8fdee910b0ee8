/* Attributes are JSON, which no index may look into here (a schema is not trusted with functions),
 * so the accounts stand in a table besides (contact_account). It is only a way to find: what counts
 * is the attribute, and each hit is compared with it. Contacts change by imports, their undoing,
 * and account_link; so a few numbers tell whether the table is behind. */
#include "audience/account.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/schema.h"
#include <stdio.h>

/* What the table was made of: changes with every import and undoing. */
static int read_mark(struct db *db, char out[static 120], struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT coalesce((SELECT max(id) FROM contact), 0), count(*), coalesce(max(id), 0), "
        "coalesce(sum(added + updated), 0), count(undone_at), count(finished_at) FROM "
        "import_batch WHERE kind = 'contact'",
        &stmt, err);
    if (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        snprintf(out, 120, "%lld.%lld.%lld.%lld.%lld.%lld", (long long)db_column_i64(stmt, 0),
            (long long)db_column_i64(stmt, 1), (long long)db_column_i64(stmt, 2),
            (long long)db_column_i64(stmt, 3), (long long)db_column_i64(stmt, 4),
            (long long)db_column_i64(stmt, 5));
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int run_named(struct db *db, const char *sql, const char *name, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int account_refresh(struct db *db, const char *name, struct base_err *err) {
    char mark[120] = "", *known = NULL;
    char *key = base_printf("accounts_%s", name);
    int rc = read_mark(db, mark, err);
    rc = rc == 0 ? schema_meta_get(db, key, &known, err) : rc;
    rc = rc == LANTOA_ENOENT ? 0 : rc;
    if (rc == 0 && (!known || strcmp(known, mark) != 0)) {
        rc = run_named(db, "DELETE FROM contact_account WHERE name = ?1", name, err);
        rc = rc == 0
                 ? run_named(db,
                       "INSERT INTO contact_account (name, account, contact_id) SELECT n.name, "
                       "CAST(c.attrs ->> n.name AS TEXT), c.id FROM (SELECT CAST(?1 AS TEXT) AS "
                       "name) n JOIN contact c ON c.attrs ->> n.name IS NOT NULL",
                       name, err)
                 : rc;
        rc = rc == 0 ? schema_meta_set(db, key, mark, err) : rc;
    }
    base_free(known);
    base_free(key);
    return rc;
}

int account_prepare(struct db *db, struct db_stmt **stmt_out, struct base_err *err) {
    return db_prepare(db,
        "SELECT a.contact_id FROM contact_account a JOIN contact c ON c.id = a.contact_id AND "
        "CAST(c.attrs ->> a.name AS TEXT) = a.account WHERE a.name = ?1 AND a.account = ?2 ORDER "
        "BY a.contact_id",
        stmt_out, err);
}

/* 1: a contact has it. */
static int is_taken(struct db *db, const char *name, struct str account, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = account_refresh(db, name, err);
    rc = rc == 0 ? account_prepare(db, &stmt, err) : rc;
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_str(stmt, 2, account);
        rc = db_step(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* The attributes with the account among them; NULL: it has one already. */
static char *with_account(struct str attrs, const char *name, struct str account) {
    json_t *root = attrs.bytes ? json_loadb(attrs.at, attrs.bytes, 0, NULL) : json_object();
    char *text = NULL;
    if (json_is_object(root) && !json_is_string(json_object_get(root, name)) &&
        !json_is_number(json_object_get(root, name)) &&
        json_object_set_new(root, name, json_stringn(account.at, account.bytes)) == 0) {
        text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
    }
    json_decref(root);
    return text;
}

static int read_attrs(struct db *db, int64_t contact_id, const char *name, struct str account,
    char **text_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT attrs FROM contact WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, contact_id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            *text_out = with_account(db_column_str(stmt, 0), name, account);
        }
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int write_attrs(
    struct db *db, int64_t contact_id, const char *name, const char *attrs, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE contact SET attrs = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, contact_id);
        db_bind_text(stmt, 2, attrs);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = run_named(db,
            "INSERT INTO attribute (name, heading) VALUES (?1, ?1) ON CONFLICT (name) DO NOTHING",
            name, err);
    }
    return rc;
}

static int note(
    struct db *db, int64_t contact_id, const char *name, struct str account, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO contact_account (name, account, contact_id) VALUES (?1, ?2, ?3) ON CONFLICT "
        "DO NOTHING",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_str(stmt, 2, account);
        db_bind_i64(stmt, 3, contact_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int account_link(struct db *db, int64_t contact_id, const char *name, struct str account,
    bool *linked_out, struct base_err *err) {
    char *attrs = NULL;
    *linked_out = false;
    if (account.bytes == 0 || account.bytes > ACCOUNT_BYTES_MAX || !base_utf8_valid(account)) {
        return 0;
    }
    int rc = is_taken(db, name, account, err);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = read_attrs(db, contact_id, name, account, &attrs, err);
    if (rc == 0 && attrs) {
        rc = write_attrs(db, contact_id, name, attrs, err);
        rc = rc == 0 ? note(db, contact_id, name, account, err) : rc;
        *linked_out = rc == 0;
    }
    base_free(attrs);
    return rc;
}
