/* Consents (append-only) and suppressions (addresses nobody may send to). */
#ifndef AUDIENCE_CONSENT_H
#define AUDIENCE_CONSENT_H

#include "audience/csv.h"
#include "store/db.h"

struct consent_entry {
    int64_t contact_id;
    const char *channel; /* kind, or "*" */
    const char *purpose; /* message class, or "*" */
    bool given;
    int64_t at_ms;
    const char *source, *evidence, *text_hash; /* the last two may be NULL */
};
int consent_add(
    struct db *db, const struct consent_entry *entry, struct base_err *err) LANTOA_MUST_CHECK;

enum consent_answer { CONSENT_NONE, CONSENT_GIVEN, CONSENT_WITHDRAWN };
/* The newest row that covers (channel kind, purpose). A prepared checker for the hot path: one per
 * thread. */
struct consent_checker;
int consent_checker_new(struct db *db, const char *channel_kind, const char *purpose,
    struct consent_checker **checker_out, struct base_err *err) LANTOA_MUST_CHECK;
int consent_check(struct consent_checker *checker, int64_t contact_id,
    enum consent_answer *answer_out, struct base_err *err) LANTOA_MUST_CHECK;
void consent_checker_free(struct consent_checker **checker);
/* CSV: email or phone or ref or person_id, channel, purpose, action (given/withdrawn), at, source,
 * evidence. Unknown people are rejected rows. */
int consent_import(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

/* kind: "email" or "phone"; the address is normalised here. reason: opted_out, do_not_call,
 * invalid; an address may stand there for several reasons, each with the day it was first said. */
int suppression_add(struct db *db, const char *kind, struct str address, const char *reason,
    int64_t at_ms, const char *source, struct base_err *err) LANTOA_MUST_CHECK;
/* Takes the address out, whatever the reasons. LANTOA_ENOENT: it is not there. */
int suppression_remove(
    struct db *db, const char *kind, struct str address, struct base_err *err) LANTOA_MUST_CHECK;
/* CSV: address (or email, phone), reason (default opted_out). */
int suppression_import(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The do-not-call list as of a day (days since 1970): every address of the file is do_not_call, and
 * the day is kept in meta SUPPRESSION_LIST_META for rules with an age limit. A list of a later day
 * takes the place of the one before: who is no longer in it leaves (outcome: dropped); files of the
 * same day are parts of one list. What was said by hand or by another import stays. LANTOA_EINVAL:
 * the day is to come, is older than the list in force, or the file has no address. LANTOA_ESTATE:
 * so many would leave that the file is probably a wrong one or a part (over a tenth of the list,
 * and over SUPPRESSION_LOSS_FREE), and nobody said that it is meant; nothing is changed then. A dry
 * run keeps nothing. */
#define SUPPRESSION_LIST_META "do_not_call_dated" /* YYYY-MM-DD */
#define SUPPRESSION_LIST_SOURCE "do-not-call"     /* source of its rows */
#define SUPPRESSION_LOSS_FREE 10
enum suppression_loss { SUPPRESSION_LOSS_REFUSED, SUPPRESSION_LOSS_MEANT };
int suppression_import_list(struct db *db, const struct audience_import *import, int64_t dated_day,
    enum suppression_loss loss, struct audience_import_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* What is known of one contact's consents, newest first. */
struct consent_row {
    int64_t id, contact_id;
    struct str channel, purpose, source, evidence, text_hash; /* BORROWED for the call */
    bool given;
    int64_t at_ms;
};
/* contact_id 0: of everybody, at most `most`. row returns 0 to go on; another value ends the list
 * and is returned. */
int consent_each(struct db *db, int64_t contact_id, int64_t most,
    int (*row)(void *arg, const struct consent_row *consent), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

struct suppression_row {
    struct str kind, address, reason, source; /* BORROWED for the call */
    int64_t at_ms;
};

/* Newest first, at most `most`; kind NULL: all. row returns 0 to go on; another value ends the list
 * and is returned. */
int suppression_each(struct db *db, const char *kind, int64_t most,
    int (*row)(void *arg, const struct suppression_row *suppression), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
