/* What the stores of themes, channels and campaigns have in common: the kept form of JSON, looking
 * up by name, transactions, export. */
#include "campaign/store_private.h"

#include "base/mem.h"
#include "base/tr.h"
#include "campaign/spec_read.h"

static char *dump(const json_t *json, size_t flags) {
    /* 15 digits come back as they were written; 17 would turn 0.1 into 0.10000000000000001. */
    char *text = json_dumps(json, flags | JSON_REAL_PRECISION(15));
    char *copy = base_strdup(text ? text : "");
    json_free_t release;
    json_get_alloc_funcs(NULL, &release);
    release(text);
    return copy;
}

char *store__canonical(const json_t *json) {
    return dump(json, JSON_COMPACT);
}

char *store__column(struct db_stmt *stmt, int column) {
    struct str text = db_column_str(stmt, column);
    return text.at ? base_strndup(text.at, text.bytes) : NULL;
}

int store__names(struct db *db, const char *table, struct base_buf *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char *sql = base_printf("SELECT name FROM %s ORDER BY name LIMIT 1000", table);
    int code = db_prepare(db, sql, &stmt, err);
    base_free(sql);
    while (code == 0 && (code = db_step(stmt, err)) > 0) {
        base_buf_add_str(out, db_column_str(stmt, 0));
        base_buf_add_char(out, ' ');
        code = 0;
    }
    db_finish(&stmt);
    return code;
}

static const char *kind_shown(const char *table) {
    if (strcmp(table, "theme") == 0) {
        return TR("theme");
    }
    return strcmp(table, "channel") == 0 ? TR("channel") : TR("campaign");
}

int store__missing(struct db *db, const char *table, const char *name, struct base_err *err) {
    struct base_buf names;
    base_buf_init(&names, 1 << 20);
    int code = store__names(db, table, &names, err);
    if (code == 0) {
        struct str near = spec__nearest(str_from(name), base_buf_str(&names));
        if (near.bytes > 0) {
            code =
                base_err_set(err, LANTOA_ENOENT, TR("there is no %s '%s' (did you mean '%.*s'?)"),
                    kind_shown(table), name, STR_ARG(near));
        } else {
            code = base_err_set(
                err, LANTOA_ENOENT, TR("there is no %s '%s'"), kind_shown(table), name);
        }
    }
    base_buf_release(&names);
    return code;
}

int store__spec_text(
    struct db *db, const char *table, const char *name, char **text_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *text_out = NULL;
    char *sql = base_printf("SELECT spec FROM %s WHERE name = ?1", table);
    int code = db_prepare(db, sql, &stmt, err);
    base_free(sql);
    if (code == 0) {
        db_bind_text(stmt, 1, name);
        code = db_step(stmt, err);
        if (code > 0) {
            *text_out = store__column(stmt, 0);
            code = 0;
        } else if (code == 0) {
            db_finish(&stmt);
            code = store__missing(db, table, name, err);
        }
    }
    db_finish(&stmt);
    return code;
}

int store__transaction(struct db *db, int (*change)(struct db *db, void *arg, struct base_err *err),
    void *arg, struct base_err *err) {
    int code = db_begin(db, err);
    if (code) {
        return code;
    }
    code = change(db, arg, err);
    if (code) {
        db_rollback(db);
        return code;
    }
    return db_commit(db, err);
}

int campaign_export(
    struct db *db, const char *kind, const char *name, char **json_out, struct base_err *err) {
    *json_out = NULL;
    if (strcmp(kind, "theme") != 0 && strcmp(kind, "channel") != 0 &&
        strcmp(kind, "campaign") != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("'%s' cannot be exported"), kind);
    }
    char *text = NULL;
    int code = store__spec_text(db, kind, name, &text, err);
    struct base_json *doc = NULL;
    if (code == 0) {
        code = base_json_parse(str_from(text), name, &doc, err);
    }
    if (code == 0) {
        char *pretty = dump(base_json_root(doc), JSON_INDENT(2));
        *json_out = base_printf("%s\n", pretty);
        base_free(pretty);
    }
    base_json_free(&doc);
    base_free(text);
    return code;
}
