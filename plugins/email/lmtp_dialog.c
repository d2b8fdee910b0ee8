/* Commands and bytes of one LMTP connection; see lmtp_dialog.h. Knows no meaning of mails. */
#include "lmtp_dialog.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

void lmtp_close(struct lmtp_connection *connection) {
    const struct lantoa_host *host = connection->lmtp->host;
    if (connection->fd < 0) {
        return;
    }
    host->watch_stop(host, connection->watch);
    close(connection->fd);
    bytes_release(&connection->in);
    bytes_release(&connection->out);
    *connection = (struct lmtp_connection){.lmtp = connection->lmtp, .fd = -1};
}

void lmtp_patience(struct lmtp_connection *connection, int64_t ms) {
    const struct lantoa_host *host = connection->lmtp->host;
    connection->deadline = host->ticks(host) + ms;
}

void lmtp_say(struct lmtp_connection *connection, const char *line) {
    bytes_put_text(&connection->out, line);
    bytes_put(&connection->out, "\r\n", 2);
}

void lmtp_flush(struct lmtp_connection *connection) {
    const struct lantoa_host *host = connection->lmtp->host;
    while (connection->fd >= 0 && connection->out_at < connection->out.used) {
        ssize_t put = send(connection->fd, connection->out.at + connection->out_at,
            connection->out.used - connection->out_at, MSG_NOSIGNAL);
        if (put < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (put < 0) {
            lmtp_close(connection);
            return;
        }
        connection->out_at += (size_t)put;
    }
    bool pending = connection->out_at < connection->out.used;
    if (!pending) {
        connection->out_at = 0;
        bytes_clear(&connection->out, LMTP_OUT_MOST);
    }
    if (!pending && connection->quitting) {
        lmtp_close(connection);
        return;
    }
    /* While a commit is awaited nothing more is read: the peer can wait, our memory should not
     * grow. */
    host->watch_set(host, connection->watch,
        (connection->waiting ? 0 : LANTOA_READ) | (pending ? LANTOA_WRITE : 0));
}

void lmtp_reset(struct lmtp_connection *connection) {
    connection->sender_given = connection->null_sender = false;
    connection->in_data = connection->too_large = connection->waiting = false;
    connection->recipient_count = 0;
    connection->scanned = 0;
}

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

static void take_rcpt(struct lmtp_connection *connection, const char *line) {
    char address[ADDRESS_MOST + 1], key[ADDRESS_KEY_BYTES + 1];
    if (!connection->sender_given) {
        lmtp_say(connection, "503 5.5.1 MAIL first");
    } else if (!take_path(line, "RCPT TO:", address)) {
        lmtp_say(connection, "501 5.5.4 RCPT TO:<address>");
    } else if (lmtp_target(connection->lmtp, address, key) == TARGET_NONE) {
        lmtp_say(connection, "550 5.1.1 nobody here by that name");
    } else if (connection->recipient_count == LMTP_RECIPIENTS_MOST) {
        lmtp_say(connection, "452 4.5.3 too many recipients");
    } else {
        struct lmtp_recipient *recipient = &connection->recipients[connection->recipient_count++];
        *recipient = (struct lmtp_recipient){0};
        memcpy(recipient->address, address, sizeof(recipient->address));
        lmtp_say(connection, "250 2.1.5 ok");
    }
}

static bool is_command(const char *line, const char *word) {
    size_t bytes = strlen(word);
    return strncasecmp(line, word, bytes) == 0 && (line[bytes] == '\0' || line[bytes] == ' ');
}

static void take_command(struct lmtp_connection *connection, const char *line) {
    char address[ADDRESS_MOST + 1];
    if (is_command(line, "LHLO")) {
        lmtp_reset(connection);
        connection->greeted = true;
        lmtp_say(connection, "250-lantoa\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-"
                             "8BITMIME\r\n250 SIZE 10485760");
    } else if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
        if (!connection->greeted || connection->sender_given) {
            lmtp_say(connection, "503 5.5.1 LHLO first, and one MAIL at a time");
        } else if (!take_path(line, "MAIL FROM:", address)) {
            lmtp_say(connection, "501 5.5.4 MAIL FROM:<address>");
        } else {
            connection->sender_given = true;
            connection->null_sender = address[0] == '\0';
            lmtp_say(connection, "250 2.1.0 ok");
        }
    } else if (strncasecmp(line, "RCPT", 4) == 0) {
        take_rcpt(connection, line);
    } else if (is_command(line, "DATA")) {
        if (connection->recipient_count == 0) {
            lmtp_say(connection, "503 5.5.1 no valid recipients");
        } else {
            connection->in_data = true;
            connection->scanned = 0;
            lmtp_say(connection, "354 end with a dot");
        }
    } else if (is_command(line, "RSET")) {
        lmtp_reset(connection);
        lmtp_say(connection, "250 2.0.0 ok");
    } else if (is_command(line, "NOOP")) {
        lmtp_say(connection, "250 2.0.0 ok");
    } else if (is_command(line, "QUIT")) {
        lmtp_say(connection, "221 2.0.0 bye");
        connection->quitting = true;
    } else {
        lmtp_say(connection, "500 5.5.1 this is LMTP");
    }
}

/* Drops the first bytes of the input. */
static void consume(struct lmtp_connection *connection, size_t bytes) {
    connection->in.used -= bytes;
    memmove(connection->in.at, connection->in.at + bytes, connection->in.used);
}

/* Looks for the lone dot; true when the mail is complete and dealt with. */
static bool take_data(struct lmtp_connection *connection) {
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
        lmtp_mail(connection, in->at, mail);
        if (connection->fd >= 0) {
            consume(connection, taken);
        }
        return true;
    }
    connection->scanned = in->used;
    if (in->used > LMTP_MAIL_MOST) {
        connection->too_large = true;
        consume(connection, in->used - 4); /* the end may begin in these */
        connection->scanned = in->used;
    }
    return false;
}

void lmtp_process(struct lmtp_connection *connection) {
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
            if (connection->in.used > LMTP_LINE_MOST) {
                lmtp_say(connection, "500 5.5.2 line too long");
                connection->quitting = true;
            }
            return;
        }
        size_t bytes = (size_t)(newline + 1 - connection->in.at);
        char line[LMTP_LINE_MOST + 1];
        size_t length = bytes - 1 > LMTP_LINE_MOST ? LMTP_LINE_MOST : bytes - 1;
        memcpy(line, connection->in.at, length);
        length -= length > 0 && line[length - 1] == '\r';
        line[length] = '\0';
        consume(connection, bytes);
        take_command(connection, line);
        if (connection->out.used > LMTP_OUT_MOST) {
            connection->quitting = true; /* commands without end and nobody reads the answers */
        }
    }
}

void lmtp_ready(void *arg, unsigned events) {
    struct lmtp_connection *connection = arg;
    enum { CHUNK = 65536 };
    if ((events & LANTOA_READ) && !connection->waiting) {
        if (!bytes_reserve(&connection->in, CHUNK)) {
            lmtp_close(connection);
            return;
        }
        ssize_t got = recv(connection->fd, connection->in.at + connection->in.used, CHUNK, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            lmtp_close(connection);
            return;
        }
        if (got > 0) {
            connection->in.used += (size_t)got;
            lmtp_patience(connection, LMTP_IDLE_MS);
            lmtp_process(connection);
        }
    }
    lmtp_flush(connection);
}
