/* Saying yes to a campaign. Each yes is a row of the table approval and binds to a hash over what
 * was approved: the frozen audience, the content of all steps with the theme, the times and
 * channels with everything in them that changes what people receive or what it costs, the rules of
 * sending, and the figures. When any of that changes, or a yes lapses, the campaign is planned
 * again, says why, and does not start. Each act is one short transaction, audited.
 *
 * The money may shrink (people refuse or move every day); a cost above the approved one is a
 * change.
 */
#ifndef DELIVERY_APPROVAL_H
#define DELIVERY_APPROVAL_H

#include "base/hash.h"
#include "campaign/store.h"
#include "delivery/approval_rules.h"

/* What was said yes to. */
struct approval_figures {
    int64_t people;                 /* of the frozen audience */
    int64_t messages, units, minor; /* as the cost before approval, delivery/cost.h */
    int64_t budget_minor;           /* -1: none */
    char currency[8];
};

struct approval_outcome {
    enum campaign_state state; /* PLANNED while somebody's yes is missing */
    struct approval_need need;
    int given; /* people whose yes stands, this one included */
    struct approval_figures figures;
    char hash[BASE_HEX_SHA256_MAX];
    int64_t until_ms; /* when this yes lapses; 0: never */
};

/* One person's yes to a planned campaign. reason may be NULL. LANTOA_ESTATE when the campaign is
 * not planned, when it changed while it was being counted, when who wrote it or has said yes
 * before; LANTOA_EINVAL when a reason or a price is missing; LANTOA_ELIMIT when the rules refuse
 * what is above its budget. */
int approval_give(struct db *db, const char *data_dir, const char *name, const char *who,
    const char *reason, struct approval_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* approved -> running, when all that is asked for still stands; the cost is counted once more when
 * there is any. Else LANTOA_ESTATE, and the campaign is planned again. */
int approval_start(struct db *db, const char *data_dir, const char *name, const char *who,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Looks at every campaign that is approved or waits for more approvals, and takes back what no
 * longer stands; without counting the cost. To be called after a change of channels, themes or
 * rules. told may be NULL. */
int approval_sweep(struct db *db, void (*told)(void *arg, const char *campaign, const char *why),
    void *arg, struct base_err *err) LANTOA_MUST_CHECK;

/* --- looking --- */

struct approval_row { /* texts BORROWED for the call back */
    int64_t at_ms, messages, units, minor, until_ms, void_at_ms; /* 0: none */
    struct str who, hash, currency, reason, void_reason;
};
/* Oldest first. */
int approval_each(struct db *db, int64_t campaign_id,
    int (*row)(void *arg, const struct approval_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
/* What is asked for and how many have said yes. needs a planned campaign or a later one. */
int approval_status(struct db *db, int64_t campaign_id, struct approval_need *need_out,
    int *given_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Those who wrote it, one name per line. */
int approval_authors(struct db *db, int64_t campaign_id, struct base_buf *names,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- approval_basis.c --- */

/* What an approval binds to, part by part: 32 digits each, joined by '-', in this order. */
enum approval__part { BASIS_AUDIENCE, BASIS_CONTENT, BASIS_CHANNELS, BASIS_RULES, BASIS_PARTS };
#define APPROVAL__BASIS_MAX (BASIS_PARTS * 33)
int approval__basis(struct db *db, const struct campaign_row *row, char out[APPROVAL__BASIS_MAX],
    struct base_err *err) LANTOA_MUST_CHECK;
/* The first part in which two differ, in words; NULL when they are equal. */
const char *approval__difference(const char *old, const char *new);

#endif
