/* Drives one channel through the core's side and the real lantoa-channel, by lines: for tests in
 * Python. usage: channel_rig DATA_DIR CHANNEL.json [STEP], STEP
 * {"class": .., "clock": MS, "files": [{"file": PATH, "name": .., "mime": ..}]}. Lines on stdin,
 * JSON each:
 *   {"send": N, "to": ADDRESS, "key": KEY, "lang": .., CONTENT: TEXT, ...}
 *   {"hook": N, "query": .., "headers": {..}, "body": ..}     {"cancel": true}     {"stop": true}
 * and on stdout: {"ready": true}, {"id", "outcome", "reason", "after", "ref", "detail"},
 * {"event", "key", "ref", "address", "reason", "detail"}, {"done": N, "code"}, {"state", "why"}. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct rig {
    struct ev_loop *loop;
    struct channel *channel;
    struct base_buf line;
    json_t *step; /* may be NULL */
    ev_io input;
    bool told_ready;
};

static const char *const outcomes[] = {"?", "sent", "retry", "refused", "unknown", "not_sent"};
static const char *const kinds[] = {
    "?", "delivered", "failed", "delayed", "inbound", "opt_out", "complaint", "figures"};
#define WORD(name, value, word) [value] = word,
static const char *const reasons[] = {LANTOA_REASONS(WORD)};
#undef WORD

static json_t *text(struct str s) {
    return json_stringn(s.at ? s.at : "", s.bytes);
}

static void tell(json_t *row) {
    json_dumpf(row, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(row);
}

static void on_results(
    void *arg, struct channel *channel, const struct channel_result *results, size_t count) {
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        tell(json_pack("{sI,ss,ss,sI,so,so}", "id", (json_int_t)results[i].id, "outcome",
            outcomes[results[i].outcome], "reason", reasons[results[i].reason], "after",
            (json_int_t)results[i].after_ms, "ref", text(results[i].ref), "detail",
            text(results[i].detail)));
        channel_ack(channel, &results[i].id, 1);
    }
}

static void on_events(
    void *arg, struct channel *channel, const struct channel_event *events, size_t count) {
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        tell(json_pack("{ss,ss,so,so,so,so}", "event", kinds[events[i].kind], "reason",
            reasons[events[i].reason], "key", text(events[i].key), "ref", text(events[i].ref),
            "address", text(events[i].address), "detail", text(events[i].detail)));
        channel_event_done(channel, events[i].token);
    }
}

static void on_recovered(void *arg, struct channel *channel, bool trusted) {
    (void)arg;
    (void)channel;
    (void)trusted;
}

static void tell_step(struct rig *rig) {
    struct base_err err = {0};
    struct channel_part parts[8] = {0};
    struct base_buf files[8];
    const char *class = json_string_value(json_object_get(rig->step, "class"));
    json_t *list = json_object_get(rig->step, "files");
    size_t count = 0;
    for (; count < 8 && count < json_array_size(list); count++) {
        json_t *row = json_array_get(list, count);
        base_buf_init(&files[count], (size_t)8 << 20);
        if (base_file_read(json_string_value(json_object_get(row, "file")), (size_t)8 << 20,
                &files[count], &err) != 0) {
            exit(4);
        }
        parts[count] =
            (struct channel_part){.name = str_from(json_string_value(json_object_get(row, "name"))),
                .mime = str_from(json_string_value(json_object_get(row, "mime"))),
                .content_id = STR(""),
                .bytes = base_buf_str(&files[count])};
    }
    if (channel_step(rig->channel, 1, STR("chien-dich"), STR("tin-1"),
            str_from(class ? class : "state_information"), STR(""), parts, count, &err) != 0) {
        exit(3);
    }
    for (size_t i = 0; i < count; i++) {
        base_buf_release(&files[i]);
    }
}

static void on_changed(void *arg, struct channel *channel) {
    struct rig *rig = arg;
    enum channel_state state = channel_state(channel);
    if (state == CHANNEL_READY && !channel_step_known(channel, 1)) {
        tell_step(rig);
    }
    if (state == CHANNEL_READY && !rig->told_ready) {
        rig->told_ready = true;
        tell(json_pack("{sb}", "ready", 1));
    }
    if (state == CHANNEL_BACKOFF || state == CHANNEL_PARKED) {
        const char *why = channel_parked_reason(channel);
        rig->told_ready = false;
        tell(json_pack("{ss,ss}", "state", state == CHANNEL_PARKED ? "parked" : "backoff", "why",
            why ? why : ""));
    }
    if (state == CHANNEL_STOPPED) {
        ev_break(rig->loop, EVBREAK_ALL);
    }
}

static void on_hook_done(void *arg, struct channel *channel, uint64_t token, int code) {
    (void)arg;
    (void)channel;
    tell(json_pack("{sI,si}", "done", (json_int_t)token, "code", code));
}

static struct str field(const json_t *line, const char *name, const char *otherwise) {
    const json_t *value = json_object_get(line, name);
    return value ? str_of(json_string_value(value), json_string_length(value))
                 : str_from(otherwise);
}

static void send(struct rig *rig, const json_t *line, uint64_t id) {
    char key[32];
    snprintf(key, sizeof(key), "k%019llu", (unsigned long long)id);
    const struct channel_manifest *manifest = channel_get_manifest(rig->channel);
    struct str fields[32] = {0};
    for (size_t i = 0; i < manifest->content_count && i < 32; i++) {
        fields[i] = field(line, manifest->content[i].name, "");
    }
    struct channel_message message = {.id = id,
        .step_ref = 1,
        .key = field(line, "key", key),
        .address = field(line, "to", "+84900000000"),
        .name = STR("Lan"),
        .lang = field(line, "lang", "vi"),
        .fields = fields};
    int code = channel_put(rig->channel, &message);
    if (code != 0) {
        tell(json_pack("{sI,ss,si}", "id", (json_int_t)id, "outcome", "not_put", "code", code));
    }
}

static void hook(const struct rig *rig, const json_t *line) {
    char *headers = json_dumps(json_object_get(line, "headers"), JSON_COMPACT);
    struct channel_hook given = {
        .token = (uint64_t)json_integer_value(json_object_get(line, "hook")),
        .at_ms = json_integer_value(json_object_get(line, "at")),
        .query = field(line, "query", ""),
        .headers = str_from(headers ? headers : "{}"),
        .body = field(line, "body", "")};
    int code = channel_hook(rig->channel, &given);
    if (code != 0) {
        tell(json_pack("{sI,si}", "done", (json_int_t)given.token, "code", code));
    }
    free(headers);
}

static void obey(struct rig *rig, struct str words) {
    json_t *line = json_loadb(words.at, words.bytes, JSON_ALLOW_NUL, NULL);
    json_int_t first = json_integer_value(json_object_get(line, "send"));
    json_int_t count = json_integer_value(json_object_get(line, "count"));
    for (json_int_t i = 0; first > 0 && i < (count > 0 ? count : 1); i++) {
        send(rig, line, (uint64_t)(first + i));
    }
    channel_flush(rig->channel);
    if (json_object_get(line, "hook")) {
        hook(rig, line);
    } else if (json_object_get(line, "cancel")) {
        channel_cancel(rig->channel, 0);
    } else if (json_object_get(line, "stop")) {
        channel_stop(rig->channel, 5000);
    }
    json_decref(line);
}

static void on_input(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)events;
    struct rig *rig = watcher->data;
    char *room = base_buf_grow(&rig->line, 65536);
    ssize_t got = room ? read(0, room, 65536) : 0;
    if (got <= 0) {
        ev_io_stop(loop, watcher);
        channel_stop(rig->channel, 5000);
        return;
    }
    rig->line.bytes += (size_t)got;
    for (const char *end; (end = memchr(rig->line.at, '\n', rig->line.bytes));) {
        size_t bytes = (size_t)(end - rig->line.at);
        obey(rig, str_of(rig->line.at, bytes));
        base_buf_consume(&rig->line, bytes + 1);
    }
}

int main(int argc, char **argv) {
    static const struct channel_callbacks callbacks = {
        on_results, on_events, on_recovered, on_changed, on_hook_done};
    struct base_err err = {0};
    struct base_json *doc = NULL;
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    char *described = NULL;
    struct rig rig = {.loop = ev_loop_new(EVFLAG_AUTO)};
    rig.step = argc == 4 ? json_loads(argv[3], 0, NULL) : NULL;
    base_log_set(BASE_LOG_INFO, 2);
    if (json_is_integer(json_object_get(rig.step, "clock"))) {
        base_clock_simulate(json_integer_value(json_object_get(rig.step, "clock")), 1);
    }
    base_buf_init(&rig.line, (size_t)16 << 20);
    int code = argc == 3 || argc == 4 ? base_json_load(argv[2], &doc, &err) : LANTOA_EINVAL;
    if (code == 0) {
        code = channel_describe(
            json_string_value(json_object_get(base_json_root(doc), "plugin")), &described, &err);
    }
    code = code ? code : channel_manifest_parse(described, &manifest, &err);
    code = code ? code : channel_spec_parse(doc, manifest, &spec, &err);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    base_free(described);
    base_json_free(&doc);
    rig.channel = channel_new(rig.loop, argv[1], spec, manifest, &callbacks, &rig);
    ev_io_init(&rig.input, on_input, 0, EV_READ);
    rig.input.data = &rig;
    ev_io_start(rig.loop, &rig.input);
    channel_start(rig.channel);
    ev_run(rig.loop, 0);
    channel_free(&rig.channel);
    base_buf_release(&rig.line);
    ev_loop_destroy(rig.loop);
    json_decref(rig.step);
    return 0;
}
