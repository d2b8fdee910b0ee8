/* The plugin's way to the core: log, metrics, beginnings, results, events. Every plugin is taken to
 * be wrong until it has been checked; the first broken rule ends the process, for a plugin that
 * miscounts must not go on sending. */
#include "base/clock.h"
#include "base/log.h"
#include "base/tr.h"
#include "host/internal.h"
#include "wire/start.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* A plugin that floods the core with events is held off here; results always fit, there is one per
 * slot. */
#define EVENTS_PENDING_MOST ((size_t)1 << 20)
#define LOG_PENDING_MOST ((size_t)2 << 20)
#define LOG_PER_BEAT 50
#define LOG_BURST 400

static struct str str_of_sdk(struct lantoa_str text) {
    return str_of(text.at ? text.at : "", text.at ? text.bytes : 0);
}

void host__fault(struct host *host, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct wire_fault fault = {WIRE_FAIL_FAULT, wire_tidy(str_from(text), sizeof(text))};
    wire_put_fail(&host->outbox, &fault);
    (void)host__send_all(host, 1000);
    _exit(WIRE_EXIT_FAIL);
}

static void put_log(struct host *host, enum lantoa_log_level level, const char *text) {
    if (host->fd < 0 || wire_writer_pending(&host->outbox) > LOG_PENDING_MOST) {
        base_log((enum base_log_level)level, host->channel, "%s", text);
        return;
    }
    struct wire_log log = {level, wire_tidy(str_from(text), WIRE_LOG_MOST)};
    wire_put_log(&host->outbox, &log);
}

static void api_log(
    const struct lantoa_host *api, enum lantoa_log_level level, const char *fmt, ...) {
    struct host *host = host__of(api);
    if (level < host->log_level || level > LANTOA_LOG_ERROR) {
        return;
    }
    if (host->log_tokens == 0) {
        host->log_dropped++;
        return;
    }
    host->log_tokens--;
    char text[WIRE_LOG_MOST + 1];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_log(host, level, text);
}

static void tell_metrics(struct host *host) {
    for (size_t i = 0; i < host->metric_count && host->metrics_untold > 0; i++) {
        struct host_metric *metric = &host->metrics[i];
        if (!metric->told) {
            struct wire_metric frame = {str_from(metric->name), metric->value};
            wire_put_metric(&host->outbox, &frame);
            metric->told = true;
            host->metrics_untold--;
        }
    }
}

void host__beat(struct host *host) {
    host->log_tokens += LOG_PER_BEAT;
    if (host->log_tokens > LOG_BURST) {
        host->log_tokens = LOG_BURST;
    }
    if (host->log_dropped > 0) {
        char text[80];
        snprintf(text, sizeof(text), "%zu lines of log dropped: too many", host->log_dropped);
        put_log(host, LANTOA_LOG_WARN, text);
        host->log_dropped = 0;
    }
    tell_metrics(host);
}

static bool metric_name_ok(const char *name) {
    size_t bytes = strlen(name);
    return bytes > 0 && bytes <= WIRE_METRIC_NAME_MOST &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz_") == bytes;
}

static void api_metric(const struct lantoa_host *api, const char *name, double value) {
    struct host *host = host__of(api);
    if (!metric_name_ok(name) || !isfinite(value)) {
        return;
    }
    struct host_metric *metric = host->metrics;
    struct host_metric *end = host->metrics + host->metric_count;
    while (metric < end && strcmp(metric->name, name) != 0) {
        metric++;
    }
    if (metric == end) {
        if (host->metric_count == HOST_METRICS_MOST) {
            return;
        }
        host->metric_count++;
        *metric = (struct host_metric){.told = true};
        snprintf(metric->name, sizeof(metric->name), "%s", name);
    }
    metric->value = value;
    if (metric->told) {
        metric->told = false;
        host->metrics_untold++;
    }
}

static int64_t api_now(const struct lantoa_host *api) {
    (void)api;
    return base_clock_now_ms();
}

static int64_t api_ticks(const struct lantoa_host *api) {
    (void)api;
    return base_clock_real_ms();
}

static void api_window(const struct lantoa_host *api, size_t messages) {
    host__of(api)->plugin_window = messages;
}

static void api_began(const struct lantoa_host *api, uint64_t id) {
    struct host *host = host__of(api);
    struct host_message *message = host__find(host, id);
    if (!message || message->stage == HOST_QUEUED) {
        host__fault(host, TR("the plugin began message %llu, which it was not given"),
            (unsigned long long)id);
    }
    if (message->stage == HOST_BEGUN) {
        host__fault(host, TR("the plugin began message %llu twice"), (unsigned long long)id);
    }
    if (!wire_slot_begin(host->journal, message->slot, id)) {
        host__fault(host, TR("the journal of message %llu is damaged"), (unsigned long long)id);
    }
    message->stage = HOST_BEGUN;
}

static bool has_ended(const struct host *host, uint64_t id) {
    for (size_t i = 0; i < sizeof(host->ended) / sizeof(host->ended[0]); i++) {
        if (host->ended[i] == id && id != 0) {
            return true;
        }
    }
    return false;
}

/* The plugin's struct may be older and shorter than ours. */
static struct lantoa_result copy_result(const struct lantoa_result *result) {
    struct lantoa_result copy = {0};
    size_t bytes = result->size < sizeof(copy) ? result->size : sizeof(copy);
    memcpy(&copy, result, bytes);
    return copy;
}

static void api_result(const struct lantoa_host *api, const struct lantoa_result *given) {
    struct host *host = host__of(api);
    struct lantoa_result result = copy_result(given);
    unsigned long long id = (unsigned long long)result.id;
    struct host_message *message = host__find(host, result.id);
    if (!message || message->stage == HOST_QUEUED) {
        host__fault(host,
            has_ended(host, result.id)
                ? TR("the plugin gave a second result for message %llu")
                : TR("the plugin gave a result for message %llu, which it was not given"),
            id);
    }
    if (result.outcome < LANTOA_SENT || result.outcome > LANTOA_NOT_SENT ||
        result.reason > LANTOA_REASON_OTHER) {
        host__fault(host, TR("the plugin gave message %llu a result that does not exist"), id);
    }
    if (result.outcome == LANTOA_SENT && message->stage != HOST_BEGUN) {
        host__fault(host, TR("the plugin says it sent message %llu, which it never began"), id);
    }
    int64_t longest = (int64_t)365 * 86400000;
    struct wire_result ended = {
        .id = result.id,
        .slot = message->slot,
        .outcome = result.outcome,
        .reason = result.reason,
        .after_ms = result.after_ms < 0         ? 0
                    : result.after_ms > longest ? longest
                                                : result.after_ms,
        .ref = wire_tidy(str_of_sdk(result.ref), WIRE_REF_MOST),
        .detail = wire_tidy(str_of_sdk(result.detail), WIRE_DETAIL_MOST),
    };
    host__end_message(host, message, &ended);
}

static int api_event(const struct lantoa_host *api, const struct lantoa_event *given) {
    struct host *host = host__of(api);
    struct lantoa_event event = {0};
    memcpy(&event, given, given->size < sizeof(event) ? given->size : sizeof(event));
    if (event.kind < LANTOA_EVENT_DELIVERED || event.kind > LANTOA_EVENT_FIGURES ||
        event.reason > LANTOA_REASON_OTHER) {
        return LANTOA_EINVAL;
    }
    if (host->fd < 0 || wire_writer_pending(&host->outbox) > EVENTS_PENDING_MOST) {
        return LANTOA_EAGAIN;
    }
    struct wire_event record = {
        .token = event.token,
        .kind = event.kind,
        .reason = event.reason,
        .key = wire_tidy(str_of_sdk(event.key), WIRE_EVENT_TEXT_MOST),
        .ref = wire_tidy(str_of_sdk(event.ref), WIRE_EVENT_TEXT_MOST),
        .address = wire_tidy(str_of_sdk(event.address), WIRE_EVENT_TEXT_MOST),
        .detail = wire_tidy(str_of_sdk(event.detail), WIRE_EVENT_DETAIL_MOST),
    };
    wire_put_event(&host->outbox, &record);
    return 0;
}

static void api_drained(const struct lantoa_host *api) {
    host__of(api)->drained = true;
}

static void api_fail(const struct lantoa_host *api, const char *fmt, ...) {
    struct host *host = host__of(api);
    if (host->fail_text[0]) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(host->fail_text, sizeof(host->fail_text), fmt, args);
    va_end(args);
    if (!host->fail_text[0]) {
        snprintf(host->fail_text, sizeof(host->fail_text), "the plugin gave no reason");
    }
}

void host__api_fill(struct host *host) {
    host->api.size = sizeof(host->api);
    host->api.minor = LANTOA_ABI_MINOR;
    host->api.channel = host->channel;
    host->api.data_dir = host->data_dir;
    host->api.state_dir = host->state_dir;
    host->api.log = api_log;
    host->api.metric = api_metric;
    host->api.now = api_now;
    host->api.ticks = api_ticks;
    host->api.window = api_window;
    host->api.began = api_began;
    host->api.result = api_result;
    host->api.event = api_event;
    host->api.drained = api_drained;
    host->api.fail = api_fail;
    host->log_tokens = LOG_BURST;
    host__api_loop_fill(host);
    host__api_resolve_fill(host);
}
