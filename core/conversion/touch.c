/* Gathers touches: the ledger by jumping, clicks and events by merging, airings by the place. */
#include "conversion/touch_private.h"

#include "base/tr.h"
#include "campaign/store.h"
#include "delivery/ledger.h"
#include <pthread.h>
#include <unistd.h>

/* Rows stepped over before it is cheaper to look the next person up. */
#define HOPS_MOST 8
/* People times steps from which a second thread is worth its connection. */
#define PARALLEL_FROM 1000000

struct found { /* a touch with whom it is of */
    size_t person;
    struct touch touch;
};

struct gather {
    struct db *db;
    struct touch_set *set;
    const struct touch_person *people;
    size_t people_count;
    struct found *found;
    size_t count, room;
};

/* --- sources --- */

static struct touch_source *add_source(struct touch_set *set) {
    if (set->source_count == set->source_room) {
        set->source_room = set->source_room ? 2 * set->source_room : 64;
        set->sources = base_realloc(set->sources, set->source_room * sizeof *set->sources);
    }
    struct touch_source *source = &set->sources[set->source_count++];
    *source = (struct touch_source){.campaign = "", .theme = "", .channel = "", .step = ""};
    return source;
}

static const char *keep(struct touch_set *set, struct str text) {
    return base_arena_strndup(set->arena, text.at ? text.at : "", text.bytes);
}

static int read_sources(struct db *db, struct touch_set *set, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT s.id, g.id, g.theme_id, s.channel_id, g.name, t.name, c.name, s.name, "
        "coalesce(c.kind, ''), s.occurrence, coalesce(s.first_sent_at, 0), coalesce(s.last_sent_at,"
        " 0) FROM step s JOIN campaign g ON g.id = s.campaign_id JOIN theme t ON t.id = g.theme_id "
        "JOIN channel c ON c.id = s.channel_id WHERE g.name NOT LIKE ?1 ORDER BY s.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, CAMPAIGN_SYSTEM_PREFIX "%");
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct touch_source *source = add_source(set);
        source->step_id = db_column_i64(stmt, 0);
        source->campaign_id = db_column_i64(stmt, 1);
        source->theme_id = db_column_i64(stmt, 2);
        source->channel_id = db_column_i64(stmt, 3);
        source->campaign = keep(set, db_column_str(stmt, 4));
        source->theme = keep(set, db_column_str(stmt, 5));
        source->channel = keep(set, db_column_str(stmt, 6));
        source->step = keep(set, db_column_str(stmt, 7));
        source->kind = keep(set, db_column_str(stmt, 8));
        source->occurrence = db_column_i64(stmt, 9);
        source->first_ms = db_column_i64(stmt, 10);
        source->last_ms = db_column_i64(stmt, 11);
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

/* The source of an event that answers no message: its channel kind. */
static size_t source_of_kind(struct touch_set *set, struct str kind) {
    for (size_t i = 0; i < set->source_count; i++) {
        if (set->sources[i].step_id == 0 && str_is(kind, set->sources[i].kind)) {
            return i;
        }
    }
    struct touch_source *source = add_source(set);
    source->kind = keep(set, kind);
    source->channel = source->kind;
    return set->source_count - 1;
}

size_t touch__source_of_step(const struct touch_set *set, int64_t step_id) {
    size_t low = 0;
    size_t high = set->source_count;
    while (low < high) { /* steps come first, in order; kinds (0) stand behind them */
        size_t middle = low + (high - low) / 2;
        int64_t id = set->sources[middle].step_id;
        if (id == step_id) {
            return middle;
        }
        if (id && id < step_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return SIZE_MAX;
}

/* --- what was found --- */

static void add_found(
    struct gather *g, size_t person, uint32_t source, uint32_t kind, int64_t at_ms) {
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 4096;
        g->found = base_realloc(g->found, g->room * sizeof *g->found);
    }
    g->found[g->count++] = (struct found){person, {source, kind, at_ms}};
}

/* The touch for each enrolment of the contact whose window it falls into; first: of the contact. */
static void offer(struct gather *g, size_t first, uint32_t source, uint32_t kind, int64_t at_ms,
    int64_t window_ms) {
    int64_t contact = g->people[first].contact_id;
    for (size_t i = first; i < g->people_count && g->people[i].contact_id == contact; i++) {
        if (at_ms <= g->people[i].until_ms && at_ms > g->people[i].until_ms - window_ms) {
            add_found(g, i, source, kind, at_ms);
        }
    }
}

/* --- messages of a step --- */

/* A place in the rows of a step. Most rows are stepped over, so only their ids are read; what else
 * is wanted of a row is looked up. */
struct cursor {
    struct db_stmt *ids, *row;
    int64_t last; /* id of the step's last row at most */
    int64_t id;
    int64_t stride; /* from one row to the next, lately */
    bool open, ended;
};

static int cursor_next(struct cursor *c, struct base_err *err) {
    int rc = db_step(c->ids, err);
    if (rc == 1) {
        c->id = db_column_i64(c->ids, 0);
        return 0;
    }
    c->ended = true;
    c->open = false;
    return rc;
}

static int cursor_seek(struct cursor *c, int64_t id, struct base_err *err) {
    db_reset(c->ids);
    db_bind_i64(c->ids, 1, id);
    db_bind_i64(c->ids, 2, c->last);
    c->open = true;
    return cursor_next(c, err);
}

/* To the first row with an id of at least this. */
static int cursor_to(struct cursor *c, int64_t id, struct base_err *err) {
    int rc = 0;
    if (c->open && id - c->id <= HOPS_MOST * c->stride) {
        for (int hop = 0; rc == 0 && c->open && c->id < id && hop < 2 * HOPS_MOST; hop++) {
            int64_t before = c->id;
            rc = cursor_next(c, err);
            c->stride += (c->id - before - c->stride) / 8;
        }
    }
    return rc == 0 && !c->ended && (!c->open || c->id < id) ? cursor_seek(c, id, err) : rc;
}

static bool reached(int state) {
    return state == MESSAGE_ACCEPTED || state == MESSAGE_DELIVERED;
}

/* The row at hand, if it reached its person; first: of the contact. */
static int take_row(struct gather *g, const struct cursor *c, size_t first, uint32_t source,
    int64_t window, struct base_err *err) {
    db_bind_i64(c->row, 1, c->id);
    int rc = db_step(c->row, err);
    if (rc == 1 && reached((int)db_column_i64(c->row, 0))) {
        offer(g, first, source, TOUCH_DELIVERED, db_column_i64(c->row, 1), window);
    }
    db_reset(c->row);
    return rc < 0 ? rc : 0;
}

static int gather_step(struct gather *g, struct db_stmt *ids, struct db_stmt *row, uint32_t source,
    struct base_err *err) {
    const struct touch_source *from = &g->set->sources[source];
    int64_t window = g->set->windows[source * TOUCH_KIND_COUNT + TOUCH_DELIVERED];
    struct cursor cursor = {.ids = ids,
        .row = row,
        .last = ledger_last(from->step_id),
        .stride = INT64_C(1) << LEDGER_RECIPIENT_SHIFT};
    int64_t seen = 0;
    size_t first = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && !cursor.ended && i < g->people_count; i++) {
        const struct touch_person *person = &g->people[i];
        first = i && person->contact_id == g->people[i - 1].contact_id ? first : i;
        if (person->until_ms < from->first_ms || person->until_ms - window >= from->last_ms ||
            person->contact_id == seen) {
            continue;
        }
        seen = person->contact_id;
        int64_t id = ledger_id(from->step_id, seen, 0);
        rc = cursor_to(&cursor, id, err);
        while (rc == 0 && cursor.open && cursor.id <= (id | LEDGER_GENERATION_MAX)) {
            rc = take_row(g, &cursor, first, source, window, err);
            rc = rc == 0 ? cursor_next(&cursor, err) : rc;
        }
    }
    db_reset(ids);
    return rc;
}

/* The steps that a worker walks: those whose number leaves `part` when divided by `parts`. */
struct worker {
    struct gather gather;
    size_t part, parts;
    int rc;
    struct base_err err;
    pthread_t thread;
};

static int gather_part(struct worker *w) {
    struct gather *g = &w->gather;
    struct db_stmt *ids = NULL;
    struct db_stmt *row = NULL;
    int rc = db_prepare(
        g->db, "SELECT id FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id", &ids, &w->err);
    rc = rc ? rc : db_prepare(g->db, "SELECT state, at FROM message WHERE id = ?1", &row, &w->err);
    for (size_t s = w->part; rc == 0 && s < g->set->source_count; s += w->parts) {
        if (g->set->sources[s].first_ms &&
            g->set->windows[s * TOUCH_KIND_COUNT + TOUCH_DELIVERED] >= 0) {
            rc = gather_step(g, ids, row, (uint32_t)s, &w->err);
        }
    }
    db_finish(&ids);
    db_finish(&row);
    return rc;
}

static void *work(void *arg) {
    struct worker *w = arg;
    w->rc = gather_part(w);
    return NULL;
}

/* The second of two workers, with a connection of its own: worth it for many people only. false:
 * there is none, and the first does everything. */
static bool start_second(struct gather *g, struct worker *w) {
    struct db *beside = NULL;
    if (g->people_count * g->set->source_count < PARALLEL_FROM ||
        sysconf(_SC_NPROCESSORS_ONLN) < 2 || db_open_beside(g->db, &beside, &w->err) != 0) {
        return false;
    }
    *w = (struct worker){.gather = *g, .part = 1, .parts = 2};
    w->gather.db = beside;
    if (db_begin_read(beside, &w->err) == 0 && pthread_create(&w->thread, NULL, work, w) == 0) {
        return true;
    }
    db_rollback(beside);
    db_close(&beside);
    return false;
}

static void take_found(struct gather *g, struct gather *from) {
    if (from->count) {
        g->found = base_realloc(g->found, (g->count + from->count) * sizeof *g->found);
        memcpy(&g->found[g->count], from->found, from->count * sizeof *g->found);
        g->count = g->room = g->count + from->count;
    }
    base_free(from->found);
}

static int gather_messages(struct gather *g, struct base_err *err) {
    struct worker second = {0};
    bool two = start_second(g, &second);
    struct worker first = {.gather = *g, .parts = two ? 2 : 1};
    int rc = gather_part(&first);
    const struct base_err *why = &first.err;
    *g = first.gather;
    if (two) {
        pthread_join(second.thread, NULL);
        take_found(g, &second.gather);
        db_rollback(second.gather.db);
        db_close(&second.gather.db);
        why = rc ? why : &second.err;
        rc = rc ? rc : second.rc;
    }
    return rc ? base_err_set(err, rc, "%s", why->text) : 0;
}

/* --- clicks and events --- */

/* The first of the contact's people, or people_count. */
static size_t find_person(const struct gather *g, int64_t contact) {
    size_t low = 0;
    size_t high = g->people_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->people[middle].contact_id < contact) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < g->people_count && g->people[low].contact_id == contact ? low : g->people_count;
}

static int gather_clicks(struct gather *g, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(g->db,
        "SELECT message_id, min(at) FROM click_first WHERE message_id BETWEEN ?1 AND ?2 AND link "
        ">= 0 GROUP BY message_id ORDER BY message_id",
        &stmt, err);
    for (size_t s = 0; rc == 0 && s < g->set->source_count; s++) {
        int64_t window = g->set->windows[s * TOUCH_KIND_COUNT + TOUCH_CLICKED];
        if (window < 0 || !g->set->sources[s].first_ms) {
            continue;
        }
        db_bind_i64(stmt, 1, ledger_first(g->set->sources[s].step_id));
        db_bind_i64(stmt, 2, ledger_last(g->set->sources[s].step_id));
        while ((rc = db_step(stmt, err)) == 1) {
            size_t at = find_person(g, ledger_recipient(db_column_i64(stmt, 0)));
            if (at < g->people_count) {
                offer(g, at, (uint32_t)s, TOUCH_CLICKED, db_column_i64(stmt, 1), window);
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

#define SQL_EVENTS                                                                                 \
    "SELECT contact_id, at, kind, channel, coalesce(message_id, 0) FROM contact_event WHERE kind " \
    "IN ('interest', 'visit') ORDER BY contact_id, at, id"

/* The source and kind of the event at hand; SIZE_MAX: of a campaign of the program itself. */
static size_t event_source(struct touch_set *set, struct db_stmt *stmt, enum touch_kind *kind_out) {
    int64_t message = db_column_i64(stmt, 4);
    *kind_out = str_is(db_column_str(stmt, 2), "visit") ? TOUCH_VISITED : TOUCH_REPLIED;
    return message ? touch__source_of_step(set, ledger_step(message))
                   : source_of_kind(set, db_column_str(stmt, 3));
}

/* Sources of events are known before the windows are. */
static int read_event_sources(struct db *db, struct touch_set *set, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT DISTINCT channel FROM contact_event WHERE kind IN ('interest', 'visit') AND "
        "message_id IS NULL ORDER BY channel",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        source_of_kind(set, db_column_str(stmt, 0));
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static int gather_events(struct gather *g, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t known = g->set->source_count;
    int rc = db_prepare(g->db, SQL_EVENTS, &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        enum touch_kind kind;
        size_t source = event_source(g->set, stmt, &kind);
        size_t at = find_person(g, db_column_i64(stmt, 0));
        rc = 0;
        if (source >= known || at == g->people_count) {
            continue; /* nobody's, or it came while we read */
        }
        int64_t window = g->set->windows[source * TOUCH_KIND_COUNT + kind];
        if (window >= 0) {
            offer(g, at, (uint32_t)source, kind, db_column_i64(stmt, 1), window);
        }
    }
    db_finish(&stmt);
    g->set->source_count = known;
    return rc;
}

/* --- airings --- */

struct heard_by {
    struct gather *gather;
    size_t person; /* the first of the contact */
};

static void offer_heard(void *arg, const struct touch *touch) {
    const struct heard_by *by = arg;
    struct gather *g = by->gather;
    offer(g, by->person, touch->source, TOUCH_HEARD, touch->at_ms,
        g->set->windows[touch->source * TOUCH_KIND_COUNT + TOUCH_HEARD]);
}

/* From when on touches can count for the contact's enrolments, and until when. */
static void span_of(
    const struct gather *g, size_t first, int64_t longest, int64_t *from_ms, int64_t *until_ms) {
    size_t last = first;
    while (last + 1 < g->people_count &&
           g->people[last + 1].contact_id == g->people[first].contact_id) {
        last++;
    }
    *from_ms = g->people[first].until_ms - longest;
    *until_ms = g->people[last].until_ms;
}

static int gather_heard(struct gather *g, struct base_err *err) {
    struct touch_heard *heard = NULL;
    int64_t from = INT64_MAX;
    int64_t until = INT64_MIN;
    int64_t longest = 0;
    for (size_t s = 0; s < g->set->source_count; s++) {
        int64_t window = g->set->windows[s * TOUCH_KIND_COUNT + TOUCH_HEARD];
        longest = window > longest ? window : longest;
    }
    for (size_t i = 0; i < g->people_count; i++) {
        from = g->people[i].until_ms < from ? g->people[i].until_ms : from;
        until = g->people[i].until_ms > until ? g->people[i].until_ms : until;
    }
    int rc =
        g->people_count ? touch__heard_load(g->db, g->set, from - longest, until, &heard, err) : 0;
    for (size_t i = 0; rc == 0 && heard && i < g->people_count; i++) {
        struct heard_by by = {g, i};
        if (i == 0 || g->people[i].contact_id != g->people[i - 1].contact_id) {
            span_of(g, i, longest, &from, &until);
            rc = touch__heard_each(
                heard, g->people[i].contact_id, from, until, offer_heard, &by, err);
        }
    }
    touch__heard_free(&heard);
    return rc;
}

/* --- in order --- */

int touch__by_time(const void *a, const void *b) {
    const struct touch *x = a;
    const struct touch *y = b;
    if (x->at_ms != y->at_ms) {
        return x->at_ms < y->at_ms ? -1 : 1;
    }
    if (x->source != y->source) {
        return x->source < y->source ? -1 : 1;
    }
    return (x->kind > y->kind) - (x->kind < y->kind);
}

static void sort_found(struct gather *g) {
    struct touch_set *set = g->set;
    size_t *next = base_alloc_array(g->people_count + 1, sizeof *next);
    set->first = base_alloc_array(g->people_count + 1, sizeof *set->first);
    set->touches = base_alloc_array(g->count + 1, sizeof *set->touches);
    set->touch_count = g->count;
    for (size_t i = 0; i < g->count; i++) {
        set->first[g->found[i].person + 1]++;
    }
    for (size_t i = 0; i < g->people_count; i++) {
        set->first[i + 1] += set->first[i];
        next[i] = set->first[i];
    }
    for (size_t i = 0; i < g->count; i++) {
        set->touches[next[g->found[i].person]++] = g->found[i].touch;
    }
    for (size_t i = 0; i < g->people_count; i++) {
        size_t count = set->first[i + 1] - set->first[i];
        if (count > 1) {
            qsort(&set->touches[set->first[i]], count, sizeof *set->touches, touch__by_time);
        }
    }
    base_free(next);
}

static void read_windows(struct touch_set *set, const struct touch_rules *rules) {
    set->windows = base_alloc_array(set->source_count * TOUCH_KIND_COUNT + 1, sizeof *set->windows);
    for (size_t s = 0; s < set->source_count; s++) {
        for (int kind = 0; kind < TOUCH_KIND_COUNT; kind++) {
            set->windows[s * TOUCH_KIND_COUNT + (size_t)kind] =
                touch_rules_window(rules, set->sources[s].kind, (enum touch_kind)kind);
        }
    }
}

int touch_gather(struct db *db, const struct touch_rules *rules, const struct touch_person *people,
    size_t count, struct touch_set *set, struct base_err *err) {
    struct gather g = {.db = db, .set = set, .people = people, .people_count = count};
    *set = (struct touch_set){.arena = base_arena_new()};
    int rc = read_sources(db, set, err);
    rc = rc == 0 ? read_event_sources(db, set, err) : rc;
    if (rc == 0) {
        read_windows(set, rules);
        rc = gather_messages(&g, err);
    }
    rc = rc == 0 ? gather_clicks(&g, err) : rc;
    rc = rc == 0 ? gather_events(&g, err) : rc;
    rc = rc == 0 ? gather_heard(&g, err) : rc;
    sort_found(&g);
    base_free(g.found);
    return rc;
}

void touch_set_release(struct touch_set *set) {
    base_free(set->sources);
    base_free(set->windows);
    base_free(set->touches);
    base_free(set->first);
    if (set->arena) {
        base_arena_free(&set->arena);
    }
    *set = (struct touch_set){0};
}
