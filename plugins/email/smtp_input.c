/* What the server says: bytes into replies, and each reply to whom it answers; see smtp.h. */
#include "smtp.h"

/* Takes one reply to what was said first. */
static void input_reply(struct smtp_session *session, const struct smtp_reply *reply) {
    if (reply->code == 421) {
        session->said_421 = session->closing = true;
    }
    if (session->expect_count == 0) {
        char text[SMTP_DETAIL_MOST + 1];
        smtp_reply_text(reply, text, sizeof(text));
        smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE, text);
        return;
    }
    enum smtp_wait what = session->expect[session->expect_head].what;
    struct smtp_flight *flight = session->expect[session->expect_head].flight;
    session->expect_head = (session->expect_head + 1) % SMTP_EXPECT_MOST;
    session->expect_count--;
    switch (what) {
    case SMTP_WAIT_GREETING:
    case SMTP_WAIT_EHLO:
    case SMTP_WAIT_HELO:
    case SMTP_WAIT_STARTTLS:
    case SMTP_WAIT_AUTH:
    case SMTP_WAIT_AUTH_USER:
    case SMTP_WAIT_AUTH_PASSWORD:
        smtp_dialog_reply(session, what, reply);
        return;
    case SMTP_WAIT_RSET:
    case SMTP_WAIT_MAIL:
    case SMTP_WAIT_RCPT:
    case SMTP_WAIT_DATA:
    case SMTP_WAIT_BODY:
    case SMTP_WAIT_BDAT:
        smtp_landing_reply(session, what, flight, reply);
        return;
    case SMTP_WAIT_QUIT:
        smtp_session_end(session, SMTP_FAULT_NONE, LANTOA_REASON_NONE, "closed");
        return;
    }
}

/* Takes all complete replies from the input. */
static void input_digest(struct smtp_session *session) {
    size_t at = 0;
    while (session->state != SMTP_CLOSED && at < session->in_used) {
        struct smtp_reply reply;
        int taken = smtp_reply_parse(session->in + at, session->in_used - at, &reply);
        if (taken < 0) {
            smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
                "the server does not speak SMTP");
            return;
        }
        if (taken == 0) {
            break;
        }
        at += (size_t)taken;
        bool starttls = session->expect_count > 0 &&
                        session->expect[session->expect_head].what == SMTP_WAIT_STARTTLS;
        if (starttls && at < session->in_used) {
            /* Words in plain text behind the go-ahead come from somebody who wants them taken for
             * the server's, later, under TLS. */
            smtp_session_end(session, SMTP_FAULT_NETWORK, LANTOA_REASON_PROTOCOL,
                "the server said more than the answer to STARTTLS in plain text");
            return;
        }
        input_reply(session, &reply);
        smtp_session_progress(session);
    }
    if (session->state != SMTP_CLOSED) {
        session->in_used -= at;
        memmove(session->in, session->in + at, session->in_used);
    }
}

void smtp_input_read(struct smtp_session *session) {
    enum { ROUNDS = 16 }; /* then the others have their turn */
    for (int round = 0;
         round < ROUNDS && session->state != SMTP_CLOSED && session->state != SMTP_SECURING;
         round++) {
        size_t room = sizeof(session->in) - session->in_used;
        ssize_t got = tls_link_read(&session->link, session->in + session->in_used, room);
        session->read_wants = got == TLS_AGAIN ? session->link.wants : 0;
        if (got == TLS_AGAIN) {
            return;
        }
        if (got <= 0) {
            bool polite = session->state == SMTP_QUITTING && session->flight_count == 0;
            smtp_session_end(session, polite ? SMTP_FAULT_NONE : SMTP_FAULT_NETWORK,
                LANTOA_REASON_UNREACHABLE,
                got == 0 ? "the server closed the connection" : session->link.error);
            return;
        }
        session->in_used += (size_t)got;
        input_digest(session);
        if (!session->secured && (size_t)got < room) {
            return; /* nothing more is there; asking again would cost a system call */
        }
    }
}
