/* Channel hosts seen from the core: spawn, greet, feed, watch, restart. One struct channel is one
 * configured channel and, while it runs, one lantoa-channel process. All calls and call backs are
 * on the thread of the given loop. Knows no SQL and no campaign: it moves messages and tells, for
 * every message handed over, exactly one end.
 *
 * The journal. DATA/channel/NAME.journal is a small file, mapped by the core and the host alike,
 * with one slot per message handed over:
 *
 *   free -> held  (core, before the frame leaves)
 *        -> began (host, before the first byte leaves)
 *        -> ended (host, with the result)
 *        -> free  (core, at channel_ack)
 *
 * It survives the death of either or both processes, so after any crash it says which messages
 * never began, which are really unknown (at most `window`), and which ended without the core having
 * recorded it. It carries the machine's boot id: after a power cut it is not trusted. The host
 * holds a lock on it while it lives; when the core dies, the host lets what has begun come to its
 * end (10 s at most) and exits, and the next core waits for the lock before it reads the journal.
 */
#ifndef CHANNEL_CHANNEL_H
#define CHANNEL_CHANNEL_H

#include "base/err.h"
#include "base/str.h"
#include "channel/manifest.h"
#include <ev.h>
#include <lantoa/message.h>

struct channel;

enum channel_state {
    CHANNEL_STARTING,
    CHANNEL_READY,
    CHANNEL_BACKOFF, /* died; restart after 1, 2, 4 ... 60 s */
    /* died too often in a row (8 times without one message sent in between), or the plugin said it
     * cannot go on three times */
    CHANNEL_PARKED,
    CHANNEL_STOPPED,
};

/* The end of one message as the core sees it. Texts are BORROWED for the call back. */
struct channel_result {
    uint64_t id;
    /* NOT_SENT: it never began, plan it again; UNKNOWN: it began, and nobody can say */
    enum lantoa_outcome outcome;
    enum lantoa_reason reason;
    int64_t after_ms;
    struct str ref, detail;
};

struct channel_event {
    uint64_t token; /* for channel_event_done */
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    struct str key, ref, address, detail;
};

struct channel_callbacks {
    /* Ends of messages; several at once, all that one loop turn brought. The core records them in
     * one transaction, then calls channel_ack. */
    void (*results)(
        void *arg, struct channel *channel, const struct channel_result *results, size_t count);
    void (*events)(
        void *arg, struct channel *channel, const struct channel_event *events, size_t count);
    /* Once after channel_start, before anything can be sent: the journal of the last run has been
     * worked off through `results`. trusted says whether messages that were out but are not in the
     * journal surely never began (false after a power cut or a lost journal). */
    void (*recovered)(void *arg, struct channel *channel, bool trusted);
    /* The state changed, or there is room again after there was none: there may be something to
     * send now, or staff should hear of it. Also from inside channel_start, _stop and
     * _reconfigure. */
    void (*changed)(void *arg, struct channel *channel);
    /* A call-back given with channel_hook is worked off; its events have been told before. code: 0
     * taken; LANTOA_EAGAIN: give it again later; else refused, never to be given again. May be
     * NULL. */
    void (*hook_done)(void *arg, struct channel *channel, uint64_t token, int code);
};

/* Reads nothing yet. spec and manifest are TAKEN. data_dir is copied. */
struct channel *channel_new(struct ev_loop *loop, const char *data_dir,
    TAKES struct channel_spec *spec, TAKES struct channel_manifest *manifest,
    const struct channel_callbacks *callbacks, void *arg);
/* Waits for a left-over host of a dead core (asynchronously, 15 s, then it is killed by the pid in
 * the journal), recovers, spawns. */
void channel_start(struct channel *channel);
/* New settings: LIVE options, rate and window take effect at once, others restart the host after a
 * drain. Both are TAKEN. */
void channel_reconfigure(struct channel *channel, TAKES struct channel_spec *spec,
    TAKES struct channel_manifest *manifest);
/* Drain: what has begun may end (within grace_ms), the rest comes back NOT_SENT; then the host ends
 * and the state is STOPPED. */
void channel_stop(struct channel *channel, int64_t grace_ms);
/* Kills a host that still runs, calls nobody back. Not from inside a call back. */
void channel_free(struct channel **channel);

enum channel_state channel_state(const struct channel *channel);
const char *channel_name(const struct channel *channel);
/* NULL unless parked or in back-off */
const char *channel_parked_reason(const struct channel *channel);
/* Why its host ended last, until a message has been sent since or new settings came: a wrong
 * password may show only when there is something to send, minutes after the host was started again.
 * NULL: nothing is known to be wrong. */
const char *channel_trouble(const struct channel *channel);
const struct channel_spec *channel_get_spec(const struct channel *channel);
const struct channel_manifest *channel_get_manifest(const struct channel *channel);
/* How many more messages may be handed over now; 0 when the host is not ready or has enough. The
 * host keeps up to max(window, 1000) messages beyond the window in store, and no more bytes than a
 * quarter of memory_mb. */
size_t channel_room(const struct channel *channel);
/* handed over and not yet acknowledged by channel_ack */
size_t channel_outstanding(const struct channel *channel);

/* Tells the host of a step before its first message; fields are the content row names it will use,
 * in the order of the values to come. step_ref is the core's number for it. A step told is
 * remembered and told again to a restarted host. channel_step_forget drops it. */
struct channel_part {
    struct str name, mime, content_id, bytes; /* BORROWED for the call */
};
int channel_step(struct channel *channel, uint32_t step_ref, struct str campaign, struct str step,
    struct str message_class, struct str accents, const struct channel_part *parts,
    size_t part_count, struct base_err *err) LANTOA_MUST_CHECK;
void channel_step_forget(struct channel *channel, uint32_t step_ref);
bool channel_step_known(const struct channel *channel, uint32_t step_ref);

/* Handing over: put each message (copied into the outgoing frame at once; field values in the order
 * of the manifest's content rows), commit "sending" in the database, then channel_flush. Nothing
 * reaches the host, and no slot is taken, before the flush; channel_discard drops what was put.
 * channel_put returns LANTOA_EAGAIN when there is no room, LANTOA_ELIMIT when the message is larger
 * than a frame may be (4 MiB), LANTOA_EINVAL for a step not told or an id that is out already. What
 * is flushed when the host has just gone comes back NOT_SENT on the next loop turn. */
struct channel_message {
    uint64_t id;
    uint32_t step_ref;
    int64_t due_ms;
    struct str key, address, name, lang;
    const struct str *fields; /* manifest->content_count values */
};
int channel_put(struct channel *channel, const struct channel_message *message) LANTOA_MUST_CHECK;
void channel_flush(struct channel *channel);
void channel_discard(struct channel *channel);

/* The results of these ids are committed: their slots are free again. */
void channel_ack(struct channel *channel, const uint64_t *ids, size_t count);
void channel_event_done(struct channel *channel, uint64_t token);
/* Asks for everything of this step that has not begun to come back NOT_SENT (pause, stop). step_ref
 * 0: of all steps. */
void channel_cancel(struct channel *channel, uint32_t step_ref);
void channel_lookup(struct channel *channel, struct str key, struct str ref);

/* Gives the host a call-back of the operator as it came. token is the caller's and comes back in
 * `hook_done`. headers: a JSON object of texts; ":method" and ":query" in it stand for those, where
 * query is empty. LANTOA_EAGAIN: not ready, or enough are under way (again after a hook_done or
 * when the state changes); LANTOA_ELIMIT: larger than a frame may be; LANTOA_ENOENT: the plugin
 * takes no call-backs. A host that dies forgets those it had: on CHANNEL_READY all that are not
 * done are to be given again. */
struct channel_hook {
    uint64_t token;
    int64_t at_ms;                   /* when it came */
    struct str query, headers, body; /* BORROWED for the call */
};
int channel_hook(struct channel *channel, const struct channel_hook *hook) LANTOA_MUST_CHECK;

/* Figures the plugin set with host->metric, in the order of first setting. */
struct channel_metric {
    char name[48];
    double value;
};
/* BORROWED until the next loop turn */
size_t channel_metrics(const struct channel *channel, const struct channel_metric **metrics_out);

#endif
