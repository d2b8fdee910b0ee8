/* What people do with campaigns and messages: pause, resume, stop; settle what is uncertain; send
 * again (approving and starting: approval.h). Each is one short transaction, audited, and works
 * with or without the daemon, which notices through the database within 200 ms. */
#ifndef DELIVERY_CONTROL_H
#define DELIVERY_CONTROL_H

#include "campaign/store.h"
#include "delivery/ledger.h"

/* LANTOA_ESTATE with what to do first when the campaign is in the wrong state. */
int control_pause(struct db *db, const char *name, const char *who,
    struct base_err *err) LANTOA_MUST_CHECK; /* running -> paused */
/* paused -> running; steps that missed their start begin now. */
int control_resume(
    struct db *db, const char *name, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
/* For good: what has not left is suppressed (stopped). Harmless for one that is done or stopped. */
int control_stop(
    struct db *db, const char *name, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
/* Every campaign that runs or is paused. */
int control_stop_all(
    struct db *db, const char *who, int64_t *stopped_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Every running campaign waits for a person, with this reason (a restored database). */
int control_hold_all(
    struct db *db, const char *reason, int64_t *held_out, struct base_err *err) LANTOA_MUST_CHECK;

/* A person knows what became of an uncertain message: MESSAGE_ACCEPTED, MESSAGE_DELIVERED or
 * MESSAGE_FAILED. LANTOA_ESTATE when it is not uncertain. */
int control_settle(struct db *db, int64_t message_id, enum message_state state, const char *who,
    const char *note, struct base_err *err) LANTOA_MUST_CHECK;
/* A new generation of a failed, uncertain or suppressed message, due at once; the old row stays as
 * it is. LANTOA_ESTATE for others, or when the campaign does not run. */
int control_resend(struct db *db, int64_t message_id, const char *who, int64_t *new_id_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
