/* The wheel: a timerfd set to the next occupied place, sendmmsg for all streams of a place. */
#include "rtp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PLACES 20 /* a wheel's turn, and the longest packet, in ms */
#define BATCH 64
#define PAYLOAD_MOST 1200
#define BEHIND_MOST_MS 250 /* after a longer stop the wheel goes on from now instead of rushing */
#define FAILURES_MOST 200  /* packets in a row that the system refused: the way is gone */
#define HISTORY_BOXES 512
#define HISTORY_BOX_US 50
#define HISTORY_MOST 1000000 /* then older packets count half */

struct rtp_stream {
    struct rtp *rtp;
    struct rtp_stream *next; /* of its place */
    struct sockaddr_storage to;
    socklen_t to_bytes;
    struct rtp_format format;
    void (*over)(void *arg, const char *why);
    void *arg;
    int place; /* 0..packet_ms-1 */
    int ttl, fd, failures;
    int64_t position, packets; /* in payloads */
    int64_t idle_since_ms;     /* of the wheel; timestamps run on while nothing is sent */
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    bool playing, fresh;
};

struct rtp {
    const struct lantoa_host *host;
    int timer_fd;
    int sockets[2]; /* IPv4, IPv6; -1: there is none */
    int ttl[2];     /* as they are set now */
    struct lantoa_watch *watch;
    struct rtp_stream *places[PLACES];
    size_t load[PLACES], playing;
    int64_t next_ms; /* the step to be done next, monotonic */
    uint32_t history[HISTORY_BOXES];
    uint64_t counted, sent, lost;
    struct rtp_stream *finished; /* collected during a step */
    /* the batch */
    uint8_t bytes[BATCH][RTP_HEAD_BYTES + PAYLOAD_MOST];
    struct iovec parts[BATCH];
    struct mmsghdr heads[BATCH];
    struct rtp_stream *streams[BATCH];
    int64_t deadline_ms;
    unsigned waiting;
    int family; /* index of sockets */
};

static int64_t now_us(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

void rtp_head_write(const struct rtp_head *head, uint8_t out[static RTP_HEAD_BYTES]) {
    uint16_t sequence = htons(head->sequence);
    uint32_t timestamp = htonl(head->timestamp), ssrc = htonl(head->ssrc);
    out[0] = 0x80; /* version 2, nothing optional */
    out[1] = (uint8_t)((head->marker ? 0x80 : 0) | (head->payload_type & 0x7F));
    memcpy(out + 2, &sequence, sizeof(sequence));
    memcpy(out + 4, &timestamp, sizeof(timestamp));
    memcpy(out + 8, &ssrc, sizeof(ssrc));
}

/* --- how late --- */

static void count_lateness(struct rtp *rtp, int64_t late_us, unsigned packets) {
    int64_t box = late_us < 0 ? 0 : late_us / HISTORY_BOX_US;
    rtp->history[box < HISTORY_BOXES ? box : HISTORY_BOXES - 1] += packets;
    rtp->counted += packets;
    if (rtp->counted > HISTORY_MOST) {
        rtp->counted = 0;
        for (int i = 0; i < HISTORY_BOXES; i++) {
            rtp->history[i] /= 2;
            rtp->counted += rtp->history[i];
        }
    }
}

int64_t rtp_lateness_us(const struct rtp *rtp, double part) {
    uint64_t below = 0;
    int box = 0;
    for (; box < HISTORY_BOXES - 1; box++) {
        below += rtp->history[box];
        if ((double)below >= part * (double)rtp->counted) {
            break;
        }
    }
    return rtp->counted > 0 ? (int64_t)(box + 1) * HISTORY_BOX_US : 0;
}

uint64_t rtp_sent(const struct rtp *rtp) {
    return rtp->sent;
}

uint64_t rtp_lost(const struct rtp *rtp) {
    return rtp->lost;
}

/* --- sending --- */

static void refused(struct rtp *rtp, struct rtp_stream *stream) {
    rtp->lost++;
    stream->failures++;
}

static void flush(struct rtp *rtp) {
    unsigned done = 0;
    int fd = rtp->sockets[rtp->family];
    while (done < rtp->waiting) {
        int count =
            fd < 0 ? -1 : sendmmsg(fd, rtp->heads + done, rtp->waiting - done, MSG_DONTWAIT);
        if (count < 0 && errno == EINTR && fd >= 0) {
            continue;
        }
        if (count <= 0) {
            refused(rtp, rtp->streams[done++]); /* this one; the others may have a way */
            continue;
        }
        for (int i = 0; i < count; i++) {
            rtp->streams[done + (unsigned)i]->failures = 0;
        }
        rtp->sent += (uint64_t)count;
        done += (unsigned)count;
    }
    if (rtp->waiting > 0) {
        count_lateness(rtp, now_us() - rtp->deadline_ms * 1000, rtp->waiting);
    }
    rtp->waiting = 0;
}

static void set_ttl(struct rtp *rtp, int family, int ttl) {
    unsigned char hops = (unsigned char)ttl;
    if (family == 0) {
        setsockopt(rtp->sockets[0], IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
    } else {
        setsockopt(rtp->sockets[1], IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof(ttl));
    }
    rtp->ttl[family] = ttl;
}

/* One packet into the batch. False: the file has no more. */
static bool put_packet(struct rtp *rtp, struct rtp_stream *stream) {
    int family = stream->to.ss_family == AF_INET6 ? 1 : 0;
    if (rtp->waiting == BATCH || family != rtp->family || stream->ttl != rtp->ttl[family]) {
        flush(rtp);
        rtp->family = family;
        if (stream->ttl != rtp->ttl[family] && rtp->sockets[family] >= 0) {
            set_ttl(rtp, family, stream->ttl);
        }
    }
    uint8_t *packet = rtp->bytes[rtp->waiting];
    size_t bytes = stream->format.payload_bytes;
    ssize_t got = pread(
        stream->fd, packet + RTP_HEAD_BYTES, bytes, (off_t)((uint64_t)stream->position * bytes));
    if (got != (ssize_t)bytes) {
        return false;
    }
    rtp_head_write(&(struct rtp_head){stream->format.payload_type, stream->fresh,
                       stream->sequence++, stream->timestamp, stream->ssrc},
        packet);
    stream->fresh = false;
    stream->timestamp +=
        stream->format.clock_rate / 1000 * (uint32_t)stream->format.packet_ms +
        stream->format.clock_rate % 1000 * (uint32_t)stream->format.packet_ms / 1000;
    stream->position++;
    rtp->parts[rtp->waiting] = (struct iovec){packet, RTP_HEAD_BYTES + bytes};
    rtp->heads[rtp->waiting] = (struct mmsghdr){.msg_hdr = {.msg_name = &stream->to,
                                                    .msg_namelen = stream->to_bytes,
                                                    .msg_iov = &rtp->parts[rtp->waiting],
                                                    .msg_iovlen = 1}};
    rtp->streams[rtp->waiting++] = stream;
    return true;
}

static void unlink_stream(struct rtp_stream *stream) {
    struct rtp *rtp = stream->rtp;
    struct rtp_stream **at = &rtp->places[stream->place];
    while (*at && *at != stream) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = stream->next;
    }
    rtp->load[stream->place]--;
    rtp->playing--;
    stream->next = NULL;
    stream->playing = false;
    stream->idle_since_ms = rtp->next_ms;
    if (stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
}

/* --- the wheel --- */

/* A stream of 10 ms packets stands at place p and is sent at p and p + 10. */
static void do_step(struct rtp *rtp, int64_t step_ms) {
    struct rtp_stream *ended = NULL;
    rtp->deadline_ms = step_ms;
    for (int turn = 10; turn <= PLACES; turn += 10) {
        int place = (int)(step_ms % turn);
        if (turn == PLACES && place < 10) {
            continue; /* seen already */
        }
        for (struct rtp_stream *stream = rtp->places[place], *next; stream; stream = next) {
            next = stream->next;
            if (step_ms % stream->format.packet_ms != stream->place) {
                continue;
            }
            bool more = put_packet(rtp, stream) && stream->position < stream->packets;
            if (!more || stream->failures > FAILURES_MOST) {
                unlink_stream(stream);
                stream->next = ended;
                ended = stream;
            }
        }
    }
    flush(rtp);
    rtp->next_ms = step_ms + 1;
    /* Only now: the call backs may start and free streams. */
    rtp->finished = ended;
    while (rtp->finished) {
        struct rtp_stream *stream = rtp->finished;
        rtp->finished = stream->next;
        stream->next = NULL;
        stream->over(stream->arg, stream->failures > FAILURES_MOST ? "the network is gone" : NULL);
    }
}

static bool occupied(const struct rtp *rtp, int64_t step_ms) {
    return rtp->places[step_ms % 10] || rtp->places[step_ms % PLACES];
}

static void arm(struct rtp *rtp) {
    struct itimerspec at = {0};
    if (rtp->playing > 0) {
        while (!occupied(rtp, rtp->next_ms)) {
            rtp->next_ms++;
        }
        at.it_value.tv_sec = rtp->next_ms / 1000;
        at.it_value.tv_nsec = rtp->next_ms % 1000 * 1000000;
    }
    timerfd_settime(rtp->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void turn(void *arg, unsigned events) {
    struct rtp *rtp = arg;
    uint64_t count;
    (void)events;
    if (read(rtp->timer_fd, &count, sizeof(count)) < 0) {
        return;
    }
    int64_t now_ms = now_us() / 1000;
    if (now_ms - rtp->next_ms > BEHIND_MOST_MS) {
        rtp->next_ms = now_ms;
    }
    while (rtp->playing > 0 && rtp->next_ms <= now_ms) {
        do_step(rtp, rtp->next_ms);
    }
    arm(rtp);
}

/* --- life --- */

static int udp_socket(int family) {
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int room = 1 << 20, class = 0xB8; /* expedited forwarding, RFC 3246 */
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        if (family == AF_INET) {
            setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof(class));
        } else {
            setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
        }
    }
    return fd;
}

static bool set_card(int fd, const char *via) {
    struct in_addr card;
    return !via || !via[0] ||
           (inet_pton(AF_INET, via, &card) == 1 &&
               setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &card, sizeof(card)) == 0);
}

int rtp_check(const char *via, struct lantoa_fault *fault_out) {
    int fd = udp_socket(AF_INET);
    bool good = fd < 0 || set_card(fd, via);
    if (fd >= 0) {
        close(fd);
    }
    return good ? LANTOA_OK
                : lantoa_fault_set(fault_out, "multicast_via",
                      "\"%.100s\" is no IPv4 address of this machine",
                      "\"%.100s\" không phải là địa chỉ IPv4 của máy này", via);
}

struct rtp *rtp_new(const struct lantoa_host *host, const char *via) {
    struct rtp *rtp = calloc(1, sizeof(*rtp));
    if (!rtp) {
        return NULL;
    }
    rtp->host = host;
    rtp->sockets[0] = udp_socket(AF_INET);
    rtp->sockets[1] = udp_socket(AF_INET6);
    rtp->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    rtp->watch = rtp->timer_fd >= 0 && rtp->sockets[0] >= 0 && set_card(rtp->sockets[0], via)
                     ? host->watch(host, rtp->timer_fd, LANTOA_READ, turn, rtp)
                     : NULL;
    if (!rtp->watch) {
        rtp_free(rtp);
        return NULL;
    }
    rtp->next_ms = now_us() / 1000;
    return rtp;
}

void rtp_free(struct rtp *rtp) {
    if (rtp) {
        rtp->host->watch_stop(rtp->host, rtp->watch);
        for (int i = 0; i < 2; i++) {
            if (rtp->sockets[i] >= 0) {
                close(rtp->sockets[i]);
            }
        }
        if (rtp->timer_fd >= 0) {
            close(rtp->timer_fd);
        }
        free(rtp);
    }
}

struct rtp_stream *rtp_stream_new(struct rtp *rtp, const struct lantoa_sockaddr *to, int ttl,
    const struct rtp_format *format, void (*over)(void *arg, const char *why), void *arg) {
    struct rtp_stream *stream = calloc(1, sizeof(*stream));
    if (!stream || to->length > sizeof(stream->to) || format->payload_bytes > PAYLOAD_MOST) {
        free(stream);
        return NULL;
    }
    *stream = (struct rtp_stream){.rtp = rtp,
        .to_bytes = to->length,
        .format = *format,
        .over = over,
        .arg = arg,
        .ttl = ttl,
        .fd = -1,
        .idle_since_ms = rtp->next_ms};
    memcpy(&stream->to, to->bytes, to->length);
    /* RFC 3550, 5.1: sequence, timestamp and source begin anywhere. */
    if (getrandom(&stream->ssrc, sizeof(stream->ssrc), 0) < 0 ||
        getrandom(&stream->sequence, sizeof(stream->sequence), 0) < 0 ||
        getrandom(&stream->timestamp, sizeof(stream->timestamp), 0) < 0) {
        free(stream);
        return NULL;
    }
    return stream;
}

void rtp_stream_free(struct rtp_stream *stream) {
    if (stream) {
        rtp_stream_stop(stream);
        for (struct rtp_stream **at = &stream->rtp->finished; *at; at = &(*at)->next) {
            if (*at == stream) {
                *at = stream->next;
                break;
            }
        }
        free(stream);
    }
}

static int freest_place(const struct rtp *rtp, int packet_ms) {
    int best = 0;
    for (int i = 1; i < packet_ms; i++) {
        size_t load = rtp->load[i] + (i < 10 ? rtp->load[i + 10] : 0);
        size_t least = rtp->load[best] + (best < 10 ? rtp->load[best + 10] : 0);
        if (packet_ms == PLACES) {
            load = rtp->load[i] + (i >= 10 ? rtp->load[i - 10] : 0);
            least = rtp->load[best] + (best >= 10 ? rtp->load[best - 10] : 0);
        }
        if (load < least) {
            best = i;
        }
    }
    return best;
}

void rtp_stream_play(struct rtp_stream *stream, int fd, int64_t from_ms) {
    struct rtp *rtp = stream->rtp;
    struct stat found;
    rtp_stream_stop(stream);
    int64_t now_ms = now_us() / 1000;
    if (rtp->playing == 0) {
        rtp->next_ms = now_ms + 1;
    }
    if (now_ms > stream->idle_since_ms) {
        stream->timestamp += (uint32_t)((uint64_t)(now_ms - stream->idle_since_ms) *
                                        stream->format.clock_rate / 1000);
    }
    stream->fd = fd;
    stream->packets =
        fstat(fd, &found) == 0 ? found.st_size / (off_t)stream->format.payload_bytes : 0;
    stream->position = from_ms / stream->format.packet_ms;
    stream->failures = 0;
    stream->fresh = stream->playing = true;
    stream->place = freest_place(rtp, stream->format.packet_ms);
    stream->next = rtp->places[stream->place];
    rtp->places[stream->place] = stream;
    rtp->load[stream->place]++;
    rtp->playing++;
    arm(rtp);
}

void rtp_stream_stop(struct rtp_stream *stream) {
    if (stream->playing) {
        unlink_stream(stream);
        arm(stream->rtp);
    }
}

int64_t rtp_stream_played_ms(const struct rtp_stream *stream) {
    return stream->position * stream->format.packet_ms;
}
