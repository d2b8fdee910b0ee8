/* Reports that go out by themselves: kept in the database, made outside the delivery turn, sent as
 * messages of the ledger in system campaigns (lantoa-system-report-ID-PERIOD), one a period. A
 * period is made once, whatever restarts: its campaign and the step to the next period are one
 * transaction. Of periods that were missed only the newest is made. */
#ifndef REPORT_SCHEDULE_H
#define REPORT_SCHEDULE_H

#include "report/kinds.h"

#define REPORT_RECIPIENTS_MAX 50
#define REPORT_SCHEDULES_MAX 200

struct report_schedule {
    const char *name;           /* small letters a-z, digits, '-'; at most 40 */
    const char *kind, *subject; /* subject NULL: none */
    const struct report_option *options;
    size_t option_count;
    const char *form;              /* pdf, xlsx, html, csv, json, text */
    const char *lang;              /* vi, en */
    const char *channel;           /* one that takes attachments */
    const char *const *recipients; /* email addresses of contacts */
    size_t recipient_count;
    const char *rrule;    /* at most one period an hour */
    const char *first;    /* local "2026-12-01T08:00"; the first period at or after now_ms counts */
    const char *timezone; /* NULL: Asia/Ho_Chi_Minh */
};
/* The report is made once to see that it can be. LANTOA_EINVAL, LANTOA_ENOENT (kind, channel, an
 * address that no contact has), LANTOA_EEXIST. In a transaction of its own, audited. */
int report_schedule_add(struct db *db, const char *data_dir, const struct report_schedule *schedule,
    const char *who, int64_t now_ms, int64_t *next_at_out, struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ENOENT. What was made stays. */
int report_schedule_remove(struct db *db, const char *name, const char *who, int64_t now_ms,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Fills a table of all; the caller has initialised it with these columns. */
#define REPORT_SCHEDULE_COLUMNS                                                                    \
    {"name", "name", REPORT_TEXT}, {"kind", "kind", REPORT_TEXT}, {"of", "of", REPORT_TEXT},       \
        {"form", "form", REPORT_TEXT}, {"rrule", "rule", REPORT_TEXT},                             \
        {"recipients", "recipients", REPORT_COUNT}, {"next_at", "next", REPORT_TIME},              \
        {"last_at", "last", REPORT_TIME}, {                                                        \
        "fault", "fault", REPORT_TEXT                                                              \
    }
int report_schedule_list(
    struct db *db, struct report_table *table, struct base_err *err) LANTOA_MUST_CHECK;

/* Makes and plans every report that is due; a report that cannot be made is noted in its row and
 * tried again after ten minutes. *made_out: how many went into the ledger. An error is one of the
 * database. */
int report_schedule_run(struct db *db, const char *data_dir, int64_t now_ms, int64_t *made_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Moves every schedule that is due to its first period after now, without a report: for a restored
 * database, which does not know what went out since. Logged. */
int report_schedule_pass_by(
    struct db *db, int64_t now_ms, int64_t *passed_out, struct base_err *err) LANTOA_MUST_CHECK;

/* The thread of the daemon that makes them, with a connection of its own. */
struct report_runner;
int report_runner_start(const char *data_dir, struct report_runner **runner_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void report_runner_stop(struct report_runner **runner); /* waits for the report at hand */

#endif
