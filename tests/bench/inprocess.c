/* What the wall between core and channel costs: the same dispatcher, ledger and plugin, but the
 * plugin runs inside this process, without frames, journal and socket. Only for measuring: a plugin
 * that crashes takes everything with it, and after a crash nobody knows what has left. usage:
 * inprocess DATA CHANNEL PLUGIN.so      works until no campaign runs any more; then a row of JSON
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/idmap.h"
#include "base/mem.h"
#include "campaign/store.h"
#include "delivery/dispatch.h"
#include "host/options.h"
#include "host/plugin.h"
#include <ev.h>
#include <signal.h>
#include <stdio.h>

/* As lantoa serve and lantoa-channel do it, but for longer waits for whole batches: there is
 * nothing else to do meanwhile. */
enum { BATCH_MOST = 256 };
#define GATHER_S 0.1
#define TICK_S 0.2

/* One message in the plugin's hands; texts lie behind it. */
struct letter {
    struct lantoa_message message;
    struct letter *next;
    struct lantoa_str fields[DELIVERY_FIELDS_MAX];
};

struct inside {
    struct lantoa_host api; /* first: the plugin's `host` is this */
    struct ev_loop *loop;
    struct db *db;
    struct dispatcher *dispatcher;
    struct host_plugin *plugin;
    struct host_config *config;
    void *self;
    int64_t channel_id;
    size_t slots, outstanding, window, underway;
    struct letter **by_slot;
    uint32_t *free_slots;
    size_t free_count;
    struct base_idmap *by_id;
    struct letter *put_head, **put_tail, *queue_head, **queue_tail, *dead;
    struct lantoa_step step;
    ev_timer turn, tick;
    ev_prepare pump;
    ev_idle busy;
    int64_t first_ms, last_ms;
    uint64_t sent;
};

static struct inside *inside_of(const struct lantoa_host *api) {
    union {
        const struct lantoa_host *from;
        struct inside *to;
    } cast = {.from = api};
    return cast.to;
}

static _Noreturn void give_up(const char *what, const struct base_err *err) {
    fprintf(stderr, "inprocess: %s: %s\n", what, err ? err->text : "");
    exit(1);
}

/* --- turns --- */

static void schedule(struct inside *in, double after_s) {
    if (ev_is_active(&in->turn) && ev_timer_remaining(in->loop, &in->turn) <= after_s) {
        return;
    }
    ev_timer_stop(in->loop, &in->turn);
    ev_timer_set(&in->turn, after_s, 0.0);
    ev_timer_start(in->loop, &in->turn);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events) {
    struct inside *in = timer->data;
    struct base_err err = {0};
    struct dispatcher_status status;
    int64_t next_ms;
    (void)events;
    if (dispatcher_turn(in->dispatcher, &next_ms, &err) != 0) {
        give_up("turn", &err);
    }
    dispatcher_status(in->dispatcher, &status);
    if (status.running == 0 && in->outstanding == 0 && dispatcher_pending(in->dispatcher) == 0) {
        in->last_ms = base_clock_real_ms();
        ev_break(loop, EVBREAK_ALL);
    } else if (next_ms <= base_clock_now_ms()) {
        schedule(in, 0.0);
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events) {
    (void)loop;
    (void)events;
    schedule(timer->data, 0.0);
}

/* --- the dispatcher's port --- */

static size_t port_room(void *arg) {
    const struct inside *in = arg;
    return in->free_count;
}

static int port_step(void *arg, const struct delivery_step *step, struct base_err *err) {
    struct inside *in = arg;
    (void)err;
    in->step = (struct lantoa_step){.size = sizeof in->step,
        .campaign = {step->campaign->spec->name, strlen(step->campaign->spec->name)},
        .step = {step->spec->name, strlen(step->spec->name)},
        .message_class = {"state_information", 17}};
    return 0;
}

static struct lantoa_str keep(char **at, struct str text) {
    struct lantoa_str kept = {*at, text.bytes};
    if (text.bytes) {
        memcpy(*at, text.at, text.bytes);
    }
    (*at)[text.bytes] = '\0';
    *at += text.bytes + 1;
    return kept;
}

static int port_put(void *arg, const struct channel_message *message) {
    struct inside *in = arg;
    size_t rows = in->plugin->table.content_count;
    size_t bytes =
        message->key.bytes + message->address.bytes + message->name.bytes + message->lang.bytes + 4;
    if (in->free_count == 0) {
        return LANTOA_EAGAIN;
    }
    for (size_t i = 0; i < rows; i++) {
        bytes += message->fields[i].bytes + 1;
    }
    struct letter *letter = base_alloc(sizeof *letter + bytes);
    char *at = (char *)(letter + 1);
    letter->message = (struct lantoa_message){.size = sizeof letter->message,
        .id = message->id,
        .key = keep(&at, message->key),
        .address = keep(&at, message->address),
        .name = keep(&at, message->name),
        .lang = keep(&at, message->lang),
        .due_ms = message->due_ms,
        .fields = letter->fields,
        .step = &in->step};
    for (size_t i = 0; i < rows; i++) {
        letter->fields[i] = keep(&at, message->fields[i]);
    }
    uint32_t slot = in->free_slots[--in->free_count];
    in->by_slot[slot] = letter;
    if (!base_idmap_add(in->by_id, message->id, slot)) {
        give_up("the same message twice", NULL);
    }
    in->outstanding++;
    *in->put_tail = letter;
    in->put_tail = &letter->next;
    return 0;
}

static void port_flush(void *arg) {
    struct inside *in = arg;
    if (!in->first_ms) {
        in->first_ms = base_clock_real_ms();
    }
    if (in->put_head) {
        *in->queue_tail = in->put_head;
        in->queue_tail = in->put_tail;
        in->put_head = NULL;
        in->put_tail = &in->put_head;
    }
}

static void port_discard(void *arg) {
    (void)arg;
    give_up("the commit failed", NULL);
}

static void port_ack(void *arg, const uint64_t *ids, size_t count) {
    struct inside *in = arg;
    for (size_t i = 0; i < count; i++) {
        uint32_t slot;
        if (base_idmap_find(in->by_id, ids[i], &slot)) {
            base_idmap_remove(in->by_id, ids[i]);
            in->free_slots[in->free_count++] = slot;
            in->outstanding--;
        }
    }
}

static void port_event_done(void *arg, uint64_t token) {
    struct inside *in = arg;
    in->plugin->table.ops.event_done(in->self, token);
}

static void port_cancel(void *arg, uint32_t step_ref) {
    (void)arg;
    (void)step_ref;
}

/* --- the plugin's host --- */

static void on_pump(struct ev_loop *loop, ev_prepare *watcher, int events) {
    struct inside *in = watcher->data;
    const struct lantoa_message *batch[BATCH_MOST];
    size_t count = 0;
    (void)events;
    while (in->queue_head && count < BATCH_MOST && in->underway < in->window) {
        struct letter *letter = in->queue_head;
        in->queue_head = letter->next;
        if (!in->queue_head) {
            in->queue_tail = &in->queue_head;
        }
        letter->next = NULL;
        in->underway++;
        batch[count++] = &letter->message;
    }
    if (count) {
        in->plugin->table.ops.send(in->self, batch, count);
    }
    while (in->dead) {
        struct letter *letter = in->dead;
        in->dead = letter->next;
        base_free(letter);
    }
    if (in->queue_head && in->underway < in->window) {
        ev_idle_start(loop, &in->busy);
    } else {
        ev_idle_stop(loop, &in->busy);
    }
}

static void on_busy(struct ev_loop *loop, ev_idle *watcher, int events) {
    (void)loop;
    (void)watcher;
    (void)events;
}

static void api_log(
    const struct lantoa_host *api, enum lantoa_log_level level, const char *fmt, ...) {
    (void)api;
    (void)level;
    (void)fmt;
}

static void api_metric(const struct lantoa_host *api, const char *name, double value) {
    (void)api;
    (void)name;
    (void)value;
}

static int64_t api_now(const struct lantoa_host *api) {
    (void)api;
    return base_clock_now_ms();
}

static int64_t api_ticks(const struct lantoa_host *api) {
    (void)api;
    return base_clock_real_ms();
}

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

static void fire_timer(struct ev_loop *loop, ev_timer *watcher, int events) {
    struct lantoa_timer timer = *(struct lantoa_timer *)watcher->data;
    (void)loop;
    (void)events;
    base_free(watcher->data);
    timer.fire(timer.arg);
}

static struct lantoa_timer *api_timer(
    const struct lantoa_host *api, int64_t ms, void (*fire)(void *arg), void *arg) {
    struct lantoa_timer *timer = base_alloc(sizeof *timer);
    *timer = (struct lantoa_timer){.fire = fire, .arg = arg};
    ev_now_update(inside_of(api)->loop);
    ev_timer_init(&timer->timer, fire_timer, (double)ms / 1000, 0);
    timer->timer.data = timer;
    ev_timer_start(inside_of(api)->loop, &timer->timer);
    return timer;
}

static void api_timer_stop(const struct lantoa_host *api, struct lantoa_timer *timer) {
    if (timer) {
        ev_timer_stop(inside_of(api)->loop, &timer->timer);
        base_free(timer);
    }
}

static void watch_ready(struct ev_loop *loop, ev_io *watcher, int events) {
    struct lantoa_watch *watch = watcher->data;
    (void)loop;
    watch->ready(watch->arg,
        (events & EV_READ ? LANTOA_READ : 0U) | (events & EV_WRITE ? LANTOA_WRITE : 0U));
}

static int to_ev(unsigned events) {
    return (events & LANTOA_READ ? EV_READ : 0) | (events & LANTOA_WRITE ? EV_WRITE : 0);
}

static struct lantoa_watch *api_watch(const struct lantoa_host *api, int fd, unsigned events,
    void (*ready)(void *arg, unsigned events), void *arg) {
    struct lantoa_watch *watch = base_alloc(sizeof *watch);
    *watch = (struct lantoa_watch){.ready = ready, .arg = arg};
    ev_io_init(&watch->io, watch_ready, fd, to_ev(events));
    watch->io.data = watch;
    if (events) {
        ev_io_start(inside_of(api)->loop, &watch->io);
    }
    return watch;
}

static void api_watch_set(
    const struct lantoa_host *api, struct lantoa_watch *watch, unsigned events) {
    int wanted = to_ev(events);
    if (wanted == (watch->io.events & (EV_READ | EV_WRITE)) && ev_is_active(&watch->io)) {
        return;
    }
    ev_io_stop(inside_of(api)->loop, &watch->io);
    ev_io_set(&watch->io, watch->io.fd, wanted);
    if (wanted) {
        ev_io_start(inside_of(api)->loop, &watch->io);
    }
}

static void api_watch_stop(const struct lantoa_host *api, struct lantoa_watch *watch) {
    if (watch) {
        ev_io_stop(inside_of(api)->loop, &watch->io);
        base_free(watch);
    }
}

/* The server is given as 127.0.0.1 on the given port. */
static int api_resolve(const struct lantoa_host *api, const char *name, const char *port,
    void (*found)(
        void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error),
    void *arg) {
    (void)api;
    (void)name;
    (void)port;
    found(arg, NULL, 0, "only addresses can be measured");
    return LANTOA_OK;
}

static void api_window(const struct lantoa_host *api, size_t messages) {
    struct inside *in = inside_of(api);
    in->window = messages < in->window ? messages : in->window;
}

static void api_began(const struct lantoa_host *api, uint64_t id) {
    uint32_t slot;
    if (!base_idmap_find(inside_of(api)->by_id, id, &slot)) {
        give_up("began an unknown message", NULL);
    }
}

static struct str text_of(struct lantoa_str text) {
    return str_of(text.at ? text.at : "", text.at ? text.bytes : 0);
}

static void api_result(const struct lantoa_host *api, const struct lantoa_result *result) {
    struct inside *in = inside_of(api);
    uint32_t slot;
    if (!base_idmap_find(in->by_id, result->id, &slot) || !in->by_slot[slot]) {
        give_up("result for an unknown message", NULL);
    }
    struct channel_result ended = {result->id, result->outcome, result->reason, result->after_ms,
        text_of(result->ref), text_of(result->detail)};
    dispatcher_results(in->dispatcher, in->channel_id, &ended, 1);
    in->sent += result->outcome == LANTOA_SENT;
    in->by_slot[slot]->next = in->dead;
    in->dead = in->by_slot[slot];
    in->by_slot[slot] = NULL;
    in->underway--;
    size_t waiting = dispatcher_pending(in->dispatcher);
    /* Results come one by one here, and each turn costs a commit: half of what is out makes one. */
    bool enough = 2 * waiting >= in->slots || waiting == in->outstanding;
    schedule(in, enough ? 0.0 : GATHER_S);
}

static int api_event(const struct lantoa_host *api, const struct lantoa_event *event) {
    (void)api;
    (void)event;
    return LANTOA_EAGAIN;
}

static void api_nothing(const struct lantoa_host *api) {
    (void)api;
}

static void api_fail(const struct lantoa_host *api, const char *fmt, ...) {
    (void)api;
    give_up(fmt, NULL);
}

static const struct lantoa_host api_table = {
    .size = sizeof(struct lantoa_host),
    .channel = "inside",
    .log = api_log,
    .metric = api_metric,
    .now = api_now,
    .ticks = api_ticks,
    .timer = api_timer,
    .timer_stop = api_timer_stop,
    .watch = api_watch,
    .watch_set = api_watch_set,
    .watch_stop = api_watch_stop,
    .wake = api_nothing,
    .resolve = api_resolve,
    .window = api_window,
    .began = api_began,
    .result = api_result,
    .event = api_event,
    .drained = api_nothing,
    .fail = api_fail,
};

/* --- start --- */

static int join(
    struct inside *in, const char *data_dir, const char *channel, struct base_err *err) {
    struct channel_row row = {0};
    struct channel_manifest *manifest = NULL;
    struct channel_spec *spec = NULL;
    struct base_json *doc = NULL;
    int rc = channel_get(in->db, channel, &row, err);
    if (rc == 0) {
        rc = channel_manifest_parse(row.manifest_text, &manifest, err);
    }
    if (rc == 0) {
        rc = base_json_parse(str_from(row.spec_text), row.name, &doc, err);
    }
    if (rc == 0) {
        rc = channel_spec_parse(doc, manifest, &spec, err);
    }
    if (rc == 0) {
        rc = host_config_new(in->plugin, str_from(spec->options_json), data_dir, &in->config, err);
    }
    if (rc == 0) {
        const struct delivery_port port = {in, port_room, port_step, port_put, port_flush,
            port_discard, port_ack, port_event_done, port_cancel, NULL};
        in->channel_id = row.id;
        in->window = spec->window;
        in->slots = 2 * spec->window;
        in->by_slot = base_alloc_array(in->slots, sizeof(struct letter *));
        in->free_slots = base_alloc_array(in->slots, sizeof *in->free_slots);
        in->by_id = base_idmap_new(in->slots);
        while (in->free_count < in->slots) {
            in->free_slots[in->free_count] = (uint32_t)in->free_count;
            in->free_count++;
        }
        dispatcher_channel(in->dispatcher, row.id, spec, manifest, &port);
        dispatcher_recovered(in->dispatcher, row.id, true);
    }
    base_json_free(&doc);
    channel_spec_free(&spec);
    channel_manifest_free(&manifest);
    channel_row_release(&row);
    return rc;
}

static int start(struct inside *in, char **argv, struct base_err *err) {
    char *path = base_path_join(argv[1], "lantoa.db");
    int rc = db_open(path, 0, &in->db, err);
    base_free(path);
    if (rc == 0) {
        rc = dispatcher_new(in->db, 0, &in->dispatcher, err);
    }
    if (rc == 0) {
        rc = host_plugin_load(argv[3], &in->plugin, err);
    }
    if (rc == 0) {
        rc = join(in, argv[1], argv[2], err);
    }
    if (rc == 0) {
        in->api = api_table;
        in->api.data_dir = in->api.state_dir = argv[1];
        rc = in->plugin->table.ops.open(&in->api, host_config_get(in->config), &in->self);
    }
    return rc;
}

int main(int argc, char **argv) {
    struct inside in = {.loop = ev_loop_new(EVFLAG_AUTO)};
    struct base_err err = {0};
    in.put_tail = &in.put_head;
    in.queue_tail = &in.queue_head;
    signal(SIGPIPE, SIG_IGN);
    if (argc != 4) {
        fprintf(stderr, "usage: inprocess DATA CHANNEL PLUGIN.so\n");
        return 2;
    }
    if (start(&in, argv, &err) != 0) {
        give_up("start", &err);
    }
    ev_timer_init(&in.turn, on_turn, 0.0, 0.0);
    ev_timer_init(&in.tick, on_tick, TICK_S, TICK_S);
    ev_prepare_init(&in.pump, on_pump);
    ev_idle_init(&in.busy, on_busy);
    in.turn.data = in.tick.data = in.pump.data = in.busy.data = &in;
    ev_timer_start(in.loop, &in.tick);
    ev_prepare_start(in.loop, &in.pump);
    schedule(&in, 0.0);
    ev_run(in.loop, 0);
    printf("{\"n\": %llu, \"secs\": %.3f}\n", (unsigned long long)in.sent,
        (double)(in.last_ms - in.first_ms) / 1000);
    in.plugin->table.ops.close(in.self);
    dispatcher_free(&in.dispatcher);
    db_close(&in.db);
    return 0;
}
