/* Counters, and the thread that counts the ledger. */
#include "api/metrics.h"

#include "api/server.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/ledger.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define LOOK_S 5
#define LOOK_SHARE 50 /* counting takes at most a fiftieth of the time */
#define TEXT_BYTES_MAX (size_t)(4 << 20)

static const char *const route_labels[] = {
#define LABEL(name, label) label,
    METRICS_ROUTES(LABEL)
#undef LABEL
};

static const int64_t bounds_us[] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000};
#define BOUNDS (sizeof bounds_us / sizeof bounds_us[0])
#define STATUS_CLASSES 6 /* by the first digit */

struct metrics {
    atomic_uint_fast64_t requests[METRICS_ROUTE_COUNT][STATUS_CLASSES];
    atomic_uint_fast64_t buckets[BOUNDS + 1];
    atomic_uint_fast64_t took_us;
    struct commit_queue *queue; /* BORROWED */

    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t stop;
    bool stopping, failed;
    int64_t looked_us;
    struct base_buf ledger;  /* the lines of the last look */
    struct base_buf plugins; /* those of the plugins' figures */

    struct db *db; /* of the thread */
};

int64_t metrics_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void metrics_count(struct metrics *m, enum metrics_route route, unsigned status, int64_t took_us) {
    unsigned class = status / 100 < STATUS_CLASSES ? status / 100 : 0;
    size_t bucket = 0;
    while (bucket < BOUNDS && took_us > bounds_us[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&m->requests[route][class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->took_us, (uint64_t)took_us, memory_order_relaxed);
}

/* --- the ledger --- */

/* A label's value: backslash, quote and line break escaped. */
static void add_label(struct base_buf *out, struct str value) {
    for (size_t i = 0; i < value.bytes; i++) {
        char c = value.at[i];
        if (c == '\\' || c == '"') {
            base_buf_add_char(out, '\\');
        }
        if (c == '\n') {
            base_buf_add_text(out, "\\n");
        } else {
            base_buf_add_char(out, c);
        }
    }
}

void metrics_figures(struct metrics *m, const struct api_figure *figures, size_t count) {
    pthread_mutex_lock(&m->lock);
    base_buf_clear(&m->plugins);
    if (count > 0) {
        base_buf_add_text(&m->plugins,
            "# HELP lantoa_channel_figure What a channel's plugin counts (its README).\n"
            "# TYPE lantoa_channel_figure gauge\n");
    }
    for (size_t i = 0; i < count; i++) {
        base_buf_add_text(&m->plugins, "lantoa_channel_figure{channel=\"");
        add_label(&m->plugins, str_from(figures[i].channel));
        base_buf_add_text(&m->plugins, "\",figure=\"");
        add_label(&m->plugins, str_from(figures[i].name));
        base_buf_printf(&m->plugins, "\"} %.10g\n", figures[i].value);
    }
    pthread_mutex_unlock(&m->lock);
}

static int look_at_messages(struct db *db, struct base_buf *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT c.name, m.state, count(*) FROM campaign c JOIN step s ON s.campaign_id = c.id JOIN "
        "message m ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 GROUP BY c.id, c.name, "
        "m.state ORDER BY c.id, m.state",
        &stmt, err);
    base_buf_add_text(out, "# HELP lantoa_messages Messages of the ledger.\n"
                           "# TYPE lantoa_messages gauge\n");
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        base_buf_add_text(out, "lantoa_messages{campaign=\"");
        add_label(out, db_column_str(stmt, 0));
        base_buf_printf(out, "\",state=\"%s\"} %" PRId64 "\n",
            message_state_word((int)db_column_i64(stmt, 1)), db_column_i64(stmt, 2));
    }
    db_finish(&stmt);
    return rc;
}

static int look_at_channels(struct db *db, struct base_buf *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT name, state FROM channel ORDER BY name", &stmt, err);
    base_buf_add_text(out,
        "# HELP lantoa_channel_ready Whether a channel works (1), or is parked "
        "or has failed and sent nothing since (0).\n# TYPE lantoa_channel_ready gauge\n");
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        base_buf_add_text(out, "lantoa_channel_ready{channel=\"");
        add_label(out, db_column_str(stmt, 0));
        base_buf_printf(out, "\"} %d\n", str_is(db_column_str(stmt, 1), "ready"));
    }
    db_finish(&stmt);
    return rc;
}

static int look(struct db *db, struct base_buf *out, struct base_err *err) {
    int64_t waiting = 0;
    int rc = look_at_messages(db, out, err);
    if (rc == 0) {
        rc = look_at_channels(db, out, err);
    }
    if (rc == 0) {
        rc = hook_waiting(db, &waiting, err);
        base_buf_printf(out,
            "# HELP lantoa_hooks_waiting Call-backs taken in and not worked off yet.\n"
            "# TYPE lantoa_hooks_waiting gauge\nlantoa_hooks_waiting %" PRId64 "\n",
            waiting);
    }
    return rc;
}

static void take_look(struct metrics *m) {
    struct base_buf text;
    struct base_err err = {0};
    base_buf_init(&text, TEXT_BYTES_MAX);
    int rc = look(m->db, &text, &err);
    pthread_mutex_lock(&m->lock);
    bool failed_before = m->failed;
    m->failed = rc != 0;
    if (rc == 0) {
        struct base_buf old = m->ledger;
        m->ledger = text;
        text = old;
        m->looked_us = metrics_now_us();
    }
    pthread_mutex_unlock(&m->lock);
    if (rc != 0 && !failed_before) {
        base_log(BASE_LOG_ERROR, "http", "the ledger cannot be counted: %s", err.text);
    }
    base_buf_release(&text);
}

static void *run(void *arg) {
    struct metrics *m = arg;
    for (;;) {
        int64_t began = metrics_now_us();
        take_look(m);
        int64_t pause_us = (metrics_now_us() - began) * LOOK_SHARE;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_S + pause_us / 1000000;
        pthread_mutex_lock(&m->lock);
        int rc = 0;
        while (!m->stopping && rc == 0) {
            rc = pthread_cond_timedwait(&m->stop, &m->lock, &until);
        }
        bool stopping = m->stopping;
        pthread_mutex_unlock(&m->lock);
        if (stopping) {
            return NULL;
        }
    }
}

bool metrics_database_ok(struct metrics *m) {
    pthread_mutex_lock(&m->lock);
    bool ok = !m->failed;
    pthread_mutex_unlock(&m->lock);
    return ok;
}

/* --- life --- */

static void release(struct metrics **metrics) {
    struct metrics *m = *metrics;
    db_close(&m->db);
    base_buf_release(&m->ledger);
    base_buf_release(&m->plugins);
    pthread_cond_destroy(&m->stop);
    pthread_mutex_destroy(&m->lock);
    base_free(m);
    *metrics = NULL;
}

int metrics_start(const char *db_path, struct commit_queue *queue, struct metrics **metrics_out,
    struct base_err *err) {
    struct metrics *m = base_alloc(sizeof *m);
    pthread_condattr_t monotonic;
    m->queue = queue;
    base_buf_init(&m->ledger, TEXT_BYTES_MAX);
    base_buf_init(&m->plugins, TEXT_BYTES_MAX);
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&m->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = db_open(db_path, DB_OPEN_READ_ONLY, &m->db, err);
    if (rc == 0 && pthread_create(&m->thread, NULL, run, m) != 0) {
        rc = base_err_set(err, LANTOA_EIO, "pthread_create");
    }
    if (rc != 0) {
        release(&m);
        return rc;
    }
    *metrics_out = m;
    return 0;
}

void metrics_stop(struct metrics **metrics) {
    struct metrics *m = *metrics;
    if (!m) {
        return;
    }
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->stop);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    release(metrics);
}

/* --- the text --- */

static void write_requests(struct metrics *m, struct base_buf *out) {
    base_buf_add_text(out, "# HELP lantoa_http_requests_total Requests answered.\n"
                           "# TYPE lantoa_http_requests_total counter\n");
    for (int route = 0; route < METRICS_ROUTE_COUNT; route++) {
        for (int class = 1; class < STATUS_CLASSES; class ++) {
            uint64_t count = atomic_load_explicit(&m->requests[route][class], memory_order_relaxed);
            if (count) {
                base_buf_printf(out,
                    "lantoa_http_requests_total{route=\"%s\",code=\"%dxx\"} %" PRIu64 "\n",
                    route_labels[route], class, count);
            }
        }
    }
    base_buf_add_text(out, "# HELP lantoa_http_request_seconds Time from the request's first line "
                           "to its answer.\n# TYPE lantoa_http_request_seconds histogram\n");
    uint64_t sum = 0;
    for (size_t i = 0; i < BOUNDS; i++) {
        sum += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        base_buf_printf(out, "lantoa_http_request_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
            (double)bounds_us[i] / 1e6, sum);
    }
    sum += atomic_load_explicit(&m->buckets[BOUNDS], memory_order_relaxed);
    base_buf_printf(out,
        "lantoa_http_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
        "lantoa_http_request_seconds_sum %.6f\nlantoa_http_request_seconds_count %" PRIu64 "\n",
        sum, (double)atomic_load_explicit(&m->took_us, memory_order_relaxed) / 1e6, sum);
}

void metrics_write(struct metrics *m, struct base_buf *out) {
    struct commit_status status;
    commit_status(m->queue, &status);
    write_requests(m, out);
    base_buf_printf(out,
        "# HELP lantoa_commit_queue_depth Events that wait for the disk.\n"
        "# TYPE lantoa_commit_queue_depth gauge\nlantoa_commit_queue_depth %zu\n"
        "# HELP lantoa_commit_groups_total Transactions of events.\n"
        "# TYPE lantoa_commit_groups_total counter\nlantoa_commit_groups_total %" PRIu64 "\n"
        "# HELP lantoa_commit_events_total Events committed.\n"
        "# TYPE lantoa_commit_events_total counter\nlantoa_commit_events_total %" PRIu64 "\n"
        "# HELP lantoa_commit_failures_total Transactions of events that failed.\n"
        "# TYPE lantoa_commit_failures_total counter\nlantoa_commit_failures_total %" PRIu64 "\n",
        status.depth, status.groups, status.items, status.failures);
    pthread_mutex_lock(&m->lock);
    base_buf_add_str(out, base_buf_str(&m->ledger));
    base_buf_add_str(out, base_buf_str(&m->plugins));
    if (m->looked_us) {
        base_buf_printf(out,
            "# HELP lantoa_ledger_age_seconds How old the counts of the ledger are.\n"
            "# TYPE lantoa_ledger_age_seconds gauge\nlantoa_ledger_age_seconds %.3f\n",
            (double)(metrics_now_us() - m->looked_us) / 1e6);
    }
    pthread_mutex_unlock(&m->lock);
}
