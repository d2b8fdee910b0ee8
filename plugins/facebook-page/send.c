/* A text with a link is one request, one picture with its text is one; several pictures are
 * uploaded unseen first and then shown by one post. */
#include "facebook.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SOON_S (10 * 60)           /* Facebook takes posts for later from then */
#define LATE_S (30 * 24 * 60 * 60) /* until then */

const struct social_error facebook_errors[] = {
    {4, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 3600000,
        "the application's limit of calls is reached", "ứng dụng đã hết lượt gọi"},
    {17, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 3600000, "the limit of calls is reached",
        "đã hết lượt gọi"},
    {32, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 3600000, "the page's limit of calls is reached",
        "trang đã hết lượt gọi"},
    {341, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 3600000, "the limit of posts is reached",
        "đã đạt giới hạn đăng bài"},
    {613, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 3600000, "the limit of calls is reached",
        "đã hết lượt gọi"},
    {10, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0,
        "the application may not do this: it needs pages_manage_posts",
        "ứng dụng không có quyền: cần pages_manage_posts"},
    {190, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0,
        "the page's token has run out or was withdrawn: a new one is needed",
        "token của trang đã hết hạn hoặc bị thu hồi: cần token mới"},
    {200, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0, "the application may not post on the page",
        "ứng dụng không có quyền đăng lên trang"},
    {368, 0, SOCIAL_STOP, LANTOA_REASON_REFUSED, 0,
        "Facebook has blocked the page from posting for now", "Facebook tạm chặn trang đăng bài"},
    {100, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "Facebook does not take this content",
        "Facebook không nhận nội dung này"},
    {324, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "the picture is missing or broken",
        "ảnh bị thiếu hoặc hỏng"},
    {506, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "the same post stands already",
        "bài trùng với bài đã đăng"},
    {0},
};

void facebook_request(const struct page *page, struct social_request *request, const char *path) {
    request_url(request, "%s/%s/%s", page->config->api_url, page->config->version, path);
    request_bearer(request, page->config->token);
}

struct social_fit facebook_fit(const struct lantoa_message *message) {
    static const struct files_rule files = {
        .network = "Facebook", .most = PICTURES_MOST, .picture_bytes = (size_t)10 << 20};
    struct lantoa_str link = message->fields[FIELD_LINK];
    bool last = link.bytes > 0 && step_files(message->step) > 0;
    return (struct social_fit){
        text_points(message->fields[FIELD_TEXT]) + (last ? 2 + text_points(link) : 0), TEXT_MOST,
        &files};
}

static size_t picture_count(const struct lantoa_message *message) {
    return step_files(message->step);
}

/* Seconds since 1970 of "2026-12-01T08:00:00+07:00"; -1: it is no such time. */
static int64_t time_of(struct lantoa_str text) {
    struct tm parts = {0};
    const char *rest = strptime(text.at, "%Y-%m-%dT%H:%M:%S%z", &parts);
    if (rest == NULL || rest != text.at + text.bytes) {
        return -1;
    }
    long offset = parts.tm_gmtoff;
    return (int64_t)timegm(&parts) - offset;
}

static bool check(const struct page *page, const struct lantoa_message *message, int64_t *later_out,
    struct social_reading *end) {
    int64_t now = page->line.host->now(page->line.host) / 1000;
    *later_out = 0;
    const struct social_fit fit = facebook_fit(message);
    if (!fit_or_refuse(message, &fit, end)) {
        return false;
    }
    if (message->fields[FIELD_PUBLISH_AT].bytes > 0) {
        *later_out = time_of(message->fields[FIELD_PUBLISH_AT]);
        if (*later_out < now + SOON_S || *later_out > now + LATE_S) {
            reading_set(end, SOCIAL_REFUSED, LANTOA_REASON_CONTENT,
                "publish_at must be a time such as 2026-12-01T08:00:00+07:00, 10 minutes to 30 "
                "days ahead",
                "publish_at phải là thời điểm như 2026-12-01T08:00:00+07:00, sau 10 phút đến 30 "
                "ngày");
            return false;
        }
    }
    return true;
}

static void put_later(struct social_request *request, int64_t later, bool multipart) {
    char number[32];
    if (later == 0) {
        return;
    }
    snprintf(number, sizeof(number), "%lld", (long long)later);
    void (*put)(struct social_request *, const char *, struct lantoa_str) =
        multipart ? request_part : request_form;
    put(request, "published", social_str("false"));
    put(request, "scheduled_publish_time", social_str(number));
}

static void compose_photo(const struct page *page, const struct social_job *job, int64_t later,
    struct social_request *request) {
    char path[100];
    bool alone = picture_count(job->message) == 1;
    struct bytes caption = {0};
    snprintf(path, sizeof(path), "%s/photos", page->config->page_id);
    facebook_request(page, request, path);
    if (alone) {
        /* A picture leaves no place for the link's card. */
        put_linked(&caption, job->message->fields[FIELD_TEXT], job->message->fields[FIELD_LINK]);
        request_part(request, "caption", (struct lantoa_str){caption.at, caption.used});
        put_later(request, later, true);
    } else {
        request_part(request, "published", social_str("false"));
        if (later > 0) {
            request_part(request, "temporary", social_str("true")); /* else they end in an album */
        }
    }
    request_file(request, "source", &job->message->step->parts[job->file]);
    request->visible = alone;
    request->body.failed |= caption.failed;
    bytes_release(&caption);
}

static void compose_feed(const struct page *page, const struct social_job *job, int64_t later,
    struct social_request *request) {
    char path[100];
    const struct lantoa_message *message = job->message;
    const json_t *pictures = json_object_get(job->kept, "pictures");
    struct bytes caption = {0};
    snprintf(path, sizeof(path), "%s/feed", page->config->page_id);
    facebook_request(page, request, path);
    if (json_array_size(pictures) > 0) {
        put_linked(&caption, message->fields[FIELD_TEXT], message->fields[FIELD_LINK]);
        request_form(request, "message", (struct lantoa_str){caption.at, caption.used});
    } else {
        request_form(request, "message", message->fields[FIELD_TEXT]);
        if (message->fields[FIELD_LINK].bytes > 0) {
            request_form(request, "link", message->fields[FIELD_LINK]);
        }
    }
    for (size_t i = 0; i < json_array_size(pictures); i++) {
        char name[40], value[160];
        snprintf(name, sizeof(name), "attached_media[%zu]", i);
        snprintf(value, sizeof(value), "{\"media_fbid\":\"%.100s\"}",
            json_string_value(json_array_get(pictures, i)));
        request_form(request, name, social_str(value));
    }
    put_later(request, later, false);
    if (later > 0 && json_array_size(pictures) > 0) {
        request_form(request, "unpublished_content_type", social_str("SCHEDULED"));
    }
    request->visible = true;
    bytes_release(&caption);
}

static bool compose(void *self, struct social_job *job, struct social_request *request,
    struct social_reading *end) {
    const struct page *page = self;
    int64_t later = 0;
    if (!check(page, job->message, &later, end)) {
        return false;
    }
    if (job->file < picture_count(job->message)) {
        compose_photo(page, job, later, request);
    } else {
        compose_feed(page, job, later, request);
    }
    return true;
}

static void read_error(const struct lantoa_http_answer *answer, const json_t *json, bool visible,
    struct social_reading *out) {
    const json_t *error = json_object_get(json, "error");
    const char *said = json_string_value(json_object_get(error, "message"));
    json_int_t code = json_integer_value(json_object_get(error, "code"));
    const struct social_error *row =
        error_find(facebook_errors, code > 200 && code < 300 ? 200 : code,
            json_integer_value(json_object_get(error, "error_subcode")));
    if (row == NULL) {
        reading_status(out, answer, !visible);
        reading_said(out, said);
    } else {
        reading_error(out, row, code, said != NULL ? said : "");
    }
}

static void read_answer(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
    const json_t *json, struct social_reading *out) {
    const char *id = json_string_value(json_object_get(json, "id"));
    const char *post = json_string_value(json_object_get(json, "post_id"));
    bool upload = job->file < picture_count(job->message);
    bool alone = picture_count(job->message) == 1;
    (void)self;
    if (id == NULL) {
        read_error(answer, json, !upload || alone, out);
    } else if (upload && !alone) {
        job_keep_picture(job, id);
        out->verdict = SOCIAL_NEXT;
    } else {
        reading_sent(out, post != NULL ? post : id);
    }
}

const struct social_network facebook_network = {
    .compose = compose, .read = read_answer, .sent = line_note_sent};
