/* May this person get this message, now? One answer for planning, for the last moment before
 * sending, and for rehearsal. */
#ifndef DELIVERY_POLICY_H
#define DELIVERY_POLICY_H

#include "audience/account.h"
#include "delivery/step.h"

/* What a SELECT over contact c must bring along for a decision, after CONTACT_COLUMNS: the
 * suppression of either address and the newest consent for the channel kind and message class.
 * email, phone: SQL, the words 'email' and 'phone', or NULL where that one is not asked for; kind,
 * class: placeholders. Of several suppressions of one address do_not_call, which holds for some
 * classes only, comes last; the words stand in that order. */
#define POLICY_COLUMNS(email, phone, kind, class)                                                  \
    "(SELECT x.reason FROM suppression x WHERE x.kind = " email                                    \
    " AND x.address = lower(c.email) ORDER BY x.reason DESC LIMIT 1), "                            \
    "(SELECT x.reason FROM suppression x WHERE x.kind = " phone                                    \
    " AND x.address = c.phone ORDER BY x.reason DESC LIMIT 1), "                                   \
    "(SELECT k.action FROM consent k WHERE k.contact_id = c.id AND k.channel IN (" kind ", '*') "  \
    "AND k.purpose IN (" class ", '*') ORDER BY k.at DESC, k.id DESC LIMIT 1)"
#define POLICY_COLUMN_COUNT 3

struct policy_person {
    struct contact contact;
    struct str email_suppression, phone_suppression; /* reason words or empty */
    int consent;                                     /* 1 given, 0 withdrawn, -1 nothing known */
    struct str address;                              /* set by policy_address: where it would go */
    char account[ACCOUNT_BYTES_MAX + 1]; /* in a network, when the channel writes to such */
};

void policy_read(struct db_stmt *stmt, int first,
    struct policy_person *person_out); /* from CONTACT_COLUMNS, POLICY_COLUMNS */

/* Picks the address for the channel and checks everything about the person that does not depend on
 * the time: 0, or a SUPPRESSED_* reason. */
int policy_check(const struct delivery_step *step, struct policy_person *person);

/* Caps over all campaigns: other steps whose messages count, gathered once per turn. */
struct policy_caps;
int policy_caps_new(
    struct db *db, struct policy_caps **caps_out, struct base_err *err) LANTOA_MUST_CHECK;
void policy_caps_free(struct policy_caps **caps);
/* Which steps count for this one at this time. To be called at the start of each batch. */
int policy_caps_prepare(struct policy_caps *caps, const struct delivery_step *step, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;
/* 0: not capped; else the time from which the cap lets one more through. */
int policy_caps_check(struct policy_caps *caps, const struct delivery_step *step,
    int64_t contact_id, int64_t now_ms, int64_t *free_at_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Next moment at or after now_ms when rule and campaign allow sending in this step; now_ms when
 * now. */
int64_t policy_open_at(const struct delivery_step *step, int64_t now_ms);
/* Why nothing of this step may leave at all now, whoever it is for: a HELD_* reason, or 0. */
int policy_gate(const struct delivery_step *step, const struct rules *rules, int64_t now_ms);
/* Whether a step that steps in for another does so after this reason. */
bool policy_fallback_fits(const struct campaign_when *when, int reason);
/* Last moment a message due at due_ms may be handed out. */
int64_t policy_expires_at(const struct delivery_step *step, int64_t due_ms);

#endif
