/* Contacts in the database, as the import needs them: find the same person, insert, update. Private
 * to core/audience. */
#ifndef AUDIENCE_CONTACT_STORE_H
#define AUDIENCE_CONTACT_STORE_H

#include "audience/contact_draft.h"
#include "store/db.h"

enum audience__put { PUT_ADDED, PUT_UPDATED, PUT_UNCHANGED, PUT_REFUSED };

struct audience__store {
    struct db *db;
    int64_t batch_id; /* 0: dry run, keeps no record for undo */
    int64_t now_ms;
    char today[11];
    struct db_stmt *find[CONTACT_KEYS], *read, *insert, *insert_id, *update, *before,
        *consent_newest, *consent_add;
    struct base_buf attrs, json;
};

/* table: "contact", or the dry run's copy of it. */
int audience__store_init(struct audience__store *store, struct db *db, const char *table,
    int64_t batch_id, int64_t now_ms, int64_t today_days, struct base_err *err) LANTOA_MUST_CHECK;
void audience__store_release(struct audience__store *store);
/* Adds or updates. maybe_known: bit per key whose value may stand in the table already; the others
 * are not looked up. *refusal_out: why, when PUT_REFUSED (static, translated). place_id 0: not
 * given. */
int audience__store_put(struct audience__store *store, const struct audience__draft *draft,
    int64_t place_id, unsigned maybe_known, enum audience__put *put_out, const char **refusal_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
