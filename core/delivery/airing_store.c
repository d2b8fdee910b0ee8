/* Airings as rows: what stands on the outlets, and single changes. */
#include "delivery/airing_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"

/* --- stations --- */

static size_t put_spans(
    const struct outlet_window *windows, size_t count, struct airtime_span *spans) {
    for (size_t i = 0; i < count; i++) {
        /* In outlets a day ends at 1440, which here begins the next one. */
        spans[i] = (struct airtime_span){windows[i].from_min, windows[i].to_min, windows[i].days};
    }
    return count;
}

int airing__stations_load(
    struct db *db, int64_t outlet_id, struct airing__stations *out, struct base_err *err) {
    const struct outlet_filter filter = {.id = outlet_id, .with_retired = outlet_id != 0};
    *out = (struct airing__stations){0};
    int rc = outlet_query(db, &filter, &out->set, NULL, err);
    if (rc != 0) {
        return rc;
    }
    size_t spans = 0;
    out->count = outlet_set_count(out->set);
    for (size_t i = 0; i < out->count; i++) {
        const struct outlet *o = outlet_set_at(out->set, i);
        spans += o->window_count + o->quiet_count;
    }
    out->stations = base_alloc_array(out->count + 1, sizeof *out->stations);
    out->spans = base_alloc_array(spans + 1, sizeof *out->spans);
    out->by_id = base_idmap_new(out->count + 1);
    spans = 0;
    for (size_t i = 0; i < out->count; i++) {
        const struct outlet *o = outlet_set_at(out->set, i);
        struct airtime_span *windows = out->spans + spans;
        spans += put_spans(o->windows, o->window_count, windows);
        struct airtime_span *quiet = out->spans + spans;
        spans += put_spans(o->quiet, o->quiet_count, quiet);
        out->stations[i] = (struct airtime_station){.id = o->id,
            .windows = windows,
            .quiet = quiet,
            .window_count = o->window_count,
            .quiet_count = o->quiet_count,
            .most_s = (int64_t)o->minutes_per_day * 60};
        (void)base_idmap_add(out->by_id, (uint64_t)o->id, (uint32_t)i);
    }
    return 0;
}

void airing__stations_release(struct airing__stations *stations) {
    base_idmap_free(&stations->by_id);
    base_free(stations->stations);
    base_free(stations->spans);
    outlet_set_free(&stations->set);
}

size_t airing__station(const struct airing__stations *stations, int64_t outlet_id) {
    uint32_t index;
    return base_idmap_find(stations->by_id, (uint64_t)outlet_id, &index) ? index : AIRTIME_NONE;
}

struct airing__local airing__local(const struct calendar_zone *zone, int64_t ms) {
    struct base_civil c = base_civil_from_ms(ms, calendar_offset_min(zone, ms));
    return (struct airing__local){base_days_from_date((struct base_date){c.year, c.month, c.day}),
        (int64_t)c.hour * 3600 + (int64_t)c.minute * 60 + c.second};
}

int64_t airing__ms(const struct calendar_zone *zone, int64_t day, int64_t second) {
    struct base_date date = base_date_from_days(day);
    struct base_civil midnight = {date.year, date.month, date.day, 0, 0, 0, 0};
    return calendar_to_ms(zone, midnight) + second * 1000;
}

/* --- what stands --- */

/* The gaps of other campaigns' steps, read off their files once. */
struct gaps {
    int64_t campaign_id;
    struct campaign_spec *spec; /* NULL: cannot be read */
};

static int64_t gap_of(struct db *db, struct gaps *gaps, int64_t campaign_id, int64_t position) {
    if (gaps->campaign_id != campaign_id) {
        struct campaign_row row = {0};
        struct base_err none = {0};
        campaign_spec_free(&gaps->spec);
        if (campaign_get_id(db, campaign_id, &row, &none) != 0 ||
            campaign_row_spec(&row, &gaps->spec, &none) != 0) {
            gaps->spec = NULL;
        }
        campaign_row_release(&row);
        gaps->campaign_id = campaign_id;
    }
    if (!gaps->spec || position < 0 || (size_t)position >= gaps->spec->step_count) {
        return 0;
    }
    return gaps->spec->steps[position].airings.gap.ms / 1000;
}

static void put_booking(struct airing__books *books, const struct airtime_booking *booking) {
    if (books->count == books->room) {
        books->room = books->room ? 2 * books->room : 256;
        books->bookings = base_realloc(books->bookings, books->room * sizeof *books->bookings);
    }
    books->bookings[books->count++] = *booking;
}

int airing__books_load(struct db *db, const struct airing__stations *stations,
    const struct calendar_zone *zone, int64_t from_ms, int64_t to_ms, int64_t own,
    int64_t outlet_id, struct airing__books *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct gaps gaps = {0};
    /* What was suppressed, or did not begin, has freed its time. A clash has none of its own. */
    char sql[1000];
    snprintf(sql, sizeof sql, "%s%s ORDER BY a.campaign_id, a.id",
        "SELECT a.id, a.outlet_id, a.start_at, a.seconds, a.step_id, a.campaign_id, "
        "a.recording_id, "
        "a.priority, a.state, a.position, coalesce(m.state, 0), a.clash FROM airing a LEFT JOIN "
        "message m ON m.id = (a.step_id << 43) + 4398046511104 + (a.id << 4) WHERE a.start_at >= "
        "?1 AND a.start_at < ?2",
        outlet_id ? " AND a.outlet_id = ?3" : "");
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, from_ms);
        db_bind_i64(stmt, 2, to_ms);
        if (outlet_id) {
            db_bind_i64(stmt, 3, outlet_id);
        }
        while ((rc = db_step(stmt, err)) == 1) {
            size_t station = airing__station(stations, db_column_i64(stmt, 1));
            struct airing__local at = airing__local(zone, db_column_i64(stmt, 2));
            int state = (int)db_column_i64(stmt, 8);
            int64_t message = db_column_i64(stmt, 10);
            if (state == AIRING_WITHDRAWN) { /* another may take its place, also its campaign's */
                continue;
            }
            bool mine = own != 0 && db_column_i64(stmt, 5) == own;
            bool over = state == AIRING_DECLINED || message == MESSAGE_SUPPRESSED ||
                        message == MESSAGE_FAILED || db_column_i64(stmt, 11) != 0;
            if (station == AIRTIME_NONE || (over && !mine)) {
                continue;
            }
            const struct airtime_booking booking = {.ref = db_column_i64(stmt, 0),
                .station = station,
                .day = at.day,
                .start_s = at.second,
                .seconds = db_column_i64(stmt, 3),
                .request = db_column_i64(stmt, 4),
                .campaign = db_column_i64(stmt, 5),
                .material = db_column_i64(stmt, 6),
                .gap_s = gap_of(db, &gaps, db_column_i64(stmt, 5), db_column_i64(stmt, 9)),
                .priority = (enum airtime_priority)db_column_i64(stmt, 7),
                .fixed = state == AIRING_APPROVED || message >= MESSAGE_SENDING,
                .spent = over};
            put_booking(out, &booking);
        }
    }
    db_finish(&stmt);
    campaign_spec_free(&gaps.spec);
    return rc;
}

/* --- single changes --- */

static const char *const texts[AIRING__STATEMENTS] = {
    [AIRING__INSERT] =
        "INSERT INTO airing (campaign_id, position, occurrence, step_id, outlet_id, recording_id, "
        "start_at, ends_at, seconds, priority, state, clash, decided_by, decided_at, resumed_of) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) RETURNING id",
    [AIRING__ROW] =
        "INSERT INTO message (id, state, reason, at, due_at) VALUES (?1, ?2, ?3, ?4, ?5) ON "
        "CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason, due_at = "
        "excluded.due_at WHERE message.state IN (0, 1)",
    [AIRING__MOVE] = "UPDATE airing SET start_at = ?2, ends_at = ?3, clash = 0 WHERE id = ?1 "
                     "RETURNING step_id, state",
    [AIRING__APPROVE] = "UPDATE airing SET state = 1, clash = 0, decided_by = ?2, decided_at = ?3, "
                        "reason = ?4 WHERE id = ?1",
    [AIRING__END] = "UPDATE airing SET state = ?5, clash = 0, decided_by = ?2, decided_at = ?3, "
                    "reason = ?4 WHERE id = ?1 RETURNING step_id",
    [AIRING__END_ROW] = "UPDATE message SET state = 2, reason = ?2, due_at = NULL, detail = ?3, at "
                        "= ?4 WHERE id = ?1 AND state IN (0, 1)",
    [AIRING__WANT_BACK] = "UPDATE airing SET withdraw = 1 WHERE id = ?1 AND withdraw = 0",
    [AIRING__TAKE_UP] = "UPDATE airing SET step_id = ?2 WHERE id = ?1",
    [AIRING__FORGET] = "DELETE FROM airing WHERE id = ?1",
};

static int ready(struct airing__writer *w, enum airing__statement which, struct db_stmt **stmt_out,
    struct base_err *err) {
    int rc = w->stmts[which] ? 0 : db_prepare(w->db, texts[which], &w->stmts[which], err);
    *stmt_out = w->stmts[which];
    return rc;
}

void airing__writer_release(struct airing__writer *w) {
    for (size_t i = 0; i < AIRING__STATEMENTS; i++) {
        db_finish(&w->stmts[i]);
    }
}

int airing__row(struct airing__writer *w, int64_t message_id, int state, int64_t start_ms,
    int64_t lead_ms, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt;
    bool approved = state == AIRING_APPROVED;
    bool declined = state == AIRING_DECLINED;
    int64_t due_ms = approved ? start_ms - lead_ms : start_ms;
    int rc = ready(w, AIRING__ROW, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, message_id);
    db_bind_i64(stmt, 2, declined ? MESSAGE_SUPPRESSED : approved ? MESSAGE_PLANNED : MESSAGE_HELD);
    db_bind_i64(stmt, 3, declined ? SUPPRESSED_DECLINED : approved ? 0 : HELD_COMMUNE);
    db_bind_i64(stmt, 4, now_ms);
    if (declined) {
        db_bind_null(stmt, 5);
    } else {
        db_bind_i64(stmt, 5, due_ms > 0 ? due_ms : 1); /* 1: as soon as its step begins */
    }
    return db_run(stmt, err);
}

int airing__insert(struct airing__writer *w, const struct airing__new *airing, int64_t now_ms,
    int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt;
    const int64_t numbers[] = {airing->campaign_id, airing->position, airing->occurrence,
        airing->step_id, airing->outlet_id, airing->recording_id, airing->start_ms, airing->ends_ms,
        airing->seconds, airing->priority, airing->state, airing->clash};
    int rc = ready(w, AIRING__INSERT, &stmt, err);
    *id_out = 0;
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        db_bind_i64(stmt, (int)i + 1, numbers[i]);
    }
    db_bind_text(stmt, 13, airing->decided_by);
    db_bind_null(stmt, 14);
    db_bind_null(stmt, 15);
    if (airing->decided_by) {
        db_bind_i64(stmt, 14, now_ms);
    }
    if (airing->resumed_of) {
        db_bind_i64(stmt, 15, airing->resumed_of);
    }
    rc = db_step(stmt, err);
    *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
    db_reset(stmt);
    if (rc < 0) {
        return rc;
    }
    if (*id_out >= LEDGER_STRANGER_FIRST) {
        return base_err_set(err, LANTOA_ELIMIT, "airing %lld", (long long)*id_out);
    }
    return airing__row(w, ledger_outlet_id(airing->step_id, *id_out, 0), airing->state,
        airing->start_ms, airing->lead_ms, now_ms, err);
}

static int run_with_id(struct db *db, const char *sql, int64_t id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int airing__want_back(struct airing__writer *w, int64_t id, struct base_err *err) {
    struct db_stmt *stmt;
    int rc = ready(w, AIRING__WANT_BACK, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_run(stmt, err);
    }
    return rc;
}

int airing__approve(struct airing__writer *w, int64_t id, const char *who, const char *reason,
    int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt;
    int rc = ready(w, AIRING__APPROVE, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_text(stmt, 2, who);
        db_bind_i64(stmt, 3, now_ms);
        db_bind_text(stmt, 4, reason);
        rc = db_run(stmt, err);
    }
    return rc;
}

int airing__take_up(struct airing__writer *w, int64_t id, int64_t step_id, struct base_err *err) {
    struct db_stmt *stmt;
    int rc = ready(w, step_id ? AIRING__TAKE_UP : AIRING__FORGET, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        if (step_id) {
            db_bind_i64(stmt, 2, step_id);
        }
        rc = db_run(stmt, err);
    }
    return rc;
}

int airing__move(struct airing__writer *w, int64_t id, int64_t start_ms, int64_t ends_ms,
    int64_t lead_ms, struct base_err *err) {
    struct db_stmt *stmt;
    int64_t message_id = 0;
    int state = AIRING_OFFERED;
    int rc = ready(w, AIRING__MOVE, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, start_ms);
    db_bind_i64(stmt, 3, ends_ms);
    rc = db_step(stmt, err);
    if (rc == 1 && !db_column_is_null(stmt, 0)) {
        message_id = ledger_outlet_id(db_column_i64(stmt, 0), id, 0);
        state = (int)db_column_i64(stmt, 1);
    }
    db_reset(stmt);
    if (rc < 0 || message_id == 0) {
        return rc < 0 ? rc : 0;
    }
    return airing__row(w, message_id, state, start_ms, lead_ms, base_clock_now_ms(), err);
}

int airing__end(struct airing__writer *w, const struct airing__ending *ending, int64_t now_ms,
    struct base_err *err) {
    struct db_stmt *stmt;
    int64_t message_id = 0;
    int rc = ready(w, AIRING__END, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, ending->id);
    db_bind_text(stmt, 2, ending->who);
    db_bind_i64(stmt, 3, now_ms);
    db_bind_text(stmt, 4, ending->reason);
    db_bind_i64(stmt, 5, ending->state);
    rc = db_step(stmt, err);
    if (rc == 1 && !db_column_is_null(stmt, 0)) {
        message_id = ledger_outlet_id(db_column_i64(stmt, 0), ending->id, 0);
    }
    db_reset(stmt);
    if (rc < 0 || message_id == 0) {
        return rc < 0 ? rc : 0;
    }
    rc = ready(w, AIRING__END_ROW, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, message_id);
        db_bind_i64(stmt, 2, ending->suppressed);
        db_bind_text(stmt, 3, ending->reason);
        db_bind_i64(stmt, 4, now_ms);
        rc = db_run(stmt, err);
    }
    return rc;
}

int airing__forget_refusals(struct db *db, int64_t campaign_id, struct base_err *err) {
    return run_with_id(db, "DELETE FROM airing_refusal WHERE campaign_id = ?1", campaign_id, err);
}

int airing_detach(struct db *db, int64_t campaign_id, struct base_err *err) {
    int rc = airing__forget_refusals(db, campaign_id, err);
    if (rc == 0) { /* emergencies are nobody's decision but the campaign's */
        rc = run_with_id(db,
            "DELETE FROM airing WHERE campaign_id = ?1 AND (state IN (0, 3) OR priority = 3)",
            campaign_id, err);
    }
    if (rc == 0) {
        rc = run_with_id(
            db, "UPDATE airing SET step_id = NULL WHERE campaign_id = ?1", campaign_id, err);
    }
    return rc;
}
