/* What a mail that came in means, and its answer; see lmtp_dialog.h. */
#include "dsn.h"
#include "lmtp_dialog.h"

enum lmtp_target_kind lmtp_target(
    const struct lmtp *lmtp, const char *address, char key[ADDRESS_KEY_BYTES + 1]) {
    const struct mime_addresses *own = lmtp->addresses;
    struct lantoa_str spec = {address, strlen(address)};
    if (own->bounce.bytes > 0 && address_match_tagged(spec, own->bounce, key)) {
        return TARGET_BOUNCE;
    }
    if (own->unsubscribe.bytes > 0 && address_match_tagged(spec, own->unsubscribe, key)) {
        return TARGET_UNSUBSCRIBE;
    }
    if (address_match_tagged(spec, own->from, key) ||
        (own->reply_to.bytes > 0 && address_match_tagged(spec, own->reply_to, key))) {
        return own->bounce.bytes == 0
                   ? TARGET_BOUNCE
                   : TARGET_MAILBOX; /* without a bounce address they come here */
    }
    key[0] = '\0';
    return TARGET_NONE;
}

static enum lantoa_event_kind event_kind(const struct dsn *dsn, enum lmtp_target_kind target) {
    switch (dsn->kind) {
    case DSN_FAILED:
        return LANTOA_EVENT_FAILED;
    case DSN_DELAYED:
        return LANTOA_EVENT_DELAYED;
    case DSN_DELIVERED:
        return LANTOA_EVENT_DELIVERED;
    case DSN_COMPLAINT:
        return LANTOA_EVENT_COMPLAINT;
    case DSN_AUTOMATIC:
        return LANTOA_EVENT_INBOUND; /* an absence is neither a failure nor a wish to be left alone
                                      */
    case DSN_PERSON:
        return target == TARGET_UNSUBSCRIBE ? LANTOA_EVENT_OPT_OUT : LANTOA_EVENT_INBOUND;
    }
    return LANTOA_EVENT_INBOUND;
}

/* Hands the mail to the core for one recipient; sets token or reply. */
static void deliver(
    struct lmtp_connection *connection, struct lmtp_recipient *recipient, const struct dsn *dsn) {
    struct lmtp *lmtp = connection->lmtp;
    char key[ADDRESS_KEY_BYTES + 1];
    enum lmtp_target_kind target = lmtp_target(lmtp, recipient->address, key);
    /* The Message-ID inside the report belongs to the mail itself; the envelope may have been mixed
     * up on the way. */
    bool report = dsn->kind == DSN_FAILED || dsn->kind == DSN_DELAYED ||
                  dsn->kind == DSN_DELIVERED || dsn->kind == DSN_COMPLAINT;
    const char *name = (report && dsn->key[0] != '\0') || key[0] == '\0' ? dsn->key : key;
    const char *from =
        report ? "" : dsn->from; /* a report comes from a server, not from the person */
    recipient->reply = NULL;
    recipient->token = ++lmtp->next_token;
    int status = lmtp->host->event(lmtp->host,
        &LANTOA_EVENT(.token = recipient->token, .kind = event_kind(dsn, target),
            .reason = dsn->reason, .key = {name, strlen(name)}, .ref = {"", 0},
            .address = {from, strlen(from)}, .detail = {dsn->detail, strlen(dsn->detail)}));
    if (status != LANTOA_OK) {
        recipient->token = 0;
        recipient->reply = "451 4.3.0 not recorded, try again";
    }
}

void lmtp_answer(struct lmtp_connection *connection) {
    for (size_t i = 0; i < connection->recipient_count; i++) {
        if (connection->recipients[i].reply == NULL) {
            return;
        }
    }
    for (size_t i = 0; i < connection->recipient_count; i++) {
        lmtp_say(connection, connection->recipients[i].reply);
    }
    lmtp_reset(connection);
    lmtp_patience(connection, LMTP_IDLE_MS);
}

/* Takes the dots out that DATA has put in front of lines; returns the new length. */
static size_t unstuff(char *mail, size_t bytes) {
    char *to = mail;
    bool line = true;
    for (size_t i = 0; i < bytes; i++) {
        if (!(line && mail[i] == '.')) {
            *to++ = mail[i];
        }
        line = mail[i] == '\n';
    }
    return (size_t)(to - mail);
}

void lmtp_mail(struct lmtp_connection *connection, char *mail, size_t bytes) {
    connection->in_data = false;
    connection->waiting = true;
    lmtp_patience(connection, LMTP_COMMIT_MS);
    if (connection->too_large) {
        for (size_t i = 0; i < connection->recipient_count; i++) {
            connection->recipients[i].reply = "552 5.3.4 message too large";
        }
    } else {
        struct dsn dsn;
        dsn_parse(mail, unstuff(mail, bytes), connection->null_sender,
            connection->lmtp->addresses->message_id_domain, &dsn);
        for (size_t i = 0; i < connection->recipient_count; i++) {
            deliver(connection, &connection->recipients[i], &dsn);
        }
    }
    lmtp_answer(connection);
}
