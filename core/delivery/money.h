/* What a message costs at the moment it leaves: its units by the channel's plugin, the price by the
 * channel's dated list for its class, its number and today; or the channel's price of a message; or
 * the plugin's own figure. The same answers as before approval (delivery/cost.h), asked for one
 * message, so that no campaign spends more than its budget. One thread. The plugin's pure function
 * runs in a process of its own (channel/quote.h); where others wait with us it is waited for a
 * moment only, and asked again for the answer later. */
#ifndef DELIVERY_MONEY_H
#define DELIVERY_MONEY_H

#include "channel/channel.h"
#include "delivery/step.h"

struct money;

struct money_amount {
    int64_t units; /* -1: not asked, for the price is that of a message */
    int64_t minor; /* -1: costs nothing that is kept: no price, no list, no budget */
};

enum money_haste {
    MONEY_PATIENT, /* waits for every answer: rehearsals */
    MONEY_HURRIED, /* LANTOA_EAGAIN instead of waiting long */
};
/* data_dir is copied; NULL: only prices of a message are known. */
struct money *money_new(struct db *db, const char *data_dir, enum money_haste haste);
void money_free(struct money **money);
/* Channels may have changed: those that have are read again. */
int money_reload(struct money *money, struct base_err *err) LANTOA_MUST_CHECK;

/* The price of any message of this step when it is the same for all; -1 when it is not. */
int money_fixed(struct money *money, const struct delivery_step *step, int64_t *minor_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* A turn of the loop begins: at most 100 ms of it are spent on waiting for one channel's plugin. */
void money_turn(struct money *money);
/* Of a rendered message. LANTOA_EAGAIN, without err: the plugin has not said yet, ask for the same
 * message again soon. LANTOA_ENOENT: the price list has none for its number; other errors: the
 * plugin does not answer, and err says how. */
int money_of(struct money *money, const struct delivery_step *step,
    const struct channel_message *message, int64_t now_ms, struct money_amount *amount_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
