/* The peer in between: a server that works behind it, and what it says to the plugin changed as the
 * mood is. Knows no protocol. */
#include "base/tr.h"
#include "kit/peer.h"
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#define LATE_MS 500
#define CHUNKS_BEFORE_CUT 3

int kit__proxy_resolve(struct kit_peer *peer, struct base_err *err) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(peer->kase->tcp_host, peer->kase->tcp_port, &hints, &found);
    if (code != 0) {
        return base_err_set(err, LANTOA_ENOENT, "%s:%s: %s", peer->kase->tcp_host,
            peer->kase->tcp_port, gai_strerror(code));
    }
    peer->server = base_alloc(sizeof(*peer->server));
    memcpy(peer->server, found->ai_addr, found->ai_addrlen);
    peer->server_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void kit__proxy_end(struct kit_conn *conn) {
    if (conn->server_fd >= 0) {
        ev_io_stop(conn->peer->loop, &conn->server_reading);
        ev_io_stop(conn->peer->loop, &conn->server_writing);
        close(conn->server_fd);
        conn->server_fd = -1;
    }
}

static void say(struct kit_conn *conn, const char *bytes, size_t count) {
    base_buf_add(&conn->out, bytes, count);
}

/* What the server said, as the plugin gets it. Returns false when the connection has been closed.
 */
static bool pass(struct kit_conn *conn, const char *bytes, size_t count) {
    static const char page[] = "HTTP/1.1 200 OK\r\n\r\n<html>Please log in.</html>\r\n";
    enum kit_mood mood = conn->peer->mood;
    size_t nth = ++conn->chunks;
    switch (mood) {
    case KIT_SILENT:
    case KIT_CUT_ACCEPT:
        return true;
    case KIT_LATE:
    case KIT_REORDER:
        /* Reordered: this chunk goes behind the next one. */
        if (conn->waiting && mood == KIT_REORDER) {
            say(conn, bytes, count);
            kit__conn_release_held(conn);
            return false;
        }
        base_buf_add(&conn->held, bytes, count);
        conn->peer->waiting += !conn->waiting;
        conn->waiting = true;
        kit__conn_later(conn, LATE_MS);
        return true;
    case KIT_TWICE:
        say(conn, bytes, count);
        say(conn, bytes, count);
        break;
    case KIT_CUT_HEAD:
        say(conn, bytes, count / 2);
        conn->closing = true;
        break;
    case KIT_CUT_BODY:
        say(conn, bytes, nth >= CHUNKS_BEFORE_CUT ? count / 2 : count);
        conn->closing = nth >= CHUNKS_BEFORE_CUT;
        break;
    case KIT_LIE_PAGE:
        say(conn, page, sizeof(page) - 1);
        break;
    case KIT_LIE_NOISE:
        kit__put_noise(&conn->out, count < 64 ? 64 : count);
        break;
    case KIT_LIE_HUGE:
        conn->huge_left = KIT_HUGE_BYTES;
        break;
    case KIT_THROTTLE:
    case KIT_SLOW:
        say(conn, bytes, count);
        conn->trickle = true;
        break;
    case KIT_GOOD:
    case KIT_BROKEN:
    case KIT_CUT_READ:
        say(conn, bytes, count);
        break;
    }
    bool stays = !conn->closing && conn->huge_left == 0 && !conn->trickle;
    kit__conn_write(conn);
    return stays;
}

static void on_server_readable(struct ev_loop *loop, ev_io *io, int events) {
    (void)loop;
    (void)events;
    struct kit_conn *conn = io->data;
    char piece[16384];
    ssize_t count = read(io->fd, piece, sizeof(piece));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count > 0) {
        struct str bytes = str_of(piece, (size_t)count);
        kit__peer_tell(conn->peer, "  the server says", bytes);
        (void)pass(conn, piece, (size_t)count);
        return;
    }
    kit__proxy_end(conn);
    conn->closing = true;
    kit__conn_write(conn);
}

static void on_server_writable(struct ev_loop *loop, ev_io *io, int events) {
    (void)events;
    struct kit_conn *conn = io->data;
    struct base_buf *out = &conn->to_server;
    ssize_t done = out->bytes ? send(io->fd, out->at, out->bytes, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    if (done > 0) {
        base_buf_consume(out, (size_t)done);
    }
    if (done < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
        kit__conn_close(conn);
    } else if (out->bytes == 0) {
        ev_io_stop(loop, io);
    }
}

bool kit__proxy_begin(struct kit_conn *conn) {
    const struct kit_peer *peer = conn->peer;
    int fd = socket(peer->server->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        (connect(fd, (const struct sockaddr *)peer->server, (socklen_t)peer->server_bytes) != 0 &&
            errno != EINPROGRESS)) {
        if (fd >= 0) {
            close(fd);
        }
        kit__conn_close(conn);
        return false;
    }
    conn->server_fd = fd;
    ev_io_init(&conn->server_reading, on_server_readable, fd, EV_READ);
    ev_io_init(&conn->server_writing, on_server_writable, fd, EV_WRITE);
    conn->server_reading.data = conn->server_writing.data = conn;
    ev_io_start(peer->loop, &conn->server_reading);
    return true;
}

bool kit__proxy_take(struct kit_conn *conn) {
    struct kit_peer *peer = conn->peer;
    peer->requests++;
    kit__peer_tell(peer, "  the plugin says", base_buf_str(&conn->in));
    if (peer->mood == KIT_CUT_READ || conn->server_fd < 0) {
        kit__conn_close(conn);
        return false;
    }
    base_buf_add_str(&conn->to_server, base_buf_str(&conn->in));
    base_buf_clear(&conn->in);
    ev_io_start(peer->loop, &conn->server_writing);
    return true;
}
