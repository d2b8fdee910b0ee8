/* Messages into requests of the Bot API, answers into results.
 *
 * One picture goes with its text as the caption if that is short enough, several as an album; what
 * is too long for a caption follows as a message of its own, so a message has up to two stages. */
#include "telegram.h"

#include <stdio.h>
#include <stdlib.h>

const struct social_error telegram_errors[] = {
    {400, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0,
        "Telegram does not take this text or picture", "Telegram không nhận nội dung hoặc ảnh này"},
    {401, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0, "the bot's token is wrong or was withdrawn",
        "mã token của bot sai hoặc đã bị thu hồi"},
    {403, 0, SOCIAL_REFUSED, LANTOA_REASON_REFUSED, 0,
        "the person has blocked the bot, or never started it",
        "người nhận đã chặn bot hoặc chưa từng bắt đầu trò chuyện với bot"},
    {404, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0, "the bot's token or the server is wrong",
        "mã token của bot hoặc địa chỉ máy chủ sai"},
    {413, 0, SOCIAL_REFUSED, LANTOA_REASON_TOO_LARGE, 0, "the picture is too large", "ảnh quá lớn"},
    {429, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 30000, "Telegram asks to send more slowly",
        "Telegram yêu cầu gửi chậm lại"},
    {0},
};
static const struct social_error no_chat = {400, 0, SOCIAL_REFUSED, LANTOA_REASON_NO_ACCOUNT, 0,
    "there is no such chat: the person has not started the bot",
    "không có cuộc trò chuyện này: người nhận chưa bắt đầu trò chuyện với bot"};

static const struct bot *bot_of(void *self) {
    return self;
}

void telegram_url(const struct bot *bot, struct social_request *request, const char *method) {
    request_url(request, "%s/bot%s/%s", bot->config->api_url, bot->config->token, method);
}

/* The text, with the link last where no button carries it. */
static void put_text(const struct lantoa_message *message, struct bytes *out) {
    bool last = message->fields[FIELD_BUTTON].bytes == 0;
    put_linked(
        out, message->fields[FIELD_TEXT], last ? message->fields[FIELD_LINK] : social_str(""));
}

static size_t file_count(const struct lantoa_message *message) {
    return step_files(message->step);
}

struct social_fit telegram_fit(const struct lantoa_message *message) {
    static const struct files_rule files = {.network = "Telegram",
        .most = ALBUM_MOST,
        .picture_bytes = (size_t)10 << 20,
        .other_bytes = (size_t)50 << 20};
    struct lantoa_str link = message->fields[FIELD_LINK];
    bool last = link.bytes > 0 && message->fields[FIELD_BUTTON].bytes == 0;
    return (struct social_fit){
        text_units(message->fields[FIELD_TEXT]) + (last ? 2 + text_units(link) : 0), TEXT_MOST,
        &files};
}

static bool has_button(const struct lantoa_message *message) {
    return message->fields[FIELD_LINK].bytes > 0 && message->fields[FIELD_BUTTON].bytes > 0;
}

/* An album has neither long captions nor buttons. */
static bool fits_caption(const struct lantoa_message *message, struct lantoa_str text) {
    return text_units(text) <= CAPTION_MOST && (file_count(message) == 1 || !has_button(message));
}

static json_t *keyboard_of(const struct lantoa_message *message) {
    struct lantoa_str link = message->fields[FIELD_LINK], words = message->fields[FIELD_BUTTON];
    return json_pack("{s[[{ss%ss%}]]}", "inline_keyboard", "text", words.at, words.bytes, "url",
        link.at, link.bytes);
}

static struct lantoa_str address_of(const struct bot *bot, const struct lantoa_message *message) {
    return bot->config->chat != NULL ? social_str(bot->config->chat) : message->address;
}

static void compose_text(const struct bot *bot, const struct lantoa_message *message,
    struct lantoa_str text, struct social_request *request) {
    struct lantoa_str chat = address_of(bot, message);
    json_t *body = json_pack("{ss%,ss%,s{sb}}", "chat_id", chat.at, chat.bytes, "text", text.at,
        text.bytes, "link_preview_options", "is_disabled", !bot->config->link_preview);
    if (strcmp(bot->config->format, "html") == 0) {
        json_object_set_new(body, "parse_mode", json_string("HTML"));
    }
    if (bot->config->silent) {
        json_object_set_new(body, "disable_notification", json_true());
    }
    if (has_button(message)) {
        json_object_set_new(body, "reply_markup", keyboard_of(message));
    }
    telegram_url(bot, request, "sendMessage");
    request_json(request, body);
}

static void put_json_part(struct social_request *request, const char *name, json_t *value) {
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
    request->body.failed |= text == NULL;
    request_part(request, name, social_str(text));
    free(text);
    json_decref(value);
}

static void put_common(
    const struct bot *bot, const struct lantoa_message *message, struct social_request *request) {
    request_part(request, "chat_id", address_of(bot, message));
    if (bot->config->silent) {
        request_part(request, "disable_notification", social_str("true"));
    }
}

static void compose_one(const struct bot *bot, const struct lantoa_message *message,
    struct lantoa_str caption, struct social_request *request) {
    const struct lantoa_part *part = &message->step->parts[0];
    bool picture = part_is_picture(part);
    telegram_url(bot, request, picture ? "sendPhoto" : "sendDocument");
    put_common(bot, message, request);
    if (caption.bytes > 0) {
        request_part(request, "caption", caption);
        if (strcmp(bot->config->format, "html") == 0) {
            request_part(request, "parse_mode", social_str("HTML"));
        }
        if (has_button(message)) {
            put_json_part(request, "reply_markup", keyboard_of(message));
        }
    }
    request_file(request, picture ? "photo" : "document", part);
}

static void compose_album(const struct bot *bot, const struct lantoa_message *message,
    struct lantoa_str caption, struct social_request *request) {
    json_t *media = json_array();
    bool pictures = true;
    for (size_t i = 0; i < file_count(message); i++) {
        pictures = pictures && part_is_picture(&message->step->parts[i]);
    }
    telegram_url(bot, request, "sendMediaGroup");
    put_common(bot, message, request);
    for (size_t i = 0; i < file_count(message); i++) {
        char name[32], link[48];
        snprintf(name, sizeof(name), "file%zu", i);
        snprintf(link, sizeof(link), "attach://%s", name);
        json_t *item = json_pack("{ss,ss}", "type", pictures ? "photo" : "document", "media", link);
        if (i == 0 && caption.bytes > 0) {
            json_object_set_new(item, "caption", json_stringn(caption.at, caption.bytes));
            if (strcmp(bot->config->format, "html") == 0) {
                json_object_set_new(item, "parse_mode", json_string("HTML"));
            }
        }
        json_array_append_new(media, item);
        request_file(request, name, &message->step->parts[i]);
    }
    put_json_part(request, "media", media);
}

static bool compose(void *self, struct social_job *job, struct social_request *request,
    struct social_reading *end) {
    const struct bot *bot = bot_of(self);
    const struct lantoa_message *message = job->message;
    struct bytes text = {0};
    put_text(message, &text);
    struct lantoa_str whole = {text.at == NULL ? "" : text.at, text.used};
    const struct social_fit fit = telegram_fit(message);
    bool good = !text.failed && fit_or_refuse(message, &fit, end);
    if (good && (file_count(message) == 0 || job->stage == 1)) {
        compose_text(bot, message, whole, request);
    } else if (good) {
        bool caption = fits_caption(message, whole);
        if (file_count(message) == 1) {
            compose_one(bot, message, caption ? whole : social_str(""), request);
        } else {
            compose_album(bot, message, caption ? whole : social_str(""), request);
        }
        json_object_set_new(job->kept, "captioned", json_boolean(caption));
    }
    request->visible = true;
    bytes_release(&text);
    return good;
}

/* "CHAT:NUMBER", the chat by its number also where it was named. */
static void keep_ref(const json_t *json, struct social_reading *out) {
    char ref[64], chat[32], number[32];
    const json_t *message = json_object_get(json, "result");
    message = json_is_array(message) ? json_array_get(message, 0) : message;
    snprintf(ref, sizeof(ref), "%s:%s",
        json_plain(json_path(message, "chat/id"), chat, sizeof(chat)),
        json_plain(json_path(message, "message_id"), number, sizeof(number)));
    reading_sent(out, ref);
}

static void read_error(
    const struct lantoa_http_answer *answer, const json_t *json, struct social_reading *out) {
    const char *said = json_string_value(json_object_get(json, "description"));
    json_int_t code = json_integer_value(json_object_get(json, "error_code"));
    json_int_t after = json_integer_value(json_path(json, "parameters/retry_after"));
    const struct social_error *row = error_find(telegram_errors, code, 0);
    said = said == NULL ? "" : said;
    if (row == NULL) {
        reading_status(out, answer, false);
    } else if (code == 400 && strstr(said, "chat not found") != NULL) {
        reading_error(out, &no_chat, code, said);
    } else {
        reading_error(out, row, code, said);
    }
    if (code == 429 && after > 0 && after < 7 * 24 * 3600) {
        out->after_ms = after * 1000;
    }
}

static void read_answer(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
    const json_t *json, struct social_reading *out) {
    (void)self;
    if (!json_is_true(json_object_get(json, "ok"))) {
        read_error(answer, json, out);
        return;
    }
    bool more = job->stage == 0 && json_is_false(json_object_get(job->kept, "captioned"));
    keep_ref(json, out);
    if (more) {
        job->stage = 1;
        out->verdict = SOCIAL_NEXT;
    }
}

static void note_sent(void *self, const struct social_job *job, const char *ref) {
    const struct bot *bot = bot_of(self);
    if (bot->line.posts != NULL) {
        posts_add(bot->line.posts, job->message->key, ref);
        /* Shown in the app, and told to no bot: "n/a", which is not 0. */
        posts_told(
            bot->line.posts, job->message->key.at, json_pack("{sn,sn}", "views", "forwards"));
    }
}

const struct social_network telegram_network = {
    .compose = compose, .read = read_answer, .sent = note_sent};
