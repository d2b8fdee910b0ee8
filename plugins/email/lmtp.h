/* The LMTP listener: bounces, spam reports, unsubscribe mails and answers come in here and become
 * events. A mail is acknowledged only when the core has committed its event. */
#ifndef EMAIL_LMTP_H
#define EMAIL_LMTP_H

#include "mime_compose.h"

struct lmtp;

/* As ops->check, of the option lmtp_listen. */
int lmtp_check(const char *listen, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;

/* Listens on "address:port" for the addresses (BORROWED until lmtp_free). On failure host->fail()
 * has been called. */
int lmtp_new(const struct lantoa_host *host, const char *listen,
    const struct mime_addresses *addresses, struct lmtp **lmtp_out) LANTOA_MUST_CHECK;
void lmtp_free(struct lmtp *lmtp); /* NULL is fine */
void lmtp_event_done(struct lmtp *lmtp, uint64_t token);
/* Takes no new connections; drained is called once when no mail waits for its commit any more;
 * maybe before this returns. */
void lmtp_drain(struct lmtp *lmtp, void (*drained)(void *arg), void *arg);

#endif
