/* Airings as touches: for each place what could be heard there, from the outlets that cover it or a
 * place above it; made when the first who lives there is asked for. */
#include "conversion/touch_private.h"

#include "delivery/airing.h"

#define LEVELS_MOST 16 /* of places one above the other */

struct place {
    int64_t id, parent_id;
    bool covered;          /* by an outlet, itself */
    bool made;             /* touches are filled in */
    struct touch *touches; /* in order of time */
    size_t count, room;
};

struct touch_heard {
    struct db *db;
    const struct touch_set *set; /* BORROWED */
    int64_t from_ms, until_ms;
    struct place *places; /* in order of id */
    size_t count;
    struct db_stmt *lives;
};

static int by_id(const void *a, const void *b) {
    int64_t x = ((const struct place *)a)->id;
    int64_t y = ((const struct place *)b)->id;
    return (x > y) - (x < y);
}

static struct place *find(const struct touch_heard *heard, int64_t id) {
    const struct place key = {.id = id};
    return heard->count ? bsearch(&key, heard->places, heard->count, sizeof key, by_id) : NULL;
}

static int read_places(struct touch_heard *heard, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    int rc = db_prepare(heard->db,
        "SELECT p.id, coalesce(p.parent_id, 0), (SELECT count(*) FROM outlet_coverage v WHERE "
        "v.place_id = p.id) FROM place p ORDER BY p.id",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (heard->count == room) {
            room = room ? 2 * room : 256;
            heard->places = base_realloc(heard->places, room * sizeof *heard->places);
        }
        heard->places[heard->count++] = (struct place){.id = db_column_i64(stmt, 0),
            .parent_id = db_column_i64(stmt, 1),
            .covered = db_column_i64(stmt, 2) != 0};
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

struct collecting {
    const struct touch_set *set;
    struct place *place;
};

static int add(void *arg, const struct airing_heard *airing) {
    const struct collecting *c = arg;
    struct place *place = c->place;
    size_t source = touch__source_of_step(c->set, airing->step_id);
    if (source == SIZE_MAX || c->set->windows[source * TOUCH_KIND_COUNT + TOUCH_HEARD] < 0) {
        return 0;
    }
    if (place->count == place->room) {
        place->room = place->room ? 2 * place->room : 32;
        place->touches = base_realloc(place->touches, place->room * sizeof *place->touches);
    }
    place->touches[place->count++] = (struct touch){(uint32_t)source, TOUCH_HEARD, airing->at_ms};
    return 0;
}

static void leave_one_of_each(struct place *place) {
    size_t kept = 0;
    if (place->count) {
        qsort(place->touches, place->count, sizeof *place->touches, touch__by_time);
    }
    for (size_t i = 0; i < place->count; i++) {
        if (kept == 0 || touch__by_time(&place->touches[kept - 1], &place->touches[i]) != 0) {
            place->touches[kept++] = place->touches[i];
        }
    }
    place->count = kept;
}

/* Its own outlets and those of the places above it. */
static int make(struct touch_heard *heard, struct place *place, struct base_err *err) {
    const struct place *from = place;
    struct collecting collecting = {heard->set, place};
    int rc = 0;
    for (int level = 0; rc == 0 && from && level < LEVELS_MOST; level++) {
        rc = from->covered ? airing_heard_each(heard->db, from->id, heard->from_ms + 1,
                                 heard->until_ms + 1, add, &collecting, err)
                           : 0;
        from = from->parent_id ? find(heard, from->parent_id) : NULL;
    }
    leave_one_of_each(place);
    place->made = rc == 0;
    return rc;
}

int touch__heard_load(struct db *db, const struct touch_set *set, int64_t from_ms, int64_t until_ms,
    struct touch_heard **heard_out, struct base_err *err) {
    int64_t any = 0;
    *heard_out = NULL;
    int rc = db_get_i64(db,
        "SELECT count(*) FROM (SELECT 1 FROM airing WHERE played_ms > 0 LIMIT 1) AS x", &any, err);
    if (rc != 0 || !any) {
        return rc;
    }
    struct touch_heard *heard = base_alloc(sizeof *heard);
    *heard = (struct touch_heard){.db = db, .set = set, .from_ms = from_ms, .until_ms = until_ms};
    *heard_out = heard;
    rc = read_places(heard, err);
    return rc == 0 ? db_prepare(db, "SELECT coalesce(place_id, 0) FROM contact WHERE id = ?1",
                         &heard->lives, err)
                   : rc;
}

void touch__heard_free(struct touch_heard **heard) {
    if (*heard) {
        for (size_t i = 0; i < (*heard)->count; i++) {
            base_free((*heard)->places[i].touches);
        }
        db_finish(&(*heard)->lives);
        base_free((*heard)->places);
        base_free(*heard);
        *heard = NULL;
    }
}

/* The first touch after a moment. */
static size_t after(const struct place *place, int64_t ms) {
    size_t low = 0;
    size_t high = place->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (place->touches[middle].at_ms <= ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int touch__heard_at(struct touch_heard *heard, int64_t place_id, int64_t from_ms, int64_t until_ms,
    void (*one)(void *arg, const struct touch *touch), void *arg, struct base_err *err) {
    struct place *place = find(heard, place_id);
    int rc = place && !place->made ? make(heard, place, err) : 0;
    if (rc != 0 || !place) {
        return rc;
    }
    for (size_t i = after(place, from_ms); i < place->count && place->touches[i].at_ms <= until_ms;
         i++) {
        one(arg, &place->touches[i]);
    }
    return 0;
}

int touch__heard_each(struct touch_heard *heard, int64_t contact_id, int64_t from_ms,
    int64_t until_ms, void (*one)(void *arg, const struct touch *touch), void *arg,
    struct base_err *err) {
    db_bind_i64(heard->lives, 1, contact_id);
    int rc = db_step(heard->lives, err);
    int64_t place = rc == 1 ? db_column_i64(heard->lives, 0) : 0;
    db_reset(heard->lives);
    return rc < 0 ? rc : touch__heard_at(heard, place, from_ms, until_ms, one, arg, err);
}
