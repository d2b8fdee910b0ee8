/* The ledger counted: by step, state and reason, and where asked for by place, by day and by
 * person. Steps that ended and did not change since come from the figures kept of them
 * (report/kept.h), the others from a walk over their rows. Only the newest generation of a message
 * counts, so that the sums are the audiences. Memory: an int64 for each (step, state, reason),
 * (group, place, state) and (day, state), 4 bytes a contact for its place, a bit a contact and
 * group for who was reached. */
#ifndef REPORT_TALLY_H
#define REPORT_TALLY_H

#include "base/mem.h"
#include "delivery/ledger.h"
#include "store/db.h"

#define TALLY_REASONS 64

/* What people and places are counted by. */
enum tally_by { TALLY_BY_CHANNEL, TALLY_BY_THEME, TALLY_BY_CAMPAIGN };
enum tally_what { TALLY_PLACES = 1, TALLY_DAYS = 2, TALLY_PEOPLE = 4 };

struct tally_step {
    int64_t id, campaign_id, theme_id, channel_id;
    const char *campaign, *theme, *channel, *name; /* of the tally */
    int64_t position, occurrence, state, campaign_state;
    int64_t times; /* its changes so far (ledger_change) */
    size_t group;  /* of the tally */
    int64_t counts[MESSAGE_STATE_COUNT][TALLY_REASONS];
    int64_t handed_out; /* rows that left at least once */
    int64_t clicked;    /* messages whose receiver followed a link */
};
struct tally_day {
    int64_t day; /* local, days since 1970 */
    int64_t counts[MESSAGE_STATE_COUNT];
    int64_t handed_out;
};
struct tally_place {
    int64_t id; /* 0: contacts without a place, and outlets */
    int64_t contacts;
    int64_t reached; /* people with a message accepted or delivered, over all groups */
    /* [group * MESSAGE_STATE_COUNT + state], and people reached by [group] */
    int64_t *counts, *reached_by;
};
struct tally {
    struct base_arena *arena;
    enum tally_by by;
    int what, offset_min;
    struct tally_step *steps;
    size_t step_count;
    const char **groups; /* names, in the order of their first step */
    int64_t *group_ids;
    size_t group_count;
    int64_t *group_reached; /* people, with TALLY_PEOPLE */
    int64_t reached;        /* people over all steps, with TALLY_PEOPLE */
    struct tally_day *days; /* in order */
    size_t day_count, day_room, day_at;
    struct tally_place *places; /* [0] is "no place" */
    size_t place_count;
    uint32_t *place_of; /* contact id -> index of the place */
    uint64_t **people;  /* bitmaps by group */
    int64_t contact_most;
    int64_t people_times, arrival_times; /* changes of contacts so far */
    bool people_known;                   /* place_of and the contacts of places are filled in */
};

/* Which steps: each 0 for all. Campaigns of the program itself count only when asked for by id. */
struct tally_filter {
    int64_t campaign_id, theme_id, channel_id;
};
/* Reads everything; the caller releases it, also after an error. */
int tally_run(struct db *db, const struct tally_filter *filter, enum tally_by by, int what,
    int offset_min, struct tally *tally_out, struct base_err *err) LANTOA_MUST_CHECK;
void tally_release(struct tally *tally);
int64_t tally_step_state(const struct tally_step *step, int state); /* over all reasons */
int64_t tally_step_sum(const struct tally_step *step);

#endif
