/* From the greeting to the first message: EHLO, STARTTLS, login. Never goes on without what the
 * options demand; see smtp.h. */
#include "smtp.h"

#include "mime_encode.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

static const struct email_config *config_of(const struct smtp_session *session) {
    return session->pool->config;
}

static bool is(const char *option, const char *word) {
    return option != NULL && strcmp(option, word) == 0;
}

static bool has_user(const struct email_config *config) {
    return config->user != NULL && config->user[0] != '\0' && !is(config->auth, "none");
}

static void end_with_reply(struct smtp_session *session, enum smtp_fault fault,
    enum lantoa_reason reason, const char *what, const struct smtp_reply *reply) {
    char text[SMTP_DETAIL_MOST + 1], why[SMTP_DETAIL_MOST + 100];
    smtp_reply_text(reply, text, sizeof(text));
    snprintf(why, sizeof(why), "%s: %s", what, text);
    smtp_session_end(session, fault, reason, why);
}

void smtp_dialog_hello(struct smtp_session *session) {
    bytes_put_text(&session->out, "EHLO ");
    bytes_put_text(&session->out, session->pool->helo);
    bytes_put(&session->out, "\r\n", 2);
    smtp_session_expect(session, SMTP_WAIT_EHLO, NULL);
}

static bool is_loopback(int fd) {
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) {
        return false;
    }
    if (peer.ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&peer;
        return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&peer;
    return peer.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static void put_secret(
    struct smtp_session *session, const char *before, const char *at, size_t bytes) {
    bytes_put_text(&session->out, before);
    mime_put_base64_run(&session->out, at, bytes);
    bytes_put(&session->out, "\r\n", 2);
}

static void login(struct smtp_session *session) {
    const struct email_config *config = config_of(session);
    bool automatic = is(config->auth, "auto");
    bool plain = session->has.auth_plain && (automatic || is(config->auth, "plain"));
    bool by_login = session->has.auth_login && (automatic || is(config->auth, "login"));
    if (!plain && !by_login) {
        char why[200] =
            "option user is set, but the server offers no login; nothing is sent without it";
        if (session->has.auth) {
            snprintf(why, sizeof(why),
                "option auth: the server does not offer the login method \"%s\" (PLAIN or LOGIN is "
                "needed)",
                config->auth);
        }
        smtp_pool_fail(session->pool, why);
        return;
    }
    if (!session->secured && !config->auth_plaintext && !is_loopback(session->link.fd)) {
        smtp_pool_fail(session->pool, "the password would go over the network in plain text: use "
                                      "tls \"starttls\" or \"tls\", or set auth_plaintext");
        return;
    }
    if (plain) {
        struct bytes secret = {0};
        const char *password = config->password == NULL ? "" : config->password;
        bytes_put_char(&secret, '\0');
        bytes_put(&secret, config->user, strlen(config->user) + 1);
        bytes_put_text(&secret, password);
        if (secret.failed) {
            session->out.failed = true;
        } else {
            put_secret(session, "AUTH PLAIN ", secret.at, secret.used);
            explicit_bzero(secret.at, secret.used);
        }
        bytes_release(&secret);
        smtp_session_expect(session, SMTP_WAIT_AUTH, NULL);
    } else {
        bytes_put_text(&session->out, "AUTH LOGIN\r\n");
        smtp_session_expect(session, SMTP_WAIT_AUTH_USER, NULL);
    }
}

/* EHLO is answered: STARTTLS, login, or ready. */
static void go_on(struct smtp_session *session) {
    const struct email_config *config = config_of(session);
    if (!session->secured && is(config->tls, "starttls")) {
        if (!session->has.starttls) {
            smtp_session_end(session, SMTP_FAULT_SETUP, LANTOA_REASON_UNREACHABLE,
                "the server offers no STARTTLS, and option tls asks for it");
            return;
        }
        bytes_put_text(&session->out, "STARTTLS\r\n");
        smtp_session_expect(session, SMTP_WAIT_STARTTLS, NULL);
    } else if (has_user(config) && !session->authenticated) {
        login(session);
    } else {
        smtp_session_become_ready(session);
    }
}

static void take_login_reply(struct smtp_session *session, const struct smtp_reply *reply) {
    if (reply->code / 100 == 2) {
        session->authenticated = true;
        go_on(session);
    } else {
        end_with_reply(session, reply->code >= 500 ? SMTP_FAULT_SETUP : SMTP_FAULT_NETWORK,
            LANTOA_REASON_LOGIN, "the server refused the login", reply);
    }
}

void smtp_dialog_reply(
    struct smtp_session *session, enum smtp_wait what, const struct smtp_reply *reply) {
    const struct email_config *config = config_of(session);
    bool good = reply->code / 100 == 2;
    switch (what) {
    case SMTP_WAIT_GREETING:
        if (!good) {
            end_with_reply(session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE,
                "the server greets with a refusal", reply);
            return;
        }
        smtp_dialog_hello(session);
        return;
    case SMTP_WAIT_EHLO:
        if (good) {
            session->has = smtp_reply_extensions(reply);
            go_on(session);
        } else if (reply->code >= 500 && !session->secured) {
            bytes_put_text(&session->out, "HELO ");
            bytes_put_text(&session->out, session->pool->helo);
            bytes_put(&session->out, "\r\n", 2);
            smtp_session_expect(session, SMTP_WAIT_HELO, NULL);
        } else {
            end_with_reply(session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE,
                "the server refused EHLO", reply);
        }
        return;
    case SMTP_WAIT_HELO:
        if (good) {
            go_on(session);
        } else {
            end_with_reply(session, SMTP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE,
                "the server refused HELO", reply);
        }
        return;
    case SMTP_WAIT_STARTTLS:
        if (good) {
            session->has = (struct smtp_extensions){0}; /* said in plain text by anybody */
            smtp_session_secure(session);
        } else {
            end_with_reply(session, reply->code >= 500 ? SMTP_FAULT_SETUP : SMTP_FAULT_NETWORK,
                LANTOA_REASON_UNREACHABLE, "the server refused STARTTLS", reply);
        }
        return;
    case SMTP_WAIT_AUTH_USER:
        if (reply->code == 334) {
            put_secret(session, "", config->user, strlen(config->user));
            smtp_session_expect(session, SMTP_WAIT_AUTH_PASSWORD, NULL);
            return;
        }
        take_login_reply(session, reply);
        return;
    case SMTP_WAIT_AUTH_PASSWORD:
        if (reply->code == 334) {
            const char *password = config->password == NULL ? "" : config->password;
            put_secret(session, "", password, strlen(password));
            smtp_session_expect(session, SMTP_WAIT_AUTH, NULL);
            return;
        }
        take_login_reply(session, reply);
        return;
    case SMTP_WAIT_AUTH:
        take_login_reply(session, reply);
        return;
    case SMTP_WAIT_RSET:
    case SMTP_WAIT_MAIL:
    case SMTP_WAIT_RCPT:
    case SMTP_WAIT_DATA:
    case SMTP_WAIT_BODY:
    case SMTP_WAIT_BDAT:
    case SMTP_WAIT_QUIT:
        return; /* not part of the dialog; smtp_session.c sends them elsewhere */
    }
}
