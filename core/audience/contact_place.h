/* Which place a contact row means, by code or name on the day of the import; remembers answers, for
 * the same few hundred places come again and again. Private to core/audience. */
#ifndef AUDIENCE_CONTACT_PLACE_H
#define AUDIENCE_CONTACT_PLACE_H

#include "audience/contact_draft.h"
#include "store/db.h"

struct audience__placer;
struct audience__placer *audience__placer_new(struct db *db, int64_t today_days);
void audience__placer_free(struct audience__placer **placer);
/* *id_out 0 and *fault_out set: the place is not known or not one alone (text BORROWED until the
 * next call). Negative: the database failed. */
int audience__placer_find(struct audience__placer *placer, struct str code, struct str name,
    int64_t *id_out, const char **fault_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
