/* Replays every person's events and counts stocks and flows of places. */
#include "conversion/balance.h"

#include "audience/place_carry.h"
#include "base/mem.h"
#include "base/tr.h"
#include "conversion/enrolment.h"

#include <string.h>

/* --- counting --- */

/* Where places of a person are shown: one answer for all events of that person. */
enum { PERSON_PLACES = 16 };
struct shown {
    int64_t place_id, shown_id;
};

struct counting {
    struct place_carry *carry;
    struct balance_row *rows; /* sorted by place */
    size_t count, room;
    const char *from;
    const struct balance_calls *calls;
    int64_t faults;
    /* The person being replayed. */
    bool known, inside;
    int64_t group, key, place_id, recorded_place; /* shown, and as in the file */
    struct shown shown[PERSON_PLACES];
    size_t shown_count;
    struct str date; /* of the event */
};

static int64_t show(struct counting *c, int64_t place_id) {
    for (size_t i = 0; i < c->shown_count; i++) {
        if (c->shown[i].place_id == place_id) {
            return c->shown[i].shown_id;
        }
    }
    int64_t shown = place_carry_person(c->carry, place_id);
    if (c->shown_count < PERSON_PLACES) {
        c->shown[c->shown_count++] = (struct shown){place_id, shown};
    }
    return shown;
}

static struct balance_row *row_of(struct counting *c, int64_t place_id) {
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->rows[middle].place_id < place_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == c->count || c->rows[low].place_id != place_id) {
        if (c->count == c->room) {
            c->room = c->room ? 2 * c->room : 256;
            c->rows = base_realloc(c->rows, c->room * sizeof *c->rows);
        }
        memmove(&c->rows[low + 1], &c->rows[low], (c->count - low) * sizeof *c->rows);
        c->rows[low] = (struct balance_row){.place_id = place_id};
        c->count++;
    }
    return &c->rows[low];
}

/* delta people at a place; before the period they make its start. */
static void change(
    struct counting *c, int64_t place_id, int delta, enum balance_flow flow, bool before) {
    struct balance_row *row = row_of(c, place_id);
    row->end += delta;
    if (c->calls->change) {
        c->calls->change(c->calls->arg, place_id, flow, c->date);
    }
    if (before) {
        row->start += delta;
    } else {
        row->flows[flow]++;
    }
}

/* NULL, or why this event cannot follow what was before. */
static const char *replay(
    struct counting *c, int event, int64_t place_id, int64_t from_place, bool before) {
    switch ((enum enrolment_event)event) {
    case ENROLMENT_new:
    case ENROLMENT_returned:
        if (c->inside) {
            return TR("joins while participating already");
        }
        c->inside = true;
        c->recorded_place = place_id;
        place_id = c->place_id = show(c, place_id);
        change(c, place_id, 1, event == ENROLMENT_new ? BALANCE_NEW : BALANCE_RETURNED, before);
        return NULL;
    case ENROLMENT_renewed:
        return c->inside ? NULL : TR("renews without participating");
    case ENROLMENT_moved:
        if (!c->inside) {
            return TR("moves without participating");
        }
        if (from_place && !place_carry_kin(c->carry, from_place, c->recorded_place)) {
            return TR("moves away from where nobody knew the person");
        }
        /* A commune put together from several: within it nobody moved that we know of. */
        if (place_carry_kin(c->carry, place_id, c->recorded_place)) {
            return NULL;
        }
        c->recorded_place = place_id;
        place_id = show(c, place_id);
        if (place_id != c->place_id) {
            change(c, c->place_id, -1, BALANCE_MOVED_OUT, before);
            change(c, place_id, 1, BALANCE_MOVED_IN, before);
            c->place_id = place_id;
        }
        return NULL;
    case ENROLMENT_lapsed:
    case ENROLMENT_to_compulsory:
    case ENROLMENT_pensioned:
    case ENROLMENT_lump_sum_exit:
    case ENROLMENT_died:
        if (!c->inside) {
            return TR("leaves without participating");
        }
        c->inside = false;
        change(c, c->place_id, -1, (enum balance_flow)(BALANCE_LAPSED + event - ENROLMENT_lapsed),
            before);
        return NULL;
    case ENROLMENT_EVENT_COUNT:
        break;
    }
    return TR("an unknown event");
}

static int take(struct counting *c, struct db_stmt *stmt) {
    int64_t group = db_column_i64(stmt, 1), key = db_column_i64(stmt, 2);
    struct str event = db_column_str(stmt, 3), date = db_column_str(stmt, 4);
    if (!c->known || group != c->group || key != c->key) {
        c->known = true;
        c->inside = false;
        c->shown_count = 0;
        c->group = group;
        c->key = key;
    }
    c->date = date;
    bool before = str_cmp(date, str_from(c->from)) < 0;
    const char *reason = replay(
        c, enrolment_event_find(event), db_column_i64(stmt, 5), db_column_i64(stmt, 6), before);
    if (!reason || before) {
        return 0;
    }
    c->faults++;
    const struct balance_fault fault = {
        db_column_i64(stmt, 0), group == 0 ? key : 0, event, date, reason};
    return c->calls->fault ? c->calls->fault(c->calls->arg, &fault) : 0;
}

int balance_each(struct db *db, const char *from, const char *to, const char *places_on,
    const struct balance_calls *calls, int64_t *faults_out, struct base_err *err) {
    struct counting c = {.from = from, .calls = calls};
    struct db_stmt *stmt = NULL;
    int rc = place_carry_new(db, places_on, &c.carry, err);
    /* A person is a contact, else whoever has the same strongest hash. */
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT id, CASE WHEN contact_id IS NULL THEN 1 ELSE 0 END AS kind, "
                  "COALESCE(contact_id, person_hash, si_hash, phone_hash, name_hash, -id) AS who, "
                  "event, event_date, place_id, from_place_id FROM enrolment WHERE event_date <= "
                  "?1 ORDER BY kind, who, event_date, id",
                  &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, to);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        rc = take(&c, stmt);
    }
    db_finish(&stmt);
    for (size_t i = 0; rc == 0 && i < c.count; i++) {
        rc = calls->row(calls->arg, &c.rows[i]);
    }
    *faults_out = c.faults;
    place_carry_free(&c.carry);
    base_free(c.rows);
    return rc;
}
