/* The peer's connections: accepting, reading, writing at the pace and with the end that its mood
 * asks for. What is said on them is peer_http.c's and peer_proxy.c's. */
#include "kit/peer.h"
#include "base/hash.h"
#include "base/tr.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MOST ((size_t)32 << 20)
#define IN_MOST ((size_t)16 << 20)
#define TRICKLE_MS 3
#define REORDER_MS 300
#define REORDER_COUNT 3
#define BACKLOG 256

void kit__put_noise(struct base_buf *out, size_t count) {
    /* The same noise each time: a fault found once is found again. */
    uint32_t state = 2463534242u;
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        base_buf_add_char(out, (char)(unsigned char)(state & 0xff));
    }
}

void kit__peer_tell(const struct kit_peer *peer, const char *head, struct str bytes) {
    if (!peer->told) {
        return;
    }
    struct base_buf text;
    base_buf_init(&text, OUT_MOST);
    base_buf_add_str(&text, bytes);
    kit__hide(peer->kase, &text);
    fprintf(peer->told, "%s\n", head);
    struct str rest = base_buf_str(&text);
    while (rest.bytes > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        fprintf(peer->told, "    | " STR_FMT "\n", STR_ARG(line));
    }
    fflush(peer->told);
    base_buf_release(&text);
}

void kit__conn_close(struct kit_conn *conn) {
    struct kit_peer *peer = conn->peer;
    struct kit_conn **at = &peer->conns;
    while (*at != conn) {
        at = &(*at)->next;
    }
    *at = conn->next;
    peer->waiting -= conn->waiting;
    ev_io_stop(peer->loop, &conn->reading);
    ev_io_stop(peer->loop, &conn->writing);
    ev_timer_stop(peer->loop, &conn->timer);
    kit__proxy_end(conn);
    close(conn->fd);
    base_buf_release(&conn->in);
    base_buf_release(&conn->out);
    base_buf_release(&conn->held);
    base_buf_release(&conn->to_server);
    base_free(conn);
}

void kit__conn_later(struct kit_conn *conn, int64_t ms) {
    ev_now_update(conn->peer->loop);
    ev_timer_stop(conn->peer->loop, &conn->timer);
    ev_timer_set(&conn->timer, (double)ms / 1000, 0);
    ev_timer_start(conn->peer->loop, &conn->timer);
}

static void add_huge(struct kit_conn *conn) {
    static const char nothing[16384] = {0};
    size_t count = conn->huge_left < sizeof(nothing) ? conn->huge_left : sizeof(nothing);
    base_buf_add(&conn->out, nothing, count);
    conn->huge_left -= count;
}

void kit__conn_write(struct kit_conn *conn) {
    for (;;) {
        if (conn->out.bytes == 0 && conn->huge_left > 0) {
            add_huge(conn);
        }
        if (conn->out.bytes == 0) {
            break;
        }
        size_t count = conn->trickle ? 1 : conn->out.bytes;
        ssize_t done = send(conn->fd, conn->out.at, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
            ev_io_start(conn->peer->loop, &conn->writing);
            return;
        }
        if (done < 0) {
            kit__conn_close(conn);
            return;
        }
        base_buf_consume(&conn->out, (size_t)done);
        if (conn->trickle && conn->out.bytes > 0) {
            kit__conn_later(conn, TRICKLE_MS);
            return;
        }
    }
    ev_io_stop(conn->peer->loop, &conn->writing);
    if (conn->closing) {
        kit__conn_close(conn);
    }
}

void kit__conn_release_held(struct kit_conn *conn) {
    conn->peer->waiting -= conn->waiting;
    conn->waiting = false;
    base_buf_add_str(&conn->out, base_buf_str(&conn->held));
    base_buf_clear(&conn->held);
    kit__conn_write(conn);
}

/* The list is in the order of the newest connection first, which is the order wanted. */
static void release_all(struct kit_peer *peer) {
    struct kit_conn *conn = peer->conns;
    while (conn) {
        struct kit_conn *next = conn->next;
        if (conn->waiting) {
            kit__conn_release_held(conn);
        }
        conn = next;
    }
}

void kit__conn_hold(struct kit_conn *conn) {
    struct kit_peer *peer = conn->peer;
    peer->waiting += !conn->waiting;
    conn->waiting = true;
    if (peer->waiting >= REORDER_COUNT) {
        release_all(peer);
    } else {
        kit__conn_later(conn, REORDER_MS);
    }
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events) {
    (void)loop;
    (void)events;
    struct kit_conn *conn = timer->data;
    if (conn->waiting && conn->peer->mood == KIT_REORDER) {
        release_all(conn->peer);
    } else if (conn->waiting) {
        kit__conn_release_held(conn);
    } else {
        kit__conn_write(conn);
    }
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events) {
    (void)loop;
    (void)events;
    kit__conn_write(io->data);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events) {
    (void)loop;
    (void)events;
    struct kit_conn *conn = io->data;
    char piece[16384];
    ssize_t count = read(conn->fd, piece, sizeof(piece));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        kit__conn_close(conn);
        return;
    }
    base_buf_add(&conn->in, piece, (size_t)count);
    if (!base_buf_ok(&conn->in)) {
        kit__conn_close(conn);
        return;
    }
    (void)(conn->peer->kase->peer == KIT_PEER_TCP ? kit__proxy_take(conn) : kit__http_take(conn));
}

static void add_conn(struct kit_peer *peer, int fd) {
    struct kit_conn *conn = base_alloc(sizeof(*conn));
    int yes = 1;
    *conn = (struct kit_conn){.next = peer->conns, .peer = peer, .fd = fd, .server_fd = -1};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    base_buf_init(&conn->in, IN_MOST);
    base_buf_init(&conn->out, OUT_MOST);
    base_buf_init(&conn->held, OUT_MOST);
    base_buf_init(&conn->to_server, OUT_MOST);
    ev_io_init(&conn->reading, on_readable, fd, EV_READ);
    ev_io_init(&conn->writing, on_writable, fd, EV_WRITE);
    ev_init(&conn->timer, on_time);
    ev_init(&conn->server_reading, NULL);
    ev_init(&conn->server_writing, NULL);
    conn->reading.data = conn->writing.data = conn->timer.data = conn;
    peer->conns = conn;
    if (peer->mood == KIT_CUT_ACCEPT) {
        kit__conn_close(conn);
    } else if (peer->kase->peer == KIT_PEER_HTTP || kit__proxy_begin(conn)) {
        ev_io_start(peer->loop, &conn->reading);
    }
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events) {
    (void)loop;
    (void)events;
    int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        add_conn(io->data, fd);
    }
}

static int listen_on(struct kit_peer *peer, int port, struct base_err *err) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t bytes = sizeof(address);
    int yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 || setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(peer->fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(peer->fd, BACKLOG) != 0 ||
        getsockname(peer->fd, (struct sockaddr *)&address, &bytes) != 0) {
        return base_err_set(
            err, LANTOA_EIO, TR("cannot listen on 127.0.0.1:%d: %s"), port, strerror(errno));
    }
    peer->port = ntohs(address.sin_port);
    return 0;
}

int kit__peer_open(struct ev_loop *loop, const struct kit_case *kase, int port, FILE *told,
    struct kit_peer **peer_out, struct base_err *err) {
    struct kit_peer *peer = base_alloc(sizeof(*peer));
    *peer = (struct kit_peer){.loop = loop, .kase = kase, .told = told, .fd = -1};
    ev_init(&peer->accepting, on_accept);
    int rc = kase->peer == KIT_PEER_TCP ? kit__proxy_resolve(peer, err) : 0;
    rc = rc ? rc : listen_on(peer, port, err);
    if (rc != 0) {
        kit__peer_close(&peer);
        return rc;
    }
    ev_io_set(&peer->accepting, peer->fd, EV_READ);
    peer->accepting.data = peer;
    ev_io_start(loop, &peer->accepting);
    *peer_out = peer;
    return 0;
}

void kit__peer_close(struct kit_peer **peer) {
    struct kit_peer *old = *peer;
    if (!old) {
        return;
    }
    while (old->conns) {
        kit__conn_close(old->conns);
    }
    ev_io_stop(old->loop, &old->accepting);
    if (old->fd >= 0) {
        close(old->fd);
    }
    base_free(old->seen);
    base_free(old->server);
    base_free(old);
    *peer = NULL;
}

int kit__peer_port(const struct kit_peer *peer) {
    return peer->port;
}

void kit__peer_mood(struct kit_peer *peer, enum kit_mood mood) {
    while (peer->conns) { /* a new mood begins with new connections */
        kit__conn_close(peer->conns);
    }
    peer->mood = mood;
    peer->requests = peer->malformed = peer->seen_count = 0;
}

size_t kit__peer_requests(const struct kit_peer *peer) {
    return peer->requests;
}

size_t kit__peer_malformed(const struct kit_peer *peer) {
    return peer->malformed;
}

size_t kit__peer_saw(const struct kit_peer *peer, const char *key, uint64_t *number_out) {
    for (size_t i = 0; i < peer->seen_count; i++) {
        if (strcmp(peer->seen[i].key, key) == 0) {
            *number_out = peer->seen[i].number;
            return peer->seen[i].times;
        }
    }
    *number_out = 0;
    return 0;
}
