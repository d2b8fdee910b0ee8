/* How messages on a connection end: what each reply means, and what the bytes prove when the
 * connection is lost; see smtp.h.
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
    SENDER_REFUSALS_MOST =
        10, /* refusals of our own address, one after the other, that end the channel */
    BARREN_MANY = 3,
    LOST_TWICE_MS = 60 * 1000,
    WAITING_KEEP = 1 << 19,
};

/* Takes the oldest flight off; replies come in order, so it is the one that has just ended. */
static struct smtp_job *land(struct smtp_session *session) {
    struct smtp_job *job = smtp_transaction_flight(session, 0)->job;
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
    smtp_transaction_settle(session, job, flight->verdict.outcome, flight->verdict.reason,
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
    session->dirty |= smtp_transaction_by_chunks(session);
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
        bytes_clear(&session->waiting, WAITING_KEEP);
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
        smtp_transaction_put_body(session, flight);
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
    bytes_clear(&session->waiting, WAITING_KEEP);
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
    if (smtp_transaction_in_runs(session)) {
        return;
    }
    if (flight->judged || flight->cancelled) {
        session->dirty = true;
        bytes_clear(&session->waiting, WAITING_KEEP);
        if (flight->judged) {
            land_judged(session, flight);
        } else {
            smtp_transaction_settle(
                session, land(session), LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "cancelled");
        }
    } else if (mail) {
        smtp_transaction_put_rcpt(session, flight);
    } else {
        smtp_transaction_put_data(session, flight);
    }
}

void smtp_landing_reply(struct smtp_session *session, enum smtp_wait what,
    struct smtp_flight *flight, const struct smtp_reply *reply) {
    struct smtp_pool *pool = session->pool;
    switch (what) {
    case SMTP_WAIT_RSET:
        if (!smtp_transaction_in_runs(session) && session->flight_count == 1 &&
            session->expect_count == 0) {
            smtp_transaction_put_mail(
                session, smtp_transaction_flight(session, 0), session->waiting.used);
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
        smtp_transaction_settle(session, job, flight->verdict.outcome, flight->verdict.reason,
            flight->verdict.after_ms, flight->detail);
        return;
    }
    if (flight->cancelled && !flight->begun) {
        smtp_transaction_settle(session, job, LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "cancelled");
        return;
    }
    if (!flight->begun) {
        if (pool->draining || pool->failed) {
            smtp_transaction_settle(session, job, LANTOA_NOT_SENT, reason, 0, why);
        } else if (!job->put_back) {
            job->put_back = true;
            smtp_pool_put_back(pool, job);
        } else {
            /* Twice on a connection that ended at it. When others end so too, it is the server;
             * else it may be this message. */
            smtp_transaction_settle(session, job, LANTOA_RETRY,
                pool->barren >= BARREN_MANY ? LANTOA_REASON_UNREACHABLE : LANTOA_REASON_TEMPORARY,
                LOST_TWICE_MS, why);
        }
        return;
    }
    /* A server that says 421 takes nothing that it has not answered before (RFC 5321 3.8, replies
     * keep their order). */
    if (flight->proof_at >= session->left || session->said_421) {
        snprintf(detail, sizeof(detail), "not accepted, the connection was lost on the way: %.400s",
            why);
        smtp_transaction_settle(session, job, LANTOA_RETRY,
            session->said_421 ? LANTOA_REASON_THROTTLED : LANTOA_REASON_UNREACHABLE, 0, detail);
        return;
    }
    snprintf(detail, sizeof(detail),
        "sent, but the connection was lost before the server's answer: %.400s", why);
    smtp_transaction_settle(session, job, LANTOA_UNKNOWN, reason, 0, detail);
}

void smtp_landing_lost(struct smtp_session *session, enum lantoa_reason reason, const char *why) {
    while (session->flight_count > 0) {
        land_lost(session, smtp_transaction_flight(session, 0), reason, why);
    }
}
