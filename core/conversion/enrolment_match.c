/* Which contact an event is about. Asks the strongest key first, and never guesses between two. */
#include "conversion/enrolment_private.h"

#include "audience/place.h"
#include "base/mem.h"

#include <stdlib.h>

/* A contact by its name and birth date, for those without any other key. Built at the first
 * question that needs it: 24 bytes a contact. */
struct named {
    uint64_t hash;
    int64_t id, place_id;
};

struct kin {
    int64_t place_id;
    int64_t *under;
    size_t count;
    struct kin *next;
};

enum { KIN_SLOTS = 512 };

struct enrolment__matcher {
    struct db *db;
    struct db_stmt *by_person, *by_si, *by_phone;
    struct named *named;
    size_t named_count;
    bool named_loaded;
    struct kin *kin[KIN_SLOTS];
};

int enrolment__matcher_new(
    struct db *db, struct enrolment__matcher **matcher_out, struct base_err *err) {
    struct enrolment__matcher *m = base_alloc(sizeof *m);
    m->db = db;
    int rc =
        db_prepare(db, "SELECT id, name_key FROM contact WHERE person_id = ?1", &m->by_person, err);
    rc =
        rc ? rc
           : db_prepare(db, "SELECT id, person_id FROM contact WHERE si_code = ?1", &m->by_si, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT id, name_key, person_id, birth_date FROM contact WHERE phone = ?1 "
                  "ORDER BY id",
                  &m->by_phone, err);
    if (rc) {
        enrolment__matcher_free(&m);
        return rc;
    }
    *matcher_out = m;
    return 0;
}

void enrolment__matcher_free(struct enrolment__matcher **matcher) {
    struct enrolment__matcher *m = *matcher;
    if (!m) {
        return;
    }
    db_finish(&m->by_person);
    db_finish(&m->by_si);
    db_finish(&m->by_phone);
    for (size_t i = 0; i < KIN_SLOTS; i++) {
        for (struct kin *kin = m->kin[i], *next; kin; kin = next) {
            next = kin->next;
            base_free(kin->under);
            base_free(kin);
        }
    }
    base_free(m->named);
    base_free(m);
    *matcher = NULL;
}

/* --- places --- */

static int compare_ids(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static int kin_of(
    struct enrolment__matcher *m, int64_t place_id, struct kin **kin_out, struct base_err *err) {
    struct kin **slot = &m->kin[(uint64_t)place_id % KIN_SLOTS];
    for (struct kin *kin = *slot; kin; kin = kin->next) {
        if (kin->place_id == place_id) {
            *kin_out = kin;
            return 0;
        }
    }
    struct kin *kin = base_alloc(sizeof *kin);
    int rc = place_under(m->db, &place_id, 1, &kin->under, &kin->count, err);
    if (rc) {
        base_free(kin);
        return rc;
    }
    kin->place_id = place_id;
    kin->next = *slot;
    *slot = kin;
    *kin_out = kin;
    return 0;
}

int enrolment__same_place(
    struct enrolment__matcher *m, int64_t a, int64_t b, bool *same_out, struct base_err *err) {
    struct kin *kin;
    *same_out = a == b;
    if (a == b || a == 0 || b == 0) {
        return 0;
    }
    int rc = kin_of(m, a, &kin, err);
    if (rc == 0) {
        *same_out = bsearch(&b, kin->under, kin->count, sizeof b, compare_ids) != NULL;
    }
    if (rc == 0 && !*same_out) {
        rc = kin_of(m, b, &kin, err);
        *same_out = rc == 0 && bsearch(&a, kin->under, kin->count, sizeof a, compare_ids) != NULL;
    }
    return rc;
}

/* --- name and birth date --- */

static uint64_t named_hash(struct str name_key, struct str birth_date) {
    char text[1024];
    int bytes = snprintf(text, sizeof text, "%.*s|%.*s", STR_ARG(name_key), STR_ARG(birth_date));
    return base_hash64(text, (size_t)(bytes < (int)sizeof text ? bytes : (int)sizeof text - 1));
}

static int compare_named(const void *a, const void *b) {
    const struct named *left = a, *right = b;
    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static int load_named(struct enrolment__matcher *m, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    int rc = db_prepare(m->db,
        "SELECT id, name_key, birth_date, place_id FROM contact WHERE name_key IS NOT NULL AND "
        "birth_date IS NOT NULL",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (m->named_count == room) {
            room = room ? 2 * room : 4096;
            m->named = base_realloc(m->named, room * sizeof *m->named);
        }
        m->named[m->named_count++] =
            (struct named){named_hash(db_column_str(stmt, 1), db_column_str(stmt, 2)),
                db_column_i64(stmt, 0), db_column_i64(stmt, 3)};
        rc = 0;
    }
    db_finish(&stmt);
    if (rc == 0 && m->named_count > 0) {
        qsort(m->named, m->named_count, sizeof *m->named, compare_named);
    }
    m->named_loaded = rc == 0;
    return rc;
}

static void add_candidate(struct enrolment__match *match, int64_t id) {
    if (match->count < ENROLMENT__CANDIDATES_MOST) {
        match->candidates[match->count++] = id;
    }
}

static int match_name(struct enrolment__matcher *m, const struct enrolment__person *person,
    struct enrolment__match *match, struct base_err *err) {
    int rc = m->named_loaded ? 0 : load_named(m, err);
    struct named key = {.hash = named_hash(person->name_key, person->birth_date)};
    size_t low = 0, high = m->named_count, elsewhere = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->named[middle].hash < key.hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; rc == 0 && low < m->named_count && m->named[low].hash == key.hash; low++) {
        const struct named *named = &m->named[low];
        bool same = false;
        rc = enrolment__same_place(m, person->place_id, named->place_id, &same, err);
        if (same && person->place_id != 0) {
            add_candidate(match, named->id);
        } else if (person->place_id == 0 || named->place_id == 0) {
            /* Perhaps: a name and a birthday alone are not enough to be sure. */
            add_candidate(match, named->id);
            elsewhere++;
        }
    }
    if (rc == 0 && match->count == 1 && elsewhere == 0) {
        match->contact_id = match->candidates[0];
    }
    match->by = match->count ? "name" : NULL;
    return rc;
}

/* --- the stronger keys --- */

static bool contradicts(struct str mine, struct str theirs) {
    return mine.bytes > 0 && theirs.bytes > 0 && !str_eq(mine, theirs);
}

/* Contacts with this key; several are for a person to settle. */
static int match_key(struct db_stmt *stmt, struct str value, const char *by, struct str not_person,
    struct enrolment__match *match, struct base_err *err) {
    int rc;
    db_bind_str(stmt, 1, value);
    while ((rc = db_step(stmt, err)) == 1) {
        if (not_person.at && contradicts(not_person, db_column_str(stmt, 1))) {
            continue;
        }
        add_candidate(match, db_column_i64(stmt, 0));
    }
    db_reset(stmt);
    if (match->count) {
        match->by = by;
        match->contact_id = match->count == 1 ? match->candidates[0] : 0;
    }
    return rc;
}

/* Households share phones: who has another name, birth date or ID is somebody else. */
static int match_phone(struct enrolment__matcher *m, const struct enrolment__person *person,
    struct enrolment__match *match, struct base_err *err) {
    int rc;
    int64_t named = 0;
    size_t named_count = 0;
    db_bind_str(m->by_phone, 1, person->phone);
    while ((rc = db_step(m->by_phone, err)) == 1) {
        struct str name = db_column_str(m->by_phone, 1);
        if (contradicts(person->name_key, name) ||
            contradicts(person->person_id, db_column_str(m->by_phone, 2)) ||
            contradicts(person->birth_date, db_column_str(m->by_phone, 3))) {
            continue;
        }
        add_candidate(match, db_column_i64(m->by_phone, 0));
        if (person->name_key.bytes && str_eq(person->name_key, name)) {
            named = db_column_i64(m->by_phone, 0);
            named_count++;
        }
    }
    db_reset(m->by_phone);
    if (match->count) {
        match->by = "phone";
        match->contact_id = match->count == 1 ? match->candidates[0] : named_count == 1 ? named : 0;
    }
    return rc;
}

int enrolment__match(struct enrolment__matcher *m, const struct enrolment__person *person,
    struct enrolment__match *match_out, struct base_err *err) {
    *match_out = (struct enrolment__match){0};
    int rc = 0;
    if (person->person_id.bytes) {
        rc = match_key(
            m->by_person, person->person_id, "person_id", (struct str){0}, match_out, err);
    }
    if (rc == 0 && match_out->count == 0 && person->si_code.bytes) {
        rc = match_key(m->by_si, person->si_code, "si_code",
            person->person_id.bytes ? person->person_id : (struct str){0}, match_out, err);
    }
    if (rc == 0 && match_out->count == 0 && person->phone.bytes) {
        rc = match_phone(m, person, match_out, err);
    }
    if (rc == 0 && match_out->count == 0 && person->name_key.bytes &&
        person->birth_date.bytes == 10) {
        rc = match_name(m, person, match_out, err);
    }
    return rc < 0 ? rc : 0;
}
