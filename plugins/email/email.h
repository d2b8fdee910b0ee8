/* The options of the email channel and the content it takes, as the host fills them in. */
#ifndef EMAIL_H
#define EMAIL_H

#include <lantoa/plugin.h>

struct email_config {
    const char *host;
    int64_t port;
    const char *tls; /* none, starttls, tls */
    bool tls_verify;
    const char *tls_ca;
    const char *auth; /* none, plain, login, auto */
    const char *user, *password;
    bool auth_plaintext;
    const char *helo;
    const char *from, *from_name, *reply_to;
    const char *bounce;
    bool verp;
    const char *message_id_domain;
    int64_t connections, per_domain, messages_per_connection;
    int64_t connect_timeout, timeout, idle;
    bool pipelining, chunking;
    const char *dkim_key, *dkim_selector, *dkim_domain;
    const char *list_unsubscribe_mailto, *list_unsubscribe_url;
    const char *lmtp_listen;
};

/* The content rows in their order. */
enum email_field { EMAIL_SUBJECT, EMAIL_TEXT, EMAIL_HTML, EMAIL_FIELDS };

#endif
