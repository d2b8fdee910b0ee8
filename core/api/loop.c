/* One serving thread. It turns the library's wheel itself (external polling) instead of leaving
 * that to the library's own threads: so it knows when all that has come is in the commit queue,
 * commits it without a hand-over to another thread, and asks for the answers; and a request that
 * waits for its commit need not be suspended and woken again, which costs more than answering it.
 */
#include "api/private.h"

#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 1000  /* time-outs of connections are looked at this often */
#define GATHER_US 1000 /* what has come in waits no longer than this for more to come */
#define LOOK_MS 1      /* while requests wait, the library cannot say whether it has other work */
/* Longer than a commit takes: somebody else writes. Until then a request that waits is asked in
 * each turn. */
#define PATIENCE_US (INT64_C(20) * 1000)
/* The library ends a connection that is silent; who drips a head byte by byte is never silent. */
#define HEAD_TIME_US (INT64_C(20) * 1000 * 1000)

/* --- what is committed --- */

void loop_wake(struct api_loop *l) {
    const uint64_t one = 1;
    ssize_t wrote;
    do {
        wrote = write(l->wake_fd, &one, sizeof one);
    } while (wrote < 0 && errno == EINTR);
}

static void settled(struct commit_item *item) {
    struct api_loop *l = ((struct api_request *)item)->loop;
    pthread_mutex_lock(&l->lock);
    item->next = l->settled;
    l->settled = item;
    pthread_mutex_unlock(&l->lock);
}

void loop_told(struct api_loop *l) {
    pthread_mutex_lock(&l->lock);
    bool wake = l->asleep && l->settled;
    l->asleep = l->asleep && !wake;
    pthread_mutex_unlock(&l->lock);
    if (wake) {
        loop_wake(l);
    }
}

/* What is committed: the library asks for its answer in the next turn. */
static size_t take_settled(struct api_loop *l) {
    size_t count = 0;
    pthread_mutex_lock(&l->lock);
    struct commit_item *item = l->settled;
    l->settled = NULL;
    pthread_mutex_unlock(&l->lock);
    while (item) {
        struct api_request *r = (struct api_request *)item;
        item = item->next;
        r->phase = REQUEST_COMMITTED;
        if (r->gone) {
            l->suspended -= r->suspended;
            request_free(&r);
        } else if (r->suspended) {
            r->suspended = false;
            l->suspended--;
            MHD_resume_connection(r->connection);
        }
        count++;
    }
    l->waiting -= count;
    return count;
}

void request_commit(struct api_request *r,
    int (*work)(struct commit_item *, const struct commit_writers *, struct base_err *)) {
    struct api_loop *l = r->loop;
    r->item.work = work;
    r->item.done = settled;
    r->phase = REQUEST_WAITS;
    r->waits_us = l->now_us;
    l->waiting++;
    l->taken++;
    int rc = commit_add(l->server->queue, &r->item);
    if (rc != 0) {
        r->item.result = rc;
        settled(&r->item);
    }
}

enum MHD_Result loop_wait(struct api_request *r) {
    if (r->loop->now_us - r->waits_us > PATIENCE_US) {
        r->suspended = true;
        r->loop->suspended++;
        MHD_suspend_connection(r->connection);
    }
    return MHD_YES;
}

/* --- connections --- */

void loop_visit(void *loop, struct MHD_Connection *connection, void **visit,
    enum MHD_ConnectionNotificationCode code) {
    struct api_loop *l = loop;
    struct api_visit *v = *visit;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        v = base_alloc(sizeof *v);
        *v = (struct api_visit){.next = l->visits,
            .link = &l->visits,
            .fd = info ? info->connect_fd : -1,
            .awaited_us = metrics_now_us()};
        if (l->visits) {
            l->visits->link = &v->next;
        }
        l->visits = v;
        *visit = v;
    } else if (v) {
        *v->link = v->next;
        if (v->next) {
            v->next->link = v->link;
        }
        base_free(v);
        *visit = NULL;
    }
}

void loop_head(struct MHD_Connection *connection, bool there) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct api_visit *v = info ? info->socket_context : NULL;
    if (v) {
        v->awaited_us = there ? 0 : metrics_now_us();
    }
}

/* The library sees the end of what it reads, and closes. */
static void end_the_slow(struct api_loop *l) {
    int64_t now_us = metrics_now_us();
    if (now_us - l->swept_us < PAUSE_MS * INT64_C(1000)) {
        return;
    }
    l->swept_us = now_us;
    for (struct api_visit *v = l->visits; v; v = v->next) {
        if (v->awaited_us && now_us - v->awaited_us > HEAD_TIME_US && v->fd >= 0) {
            shutdown(v->fd, SHUT_RDWR);
            v->awaited_us = now_us; /* once is enough */
        }
    }
}

/* --- the thread --- */

static void pause_for_news(struct api_loop *l, int most_ms) {
    struct epoll_event events[2];
    uint64_t woken;
    pthread_mutex_lock(&l->lock);
    bool news = l->settled != NULL;
    l->asleep = !news;
    pthread_mutex_unlock(&l->lock);
    int count = epoll_wait(l->poll_fd, events, 2, news ? 0 : most_ms);
    pthread_mutex_lock(&l->lock);
    l->asleep = false;
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == l->wake_fd && read(l->wake_fd, &woken, sizeof woken) < 0 &&
            errno != EAGAIN && errno != EINTR) {
            base_log(BASE_LOG_ERROR, "http", "eventfd: %s", strerror(errno));
        }
    }
}

static void run_library(struct api_loop *l) {
    if (MHD_run(l->daemon) == MHD_NO) {
        base_log(BASE_LOG_ERROR, "http", "a turn of the HTTP library failed");
    }
}

/* How long the library can do without being called. */
static int quiet_ms(struct api_loop *l) {
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(l->daemon, &wait_ms) == MHD_NO || wait_ms > 0) {
        return PAUSE_MS;
    }
    return l->waiting > l->suspended ? LOOK_MS : 0; /* those that wait count as work to it */
}

/* Takes in what there is, answers what is committed. True: something was taken in. */
static bool serve(struct api_loop *l) {
    uint64_t before = l->taken;
    l->now_us = metrics_now_us();
    bool told = take_settled(l) > 0;
    run_library(l); /* takes in, and asks for the answers to what is committed */
    if (told) {
        run_library(l); /* writes them, and may find the next requests already */
    }
    return l->taken != before;
}

/* Returns how long there may be a pause. */
static int turn(struct api_loop *l) {
    int64_t began_us = metrics_now_us();
    uint64_t before = l->taken;
    /* Whoever was just answered asks again while the others are being answered: the disk is waited
     * for when nobody comes any more, so that all of them share it. */
    while (serve(l) && l->taken - before < COMMIT_GROUP_MAX && l->now_us - began_us < GATHER_US) {
    }
    if (l->taken == before) {
        return quiet_ms(l);
    }
    commit_now(l->server->queue);
    return 0;
}

static void *run(void *arg) {
    struct api_loop *l = arg;
    bool listens = true;
    while (listens || l->waiting > 0) {
        int pause_ms = turn(l);
        if (listens && atomic_load(&l->stopping)) {
            MHD_quiesce_daemon(l->daemon);
            listens = false;
            continue; /* it may all be answered already */
        }
        if (pause_ms > 0) {
            pause_for_news(l, pause_ms);
        }
        end_the_slow(l);
    }
    return NULL;
}

/* --- life --- */

static int watch(struct api_loop *l, int fd) {
    struct epoll_event want = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, fd, &want);
}

void loop_init(struct api_loop *l, struct api_server *s) {
    l->server = s;
    l->poll_fd = l->wake_fd = -1;
    pthread_mutex_init(&l->lock, NULL);
}

int loop_start(struct api_loop *l, struct MHD_Daemon *daemon, struct base_err *err) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    l->daemon = daemon;
    l->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!info || l->poll_fd < 0 || l->wake_fd < 0 || watch(l, info->epoll_fd) != 0 ||
        watch(l, l->wake_fd) != 0) {
        return base_err_set(err, LANTOA_EIO, "epoll: %s", strerror(errno));
    }
    int rc = pthread_create(&l->thread, NULL, run, l);
    l->running = rc == 0;
    return rc == 0 ? 0 : base_err_set(err, LANTOA_EIO, "pthread_create: %s", strerror(rc));
}

void loop_stop(struct api_loop *l) {
    if (l->running) {
        atomic_store(&l->stopping, true);
        loop_wake(l);
        pthread_join(l->thread, NULL);
        l->running = false;
    }
}

void loop_release(struct api_loop *l) {
    loop_stop(l);
    if (l->daemon) {
        /* The socket is everybody's: the library would close it. */
        MHD_quiesce_daemon(l->daemon);
        MHD_stop_daemon(l->daemon);
    }
    if (l->poll_fd >= 0) {
        close(l->poll_fd);
    }
    if (l->wake_fd >= 0) {
        close(l->wake_fd);
    }
    pthread_mutex_destroy(&l->lock);
}
