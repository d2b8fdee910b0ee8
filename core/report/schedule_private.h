/* What the files of schedules share. */
#ifndef REPORT_SCHEDULE_PRIVATE_H
#define REPORT_SCHEDULE_PRIVATE_H

#include "report/schedule.h"

struct schedule__row { /* texts are of the arena */
    struct base_arena *arena;
    int64_t id, channel_id, next_at;
    const char *name, *kind, *subject, *options, *form, *lang, *channel, *recipients, *rrule,
        *first_at, *timezone;
};
/* Makes the report of a row in its form and language; appends it. title_out: of row->arena. */
int schedule__make(struct db *db, const char *data_dir, const struct schedule__row *row,
    int64_t now_ms, struct base_buf *out, const char **title_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The first period after after_ms; INT64_MAX: there is none any more, and err says why the rule has
 * none (the call succeeds all the same). */
int schedule__next(const struct schedule__row *row, int64_t after_ms, int64_t *next_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Plans a message with the file for every recipient, in a campaign of its own. Inside the caller's
 * transaction. sha256: of the material that is already there. */
int schedule__plan(struct db *db, const struct schedule__row *row, int64_t period_ms,
    int64_t now_ms, const char *title, const char *sha256, struct base_err *err) LANTOA_MUST_CHECK;

#endif
