/* The SMTP client: a pool of connections to one server, each a session that keeps several messages
 * under way.
 *
 * - smtp_pool.c: queue and results
 * - smtp_connect.c: addresses, connections to open, back-off
 * - smtp_domain.c: messages at once per recipient domain
 * - smtp_session.c: one connection: socket, output, time-outs
 * - smtp_input.c: what the server says: bytes into replies
 * - smtp_dialog.c: greeting, EHLO, STARTTLS, AUTH
 * - smtp_transaction.c: MAIL RCPT DATA or BDAT: what goes out
 * - smtp_landing.c: replies to messages, results, loss
 *
 * Everything runs on the host's one thread. Stream offsets count the bytes put into a connection's
 * output since it opened; they are how a session knows which part of a message may have reached the
 * server when the connection is lost. */
#ifndef EMAIL_SMTP_H
#define EMAIL_SMTP_H

#include "mime_compose.h"
#include "smtp_reply.h"
#include "tls.h"

enum {
    SMTP_DEPTH = 8,               /* messages under way on a connection with CHUNKING */
    SMTP_EXPECT_MOST = 64,        /* replies a connection waits for */
    SMTP_ADDRESSES_MOST = 16,     /* addresses of the server */
    SMTP_CONNECTIONS_MOST = 1000, /* as option connections says */
    SMTP_DOMAIN_BUCKETS = 1024,
};

struct smtp_pool;
struct smtp_domain;

/* One message from send() to its result. */
struct smtp_job {
    struct smtp_job *next;
    const struct lantoa_message *message; /* BORROWED until the result */
    struct mime_step *step;
    struct smtp_domain *domain; /* NULL: not counted */
    bool put_back; /* has been on a connection that was lost before anything of it left */
};

struct smtp_queue {
    struct smtp_job *first, *last;
    size_t count;
};
void smtp_queue_push(struct smtp_queue *queue, struct smtp_job *job);
void smtp_queue_push_front(struct smtp_queue *queue, struct smtp_job *job);
struct smtp_job *smtp_queue_pop(struct smtp_queue *queue); /* NULL when empty */

/* Messages at once per recipient domain. */
struct smtp_domains {
    struct smtp_domain *buckets[SMTP_DOMAIN_BUCKETS];
};
/* True: the job may be sent now. False: it waits inside. Memory trouble lets the job through
 * uncounted. */
bool smtp_domains_admit(struct smtp_domains *domains, struct smtp_job *job, size_t most);
/* The job is over (its message is not touched): jobs that may go now are pushed to ready. */
void smtp_domains_release(
    struct smtp_domains *domains, struct smtp_job *job, size_t most, struct smtp_queue *ready);
/* After `most` has changed: moves jobs to ready that may go now; 0 is no limit. */
void smtp_domains_pump(struct smtp_domains *domains, size_t most, struct smtp_queue *ready);
/* Takes waiting jobs that match out, uncounted. */
void smtp_domains_withdraw(struct smtp_domains *domains,
    bool (*matches)(void *arg, const struct smtp_job *job), void *arg, struct smtp_queue *out);
/* Frees the counts; the jobs in them are gone already. */
void smtp_domains_free(struct smtp_domains *domains);
/* Takes jobs that match out of a queue, keeping the order of both. */
void smtp_queue_withdraw(struct smtp_queue *queue,
    bool (*matches)(void *arg, const struct smtp_job *job), void *arg, struct smtp_queue *out);

enum smtp_state {
    SMTP_CLOSED,
    SMTP_CONNECTING,
    SMTP_SECURING,
    SMTP_TALKING,
    SMTP_READY,
    SMTP_QUITTING
};
enum smtp_wait {
    SMTP_WAIT_GREETING,
    SMTP_WAIT_EHLO,
    SMTP_WAIT_HELO,
    SMTP_WAIT_STARTTLS,
    SMTP_WAIT_AUTH,
    SMTP_WAIT_AUTH_USER,
    SMTP_WAIT_AUTH_PASSWORD,
    SMTP_WAIT_RSET,
    SMTP_WAIT_MAIL,
    SMTP_WAIT_RCPT,
    SMTP_WAIT_DATA,
    SMTP_WAIT_BODY,
    SMTP_WAIT_BDAT,
    SMTP_WAIT_QUIT,
};
/* Why a connection ended. */
enum smtp_fault {
    SMTP_FAULT_NONE,    /* as we wished */
    SMTP_FAULT_NETWORK, /* refused, cut, silent, or the server said it has no time */
    SMTP_FAULT_SETUP,   /* somebody must change an option: certificate, login, STARTTLS missing */
};

/* A message on a connection. */
struct smtp_flight {
    struct smtp_job *job;
    uint64_t body_at; /* stream offset of the body's first byte, once body_put */
    uint64_t
        proof_at; /* offset of the byte without which the server cannot have accepted the message */
    int64_t put_at, body_put_at; /* session->now at that time */
    bool body_put, begun, cancelled;
    bool judged, recipient_refused; /* a reply has said no: verdict and detail hold it */
    int code;                       /* of that reply */
    struct smtp_verdict verdict;
    char detail[SMTP_DETAIL_MOST + 1];
};

struct smtp_session {
    struct smtp_pool *pool;
    enum smtp_state state;
    struct tls_link link;
    struct lantoa_watch *watch;
    unsigned watched;

    struct bytes out; /* not yet written: from out_at */
    size_t out_at;
    uint64_t out_base;    /* stream offset of out.at[0] */
    uint64_t left;        /* bytes before this offset may have left the machine */
    unsigned write_wants; /* what a blocked write waits for; 0: not blocked */
    unsigned read_wants;
    bool write_dead; /* writing failed; what the server still says is read to its end */

    char in[SMTP_REPLY_MOST];
    size_t in_used;

    struct {
        enum smtp_wait what;
        struct smtp_flight *flight;
    } expect[SMTP_EXPECT_MOST];
    size_t expect_head, expect_count;
    struct smtp_flight flights[SMTP_DEPTH];
    size_t flight_head, flight_count;
    struct bytes waiting; /* the mail of the newest flight, composed, until the server says 354 */

    struct smtp_extensions has;
    bool secured, authenticated;
    bool dirty;    /* the server may still hold a transaction: RSET first */
    bool closing;  /* nothing new goes out */
    bool said_421; /* the server has told us that it is closing */
    bool fruitful; /* the server has answered for at least one message */
    uint64_t messages;
    int64_t now;         /* ticks at the beginning of this callback */
    int64_t landed_at;   /* when the newest final reply came */
    int64_t envelope_ms; /* the quickest answer to an envelope, -1: none yet */
    bool bodies_slow;    /* answers to bodies take much longer: nothing is put behind one */
    size_t depth;        /* messages that may be under way with CHUNKING */
    int64_t deadline;    /* ticks; counts while replies are expected */
    int64_t idle_since;
};

struct smtp_pool {
    const struct lantoa_host *host;
    const struct email_config *config; /* BORROWED; replaced by reconfigure */
    struct mime_sender *sender;
    SSL_CTX *tls;
    struct smtp_session *sessions[SMTP_CONNECTIONS_MOST];
    size_t session_count;
    char helo[256];

    struct smtp_queue ready;
    struct smtp_domains domains;
    size_t live; /* jobs without result */

    struct lantoa_sockaddr addresses[SMTP_ADDRESSES_MOST];
    size_t address_count, address_next, address_tried;
    int64_t resolved_at;
    struct smtp_lookup *lookup; /* a name look-up under way */

    bool proven; /* the newest connection attempt got as far as ready */
    int64_t backoff_ms, next_try;
    unsigned setup_faults, sender_refusals; /* one after the other */
    unsigned barren; /* connections, one after the other, that were lost before the server answered
                        for a message */
    char trouble[SMTP_DETAIL_MOST + 1]; /* the newest reason why there is no connection */
    bool draining, failed;
    void (*drained)(void *arg);
    void *drained_arg;
    struct lantoa_timer *tick;

    struct bytes scratch;
    uint64_t sent, retried, refused, unknown, bytes;
};

/* smtp_pool.c: for the plugin. */
/* As ops->check. */
int smtp_pool_check(
    const struct email_config *config, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
int smtp_pool_init(struct smtp_pool *pool, const struct lantoa_host *host,
    const struct email_config *config) LANTOA_MUST_CHECK;
void smtp_pool_release(struct smtp_pool *pool);
void smtp_pool_send(
    struct smtp_pool *pool, const struct lantoa_message *const *messages, size_t count);
void smtp_pool_cancel(struct smtp_pool *pool, const uint64_t *ids, size_t count);
/* Takes the LIVE options over; the rest of the new struct equals the old. */
void smtp_pool_reconfigure(struct smtp_pool *pool, const struct email_config *config);
/* drained is called once, when no connection is open any more; maybe before this returns. */
void smtp_pool_drain(struct smtp_pool *pool, void (*drained)(void *arg), void *arg);

/* smtp_pool.c: for the sessions. */
struct smtp_job *smtp_pool_take(struct smtp_pool *pool);
void smtp_pool_put_back(struct smtp_pool *pool, struct smtp_job *job);
void smtp_pool_settle(
    struct smtp_pool *pool, struct smtp_job *job, const struct lantoa_result *result);
/* Gives work to connections and opens more; the last call of every callback. */
void smtp_pool_run(struct smtp_pool *pool);
/* Ends the channel with a text for staff. */
void smtp_pool_fail(struct smtp_pool *pool, const char *text);

/* smtp_connect.c */
/* Connections that are open, or (open_only false) those not ready yet. */
size_t smtp_connect_count(const struct smtp_pool *pool, bool open_only);
/* Opens connections for what waits, as far as options and back-off allow. */
void smtp_connect_more(struct smtp_pool *pool);
void smtp_connect_ready(struct smtp_pool *pool);
/* worked: the connection was of use, so the next may be opened without back-off. */
void smtp_connect_ended(
    struct smtp_pool *pool, enum smtp_fault fault, bool worked, const char *why);
/* The pool goes: a look-up under way must not find it. */
void smtp_connect_forget(struct smtp_pool *pool);

/* smtp_session.c */
void smtp_session_look_at_clock(struct smtp_session *session);
/* Something has moved: the time-out begins anew. */
void smtp_session_progress(struct smtp_session *session);
struct smtp_session *smtp_session_new(struct smtp_pool *pool);
void smtp_session_free(struct smtp_session *session);
void smtp_session_open(struct smtp_session *session, const struct lantoa_sockaddr *address);
/* Closes the connection and gives every message on it the result that the bytes prove. */
void smtp_session_end(struct smtp_session *session, enum smtp_fault fault,
    enum lantoa_reason reason, const char *why);
void smtp_session_tick(struct smtp_session *session, int64_t ticks);
void smtp_session_quit(struct smtp_session *session);
void smtp_session_flush(struct smtp_session *session);
void smtp_session_expect(
    struct smtp_session *session, enum smtp_wait what, struct smtp_flight *flight);
void smtp_session_secure(struct smtp_session *session);
void smtp_session_become_ready(struct smtp_session *session);

/* smtp_input.c */
/* Reads what has come and acts on every complete reply. May end the session. */
void smtp_input_read(struct smtp_session *session);

/* smtp_dialog.c */
void smtp_dialog_hello(struct smtp_session *session);
void smtp_dialog_reply(
    struct smtp_session *session, enum smtp_wait what, const struct smtp_reply *reply);

/* smtp_transaction.c */
/* Takes up to `most` messages from the pool as far as there is room; the bytes wait for
 * smtp_session_flush. */
void smtp_transaction_fill(struct smtp_session *session, size_t most);
bool smtp_transaction_room(const struct smtp_session *session);
bool smtp_transaction_by_chunks(const struct smtp_session *session);
/* Whether commands go out without waiting for each reply. */
bool smtp_transaction_in_runs(const struct smtp_session *session);
struct smtp_flight *smtp_transaction_flight(struct smtp_session *session, size_t index);
void smtp_transaction_settle(struct smtp_session *session, struct smtp_job *job,
    enum lantoa_outcome outcome, enum lantoa_reason reason, int64_t after_ms, const char *detail);
void smtp_transaction_put_mail(
    struct smtp_session *session, struct smtp_flight *flight, size_t bytes);
void smtp_transaction_put_rcpt(struct smtp_session *session, struct smtp_flight *flight);
void smtp_transaction_put_data(struct smtp_session *session, struct smtp_flight *flight);
/* The body that waited for 354, and the lone dot. */
void smtp_transaction_put_body(struct smtp_session *session, struct smtp_flight *flight);

/* smtp_landing.c */
void smtp_landing_reply(struct smtp_session *session, enum smtp_wait what,
    struct smtp_flight *flight, const struct smtp_reply *reply);
/* After a loss: results for everything under way. */
void smtp_landing_lost(struct smtp_session *session, enum lantoa_reason reason, const char *why);
/* Text of a mail as DATA carries it: a dot in front of every line that starts with one. */
void smtp_put_stuffed(struct bytes *out, const char *mail, size_t bytes);

#endif
