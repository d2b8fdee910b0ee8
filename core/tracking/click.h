/* Clicks and opens: added as they come, counted later. */
#ifndef TRACKING_CLICK_H
#define TRACKING_CLICK_H

#include "store/db.h"
#include "tracking/machine.h"

#define CLICK_OPEN (-1) /* the link number of "the message was opened" */

struct click {
    int64_t message_id;
    int link;
    int64_t at_ms;
    enum click_machine machine; /* as the request tells */
    int64_t agent_hash;
};

/* Adds clicks, in the caller's transactions; one per connection. */
struct click_writer;
int click_writer_new(
    struct db *db, struct click_writer **writer_out, struct base_err *err) LANTOA_MUST_CHECK;
void click_writer_free(struct click_writer **writer);
/* Also looks at when the message was handed out (CLICK_FAST). */
int click_add(
    struct click_writer *writer, const struct click *click, struct base_err *err) LANTOA_MUST_CHECK;

/* Counts what has come in up to two seconds before now_ms into click_first and click_count, at most
 * about `most` clicks, in a transaction of its own. *folded_out: clicks counted; 0: nothing left.
 * Two that fold at once take turns. */
int click_fold(struct db *db, int64_t now_ms, int64_t most, int64_t *folded_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Where a link leads: LANTOA_ENOENT when the step has no such link. Caller owns. */
int click_target(struct db *db, int64_t step_id, int number, char **url_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
