/* What people say about airings: the commune's yes and no, and who heard it play. */
#include "delivery/airing_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"

#define DECIDE_LOT 2000

/* One that a decision is about, copied off the list. */
struct picked {
    int64_t id, message_id, outlet_id, start_ms, seconds, campaign_id;
    int64_t day; /* local */
    int state, priority, message_state;
    bool clash;
    const struct calendar_zone *zone;
};

struct pick {
    struct picked *rows;
    size_t count, room;
    struct base_err *err;
};

static int take(void *arg, const struct airing *a) {
    struct pick *pick = arg;
    char zone[64];
    snprintf(zone, sizeof zone, "%.*s", STR_ARG(a->zone));
    if (pick->count == pick->room) {
        pick->room = pick->room ? 2 * pick->room : 64;
        pick->rows = base_realloc(pick->rows, pick->room * sizeof *pick->rows);
    }
    struct picked *row = &pick->rows[pick->count++];
    *row = (struct picked){.id = a->id,
        .message_id = a->message_id,
        .outlet_id = a->outlet_id,
        .start_ms = a->start_ms,
        .seconds = a->seconds,
        .campaign_id = a->campaign_id,
        .state = a->state,
        .priority = a->priority,
        .message_state = a->message_state,
        .clash = a->clash};
    int rc = calendar_zone_find(zone[0] ? zone : "Asia/Ho_Chi_Minh", &row->zone, pick->err);
    row->day = rc == 0 ? airing__local(row->zone, row->start_ms).day : 0;
    return rc;
}

struct day {
    struct airing__books books;
    const struct calendar_zone *zone;
    int64_t outlet_id;
    size_t station;
    struct airing__local at;
};

/* What a decision over many needs again and again. */
struct decider {
    struct db *db;
    const struct airing_filter *filter;
    const char *who, *reason;
    bool yes;
    struct airing__stations all;
    struct day day;
    struct airing_decision *out;
    int64_t now_ms;
    struct db_stmt *approve, *plan; /* NULL until needed */
};

static int set_approved(struct decider *d, const struct picked *row, struct base_err *err) {
    size_t at = airing__station(&d->all, row->outlet_id);
    const struct outlet *outlet = at == AIRTIME_NONE ? NULL : outlet_set_at(d->all.set, at);
    int64_t lead_ms = airing_lead_ms(str_from(outlet && outlet->device ? outlet->device : ""));
    int64_t due_ms = row->start_ms - lead_ms;
    int rc = 0;
    if (!d->approve) {
        rc = db_prepare(d->db,
            "UPDATE airing SET state = 1, clash = 0, decided_by = ?2, decided_at = ?3, reason = ?4 "
            "WHERE id = ?1",
            &d->approve, err);
        if (rc == 0) { /* as airing__row, for a row that is there */
            rc = db_prepare(d->db,
                "UPDATE message SET state = 0, reason = 0, due_at = ?2 WHERE id = ?1 AND state IN "
                "(0, 1)",
                &d->plan, err);
        }
    }
    if (rc == 0) {
        db_bind_i64(d->approve, 1, row->id);
        db_bind_text(d->approve, 2, d->who);
        db_bind_i64(d->approve, 3, d->now_ms);
        db_bind_text(d->approve, 4, d->reason);
        rc = db_run(d->approve, err);
    }
    if (rc == 0 && row->message_id) {
        db_bind_i64(d->plan, 1, row->message_id);
        db_bind_i64(d->plan, 2, due_ms > 0 ? due_ms : 1);
        rc = db_run(d->plan, err);
    }
    return rc;
}

/* --- room for it --- */

static int load_day(struct db *db, const struct airing__stations *all, const struct picked *row,
    struct day *day, struct base_err *err) {
    day->station = airing__station(all, row->outlet_id);
    day->at = airing__local(row->zone, row->start_ms);
    day->zone = row->zone;
    day->outlet_id = row->outlet_id;
    if (day->station == AIRTIME_NONE) {
        return base_err_set(
            err, LANTOA_ESTATE, TR("airing %lld: its outlet is retired"), (long long)row->id);
    }
    return airing__books_load(db, all, row->zone, airing__ms(row->zone, day->at.day, 0),
        airing__ms(row->zone, day->at.day + 1, 0), 0, row->outlet_id, &day->books, err);
}

static bool meets(const struct day *day, const struct airtime_booking *b, int64_t seconds) {
    return b->station == day->station && b->day == day->at.day &&
           b->start_s < day->at.second + seconds && b->start_s + b->seconds > day->at.second;
}

/* An approval may not lie over what is approved, leave the windows, or make the day too long. */
static int check_room(const struct airing__stations *all, const struct picked *row,
    const struct day *day, struct base_err *err) {
    const struct airtime_station *station = &all->stations[day->station];
    int64_t sum_s = row->seconds;
    for (size_t i = 0; i < day->books.count; i++) {
        const struct airtime_booking *b = &day->books.bookings[i];
        if (b->station != day->station || b->day != day->at.day || b->spent || !b->fixed ||
            b->ref == row->id) {
            continue;
        }
        sum_s += b->seconds;
        if (meets(day, b, row->seconds)) {
            return base_err_set(err, LANTOA_ESTATE,
                TR("airing %lld lies over airing %lld, which is approved: decline that one first"),
                (long long)row->id, (long long)b->ref);
        }
    }
    enum airtime_reason reason =
        airtime_allowed(station, day->at.day, day->at.second, row->seconds);
    if (reason != AIRTIME_FITS) {
        return base_err_set(err, LANTOA_ESTATE, TR("airing %lld: %s"), (long long)row->id,
            airtime_reason_text(reason));
    }
    if (station->most_s > 0 && sum_s > station->most_s) {
        return base_err_set(err, LANTOA_ESTATE, TR("airing %lld: %s"), (long long)row->id,
            airtime_reason_text(AIRTIME_MINUTES));
    }
    return 0;
}

/* Seeks another place on the day for what lay in the way; it is declined when there is none. */
static int make_room(struct db *db, const struct airing__stations *all, const struct picked *row,
    struct day *day, size_t index, const char *who, struct airing_decision *out,
    struct base_err *err) {
    struct airtime_booking *moved = &day->books.bookings[index];
    struct airtime_plan plan = {0};
    const struct airtime_material material = {moved->material, moved->seconds};
    struct airtime_request request = {.id = moved->request,
        .campaign = moved->campaign,
        .priority = AIRTIME_NORMAL,
        .first_day = moved->day,
        .last_day = moved->day,
        .per_day = 1,
        .gap_s = moved->gap_s,
        .rotation = AIRTIME_IN_TURN,
        .material_count = 1,
        .stations = &moved->station,
        .station_count = 1,
        .materials = &material};
    struct airtime_booking *others = base_alloc_array(day->books.count + 2, sizeof *others);
    size_t count = 0;
    for (size_t i = 0; i < day->books.count; i++) { /* all of them stand; only this one moves */
        if (i != index && day->books.bookings[i].ref != row->id) {
            others[count] = day->books.bookings[i];
            request.per_day +=
                others[count].request == moved->request && others[count].station == moved->station;
            others[count++].fixed = true;
        }
    }
    others[count++] = (struct airtime_booking){row->id, day->station, day->at.day, day->at.second,
        row->seconds, 0, row->campaign_id, 0, 0, AIRTIME_PRIORITY, true, false};
    const struct airtime_input in = {all->stations, all->count, &request, 1, others, count};
    int rc = airtime_plan(&in, &plan, err);
    const struct outlet *outlet = outlet_set_at(all->set, day->station);
    if (rc == 0 && plan.airing_count > 0) {
        int64_t start_s = plan.airings[0].start_s;
        int64_t ends_s =
            airtime_latest_start(&all->stations[day->station], moved->day, start_s, moved->seconds);
        rc = airing__move(db, moved->ref, airing__ms(row->zone, moved->day, start_s),
            airing__ms(row->zone, moved->day, ends_s),
            airing_lead_ms(str_from(outlet->device ? outlet->device : "")), err);
        moved->start_s = start_s;
        out->moved++;
    } else if (rc == 0) {
        char reason[160];
        snprintf(reason, sizeof reason, TR("the commune gave its place to airing %lld"),
            (long long)row->id);
        rc = airing__end(db, moved->ref, who, reason, base_clock_now_ms(), err);
        moved->spent = true;
        out->gave_way++;
    }
    airtime_plan_release(&plan);
    base_free(others);
    return rc;
}

static void forget_day(struct day *day) {
    base_free(day->books.bookings);
    *day = (struct day){0};
}

/* d->day is that of the airing before; kept while outlet and date stay the same. */
static int approve_one(struct decider *d, const struct picked *row, struct base_err *err) {
    struct day *day = &d->day;
    int rc = 0;
    if (day->zone == row->zone && day->outlet_id == row->outlet_id && day->at.day == row->day) {
        day->at = airing__local(row->zone, row->start_ms);
    } else {
        forget_day(day);
        rc = load_day(d->db, &d->all, row, day, err);
    }
    if (rc == 0) {
        rc = check_room(&d->all, row, day, err);
    }
    for (size_t i = 0; rc == 0 && i < day->books.count; i++) {
        const struct airtime_booking *b = &day->books.bookings[i];
        if (b->ref != row->id && !b->spent && !b->fixed && meets(day, b, row->seconds)) {
            rc = make_room(d->db, &d->all, row, day, i, d->who, d->out, err);
        }
    }
    if (rc == 0) {
        rc = set_approved(d, row, err);
        d->out->approved++;
    }
    for (size_t i = 0; i < day->books.count; i++) {
        struct airtime_booking *b = &day->books.bookings[i];
        b->fixed = b->fixed || b->ref == row->id;
    }
    if (row->clash) { /* it had no place of its own among the books */
        forget_day(day);
    }
    return rc;
}

/* --- one decision over many --- */

static void describe(const struct airing_filter *f, char *text, size_t room) {
    if (f->id) {
        snprintf(text, room, "airing %lld", (long long)f->id);
    } else {
        snprintf(text, room, "airings of %s%s%s", f->campaign ? f->campaign : "all campaigns",
            f->outlet ? " on " : "", f->outlet ? f->outlet : "");
    }
}

/* As they were booked, so that a lot touches few pages, with the airings of one outlet on one day
 * beside each other. */
static int by_day(const void *a, const void *b) {
    const struct picked *one = a;
    const struct picked *two = b;
    if (one->day != two->day) {
        return one->day < two->day ? -1 : 1;
    }
    if (one->outlet_id != two->outlet_id) {
        return one->outlet_id < two->outlet_id ? -1 : 1;
    }
    if (one->start_ms != two->start_ms) {
        return one->start_ms < two->start_ms ? -1 : 1;
    }
    return one->id < two->id ? -1 : one->id > two->id;
}

static int decide_row(struct decider *d, const struct picked *row, struct base_err *err) {
    bool waits = row->message_state <= MESSAGE_HELD; /* not handed out, not over */
    bool given = row->message_state == MESSAGE_SENDING || row->message_state == MESSAGE_ACCEPTED;
    int rc = 0;
    if (d->yes && row->state == AIRING_OFFERED && waits && (!row->clash || d->filter->id)) {
        rc = approve_one(d, row, err);
    } else if (!d->yes && row->state != AIRING_DECLINED && waits &&
               row->priority != AIRTIME_EMERGENCY) {
        rc = airing__end(d->db, row->id, d->who, d->reason, d->now_ms, err);
        d->out->declined++;
    } else if (!d->yes && row->state != AIRING_DECLINED && given && row->start_ms > d->now_ms) {
        rc = airing__end(d->db, row->id, d->who, d->reason, d->now_ms, err);
        rc = rc == 0 ? airing__want_back(d->db, row->id, err) : rc;
        d->out->declined++;
        d->out->taken_back++;
    } else if (d->filter->id && d->yes != (row->state == AIRING_APPROVED)) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("airing %lld is %s: too late to decide"),
            (long long)row->id,
            row->message_state > MESSAGE_HELD ? message_state_label(row->message_state)
                                              : TR(airing_state_word(row->state)));
    } else {
        d->out->unchanged++;
    }
    return rc;
}

/* One lot in a transaction of its own, so that nobody else waits for long. */
static int decide_lot(
    struct decider *d, const struct picked *rows, size_t count, struct base_err *err) {
    char object[200];
    int rc = db_begin(d->db, err);
    if (rc != 0) {
        return rc;
    }
    forget_day(&d->day); /* others may have written since */
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = decide_row(d, &rows[i], err);
    }
    if (rc == 0) {
        describe(d->filter, object, sizeof object);
        rc = audit_add(
            d->db, d->who, d->yes ? "approve airing" : "decline airing", object, d->reason, err);
    }
    if (rc == 0) {
        return db_commit(d->db, err);
    }
    db_rollback(d->db);
    return rc;
}

static int decide_all(struct db *db, const struct airing_filter *filter, const char *who,
    const char *reason, bool yes, struct airing_decision *out, struct base_err *err) {
    struct pick pick = {.err = err};
    struct decider d = {.db = db,
        .filter = filter,
        .who = who,
        .reason = reason,
        .yes = yes,
        .out = out,
        .now_ms = base_clock_now_ms()};
    *out = (struct airing_decision){0};
    int rc = airing_each(db, filter, take, &pick, err);
    if (rc == 0 && filter->id && pick.count == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("no airing %lld"), (long long)filter->id);
    }
    if (rc == 0) {
        rc = airing__stations_load(db, 0, &d.all, err);
    }
    if (rc == 0 && pick.count > 1) {
        qsort(pick.rows, pick.count, sizeof *pick.rows, by_day);
    }
    for (size_t at = 0; rc == 0 && (at < pick.count || at == 0); at += DECIDE_LOT) {
        size_t left = pick.count - at;
        rc = decide_lot(
            &d, pick.count ? &pick.rows[at] : NULL, left < DECIDE_LOT ? left : DECIDE_LOT, err);
    }
    forget_day(&d.day);
    db_finish(&d.approve);
    db_finish(&d.plan);
    airing__stations_release(&d.all);
    base_free(pick.rows);
    return rc;
}

int airing_approve(struct db *db, const struct airing_filter *filter, const char *who,
    const char *reason, struct airing_decision *decision_out, struct base_err *err) {
    return decide_all(db, filter, who, reason, true, decision_out, err);
}

int airing_decline(struct db *db, const struct airing_filter *filter, const char *who,
    const char *reason, struct airing_decision *decision_out, struct base_err *err) {
    if (!reason || str_trim(str_from(reason)).bytes == 0) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("say why: --reason TEXT"));
    }
    return decide_all(db, filter, who, reason, false, decision_out, err);
}

/* --- a person's word --- */

static int confirm(struct db *db, const struct picked *row, int64_t start_ms, int64_t played_ms,
    const char *who, const char *note, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char detail[300];
    int64_t now_ms = base_clock_now_ms();
    int rc = db_prepare(db,
        "UPDATE airing SET played_at = ?2, played_ms = ?3, confirmed_by = ?4, confirmed_at = ?5 "
        "WHERE id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->id);
        db_bind_i64(stmt, 2, start_ms);
        db_bind_i64(stmt, 3, played_ms);
        db_bind_text(stmt, 4, who);
        db_bind_i64(stmt, 5, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = db_prepare(db,
            "UPDATE message SET state = 5, reason = 0, detail = ?2, settled_ms = ?3 - at WHERE id "
            "= ?1",
            &stmt, err);
    }
    if (rc == 0) {
        snprintf(
            detail, sizeof detail, "confirmed by %s%s%s", who, note ? ": " : "", note ? note : "");
        db_bind_i64(stmt, 1, row->message_id);
        db_bind_text(stmt, 2, detail);
        db_bind_i64(stmt, 3, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        snprintf(detail, sizeof detail, "airing %lld", (long long)row->id);
        rc = audit_add(db, who, "confirm", detail, note, err);
    }
    return rc;
}

int airing_of_word(struct db *db, struct str word, int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t count = 0;
    *id_out = 0;
    if (base_parse_i64(word, id_out) == 0 && *id_out > 0) {
        return 0;
    }
    int rc = db_prepare(db,
        "SELECT a.id FROM airing a JOIN outlet o ON o.id = a.outlet_id JOIN message m ON m.id = "
        "(a.step_id << 43) + 4398046511104 + (a.id << 4) WHERE o.device LIKE 'paper:%' AND m.ref = "
        "upper(?1) ORDER BY a.id DESC LIMIT 2",
        &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, word);
        while ((rc = db_step(stmt, err)) == 1) {
            *id_out = db_column_i64(stmt, 0);
            count++;
        }
    }
    db_finish(&stmt);
    if (rc == 0 && count != 1) {
        rc = base_err_set(err, LANTOA_ENOENT,
            count ? TR("'%.*s' is the code of several airings: give the number")
                  : TR("'%.*s' is no number and no code of an airing"),
            STR_ARG(word));
    }
    return rc;
}

static int confirm_checked(struct db *db, int64_t id, int64_t start_ms, int64_t played_s,
    const char *who, const char *note, struct base_err *err) {
    struct pick pick = {.err = err};
    const struct airing_filter filter = {.id = id};
    int rc = airing_each(db, &filter, take, &pick, err);
    const struct picked *row = pick.rows;
    if (rc == 0 && pick.count == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("no airing %lld"), (long long)id);
    } else if (rc == 0 && row->message_state != MESSAGE_ACCEPTED &&
               row->message_state != MESSAGE_UNCERTAIN) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("airing %lld is %s: only one that was handed out and whose end is not known can be "
               "confirmed"),
            (long long)id, message_state_label(row->message_state));
    } else if (rc == 0 && start_ms > base_clock_now_ms()) {
        rc = base_err_set(err, LANTOA_EINVAL, "%s", TR("it cannot have been played in the future"));
    } else if (rc == 0 && (played_s < 0 || played_s > row->seconds)) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("airing %lld is %lld seconds long"), (long long)id,
            (long long)row->seconds);
    }
    if (rc == 0) {
        int64_t played_ms = (played_s ? played_s : row->seconds) * 1000;
        rc = confirm(db, row, start_ms, played_ms, who, note, err);
    }
    base_free(pick.rows);
    return rc;
}

int airing_confirm(struct db *db, int64_t id, int64_t start_ms, int64_t played_s, const char *who,
    const char *note, struct base_err *err) {
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = confirm_checked(db, id, start_ms, played_s, who, note, err);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}
