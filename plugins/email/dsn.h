/* Mail that comes back: is it a delivery report (RFC 3464), a spam report (RFC 5965), an automatic
 * answer, or a person writing? Pure functions over the bytes of one mail; GMime parses the
 * structure. */
#ifndef EMAIL_DSN_H
#define EMAIL_DSN_H

#include "address.h"
#include "smtp_reply.h"

enum dsn_kind {
    DSN_FAILED,    /* will not arrive */
    DSN_DELAYED,   /* still being tried */
    DSN_DELIVERED, /* arrived */
    DSN_COMPLAINT, /* reported as spam */
    DSN_AUTOMATIC, /* an answer by a machine: absence and the like */
    DSN_PERSON,    /* anything else */
};

struct dsn {
    enum dsn_kind kind;
    enum lantoa_reason reason;
    char key[ADDRESS_KEY_BYTES +
             1]; /* from the Message-ID of the mail it speaks of, "" when there is none of ours */
    char from[ADDRESS_MOST + 1];       /* the From address of the mail itself, "" when unreadable */
    char detail[SMTP_DETAIL_MOST + 1]; /* "5.1.1 no such user", or the beginning of the text */
};

/* Must be called once before dsn_parse. */
void dsn_init(void);
/* Reads a mail. null_sender: its envelope sender was <>. message_id_domain: the domain of our own
 * Message-IDs. Never fails: what cannot be read is DSN_PERSON or, with a null sender,
 * DSN_AUTOMATIC, with empty texts. */
void dsn_parse(const char *mail, size_t bytes, bool null_sender,
    struct lantoa_str message_id_domain, struct dsn *dsn_out);

#endif
