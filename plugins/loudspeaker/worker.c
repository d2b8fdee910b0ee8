/* One thread, two lists, an eventfd. */
#include "worker.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)1 << 20)

struct list {
    struct job *first, **last;
};

struct worker {
    const struct lantoa_host *host;
    struct lantoa_watch *watch;
    void (*sync)(void *arg);
    void *arg;
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct list todo, finished; /* under the lock */
    bool ending;                /* under the lock */
    size_t busy;                /* loop only */
};

static void list_init(struct list *list) {
    list->first = NULL;
    list->last = &list->first;
}

static void list_put(struct list *list, struct job *job) {
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

/* All of it, emptied; under the lock. */
static struct job *list_take(struct list *list) {
    struct job *first = list->first;
    list_init(list);
    return first;
}

/* The first, alone; NULL: none. */
static struct job *list_take_one(struct list *list) {
    struct job *first = list->first;
    if (first) {
        list->first = first->next;
        list->last = list->first ? list->last : &list->first;
        first->next = NULL;
    }
    return first;
}

static void tell(const struct worker *worker) {
    const uint64_t one = 1;
    while (write(worker->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

static void *run(void *arg) {
    struct worker *worker = arg;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->todo.first && !worker->ending) {
            pthread_cond_wait(&worker->news, &worker->lock);
        }
        struct job *job = worker->sync ? list_take(&worker->todo) : list_take_one(&worker->todo);
        if (!job) {
            break;
        }
        pthread_mutex_unlock(&worker->lock);
        for (struct job *at = job; at; at = at->next) {
            at->run(at);
        }
        if (worker->sync) {
            worker->sync(worker->arg);
        }
        pthread_mutex_lock(&worker->lock);
        while (job) {
            struct job *next = job->next;
            list_put(&worker->finished, job);
            job = next;
        }
        tell(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static void finish(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    struct job *job = list_take(&worker->finished);
    pthread_mutex_unlock(&worker->lock);
    while (job) {
        struct job *next = job->next;
        worker->busy--;
        job->done(job);
        job = next;
    }
}

static void ready(void *arg, unsigned events) {
    struct worker *worker = arg;
    uint64_t count;
    (void)events;
    while (read(worker->fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
    finish(worker);
}

struct worker *worker_new(const struct lantoa_host *host, void (*sync)(void *arg), void *arg) {
    struct worker *worker = calloc(1, sizeof(*worker));
    pthread_attr_t attributes;
    if (!worker) {
        return NULL;
    }
    *worker = (struct worker){.host = host, .sync = sync, .arg = arg};
    list_init(&worker->todo);
    list_init(&worker->finished);
    worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->news, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    worker->watch =
        worker->fd >= 0 ? host->watch(host, worker->fd, LANTOA_READ, ready, worker) : NULL;
    int failed = worker->watch ? pthread_create(&worker->thread, &attributes, run, worker) : ENOMEM;
    pthread_attr_destroy(&attributes);
    if (failed) {
        host->watch_stop(host, worker->watch);
        if (worker->fd >= 0) {
            close(worker->fd);
        }
        free(worker);
        return NULL;
    }
    return worker;
}

void worker_put(struct worker *worker, struct job *job) {
    worker->busy++;
    pthread_mutex_lock(&worker->lock);
    list_put(&worker->todo, job);
    pthread_cond_signal(&worker->news);
    pthread_mutex_unlock(&worker->lock);
}

size_t worker_busy(const struct worker *worker) {
    return worker->busy;
}

void worker_free(struct worker *worker) {
    if (!worker) {
        return;
    }
    pthread_mutex_lock(&worker->lock);
    worker->ending = true;
    pthread_cond_signal(&worker->news);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    worker->host->watch_stop(worker->host, worker->watch);
    finish(worker);
    close(worker->fd);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->news);
    free(worker);
}
