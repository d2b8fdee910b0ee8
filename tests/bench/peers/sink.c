/* A mail server that takes everything and does next to nothing with it, so that the sender is what
 * a measurement shows. One thread, epoll. It looks at commands and at the end of the data only. It
 * cannot tell whether a mail is right: the tests do that with real servers. usage: sink -p PORT [-d
 * MS] [-n]     -d: each answer comes MS milliseconds later, as from a distant server; -n: no
 * CHUNKING */
#include "net.h"

#define IN_BYTES 131072
#define OUT_BYTES 65536
#define CLIENTS 2048

enum phase { COMMAND, DATA, CHUNK };

struct client {
    int fd;
    enum phase phase;
    size_t chunk_left;
    size_t in_bytes, out_bytes;
    double answer_at; /* 0: no delayed answer waits */
    char in[IN_BYTES], out[OUT_BYTES];
};

static struct client *clients[CLIENTS];
static size_t client_count;
static unsigned long taken;
static double delay;
static int chunking = 1;

static void say(struct client *c, const char *text) {
    size_t bytes = strlen(text);
    if (c->out_bytes + bytes > OUT_BYTES) {
        give_up("sink: answers pile up");
    }
    memcpy(c->out + c->out_bytes, text, bytes);
    c->out_bytes += bytes;
}

static void say_taken(struct client *c) {
    char text[64];
    snprintf(text, sizeof text, "250 2.0.0 taken as %lX\r\n", ++taken);
    say(c, text);
}

static int is(const char *line, const char *word) {
    return strncasecmp(line, word, strlen(word)) == 0;
}

/* Returns 0 when the client says good-bye. */
static int command(struct client *c, const char *line) {
    if (is(line, "MAIL") || is(line, "RCPT") || is(line, "RSET") || is(line, "NOOP") ||
        is(line, "HELO")) {
        say(c, "250 2.0.0 fine\r\n");
    } else if (is(line, "DATA")) {
        say(c, "354 go on\r\n");
        c->phase = DATA;
    } else if (chunking && is(line, "BDAT")) {
        c->chunk_left = strtoul(line + 4, NULL, 10);
        c->phase = CHUNK;
    } else if (is(line, "EHLO")) {
        say(c, chunking ? "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 CHUNKING\r\n"
                        : "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    } else if (is(line, "QUIT")) {
        say(c, "221 2.0.0 good-bye\r\n");
        return 0;
    } else {
        say(c, "500 5.5.1 unknown\r\n");
    }
    return 1;
}

/* Takes what it can from the front of the input; *at_out: how much. Returns 0 when the client says
 * good-bye. */
static int digest(struct client *c, size_t *at_out) {
    size_t at = 0;
    while (at < c->in_bytes) {
        char *from = c->in + at;
        size_t left = c->in_bytes - at;
        if (c->phase == CHUNK) {
            size_t part = left < c->chunk_left ? left : c->chunk_left;
            c->chunk_left -= part;
            at += part;
            if (c->chunk_left > 0) {
                break;
            }
            c->phase = COMMAND;
            say_taken(c);
        } else if (c->phase == DATA) {
            char *end = memmem(from, left, "\r\n.\r\n", 5);
            if (!end) {
                at += left > 4 ? left - 4 : 0;
                break;
            }
            at += (size_t)(end - from) + 5;
            c->phase = COMMAND;
            say_taken(c);
        } else {
            char *end = memchr(from, '\n', left);
            if (!end) {
                break;
            }
            at += (size_t)(end - from) + 1;
            if (!command(c, from)) {
                *at_out = at;
                return 0;
            }
        }
    }
    *at_out = at;
    return 1;
}

static void answer(struct client *c) {
    size_t at = 0;
    while (at < c->out_bytes) {
        ssize_t wrote = write(c->fd, c->out + at, c->out_bytes - at);
        if (wrote < 0 && errno != EAGAIN) {
            break;
        }
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    c->out_bytes = 0;
    c->answer_at = 0;
}

static void drop(struct client *c) {
    for (size_t i = 0; i < client_count; i++) {
        if (clients[i] == c) {
            clients[i] = clients[--client_count];
        }
    }
    close(c->fd);
    free(c);
}

static void welcome(int listener, int poll_fd) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || client_count == CLIENTS) {
        give_up("sink: accept");
    }
    make_ready(fd);
    struct client *c = calloc(1, sizeof *c);
    c->fd = fd;
    clients[client_count++] = c;
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &want);
    say(c, "220 sink ESMTP\r\n");
    answer(c);
}

static void serve(struct client *c) {
    ssize_t got = read(c->fd, c->in + c->in_bytes, IN_BYTES - c->in_bytes);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        drop(c);
        return;
    }
    c->in_bytes += (size_t)got;
    size_t at;
    int stays = digest(c, &at);
    c->in_bytes -= at;
    memmove(c->in, c->in + at, c->in_bytes);
    if (!stays || delay <= 0) {
        answer(c);
    } else if (c->out_bytes && c->answer_at <= 0) {
        c->answer_at = seconds() + delay;
    }
    if (!stays) {
        drop(c);
    }
}

/* Sends what is due; returns the milliseconds until the next is. */
static int answer_due(void) {
    double now = seconds();
    double next = 0;
    for (size_t i = 0; i < client_count; i++) {
        struct client *c = clients[i];
        if (c->answer_at > 0 && c->answer_at <= now) {
            answer(c);
        } else if (c->answer_at > 0 && (next <= 0 || c->answer_at < next)) {
            next = c->answer_at;
        }
    }
    return next > 0 ? (int)((next - now) * 1000) + 1 : -1;
}

int main(int argc, char **argv) {
    int port = 0, option;
    while ((option = getopt(argc, argv, "p:d:n")) != -1) {
        if (option == 'p') {
            port = (int)strtol(optarg, NULL, 10);
        } else if (option == 'd') {
            delay = strtod(optarg, NULL) / 1000;
        } else {
            chunking = 0;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on(port);
    int poll_fd = epoll_create1(0);
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = NULL}, events[128];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &want);
    for (;;) {
        int count = epoll_wait(poll_fd, events, 128, delay > 0 ? answer_due() : -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                serve(events[i].data.ptr);
            } else {
                welcome(listener, poll_fd);
            }
        }
    }
}
