/* The SMPP 3.4 client: one pool of connections ("binds") to an operator.
 *
 * - pdu.c, receipt.c, status.c: bytes and their meaning
 * - refs.c, submits.c, parts.c: which message a receipt speaks of
 * - compose.c: a message as submit_sm
 * - bind.c: one connection: socket, buffers, time-outs; dialog.c: the PDUs on it
 * - connect.c: addresses, when to connect, back-off
 * - pool.c: queue, windows, results; pace.c: how fast
 * - inbound.c: receipts and messages from people; join.c: long ones put together
 *
 * Everything runs on the host's one thread. */
#ifndef SMPP_SMPP_H
#define SMPP_SMPP_H

#include "pdu.h"
#include "receipt.h"
#include "refs.h"
#include "sms_text.h"
#include "status.h"
#include "submits.h"
#include "tls.h"

enum {
    SMPP_FLIGHTS = 4096, /* a power of two, over twice the largest window */
    SMPP_WINDOW_MOST = 2000,
    SMPP_BINDS_MOST = 32,
    SMPP_ADDRESSES_MOST = 16,
    SMPP_DETAIL_MOST = 200,
    SMPP_REF_MOST = 120, /* as much as the core keeps */
};

struct smpp_config {
    const char *host;
    int64_t port;
    const char *bind; /* transceiver, transmitter, receiver, pair */
    const char *system_id, *password, *system_type;
    const char *source_addr;
    int64_t source_ton, source_npi, dest_ton, dest_npi; /* source: -1 by the look of the sender */
    const char *service_type;
    const char *tls;
    bool tls_verify;
    const char *tls_ca;
    int64_t binds, window, throughput;
    int64_t enquire_link, connect_timeout, timeout, reconnect;
    const char *data_coding;      /* auto, gsm7, ucs2 */
    const char *default_alphabet; /* gsm, latin1, ascii */
    const char *accents;          /* keep, strip, strip_if_cheaper */
    const char *concat;           /* udh, udh16, sar, payload */
    int64_t parts;
    const char *msg_id_type;
    const char *receipts; /* all, failed, none */
    bool user_reference;
    int64_t validity;
    const char *country_code;
    int64_t inbound_join;
    int64_t price_part;
};

enum smpp_field { SMPP_FIELD_TEXT, SMPP_FIELDS };

struct smpp_pool;

/* --- messages --- */

enum smpp_part { SMPP_PART_WAITING, SMPP_PART_SENT, SMPP_PART_ACCEPTED, SMPP_PART_OVER };

/* One message from send() to its result. */
struct smpp_job {
    struct smpp_job *next;                /* in the queue */
    const struct lantoa_message *message; /* BORROWED until the result */
    char dest_addr[21];
    struct sms_cost cost;
    char *text; /* prepared; lies in this allocation, as do cuts and parts */
    size_t text_bytes;
    uint32_t *cuts; /* where each PDU's text begins; pdu_count + 1 of them */
    uint8_t *parts; /* enum smpp_part of each PDU */
    size_t pdu_count;
    size_t waiting, out, accepted;             /* PDUs in these states */
    uint64_t refs_message;                     /* 0: no part has been accepted yet */
    uint16_t user_reference, concat_reference; /* 0: not given yet */
    bool queued, begun, unknown, refused;
    int64_t stalled_at; /* ticks of the first throttling without an answer since; 0: none */
    int64_t queued_at;
    struct smpp_verdict verdict;
    char ref[SMPP_REF_MOST + 1]; /* the ids of its parts */
    unsigned unnamed;            /* ids that found no room in it */
    char detail[SMPP_DETAIL_MOST + 1];
};

struct smpp_queue {
    struct smpp_job *first, *last;
    size_t count;
};

/* compose.c */
/* Makes the job of a message. LANTOA_OK, or why it never can be sent: a reason and a text. */
int smpp_compose(const struct smpp_pool *pool, const struct lantoa_message *message,
    struct smpp_job **job_out, enum lantoa_reason *reason_out, char *why, size_t room);
/* Appends the submit_sm of one PDU; false when memory lacks. */
bool smpp_compose_pdu(struct smpp_pool *pool, struct smpp_job *job, size_t part, uint32_t sequence,
    struct bytes *out);
/* The rules of text that the options make. */
struct sms_rules smpp_compose_rules(const struct smpp_config *config);

/* --- pace: PDUs per second over all binds --- */

struct smpp_pace {
    double limit; /* 0: none. Cut when the operator throttles, and grown again */
    double tokens;
    int64_t filled_at, cut_at, grown_at, quiet_until;
    unsigned accepted, accepted_before; /* in this second and in the last */
    int64_t second_at;
};
/* Whether one more may go now. */
bool smpp_pace_take(struct smpp_pace *pace, double most, int64_t now);
void smpp_pace_accepted(struct smpp_pace *pace, int64_t now);
/* True when this throttling cut the pace: those of one moment count once. */
bool smpp_pace_throttled(struct smpp_pace *pace, int64_t now);

/* --- binds --- */

enum smpp_role { SMPP_TRANSCEIVER, SMPP_TRANSMITTER, SMPP_RECEIVER };
enum smpp_state {
    SMPP_CLOSED,
    SMPP_CONNECTING,
    SMPP_SECURING,
    SMPP_BINDING,
    SMPP_BOUND,
    SMPP_LEAVING,
};
enum smpp_fault { SMPP_FAULT_NONE, SMPP_FAULT_NETWORK, SMPP_FAULT_SETUP };

/* A submit_sm without its answer. */
struct smpp_flight {
    uint32_t sequence; /* 0: free */
    uint32_t part;
    struct smpp_job *job; /* NULL: given up; the answer may still name an id */
    uint64_t refs_message;
    uint64_t end;    /* stream offset behind its last byte */
    int64_t left_at; /* ticks */
};

struct smpp_bind {
    struct smpp_pool *pool;
    enum smpp_role role;
    enum smpp_state state;
    struct tls_link link;
    struct lantoa_watch *watch;
    unsigned watched, read_wants, write_wants;
    uint64_t generation; /* of the connection: what came over an older one cannot be answered */
    struct bytes in, out;
    size_t in_at, out_at;
    uint64_t out_base, left;  /* stream offsets: of out.at[0], and behind what may have left */
    bool write_dead, closing; /* closing: the operator wants to part; nothing new goes out */
    bool fruitful;
    uint32_t sequence, dialog; /* dialog: sequence of the bind or unbind that waits */
    uint32_t enquiry;          /* sequence of an enquire_link that waits; 0: none */
    int64_t deadline, heard_at, bound_at;
    size_t window, outstanding, good; /* good: accepted since the window last changed */
    struct smpp_flight *flights;
};

/* bind.c */
struct smpp_bind *smpp_bind_new(struct smpp_pool *pool, enum smpp_role role);
void smpp_bind_free(struct smpp_bind *bind);
void smpp_bind_open(struct smpp_bind *bind, const struct lantoa_sockaddr *address);
/* Ends the connection and gives what was under way on it back to the pool. */
void smpp_bind_end(
    struct smpp_bind *bind, enum smpp_fault fault, enum lantoa_reason reason, const char *why);
void smpp_bind_flush(struct smpp_bind *bind);
void smpp_bind_tick(struct smpp_bind *bind, int64_t now);
bool smpp_bind_sends(const struct smpp_bind *bind); /* takes submit_sm by its role */
bool smpp_bind_has_room(const struct smpp_bind *bind);

/* dialog.c */
/* As ops->check: what a bind carries. */
int smpp_dialog_check(
    const struct smpp_config *config, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
void smpp_dialog_hello(struct smpp_bind *bind);
void smpp_dialog_goodbye(struct smpp_bind *bind);
void smpp_dialog_enquire(struct smpp_bind *bind, int64_t now);
void smpp_dialog_answer(
    struct smpp_bind *bind, uint32_t command, uint32_t sequence, uint32_t status);
void smpp_dialog_take(struct smpp_bind *bind, const unsigned char *at, size_t bytes);
uint32_t smpp_dialog_sequence(struct smpp_bind *bind);
/* Puts one PDU of a job out; false when that is not possible now. */
bool smpp_dialog_submit(struct smpp_bind *bind, struct smpp_job *job, size_t part);

/* --- inbound --- */

/* A deliver_sm or data_sm that has not been answered. */
struct smpp_delivery {
    struct smpp_delivery *next;
    struct smpp_bind *bind;
    uint64_t generation, token;
    uint32_t command, sequence;
    int64_t until; /* ticks: parked or joined no longer than this */
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    bool parked;                  /* waits for the answer that explains its id */
    struct smpp_delivery *others; /* the further PDUs of a joined message */
    uint32_t number;              /* its place in a longer text */
    int64_t came_at;
    char id[SMPP_ID_MOST + 1], from[24], to[24];
    char key[SMPP_KEY_ROOM];
    struct bytes detail;
};

struct smpp_join;

struct smpp_inbound {
    struct smpp_delivery *told_first, *told_last; /* the core has them: answered at event_done */
    struct smpp_delivery *held;                   /* parked, or the host has no room */
    struct smpp_join *joins;
    size_t pending, parked, join_count;
    uint64_t token;
};

/* inbound.c */
void smpp_inbound_take(struct smpp_bind *bind, const struct smpp_pdu *pdu);
void smpp_inbound_done(struct smpp_pool *pool, uint64_t token);
/* An answer has named a new id: receipts that came before it may be told now. */
void smpp_inbound_learned(struct smpp_pool *pool);
void smpp_inbound_tick(struct smpp_pool *pool, int64_t now);
void smpp_inbound_release(struct smpp_pool *pool);
/* Tells the core; TAKES the delivery. */
void smpp_inbound_tell(struct smpp_pool *pool, struct smpp_delivery *delivery);
void smpp_inbound_drop(struct smpp_pool *pool, struct smpp_delivery *delivery);
void smpp_inbound_answer(struct smpp_delivery *delivery, uint32_t status);

/* What a text from a person says of its place in a longer one. */
struct smpp_segment {
    uint32_t reference, total, number; /* total 1: alone */
};
/* join.c */
/* Takes the delivery over when it is a piece of a longer text; false: it stands alone. */
bool smpp_join_take(
    struct smpp_pool *pool, struct smpp_delivery *delivery, const struct smpp_segment *segment);
void smpp_join_tick(struct smpp_pool *pool, int64_t now);
void smpp_join_release(struct smpp_pool *pool);
/* Appends the text of a message from a person as UTF-8 on one line, and finds its segment. */
void smpp_join_read(const struct smpp_pool *pool, const struct smpp_pdu *pdu, struct bytes *text,
    struct smpp_segment *segment_out);

/* --- the pool --- */

struct smpp_lookup;

struct smpp_pool {
    const struct lantoa_host *host;
    const struct smpp_config *config; /* BORROWED; replaced by reconfigure */
    struct sms_rules rules;
    enum refs_form id_form;
    SSL_CTX *tls;
    struct refs *refs;
    struct submits *submits;
    struct parts *parts;
    struct smpp_bind *binds[SMPP_BINDS_MOST * 2];
    size_t bind_count;

    struct smpp_queue again, ready; /* parts that came back go first */
    size_t live;                    /* jobs without result */
    uint16_t concat_reference;
    struct smpp_pace pace;
    struct smpp_inbound inbound;

    struct lantoa_sockaddr addresses[SMPP_ADDRESSES_MOST];
    size_t address_count, address_next;
    int64_t resolved_at;
    struct smpp_lookup *lookup;
    bool proven; /* the newest attempt to connect got as far as bound */
    int64_t backoff_ms, next_try, warned_at;
    int64_t down_at; /* ticks since when no bind takes messages; 0: one does */
    unsigned setup_faults;
    char trouble[SMPP_DETAIL_MOST + 1];
    enum lantoa_reason trouble_reason;

    bool draining, failed;
    int64_t drain_until;
    void (*drained)(void *arg);
    void *drained_arg;
    struct lantoa_timer *tick, *flusher;
    int64_t looked_at, told_at; /* when time-outs were looked for, and metrics told, last */
    struct bytes scratch, scratch_tlvs;
    uint64_t submitted, accepted, throttled, receipts, inbound_texts, unknown;
};

/* pool.c */
int smpp_pool_init(struct smpp_pool *pool, const struct lantoa_host *host,
    const struct smpp_config *config) LANTOA_MUST_CHECK;
void smpp_pool_release(struct smpp_pool *pool);
void smpp_pool_start(struct smpp_pool *pool);
void smpp_pool_send(
    struct smpp_pool *pool, const struct lantoa_message *const *messages, size_t count);
void smpp_pool_cancel(struct smpp_pool *pool, const uint64_t *ids, size_t count);
void smpp_pool_reconfigure(struct smpp_pool *pool, const struct smpp_config *config);
void smpp_pool_drain(struct smpp_pool *pool, void (*drained)(void *arg), void *arg);
/* Gives work to binds and opens more; the last call of every callback. */
void smpp_pool_run(struct smpp_pool *pool);
void smpp_pool_fail(struct smpp_pool *pool, const char *text);
/* Writes what was put out, once this turn of the loop is over. */
void smpp_pool_flush_soon(struct smpp_pool *pool);
int64_t smpp_pool_ticks(const struct smpp_pool *pool);
size_t smpp_pool_bound(const struct smpp_pool *pool); /* binds that take submit_sm */

/* landing.c: how PDUs of jobs end. */
void smpp_landing_answer(
    struct smpp_bind *bind, struct smpp_flight *flight, const struct smpp_pdu *pdu);
/* The connection is gone: may_have_left says whether the operator can have the PDU. */
void smpp_landing_lost(struct smpp_pool *pool, struct smpp_flight *flight, bool may_have_left,
    enum lantoa_reason reason, const char *why);
/* No answer in time. */
void smpp_landing_overdue(struct smpp_bind *bind, struct smpp_flight *flight);
/* Gives results to jobs that wait too long for a connection or a less busy operator. */
void smpp_landing_tick(struct smpp_pool *pool, int64_t now);
void smpp_landing_give(struct smpp_pool *pool, struct smpp_job *job, enum lantoa_outcome outcome,
    enum lantoa_reason reason, int64_t after_ms, const char *detail);
/* queue.c */
void smpp_queue_push(struct smpp_queue *queue, struct smpp_job *job);
void smpp_queue_push_front(struct smpp_queue *queue, struct smpp_job *job);
struct smpp_job *smpp_queue_pop(struct smpp_queue *queue);
bool smpp_queue_remove(struct smpp_queue *queue, struct smpp_job *job);

/* connect.c */
void smpp_connect_more(struct smpp_pool *pool);
void smpp_connect_ready(struct smpp_pool *pool);
void smpp_connect_ended(struct smpp_pool *pool, enum smpp_fault fault, bool worked,
    enum lantoa_reason reason, const char *why);
void smpp_connect_forget(struct smpp_pool *pool);

#endif
