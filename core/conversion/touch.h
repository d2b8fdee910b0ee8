/* What reached a person before an enrolment: messages taken or delivered, links followed, interest
 * shown in an answer, visits, airings played where the person lives today. Read from the ledger by
 * arithmetic: a person's row in a step has a known id, so the walk jumps from one wanted person to
 * the next and reads nothing else. */
#ifndef CONVERSION_TOUCH_H
#define CONVERSION_TOUCH_H

#include "base/mem.h"
#include "conversion/touch_rules.h"

/* Where touches come from: a step of a campaign, or a channel kind that no step stands for. */
struct touch_source {
    int64_t step_id, campaign_id, theme_id, channel_id; /* 0: none */
    const char *campaign, *theme, *channel, *step;      /* "": none */
    const char *kind;                                   /* of the channel */
    int64_t occurrence;
    int64_t first_ms, last_ms; /* of its touches; first_ms 0: it has none */
};

struct touch {
    uint32_t source;
    uint32_t kind; /* enum touch_kind */
    int64_t at_ms;
};

/* Somebody, and until when touches count: the end of the day of the enrolment. */
struct touch_person {
    int64_t contact_id;
    int64_t until_ms;
};

struct touch_set {
    struct base_arena *arena;
    struct touch_source *sources; /* campaigns of the program itself are none */
    size_t source_count, source_room;
    int64_t *windows;      /* [source * TOUCH_KIND_COUNT + kind], ms; -1: does not count */
    struct touch *touches; /* of person i: from first[i] to first[i + 1], in order of time */
    size_t *first;
    size_t touch_count;
};

/* Touches of people (count of them, in order of contact, then until_ms) within the windows: at_ms
 * <= until_ms and > until_ms - window. Reads under one moment only if the caller holds a
 * transaction. The caller releases the set, also after an error. */
int touch_gather(struct db *db, const struct touch_rules *rules, const struct touch_person *people,
    size_t count, struct touch_set *set_out, struct base_err *err) LANTOA_MUST_CHECK;
void touch_set_release(struct touch_set *set);

/* Every path of somebody who is not among the people: all touches with from_ms < at_ms <= until_ms,
 * in order of time. set: as filled by touch_gather, for its sources. Memory: the touches of a part
 * of the contacts. */
struct touch_walk {
    int64_t from_ms, until_ms;
    const struct touch_person *people; /* left out; in order of contact */
    size_t people_count;
    int (*path)(void *arg, const struct touch *touches, size_t count, struct base_err *err);
    void *arg;
};
int touch_each_path(struct db *db, const struct touch_set *set, const struct touch_walk *walk,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
