/* Accounts of contacts in networks (Zalo, Telegram): a custom attribute holds each, its name comes
 * from the plugin. Finds who has one, and gives one to who has none. */
#ifndef AUDIENCE_ACCOUNT_H
#define AUDIENCE_ACCOUNT_H

#include "store/db.h"

#define ACCOUNT_BYTES_MAX 120

/* Brings the way to find contacts by this attribute up to date: at once when nothing was imported
 * since, else a look at every contact. In the caller's transaction, before account_prepare's
 * statement is asked. */
int account_refresh(struct db *db, const char *name, struct base_err *err) LANTOA_MUST_CHECK;
/* A statement whose rows are the ids of the contacts with attribute ?1 equal to ?2, in order. */
int account_prepare(
    struct db *db, struct db_stmt **stmt_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Puts the account down for a contact that has none of this name, unless somebody else has it.
 * *linked_out: it was put down. In the caller's transaction. */
int account_link(struct db *db, int64_t contact_id, const char *name, struct str account,
    bool *linked_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
