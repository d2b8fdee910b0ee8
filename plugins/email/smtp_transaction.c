/* Messages on a connection: what goes out, and when; see smtp.h. Three ways, by the server's offer:
 *
 * - CHUNKING and PIPELINING: RSET MAIL RCPT BDAT LAST and the body in one run, several deep.
 * - PIPELINING: MAIL RCPT DATA in one run; the next envelope leaves right behind the body.
 * - Neither: one command, one reply. */
#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PENDING_MOST = 1 << 17, /* unwritten bytes over which no further message is put behind */
    SENDER_REFUSALS_MOST =
        10, /* refusals of our own address, one after the other, that end the channel */
};

struct smtp_flight *smtp_transaction_flight(struct smtp_session *session, size_t index) {
    return &session->flights[(session->flight_head + index) % SMTP_DEPTH];
}

bool smtp_transaction_by_chunks(const struct smtp_session *session) {
    const struct email_config *config = session->pool->config;
    return config->chunking && config->pipelining && session->has.chunking &&
           session->has.pipelining;
}

bool smtp_transaction_in_runs(const struct smtp_session *session) {
    return session->pool->config->pipelining && session->has.pipelining;
}

static uint64_t out_end(const struct smtp_session *session) {
    return session->out_base + session->out.used;
}

static bool used_up(const struct smtp_session *session) {
    int64_t most = session->pool->config->messages_per_connection;
    return most > 0 && session->messages >= (uint64_t)most;
}

bool smtp_transaction_room(const struct smtp_session *session) {
    if (session->state != SMTP_READY || session->closing || session->write_dead ||
        session->pool->draining || used_up(session) ||
        session->out.used - session->out_at > PENDING_MOST) {
        return false;
    }
    if (smtp_transaction_by_chunks(session)) {
        return session->flight_count < session->depth;
    }
    if (session->flight_count == 0) {
        return smtp_transaction_in_runs(session) ||
               session->expect_count == 0; /* not in runs: an RSET may still be unanswered */
    }
    return smtp_transaction_in_runs(session) && session->flight_count == 1 &&
           !session->bodies_slow && session->flights[session->flight_head].body_put;
}

void smtp_put_stuffed(struct bytes *out, const char *mail, size_t bytes) {
    const char *end = mail + bytes, *from = mail;
    /* Dots are rarer than lines: the composer lets no line begin with one, and base64 has none. */
    for (const char *dot = mail; (dot = memchr(dot, '.', (size_t)(end - dot))) != NULL; dot++) {
        if (dot == mail || dot[-1] == '\n') {
            bytes_put(out, from, (size_t)(dot - from));
            bytes_put_char(out, '.');
            from = dot;
        }
    }
    bytes_put(out, from, (size_t)(end - from));
}

void smtp_transaction_put_mail(
    struct smtp_session *session, struct smtp_flight *flight, size_t bytes) {
    struct bytes *out = &session->out;
    bytes_put(out, "MAIL FROM:<", 11);
    mime_put_return_path(session->pool->sender, flight->job->message, out);
    if (session->has.size) {
        bytes_put(out, "> SIZE=", 7);
        bytes_put_number(out, bytes);
        bytes_put(out, "\r\n", 2);
    } else {
        bytes_put(out, ">\r\n", 3);
    }
    smtp_session_expect(session, SMTP_WAIT_MAIL, flight);
}

void smtp_transaction_put_rcpt(struct smtp_session *session, struct smtp_flight *flight) {
    bytes_put(&session->out, "RCPT TO:<", 9);
    bytes_put_str(&session->out, flight->job->message->address);
    bytes_put(&session->out, ">\r\n", 3);
    smtp_session_expect(session, SMTP_WAIT_RCPT, flight);
}

void smtp_transaction_put_data(struct smtp_session *session, struct smtp_flight *flight) {
    bytes_put(&session->out, "DATA\r\n", 6);
    smtp_session_expect(session, SMTP_WAIT_DATA, flight);
}

static void put_rset(struct smtp_session *session) {
    bytes_put(&session->out, "RSET\r\n", 6);
    smtp_session_expect(session, SMTP_WAIT_RSET, NULL);
    session->dirty = false;
}

void smtp_transaction_put_body(struct smtp_session *session, struct smtp_flight *flight) {
    flight->body_put = true;
    flight->body_put_at = session->now;
    flight->body_at = out_end(session);
    smtp_put_stuffed(&session->out, session->waiting.at, session->waiting.used);
    flight->proof_at = out_end(session);
    bytes_put(&session->out, ".\r\n", 3);
    bytes_clear(&session->waiting, (size_t)1 << 19);
    smtp_session_expect(session, SMTP_WAIT_BODY, flight);
}

static void put_body_by_chunk(
    struct smtp_session *session, struct smtp_flight *flight, const struct bytes *mail) {
    bytes_put(&session->out, "BDAT ", 5);
    bytes_put_number(&session->out, mail->used);
    bytes_put(&session->out, " LAST\r\n", 7);
    flight->body_put = true;
    flight->body_put_at = session->now;
    flight->body_at = out_end(session);
    bytes_put(&session->out, mail->at, mail->used);
    flight->proof_at = out_end(session) - 1;
    smtp_session_expect(session, SMTP_WAIT_BDAT, flight);
}

void smtp_transaction_settle(struct smtp_session *session, struct smtp_job *job,
    enum lantoa_outcome outcome, enum lantoa_reason reason, int64_t after_ms, const char *detail) {
    smtp_pool_settle(session->pool, job,
        &LANTOA_RESULT(.outcome = outcome, .reason = reason, .after_ms = after_ms, .ref = {"", 0},
            .detail = {detail, strlen(detail)}));
}

/* Composes the job's mail; on trouble the job has its result and false is returned. */
static bool compose(struct smtp_session *session, struct smtp_job *job, struct bytes *mail) {
    struct smtp_pool *pool = session->pool;
    const char *why = "";
    bytes_clear(mail, (size_t)1 << 19);
    int status = mime_compose(
        pool->sender, job->message, job->step, pool->host->now(pool->host), mail, &why);
    if (status == LANTOA_EINVAL) {
        smtp_transaction_settle(session, job, LANTOA_REFUSED, LANTOA_REASON_CONTENT, 0, why);
        return false;
    }
    if (status != LANTOA_OK) {
        smtp_transaction_settle(session, job, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, 0, why);
        return false;
    }
    if (session->has.size_most > 0 && mail->used > session->has.size_most) {
        char detail[120];
        snprintf(detail, sizeof(detail), "the message has %zu bytes, the server takes %llu",
            mail->used, (unsigned long long)session->has.size_most);
        smtp_transaction_settle(session, job, LANTOA_REFUSED, LANTOA_REASON_TOO_LARGE, 0, detail);
        return false;
    }
    return true;
}

static void put_message(struct smtp_session *session, struct smtp_job *job) {
    bool chunks = smtp_transaction_by_chunks(session);
    struct bytes *mail = chunks ? &session->pool->scratch : &session->waiting;
    if (!compose(session, job, mail)) {
        return;
    }
    /* After a refused BDAT the state of the transaction is open (RFC 3030), and whether an earlier
     * one will be refused is not known yet. */
    bool reset = session->dirty || (chunks && session->flight_count > 0);
    struct smtp_flight *flight = smtp_transaction_flight(session, session->flight_count++);
    flight->job = job;
    flight->body_put = flight->begun = flight->cancelled = flight->judged =
        flight->recipient_refused = false;
    flight->put_at = session->now;
    session->messages++;
    if (reset) {
        put_rset(session);
    }
    if (!smtp_transaction_in_runs(session) && reset) {
        return; /* MAIL goes out when RSET is answered */
    }
    smtp_transaction_put_mail(session, flight, mail->used);
    if (!smtp_transaction_in_runs(session)) {
        return;
    }
    smtp_transaction_put_rcpt(session, flight);
    if (chunks) {
        put_body_by_chunk(session, flight, mail);
    } else {
        smtp_transaction_put_data(session, flight);
    }
}

void smtp_transaction_fill(struct smtp_session *session, size_t most) {
    /* Refilled in halves: fewer and larger writes. */
    if (smtp_transaction_by_chunks(session) && session->flight_count > session->depth / 2) {
        return;
    }
    smtp_session_look_at_clock(session);
    while (most-- > 0 && smtp_transaction_room(session)) {
        struct smtp_job *job = smtp_pool_take(session->pool);
        if (job == NULL) {
            break;
        }
        put_message(session, job);
    }
    if (session->state == SMTP_READY && used_up(session)) {
        smtp_session_quit(session);
    }
}
