/* Pictures are uploaded unseen, then shown by one status. Mastodon drops the second status with the
 * same Idempotency-Key, so one without an answer may be made again. */
#include "mastodon.h"

#include <stdio.h>

void mastodon_request(
    const struct account *account, struct social_request *request, const char *path) {
    request_url(request, "%s%s", account->config->url, path);
    request_bearer(request, account->config->token);
}

static size_t picture_count(const struct lantoa_message *message) {
    return step_files(message->step);
}

struct social_fit status_fit(
    const struct mastodon_config *config, const struct lantoa_message *message) {
    static const struct files_rule files = {.network = "Mastodon", .most = PICTURES_MOST};
    struct lantoa_str link = message->fields[FIELD_LINK];
    size_t used = text_points_short_links(message->fields[FIELD_TEXT]) +
                  text_points(message->fields[FIELD_WARNING]) +
                  (link.bytes > 0 ? 2 + text_points_short_links(link) : 0);
    return (struct social_fit){used, (size_t)config->most, &files};
}

static void compose_status(
    const struct account *account, const struct social_job *job, struct social_request *request) {
    const struct lantoa_message *message = job->message;
    struct bytes text = {0};
    put_linked(&text, message->fields[FIELD_TEXT], message->fields[FIELD_LINK]);
    json_t *body = json_pack("{ss%,ss,ss%}", "status", text.at, text.used, "visibility",
        account->config->visibility, "language", message->lang.at, message->lang.bytes);
    json_t *pictures = json_object_get(job->kept, "pictures");
    struct lantoa_str warning = message->fields[FIELD_WARNING];
    if (pictures != NULL) {
        json_object_set(body, "media_ids", pictures);
    }
    if (warning.bytes > 0) {
        json_object_set_new(body, "spoiler_text", json_stringn(warning.at, warning.bytes));
    }
    mastodon_request(account, request, "/api/v1/statuses");
    request_header(request, "Idempotency-Key", message->key.at);
    request_json(request, body);
    request->visible = request->repeatable = true;
    bytes_release(&text);
}

static bool compose(void *self, struct social_job *job, struct social_request *request,
    struct social_reading *end) {
    const struct account *account = self;
    const struct social_fit fit = status_fit(account->config, job->message);
    if (!fit_or_refuse(job->message, &fit, end)) {
        return false;
    }
    if (job->file < picture_count(job->message)) {
        mastodon_request(account, request, "/api/v2/media");
        request_file(request, "file", &job->message->step->parts[job->file]);
    } else {
        compose_status(account, job, request);
    }
    return true;
}

const struct social_error mastodon_errors[] = {
    {401, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0, "the token is wrong or was withdrawn",
        "token sai hoặc đã bị thu hồi"},
    {403, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0,
        "the token lacks a right: write:statuses, write:media, read:statuses",
        "token thiếu quyền: write:statuses, write:media, read:statuses"},
    {413, 0, SOCIAL_REFUSED, LANTOA_REASON_TOO_LARGE, 0, "the picture is too large", "ảnh quá lớn"},
    {422, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0,
        "the server does not take this text or picture",
        "máy chủ không nhận nội dung hoặc ảnh này"},
    {429, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 300000, "the limit of calls is reached",
        "đã hết lượt gọi"},
    {0},
};

static void read_error(
    const struct lantoa_http_answer *answer, const json_t *json, struct social_reading *out) {
    const char *said = json_string_value(json_object_get(json, "error"));
    const struct social_error *row = error_find(mastodon_errors, answer->status, 0);
    if (row == NULL) {
        reading_status(out, answer, true);
    } else {
        reading_error(out, row, answer->status, said != NULL ? said : "");
    }
}

static void read_answer(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
    const json_t *json, struct social_reading *out) {
    const char *id = json_string_value(json_object_get(json, "id"));
    (void)self;
    if (id == NULL || answer->status < 200 || answer->status > 299) {
        read_error(answer, json, out);
    } else if (job->file < picture_count(job->message)) {
        job_keep_picture(job, id);
        out->verdict = SOCIAL_NEXT;
    } else {
        reading_sent(out, id);
    }
}

const struct social_network mastodon_network = {
    .compose = compose, .read = read_answer, .sent = line_note_sent};

/* --- figures --- */

static json_t *read_figures(
    void *self, const struct lantoa_http_answer *answer, const json_t *json) {
    (void)self;
    if (answer->status != 200 || !json_is_object(json)) {
        return NULL;
    }
    return json_pack("{so,so,so,sn}", "favourites", figure_at(json, "favourites_count"), "reblogs",
        figure_at(json, "reblogs_count"), "replies", figure_at(json, "replies_count"), "views");
}

void figures_ask(void *self, const struct social_post *post) {
    struct account *account = self;
    struct social_request request = {.method = "GET"};
    char path[180];
    if (post->ref[strspn(post->ref, "0123456789")] != '\0') {
        return; /* no number of a post: nothing to put into an address */
    }
    snprintf(path, sizeof(path), "/api/v1/statuses/%s", post->ref);
    mastodon_request(account, &request, path);
    line_ask(&account->line, post, &request, read_figures);
}
