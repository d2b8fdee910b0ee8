/* Articles of an Official Account, and their broadcast to followers: an article is made, Zalo works
 * on it and gives its number, and with the number it can be broadcast. */
#include "zalo.h"

#include <stdio.h>

enum { FIELD_TITLE, FIELD_TEXT, FIELD_DESCRIPTION, FIELD_AUTHOR, FIELD_COVER_URL, FIELD_COUNT };
enum { TITLE_MOST = 150, DESCRIPTION_MOST = 300 };
enum { STAGE_CREATE, STAGE_VERIFY, STAGE_BROADCAST };

/* A paragraph for each run of lines. */
static json_t *body_of(struct lantoa_str text) {
    json_t *body = json_array();
    size_t start = 0;
    for (size_t at = 0; at <= text.bytes; at++) {
        if (at == text.bytes || text.at[at] == '\n') {
            if (at > start) {
                json_array_append_new(body,
                    json_pack("{ss,ss%}", "type", "text", "content", text.at + start, at - start));
            }
            start = at + 1;
        }
    }
    return body;
}

static void compose_create(
    const struct zalo *zalo, const struct lantoa_message *message, struct social_request *request) {
    const struct lantoa_str *fields = message->fields;
    struct lantoa_str about =
        fields[FIELD_DESCRIPTION].bytes > 0 ? fields[FIELD_DESCRIPTION] : fields[FIELD_TITLE];
    json_t *body = json_pack("{ss,ss%,ss%,ss%,so,ss,ss}", "type", "normal", "title",
        fields[FIELD_TITLE].at, fields[FIELD_TITLE].bytes, "author", fields[FIELD_AUTHOR].at,
        fields[FIELD_AUTHOR].bytes, "description", about.at, about.bytes, "body",
        body_of(fields[FIELD_TEXT]), "status", "show", "comment", "show");
    struct lantoa_str cover = fields[FIELD_COVER_URL];
    json_object_set_new(body, "cover",
        cover.bytes > 0 ? json_pack("{ss,ss%,ss}", "cover_type", "photo", "photo_url", cover.at,
                              cover.bytes, "status", "show")
                        : json_pack("{ss}", "status", "hide"));
    zalo_request(zalo, request, "/v2.0/oa/article/create");
    request_json(request, body);
}

static void compose_broadcast(
    const struct zalo *zalo, const char *article, struct social_request *request) {
    json_error_t error;
    json_t *target = json_loads(zalo->config->audience, 0, &error);
    json_t *body = json_pack("{s{so},s{s{ss,s{ss,s[{ss,ss}]}}}}", "recipient", "target",
        target == NULL ? json_object() : target, "message", "attachment", "type", "template",
        "payload", "template_type", "media", "elements", "media_type", "article", "attachment_id",
        article);
    zalo_request(zalo, request, "/v2.0/oa/message");
    request_json(request, body);
}

static bool broadcasts(const struct zalo *zalo) {
    return strcmp(zalo->config->mode, "broadcast") == 0;
}

static bool compose(void *self, struct social_job *job, struct social_request *request,
    struct social_reading *end) {
    const struct zalo *zalo = self;
    const struct lantoa_message *message = job->message;
    const char *token = json_string_value(json_object_get(job->kept, "token"));
    const char *article = json_string_value(json_object_get(job->kept, "article"));
    if (text_points(message->fields[FIELD_TITLE]) > TITLE_MOST ||
        text_points(message->fields[FIELD_DESCRIPTION]) > DESCRIPTION_MOST) {
        reading_set(end, SOCIAL_REFUSED, LANTOA_REASON_TOO_LARGE,
            "title longer than 150 or description longer than 300 characters",
            "tiêu đề quá 150 hoặc mô tả quá 300 ký tự");
        return false;
    }
    if (job->stage == STAGE_CREATE) {
        compose_create(zalo, message, request);
    } else if (job->stage == STAGE_VERIFY) {
        zalo_request(zalo, request, "/v2.0/oa/article/verify");
        request_json(request, json_pack("{ss}", "token", token != NULL ? token : ""));
        request->repeatable = true;
    } else {
        compose_broadcast(zalo, article != NULL ? article : "", request);
    }
    request->visible = true;
    return true;
}

/* Zalo works on an article for seconds to minutes, and says so by giving no number, or an error. */
static void read_unverified(const struct zalo *zalo, const struct social_job *job,
    const struct lantoa_http_answer *answer, const json_t *json, struct social_reading *out) {
    int64_t since =
        job->rests_since > 0 ? job->rests_since : zalo->line.host->ticks(zalo->line.host);
    if (!zalo_good(json)) {
        zalo_error(answer, json, out);
    }
    if (out->verdict == SOCIAL_STOP || out->verdict == SOCIAL_TOKEN) {
        return;
    }
    if (zalo->line.host->ticks(zalo->line.host) - since < zalo->config->verify_for) {
        out->verdict = SOCIAL_AGAIN;
        out->after_ms = zalo->config->verify_every;
        return;
    }
    char said[sizeof(out->detail)];
    struct social_words words;
    keep_text(said, sizeof(said), out->detail, strlen(out->detail));
    words_set(&words,
        "Zalo has not said whether the article is made: look at the account's page%s%.120s",
        "Zalo chưa báo bài đã tạo xong hay chưa: hãy xem trang Official Account%s%.120s",
        said[0] != '\0' ? " · " : "", said);
    reading_words(out, SOCIAL_UNKNOWN, LANTOA_REASON_TIMEOUT, &words);
}

static void read_answer(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
    const json_t *json, struct social_reading *out) {
    const struct zalo *zalo = self;
    const char *token = json_string_value(json_path(json, "data/token"));
    const char *article = json_string_value(json_path(json, "data/id"));
    const char *number = json_string_value(json_path(json, "data/message_id"));
    const char *kept = json_string_value(json_object_get(job->kept, "article"));
    bool good = zalo_good(json);
    if (job->stage == STAGE_VERIFY && (!good || article == NULL)) {
        read_unverified(zalo, job, answer, json, out);
    } else if (!good) {
        zalo_error(answer, json, out);
    } else if (job->stage == STAGE_CREATE && token != NULL && article == NULL) {
        json_object_set_new(job->kept, "token", json_string(token));
        job->stage = STAGE_VERIFY;
        out->verdict = SOCIAL_NEXT;
    } else if (job->stage != STAGE_BROADCAST && article != NULL && broadcasts(zalo)) {
        json_object_set_new(job->kept, "article", json_string(article));
        job->stage = STAGE_BROADCAST;
        out->verdict = SOCIAL_NEXT;
    } else {
        reading_sent(out, article != NULL  ? article
                          : number != NULL ? number
                          : kept != NULL   ? kept
                                           : "");
    }
}

/* --- figures --- */

static json_t *read_figures(
    void *self, const struct lantoa_http_answer *answer, const json_t *json) {
    (void)self;
    (void)answer;
    return !zalo_good(json) ? NULL
                            : json_pack("{so,so}", "views", figure_at(json, "data/total_view"),
                                  "shares", figure_at(json, "data/total_share"));
}

static void ask_figures(void *self, const struct social_post *post) {
    struct zalo *zalo = self;
    struct social_request request = {.method = "GET"};
    if (!token_ready(zalo->token)) {
        return; /* at the next time */
    }
    zalo_request(zalo, &request, "/v2.0/oa/article/getdetail");
    request_query(&request, "id", social_str(post->ref));
    line_ask(&zalo->line, post, &request, read_figures);
}

static const struct social_network network = {.compose = compose,
    .read = read_answer,
    .ready = zalo_ready,
    .sent = line_note_sent,
    .token_over = zalo_token_over};

static int post_open(const struct lantoa_host *host, const void *config, void **self_out) {
    return zalo_open_as(host, config, &network, ask_figures, self_out);
}

static int post_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    size_t used = text_points(message->fields[FIELD_TITLE]);
    (void)config;
    quote_out->units = 1;
    quote_out->minor = 0;
    snprintf(quote_out->note, sizeof(quote_out->note), "%zu / %d", used, TITLE_MOST);
    return used <= TITLE_MOST ? LANTOA_OK : LANTOA_ELIMIT;
}

static int post_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    (void)config;
    look_show(&(struct social_look){.network = "Zalo OA",
                  .sender = "",
                  .title = message->fields[FIELD_TITLE],
                  .text = message->fields[FIELD_TEXT],
                  .link = message->fields[FIELD_COVER_URL],
                  .button = social_str(""),
                  .used = text_points(message->fields[FIELD_TITLE]),
                  .most = TITLE_MOST,
                  .vietnamese = message_in_vietnamese(message)},
        text, room);
    return LANTOA_OK;
}

static const struct lantoa_option options[] = {
    ZALO_OPTIONS("Server of the account's interface: https://openapi.zalo.me",
        "Máy chủ API của Official Account: https://openapi.zalo.me"),
    LANTOA_OPTION_CHOICE(struct zalo_config, mode, "article", "article|broadcast", 0,
        "article: it stands on the account's page; broadcast: it is sent to followers as well",
        "article: bài nằm trên trang; broadcast: gửi cả cho người quan tâm"),
    LANTOA_OPTION_TEXT(struct zalo_config, audience, "{}", 0,
        "Which followers get the broadcast, as JSON: {\"ages\": \"2,3\", \"gender\": \"0\"}",
        "Người quan tâm nào nhận, dạng JSON: {\"ages\": \"2,3\", \"gender\": \"0\"}"),
    LANTOA_OPTION_DURATION(struct zalo_config, verify_every, "3s", 100, 600000, LANTOA_PACE,
        "How often Zalo is asked whether the article is made",
        "Bao lâu hỏi Zalo một lần là bài đã tạo xong chưa"),
    LANTOA_OPTION_DURATION(struct zalo_config, verify_for, "10m", 100, 86400000, LANTOA_PACE,
        "After so long a person has to look", "Quá thời gian này thì cán bộ phải tự xem"),
    LANTOA_OPTION_DURATION(struct zalo_config, figures_every, "6h", 100, 604800000, LANTOA_PACE,
        "How often views and shares are asked for", "Bao lâu hỏi số lượt xem và chia sẻ một lần"),
};

static const struct lantoa_content content[FIELD_COUNT] = {
    [FIELD_TITLE] = {"title", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 600,
        "Title, 150 characters", "Tiêu đề, tối đa 150 ký tự"},
    [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 64 << 10,
        "The article; each line is a paragraph", "Nội dung bài; mỗi dòng là một đoạn"},
    [FIELD_DESCRIPTION] = {"description", LANTOA_CONTENT_SINGLE_LINE, 1200,
        "What stands below the title, 300 characters", "Mô tả dưới tiêu đề, tối đa 300 ký tự"},
    [FIELD_AUTHOR] = {"author", LANTOA_CONTENT_SINGLE_LINE, 200, "Author", "Tác giả"},
    [FIELD_COVER_URL] = {"cover_url", LANTOA_CONTENT_SINGLE_LINE | LANTOA_CONTENT_AS_IS, 2000,
        "Address of the cover picture", "Địa chỉ ảnh bìa"},
};

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "zalo-post",
    .version = "1.0",
    .kind = "social",
    .help_en = "Articles on the page of a Zalo Official Account, and their broadcast",
    .help_vi = "Bài viết trên trang Zalo Official Account, có thể gửi tới người quan tâm",
    .address = LANTOA_ADDRESS_PAGE,
    .config_size = sizeof(struct zalo_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = FIELD_COUNT,
    .ops = ZALO_OPS(post_open, post_price, post_preview),
};
