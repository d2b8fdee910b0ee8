/* The thread that commits. */
#include "api/commit.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include <pthread.h>
#include <time.h>

#define IDLE_S 1 /* nothing came for so long: time to count clicks */
/* Under load a group gathers this long, unless it is as large as that already: fewer, larger
 * transactions leave more of the machine to those who ask. A lone event never waits. */
#define GATHER_US 100
#define GATHER_ENOUGH 32
#define FOLD_MOST 500 /* clicks counted in one go, so that a newcomer waits a few ms at most */

struct commit_queue {
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    struct commit_item *first, **end;
    struct commit_status status;
    bool stopping;
    bool busy;                     /* the last group was of several */
    struct commit_writers writers; /* of the thread */
};

/* --- one group --- */

static bool own_matter(int rc) {
    return rc == LANTOA_ENOENT || rc == LANTOA_EINVAL;
}

static int commit_group(struct commit_queue *q, struct commit_item *first, struct base_err *err) {
    int rc = db_begin(q->writers.db, err);
    if (rc != 0) {
        return rc;
    }
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

static void work_off(struct commit_queue *q, struct commit_item *first, size_t count) {
    struct base_err err = {0};
    int rc = commit_group(q, first, &err);
    pthread_mutex_lock(&q->lock);
    q->status.groups++;
    q->status.items += rc == 0 ? count : 0;
    q->status.failures += rc != 0;
    bool failed_before = q->status.failing;
    q->status.failing = rc != 0;
    pthread_mutex_unlock(&q->lock);
    if (rc != 0 && !failed_before) {
        base_log(BASE_LOG_ERROR, "http", "events cannot be committed: %s", err.text);
    } else if (rc == 0 && failed_before) {
        base_log(BASE_LOG_INFO, "http", "events are committed again");
    }
    for (struct commit_item *item = first; item;) {
        struct commit_item *next = item->next; /* the sender may free it at once */
        item->result = rc != 0 ? rc : item->result;
        item->done(item);
        item = next;
    }
}

/* --- the thread --- */

/* Takes up to a group; the lock is held. */
static struct commit_item *take(struct commit_queue *q, size_t *count_out) {
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
    return first;
}

/* Waits for something to do; the lock is held. false: nothing came. */
static bool wait_for_news(struct commit_queue *q) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    int rc = 0;
    while (!q->first && !q->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&q->news, &q->lock, &until);
    }
    return q->first || q->stopping;
}

/* Lets the lock go for a moment so that more may come. */
static void gather(struct commit_queue *q) {
    if (q->busy && q->status.depth > 0 && q->status.depth < GATHER_ENOUGH && !q->stopping) {
        const struct timespec pause = {.tv_nsec = GATHER_US * 1000L};
        pthread_mutex_unlock(&q->lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&q->lock);
    }
}

static void count_clicks(struct commit_queue *q) {
    struct base_err err = {0};
    int64_t folded = 0;
    if (click_fold(q->writers.db, base_clock_now_ms(), FOLD_MOST, &folded, &err) != 0) {
        base_log(BASE_LOG_WARN, "http", "clicks cannot be counted: %s", err.text);
    }
}

static void *run(void *arg) {
    struct commit_queue *q = arg;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        bool news = wait_for_news(q);
        size_t count = 0;
        gather(q);
        struct commit_item *first = take(q, &count);
        if (!first && q->stopping) {
            break;
        }
        q->busy = count > 1;
        pthread_mutex_unlock(&q->lock);
        if (first) {
            work_off(q, first, count);
        } else if (!news) {
            count_clicks(q);
        }
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* --- life --- */

static void release(struct commit_queue **queue) {
    struct commit_queue *q = *queue;
    click_writer_free(&q->writers.clicks);
    hook_writer_free(&q->writers.hooks);
    db_close(&q->writers.db);
    pthread_cond_destroy(&q->news);
    pthread_mutex_destroy(&q->lock);
    base_free(q);
    *queue = NULL;
}

int commit_start(const char *db_path, struct commit_queue **queue_out, struct base_err *err) {
    struct commit_queue *q = base_alloc(sizeof *q);
    pthread_condattr_t monotonic;
    q->end = &q->first;
    pthread_mutex_init(&q->lock, NULL);
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
        bool was_empty = !q->first;
        *q->end = item;
        q->end = &item->next;
        q->status.depth++;
        if (was_empty) {
            pthread_cond_signal(&q->news);
        }
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

void commit_status(struct commit_queue *q, struct commit_status *status_out) {
    pthread_mutex_lock(&q->lock);
    *status_out = q->status;
    pthread_mutex_unlock(&q->lock);
}
