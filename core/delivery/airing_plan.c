/* Planning the outlet steps of a campaign: what the file asks for becomes requests of the planner,
 * what comes out becomes airings, rows of the ledger and refusals. */
#include "delivery/airing_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/plan.h"
#include "delivery/rules.h"

/* --- requests --- */

static void make_request(const struct airing__booker *b, const struct airing__asked *asked,
    struct airtime_request *request) {
    const struct campaign_airings *airings = &asked->step->spec->airings;
    int64_t start_ms =
        asked->step->start_ms > b->campaign->open_ms ? asked->step->start_ms : b->campaign->open_ms;
    struct airing__local first = airing__local(b->zone, start_ms);
    struct airing__local now = airing__local(b->zone, b->now_ms);
    int64_t last = first.day + airings->days - 1;
    int64_t close = airing__local(b->zone, b->campaign->close_ms - 1).day;
    *request = (struct airtime_request){.id = asked->step->id,
        .campaign = b->campaign->id,
        .priority =
            airings->priority == CAMPAIGN_AIRING_PRIORITY ? AIRTIME_PRIORITY : AIRTIME_NORMAL,
        .first_day = first.day,
        .last_day = last < close ? last : close,
        .not_before_s = first.second,
        .per_day = (int)airings->per_day,
        .gap_s = (calendar_add(b->zone, b->now_ms, airings->gap) - b->now_ms) / 1000,
        .rotation = airings->by_day ? AIRTIME_BY_DAY : AIRTIME_IN_TURN,
        .material_count = airings->material_count,
        .stations = asked->stations,
        .station_count = asked->count,
        .materials = asked->materials};
    if (now.day > request->first_day ||
        (now.day == request->first_day && now.second > request->not_before_s)) {
        request->first_day = now.day; /* what is past is past */
        request->not_before_s = now.second + 60;
    }
}

static int make_requests(struct airing__booker *b, struct base_err *err) {
    size_t most = b->campaign->step_count;
    b->asked = base_alloc_array(most + 1, sizeof *b->asked);
    b->requests = base_alloc_array(most + 1, sizeof *b->requests);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < most; i++) {
        const struct delivery_step *step = &b->campaign->steps[i];
        if (!step->spec->airings.on) {
            continue;
        }
        struct airing__asked *asked = &b->asked[b->count];
        struct airtime_request *request = &b->requests[b->count];
        rc = airing__ask(b, step, asked, err);
        if (rc == 0 && step->spec->airings.priority != CAMPAIGN_AIRING_EMERGENCY) {
            make_request(b, asked, request);
            asked->planned = request->last_day >= request->first_day;
            if (!asked->planned && !b->again) {
                rc = base_err_set(
                    err, LANTOA_EINVAL, TR("step %s: all its days are over"), step->spec->name);
            }
        }
        b->count++;
    }
    return rc;
}

/* --- writing --- */

static void note_arm(struct airing__booker *b, const struct airing__new *airing) {
    base_buf_printf(b->arms, "airing %lld:%lld:%lld\n", (long long)airing->outlet_id,
        (long long)airing->start_ms, (long long)airing->recording_id);
}

static struct airing__new fresh(
    const struct airing__booker *b, const struct delivery_step *step, const struct outlet *outlet) {
    return (struct airing__new){.campaign_id = b->campaign->id,
        .step_id = step->id,
        .outlet_id = outlet->id,
        .position = step->spec - b->campaign->spec->steps,
        .occurrence = step->occurrence,
        .priority = step->spec->airings.priority,
        .lead_ms = outlet->lead_ms,
        .state = AIRING_OFFERED};
}

static int write_airing(struct airing__booker *b, const struct airtime_request *requests,
    const size_t *asked_of, const struct airtime_airing *found, bool clash, struct base_err *err) {
    const struct airing__asked *asked = &b->asked[asked_of[found->request]];
    const struct outlet *outlet = outlet_set_at(b->all.set, found->station);
    struct airing__new airing = fresh(b, asked->step, outlet);
    int64_t id;
    (void)requests;
    airing.recording_id = found->material;
    airing.seconds = found->seconds;
    airing.start_ms = airing__ms(b->zone, found->day, found->start_s);
    airing.ends_ms = airing__ms(b->zone, found->day,
        airtime_latest_start(
            &b->all.stations[found->station], found->day, found->start_s, found->seconds));
    airing.clash = clash;
    note_arm(b, &airing);
    return airing__insert(&b->writer, &airing, b->now_ms, &id, err);
}

static const char refusal_sql[] =
    "INSERT INTO airing_refusal (campaign_id, step_id, outlet_id, day, asked, got, reason, "
    "by_airing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

static int write_refusal(struct airing__booker *b, const struct delivery_step *step,
    int64_t outlet_id, const struct airtime_refusal *refusal, int64_t by, struct db_stmt *insert,
    struct base_err *err) {
    char day[BASE_DATE_MAX];
    base_format_date(base_date_from_days(refusal->day), day);
    db_bind_i64(insert, 1, b->campaign->id);
    db_bind_i64(insert, 2, step->id);
    db_bind_i64(insert, 3, outlet_id);
    db_bind_text(insert, 4, day);
    db_bind_i64(insert, 5, refusal->asked);
    db_bind_i64(insert, 6, refusal->got);
    db_bind_text(insert, 7, airtime_reason_word(refusal->reason));
    db_bind_null(insert, 8);
    if (by) {
        db_bind_i64(insert, 8, by);
    }
    b->out.refused += refusal->asked - refusal->got;
    return db_run(insert, err);
}

static int write_refusals(struct airing__booker *b, const struct airtime_plan *plan,
    const size_t *asked_of, struct base_err *err) {
    struct db_stmt *insert = NULL;
    int rc = db_prepare(b->db, refusal_sql, &insert, err);
    for (size_t i = 0; rc == 0 && i < plan->refusal_count; i++) {
        const struct airtime_refusal *r = &plan->refusals[i];
        int64_t by = r->by == AIRTIME_NONE ? 0 : b->books.bookings[r->by].ref;
        rc = write_refusal(b, b->asked[asked_of[r->request]].step,
            outlet_set_at(b->all.set, r->station)->id, r, by, insert, err);
    }
    db_finish(&insert);
    return rc;
}

static int write_moves(
    struct airing__booker *b, const struct airtime_plan *plan, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->move_count; i++) {
        const struct airtime_move *move = &plan->moves[i];
        const struct airtime_booking *booking = &b->books.bookings[move->booking];
        const struct airtime_station *station = &b->all.stations[booking->station];
        const struct outlet *outlet = outlet_set_at(b->all.set, booking->station);
        if (move->start_s < 0) {
            char reason[200];
            bool taken = move->reason == AIRTIME_TAKEN || move->reason == AIRTIME_MINUTES;
            if (taken && booking->campaign != b->campaign->id) {
                snprintf(reason, sizeof reason, TR("made room for campaign %s: %s"),
                    b->campaign->row.name, airtime_reason_text(move->reason));
            } else {
                snprintf(reason, sizeof reason, TR("it has no place any more: %s"),
                    airtime_reason_text(move->reason));
            }
            const struct airing__ending ending = {
                booking->ref, AIRING_WITHDRAWN, SUPPRESSED_WITHDRAWN, "lantoa", reason};
            rc = airing__end(&b->writer, &ending, b->now_ms, err);
            b->out.dropped++;
            continue;
        }
        int64_t ends_s =
            airtime_latest_start(station, booking->day, move->start_s, booking->seconds);
        rc =
            airing__move(&b->writer, booking->ref, airing__ms(b->zone, booking->day, move->start_s),
                airing__ms(b->zone, booking->day, ends_s), outlet->lead_ms, err);
        b->out.moved++;
    }
    return rc;
}

/* The outlets that a step has an airing on, whatever became of it. */
static int emergencies_of(const struct airing__booker *b, const struct delivery_step *step,
    struct base_idmap *has, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(b->db, "SELECT outlet_id FROM airing WHERE step_id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, step->id);
        while ((rc = db_step(stmt, err)) == 1) {
            int64_t id = db_column_i64(stmt, 0);
            if (airing__station(&b->all, id) != AIRTIME_NONE) {
                (void)base_idmap_add(has, (uint64_t)id, 1);
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

static const struct airtime_material *first_of(const struct airing__asked *asked, size_t index) {
    size_t count = asked->step->spec->airings.material_count;
    for (size_t m = 0; m < count; m++) {
        if (asked->materials[index * count + m].id) {
            return &asked->materials[index * count + m];
        }
    }
    return NULL;
}

/* asked->stations[index] has nothing it could play: the others do not wait for it. */
static int skip_emergency(struct airing__booker *b, const struct airing__asked *asked, size_t index,
    struct db_stmt *insert, struct base_err *err) {
    int64_t start_ms = asked->step->start_ms > b->now_ms ? asked->step->start_ms : b->now_ms;
    const struct airtime_refusal refusal = {
        .day = airing__local(b->zone, start_ms).day, .asked = 1, .reason = AIRTIME_NO_MATERIAL};
    return write_refusal(b, asked->step, outlet_set_at(b->all.set, asked->stations[index])->id,
        &refusal, 0, insert, err);
}

static int place_emergency(struct airing__booker *b, const struct airing__asked *asked,
    size_t index, const struct airtime_material *material, struct base_err *err) {
    const struct outlet *outlet = outlet_set_at(b->all.set, asked->stations[index]);
    struct airing__new airing = fresh(b, asked->step, outlet);
    int64_t start_ms = asked->step->start_ms;
    int64_t id;
    airing.recording_id = material->id;
    airing.seconds = material->seconds;
    airing.start_ms = b->again && start_ms && start_ms < b->now_ms ? b->now_ms : start_ms;
    airing.ends_ms = airing.start_ms ? airing.start_ms + AIRING_EMERGENCY_MS : 0;
    airing.state = AIRING_APPROVED;
    airing.decided_by = "emergency";
    airing.lead_ms = 0;
    note_arm(b, &airing);
    b->out.asked++;
    b->out.placed++;
    return airing__insert(&b->writer, &airing, b->now_ms, &id, err);
}

/* What stands where the emergencies come: it is cut off, and the commune may want to know. */
static int count_interrupted(
    struct airing__booker *b, const struct airing__asked *asked, struct base_err *err) {
    struct airing__books books = {0};
    int64_t start_ms = asked->step->start_ms > b->now_ms ? asked->step->start_ms : b->now_ms;
    struct airing__local at = airing__local(b->zone, start_ms);
    int rc = airing__books_load(b->db, &b->all, b->zone, airing__ms(b->zone, at.day, 0),
        airing__ms(b->zone, at.day + 1, 0), b->campaign->id, 0, &books, err);
    for (size_t i = 0; rc == 0 && i < asked->count; i++) {
        const struct airtime_material *material = first_of(asked, i);
        if (material) {
            b->out.interrupts += (int64_t)airtime_interrupted(books.bookings, books.count,
                asked->stations[i], at.day, at.second, material->seconds, NULL, 0);
        }
    }
    base_free(books.bookings);
    return rc;
}

/* At once on every outlet; the approval of the campaign is what lets it go. Planned again, those
 * follow that had nothing to play then. */
static int write_emergency(
    struct airing__booker *b, const struct airing__asked *asked, struct base_err *err) {
    struct base_idmap *has = base_idmap_new(b->all.count + 1);
    struct db_stmt *insert = NULL;
    int64_t before = b->out.placed;
    uint32_t one;
    int rc = b->again ? 0 : count_interrupted(b, asked, err);
    rc = rc == 0 ? emergencies_of(b, asked->step, has, err) : rc;
    rc = rc == 0 ? db_prepare(b->db, refusal_sql, &insert, err) : rc;
    for (size_t i = 0; rc == 0 && i < asked->count; i++) {
        const struct airtime_material *material = first_of(asked, i);
        uint64_t id = (uint64_t)b->all.stations[asked->stations[i]].id;
        if (base_idmap_find(has, id, &one)) {
            continue;
        }
        rc = material ? place_emergency(b, asked, i, material, err)
                      : skip_emergency(b, asked, i, insert, err);
    }
    db_finish(&insert);
    base_idmap_free(&has);
    if (rc == 0 && !b->again && b->out.placed == before) {
        rc = base_err_set(err, LANTOA_EINVAL,
            TR("step %s: no outlet has an approved recording in one of its languages"),
            asked->step->spec->name);
    }
    return rc;
}

/* --- what the commune decided before --- */

static const struct airing__asked *asked_at(
    const struct airing__booker *b, int64_t position, int64_t occurrence, size_t *request_out) {
    for (size_t i = 0; i < b->count; i++) {
        const struct delivery_step *step = b->asked[i].step;
        if (step->spec - b->campaign->spec->steps == position && step->occurrence == occurrence) {
            *request_out = i;
            return &b->asked[i];
        }
    }
    return NULL;
}

/* Whether a booking of before is still what the file asks for. */
static bool still_asked(const struct airing__booker *b, const struct airing__asked *asked,
    size_t request, size_t station, int64_t day, int64_t recording) {
    const struct airtime_request *r = &b->requests[request];
    size_t materials = asked->step->spec->airings.material_count;
    if (asked->step->spec->airings.priority == CAMPAIGN_AIRING_EMERGENCY || day > r->last_day) {
        return false;
    }
    for (size_t i = 0; i < asked->count; i++) {
        for (size_t m = 0; asked->stations[i] == station && m < materials; m++) {
            if (asked->materials[i * materials + m].id == recording) {
                return true;
            }
        }
    }
    return false;
}

struct kept {
    int64_t id, position, occurrence, outlet_id, recording_id, start_ms;
    int state;
};

static int read_kept(
    struct airing__booker *b, struct kept **kept_out, size_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    *kept_out = NULL;
    *count_out = 0;
    int rc = db_prepare(b->db,
        "SELECT id, position, occurrence, outlet_id, recording_id, start_at, state FROM airing "
        "WHERE campaign_id = ?1 AND step_id IS NULL ORDER BY id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, b->campaign->id);
        while ((rc = db_step(stmt, err)) == 1) {
            if (*count_out == room) {
                room = room ? 2 * room : 64;
                *kept_out = base_realloc(*kept_out, room * sizeof **kept_out);
            }
            (*kept_out)[(*count_out)++] = (struct kept){db_column_i64(stmt, 0),
                db_column_i64(stmt, 1), db_column_i64(stmt, 2), db_column_i64(stmt, 3),
                db_column_i64(stmt, 4), db_column_i64(stmt, 5), (int)db_column_i64(stmt, 6)};
        }
    }
    db_finish(&stmt);
    return rc;
}

/* Joins one to its new step, or forgets it when the file asks for something else now. */
static int take_up(struct airing__booker *b, const struct kept *k, struct base_err *err) {
    size_t request = 0;
    const struct airing__asked *asked = asked_at(b, k->position, k->occurrence, &request);
    size_t station = airing__station(&b->all, k->outlet_id);
    bool stays = asked && station != AIRTIME_NONE &&
                 still_asked(b, asked, request, station, airing__local(b->zone, k->start_ms).day,
                     k->recording_id);
    int rc = airing__take_up(&b->writer, k->id, stays ? asked->step->id : 0, err);
    if (rc == 0 && stays) {
        const struct outlet *outlet = outlet_set_at(b->all.set, station);
        rc = airing__row(&b->writer, ledger_outlet_id(asked->step->id, k->id, 0), k->state,
            k->start_ms, outlet->lead_ms, b->now_ms, err);
        b->out.asked += k->state == AIRING_APPROVED;
        b->out.placed += k->state == AIRING_APPROVED;
    }
    return rc;
}

static int take_up_all(struct airing__booker *b, struct base_err *err) {
    struct kept *kept;
    size_t count;
    int rc = read_kept(b, &kept, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = take_up(b, &kept[i], err);
    }
    base_free(kept);
    return rc;
}

/* --- all of it --- */

static int book_planned(struct airing__booker *b, struct base_err *err) {
    struct airtime_plan plan = {0};
    size_t *asked_of = base_alloc_array(b->count + 1, sizeof *asked_of);
    struct airtime_request *requests = base_alloc_array(b->count + 1, sizeof *requests);
    size_t count = 0;
    int64_t from = INT64_MAX;
    int64_t to = INT64_MIN;
    int rc = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->asked[i].planned) {
            asked_of[count] = i;
            requests[count++] = b->requests[i];
            from = b->requests[i].first_day < from ? b->requests[i].first_day : from;
            to = b->requests[i].last_day > to ? b->requests[i].last_day : to;
        }
    }
    if (count > 0) {
        /* A day more on both sides, for the gaps. */
        rc = airing__books_load(b->db, &b->all, b->zone, airing__ms(b->zone, from - 1, 0),
            airing__ms(b->zone, to + 2, 0), b->campaign->id, 0, &b->books, err);
        const struct airtime_input in = {
            b->all.stations, b->all.count, requests, count, b->books.bookings, b->books.count};
        rc = rc == 0 ? airtime_plan(&in, &plan, err) : rc;
    }
    for (size_t i = 0; rc == 0 && i < plan.airing_count; i++) {
        rc = write_airing(b, requests, asked_of, &plan.airings[i], false, err);
    }
    for (size_t i = 0; rc == 0 && i < plan.clash_count; i++) {
        rc = write_airing(b, requests, asked_of, &plan.clashes[i].airing, true, err);
    }
    rc = rc == 0 ? write_moves(b, &plan, err) : rc;
    rc = rc == 0 ? write_refusals(b, &plan, asked_of, err) : rc;
    b->out.placed += (int64_t)plan.airing_count;
    b->out.clashes += (int64_t)plan.clash_count;
    b->out.asked += (int64_t)plan.airing_count + (int64_t)plan.clash_count + b->out.refused;
    airtime_plan_release(&plan);
    base_free(asked_of);
    base_free(requests);
    return rc;
}

static void booker_release(struct airing__booker *b) {
    for (size_t i = 0; i < b->count; i++) {
        base_free(b->asked[i].stations);
        base_free(b->asked[i].materials);
    }
    base_free(b->asked);
    base_free(b->requests);
    base_free(b->books.bookings);
    base_hmac_free(&b->experiment);
    airing__writer_release(&b->writer);
    airing__stations_release(&b->all);
}

static int book(struct db *db, const struct delivery_campaign *campaign, int64_t now_ms, bool again,
    struct base_buf *arms, struct airing_outcome *outcome_out, struct base_err *err) {
    struct airing__booker b = {.db = db,
        .writer = {.db = db},
        .campaign = campaign,
        .zone = campaign->zone,
        .now_ms = now_ms,
        .again = again,
        .arms = arms,
        .experiment =
            base_hmac_new(campaign->row.experiment_key, sizeof campaign->row.experiment_key)};
    int rc = airing__stations_load(db, 0, &b.all, err);
    if (rc == 0) {
        rc = make_requests(&b, err);
    }
    if (rc == 0) {
        rc = take_up_all(&b, err);
    }
    for (size_t i = 0; rc == 0 && i < b.count; i++) {
        if (b.asked[i].step->spec->airings.priority == CAMPAIGN_AIRING_EMERGENCY) {
            rc = write_emergency(&b, &b.asked[i], err);
        }
    }
    if (rc == 0) {
        rc = book_planned(&b, err);
    }
    *outcome_out = b.out;
    booker_release(&b);
    return rc;
}

int airing_plan(struct db *db, const struct delivery_campaign *campaign, int64_t now_ms,
    struct base_buf *arms, struct airing_outcome *outcome_out, struct base_err *err) {
    return book(db, campaign, now_ms, false, arms, outcome_out, err);
}

/* Its steps that were through have work again. */
static int reopen(struct db *db, int64_t campaign_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE step SET state = 1 WHERE campaign_id = ?1 AND state = 3 AND EXISTS (SELECT 1 FROM "
        "airing a JOIN message m ON m.id = (a.step_id << 43) + 4398046511104 + (a.id << 4) WHERE "
        "a.step_id = step.id AND m.state IN (0, 1))",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int replan(struct db *db, const struct campaign_row *row, const char *who,
    struct airing_outcome *outcome_out, struct base_err *err) {
    struct delivery_campaign *campaign = NULL;
    struct rules *rules = NULL;
    struct base_buf arms;
    char note[100];
    base_buf_init(&arms, (size_t)64 << 20);
    int rc = rules_load(db, &rules, err);
    if (rc == 0) {
        rc = delivery_campaign_load(db, row->id, rules, &campaign, err);
    }
    if (rc == 0) {
        rc = airing__forget_refusals(db, row->id, err);
    }
    if (rc == 0) {
        rc = book(db, campaign, base_clock_now_ms(), true, &arms, outcome_out, err);
    }
    if (rc == 0) {
        rc = reopen(db, row->id, err);
    }
    if (rc == 0) {
        snprintf(note, sizeof note, "%lld placed, %lld moved, %lld refused",
            (long long)outcome_out->placed, (long long)outcome_out->moved,
            (long long)outcome_out->refused);
        rc = audit_add(db, who, "plan airings", row->name, note, err);
    }
    base_buf_release(&arms);
    delivery_campaign_free(&campaign);
    rules_free(&rules);
    return rc;
}

int airing_replan(struct db *db, const char *campaign, const char *who,
    struct airing_outcome *outcome_out, struct base_err *err) {
    struct campaign_row row = {0};
    *outcome_out = (struct airing_outcome){0};
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = campaign_get(db, campaign, &row, err);
    if (rc == 0 && (row.state == CAMPAIGN_DRAFT || row.state == CAMPAIGN_STOPPED ||
                       row.state == CAMPAIGN_DONE)) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("campaign %s is %s: it has no airings to plan"),
            campaign, TR(campaign_state_word(row.state)));
    }
    if (rc == 0) {
        rc = replan(db, &row, who, outcome_out, err);
    }
    campaign_row_release(&row);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}
