/* Drives the loudspeaker plugin without the core. Takes orders as JSON lines on stdin, prints what
 * the plugin says as JSON lines.
 *
 * usage: loudspeaker_rig STATE_DIR [option=value]...
 *
 *   {"send": {"to": URL, "key": "...", "audio": NAME, "file": PATH, "mime": M, "seconds": "5",
 *             "start": T, "ends": T, "priority": P, "title": T, "outlet": C, "script": S}}
 *   {"commit": false}   events are not confirmed until {"commit": true}
 *   {"now": MS}         the program's clock; 0: the real one
 *   {"reject": true}    events are answered LANTOA_EAGAIN
 *   {"quit": true}      drains and closes; the end of stdin: dies as it is */
#include "fake_host.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES_MOST = 4000, FIELDS = 10 };

struct file {
    struct file *next;
    char path[500];
    char *bytes;
    size_t count;
};

struct sent {
    struct lantoa_step step;
    struct lantoa_part part;
    struct lantoa_str fields[FIELDS];
    char key[24];
};

struct rig {
    struct fake_host host;
    struct file *files;
    struct sent sent[MESSAGES_MOST];
    size_t count, printed, seen;
    bool holds, quit, eof;
    char line[1 << 16];
    size_t used;
};

static int64_t real_ms(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static struct lantoa_str keep(const json_t *order, const char *name, const char *otherwise) {
    const char *text = json_string_value(json_object_get(order, name));
    return fake_str(strdup(text ? text : otherwise));
}

static struct file *load(struct rig *rig, const char *path) {
    for (struct file *file = rig->files; file; file = file->next) {
        if (strcmp(file->path, path) == 0) {
            return file;
        }
    }
    struct file *file = calloc(1, sizeof(*file));
    FILE *from = fopen(path, "rb");
    if (!from) {
        fprintf(stderr, "loudspeaker_rig: %s cannot be read\n", path);
        exit(2);
    }
    fseek(from, 0, SEEK_END);
    file->count = (size_t)ftell(from);
    rewind(from);
    file->bytes = malloc(file->count + 1);
    if (fread(file->bytes, 1, file->count, from) != file->count) {
        exit(2);
    }
    fclose(from);
    file->bytes[file->count] = '\0';
    snprintf(file->path, sizeof(file->path), "%s", path);
    file->next = rig->files;
    rig->files = file;
    return file;
}

static void send_one(struct rig *rig, const json_t *order) {
    static const char *const names[FIELDS] = {"outlet", "title", "audio", "seconds", "start",
        "ends", "priority", "script", "place", "withdrawn"};
    static const char *const defaults[FIELDS] = {
        "loa-1", "Bài thử", "a.wav", "5", "", "", "normal", "", "Lục Ngạn", ""};
    if (rig->count == MESSAGES_MOST) {
        exit(2);
    }
    struct sent *sent = &rig->sent[rig->count++];
    const char *path = json_string_value(json_object_get(order, "file"));
    for (int i = 0; i < FIELDS; i++) {
        sent->fields[i] = keep(order, names[i], defaults[i]);
    }
    if (path) {
        struct file *file = load(rig, path);
        sent->part = (struct lantoa_part){.name = sent->fields[2],
            .mime = keep(order, "mime", "audio/wav"),
            .content_id = fake_str(""),
            .bytes = {file->bytes, file->count}};
    }
    sent->step = (struct lantoa_step){.size = sizeof(sent->step),
        .campaign = fake_str("test"),
        .step = fake_str("one"),
        .message_class = fake_str("state_information"),
        .parts = &sent->part,
        .part_count = path ? 1 : 0};
    const char *to = json_string_value(json_object_get(order, "to"));
    struct fake_message *message =
        fake_host_add(&rig->host, to ? to : "", sent->fields, 0, &sent->step);
    message->message.fields = sent->fields;
    const char *key = json_string_value(json_object_get(order, "key"));
    if (key) {
        snprintf(sent->key, sizeof(sent->key), "%s", key);
        message->message.key = fake_str(sent->key);
    }
    fake_host_send(&rig->host, rig->host.message_count - 1, 1);
}

static void obey(struct rig *rig, const char *line) {
    json_error_t error;
    json_t *order = json_loads(line, 0, &error), *value;
    if (!order) {
        fprintf(stderr, "loudspeaker_rig: not an order: %s\n", line);
        exit(2);
    }
    if ((value = json_object_get(order, "send"))) {
        send_one(rig, value);
    } else if ((value = json_object_get(order, "commit"))) {
        rig->holds = !json_is_true(value);
    } else if ((value = json_object_get(order, "now"))) {
        rig->host.now_ms = json_integer_value(value);
    } else if ((value = json_object_get(order, "reject"))) {
        rig->host.event_answer = json_is_true(value) ? LANTOA_EAGAIN : LANTOA_OK;
    } else if (json_object_get(order, "quit")) {
        rig->quit = true;
    }
    json_decref(order);
}

static void on_input(void *arg, unsigned events) {
    struct rig *rig = arg;
    (void)events;
    ssize_t count = read(0, rig->line + rig->used, sizeof(rig->line) - rig->used - 1);
    if (count <= 0) {
        rig->eof = true;
        return;
    }
    rig->used += (size_t)count;
    rig->line[rig->used] = '\0';
    char *end;
    while ((end = memchr(rig->line, '\n', rig->used))) {
        *end = '\0';
        obey(rig, rig->line);
        rig->used -= (size_t)(end + 1 - rig->line);
        memmove(rig->line, end + 1, rig->used);
    }
}

static void print(json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_decref(json);
}

static void tell_results(struct rig *rig) {
    /* Results come in any order: those that are told are marked by an empty address. */
    for (size_t i = 0; i < rig->host.message_count; i++) {
        struct fake_message *message = &rig->host.messages[i];
        if (message->done && message->address[0]) {
            print(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "result",
                fake_outcome_name(message->outcome), "key", message->message.key.at, "to",
                message->address, "reason", fake_reason_name(message->reason), "ref", message->ref,
                "detail", message->detail, "at", (json_int_t)real_ms()));
            message->address[0] = '\0';
        }
    }
}

static void tell_events(struct rig *rig) {
    static const char *const kinds[] = {"?", "delivered", "failed", "delayed"};
    struct fake_host *host = &rig->host;
    for (; rig->seen < host->event_count; rig->seen++) {
        const struct fake_event *event = &host->events[rig->seen];
        print(json_pack("{s:s, s:s, s:s, s:s, s:I}", "event", kinds[event->kind], "key", event->key,
            "reason", fake_reason_name(event->reason), "detail", event->detail, "at",
            (json_int_t)real_ms()));
    }
    if (!rig->holds && host->event_count > 0) {
        for (size_t i = 0; i < host->event_count; i++) {
            host->plugin->ops.event_done(host->self, host->events[i].token);
        }
        host->event_count = rig->seen = 0;
    }
}

int main(int argc, char **argv) {
    static struct rig rig;
    signal(SIGPIPE, SIG_IGN); /* as the host has it */
    if (argc < 2 || !fake_host_init(&rig.host, &lantoa_plugin_v1, (const char *const *)(argv + 2),
                        (size_t)argc - 2, MESSAGES_MOST)) {
        return 2;
    }
    rig.host.api.state_dir = argv[1];
    if (fake_host_open(&rig.host) != LANTOA_OK) {
        print(json_pack("{s:s}", "failed", rig.host.fail_text));
        return 1;
    }
    struct lantoa_watch *watch = rig.host.api.watch(&rig.host.api, 0, LANTOA_READ, on_input, &rig);
    print(json_pack("{s:b}", "ready", 1));
    while (!rig.quit && !rig.eof) {
        fake_host_turn(&rig.host, 50);
        tell_results(&rig);
        tell_events(&rig);
    }
    if (rig.eof) {
        _exit(0); /* as if it had been killed */
    }
    rig.host.api.watch_stop(&rig.host.api, watch);
    fake_host_close(&rig.host);
    print(json_pack("{s:b}", "closed", 1));
    return 0;
}
