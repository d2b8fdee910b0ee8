/* The plugin's timers and watches, on the host's loop. Knows libev; nothing of messages. */
#include "host/internal.h"

struct lantoa_timer {
    ev_timer timer;
    void (*fire)(void *arg);
    void *arg;
};

struct lantoa_watch {
    ev_io io;
    void (*ready)(void *arg, unsigned events);
    void *arg;
};

static struct ev_loop *loop_of(const struct lantoa_host *api) {
    return host__of(api)->loop;
}

static void fire_timer(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct lantoa_timer *timer = watcher->data;
    void (*fire)(void *arg) = timer->fire;
    void *arg = timer->arg;
    base_free(timer);
    fire(arg);
}

static struct lantoa_timer *api_timer(
    const struct lantoa_host *api, int64_t ms, void (*fire)(void *arg), void *arg) {
    struct lantoa_timer *timer = base_try_alloc(sizeof(*timer));
    if (!timer) {
        return NULL;
    }
    timer->fire = fire;
    timer->arg = arg;
    /* The loop's idea of now is as old as its last wait: a plugin that worked long since would be
     * woken too early. */
    ev_now_update(loop_of(api));
    ev_timer_init(&timer->timer, fire_timer, ms > 0 ? (double)ms / 1000 : 0, 0);
    timer->timer.data = timer;
    ev_timer_start(loop_of(api), &timer->timer);
    return timer;
}

static void api_timer_stop(const struct lantoa_host *api, struct lantoa_timer *timer) {
    if (timer) {
        ev_timer_stop(loop_of(api), &timer->timer);
        base_free(timer);
    }
}

static int to_ev(unsigned events) {
    return (events & LANTOA_READ ? EV_READ : 0) | (events & LANTOA_WRITE ? EV_WRITE : 0);
}

static void watch_ready(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop;
    struct lantoa_watch *watch = watcher->data;
    unsigned seen = (events & EV_READ ? LANTOA_READ : 0) | (events & EV_WRITE ? LANTOA_WRITE : 0);
    if (events & EV_ERROR) {
        seen |= LANTOA_READ | LANTOA_WRITE;
    }
    watch->ready(watch->arg, seen);
}

static struct lantoa_watch *api_watch(const struct lantoa_host *api, int fd, unsigned events,
    void (*ready)(void *arg, unsigned events), void *arg) {
    struct lantoa_watch *watch = fd >= 0 ? base_try_alloc(sizeof(*watch)) : NULL;
    if (!watch) {
        return NULL;
    }
    watch->ready = ready;
    watch->arg = arg;
    ev_io_init(&watch->io, watch_ready, fd, to_ev(events));
    watch->io.data = watch;
    if (events) {
        ev_io_start(loop_of(api), &watch->io);
    }
    return watch;
}

static void api_watch_set(
    const struct lantoa_host *api, struct lantoa_watch *watch, unsigned events) {
    int wanted = to_ev(events);
    if (wanted == (watch->io.events & (EV_READ | EV_WRITE)) && ev_is_active(&watch->io)) {
        return;
    }
    ev_io_stop(loop_of(api), &watch->io);
    ev_io_set(&watch->io, watch->io.fd, wanted);
    if (wanted) {
        ev_io_start(loop_of(api), &watch->io);
    }
}

static void api_watch_stop(const struct lantoa_host *api, struct lantoa_watch *watch) {
    if (watch) {
        ev_io_stop(loop_of(api), &watch->io);
        base_free(watch);
    }
}

static void api_wake(const struct lantoa_host *api) {
    struct host *host = host__of(api);
    ev_async_send(host->loop, &host->woken);
}

void host__api_loop_fill(struct host *host) {
    host->api.timer = api_timer;
    host->api.timer_stop = api_timer_stop;
    host->api.watch = api_watch;
    host->api.watch_set = api_watch_set;
    host->api.watch_stop = api_watch_stop;
    host->api.wake = api_wake;
}
