/* One connection: socket, output, time-outs, and its end. Knows no commands beyond QUIT; see
 * smtp.h. */
#include "smtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WRITE_MOST = 1 << 16, /* bytes of one write: messages behind it have not begun */
    OUT_KEEP = 1 << 19,
    QUIT_PATIENCE_MS = 3000,
    BARREN_MOST = 5,
};

static void session_ready(void *arg, unsigned events);

struct smtp_session *smtp_session_new(struct smtp_pool *pool) {
    struct smtp_session *session = calloc(1, sizeof(*session));
    if (session != NULL) {
        session->pool = pool;
        session->link.fd = -1;
    }
    return session;
}

void smtp_session_free(struct smtp_session *session) {
    if (session == NULL) {
        return;
    }
    if (session->watch != NULL) {
        session->pool->host->watch_stop(session->pool->host, session->watch);
    }
    tls_link_close(&session->link);
    bytes_release(&session->out);
    bytes_release(&session->waiting);
    free(session);
}

static void session_watch(struct smtp_session *session) {
    unsigned events = LANTOA_READ;
    if (session->state == SMTP_CONNECTING) {
        events = LANTOA_WRITE;
    } else if ((session->write_wants & LANTOA_WRITE) || (session->read_wants & LANTOA_WRITE)) {
        events |= LANTOA_WRITE;
    }
    if (events != session->watched) {
        session->pool->host->watch_set(session->pool->host, session->watch, events);
        session->watched = events;
    }
}

static int64_t session_patience(const struct smtp_session *session) {
    const struct email_config *config = session->pool->config;
    return session->state == SMTP_READY ? config->timeout : config->connect_timeout;
}

void smtp_session_look_at_clock(struct smtp_session *session) {
    session->now = session->pool->host->ticks(session->pool->host);
}

void smtp_session_progress(struct smtp_session *session) {
    session->deadline = session->now + session_patience(session);
}

void smtp_session_open(struct smtp_session *session, const struct lantoa_sockaddr *address) {
    struct smtp_pool *pool = session->pool;
    const struct lantoa_host *host = pool->host;
    const int on = 1;
    session->state = SMTP_CONNECTING;
    session->out_at = 0;
    session->out_base = session->left = 0;
    session->write_wants = session->read_wants = 0;
    session->in_used = session->expect_head = session->expect_count = 0;
    session->flight_head = session->flight_count = 0;
    session->write_dead = session->secured = session->authenticated = false;
    session->dirty = session->closing = session->said_421 = session->fruitful = false;
    session->messages = 0;
    session->envelope_ms = -1;
    session->bodies_slow = true; /* until the first answer shows that it is not so */
    session->depth = 1;
    session->landed_at = 0;
    smtp_session_look_at_clock(session);
    session->has = (struct smtp_extensions){0};
    bytes_clear(&session->out, OUT_KEEP);
    bytes_clear(&session->waiting, OUT_KEEP);
    smtp_session_progress(session);

    char why[120], buffer[80];
    session->link = (struct tls_link){
        .fd =
            socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address->protocol)};
    if (session->link.fd < 0) {
        goto fail;
    }
    setsockopt(session->link.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(session->link.fd, (const struct sockaddr *)(const void *)address->bytes,
            address->length) != 0 &&
        errno != EINPROGRESS) {
        goto fail;
    }
    session->watched = LANTOA_WRITE;
    session->watch = host->watch(host, session->link.fd, LANTOA_WRITE, session_ready, session);
    if (session->watch == NULL) {
        errno = ENOMEM;
        goto fail;
    }
    return;
fail:
    snprintf(why, sizeof(why), "cannot connect: %s", strerror_r(errno, buffer, sizeof(buffer)));
    smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, why);
}

void smtp_session_end(struct smtp_session *session, enum smtp_fault fault,
    enum lantoa_reason reason, const char *why) {
    struct smtp_pool *pool = session->pool;
    if (session->state == SMTP_CLOSED) {
        return;
    }
    /* A server that takes connections and always drops them at the first message is as good as
     * none; one message that it drops is not. */
    bool ready = session->state == SMTP_READY || session->state == SMTP_QUITTING;
    bool barren = ready && !session->fruitful && session->flight_count > 0;
    bool worked = ready && !(barren && ++pool->barren >= BARREN_MOST);
    char text[SMTP_DETAIL_MOST + 1]; /* `why` may lie in what is closed here */
    smtp_text_clean(text, sizeof(text), why, strlen(why));
    session->state = SMTP_CLOSED;
    pool->host->watch_stop(pool->host, session->watch);
    session->watch = NULL;
    tls_link_close(&session->link);
    smtp_landing_lost(session, reason, text);
    session->expect_count = 0;
    smtp_connect_ended(pool, fault, worked, text);
}

void smtp_session_expect(
    struct smtp_session *session, enum smtp_wait what, struct smtp_flight *flight) {
    size_t at = (session->expect_head + session->expect_count) % SMTP_EXPECT_MOST;
    if (session->expect_count == 0) {
        smtp_session_progress(session);
    }
    session->expect[at].what = what;
    session->expect[at].flight = flight;
    session->expect_count++;
}

/* Says began() for every message of which this write will carry the first byte of the body. */
static void session_journal(struct smtp_session *session, uint64_t end) {
    const struct lantoa_host *host = session->pool->host;
    for (size_t i = 0; i < session->flight_count; i++) {
        struct smtp_flight *flight = &session->flights[(session->flight_head + i) % SMTP_DEPTH];
        if (flight->body_put && !flight->begun && flight->body_at < end) {
            flight->begun = true;
            host->began(host, flight->job->message->id);
        }
    }
}

void smtp_session_flush(struct smtp_session *session) {
    if (session->state == SMTP_CLOSED || session->state == SMTP_CONNECTING ||
        session->state == SMTP_SECURING) {
        return;
    }
    if (session->out.failed) {
        /* A command may be missing from the buffer: what is in it must not leave. */
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_TEMPORARY, "out of memory");
        return;
    }
    while (!session->write_dead && session->out_at < session->out.used) {
        size_t bytes = session->out.used - session->out_at;
        bytes = bytes > WRITE_MOST ? WRITE_MOST : bytes;
        uint64_t from = session->out_base + session->out_at;
        session_journal(session, from + bytes);
        if (session->secured && from + bytes > session->left) {
            session->left =
                from + bytes; /* a TLS record may have left although the call says "again" */
        }
        ssize_t put = tls_link_write(&session->link, session->out.at + session->out_at, bytes);
        if (put == TLS_AGAIN) {
            session->write_wants = session->link.wants;
            break;
        }
        if (put < 0) {
            session->write_dead = true;
            break;
        }
        session->write_wants = 0;
        session->out_at += (size_t)put;
        session->pool->bytes += (uint64_t)put;
        if (session->out_base + session->out_at > session->left) {
            session->left = session->out_base + session->out_at;
        }
    }
    if (session->write_dead) {
        session->write_wants = 0;
    } else if (session->out_at == session->out.used) {
        session->out_base += session->out.used;
        session->out_at = 0;
        bytes_clear(&session->out, OUT_KEEP);
    }
    session_watch(session);
}

static void session_connected(struct smtp_session *session) {
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(session->link.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
        error = errno;
    }
    if (error != 0) {
        char why[120], buffer[80];
        snprintf(why, sizeof(why), "cannot connect: %s", strerror_r(error, buffer, sizeof(buffer)));
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, why);
        return;
    }
    session->state = SMTP_TALKING;
    smtp_session_expect(session, SMTP_WAIT_GREETING, NULL);
    if (strcmp(session->pool->config->tls, "tls") == 0) {
        smtp_session_secure(session);
    } else {
        session_watch(session);
    }
}

static void session_handshake(struct smtp_session *session) {
    bool certificate;
    int status = tls_link_handshake(&session->link, &certificate);
    if (status == TLS_AGAIN) {
        session->write_wants = session->link.wants;
        session_watch(session);
        return;
    }
    if (status != 0) {
        smtp_session_end(session, certificate ? SMTP_FAULT_SETUP : SMTP_FAULT_NETWORK,
            LANTOA_REASON_UNREACHABLE, session->link.error);
        return;
    }
    session->secured = true;
    session->state = SMTP_TALKING;
    session->write_wants = 0;
    smtp_session_progress(session);
    session_watch(session);
    if (session->expect_count == 0) { /* after STARTTLS everything is said anew */
        smtp_dialog_hello(session);
    }
}

void smtp_session_secure(struct smtp_session *session) {
    session->state = SMTP_SECURING;
    smtp_session_progress(session);
    if (tls_link_secure(&session->link, session->pool->tls, session->pool->config->host) !=
        LANTOA_OK) {
        smtp_session_end(
            session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, session->link.error);
        return;
    }
    session_handshake(session);
}

void smtp_session_become_ready(struct smtp_session *session) {
    session->state = SMTP_READY;
    session->idle_since = session->now;
    smtp_connect_ready(session->pool);
}

static void session_ready(void *arg, unsigned events) {
    struct smtp_session *session = arg;
    struct smtp_pool *pool = session->pool;
    (void)events;
    smtp_session_look_at_clock(session);
    if (session->state == SMTP_CONNECTING) {
        session_connected(session);
    } else if (session->state == SMTP_SECURING) {
        session_handshake(session);
    }
    /* Words of the server may have come along with the end of the handshake, and wait inside
     * OpenSSL where no watch sees them. */
    if (session->state != SMTP_CLOSED && session->state != SMTP_SECURING) {
        smtp_input_read(session);
    }
    if (session->state == SMTP_READY) {
        smtp_transaction_fill(session, SMTP_DEPTH);
        if (session->closing || pool->draining) {
            smtp_session_quit(session);
        }
    }
    smtp_session_flush(session);
    smtp_pool_run(pool);
}

void smtp_session_quit(struct smtp_session *session) {
    if (session->state != SMTP_READY || session->flight_count > 0 || session->expect_count > 0) {
        return;
    }
    session->state = SMTP_QUITTING;
    bytes_put_text(&session->out, "QUIT\r\n");
    smtp_session_expect(session, SMTP_WAIT_QUIT, NULL);
    smtp_session_flush(session);
}

void smtp_session_tick(struct smtp_session *session, int64_t ticks) {
    const struct email_config *config = session->pool->config;
    session->now = ticks;
    if (session->state == SMTP_QUITTING &&
        ticks > session->deadline - config->connect_timeout + QUIT_PATIENCE_MS) {
        smtp_session_end(session, SMTP_FAULT_NONE, LANTOA_REASON_NONE, "closed");
    } else if (session->state == SMTP_READY && session->expect_count == 0) {
        if (session->closing || session->pool->draining ||
            ticks - session->idle_since >= config->idle) {
            smtp_session_quit(session);
        }
    } else if (session->state != SMTP_CLOSED && ticks > session->deadline) {
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_TIMEOUT,
            session->state == SMTP_CONNECTING ? "cannot connect: no answer"
                                              : "the server did not answer in time");
    }
}
