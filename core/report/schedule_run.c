/* Makes the reports that are due, and the thread of the daemon that looks for them. */
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "campaign/store.h"
#include "report/kept.h"
#include "report/schedule_private.h"
#include <pthread.h>

#define RETRY_MS (INT64_C(10) * 60 * 1000)
#define LOOK_S 1 /* real seconds between two looks; each is one read of a small table */
#define KEEP_MS 60000
#define KEEP_SHARE 100 /* counting takes at most this part of the time */
#define ATTACHMENT_MAX ((size_t)10 << 20)

static const char *keep(struct base_arena *arena, struct str text) {
    return text.at ? base_arena_strndup(arena, text.at, text.bytes) : NULL;
}

/* 1: a row that is due; 0: none. The one that waits longest comes first. */
static int next_due(
    struct db *db, int64_t now_ms, struct schedule__row *row, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT r.id, r.channel_id, r.next_at, r.name, r.kind, r.subject, r.options, r.form, "
        "r.lang, c.name, r.recipients, r.rrule, r.first_at, r.timezone FROM report_schedule r "
        "JOIN channel c ON c.id = r.channel_id WHERE r.next_at IS NOT NULL AND r.try_at <= ?1 "
        "ORDER BY r.try_at, r.id LIMIT 1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, now_ms);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        const char **const texts[] = {&row->name, &row->kind, &row->subject, &row->options,
            &row->form, &row->lang, &row->channel, &row->recipients, &row->rrule, &row->first_at,
            &row->timezone};
        row->id = db_column_i64(stmt, 0);
        row->channel_id = db_column_i64(stmt, 1);
        row->next_at = db_column_i64(stmt, 2);
        for (int i = 0; i < (int)(sizeof texts / sizeof texts[0]); i++) {
            *texts[i] = keep(row->arena, db_column_str(stmt, 3 + i));
        }
    }
    db_finish(&stmt);
    return rc;
}

int schedule__make(struct db *db, const char *data_dir, const struct schedule__row *row,
    int64_t now_ms, struct base_buf *out, const char **title_out, struct base_err *err) {
    struct report report;
    struct report_option options[16];
    size_t count = 0;
    const char *name;
    json_t *value;
    enum report_form form = REPORT_AS_PDF;
    const struct report_kind *kind = report_kind_find(row->kind);
    json_t *json = json_loads(row->options, 0, NULL);
    json_object_foreach(json, name, value) {
        if (count < sizeof options / sizeof options[0] && json_is_string(value)) {
            options[count++] = (struct report_option){name, json_string_value(value)};
        }
    }
    int rc = 0;
    if (!kind || !report_form_from_word(str_from(row->form), &form)) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("there is no report \"%s\""), row->kind);
    }
    const struct calendar_zone *zone = NULL;
    rc = rc ? rc : calendar_zone_find(row->timezone, &zone, err);
    const struct report_request request = {.db = db,
        .data_dir = data_dir,
        .name = row->subject,
        .options = options,
        .option_count = count,
        .with_charts = form == REPORT_AS_PDF || form == REPORT_AS_HTML || form == REPORT_AS_XLSX,
        .main_only = form == REPORT_AS_CSV,
        .now_ms = now_ms,
        .offset_min = zone ? calendar_offset_min(zone, now_ms) : REPORT_LOCAL_OFFSET_MIN};
    base_tr_set_here(strcmp(row->lang, "vi") == 0 ? BASE_LANG_VI : BASE_LANG_EN);
    if (rc == 0) {
        rc = report_make(kind, &request, &report, err);
    }
    if (rc == 0) {
        *title_out = keep(row->arena, str_from(report.title));
        rc = report_write(&report, form, out, err);
        report_release(&report);
    }
    base_tr_unset_here();
    json_decref(json);
    return rc;
}

static int store_material(const char *data_dir, struct str bytes,
    char hex[static BASE_HEX_SHA256_MAX], struct base_err *err) {
    uint8_t digest[BASE_SHA256_BYTES];
    if (bytes.bytes > ATTACHMENT_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("the report has %zu MB, at most %zu go by mail"),
            bytes.bytes >> 20, ATTACHMENT_MAX >> 20);
    }
    base_sha256(bytes, digest);
    base_hex(digest, sizeof digest, hex);
    char *dir = base_path_join(data_dir, "materials");
    char *path = campaign_material_path(data_dir, hex);
    int rc = base_dir_make(dir, 0750, err);
    if (rc == 0 && !base_file_exists(path)) {
        rc = base_file_write(path, bytes, 0640, err);
    }
    base_free(path);
    base_free(dir);
    return rc;
}

/* Moves the row to what comes next, if nobody else has done so since it was read. */
static int move_on(struct db *db, const struct schedule__row *row, int64_t next, int64_t try_at,
    const char *fault, bool *mine_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE report_schedule SET next_at = ?3, try_at = ?4, fault = ?5, last_at = CASE WHEN ?5 "
        "IS NULL THEN ?2 ELSE last_at END WHERE id = ?1 AND next_at = ?2",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->id);
        db_bind_i64(stmt, 2, row->next_at);
        if (next == INT64_MAX) {
            db_bind_null(stmt, 3);
        } else {
            db_bind_i64(stmt, 3, next);
        }
        db_bind_i64(stmt, 4, try_at);
        db_bind_text(stmt, 5, fault);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    *mine_out = rc == 0 && db_changes(db) == 1;
    return rc;
}

static int note_fault(struct db *db, const struct schedule__row *row, int64_t now_ms,
    const struct base_err *fault, struct base_err *err) {
    bool mine;
    base_log(BASE_LOG_WARN, "report", "schedule %s: %s; trying again in ten minutes", row->name,
        fault->text);
    return move_on(db, row, row->next_at, now_ms + RETRY_MS, fault->text, &mine, err);
}

/* Of the periods up to now the newest counts; next is the first after now. */
static int run_one(struct db *db, const char *data_dir, const struct schedule__row *row,
    int64_t now_ms, int64_t *made, struct base_err *err) {
    struct base_buf bytes;
    struct base_err fault = {0};
    char hex[BASE_HEX_SHA256_MAX];
    const char *title = "";
    int64_t next = INT64_MAX;
    bool mine = false;
    base_buf_init(&bytes, (size_t)1 << 30);
    int rc = schedule__make(db, data_dir, row, now_ms, &bytes, &title, &fault);
    rc = rc ? rc : store_material(data_dir, base_buf_str(&bytes), hex, &fault);
    rc = rc ? rc : schedule__next(row, now_ms, &next, &fault);
    base_buf_release(&bytes);
    if (rc != 0) {
        return note_fault(db, row, now_ms, &fault, err);
    }
    rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = move_on(db, row, next, next, NULL, &mine, err);
    if (rc == 0 && mine) {
        rc = schedule__plan(db, row, row->next_at, now_ms, title, hex, err);
    }
    if (rc != 0 || !mine) {
        db_rollback(db);
        return rc;
    }
    rc = db_commit(db, err);
    if (rc == 0) {
        base_log(BASE_LOG_INFO, "report", "schedule %s: the report is planned", row->name);
        (*made)++;
    }
    return rc;
}

int report_schedule_run(
    struct db *db, const char *data_dir, int64_t now_ms, int64_t *made_out, struct base_err *err) {
    int due = 1;
    *made_out = 0;
    int rc = 0;
    while (rc == 0 && due == 1) {
        struct schedule__row row = {.arena = base_arena_new()};
        due = next_due(db, now_ms, &row, err);
        rc = due < 0 ? due : 0;
        if (due == 1) {
            rc = run_one(db, data_dir, &row, now_ms, made_out, err);
        }
        base_arena_free(&row.arena);
    }
    return rc;
}

int report_schedule_pass_by(
    struct db *db, int64_t now_ms, int64_t *passed_out, struct base_err *err) {
    int due = 1;
    int rc = 0;
    *passed_out = 0;
    while (rc == 0 && due == 1) {
        struct schedule__row row = {.arena = base_arena_new()};
        int64_t next = INT64_MAX;
        bool mine = false;
        due = next_due(db, now_ms, &row, err);
        rc = due < 0 ? due : 0;
        if (due == 1) {
            rc = schedule__next(&row, now_ms, &next, err);
            rc = rc ? rc : move_on(db, &row, next, next, NULL, &mine, err);
            base_log(BASE_LOG_WARN, "report",
                "schedule %s: the report is not made, for the database was restored", row.name);
            *passed_out += mine;
        }
        base_arena_free(&row.arena);
    }
    return rc;
}

/* --- the thread --- */

struct report_runner {
    struct db *db;
    char *data_dir;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool stop;
    int64_t keep_at_ms; /* real; 0: no look yet */
};

/* Not at once and not all the time: the campaigns come first. */
static void keep_figures(struct report_runner *r) {
    struct base_err err = {0};
    int64_t kept = 0;
    int64_t began = base_clock_real_ms();
    if (began < r->keep_at_ms) {
        return;
    }
    if (r->keep_at_ms && kept_refresh(r->db, REPORT_LOCAL_OFFSET_MIN, &kept, &err) != 0) {
        base_log(BASE_LOG_WARN, "report", "kept figures: %s", err.text);
    }
    int64_t took = base_clock_real_ms() - began;
    r->keep_at_ms = began + took + (took > KEEP_MS / KEEP_SHARE ? took * KEEP_SHARE : KEEP_MS);
}

static void *look(void *arg) {
    struct report_runner *r = arg;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct timespec until;
        struct base_err err = {0};
        int64_t made;
        pthread_mutex_unlock(&r->lock);
        if (report_schedule_run(r->db, r->data_dir, base_clock_now_ms(), &made, &err) != 0) {
            base_log(BASE_LOG_WARN, "report", "schedules: %s", err.text);
        }
        keep_figures(r);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_S;
        pthread_mutex_lock(&r->lock);
        if (!r->stop) {
            (void)pthread_cond_timedwait(&r->news, &r->lock, &until);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int report_runner_start(
    const char *data_dir, struct report_runner **runner_out, struct base_err *err) {
    struct report_runner *r = base_alloc(sizeof *r);
    pthread_condattr_t attr;
    char *path = base_path_join(data_dir, "lantoa.db");
    r->data_dir = base_strdup(data_dir);
    *runner_out = NULL;
    int rc = db_open(path, 0, &r->db, err);
    base_free(path);
    if (rc != 0) {
        base_free(r->data_dir);
        base_free(r);
        return rc;
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->news, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&r->thread, NULL, look, r) != 0) {
        db_close(&r->db);
        base_free(r->data_dir);
        base_free(r);
        return base_err_set(err, LANTOA_ENOMEM, "%s", TR("no thread for the reports"));
    }
    *runner_out = r;
    return 0;
}

void report_runner_stop(struct report_runner **runner) {
    struct report_runner *r = *runner;
    if (!r) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->news);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->news);
    db_close(&r->db);
    base_free(r->data_dir);
    base_free(r);
    *runner = NULL;
}
