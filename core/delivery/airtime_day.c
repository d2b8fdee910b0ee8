/* One station on one day: when it may broadcast, and where the next item fits. */
#include "delivery/airtime_private.h"

#include "base/mem.h"
#include <lantoa/errors.h>

/* --- windows and quiet hours --- */

int airtime_weekday(int64_t day) {
    return (int)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

/* The pieces that a span covers of a weekday: its own, and what ran over from the day before. */
static size_t pieces_of(
    const struct airtime_span *span, int weekday, struct airtime__piece pieces_out[2]) {
    size_t count = 0;
    bool over = span->to_min <= span->from_min;
    if (over && span->days >> ((weekday + 6) % 7) & 1 && span->to_min > 0) {
        pieces_out[count++] = (struct airtime__piece){0, (int64_t)span->to_min * 60};
    }
    if (span->days >> weekday & 1) {
        pieces_out[count++] = (struct airtime__piece){
            (int64_t)span->from_min * 60, over ? AIRTIME_DAY_S : (int64_t)span->to_min * 60};
    }
    return count;
}

static void add_piece(struct airtime__open *open, struct airtime__piece piece) {
    size_t at = open->count++;
    for (; at > 0 && open->pieces[at - 1].from_s > piece.from_s; at--) {
        open->pieces[at] = open->pieces[at - 1];
    }
    open->pieces[at] = piece;
}

static void merge(struct airtime__open *open) {
    size_t kept = 0;
    for (size_t i = 0; i < open->count; i++) {
        struct airtime__piece piece = open->pieces[i];
        if (kept > 0 && piece.from_s <= open->pieces[kept - 1].to_s) {
            struct airtime__piece *last = &open->pieces[kept - 1];
            last->to_s = piece.to_s > last->to_s ? piece.to_s : last->to_s;
        } else {
            open->pieces[kept++] = piece;
        }
    }
    open->count = kept;
}

static void take_out(struct airtime__open *open, struct airtime__piece quiet) {
    struct airtime__open old = *open;
    open->count = 0;
    for (size_t i = 0; i < old.count; i++) {
        struct airtime__piece piece = old.pieces[i];
        if (quiet.to_s <= piece.from_s || quiet.from_s >= piece.to_s) {
            open->pieces[open->count++] = piece;
            continue;
        }
        if (quiet.from_s > piece.from_s) {
            open->pieces[open->count++] = (struct airtime__piece){piece.from_s, quiet.from_s};
        }
        if (quiet.to_s < piece.to_s) {
            open->pieces[open->count++] = (struct airtime__piece){quiet.to_s, piece.to_s};
        }
    }
}

void airtime__open_pieces(
    const struct airtime_station *station, int weekday, struct airtime__open *open_out) {
    struct airtime__piece pieces[2];
    *open_out = (struct airtime__open){.count = 0};
    for (size_t i = 0; i < station->window_count; i++) {
        size_t count = pieces_of(&station->windows[i], weekday, pieces);
        for (size_t k = 0; k < count; k++) {
            add_piece(open_out, pieces[k]);
        }
    }
    merge(open_out);
    open_out->has_window = open_out->count > 0;
    for (size_t i = 0; i < station->quiet_count; i++) {
        size_t count = pieces_of(&station->quiet[i], weekday, pieces);
        for (size_t k = 0; k < count; k++) {
            take_out(open_out, pieces[k]);
        }
    }
}

bool airtime_is_quiet(const struct airtime_station *station, int64_t day, int64_t second) {
    struct airtime__piece pieces[2];
    for (size_t i = 0; i < station->quiet_count; i++) {
        size_t count = pieces_of(&station->quiet[i], airtime_weekday(day), pieces);
        for (size_t k = 0; k < count; k++) {
            if (second >= pieces[k].from_s && second < pieces[k].to_s) {
                return true;
            }
        }
    }
    return false;
}

static const struct airtime__piece *piece_at(
    const struct airtime__open *open, int64_t start_s, int64_t seconds) {
    for (size_t i = 0; i < open->count; i++) {
        if (start_s >= open->pieces[i].from_s && start_s + seconds <= open->pieces[i].to_s) {
            return &open->pieces[i];
        }
    }
    return NULL;
}

enum airtime_reason airtime_allowed(
    const struct airtime_station *station, int64_t day, int64_t start_s, int64_t seconds) {
    struct airtime__open open;
    airtime__open_pieces(station, airtime_weekday(day), &open);
    if (piece_at(&open, start_s, seconds)) {
        return AIRTIME_FITS;
    }
    bool quiet = airtime_is_quiet(station, day, start_s) ||
                 airtime_is_quiet(station, day, start_s + (seconds > 0 ? seconds - 1 : 0));
    return quiet ? AIRTIME_QUIET : AIRTIME_OUTSIDE;
}

int64_t airtime_latest_start(
    const struct airtime_station *station, int64_t day, int64_t start_s, int64_t seconds) {
    struct airtime__open open;
    airtime__open_pieces(station, airtime_weekday(day), &open);
    const struct airtime__piece *piece = piece_at(&open, start_s, seconds);
    return piece ? piece->to_s - seconds : start_s;
}

/* --- placing --- */

void airtime__add(struct airtime__day *day, const struct airtime__entry *entry) {
    if (day->entry_count == day->entry_room) {
        day->entry_room = day->entry_room ? 2 * day->entry_room : 16;
        day->entries = base_realloc(day->entries, day->entry_room * sizeof *day->entries);
    }
    day->entries[day->entry_count++] = *entry;
    day->used_s += entry->ghost ? 0 : entry->to_s - entry->from_s;
}

const struct airtime__entry *airtime__at(
    const struct airtime__day *day, int64_t from_s, int64_t to_s, int64_t campaign) {
    const struct airtime__entry *first = NULL;
    for (size_t i = 0; i < day->entry_count; i++) {
        const struct airtime__entry *e = &day->entries[i];
        if (!e->ghost && e->campaign != campaign && e->from_s < to_s && e->to_s > from_s &&
            (!first || e->from_s < first->from_s)) {
            first = e;
        }
    }
    return first;
}

size_t airtime__emptiest(const struct airtime__day *day, int64_t request,
    const struct airtime_booking *bookings, const size_t *today, size_t today_count) {
    size_t best = 0;
    size_t least = SIZE_MAX;
    for (size_t p = 0; p < day->open->count; p++) {
        const struct airtime__piece *piece = &day->open->pieces[p];
        size_t count = 0;
        for (size_t i = 0; i < day->entry_count; i++) {
            const struct airtime__entry *e = &day->entries[i];
            count += e->request == request && e->from_s >= piece->from_s && e->from_s < piece->to_s;
        }
        for (size_t i = 0; i < today_count; i++) { /* declined ones are no entries */
            const struct airtime_booking *b = &bookings[today[i]];
            count += b->spent && b->request == request && b->start_s >= piece->from_s &&
                     b->start_s < piece->to_s;
        }
        if (count < least) {
            least = count;
            best = p;
        }
    }
    return best;
}

/* How far an entry pushes an item that would begin at start_s; start_s itself when it does not. */
static int64_t pushed(
    const struct airtime__entry *e, const struct airtime__item *item, int64_t start_s) {
    bool own = e->request == item->request && e->request != 0;
    if ((e->ghost && !own) || (item->alone && !own && e->campaign != item->campaign)) {
        return start_s;
    }
    int64_t gap_s = own ? item->gap_s : 0;
    bool meets = start_s < e->to_s + gap_s && start_s + item->seconds > e->from_s - gap_s;
    return meets ? e->to_s + gap_s : start_s;
}

/* What the search came across. */
struct search {
    bool fits_window;                   /* some piece is long enough */
    bool late;                          /* ... but over before the request begins */
    bool gap;                           /* its own gap pushed it */
    const struct airtime__entry *other; /* the first of another request that pushed it */
};

static int64_t search_piece(const struct airtime__day *day, const struct airtime__item *item,
    const struct airtime__piece *piece, struct search *seen) {
    if (piece->to_s - piece->from_s < item->seconds) {
        return -1;
    }
    seen->fits_window = true;
    int64_t at = piece->from_s > item->not_before_s ? piece->from_s : item->not_before_s;
    if (at + item->seconds > piece->to_s) {
        seen->late = true;
        return -1;
    }
    if (at < item->last_end_s + item->gap_s) {
        at = item->last_end_s + item->gap_s;
        seen->gap = true;
    }
    for (bool moved = true; moved && at + item->seconds <= piece->to_s;) {
        moved = false;
        for (size_t i = 0; i < day->entry_count; i++) {
            const struct airtime__entry *e = &day->entries[i];
            int64_t next = pushed(e, item, at);
            if (next > at) {
                at = next;
                moved = true;
                if (e->request == item->request) {
                    seen->gap = true;
                } else if (!seen->other) {
                    seen->other = e;
                }
            }
        }
    }
    if (at + item->seconds + item->gap_s > item->next_start_s) {
        seen->gap = true;
        return -1;
    }
    return at + item->seconds <= piece->to_s ? at : -1;
}

static enum airtime_reason reason_of(
    const struct airtime__day *day, const struct search *seen, size_t *by_out) {
    if (day->open->count == 0) {
        return day->open->has_window ? AIRTIME_QUIET : AIRTIME_NO_WINDOW;
    }
    if (!seen->fits_window) {
        return AIRTIME_TOO_LONG;
    }
    if (seen->other) {
        *by_out = seen->other->booking;
        return AIRTIME_TAKEN;
    }
    return seen->gap ? AIRTIME_GAP : AIRTIME_TOO_LATE;
}

enum airtime_reason airtime__place(const struct airtime__day *day, const struct airtime__item *item,
    int64_t *start_out, size_t *by_out) {
    struct search seen = {0};
    size_t count = day->open->count;
    *by_out = AIRTIME_NONE;
    for (size_t n = 0; n < count; n++) {
        const struct airtime__piece *piece = &day->open->pieces[(item->first_piece + n) % count];
        int64_t at = search_piece(day, item, piece, &seen);
        if (at < 0) {
            continue;
        }
        int64_t most_s = day->station->most_s;
        if (most_s > 0 && !item->alone && day->used_s + item->seconds > most_s) {
            return item->seconds > most_s ? AIRTIME_TOO_LONG : AIRTIME_MINUTES;
        }
        *start_out = at;
        return AIRTIME_FITS;
    }
    return reason_of(day, &seen, by_out);
}
