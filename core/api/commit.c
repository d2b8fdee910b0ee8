/* Committing in groups, by whoever comes first. */
#include "api/commit.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include <pthread.h>
#include <time.h>

#define IDLE_S 1      /* the thread looks for clicks to count this often */
#define FOLD_MOST 500 /* clicks counted in one go, so that a newcomer waits a few ms at most */

struct commit_queue {
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    struct commit_item *first, **end;
    struct commit_status status;
    bool stopping;
    bool left; /* to the thread: somebody else writes, or more has come */

    /* Held while committing, taken before `lock`. Who cannot have it at once goes away: its holder
     * looks at the queue again after letting it go. */
    pthread_mutex_t writing;
    struct commit_writers writers; /* of the holder */

    void (*told)(void *arg); /* may be NULL */
    void *told_arg;
};

/* --- one group --- */

static bool own_matter(int rc) {
    return rc == LANTOA_ENOENT || rc == LANTOA_EINVAL;
}

/* In the transaction that is open; ends it. */
static int commit_group(struct commit_queue *q, struct commit_item *first, struct base_err *err) {
    int rc;
    for (struct commit_item *item = first; item; item = item->next) {
        rc = item->work(item, &q->writers, err);
        item->result = rc;
        if (rc != 0 && !own_matter(rc)) {
            db_rollback(q->writers.db);
            return rc;
        }
    }
    return db_commit(q->writers.db, err);
}

static void work_off(
    struct commit_queue *q, struct commit_item *first, size_t count, int rc, struct base_err *err) {
    rc = rc == 0 ? commit_group(q, first, err) : rc;
    pthread_mutex_lock(&q->lock);
    q->status.groups++;
    q->status.items += rc == 0 ? count : 0;
    q->status.failures += rc != 0;
    bool failed_before = q->status.failing;
    q->status.failing = rc != 0;
    pthread_mutex_unlock(&q->lock);
    if (rc != 0 && !failed_before) {
        base_log(BASE_LOG_ERROR, "http", "events cannot be committed: %s", err->text);
    } else if (rc == 0 && failed_before) {
        base_log(BASE_LOG_INFO, "http", "events are committed again");
    }
    for (struct commit_item *item = first; item;) {
        struct commit_item *next = item->next; /* the sender may free it at once */
        item->result = rc != 0 ? rc : item->result;
        item->done(item);
        item = next;
    }
    if (q->told) {
        q->told(q->told_arg);
    }
}

/* --- whose turn it is --- */

/* Takes up to a group. */
static struct commit_item *take(struct commit_queue *q, size_t *count_out) {
    pthread_mutex_lock(&q->lock);
    struct commit_item *first = q->first;
    struct commit_item **end = &q->first;
    *count_out = 0;
    while (*end && *count_out < COMMIT_GROUP_MAX) {
        end = &(*end)->next;
        ++*count_out;
    }
    q->first = *end;
    *end = NULL;
    if (!q->first) {
        q->end = &q->first;
    }
    q->status.depth -= *count_out;
    pthread_mutex_unlock(&q->lock);
    return first;
}

static bool is_empty(struct commit_queue *q) {
    pthread_mutex_lock(&q->lock);
    bool empty = !q->first;
    pthread_mutex_unlock(&q->lock);
    return empty;
}

/* Commits one group, if there is any; q->writing is held. LANTOA_EBUSY: there is another writer;
 * only without waiting. */
static int commit_one(struct commit_queue *q, int wait_ms) {
    struct base_err err = {0};
    size_t count = 0;
    if (is_empty(q)) {
        return 0;
    }
    /* First the writer's place: who queues up while we wait for it comes along. */
    db_set_wait(q->writers.db, wait_ms);
    int rc = db_begin(q->writers.db, &err);
    if (rc == LANTOA_EBUSY && wait_ms == 0) {
        return rc;
    }
    struct commit_item *first = take(q, &count);
    work_off(q, first, count, rc, &err);
    return 0;
}

/* The thread commits what is queued, waiting for the writer's place if need be. */
static void leave_to_thread(struct commit_queue *q) {
    pthread_mutex_lock(&q->lock);
    q->left = true;
    pthread_cond_signal(&q->news);
    pthread_mutex_unlock(&q->lock);
}

void commit_now(struct commit_queue *q) {
    if (is_empty(q) || pthread_mutex_trylock(&q->writing) != 0) {
        return;
    }
    int rc = commit_one(q, 0);
    pthread_mutex_unlock(&q->writing);
    /* Those who came meanwhile are not for this thread: its own are waiting for their answers. */
    if (rc != 0 || !is_empty(q)) {
        leave_to_thread(q);
    }
}

/* --- the thread --- */

/* Until something is left to the thread, the queue stops, or it is time to count clicks. */
static void wait_for_news(
    struct commit_queue *q, const struct timespec *until, bool *stopping_out) {
    int rc = 0;
    pthread_mutex_lock(&q->lock);
    while (!q->left && !q->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&q->news, &q->lock, until);
    }
    q->left = false;
    *stopping_out = q->stopping;
    pthread_mutex_unlock(&q->lock);
}

/* One short transaction; more of them as long as there is enough for one and nobody else comes. */
static void count_clicks(struct commit_queue *q) {
    struct base_err err = {0};
    int64_t folded = 0;
    int rc;
    db_set_wait(q->writers.db, 0); /* they can wait, whoever holds the place */
    do {
        rc = click_fold(q->writers.db, base_clock_now_ms(), FOLD_MOST, &folded, &err);
    } while (rc == 0 && folded >= FOLD_MOST && is_empty(q));
    if (rc != 0 && rc != LANTOA_EBUSY) {
        base_log(BASE_LOG_WARN, "http", "clicks cannot be counted: %s", err.text);
    }
}

static void next_count(struct timespec *at_out) {
    clock_gettime(CLOCK_MONOTONIC, at_out);
    at_out->tv_sec += IDLE_S;
}

static bool is_past(const struct timespec *at) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > at->tv_sec || (now.tv_sec == at->tv_sec && now.tv_nsec >= at->tv_nsec);
}

static void *run(void *arg) {
    struct commit_queue *q = arg;
    struct timespec count_at;
    bool stopping = false;
    next_count(&count_at);
    while (!stopping) {
        wait_for_news(q, &count_at, &stopping);
        pthread_mutex_lock(&q->writing);
        (void)commit_one(q, DB_WAIT_MS);
        if (!stopping && is_past(&count_at)) {
            count_clicks(q);
            next_count(&count_at);
        }
        pthread_mutex_unlock(&q->writing);
        if (!is_empty(q)) {
            leave_to_thread(q); /* from those who could not have it meanwhile */
        }
    }
    while (!is_empty(q)) {
        pthread_mutex_lock(&q->writing);
        (void)commit_one(q, DB_WAIT_MS);
        pthread_mutex_unlock(&q->writing);
    }
    return NULL;
}

/* --- life --- */

static void release(struct commit_queue **queue) {
    struct commit_queue *q = *queue;
    click_writer_free(&q->writers.clicks);
    hook_writer_free(&q->writers.hooks);
    db_close(&q->writers.db);
    pthread_cond_destroy(&q->news);
    pthread_mutex_destroy(&q->writing);
    pthread_mutex_destroy(&q->lock);
    base_free(q);
    *queue = NULL;
}

int commit_start(const char *db_path, struct commit_queue **queue_out, struct base_err *err) {
    struct commit_queue *q = base_alloc(sizeof *q);
    pthread_condattr_t monotonic;
    q->end = &q->first;
    pthread_mutex_init(&q->lock, NULL);
    pthread_mutex_init(&q->writing, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = db_open(db_path, 0, &q->writers.db, err);
    if (rc == 0) {
        rc = click_writer_new(q->writers.db, &q->writers.clicks, err);
    }
    if (rc == 0) {
        rc = hook_writer_new(q->writers.db, &q->writers.hooks, err);
    }
    if (rc == 0 && pthread_create(&q->thread, NULL, run, q) != 0) {
        rc = base_err_set(err, LANTOA_EIO, "pthread_create");
    }
    if (rc != 0) {
        release(&q);
        return rc;
    }
    *queue_out = q;
    return 0;
}

void commit_on_group(struct commit_queue *q, void (*told)(void *arg), void *arg) {
    q->told_arg = arg;
    q->told = told;
}

void commit_end(struct commit_queue *q) {
    pthread_mutex_lock(&q->lock);
    bool ended = q->stopping;
    q->stopping = true;
    pthread_cond_signal(&q->news);
    pthread_mutex_unlock(&q->lock);
    if (!ended) {
        pthread_join(q->thread, NULL);
    }
}

void commit_stop(struct commit_queue **queue) {
    if (*queue) {
        commit_end(*queue);
        release(queue);
    }
}

int commit_add(struct commit_queue *q, struct commit_item *item) {
    int rc = 0;
    item->next = NULL;
    pthread_mutex_lock(&q->lock);
    if (q->stopping) {
        rc = LANTOA_ESTATE;
    } else if (q->status.depth >= COMMIT_QUEUE_MAX) {
        rc = LANTOA_EAGAIN;
    } else {
        *q->end = item;
        q->end = &item->next;
        q->status.depth++;
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

void commit_status(struct commit_queue *q, struct commit_status *status_out) {
    pthread_mutex_lock(&q->lock);
    *status_out = q->status;
    pthread_mutex_unlock(&q->lock);
}
