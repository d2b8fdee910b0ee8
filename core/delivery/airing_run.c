/* How airings ran: what devices say of them, and the repeat of one that an emergency cut off. */
#include "delivery/airing_private.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"

#define DETAIL_BYTES_MAX 4096
#define REPEAT_AFTER_S 60

struct run {
    int64_t start_ms, played_ms; /* -1: not told */
    bool cut;
};

static int64_t time_of_text(struct str text) {
    struct base_civil civil;
    bool has_offset = false;
    int offset_min = 0;
    if (base_parse_datetime(text, &civil, &has_offset, &offset_min) != 0 || !has_offset) {
        return -1;
    }
    return base_ms_from_civil(civil, offset_min);
}

static int64_t time_of(const json_t *value) {
    const char *text = json_string_value(value);
    return text ? time_of_text(str_from(text)) : -1;
}

/* "cut ..., 40 of 95 s played, from 2026-12-01T06:01:20+07:00"; the last part may be missing. */
static void read_cut_words(const char *words, struct run *run) {
    const char *played = strstr(words, " s played");
    const char *of = played;
    const char *from = played ? strstr(played, ", from ") : NULL;
    int64_t whole;
    while (of && of > words && strncmp(of, " of ", 4) != 0) {
        of--;
    }
    const char *at = of;
    while (at && at > words && at[-1] >= '0' && at[-1] <= '9') {
        at--;
    }
    if (of && base_parse_i64(str_of(at, (size_t)(of - at)), &whole) == 0 && whole < 86400) {
        run->played_ms = whole * 1000;
    }
    if (from) {
        run->start_ms = time_of_text(str_from(from + strlen(", from ")));
    }
}

/* What a device sent is looked at with care: an object, or words. */
static struct run read_run(enum lantoa_event_kind kind, struct str detail) {
    struct run run = {-1, -1, false};
    json_t *root = detail.bytes > 0 && detail.bytes < DETAIL_BYTES_MAX && detail.at[0] == '{'
                       ? json_loadb(detail.at, detail.bytes, 0, NULL)
                       : NULL;
    const json_t *played = json_object_get(root, "played_ms");
    run.start_ms = time_of(json_object_get(root, "start"));
    if (json_is_integer(played) && json_integer_value(played) >= 0) {
        run.played_ms = json_integer_value(played);
    }
    json_decref(root);
    char words[256];
    snprintf(words, sizeof words, "%.*s", (int)(detail.bytes < 255 ? detail.bytes : 255),
        detail.bytes ? detail.at : "");
    if (kind == LANTOA_EVENT_FAILED && str_starts(str_from(words), STR("cut"))) {
        run.cut = str_starts(str_from(words), STR("cut by an emergency"));
        read_cut_words(words, &run);
    }
    return run;
}

static int write_run(struct db *db, int64_t airing_id, enum lantoa_event_kind kind,
    const struct run *run, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    /* A person's word stands; a device that says no more than "played" is believed as planned. */
    int rc = db_prepare(db,
        "UPDATE airing SET played_at = CASE WHEN ?2 >= 0 THEN ?2 WHEN ?4 = 1 OR ?3 > 0 THEN "
        "start_at ELSE played_at END, played_ms = CASE WHEN ?3 >= 0 THEN ?3 WHEN ?4 = 1 THEN "
        "seconds * 1000 ELSE played_ms END WHERE id = ?1 AND confirmed_by IS NULL",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, airing_id);
        db_bind_i64(stmt, 2, run->start_ms);
        db_bind_i64(stmt, 3, run->played_ms);
        db_bind_i64(stmt, 4, kind == LANTOA_EVENT_DELIVERED);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* --- the repeat --- */

struct cut {
    struct airing__new repeat;
    char zone[64];
};

static int read_cut(
    struct db *db, int64_t airing_id, struct cut *cut, bool *wanted_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT a.campaign_id, a.position, a.occurrence, a.step_id, a.outlet_id, a.recording_id, "
        "a.seconds, a.priority, coalesce(g.spec ->> 'timezone', 'Asia/Ho_Chi_Minh') FROM airing a "
        "JOIN campaign g ON g.id = a.campaign_id WHERE a.id = ?1 AND a.resumed_of IS NULL AND "
        "a.priority < 3 AND g.state = 3 AND NOT EXISTS (SELECT 1 FROM airing b WHERE b.resumed_of "
        "= a.id)",
        &stmt, err);
    *wanted_out = false;
    if (rc == 0) {
        db_bind_i64(stmt, 1, airing_id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            *wanted_out = true;
            cut->repeat = (struct airing__new){.campaign_id = db_column_i64(stmt, 0),
                .position = db_column_i64(stmt, 1),
                .occurrence = (int)db_column_i64(stmt, 2),
                .step_id = db_column_i64(stmt, 3),
                .outlet_id = db_column_i64(stmt, 4),
                .recording_id = db_column_i64(stmt, 5),
                .seconds = db_column_i64(stmt, 6),
                .priority = (int)db_column_i64(stmt, 7),
                .state = AIRING_APPROVED,
                .resumed_of = airing_id,
                .decided_by = "repeat"};
            snprintf(cut->zone, sizeof cut->zone, "%.*s", STR_ARG(db_column_str(stmt, 8)));
        }
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

/* Where the whole item fits once more today, around all that stands. */
static int seek(
    struct db *db, struct cut *cut, int64_t now_ms, bool *found_out, struct base_err *err) {
    const struct calendar_zone *zone = NULL;
    struct airing__stations one = {0};
    struct airing__books books = {0};
    struct airtime_plan plan = {0};
    const size_t station = 0;
    int rc = calendar_zone_find(cut->zone, &zone, err);
    if (rc == 0) {
        rc = airing__stations_load(db, cut->repeat.outlet_id, &one, err);
    }
    if (rc != 0 || one.count == 0) {
        airing__stations_release(&one);
        return rc;
    }
    struct airing__local now = airing__local(zone, now_ms);
    rc = airing__books_load(db, &one, zone, airing__ms(zone, now.day, 0),
        airing__ms(zone, now.day + 1, 0), 0, cut->repeat.outlet_id, &books, err);
    for (size_t i = 0; i < books.count; i++) {
        books.bookings[i].fixed = true;
    }
    const struct airtime_material material = {cut->repeat.recording_id, cut->repeat.seconds};
    const struct airtime_request request = {.id = -1,
        .campaign = -1,
        .priority = AIRTIME_NORMAL,
        .first_day = now.day,
        .last_day = now.day,
        .not_before_s = now.second + REPEAT_AFTER_S,
        .per_day = 1,
        .rotation = AIRTIME_IN_TURN,
        .material_count = 1,
        .stations = &station,
        .station_count = 1,
        .materials = &material};
    const struct airtime_input in = {one.stations, 1, &request, 1, books.bookings, books.count};
    rc = rc == 0 ? airtime_plan(&in, &plan, err) : rc;
    *found_out = rc == 0 && plan.airing_count == 1;
    if (*found_out) {
        const struct outlet *outlet = outlet_set_at(one.set, 0);
        cut->repeat.start_ms = airing__ms(zone, now.day, plan.airings[0].start_s);
        cut->repeat.ends_ms = airing__ms(zone, now.day,
            airtime_latest_start(
                &one.stations[0], now.day, plan.airings[0].start_s, cut->repeat.seconds));
        cut->repeat.lead_ms = outlet->lead_ms;
    }
    airtime_plan_release(&plan);
    base_free(books.bookings);
    airing__stations_release(&one);
    return rc;
}

static int repeat(struct db *db, int64_t airing_id, int64_t now_ms, struct base_err *err) {
    struct airing__writer writer = {.db = db};
    struct cut cut = {0};
    bool wanted;
    bool found = false;
    int64_t id = 0;
    int rc = read_cut(db, airing_id, &cut, &wanted, err);
    if (rc == 0 && wanted) {
        rc = seek(db, &cut, now_ms, &found, err);
    }
    if (rc == 0 && found) {
        rc = airing__insert(&writer, &cut.repeat, now_ms, &id, err);
    }
    airing__writer_release(&writer);
    return rc;
}

/* A device that had no link played what was taken back from it: that is what happened. */
static int write_played_all_the_same(struct db *db, int64_t message_id, const struct run *run,
    enum lantoa_event_kind kind, struct str detail, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    if (kind != LANTOA_EVENT_DELIVERED && run->played_ms <= 0) {
        return 0;
    }
    int rc = db_prepare(db,
        "UPDATE message SET state = ?2, reason = ?3, detail = ?4, due_at = NULL, settled_ms = ?5 - "
        "at WHERE id = ?1 AND state IN (0, 1, 2)",
        &stmt, err);
    if (rc == 0) {
        bool played = kind == LANTOA_EVENT_DELIVERED;
        db_bind_i64(stmt, 1, message_id);
        db_bind_i64(stmt, 2, played ? MESSAGE_DELIVERED : MESSAGE_FAILED);
        db_bind_i64(stmt, 3, played ? LANTOA_REASON_NONE : LANTOA_REASON_OTHER);
        db_bind_str(stmt, 4, detail);
        db_bind_i64(stmt, 5, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int airing_as_run(struct db *db, int64_t message_id, enum lantoa_event_kind kind, struct str detail,
    int64_t now_ms, struct base_err *err) {
    int64_t airing_id = ledger_recipient(message_id);
    struct run run = read_run(kind, detail);
    int rc = write_run(db, airing_id, kind, &run, err);
    rc = rc == 0 ? write_played_all_the_same(db, message_id, &run, kind, detail, now_ms, err) : rc;
    return rc == 0 && run.cut ? repeat(db, airing_id, now_ms, err) : rc;
}
