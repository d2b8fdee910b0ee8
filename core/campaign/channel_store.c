/* Channels in the database: the file as written, and what the plugin said of itself at that time.
 */
#include "campaign/store_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "channel/quote.h"

#define CHANNEL_COLUMNS "id, name, plugin, spec, manifest, state, parked_reason, changed_at"

static void row_read(struct db_stmt *stmt, struct channel_row *row_out) {
    *row_out = (struct channel_row){.id = db_column_i64(stmt, 0),
        .name = store__column(stmt, 1),
        .plugin = store__column(stmt, 2),
        .spec_text = store__column(stmt, 3),
        .manifest_text = store__column(stmt, 4),
        .state = store__column(stmt, 5),
        .parked_reason = store__column(stmt, 6),
        .changed_at = db_column_i64(stmt, 7)};
}

void channel_row_release(struct channel_row *row) {
    base_free(row->name);
    base_free(row->plugin);
    base_free(row->spec_text);
    base_free(row->manifest_text);
    base_free(row->state);
    base_free(row->parked_reason);
    *row = (struct channel_row){0};
}

/* 1: found; 0: not there; negative: could not be asked */
static int row_get(struct db *db, const char *where, const char *name, int64_t id,
    struct channel_row *row_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    bool found = false;
    *row_out = (struct channel_row){0};
    char *sql = base_printf("SELECT " CHANNEL_COLUMNS " FROM channel WHERE %s = ?1", where);
    int code = db_prepare(db, sql, &stmt, err);
    base_free(sql);
    if (code == 0) {
        if (name) {
            db_bind_text(stmt, 1, name);
        } else {
            db_bind_i64(stmt, 1, id);
        }
        code = db_step(stmt, err);
        found = code > 0;
        if (found) {
            row_read(stmt, row_out);
        }
    }
    db_finish(&stmt);
    return code < 0 ? code : found;
}

int channel_get(
    struct db *db, const char *name, struct channel_row *row_out, struct base_err *err) {
    int code = row_get(db, "name", name, 0, row_out, err);
    if (code == 0) {
        return store__missing(db, "channel", name, err);
    }
    return code < 0 ? code : 0;
}

int channel_get_id(struct db *db, int64_t id, struct channel_row *row_out, struct base_err *err) {
    int code = row_get(db, "id", NULL, id, row_out, err);
    if (code == 0) {
        return base_err_set(
            err, LANTOA_ENOENT, TR("there is no channel with number %lld"), (long long)id);
    }
    return code < 0 ? code : 0;
}

int channel_each(struct db *db, int (*row)(void *arg, const struct channel_row *row), void *arg,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int code = db_prepare(db, "SELECT " CHANNEL_COLUMNS " FROM channel ORDER BY name", &stmt, err);
    while (code == 0 && (code = db_step(stmt, err)) > 0) {
        struct channel_row found;
        row_read(stmt, &found);
        code = row(arg, &found);
        channel_row_release(&found);
    }
    db_finish(&stmt);
    return code;
}

struct channel_change {
    const char *name, *plugin, *text, *manifest, *kind, *who;
    const char *account; /* NULL: none */
    enum lantoa_address_kind address;
    bool changed;
};

static int channel_put(struct db *db, void *arg, struct base_err *err) {
    struct channel_change *change = arg;
    struct channel_row old;
    struct db_stmt *stmt = NULL;
    int found = row_get(db, "name", change->name, 0, &old, err);
    if (found < 0) {
        return found;
    }
    change->changed = found == 0 || strcmp(old.spec_text, change->text) != 0 ||
                      strcmp(old.manifest_text, change->manifest) != 0 ||
                      strcmp(old.state, "ready") != 0;
    channel_row_release(&old);
    if (!change->changed) {
        return 0;
    }
    /* A changed channel gets a new chance, whatever was wrong with it. */
    int code = db_prepare(db,
        "INSERT INTO channel (name, plugin, spec, manifest, state, changed_at, kind, address, "
        "account) VALUES (?1, ?2, ?3, ?4, 'ready', ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE "
        "SET plugin = excluded.plugin, spec = excluded.spec, manifest = excluded.manifest, "
        "kind = excluded.kind, address = excluded.address, account = excluded.account, "
        "state = excluded.state, parked_reason = NULL, changed_at = excluded.changed_at",
        &stmt, err);
    if (code == 0) {
        db_bind_text(stmt, 1, change->name);
        db_bind_text(stmt, 2, change->plugin);
        db_bind_text(stmt, 3, change->text);
        db_bind_text(stmt, 4, change->manifest);
        db_bind_i64(stmt, 5, base_clock_now_ms());
        db_bind_text(stmt, 6, change->kind);
        db_bind_i64(stmt, 7, change->address);
        db_bind_text(stmt, 8, change->account);
        code = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (code == 0) {
        char *object = base_printf("channel %s", change->name);
        code = audit_add(db, change->who, "apply", object, found ? "changed" : "added", err);
        base_free(object);
    }
    return code;
}

/* Asks the plugin what it is and reads the file again with that: the first reading told only which
 * plugin. */
static int describe(const struct base_json *doc, struct channel_spec **spec, char **text_out,
    struct channel_manifest **manifest_out, struct base_err *err) {
    int code = channel_describe((*spec)->plugin, text_out, err);
    if (code == LANTOA_ENOENT || code == LANTOA_EINVAL || code == LANTOA_EVERSION) {
        struct base_err why = *err;
        const json_t *plugin = json_object_get(base_json_root(doc), "plugin");
        (void)base_json_fault(doc, plugin, "plugin", err, "%s", why.text);
        err->code = code;
        return code;
    }
    if (code == 0) {
        code = channel_manifest_parse(*text_out, manifest_out, err);
    }
    if (code == 0) {
        channel_spec_free(spec);
        code = channel_spec_parse(doc, *manifest_out, spec, err);
    }
    return code;
}

/* Asks the plugin whether it could be opened with these values: nothing is stored that would only
 * park. */
static int check_options(const struct base_json *doc, const struct channel_spec *spec,
    const struct channel_manifest *manifest, const char *data_dir, struct base_err *err) {
    char *option = NULL, field[80] = "options";
    int code = channel_check(spec, manifest, data_dir, &option, err);
    if (code != 0) {
        struct base_err why = *err;
        const json_t *root = base_json_root(doc), *at = json_object_get(root, "options");
        if (option) {
            const json_t *value = json_object_get(at, option);
            at = value ? value : at;
            snprintf(field, sizeof(field), "options.%s", option);
        }
        (void)base_json_fault(doc, at ? at : root, field, err, "%s", why.text);
        err->code = code;
    }
    base_free(option);
    return code;
}

int channel_apply(struct db *db, const char *data_dir, const char *path, const char *who,
    bool *changed_out, struct base_err *err) {
    struct base_json *doc = NULL;
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    char *manifest_text = NULL;
    *changed_out = false;
    int code = base_json_load(path, &doc, err);
    if (code == 0) {
        /* For editors only. */
        (void)json_object_del(base_json_root(doc), "$schema");
        code = channel_spec_parse(doc, NULL, &spec, err);
    }
    if (code == 0) {
        code = describe(doc, &spec, &manifest_text, &manifest, err);
    }
    code = code ? code : check_options(doc, spec, manifest, data_dir, err);
    if (code == 0) {
        char *text = store__canonical(base_json_root(doc));
        struct channel_change change = {.name = spec->name,
            .plugin = spec->plugin,
            .text = text,
            .manifest = manifest_text,
            .kind = manifest->kind,
            .who = who,
            .address = manifest->address,
            .account = manifest->account};
        code = store__transaction(db, channel_put, &change, err);
        *changed_out = code == 0 && change.changed;
        base_free(text);
    }
    channel_manifest_free(&manifest);
    base_free(manifest_text);
    channel_spec_free(&spec);
    base_json_free(&doc);
    return code;
}
