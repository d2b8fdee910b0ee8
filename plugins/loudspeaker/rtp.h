/* RTP senders (RFC 3550): packets made of ready payloads, all of them paced by one wheel on
 * absolute deadlines. The wheel turns in steps of 1 ms; a stream has a place on it, so that the
 * packets of many streams leave spread over the time of one packet, those of one place in one
 * system call.
 *
 * Knows no schedule: it plays a file of payloads from a position and says when it is over. */
#ifndef LOUDSPEAKER_RTP_H
#define LOUDSPEAKER_RTP_H

#include <lantoa/fault.h>
#include <lantoa/host.h>

#define RTP_HEAD_BYTES 12

struct rtp_head {
    int payload_type;
    bool marker;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
};
void rtp_head_write(const struct rtp_head *head, uint8_t out[static RTP_HEAD_BYTES]);

/* How a codec's payloads go out. */
struct rtp_format {
    int payload_type;
    size_t payload_bytes;
    int packet_ms;       /* 10 or 20 */
    uint32_t clock_rate; /* timestamps a second */
};

struct rtp;        /* the wheel and its sockets */
struct rtp_stream; /* one receiver or group */

/* via: address of the network card for multicast (IPv4), NULL: as the system routes. NULL: no
 * sockets, or no such card. */
/* As ops->check, of the option multicast_via. */
int rtp_check(const char *via, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
struct rtp *rtp_new(const struct lantoa_host *host, const char *via);
void rtp_free(struct rtp *rtp); /* NULL is fine; its streams must be gone */
/* Lateness of the packets of the last minute or so: this part (0..1) of them left no later than so
 * many microseconds after their deadline. */
int64_t rtp_lateness_us(const struct rtp *rtp, double part);
uint64_t rtp_sent(const struct rtp *rtp);
uint64_t rtp_lost(const struct rtp *rtp); /* the system took them not */

/* `over` is called from the wheel when the last packet has left or the network has failed (why not
 * NULL); the stream is then idle. */
struct rtp_stream *rtp_stream_new(struct rtp *rtp, const struct lantoa_sockaddr *to, int ttl,
    const struct rtp_format *format, void (*over)(void *arg, const char *why), void *arg);
void rtp_stream_free(struct rtp_stream *stream); /* NULL is fine */
/* Plays the file (TAKES fd) from from_ms. */
void rtp_stream_play(struct rtp_stream *stream, int fd, int64_t from_ms);
void rtp_stream_stop(struct rtp_stream *stream);
/* Of the file, from its beginning. */
int64_t rtp_stream_played_ms(const struct rtp_stream *stream);

#endif
