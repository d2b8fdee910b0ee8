/* The daemon: one libev loop that runs the dispatcher and the channel hosts of a data folder.
 * Blocks until told to end. */
#ifndef DELIVERY_SERVE_H
#define DELIVERY_SERVE_H

#include "delivery/dispatch.h"
#include "delivery/serve_hooks.h"
#include <stdbool.h>

struct serve_figure { /* texts BORROWED for the call */
    const char *channel, *name;
    double value;
};
struct serve_options {
    const char *data_dir;
    bool until_idle;     /* end when no running campaign has work left (or, on the real clock, none
                            within the next hour) */
    int64_t receipts_ms; /* until_idle waits as long for receipts, in real time; 0: not at all */
    /* Called once the lock is held and the database is migrated and checked, before anything is
     * sent; restored: it is a copy, and all campaigns were held. An error ends the daemon. May be
     * NULL. */
    int (*opened)(void *arg, struct db *db, bool restored, struct base_err *err);
    void *opened_arg;
    void (*ready)(void *arg); /* called once the daemon is up; may be NULL */
    void *ready_arg;
    void (*beat)(void *arg); /* called five times a second while the loop goes round; may be NULL */
    void *beat_arg;
    /* What the channels' plugins count, every five seconds, to the same arg; may be NULL. */
    void (*figures)(void *arg, const struct serve_figure *figures, size_t count);
    dispatcher_inbound_fn *inbound; /* takes what people say back; may be NULL */
    void *inbound_arg;
    const struct serve_hook_store *hooks; /* where call-backs are kept; may be NULL */
};

/* Takes DATA/serve.lock (LANTOA_EBUSY: another daemon has it), migrates the database, holds all
 * campaigns if the database was restored from a backup, starts every channel, works. SIGTERM and
 * SIGINT end it: what has begun may come to its end (10 s). */
int serve_run(const struct serve_options *options, struct base_err *err) LANTOA_MUST_CHECK;

#endif
