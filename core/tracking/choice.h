/* What a person chooses: to get no more messages of a kind, or to get them again. A choice is a row
 * of the consent ledger and, for the address it went to, a suppression; both take effect before the
 * next message leaves, for the dispatcher asks at the last moment. Knows no HTTP. */
#ifndef TRACKING_CHOICE_H
#define TRACKING_CHOICE_H

#include "store/db.h"

#define CHOICE_KINDS_MAX 16
#define CHOICE_KIND_MAX 64
#define CHOICE_MASK_MAX 80

struct choice_kind {
    char kind[CHOICE_KIND_MAX];    /* channel kind: email, sms, ... */
    char address[CHOICE_MASK_MAX]; /* masked; empty: the person has none */
    bool email;                    /* the address is the email, else the phone */
    bool on;                       /* as things stand the person may be written to */
};

/* How things stand for the receiver of a message. */
struct choice_state {
    int64_t message_id, contact_id;
    char lang[16];
    char own[CHOICE_KIND_MAX]; /* kind of the channel the message went by */
    struct choice_kind kinds[CHOICE_KINDS_MAX];
    size_t count;
};
/* LANTOA_ENOENT: the contact or the step is gone. */
int choice_read(struct db *db, int64_t message_id, struct choice_state *state_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* A change asked for: each kind named becomes as `on` says; kinds not named stay. */
struct choice_change {
    int64_t message_id;
    struct {
        char kind[CHOICE_KIND_MAX]; /* empty: the kind of the message's own channel */
        bool on;
    } kinds[CHOICE_KINDS_MAX];
    size_t count;
    /* The address itself is suppressed (or free again) as well, for every kind that uses it. */
    bool address_too;
    int64_t at_ms;
    const char *source, *evidence; /* of the consent rows */
};
/* Inside the caller's transaction. Doing it twice adds nothing. What was refused is confirmed by a
 * message, once, where the channel takes a text. LANTOA_ENOENT as above. */
int choice_apply(
    struct db *db, const struct choice_change *change, struct base_err *err) LANTOA_MUST_CHECK;

/* "n***@example.com", "+84*****678": enough to know one's own, not enough to learn another's. */
void choice_mask(struct str address, char out[static CHOICE_MASK_MAX]);

#endif
