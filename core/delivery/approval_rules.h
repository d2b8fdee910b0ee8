/* How many people must say yes to a campaign, as dated data (config/rules/approval.json, put in
 * force by `lantoa rules apply`, kept under the meta key "approvals").
 *
 * { "refuse_over_budget": true,
 *   "approvals": [ { "from": "2026-11-23", "until": "2027-12-31", "class": "*", "channel": "sms",
 *     "audience_above": 1000, "approvers": 2, "author": false, "reason": false,
 *     "valid_for": "P14D", "source": "..." }, ... ] }
 * class is a word of the campaign file, channel a kind of channel; "*" or absent: any. until is the
 * first day the row no longer holds. All rows that fit hold together: the most approvers; no author
 * among them, a reason, as soon as one row asks for it; the shortest time.
 *
 * Without such a file one yes is enough, for emergencies two of others than the authors, with a
 * reason. */
#ifndef DELIVERY_APPROVAL_RULES_H
#define DELIVERY_APPROVAL_RULES_H

#include "base/json.h"
#include "store/db.h"

struct approval_rules;

/* What is asked for one campaign. */
struct approval_need {
    int approvers;           /* different people; at least 1 */
    bool author_may;         /* one of them may have written the campaign */
    bool reason;             /* each says why */
    int64_t valid_ms;        /* a yes lapses after that long; 0: never */
    bool refuse_over_budget; /* no yes to a campaign that costs more than its budget */
    bool built_in;           /* no file has been put in force */
};

extern const char approval_rules_default_json[];

/* Whether a rules file is one of these: it has "approvals". */
bool approval_rules_are(const struct base_json *doc);
/* Errors name file, line and field; two rows that say different things on the same day for the same
 * class, channel and size are one. */
int approval_rules_parse(const struct base_json *doc, struct approval_rules **rules_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void approval_rules_free(struct approval_rules **rules);
/* Those in force; the built-in ones when the database has none. */
int approval_rules_load(
    struct db *db, struct approval_rules **rules_out, struct base_err *err) LANTOA_MUST_CHECK;
int approval_rules_apply(
    struct db *db, const char *path, const char *who, struct base_err *err) LANTOA_MUST_CHECK;

/* Begins with what every campaign needs; each kind of channel then adds its own. day: since 1970.
 */
void approval_need_init(const struct approval_rules *rules, struct approval_need *need_out);
void approval_need_add(const struct approval_rules *rules, const char *message_class,
    const char *channel_kind, int64_t people, int64_t day, struct approval_need *need);

#endif
