/* What travels between the host and a plugin: messages to send, their results, and events that come
 * in later. */
#ifndef LANTOA_MESSAGE_H
#define LANTOA_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes somebody else owns. Text is UTF-8 in NFC and is NUL-terminated one byte behind `bytes`, for
 * convenience. */
struct lantoa_str {
    const char *at; /* never NULL; "" when absent */
    size_t bytes;
};

/* A file that goes along with every message of a step: attachment or inline picture. */
struct lantoa_part {
    struct lantoa_str name;       /* file name as people see it */
    struct lantoa_str mime;       /* "image/png" */
    struct lantoa_str content_id; /* for inline pictures (cid:...); empty for attachments */
    struct lantoa_str bytes;
};

/* What all messages of a step have in common. Stays valid while any message of it does. */
struct lantoa_step {
    size_t size; /* sizeof(struct lantoa_step) of the host */
    /* message_class: state_information, advertising, ... */
    struct lantoa_str campaign, step, message_class;
    const struct lantoa_part *parts;
    size_t part_count;
    /* since 1.2, for plugins with LANTOA_CAN_ACCENTS: "keep", "strip" or "strip_when_cheaper";
     * empty: as the plugin's options say */
    struct lantoa_str accents;
};

/* One message. Valid from send() until the plugin has given its result. */
struct lantoa_message {
    size_t size; /* sizeof(struct lantoa_message) of the host */
    uint64_t id; /* names the message in began(), result() and cancel() */
    /* idempotency key: 20 characters [a-z2-7], never changes for this message, over any number of
     * tries */
    struct lantoa_str key;
    /* as the plugin's `address` kind says: an email address, +84..., a place for outlets */
    struct lantoa_str address;
    struct lantoa_str name; /* the person's or outlet's name, may be empty */
    struct lantoa_str lang; /* "vi", "en": language of the content */
    int64_t due_ms;         /* when it was due, the program's clock */
    /* rendered content, in the order of the plugin's content rows; empty if the step has none */
    const struct lantoa_str *fields;
    const struct lantoa_step *step;
};

enum lantoa_outcome {
    LANTOA_SENT = 1, /* the operator has taken it: `ref` is the operator's reference */
    /* not taken, may succeed later: `after_ms` says when at the earliest, 0: the core decides */
    LANTOA_RETRY,
    LANTOA_REFUSED, /* never will be taken: `reason` says why */
    LANTOA_UNKNOWN, /* began, and nobody can say how it ended: never resent blindly */
    /* given back untouched: nothing left for it (after cancel, drain, or a lost connection before
     * began) */
    LANTOA_NOT_SENT,
};

/* Why a message was refused or must be retried. X(NAME, value, "word in reports") */
#define LANTOA_REASONS(X)                                                                          \
    X(LANTOA_REASON_NONE, 0, "none")                                                               \
    X(LANTOA_REASON_ADDRESS, 1, "invalid_address")                                                 \
    X(LANTOA_REASON_REFUSED, 2, "refused")                                                         \
    X(LANTOA_REASON_CONTENT, 3, "content")                                                         \
    X(LANTOA_REASON_TOO_LARGE, 4, "too_large")                                                     \
    X(LANTOA_REASON_MAILBOX_FULL, 5, "mailbox_full")                                               \
    X(LANTOA_REASON_UNREACHABLE, 6, "unreachable")                                                 \
    X(LANTOA_REASON_THROTTLED, 7, "throttled")                                                     \
    X(LANTOA_REASON_LOGIN, 8, "login")                                                             \
    X(LANTOA_REASON_TEMPORARY, 9, "temporary")                                                     \
    X(LANTOA_REASON_TIMEOUT, 10, "timeout")                                                        \
    X(LANTOA_REASON_NO_ACCOUNT, 11, "no_account")                                                  \
    X(LANTOA_REASON_NO_CREDIT, 12, "no_credit")                                                    \
    X(LANTOA_REASON_PROTOCOL, 13, "protocol")                                                      \
    X(LANTOA_REASON_OTHER, 14, "other")

#define LANTOA__REASON_ENUM(name, value, word) name = (value),
enum lantoa_reason { LANTOA_REASONS(LANTOA__REASON_ENUM) };
#undef LANTOA__REASON_ENUM

/* Exactly one per message. Zero what you do not use. */
struct lantoa_result {
    size_t size; /* sizeof(struct lantoa_result) of the plugin; LANTOA_RESULT() sets it */
    uint64_t id;
    enum lantoa_outcome outcome;
    enum lantoa_reason reason;
    int64_t after_ms;
    /* At most 120 bytes are kept. Of a message that went in several parts, the reference of each,
     * with blanks between; a last word "+2" says that two more found no room. It has arrived when
     * receipts of all parts said so. */
    struct lantoa_str ref;
    struct lantoa_str detail; /* the reply in the operator's words, at most 500 bytes are kept */
};
#define LANTOA_RESULT(...)                                                                         \
    ((struct lantoa_result){.size = sizeof(struct lantoa_result), __VA_ARGS__})

enum lantoa_event_kind {
    LANTOA_EVENT_DELIVERED = 1, /* a receipt: arrived */
    LANTOA_EVENT_FAILED,        /* a receipt: will not arrive; reason and detail say why */
    LANTOA_EVENT_DELAYED,       /* a receipt: not yet; for information */
    LANTOA_EVENT_INBOUND,       /* what a person says back: address and detail (the text) */
    /* a person asks not to be written to again: address, or key of the message answered */
    LANTOA_EVENT_OPT_OUT,
    LANTOA_EVENT_COMPLAINT, /* a spam report */
    /* ABI 1.4. What the network counts of a message (key or ref): detail is a JSON object of names
     * [a-z][a-z0-9_]* and whole numbers; null: the network does not give this one. Each replaces
     * what was told of the name before. */
    LANTOA_EVENT_FIGURES,
};

/* Something learned later. key, ref or address says whom it concerns; the core tries them in this
 * order. ref: of receipts only, as the result told it; an address settles a receipt only when one
 * message of the channel to it is open and that one is uncertain. */
struct lantoa_event {
    size_t size; /* LANTOA_EVENT() sets it */
    /* the plugin's own, unique while not done; given back in event_done() once the core has
     * committed */
    uint64_t token;
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    struct lantoa_str key;
    struct lantoa_str ref;
    struct lantoa_str address;
    struct lantoa_str detail;
};
#define LANTOA_EVENT(...) ((struct lantoa_event){.size = sizeof(struct lantoa_event), __VA_ARGS__})

#endif
