/* Messages to one person that belong to no campaign of staff: the confirmation of a refusal, an
 * answer from the inbox. They go through the ledger like all others, as rows of system campaigns
 * (CAMPAIGN_SYSTEM_PREFIX of campaign/store.h), one for each channel and purpose, which run while
 * they have something to send. No rule of sending delays them. */
#ifndef TRACKING_REPLY_H
#define TRACKING_REPLY_H

#include "store/db.h"

#define REPLY_TEXT_CHARS_MAX 1600

struct reply {
    /* contact_id: LEDGER_STRANGER_FIRST and more when address says where it goes. */
    int64_t channel_id, contact_id;
    struct str address;  /* empty: the contact's own */
    const char *purpose; /* small letters and digits: confirm, answer, ... */
    struct str text;
    int64_t now_ms;
};
/* Inside the caller's transaction. LANTOA_ESTATE: the channel takes no free text; LANTOA_ELIMIT:
 * longer than the channel takes or than REPLY_TEXT_CHARS_MAX; LANTOA_EINVAL: empty, control
 * characters, no UTF-8; LANTOA_ENOENT: no such channel. Nothing has been written then. */
int reply_add(struct db *db, const struct reply *reply, int64_t *message_id_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* When the last reply of this purpose went into the ledger for this person; 0: never. */
int reply_last(struct db *db, int64_t channel_id, const char *purpose, int64_t contact_id,
    int64_t *at_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
