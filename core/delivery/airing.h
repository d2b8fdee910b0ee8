/* Airings in the database: booked broadcasts, each with its row of the ledger (outlet bit set,
 * recipient = the airing's number). Planned with the campaign, offered to the commune, approved or
 * declined by it, handed out ahead of their start, and recorded as they ran.
 *
 * Times are milliseconds since 1970; the local day and hour are those of the campaign's zone. */
#ifndef DELIVERY_AIRING_H
#define DELIVERY_AIRING_H

#include "base/buf.h"
#include "delivery/airtime.h"
#include "delivery/ledger.h"
#include "delivery/step.h"

enum airing_state {
    AIRING_OFFERED,
    AIRING_APPROVED,
    AIRING_DECLINED, /* by the commune: not offered again */
    AIRING_WITHDRAWN /* its outlet changed, and it may not be played any more; see airing_review */
};
const char *airing_state_word(int state); /* "offered", "approved", "declined", "withdrawn" */
bool airing_state_from_word(struct str word, int *state_out);
const char *airing_priority_word(int priority); /* "normal", "priority", "emergency" */

#define AIRING_EMERGENCY_MS (INT64_C(60) * 60 * 1000) /* how late an emergency may begin */

/* How a recording of this format is called when a channel gets it: its sha256 and this. */
const char *airing_sound_suffix(struct str format, const char **mime_out);

/* --- planning --- */

struct airing_outcome {
    int64_t asked, placed, clashes; /* airings; placed counts what was approved before as well */
    int64_t refused;                /* asked, and has no place */
    int64_t moved, dropped; /* of others: offered ones that made room, elsewhere or not at all */
    int64_t interrupts;     /* airings that its emergencies would run into, as things stand */
};
/* Books the outlet steps of a campaign that is being planned, around what stands; inside the
 * caller's transaction. Writes the rows of the ledger and what was refused. arms: what was booked,
 * for the hash of the assignment. */
int airing_plan(struct db *db, const struct delivery_campaign *campaign, int64_t now_ms,
    struct base_buf *arms, struct airing_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Before a campaign is planned anew: forgets what nobody decided and keeps the communes'
 * decisions. Inside the caller's transaction. */
int airing_detach(struct db *db, int64_t campaign_id, struct base_err *err) LANTOA_MUST_CHECK;
/* Plans the airings of a planned, approved or running campaign again around what changed (windows,
 * outlets, other campaigns): approved ones stay, offered ones move or go, places are sought for
 * what was refused. One transaction, audited. */
int airing_replan(struct db *db, const char *campaign, const char *who,
    struct airing_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

/* After outlets changed (an import, its undoing): looks at what is booked on those that did. An
 * approved airing that its outlet may not play any more (hours, minutes, closed, no device, another
 * channel) is withdrawn with the reason, also from a device that has it; one whose outlet has
 * another device now goes from the old to the new one; campaigns whose airings are touched are
 * planned again, so that what was only offered finds another place and the commune is offered
 * others for what was withdrawn. What has begun is left alone. Takes its own transactions; audited.
 */
struct airing_review {
    int64_t withdrawn, taken_back;   /* approved ones; those that devices are asked for */
    int64_t moved, dropped, offered; /* offered ones; new ones */
};
/* notices: a line for each campaign that could not be planned again. */
int airing_review(struct db *db, const char *who, struct base_buf *notices,
    struct airing_review *review_out, struct base_err *err) LANTOA_MUST_CHECK;

/* --- looking --- */

struct airing_filter {             /* zeroed: all */
    const char *campaign, *outlet; /* name; code */
    const int64_t *place_ids;      /* of outlets standing in one of these */
    size_t place_count;
    int64_t from_ms, to_ms; /* planned starts; 0: no bound */
    int state;              /* enum airing_state + 1; 0: any */
    int message_state;      /* enum message_state + 1; 0: any */
    int64_t id;             /* 0: any */
    bool heard;             /* only what was on the air, at least partly */
    bool clashing;          /* only what was placed over others, and what it lies over */
};

struct airing { /* texts BORROWED for the call */
    int64_t id, message_id, campaign_id, step_id, outlet_id, recording_id, place_id;
    int64_t start_ms, ends_ms; /* start 0: with its step */
    int64_t seconds, households;
    int priority, state; /* enum airtime_priority, enum airing_state */
    bool clash;
    int message_state, message_reason; /* message_state -1: its campaign is not planned */
    int64_t decided_at, played_at, played_ms, confirmed_at, resumed_of; /* 0: not */
    struct str campaign, step, outlet, outlet_name, owner, place, material, title, lang, zone;
    struct str decided_by, reason, confirmed_by, detail; /* detail: the channel's words */
    struct str code; /* by which a person confirms it, on the printed plan; empty: none (yet) */
};
/* Whoever plays from paper, or a device that comes back, has so long to say how it ran; what nobody
 * spoke of by then counts as missed. It can still be confirmed. */
#define AIRING_WORD_MS (INT64_C(7) * 86400 * 1000)
enum airing_word {
    AIRING_NOTHING_TO_SAY,      /* not handed out, not over, or its end is known */
    AIRING_AWAITS_CONFIRMATION, /* its time has passed */
    AIRING_NOT_CONFIRMED        /* since AIRING_WORD_MS */
};
enum airing_word airing_word_of(const struct airing *airing, int64_t now_ms);
/* Why it is in its state, in a word; "" for no reason. That of its row, or what is missing. */
const char *airing_reason_word(const struct airing *airing, int64_t now_ms);
/* By start, outlet, id. */
int airing_each(struct db *db, const struct airing_filter *filter,
    int (*row)(void *arg, const struct airing *airing), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* What a campaign has booked (offered or approved), on how many outlets, and how many households
 * these cover: an estimate. */
struct airing_sum {
    int64_t airings, outlets, households;
};
int airing_sum(struct db *db, const char *campaign, struct airing_sum *sum_out,
    struct base_err *err) LANTOA_MUST_CHECK;

struct airing_refused { /* texts BORROWED for the call */
    struct str campaign, step, outlet, outlet_name, day, by_campaign; /* by: who has the place */
    int64_t asked, got, by_airing;                                    /* 0: none known */
    enum airtime_reason reason;
};
/* What has no place, by day and outlet. filter: campaign, outlet, place_ids. */
int airing_refused_each(struct db *db, const struct airing_filter *filter,
    int (*row)(void *arg, const struct airing_refused *refused), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* What people in a place could hear, for attribution: airings that were played, at least partly, on
 * outlets that cover the place, from_ms <= start < to_ms, oldest first. The households are those
 * of that place: an estimate, never people reached. */
struct airing_heard {
    int64_t airing_id, message_id, campaign_id, step_id, outlet_id, at_ms, played_ms, households;
};
int airing_heard_each(struct db *db, int64_t place_id, int64_t from_ms, int64_t to_ms,
    int (*row)(void *arg, const struct airing_heard *heard), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- what the commune decides --- */

struct airing_decision {
    int64_t approved, declined, unchanged;
    int64_t taken_back; /* of the declined: a device has it already and is asked to forget it */
    int64_t moved, gave_way; /* what lay in the way: found another place, or was declined */
    int64_t refused;         /* of many: could not be approved; the others were */
    char why[300];           /* the first of these, in words; "": none */
};
/* Approves those the filter finds and that are offered. One placed over others is approved only by
 * its number (filter->id): that decides the clash, and what is not approved there makes room.
 * LANTOA_ESTATE when that one would lie over what is approved, outside the windows, or make the day
 * too long; of many, such ones are left as they were and counted. Audited with who and reason (may
 * be NULL). Many are decided in lots, a transaction each: call it outside of one. LANTOA_ENOENT for
 * a campaign, outlet or airing that is not there. */
int airing_approve(struct db *db, const struct airing_filter *filter, const char *who,
    const char *reason, struct airing_decision *decision_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Declines offered ones and approved ones, also those that devices have already and that have not
 * begun: these are taken back. A reason is asked for. */
int airing_decline(struct db *db, const struct airing_filter *filter, const char *who,
    const char *reason, struct airing_decision *decision_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The airing that a word means: its number, or the confirmation code on the printed plan (kept as
 * the channel's reference). LANTOA_ENOENT when there is none. */
int airing_of_word(
    struct db *db, struct str word, int64_t *id_out, struct base_err *err) LANTOA_MUST_CHECK;
/* A person says that it was played. played_s 0: all of it. LANTOA_ESTATE unless it was handed out
 * and its end is not known; also one that a device was thought to have missed and has told nothing
 * of. */
int airing_confirm(struct db *db, int64_t id, int64_t start_ms, int64_t played_s, const char *who,
    const char *note, struct base_err *err) LANTOA_MUST_CHECK;

/* --- in people's words --- */

enum airing_by { AIRING_BY_NOBODY, AIRING_BY_DEVICE, AIRING_BY_SENDER };
struct airing_proof {
    enum airing_by by;       /* the device's own record, or only who streamed to it */
    int64_t clock_offset_ms; /* its clock minus ours; taken out of the times already */
    bool clock_doubtful;     /* the times cannot be right even so */
};
/* From the detail of an airing; all zero when it says nothing of these. */
void airing_proof_read(struct str detail, struct airing_proof *proof_out);
/* Appends a device's words in the language of the process, as far as they are known. */
void airing_words(struct str detail, struct base_buf *out);

/* --- as run (inside the dispatcher's transaction) --- */

/* A device told the end of one. detail: {"start": RFC 3339, "end": .., "played_ms": ..} or words.
 * One that an emergency cut off is repeated where there is room for it on its day. */
int airing_as_run(struct db *db, int64_t message_id, enum lantoa_event_kind kind, struct str detail,
    int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;

#endif
