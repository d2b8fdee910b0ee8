/* Schedules of reports: kept, listed, removed; when the next one is due. */
#include "base/civil.h"
#include "base/log.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "campaign/store.h"
#include "report/schedule_private.h"

#define ZONE "Asia/Ho_Chi_Minh"
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define TIMES_MAX 2000
#define PER_DAY_MOST 24
#define NAME_MAX_CHARS 40

/* --- periods --- */

int schedule__next(
    const struct schedule__row *row, int64_t after_ms, int64_t *next_out, struct base_err *err) {
    static const int spans_days[] = {2, 40, 800};
    const struct calendar_zone *zone = NULL;
    struct base_civil first;
    bool has_offset;
    int offset_min;
    int64_t *times = base_alloc_array(TIMES_MAX, sizeof *times);
    size_t count = 0;
    int rc = calendar_zone_find(row->timezone, &zone, err);
    if (rc == 0 &&
        (base_parse_datetime(str_from(row->first_at), &first, &has_offset, &offset_min) != 0 ||
            has_offset)) {
        rc = base_err_set(
            err, LANTOA_EINVAL, TR("%s: no local time like 2026-12-01T08:00"), row->first_at);
    }
    *next_out = INT64_MAX;
    for (size_t i = 0; rc == 0 && count == 0 && i < sizeof spans_days / sizeof spans_days[0]; i++) {
        struct base_err inner = {0};
        int64_t start = calendar_to_ms(zone, first);
        int64_t from = after_ms + 1 > start ? after_ms + 1 : start;
        rc = calendar_expand(zone, row->rrule, first, from, from + spans_days[i] * DAY_MS, times,
            TIMES_MAX, &count, &inner);
        if (rc == 0 && i == 0 && count > 2 * PER_DAY_MOST + 1) {
            rc = base_err_set(err, LANTOA_ELIMIT, "%s", TR("at most one report an hour"));
        } else if (rc == LANTOA_ELIMIT) {
            rc = base_err_set(err, LANTOA_ELIMIT, "%s", TR("at most one report an hour"));
        } else if (rc == LANTOA_EINVAL) {
            rc = 0; /* none in this span, or a rule that cannot be read: the last span tells */
            count = 0;
            if (i + 1 == sizeof spans_days / sizeof spans_days[0] && err) {
                *err = inner;
            }
        }
    }
    if (rc == 0 && count) {
        *next_out = times[0];
    }
    base_free(times);
    return rc;
}

/* --- add --- */

static int check_name(const char *name, struct base_err *err) {
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > NAME_MAX_CHARS ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%s: no name: small letters a-z, digits and '-', at most %d of them"), name,
            NAME_MAX_CHARS);
    }
    return 0;
}

static int find_contact(struct db *db, const char *address, int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id FROM contact WHERE email = ?1 OR lower(email) = lower(?1) ORDER BY id LIMIT 1",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, address);
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 0 ? base_err_set(err, LANTOA_ENOENT,
                           TR("no contact has the address %s; import the person first"), address)
                     : (rc == 1 ? 0 : rc);
    }
    db_finish(&stmt);
    return rc;
}

static int recipients_json(struct db *db, const struct report_schedule *schedule, json_t **list_out,
    struct base_err *err) {
    json_t *list = json_array();
    int rc = 0;
    if (schedule->recipient_count == 0 || schedule->recipient_count > REPORT_RECIPIENTS_MAX) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("a schedule has 1 to %d recipients (--to)"),
            REPORT_RECIPIENTS_MAX);
    }
    for (size_t i = 0; rc == 0 && i < schedule->recipient_count; i++) {
        int64_t id;
        rc = find_contact(db, schedule->recipients[i], &id, err);
        bool twice = false;
        for (size_t k = 0; rc == 0 && k < json_array_size(list); k++) {
            twice = twice || json_integer_value(json_array_get(list, k)) == id;
        }
        if (rc == 0 && !twice) {
            json_array_append_new(list, json_integer(id));
        }
    }
    *list_out = list;
    return rc;
}

/* The channel must take a text, a subject or none, and files. */
static int check_channel(struct db *db, const char *name, int64_t *id_out, struct base_err *err) {
    struct channel_row row = {0};
    struct channel_manifest *manifest = NULL;
    int rc = channel_get(db, name, &row, err);
    if (rc == 0) {
        rc = channel_manifest_parse(row.manifest_text, &manifest, err);
    }
    if (rc == 0 && !(manifest->capabilities & LANTOA_CAN_PARTS)) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("channel '%s' takes no attachments"), name);
    }
    *id_out = row.id;
    channel_manifest_free(&manifest);
    channel_row_release(&row);
    return rc;
}

static int insert(struct db *db, const struct schedule__row *row, const char *who, int64_t now_ms,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t there = 0;
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_get_i64(db, "SELECT count(*) FROM report_schedule", &there, err);
    if (rc == 0 && there >= REPORT_SCHEDULES_MAX) {
        rc = base_err_set(err, LANTOA_ELIMIT, TR("more than %d schedules"), REPORT_SCHEDULES_MAX);
    }
    if (rc == 0) {
        rc = db_prepare(db,
            "INSERT INTO report_schedule (name, kind, subject, options, form, lang, channel_id, "
            "recipients, rrule, first_at, timezone, next_at, try_at) VALUES (?1, ?2, ?3, ?4, ?5, "
            "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12) ON CONFLICT (name) DO NOTHING",
            &stmt, err);
    }
    if (rc == 0) {
        const char *const texts[] = {row->name, row->kind, row->subject, row->options, row->form,
            row->lang, NULL, row->recipients, row->rrule, row->first_at, row->timezone};
        for (int i = 0; i < (int)(sizeof texts / sizeof texts[0]); i++) {
            db_bind_text(stmt, i + 1, texts[i]);
        }
        db_bind_i64(stmt, 7, row->channel_id);
        db_bind_i64(stmt, 12, row->next_at);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0 && db_changes(db) == 0) {
        rc = base_err_set(err, LANTOA_EEXIST, TR("there is a schedule %s already"), row->name);
    }
    if (rc == 0) {
        rc = audit_add(db, who, "report schedule add", row->name, row->rrule, err);
    }
    (void)now_ms;
    if (rc != 0) {
        db_rollback(db);
        return rc;
    }
    return db_commit(db, err);
}

static int check_words(const struct report_schedule *schedule, struct base_err *err) {
    enum report_form form;
    if (!report_kind_find(schedule->kind)) {
        return base_err_set(err, LANTOA_ENOENT, TR("there is no report \"%s\""), schedule->kind);
    }
    if (!report_form_from_word(str_from(schedule->form), &form)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("--form %s: must be pdf, xlsx, html, csv, json or text"), schedule->form);
    }
    if (strcmp(schedule->lang, "vi") != 0 && strcmp(schedule->lang, "en") != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("--lang %s: must be vi or en"), schedule->lang);
    }
    return check_name(schedule->name, err);
}

static char *options_json(const struct report_schedule *schedule) {
    json_t *json = json_object();
    for (size_t i = 0; i < schedule->option_count; i++) {
        json_object_set_new(
            json, schedule->options[i].name, json_string(schedule->options[i].value));
    }
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    return text;
}

int report_schedule_add(struct db *db, const char *data_dir, const struct report_schedule *schedule,
    const char *who, int64_t now_ms, int64_t *next_at_out, struct base_err *err) {
    json_t *recipients = NULL;
    char *recipients_text = NULL;
    char *options = options_json(schedule);
    struct base_buf trial;
    const char *title;
    struct schedule__row row = {.arena = base_arena_new(),
        .name = schedule->name,
        .kind = schedule->kind,
        .subject = schedule->subject,
        .options = options,
        .form = schedule->form,
        .lang = schedule->lang,
        .channel = schedule->channel,
        .rrule = schedule->rrule,
        .first_at = schedule->first,
        .timezone = schedule->timezone ? schedule->timezone : ZONE};
    base_buf_init(&trial, (size_t)1 << 30);
    int rc = check_words(schedule, err);
    rc = rc ? rc : check_channel(db, schedule->channel, &row.channel_id, err);
    rc = rc ? rc : recipients_json(db, schedule, &recipients, err);
    if (rc == 0) {
        rc = schedule__next(&row, now_ms - 1, &row.next_at, err);
        if (rc == 0 && row.next_at == INT64_MAX) {
            rc = LANTOA_EINVAL; /* err says what is wrong with the rule */
        }
    }
    rc = rc ? rc : schedule__make(db, data_dir, &row, now_ms, &trial, &title, err);
    if (rc == 0) {
        recipients_text = json_dumps(recipients, JSON_COMPACT);
        row.recipients = recipients_text;
        rc = insert(db, &row, who, now_ms, err);
    }
    *next_at_out = row.next_at;
    base_buf_release(&trial);
    json_decref(recipients);
    base_free(recipients_text);
    base_free(options);
    base_arena_free(&row.arena);
    return rc;
}

/* --- remove, list --- */

int report_schedule_remove(
    struct db *db, const char *name, const char *who, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    (void)now_ms;
    rc = db_prepare(db, "DELETE FROM report_schedule WHERE name = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0 && db_changes(db) == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("there is no schedule %s"), name);
    }
    if (rc == 0) {
        rc = audit_add(db, who, "report schedule remove", name, NULL, err);
    }
    if (rc != 0) {
        db_rollback(db);
        return rc;
    }
    return db_commit(db, err);
}

int report_schedule_list(struct db *db, struct report_table *table, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT name, kind, subject, form, rrule, recipients, next_at, last_at, fault FROM "
        "report_schedule ORDER BY name",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct str recipients = db_column_str(stmt, 5);
        json_t *list = json_loadb(recipients.at, recipients.bytes, 0, NULL);
        for (int i = 0; i < 5; i++) {
            report_put_text(table, db_column_str(stmt, i));
        }
        report_put_i64(table, (int64_t)json_array_size(list));
        report_put_i64(table, db_column_i64(stmt, 6));
        report_put_i64(table, db_column_i64(stmt, 7));
        report_put_text(table, db_column_str(stmt, 8));
        json_decref(list);
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}
