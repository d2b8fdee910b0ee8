/* The daemon's loop: ticks, turns of the dispatcher, and the channels' call backs. */
#include "delivery/serve.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/parse.h"
#include "base/tr.h"
#include "delivery/control.h"
#include "delivery/dispatch.h"
#include "delivery/scratch.h"
#include "delivery/serve_channels.h"
#include "store/schema.h"
#include <ev.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define TICK_S 0.2    /* how often the database is looked at for what people changed */
#define GATHER_S 0.01 /* results wait this long for company, unless the channel runs dry */
#define RETRY_S 1.0   /* after a failed turn: disk full, database busy */
#define STOP_GRACE_MS 10000
#define SLOW_TURN_MS 50
#define IDLE_HORIZON_MS (INT64_C(60) * 60 * 1000)
/* Operators give up on a text within three days; no receipt of an older one is waited for. */
#define RECEIPT_DAYS_MS (INT64_C(3) * 24 * 60 * 60 * 1000)
#define RECEIPT_LOOK_MS 500
#define FIGURES_MS 5000
#define FIGURES_MOST 512

struct serve {
    const struct serve_options *options;
    struct ev_loop *loop;
    struct db *db;
    struct dispatcher *dispatcher;
    struct serve_channels *channels;
    ev_timer tick, turn;
    ev_signal term, intr;
    int lock_fd;
    bool stopping;
    bool restored;                        /* the database is a copy */
    int failures;                         /* failed turns in a row */
    int64_t idle_real_ms, looked_real_ms; /* idle since, waiting for receipts; 0: not idle */
    int64_t watchdog_ms, fed_ms;          /* of the service manager; 0: it has none */
    int64_t figures_ms;                   /* when figures were told last */
    struct base_err err;
};

static void schedule(struct serve *s, double after_s) {
    if (ev_is_active(&s->turn) && ev_timer_remaining(s->loop, &s->turn) <= after_s) {
        return;
    }
    ev_timer_stop(s->loop, &s->turn);
    ev_timer_set(&s->turn, after_s, 0.0);
    ev_timer_start(s->loop, &s->turn);
}

/* Something came from a channel. */
static void on_news(void *arg, bool urgent) {
    struct serve *s = arg;
    schedule(s, urgent || dispatcher_pending(s->dispatcher) >= DISPATCH_BATCH ? 0.0 : GATHER_S);
}

static void begin_stop(struct serve *s) {
    if (!s->stopping) {
        s->stopping = true;
        base_notify("STOPPING=1");
        serve_channels_stop(s->channels, STOP_GRACE_MS);
        schedule(s, 0.0);
    }
}

/* Whether nothing is left to do but to wait for receipts, and there is time for that. */
static bool waits_for_receipts(struct serve *s) {
    int64_t now = base_clock_real_ms();
    bool awaited = false;
    struct base_err err = {0};
    s->idle_real_ms = s->idle_real_ms ? s->idle_real_ms : now;
    if (now - s->idle_real_ms >= s->options->receipts_ms) {
        return false;
    }
    if (now - s->looked_real_ms < RECEIPT_LOOK_MS) {
        return true;
    }
    s->looked_real_ms = now;
    int rc = dispatcher_awaits_receipts(
        s->dispatcher, base_clock_now_ms() - RECEIPT_DAYS_MS, &awaited, &err);
    if (rc != 0) {
        base_log(BASE_LOG_WARN, "serve", "%s", err.text);
    }
    return rc == 0 && awaited;
}

static void check_idle(struct serve *s) {
    struct dispatcher_status status;
    dispatcher_status(s->dispatcher, &status);
    if (!s->options->until_idle || s->stopping || dispatcher_pending(s->dispatcher) > 0 ||
        status.outstanding > 0) {
        s->idle_real_ms = 0;
        return;
    }
    bool idle = status.running == 0;
    if (!idle && status.blocked && serve_channels_parked(s->channels)) {
        base_err_set(
            &s->err, LANTOA_ESTATE, "%s", TR("a channel is parked: its messages cannot leave"));
        idle = true;
    }
    if (!idle && base_clock_speed() == 1 && status.next_ms != INT64_MAX &&
        status.next_ms > base_clock_now_ms() + IDLE_HORIZON_MS) {
        char when[BASE_ISO_MAX];
        base_format_iso(status.next_ms, 0, when);
        base_log(BASE_LOG_INFO, "serve", "idle: the next message is due at %s", when);
        idle = true;
    }
    if (!idle) {
        s->idle_real_ms = 0;
    } else if (s->err.text[0] || !waits_for_receipts(s)) {
        begin_stop(s);
    }
}

static void failed_turn(struct serve *s, const struct base_err *err) {
    if (s->failures++ % 60 == 0) {
        base_log(BASE_LOG_ERROR, "serve", "%s; trying again every second", err->text);
    }
    if (err->code == LANTOA_ECORRUPT && !s->stopping) {
        s->err = *err; /* a damaged file does not heal by trying */
        begin_stop(s);
    } else if (s->stopping && serve_channels_stopped(s->channels)) {
        /* Who asks us to end does not wait for a disk: what the channels told last stands in their
         * journals and is taken over at the next start. */
        s->err = *err;
        ev_break(s->loop, EVBREAK_ALL);
    }
    schedule(s, RETRY_S);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events) {
    struct serve *s = timer->data;
    struct base_err err = {0};
    int64_t next_ms;
    (void)loop;
    (void)events;
    int64_t began = base_clock_real_ms();
    int rc = dispatcher_turn(s->dispatcher, &next_ms, &err);
    if (rc != 0) {
        failed_turn(s, &err);
        return;
    }
    if (s->failures) {
        base_log(BASE_LOG_INFO, "serve", "the database takes writes again");
        s->failures = 0;
    }
    int64_t took = base_clock_real_ms() - began;
    if (took > SLOW_TURN_MS) {
        base_log(BASE_LOG_DEBUG, "serve", "a turn of the dispatcher took %" PRId64 " ms", took);
    }
    if (s->stopping) {
        if (serve_channels_stopped(s->channels) && dispatcher_pending(s->dispatcher) == 0) {
            ev_break(s->loop, EVBREAK_ALL);
        }
        return;
    }
    if (next_ms <= base_clock_now_ms()) {
        schedule(s, 0.0);
    } else if (next_ms != INT64_MAX) {
        int64_t wait = base_clock_real_until(next_ms);
        if (wait < (int64_t)(TICK_S * 1000)) {
            schedule(s, (double)wait / 1000);
        }
    }
    check_idle(s);
}

/* A loop that stands still says nothing, and is started again. */
static void feed_watchdog(struct serve *s) {
    int64_t now = base_clock_real_ms();
    if (s->watchdog_ms > 0 && now - s->fed_ms >= s->watchdog_ms) {
        s->fed_ms = now;
        base_notify("WATCHDOG=1");
    }
}

static void tell_figures(struct serve *s) {
    struct serve_figure figures[FIGURES_MOST];
    int64_t now = base_clock_real_ms();
    if (s->options->figures && now - s->figures_ms >= FIGURES_MS) {
        s->figures_ms = now;
        s->options->figures(s->options->beat_arg, figures,
            serve_channels_figures(s->channels, figures, FIGURES_MOST));
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events) {
    struct serve *s = timer->data;
    struct base_err err = {0};
    (void)loop;
    (void)events;
    feed_watchdog(s);
    if (s->options->beat) {
        s->options->beat(s->options->beat_arg);
    }
    tell_figures(s);
    if (!s->stopping && serve_channels_reload(s->channels, &err) != 0) {
        base_log(BASE_LOG_ERROR, "serve", "%s", err.text);
    }
    if (s->failures == 0) {
        schedule(s, 0.0);
    }
}

static void on_signal(struct ev_loop *loop, ev_signal *signal_watch, int events) {
    (void)loop;
    (void)events;
    base_log(BASE_LOG_INFO, "serve", "asked to end");
    begin_stop(signal_watch->data);
}

/* --- the data folder --- */

/* A fact that may be absent. */
static int meta_or_null(struct db *db, const char *key, char **value_out, struct base_err *err) {
    struct base_err inner = {0};
    int rc = schema_meta_get(db, key, value_out, &inner);
    return rc == 0 || rc == LANTOA_ENOENT ? 0 : base_err_set(err, rc, "%s", inner.text);
}

static int hold_restored(struct serve *s, struct base_err *err) {
    int64_t held;
    int rc = control_hold_all(s->db,
        TR("the database was restored from a backup: check what was sent since, then resume"),
        &held, err);
    if (rc == 0 && held) {
        base_log(BASE_LOG_WARN, "serve",
            "the database was restored: %" PRId64 " campaigns wait for a person", held);
    }
    return rc;
}

/* A number that counts starts, in the database and beside it: a database that lags behind its
 * folder is an older copy. All campaigns are held before the marks of that go, so that a kill in
 * between lets nothing run. */
static int check_epoch(struct serve *s, struct base_err *err) {
    char *path = base_path_join(s->options->data_dir, "epoch");
    char *in_db = NULL;
    char *flag = NULL;
    struct base_buf text;
    int64_t file_epoch = 0;
    int64_t db_epoch = 0;
    base_buf_init(&text, 64);
    int rc = meta_or_null(s->db, "epoch", &in_db, err);
    if (rc == 0) {
        rc = meta_or_null(s->db, "restored", &flag, err);
    }
    if (rc == 0 && base_file_exists(path)) {
        rc = base_file_read(path, 64, &text, err);
    }
    if (!in_db || base_parse_i64(str_from(in_db), &db_epoch) != 0) {
        db_epoch = 0;
    }
    if (base_parse_i64(str_trim(base_buf_str(&text)), &file_epoch) != 0) {
        file_epoch = 0;
    }
    s->restored = (flag && strcmp(flag, "1") == 0) || db_epoch < file_epoch;
    if (rc == 0 && s->restored) {
        rc = hold_restored(s, err);
    }
    if (rc == 0) {
        char next[24];
        snprintf(
            next, sizeof next, "%" PRId64, (file_epoch > db_epoch ? file_epoch : db_epoch) + 1);
        /* The database first: killed in between, it is ahead of the file, which means nothing. */
        rc = schema_meta_set(s->db, "epoch", next, err);
        if (rc == 0) {
            rc = base_file_write(path, str_from(next), 0600, err);
        }
        if (rc == 0 && flag) {
            rc = schema_meta_set(s->db, "restored", "0", err);
        }
    }
    base_buf_release(&text);
    base_free(in_db);
    base_free(flag);
    base_free(path);
    return rc;
}

static int open_data(struct serve *s, struct base_err *err) {
    char *lock = base_path_join(s->options->data_dir, "serve.lock");
    char *path = base_path_join(s->options->data_dir, "lantoa.db");
    int rc = base_lock_take(lock, &s->lock_fd, err);
    if (rc == LANTOA_EBUSY) {
        rc = base_err_set(err, LANTOA_EBUSY, TR("another lantoa serve works on %s already"),
            s->options->data_dir);
    }
    if (rc == 0) {
        scratch_sweep(s->options->data_dir);
        rc = db_open(path, 0, &s->db, err);
    }
    if (rc == 0) {
        rc = schema_upgrade(s->db, err);
    }
    if (rc == 0) {
        rc = check_epoch(s, err);
    }
    if (rc == 0 && s->options->opened) {
        rc = s->options->opened(s->options->opened_arg, s->db, s->restored, err);
    }
    base_free(lock);
    base_free(path);
    return rc;
}

static int start(struct serve *s, struct base_err *err) {
    int rc = open_data(s, err);
    if (rc == 0) {
        rc = dispatcher_new(s->db, 0, &s->dispatcher, err);
    }
    if (rc == 0) {
        dispatcher_data_dir(s->dispatcher, s->options->data_dir);
        dispatcher_on_inbound(s->dispatcher, s->options->inbound, s->options->inbound_arg);
        s->channels = serve_channels_new(
            s->loop, s->db, s->options->data_dir, s->dispatcher, s->options->hooks, on_news, s);
        rc = serve_channels_reload(s->channels, err);
    }
    return rc;
}

/* Batch scheduling (sched(7)): a process that wakes for another handful of messages does not break
 * off whoever it talks to, which on a busy machine halves the switches between core, hosts and a
 * server beside them. Hosts inherit it. Where it is forbidden, all works as it did. */
static void work_in_bulk(void) {
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

int serve_run(const struct serve_options *options, struct base_err *err) {
    struct serve s = {.options = options,
        .lock_fd = -1,
        .watchdog_ms = base_notify_watchdog_ms(),
        .loop = ev_loop_new(EVFLAG_AUTO)};
    signal(SIGPIPE, SIG_IGN);
    work_in_bulk();
    /* Before the channels start, for they may have news at once. */
    ev_timer_init(&s.tick, on_tick, TICK_S, TICK_S);
    ev_timer_init(&s.turn, on_turn, 0.0, 0.0);
    ev_signal_init(&s.term, on_signal, SIGTERM);
    ev_signal_init(&s.intr, on_signal, SIGINT);
    s.tick.data = s.turn.data = s.term.data = s.intr.data = &s;
    int rc = start(&s, err);
    if (rc == 0) {
        ev_timer_start(s.loop, &s.tick);
        schedule(&s, 0.0);
        ev_signal_start(s.loop, &s.term);
        ev_signal_start(s.loop, &s.intr);
        if (options->ready) {
            options->ready(options->ready_arg);
        }
        base_notify("READY=1");
        ev_run(s.loop, 0);
        rc = s.err.code;
        if (rc != 0 && err) {
            *err = s.err;
        }
    }
    serve_channels_free(&s.channels);
    dispatcher_free(&s.dispatcher);
    db_close(&s.db);
    ev_loop_destroy(s.loop);
    if (s.lock_fd >= 0) {
        close(s.lock_fd);
    }
    return rc;
}
