/* What becomes of booked airings when their outlet changes. */
#include "delivery/airing_private.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"

#define DAY_MS (INT64_C(86400) * 1000)

/* A booked airing of an outlet that changed. */
struct booked {
    int64_t id, message_id, outlet_id, campaign_id, start_ms, seconds;
    struct airing__local at;
    int state, priority, message_state; /* message_state -1: its campaign is not planned */
    bool closed, other_channel, no_device, other_device, begun;
};

struct review {
    struct db *db;
    struct airing__writer writer;
    struct airing__stations stations;
    struct booked *rows;
    size_t count, room;
    int64_t *campaigns; /* to be planned again */
    size_t campaign_count, campaign_room;
    int64_t now_ms;
    struct airing_review *out;
};

/* --- what is booked --- */

static const char booked_sql[] =
    "SELECT a.id, a.outlet_id, a.campaign_id, a.start_at, a.seconds, a.state, a.priority, "
    "coalesce(m.state, -1), o.state = 'retired', coalesce(o.device, '') = '', coalesce(h.name, "
    "o.channel) <> o.channel, coalesce(a.device, o.device, '') <> coalesce(o.device, ''), "
    "coalesce(g.spec ->> 'timezone', ''), coalesce(m.id, 0) FROM outlet o JOIN airing a ON "
    "a.outlet_id = o.id JOIN "
    "campaign g ON g.id = a.campaign_id LEFT JOIN step s ON s.id = a.step_id LEFT JOIN channel h "
    "ON h.id = s.channel_id LEFT JOIN message m ON m.id = (SELECT max(n.id) FROM message n WHERE "
    "n.id BETWEEN (a.step_id << 43) + 4398046511104 + (a.id << 4) AND (a.step_id << 43) + "
    "4398046511104 + (a.id << 4) + 15) WHERE o.unsettled = 1 AND a.start_at > ?1 AND a.state < 2";

static int read_booked(struct review *r, struct db_stmt *stmt, struct base_err *err) {
    const struct calendar_zone *zone = NULL;
    char name[64];
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        r->rows = base_realloc(r->rows, r->room * sizeof *r->rows);
    }
    struct booked *row = &r->rows[r->count++];
    *row = (struct booked){.id = db_column_i64(stmt, 0),
        .outlet_id = db_column_i64(stmt, 1),
        .campaign_id = db_column_i64(stmt, 2),
        .start_ms = db_column_i64(stmt, 3),
        .seconds = db_column_i64(stmt, 4),
        .state = (int)db_column_i64(stmt, 5),
        .priority = (int)db_column_i64(stmt, 6),
        .message_state = (int)db_column_i64(stmt, 7),
        .closed = db_column_i64(stmt, 8) != 0,
        .no_device = db_column_i64(stmt, 9) != 0,
        .other_channel = db_column_i64(stmt, 10) != 0,
        .other_device = db_column_i64(stmt, 11) != 0,
        .message_id = db_column_i64(stmt, 13)};
    row->begun = row->start_ms <= r->now_ms;
    snprintf(name, sizeof name, "%.*s", STR_ARG(db_column_str(stmt, 12)));
    int rc = calendar_zone_find(name[0] ? name : "Asia/Ho_Chi_Minh", &zone, err);
    if (rc == 0) {
        row->at = airing__local(zone, row->start_ms);
    }
    return rc;
}

/* Of one outlet and day beside each other; what the minutes shall last for comes first. */
static int by_claim(const void *a, const void *b) {
    const struct booked *one = a;
    const struct booked *two = b;
    const int64_t keys[][2] = {{one->outlet_id, two->outlet_id}, {one->at.day, two->at.day},
        {two->begun, one->begun}, {two->state, one->state}, {two->priority, one->priority},
        {one->start_ms, two->start_ms}, {one->id, two->id}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i][0] != keys[i][1]) {
            return keys[i][0] < keys[i][1] ? -1 : 1;
        }
    }
    return 0;
}

static int read_all(struct review *r, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(r->db, booked_sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, r->now_ms - DAY_MS); /* today's count for the minutes */
        while ((rc = db_step(stmt, err)) == 1) {
            rc = read_booked(r, stmt, err);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    if (rc == 0 && r->count > 1) {
        qsort(r->rows, r->count, sizeof *r->rows, by_claim);
    }
    return rc;
}

/* --- one of them --- */

/* Why it may not be played any more; NULL: it may. */
static const char *fault_of(const struct review *r, const struct booked *row, int64_t used_s) {
    if (row->closed) {
        return TR("the outlet is closed");
    }
    if (row->other_channel) {
        return TR("the outlet is on another channel now");
    }
    if (row->no_device) {
        return TR("the outlet has no device");
    }
    size_t at = airing__station(&r->stations, row->outlet_id);
    if (row->priority == AIRTIME_EMERGENCY || at == AIRTIME_NONE) {
        return NULL;
    }
    const struct airtime_station *station = &r->stations.stations[at];
    enum airtime_reason reason =
        airtime_allowed(station, row->at.day, row->at.second, row->seconds);
    if (reason == AIRTIME_FITS && station->most_s > 0 && used_s + row->seconds > station->most_s) {
        reason = AIRTIME_MINUTES;
    }
    return reason == AIRTIME_FITS ? NULL : airtime_reason_text(reason);
}

static void plan_again(struct review *r, int64_t campaign_id) {
    for (size_t i = 0; i < r->campaign_count; i++) {
        if (r->campaigns[i] == campaign_id) {
            return;
        }
    }
    if (r->campaign_count == r->campaign_room) {
        r->campaign_room = r->campaign_room ? 2 * r->campaign_room : 8;
        r->campaigns = base_realloc(r->campaigns, r->campaign_room * sizeof *r->campaigns);
    }
    r->campaigns[r->campaign_count++] = campaign_id;
}

static int withdraw(
    struct review *r, const struct booked *row, const char *why, struct base_err *err) {
    bool given = row->message_state == MESSAGE_SENDING || row->message_state == MESSAGE_ACCEPTED;
    char reason[200];
    snprintf(reason, sizeof reason, TR("its outlet changed: %s"), why);
    const struct airing__ending ending = {
        row->id, AIRING_WITHDRAWN, SUPPRESSED_WITHDRAWN, "lantoa", reason};
    int rc = airing__end(&r->writer, &ending, r->now_ms, err);
    if (rc == 0 && given) {
        rc = airing__want_back(&r->writer, row->id, err);
        r->out->taken_back++;
    }
    r->out->withdrawn += row->state == AIRING_APPROVED;
    r->out->dropped += row->state == AIRING_OFFERED;
    plan_again(r, row->campaign_id);
    return rc;
}

/* The outlet may want it earlier or later before its start than it did. */
static int due_anew(struct review *r, const struct booked *row, struct base_err *err) {
    size_t at = airing__station(&r->stations, row->outlet_id);
    if (at == AIRTIME_NONE || row->start_ms == 0) {
        return 0;
    }
    return airing__row(&r->writer, row->message_id, AIRING_APPROVED, row->start_ms,
        outlet_set_at(r->stations.set, at)->lead_ms, r->now_ms, err);
}

/* *used_s: of the day, with this one when it stays. */
static int look_at(
    struct review *r, const struct booked *row, int64_t *used_s, struct base_err *err) {
    bool approved = row->state == AIRING_APPROVED;
    bool over = row->message_state == MESSAGE_SUPPRESSED || row->message_state == MESSAGE_FAILED;
    bool open = row->message_state <= MESSAGE_HELD || row->message_state == MESSAGE_SENDING ||
                row->message_state == MESSAGE_ACCEPTED;
    const char *why = row->begun || !open ? NULL : fault_of(r, row, *used_s);
    if (!why) {
        *used_s += approved && !over ? row->seconds : 0;
        if (approved && open && !row->begun && row->message_state > MESSAGE_HELD &&
            row->other_device) {
            r->out->taken_back++;
            return airing__want_back(&r->writer, row->id, err);
        }
        return approved && row->message_state == MESSAGE_PLANNED ? due_anew(r, row, err) : 0;
    }
    if (!approved && !row->closed && !row->other_channel && !row->no_device) {
        plan_again(r, row->campaign_id); /* it may find another place */
        return 0;
    }
    return withdraw(r, row, why, err);
}

/* Campaigns that lost or never found a place on these outlets: it may be there now. */
static int seekers(struct review *r, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char today[BASE_DATE_MAX];
    struct base_civil now = base_civil_from_ms(r->now_ms, 0);
    base_format_date((struct base_date){now.year, now.month, now.day}, today);
    int rc = db_prepare(r->db,
        "SELECT f.campaign_id FROM airing_refusal f JOIN outlet o ON o.id = f.outlet_id WHERE "
        "o.unsettled = 1 AND f.day >= ?1 UNION SELECT a.campaign_id FROM airing a JOIN outlet o ON "
        "o.id = a.outlet_id WHERE o.unsettled = 1 AND a.state = 3 AND a.start_at > ?2 ORDER BY 1",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, today);
        db_bind_i64(stmt, 2, r->now_ms);
        while ((rc = db_step(stmt, err)) == 1) {
            plan_again(r, db_column_i64(stmt, 0));
        }
    }
    db_finish(&stmt);
    return rc;
}

/* --- all of them --- */

static int withdraw_all(struct review *r, const char *who, struct base_err *err) {
    char note[100];
    int64_t used_s = 0;
    int rc = airing__stations_load(r->db, 0, &r->stations, err);
    rc = rc == 0 ? read_all(r, err) : rc;
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        const struct booked *row = &r->rows[i];
        bool same = i > 0 && row[-1].outlet_id == row->outlet_id && row[-1].at.day == row->at.day;
        used_s = same ? used_s : 0;
        rc = look_at(r, row, &used_s, err);
    }
    rc = rc == 0 ? seekers(r, err) : rc;
    if (rc == 0) {
        rc = db_exec(r->db, "UPDATE outlet SET unsettled = 0 WHERE unsettled = 1", err);
    }
    if (rc == 0 && r->out->withdrawn + r->out->dropped + r->out->taken_back > 0) {
        snprintf(note, sizeof note, "%lld withdrawn, %lld taken back from devices",
            (long long)r->out->withdrawn, (long long)r->out->taken_back);
        rc = audit_add(r->db, who, "review airings", "outlets that changed", note, err);
    }
    return rc;
}

/* A campaign that cannot be planned again keeps what fits; the reason is a notice. */
static int replan(
    struct review *r, int64_t id, const char *who, struct base_buf *notices, struct base_err *err) {
    struct airing_outcome outcome;
    struct campaign_row row = {0};
    struct base_err why = {0};
    int rc = campaign_get_id(r->db, id, &row, err);
    bool plans = rc == 0 && row.state != CAMPAIGN_DRAFT && row.state != CAMPAIGN_STOPPED &&
                 row.state != CAMPAIGN_DONE;
    if (plans && airing_replan(r->db, row.name, who, &outcome, &why) != 0) {
        base_buf_printf(
            notices, TR("campaign %s could not be planned again: %s\n"), row.name, why.text);
    } else if (plans) {
        r->out->moved += outcome.moved;
        r->out->dropped += outcome.dropped;
        r->out->offered += outcome.placed + outcome.clashes;
    }
    campaign_row_release(&row);
    return rc;
}

int airing_review(struct db *db, const char *who, struct base_buf *notices,
    struct airing_review *review_out, struct base_err *err) {
    struct review r = {
        .db = db, .writer = {.db = db}, .now_ms = base_clock_now_ms(), .out = review_out};
    *review_out = (struct airing_review){0};
    int rc = db_begin(db, err);
    if (rc == 0) {
        rc = withdraw_all(&r, who, err);
        airing__writer_release(&r.writer);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    for (size_t i = 0; rc == 0 && i < r.campaign_count; i++) {
        rc = replan(&r, r.campaigns[i], who, notices, err);
    }
    airing__stations_release(&r.stations);
    base_free(r.rows);
    base_free(r.campaigns);
    return rc;
}
