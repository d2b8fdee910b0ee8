/* The life of a host: greet, open the plugin, serve, drain, close. Everything happens on one thread
 * and one loop; once per turn, before it waits, waiting messages go to the plugin and what has
 * gathered goes to the core in one write. */
#include "base/clock.h"
#include "base/log.h"
#include "base/tr.h"
#include "host/host.h"
#include "host/internal.h"
#include "wire/start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define GREETING_MS 30000
#define ORPHAN_GRACE_MS 10000
#define GATHER_S 0.005 /* what a busy host tells the core waits this long for company */
#define GATHER_BYTES ((size_t)32 << 10)
#define OUTBOX_MOST ((size_t)64 << 20)

bool host__send_all(struct host *host, int64_t most_ms) {
    int64_t until = base_clock_real_ms() + most_ms;
    while (host->fd >= 0) {
        int code = wire_flush(&host->outbox, host->fd);
        if (code != LANTOA_EAGAIN) {
            return code == 0;
        }
        int64_t left = until - base_clock_real_ms();
        struct pollfd poller = {.fd = host->fd, .events = POLLOUT};
        if (left <= 0 || (poll(&poller, 1, (int)left) < 0 && errno != EINTR)) {
            return false;
        }
    }
    return false;
}

static void leave(struct host *host) {
    host->leaving = true;
    ev_break(host->loop, EVBREAK_ALL);
}

static void grace_over(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    leave(watcher->data);
}

void host__drain(struct host *host, int64_t grace_ms) {
    if (host->draining) {
        return;
    }
    host->draining = true;
    ev_timer_init(&host->grace, grace_over, grace_ms > 0 ? (double)grace_ms / 1000 : 0, 0);
    host->grace.data = host;
    ev_timer_start(host->loop, &host->grace);
    host__cancel(host, 0);
    if (host->plugin->table.ops.drain) {
        host->plugin->table.ops.drain(host->self);
    }
}

/* The core has died. What has begun may come to its end; its results are kept in the journal. */
static void core_gone(struct host *host) {
    if (host->fd >= 0) {
        ev_io_stop(host->loop, &host->reading);
        ev_io_stop(host->loop, &host->writing);
        close(host->fd);
        host->fd = -1;
        wire_writer_clear(&host->outbox);
        host__drain(host, ORPHAN_GRACE_MS);
    }
}

void host__tell_fail(struct host *host, enum wire_fail fail, const char *text) {
    struct wire_fault fault = {fail, wire_tidy(str_from(text), WIRE_LOG_MOST)};
    wire_put_fail(&host->outbox, &fault);
}

static void read_core(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop;
    (void)events;
    struct host *host = watcher->data;
    int code = wire_inbox_fill(&host->inbox, host->fd);
    if (code == LANTOA_EAGAIN) {
        return;
    }
    const char *why = NULL;
    if (code <= 0) {
        core_gone(host);
    } else if (!host__take_frames(host, &why)) {
        host__tell_fail(host, WIRE_FAIL_HOST, why);
        (void)host__send_all(host, 1000);
        core_gone(host);
    }
}

static void write_core(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)watcher;
    (void)events;
    ev_io_stop(loop, watcher); /* end_of_turn writes, and starts it again when needed */
}

static void still_busy(struct ev_loop *loop, ev_idle *watcher, int events) {
    (void)loop;
    (void)watcher;
    (void)events;
}

static void woken(struct ev_loop *loop, ev_async *watcher, int events) {
    (void)loop;
    (void)events;
    struct host *host = watcher->data;
    if (host->plugin->table.ops.woken) {
        host->plugin->table.ops.woken(host->self);
    }
}

static void beat(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    struct host *host = watcher->data;
    host__beat(host);
    host__check_overdue(host);
    if (host->memory_bytes > 0 && host__resident_bytes() > host->memory_bytes) {
        host__fault(
            host, TR("the plugin uses more memory than its limit of %u MB"), host->memory_mb);
    }
}

static bool drain_is_over(const struct host *host) {
    if (!host->draining) {
        return false;
    }
    return host->drained || (!host->plugin->table.ops.drain && host->underway == 0);
}

static void gathered(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)watcher;
    (void)events; /* end_of_turn sees that the timer has run out */
}

/* A busy host need not wake the core for each result: there is work in store, and the journal knows
 * the results already. */
static bool may_gather(const struct host *host) {
    return host->queue_head && !host->leaving && !host->draining && !host->fail_text[0] &&
           wire_writer_pending(&host->outbox) < GATHER_BYTES;
}

static void flush(struct host *host) {
    if (host->fd < 0 || wire_writer_pending(&host->outbox) == 0) {
        return;
    }
    if (may_gather(host) && !host->gathering) {
        host->gathering = true;
        ev_timer_set(&host->gather, GATHER_S, 0);
        ev_timer_start(host->loop, &host->gather);
        return;
    }
    if (may_gather(host) && ev_is_active(&host->gather)) {
        return;
    }
    host->gathering = false;
    ev_timer_stop(host->loop, &host->gather);
    int code = wire_flush(&host->outbox, host->fd);
    if (code == LANTOA_EAGAIN) {
        ev_io_start(host->loop, &host->writing);
    } else if (code != 0) {
        core_gone(host);
    }
}

static void end_of_turn(struct ev_loop *loop, ev_prepare *watcher, int events) {
    (void)events;
    struct host *host = watcher->data;
    host__pump(host);
    host__bury(host);
    flush(host);
    if (host->fail_text[0] || drain_is_over(host)) {
        leave(host);
        ev_idle_start(loop, &host->busy); /* else the loop would wait once more before it ends */
    } else if (host__pump_wanted(host)) {
        ev_idle_start(loop, &host->busy);
    } else {
        ev_idle_stop(loop, &host->busy);
    }
}

static void start_watchers(struct host *host) {
    ev_io_init(&host->reading, read_core, host->fd, EV_READ);
    ev_io_init(&host->writing, write_core, host->fd, EV_WRITE);
    ev_prepare_init(&host->turn, end_of_turn);
    ev_idle_init(&host->busy, still_busy);
    ev_async_init(&host->woken, woken);
    ev_timer_init(&host->beat, beat, 0.25, 0.5);
    ev_timer_init(&host->gather, gathered, GATHER_S, 0);
    host->reading.data = host->writing.data = host->turn.data = host;
    host->busy.data = host->woken.data = host->beat.data = host;
    ev_io_start(host->loop, &host->reading);
    ev_prepare_start(host->loop, &host->turn);
    ev_async_start(host->loop, &host->woken);
    ev_timer_start(host->loop, &host->beat);
}

/* Waits for the first frame; nothing else happens before it. */
int host__receive_hello(struct host *host, struct wire_hello *hello_out, struct base_err *err) {
    int64_t until = base_clock_real_ms() + GREETING_MS;
    for (;;) {
        enum wire_frame type;
        struct wire_reader body;
        int code = wire_inbox_next(&host->inbox, &type, &body);
        if (code == 1 && type == WIRE_HELLO && wire_get_hello(&body, hello_out)) {
            break;
        }
        if (code != 0) {
            return base_err_set(err, LANTOA_EPROTO, TR("the core's greeting makes no sense"));
        }
        int64_t left = until - base_clock_real_ms();
        struct pollfd poller = {.fd = host->fd, .events = POLLIN};
        if (left <= 0 || (poll(&poller, 1, (int)left) < 0 && errno != EINTR)) {
            return base_err_set(err, LANTOA_EPROTO, TR("no greeting from the core"));
        }
        code = wire_inbox_fill(&host->inbox, host->fd);
        if (code <= 0 && code != LANTOA_EAGAIN) {
            return base_err_set(err, LANTOA_EPROTO, TR("no greeting from the core"));
        }
    }
    if (hello_out->major != WIRE_MAJOR) {
        return base_err_set(err, LANTOA_EVERSION,
            TR("the core speaks version %u of the frames, this lantoa-channel %u"),
            hello_out->major, WIRE_MAJOR);
    }
    return 0;
}

void host__greet(struct host *host) {
    struct wire_greeting greeting = {WIRE_MAJOR, WIRE_MINOR, str_from(host->plugin->table.name),
        str_from(host->plugin->table.version)};
    wire_put_greeting(&host->outbox, &greeting);
}

static int open_journal(struct host *host, struct base_err *err) {
    int code = wire_journal_map(WIRE_FD_JOURNAL, &host->journal, err);
    close(WIRE_FD_JOURNAL);
    if (!code) {
        uint32_t slots = wire_journal_slots(host->journal);
        host->by_slot = base_alloc_array(slots, sizeof(struct host_message *));
        host->by_id = base_idmap_new(slots);
    }
    return code;
}

static int open_plugin(struct host *host, struct base_err *err) {
    const struct lantoa_ops *ops = &host->plugin->table.ops;
    int code = ops->open(&host->api, host_config_get(host->config), &host->self);
    if (code && !host->fail_text[0]) {
        return base_err_set(err, code, TR("the plugin did not open: %s"), base_err_name(code));
    }
    if (!code && ops->start && !host->fail_text[0]) {
        code = ops->start(host->self);
        if (code && !host->fail_text[0]) {
            return base_err_set(err, code, TR("the plugin did not start: %s"), base_err_name(code));
        }
    }
    return host->fail_text[0] ? base_err_set(err, LANTOA_ESTATE, "%s", host->fail_text) : 0;
}

/* Everything up to READY. *fail_out says who is to blame. */
static int start(struct host *host, enum wire_fail *fail_out, struct base_err *err) {
    *fail_out = WIRE_FAIL_HOST;
    struct wire_hello hello = {0};
    int code = host__receive_hello(host, &hello, err);
    if (code) {
        return code;
    }
    host->channel = base_strndup(hello.channel.at, hello.channel.bytes);
    host->data_dir = base_strndup(hello.data_dir.at, hello.data_dir.bytes);
    host->state_dir = base_strndup(hello.state_dir.at, hello.state_dir.bytes);
    host->window = host->plugin_window = hello.window;
    host->timeout_ms = (int64_t)hello.timeout_s * 1000;
    host->log_level = (enum lantoa_log_level)hello.log_level;
    host__confine(host->channel);
    code = open_journal(host, err);
    if (code) {
        return code;
    }
    host__api_fill(host);
    code = host_plugin_load(hello.plugin.at, &host->plugin, err);
    if (code) {
        return code;
    }
    host__greet(host);
    code = host_config_new(host->plugin, hello.options, host->data_dir, &host->config, err);
    if (code) {
        return code;
    }
    code = host__become(hello.user, &host->state_dir, err);
    if (code) {
        return code;
    }
    host->api.state_dir = host->state_dir;
    host->memory_mb = hello.memory_mb;
    if (host->memory_mb > 0) {
        host->memory_bytes = host__resident_bytes() + host__memory_allowed(host->memory_mb);
    }
    host__limit_memory(hello.memory_mb);
    host__http_init(host, hello.hosts, hello.options);
    *fail_out = WIRE_FAIL_PLUGIN;
    code = host__must_be_openable(host->plugin, host->config, err);
    if (code) {
        return code;
    }
    start_watchers(host);
    return open_plugin(host, err);
}

static void finish(struct host *host) {
    host__beat(host); /* last metrics */
    if (host->fail_text[0]) {
        host__tell_fail(host, WIRE_FAIL_PLUGIN, host->fail_text);
    } else if (host->ready) {
        wire_begin(&host->outbox, WIRE_DRAINED);
        wire_end(&host->outbox);
    }
    (void)host__send_all(host, 2000);
    if (host->self) {
        host->plugin->table.ops.close(host->self);
    }
    host__queue_free(host);
    host__http_free(host);
    host__resolver_free(host);
    host_config_free(&host->config);
    host_plugin_free(&host->plugin);
    wire_journal_unmap(&host->journal);
    wire_inbox_release(&host->inbox);
    wire_writer_release(&host->outbox);
    base_free(host->channel);
    base_free(host->data_dir);
    base_free(host->state_dir);
    ev_loop_destroy(host->loop);
}

int host_run(void) {
    struct host *host = base_alloc(sizeof(*host));
    host->fd = WIRE_FD_CORE;
    fcntl(WIRE_FD_CORE, F_SETFD, FD_CLOEXEC);
    fcntl(WIRE_FD_LOCK, F_SETFD, FD_CLOEXEC);
    fcntl(WIRE_FD_CORE, F_SETFL, O_NONBLOCK);
    host->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    BASE_ASSERT(host->loop);
    wire_inbox_init(&host->inbox, WIRE_TO_HOST);
    wire_writer_init(&host->outbox, OUTBOX_MOST);
    struct base_err err = {0};
    enum wire_fail fail;
    int code = start(host, &fail, &err);
    if (code) {
        host__tell_fail(host, fail, err.text);
        (void)host__send_all(host, 2000);
        /* The plugin may be half open: nothing of it is called any more. */
        _exit(WIRE_EXIT_FAIL);
    }
    host->ready = true;
    wire_begin(&host->outbox, WIRE_READY);
    wire_end(&host->outbox);
    const char *why = NULL;
    if (!host__take_frames(host, &why)) {
        host__tell_fail(host, WIRE_FAIL_HOST, why);
        host->draining = host->drained = true;
    }
    ev_run(host->loop, 0);
    finish(host);
    bool failed = host->fail_text[0] != '\0';
    base_free(host);
    return failed ? WIRE_EXIT_FAIL : WIRE_EXIT_OK;
}
