/* The dispatcher: in each turn one transaction that records what came back and claims what goes out
 * next. Synchronous; one thread, one connection; knows channels only as ports, so that a rehearsal
 * can put its own in their place. Time is base/clock. */
#ifndef DELIVERY_DISPATCH_H
#define DELIVERY_DISPATCH_H

#include "channel/channel.h"
#include "delivery/step.h"

struct dispatcher;

/* A way out. All calls are made inside dispatcher_turn. */
struct delivery_port {
    void *arg;
    size_t (*room)(void *arg);
    /* Before the first message of a step. */
    int (*step)(void *arg, const struct delivery_step *step, struct base_err *err);
    int (*put)(void *arg, const struct channel_message
                              *message); /* LANTOA_EAGAIN: no room; LANTOA_ELIMIT: too large */
    void (*flush)(void *arg);            /* after the commit */
    void (*discard)(void *arg);          /* the commit failed: forget what was put */
    void (*ack)(void *arg, const uint64_t *ids, size_t count);
    void (*event_done)(void *arg, uint64_t token);
    void (*cancel)(void *arg, uint32_t step_ref);
    /* As put, for a message that takes an airing back; its step need not be known. NULL: nothing
     * can be taken back. */
    int (*recall)(void *arg, const struct channel_message *message, struct base_err *err);
};

#define DISPATCH_BATCH 2000

/* campaign_id 0: every campaign that runs; else only that one (rehearsal). */
int dispatcher_new(struct db *db, int64_t campaign_id, struct dispatcher **dispatcher_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void dispatcher_free(struct dispatcher **dispatcher);

/* Where channels are asked what messages cost; without it only prices of a message are known. */
void dispatcher_data_dir(struct dispatcher *d, const char *data_dir);
/* A channel that may be sent through. spec is copied as far as needed; calling again for the same
 * id changes pace and retry rules. A channel must be recovered (dispatcher_recovered) before
 * anything goes out. */
void dispatcher_channel(struct dispatcher *d, int64_t channel_id, const struct channel_spec *spec,
    const struct channel_manifest *manifest, const struct delivery_port *port);
void dispatcher_recovered(struct dispatcher *d, int64_t channel_id, bool trusted);
/* Copies; recorded in the next turn. */
void dispatcher_results(
    struct dispatcher *d, int64_t channel_id, const struct channel_result *results, size_t count);
void dispatcher_events(
    struct dispatcher *d, int64_t channel_id, const struct channel_event *events, size_t count);

/* What a person said back, as the channel told it. */
struct dispatcher_inbound {
    int64_t channel_id;
    enum lantoa_event_kind kind;   /* INBOUND, OPT_OUT or COMPLAINT */
    int64_t message_id;            /* the message it answers; 0: not known */
    struct str address, text, ref; /* BORROWED for the call */
    int64_t now_ms;
};
/* Called inside the turn's transaction; an error ends the turn, and the event comes again in the
 * next. */
typedef int dispatcher_inbound_fn(
    void *arg, struct db *db, const struct dispatcher_inbound *inbound, struct base_err *err);
/* Who takes them; refusals then are theirs altogether. Without one only refusals and complaints are
 * heard. */
void dispatcher_on_inbound(struct dispatcher *d, dispatcher_inbound_fn *fn, void *arg);

/* Marks a call-back as worked off, inside the turn's transaction. code: 0 taken, else why the
 * channel refused it (LANTOA_E*). */
typedef int dispatcher_hook_done_fn(
    struct db *db, int64_t id, int code, int64_t now_ms, struct base_err *err);
/* recorded: called for each after the commit. */
void dispatcher_on_hook_done(struct dispatcher *d, dispatcher_hook_done_fn *fn,
    void (*recorded)(void *arg, int64_t channel_id, int64_t id), void *arg);
/* A call-back of that channel is worked off: marked in the turn that records the events told
 * before. */
void dispatcher_hook(struct dispatcher *d, int64_t channel_id, int64_t id, int code);

/* Results, events and call-backs waiting for a turn. */
size_t dispatcher_pending(const struct dispatcher *d);

/* One turn. *next_ms_out: when, by the program's clock, the next one is needed without anything
 * happening; INT64_MAX: never. A result at or before now means there is more to do at once. On an
 * error nothing has been recorded or sent and the results are kept: try again later (LANTOA_EBUSY,
 * LANTOA_EFULL, LANTOA_EIO). */
int dispatcher_turn(
    struct dispatcher *d, int64_t *next_ms_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Takes up what others changed in the database at the next turn. */
void dispatcher_reload(struct dispatcher *d);

struct dispatcher_status {
    size_t running;     /* campaigns */
    size_t outstanding; /* messages at the channels */
    int64_t next_ms;    /* next known due time of any step; INT64_MAX: none */
    bool blocked;       /* some step has work but its channel takes none (parked, not ready) */
};
void dispatcher_status(const struct dispatcher *d, struct dispatcher_status *status_out);
/* Whether receipts may still come of messages handed over since then: accepted, by a channel that
 * tells what became of them. */
int dispatcher_awaits_receipts(struct dispatcher *d, int64_t since_ms, bool *awaited_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
