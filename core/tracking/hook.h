/* Call-backs of providers (receipts, messages from people): kept as they came before they are
 * answered, handed to the channel later, kept afterwards as evidence. Nothing in them is believed
 * here: checking the signature and reading the body is the channel's work. */
#ifndef TRACKING_HOOK_H
#define TRACKING_HOOK_H

#include "store/db.h"

struct hook {
    int64_t id; /* 0 when it is to be added */
    int64_t channel_id, at_ms;
    struct str remote;  /* address it came from */
    struct str headers; /* JSON object, names in lower case */
    struct str body;
};

/* Adds call-backs, in the caller's transactions; one per connection. */
struct hook_writer;
int hook_writer_new(
    struct db *db, struct hook_writer **writer_out, struct base_err *err) LANTOA_MUST_CHECK;
void hook_writer_free(struct hook_writer **writer);
int hook_add(
    struct hook_writer *writer, const struct hook *hook, struct base_err *err) LANTOA_MUST_CHECK;

/* Those of a channel that wait, oldest first, with id > after_id, at most `most`. Texts are
 * BORROWED for the call; a call back that returns non-zero ends the walk with that code. A caller
 * that hands them on keeps the last id as its cursor and calls hook_done once the channel has taken
 * them; after a crash it starts again from 0: a call-back may be seen twice, never lost. */
int hook_next_batch(struct db *db, int64_t channel_id, int64_t after_id, int most,
    int (*take)(void *arg, const struct hook *hook), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Inside the caller's transaction. result: 0 taken, else why the channel refused it (LANTOA_E*).
 * Fine when it was done already. */
int hook_done(
    struct db *db, int64_t id, int result, int64_t now_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* Deletes call-backs that were done with before before_ms, oldest first, at most `most`: a
 * transaction of its own that is short, to be called again while *deleted_out equals most. */
int hook_prune(struct db *db, int64_t before_ms, int64_t most, int64_t *deleted_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* For how many days they are kept after that: setting HOOK_KEEP_SETTING, else HOOK_KEEP_DAYS. */
#define HOOK_KEEP_SETTING "call_backs_keep_days"
#define HOOK_KEEP_DAYS 90
#define HOOK_KEEP_DAYS_MAX 3650
int hook_keep_days(struct db *db, int64_t *days_out, struct base_err *err) LANTOA_MUST_CHECK;
/* How many wait, over all channels. */
int hook_waiting(struct db *db, int64_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
