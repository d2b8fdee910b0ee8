/* One message with all that happens to it; many, to measure; and the peer alone. */
#include "base/clock.h"
#include "base/parse.h"
#include "base/tr.h"
#include "channel/quote.h"
#include "kit/internal.h"
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#define RUN_SPARE_MS 5000
#define AFTER_MS 300
#define BENCH_MS 120000
#define BENCH_MOST 1000000

/* --- run --- */

struct trace {
    const struct kit_case *kase;
    FILE *out;
    int64_t began_ms;
};

static void tell(const struct trace *trace, const char *fmt, ...) LANTOA_PRINTF(2, 3);
static void tell(const struct trace *trace, const char *fmt, ...) {
    struct base_buf text;
    va_list args;
    char line[2048];
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    base_buf_init(&text, sizeof(line) + 1);
    base_buf_add_text(&text, line);
    kit__hide(trace->kase, &text);
    fprintf(trace->out, "%6lld ms  %s\n", (long long)(base_clock_real_ms() - trace->began_ms),
        base_buf_text(&text));
    fflush(trace->out);
    base_buf_release(&text);
}

/* Every line that the host has logged, indented. */
static void tell_log(const struct trace *trace, struct kit_bed *bed) {
    struct str rest = kit__bed_log(bed);
    while (rest.bytes > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.bytes > 0) {
            tell(trace, TR("log: %.*s"), STR_ARG(line));
        }
    }
}

static void tell_options(const struct trace *trace, const char *channel_text) {
    const struct channel_manifest *m = trace->kase->manifest;
    struct base_json *doc = NULL;
    struct base_err err = {0};
    if (base_json_parse(str_from(channel_text), "channel", &doc, &err) != 0) {
        return;
    }
    const json_t *options = json_object_get(base_json_root(doc), "options");
    for (size_t i = 0; i < m->option_count; i++) {
        const struct channel_option *option = &m->options[i];
        const json_t *value = json_object_get(options, option->name);
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        bool secret = option->flags & LANTOA_SECRET;
        if (text || option->fallback) {
            tell(trace, "%s = %s%s", option->name,
                secret ? "***"
                : text ? text
                       : option->fallback,
                text ? "" : TR(" (default)"));
        }
        base_free(text);
    }
    base_json_free(&doc);
}

static void tell_message(const struct trace *trace, const struct kit_message *message) {
    const struct kit_case *kase = trace->kase;
    tell(trace, TR("message %llu, key %s, to %s, in %s"), (unsigned long long)message->id,
        message->key, kase->address, kase->lang);
    for (size_t i = 0; i < kase->manifest->content_count; i++) {
        const char *text = kit__content(kase, i);
        if (text[0]) {
            tell(trace, "  %s: %s", kase->manifest->content[i].name, text);
        }
    }
}

static int tell_quote(void *arg, const struct channel_quoted *quoted) {
    const struct trace *trace = arg;
    tell(trace, TR("price: %lld units, %lld by its options; note \"%.*s\""),
        (long long)quoted->units, (long long)quoted->minor, STR_ARG(quoted->note));
    if (quoted->preview.bytes > 0) {
        tell(trace, TR("preview: %.*s"), STR_ARG(quoted->preview));
    }
    return 0;
}

static int tell_end(const struct trace *trace, const struct kit_bed *bed, struct base_err *err) {
    const struct kit_message *message = &bed->messages[0];
    if (message->results == 0) {
        return base_err_set(
            err, LANTOA_ESTATE, "%s", bed->died ? bed->why : TR("the message has no result"));
    }
    tell(trace, TR("result: %s, reason %s, ref \"%s\"%s%s"), kit__outcome_word(message->outcome),
        kit__reason_word(message->reason), message->ref, message->detail[0] ? ", " : "",
        message->detail);
    return message->outcome == LANTOA_SENT
               ? 0
               : base_err_set(err, LANTOA_ESTATE, TR("the message ended as %s"),
                     kit__outcome_word(message->outcome));
}

static void tell_rest(const struct trace *trace, struct kit_bed *bed) {
    const struct channel_metric *metrics;
    size_t count = channel_metrics(bed->channel, &metrics);
    for (size_t i = 0; i < count; i++) {
        tell(trace, TR("metric: %s = %g"), metrics[i].name, metrics[i].value);
    }
    if (bed->events > 0) {
        tell(trace, TR("%zu events"), bed->events);
    }
    bool ended = kit__bed_stop(bed);
    tell_log(trace, bed);
    tell(trace, "%s", ended ? TR("drained and closed") : bed->why);
}

int kit_run(struct kit_case *kase, FILE *out, struct base_err *err) {
    struct trace trace = {kase, out, base_clock_real_ms()};
    struct kit_bed bed;
    int rc = kit__bed_open(kase, out, &bed, err);
    if (rc == 0) {
        char *text = kit__channel_text(kase, bed.peer ? kit__peer_port(bed.peer) : 0);
        tell(&trace, "%s %s, ABI %d.%d", kase->manifest->name, kase->manifest->version,
            LANTOA_ABI_MAJOR, LANTOA_ABI_MINOR);
        tell_options(&trace, text);
        base_free(text);
        rc = kit__bed_start(&bed, 0, err);
        tell_log(&trace, &bed);
    }
    if (rc == 0) {
        tell(&trace, "%s", TR("the plugin is open and ready"));
        struct base_err why = {0};
        if (kit__ask_quotes(&bed, 1, tell_quote, &trace, &why) != 0) {
            tell(&trace, TR("price: %s"), why.text);
        }
        kit__bed_send(&bed, 1);
        tell_message(&trace, &bed.messages[0]);
        (void)kit__bed_wait(&bed, kase->patience_ms + RUN_SPARE_MS);
        kit__bed_pass(&bed, AFTER_MS);
        tell_log(&trace, &bed);
        rc = tell_end(&trace, &bed, err);
        tell_rest(&trace, &bed);
    }
    kit__bed_close(&bed);
    return rc;
}

/* --- bench --- */

/* Processor time of a process in microseconds, and its resident memory, from /proc. */
static void measure_host(pid_t pid, int64_t *cpu_us_out, int64_t *resident_out) {
    char path[40], text[1024];
    *cpu_us_out = *resident_out = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[count > 0 ? count : 0] = '\0';
    const char *end = strrchr(text, ')'); /* the name may hold anything */
    struct str rest = str_from(end ? end + 2 : "");
    int64_t ticks = 0;
    for (int field = 3; rest.bytes > 0 && field <= 24; field++) {
        int64_t value = 0;
        bool number = base_parse_i64(str_cut(&rest, ' '), &value) == 0;
        ticks += number && (field == 14 || field == 15) ? value : 0;
        *resident_out = number && field == 24 ? value * sysconf(_SC_PAGESIZE) : *resident_out;
    }
    *cpu_us_out = ticks * 1000000 / sysconf(_SC_CLK_TCK);
}

int kit_bench(
    struct kit_case *kase, int64_t messages, struct kit_bench *bench_out, struct base_err *err) {
    struct kit_bed bed;
    int64_t before = 0, after = 0;
    *bench_out = (struct kit_bench){.messages = messages};
    if (messages < 1 || messages > BENCH_MOST) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("must be a number from %d to %d"), 1, BENCH_MOST);
    }
    int rc = kit__bed_open(kase, NULL, &bed, err);
    rc = rc ? rc : kit__bed_start(&bed, 0, err);
    if (rc == 0) {
        measure_host(kit__bed_host(), &before, &bench_out->resident_bytes);
        int64_t began = base_clock_real_ms();
        kit__bed_send(&bed, (size_t)messages);
        bool all = kit__bed_wait(&bed, BENCH_MS);
        bench_out->ms = base_clock_real_ms() - began;
        measure_host(kit__bed_host(), &after, &bench_out->resident_bytes);
        bench_out->host_cpu_us = after - before;
        bench_out->sent = (int64_t)kit__bed_count(&bed, LANTOA_SENT);
        if (!all) {
            rc = base_err_set(err, LANTOA_ESTATE, TR("%zu of %zu messages have no result%s%s"),
                bed.count - bed.ended, bed.count, bed.died ? ": " : "", bed.why);
        }
    }
    kit__bed_close(&bed);
    return rc;
}

/* --- the peer alone --- */

int kit_peer(struct kit_case *kase, const char *listen, FILE *out, struct base_err *err) {
    static const char host[] = "127.0.0.1:";
    struct kit_peer *peer = NULL;
    int64_t port = 0;
    struct str text = str_from(listen);
    if (!str_starts(text, STR("127.0.0.1:")) ||
        base_parse_i64(str_from(listen + sizeof(host) - 1), &port) != 0 || port < 0 ||
        port > UINT16_MAX) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: must be 127.0.0.1:PORT"), listen);
    }
    if (kase->peer == KIT_PEER_NONE) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the case names no peer"));
    }
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    int rc = kit__peer_open(loop, kase, (int)port, out, &peer, err);
    if (rc == 0) {
        fprintf(out, TR("listening on 127.0.0.1:%d\n"), kit__peer_port(peer));
        fflush(out);
        ev_run(loop, 0);
    }
    kit__peer_close(&peer);
    ev_loop_destroy(loop);
    return rc;
}
