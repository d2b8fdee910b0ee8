/* The ledger: one row per message, made when the audience of a step is frozen. This file names its
 * states and reasons, and builds and takes apart its ids and keys. Knows no channel and no campaign
 * file.
 *
 * Laws (each has a test, tests/scenario/test_laws.py):
 *  1 audience = sum over states, per step and per campaign; every suppressed row says why.
 *  2 `sending` is committed before the first byte leaves; the results of one turn are one
 * transaction. 3 after a crash, what never began is planned again, what began and has no known end
 * is uncertain; never resent blindly; at most `window` per channel. 4 the idempotency key of a row
 * never changes; "send again" by a person makes a new generation and is audited. 5 consent,
 * suppression, caps, quiet hours, holdout and conversion are checked at the last moment. 6 a
 * restored database, and a start missed by more than 2 h, wait for a person. 7 at most 150 bytes a
 * row with its indexes; pause and stop within 2 s; memory does not grow with the audience. */
#ifndef DELIVERY_LEDGER_H
#define DELIVERY_LEDGER_H

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include <lantoa/message.h>
#include <stdbool.h>
#include <stdint.h>

struct db;

/* X(NAME, number in the database, word) */
#define MESSAGE_STATES(X)                                                                          \
    X(MESSAGE_PLANNED, 0, "planned")                                                               \
    X(MESSAGE_HELD, 1, "held")                                                                     \
    X(MESSAGE_SUPPRESSED, 2, "suppressed")                                                         \
    X(MESSAGE_SENDING, 3, "sending")                                                               \
    X(MESSAGE_ACCEPTED, 4, "accepted")                                                             \
    X(MESSAGE_DELIVERED, 5, "delivered")                                                           \
    X(MESSAGE_FAILED, 6, "failed")                                                                 \
    X(MESSAGE_UNCERTAIN, 7, "uncertain")

/* Reasons below 20 are lantoa_reason: why a message failed, or why its last try did. */
#define MESSAGE_REASONS(X)                                                                         \
    X(SUPPRESSED_NO_ADDRESS, 20, "no_address")                                                     \
    X(SUPPRESSED_INVALID, 21, "invalid")                                                           \
    X(SUPPRESSED_NO_CONSENT, 22, "no_consent")                                                     \
    X(SUPPRESSED_OPTED_OUT, 23, "opted_out")                                                       \
    X(SUPPRESSED_DO_NOT_CALL, 24, "do_not_call")                                                   \
    X(SUPPRESSED_HOLDOUT, 25, "holdout")                                                           \
    X(SUPPRESSED_DUPLICATE, 26, "duplicate")                                                       \
    X(SUPPRESSED_CAPPED, 27, "capped")                                                             \
    X(SUPPRESSED_CONVERTED, 28, "converted")                                                       \
    X(SUPPRESSED_EXPIRED, 29, "expired")                                                           \
    X(SUPPRESSED_TEMPLATE_ERROR, 30, "template_error")                                             \
    X(SUPPRESSED_OVER_BUDGET, 31, "over_budget")                                                   \
    X(SUPPRESSED_STOPPED, 32, "stopped")                                                           \
    X(SUPPRESSED_CONDITION, 33,                                                                    \
        "condition") /* only_if did not hold, or the step before did not reach them */             \
    X(SUPPRESSED_ERASED, 34, "erased")       /* the contact was deleted after planning */          \
    X(SUPPRESSED_DECLINED, 35, "declined")   /* by the commune */                                  \
    X(SUPPRESSED_OFF_HOURS, 36, "off_hours") /* the outlet may not speak then any more */          \
    X(SUPPRESSED_DIED, 37, "died")           /* by the registry: nothing more, of any class */     \
    X(SUPPRESSED_WITHDRAWN, 38, "withdrawn") /* an airing: made room, or its outlet changed */     \
    X(HELD_QUIET_HOURS, 40, "quiet_hours")                                                         \
    X(HELD_CAP, 41, "cap")                                                                         \
    X(HELD_BUDGET, 45, "budget") /* the budget is at the operators, who may refuse some */         \
    X(HELD_EARLIER_STEP, 42, "earlier_step")     /* waits for the step before, plus the delay */   \
    X(HELD_DNC_LIST, 43, "do_not_call_list_old") /* the list is older than the rule allows */      \
    X(HELD_RULE, 44, "rule")                /* the rules in force allow nothing of this step */    \
    X(HELD_PAYMENT_DUE, 46, "payment_due")  /* waits for the days before the person's due date */  \
    X(HELD_WAVE, 48, "wave")                /* its place comes in a later wave of the lot */       \
    X(HELD_COMMUNE, 47, "awaits_commune")   /* an airing the commune has not decided on */         \
    X(UNCERTAIN_HOST_DIED, 50, "host_died") /* began, and nobody saw the end */                    \
    X(FAILED_BY_PERSON, 51, "settled_by_person")

#define LEDGER__ENUM(name, value, word) name = (value),
enum message_state { MESSAGE_STATES(LEDGER__ENUM) };
enum message_reason { MESSAGE_REASONS(LEDGER__ENUM) };
#undef LEDGER__ENUM
#define MESSAGE_STATE_COUNT 8

const char *message_state_word(int state);   /* "accepted"; "?" for numbers unknown */
const char *message_reason_word(int reason); /* "" for 0 */
bool message_state_from_word(struct str word, enum message_state *state_out);
bool message_reason_from_word(struct str word, int *reason_out);
/* Texts for staff, translated. */
const char *message_state_label(int state);
const char *message_reason_label(int reason);

/* id = step << 43 | outlet << 42 | recipient << 4 | generation. With the outlet bit the recipient
 * is an airing, or 0: the page that the channel speaks on. */
#define LEDGER_STEP_SHIFT 43
#define LEDGER_RECIPIENT_SHIFT 4
#define LEDGER_RECIPIENT_MAX ((INT64_C(1) << 38) - 1)
#define LEDGER_STEP_MAX ((INT64_C(1) << 20) - 1)
#define LEDGER_GENERATION_MAX 15
/* Recipients from here on are no contacts: an answer to an address nobody has, whose text (table
 * message_text) says where it goes. */
#define LEDGER_STRANGER_FIRST (INT64_C(1) << 37)
/* The recipient inside SQL: LEDGER_RECIPIENT_SQL("m.id"). */
#define LEDGER_RECIPIENT_SQL(id) "((" id " >> 4) & 274877906943)"

static inline int64_t ledger_id(int64_t step, int64_t contact, int generation) {
    return step << LEDGER_STEP_SHIFT | contact << LEDGER_RECIPIENT_SHIFT | generation;
}
/* The row of an airing. */
#define LEDGER_OUTLET_BIT (INT64_C(1) << 42)
static inline int64_t ledger_outlet_id(int64_t step, int64_t airing, int generation) {
    return ledger_id(step, airing, generation) | LEDGER_OUTLET_BIT;
}
static inline bool ledger_is_outlet(int64_t id) {
    return (id & LEDGER_OUTLET_BIT) != 0;
}
/* The row of a step on a page: outlet bit, and recipient 0, which no airing has. */
static inline int64_t ledger_page_id(int64_t step, int generation) {
    return ledger_outlet_id(step, 0, generation);
}
static inline bool ledger_is_page(int64_t id) {
    return (id & LEDGER_OUTLET_BIT) != 0 && (id >> 4 & ((INT64_C(1) << 38) - 1)) == 0;
}
/* The contact inside SQL: NULL for an airing or a page. LEDGER_CONTACT_SQL("m.id"),
 * LEDGER_AIRING_SQL. */
#define LEDGER_CONTACT_SQL(id)                                                                     \
    "(CASE WHEN (" id " >> 42) & 1 = 0 THEN (" id " >> 4) & 274877906943 END)"
#define LEDGER_AIRING_SQL(id)                                                                      \
    "(CASE WHEN (" id " >> 42) & 1 = 1 THEN (" id " >> 4) & 274877906943 END)"
static inline int64_t ledger_step(int64_t id) {
    return id >> LEDGER_STEP_SHIFT;
}
static inline int64_t ledger_recipient(int64_t id) {
    return id >> LEDGER_RECIPIENT_SHIFT & LEDGER_RECIPIENT_MAX;
}
static inline int ledger_generation(int64_t id) {
    return (int)(id & LEDGER_GENERATION_MAX);
}
/* Rows of a step: first <= id <= last. */
static inline int64_t ledger_first(int64_t step) {
    return step << LEDGER_STEP_SHIFT;
}
static inline int64_t ledger_last(int64_t step) {
    return ((step + 1) << LEDGER_STEP_SHIFT) - 1;
}

/* The idempotency key: the 63 bits of the id and 37 bits of HMAC-SHA-256(instance key, id), as 20
 * characters [a-z2-7] (RFC 4648 base32, lower case). Carries its own proof, so that a receipt or a
 * click finds its row without an index and nobody can guess another's. */
#define LEDGER_KEY_BYTES 20
void ledger_key(struct base_hmac *instance, int64_t id, char out[static LEDGER_KEY_BYTES + 1]);
/* The instance's key, made with the data folder (meta instance_key). Caller frees it. */
int ledger_instance(
    struct db *db, struct base_hmac **instance_out, struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_EINVAL when it is no key of this instance. */
int ledger_key_read(struct base_hmac *instance, struct str key, int64_t *id_out) LANTOA_MUST_CHECK;
/* The id of a key that is known to be ours: nothing is proved. LANTOA_EINVAL when it is no key. */
int ledger_key_id(struct str key, int64_t *id_out) LANTOA_MUST_CHECK;

#endif
