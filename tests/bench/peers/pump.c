/* The fastest plain SMTP sender that one thread makes: no database, no template, one fixed message
 * over kept connections. A raw upper bound. Pipelined: the body goes out together with the next
 * envelope, so a message costs one round trip. Lock step: each command waits for its answer, as
 * most libraries do: four round trips a message. usage: pump -p PORT -n MESSAGES [-c CONNECTIONS]
 * [-l]     -l: lock step */
#include "net.h"

enum step { GREETING, HELLO, SENDER, RECIPIENT, GO_AHEAD, TAKEN, OVER };

struct line {
    int fd;
    enum step step;
    int next_announced; /* the next envelope is on its way already */
    size_t in_bytes, out_bytes, out_at;
    char in[16384], out[16384];
};

#define SENDER_LINE "MAIL FROM:<bounce@sender.example>\r\n"
#define RECIPIENT_LINE "RCPT TO:<person@dest.example>\r\n"
#define ENVELOPE SENDER_LINE RECIPIENT_LINE "DATA\r\n"

static char body[4096];
static long wanted = 10000, begun, done;
static int lock_step, poll_fd, open_lines;

static void make_body(void) {
    size_t at = (size_t)snprintf(body, sizeof body,
        "From: Lantoa <news@sender.example>\r\nTo: Person <person@dest.example>\r\nSubject: Your "
        "registration day\r\n"
        "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: "
        "<k0123456789abcdef0123@sender.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    while (at < 1900) {
        at += (size_t)snprintf(body + at, sizeof body - at,
            "A line of plain text of the length that people write.\r\n");
    }
    snprintf(body + at, sizeof body - at, ".\r\n");
}

static void put(struct line *l, const char *text) {
    size_t bytes = strlen(text);
    if (l->out_bytes + bytes > sizeof l->out) {
        give_up("pump: output piles up");
    }
    memcpy(l->out + l->out_bytes, text, bytes);
    l->out_bytes += bytes;
}

static int another(void) {
    if (begun == wanted) {
        return 0;
    }
    begun++;
    return 1;
}

static void next_message(struct line *l) {
    l->step = SENDER;
    if (lock_step ? another() : l->next_announced) {
        if (lock_step) {
            put(l, SENDER_LINE);
        }
    } else {
        put(l, "QUIT\r\n");
        l->step = OVER;
        open_lines--;
    }
}

static void answered(struct line *l, char first) {
    if (first != (l->step == GO_AHEAD ? '3' : '2')) {
        give_up("pump: refused at step %d", (int)l->step);
    }
    switch (l->step) {
    case GREETING:
        put(l, "EHLO pump.example\r\n");
        l->step = HELLO;
        break;
    case HELLO:
        if (!lock_step && another()) {
            l->next_announced = 1;
            put(l, ENVELOPE);
        }
        next_message(l);
        break;
    case SENDER:
        l->step = RECIPIENT;
        if (lock_step) {
            put(l, RECIPIENT_LINE);
        }
        break;
    case RECIPIENT:
        l->step = GO_AHEAD;
        if (lock_step) {
            put(l, "DATA\r\n");
        }
        break;
    case GO_AHEAD:
        l->step = TAKEN;
        put(l, body);
        l->next_announced = !lock_step && another();
        if (l->next_announced) {
            put(l, ENVELOPE);
        }
        break;
    case TAKEN:
        done++;
        next_message(l);
        break;
    case OVER:
        break;
    }
}

static void flush(struct line *l) {
    while (l->out_at < l->out_bytes) {
        ssize_t wrote = write(l->fd, l->out + l->out_at, l->out_bytes - l->out_at);
        if (wrote < 0 && errno != EAGAIN) {
            give_up("pump: write: %s", strerror(errno));
        }
        l->out_at += wrote > 0 ? (size_t)wrote : 0;
    }
    l->out_at = l->out_bytes = 0;
}

static void readable(struct line *l) {
    ssize_t got = read(l->fd, l->in + l->in_bytes, sizeof l->in - l->in_bytes);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        give_up("pump: the server hung up after %ld messages", done);
    }
    l->in_bytes += (size_t)got;
    char *at = l->in;
    char *end = l->in + l->in_bytes;
    char *newline;
    while (l->step != OVER && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        if (newline - at < 4 || at[3] != '-') {
            answered(l, *at);
        }
        at = newline + 1;
    }
    l->in_bytes = (size_t)(end - at);
    memmove(l->in, at, l->in_bytes);
    flush(l);
    if (l->step == OVER) {
        close(l->fd);
    }
}

int main(int argc, char **argv) {
    int port = 0, connections = 10, option;
    while ((option = getopt(argc, argv, "p:n:c:l")) != -1) {
        switch (option) {
        case 'p':
            port = (int)strtol(optarg, NULL, 10);
            break;
        case 'n':
            wanted = strtol(optarg, NULL, 10);
            break;
        case 'c':
            connections = (int)strtol(optarg, NULL, 10);
            break;
        default:
            lock_step = 1;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    make_body();
    double start = seconds();
    poll_fd = epoll_create1(0);
    struct line *lines = calloc((size_t)connections, sizeof *lines);
    for (int i = 0; i < connections; i++) {
        lines[i].fd = connect_to(port);
        struct epoll_event want = {.events = EPOLLIN, .data.ptr = &lines[i]};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, lines[i].fd, &want);
        open_lines++;
    }
    struct epoll_event events[128];
    while (open_lines > 0) {
        int count = epoll_wait(poll_fd, events, 128, 10000);
        if (count <= 0) {
            give_up("pump: nothing happens after %ld messages", done);
        }
        for (int i = 0; i < count && open_lines > 0; i++) {
            readable(events[i].data.ptr);
        }
    }
    printf("{\"n\": %ld, \"secs\": %.6f}\n", done, seconds() - start);
    free(lines);
    return done == wanted ? 0 : 1;
}
