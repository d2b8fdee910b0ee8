/* What a person made known, in the order it came: interest, a refusal, a complaint. */
#ifndef TRACKING_CONTACT_EVENT_H
#define TRACKING_CONTACT_EVENT_H

#include "store/db.h"

struct contact_event { /* texts BORROWED */
    int64_t contact_id, at_ms;
    struct str kind, channel, text;
    int64_t message_id, inbound_id; /* 0: none */
};
/* Inside the caller's transaction. */
int contact_event_add(
    struct db *db, const struct contact_event *event, struct base_err *err) LANTOA_MUST_CHECK;
/* Oldest first; a call back that returns non-zero ends the walk with that code. LANTOA_ENOENT:
 * there is no such contact. */
int contact_event_each(struct db *db, int64_t contact_id,
    int (*row)(void *arg, const struct contact_event *event), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
