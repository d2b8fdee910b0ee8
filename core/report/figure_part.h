/* What the networks count of posts and messages, as a table of reports: views, reactions, shares.
 * What a network does not give is "n/a", which is not 0. */
#ifndef REPORT_FIGURE_PART_H
#define REPORT_FIGURE_PART_H

#include "report/kinds.h"

/* Adds the table under `key` ("main", "figures"). campaign, channel: names, NULL: any. A further
 * table is left out when there is nothing to tell. */
int figure_part_add(struct report *report, struct db *db, const char *key, const char *campaign,
    const char *channel, struct base_err *err) LANTOA_MUST_CHECK;

#endif
