/* What the files of this folder share: the case, the bed (one channel under test), the peer. */
#ifndef KIT_INTERNAL_H
#define KIT_INTERNAL_H

#include "base/buf.h"
#include "base/mem.h"
#include "channel/channel.h"
#include "channel/quote.h"
#include "kit/kit.h"
#include <ev.h>

#define KIT_SECRETS_MOST 32
#define KIT_PATIENCE_MS 8000
#define KIT_AFTER_MS 30 /* after the last result: a second one would come now */

enum kit_peer_kind { KIT_PEER_NONE, KIT_PEER_HTTP, KIT_PEER_TCP };

struct kit_case {
    char *plugin; /* its name */
    char *path, *dir;
    struct channel_manifest *manifest;
    struct base_json *doc; /* NULL without a case file */
    const char *address, *name, *lang;
    enum kit_peer_kind peer;
    const json_t *http;        /* BORROWED from doc */
    char *tcp_host, *tcp_port; /* of the server behind the kit */
    int64_t patience_ms;
    char *secrets[KIT_SECRETS_MOST]; /* values that must appear nowhere */
    size_t secret_count;
};

/* --- case.c --- */

/* The channel file of the case for a peer on this port, as text the caller frees. */
char *kit__channel_text(const struct kit_case *kase, int port);
/* The value of a content row; "" when the case has none and it is not required. BORROWED. */
const char *kit__content(const struct kit_case *kase, size_t row);
/* Replaces every secret in the buffer by "***". */
void kit__hide(const struct kit_case *kase, struct base_buf *text);
/* Which secret stands in the text: NULL, or its value. */
const char *kit__secret_in(const struct kit_case *kase, struct str text);

/* --- peer.c, peer_http.c, peer_proxy.c --- */

enum kit_mood {
    KIT_GOOD,
    KIT_THROTTLE,   /* "too many requests" */
    KIT_BROKEN,     /* "internal error" */
    KIT_SILENT,     /* takes everything, says nothing */
    KIT_LATE,       /* says it after half a second */
    KIT_TWICE,      /* says everything twice */
    KIT_REORDER,    /* answers the last first */
    KIT_CUT_ACCEPT, /* hangs up at once */
    KIT_CUT_READ,   /* hangs up when it has the request */
    KIT_CUT_HEAD,   /* hangs up within the answer's head */
    KIT_CUT_BODY,   /* hangs up within the answer's body */
    KIT_LIE_PAGE,   /* answers with a page for people, as a captive portal does */
    KIT_LIE_NOISE,  /* answers with noise */
    KIT_LIE_HUGE,   /* answers with more than anybody wants */
    KIT_SLOW,       /* a byte at a time */
};

struct kit_peer;
/* Listens on 127.0.0.1 (port 0: any). told: where requests and answers are written, may be NULL. */
int kit__peer_open(struct ev_loop *loop, const struct kit_case *kase, int port, FILE *told,
    struct kit_peer **peer_out, struct base_err *err) LANTOA_MUST_CHECK;
void kit__peer_close(struct kit_peer **peer);
int kit__peer_port(const struct kit_peer *peer);
void kit__peer_mood(struct kit_peer *peer, enum kit_mood mood);
/* What it has seen since the mood was set. */
size_t kit__peer_requests(const struct kit_peer *peer);
size_t kit__peer_malformed(const struct kit_peer *peer); /* that were no HTTP */
/* How many whole requests carried this key, and the number in the last good answer to one (0:
 * none). */
size_t kit__peer_saw(const struct kit_peer *peer, const char *key, uint64_t *number_out);

/* --- bed.c --- */

struct kit_message {
    uint64_t id;
    char key[21];
    unsigned results; /* how many it got */
    enum lantoa_outcome outcome;
    enum lantoa_reason reason;
    int64_t after_ms, at_ms; /* at_ms: real time of the result */
    char ref[121], detail[501];
};

struct kit_bed {
    const struct kit_case *kase;
    struct ev_loop *loop;
    struct kit_peer *peer; /* NULL: none */
    struct channel *channel;
    char *data_dir;
    int log_fd;          /* a memory file that the log goes to */
    struct base_buf log; /* all that was logged so far, see kit__bed_log */
    struct kit_message *messages;
    size_t count, room, ended, foreign;
    size_t put; /* handed over of those */
    size_t events;
    int hook_code;
    bool hook_answered, died;
    char why[1024];            /* it died of */
    const char *const *values; /* content to send instead of the case's; NULL: the case's */
};

/* Makes a data folder and a loop; no channel yet. told as for kit__peer_open; NULL and no peer when
 * the case has none. */
int kit__bed_open(const struct kit_case *kase, FILE *told, struct kit_bed *bed_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void kit__bed_close(struct kit_bed *bed);
/* Starts the channel and waits until it is ready: LANTOA_ESTATE with the plugin's words when it
 * does not get ready. port 0: the peer's. */
int kit__bed_start(struct kit_bed *bed, int port, struct base_err *err) LANTOA_MUST_CHECK;
/* Drains and ends it; false: it did not end as it should (bed->why). */
bool kit__bed_stop(struct kit_bed *bed);
/* Forgets the messages of before. */
void kit__bed_fresh(struct kit_bed *bed);
/* Hands over `count` more messages, as there is room; does not wait for their ends. */
void kit__bed_send(struct kit_bed *bed, size_t count);
/* Runs the loop until every message has its end, the host dies, or time is up. True: all ended. */
bool kit__bed_wait(struct kit_bed *bed, int64_t ms);
/* Runs the loop for so long. */
void kit__bed_pass(struct kit_bed *bed, int64_t ms);
size_t kit__bed_count(const struct kit_bed *bed, enum lantoa_outcome outcome);
/* Brings bed->log up to date and returns what came since the last call; BORROWED until the next. */
struct str kit__bed_log(struct kit_bed *bed);
pid_t kit__bed_host(void); /* the channel host; 0: none */

const char *kit__outcome_word(enum lantoa_outcome outcome);
const char *kit__reason_word(enum lantoa_reason reason);

/* --- quote.c --- */

/* Asks what the case's message costs and looks like, `times` over, on a bed that has started. */
int kit__ask_quotes(const struct kit_bed *bed, size_t times, channel_quoted_fn *answered, void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- check.c, check_options.c, check_peer.c --- */

struct kit_report {
    struct kit_case *kase;
    kit_say_fn *say;
    void *arg;
};
void kit__say(const struct kit_report *report, enum kit_verdict verdict, const char *check,
    const char *fmt, ...) LANTOA_PRINTF(4, 5);
/* What the plugin says of values of its options: those of the case, and odd ones. */
void kit__check_options(const struct kit_report *report, const struct kit_bed *bed);
/* Against the peer in each of its moods. only: one of them, or NULL. False: none is called that. */
bool kit__check_peer(struct kit_report *report, struct kit_bed *bed, const char *only);

#endif
