/* The LMTP listener; see lmtp.h. Knows no commands. */
#include "dsn.h"
#include "lmtp_dialog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void say_drained(struct lmtp *lmtp) {
    if (lmtp->drained == NULL) {
        return;
    }
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST; i++) {
        if (lmtp->connections[i].fd >= 0 && lmtp->connections[i].waiting) {
            return;
        }
    }
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST; i++) {
        lmtp_close(&lmtp->connections[i]);
    }
    void (*drained)(void *arg) = lmtp->drained;
    lmtp->drained = NULL;
    drained(lmtp->drained_arg);
}

static void lmtp_tick(void *arg) {
    struct lmtp *lmtp = arg;
    int64_t ticks = lmtp->host->ticks(lmtp->host);
    bool open = false;
    lmtp->tick = NULL;
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST; i++) {
        struct lmtp_connection *connection = &lmtp->connections[i];
        if (connection->fd >= 0 && ticks > connection->deadline) {
            if (!connection->waiting) {
                lmtp_close(connection);
                continue;
            }
            for (size_t k = 0; k < connection->recipient_count; k++) {
                struct lmtp_recipient *recipient = &connection->recipients[k];
                if (recipient->reply == NULL) {
                    recipient->token = 0; /* a commit that comes now is not ours any more: the mail
                                             will be offered again */
                    recipient->reply = "451 4.3.0 not recorded in time, try again";
                }
            }
            lmtp_answer(connection);
            lmtp_process(connection);
            lmtp_flush(connection);
        }
        open |= connection->fd >= 0;
    }
    if (open) {
        lmtp->tick = lmtp->host->timer(lmtp->host, LMTP_TICK_MS, lmtp_tick, lmtp);
    }
    say_drained(lmtp);
}

static void lmtp_accept(void *arg, unsigned events) {
    struct lmtp *lmtp = arg;
    const struct lantoa_host *host = lmtp->host;
    (void)events;
    int fd = accept4(lmtp->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct lmtp_connection *connection = NULL;
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST && connection == NULL; i++) {
        connection = lmtp->connections[i].fd < 0 ? &lmtp->connections[i] : NULL;
    }
    if (connection == NULL) {
        static const char busy[] = "421 4.3.2 too many connections\r\n";
        send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL);
        close(fd);
        return;
    }
    *connection = (struct lmtp_connection){.lmtp = lmtp, .fd = fd};
    connection->watch = host->watch(host, fd, LANTOA_READ, lmtp_ready, connection);
    if (connection->watch == NULL) {
        close(fd);
        connection->fd = -1;
        return;
    }
    lmtp_patience(connection, LMTP_IDLE_MS);
    lmtp_say(connection, "220 lantoa LMTP");
    lmtp_flush(connection);
    if (lmtp->tick == NULL) {
        lmtp->tick = host->timer(host, LMTP_TICK_MS, lmtp_tick, lmtp);
    }
}

/* "127.0.0.1:2424" or "[::1]:2424". */
struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;
    socklen_t bytes;
};

static bool read_place(const char *text, struct place *place_out) {
    const char *colon = strrchr(text, ':');
    char name[64], *end;
    *place_out = (struct place){0};
    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof(name)) {
        return false;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || end == colon + 1 || port == 0 || port > 65535) {
        return false;
    }
    bool bracket = text[0] == '[' && colon[-1] == ']';
    snprintf(name, sizeof(name), "%.*s", (int)(colon - text) - (bracket ? 2 : 0), text + bracket);
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, name, &four.sin_addr) == 1) {
        place_out->address.four = four;
        place_out->bytes = sizeof(four);
    } else if (inet_pton(AF_INET6, name, &six.sin6_addr) == 1) {
        place_out->address.six = six;
        place_out->bytes = sizeof(six);
    }
    return place_out->bytes > 0;
}

int lmtp_check(const char *listen, struct lantoa_fault *fault_out) {
    struct place place;
    return listen == NULL || listen[0] == '\0' || read_place(listen, &place)
               ? LANTOA_OK
               : lantoa_fault_set(fault_out, "lmtp_listen",
                     "\"%.100s\" is not address:port, such as 127.0.0.1:2424",
                     "\"%.100s\" không có dạng địa-chỉ:cổng, như 127.0.0.1:2424", listen);
}

/* A bound, listening socket; -1 with errno. */
static int listen_on(const char *text) {
    const int on = 1;
    struct place place;
    if (!read_place(text, &place)) {
        errno = EINVAL;
        return -1;
    }
    int family = place.address.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &place.address.any, place.bytes) != 0 || listen(fd, LMTP_CONNECTIONS_MOST) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int lmtp_new(const struct lantoa_host *host, const char *listen,
    const struct mime_addresses *addresses, struct lmtp **lmtp_out) {
    char buffer[80];
    struct lmtp *lmtp = calloc(1, sizeof(*lmtp));
    if (lmtp == NULL) {
        host->fail(host, "out of memory");
        return LANTOA_ENOMEM;
    }
    dsn_init();
    lmtp->host = host;
    lmtp->addresses = addresses;
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST; i++) {
        lmtp->connections[i] = (struct lmtp_connection){.lmtp = lmtp, .fd = -1};
    }
    lmtp->fd = listen_on(listen);
    if (lmtp->fd >= 0) {
        lmtp->watch = host->watch(host, lmtp->fd, LANTOA_READ, lmtp_accept, lmtp);
        errno = ENOMEM;
    }
    if (lmtp->watch == NULL) {
        char name[100];
        int error = errno;
        smtp_text_clean(name, sizeof(name), listen, strlen(listen));
        host->fail(host, "option lmtp_listen: cannot listen on \"%s\": %s", name,
            strerror_r(error, buffer, sizeof(buffer)));
        lmtp_free(lmtp);
        return LANTOA_EIO;
    }
    *lmtp_out = lmtp;
    return LANTOA_OK;
}

void lmtp_free(struct lmtp *lmtp) {
    if (lmtp == NULL) {
        return;
    }
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST; i++) {
        lmtp_close(&lmtp->connections[i]);
    }
    lmtp->host->timer_stop(lmtp->host, lmtp->tick);
    lmtp->host->watch_stop(lmtp->host, lmtp->watch);
    if (lmtp->fd >= 0) {
        close(lmtp->fd);
    }
    free(lmtp);
}

void lmtp_event_done(struct lmtp *lmtp, uint64_t token) {
    if (lmtp == NULL || token == 0) {
        return;
    }
    for (size_t i = 0; i < LMTP_CONNECTIONS_MOST; i++) {
        struct lmtp_connection *connection = &lmtp->connections[i];
        for (size_t k = 0;
             connection->fd >= 0 && connection->waiting && k < connection->recipient_count; k++) {
            struct lmtp_recipient *recipient = &connection->recipients[k];
            if (recipient->reply == NULL && recipient->token == token) {
                recipient->token = 0;
                recipient->reply = "250 2.0.0 recorded";
                lmtp_answer(connection);
                lmtp_process(connection);
                lmtp_flush(connection);
                say_drained(lmtp);
                return;
            }
        }
    }
}

void lmtp_drain(struct lmtp *lmtp, void (*drained)(void *arg), void *arg) {
    if (lmtp == NULL) {
        drained(arg);
        return;
    }
    lmtp->host->watch_stop(lmtp->host, lmtp->watch);
    lmtp->watch = NULL;
    close(lmtp->fd);
    lmtp->fd = -1;
    lmtp->drained = drained;
    lmtp->drained_arg = arg;
    say_drained(lmtp);
}
