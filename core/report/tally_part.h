/* One step counted: by state and reason, place, day and person. Only tally.c, tally_part.c,
 * tally_walk.c and kept.c include this. */
#ifndef REPORT_TALLY_PART_H
#define REPORT_TALLY_PART_H

#include "base/buf.h"
#include "report/tally.h"

struct tally_part {
    int what; /* TALLY_PLACES, ...: what was counted besides state and reason */
    int64_t counts[MESSAGE_STATE_COUNT][TALLY_REASONS];
    int64_t handed_out;
    int64_t *places; /* [place of the tally * MESSAGE_STATE_COUNT + state] */
    struct tally_day *days;
    size_t day_count, day_room, day_at;
    uint64_t *people; /* reached; a bit a contact, contact_most / 64 + 1 words */
};

void tally__part_init(struct tally_part *part, const struct tally *tally);
void tally__part_clear(struct tally_part *part, const struct tally *tally, int what);
void tally__part_release(struct tally_part *part);

/* Walks over the rows of the step; for places the tally knows where the contacts live. */
int tally__part_walk(const struct tally *tally, struct db *db, int64_t step_id,
    struct tally_part *part, struct base_err *err) LANTOA_MUST_CHECK;
void tally__part_add(
    struct tally *tally, struct tally_step *step, const struct tally_part *part, int what);

/* --- tally_walk.c --- */

/* Fills in where the contacts live and how many live where; place_of has its room. */
int tally__people_walk(struct tally *tally, struct db *db, struct base_err *err) LANTOA_MUST_CHECK;

struct kept;
struct tally__todo { /* a step to be walked over */
    size_t step;     /* of the tally */
    int what;        /* TALLY_PLACES, ...: to be counted */
    bool lasting;    /* and kept */
};
/* Walks over these steps, adds them to the tally and notes what lasts. For places the tally knows
 * where the contacts live. */
int tally__walk_steps(struct tally *tally, struct kept *kept, const struct tally__todo *todo,
    size_t count, struct base_err *err) LANTOA_MUST_CHECK;

/* --- tally_part.c --- */

/* As bytes: the same part gives the same bytes. Numbers are little-endian in groups of 7 bits
 * (LEB128); people are a bitmap, or the distances between their ids where that is shorter. */
void tally__part_write(const struct tally *tally, const struct tally_part *part,
    struct base_buf *figures, struct base_buf *people, struct base_buf *days);
/* Into a cleared part, as far as part->what asks. False: damaged, or a place that is no more. */
bool tally__part_read(const struct tally *tally, struct tally_part *part, struct str figures,
    struct str people, struct str days);

/* Where the contacts live, as bytes and back. */
void tally__people_write(const struct tally *tally, struct base_buf *out);
bool tally__people_read(struct tally *tally, struct str bytes);

/* --- tally.c --- */

size_t tally__place(const struct tally *tally, int64_t place_id); /* 0: unknown */
/* Reads steps, places and the counters of changes; counts nothing yet. */
int tally__ready(struct tally *tally, struct db *db, const struct tally_filter *filter,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
