/* One connection: socket, buffers, time-outs, and its end; see smpp.h. What is said on it is in
 * dialog.c. */
#include "smpp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    READ_ROOM = 1 << 16,
    BUFFER_KEEP = 1 << 18,
    READS_PER_TURN = 8,
    FRUITFUL_MS = 10000,
};

static void bind_ready(void *arg, unsigned events);

struct smpp_bind *smpp_bind_new(struct smpp_pool *pool, enum smpp_role role) {
    struct smpp_bind *bind = calloc(1, sizeof(*bind));
    if (bind == NULL) {
        return NULL;
    }
    bind->flights = calloc(SMPP_FLIGHTS, sizeof(*bind->flights));
    if (bind->flights == NULL) {
        free(bind);
        return NULL;
    }
    bind->pool = pool;
    bind->role = role;
    bind->link.fd = -1;
    return bind;
}

void smpp_bind_free(struct smpp_bind *bind) {
    if (bind != NULL) {
        bind->pool->host->watch_stop(bind->pool->host, bind->watch);
        tls_link_close(&bind->link);
        bytes_release(&bind->in);
        bytes_release(&bind->out);
        free(bind->flights);
        free(bind);
    }
}

bool smpp_bind_sends(const struct smpp_bind *bind) {
    return bind->role != SMPP_RECEIVER;
}

bool smpp_bind_has_room(const struct smpp_bind *bind) {
    return bind->state == SMPP_BOUND && !bind->closing && smpp_bind_sends(bind) &&
           bind->outstanding < bind->window && bind->write_wants == 0;
}

static void set_watch(struct smpp_bind *bind) {
    unsigned events = LANTOA_READ;
    if (bind->state == SMPP_CONNECTING) {
        events = LANTOA_WRITE;
    } else if ((bind->write_wants | bind->read_wants) & LANTOA_WRITE) {
        events |= LANTOA_WRITE;
    }
    if (events != bind->watched && bind->watch != NULL) {
        bind->pool->host->watch_set(bind->pool->host, bind->watch, events);
        bind->watched = events;
    }
}

void smpp_bind_open(struct smpp_bind *bind, const struct lantoa_sockaddr *address) {
    const struct lantoa_host *host = bind->pool->host;
    const int on = 1;
    char why[120], buffer[80];
    bind->state = SMPP_CONNECTING;
    bind->generation++;
    bind->in_at = bind->out_at = 0;
    bind->out_base = bind->left = 0;
    bind->read_wants = bind->write_wants = 0;
    bind->write_dead = bind->closing = bind->fruitful = false;
    bind->sequence = bind->dialog = bind->enquiry = 0;
    bind->outstanding = bind->good = 0;
    bind->window = (size_t)bind->pool->config->window;
    bytes_clear(&bind->in, BUFFER_KEEP);
    bytes_clear(&bind->out, BUFFER_KEEP);
    memset(bind->flights, 0, SMPP_FLIGHTS * sizeof(*bind->flights));
    bind->deadline = smpp_pool_ticks(bind->pool) + bind->pool->config->connect_timeout;
    bind->link = (struct tls_link){
        .fd =
            socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address->protocol)};
    if (bind->link.fd < 0) {
        goto fail;
    }
    setsockopt(bind->link.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(bind->link.fd, (const struct sockaddr *)(const void *)address->bytes,
            address->length) != 0 &&
        errno != EINPROGRESS) {
        goto fail;
    }
    bind->watched = LANTOA_WRITE;
    bind->watch = host->watch(host, bind->link.fd, LANTOA_WRITE, bind_ready, bind);
    if (bind->watch == NULL) {
        errno = ENOMEM;
        goto fail;
    }
    return;
fail:
    snprintf(why, sizeof(why), "cannot connect: %s", strerror_r(errno, buffer, sizeof(buffer)));
    smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, why);
}

void smpp_bind_end(
    struct smpp_bind *bind, enum smpp_fault fault, enum lantoa_reason reason, const char *why) {
    struct smpp_pool *pool = bind->pool;
    char text[SMPP_DETAIL_MOST + 1]; /* `why` may lie in what is closed here */
    if (bind->state == SMPP_CLOSED) {
        return;
    }
    snprintf(text, sizeof(text), "%s", why);
    bool bound = bind->state == SMPP_BOUND || bind->state == SMPP_LEAVING;
    bool worked = bound && (bind->fruitful || smpp_pool_ticks(pool) - bind->bound_at > FRUITFUL_MS);
    bind->state = SMPP_CLOSED;
    bind->generation++;
    pool->host->watch_stop(pool->host, bind->watch);
    bind->watch = NULL;
    tls_link_close(&bind->link);
    for (size_t i = 0; i < SMPP_FLIGHTS; i++) {
        struct smpp_flight *flight = &bind->flights[i];
        if (flight->sequence != 0 && flight->job != NULL) {
            smpp_landing_lost(pool, flight, flight->end <= bind->left, reason, text);
        }
        flight->sequence = 0;
    }
    bind->outstanding = 0;
    smpp_connect_ended(pool, fault, worked, reason, text);
}

void smpp_bind_flush(struct smpp_bind *bind) {
    if (bind->state == SMPP_CLOSED || bind->state == SMPP_CONNECTING ||
        bind->state == SMPP_SECURING) {
        return;
    }
    while (!bind->write_dead && bind->out_at < bind->out.used) {
        size_t bytes = bind->out.used - bind->out_at;
        uint64_t from = bind->out_base + bind->out_at;
        if (bind->link.ssl != NULL && from + bytes > bind->left) {
            bind->left = from + bytes; /* a record may have left although the call says "again" */
        }
        ssize_t put = tls_link_write(&bind->link, bind->out.at + bind->out_at, bytes);
        if (put == TLS_AGAIN) {
            bind->write_wants = bind->link.wants;
            break;
        }
        if (put < 0) {
            bind->write_dead = true; /* what the operator said before may still be read */
            break;
        }
        bind->write_wants = 0;
        bind->out_at += (size_t)put;
        if (bind->out_base + bind->out_at > bind->left) {
            bind->left = bind->out_base + bind->out_at;
        }
    }
    if (bind->write_dead) {
        bind->write_wants = 0;
    } else if (bind->out_at == bind->out.used && bind->out.used > 0) {
        bind->out_base += bind->out.used;
        bind->out_at = 0;
        bytes_clear(&bind->out, BUFFER_KEEP);
    }
    set_watch(bind);
}

/* Works off the whole PDUs that have come. */
static void take_pdus(struct smpp_bind *bind) {
    while (bind->state != SMPP_CLOSED) {
        const unsigned char *at = (const unsigned char *)bind->in.at + bind->in_at;
        int64_t length = smpp_pdu_length(at, bind->in.used - bind->in_at);
        if (length == 0) {
            break;
        }
        if (length < 0) {
            smpp_dialog_answer(bind, SMPP_GENERIC_NACK, 0, SMPP_RINVCMDLEN);
            smpp_bind_flush(bind);
            smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
                "the operator sent a PDU whose length is none");
            return;
        }
        bind->in_at += (size_t)length;
        smpp_dialog_take(bind, at, (size_t)length);
    }
    if (bind->state == SMPP_CLOSED) {
        return;
    }
    size_t left = bind->in.used - bind->in_at;
    if (bind->in_at > 0) {
        memmove(bind->in.at, bind->in.at + bind->in_at, left);
        bind->in.used = left;
        bind->in_at = 0;
    }
}

static void read_some(struct smpp_bind *bind) {
    for (int i = 0; i < READS_PER_TURN && bind->state != SMPP_CLOSED; i++) {
        if (!bytes_reserve(&bind->in, READ_ROOM)) {
            smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_TEMPORARY, "out of memory");
            return;
        }
        ssize_t got = tls_link_read(&bind->link, bind->in.at + bind->in.used, READ_ROOM);
        if (got == TLS_AGAIN) {
            bind->read_wants = bind->link.wants;
            return;
        }
        if (got <= 0) {
            smpp_bind_end(bind, bind->state == SMPP_LEAVING ? SMPP_FAULT_NONE : SMPP_FAULT_NETWORK,
                LANTOA_REASON_UNREACHABLE,
                got == 0 ? "the operator closed the connection" : bind->link.error);
            return;
        }
        bind->read_wants = 0;
        bind->in.used += (size_t)got;
        bind->heard_at = smpp_pool_ticks(bind->pool);
        take_pdus(bind);
        if (got < READ_ROOM && bind->link.ssl == NULL) {
            return;
        }
    }
}

static void connected(struct smpp_bind *bind) {
    int error = 0;
    socklen_t bytes = sizeof(error);
    char why[120], buffer[80];
    if (getsockopt(bind->link.fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0 || error != 0) {
        snprintf(why, sizeof(why), "cannot connect: %s", strerror_r(error, buffer, sizeof(buffer)));
        smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, why);
        return;
    }
    if (bind->pool->tls == NULL) {
        smpp_dialog_hello(bind);
        return;
    }
    bind->state = SMPP_SECURING;
    if (tls_link_secure(&bind->link, bind->pool->tls, bind->pool->config->host) != LANTOA_OK) {
        smpp_bind_end(bind, SMPP_FAULT_SETUP, LANTOA_REASON_UNREACHABLE, bind->link.error);
    }
}

static void secure(struct smpp_bind *bind) {
    bool certificate = false;
    int status = tls_link_handshake(&bind->link, &certificate);
    if (status == TLS_AGAIN) {
        bind->read_wants = bind->link.wants;
        set_watch(bind);
    } else if (status != 0) {
        smpp_bind_end(bind, certificate ? SMPP_FAULT_SETUP : SMPP_FAULT_NETWORK,
            LANTOA_REASON_UNREACHABLE, bind->link.error);
    } else {
        bind->read_wants = 0;
        smpp_dialog_hello(bind);
    }
}

static void bind_ready(void *arg, unsigned events) {
    struct smpp_bind *bind = arg;
    struct smpp_pool *pool = bind->pool;
    (void)events;
    if (bind->state == SMPP_CONNECTING) {
        connected(bind);
    }
    if (bind->state == SMPP_SECURING) {
        secure(bind);
    }
    if (bind->state == SMPP_BINDING || bind->state == SMPP_BOUND || bind->state == SMPP_LEAVING) {
        bind->write_wants = 0;
        smpp_bind_flush(bind);
        read_some(bind);
    }
    smpp_pool_run(pool);
}

static void look_for_overdue(struct smpp_bind *bind, int64_t now) {
    int64_t oldest = now - bind->pool->config->timeout;
    for (size_t i = 0; bind->outstanding > 0 && i < SMPP_FLIGHTS; i++) {
        struct smpp_flight *flight = &bind->flights[i];
        if (flight->sequence != 0 && flight->job != NULL && flight->left_at < oldest) {
            smpp_landing_overdue(bind, flight);
        }
    }
}

void smpp_bind_tick(struct smpp_bind *bind, int64_t now) {
    switch (bind->state) {
    case SMPP_CLOSED:
        return;
    case SMPP_CONNECTING:
    case SMPP_SECURING:
    case SMPP_BINDING:
        if (now > bind->deadline) {
            smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE,
                "the operator does not answer the bind in time");
        }
        return;
    case SMPP_BOUND:
        look_for_overdue(bind, now);
        if (bind->closing && bind->outstanding == 0) {
            smpp_bind_end(
                bind, SMPP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, "the operator has unbound us");
        } else {
            smpp_dialog_enquire(bind, now);
        }
        return;
    case SMPP_LEAVING:
        if (now > bind->deadline) {
            smpp_bind_end(bind, SMPP_FAULT_NONE, LANTOA_REASON_NONE, "unbound");
        }
        return;
    }
}
