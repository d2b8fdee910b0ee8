/* What people say about airings: the commune's yes and no, and who heard it play. */
#include "delivery/airing_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

#define DECIDE_LOT 10000

/* What stands on an outlet on the days of a lot, and the day at hand among it. */
struct shelf {
    struct airing__books books; /* in order of the day */
    const struct calendar_zone *zone;
    int64_t outlet_id, first, last; /* days that are there; outlet_id 0: nothing is */
    size_t station;
    struct airing__local at;
    size_t from, to; /* the bookings of at.day */
};

/* What a decision over many needs again and again. */
struct decider {
    struct db *db;
    struct airing__writer writer;
    const struct airing_filter *filter;
    const char *who, *reason;
    bool yes;
    struct airing__stations all;
    struct shelf shelf;
    struct airing_decision *out;
    int64_t now_ms;
};

static int64_t lead_of(const struct airing__stations *all, size_t station) {
    const struct outlet *outlet = station == AIRTIME_NONE ? NULL : outlet_set_at(all->set, station);
    return outlet ? outlet->lead_ms : OUTLET_LEAD_LEAST_MS;
}

static int set_approved(struct decider *d, const struct airing__brief *row, struct base_err *err) {
    int rc = airing__approve(&d->writer, row->id, d->who, d->reason, d->now_ms, err);
    if (rc == 0 && row->message_id) {
        rc = airing__row(&d->writer, row->message_id, AIRING_APPROVED, row->start_ms,
            lead_of(&d->all, d->shelf.station), d->now_ms, err);
    }
    return rc;
}

/* --- room for it --- */

static int by_day_and_start(const void *a, const void *b) {
    const struct airtime_booking *one = a;
    const struct airtime_booking *two = b;
    if (one->day != two->day) {
        return one->day < two->day ? -1 : 1;
    }
    if (one->start_s != two->start_s) {
        return one->start_s < two->start_s ? -1 : 1;
    }
    return one->ref < two->ref ? -1 : one->ref > two->ref;
}

static void clear(struct shelf *shelf) {
    base_free(shelf->books.bookings);
    *shelf = (struct shelf){0};
}

/* All days that the rows up to end ask for on the outlet of the first. */
static int load(struct decider *d, const struct airing__brief *row, const struct airing__brief *end,
    struct base_err *err) {
    struct shelf *shelf = &d->shelf;
    clear(shelf);
    shelf->station = airing__station(&d->all, row->outlet_id);
    if (shelf->station == AIRTIME_NONE) {
        return base_err_set(
            err, LANTOA_ESTATE, TR("airing %lld: its outlet is retired"), (long long)row->id);
    }
    shelf->zone = row->zone;
    shelf->outlet_id = row->outlet_id;
    shelf->first = shelf->last = row->day;
    for (; row < end && row->outlet_id == shelf->outlet_id && row->zone == shelf->zone; row++) {
        shelf->last = row->day;
    }
    int rc =
        airing__books_load(d->db, &d->all, shelf->zone, airing__ms(shelf->zone, shelf->first, 0),
            airing__ms(shelf->zone, shelf->last + 1, 0), 0, shelf->outlet_id, &shelf->books, err);
    if (shelf->books.count > 1) {
        qsort(shelf->books.bookings, shelf->books.count, sizeof *shelf->books.bookings,
            by_day_and_start);
    }
    return rc;
}

static void find_day(struct shelf *shelf, const struct airing__brief *row) {
    size_t low = 0;
    size_t high = shelf->books.count;
    shelf->at = airing__local(row->zone, row->start_ms);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shelf->books.bookings[middle].day < shelf->at.day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    shelf->from = shelf->to = low;
    while (shelf->to < shelf->books.count && shelf->books.bookings[shelf->to].day == row->day) {
        shelf->to++;
    }
}

static bool meets(const struct shelf *shelf, const struct airtime_booking *b, int64_t seconds) {
    return b->start_s < shelf->at.second + seconds && b->start_s + b->seconds > shelf->at.second;
}

/* An approval may not lie over what is approved, leave the windows, or make the day too long. */
static int check_room(
    const struct decider *d, const struct airing__brief *row, struct base_err *err) {
    const struct shelf *shelf = &d->shelf;
    const struct airtime_station *station = &d->all.stations[shelf->station];
    int64_t sum_s = row->seconds;
    for (size_t i = shelf->from; i < shelf->to; i++) {
        const struct airtime_booking *b = &shelf->books.bookings[i];
        if (b->spent || !b->fixed || b->ref == row->id) {
            continue;
        }
        sum_s += b->seconds;
        if (meets(shelf, b, row->seconds)) {
            return base_err_set(err, LANTOA_ESTATE,
                TR("airing %lld lies over airing %lld, which is approved: decline that one first"),
                (long long)row->id, (long long)b->ref);
        }
    }
    enum airtime_reason reason =
        airtime_allowed(station, shelf->at.day, shelf->at.second, row->seconds);
    if (reason == AIRTIME_FITS && station->most_s > 0 && sum_s > station->most_s) {
        reason = AIRTIME_MINUTES;
    }
    return reason == AIRTIME_FITS ? 0
                                  : base_err_set(err, LANTOA_ESTATE, TR("airing %lld: %s"),
                                        (long long)row->id, airtime_reason_text(reason));
}

/* Seeks another place on the day for what lay in the way; it is declined when there is none. */
static int make_room(
    struct decider *d, const struct airing__brief *row, size_t index, struct base_err *err) {
    struct shelf *shelf = &d->shelf;
    struct airtime_booking *moved = &shelf->books.bookings[index];
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
    struct airtime_booking *others = base_alloc_array(shelf->to - shelf->from + 2, sizeof *others);
    size_t count = 0;
    for (size_t i = shelf->from; i < shelf->to; i++) { /* all of them stand; only this one moves */
        if (i != index && shelf->books.bookings[i].ref != row->id) {
            others[count] = shelf->books.bookings[i];
            request.per_day += others[count].request == moved->request;
            others[count++].fixed = true;
        }
    }
    others[count++] = (struct airtime_booking){row->id, shelf->station, shelf->at.day,
        shelf->at.second, row->seconds, 0, row->campaign_id, 0, 0, AIRTIME_PRIORITY, true, false};
    const struct airtime_input in = {d->all.stations, d->all.count, &request, 1, others, count};
    int rc = airtime_plan(&in, &plan, err);
    if (rc == 0 && plan.airing_count > 0) {
        int64_t start_s = plan.airings[0].start_s;
        int64_t ends_s = airtime_latest_start(
            &d->all.stations[shelf->station], moved->day, start_s, moved->seconds);
        rc = airing__move(&d->writer, moved->ref, airing__ms(row->zone, moved->day, start_s),
            airing__ms(row->zone, moved->day, ends_s), lead_of(&d->all, shelf->station), err);
        moved->start_s = start_s;
        d->out->moved++;
    } else if (rc == 0) {
        char reason[160];
        snprintf(reason, sizeof reason, TR("the commune gave its place to airing %lld"),
            (long long)row->id);
        const struct airing__ending ending = {
            moved->ref, AIRING_DECLINED, SUPPRESSED_DECLINED, d->who, reason};
        rc = airing__end(&d->writer, &ending, d->now_ms, err);
        moved->spent = true;
        d->out->gave_way++;
    }
    airtime_plan_release(&plan);
    base_free(others);
    return rc;
}

/* The shelf is that of the airing before, while the outlet stays the same. end: of the lot. */
static int approve_one(struct decider *d, const struct airing__brief *row,
    const struct airing__brief *end, struct base_err *err) {
    struct shelf *shelf = &d->shelf;
    bool there = shelf->zone == row->zone && shelf->outlet_id == row->outlet_id &&
                 row->day >= shelf->first && row->day <= shelf->last;
    int rc = there ? 0 : load(d, row, end, err);
    if (rc == 0) {
        find_day(shelf, row);
        rc = check_room(d, row, err);
    }
    for (size_t i = shelf->from; rc == 0 && i < shelf->to; i++) {
        const struct airtime_booking *b = &shelf->books.bookings[i];
        if (b->ref != row->id && !b->spent && !b->fixed && meets(shelf, b, row->seconds)) {
            rc = make_room(d, row, i, err);
        }
    }
    if (rc == 0) {
        rc = set_approved(d, row, err);
        d->out->approved++;
    }
    for (size_t i = shelf->from; rc == 0 && i < shelf->to; i++) {
        struct airtime_booking *b = &shelf->books.bookings[i];
        b->fixed = b->fixed || b->ref == row->id;
    }
    if (row->clash) { /* it had no place of its own among the books */
        clear(shelf);
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

/* As they were booked, so that a lot touches few pages: outlet by outlet, in order of time. */
static int by_outlet(const void *a, const void *b) {
    const struct airing__brief *one = a;
    const struct airing__brief *two = b;
    if (one->outlet_id != two->outlet_id) {
        return one->outlet_id < two->outlet_id ? -1 : 1;
    }
    if (one->start_ms != two->start_ms) {
        return one->start_ms < two->start_ms ? -1 : 1;
    }
    return one->id < two->id ? -1 : one->id > two->id;
}

static int end_one(struct decider *d, const struct airing__brief *row, struct base_err *err) {
    const struct airing__ending ending = {
        row->id, AIRING_DECLINED, SUPPRESSED_DECLINED, d->who, d->reason};
    d->out->declined++;
    return airing__end(&d->writer, &ending, d->now_ms, err);
}

static int decide_row(struct decider *d, const struct airing__brief *row,
    const struct airing__brief *end, struct base_err *err) {
    bool open = row->state == AIRING_OFFERED || row->state == AIRING_APPROVED;
    bool waits = row->message_state <= MESSAGE_HELD; /* not handed out, not over */
    bool given = row->message_state == MESSAGE_SENDING || row->message_state == MESSAGE_ACCEPTED;
    int rc = 0;
    if (d->yes && row->state == AIRING_OFFERED && waits && (!row->clash || d->filter->id)) {
        struct base_err why = {0};
        rc = approve_one(d, row, end, d->filter->id ? err : &why);
        if (rc == LANTOA_ESTATE && !d->filter->id) { /* nothing was written for it */
            if (d->out->refused++ == 0) {
                snprintf(d->out->why, sizeof d->out->why, "%.*s",
                    (int)base_utf8_cut(str_from(why.text), sizeof d->out->why - 1), why.text);
            }
            rc = 0;
        } else if (rc != 0 && !d->filter->id) {
            *err = why;
        }
    } else if (!d->yes && open && waits && row->priority != AIRTIME_EMERGENCY) {
        rc = end_one(d, row, err);
    } else if (!d->yes && open && given && row->start_ms > d->now_ms) {
        rc = end_one(d, row, err);
        rc = rc == 0 ? airing__want_back(&d->writer, row->id, err) : rc;
        d->out->taken_back++;
    } else if (d->filter->id && d->yes != (row->state == AIRING_APPROVED)) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("airing %lld is %s: too late to decide"),
            (long long)row->id,
            open && row->message_state > MESSAGE_HELD ? message_state_label(row->message_state)
                                                      : TR(airing_state_word(row->state)));
    } else {
        d->out->unchanged++;
    }
    return rc;
}

/* One lot in a transaction of its own, so that nobody else waits for long. */
static int decide_lot(
    struct decider *d, const struct airing__brief *rows, size_t count, struct base_err *err) {
    char object[200];
    int rc = db_begin(d->db, err);
    if (rc != 0) {
        return rc;
    }
    clear(&d->shelf); /* others may have written since */
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = decide_row(d, &rows[i], rows + count, err);
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
    struct airing__briefs pick;
    struct decider d = {.db = db,
        .writer = {.db = db},
        .filter = filter,
        .who = who,
        .reason = reason,
        .yes = yes,
        .out = out,
        .now_ms = base_clock_now_ms()};
    *out = (struct airing_decision){0};
    int rc = airing__briefs_load(db, filter, &pick, err);
    if (rc == 0 && filter->id && pick.count == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("no airing %lld"), (long long)filter->id);
    }
    if (rc == 0) {
        rc = airing__stations_load(db, 0, &d.all, err);
    }
    if (rc == 0 && pick.count > 1) {
        qsort(pick.rows, pick.count, sizeof *pick.rows, by_outlet);
    }
    for (size_t at = 0; rc == 0 && (at < pick.count || at == 0); at += DECIDE_LOT) {
        size_t left = pick.count - at;
        rc = decide_lot(
            &d, pick.count ? &pick.rows[at] : NULL, left < DECIDE_LOT ? left : DECIDE_LOT, err);
    }
    clear(&d.shelf);
    airing__writer_release(&d.writer);
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

static int confirm(struct db *db, const struct airing__brief *row, int64_t start_ms,
    int64_t played_ms, const char *who, const char *note, struct base_err *err) {
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
    struct airing__briefs pick;
    const struct airing_filter filter = {.id = id};
    int rc = airing__briefs_load(db, &filter, &pick, err);
    const struct airing__brief *row = pick.rows;
    if (rc == 0 && pick.count == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("no airing %lld"), (long long)id);
    } else if (rc == 0 && row->message_state != MESSAGE_ACCEPTED &&
               row->message_state != MESSAGE_UNCERTAIN &&
               (row->message_state != MESSAGE_FAILED || !row->unheard_of)) {
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
