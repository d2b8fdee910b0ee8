/* The steps of which nothing is kept are walked over by two threads where there is much to read:
 * each takes the next step, counts it by itself, and adds it under the lock. */
#include "report/kept.h"
#include "report/tally_part.h"

#include <pthread.h>
#include <unistd.h>

/* Rows from which a second thread is worth its connection. */
#define PARALLEL_FROM 500000

/* A connection for a second thread; NULL: it would not help, and one thread does everything. Inside
 * a transaction another connection would not see what this one sees. */
static struct db *open_second(const struct db *db, int64_t rows) {
    struct db *beside = NULL;
    struct base_err ignored = {0};
    if (rows < PARALLEL_FROM || sysconf(_SC_NPROCESSORS_ONLN) < 2 || db_in_transaction(db) ||
        db_open_beside(db, &beside, &ignored) != 0) {
        return NULL;
    }
    return beside;
}

/* --- where people live --- */

struct settler {
    const struct tally *tally;
    struct db *db;
    int64_t from, to;  /* contacts, both included */
    int64_t *contacts; /* of the places */
    int rc;
    struct base_err err;
};

static void *settle(void *arg) {
    struct settler *s = arg;
    const struct tally *t = s->tally;
    struct db_stmt *stmt = NULL;
    int64_t place_id = 0;
    size_t place = 0;
    s->rc = db_prepare(s->db,
        "SELECT id, coalesce(place_id, 0) FROM contact WHERE id BETWEEN ?1 AND ?2", &stmt, &s->err);
    if (s->rc == 0) {
        db_bind_i64(stmt, 1, s->from);
        db_bind_i64(stmt, 2, s->to);
    }
    while (s->rc == 0 && (s->rc = db_step(stmt, &s->err)) == 1) {
        int64_t id = db_column_i64(stmt, 0);
        int64_t lives = db_column_i64(stmt, 1);
        place = lives == place_id ? place : tally__place(t, lives);
        place_id = lives;
        s->contacts[place]++;
        if (id >= 0) {
            t->place_of[id] = (uint32_t)place;
        }
        s->rc = 0;
    }
    db_finish(&stmt);
    return NULL;
}

int tally__people_walk(struct tally *t, struct db *db, struct base_err *err) {
    struct db *beside = open_second(db, t->contact_most);
    int64_t middle = beside ? t->contact_most / 2 : t->contact_most;
    struct settler first = {.tally = t, .db = db, .from = INT64_MIN, .to = middle};
    struct settler second = {.tally = t, .db = beside, .from = middle + 1, .to = t->contact_most};
    pthread_t thread;
    first.contacts = base_alloc_array(t->place_count, sizeof *first.contacts);
    second.contacts = base_alloc_array(t->place_count, sizeof *second.contacts);
    memset(t->place_of, 0, ((size_t)t->contact_most + 1) * sizeof *t->place_of);
    if (beside && pthread_create(&thread, NULL, settle, &second) != 0) {
        db_close(&beside);
        first.to = t->contact_most;
    }
    settle(&first);
    if (beside) {
        pthread_join(thread, NULL);
        db_close(&beside);
    }
    for (size_t p = 0; p < t->place_count; p++) {
        t->places[p].contacts = first.contacts[p] + second.contacts[p];
    }
    base_free(first.contacts);
    base_free(second.contacts);
    const struct settler *failed = first.rc ? &first : &second;
    return failed->rc ? base_err_set(err, failed->rc, "%s", failed->err.text) : 0;
}

/* --- steps --- */

struct walkers {
    struct tally *tally;
    struct kept *kept; /* its database belongs to the first walker */
    const struct tally__todo *todo;
    size_t count, next;
    pthread_mutex_t lock; /* of next, and of the sums and what is kept */
};

struct walker {
    struct walkers *all;
    struct db *db;
    bool first;
    struct tally_part part;
    int rc;
    struct base_err err;
    pthread_t thread;
};

static const struct tally__todo *take(struct walkers *all) {
    pthread_mutex_lock(&all->lock);
    const struct tally__todo *todo = all->next < all->count ? &all->todo[all->next++] : NULL;
    pthread_mutex_unlock(&all->lock);
    return todo;
}

static void add(struct walker *w, const struct tally__todo *todo) {
    struct walkers *all = w->all;
    struct tally_step *step = &all->tally->steps[todo->step];
    pthread_mutex_lock(&all->lock);
    if (todo->lasting) {
        kept__note(all->kept, step, &w->part);
    }
    if (w->first) {
        kept__make_room(all->kept);
    }
    tally__part_add(all->tally, step, &w->part, all->tally->what);
    pthread_mutex_unlock(&all->lock);
}

static void *walk(void *arg) {
    struct walker *w = arg;
    const struct tally *t = w->all->tally;
    const struct tally__todo *todo;
    tally__part_init(&w->part, t);
    while (w->rc == 0 && (todo = take(w->all)) != NULL) {
        tally__part_clear(&w->part, t, todo->what);
        w->rc = tally__part_walk(t, w->db, t->steps[todo->step].id, &w->part, &w->err);
        if (w->rc == 0) {
            add(w, todo);
        }
    }
    tally__part_release(&w->part);
    return NULL;
}

int tally__walk_steps(struct tally *t, struct kept *kept, const struct tally__todo *todo,
    size_t count, struct base_err *err) {
    struct walkers all = {.tally = t, .kept = kept, .todo = todo, .count = count};
    struct walker first = {.all = &all, .db = kept->db, .first = true};
    struct walker second = {.all = &all};
    pthread_mutex_init(&all.lock, NULL);
    second.db = count < 2 ? NULL : open_second(kept->db, (int64_t)count * t->contact_most);
    if (second.db && pthread_create(&second.thread, NULL, walk, &second) != 0) {
        db_close(&second.db);
    }
    walk(&first);
    if (second.db) {
        pthread_join(second.thread, NULL);
        db_close(&second.db);
    }
    pthread_mutex_destroy(&all.lock);
    const struct walker *failed = first.rc ? &first : &second;
    return failed->rc ? base_err_set(err, failed->rc, "%s", failed->err.text) : 0;
}
