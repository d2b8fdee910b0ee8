/* A stand-in for loudspeakers: takes airings for outlets, writes what it got into a file, and
 * answers as the address of the outlet says, "test:HOW/OUTLET": "ok" plays it, "cut" is cut off by
 * an emergency, "hold" says nothing more, "busy" asks to be tried again, "test:refuse" refuses. */
#include <lantoa/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *file;
};

struct speaker {
    const struct lantoa_host *host;
    const struct config *config;
};

static const struct lantoa_option options[] = {
    LANTOA_OPTION_FILE(struct config, file, NULL, LANTOA_REQUIRED, "Where to write", "Nơi ghi"),
};

enum { OUTLET, TITLE, AUDIO, SECONDS, START, ENDS, PRIORITY, SCRIPT, PLACE, FIELDS };
static const struct lantoa_content content[FIELDS] = {
    {"outlet", LANTOA_CONTENT_REQUIRED, 0, "Outlet", "Đài"},
    {"title", 0, 0, "Title", "Tên bài"},
    {"audio", LANTOA_CONTENT_REQUIRED, 0, "Sound", "Âm thanh"},
    {"seconds", 0, 0, "Seconds", "Giây"},
    {"start", 0, 0, "Start", "Bắt đầu"},
    {"ends", 0, 0, "Latest start", "Muộn nhất"},
    {"priority", 0, 0, "Priority", "Ưu tiên"},
    {"script", 0, 0, "Script", "Lời"},
    {"place", 0, 0, "Place", "Nơi"},
};

/* "test:cut/A1": how, and which outlet. */
static bool answers(const struct lantoa_message *m, const char *how) {
    return strncmp(m->address.at, how, strlen(how)) == 0;
}

static int speaker_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct speaker *self = calloc(1, sizeof *self);
    if (!self) {
        return LANTOA_ENOMEM;
    }
    self->host = host;
    self->config = config;
    *self_out = self;
    return 0;
}

static size_t sound_bytes(const struct lantoa_message *m) {
    for (size_t i = 0; i < m->step->part_count; i++) {
        if (strcmp(m->step->parts[i].name.at, m->fields[AUDIO].at) == 0) {
            return m->step->parts[i].bytes.bytes;
        }
    }
    return 0;
}

static void note(const struct speaker *self, const struct lantoa_message *m) {
    FILE *file = fopen(self->config->file, "a");
    if (file) {
        fprintf(file, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%zu\t%s\n", m->key.at, m->address.at,
            m->fields[OUTLET].at, m->fields[START].at, m->fields[ENDS].at, m->fields[SECONDS].at,
            m->fields[PRIORITY].at, m->fields[PLACE].at, sound_bytes(m), m->fields[TITLE].at);
        fclose(file);
    }
}

static void tell_end(const struct speaker *self, const struct lantoa_message *m) {
    bool cut = answers(m, "test:cut");
    char text[200];
    int bytes =
        cut ? snprintf(text, sizeof text, "cut by an emergency at 06:02, 4 of %s s played",
                  m->fields[SECONDS].at)
            : snprintf(text, sizeof text, "{\"start\":\"%s\",\"end\":\"%s\",\"played_ms\":%s000}",
                  m->fields[START].at, m->fields[START].at, m->fields[SECONDS].at);
    self->host->event(self->host,
        &LANTOA_EVENT(.token = m->id, .kind = cut ? LANTOA_EVENT_FAILED : LANTOA_EVENT_DELIVERED,
            .reason = cut ? LANTOA_REASON_OTHER : LANTOA_REASON_NONE, .key = m->key,
            .detail = {text, (size_t)bytes}));
}

static void speaker_send(void *arg, const struct lantoa_message *const *messages, size_t count) {
    const struct speaker *self = arg;
    for (size_t i = 0; i < count; i++) {
        const struct lantoa_message *m = messages[i];
        bool busy = answers(m, "test:busy");
        bool refuse = answers(m, "test:refuse");
        note(self, m);
        self->host->began(self->host, m->id);
        self->host->result(self->host,
            &LANTOA_RESULT(.id = m->id,
                .outcome = busy     ? LANTOA_RETRY
                           : refuse ? LANTOA_REFUSED
                                    : LANTOA_SENT,
                .reason = busy || refuse ? LANTOA_REASON_UNREACHABLE : LANTOA_REASON_NONE));
        if (!busy && !refuse && !answers(m, "test:hold")) {
            tell_end(self, m);
        }
    }
}

static void speaker_done(void *arg, uint64_t token) {
    (void)arg;
    (void)token;
}

static void speaker_close(void *arg) {
    free(arg);
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "speaker",
    .version = "1.0",
    .kind = "loudspeaker",
    .help_en = "Test",
    .help_vi = "Thử",
    .address = LANTOA_ADDRESS_OUTLET,
    .capabilities = LANTOA_CAN_RECEIPT | LANTOA_CAN_PARTS,
    .config_size = sizeof(struct config),
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .content = content,
    .content_count = FIELDS,
    .ops = {.size = sizeof(struct lantoa_ops),
        .open = speaker_open,
        .send = speaker_send,
        .event_done = speaker_done,
        .close = speaker_close},
};
