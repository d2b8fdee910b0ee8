/* Rehearsal: the whole campaign on a clock that jumps from event to event, with nothing sent. The
 * same planner, policy, templates and dispatcher work on a scratch copy of the database; only the
 * channels are stand-ins that accept everything at once. */
#ifndef DELIVERY_REHEARSAL_H
#define DELIVERY_REHEARSAL_H

#include "delivery/ledger.h"
#include "store/db.h"

struct rehearsal_count { /* rows of one step in one state for one reason; first and last hand-out
                            for those that would leave (0 for others) */
    char step[120];
    int occurrence, state, reason;
    int64_t messages, first_ms, last_ms;
    bool airings; /* of outlets, not of people */
};
struct rehearsal_wave { /* what would leave in one hour (program time, UTC) */
    char step[120];
    int occurrence;
    int64_t hour_ms, messages;
    int64_t minutes; /* from the first to the last of them, begun ones counted */
};
struct rehearsal_first { /* a step's first wave: what goes alone before the rest follows */
    char step[120];
    int occurrence;
    int64_t messages;
};
struct rehearsal {
    int64_t audience, start_ms,
        end_ms;     /* from the first to the last hand-out; 0 when nothing leaves */
    int offset_min; /* of the campaign's zone at start_ms, for printing */
    int64_t cost_minor;
    char *note; /* why not everything ends by itself (a missed start, ...), or NULL */
    struct rehearsal_count *counts;
    size_t count_count;
    struct rehearsal_wave *waves;
    size_t wave_count;
    int64_t airings, clashes; /* booked on outlets; of them over what others have */
    int64_t refused;          /* airings that were asked for and have no place */
    struct rehearsal_first *firsts;
    size_t first_count;
};

/* data_dir holds the scratch copy while it runs (as large as the database). from_ms: when the
 * rehearsed campaign is started; 0: now. Changes the process's clock. */
int rehearsal_run(struct db *db, const char *data_dir, const char *campaign, int64_t from_ms,
    struct rehearsal *rehearsal_out, struct base_err *err) LANTOA_MUST_CHECK;
void rehearsal_release(struct rehearsal *rehearsal);

#endif
