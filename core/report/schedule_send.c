/* A scheduled report as messages of the ledger: one campaign of the program for each period, the
 * report its attachment. */
#include "base/civil.h"
#include "base/hash.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "delivery/ledger.h"
#include "delivery/render.h"
#include "report/schedule_private.h"

#define THEME CAMPAIGN_SYSTEM_PREFIX "reports"
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define WINDOW_DAYS 7 /* a report that has not left by then is of no use */

/* Runs one INSERT with these texts and numbers; its RETURNING, if any, into id_out. */
static int insert(struct db *db, const char *sql, const char *const *texts, size_t text_count,
    const int64_t *numbers, size_t number_count, int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    for (size_t i = 0; rc == 0 && i < text_count; i++) {
        db_bind_text(stmt, (int)i + 1, texts[i]);
    }
    for (size_t i = 0; rc == 0 && i < number_count; i++) {
        db_bind_i64(stmt, (int)(text_count + i) + 1, numbers[i]);
    }
    if (rc == 0 && id_out) {
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc < 0 ? rc : 0;
    } else if (rc == 0) {
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static bool has_subject(struct db *db, int64_t channel_id) {
    struct channel_row row = {0};
    struct channel_manifest *manifest = NULL;
    struct base_err err = {0};
    bool found = false;
    if (channel_get_id(db, channel_id, &row, &err) == 0 &&
        channel_manifest_parse(row.manifest_text, &manifest, &err) == 0) {
        for (size_t i = 0; i < manifest->content_count; i++) {
            found = found || strcmp(manifest->content[i].name, "subject") == 0;
        }
    }
    channel_manifest_free(&manifest);
    channel_row_release(&row);
    return found;
}

/* The title without what a template would take for a tag. */
static char *plain_title(const char *title) {
    char *copy = base_strdup(title);
    for (char *c = copy; *c; c++) {
        *c = *c == '{' || *c == '}' ? ' ' : *c;
    }
    return copy;
}

static char *spec_of(struct db *db, const struct schedule__row *row, const char *campaign,
    int64_t now_ms, const char *title, const char *sha256) {
    char from[BASE_DATE_MAX];
    char to[BASE_DATE_MAX];
    enum report_form form = REPORT_AS_PDF;
    char *subject = plain_title(title);
    char *file = base_printf("%s.%s", row->name, row->form);
    (void)report_form_from_word(str_from(row->form), &form);
    base_format_date(base_date_from_days(now_ms / DAY_MS - 1), from);
    base_format_date(base_date_from_days(now_ms / DAY_MS + WINDOW_DAYS), to);
    json_t *content = json_pack("{s:s}", "text", "{{" RENDER_MESSAGE_TEXT "}}");
    if (has_subject(db, row->channel_id)) {
        json_object_set_new(content, "subject", json_string(subject));
    }
    /* "type/subtype" without parameters. */
    char *mime = base_strdup(report_form_mime(form));
    mime[strcspn(mime, ";")] = '\0';
    json_t *spec = json_pack(
        "{s:s,s:s,s:s,s:s,s:{s:s,s:s,s:s},s:s,s:s,s:[{s:s,s:s,s:{s:s},s:{s:o},s:[{s:s,s:s,s:s,s:s}"
        "]}]}",
        "name", campaign, "theme", THEME, "class", "internal", "legal_basis",
        "report to managers, by schedule", "window", "from", from, "to", to, "timezone",
        row->timezone, "audience", "all", "default_lang", row->lang, "steps", "name", "report",
        "channel", row->channel, "when", "at", "now", "content", row->lang, content, "attachments",
        "file", file, "name", file, "mime", mime, "sha256", sha256);
    char *text = json_dumps(spec, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(spec);
    base_free(mime);
    base_free(file);
    base_free(subject);
    return text;
}

static int add_campaign(struct db *db, const char *name, const char *spec, int64_t now_ms,
    int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    uint8_t key[BASE_SHA256_BYTES];
    base_random(key, sizeof key);
    int rc = db_prepare(db,
        "INSERT INTO campaign (name, theme_id, spec, class, state, experiment_key, changed_at, "
        "started_at) VALUES (?1, (SELECT id FROM theme WHERE name = '" THEME
        "'), ?2, 'internal', ?3, ?4, ?5, ?5) RETURNING id",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_text(stmt, 2, spec);
        db_bind_i64(stmt, 3, CAMPAIGN_RUNNING);
        db_bind_blob(stmt, 4, key, sizeof key);
        db_bind_i64(stmt, 5, now_ms);
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int add_messages(struct db *db, const struct schedule__row *row, int64_t step_id,
    const char *title, int64_t now_ms, struct base_err *err) {
    json_t *list = json_loads(row->recipients, 0, NULL);
    char *text = base_printf(
        strcmp(row->lang, "vi") == 0 ? "%s.\nTệp đính kèm: %s.%s\n" : "%s.\nAttached: %s.%s\n",
        title, row->name, row->form);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        int64_t id = ledger_id(step_id, json_integer_value(json_array_get(list, i)), 0);
        rc = insert(db,
            "INSERT INTO message (id, state, reason, at, due_at) VALUES (?1, 0, 0, ?2, ?2)", NULL,
            0, (const int64_t[]){id, now_ms}, 2, NULL, err);
        if (rc == 0) {
            rc = insert(db, "INSERT INTO message_text (text, message_id) VALUES (?1, ?2)",
                (const char *const[]){text}, 1, (const int64_t[]){id}, 1, NULL, err);
        }
    }
    json_decref(list);
    base_free(text);
    return rc;
}

int schedule__plan(struct db *db, const struct schedule__row *row, int64_t period_ms,
    int64_t now_ms, const char *title, const char *sha256, struct base_err *err) {
    char name[96];
    int64_t campaign_id = 0;
    int64_t step_id = 0;
    snprintf(name, sizeof name, CAMPAIGN_SYSTEM_PREFIX "report-%lld-%lld", (long long)row->id,
        (long long)(period_ms / 60000));
    char *spec = spec_of(db, row, name, now_ms, title, sha256);
    int rc = insert(db,
        "INSERT INTO theme (name, spec, changed_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO "
        "NOTHING",
        (const char *const[]){THEME,
            "{\"name\": \"" THEME "\", \"title\": {\"vi\": \"Báo cáo\", \"en\": \"Reports\"}}"},
        2, (const int64_t[]){now_ms}, 1, NULL, err);
    if (rc == 0) {
        rc = add_campaign(db, name, spec, now_ms, &campaign_id, err);
    }
    if (rc == 0) {
        rc = insert(db,
            "INSERT INTO step (name, campaign_id, channel_id, start_at, state, position, "
            "occurrence) VALUES (?1, ?2, ?3, ?4, ?5, 0, 1) RETURNING id",
            (const char *const[]){"report"}, 1,
            (const int64_t[]){campaign_id, row->channel_id, now_ms, STEP_RUNNING}, 4, &step_id,
            err);
    }
    if (rc == 0 && step_id > LEDGER_STEP_MAX) {
        rc = base_err_set(err, LANTOA_ELIMIT, TR("more than %lld steps in one database"),
            (long long)LEDGER_STEP_MAX);
    }
    if (rc == 0) {
        rc = add_messages(db, row, step_id, title, now_ms, err);
    }
    base_free(spec);
    return rc;
}
