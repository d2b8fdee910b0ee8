/* Replies of an SMTP server: where one ends, its codes and text, what it means for a message. Pure
 * functions over bytes. */
#ifndef EMAIL_SMTP_REPLY_H
#define EMAIL_SMTP_REPLY_H

#include "bytes.h"

/* A whole reply, however many lines, may not be longer. */
#define SMTP_REPLY_MOST 16384
#define SMTP_DETAIL_MOST 500
#define SMTP_REF_MOST 120

/* One reply. `lines` is a span of the parsed buffer, BORROWED from it. */
struct smtp_reply {
    int code;        /* 200 to 599 */
    int enhanced[3]; /* of the last line, when has_enhanced */
    bool has_enhanced;
    struct lantoa_str lines; /* as received, with line ends */
    struct lantoa_str last;  /* the text of the last line, behind code and enhanced code */
};

/* Which command a reply answers. */
enum smtp_stage {
    SMTP_AT_CONNECT,
    SMTP_AT_LOGIN,
    SMTP_AT_MAIL,
    SMTP_AT_RCPT,
    SMTP_AT_DATA,
    SMTP_AT_BODY
};

/* Takes one reply from the front of the buffer. Returns its length; 0 when it is not complete yet;
 * LANTOA_EPROTO when this is no SMTP reply or is longer than SMTP_REPLY_MOST. */
int smtp_reply_parse(const char *at, size_t bytes, struct smtp_reply *reply_out) LANTOA_MUST_CHECK;
/* The reply as one line for people: "550 5.1.1 no such user"; control characters and broken UTF-8
 * become "?". Returns its length. */
size_t smtp_reply_text(const struct smtp_reply *reply, char *text, size_t room);
/* The queue id a server gives with its 250 ("queued as X", "id=X"), else the whole text. A span of
 * reply or of text. */
struct lantoa_str smtp_reply_ref(const struct smtp_reply *reply);

/* What a refusal (4xx, 5xx) means for the message. after_ms is a wish, 0: the core decides. */
struct smtp_verdict {
    enum lantoa_outcome outcome; /* RETRY or REFUSED */
    enum lantoa_reason reason;
    int64_t after_ms;
};
struct smtp_verdict smtp_reply_verdict(const struct smtp_reply *reply, enum smtp_stage stage);

/* The service extensions in a reply to EHLO that we can use. */
struct smtp_extensions {
    bool pipelining, chunking, starttls, size, auth, auth_plain, auth_login;
    uint64_t size_most; /* 0: no limit said */
};
struct smtp_extensions smtp_reply_extensions(const struct smtp_reply *reply);

/* Copies text for people into a buffer: control characters and broken UTF-8 become "?", cut between
 * characters. Returns the length. */
size_t smtp_text_clean(char *to, size_t room, const char *at, size_t bytes);

#endif
