/* Messages on a connection: what goes out, what each reply means, and what the bytes prove when the
 * connection is lost; see smtp.h.
 *
 * Three ways, by what the server offers:
 *   CHUNKING and PIPELINING  RSET MAIL RCPT BDAT LAST and the body in one run, several messages
 * deep PIPELINING               MAIL RCPT DATA in one run; the next envelope leaves right behind
 * the present body neither                  one command, one reply
 *
 * Proof. A server can have accepted a message only when it has read the whole body: with DATA up to
 * the lone dot, with BDAT up to the last octet. So when a connection is lost without the final
 * reply: that byte may have left -> UNKNOWN; it has not -> RETRY; the body has not even begun ->
 * back to the queue. */
#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SLOW_MESSAGE_MS = 500, /* a server that takes so long for one message gets no second on the same
                              connection meanwhile */
    SLOW_BODY_MS = 100,
    PENDING_MOST = 1 << 17, /* unwritten bytes over which no further message is put behind */
    SENDER_REFUSALS_MOST =
        10, /* refusals of our own address, one after the other, that end the channel */
};

static struct smtp_flight *flight_at(struct smtp_session *session, size_t index) {
    return &session->flights[(session->flight_head + index) % SMTP_DEPTH];
}

static bool by_chunks(const struct smtp_session *session) {
    const struct email_config *config = session->pool->config;
    return config->chunking && config->pipelining && session->has.chunking &&
           session->has.pipelining;
}

static bool in_runs(const struct smtp_session *session) {
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
    if (by_chunks(session)) {
        return session->flight_count < session->depth;
    }
    if (session->flight_count == 0) {
        return in_runs(session) ||
               session->expect_count == 0; /* not in runs: an RSET may still be unanswered */
    }
    return in_runs(session) && session->flight_count == 1 && !session->bodies_slow &&
           session->flights[session->flight_head].body_put;
}

void smtp_put_stuffed(struct bytes *out, const char *mail, size_t bytes) {
    const char *end = mail + bytes;
    if (bytes > 0 && mail[0] == '.') {
        bytes_put_char(out, '.');
    }
    while (mail < end) {
        const char *dot = memmem(mail, (size_t)(end - mail), "\n.", 2);
        const char *stop = dot == NULL ? end : dot + 1;
        bytes_put(out, mail, (size_t)(stop - mail));
        if (dot != NULL) {
            bytes_put_char(out, '.');
        }
        mail = stop;
    }
}

static void put_mail(struct smtp_session *session, struct smtp_flight *flight, size_t bytes) {
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

static void put_rcpt(struct smtp_session *session, struct smtp_flight *flight) {
    bytes_put(&session->out, "RCPT TO:<", 9);
    bytes_put_str(&session->out, flight->job->message->address);
    bytes_put(&session->out, ">\r\n", 3);
    smtp_session_expect(session, SMTP_WAIT_RCPT, flight);
}

static void put_data(struct smtp_session *session, struct smtp_flight *flight) {
    bytes_put(&session->out, "DATA\r\n", 6);
    smtp_session_expect(session, SMTP_WAIT_DATA, flight);
}

static void put_rset(struct smtp_session *session) {
    bytes_put(&session->out, "RSET\r\n", 6);
    smtp_session_expect(session, SMTP_WAIT_RSET, NULL);
    session->dirty = false;
}

static void put_body_by_data(struct smtp_session *session, struct smtp_flight *flight) {
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

static void settle_job(struct smtp_session *session, struct smtp_job *job,
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
        settle_job(session, job, LANTOA_REFUSED, LANTOA_REASON_CONTENT, 0, why);
        return false;
    }
    if (status != LANTOA_OK) {
        settle_job(session, job, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, 0, why);
        return false;
    }
    if (session->has.size_most > 0 && mail->used > session->has.size_most) {
        char detail[120];
        snprintf(detail, sizeof(detail), "the message has %zu bytes, the server takes %llu",
            mail->used, (unsigned long long)session->has.size_most);
        settle_job(session, job, LANTOA_REFUSED, LANTOA_REASON_TOO_LARGE, 0, detail);
        return false;
    }
    return true;
}

static void put_message(struct smtp_session *session, struct smtp_job *job) {
    bool chunks = by_chunks(session);
    struct bytes *mail = chunks ? &session->pool->scratch : &session->waiting;
    if (!compose(session, job, mail)) {
        return;
    }
    /* After a refused BDAT the state of the transaction is open (RFC 3030), and whether an earlier
     * one will be refused is not known yet. */
    bool reset = session->dirty || (chunks && session->flight_count > 0);
    struct smtp_flight *flight = flight_at(session, session->flight_count++);
    flight->job = job;
    flight->body_put = flight->begun = flight->cancelled = flight->judged =
        flight->recipient_refused = false;
    flight->put_at = session->now;
    session->messages++;
    if (reset) {
        put_rset(session);
    }
    if (!in_runs(session) && reset) {
        return; /* MAIL goes out when RSET is answered */
    }
    put_mail(session, flight, mail->used);
    if (!in_runs(session)) {
        return;
    }
    put_rcpt(session, flight);
    if (chunks) {
        put_body_by_chunk(session, flight, mail);
    } else {
        put_data(session, flight);
    }
}

void smtp_transaction_fill(struct smtp_session *session, size_t most) {
    /* Refilled in halves: fewer and larger writes. */
    if (by_chunks(session) && session->flight_count > session->depth / 2) {
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

/* Takes the oldest flight off; replies come in order, so it is the one that has just ended. */
static struct smtp_job *land(struct smtp_session *session) {
    struct smtp_job *job = flight_at(session, 0)->job;
    session->flight_head = (session->flight_head + 1) % SMTP_DEPTH;
    if (--session->flight_count == 0) {
        session->idle_since = session->now;
    }
    return job;
}

static void land_judged(struct smtp_session *session, struct smtp_flight *flight) {
    struct smtp_job *job = land(session);
    session->fruitful = true;
    session->pool->barren = 0;
    settle_job(session, job, flight->verdict.outcome, flight->verdict.reason,
        flight->verdict.after_ms, flight->detail);
}

/* The first refusal is the cause; what follows from it ("503 need RCPT") is not recorded. */
static void judge(struct smtp_session *session, struct smtp_flight *flight,
    const struct smtp_reply *reply, enum smtp_stage stage) {
    struct smtp_pool *pool = session->pool;
    if (flight->judged) {
        return;
    }
    flight->judged = true;
    flight->code = reply->code;
    flight->verdict = smtp_reply_verdict(reply, stage);
    smtp_reply_text(reply, flight->detail, sizeof(flight->detail));
    bool about_us = stage == SMTP_AT_MAIL && reply->code >= 500 && reply->code != 503;
    if ((about_us || flight->verdict.reason == LANTOA_REASON_LOGIN) &&
        ++pool->sender_refusals == SENDER_REFUSALS_MOST) {
        /* What the server refuses is our own address or login: going on would spend the whole
         * audience on it. */
        char why[SMTP_DETAIL_MOST + 100];
        snprintf(why, sizeof(why),
            "the server takes no mail from this sender (%u refusals in a row): %s",
            pool->sender_refusals, flight->detail);
        snprintf(pool->trouble, sizeof(pool->trouble), "%.*s", (int)sizeof(pool->trouble) - 1, why);
    }
}

static void land_sent(struct smtp_session *session, const struct smtp_reply *reply) {
    char ref[SMTP_REF_MOST + 1];
    struct lantoa_str id = smtp_reply_ref(reply);
    size_t bytes = smtp_text_clean(ref, sizeof(ref), id.at, id.bytes);
    struct smtp_job *job = land(session);
    session->pool->sender_refusals = 0;
    session->fruitful = true;
    session->pool->barren = 0;
    smtp_pool_settle(session->pool, job,
        &LANTOA_RESULT(.outcome = LANTOA_SENT, .ref = {ref, bytes}, .detail = {"", 0}));
}

/* Learns from a final reply how much may be put behind a message. Behind a slow answer a message
 * would wait that another connection could take, and a pause could not call it back. */
static void learn_pace(struct smtp_session *session, const struct smtp_flight *flight) {
    int64_t since = flight->put_at > session->landed_at ? flight->put_at : session->landed_at;
    session->depth = session->now - since > SLOW_MESSAGE_MS ? 1 : session->depth * 2;
    session->depth = session->depth > SMTP_DEPTH ? SMTP_DEPTH : session->depth;
    session->landed_at = session->now;
    session->bodies_slow =
        session->now - flight->body_put_at > 2 * session->envelope_ms + SLOW_BODY_MS;
}

/* The reply that decides: behind the body. */
static void take_final(
    struct smtp_session *session, struct smtp_flight *flight, const struct smtp_reply *reply) {
    int kind = reply->code / 100;
    learn_pace(session, flight);
    if (kind == 2 && reply->has_enhanced && reply->enhanced[1] == 1 && session->expect_count > 0) {
        /* "2.1.0 sender ok", with the next sender waiting for its answer: whatever this server has
         * done with the body, it has not said it yet. */
        smtp_session_end(
            session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL, "the server answers out of order");
        return;
    }
    if (kind == 2 && !flight->recipient_refused) {
        land_sent(session, reply);
        return;
    }
    if (kind == 3) {
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
            "the server answered a whole message with 3xx");
        return;
    }
    if (kind != 2) {
        judge(session, flight, reply, SMTP_AT_BODY);
    }
    session->dirty |= by_chunks(session);
    land_judged(session, flight);
}

static void take_data(
    struct smtp_session *session, struct smtp_flight *flight, const struct smtp_reply *reply) {
    if (reply->code != 354) {
        if (reply->code / 100 < 4) {
            smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
                "the server answered DATA with neither 354 nor an error");
            return;
        }
        judge(session, flight, reply, SMTP_AT_DATA);
        session->dirty = true;
        bytes_clear(&session->waiting, (size_t)1 << 19);
        land_judged(session, flight);
        return;
    }
    if (flight->cancelled) {
        /* A DATA without an end is thrown away: the only way left to take the message back. */
        smtp_session_end(session, SMTP_FAULT_NONE, LANTOA_REASON_NONE, "cancelled");
        return;
    }
    if (session->flight_count == 1 &&
        flight->put_at > session->landed_at) { /* not behind another body: clean */
        int64_t took = session->now - flight->put_at;
        session->envelope_ms =
            session->envelope_ms < 0 || took < session->envelope_ms ? took : session->envelope_ms;
    }
    if (!flight->judged) {
        put_body_by_data(session, flight);
        return;
    }
    if (!flight->recipient_refused) {
        /* MAIL was refused and yet the server waits for a body: for which sender and whom? An end
         * of data might deliver an empty mail. */
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
            "the server is out of step: 354 after a refused MAIL");
        return;
    }
    /* RFC 2920: a server may say 354 although it has refused the only recipient; a lone dot ends
     * that. */
    bytes_put(&session->out, ".\r\n", 3);
    bytes_clear(&session->waiting, (size_t)1 << 19);
    smtp_session_expect(session, SMTP_WAIT_BODY, flight);
    session->dirty = true;
}

static void take_envelope(struct smtp_session *session, enum smtp_wait what,
    struct smtp_flight *flight, const struct smtp_reply *reply) {
    bool mail = what == SMTP_WAIT_MAIL;
    if (reply->code / 100 == 3) {
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
            "the server answered an address with 3xx");
        return;
    }
    if (reply->code / 100 != 2) {
        judge(session, flight, reply, mail ? SMTP_AT_MAIL : SMTP_AT_RCPT);
        flight->recipient_refused |= !mail;
    }
    if (in_runs(session)) {
        return;
    }
    if (flight->judged || flight->cancelled) {
        session->dirty = true;
        bytes_clear(&session->waiting, (size_t)1 << 19);
        if (flight->judged) {
            land_judged(session, flight);
        } else {
            settle_job(session, land(session), LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "cancelled");
        }
    } else if (mail) {
        put_rcpt(session, flight);
    } else {
        put_data(session, flight);
    }
}

void smtp_transaction_reply(struct smtp_session *session, enum smtp_wait what,
    struct smtp_flight *flight, const struct smtp_reply *reply) {
    struct smtp_pool *pool = session->pool;
    switch (what) {
    case SMTP_WAIT_RSET:
        if (!in_runs(session) && session->flight_count == 1 && session->expect_count == 0) {
            put_mail(session, flight_at(session, 0), session->waiting.used);
        }
        break;
    case SMTP_WAIT_MAIL:
    case SMTP_WAIT_RCPT:
        take_envelope(session, what, flight, reply);
        break;
    case SMTP_WAIT_DATA:
        take_data(session, flight, reply);
        break;
    case SMTP_WAIT_BODY:
    case SMTP_WAIT_BDAT:
        take_final(session, flight, reply);
        break;
    case SMTP_WAIT_GREETING:
    case SMTP_WAIT_EHLO:
    case SMTP_WAIT_HELO:
    case SMTP_WAIT_STARTTLS:
    case SMTP_WAIT_AUTH:
    case SMTP_WAIT_AUTH_USER:
    case SMTP_WAIT_AUTH_PASSWORD:
    case SMTP_WAIT_QUIT:
        break; /* answered elsewhere */
    }
    if (pool->sender_refusals >= SENDER_REFUSALS_MOST && !pool->failed) {
        smtp_pool_fail(pool, pool->trouble);
    }
}

static void land_lost(struct smtp_session *session, struct smtp_flight *flight,
    enum lantoa_reason reason, const char *why) {
    struct smtp_job *job = land(session);
    struct smtp_pool *pool = session->pool;
    char detail[SMTP_DETAIL_MOST + 1];
    if (flight->judged && flight->code != 503) {
        settle_job(session, job, flight->verdict.outcome, flight->verdict.reason,
            flight->verdict.after_ms, flight->detail);
        return;
    }
    if (flight->cancelled && !flight->begun) {
        settle_job(session, job, LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "cancelled");
        return;
    }
    if (!flight->begun) {
        if (!job->put_back && !pool->draining && !pool->failed) {
            job->put_back = true;
            smtp_pool_put_back(pool, job);
        } else {
            settle_job(session, job, LANTOA_NOT_SENT, reason, 0, why);
        }
        return;
    }
    /* A server that says 421 takes nothing that it has not answered before (RFC 5321 3.8, replies
     * keep their order). */
    if (flight->proof_at >= session->left || session->said_421) {
        snprintf(detail, sizeof(detail), "not accepted, the connection was lost on the way: %.400s",
            why);
        settle_job(session, job, LANTOA_RETRY,
            session->said_421 ? LANTOA_REASON_THROTTLED : LANTOA_REASON_UNREACHABLE, 0, detail);
        return;
    }
    snprintf(detail, sizeof(detail),
        "sent, but the connection was lost before the server's answer: %.400s", why);
    settle_job(session, job, LANTOA_UNKNOWN, reason, 0, detail);
}

void smtp_transaction_lost(
    struct smtp_session *session, enum lantoa_reason reason, const char *why) {
    while (session->flight_count > 0) {
        land_lost(session, flight_at(session, 0), reason, why);
    }
}
