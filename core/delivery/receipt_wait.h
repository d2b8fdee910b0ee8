/* Receipts whose message is not known, or not yet: they came before the answer that explains their
 * number, or speak of nothing of ours. Kept for ten days, so that nothing is lost and staff can see
 * what came (lantoa doctor). Works inside the dispatcher's transactions. */
#ifndef DELIVERY_RECEIPT_WAIT_H
#define DELIVERY_RECEIPT_WAIT_H

#include "store/db.h"
#include <lantoa/message.h>

/* What an operator says of a message that it names by its number or its address. Texts BORROWED. */
struct receipt {
    int64_t channel_id, at_ms;
    enum lantoa_event_kind kind; /* DELIVERED or FAILED */
    enum lantoa_reason reason;
    int64_t ref_key; /* provider_ref_key of ref; 0: it names none */
    struct str ref;
    struct str address; /* as contacts have it; may be empty */
    struct str detail;
};

#define RECEIPT_WAIT_MOST 100000

struct receipt_wait;

int receipt_wait_new(
    struct db *db, struct receipt_wait **wait_out, struct base_err *err) LANTOA_MUST_CHECK;
void receipt_wait_free(struct receipt_wait **wait);
/* The transaction failed: what is in memory is read again. */
void receipt_wait_forget(struct receipt_wait *wait);

size_t receipt_wait_count(const struct receipt_wait *wait);
/* LANTOA_ELIMIT: there are RECEIPT_WAIT_MOST. */
int receipt_wait_add(struct receipt_wait *wait, const struct receipt *receipt,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Whether one with this number waits; cheap. */
bool receipt_wait_has(const struct receipt_wait *wait, int64_t ref_key);

/* Shown one, says whether it has found its message (then it is taken away). */
typedef int receipt_wait_fn(
    void *arg, const struct receipt *receipt, bool *found_out, struct base_err *err);
/* Those with this number, oldest first. */
int receipt_wait_take(struct receipt_wait *wait, int64_t ref_key, receipt_wait_fn *fn, void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
/* At most `most` of those behind *after_io, in the order they came; *after_io becomes the last one
 * seen, 0 when none is left. */
int receipt_wait_walk(struct receipt_wait *wait, int64_t *after_io, size_t most,
    receipt_wait_fn *fn, void *arg, struct base_err *err) LANTOA_MUST_CHECK;
/* Drops those from before this time. */
int receipt_wait_prune(
    struct receipt_wait *wait, int64_t before_ms, struct base_err *err) LANTOA_MUST_CHECK;

#endif
