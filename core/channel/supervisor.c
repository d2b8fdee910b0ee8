/* The life of a host seen from the core:
 *
 *   begin -> (lock) -> (recover) -> launch -> STARTING -> READY -> end_host -> reaped -> settle ->
 * BACKOFF | PARKED | STOPPED | launch again
 *
 * The journal is read only once the process is certainly gone. Knows processes and time; messages
 * only as "settle". */
#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"
#include "channel/internal.h"
#include "channel/process.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#define ACQUIRE_MS 100
#define LEFTOVER_MS 15000 /* the host of a dead core gives itself 10 s */
#define GREETING_MS 20000
#define CLOSING_MS 5000
#define STOP_SPARE_MS 3000
#define WATCHDOG_TICKS 4
#define DEATHS_MOST 8
#define FAILS_MOST 3
#define BACKOFF_MS 1000
#define BACKOFF_MOST 60

static void arm(struct channel *channel, ev_timer *timer, int64_t ms) {
    ev_now_update(channel->loop);
    ev_timer_stop(channel->loop, timer);
    ev_timer_set(timer, (double)ms / 1000, 0);
    ev_timer_start(channel->loop, timer);
}

void channel__set_state(struct channel *channel, enum channel_state state) {
    channel->state = state;
    channel->callbacks.changed(channel->arg, channel);
}

void channel__works(struct channel *channel) {
    channel->deaths = channel->fails = 0;
    channel->reason[0] = '\0';
}

void channel__stop_timers(struct channel *channel) {
    ev_timer *timers[] = {&channel->acquire, &channel->greeting, &channel->watchdog, &channel->reap,
        &channel->backoff, &channel->stopping, &channel->orphans, &channel->notice};
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        ev_timer_stop(channel->loop, timers[i]);
    }
}

/* A time that tests may shorten through the environment. */
static int64_t test_ms(const char *variable, int64_t usual) {
    const char *given = getenv(variable);
    int64_t ms = 0;
    bool sound = given && base_parse_i64(str_from(given), &ms) == 0 && ms >= 1 && ms <= 60000;
    return sound ? ms : usual;
}

/* 1, 2, 4 ... 60 s. */
static int64_t backoff_ms(const struct channel *channel) {
    int64_t step = test_ms("LANTOA_TEST_BACKOFF_MS", BACKOFF_MS);
    unsigned doublings = channel->deaths > 0 ? channel->deaths - 1 : 0;
    int64_t factor = doublings >= 6 ? BACKOFF_MOST : (int64_t)1 << doublings;
    return step * factor;
}

static void try_later(struct channel *channel) {
    arm(channel, &channel->backoff, backoff_ms(channel));
    channel__set_state(channel, CHANNEL_BACKOFF);
}

/* It could not even be started: as a death, but nothing was out. */
static void could_not_start(struct channel *channel, const struct base_err *err) {
    snprintf(channel->reason, sizeof(channel->reason), "%s", err->text);
    base_log(BASE_LOG_ERROR, channel->log_area, "%s", err->text);
    channel->deaths++;
    if (channel->deaths >= DEATHS_MOST) {
        channel__set_state(channel, CHANNEL_PARKED);
    } else {
        try_later(channel);
    }
}

static void read_host(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop;
    (void)events;
    struct channel *channel = watcher->data;
    BASE_ASSERT(channel->magic == CHANNEL_MAGIC);
    int code = wire_inbox_fill(&channel->inbox, channel->fd);
    if (code == LANTOA_EAGAIN) {
        return;
    }
    if (code <= 0) {
        channel__end_host(channel, CHANNEL_END_CRASH, "%s",
            wire_inbox_partial(&channel->inbox) ? TR("the host ended in the middle of a frame")
                                                : "");
        return;
    }
    channel__take_frames(channel);
}

static void write_host(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)events;
    struct channel *channel = watcher->data;
    ev_io_stop(loop, watcher);
    channel__flush(channel);
}

static void read_complaints(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop;
    (void)events;
    channel__read_stderr(watcher->data);
}

void channel__flush(struct channel *channel) {
    if (channel->fd < 0) {
        return;
    }
    int code = wire_flush(&channel->outbox, channel->fd);
    if (code == LANTOA_EAGAIN) {
        ev_io_start(channel->loop, &channel->writing);
    } else if (code != 0) {
        /* The other side has closed. What it has still said is read first: the reader meets the
         * end. */
        ev_io_stop(channel->loop, &channel->writing);
    }
}

static void launch(struct channel *channel) {
    struct base_err err = {0};
    int code = channel__launch(channel, &err);
    if (code) {
        could_not_start(channel, &err);
        return;
    }
    channel->greeted = channel->spoke_last = channel->leaving = false;
    channel->end_text[0] = '\0';
    channel->end = CHANNEL_END_CRASH;
    channel->unanswered = 0;
    ev_io_set(&channel->reading, channel->fd, EV_READ);
    ev_io_set(&channel->writing, channel->fd, EV_WRITE);
    ev_io_set(&channel->complaining, channel->stderr_fd, EV_READ);
    ev_io_start(channel->loop, &channel->reading);
    ev_io_start(channel->loop, &channel->complaining);
    arm(channel, &channel->greeting, GREETING_MS);
    channel__flush(channel);
}

/* Polls for the lock: a host that outlived its core may still hold it, and has 15 s to end by
 * itself. */
static void acquire(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct channel *channel = watcher->data;
    if (!channel__lock(channel)) {
        int64_t waited = base_clock_real_ms() - channel->acquire_since_ms;
        int64_t patience = test_ms("LANTOA_TEST_LEFTOVER_MS", LEFTOVER_MS);
        pid_t left = waited > patience ? channel__leftover(channel) : 0;
        if (left > 0) {
            base_log(BASE_LOG_WARN, channel->log_area,
                "killing process %d, the host of an earlier run", (int)left);
            kill(left, SIGKILL);
        } else if (waited > 2 * patience) {
            struct base_err err = {0};
            base_err_set(&err, LANTOA_EBUSY, TR("%s cannot be locked"), channel->journal_path);
            could_not_start(channel, &err);
            return;
        }
        arm(channel, &channel->acquire, ACQUIRE_MS);
        return;
    }
    struct base_err err = {0};
    if (channel__recover(channel, &err) != 0) {
        close(channel->lock_fd);
        channel->lock_fd = -1;
        could_not_start(channel, &err);
        return;
    }
    launch(channel);
}

void channel__begin(struct channel *channel) {
    BASE_ASSERT(channel->pid == 0);
    channel->acquire_since_ms = base_clock_real_ms();
    channel->leaving = false;
    arm(channel, &channel->acquire, 0);
    channel__set_state(channel, CHANNEL_STARTING);
}

void channel__host_greeted(struct channel *channel) {
    ev_timer_stop(channel->loop, &channel->greeting);
    double tick = (double)channel->spec->watchdog_s / WATCHDOG_TICKS;
    ev_timer_set(&channel->watchdog, tick, tick);
    ev_timer_start(channel->loop, &channel->watchdog);
    channel__tell_steps(channel);
    channel__flush(channel);
    channel__set_state(channel, CHANNEL_READY);
}

/* Counts ticks and not time: if the core itself stood still, the answer is read before the next
 * tick. */
static void watch(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct channel *channel = watcher->data;
    if (channel->unanswered > WATCHDOG_TICKS) {
        channel__end_host(channel, CHANNEL_END_CRASH, TR("the plugin has not answered for %d s"),
            channel->spec->watchdog_s);
        return;
    }
    if (channel->unanswered == 0) {
        channel->ping++;
        wire_begin(&channel->outbox, WIRE_PING);
        wire_put_u64(&channel->outbox, channel->ping);
        wire_end(&channel->outbox);
        channel__put_clock(channel);
        channel__flush(channel);
    }
    channel->unanswered++;
}

static void not_greeted(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    channel__end_host(watcher->data, CHANNEL_END_CRASH, TR("the plugin was not ready after %d s"),
        GREETING_MS / 1000);
}

static void not_stopped(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct channel *channel = watcher->data;
    channel__end_host(channel, channel->end, "%s", TR("the plugin did not end in time"));
}

void channel__end_host(struct channel *channel, enum channel_end end, const char *fmt, ...) {
    if (channel->pid == 0 || channel->fd < 0) {
        return;
    }
    if (!channel->leaving) {
        channel->end = end;
    }
    if (!channel->end_text[0]) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(channel->end_text, sizeof(channel->end_text), fmt, args);
        va_end(args);
        size_t whole = base_utf8_valid_bytes(str_from(channel->end_text));
        channel->end_text[whole] = '\0';
    }
    ev_io_stop(channel->loop, &channel->reading);
    ev_io_stop(channel->loop, &channel->writing);
    ev_timer_stop(channel->loop, &channel->watchdog);
    ev_timer_stop(channel->loop, &channel->greeting);
    ev_timer_stop(channel->loop, &channel->stopping);
    close(channel->fd);
    channel->fd = -1;
    /* Without its socket it can harm nobody; one that has taken its leave may close in peace. */
    if (!channel->spoke_last) {
        kill(channel->pid, SIGKILL);
    }
    channel->reap_since_ms = base_clock_real_ms();
    arm(channel, &channel->reap, 0);
}

void channel__leave(struct channel *channel, enum channel_end end, int64_t grace_ms) {
    channel->leaving = true;
    channel->end = end;
    if (channel->fd < 0) {
        return; /* it is being buried already */
    }
    if (channel->state != CHANNEL_READY) {
        channel__end_host(channel, end, "%s", "");
        return;
    }
    wire_begin(&channel->outbox, WIRE_DRAIN);
    wire_put_i64(&channel->outbox, grace_ms);
    wire_end(&channel->outbox);
    channel__flush(channel);
    arm(channel, &channel->stopping, grace_ms + STOP_SPARE_MS);
}

/* "its own words (how the process ended)", whichever of the two there is. */
static void compose_reason(struct channel *channel, int status) {
    char death[120];
    channel__death_text(status, death, sizeof(death));
    bool told = channel->end_text[0] != '\0';
    if (told && channel->spoke_last) {
        snprintf(channel->reason, sizeof(channel->reason), "%s", channel->end_text);
    } else {
        snprintf(channel->reason, sizeof(channel->reason), "%s%s%s%s", channel->end_text,
            told ? " (" : TR("the channel's process "), death, told ? ")" : "");
    }
}

static void park(struct channel *channel) {
    base_log(BASE_LOG_ERROR, channel->log_area, "parked: %s", channel->reason);
    channel__set_state(channel, CHANNEL_PARKED);
}

/* The process is gone and its journal settled: what now? */
static void after_death(struct channel *channel, int status) {
    if (channel->spoke_last && channel->leaving && status != 0) {
        char death[120];
        channel__death_text(status, death, sizeof(death));
        base_log(BASE_LOG_WARN, channel->log_area, "after its drain the process %s", death);
    }
    switch (channel->end) {
    case CHANNEL_END_STOP:
        channel->reason[0] = '\0';
        channel__set_state(channel, CHANNEL_STOPPED);
        return;
    case CHANNEL_END_RENEW:
        channel__works(channel);
        channel__begin(channel);
        return;
    case CHANNEL_END_CRASH:
    case CHANNEL_END_FAIL:
        break;
    }
    compose_reason(channel, status);
    channel->deaths++;
    channel->fails = channel->end == CHANNEL_END_FAIL ? channel->fails + 1 : 0;
    if (channel->deaths >= DEATHS_MOST || channel->fails >= FAILS_MOST) {
        park(channel);
        return;
    }
    base_log(BASE_LOG_WARN, channel->log_area, "%s; starting it again", channel->reason);
    try_later(channel);
}

static void reap(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct channel *channel = watcher->data;
    int status = 0;
    pid_t got = waitpid(channel->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) {
        int64_t waited = base_clock_real_ms() - channel->reap_since_ms;
        if (waited > CLOSING_MS) {
            kill(channel->pid, SIGKILL);
        }
        arm(channel, &channel->reap, waited < 20 ? 1 : 20);
        return;
    }
    channel->pid = 0;
    channel__read_stderr(channel);
    if (channel->stderr_fd >= 0) {
        ev_io_stop(channel->loop, &channel->complaining);
        close(channel->stderr_fd);
        channel->stderr_fd = -1;
    }
    channel__settle(channel);
    after_death(channel, status);
}

static void retry(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    channel__begin(watcher->data);
}

static void give_back(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    channel__give_back(watcher->data);
}

static void notice(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct channel *channel = watcher->data;
    channel->callbacks.changed(channel->arg, channel);
}

void channel__supervisor_init(struct channel *channel) {
    ev_init(&channel->reading, read_host);
    ev_init(&channel->writing, write_host);
    ev_init(&channel->complaining, read_complaints);
    ev_init(&channel->acquire, acquire);
    ev_init(&channel->greeting, not_greeted);
    ev_init(&channel->watchdog, watch);
    ev_init(&channel->reap, reap);
    ev_init(&channel->backoff, retry);
    ev_init(&channel->stopping, not_stopped);
    ev_init(&channel->orphans, give_back);
    ev_init(&channel->notice, notice);
    ev_timer *timers[] = {&channel->acquire, &channel->greeting, &channel->watchdog, &channel->reap,
        &channel->backoff, &channel->stopping, &channel->orphans, &channel->notice};
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        timers[i]->data = channel;
    }
    channel->reading.data = channel->writing.data = channel->complaining.data = channel;
}
