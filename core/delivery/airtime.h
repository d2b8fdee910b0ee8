/* The airtime planner: who speaks on which station, when. Pure: structs in, a plan out; it knows no
 * database, no clock and no zone. A day is a number of days since 1970-01-01, a time of day is
 * seconds since local midnight, a weekday is 0 for Monday. The same input gives the same plan.
 *
 * What holds for every plan (tests/unit/delivery/test_airtime.c, over 10,000 made-up provinces):
 * nothing it places overlaps anything, lies outside the windows or in quiet hours, or makes a day
 * longer than the station allows; repeats of a request keep their gap; what was approved stays.
 *
 * Fairness: on each station the campaign with the least airtime so far comes first, and each gets
 * one airing of a day before any gets its second; what a campaign that came before was only offered
 * makes room where it has two or more of the day above one that has no place. Priority items come
 * before normal ones, and normal airings that nobody approved yet make room for them. Source of the
 * three priorities: the provincial information source system, Circular 39/2020/TT-BTTTT (in force
 * 2021-01-18). */
#ifndef DELIVERY_AIRTIME_H
#define DELIVERY_AIRTIME_H

#include "base/buf.h"
#include "base/err.h"
#include <lantoa/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AIRTIME_DAY_S 86400
#define AIRTIME_SPANS_MAX 32     /* windows, or quiet hours, of one station */
#define AIRTIME_MATERIALS_MAX 32 /* of one request */
#define AIRTIME_PER_DAY_MAX 48
#define AIRTIME_ALL_DAYS 0x7f

/* Local hours on some weekdays. to_min <= from_min: over midnight, the days are those on which it
 * begins. from_min 0, to_min 1440: the whole day. */
struct airtime_span {
    int from_min, to_min;
    unsigned days; /* bit 0 is Monday */
};

struct airtime_station {
    int64_t id;
    const struct airtime_span *windows, *quiet; /* BORROWED while planning */
    size_t window_count, quiet_count;
    int64_t most_s; /* airtime of one day; 0: no limit */
};

enum airtime_priority { AIRTIME_NORMAL = 1, AIRTIME_PRIORITY, AIRTIME_EMERGENCY };
enum airtime_rotation {
    AIRTIME_IN_TURN = 1, /* the one played least so far */
    AIRTIME_BY_DAY       /* one material a day, the next one tomorrow */
};

struct airtime_material {
    int64_t id;      /* 0: the station has no variant of it that it may play */
    int64_t seconds; /* rounded up */
};

struct airtime_request {
    int64_t id, campaign;           /* ids break ties: distinct requests have distinct ids */
    enum airtime_priority priority; /* NORMAL or PRIORITY: an emergency is not planned */
    int64_t first_day, last_day;
    int64_t not_before_s; /* on the first day */
    int per_day;
    int64_t gap_s; /* from the end of one airing to the start of the next, on the same station */
    enum airtime_rotation rotation;
    size_t material_count;
    /* Stations, as indices into airtime_input.stations, ascending; the materials of stations[i]
     * are materials[i * material_count ...]. BORROWED. */
    const size_t *stations;
    size_t station_count;
    const struct airtime_material *materials;
};

/* What the station has on its calendar already. */
struct airtime_booking {
    int64_t ref; /* the caller's own */
    size_t station;
    int64_t day, start_s, seconds;
    int64_t request, campaign; /* request 0: of none that is known */
    int64_t material;
    int64_t gap_s;
    enum airtime_priority priority;
    bool fixed; /* approved, or on the air: never moves. Else it makes room for priority items */
    /* The commune declined it, or it was played: takes no time any more, but counts as one of its
     * request's airings of that day. */
    bool spent;
};

/* X(NAME, word, English text) */
#define AIRTIME_REASONS(X)                                                                         \
    X(AIRTIME_NO_WINDOW, "no_window", "the station does not broadcast on this day")                \
    X(AIRTIME_OUTSIDE, "outside", "it lies outside the station's windows")                         \
    X(AIRTIME_QUIET, "quiet_hours", "the station keeps its quiet hours then")                      \
    X(AIRTIME_TOO_LATE, "too_late", "the windows of this day are over when the step begins")       \
    X(AIRTIME_TOO_LONG, "too_long", "no window of this day is long enough for the material")       \
    X(AIRTIME_NO_MATERIAL, "no_material", "there is no material in a language of the station")     \
    X(AIRTIME_MINUTES, "minutes", "the station's minutes of this day are used up")                 \
    X(AIRTIME_GAP, "gap", "the gap between repeats leaves no more room on this day")               \
    X(AIRTIME_TAKEN, "taken", "the windows of this day are taken")
#define AIRTIME__ENUM(name, word, text) name,
enum airtime_reason { AIRTIME_FITS, AIRTIME_REASONS(AIRTIME__ENUM) AIRTIME_REASON_COUNT };
#undef AIRTIME__ENUM
const char *airtime_reason_word(enum airtime_reason reason);
/* LANTOA_ENOENT for other words. */
int airtime_reason_from_word(struct str word, enum airtime_reason *reason_out) LANTOA_MUST_CHECK;
const char *airtime_reason_text(enum airtime_reason reason); /* for staff, translated */

#define AIRTIME_NONE ((size_t)-1)

struct airtime_airing {
    size_t request, station; /* indices into the input */
    int64_t day, start_s, seconds, material;
};
/* Airings of a day that could not be placed. */
struct airtime_refusal {
    size_t request, station;
    int64_t day;
    int asked, got;
    enum airtime_reason reason; /* of the first one that did not fit */
    size_t by; /* a booking that stands in the way, or NONE. With NONE and TAKEN: other requests of
                  this plan */
};
/* A priority item that has no place of its own: where it would go if what stands there made room.
 * The commune decides. */
struct airtime_clash {
    struct airtime_airing airing;
    size_t booking; /* the first that stands there, or NONE: others of this plan, or the minutes */
};
/* A booking that was not fixed and had to go elsewhere. */
struct airtime_move {
    size_t booking;
    int64_t start_s; /* on the same day; -1: there is no place left */
    enum airtime_reason reason;
};

struct airtime_input {
    const struct airtime_station *stations;
    size_t station_count;
    const struct airtime_request *requests;
    size_t request_count;
    const struct airtime_booking *bookings; /* in any order */
    size_t booking_count;
};

/* By station, day and time; refusals by station, day, request. Owned; airtime_plan_release. */
struct airtime_plan {
    struct airtime_airing *airings;
    size_t airing_count;
    struct airtime_refusal *refusals;
    size_t refusal_count;
    struct airtime_clash *clashes;
    size_t clash_count;
    struct airtime_move *moves;
    size_t move_count;
};

/* LANTOA_EINVAL for input that makes no sense (more than the limits above, an emergency, a station
 * or request that is not there), with the reason in err; the plan is empty then. */
int airtime_plan(const struct airtime_input *input, struct airtime_plan *plan_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void airtime_plan_release(struct airtime_plan *plan);

/* Whether an item may be on the air then: AIRTIME_FITS, OUTSIDE or QUIET. */
enum airtime_reason airtime_allowed(
    const struct airtime_station *station, int64_t day, int64_t start_s, int64_t seconds);
/* Whether a moment lies in the station's quiet hours. */
bool airtime_is_quiet(const struct airtime_station *station, int64_t day, int64_t second);
/* The last moment an item that was to begin at start_s may begin: its window ends just after it.
 * start_s itself when it lies in no window. */
int64_t airtime_latest_start(
    const struct airtime_station *station, int64_t day, int64_t start_s, int64_t seconds);
/* What an emergency of so many seconds cuts off or runs into: indices of bookings of that station
 * that are not spent, by time. Returns how many there are; at most `room` are written. */
size_t airtime_interrupted(const struct airtime_booking *bookings, size_t count, size_t station,
    int64_t day, int64_t start_s, int64_t seconds, size_t *indices, size_t room);
/* 0 is Monday. */
int airtime_weekday(int64_t day);

#endif
