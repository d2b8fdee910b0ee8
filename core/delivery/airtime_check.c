/* What the planner is given, looked at before it works; its reasons in words; and what an emergency
 * runs into. */
#include "delivery/airtime_private.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/tr.h"

#include <stdlib.h>

#define DAYS_MAX 3660

/* --- reasons --- */

#define NOTE(name, word, text) {word, text},
static const struct {
    const char *word, *text;
} reasons[AIRTIME_REASON_COUNT] = {{"fits", "fits"}, AIRTIME_REASONS(NOTE)};
#undef NOTE

const char *airtime_reason_word(enum airtime_reason reason) {
    return reason < AIRTIME_REASON_COUNT ? reasons[reason].word : "?";
}

int airtime_reason_from_word(struct str word, enum airtime_reason *reason_out) {
    for (int i = 0; i < AIRTIME_REASON_COUNT; i++) {
        if (str_is(word, reasons[i].word)) {
            *reason_out = (enum airtime_reason)i;
            return 0;
        }
    }
    return LANTOA_ENOENT;
}

const char *airtime_reason_text(enum airtime_reason reason) {
    return reason < AIRTIME_REASON_COUNT ? TR(reasons[reason].text) : "?";
}

/* --- input --- */

static int check_station(const struct airtime_station *station, struct base_err *err) {
    bool sane = station->window_count <= AIRTIME_SPANS_MAX &&
                station->quiet_count <= AIRTIME_SPANS_MAX && station->most_s >= 0;
    for (size_t k = 0; sane && k < station->window_count + station->quiet_count; k++) {
        const struct airtime_span *span = k < station->window_count
                                              ? &station->windows[k]
                                              : &station->quiet[k - station->window_count];
        sane = span->from_min >= 0 && span->from_min < 1440 && span->to_min >= 0 &&
               span->to_min <= 1440;
    }
    return sane ? 0
                : base_err_set(err, LANTOA_EINVAL, TR("station %lld: windows or hours are wrong"),
                      (long long)station->id);
}

static int check_request(
    const struct airtime_input *in, const struct airtime_request *r, struct base_err *err) {
    bool sane = (r->priority == AIRTIME_NORMAL || r->priority == AIRTIME_PRIORITY) &&
                (r->rotation == AIRTIME_IN_TURN || r->rotation == AIRTIME_BY_DAY) &&
                r->last_day >= r->first_day && r->last_day - r->first_day <= DAYS_MAX &&
                r->per_day >= 1 && r->per_day <= AIRTIME_PER_DAY_MAX && r->gap_s >= 0 &&
                r->gap_s < AIRTIME__FAR && r->material_count >= 1 &&
                r->material_count <= AIRTIME_MATERIALS_MAX;
    for (size_t k = 0; sane && k < r->station_count; k++) {
        sane =
            r->stations[k] < in->station_count && (k == 0 || r->stations[k] > r->stations[k - 1]);
    }
    for (size_t k = 0; sane && k < r->station_count * r->material_count; k++) {
        sane = r->materials[k].id == 0 ||
               (r->materials[k].seconds > 0 && r->materials[k].seconds <= AIRTIME_DAY_S);
    }
    return sane ? 0
                : base_err_set(
                      err, LANTOA_EINVAL, TR("request %lld makes no sense"), (long long)r->id);
}

int airtime__check(const struct airtime_input *in, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < in->station_count; i++) {
        rc = check_station(&in->stations[i], err);
    }
    for (size_t i = 0; rc == 0 && i < in->request_count; i++) {
        rc = check_request(in, &in->requests[i], err);
    }
    for (size_t i = 0; rc == 0 && i < in->booking_count; i++) {
        const struct airtime_booking *b = &in->bookings[i];
        if (b->station >= in->station_count || b->start_s < 0 || b->start_s >= AIRTIME_DAY_S ||
            b->seconds < 0 || b->seconds > AIRTIME_DAY_S) {
            rc = base_err_set(
                err, LANTOA_EINVAL, TR("booking %lld makes no sense"), (long long)b->ref);
        }
    }
    return rc;
}

/* --- the calendar in order --- */

struct key {
    size_t station, index;
    int64_t day, start_s, ref;
};

static int by_time(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->station != y->station) {
        return x->station < y->station ? -1 : 1;
    }
    if (x->day != y->day) {
        return x->day < y->day ? -1 : 1;
    }
    if (x->start_s != y->start_s) {
        return x->start_s < y->start_s ? -1 : 1;
    }
    return x->ref < y->ref ? -1 : x->ref > y->ref;
}

size_t *airtime__in_order(const struct airtime_input *in) {
    size_t count = in->booking_count;
    struct key *keys = base_alloc_array(count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        const struct airtime_booking *b = &in->bookings[i];
        keys[i] = (struct key){b->station, i, b->day, b->start_s, b->ref};
    }
    qsort(keys, count, sizeof *keys, by_time);
    size_t *order = base_alloc_array(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        order[i] = keys[i].index;
    }
    base_free(keys);
    return order;
}

/* --- emergencies --- */

size_t airtime_interrupted(const struct airtime_booking *bookings, size_t count, size_t station,
    int64_t day, int64_t start_s, int64_t seconds, size_t *indices, size_t room) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct airtime_booking *b = &bookings[i];
        if (b->station != station || b->day != day || b->spent || b->start_s >= start_s + seconds ||
            b->start_s + b->seconds <= start_s) {
            continue;
        }
        if (found < room) {
            size_t at = found;
            for (; at > 0 && bookings[indices[at - 1]].start_s > b->start_s; at--) {
                indices[at] = indices[at - 1];
            }
            indices[at] = i;
        }
        found++;
    }
    return found;
}
