/* Call-backs of operators, on their way from where they are kept to the channel they are for:
 * handed over in order, marked as worked off in the turn that records what the channel made of
 * them, given again when its host dies before. One per channel; the daemon's thread. */
#ifndef DELIVERY_SERVE_HOOKS_H
#define DELIVERY_SERVE_HOOKS_H

#include "delivery/dispatch.h"

/* Where they are kept (the layer above: tracking/hook.h). */
struct serve_hook_store {
    /* Shows those of a channel that wait, oldest first, with token > after, at most `most`; token
     * is the number of the row. Ends with what `take` returns if that is not 0. */
    int (*next)(struct db *db, int64_t channel_id, int64_t after, int most,
        int (*take)(void *arg, const struct channel_hook *hook), void *arg, struct base_err *err);
    dispatcher_hook_done_fn *done;
    /* Deletes some of those that were done with long ago; *more_out: there are others. */
    int (*prune)(struct db *db, int64_t now_ms, bool *more_out, struct base_err *err);
};

struct serve_hooks;
/* All borrowed. */
struct serve_hooks *serve_hooks_new(const struct serve_hook_store *store, struct db *db,
    struct dispatcher *dispatcher, int64_t channel_id, struct channel *channel);
void serve_hooks_free(struct serve_hooks **hooks);

/* The host is new: what the one before had and did not answer is given again. */
void serve_hooks_restart(struct serve_hooks *hooks);
/* There may be new ones: hands over what the channel takes. */
void serve_hooks_look(struct serve_hooks *hooks);
/* Whether some are left for a later look though nothing new comes. */
bool serve_hooks_left(const struct serve_hooks *hooks);
/* The channel is through with one; code as in channel_callbacks.hook_done. */
void serve_hooks_answered(struct serve_hooks *hooks, uint64_t token, int code);
/* That is committed. */
void serve_hooks_recorded(struct serve_hooks *hooks, int64_t id);

#endif
