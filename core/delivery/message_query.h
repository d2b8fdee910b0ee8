/* Reading the ledger: who, when, what happened, why not. */
#ifndef DELIVERY_MESSAGE_QUERY_H
#define DELIVERY_MESSAGE_QUERY_H

#include "delivery/ledger.h"
#include "store/db.h"

struct message_filter {
    const char *campaign; /* NULL: all */
    const char *step;     /* name; NULL: all */
    int state;            /* -1: all */
    int reason;           /* -1: all */
    int64_t contact_id;   /* 0: all */
    int64_t after_id;     /* only ids above; for paging */
    int64_t limit;        /* 0: no limit */
};

struct message_row {                    /* texts BORROWED for the call */
    int64_t id, contact_id, at, due_at; /* due_at 0: none of its own */
    int64_t airing_id;                  /* what an outlet plays; contact_id is 0 then */
    int64_t settled_at;                 /* when a receipt told its end; 0: none did */
    int state, reason, tries, generation, occurrence;
    struct str campaign, step, channel, name, ref_of_contact, address, ref, detail;
};

/* In order of id, which is campaign, step, contact. Stops when row returns non-zero and gives that
 * back. LANTOA_ENOENT for an unknown campaign. */
int message_each(struct db *db, const struct message_filter *filter,
    int (*row)(void *arg, const struct message_row *message), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

struct message_act {
    int64_t at;
    int state, reason;
    struct str detail;
};
/* What happened to one message besides being handed out, oldest first. Arrival without more words
 * stands in the message's own row and is told here too. */
int message_history(struct db *db, int64_t id, int (*act)(void *arg, const struct message_act *act),
    void *arg, struct base_err *err) LANTOA_MUST_CHECK;

#endif
