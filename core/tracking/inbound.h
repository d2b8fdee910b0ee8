/* What people say back: refusals, interest, calls for help, and everything else, which waits in the
 * inbox (tracking/inbox.h). Works inside the dispatcher's turn, so a refusal is committed before
 * the next message leaves. Knows no plugin and no HTTP. */
#ifndef TRACKING_INBOUND_H
#define TRACKING_INBOUND_H

#include "delivery/dispatch.h"

struct inbound; /* the keyword rules, read again when they change */
struct inbound *inbound_new(void);
void inbound_free(struct inbound **inbound);

/* A dispatcher_inbound_fn; arg is a struct inbound.
 *
 * A refusal (by keyword, or because the channel says so) withdraws the consent of everybody who has
 * the address and suppresses the address; the person a message went to counts as well, whatever
 * address they wrote from. It is confirmed once: saying it again adds nothing, until the consent
 * was given back. Interest becomes an event of the contact. What nobody can settle is left open in
 * the inbox, with a note when a rule did fit. Only the database's errors are returned: what a
 * person wrote never stops the dispatcher. */
int inbound_take(void *arg, struct db *db, const struct dispatcher_inbound *event,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
