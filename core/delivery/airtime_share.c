/* Fairness towards campaigns that came before: what they were only offered makes room for one that
 * has less of the day. */
#include "delivery/airtime_private.h"

#include "base/mem.h"

/* Airings of a campaign on this day. */
static int count_of(const struct airtime__day *day, int64_t campaign) {
    int count = 0;
    for (size_t i = 0; i < day->entry_count; i++) {
        count += !day->entries[i].ghost && day->entries[i].campaign == campaign;
    }
    return count;
}

static bool of_plan(const struct airtime_input *in, int64_t campaign) {
    for (size_t i = 0; i < in->request_count; i++) {
        if (in->requests[i].campaign == campaign) {
            return true;
        }
    }
    return false;
}

/* The last one of the campaign that has most of the day, at least two more than this one has.
 * AIRTIME_NONE: nobody has. */
static size_t richest(
    const struct airtime_input *in, const struct airtime__day *day, int64_t campaign) {
    int own = count_of(day, campaign);
    int most = own + 1;
    size_t found = AIRTIME_NONE;
    for (size_t i = 0; i < day->entry_count; i++) {
        const struct airtime__entry *e = &day->entries[i];
        const struct airtime_booking *b =
            e->booking == AIRTIME_NONE ? NULL : &in->bookings[e->booking];
        if (!b || b->fixed || b->priority != AIRTIME_NORMAL || of_plan(in, b->campaign)) {
            continue;
        }
        const struct airtime__entry *best = found == AIRTIME_NONE ? NULL : &day->entries[found];
        int count = count_of(day, b->campaign);
        bool more = count > most;
        bool same = count == most && best;
        bool before = same && (b->campaign < best->campaign ||
                                  (b->campaign == best->campaign && e->from_s > best->from_s));
        if (more || before) {
            most = count;
            found = i;
        }
    }
    return found;
}

static void take_away(struct airtime__day *day, size_t at) {
    day->used_s -= day->entries[at].to_s - day->entries[at].from_s;
    day->entry_count--;
    for (size_t i = at; i < day->entry_count; i++) {
        day->entries[i] = day->entries[i + 1];
    }
}

size_t airtime__share(const struct airtime_input *in, struct airtime__day *day,
    const struct airtime__item *item, int64_t *start_out, size_t *evicted, size_t room) {
    size_t bytes = day->entry_count * sizeof *day->entries;
    struct airtime__entry *before = base_alloc_array(day->entry_count + 1, sizeof *before);
    size_t before_count = day->entry_count;
    int64_t before_s = day->used_s;
    size_t count = 0;
    bool fits = false;
    memcpy(before, day->entries, bytes);
    while (!fits && count < room) {
        size_t by;
        size_t at = richest(in, day, item->campaign);
        if (at == AIRTIME_NONE) {
            break;
        }
        evicted[count++] = day->entries[at].booking;
        take_away(day, at);
        fits = airtime__place(day, item, start_out, &by) == AIRTIME_FITS;
    }
    if (!fits) {
        memcpy(day->entries, before, bytes);
        day->entry_count = before_count;
        day->used_s = before_s;
    }
    base_free(before);
    return fits ? count : 0;
}
