/* Planning: the audience of a campaign is frozen into the ledger, one row per step and contact,
 * with the lot for the holdout drawn. */
#ifndef DELIVERY_PLAN_H
#define DELIVERY_PLAN_H

#include "delivery/airing.h"
#include "delivery/ledger.h"
#include "store/db.h"

struct plan_outcome {
    int64_t audience;                          /* contacts in the segment */
    int64_t holdout;                           /* of them kept out by lot */
    int64_t steps;                             /* occurrences */
    int64_t planned, suppressed;               /* rows to people; both together are audience times
                                                  the steps that write to people */
    struct airing_outcome airings;             /* of the steps that speak to places */
    char assignment_hash[BASE_HEX_SHA256_MAX]; /* SHA-256 chain over (contact id, arm), in contact
                                                  order */
};

struct plan_progress {
    void (*fn)(void *arg, int64_t contacts); /* may be NULL */
    void *arg;
};

/* Freezes. From draft, planned or approved (planning again drops the earlier plan and any
 * approval). Works in transactions of some thousand rows so that nobody waits long for the
 * database; if it is interrupted the campaign is still a draft, and planning again starts afresh.
 * LANTOA_ESTATE once it has started. LANTOA_EINVAL with the reason when the audience is empty. */
int campaign_plan(struct db *db, const char *name, const char *who,
    const struct plan_progress *progress, struct plan_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Back to draft: drops the rows. LANTOA_ESTATE once it has started. */
int campaign_unplan(
    struct db *db, const char *name, const char *who, struct base_err *err) LANTOA_MUST_CHECK;

/* The lot: bucket 0..9999 of a unit under a campaign's experiment key; first 8 bytes (big endian)
 * of HMAC-SHA-256 mod 10,000 (measurement decision 3). */
int plan_bucket(struct base_hmac *experiment, struct str unit);

#endif
