/* An SMPP 3.4 operator that takes everything and does next to nothing with it. One thread, epoll.
 * Binds, submit_sm, enquire_link and unbind are answered; the message id is a number in hex.
 * usage: smsc -p PORT [-d MS] [-r | -b FILE] [-C FILE]
 * -d: answers come MS milliseconds later, as from a distant operator; -r: a receipt for every
 * message; -b: they are kept until SIGUSR1, then come all at once, every tenth twice and at most
 * BURST_WINDOW of them unanswered, over each connection those of its own messages; when the last
 * is answered FILE tells their number and the seconds it took; -C: the number of messages taken so
 * far stands in FILE (8 bytes, mapped) */
#include "net.h"

#include <stdint.h>
#include <sys/mman.h>

#define IN_BYTES (1 << 18)
#define CLIENTS 256
#define BURST_WINDOW 4000
#define BURST_TWICE 10 /* every so many-th message has its receipt told twice */
#define DELIVER_SM 5u
#define SUBMIT_SM 4u
#define ANSWER 0x80000000u

/* Bytes to be sent once their time has come, in order. */
struct client {
    int fd;
    size_t in_bytes, out_bytes, out_room;
    double due; /* of the oldest delayed answer; 0: none */
    uint32_t sequence;
    char *out;
    char *kept; /* receipts of a burst: as PDUs, in order */
    size_t kept_bytes, kept_room, kept_at, unanswered;
    unsigned char in[IN_BYTES];
};

static struct client *clients[CLIENTS];
static size_t client_count;
static double delay;
static int receipts;
static const char *burst_path; /* NULL: receipts are not kept */
static volatile sig_atomic_t bursting;
static size_t burst_total, burst_answered, burst_refused;
static double burst_began;
static uint64_t counted_here;
static volatile uint64_t *taken = &counted_here;

static uint32_t get32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (char)(value >> (24 - 8 * i));
    }
}

static void put_pdu(
    struct client *c, uint32_t command, uint32_t sequence, const char *body, size_t bytes) {
    if (c->out_bytes + 16 + bytes > c->out_room) {
        c->out_room = 2 * (c->out_bytes + 16 + bytes) + 65536;
        c->out = realloc(c->out, c->out_room);
    }
    char *at = c->out + c->out_bytes;
    put32(at, (uint32_t)(16 + bytes));
    put32(at + 4, command);
    put32(at + 8, 0);
    put32(at + 12, sequence);
    memcpy(at + 16, body, bytes);
    c->out_bytes += 16 + bytes;
}

/* Addresses of a submit_sm: type of number, plan, text with its NUL. NULL: it is cut off. */
static const char *address(const char **at, const char *end, size_t *bytes_out) {
    const char *from = *at;
    const char *stop = end - from > 3 ? memchr(from + 2, '\0', (size_t)(end - from - 2)) : NULL;
    if (!stop || stop - from > 24) {
        return NULL;
    }
    *bytes_out = (size_t)(stop - from) + 1;
    *at = stop + 1;
    return from;
}

static void put_receipt(struct client *c, const char *body, const char *end, const char *id) {
    static const char fixed[] = {4, 0, 0, 0, 0, 0, 0, 0, 0}; /* a receipt; then what is not used */
    const char *at = memchr(body, '\0', (size_t)(end - body)); /* after the service type */
    char text[160];
    char out[256];
    size_t from_bytes = 0;
    size_t to_bytes = 0;
    const char *from = NULL;
    const char *to = NULL;
    if (at) {
        at++;
        from = address(&at, end, &from_bytes);
        to = from ? address(&at, end, &to_bytes) : NULL;
    }
    if (!to) {
        give_up("smsc: a submit_sm that cannot be read");
    }
    int bytes = snprintf(text, sizeof text,
        "id:%s sub:001 dlvrd:001 submit date:2611231200 done date:2611231200 stat:DELIVRD err:000 "
        "text:",
        id);
    size_t used = 0;
    out[used++] = '\0';
    memcpy(out + used, to, to_bytes);
    used += to_bytes;
    memcpy(out + used, from, from_bytes);
    used += from_bytes;
    memcpy(out + used, fixed, sizeof fixed);
    used += sizeof fixed;
    out[used++] = (char)bytes;
    memcpy(out + used, text, (size_t)bytes);
    put_pdu(c, DELIVER_SM, ++c->sequence, out, used + (size_t)bytes);
}

/* The receipt just written stays for the burst. */
static void keep_last(struct client *c, size_t from) {
    static size_t messages;
    size_t bytes = c->out_bytes - from;
    if (c->kept_bytes + 2 * bytes > c->kept_room) {
        c->kept_room = 2 * c->kept_room + 65536;
        c->kept = realloc(c->kept, c->kept_room);
    }
    for (int i = messages++ % BURST_TWICE == 0 ? 2 : 1; i > 0; i--) {
        memcpy(c->kept + c->kept_bytes, c->out + from, bytes);
        put32(c->kept + c->kept_bytes + 12, c->sequence);
        c->kept_bytes += bytes;
        c->sequence += i > 1;
        burst_total++;
    }
    c->out_bytes = from;
}

/* As much of the burst as may go unanswered. */
static void go_on(struct client *c) {
    while (c->kept_at < c->kept_bytes && c->unanswered < BURST_WINDOW) {
        const char *pdu = c->kept + c->kept_at;
        size_t bytes = get32((const unsigned char *)pdu);
        put_pdu(c, DELIVER_SM, get32((const unsigned char *)pdu + 12), pdu + 16, bytes - 16);
        c->kept_at += bytes;
        c->unanswered++;
    }
}

static void answered(struct client *c, uint32_t status) {
    if (!bursting) {
        return;
    }
    c->unanswered--;
    burst_refused += status != 0;
    if (++burst_answered == burst_total) {
        char path[512];
        snprintf(path, sizeof path, "%s.new", burst_path);
        FILE *out = fopen(path, "w");
        if (!out) {
            give_up("smsc: %s: %s", path, strerror(errno));
        }
        fprintf(out, "{\"n\": %zu, \"secs\": %.6f, \"refused\": %zu}\n", burst_total,
            seconds() - burst_began, burst_refused);
        if (fclose(out) != 0 || rename(path, burst_path) != 0) {
            give_up("smsc: %s: %s", burst_path, strerror(errno));
        }
    }
}

static void take(struct client *c, const unsigned char *pdu, size_t bytes) {
    uint32_t command = get32(pdu + 4);
    uint32_t sequence = get32(pdu + 12);
    char id[24];
    switch (command) {
    case 1: /* binds */
    case 2:
    case 9:
        put_pdu(c, command | ANSWER, sequence, "smsc", 5);
        break;
    case SUBMIT_SM: {
        int id_bytes = snprintf(id, sizeof id, "%lX", (unsigned long)++*taken) + 1;
        put_pdu(c, SUBMIT_SM | ANSWER, sequence, id, (size_t)id_bytes);
        if (receipts) {
            size_t from = c->out_bytes;
            put_receipt(c, (const char *)pdu + 16, (const char *)pdu + bytes, id);
            if (burst_path) {
                keep_last(c, from);
            }
        }
        break;
    }
    case DELIVER_SM | ANSWER:
        answered(c, get32(pdu + 8));
        break;
    case 6:    /* unbind */
    case 0x15: /* enquire_link */
        put_pdu(c, command | ANSWER, sequence, "", 0);
        break;
    default:
        break;
    }
}

static void cut(struct client *c) {
    size_t at = 0;
    while (c->in_bytes - at >= 16) {
        size_t bytes = get32(c->in + at);
        if (bytes < 16 || bytes > IN_BYTES) {
            give_up("smsc: a PDU of %zu bytes", bytes);
        }
        if (c->in_bytes - at < bytes) {
            break;
        }
        take(c, c->in + at, bytes);
        at += bytes;
    }
    memmove(c->in, c->in + at, c->in_bytes - at);
    c->in_bytes -= at;
}

static void flush(struct client *c) {
    size_t at = 0;
    while (at < c->out_bytes) {
        ssize_t wrote = write(c->fd, c->out + at, c->out_bytes - at);
        if (wrote < 0 && errno != EAGAIN) {
            break; /* seen at the next read */
        }
        if (wrote < 0) {
            usleep(50);
        }
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    c->out_bytes = 0;
    c->due = 0;
}

static void hang_up(size_t place) {
    struct client *c = clients[place];
    close(c->fd);
    free(c->out);
    free(c->kept);
    free(c);
    clients[place] = clients[--client_count];
}

static void readable(struct client *c) {
    ssize_t got = read(c->fd, c->in + c->in_bytes, IN_BYTES - c->in_bytes);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        for (size_t i = 0; i < client_count; i++) {
            if (clients[i] == c) {
                hang_up(i);
                return;
            }
        }
    }
    if (got > 0) {
        c->in_bytes += (size_t)got;
        cut(c);
        if (bursting) {
            go_on(c);
        }
        if (delay == 0) {
            flush(c);
        } else if (c->due == 0) {
            c->due = seconds() + delay;
        }
    }
}

static int next_wait_ms(void) {
    for (size_t i = 0; i < client_count; i++) {
        if (clients[i]->due > 0) {
            return 1;
        }
    }
    return -1;
}

static void count_in(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    void *map = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *taken) == 0) {
        map = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (map == MAP_FAILED) {
        give_up("smsc: %s: %s", path, strerror(errno));
    }
    taken = map;
}

static void begin_burst(int number) {
    (void)number;
    bursting = 1;
}

int main(int argc, char **argv) {
    int port = 0, option;
    while ((option = getopt(argc, argv, "p:d:rb:C:")) != -1) {
        if (option == 'p') {
            port = (int)strtol(optarg, NULL, 10);
        } else if (option == 'd') {
            delay = (double)strtol(optarg, NULL, 10) / 1000;
        } else if (option == 'C') {
            count_in(optarg);
        } else {
            receipts = 1;
            burst_path = option == 'b' ? optarg : NULL;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, begin_burst);
    int door = listen_on(port);
    int poll_fd = epoll_create1(0);
    struct epoll_event want = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, door, &want);
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(poll_fd, events, 64, next_wait_ms());
        if (bursting && burst_began == 0) {
            burst_began = seconds();
            for (size_t i = 0; i < client_count; i++) {
                go_on(clients[i]);
                flush(clients[i]);
            }
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                readable(events[i].data.ptr);
                continue;
            }
            int fd = accept(door, NULL, NULL);
            if (fd < 0 || client_count == CLIENTS) {
                give_up("smsc: accept: %s", strerror(errno));
            }
            struct client *c = calloc(1, sizeof *c);
            make_ready(fd);
            c->fd = fd;
            want.data.ptr = clients[client_count++] = c;
            epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &want);
        }
        double now = delay > 0 ? seconds() : 0;
        for (size_t i = 0; i < client_count && delay > 0; i++) {
            if (clients[i]->due > 0 && clients[i]->due <= now) {
                flush(clients[i]);
            }
        }
    }
}
