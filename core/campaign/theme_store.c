/* Themes in the database. */
#include "campaign/store_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"

int theme__load(
    struct db *db, const char *name, struct theme_spec **spec_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    *spec_out = NULL;
    int code = store__spec_text(db, "theme", name, &text, err);
    if (code == 0) {
        code = base_json_parse(str_from(text), name, &doc, err);
    }
    if (code == 0) {
        code = theme_spec_parse(doc, spec_out, err);
    }
    base_json_free(&doc);
    base_free(text);
    return code;
}

struct theme_change {
    const char *name, *text, *who;
    bool changed;
};

/* What has been planned and approved must stay what it was: its theme cannot change under it. */
static int check_unused(struct db *db, const char *name, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int code = db_prepare(db,
        "SELECT c.name, c.state FROM campaign c JOIN theme t ON t.id = c.theme_id "
        "WHERE t.name = ?1 AND c.state IN (?2, ?3, ?4, ?5) ORDER BY c.name LIMIT 1",
        &stmt, err);
    if (code == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_i64(stmt, 2, CAMPAIGN_PLANNED);
        db_bind_i64(stmt, 3, CAMPAIGN_APPROVED);
        db_bind_i64(stmt, 4, CAMPAIGN_RUNNING);
        db_bind_i64(stmt, 5, CAMPAIGN_PAUSED);
        code = db_step(stmt, err);
        if (code > 0) {
            struct str campaign = db_column_str(stmt, 0);
            const char *state = campaign_state_word((enum campaign_state)db_column_i64(stmt, 1));
            code = base_err_set(err, LANTOA_ESTATE,
                TR("theme '%s' is used by campaign '%.*s', which is %s; it can change once that "
                   "campaign is a draft again or over"),
                name, STR_ARG(campaign), base_tr(state));
        }
    }
    db_finish(&stmt);
    return code;
}

static int theme_put(struct db *db, void *arg, struct base_err *err) {
    struct theme_change *change = arg;
    struct db_stmt *stmt = NULL;
    struct base_err missing;
    char *old = NULL;
    int code = store__spec_text(db, "theme", change->name, &old, &missing);
    if (code && code != LANTOA_ENOENT) {
        return base_err_set(err, code, "%s", missing.text);
    }
    bool is_new = code == LANTOA_ENOENT;
    change->changed = is_new || strcmp(old, change->text) != 0;
    base_free(old);
    if (!change->changed) {
        return 0;
    }
    code = check_unused(db, change->name, err);
    if (code == 0) {
        code = db_prepare(db,
            "INSERT INTO theme (name, spec, changed_at) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, changed_at = "
            "excluded.changed_at",
            &stmt, err);
    }
    if (code == 0) {
        db_bind_text(stmt, 1, change->name);
        db_bind_text(stmt, 2, change->text);
        db_bind_i64(stmt, 3, base_clock_now_ms());
        code = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (code == 0) {
        char *object = base_printf("theme %s", change->name);
        code = audit_add(db, change->who, "apply", object, is_new ? "added" : "changed", err);
        base_free(object);
    }
    return code;
}

int theme_apply(struct db *db, const char *data_dir, const char *path, const char *who,
    bool *changed_out, struct base_err *err) {
    struct base_json *doc = NULL;
    struct theme_spec *spec = NULL;
    *changed_out = false;
    int code = base_json_load(path, &doc, err);
    if (code == 0) {
        code = theme_spec_parse(doc, &spec, err);
    }
    if (code == 0 && data_dir) {
        const char *slash = strrchr(path, '/');
        char *folder = slash ? base_strndup(path, (size_t)(slash - path) + 1) : base_strdup(".");
        code = material__copy_theme(doc, folder, data_dir, err);
        base_free(folder);
    }
    if (code == 0) {
        char *text = store__canonical(spec->root);
        struct theme_change change = {.name = spec->name, .text = text, .who = who};
        code = store__transaction(db, theme_put, &change, err);
        *changed_out = code == 0 && change.changed;
        base_free(text);
    }
    theme_spec_free(&spec);
    base_json_free(&doc);
    return code;
}
