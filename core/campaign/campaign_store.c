/* Campaigns in the database: apply, read back, list. Planning and running them is delivery's. */
#include "campaign/store_private.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/tr.h"

#define CAMPAIGN_COLUMNS                                                                           \
    "id, theme_id, name, state, wait_reason, spec, assignment_hash, approved_by, experiment_key, " \
    "changed_at, planned_at, approved_at, started_at, ended_at"

/* Words of states are kept in English everywhere; people read them through TR. */
const char *campaign_state_word(enum campaign_state state) {
    switch (state) {
    case CAMPAIGN_DRAFT:
        return "draft";
    case CAMPAIGN_PLANNED:
        return "planned";
    case CAMPAIGN_APPROVED:
        return "approved";
    case CAMPAIGN_RUNNING:
        return "running";
    case CAMPAIGN_PAUSED:
        return "paused";
    case CAMPAIGN_DONE:
        return "done";
    case CAMPAIGN_STOPPED:
        return "stopped";
    }
    return "?";
}

const char *step_state_word(enum step_state state) {
    switch (state) {
    case STEP_WAITING:
        return "waiting";
    case STEP_RUNNING:
        return "running";
    case STEP_MISSED:
        return "missed";
    case STEP_DONE:
        return "done";
    case STEP_STOPPED:
        return "stopped";
    }
    return "?";
}

static void row_read(struct db_stmt *stmt, struct campaign_row *row_out) {
    *row_out = (struct campaign_row){.id = db_column_i64(stmt, 0),
        .theme_id = db_column_i64(stmt, 1),
        .name = store__column(stmt, 2),
        .state = (enum campaign_state)db_column_i64(stmt, 3),
        .wait_reason = store__column(stmt, 4),
        .spec_text = store__column(stmt, 5),
        .assignment_hash = store__column(stmt, 6),
        .approved_by = store__column(stmt, 7),
        .changed_at = db_column_i64(stmt, 9),
        .planned_at = db_column_i64(stmt, 10),
        .approved_at = db_column_i64(stmt, 11),
        .started_at = db_column_i64(stmt, 12),
        .ended_at = db_column_i64(stmt, 13)};
    struct str key = db_column_blob(stmt, 8);
    if (key.bytes == sizeof(row_out->experiment_key)) {
        memcpy(row_out->experiment_key, key.at, key.bytes);
    }
}

void campaign_row_release(struct campaign_row *row) {
    base_free(row->name);
    base_free(row->wait_reason);
    base_free(row->spec_text);
    base_free(row->assignment_hash);
    base_free(row->approved_by);
    *row = (struct campaign_row){0};
}

/* 1: found; 0: not there; negative: could not be asked */
static int row_get(struct db *db, const char *where, const char *name, int64_t id,
    struct campaign_row *row_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    bool found = false;
    *row_out = (struct campaign_row){0};
    char *sql = base_printf("SELECT " CAMPAIGN_COLUMNS " FROM campaign WHERE %s = ?1", where);
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

int campaign_get(
    struct db *db, const char *name, struct campaign_row *row_out, struct base_err *err) {
    int code = row_get(db, "name", name, 0, row_out, err);
    if (code == 0) {
        return store__missing(db, "campaign", name, err);
    }
    return code < 0 ? code : 0;
}

int campaign_get_id(struct db *db, int64_t id, struct campaign_row *row_out, struct base_err *err) {
    int code = row_get(db, "id", NULL, id, row_out, err);
    if (code == 0) {
        return base_err_set(
            err, LANTOA_ENOENT, TR("there is no campaign with number %lld"), (long long)id);
    }
    return code < 0 ? code : 0;
}

int campaign_each(struct db *db, int (*row)(void *arg, const struct campaign_row *row), void *arg,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int code =
        db_prepare(db, "SELECT " CAMPAIGN_COLUMNS " FROM campaign ORDER BY name", &stmt, err);
    while (code == 0 && (code = db_step(stmt, err)) > 0) {
        struct campaign_row found;
        row_read(stmt, &found);
        code = row(arg, &found);
        campaign_row_release(&found);
    }
    db_finish(&stmt);
    return code;
}

int campaign_row_spec(
    const struct campaign_row *row, struct campaign_spec **spec_out, struct base_err *err) {
    struct base_json *doc = NULL;
    *spec_out = NULL;
    int code = base_json_parse(str_from(row->spec_text), row->name, &doc, err);
    if (code == 0) {
        code = campaign_spec_parse(doc, spec_out, err);
    }
    base_json_free(&doc);
    return code;
}

/* --- apply --- */

struct campaign_change {
    const struct campaign_spec *spec;
    const char *text, *who;
    bool changed;
};

static int write_row(struct db *db, const struct campaign_change *change, struct base_err *err) {
    uint8_t key[32];
    struct db_stmt *stmt = NULL;
    base_random(key, sizeof(key));
    /* The lot of the holdout is drawn with the key of the first apply; an update leaves it. */
    int code = db_prepare(db,
        "INSERT INTO campaign (name, theme_id, spec, state, experiment_key, changed_at, class) "
        "VALUES (?1, (SELECT id FROM theme WHERE name = ?6), ?2, ?3, ?4, ?5, ?7) "
        "ON CONFLICT (name) DO UPDATE SET theme_id = excluded.theme_id, spec = excluded.spec, "
        "changed_at = excluded.changed_at, class = excluded.class",
        &stmt, err);
    if (code == 0) {
        db_bind_text(stmt, 1, change->spec->name);
        db_bind_text(stmt, 2, change->text);
        db_bind_i64(stmt, 3, CAMPAIGN_DRAFT);
        db_bind_blob(stmt, 4, key, sizeof(key));
        db_bind_i64(stmt, 5, base_clock_now_ms());
        db_bind_text(stmt, 6, change->spec->theme);
        db_bind_text(stmt, 7, campaign_class_word(change->spec->class));
        code = db_run(stmt, err);
    }
    db_finish(&stmt);
    return code;
}

/* Who wrote it may not be the one who approves it. */
static int add_author(struct db *db, const struct campaign_change *change, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int code = db_prepare(db,
        "INSERT INTO campaign_author (campaign_id, who) SELECT id, ?2 FROM campaign WHERE name = "
        "?1 "
        "ON CONFLICT (campaign_id, who) DO NOTHING",
        &stmt, err);
    if (code == 0) {
        db_bind_text(stmt, 1, change->spec->name);
        db_bind_text(stmt, 2, change->who && *change->who ? change->who : "?");
        code = db_run(stmt, err);
    }
    db_finish(&stmt);
    return code;
}

static int put(struct db *db, void *arg, struct base_err *err) {
    struct campaign_change *change = arg;
    struct campaign_row old;
    int found = row_get(db, "name", change->spec->name, 0, &old, err);
    if (found < 0) {
        return found;
    }
    change->changed = found == 0 || strcmp(old.spec_text, change->text) != 0;
    enum campaign_state state = old.state;
    campaign_row_release(&old);
    if (!change->changed) {
        return 0;
    }
    if (found && state != CAMPAIGN_DRAFT) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("campaign '%s' is %s; only a draft can be changed"), change->spec->name,
            base_tr(campaign_state_word(state)));
    }
    int code = write_row(db, change, err);
    if (code == 0) {
        code = add_author(db, change, err);
    }
    if (code == 0) {
        char *object = base_printf("campaign %s", change->spec->name);
        code = audit_add(db, change->who, "apply", object, found ? "changed" : "added", err);
        base_free(object);
    }
    return code;
}

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return base_strdup(".");
    }
    return slash == path ? base_strdup("/") : base_strndup(path, (size_t)(slash - path));
}

int campaign_apply(struct db *db, const char *data_dir, const char *path, const char *who,
    bool *changed_out, struct base_buf *findings, struct base_err *err) {
    struct base_json *doc = NULL;
    struct campaign_spec *spec = NULL;
    char *folder = folder_of(path);
    *changed_out = false;
    int code = base_json_load(path, &doc, err);
    if (code == 0) {
        code = campaign_spec_parse(doc, &spec, err);
    }
    if (code == 0 &&
        strncmp(spec->name, CAMPAIGN_SYSTEM_PREFIX, strlen(CAMPAIGN_SYSTEM_PREFIX)) == 0) {
        code = base_json_fault(doc, NULL, "name", err,
            TR("names that begin with %s are the program's own"), CAMPAIGN_SYSTEM_PREFIX);
    }
    if (code == 0) {
        code = campaign__check(db, doc, spec, folder, data_dir, findings, err);
    }
    if (code == 0) {
        code = material__copy(spec, base_json_root(doc), folder, data_dir, err);
    }
    if (code == 0) {
        char *text = store__canonical(base_json_root(doc));
        struct campaign_change change = {.spec = spec, .text = text, .who = who};
        code = store__transaction(db, put, &change, err);
        *changed_out = code == 0 && change.changed;
        base_free(text);
    }
    campaign_spec_free(&spec);
    base_json_free(&doc);
    base_free(folder);
    return code;
}
