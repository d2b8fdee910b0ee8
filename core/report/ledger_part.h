/* What the reports of the ledger share: stages from the audience to the click, the charts of it,
 * the columns of people and messages. */
#ifndef REPORT_LEDGER_PART_H
#define REPORT_LEDGER_PART_H

#include "report/document.h"
#include "report/tally.h"

/* audience, not suppressed, handed out, accepted (with delivered), delivered, clicked */
#define LEDGER_PART_STAGES 6
void ledger_part_stages(const struct tally *tally, int64_t stages_out[static LEDGER_PART_STAGES]);
const char *ledger_part_stage_word(size_t stage); /* English; static */

/* The funnel, and what was handed out by day, summed up; the tally needs TALLY_DAYS. */
void ledger_part_charts(struct report *report, const struct tally *tally);

/* "From 01/12/2026 to 31/12/2026": days since 1970. */
void ledger_part_period(struct report *report, int64_t from_days, int64_t to_days);

/* Index of a place in the tally; 0: unknown. */
size_t ledger_part_place(const struct tally *tally, int64_t place_id);

/* Columns of messages and people, and the numbers of enrolment, which are three and never mixed. */
#define LEDGER_PART_COLUMNS                                                                        \
    {"messages", "messages", REPORT_COUNT | REPORT_SUM},                                           \
        {"suppressed", "suppressed", REPORT_COUNT | REPORT_SUM},                                   \
        {"waiting", "waiting", REPORT_COUNT | REPORT_SUM},                                         \
        {"sending", "sending", REPORT_COUNT | REPORT_SUM},                                         \
        {"accepted", "accepted", REPORT_COUNT | REPORT_SUM},                                       \
        {"delivered", "delivered", REPORT_COUNT | REPORT_SUM},                                     \
        {"failed", "failed", REPORT_COUNT | REPORT_SUM}, {                                         \
        "uncertain", "uncertain", REPORT_COUNT | REPORT_SUM                                        \
    }
#define LEDGER_PART_COLUMN_COUNT 8
void ledger_part_put(struct report_table *table, const int64_t states[static MESSAGE_STATE_COUNT]);

#endif
