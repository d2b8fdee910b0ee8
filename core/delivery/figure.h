/* What networks count of messages: views, reactions, shares. The newest figure of each name stands
 * in message_figure; one that the network does not give is kept as such, which is not 0. */
#ifndef DELIVERY_FIGURE_H
#define DELIVERY_FIGURE_H

#include "base/str.h"
#include "store/db.h"

#define FIGURE_NAMES_MAX 32

/* Takes a JSON object of names and whole numbers or nulls, as LANTOA_EVENT_FIGURES tells them. What
 * makes no sense is left out. Inside the caller's transaction. */
int figure_take(struct db *db, int64_t message_id, struct str detail, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;

struct figure { /* texts BORROWED for the call */
    int64_t message_id;
    struct str campaign, step, channel, ref, name;
    int64_t value, at;
    bool given; /* false: the network does not give it */
};
/* Of a campaign, of a channel (names; NULL: any), by campaign, step, message and name. */
int figure_each(struct db *db, const char *campaign, const char *channel,
    int (*row)(void *arg, const struct figure *figure), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
