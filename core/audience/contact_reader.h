/* The reading half of a contact import: a thread that parses, checks and normalises rows while the
 * caller's thread writes the ones before. Private to core/audience. */
#ifndef AUDIENCE_CONTACT_READER_H
#define AUDIENCE_CONTACT_READER_H

#include "audience/contact_draft.h"
#include "audience/contact_filter.h"

enum {
    AUDIENCE__BATCH_ROWS = 512,
    AUDIENCE__BATCHES = 6 /* that wait between the threads, at most */
};

struct audience__batch {
    struct base_arena *arena;
    struct audience__draft drafts[AUDIENCE__BATCH_ROWS];
    size_t count;
    int64_t position; /* bytes of the file read */
    int result; /* 1: more to come; 0: the last batch; negative: reading failed behind these rows,
                   err says why */
    struct base_err err;
};

struct audience__reader;

/* From start to stop, csv and columns belong to the thread. filter NULL: every key may be known. */
int audience__reader_start(struct audience_csv *csv, const struct audience__columns *columns,
    int64_t today_days, struct audience__filter *filter, struct audience__reader **reader_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The next batch, in the order of the file; wait for it. BORROWED until the next call. Not to be
 * called again after a result below 1. */
struct audience__batch *audience__reader_next(struct audience__reader *reader);
void audience__reader_stop(struct audience__reader **reader);

#endif
