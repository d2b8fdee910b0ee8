/* What was spent: the money the ledger booked for messages that left (message.minor), summed by
 * step, and by place where asked for. Copies that a person had sent again count too: they were paid
 * for. */
#ifndef CONVERSION_SPENDING_H
#define CONVERSION_SPENDING_H

#include "base/mem.h"
#include "store/db.h"

struct spending_ask {
    int64_t campaign_id, theme_id; /* 0: all but campaigns of the program itself */
    int64_t from_ms, until_ms;     /* handed out or ended in [from, until); 0, 0: ever */
    bool places;                   /* and by the place of the person or outlet, as it is now */
};
struct spending_row {
    int64_t campaign_id, theme_id, channel_id;
    const char *campaign, *theme, *channel, *step; /* of the spending */
    int64_t place_id;                              /* with `places`; 0: none */
    int64_t messages, units; /* that were charged; units (parts of an SMS) where they are known */
    int64_t minor;           /* dong */
    int64_t unpriced;        /* left to people, and nobody knows for how much */
};
struct spending {
    struct base_arena *arena;
    struct spending_row *rows; /* in order of campaign, step and occurrence, place */
    size_t count, room;
};

/* One pass over the rows of the steps. The caller releases it, also after an error. */
int spending_read(struct db *db, const struct spending_ask *ask, struct spending *out,
    struct base_err *err) LANTOA_MUST_CHECK;
void spending_release(struct spending *spending);

#endif
