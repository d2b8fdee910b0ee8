/* The airtime planner: station by station and day by day, priority items first, then what makes
 * room for them, then the normal ones. */
#include "delivery/airtime_private.h"

#include "base/mem.h"
#include <stdlib.h>

/* --- the work --- */

/* A request on the station at hand. */
struct seat {
    size_t request, position; /* position: of the station among the request's */
    int64_t last_end_s;       /* since 1970, local; -AIRTIME__FAR: none */
    int64_t played[AIRTIME_MATERIALS_MAX];
    /* of the day at hand */
    int asked, had, got, clashes;
    bool open;
    enum airtime_reason reason; /* of the first that did not fit */
    size_t by;
};

struct work {
    const struct airtime_input *in;
    struct airtime_plan *plan;
    size_t airing_room, refusal_room, clash_room, move_room;
    size_t *bookings;   /* indices, by station, day, start */
    size_t *first_same; /* of each request: the first with its campaign */
    int64_t *share_s;   /* airtime of the campaign of first_same on this station */
    int *today;         /* the same: airings placed on this day */
    size_t *seat_from;  /* [station]: into seats_of; station_count + 1 of them */
    struct seat *seats;
};

static void *grown(void *rows, size_t count, size_t *room, size_t bytes) {
    if (count < *room) {
        return rows;
    }
    *room = *room ? 2 * *room : 256;
    return base_realloc(rows, *room * bytes);
}

static void put_airing(struct work *w, const struct airtime_airing *airing) {
    struct airtime_plan *plan = w->plan;
    plan->airings = grown(plan->airings, plan->airing_count, &w->airing_room, sizeof *airing);
    plan->airings[plan->airing_count++] = *airing;
}

static void put_clash(struct work *w, const struct airtime_clash *clash) {
    struct airtime_plan *plan = w->plan;
    plan->clashes = grown(plan->clashes, plan->clash_count, &w->clash_room, sizeof *clash);
    plan->clashes[plan->clash_count++] = *clash;
}

static void put_refusal(struct work *w, const struct airtime_refusal *refusal) {
    struct airtime_plan *plan = w->plan;
    plan->refusals = grown(plan->refusals, plan->refusal_count, &w->refusal_room, sizeof *refusal);
    plan->refusals[plan->refusal_count++] = *refusal;
}

static void put_move(struct work *w, const struct airtime_move *move) {
    struct airtime_plan *plan = w->plan;
    plan->moves = grown(plan->moves, plan->move_count, &w->move_room, sizeof *move);
    plan->moves[plan->move_count++] = *move;
}

/* --- one request on one day --- */

/* The materials to try, best first: indices of those the station has. */
static size_t choose(const struct airtime_request *request, const struct seat *seat,
    const struct airtime_material *materials, int64_t day, size_t order[AIRTIME_MATERIALS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < request->material_count; i++) {
        if (materials[i].id == 0) {
            continue;
        }
        size_t at = count++;
        for (; request->rotation == AIRTIME_IN_TURN && at > 0 &&
               seat->played[order[at - 1]] > seat->played[i];
             at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    if (request->rotation == AIRTIME_BY_DAY && count > 0) {
        order[0] = order[(size_t)(day - request->first_day) % count];
        count = 1;
    }
    return count;
}

/* The request's nearest booking after this day, from today's midnight. */
static int64_t next_start(
    const struct work *w, size_t from, size_t to, int64_t request, int64_t day) {
    for (size_t i = from; i < to; i++) {
        const struct airtime_booking *b = &w->in->bookings[w->bookings[i]];
        if (b->request == request && !b->spent && b->day > day) {
            return (b->day - day) * AIRTIME_DAY_S + b->start_s;
        }
    }
    return AIRTIME__FAR;
}

/* The end of the nearest one before it, from today's midnight. */
static int64_t last_end(
    const struct work *w, size_t start, size_t from, int64_t request, int64_t day) {
    for (size_t i = from; i-- > start;) {
        const struct airtime_booking *b = &w->in->bookings[w->bookings[i]];
        if (b->request == request && !b->spent && b->day < day) {
            return (b->day - day) * AIRTIME_DAY_S + b->start_s + b->seconds;
        }
    }
    return -AIRTIME__FAR;
}

struct station_day {
    struct airtime__day on;
    size_t station;
    int64_t day;
    struct seat *seats;
    size_t seat_count;
    size_t from, to;   /* bookings of the day */
    size_t start, end; /* of the station's bookings */
};

/* Where the next repeat belongs, so that they spread over the windows of the day: in order for a
 * fresh day; where the request has least, when it has some of it already. */
static size_t piece_for(
    const struct work *w, const struct station_day *s, const struct seat *seat) {
    const struct airtime_request *request = &w->in->requests[seat->request];
    size_t nth = (size_t)seat->got + (size_t)seat->clashes;
    if (seat->had == 0) {
        return nth % (size_t)request->per_day * s->on.open->count / (size_t)request->per_day;
    }
    return airtime__emptiest(
        &s->on, request->id, w->in->bookings, w->bookings + s->from, s->to - s->from);
}

static struct airtime__item item_of(
    const struct work *w, const struct station_day *s, const struct seat *seat) {
    const struct airtime_request *request = &w->in->requests[seat->request];
    int64_t day = s->day;
    return (struct airtime__item){.request = request->id,
        .campaign = request->campaign,
        .gap_s = request->gap_s,
        .not_before_s = day == request->first_day ? request->not_before_s : 0,
        .last_end_s = seat->last_end_s - day * AIRTIME_DAY_S,
        .next_start_s = AIRTIME__FAR,
        .first_piece = s->on.open->count ? piece_for(w, s, seat) : 0};
}

/* Where the commune would have to make room. */
static bool clash(struct work *w, struct airtime__day *on, struct seat *seat,
    struct airtime__item *item, int64_t day, size_t station, int64_t material) {
    const struct airtime_request *request = &w->in->requests[seat->request];
    int64_t start_s;
    size_t by;
    if (request->priority != AIRTIME_PRIORITY ||
        (seat->reason != AIRTIME_TAKEN && seat->reason != AIRTIME_MINUTES)) {
        return false;
    }
    item->alone = true;
    if (airtime__place(on, item, &start_s, &by) != AIRTIME_FITS) {
        return false;
    }
    const struct airtime__entry *there =
        airtime__at(on, start_s, start_s + item->seconds, item->campaign);
    const struct airtime_clash found = {
        {seat->request, station, day, start_s, item->seconds, material},
        there ? there->booking : AIRTIME_NONE};
    put_clash(w, &found);
    const struct airtime__entry ghost = {.from_s = start_s,
        .to_s = start_s + item->seconds,
        .request = request->id,
        .campaign = request->campaign,
        .gap_s = request->gap_s,
        .booking = AIRTIME_NONE,
        .ghost = true};
    airtime__add(on, &ghost);
    seat->clashes++;
    return true;
}

static void accept(struct work *w, struct airtime__day *on, struct seat *seat,
    const struct airtime__item *item, int64_t day, size_t station, int64_t start_s,
    int64_t material) {
    const struct airtime_airing airing = {
        seat->request, station, day, start_s, item->seconds, material};
    const struct airtime__entry entry = {.from_s = start_s,
        .to_s = start_s + item->seconds,
        .request = item->request,
        .campaign = item->campaign,
        .gap_s = item->gap_s,
        .booking = AIRTIME_NONE};
    put_airing(w, &airing);
    airtime__add(on, &entry);
    w->share_s[w->first_same[seat->request]] += item->seconds;
    w->today[w->first_same[seat->request]]++;
    seat->got++;
}

/* A booking finds no place any more, whether or not it had found another one before. */
static void drop(struct work *w, size_t booking, enum airtime_reason reason) {
    for (size_t i = w->plan->move_count; i-- > 0;) {
        if (w->plan->moves[i].booking == booking) {
            w->plan->moves[i].start_s = -1;
            w->plan->moves[i].reason = reason;
            return;
        }
    }
    const struct airtime_move move = {booking, -1, reason};
    put_move(w, &move);
}

/* Campaigns that have more of the day make room, as long as nobody approved theirs. */
static bool share(struct work *w, struct airtime__day *on, const struct seat *seat,
    const struct airtime__item *item, int64_t *start_out) {
    size_t evicted[AIRTIME_PER_DAY_MAX];
    if (w->in->requests[seat->request].priority != AIRTIME_NORMAL ||
        (seat->reason != AIRTIME_TAKEN && seat->reason != AIRTIME_MINUTES)) {
        return false;
    }
    size_t count = airtime__share(w->in, on, item, start_out, evicted, AIRTIME_PER_DAY_MAX);
    for (size_t i = 0; i < count; i++) {
        drop(w, evicted[i], seat->reason);
    }
    return count > 0;
}

/* Places one airing of the request, or closes it for the day. */
static void place_one(struct work *w, struct station_day *s, struct seat *seat) {
    struct airtime__day *on = &s->on;
    int64_t day = s->day;
    size_t station = s->station;
    const struct airtime_request *request = &w->in->requests[seat->request];
    const struct airtime_material *materials =
        request->materials + seat->position * request->material_count;
    size_t order[AIRTIME_MATERIALS_MAX];
    size_t count = choose(request, seat, materials, day, order);
    struct airtime__item item = item_of(w, s, seat);
    enum airtime_reason reason = AIRTIME_NO_MATERIAL;
    size_t by = AIRTIME_NONE;
    item.next_start_s = next_start(w, s->to, s->end, request->id, day);
    for (size_t i = 0; i < count; i++) {
        int64_t start_s;
        size_t here;
        item.seconds = materials[order[i]].seconds;
        enum airtime_reason found = airtime__place(on, &item, &start_s, &here);
        if (found == AIRTIME_FITS) {
            seat->played[order[i]]++;
            accept(w, on, seat, &item, day, station, start_s, materials[order[i]].id);
            return;
        }
        if (i == 0) {
            reason = found;
            by = here;
        }
    }
    if (seat->reason == AIRTIME_FITS) {
        seat->reason = reason;
        seat->by = by;
    }
    if (count > 0) {
        int64_t start_s;
        item.seconds = materials[order[0]].seconds;
        if (share(w, on, seat, &item, &start_s)) {
            seat->reason = AIRTIME_FITS;
            seat->played[order[0]]++;
            accept(w, on, seat, &item, day, station, start_s, materials[order[0]].id);
            return;
        }
        if (clash(w, on, seat, &item, day, station, materials[order[0]].id)) {
            seat->played[order[0]]++;
            return;
        }
    }
    seat->open = false;
}

/* --- one day of a station --- */

/* Whether a comes before b: each campaign gets one before any gets its second; then the one with
 * the least airtime; then numbers. */
static bool before(const struct work *w, const struct seat *a, const struct seat *b) {
    const struct airtime_request *ra = &w->in->requests[a->request];
    const struct airtime_request *rb = &w->in->requests[b->request];
    size_t ca = w->first_same[a->request];
    size_t cb = w->first_same[b->request];
    if (w->today[ca] != w->today[cb]) {
        return w->today[ca] < w->today[cb];
    }
    if (w->share_s[ca] != w->share_s[cb]) {
        return w->share_s[ca] < w->share_s[cb];
    }
    if (ra->campaign != rb->campaign) {
        return ra->campaign < rb->campaign;
    }
    if (a->got != b->got) {
        return a->got < b->got;
    }
    return ra->id < rb->id;
}

static void place_class(struct work *w, struct station_day *s, enum airtime_priority priority) {
    for (;;) {
        struct seat *next = NULL;
        for (size_t i = 0; i < s->seat_count; i++) {
            struct seat *seat = &s->seats[i];
            bool wants = seat->open && seat->got + seat->clashes < seat->asked &&
                         w->in->requests[seat->request].priority == priority;
            if (wants && (!next || before(w, seat, next))) {
                next = seat;
            }
        }
        if (!next) {
            return;
        }
        place_one(w, s, next);
    }
}

static struct airtime__entry entry_of(const struct airtime_booking *b, size_t index) {
    return (struct airtime__entry){.from_s = b->start_s,
        .to_s = b->start_s + b->seconds,
        .request = b->request,
        .campaign = b->campaign,
        .gap_s = b->gap_s,
        .booking = index};
}

static bool stands(const struct airtime_booking *b) {
    return b->fixed || b->priority != AIRTIME_NORMAL;
}

/* What is not approved stays where it is if it can, else it goes elsewhere on its day. */
static void settle(struct work *w, struct station_day *s, size_t index) {
    const struct airtime_booking *b = &w->in->bookings[index];
    struct airtime__entry entry = entry_of(b, index);
    struct airtime__day *on = &s->on;
    int64_t most_s = on->station->most_s;
    bool fits = !airtime__at(on, entry.from_s, entry.to_s, INT64_MIN) &&
                (most_s == 0 || on->used_s + b->seconds <= most_s);
    bool inside = false;
    for (size_t i = 0; i < on->open->count; i++) {
        inside |=
            entry.from_s >= on->open->pieces[i].from_s && entry.to_s <= on->open->pieces[i].to_s;
    }
    if (!fits || !inside) {
        struct airtime__item item = {.request = b->request,
            .campaign = b->campaign,
            .gap_s = b->gap_s,
            .seconds = b->seconds,
            .last_end_s = last_end(w, s->start, s->from, b->request, s->day),
            .next_start_s = next_start(w, s->to, s->end, b->request, s->day)};
        for (size_t i = 0; i < s->seat_count; i++) { /* what this plan gave its request before */
            int64_t end_s = s->seats[i].last_end_s - s->day * AIRTIME_DAY_S;
            bool own = w->in->requests[s->seats[i].request].id == b->request;
            item.last_end_s = own && end_s > item.last_end_s ? end_s : item.last_end_s;
        }
        struct airtime_move move = {.booking = index, .start_s = -1};
        size_t by;
        move.reason = airtime__place(on, &item, &move.start_s, &by);
        move.start_s = move.reason == AIRTIME_FITS ? move.start_s : -1;
        put_move(w, &move);
        if (move.start_s < 0) {
            return;
        }
        entry.from_s = move.start_s;
        entry.to_s = move.start_s + b->seconds;
    }
    airtime__add(on, &entry);
}

static void open_seats(const struct work *w, struct station_day *s) {
    for (size_t i = 0; i < s->seat_count; i++) {
        struct seat *seat = &s->seats[i];
        const struct airtime_request *request = &w->in->requests[seat->request];
        bool today = s->day >= request->first_day && s->day <= request->last_day;
        seat->had = seat->got = seat->clashes = 0;
        seat->reason = AIRTIME_FITS;
        seat->by = AIRTIME_NONE;
        for (size_t k = s->from; k < s->to; k++) {
            seat->had += w->in->bookings[w->bookings[k]].request == request->id;
        }
        seat->asked = today && request->per_day > seat->had ? request->per_day - seat->had : 0;
        seat->open = true;
        w->today[w->first_same[seat->request]] = 0;
    }
}

static void close_seats(struct work *w, const struct station_day *s) {
    for (size_t i = 0; i < s->seat_count; i++) {
        struct seat *seat = &s->seats[i];
        const struct airtime_request *request = &w->in->requests[seat->request];
        if (seat->got + seat->clashes < seat->asked) {
            const struct airtime_refusal refusal = {
                seat->request, s->station, s->day, seat->asked, seat->got, seat->reason, seat->by};
            put_refusal(w, &refusal);
        }
        for (size_t k = 0; k < s->on.entry_count; k++) {
            const struct airtime__entry *e = &s->on.entries[k];
            int64_t end_s = s->day * AIRTIME_DAY_S + e->to_s;
            if (e->request == request->id && end_s > seat->last_end_s) {
                seat->last_end_s = end_s;
            }
        }
    }
}

static int by_start(const void *a, const void *b) {
    const struct airtime_airing *x = a, *y = b;
    return x->start_s < y->start_s ? -1 : x->start_s > y->start_s;
}

static void plan_day(struct work *w, struct station_day *s) {
    size_t first = w->plan->airing_count;
    s->on.entry_count = 0;
    s->on.used_s = 0;
    open_seats(w, s);
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = s->from; i < s->to; i++) {
            const struct airtime_booking *b = &w->in->bookings[w->bookings[i]];
            const struct airtime__entry entry = entry_of(b, w->bookings[i]);
            if (b->spent || stands(b) != (pass == 0)) {
                continue;
            }
            if (pass == 0) {
                airtime__add(&s->on, &entry);
            } else {
                settle(w, s, w->bookings[i]);
            }
        }
        place_class(w, s, pass == 0 ? AIRTIME_PRIORITY : AIRTIME_NORMAL);
    }
    size_t added = w->plan->airing_count - first;
    if (added > 1) {
        qsort(w->plan->airings + first, added, sizeof *w->plan->airings, by_start);
    }
    close_seats(w, s);
}

/* --- one station --- */

/* What is on the calendar counts for the fairness and the rotation. */
static void count_bookings(struct work *w, struct station_day *s, size_t from) {
    for (size_t i = from; i < s->end; i++) {
        const struct airtime_booking *b = &w->in->bookings[w->bookings[i]];
        bool shared = false;
        for (size_t k = 0; k < s->seat_count; k++) {
            struct seat *seat = &s->seats[k];
            const struct airtime_request *request = &w->in->requests[seat->request];
            if (request->campaign == b->campaign && !shared && !b->spent) {
                w->share_s[w->first_same[seat->request]] += b->seconds;
                shared = true;
            }
            for (size_t m = 0; request->id == b->request && m < request->material_count; m++) {
                const struct airtime_material *own =
                    &request->materials[seat->position * request->material_count + m];
                seat->played[m] += own->id == b->material;
            }
        }
    }
}

static void plan_station(struct work *w, size_t station, size_t from, size_t to) {
    struct airtime__open open[7];
    struct station_day s = {.station = station,
        .seats = w->seats + w->seat_from[station],
        .seat_count = w->seat_from[station + 1] - w->seat_from[station],
        .start = from,
        .end = to};
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    for (int i = 0; i < 7; i++) {
        airtime__open_pieces(&w->in->stations[station], i, &open[i]);
    }
    for (size_t i = 0; i < s.seat_count; i++) {
        const struct airtime_request *request = &w->in->requests[s.seats[i].request];
        first = request->first_day < first ? request->first_day : first;
        last = request->last_day > last ? request->last_day : last;
        w->share_s[w->first_same[s.seats[i].request]] = 0;
        s.seats[i].last_end_s = -AIRTIME__FAR;
    }
    count_bookings(w, &s, from);
    s.on.station = &w->in->stations[station];
    for (s.from = from; s.from < to && w->in->bookings[w->bookings[s.from]].day < first; s.from++) {
        const struct airtime_booking *b = &w->in->bookings[w->bookings[s.from]];
        int64_t end_s = b->day * AIRTIME_DAY_S + b->start_s + b->seconds;
        for (size_t i = 0; i < s.seat_count; i++) {
            bool own = w->in->requests[s.seats[i].request].id == b->request && !b->spent;
            s.seats[i].last_end_s =
                own && end_s > s.seats[i].last_end_s ? end_s : s.seats[i].last_end_s;
        }
    }
    for (s.day = first; s.day <= last; s.day++) {
        s.to = s.from;
        while (s.to < to && w->in->bookings[w->bookings[s.to]].day == s.day) {
            s.to++;
        }
        s.on.open = &open[airtime_weekday(s.day)];
        plan_day(w, &s);
        s.from = s.to;
    }
    base_free(s.on.entries);
}

/* --- the whole --- */

/* Which requests sit on which station, in their order. */
static void seat_requests(struct work *w) {
    const struct airtime_input *in = w->in;
    w->seat_from = base_alloc_array(in->station_count + 2, sizeof *w->seat_from);
    for (size_t i = 0; i < in->request_count; i++) {
        for (size_t k = 0; k < in->requests[i].station_count; k++) {
            w->seat_from[in->requests[i].stations[k] + 2]++;
        }
    }
    for (size_t i = 2; i < in->station_count + 2; i++) {
        w->seat_from[i] += w->seat_from[i - 1];
    }
    w->seats = base_alloc_array(w->seat_from[in->station_count + 1] + 1, sizeof *w->seats);
    for (size_t i = 0; i < in->request_count; i++) {
        for (size_t k = 0; k < in->requests[i].station_count; k++) {
            size_t at = w->seat_from[in->requests[i].stations[k] + 1]++;
            w->seats[at].request = i;
            w->seats[at].position = k;
        }
    }
}

struct key {
    int64_t ref;
    size_t index;
};

static int campaign_order(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->ref != y->ref) {
        return x->ref < y->ref ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

static void find_campaigns(struct work *w) {
    size_t count = w->in->request_count;
    struct key *keys = base_alloc_array(count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct key){.index = i, .ref = w->in->requests[i].campaign};
    }
    qsort(keys, count, sizeof *keys, campaign_order);
    w->first_same = base_alloc_array(count + 1, sizeof *w->first_same);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && keys[i].ref == keys[i - 1].ref;
        w->first_same[keys[i].index] = same ? w->first_same[keys[i - 1].index] : keys[i].index;
    }
    base_free(keys);
    w->share_s = base_alloc_array(count + 1, sizeof *w->share_s);
    w->today = base_alloc_array(count + 1, sizeof *w->today);
}

int airtime_plan(
    const struct airtime_input *input, struct airtime_plan *plan_out, struct base_err *err) {
    struct work w = {.in = input, .plan = plan_out};
    *plan_out = (struct airtime_plan){0};
    int rc = airtime__check(input, err);
    if (rc != 0) {
        return rc;
    }
    w.bookings = airtime__in_order(input);
    seat_requests(&w);
    find_campaigns(&w);
    size_t from = 0;
    for (size_t station = 0; station < input->station_count; station++) {
        size_t to = from;
        while (to < input->booking_count && input->bookings[w.bookings[to]].station == station) {
            to++;
        }
        if (w.seat_from[station + 1] > w.seat_from[station]) {
            plan_station(&w, station, from, to);
        }
        from = to;
    }
    base_free(w.bookings);
    base_free(w.seat_from);
    base_free(w.seats);
    base_free(w.first_same);
    base_free(w.share_s);
    base_free(w.today);
    return 0;
}

void airtime_plan_release(struct airtime_plan *plan) {
    base_free(plan->airings);
    base_free(plan->refusals);
    base_free(plan->clashes);
    base_free(plan->moves);
    *plan = (struct airtime_plan){0};
}
