/* The LMTP listener; see lmtp.h. One connection at a time per mail server process is what Postfix
 * does; several may be open. */
#include "lmtp.h"

#include "address.h"
#include "dsn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MOST = 20,
    RECIPIENTS_MOST = 50,
    LINE_MOST = 2048,
    MAIL_MOST = 10 << 20,
    OUT_MOST = 1 << 16,
    IDLE_MS = 5 * 60 * 1000,
    COMMIT_MS = 60 * 1000,
    TICK_MS = 1000,
};

struct recipient {
    char address[ADDRESS_MOST + 1];
    uint64_t token;    /* of the event that waits for its commit; 0: answered */
    const char *reply; /* how the mail ends for this recipient; NULL while waiting */
};

struct connection {
    struct lmtp *lmtp;
    int fd; /* -1: free */
    struct lantoa_watch *watch;
    struct bytes in, out;
    size_t out_at;
    bool greeted, sender_given, null_sender, in_data, too_large, waiting, quitting;
    struct recipient recipients[RECIPIENTS_MOST];
    size_t recipient_count;
    size_t scanned; /* bytes of `in` in which no end of data was found */
    int64_t deadline;
};

struct lmtp {
    const struct lantoa_host *host;
    const struct mime_addresses *addresses; /* BORROWED */
    int fd;
    struct lantoa_watch *watch;
    struct lantoa_timer *tick;
    uint64_t next_token;
    struct connection connections[CONNECTIONS_MOST];
    void (*drained)(void *arg);
    void *drained_arg;
};

static void connection_ready(void *arg, unsigned events);
static void connection_process(struct connection *connection);

static void connection_close(struct connection *connection) {
    const struct lantoa_host *host = connection->lmtp->host;
    if (connection->fd < 0) {
        return;
    }
    host->watch_stop(host, connection->watch);
    close(connection->fd);
    bytes_release(&connection->in);
    bytes_release(&connection->out);
    *connection = (struct connection){.lmtp = connection->lmtp, .fd = -1};
}

static void connection_patience(struct connection *connection, int64_t ms) {
    const struct lantoa_host *host = connection->lmtp->host;
    connection->deadline = host->ticks(host) + ms;
}

static void say(struct connection *connection, const char *line) {
    bytes_put_text(&connection->out, line);
    bytes_put(&connection->out, "\r\n", 2);
}

static void connection_flush(struct connection *connection) {
    const struct lantoa_host *host = connection->lmtp->host;
    while (connection->fd >= 0 && connection->out_at < connection->out.used) {
        ssize_t put = send(connection->fd, connection->out.at + connection->out_at,
            connection->out.used - connection->out_at, MSG_NOSIGNAL);
        if (put < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (put < 0) {
            connection_close(connection);
            return;
        }
        connection->out_at += (size_t)put;
    }
    bool pending = connection->out_at < connection->out.used;
    if (!pending) {
        connection->out_at = 0;
        bytes_clear(&connection->out, OUT_MOST);
    }
    if (!pending && connection->quitting) {
        connection_close(connection);
        return;
    }
    /* While a commit is awaited nothing more is read: the peer can wait, our memory should not
     * grow. */
    host->watch_set(host, connection->watch,
        (connection->waiting ? 0 : LANTOA_READ) | (pending ? LANTOA_WRITE : 0));
}

static void reset_mail(struct connection *connection) {
    connection->sender_given = connection->null_sender = false;
    connection->in_data = connection->too_large = connection->waiting = false;
    connection->recipient_count = 0;
    connection->scanned = 0;
}

/* --- what a mail means --- */

enum target { TARGET_NONE, TARGET_BOUNCE, TARGET_UNSUBSCRIBE, TARGET_MAILBOX };

static enum target target_of(
    const struct lmtp *lmtp, const char *address, char key[ADDRESS_KEY_BYTES + 1]) {
    const struct mime_addresses *own = lmtp->addresses;
    struct lantoa_str spec = {address, strlen(address)};
    if (own->bounce.bytes > 0 && address_match_tagged(spec, own->bounce, key)) {
        return TARGET_BOUNCE;
    }
    if (own->unsubscribe.bytes > 0 && address_match_tagged(spec, own->unsubscribe, key)) {
        return TARGET_UNSUBSCRIBE;
    }
    if (address_match_tagged(spec, own->from, key) ||
        (own->reply_to.bytes > 0 && address_match_tagged(spec, own->reply_to, key))) {
        return own->bounce.bytes == 0
                   ? TARGET_BOUNCE
                   : TARGET_MAILBOX; /* without a bounce address they come here */
    }
    key[0] = '\0';
    return TARGET_NONE;
}

static enum lantoa_event_kind event_kind(const struct dsn *dsn, enum target target) {
    switch (dsn->kind) {
    case DSN_FAILED:
        return LANTOA_EVENT_FAILED;
    case DSN_DELAYED:
        return LANTOA_EVENT_DELAYED;
    case DSN_DELIVERED:
        return LANTOA_EVENT_DELIVERED;
    case DSN_COMPLAINT:
        return LANTOA_EVENT_COMPLAINT;
    case DSN_AUTOMATIC:
        return LANTOA_EVENT_INBOUND; /* an absence is neither a failure nor a wish to be left alone
                                      */
    case DSN_PERSON:
        return target == TARGET_UNSUBSCRIBE ? LANTOA_EVENT_OPT_OUT : LANTOA_EVENT_INBOUND;
    }
    return LANTOA_EVENT_INBOUND;
}

/* Hands the mail to the core for one recipient; sets token or reply. */
static void deliver(
    struct connection *connection, struct recipient *recipient, const struct dsn *dsn) {
    struct lmtp *lmtp = connection->lmtp;
    char key[ADDRESS_KEY_BYTES + 1];
    enum target target = target_of(lmtp, recipient->address, key);
    /* The Message-ID inside the report belongs to the mail itself; the envelope may have been mixed
     * up on the way. */
    bool report = dsn->kind == DSN_FAILED || dsn->kind == DSN_DELAYED ||
                  dsn->kind == DSN_DELIVERED || dsn->kind == DSN_COMPLAINT;
    const char *name = (report && dsn->key[0] != '\0') || key[0] == '\0' ? dsn->key : key;
    const char *from =
        report ? "" : dsn->from; /* a report comes from a server, not from the person */
    recipient->reply = NULL;
    recipient->token = ++lmtp->next_token;
    int status = lmtp->host->event(lmtp->host,
        &LANTOA_EVENT(.token = recipient->token, .kind = event_kind(dsn, target),
            .reason = dsn->reason, .key = {name, strlen(name)}, .ref = {"", 0},
            .address = {from, strlen(from)}, .detail = {dsn->detail, strlen(dsn->detail)}));
    if (status != LANTOA_OK) {
        recipient->token = 0;
        recipient->reply = "451 4.3.0 not recorded, try again";
    }
}

/* Answers the mail once every recipient's event is settled. */
static void answer_mail(struct connection *connection) {
    for (size_t i = 0; i < connection->recipient_count; i++) {
        if (connection->recipients[i].reply == NULL) {
            return;
        }
    }
    for (size_t i = 0; i < connection->recipient_count; i++) {
        say(connection, connection->recipients[i].reply);
    }
    reset_mail(connection);
    connection_patience(connection, IDLE_MS);
}

/* Takes the dots out that DATA has put in front of lines; returns the new length. */
static size_t unstuff(char *mail, size_t bytes) {
    char *to = mail;
    bool line = true;
    for (size_t i = 0; i < bytes; i++) {
        if (!(line && mail[i] == '.')) {
            *to++ = mail[i];
        }
        line = mail[i] == '\n';
    }
    return (size_t)(to - mail);
}

static void mail_complete(struct connection *connection, char *mail, size_t bytes) {
    connection->in_data = false;
    connection->waiting = true;
    connection_patience(connection, COMMIT_MS);
    if (connection->too_large) {
        for (size_t i = 0; i < connection->recipient_count; i++) {
            connection->recipients[i].reply = "552 5.3.4 message too large";
        }
    } else {
        struct dsn dsn;
        dsn_parse(mail, unstuff(mail, bytes), connection->null_sender,
            connection->lmtp->addresses->message_id_domain, &dsn);
        for (size_t i = 0; i < connection->recipient_count; i++) {
            deliver(connection, &connection->recipients[i], &dsn);
        }
    }
    answer_mail(connection);
}

/* --- commands --- */

/* The address between < and > of MAIL and RCPT; false when there is none. */
static bool take_path(const char *line, const char *word, char address[ADDRESS_MOST + 1]) {
    const char *at = strncasecmp(line, word, strlen(word)) == 0 ? line + strlen(word) : "";
    at += strspn(at, " ");
    const char *end = *at == '<' ? strchr(at, '>') : NULL;
    if (end == NULL || (size_t)(end - at) > ADDRESS_MOST + 1) {
        return false;
    }
    memcpy(address, at + 1, (size_t)(end - at - 1));
    address[end - at - 1] = '\0';
    return true;
}

static void take_rcpt(struct connection *connection, const char *line) {
    char address[ADDRESS_MOST + 1], key[ADDRESS_KEY_BYTES + 1];
    if (!connection->sender_given) {
        say(connection, "503 5.5.1 MAIL first");
    } else if (!take_path(line, "RCPT TO:", address)) {
        say(connection, "501 5.5.4 RCPT TO:<address>");
    } else if (target_of(connection->lmtp, address, key) == TARGET_NONE) {
        say(connection, "550 5.1.1 nobody here by that name");
    } else if (connection->recipient_count == RECIPIENTS_MOST) {
        say(connection, "452 4.5.3 too many recipients");
    } else {
        struct recipient *recipient = &connection->recipients[connection->recipient_count++];
        *recipient = (struct recipient){0};
        memcpy(recipient->address, address, sizeof(recipient->address));
        say(connection, "250 2.1.5 ok");
    }
}

static bool is_command(const char *line, const char *word) {
    size_t bytes = strlen(word);
    return strncasecmp(line, word, bytes) == 0 && (line[bytes] == '\0' || line[bytes] == ' ');
}

static void take_command(struct connection *connection, const char *line) {
    char address[ADDRESS_MOST + 1];
    if (is_command(line, "LHLO")) {
        reset_mail(connection);
        connection->greeted = true;
        say(connection, "250-lantoa\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-"
                        "8BITMIME\r\n250 SIZE 10485760");
    } else if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
        if (!connection->greeted || connection->sender_given) {
            say(connection, "503 5.5.1 LHLO first, and one MAIL at a time");
        } else if (!take_path(line, "MAIL FROM:", address)) {
            say(connection, "501 5.5.4 MAIL FROM:<address>");
        } else {
            connection->sender_given = true;
            connection->null_sender = address[0] == '\0';
            say(connection, "250 2.1.0 ok");
        }
    } else if (strncasecmp(line, "RCPT", 4) == 0) {
        take_rcpt(connection, line);
    } else if (is_command(line, "DATA")) {
        if (connection->recipient_count == 0) {
            say(connection, "503 5.5.1 no valid recipients");
        } else {
            connection->in_data = true;
            connection->scanned = 0;
            say(connection, "354 end with a dot");
        }
    } else if (is_command(line, "RSET")) {
        reset_mail(connection);
        say(connection, "250 2.0.0 ok");
    } else if (is_command(line, "NOOP")) {
        say(connection, "250 2.0.0 ok");
    } else if (is_command(line, "QUIT")) {
        say(connection, "221 2.0.0 bye");
        connection->quitting = true;
    } else {
        say(connection, "500 5.5.1 this is LMTP");
    }
}

/* Drops the first bytes of the input. */
static void consume(struct connection *connection, size_t bytes) {
    connection->in.used -= bytes;
    memmove(connection->in.at, connection->in.at + bytes, connection->in.used);
}

/* Looks for the lone dot; true when the mail is complete and dealt with. */
static bool take_data(struct connection *connection) {
    struct bytes *in = &connection->in;
    size_t from = connection->scanned > 4 ? connection->scanned - 4 : 0;
    char *end = NULL;
    size_t ending = 5;
    if (from == 0 && connection->scanned == 0 && in->used >= 3 && memcmp(in->at, ".\r\n", 3) == 0 &&
        !connection->too_large) {
        end = in->at; /* an empty mail */
        ending = 3;
    } else if (in->used > 0) {
        end = memmem(in->at + from, in->used - from, "\r\n.\r\n", 5);
    }
    if (end != NULL) {
        size_t mail = (size_t)(end - in->at) + (ending == 5 ? 2 : 0);
        size_t taken = (size_t)(end - in->at) + ending;
        mail_complete(connection, in->at, mail);
        if (connection->fd >= 0) {
            consume(connection, taken);
        }
        return true;
    }
    connection->scanned = in->used;
    if (in->used > MAIL_MOST) {
        connection->too_large = true;
        consume(connection, in->used - 4); /* the end may begin in these */
        connection->scanned = in->used;
    }
    return false;
}

static void connection_process(struct connection *connection) {
    while (connection->fd >= 0 && !connection->waiting && !connection->quitting &&
           connection->in.used > 0) {
        if (connection->in_data) {
            if (!take_data(connection)) {
                return;
            }
            continue;
        }
        char *newline = memchr(connection->in.at, '\n', connection->in.used);
        if (newline == NULL) {
            if (connection->in.used > LINE_MOST) {
                say(connection, "500 5.5.2 line too long");
                connection->quitting = true;
            }
            return;
        }
        size_t bytes = (size_t)(newline + 1 - connection->in.at);
        char line[LINE_MOST + 1];
        size_t length = bytes - 1 > LINE_MOST ? LINE_MOST : bytes - 1;
        memcpy(line, connection->in.at, length);
        length -= length > 0 && line[length - 1] == '\r';
        line[length] = '\0';
        consume(connection, bytes);
        take_command(connection, line);
        if (connection->out.used > OUT_MOST) {
            connection->quitting = true; /* commands without end and nobody reads the answers */
        }
    }
}

static void connection_ready(void *arg, unsigned events) {
    struct connection *connection = arg;
    enum { CHUNK = 65536 };
    if ((events & LANTOA_READ) && !connection->waiting) {
        if (!bytes_reserve(&connection->in, CHUNK)) {
            connection_close(connection);
            return;
        }
        ssize_t got = recv(connection->fd, connection->in.at + connection->in.used, CHUNK, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            connection_close(connection);
            return;
        }
        if (got > 0) {
            connection->in.used += (size_t)got;
            connection_patience(connection, IDLE_MS);
            connection_process(connection);
        }
    }
    connection_flush(connection);
}

/* --- the listener --- */

static void say_drained(struct lmtp *lmtp) {
    if (lmtp->drained == NULL) {
        return;
    }
    for (size_t i = 0; i < CONNECTIONS_MOST; i++) {
        if (lmtp->connections[i].fd >= 0 && lmtp->connections[i].waiting) {
            return;
        }
    }
    for (size_t i = 0; i < CONNECTIONS_MOST; i++) {
        connection_close(&lmtp->connections[i]);
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
    for (size_t i = 0; i < CONNECTIONS_MOST; i++) {
        struct connection *connection = &lmtp->connections[i];
        if (connection->fd >= 0 && ticks > connection->deadline) {
            if (!connection->waiting) {
                connection_close(connection);
                continue;
            }
            for (size_t k = 0; k < connection->recipient_count; k++) {
                struct recipient *recipient = &connection->recipients[k];
                if (recipient->reply == NULL) {
                    recipient->token = 0; /* a commit that comes now is not ours any more: the mail
                                             will be offered again */
                    recipient->reply = "451 4.3.0 not recorded in time, try again";
                }
            }
            answer_mail(connection);
            connection_process(connection);
            connection_flush(connection);
        }
        open |= connection->fd >= 0;
    }
    if (open) {
        lmtp->tick = lmtp->host->timer(lmtp->host, TICK_MS, lmtp_tick, lmtp);
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
    struct connection *connection = NULL;
    for (size_t i = 0; i < CONNECTIONS_MOST && connection == NULL; i++) {
        connection = lmtp->connections[i].fd < 0 ? &lmtp->connections[i] : NULL;
    }
    if (connection == NULL) {
        static const char busy[] = "421 4.3.2 too many connections\r\n";
        send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL);
        close(fd);
        return;
    }
    *connection = (struct connection){.lmtp = lmtp, .fd = fd};
    connection->watch = host->watch(host, fd, LANTOA_READ, connection_ready, connection);
    if (connection->watch == NULL) {
        close(fd);
        connection->fd = -1;
        return;
    }
    connection_patience(connection, IDLE_MS);
    say(connection, "220 lantoa LMTP");
    connection_flush(connection);
    if (lmtp->tick == NULL) {
        lmtp->tick = host->timer(host, TICK_MS, lmtp_tick, lmtp);
    }
}

/* "127.0.0.1:2424" or "[::1]:2424" as a bound, listening socket; -1 with errno. */
static int listen_on(const char *text) {
    const char *colon = strrchr(text, ':');
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    char name[64], *end;
    const int on = 1;
    errno = EINVAL;
    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof(name)) {
        return -1;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || end == colon + 1 || port == 0 || port > 65535) {
        errno = EINVAL;
        return -1;
    }
    bool bracket = text[0] == '[' && colon[-1] == ']';
    snprintf(name, sizeof(name), "%.*s", (int)(colon - text) - (bracket ? 2 : 0), text + bracket);
    four.sin_port = six.sin6_port = htons((uint16_t)port);
    bool is_four = inet_pton(AF_INET, name, &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, name, &six.sin6_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if ((is_four ? bind(fd, (const struct sockaddr *)&four, sizeof(four))
                 : bind(fd, (const struct sockaddr *)&six, sizeof(six))) != 0 ||
        listen(fd, CONNECTIONS_MOST) != 0) {
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
    for (size_t i = 0; i < CONNECTIONS_MOST; i++) {
        lmtp->connections[i] = (struct connection){.lmtp = lmtp, .fd = -1};
    }
    lmtp->fd = listen_on(listen);
    if (lmtp->fd >= 0) {
        lmtp->watch = host->watch(host, lmtp->fd, LANTOA_READ, lmtp_accept, lmtp);
        errno = ENOMEM;
    }
    if (lmtp->watch == NULL) {
        host->fail(host, "option lmtp_listen: cannot listen on \"%s\": %s", listen,
            strerror_r(errno, buffer, sizeof(buffer)));
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
    for (size_t i = 0; i < CONNECTIONS_MOST; i++) {
        connection_close(&lmtp->connections[i]);
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
    for (size_t i = 0; i < CONNECTIONS_MOST; i++) {
        struct connection *connection = &lmtp->connections[i];
        for (size_t k = 0;
             connection->fd >= 0 && connection->waiting && k < connection->recipient_count; k++) {
            struct recipient *recipient = &connection->recipients[k];
            if (recipient->reply == NULL && recipient->token == token) {
                recipient->token = 0;
                recipient->reply = "250 2.0.0 recorded";
                answer_mail(connection);
                connection_process(connection);
                connection_flush(connection);
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
