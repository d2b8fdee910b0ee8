/* The paths of everybody else, in parts of the contacts. */
#include "conversion/touch_private.h"

#include "delivery/ledger.h"

#define PART_CONTACTS INT64_C(65536)
/* With airings, each of which is a touch of everybody who lives there. */
#define PART_CONTACTS_HEARD INT64_C(4096)

struct walked {
    int64_t contact;
    struct touch touch;
};
struct part {
    struct walked *touches;
    size_t count, room;
};

static void part_add(struct part *part, int64_t contact, struct touch touch) {
    if (part->count == part->room) {
        part->room = part->room ? 2 * part->room : 65536;
        part->touches = base_realloc(part->touches, part->room * sizeof *part->touches);
    }
    part->touches[part->count++] = (struct walked){contact, touch};
}

static int walked_order(const void *a, const void *b) {
    const struct walked *x = a;
    const struct walked *y = b;
    return x->contact != y->contact ? (x->contact > y->contact) - (x->contact < y->contact)
                                    : touch__by_time(&x->touch, &y->touch);
}

static int part_rows(struct part *part, struct db_stmt *stmt, uint32_t source, enum touch_kind kind,
    const struct touch_walk *walk, struct base_err *err) {
    int rc;
    while ((rc = db_step(stmt, err)) == 1) {
        int64_t at = db_column_i64(stmt, 1);
        if (at > walk->from_ms && at <= walk->until_ms) {
            part_add(part, ledger_recipient(db_column_i64(stmt, 0)),
                (struct touch){source, (uint32_t)kind, at});
        }
    }
    return rc;
}

static int part_events(struct part *part, struct db_stmt *stmt, const struct touch_set *set,
    const struct touch_walk *walk, struct base_err *err) {
    struct touch_set known = *set; /* a source that is not known must not be added */
    int rc;
    while ((rc = db_step(stmt, err)) == 1) {
        int64_t at = db_column_i64(stmt, 1);
        size_t source = SIZE_MAX;
        enum touch_kind kind =
            str_is(db_column_str(stmt, 2), "visit") ? TOUCH_VISITED : TOUCH_REPLIED;
        int64_t message = db_column_i64(stmt, 4);
        if (message) {
            source = touch__source_of_step(&known, ledger_step(message));
        }
        for (size_t s = 0; !message && s < set->source_count; s++) {
            source =
                set->sources[s].step_id == 0 && str_is(db_column_str(stmt, 3), set->sources[s].kind)
                    ? s
                    : source;
        }
        if (source < set->source_count && at > walk->from_ms && at <= walk->until_ms &&
            set->windows[source * TOUCH_KIND_COUNT + kind] >= 0) {
            part_add(
                part, db_column_i64(stmt, 0), (struct touch){(uint32_t)source, (uint32_t)kind, at});
        }
    }
    return rc;
}

struct hearing {
    struct part *part;
    int64_t contact;
};

static void part_heard(void *arg, const struct touch *touch) {
    const struct hearing *hearing = arg;
    part_add(hearing->part, hearing->contact, *touch);
}

/* Tells the paths of a part; *at_person goes along with the contacts. */
static int part_tell(
    struct part *part, const struct touch_walk *walk, size_t *at_person, struct base_err *err) {
    struct touch *path = base_alloc_array(part->count + 1, sizeof *path);
    int rc = 0;
    if (part->count) {
        qsort(part->touches, part->count, sizeof *part->touches, walked_order);
    }
    for (size_t i = 0; rc == 0 && i < part->count;) {
        int64_t contact = part->touches[i].contact;
        size_t count = 0;
        for (; i < part->count && part->touches[i].contact == contact; i++) {
            path[count++] = part->touches[i].touch;
        }
        while (*at_person < walk->people_count && walk->people[*at_person].contact_id < contact) {
            (*at_person)++;
        }
        if (*at_person == walk->people_count || walk->people[*at_person].contact_id != contact) {
            rc = walk->path(walk->arg, path, count, err);
        }
    }
    base_free(path);
    return rc;
}

static int part_airings(struct part *part, struct touch_heard *heard, struct db_stmt *contacts,
    const struct touch_walk *walk, struct base_err *err) {
    int rc;
    while ((rc = db_step(contacts, err)) == 1) {
        struct hearing hearing = {part, db_column_i64(contacts, 0)};
        rc = touch__heard_at(heard, db_column_i64(contacts, 1), walk->from_ms, walk->until_ms,
            part_heard, &hearing, err);
        if (rc != 0) {
            break;
        }
    }
    db_reset(contacts);
    return rc;
}

struct reading {
    struct db_stmt *rows, *clicks, *events, *contacts;
    struct touch_heard *heard; /* NULL: nothing was on the air */
    int64_t most;              /* contact */
};

static int open_reading(struct reading *r, struct db *db, const struct touch_set *set,
    const struct touch_walk *walk, struct base_err *err) {
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } wanted[] = {
        {&r->rows, "SELECT id, at FROM message WHERE id BETWEEN ?1 AND ?2 AND state IN (4, 5) "
                   "ORDER BY id"},
        {&r->clicks, "SELECT message_id, min(at) FROM click_first WHERE message_id BETWEEN ?1 AND "
                     "?2 AND link >= 0 GROUP BY message_id"},
        {&r->events, "SELECT contact_id, at, kind, channel, coalesce(message_id, 0) FROM "
                     "contact_event WHERE contact_id BETWEEN ?1 AND ?2 AND kind IN ('interest', "
                     "'visit')"},
        {&r->contacts, "SELECT id, place_id FROM contact WHERE id BETWEEN ?1 AND ?2 AND place_id "
                       "IS NOT NULL"}};
    int rc = db_get_i64(db, "SELECT coalesce(max(id), 0) FROM contact", &r->most, err);
    for (size_t i = 0; rc == 0 && i < sizeof wanted / sizeof wanted[0]; i++) {
        rc = db_prepare(db, wanted[i].sql, wanted[i].stmt, err);
    }
    return rc == 0 ? touch__heard_load(db, set, walk->from_ms, walk->until_ms, &r->heard, err) : rc;
}

static void close_reading(struct reading *r) {
    db_finish(&r->rows);
    db_finish(&r->clicks);
    db_finish(&r->events);
    db_finish(&r->contacts);
    touch__heard_free(&r->heard);
}

static int part_source(struct part *part, struct reading *r, const struct touch_set *set, size_t s,
    const struct touch_walk *walk, int64_t from, int64_t to, struct base_err *err) {
    const struct touch_source *source = &set->sources[s];
    const int64_t *windows = &set->windows[s * TOUCH_KIND_COUNT];
    int64_t first = ledger_id(source->step_id, from, 0);
    int64_t last = ledger_id(source->step_id, to, 0) | LEDGER_GENERATION_MAX;
    int rc = 0;
    if (!source->first_ms || source->first_ms > walk->until_ms) {
        return 0;
    }
    if (source->last_ms > walk->from_ms && windows[TOUCH_DELIVERED] >= 0) {
        db_bind_i64(r->rows, 1, first);
        db_bind_i64(r->rows, 2, last);
        rc = part_rows(part, r->rows, (uint32_t)s, TOUCH_DELIVERED, walk, err);
    }
    if (rc == 0 && windows[TOUCH_CLICKED] >= 0) {
        db_bind_i64(r->clicks, 1, first);
        db_bind_i64(r->clicks, 2, last);
        rc = part_rows(part, r->clicks, (uint32_t)s, TOUCH_CLICKED, walk, err);
    }
    return rc;
}

int touch_each_path(struct db *db, const struct touch_set *set, const struct touch_walk *walk,
    struct base_err *err) {
    struct reading r = {0};
    struct part part = {0};
    size_t at_person = 0;
    int rc = open_reading(&r, db, set, walk, err);
    int64_t contacts = r.heard ? PART_CONTACTS_HEARD : PART_CONTACTS;
    for (int64_t from = 0; rc == 0 && from <= r.most; from += contacts) {
        int64_t to = from + contacts - 1;
        part.count = 0;
        for (size_t s = 0; rc == 0 && s < set->source_count; s++) {
            rc = part_source(&part, &r, set, s, walk, from, to, err);
        }
        db_bind_i64(r.events, 1, from);
        db_bind_i64(r.events, 2, to);
        rc = rc == 0 ? part_events(&part, r.events, set, walk, err) : rc;
        db_bind_i64(r.contacts, 1, from);
        db_bind_i64(r.contacts, 2, to);
        rc = rc == 0 && r.heard ? part_airings(&part, r.heard, r.contacts, walk, err) : rc;
        rc = rc == 0 ? part_tell(&part, walk, &at_person, err) : rc;
    }
    close_reading(&r);
    base_free(part.touches);
    return rc;
}
