/* What the files of this folder share: the channel and its host process. */
#ifndef CHANNEL_INTERNAL_H
#define CHANNEL_INTERNAL_H

#include "base/idmap.h"
#include "base/log.h"
#include "channel/channel.h"
#include "wire/journal.h"
#include "wire/record.h"
#include <sys/types.h>

#define CHANNEL_MAGIC 0x6c616e43u
#define CHANNEL_METRICS_MOST 64

enum channel_slot_use {
    CHANNEL_SLOT_FREE,
    CHANNEL_SLOT_PUT, /* reserved by channel_put, not in the journal yet */
    CHANNEL_SLOT_OUT, /* with the host; its end has not been told */
    /* was put, but there was no host to give it to; comes back on the next loop turn */
    CHANNEL_SLOT_BACK,
    CHANNEL_SLOT_TOLD, /* its end has been told; waits for channel_ack */
};

struct channel_slot {
    uint64_t id;
    uint32_t bytes; /* of the message, while it is out */
    enum channel_slot_use use;
};

/* A step as the frame that tells it, to be told again to the next host. */
struct channel_told {
    struct channel_told *next;
    uint32_t ref;
    struct base_buf frame;
};

/* Why the process is to end, or has; decides what comes after. */
enum channel_end {
    CHANNEL_END_CRASH, /* by itself, or killed by us for cause: back-off */
    CHANNEL_END_FAIL,  /* the plugin said it cannot go on: back-off, parked at the third */
    CHANNEL_END_STOP,  /* channel_stop */
    CHANNEL_END_RENEW, /* new settings that need a new process */
};

struct channel {
    unsigned magic;
    struct ev_loop *loop;
    struct channel_callbacks callbacks;
    void *arg;
    struct channel_spec *spec;
    struct channel_manifest *manifest;
    char *data_dir, *state_dir, *journal_path, *plugin_path;
    char *log_area; /* "channel NAME" */

    enum channel_state state;
    char reason[1024]; /* why it is parked, or why it died last */
    unsigned deaths;   /* in a row, without one message sent in between */
    unsigned fails;    /* of these, how often in a row the plugin said it cannot go on */
    bool recovered;    /* the journal of the last run has been worked off */
    bool leaving;      /* stop or renewal is under way: nothing more is handed over */
    bool spoke_last;   /* DRAINED or FAIL has come: the process may take its time to close */

    /* The process; pid 0: none. */
    pid_t pid;
    int fd, stderr_fd, lock_fd;
    bool greeted;
    enum channel_end end;
    char end_text[800]; /* first thing known of why it ended */
    struct wire_inbox inbox;
    struct wire_writer outbox;
    unsigned unanswered; /* watchdog ticks since an unanswered PING */
    uint64_t ping;
    int64_t reap_since_ms;

    /* Messages. */
    struct wire_journal *journal;
    struct channel_slot *slots;
    uint32_t slot_count;
    uint32_t *free_slots;
    size_t free_count;
    struct base_idmap *by_id;
    struct wire_writer put; /* SEND frames of what was put and not flushed */
    uint32_t *put_slots;
    size_t put_count;
    size_t outstanding; /* slots OUT, BACK or TOLD */
    size_t bytes_out;
    size_t hooks_out, hook_bytes_out; /* call-backs that the host has and has not answered */
    bool full; /* there was no room after the last flush: tell when there is some again */
    struct channel_told *steps;
    struct channel_told *last_step; /* the one asked for last: messages come step by step */

    /* What one read brought. */
    struct channel_result *results;
    size_t result_count, result_room;
    struct channel_event *events;
    size_t event_count, event_room;

    struct channel_metric metrics[CHANNEL_METRICS_MOST];
    size_t metric_count;

    /* Log lines of the host: an allowance, and the end of stderr that is no line yet. */
    double log_allowance;
    int64_t log_filled_ms;
    size_t log_dropped;
    struct base_buf stderr_line;

    ev_io reading, writing, complaining;
    ev_timer acquire, greeting, watchdog, reap, backoff, stopping, orphans, notice;
    int64_t acquire_since_ms;
};

/* supervisor.c */
/* lock, recover if that has not been done, spawn */
void channel__begin(struct channel *channel);
void channel__host_greeted(struct channel *channel); /* READY has come */
/* The process must go; text says why (the first text counts). It is killed unless it has said
 * itself that it is ending. */
void channel__end_host(struct channel *channel, enum channel_end end, const char *fmt, ...)
    LANTOA_PRINTF(3, 4);
/* A message was sent, or there are new settings: what was wrong is past. */
void channel__works(struct channel *channel);
/* drain, then end */
void channel__leave(struct channel *channel, enum channel_end end, int64_t grace_ms);
void channel__stop_timers(struct channel *channel);
void channel__flush(struct channel *channel);
void channel__set_state(struct channel *channel, enum channel_state state); /* tells `changed` */
void channel__supervisor_init(struct channel *channel);

/* launch.c */
int channel__launch(struct channel *channel, struct base_err *err) LANTOA_MUST_CHECK;
void channel__put_clock(struct channel *channel);
/* What a host of a channel with these options may see of our environment; freed with
 * channel__environment_free. */
char **channel__options_environment(const char *options_json);

/* channel.c */
char *channel__plugin_path(const char *plugin); /* caller owns */

/* recover.c */
/* takes the journal's lock if nobody holds it; false: not now */
bool channel__lock(struct channel *channel);
/* the host of a dead core that still runs; 0: none is known */
pid_t channel__leftover(const struct channel *channel);
int channel__recover(struct channel *channel, struct base_err *err) LANTOA_MUST_CHECK;
/* No host runs: the end of everything that is out is what the journal says. */
void channel__settle(struct channel *channel);
void channel__slots_new(struct channel *channel, uint32_t count);
void channel__slots_free(struct channel *channel);

/* feed.c */
/* ends the messages that were put and found no host */
void channel__give_back(struct channel *channel);
void channel__tell_steps(struct channel *channel);
void channel__feed_init(struct channel *channel);
void channel__feed_release(struct channel *channel);

/* intake.c */
/* Acts on all whole frames that have come; ends the host if it does not keep to the protocol. */
void channel__take_frames(struct channel *channel);
/* Notes the end of a message for deliver(); false if no such message is out. */
bool channel__note_result(struct channel *channel, const struct wire_result *result);
void channel__deliver(struct channel *channel); /* what was noted, to the call backs */

/* chatter.c */
void channel__log_line(struct channel *channel, enum base_log_level level, struct str line);
void channel__read_stderr(struct channel *channel); /* what is there now */

#endif
