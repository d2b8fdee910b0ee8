/* Frames from the core. The core is this project's own program, yet a frame that makes no sense
 * ends the host: acting on half of one would be worse. */
#include "base/clock.h"
#include "base/log.h"
#include "base/tr.h"
#include "host/internal.h"

/* LIVE options changed. The new struct is shown to the plugin before the old one goes. */
static bool take_settings(struct host *host, struct wire_reader *body) {
    struct wire_settings settings;
    if (!wire_get_settings(body, &settings)) {
        return false;
    }
    host->window = settings.window;
    if (!host->plugin->table.ops.reconfigure) {
        return true;
    }
    struct base_err err = {0};
    struct host_config *config = NULL;
    int code = host_config_new(host->plugin, settings.options, host->data_dir, &config, &err);
    code = code ? code : host__must_be_openable(host->plugin, config, &err);
    if (code) {
        host->api.fail(&host->api, "%s", err.text);
        host_config_free(&config);
        return true;
    }
    code = host->plugin->table.ops.reconfigure(host->self, host_config_get(config));
    if (code) {
        host->api.fail(
            &host->api, TR("the plugin refused its new options: %s"), base_err_name(code));
        host_config_free(&config);
        return true;
    }
    host_config_free(&host->config);
    host->config = config;
    return true;
}

static bool take_lookup(struct host *host, struct wire_reader *body) {
    struct str key = wire_get_str(body);
    struct str ref = wire_get_str(body);
    if (body->bad) {
        return false;
    }
    if (host->plugin->table.ops.lookup) {
        host->plugin->table.ops.lookup(host->self, (struct lantoa_str){key.at, key.bytes},
            (struct lantoa_str){ref.at, ref.bytes});
    }
    return true;
}

static bool take_events_done(struct host *host, struct wire_reader *body) {
    while (wire_left(body) > 0 && !body->bad) {
        uint64_t token = wire_get_u64(body);
        if (!body->bad && host->plugin->table.ops.event_done) {
            host->plugin->table.ops.event_done(host->self, token);
        }
    }
    return !body->bad;
}

static bool take_clock(struct wire_reader *body) {
    struct wire_clock clock;
    if (!wire_get_clock(body, &clock)) {
        return false;
    }
    if (clock.simulated) {
        base_clock_simulate(clock.now_ms, clock.speed);
    }
    return true;
}

static bool take_ping(struct host *host, struct wire_reader *body) {
    uint64_t number = wire_get_u64(body);
    wire_begin(&host->outbox, WIRE_PONG);
    wire_put_u64(&host->outbox, number);
    wire_end(&host->outbox);
    return !body->bad;
}

static bool take_frame(
    struct host *host, enum wire_frame type, struct wire_reader *body, const char **why_out) {
    switch (type) {
    case WIRE_STEP:
        return host__take_step(host, body);
    case WIRE_STEP_FORGET:
        host__forget_step(host, wire_get_u32(body));
        return !body->bad;
    case WIRE_SEND:
        return host__take_messages(host, body, why_out);
    case WIRE_CANCEL:
        host__cancel(host, wire_get_u32(body));
        return !body->bad;
    case WIRE_LOOKUP:
        return take_lookup(host, body);
    case WIRE_EVENT_DONE:
        return take_events_done(host, body);
    case WIRE_RECONFIGURE:
        return take_settings(host, body);
    case WIRE_DRAIN:
        host__drain(host, wire_get_i64(body));
        return !body->bad;
    case WIRE_PING:
        return take_ping(host, body);
    case WIRE_CLOCK:
        return take_clock(body);
    case WIRE_HOOK:
        return host__take_hook(host, body);
    case WIRE_HOOK_DONE:
    case WIRE_HELLO:
    case WIRE_READY:
    case WIRE_RESULTS:
    case WIRE_EVENTS:
    case WIRE_LOG:
    case WIRE_METRIC:
    case WIRE_PONG:
    case WIRE_FAIL:
    case WIRE_DRAINED:
    case WIRE_QUOTE:
    case WIRE_QUOTES:
    case WIRE_CHECK:
    case WIRE_CHECKED:
        break;
    }
    return false;
}

bool host__take_frames(struct host *host, const char **why_out) {
    for (;;) {
        enum wire_frame type;
        struct wire_reader body;
        int code = wire_inbox_next(&host->inbox, &type, &body);
        if (code == 0) {
            return true;
        }
        *why_out = code < 0 ? "bytes that are no frame" : wire_frame_name(type);
        if (code < 0 || !take_frame(host, type, &body, why_out)) {
            return false;
        }
    }
}
