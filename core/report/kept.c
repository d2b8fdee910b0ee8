/* Reading and writing of the kept figures. */
#include "report/kept.h"

#include "campaign/store.h"
#include "report/tally_part.h"

#define ROW_BYTES_MAX ((size_t)1 << 30)
#define HELD_BYTES_MAX ((size_t)64 << 20) /* of rows that wait to be written */

int kept__open(struct kept *k, struct db *db, struct tally *tally, struct base_err *err) {
    *k = (struct kept){.db = db, .tally = tally};
    int rc = db_prepare(db,
        "SELECT figures, people FROM report_kept WHERE step_id = ?1 AND times = ?2 AND "
        "people_times = ?3",
        &k->read, err);
    return rc ? rc
              : db_prepare(db,
                    "SELECT figures, people, days FROM report_kept WHERE step_id = ?1 AND times = "
                    "?2 AND people_times = ?3 AND offset_min = ?4",
                    &k->read_days, err);
}

bool kept__lasts(const struct tally_step *step) {
    return step->state == STEP_DONE || step->state == STEP_STOPPED;
}

int kept__read(struct kept *k, const struct tally_step *step, struct tally_part *part, int what,
    struct base_err *err) {
    bool days = what & TALLY_DAYS;
    struct db_stmt *stmt = days ? k->read_days : k->read;
    db_bind_i64(stmt, 1, step->id);
    db_bind_i64(stmt, 2, step->times);
    db_bind_i64(stmt, 3, k->tally->people_times);
    if (days) {
        db_bind_i64(stmt, 4, k->tally->offset_min);
    }
    int rc = db_step(stmt, err);
    if (rc == 1) {
        tally__part_clear(part, k->tally, what);
        rc = tally__part_read(k->tally, part, db_column_blob(stmt, 0),
            what & TALLY_PEOPLE ? db_column_blob(stmt, 1) : STR(""),
            days ? db_column_blob(stmt, 2) : STR(""));
    }
    db_reset(stmt);
    return rc;
}

static struct kept_row *new_row(struct kept *k) {
    if (k->row_count == k->row_room) {
        k->row_room = k->row_room ? 2 * k->row_room : 16;
        k->rows = base_realloc(k->rows, k->row_room * sizeof *k->rows);
    }
    struct kept_row *row = &k->rows[k->row_count++];
    base_buf_init(&row->figures, ROW_BYTES_MAX);
    base_buf_init(&row->people, ROW_BYTES_MAX);
    base_buf_init(&row->days, ROW_BYTES_MAX);
    return row;
}

/* --- writing --- */

static int write_row(
    struct kept *k, struct db_stmt *stmt, struct kept_row *row, struct base_err *err) {
    const struct base_buf *const parts[] = {&row->figures, &row->people, &row->days};
    db_bind_i64(stmt, 1, row->step_id);
    db_bind_i64(stmt, 2, row->times);
    db_bind_i64(stmt, 3, row->people_times);
    db_bind_i64(stmt, 4, k->tally->offset_min);
    for (int i = 0; i < 3; i++) {
        if (!base_buf_ok(parts[i])) {
            return base_err_set(err, LANTOA_ELIMIT, "report_kept");
        }
        db_bind_blob(stmt, 5 + i, parts[i]->bytes ? parts[i]->at : "", parts[i]->bytes);
    }
    return db_run(stmt, err);
}

static int write_rows(struct kept *k, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_exec(k->db,
        "DELETE FROM report_kept WHERE step_id > 0 AND step_id NOT IN (SELECT id FROM step)", err);
    rc = rc ? rc
            : db_prepare(k->db,
                  "INSERT INTO report_kept (step_id, times, people_times, offset_min, figures, "
                  "people, days) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (step_id) DO "
                  "UPDATE SET times = excluded.times, people_times = excluded.people_times, "
                  "offset_min = excluded.offset_min, figures = excluded.figures, people = "
                  "excluded.people, days = excluded.days",
                  &stmt, err);
    for (size_t i = 0; rc == 0 && i < k->row_count; i++) {
        rc = write_row(k, stmt, &k->rows[i], err);
    }
    db_finish(&stmt);
    return rc;
}

/* What cannot be written now is not missed: the next report counts again. */
static void write_held(struct kept *k, bool keep) {
    struct base_err err = {0};
    if (keep && k->row_count > 0 && !db_in_transaction(k->db)) {
        db_set_wait(k->db, 0);
        if (db_begin(k->db, &err) == 0) {
            if (write_rows(k, &err) != 0 || db_commit(k->db, &err) != 0) {
                db_rollback(k->db);
            }
        }
        db_set_wait(k->db, DB_WAIT_MS);
    }
    for (size_t i = 0; i < k->row_count; i++) {
        base_buf_release(&k->rows[i].figures);
        base_buf_release(&k->rows[i].people);
        base_buf_release(&k->rows[i].days);
    }
    k->row_count = 0;
    k->bytes = 0;
}

static void row_done(struct kept *k, const struct kept_row *row) {
    k->bytes += row->figures.bytes + row->people.bytes + row->days.bytes;
}

void kept__make_room(struct kept *k) {
    if (k->bytes > HELD_BYTES_MAX) {
        write_held(k, true);
    }
}

void kept__note(struct kept *k, const struct tally_step *step, const struct tally_part *part) {
    struct kept_row *row = new_row(k);
    row->step_id = step->id;
    row->times = step->times;
    row->people_times = k->tally->people_times;
    tally__part_write(k->tally, part, &row->figures, &row->people, &row->days);
    row_done(k, row);
}

void kept__close(struct kept *k, bool keep) {
    db_finish(&k->read);
    db_finish(&k->read_days);
    write_held(k, keep);
    base_free(k->rows);
    *k = (struct kept){0};
}

/* --- where people live --- */

static int read_people(struct kept *k, struct base_err *err) {
    db_bind_i64(k->read, 1, 0);
    db_bind_i64(k->read, 2, k->tally->people_times);
    db_bind_i64(k->read, 3, k->tally->arrival_times);
    int rc = db_step(k->read, err);
    if (rc == 1) {
        rc = tally__people_read(k->tally, db_column_blob(k->read, 0));
    }
    db_reset(k->read);
    return rc;
}

int kept__people(struct kept *k, struct base_err *err) {
    struct tally *t = k->tally;
    if (t->people_known) {
        return 0;
    }
    t->place_of = base_alloc_array((size_t)t->contact_most + 1, sizeof *t->place_of);
    int rc = read_people(k, err);
    if (rc == 0) {
        rc = tally__people_walk(t, k->db, err);
        if (rc == 0) {
            struct kept_row *row = new_row(k);
            row->step_id = 0;
            row->times = t->people_times;
            row->people_times = t->arrival_times;
            tally__people_write(t, &row->figures);
            row_done(k, row);
        }
    }
    t->people_known = rc >= 0;
    return rc < 0 ? rc : 0;
}

/* --- for the daemon and for people --- */

int kept_refresh(struct db *db, int offset_min, int64_t *kept_out, struct base_err *err) {
    struct tally tally = {0};
    int rc = db_get_i64(db,
        "SELECT count(*) FROM step s JOIN campaign g ON g.id = s.campaign_id LEFT JOIN "
        "ledger_change v ON v.step_id = s.id LEFT JOIN report_kept k ON k.step_id = s.id WHERE "
        "s.state IN (3, 4) AND g.name NOT LIKE '" CAMPAIGN_SYSTEM_PREFIX
        "%' AND (k.step_id IS NULL OR k.times <> coalesce(v.times, 0) OR k.people_times <> (SELECT "
        "coalesce(max(times), 0) FROM ledger_change WHERE step_id = 0))",
        kept_out, err);
    if (rc == 0 && *kept_out > 0) {
        rc = tally_run(db, &(struct tally_filter){0}, TALLY_BY_CHANNEL,
            TALLY_PLACES | TALLY_DAYS | TALLY_PEOPLE, offset_min, &tally, err);
        tally_release(&tally);
    }
    return rc;
}

static bool same_days(const struct tally_part *a, const struct tally_part *b) {
    return a->day_count == b->day_count &&
           (a->day_count == 0 || memcmp(a->days, b->days, a->day_count * sizeof *a->days) == 0);
}

static bool same_part(
    const struct tally *t, const struct tally_part *a, const struct tally_part *b) {
    return a->handed_out == b->handed_out && memcmp(a->counts, b->counts, sizeof a->counts) == 0 &&
           memcmp(a->places, b->places, t->place_count * MESSAGE_STATE_COUNT * sizeof *a->places) ==
               0 &&
           memcmp(a->people, b->people, ((size_t)t->contact_most / 64 + 1) * sizeof *a->people) ==
               0 &&
           (!(a->what & TALLY_DAYS) || same_days(a, b));
}

/* Days of another time zone are not compared. */
static int check_step(struct kept *k, const struct tally_step *step, struct tally_part *kept,
    struct tally_part *fresh, bool *kept_out, struct base_err *err) {
    int all = TALLY_PLACES | TALLY_DAYS | TALLY_PEOPLE;
    int rc = kept__read(k, step, kept, all, err);
    rc = rc ? rc : kept__read(k, step, kept, all & ~TALLY_DAYS, err);
    *kept_out = rc == 1;
    if (rc == 1) {
        tally__part_clear(fresh, k->tally, all);
        rc = tally__part_walk(k->tally, k->db, step->id, fresh, err);
    }
    return rc;
}

/* 1: where contacts live is kept, and wrong. */
static int check_people(struct kept *k, struct base_err *err) {
    struct tally *t = k->tally;
    size_t room = (size_t)t->contact_most + 1;
    t->place_of = base_alloc_array(room, sizeof *t->place_of);
    int rc = read_people(k, err);
    uint32_t *kept = t->place_of;
    bool there = rc == 1;
    int64_t *contacts = base_alloc_array(t->place_count, sizeof *contacts);
    for (size_t p = 0; p < t->place_count; p++) {
        contacts[p] = t->places[p].contacts;
    }
    t->place_of = base_alloc_array(room, sizeof *t->place_of);
    rc = rc < 0 ? rc : tally__people_walk(t, k->db, err);
    bool wrong = rc == 0 && there && memcmp(kept, t->place_of, room * sizeof *kept) != 0;
    for (size_t p = 0; rc == 0 && there && p < t->place_count; p++) {
        wrong |= contacts[p] != t->places[p].contacts;
    }
    base_free(kept);
    base_free(contacts);
    return rc < 0 ? rc : wrong;
}

int kept_check(struct db *db, int offset_min, int64_t *same, int64_t *wrong, struct base_err *err) {
    struct tally t = {.arena = base_arena_new(), .offset_min = offset_min};
    struct tally_part kept;
    struct tally_part fresh;
    struct kept k = {0};
    *same = *wrong = 0;
    int rc = tally__ready(&t, db, &(struct tally_filter){0}, err);
    tally__part_init(&kept, &t);
    tally__part_init(&fresh, &t);
    rc = rc ? rc : kept__open(&k, db, &t, err);
    if (rc == 0) {
        rc = check_people(&k, err);
        *wrong += rc == 1;
        rc = rc < 0 ? rc : 0;
    }
    for (size_t s = 0; rc == 0 && s < t.step_count; s++) {
        bool there = false;
        rc = check_step(&k, &t.steps[s], &kept, &fresh, &there, err);
        if (rc == 0 && there) {
            bool good = same_part(&t, &kept, &fresh);
            *same += good;
            *wrong += !good;
        }
    }
    kept__close(&k, false);
    tally__part_release(&kept);
    tally__part_release(&fresh);
    tally_release(&t);
    return rc;
}

int kept_drop(struct db *db, struct base_err *err) {
    return db_exec(db, "DELETE FROM report_kept", err);
}
