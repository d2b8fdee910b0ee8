/* Shared by the files airing*.c and those of the dispatcher that hand airings out. */
#ifndef DELIVERY_AIRING_PRIVATE_H
#define DELIVERY_AIRING_PRIVATE_H

#include "audience/outlet.h"
#include "base/idmap.h"
#include "delivery/airing.h"

/* Every outlet, as the planner wants them: stations[i] is outlet_set_at(set, i). */
struct airing__stations {
    struct outlet_set *set;
    struct airtime_station *stations;
    struct airtime_span *spans; /* of all of them */
    struct base_idmap *by_id;   /* outlet id -> index */
    size_t count;
};
/* outlet_id 0: all that are not retired. */
int airing__stations_load(struct db *db, int64_t outlet_id, struct airing__stations *out,
    struct base_err *err) LANTOA_MUST_CHECK;
void airing__stations_release(struct airing__stations *stations);
/* AIRTIME_NONE when it is not among them. */
size_t airing__station(const struct airing__stations *stations, int64_t outlet_id);

/* A moment as the planner has it. */
struct airing__local {
    int64_t day, second;
};
struct airing__local airing__local(const struct calendar_zone *zone, int64_t ms);
int64_t airing__ms(const struct calendar_zone *zone, int64_t day, int64_t second);

/* What stands on the outlets from from_ms (included) to to_ms. Those of `own` (a campaign; 0: none)
 * keep their decisions; what others declined is left out. outlet_id: only that one; 0: all. */
struct airing__books {
    struct airtime_booking *bookings;
    size_t count, room;
};
int airing__books_load(struct db *db, const struct airing__stations *stations,
    const struct calendar_zone *zone, int64_t from_ms, int64_t to_ms, int64_t own,
    int64_t outlet_id, struct airing__books *out, struct base_err *err) LANTOA_MUST_CHECK;

/* Planning. */
/* One outlet step as a request. */
struct airing__asked {
    const struct delivery_step *step;
    size_t *stations;
    struct airtime_material *materials;
    size_t count; /* of stations */
    bool planned; /* not an emergency, and its days are not all over */
};

/* Single changes, with statements that are prepared once for many. {.db = db}; to be released. */
enum airing__statement {
    AIRING__INSERT,
    AIRING__ROW,
    AIRING__MOVE,
    AIRING__APPROVE,
    AIRING__END,
    AIRING__END_ROW,
    AIRING__WANT_BACK,
    AIRING__TAKE_UP,
    AIRING__FORGET,
    AIRING__STATEMENTS
};
struct airing__writer {
    struct db *db;
    struct db_stmt *stmts[AIRING__STATEMENTS];
};
void airing__writer_release(struct airing__writer *writer);

/* A new one, with its row in the ledger. start_ms 0: with its step. */
struct airing__new {
    int64_t campaign_id, step_id, outlet_id, recording_id, start_ms, ends_ms, seconds, lead_ms;
    int64_t position, resumed_of; /* resumed_of 0: of none */
    int occurrence, priority, state;
    bool clash;
    const char *decided_by; /* NULL: nobody yet */
};
int airing__insert(struct airing__writer *writer, const struct airing__new *airing, int64_t now_ms,
    int64_t *id_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Another time for one that has not been handed out. */
int airing__move(struct airing__writer *writer, int64_t id, int64_t start_ms, int64_t ends_ms,
    int64_t lead_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* The yes; its row in the ledger is airing__row's. */
int airing__approve(struct airing__writer *writer, int64_t id, const char *who, const char *reason,
    int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* Declines or withdraws one; ends its row of the ledger unless a device has it. */
struct airing__ending {
    int64_t id;
    enum airing_state state;        /* DECLINED, WITHDRAWN */
    enum message_reason suppressed; /* of the row */
    const char *who, *reason;
};
int airing__end(struct airing__writer *writer, const struct airing__ending *ending, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The device that has it is asked to forget it. */
int airing__want_back(
    struct airing__writer *writer, int64_t id, struct base_err *err) LANTOA_MUST_CHECK;
/* One of a plan before is of this step now; step_id 0: it is forgotten. */
int airing__take_up(struct airing__writer *writer, int64_t id, int64_t step_id,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Its row in the ledger waits for the commune (offered) or for its time. */
int airing__row(struct airing__writer *writer, int64_t message_id, int state, int64_t start_ms,
    int64_t lead_ms, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
int airing__forget_refusals(
    struct db *db, int64_t campaign_id, struct base_err *err) LANTOA_MUST_CHECK;

struct airing__booker {
    struct db *db;
    struct airing__writer writer;
    const struct delivery_campaign *campaign;
    const struct calendar_zone *zone;
    int64_t now_ms;
    bool again; /* around what stands; steps that are over and outlets that are gone are no fault */
    struct airing__stations all;
    struct airing__books books;
    struct airing__asked *asked; /* one for each request */
    struct airtime_request *requests;
    size_t count;
    struct base_buf *arms;
    struct base_hmac *experiment;
    struct airing_outcome out;
};

/* airing_ask.c: the outlets of a step and what each may play; asked_out is the booker's, to be
 * freed by it also on error. */
int airing__ask(struct airing__booker *b, const struct delivery_step *step,
    struct airing__asked *asked_out, struct base_err *err) LANTOA_MUST_CHECK;

/* airing.c: what decisions need to know of airings, of a filter, in no order. */
struct airing__brief {
    int64_t id, message_id, outlet_id, campaign_id, start_ms, seconds;
    int64_t day; /* local */
    int state, priority;
    int message_state; /* -1: its campaign is not planned */
    bool clash;
    bool unheard_of; /* was handed out, and no device or person has told of it */
    const struct calendar_zone *zone;
};
struct airing__briefs {
    struct airing__brief *rows;
    size_t count, room;
};
/* rows: base_free, also on error. */
int airing__briefs_load(struct db *db, const struct airing_filter *filter,
    struct airing__briefs *out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
