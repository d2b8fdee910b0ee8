/* Operators' numbers of messages: which message a receipt speaks of when it knows only the number
 * the operator gave. Appended while sending, a few bytes per message and one row per turn; folded
 * into a table that can be asked only once somebody asks, and only for messages that are still
 * open. Numbers are kept for ten days. Works inside the caller's transactions. */
#ifndef DELIVERY_PROVIDER_REF_H
#define DELIVERY_PROVIDER_REF_H

#include "store/db.h"

#define PROVIDER_REF_KEEP_MS (INT64_C(10) * 24 * 60 * 60 * 1000)

struct provider_refs;

int provider_refs_new(
    struct db *db, struct provider_refs **refs_out, struct base_err *err) LANTOA_MUST_CHECK;
void provider_refs_free(struct provider_refs **refs);

/* What stands for (channel, number) in the tables: 63 bits of FNV-1a, mixed; never 0. Two numbers
 * out of 10^7 share one with a probability of 5 in a million; then the newer is found only. */
int64_t provider_ref_key(int64_t channel_id, struct str ref);

/* The references in a result's ref, one a word; see lantoa_result. The next word of *rest, which
 * moves on; empty at the end. */
struct str provider_ref_next(struct str *rest);
/* How many parts the message has by its ref: 1 unless there are several words. */
size_t provider_ref_parts(struct str ref);

/* Notes a number in memory, until provider_refs_flush or, when the transaction failed,
 * provider_refs_forget. */
void provider_refs_add(struct provider_refs *refs, int64_t key, int64_t message_id);
int provider_refs_flush(
    struct provider_refs *refs, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
void provider_refs_forget(struct provider_refs *refs);

/* Folds a part of what was appended. *more_out: there is more; until there is not, an answer "no
 * message" of provider_refs_find means nothing. */
int provider_refs_fold(
    struct provider_refs *refs, bool *more_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The newest message with that number; 0: none. */
int provider_refs_find(struct provider_refs *refs, int64_t key, int64_t *message_id_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* The part of a message with this number has arrived. *arrived_out: how many have by now; said
 * twice counts once. */
int provider_refs_part(struct provider_refs *refs, int64_t message_id, int64_t key,
    size_t *arrived_out, struct base_err *err) LANTOA_MUST_CHECK;

/* Whether there is anything at all to prune. */
bool provider_refs_any(const struct provider_refs *refs);
/* Drops numbers of messages that are settled, and old ones: a part of them, so that it is short;
 * goes on at the next call. */
int provider_refs_prune(
    struct provider_refs *refs, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;

#endif
