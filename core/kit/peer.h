/* What peer.c (connections), peer_http.c and peer_proxy.c (what is said on them) share. */
#ifndef KIT_PEER_H
#define KIT_PEER_H

#include "kit/internal.h"

#define KIT_KEY_BYTES 20
#define KIT_HUGE_BYTES ((size_t)20 << 20)

struct kit_conn {
    struct kit_conn *next;
    struct kit_peer *peer;
    int fd, server_fd; /* server_fd: behind a proxy; -1 */
    ev_io reading, writing, server_reading, server_writing;
    ev_timer timer;
    struct base_buf in, out, held, to_server;
    size_t huge_left; /* bytes of nothing still to be written */
    size_t chunks;    /* that came from the server */
    bool closing;     /* close when out is empty */
    bool trickle;     /* one byte at a time */
    bool waiting;     /* an answer is in held, until the timer */
};

struct kit_seen {
    char key[KIT_KEY_BYTES + 1];
    size_t times;
    uint64_t number;
};

struct kit_peer {
    struct ev_loop *loop;
    const struct kit_case *kase;
    FILE *told;
    int fd, port;
    ev_io accepting;
    enum kit_mood mood;
    struct kit_conn *conns;
    struct kit_seen *seen;
    size_t seen_count, seen_room;
    size_t requests, malformed, waiting;
    uint64_t number;
    struct sockaddr_storage *server; /* of a proxy */
    size_t server_bytes;
};

/* --- peer.c --- */

void kit__conn_write(struct kit_conn *conn); /* what out holds, as far as it goes */
void kit__conn_close(struct kit_conn *conn); /* frees it: the last call on it */
/* Has kit__conn_ripe called after `ms`. */
void kit__conn_later(struct kit_conn *conn, int64_t ms);
void kit__conn_release_held(struct kit_conn *conn); /* held goes out */
void kit__put_noise(struct base_buf *out, size_t count);
/* Puts an answer aside; the third that waits, or the timer, lets all go, the last first. */
void kit__conn_hold(struct kit_conn *conn);
void kit__peer_tell(const struct kit_peer *peer, const char *head, struct str bytes);

/* --- peer_http.c --- */

/* Acts on all whole requests of `in`; may close the connection: false then. */
bool kit__http_take(struct kit_conn *conn);

/* --- peer_proxy.c --- */

int kit__proxy_resolve(struct kit_peer *peer, struct base_err *err) LANTOA_MUST_CHECK;
bool kit__proxy_begin(struct kit_conn *conn); /* false: no server, conn is closed */
bool kit__proxy_take(struct kit_conn *conn);  /* bytes of the plugin; false: conn is closed */
void kit__proxy_end(struct kit_conn *conn);

#endif
