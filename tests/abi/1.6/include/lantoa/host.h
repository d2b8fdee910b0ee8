/* What the host offers a plugin. All calls come from and go to the one thread that runs the plugin,
 * except host->wake, which any thread may call. None blocks, and none calls back into the plugin
 * before it returns. */
#ifndef LANTOA_HOST_H
#define LANTOA_HOST_H

#include "errors.h"
#include "http.h"
#include "message.h"
#include <stdbool.h>
#include <stdint.h>

enum lantoa_log_level { LANTOA_LOG_DEBUG, LANTOA_LOG_INFO, LANTOA_LOG_WARN, LANTOA_LOG_ERROR };
enum lantoa_watch_events { LANTOA_READ = 1, LANTOA_WRITE = 2 };

struct lantoa_timer; /* opaque */
struct lantoa_watch; /* opaque */

/* One address found by resolve(): ready for connect(). */
struct lantoa_sockaddr {
    int family, socktype, protocol;
    unsigned length;
    unsigned char bytes[128];
};

struct lantoa_host {
    size_t size;
    unsigned minor;       /* the host's ABI minor */
    const char *channel;  /* this channel's name */
    const char *data_dir; /* the data folder; absolute */
    /* a folder of this channel's own inside it, made before open(); absolute */
    const char *state_dir;

    /* Text for the log; no secrets, no addresses: name a message by its id. UTF-8, cut after 2000
     * bytes; about 100 lines a second are kept, and the number of those dropped is told. DEBUG
     * goes nowhere unless LANTOA_DEBUG is set. */
    void (*log)(const struct lantoa_host *host, enum lantoa_log_level level, const char *fmt, ...)
        LANTOA_PRINTF(3, 4);
    /* A figure for /metrics and `channel list`; the name is [a-z_]+, at most 47 letters, and there
     * are at most 64 of them; others, and what is no finite number, are dropped. Replaces the
     * earlier value. */
    void (*metric)(const struct lantoa_host *host, const char *name, double value);
    /* The program's time of day in ms since 1970: maybe simulated, so only for stamps. */
    int64_t (*now)(const struct lantoa_host *host);
    /* Monotonic real milliseconds: for time-outs. */
    int64_t (*ticks)(const struct lantoa_host *host);

    /* Calls back once after `ms` of real time (0: on the next turn of the loop), never from inside
     * this call. NULL when out of memory. The host owns it: timer_stop frees it, and so does having
     * fired, so forget the pointer then. */
    struct lantoa_timer *(*timer)(
        const struct lantoa_host *host, int64_t ms, void (*fire)(void *arg), void *arg);
    /* NULL is fine, here and in watch_stop. */
    void (*timer_stop)(const struct lantoa_host *host, struct lantoa_timer *timer);
    /* Watches a descriptor, which must not block, for lantoa_watch_events until watch_stop, which
     * must come before close(fd); the descriptor stays the plugin's. watch_set changes what for (0:
     * nothing). NULL when out of memory. */
    struct lantoa_watch *(*watch)(const struct lantoa_host *host, int fd, unsigned events,
        void (*ready)(void *arg, unsigned events), void *arg);
    void (*watch_set)(const struct lantoa_host *host, struct lantoa_watch *watch, unsigned events);
    void (*watch_stop)(const struct lantoa_host *host, struct lantoa_watch *watch);
    /* From any thread: has ops->woken(self) called soon on the plugin's thread. */
    void (*wake)(const struct lantoa_host *host);
    /* Looks a name up without blocking (a thread of the host's calls getaddrinfo); addresses in
     * order of preference, count 0 with an error text when there are none. The addresses are valid
     * during the call back only, which never comes from inside this call. name and port are copied.
     * LANTOA_EAGAIN: too many look-ups wait already. */
    int (*resolve)(const struct lantoa_host *host, const char *name, const char *port,
        void (*found)(
            void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error),
        void *arg);

    /* How many messages the plugin wants at most between send() and result(); never above the
     * channel's own window. */
    void (*window)(const struct lantoa_host *host, size_t messages);
    /* Just before the first byte of a message leaves. From here on a crash makes it "uncertain",
     * so: not earlier, and never later. */
    void (*began)(const struct lantoa_host *host, uint64_t id);
    /* How a message ended; exactly once per message, at any time after send(), also from inside it.
     * Copied. */
    void (*result)(const struct lantoa_host *host, const struct lantoa_result *result);
    /* A receipt or an answer. Copied. Acknowledge it to the operator at event_done(event->token),
     * not earlier. 0: on its way; LANTOA_EAGAIN: too many wait for the core, give it again later;
     * LANTOA_EINVAL: no such kind or reason. key, ref and address: at most 1024 bytes, detail 64
     * KiB are kept. */
    int (*event)(const struct lantoa_host *host, const struct lantoa_event *event);
    /* Answers ops->drain: nothing is under way any more. */
    void (*drained)(const struct lantoa_host *host);
    /* The plugin cannot go on (wrong password, unusable option): the host ends and is restarted
     * with back-off, then parked with this text for staff, after the third time in a row. Write it
     * for them: what is wrong and where to put it right, no secrets. The first text counts.
     * Messages that have not begun go back; others should still get their results first. */
    void (*fail)(const struct lantoa_host *host, const char *fmt, ...) LANTOA_PRINTF(2, 3);

    /* ABI 1.1: an HTTP request on the host's loop; see http.h. The request is copied. Answered
     * exactly once, never from inside this call. LANTOA_EDENIED: the server is not among those the
     * channel may talk to; LANTOA_EINVAL: no request can be made of this; LANTOA_EAGAIN: too many
     * are under way. request_out may be NULL. */
    int (*http)(const struct lantoa_host *host, const struct lantoa_http_request *request,
        void (*answered)(void *arg, const struct lantoa_http_answer *answer), void *arg,
        struct lantoa_http **request_out);
    /* Ends a request that has not been answered; `answered` is not called. */
    void (*http_cancel)(const struct lantoa_host *host, struct lantoa_http *request);
};

#endif
