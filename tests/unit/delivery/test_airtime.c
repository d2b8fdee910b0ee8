/* The airtime planner: what it promises, over 10,000 made-up provinces; and single cases. */
#include "delivery/airtime.h"

#include "base/mem.h"
#include "support.h"

/* --- made-up provinces --- */

struct dice {
    uint64_t state;
};

/* splitmix64: the same on every machine. */
static uint64_t roll(struct dice *dice) {
    uint64_t z = (dice->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t pick(struct dice *dice, int64_t least, int64_t most) {
    return least + (int64_t)(roll(dice) % (uint64_t)(most - least + 1));
}

enum { STATIONS = 5, REQUESTS = 6, SPANS = 4, MATERIALS = 4, BOOKINGS = 40, FIRST_DAY = 20000 };

struct province {
    struct airtime_station stations[STATIONS];
    struct airtime_span windows[STATIONS][SPANS], quiet[STATIONS][SPANS];
    struct airtime_request requests[REQUESTS];
    size_t seats[REQUESTS][STATIONS];
    struct airtime_material materials[REQUESTS][STATIONS * MATERIALS];
    struct airtime_booking bookings[BOOKINGS];
    struct airtime_input in;
};

static struct airtime_span any_span(struct dice *dice, int longest) {
    int from = (int)pick(dice, 0, 1439);
    int to = (int)((from + pick(dice, 5, longest)) % 1441);
    return (struct airtime_span){from, to, (unsigned)pick(dice, 1, AIRTIME_ALL_DAYS)};
}

static void make_station(struct dice *dice, struct province *p, size_t i) {
    size_t windows = (size_t)pick(dice, 0, SPANS), quiet = (size_t)pick(dice, 0, 2);
    for (size_t k = 0; k < windows; k++) {
        p->windows[i][k] = any_span(dice, 120);
    }
    for (size_t k = 0; k < quiet; k++) {
        p->quiet[i][k] = any_span(dice, 600);
    }
    p->stations[i] = (struct airtime_station){.id = 100 + (int64_t)i,
        .windows = p->windows[i],
        .quiet = p->quiet[i],
        .window_count = windows,
        .quiet_count = quiet,
        .most_s = pick(dice, 0, 2) ? pick(dice, 1, 45) * 60 : 0};
}

static void make_request(struct dice *dice, struct province *p, size_t i, size_t stations) {
    size_t materials = (size_t)pick(dice, 1, MATERIALS), seats = 0;
    int64_t first = FIRST_DAY + pick(dice, 0, 3);
    for (size_t k = 0; k < stations; k++) {
        if (pick(dice, 0, 3)) {
            for (size_t m = 0; m < materials; m++) {
                p->materials[i][seats * materials + m] = (struct airtime_material){
                    pick(dice, 0, 9) ? (int64_t)(i * 10 + m + 1) : 0, pick(dice, 10, 900)};
            }
            p->seats[i][seats++] = k;
        }
    }
    p->requests[i] = (struct airtime_request){.id = 1000 + (int64_t)i,
        .campaign = 1 + pick(dice, 0, 3),
        .priority = pick(dice, 0, 3) ? AIRTIME_NORMAL : AIRTIME_PRIORITY,
        .first_day = first,
        .last_day = first + pick(dice, 0, 6),
        .not_before_s = pick(dice, 0, 1) ? pick(dice, 0, 86399) : 0,
        .per_day = (int)pick(dice, 1, 5),
        .gap_s = pick(dice, 0, 2) ? pick(dice, 0, 14400) : 0,
        .rotation = pick(dice, 0, 3) ? AIRTIME_IN_TURN : AIRTIME_BY_DAY,
        .material_count = materials,
        .stations = p->seats[i],
        .station_count = seats,
        .materials = p->materials[i]};
}

static bool meets_fixed(const struct province *p, size_t count, const struct airtime_booking *b) {
    for (size_t i = 0; i < count; i++) {
        const struct airtime_booking *o = &p->bookings[i];
        if (o->station == b->station && o->day == b->day && o->start_s < b->start_s + b->seconds &&
            o->start_s + o->seconds > b->start_s) {
            return true;
        }
    }
    return false;
}

static void make_bookings(struct dice *dice, struct province *p, size_t stations) {
    size_t wanted = (size_t)pick(dice, 0, BOOKINGS);
    for (size_t i = 0; i < wanted; i++) {
        struct airtime_booking b = {.ref = 1 + (int64_t)i,
            .station = (size_t)pick(dice, 0, (int64_t)stations - 1),
            .day = FIRST_DAY + pick(dice, 0, 8),
            .start_s = pick(dice, 0, 86000),
            .seconds = pick(dice, 10, 399),
            .request = 1000 + pick(dice, 0, 9),
            .campaign = 1 + pick(dice, 0, 5),
            .priority = pick(dice, 0, 3) ? AIRTIME_NORMAL : AIRTIME_PRIORITY,
            .fixed = pick(dice, 0, 2) != 0,
            .spent = pick(dice, 0, 5) == 0};
        for (size_t r = 0; r < p->in.request_count; r++) { /* as its request has it */
            const struct airtime_request *request = &p->requests[r];
            if (request->id == b.request) {
                b.campaign = request->campaign;
                b.priority = request->priority;
                b.gap_s = request->gap_s;
            }
        }
        if (!meets_fixed(p, p->in.booking_count, &b)) {
            p->bookings[p->in.booking_count++] = b;
        }
    }
}

static void make_province(uint64_t seed, struct province *p) {
    struct dice dice = {seed};
    memset(p, 0, sizeof *p);
    size_t stations = (size_t)pick(&dice, 1, STATIONS), requests = (size_t)pick(&dice, 1, REQUESTS);
    for (size_t i = 0; i < stations; i++) {
        make_station(&dice, p, i);
    }
    for (size_t i = 0; i < requests; i++) {
        make_request(&dice, p, i, stations);
    }
    p->in.stations = p->stations;
    p->in.station_count = stations;
    p->in.requests = p->requests;
    p->in.request_count = requests;
    p->in.bookings = p->bookings;
    make_bookings(&dice, p, stations);
}

/* --- what must hold, found out without the planner's own code --- */

/* Whether a span covers a moment of a day, minute by minute as a person would look it up. */
static bool covers(const struct airtime_span *span, int64_t day, int64_t second) {
    int weekday = (int)((day + 3) % 7), eve = (weekday + 6) % 7;
    int64_t from = span->from_min * 60, to = span->to_min * 60;
    if (span->to_min > span->from_min) {
        return (span->days >> weekday & 1) && second >= from && second < to;
    }
    return ((span->days >> weekday & 1) && second >= from) ||
           ((span->days >> eve & 1) && second < to);
}

static bool on_air(const struct airtime_station *s, int64_t day, int64_t second) {
    bool open = false;
    for (size_t i = 0; i < s->window_count; i++) {
        open |= covers(&s->windows[i], day, second);
    }
    for (size_t i = 0; i < s->quiet_count; i++) {
        open &= !covers(&s->quiet[i], day, second);
    }
    return open;
}

/* Everything that stands in the end: what was placed, what stayed, what moved. */
struct standing {
    struct airtime_airing a;
    int64_t request;
    bool placed, fixed;
};

static size_t collect(
    const struct province *p, const struct airtime_plan *plan, struct standing *out) {
    size_t count = 0;
    for (size_t i = 0; i < plan->airing_count; i++) {
        out[count++] = (struct standing){
            plan->airings[i], p->requests[plan->airings[i].request].id, true, false};
    }
    for (size_t i = 0; i < p->in.booking_count; i++) {
        const struct airtime_booking *b = &p->bookings[i];
        int64_t start_s = b->start_s;
        for (size_t k = 0; k < plan->move_count; k++) {
            start_s = plan->moves[k].booking == i ? plan->moves[k].start_s : start_s;
        }
        if (!b->spent && start_s >= 0) {
            out[count++] =
                (struct standing){{0, b->station, b->day, start_s, b->seconds, b->material},
                    b->request, false, b->fixed || b->priority == AIRTIME_PRIORITY};
        }
    }
    return count;
}

static void check_pairs(const struct province *p, const struct standing *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            const struct airtime_airing *a = &all[i].a, *b = &all[k].a;
            if (i == k || !all[i].placed || a->station != b->station) {
                continue;
            }
            int64_t from = a->day * AIRTIME_DAY_S + a->start_s, to = from + a->seconds;
            int64_t other = b->day * AIRTIME_DAY_S + b->start_s, end = other + b->seconds;
            int64_t gap = all[i].request == all[k].request ? p->requests[a->request].gap_s : 0;
            assert_true(to + gap <= other || end + gap <= from);
        }
    }
}

static void check_day_sums(const struct province *p, const struct standing *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct airtime_airing *a = &all[i].a;
        const struct airtime_station *station = &p->stations[a->station];
        int64_t sum = 0;
        for (size_t k = 0; k < count; k++) {
            sum += all[k].a.station == a->station && all[k].a.day == a->day ? all[k].a.seconds : 0;
        }
        assert_true(!all[i].placed || station->most_s == 0 || sum <= station->most_s);
    }
}

static void check_counts(const struct province *p, const struct airtime_plan *plan) {
    for (size_t r = 0; r < p->in.request_count; r++) {
        const struct airtime_request *request = &p->requests[r];
        for (size_t n = 0; n < request->station_count; n++) {
            for (int64_t day = request->first_day; day <= request->last_day; day++) {
                int sum = 0, had = 0;
                size_t s = request->stations[n];
                for (size_t i = 0; i < plan->airing_count; i++) {
                    const struct airtime_airing *a = &plan->airings[i];
                    sum += a->request == r && a->station == s && a->day == day;
                }
                for (size_t i = 0; i < plan->clash_count; i++) {
                    const struct airtime_airing *a = &plan->clashes[i].airing;
                    sum += a->request == r && a->station == s && a->day == day;
                }
                for (size_t i = 0; i < p->in.booking_count; i++) {
                    const struct airtime_booking *b = &p->bookings[i];
                    had += b->request == request->id && b->station == s && b->day == day;
                }
                for (size_t i = 0; i < plan->refusal_count; i++) {
                    const struct airtime_refusal *f = &plan->refusals[i];
                    if (f->request == r && f->station == s && f->day == day) {
                        assert_true(f->reason > AIRTIME_FITS && f->got < f->asked);
                        sum = request->per_day - had; /* what lacks has its reason */
                    }
                }
                assert_int_equal(sum, had > request->per_day ? 0 : request->per_day - had);
            }
        }
    }
}

static void check_province(const struct province *p, const struct airtime_plan *plan) {
    struct standing *all =
        base_alloc_array(plan->airing_count + p->in.booking_count + 1, sizeof *all);
    size_t count = collect(p, plan, all);
    for (size_t i = 0; i < plan->airing_count; i++) {
        const struct airtime_airing *a = &plan->airings[i];
        const struct airtime_request *r = &p->requests[a->request];
        assert_true(a->day >= r->first_day && a->day <= r->last_day);
        assert_true(a->day > r->first_day || a->start_s >= r->not_before_s);
        for (int64_t t = a->start_s; t < a->start_s + a->seconds; t += 59) {
            assert_true(on_air(&p->stations[a->station], a->day, t));
        }
        assert_true(on_air(&p->stations[a->station], a->day, a->start_s + a->seconds - 1));
    }
    for (size_t i = 0; i < plan->move_count; i++) { /* what was approved stays */
        const struct airtime_booking *b = &p->bookings[plan->moves[i].booking];
        assert_true(!b->fixed && b->priority == AIRTIME_NORMAL);
    }
    check_pairs(p, all, count);
    check_day_sums(p, all, count);
    check_counts(p, plan);
    base_free(all);
}

#define SAME(a, b, list, count)                                                                    \
    ((a).count == (b).count &&                                                                     \
        ((a).count == 0 || memcmp((a).list, (b).list, (a).count * sizeof *(a).list) == 0))

/* How many provinces: more by hand, LANTOA_PROVINCES=1000000. */
static uint64_t provinces(void) {
    const char *text = getenv("LANTOA_PROVINCES");
    return text ? strtoull(text, NULL, 10) : 10000;
}

static void ten_thousand_provinces_keep_every_promise(void **state) {
    (void)state;
    struct province *p = base_alloc(sizeof *p);
    size_t airings = 0, refusals = 0, clashes = 0, moves = 0;
    for (uint64_t seed = 1; seed <= provinces(); seed++) {
        struct airtime_plan plan, again;
        struct base_err err = {0};
        make_province(seed, p);
        assert_ok(airtime_plan(&p->in, &plan, &err), err);
        check_province(p, &plan);
        assert_ok(airtime_plan(&p->in, &again, &err), err);
        assert_true(SAME(plan, again, airings, airing_count));
        assert_int_equal(plan.refusal_count, again.refusal_count);
        assert_int_equal(plan.clash_count, again.clash_count);
        assert_int_equal(plan.move_count, again.move_count);
        airings += plan.airing_count;
        refusals += plan.refusal_count;
        clashes += plan.clash_count;
        moves += plan.move_count;
        airtime_plan_release(&plan);
        airtime_plan_release(&again);
    }
    base_free(p);
    assert_true(airings > 10000 && refusals > 10000 && clashes > 100 && moves > 100);
}

/* What a plan placed, approved and planned again around, is not moved. */
static void an_approved_plan_is_stable(void **state) {
    (void)state;
    struct province *p = base_alloc(sizeof *p);
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct airtime_plan plan, again;
        struct base_err err = {0};
        make_province(seed, p);
        p->in.booking_count = 0;
        assert_ok(airtime_plan(&p->in, &plan, &err), err);
        for (size_t i = 0; i < plan.airing_count && i < BOOKINGS; i++) {
            const struct airtime_airing *a = &plan.airings[i];
            const struct airtime_request *r = &p->requests[a->request];
            p->bookings[p->in.booking_count++] =
                (struct airtime_booking){(int64_t)i, a->station, a->day, a->start_s, a->seconds,
                    r->id, r->campaign, a->material, r->gap_s, r->priority, true, false};
        }
        assert_ok(airtime_plan(&p->in, &again, &err), err);
        assert_int_equal(again.move_count, 0);
        check_province(p, &again);
        airtime_plan_release(&plan);
        airtime_plan_release(&again);
    }
    base_free(p);
}

/* --- single cases --- */

static const struct airtime_span two_windows[] = {
    {5 * 60, 5 * 60 + 30, AIRTIME_ALL_DAYS}, {17 * 60, 17 * 60 + 30, AIRTIME_ALL_DAYS}};
static const struct airtime_span night[] = {{22 * 60, 5 * 60, AIRTIME_ALL_DAYS}};
static const struct airtime_material one_minute[] = {{7, 60}};
static const size_t first_station[] = {0};

static struct airtime_station station_of(const struct airtime_span *windows, size_t count) {
    return (struct airtime_station){.id = 1,
        .windows = windows,
        .window_count = count,
        .quiet = night,
        .quiet_count = 1,
        .most_s = 45 * 60};
}

static struct airtime_request request_of(int64_t id, int per_day) {
    return (struct airtime_request){.id = id,
        .campaign = id,
        .priority = AIRTIME_NORMAL,
        .first_day = FIRST_DAY,
        .last_day = FIRST_DAY,
        .per_day = per_day,
        .rotation = AIRTIME_IN_TURN,
        .material_count = 1,
        .stations = first_station,
        .station_count = 1,
        .materials = one_minute};
}

static struct airtime_plan plan_of(const struct airtime_station *station,
    const struct airtime_request *requests, size_t request_count,
    const struct airtime_booking *bookings, size_t booking_count) {
    struct airtime_plan plan;
    struct base_err err = {0};
    const struct airtime_input in = {station, 1, requests, request_count, bookings, booking_count};
    assert_ok(airtime_plan(&in, &plan, &err), err);
    return plan;
}

static void repeats_spread_over_morning_and_evening(void **state) {
    (void)state;
    struct airtime_station station = station_of(two_windows, 2);
    struct airtime_request request = request_of(1, 2);
    struct airtime_plan plan = plan_of(&station, &request, 1, NULL, 0);
    assert_int_equal(plan.airing_count, 2);
    assert_int_equal(plan.airings[0].start_s, 5 * 3600);
    assert_int_equal(plan.airings[1].start_s, 17 * 3600);
    airtime_plan_release(&plan);
}

static void half_past_four_is_refused(void **state) {
    (void)state;
    static const struct airtime_span early[] = {{4 * 60 + 30, 4 * 60 + 45, AIRTIME_ALL_DAYS}};
    struct airtime_station station = station_of(early, 1);
    struct airtime_request request = request_of(1, 1);
    struct airtime_plan plan = plan_of(&station, &request, 1, NULL, 0);
    assert_int_equal(plan.airing_count, 0);
    assert_int_equal(plan.refusal_count, 1);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_QUIET);
    assert_int_equal(airtime_allowed(&station, FIRST_DAY, 4 * 3600 + 1800, 60), AIRTIME_QUIET);
    assert_int_equal(airtime_allowed(&station, FIRST_DAY, 12 * 3600, 60), AIRTIME_OUTSIDE);
    airtime_plan_release(&plan);
}

static void campaigns_share_a_full_morning(void **state) {
    (void)state;
    static const struct airtime_span three[] = {{300, 303, AIRTIME_ALL_DAYS}};
    struct airtime_station station = station_of(three, 1);
    struct airtime_request requests[] = {request_of(1, 3), request_of(2, 3), request_of(3, 3)};
    struct airtime_plan plan = plan_of(&station, requests, 3, NULL, 0);
    assert_int_equal(plan.airing_count, 3);
    for (size_t i = 0; i < 3; i++) { /* one for each, not three for the first */
        assert_int_equal(plan.airings[i].request, i);
    }
    assert_int_equal(plan.refusal_count, 3);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_TAKEN);
    airtime_plan_release(&plan);
}

static void a_priority_item_pushes_what_nobody_approved(void **state) {
    (void)state;
    static const struct airtime_span two[] = {{300, 302, AIRTIME_ALL_DAYS}};
    struct airtime_station station = station_of(two, 1);
    struct airtime_request request = request_of(9, 1);
    struct airtime_booking bookings[] = {{.ref = 1,
                                             .day = FIRST_DAY,
                                             .start_s = 18000,
                                             .seconds = 60,
                                             .request = 5,
                                             .campaign = 5,
                                             .priority = AIRTIME_NORMAL},
        {.ref = 2,
            .day = FIRST_DAY,
            .start_s = 18060,
            .seconds = 60,
            .request = 6,
            .campaign = 6,
            .priority = AIRTIME_NORMAL}};
    request.priority = AIRTIME_PRIORITY;
    struct airtime_plan plan = plan_of(&station, &request, 1, bookings, 2);
    assert_int_equal(plan.airing_count, 1);
    assert_int_equal(plan.airings[0].start_s, 18000);
    assert_int_equal(plan.move_count, 2);
    assert_int_equal(plan.moves[0].start_s, 18060); /* one place is left, the earlier one has it */
    assert_int_equal(plan.moves[1].start_s, -1);
    airtime_plan_release(&plan);
    bookings[0].fixed = bookings[1].fixed = true; /* approved: the commune decides */
    plan = plan_of(&station, &request, 1, bookings, 2);
    assert_int_equal(plan.airing_count, 0);
    assert_int_equal(plan.clash_count, 1);
    assert_int_equal(plan.clashes[0].booking, 0);
    assert_int_equal(plan.move_count, 0);
    airtime_plan_release(&plan);
}

static void refusals_name_who_stands_in_the_way(void **state) {
    (void)state;
    static const struct airtime_span one[] = {{300, 301, AIRTIME_ALL_DAYS}};
    struct airtime_station station = station_of(one, 1);
    struct airtime_request request = request_of(9, 1);
    const struct airtime_booking booking = {.ref = 1,
        .day = FIRST_DAY,
        .start_s = 18000,
        .seconds = 60,
        .request = 5,
        .campaign = 5,
        .priority = AIRTIME_NORMAL};
    struct airtime_plan plan = plan_of(&station, &request, 1, &booking, 1);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_TAKEN);
    assert_int_equal(plan.refusals[0].by, 0);
    airtime_plan_release(&plan);
}

static void materials_take_turns(void **state) {
    (void)state;
    static const struct airtime_material three[] = {{1, 60}, {0, 0}, {3, 60}};
    struct airtime_station station = station_of(two_windows, 2);
    struct airtime_request request = request_of(1, 2);
    request.materials = three;
    request.material_count = 3;
    request.last_day = FIRST_DAY + 1;
    struct airtime_plan plan = plan_of(&station, &request, 1, NULL, 0);
    assert_int_equal(plan.airing_count, 4);
    assert_int_equal(plan.airings[0].material, 1);
    assert_int_equal(plan.airings[1].material, 3);
    airtime_plan_release(&plan);
    request.rotation = AIRTIME_BY_DAY;
    plan = plan_of(&station, &request, 1, NULL, 0);
    assert_int_equal(plan.airings[0].material, 1);
    assert_int_equal(plan.airings[1].material, 1);
    assert_int_equal(plan.airings[2].material, 3);
    airtime_plan_release(&plan);
}

/* The minutes of a day are for all campaigns together; each refusal says which rule it was. */
static void the_gap_and_the_minutes_of_a_day_are_kept(void **state) {
    (void)state;
    static const struct airtime_span one[] = {{300, 330, AIRTIME_ALL_DAYS}};
    struct airtime_station station = station_of(one, 1);
    struct airtime_request requests[] = {request_of(1, 4), request_of(2, 1)};
    requests[0].gap_s = 10 * 60;
    struct airtime_plan plan = plan_of(&station, requests, 1, NULL, 0);
    assert_int_equal(plan.airing_count, 3);
    assert_true(plan.airings[1].start_s >= plan.airings[0].start_s + 11 * 60);
    assert_true(plan.airings[2].start_s >= plan.airings[1].start_s + 11 * 60);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_GAP);
    assert_int_equal(plan.refusals[0].got, 3);
    airtime_plan_release(&plan);
    const struct airtime_booking approved = {
        1, 0, FIRST_DAY, 18000, 60, 5, 5, 0, 0, AIRTIME_NORMAL, true, false};
    station.most_s = 2 * 60;
    requests[0].gap_s = 0;
    requests[0].per_day = 1;
    plan = plan_of(&station, requests, 2, &approved, 1);
    assert_int_equal(plan.airing_count, 1);
    assert_int_equal(plan.move_count, 0);
    assert_int_equal(plan.refusal_count, 1);
    assert_int_equal(plan.refusals[0].reason, AIRTIME_MINUTES);
    airtime_plan_release(&plan);
}

static void what_the_commune_declined_is_not_offered_again(void **state) {
    (void)state;
    struct airtime_station station = station_of(two_windows, 2);
    struct airtime_request request = request_of(1, 2);
    const struct airtime_booking declined = {.ref = 1,
        .day = FIRST_DAY,
        .start_s = 18000,
        .seconds = 60,
        .request = 1,
        .campaign = 1,
        .material = 7,
        .priority = AIRTIME_NORMAL,
        .spent = true};
    struct airtime_plan plan = plan_of(&station, &request, 1, &declined, 1);
    assert_int_equal(plan.airing_count, 1);
    assert_int_equal(plan.airings[0].start_s, 17 * 3600);
    assert_int_equal(plan.refusal_count, 0);
    airtime_plan_release(&plan);
}

static void an_emergency_finds_what_it_interrupts(void **state) {
    (void)state;
    const struct airtime_booking bookings[] = {{.ref = 1, .day = 5, .start_s = 600, .seconds = 60},
        {.ref = 2, .day = 5, .start_s = 540, .seconds = 60},
        {.ref = 3, .day = 5, .start_s = 700, .seconds = 60},
        {.ref = 4, .day = 5, .start_s = 590, .seconds = 60, .spent = true},
        {.ref = 5, .day = 6, .start_s = 600, .seconds = 60}};
    size_t found[2];
    assert_int_equal(airtime_interrupted(bookings, 5, 0, 5, 580, 60, found, 2), 2);
    assert_int_equal(found[0], 1);
    assert_int_equal(found[1], 0);
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    struct airtime_station station = station_of(two_windows, 2);
    struct airtime_request request = request_of(1, 2);
    struct airtime_plan plan;
    struct base_err err = {0};
    const struct airtime_input in = {&station, 1, &request, 1, NULL, 0};
    request.priority = AIRTIME_EMERGENCY;
    assert_fault(airtime_plan(&in, &plan, &err), LANTOA_EINVAL, err, "request 1 makes no sense");
    request.priority = AIRTIME_NORMAL;
    request.last_day = request.first_day - 1;
    assert_int_equal(airtime_plan(&in, &plan, &err), LANTOA_EINVAL);
    enum airtime_reason reason;
    assert_int_equal(airtime_reason_from_word(str_from("gap"), &reason), 0);
    assert_int_equal(reason, AIRTIME_GAP);
    assert_int_equal(airtime_reason_from_word(str_from("x"), &reason), LANTOA_ENOENT);
}

static void the_latest_start_is_before_the_window_ends(void **state) {
    (void)state;
    struct airtime_station station = station_of(two_windows, 2);
    assert_int_equal(airtime_latest_start(&station, FIRST_DAY, 5 * 3600, 60), 5 * 3600 + 29 * 60);
    assert_int_equal(airtime_latest_start(&station, FIRST_DAY, 12 * 3600, 60), 12 * 3600);
    assert_true(airtime_is_quiet(&station, FIRST_DAY, 4 * 3600));
    assert_false(airtime_is_quiet(&station, FIRST_DAY, 5 * 3600));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_provinces_keep_every_promise),
        cmocka_unit_test(an_approved_plan_is_stable),
        cmocka_unit_test(repeats_spread_over_morning_and_evening),
        cmocka_unit_test(half_past_four_is_refused),
        cmocka_unit_test(campaigns_share_a_full_morning),
        cmocka_unit_test(a_priority_item_pushes_what_nobody_approved),
        cmocka_unit_test(refusals_name_who_stands_in_the_way),
        cmocka_unit_test(materials_take_turns),
        cmocka_unit_test(the_gap_and_the_minutes_of_a_day_are_kept),
        cmocka_unit_test(what_the_commune_declined_is_not_offered_again),
        cmocka_unit_test(an_emergency_finds_what_it_interrupts),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(the_latest_start_is_before_the_window_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
