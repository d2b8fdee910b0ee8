/* Shared by airtime.c (the whole plan), airtime_day.c (one station on one day), airtime_share.c and
 * airtime_check.c only. */
#ifndef DELIVERY_AIRTIME_PRIVATE_H
#define DELIVERY_AIRTIME_PRIVATE_H

#include "delivery/airtime.h"

#define AIRTIME__FAR (INT64_C(1) << 40) /* seconds no plan reaches */

int airtime__check(const struct airtime_input *in, struct base_err *err) LANTOA_MUST_CHECK;

/* Indices of the bookings by station, day and start; base_free. */
size_t *airtime__in_order(const struct airtime_input *in);

/* Windows cut by quiet hours: each span gives at most two pieces of a day, and each quiet one adds
 * at most two more. */
#define AIRTIME__PIECES_MAX (4 * AIRTIME_SPANS_MAX + 1)

struct airtime__piece {
    int64_t from_s, to_s;
};
/* When a station may broadcast on one weekday; ascending, apart from each other. */
struct airtime__open {
    struct airtime__piece pieces[AIRTIME__PIECES_MAX];
    size_t count;
    bool has_window; /* before quiet hours were taken out */
};
void airtime__open_pieces(
    const struct airtime_station *station, int weekday, struct airtime__open *open_out);

/* Something that stands on a station's day. */
struct airtime__entry {
    int64_t from_s, to_s;
    int64_t request, campaign;
    int64_t gap_s;
    size_t booking; /* AIRTIME_NONE: placed by this plan */
    bool ghost;     /* a clash: takes no time, only its own request keeps the gap to it */
};

struct airtime__day {
    const struct airtime_station *station;
    const struct airtime__open *open;
    struct airtime__entry *entries; /* grows */
    size_t entry_count, entry_room;
    int64_t used_s; /* of entries that take time */
};

/* What is to be placed. */
struct airtime__item {
    int64_t request, campaign, gap_s, seconds;
    int64_t not_before_s;
    int64_t last_end_s;   /* end of the request's airing before this day, counted from today's
                             midnight; far below 0: none */
    int64_t next_start_s; /* the same of its airing after this day; far above a day: none */
    size_t first_piece;   /* where to look first, so that repeats spread over the windows */
    bool alone; /* look past everything that is of other campaigns, and past the minutes */
};

/* Looks for the earliest place. *by_out: a booking that stands in the way, or AIRTIME_NONE. */
enum airtime_reason airtime__place(const struct airtime__day *day, const struct airtime__item *item,
    int64_t *start_out, size_t *by_out);
/* The piece of the day in which a request has least, what was declined there counted; today:
 * indices of the station's bookings of the day. */
size_t airtime__emptiest(const struct airtime__day *day, int64_t request,
    const struct airtime_booking *bookings, const size_t *today, size_t today_count);
void airtime__add(struct airtime__day *day, const struct airtime__entry *entry);
/* A normal item that has no place: whether it gets one when offered airings of campaigns outside of
 * the plan, which have at least two more of the day than its own has, make room. Returns how many
 * bookings did (their indices in evicted, at most room; they are off the day) and where it goes;
 * 0: none, and the day is as it was. */
size_t airtime__share(const struct airtime_input *in, struct airtime__day *day,
    const struct airtime__item *item, int64_t *start_out, size_t *evicted, size_t room);
/* The first entry in that time, of another request, or NULL. */
const struct airtime__entry *airtime__at(
    const struct airtime__day *day, int64_t from_s, int64_t to_s, int64_t campaign);

#endif
