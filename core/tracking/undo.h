/* Taking a withdrawal back, with evidence: somebody wrote "TC" by mistake and says so. */
#ifndef TRACKING_UNDO_H
#define TRACKING_UNDO_H

#include "store/db.h"

struct undo_outcome {
    int64_t rows;    /* consent rows added */
    int64_t freed;   /* suppressions removed */
    bool everything; /* false: all but advertising, for which there was no consent before */
};
/* The withdrawal stays in the ledger; new rows with source "undo" and the note as evidence give
 * back what it took: all purposes when there was consent for advertising before it, else those that
 * need none. Goes with it the suppression the same refusal made of the contact's address; one from
 * elsewhere (a list, a dead address, an earlier refusal) stays. Audited, one transaction.
 * LANTOA_ENOENT: no such row; LANTOA_ESTATE: it is no withdrawal, or a newer row has settled it;
 * LANTOA_EINVAL: no note. */
int consent_undo(struct db *db, int64_t consent_id, const char *note, const char *who,
    struct undo_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
