/* Shared by dispatch.c, dispatch_campaigns.c, dispatch_claim.c and dispatch_record.c only. */
#ifndef DELIVERY_DISPATCH_PRIVATE_H
#define DELIVERY_DISPATCH_PRIVATE_H

#include "base/buf.h"
#include "delivery/dispatch.h"
#include "delivery/money.h"
#include "delivery/policy.h"
#include "delivery/render.h"

struct pending_result {
    uint64_t id;
    enum lantoa_outcome outcome;
    enum lantoa_reason reason;
    int64_t after_ms;
    size_t ref, ref_bytes, detail, detail_bytes; /* into dispatch_channel.texts */
};

struct pending_event {
    uint64_t token;
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    size_t key, key_bytes, ref, ref_bytes, address, address_bytes, detail, detail_bytes;
    int64_t id;    /* of the message its key names; 0: none. Found out in the turn */
    bool recorded; /* together with the message's result */
};

/* A call-back the channel has worked off. */
struct pending_hook {
    int64_t id;
    int code;
};

enum recovery { RECOVERY_WAITING, RECOVERY_TRUSTED, RECOVERY_UNTRUSTED, RECOVERY_DONE };

struct dispatch_channel {
    int64_t id;
    struct delivery_port port;
    enum recovery recovery;
    double per_second, tokens;
    int64_t burst, refilled_ms; /* refilled_ms 0: not yet */
    int retry_tries;
    int64_t retry_first_ms, retry_longest_ms;
    bool resend_unknown; /* the operator drops repeats, or the channel file says so */
    enum lantoa_address_kind address;
    bool receipts; /* the operator's numbers are worth keeping */

    struct pending_result *results;
    size_t result_count, result_room;
    struct pending_event *events;
    size_t event_count, event_room;
    struct pending_hook *hooks;
    size_t hook_count, hook_room;
    struct base_buf texts;
    const struct channel_manifest
        *manifest;    /* BORROWED from the channel's owner; NULL: no recall */
    bool withdraws;   /* airings may be waiting to be taken back */
    size_t put;       /* messages put in this turn */
    size_t next_step; /* round robin over the steps */
    int64_t wait_ms;  /* no lot of tokens before this time; 0: there is one */
    bool spending;    /* a lot is being spent: go on to its last token */
    bool full;        /* no room at the last look though there was work */
};

struct dispatcher {
    struct db *db;
    int64_t only_campaign;
    struct rules *rules;
    int64_t rules_until_ms; /* another rule holds from then on */
    struct base_hmac *instance;
    struct delivery_renderer *renderer;
    struct policy_caps *caps;
    struct money *money;
    struct dispatch_channel *channels;
    size_t channel_count;
    struct delivery_campaign **campaigns;
    size_t campaign_count;
    struct db_stmt *range, *claim, *claim_due, *hold, *suppress, *due, *min_due, *open_rows,
        *gate_fresh, *gate_due, *release, *stranger, *next_row, *times, *attempt;
    struct db_stmt *airing, *airing_start, *airing_given; /* NULL until outlets have work */
    struct db_stmt *record, *get, *contact, *payment;
    struct dispatch_receipts *receipts; /* dispatch_receipt.c */
    int64_t data_version;
    bool must_reload;
    dispatcher_inbound_fn *inbound; /* NULL: nobody takes what people say */
    void *inbound_arg;
    dispatcher_hook_done_fn *hook_done; /* NULL: nobody keeps call-backs */
    void (*hook_recorded)(void *arg, int64_t channel_id, int64_t id);
    void *hook_arg;
    int64_t last_turn_ms; /* 0: none yet */
    struct base_buf acks; /* ids recorded in this turn, uint64_t each */
};

struct delivery_step *dispatch__step(struct dispatcher *d, int64_t step_id);
struct dispatch_channel *dispatch__channel(struct dispatcher *d, int64_t channel_id);

/* dispatch_campaigns.c: what runs */
int dispatch__reload(struct dispatcher *d, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
int dispatch__advance(struct dispatcher *d, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK; /* opens steps that are due */
int dispatch__finish(struct dispatcher *d, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK; /* closes steps and campaigns that are through */
int64_t dispatch__next_start(const struct dispatcher *d,
    const struct delivery_step *step); /* when a waiting step opens; INT64_MAX: not known */

/* The campaign waits for a person, who reads this reason. */
int dispatch__pause(struct dispatcher *d, struct delivery_campaign *campaign, const char *reason,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Asks for what has not begun of a campaign's messages back. */
void dispatch__cancel(struct dispatcher *d, struct delivery_campaign *campaign);
int dispatch__times(struct dispatcher *d, const struct delivery_step *step,
    struct base_err *err) LANTOA_MUST_CHECK; /* writes its state and times */
/* The number that a statement over the rows ?1 to ?2 of a step gives; 0 for none. */
int dispatch__step_number(struct dispatcher *d, const struct delivery_step *step, const char *sql,
    int64_t *number_out, struct base_err *err) LANTOA_MUST_CHECK;

/* dispatch_wave.c: the first wave of a step */
/* When the step opens: cuts its first wave off, if it is to have one. */
int dispatch__wave_begin(
    struct dispatcher *d, struct delivery_step *step, struct base_err *err) LANTOA_MUST_CHECK;
/* Judges the waves that have their outcomes: lets the rest go, or pauses the campaign. */
int dispatch__waves(struct dispatcher *d, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* Whether the step does nothing until its wave is judged. */
bool dispatch__wave_waits(const struct delivery_step *step);
/* When it is to be judged though nothing comes; INT64_MAX: never. */
int64_t dispatch__wave_look(const struct delivery_step *step);
/* The last row that may be looked at now. */
static inline int64_t dispatch__limit(const struct delivery_step *step) {
    return step->wave == STEP_WAVE_OUT ? step->wave_last : step->last_id;
}

/* dispatch_claim.c: what goes out */
int dispatch__claim(struct dispatcher *d, struct dispatch_channel *channel, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
bool dispatch__has_work(const struct delivery_step *step, int64_t now_ms);
int64_t dispatch__backoff(const struct dispatch_channel *channel, int tries);

/* The same person's row in the step before; state -1: none. */
struct dispatch_earlier {
    int state;
    int64_t at_ms, due_ms;
    int reason;
};
/* dispatch_after.c: a step that follows another. When this person's turn comes: *due_out, 0 for
 * now; or the reason why never. */
int dispatch__after(const struct delivery_step *step, int64_t now_ms,
    const struct dispatch_earlier *before, int64_t *due_out);

/* dispatch_airing.c: what outlets are given. Takes from *quota. */
int dispatch__airings(struct dispatcher *d, struct dispatch_channel *channel,
    struct delivery_step *step, size_t *quota, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
void dispatch__airings_finish(struct dispatcher *d);
/* Until when devices may still begin what they have of this step; 0: nothing. */
int dispatch__airings_until(struct dispatcher *d, const struct delivery_step *step,
    int64_t *until_out, struct base_err *err) LANTOA_MUST_CHECK;
/* dispatch_withdraw.c: asks for airings back. */
int dispatch__withdraw(
    struct dispatcher *d, struct dispatch_channel *channel, struct base_err *err) LANTOA_MUST_CHECK;
/* A result of an outlet's row. *was_out: it was the answer to such a request, and is settled. */
int dispatch__withdrawn(struct dispatcher *d, struct dispatch_channel *channel,
    const struct pending_result *result, int64_t now_ms, bool *was_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* What was asked for when the program or the host died is asked for again. */
int dispatch__withdraw_recover(
    struct dispatcher *d, struct dispatch_channel *channel, struct base_err *err) LANTOA_MUST_CHECK;

/* dispatch_gate.c: what waits. Outside the hours, or when the rules let nothing out: puts rows
 * aside until open_ms, some thousands in one turn. */
int dispatch__close_gate(struct dispatcher *d, struct delivery_step *step, int64_t now_ms,
    int64_t open_ms, int reason, struct base_err *err) LANTOA_MUST_CHECK;
/* What a rule or an old list held need not wait for its hour once that is mended. */
int dispatch__release(struct dispatcher *d, struct delivery_step *step, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;

/* dispatch_record.c: what came back */
int dispatch__record(struct dispatcher *d, struct dispatch_channel *channel, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
int dispatch__recover(struct dispatcher *d, struct dispatch_channel *channel, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
int dispatch__attempt(struct dispatcher *d, int64_t message_id, int64_t at_ms, int state,
    int reason, struct str detail, struct base_err *err) LANTOA_MUST_CHECK;
/* An address that the other side says does not exist is not written to again. */
int dispatch__suppress_address(struct dispatcher *d, int64_t message_id, int64_t now_ms,
    const char *reason, const char *source, struct base_err *err) LANTOA_MUST_CHECK;

/* dispatch_receipt.c: acceptance and receipts. For each channel _begin, each result, _flush, each
 * receipt; _end once per turn; _forget when the transaction failed. */
int dispatch__receipts_new(struct dispatcher *d, struct base_err *err) LANTOA_MUST_CHECK;
void dispatch__receipts_free(struct dispatcher *d);
void dispatch__receipts_forget(struct dispatcher *d);
void dispatch__receipts_begin(struct dispatcher *d, struct dispatch_channel *channel);
int dispatch__accept(struct dispatcher *d, struct dispatch_channel *channel, int64_t id,
    struct str ref, struct str detail, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* A message became uncertain: what waits may be about it. */
void dispatch__receipts_doubt(struct dispatcher *d);
int dispatch__receipts_flush(
    struct dispatcher *d, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
int dispatch__receipt(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
int dispatch__receipts_end(
    struct dispatcher *d, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* Whether a turn is wanted though nothing came: at once (_busy), or some time (_due). */
bool dispatch__receipts_due(const struct dispatcher *d);
bool dispatch__receipts_busy(const struct dispatcher *d);

/* When a step of the kind WHEN_BEFORE reaches this person: *due_out, 0 for now; or *reason_out, why
 * never (left alone otherwise). */
extern const char dispatch__payment_sql[];
int dispatch__before(struct dispatcher *d, const struct delivery_step *step, int64_t contact_id,
    int64_t now_ms, int64_t *due_out, int *reason_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Whether the place is in a later wave of the lot; *due_io: when this step is due there. */
bool dispatch__later_wave(const struct delivery_step *step, int64_t place_id, int64_t *due_io);

/* dispatch_stranger.c: an answer to an address that no contact has. *person becomes one with that
 * address alone, which stands in *kept; no person where the row is none of those. */
struct dispatch_stranger {
    char address[320];
    char attrs[400]; /* the same as attributes, where it is an account */
};
int dispatch__stranger(struct dispatcher *d, const struct delivery_step *step, int64_t message_id,
    struct dispatch_stranger *kept, struct policy_person *person, struct base_err *err);

#endif
