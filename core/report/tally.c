/* Sums over the chosen steps, each kept or walked over. */
#include "report/tally.h"

#include "base/tr.h"
#include "campaign/store.h"
#include "report/document.h"
#include "report/kept.h"
#include "report/tally_part.h"

#define CONTACTS_MOST (INT64_C(1) << 32) /* of the bitmaps: half a gigabyte each */

/* --- steps --- */

static int collect_steps(
    struct tally *t, struct db_stmt *stmt, size_t *room, struct base_err *err) {
    int rc;
    while ((rc = db_step(stmt, err)) == 1) {
        if (t->step_count == *room) {
            *room = *room ? 2 * *room : 16;
            t->steps = base_realloc(t->steps, *room * sizeof *t->steps);
        }
        struct tally_step *step = &t->steps[t->step_count++];
        struct str texts[4];
        const char *kept[4];
        *step = (struct tally_step){.id = db_column_i64(stmt, 0),
            .campaign_id = db_column_i64(stmt, 1),
            .theme_id = db_column_i64(stmt, 2),
            .channel_id = db_column_i64(stmt, 3),
            .position = db_column_i64(stmt, 4),
            .occurrence = db_column_i64(stmt, 5),
            .state = db_column_i64(stmt, 6),
            .campaign_state = db_column_i64(stmt, 7),
            .times = db_column_i64(stmt, 12)};
        for (int i = 0; i < 4; i++) {
            texts[i] = db_column_str(stmt, 8 + i);
            kept[i] = base_arena_strndup(t->arena, texts[i].at ? texts[i].at : "", texts[i].bytes);
        }
        step->campaign = kept[0];
        step->theme = kept[1];
        step->channel = kept[2];
        step->name = kept[3];
    }
    return rc;
}

static void index_groups(struct tally *t) {
    t->groups = base_alloc_array(t->step_count + 1, sizeof *t->groups);
    t->group_ids = base_alloc_array(t->step_count + 1, sizeof *t->group_ids);
    for (size_t s = 0; s < t->step_count; s++) {
        struct tally_step *step = &t->steps[s];
        const int64_t ids[] = {step->channel_id, step->theme_id, step->campaign_id};
        const char *const names[] = {step->channel, step->theme, step->campaign};
        size_t g = 0;
        while (g < t->group_count && t->group_ids[g] != ids[t->by]) {
            g++;
        }
        if (g == t->group_count) {
            t->group_ids[g] = ids[t->by];
            t->groups[g] = names[t->by];
            t->group_count++;
        }
        step->group = g;
    }
    t->group_reached = base_alloc_array(t->group_count + 1, sizeof *t->group_reached);
}

static int read_steps(
    struct tally *t, struct db *db, const struct tally_filter *filter, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    int rc = db_prepare(db,
        "SELECT s.id, g.id, g.theme_id, s.channel_id, s.position, s.occurrence, s.state, g.state, "
        "g.name, t.name, c.name, s.name, coalesce(v.times, 0) FROM step s LEFT JOIN ledger_change "
        "v ON v.step_id = s.id JOIN campaign g ON g.id = s.campaign_id JOIN "
        "theme t ON t.id = g.theme_id JOIN channel c ON c.id = s.channel_id WHERE (?1 = 0 OR g.id "
        "= ?1) AND (?2 = 0 OR g.theme_id = ?2) AND (?3 = 0 OR s.channel_id = ?3) AND (?1 <> 0 OR "
        "g.name NOT LIKE ?4) ORDER BY g.id, s.position, s.occurrence, s.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, filter->campaign_id);
        db_bind_i64(stmt, 2, filter->theme_id);
        db_bind_i64(stmt, 3, filter->channel_id);
        db_bind_text(stmt, 4, CAMPAIGN_SYSTEM_PREFIX "%");
        rc = collect_steps(t, stmt, &room, err);
    }
    db_finish(&stmt);
    index_groups(t);
    return rc;
}

/* --- people and their places --- */

static int id_order(const void *a, const void *b) {
    int64_t x = ((const struct tally_place *)a)->id;
    int64_t y = ((const struct tally_place *)b)->id;
    return (x > y) - (x < y);
}

static int read_places(struct tally *t, struct db *db, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t count = 0;
    int rc = db_get_i64(db, "SELECT count(*) FROM place", &count, err);
    if (rc != 0) {
        return rc;
    }
    t->places = base_alloc_array((size_t)count + 1, sizeof *t->places);
    t->place_count = 1;
    rc = db_prepare(db, "SELECT id FROM place ORDER BY id LIMIT ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, count);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        t->places[t->place_count++].id = db_column_i64(stmt, 0);
        rc = 0;
    }
    db_finish(&stmt);
    for (size_t i = 0; i < t->place_count; i++) {
        t->places[i].counts =
            base_alloc_array(t->group_count * MESSAGE_STATE_COUNT + 1, sizeof *t->places[i].counts);
        t->places[i].reached_by =
            base_alloc_array(t->group_count + 1, sizeof *t->places[i].reached_by);
    }
    return rc;
}

static int read_changes(struct tally *t, struct db *db, struct base_err *err) {
    int rc = db_get_i64(db, "SELECT coalesce(max(times), 0) FROM ledger_change WHERE step_id = 0",
        &t->people_times, err);
    return rc ? rc
              : db_get_i64(db,
                    "SELECT coalesce(max(times), 0) FROM ledger_change WHERE step_id = -1",
                    &t->arrival_times, err);
}

static int read_contacts(struct tally *t, struct db *db, struct base_err *err) {
    int rc = read_changes(t, db, err);
    rc =
        rc ? rc : db_get_i64(db, "SELECT coalesce(max(id), 0) FROM contact", &t->contact_most, err);
    /* In a damaged file it may be anything, and what is made next is as large as that. */
    if (rc == 0 && (t->contact_most < 0 || t->contact_most >= CONTACTS_MOST)) {
        t->contact_most = 0;
        rc = base_err_set(err, LANTOA_ELIMIT, "%s", TR("too many contacts for one report"));
    }
    if (rc == 0 && t->what & TALLY_PEOPLE) {
        t->people = base_alloc_array(t->group_count + 1, sizeof *t->people);
        for (size_t c = 0; c < t->group_count; c++) {
            t->people[c] = base_alloc_array((size_t)t->contact_most / 64 + 1, sizeof(uint64_t));
        }
    }
    return rc;
}

int tally__ready(
    struct tally *t, struct db *db, const struct tally_filter *filter, struct base_err *err) {
    int rc = read_steps(t, db, filter, err);
    rc = rc ? rc : read_places(t, db, err);
    return rc ? rc : read_contacts(t, db, err);
}

size_t tally__place(const struct tally *t, int64_t place_id) {
    struct tally_place key = {.id = place_id};
    struct tally_place *place = bsearch(&key, t->places, t->place_count, sizeof key, id_order);
    return place ? (size_t)(place - t->places) : 0;
}

/* --- the sums --- */

static int read_clicks(struct tally *t, struct db *db, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT count(DISTINCT message_id >> 4) FROM click_first WHERE message_id BETWEEN ?1 AND "
        "?2 AND link >= 0",
        &stmt, err);
    for (size_t s = 0; rc == 0 && s < t->step_count; s++) {
        db_bind_i64(stmt, 1, ledger_first(t->steps[s].id));
        db_bind_i64(stmt, 2, ledger_last(t->steps[s].id));
        rc = db_step(stmt, err);
        t->steps[s].clicked = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc < 0 ? rc : 0;
        db_reset(stmt);
    }
    db_finish(&stmt);
    return rc;
}

/* Each bit is a person; who was reached by several channels counts once for the place. */
static void count_people(struct tally *t) {
    for (int64_t word = 0; t->group_count && word <= t->contact_most / 64; word++) {
        uint64_t any = 0;
        for (size_t c = 0; c < t->group_count; c++) {
            any |= t->people[c][word];
        }
        for (; any; any &= any - 1) {
            int bit = __builtin_ctzll(any);
            struct tally_place *place =
                t->place_of ? &t->places[t->place_of[64 * word + bit]] : NULL;
            t->reached++;
            if (place) {
                place->reached++;
            }
            for (size_t c = 0; c < t->group_count; c++) {
                int64_t one = t->people[c][word] >> bit & 1;
                t->group_reached[c] += one;
                if (place) {
                    place->reached_by[c] += one;
                }
            }
        }
    }
}

/* From what is kept; a step of which nothing is kept goes on the list. */
static int count_step(struct tally *t, struct kept *kept, size_t s, struct tally_part *part,
    struct tally__todo *todo, size_t *todo_count, struct base_err *err) {
    struct tally_step *step = &t->steps[s];
    int rc = kept__read(kept, step, part, t->what, err);
    if (rc == 1) {
        tally__part_add(t, step, part, t->what);
    } else if (rc == 0) {
        /* Days of another time zone are counted, not kept: those of the installation stay. */
        bool lasting = kept__lasts(step) && t->offset_min == REPORT_LOCAL_OFFSET_MIN;
        int all = TALLY_PLACES | TALLY_DAYS | TALLY_PEOPLE;
        todo[(*todo_count)++] = (struct tally__todo){s, lasting ? all : t->what, lasting};
    }
    return rc < 0 ? rc : 0;
}

static int count_steps(struct tally *t, struct db *db, struct base_err *err) {
    struct kept kept;
    struct tally_part part;
    struct tally__todo *todo = base_alloc_array(t->step_count + 1, sizeof *todo);
    size_t todo_count = 0;
    bool places = t->what & TALLY_PLACES;
    tally__part_init(&part, t);
    int rc = kept__open(&kept, db, t, err);
    for (size_t s = 0; rc == 0 && s < t->step_count; s++) {
        rc = count_step(t, &kept, s, &part, todo, &todo_count, err);
    }
    for (size_t i = 0; i < todo_count; i++) {
        places |= todo[i].what & TALLY_PLACES;
    }
    rc = rc == 0 && places ? kept__people(&kept, err) : rc;
    rc = rc == 0 && todo_count ? tally__walk_steps(t, &kept, todo, todo_count, err) : rc;
    kept__close(&kept, rc == 0);
    tally__part_release(&part);
    base_free(todo);
    return rc;
}

int tally_run(struct db *db, const struct tally_filter *filter, enum tally_by by, int what,
    int offset_min, struct tally *t, struct base_err *err) {
    *t =
        (struct tally){.arena = base_arena_new(), .by = by, .what = what, .offset_min = offset_min};
    int rc = tally__ready(t, db, filter, err);
    rc = rc ? rc : count_steps(t, db, err);
    rc = rc ? rc : read_clicks(t, db, err);
    if (rc == 0 && what & TALLY_PEOPLE) {
        count_people(t);
    }
    return rc;
}

void tally_release(struct tally *t) {
    for (size_t i = 0; i < t->place_count; i++) {
        base_free(t->places[i].counts);
        base_free(t->places[i].reached_by);
    }
    for (size_t c = 0; t->people && c < t->group_count; c++) {
        base_free(t->people[c]);
    }
    base_free(t->people);
    base_free(t->place_of);
    base_free(t->places);
    base_free(t->days);
    base_free(t->groups);
    base_free(t->group_ids);
    base_free(t->group_reached);
    base_free(t->steps);
    if (t->arena) {
        base_arena_free(&t->arena);
    }
    *t = (struct tally){0};
}

int64_t tally_step_state(const struct tally_step *step, int state) {
    int64_t sum = 0;
    for (int r = 0; r < TALLY_REASONS; r++) {
        sum += step->counts[state][r];
    }
    return sum;
}

int64_t tally_step_sum(const struct tally_step *step) {
    int64_t sum = 0;
    for (int s = 0; s < MESSAGE_STATE_COUNT; s++) {
        sum += tally_step_state(step, s);
    }
    return sum;
}
