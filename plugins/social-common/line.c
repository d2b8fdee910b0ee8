/* What the instances of all networks have in common, and the operations that need no more. */
#include "social.h"

#include <stdio.h>
#include <stdlib.h>

#define POSTS_KEEP_MS (INT64_C(60) * 24 * 60 * 60 * 1000)

int line_open(struct social_line *line, const struct line_setup *setup) {
    const struct lantoa_host *host = setup->host;
    line->host = host;
    line->event = (uint64_t)host->now(host) << 16;
    line->social = social_new(&(struct social_setup){.host = host,
        .network = setup->network,
        .self = line,
        .connections = setup->connections,
        .timeout_ms = setup->timeout_ms,
        .tls_verify = setup->tls_verify,
        .tls_ca = setup->tls_ca});
    if (setup->ask != NULL) {
        line->posts = posts_new(&(struct posts_setup){.host = host,
            .every_ms = setup->figures_every_ms,
            .keep_ms = POSTS_KEEP_MS,
            .ask = setup->ask,
            .self = line});
    }
    bool good = line->social != NULL && (setup->ask == NULL || line->posts != NULL);
    return good ? LANTOA_OK : LANTOA_ENOMEM;
}

void line_release(struct social_line *line) {
    posts_free(line->posts);
    social_free(line->social);
}

int line_start(void *self) {
    struct social_line *line = self;
    if (line->posts != NULL) {
        posts_start(line->posts);
    }
    return LANTOA_OK;
}

void line_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct social_line *line = self;
    social_send(line->social, messages, count);
}

void line_cancel(void *self, const uint64_t *ids, size_t count) {
    struct social_line *line = self;
    social_cancel(line->social, ids, count);
}

void line_event_done(void *self, uint64_t token) {
    (void)self; /* call-backs are kept by the core, figures are asked for again */
    (void)token;
}

void line_note_sent(void *self, const struct social_job *job, const char *ref) {
    struct social_line *line = self;
    posts_add(line->posts, job->message->key, ref);
}

int line_tell(struct social_line *line, enum lantoa_event_kind kind, const char *key,
    const char *ref, const char *address, struct lantoa_str text) {
    return line->host->event(
        line->host, &LANTOA_EVENT(.token = ++line->event, .kind = kind, .key = social_str(key),
                        .ref = social_str(ref), .address = social_str(address), .detail = text));
}

void job_keep_picture(struct social_job *job, const char *id) {
    if (json_object_get(job->kept, "pictures") == NULL) {
        json_object_set_new(job->kept, "pictures", json_array());
    }
    json_array_append_new(json_object_get(job->kept, "pictures"), json_string(id));
    job->file++;
}

/* --- figures --- */

struct asked {
    struct social_line *line;
    json_t *(*figures)(void *self, const struct lantoa_http_answer *answer, const json_t *json);
    char key[24];
};

static void on_figures(void *arg, const struct lantoa_http_answer *answer, const json_t *json) {
    struct asked *asked = arg;
    json_t *figures = asked->figures(asked->line, answer, json);
    if (figures != NULL) {
        posts_told(asked->line->posts, asked->key, figures);
    }
    free(asked);
}

void line_ask(struct social_line *line, const struct social_post *post,
    struct social_request *request,
    json_t *(*figures)(void *self, const struct lantoa_http_answer *answer, const json_t *json)) {
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL) {
        request_release(request);
        return;
    }
    *asked = (struct asked){.line = line, .figures = figures};
    snprintf(asked->key, sizeof(asked->key), "%s", post->key);
    if (social_ask(line->social, request, on_figures, free, asked) != LANTOA_OK) {
        free(asked);
    }
}

json_t *figure_at(const json_t *json, const char *path) {
    const json_t *value = json_path(json, path);
    return json_is_integer(value) ? json_integer(json_integer_value(value)) : json_null();
}
