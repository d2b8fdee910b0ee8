/* What the files of the door share. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include "api/commit.h"
#include "api/metrics.h"
#include "api/server.h"
#include "base/buf.h"
#include "base/hash.h"
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct api_server;
struct api_request;
struct link_targets;

enum api_methods { API_GET = 1, API_POST = 2 }; /* API_GET: HEAD too */

/* A row of the routing table (server.c). */
struct api_route {
    const char *prefix; /* "/t/": the rest of the path is request->tail; without '/' at its end: the
                           whole path */
    int methods;
    size_t body_bytes_max; /* of a POST */
    enum metrics_route metric;
    /* Called with the whole request; must answer (reply.h) or call request_commit. */
    void (*take)(struct api_request *request);
    /* After the commit, request->item.result tells how it went; must answer. */
    void (*after)(struct api_request *request);
};
const struct api_route *server_route(struct str path, struct str *tail_out); /* NULL: none */

enum request_phase {
    REQUEST_NEW,
    REQUEST_READS,
    REQUEST_WAITS,     /* in the commit queue */
    REQUEST_COMMITTED, /* or refused: to be answered */
    REQUEST_ANSWERED
};

/* A connection, as long as it is open. */
struct api_visit {
    struct api_visit *next, **link;
    int fd;
    int64_t awaited_us; /* since when the head of a request is awaited; 0: there is one */
};

/* A program that followed links lately (follow.c). */
struct api_agent {
    int64_t hash;
    enum click_machine machine;
    size_t bytes;
    char text[240]; /* User-Agent */
};
#define API_AGENTS 64

/* One serving thread (loop.c): a daemon of the library on the socket that all share. */
struct api_loop {
    struct api_server *server;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    int poll_fd, wake_fd;
    struct api_visit *visits;
    struct api_agent agents[API_AGENTS]; /* of the thread, by hash of their text */
    int64_t swept_us;
    int64_t now_us;            /* of the thread, as the next three: when its turn began */
    uint64_t taken;            /* requests put into the commit queue so far */
    size_t waiting, suspended; /* requests in the commit queue; of them asked for no answer */

    pthread_mutex_t lock;        /* of what follows */
    struct commit_item *settled; /* through with the commit queue */
    bool asleep;                 /* the thread has to be woken for them */
};

/* Channels that one call-back may name: /hook/A+B. */
#define API_HOOK_CHANNELS 4

/* One request. Belongs to the thread that serves its connection; while it waits for the commit, its
 * item and what its work reads belong to whoever commits. */
struct api_request {
    struct commit_item item; /* first: it is the request that comes back */
    struct api_server *server;
    struct api_loop *loop;
    struct MHD_Connection *connection;
    const struct api_route *route;
    enum request_phase phase;
    bool head, post;
    bool suspended;
    bool gone;        /* its connection ended while it waited */
    int64_t waits_us; /* since when it is in the commit queue */
    unsigned refusal; /* status decided before the body was read; 0: none */
    char *uri;        /* as it came */
    struct str tail, query;
    struct base_buf body;
    int64_t began_us;
    size_t swallowed; /* bytes of a body too large */
    enum MHD_Result queued;

    /* The routes' own. */
    struct click click;
    struct MHD_Response *target; /* BORROWED from the link targets */
    struct hook hook;
    int64_t hook_channels[API_HOOK_CHANNELS]; /* each gets the call-back */
    size_t hook_channel_count;
    struct base_buf text; /* headers of a call-back, evidence of a choice */
    struct choice_change *change;
};

/* What a channel's call-backs took lately (callback.c). */
struct callback_rate {
    int64_t at_us, used_bytes;
};
#define API_RATES 64

struct api_server {
    struct api_loop *loops;
    size_t loop_count;
    int listen_fd;
    struct commit_queue *queue;
    struct metrics *metrics;
    struct link_targets *targets;
    char *data_dir;
    bool tls;
    int port;
    atomic_int_fast64_t beat_us; /* of the delivery loop: when it last went round */
    int64_t stuck_us;

    pthread_mutex_t lock; /* of what follows: shared by the serving threads, each for moments */
    struct db *db;        /* for reading */
    struct db_stmt *channel;
    struct callback_rate rates[API_RATES]; /* by channel id */
    struct base_hmac *instance;

    pthread_mutex_t feed_lock; /* of what follows: a calendar takes longer than moments */
    struct db *feed_db;        /* for reading */
    struct base_hmac *feed_instance;
};

/* --- loop.c --- */
void loop_init(struct api_loop *loop, struct api_server *server);
/* TAKES the daemon, also on error. Until loop_release the thread alone uses it. */
int loop_start(struct api_loop *loop, struct MHD_Daemon *daemon, struct base_err *err);
/* Has it take a turn. From any thread. */
void loop_wake(struct api_loop *loop);
/* Has it look at what went through the commit queue, if there is any. From any thread. */
void loop_told(struct api_loop *loop);
/* Takes no new connections, answers what waits for the disk, ends the thread. Twice is fine. */
void loop_stop(struct api_loop *loop);
void loop_release(struct api_loop *loop);
/* For the library: connections come and go. */
void loop_visit(void *loop, struct MHD_Connection *connection, void **visit,
    enum MHD_ConnectionNotificationCode code);
/* The head of a request is there (true), or the next one is awaited. */
void loop_head(struct MHD_Connection *connection, bool there);
/* For the handler of a request that waits and is asked again. */
enum MHD_Result loop_wait(struct api_request *request);

/* --- request.c --- */
void request_free(struct api_request **request);
void *request_begin(void *loop, const char *uri, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *loop, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *data_bytes, void **request);
void request_end(void *loop, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code);
/* Puts the request into the commit queue; route->after is called when it is through, also when the
 * queue takes nothing. (loop.c) */
void request_commit(struct api_request *request,
    int (*work)(struct commit_item *, const struct commit_writers *, struct base_err *));
/* A header's value; .at NULL when absent. BORROWED from the request. */
struct str request_header(const struct api_request *request, const char *name);
/* The peer's address; behind a proxy on this machine the one it names. */
void request_remote(const struct api_request *request, char out[static 64]);

/* --- the routes --- */
void follow_take(struct api_request *request);
void follow_after(struct api_request *request);
void open_take(struct api_request *request);
void open_after(struct api_request *request);
void unsubscribe_take(struct api_request *request);
void unsubscribe_after(struct api_request *request);
void preferences_take(struct api_request *request);
void preferences_after(struct api_request *request);
void callback_take(struct api_request *request);
void callback_after(struct api_request *request);
void feed_take(struct api_request *request);
/* A network asks whether an address is ours: hub.challenge. True: it was asked, and is answered. */
bool challenge_take(struct api_request *request, int64_t channel_id);
void health_take(struct api_request *request);
void metrics_take(struct api_request *request);
void robots_take(struct api_request *request);

/* Where links lead, remembered: what is planned does not change. Thread-safe. */
struct link_targets *link_targets_new(void);
void link_targets_free(struct link_targets **targets);

#endif
