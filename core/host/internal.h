/* What the files of this folder share: the one host of the process. */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include "base/err.h"
#include "base/idmap.h"
#include "base/mem.h"
#include "host/options.h"
#include "host/plugin.h"
#include "wire/journal.h"
#include "wire/record.h"
#include <ev.h>
#include <lantoa/plugin.h>

#define HOST_METRICS_MOST 64

enum host_stage {
    HOST_QUEUED, /* waits here; the plugin has not seen it */
    HOST_HANDED, /* the plugin has it; nothing has left */
    HOST_BEGUN,
};

/* Messages of one SEND frame share one allocation, which goes when the last of them has ended. */
struct host_chunk {
    struct host_chunk *next_dead;
    size_t alive;
};

struct host_message {
    /* what the plugin sees; first, so that one pointer is the other */
    struct lantoa_message message;
    struct host_message *next; /* in the queue */
    struct host_chunk *chunk;
    struct host_step *step;
    int64_t handed_ms; /* when the plugin got it; real time */
    uint32_t slot;
    enum host_stage stage;
};

struct host_step {
    struct lantoa_step step;
    struct host_step *next;
    struct base_arena *arena;
    uint32_t ref;
    size_t messages; /* that have not ended */
    bool forgotten;
};

struct host_metric {
    char name[WIRE_METRIC_NAME_MOST + 1];
    double value;
    bool told;
};

struct host_resolver;
struct host_http;

struct host {
    struct lantoa_host api; /* first: the plugin's `host` is this */
    struct ev_loop *loop;
    struct host_plugin *plugin;
    struct host_config *config;
    void *self; /* the plugin's instance; NULL before open */
    char *channel, *data_dir, *state_dir;
    int fd; /* to the core; -1 when the core is gone */
    struct wire_inbox inbox;
    struct wire_writer outbox;
    struct wire_journal *journal;

    struct host_message **by_slot;
    struct base_idmap *by_id;
    struct host_message *queue_head, *queue_tail;
    /* freed at the end of the loop turn: the plugin may still hold the batch */
    struct host_chunk *dead;
    struct host_step *steps;
    size_t underway;              /* handed to the plugin, no result yet */
    size_t window, plugin_window; /* the channel's, and what the plugin asked for */
    /* ids that ended last, to tell a second result from a foreign id */
    uint64_t ended[64];
    size_t ended_at;

    bool ready, draining, drained, leaving;
    char fail_text[1024]; /* set: the plugin cannot go on */

    struct host_metric metrics[HOST_METRICS_MOST];
    size_t metric_count, metrics_untold;
    size_t log_tokens, log_dropped;
    int64_t timeout_ms;  /* a message handed over must have ended by then */
    uint32_t memory_mb;  /* the plugin's limit, as staff wrote it */
    size_t memory_bytes; /* resident memory above which the host ends; 0: no limit */
    enum lantoa_log_level log_level;

    struct host_resolver *resolver;
    struct host_http *http;
    ev_io reading, writing;
    ev_prepare turn;
    ev_idle busy;
    ev_async woken;
    ev_timer beat, grace, gather;
    bool gathering; /* something waits in outbox until the timer ends or there is enough */
};

/* The plugin holds a const view of the first member. */
static inline struct host *host__of(const struct lantoa_host *api) {
    union {
        const struct lantoa_host *from;
        struct host *to;
    } cast = {.from = api};
    return cast.to;
}

/* api.c */
void host__api_fill(struct host *host);
/* The plugin broke the rules: what is known is in the journal, so tells the core and ends the
 * process. */
_Noreturn void host__fault(struct host *host, const char *fmt, ...) LANTOA_PRINTF(2, 3);
void host__beat(struct host *host); /* metrics, log allowance; twice a second */

/* api_loop.c */
void host__api_loop_fill(struct host *host);

/* resolve.c */
void host__api_resolve_fill(struct host *host);
void host__resolver_free(struct host *host);

/* http.c */
/* hosts: as in wire_hello; options: the JSON object of the channel file. */
void host__http_init(struct host *host, struct str hosts, struct str options);
void host__http_free(struct host *host); /* ends what is under way, calls nobody back */

/* check.c */
/* What the plugin says of these values; 0 where it says nothing. Texts of checked_out are BORROWED
 * from fault. */
int host__check_options(const struct host_plugin *plugin, const struct host_config *config,
    struct lantoa_fault *fault, struct wire_checked *checked_out) LANTOA_MUST_CHECK;
/* The same with the reason in err, in the language of this process. */
int host__must_be_openable(const struct host_plugin *plugin, const struct host_config *config,
    struct base_err *err) LANTOA_MUST_CHECK;

/* hook.c */
bool host__take_hook(struct host *host, struct wire_reader *body);

/* queue.c */
bool host__take_step(struct host *host, struct wire_reader *body);
void host__forget_step(struct host *host, uint32_t ref);
struct host_step *host__find_step(const struct host *host, uint32_t ref);
bool host__take_messages(struct host *host, struct wire_reader *body, const char **why_out);
/* hands waiting messages to the plugin, as many as the window allows */
void host__pump(struct host *host);
bool host__pump_wanted(const struct host *host);
void host__cancel(struct host *host, uint32_t step_ref); /* 0: all steps */
void host__end_message(
    struct host *host, struct host_message *message, const struct wire_result *result);
struct host_message *host__find(const struct host *host, uint64_t id);
/* ends the process when the plugin sits on a message */
void host__check_overdue(struct host *host);
void host__bury(struct host *host); /* frees dead chunks and forgotten steps */
void host__queue_free(struct host *host);

/* intake.c */
/* Acts on all whole frames of the inbox; false: the core does not keep to the protocol. */
bool host__take_frames(struct host *host, const char **why_out);

/* run.c */
void host__drain(struct host *host, int64_t grace_ms);
bool host__send_all(struct host *host, int64_t most_ms); /* waits until everything has left */
/* Waits for the core's first frame; its texts are BORROWED from the inbox. */
int host__receive_hello(
    struct host *host, struct wire_hello *hello_out, struct base_err *err) LANTOA_MUST_CHECK;
void host__greet(struct host *host);
void host__tell_fail(struct host *host, enum wire_fail fail, const char *text);

/* confine.c */
void host__confine(const char *name);
/* Root becomes this user for good, after the secrets were read and before the plugin opens. The
 * state folder (state_dir_io may be NULL) is given to the user and becomes the working folder, ".";
 * other files of the data folder are out of reach. Nothing to do without root or with an empty
 * name. LANTOA_ENOENT: there is no such user. */
int host__become(struct str user, char **state_dir_io, struct base_err *err) LANTOA_MUST_CHECK;
void host__limit_memory(uint32_t memory_mb);
size_t host__resident_bytes(void);
size_t host__memory_allowed(uint32_t memory_mb); /* resident bytes; more under a sanitizer */

#endif
