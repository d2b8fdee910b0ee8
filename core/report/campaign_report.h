/* The campaign report: the ledger counted by step, state, reason, place or day. Every form adds up
 * to the audience of each step. */
#ifndef REPORT_CAMPAIGN_REPORT_H
#define REPORT_CAMPAIGN_REPORT_H

#include "report/table.h"
#include "store/db.h"

/* by: "step" (a row per step with a column per state), "state", "reason", "place", "day", "link"
 * (clicks and opens, by people and by machines). NULL:
 * state. Only the newest generation of a message counts, so that the sum is the audience.
 * LANTOA_ENOENT unknown campaign, LANTOA_EINVAL unknown `by`. The caller releases the table. */
int report_campaign(struct db *db, const char *campaign, const char *by,
    struct report_table *table_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
