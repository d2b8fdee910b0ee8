/* Messages of an Official Account to people who follow it: a text, or a picture with a text. Zalo
 * takes them only for so long after the person wrote; what it answers else is an error with a class
 * of its own, so a fallback can step in. */
#include "zalo.h"

#include <stdio.h>

enum { FIELD_TEXT, FIELD_LINK, FIELD_BUTTON, FIELD_COUNT };
enum { TEXT_MOST = 2000 };

static const struct lantoa_part *picture_of(const struct lantoa_message *message) {
    return step_files(message->step) > 0 ? message->step->parts : NULL;
}

/* Zalo shows a button or a picture, not both: a link that has no button stands in the text. */
static bool link_in_text(const struct lantoa_message *message) {
    return message->fields[FIELD_LINK].bytes > 0 &&
           (message->fields[FIELD_BUTTON].bytes == 0 || picture_of(message) != NULL);
}

static struct social_fit fit_of(const struct lantoa_message *message) {
    static const struct files_rule files = {.network = "Zalo",
        .most = 1,
        .picture_bytes = (size_t)1 << 20,
        .mimes = "image/jpeg image/png"};
    size_t link = link_in_text(message) ? 2 + text_points(message->fields[FIELD_LINK]) : 0;
    return (struct social_fit){text_points(message->fields[FIELD_TEXT]) + link, TEXT_MOST, &files};
}

static json_t *attachment_of(const struct lantoa_message *message, const char *picture) {
    struct lantoa_str link = message->fields[FIELD_LINK], button = message->fields[FIELD_BUTTON];
    if (picture != NULL) {
        return json_pack("{ss,s{ss,s[{ss,ss}]}}", "type", "template", "payload", "template_type",
            "media", "elements", "media_type", "image", "attachment_id", picture);
    }
    if (link.bytes > 0 && button.bytes > 0) {
        return json_pack("{ss,s{s[{ss%,ss,s{ss%}}]}}", "type", "template", "payload", "buttons",
            "title", button.at, button.bytes, "type", "oa.open.url", "payload", "url", link.at,
            link.bytes);
    }
    return NULL;
}

static void compose_message(
    const struct zalo *zalo, const struct social_job *job, struct social_request *request) {
    const struct lantoa_message *message = job->message;
    struct bytes text = {0};
    put_linked(&text, message->fields[FIELD_TEXT],
        link_in_text(message) ? message->fields[FIELD_LINK] : social_str(""));
    json_t *body = json_pack("{s{ss%},s{ss%}}", "recipient", "user_id", message->address.at,
        message->address.bytes, "message", "text", text.at, text.used);
    json_t *attachment =
        attachment_of(message, json_string_value(json_object_get(job->kept, "picture")));
    if (attachment != NULL) {
        json_object_set_new(json_object_get(body, "message"), "attachment", attachment);
    }
    zalo_request(zalo, request, "/v3.0/oa/message/cs");
    request_json(request, body);
    request->visible = true;
    bytes_release(&text);
}

static bool compose(void *self, struct social_job *job, struct social_request *request,
    struct social_reading *end) {
    struct zalo *zalo = self;
    const struct lantoa_part *picture = picture_of(job->message);
    const struct social_fit fit = fit_of(job->message);
    if (!fit_or_refuse(job->message, &fit, end)) {
        return false;
    }
    if (picture != NULL && job->stage == 0) {
        zalo_request(zalo, request, "/v2.0/oa/upload/image");
        request_file(request, "file", picture);
        return true;
    }
    compose_message(zalo, job, request);
    return true;
}

static void read_answer(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
    const json_t *json, struct social_reading *out) {
    bool upload = picture_of(job->message) != NULL && job->stage == 0;
    const char *picture = json_string_value(json_path(json, "data/attachment_id"));
    const char *number = json_string_value(json_path(json, "data/message_id"));
    (void)self;
    if (!zalo_good(json) || (upload && picture == NULL)) {
        zalo_error(answer, json, out);
    } else if (upload) {
        json_object_set_new(job->kept, "picture", json_string(picture));
        job->stage = 1;
        out->verdict = SOCIAL_NEXT;
    } else {
        reading_sent(out, number != NULL ? number : "");
    }
}

static const struct social_network network = {
    .compose = compose, .read = read_answer, .ready = zalo_ready, .token_over = zalo_token_over};

static int oa_open(const struct lantoa_host *host, const void *config, void **self_out) {
    return zalo_open_as(host, config, &network, NULL, self_out);
}

static int oa_price(
    const void *given, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct zalo_config *config = given;
    const struct social_fit fit = fit_of(message);
    return fit_quote(message, &fit, config->price_message, quote_out);
}

static int oa_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    (void)config;
    look_show(
        &(struct social_look){.network = "Zalo OA",
            .sender = "",
            .title = social_str(""),
            .text = message->fields[FIELD_TEXT],
            .link = message->fields[FIELD_LINK],
            .button = picture_of(message) != NULL ? social_str("") : message->fields[FIELD_BUTTON],
            .step = message->step,
            .pictures_first = true,
            .link_in_text = link_in_text(message),
            .used = fit_of(message).used,
            .most = TEXT_MOST,
            .vietnamese = message_in_vietnamese(message)},
        text, room);
    return LANTOA_OK;
}

static const struct lantoa_option options[] = {
    ZALO_OPTIONS("Server of the account's interface: https://openapi.zalo.me",
        "Máy chủ API của Official Account: https://openapi.zalo.me"),
    LANTOA_OPTION_INT(struct zalo_config, price_message, "0", 0, 1000000, 0,
        "Price of a message in dong, for estimates", "Giá một tin (đồng), để ước tính"),
};

static const struct lantoa_content content[FIELD_COUNT] = {
    [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 8 << 10, "The text, 2,000 characters",
        "Nội dung, tối đa 2.000 ký tự"},
    [FIELD_LINK] = {"link", LANTOA_CONTENT_SINGLE_LINE, 2000, "An address; stands last",
        "Liên kết, đặt cuối tin"},
    [FIELD_BUTTON] = {"button", LANTOA_CONTENT_SINGLE_LINE, 100,
        "Words of a button that opens the link, in place of the address",
        "Chữ trên nút mở liên kết, thay cho địa chỉ"},
};

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "zalo-oa",
    .version = "1.0",
    .kind = "zalo",
    .help_en = "Zalo messages of an Official Account to its followers",
    .help_vi = "Tin Zalo của Official Account tới người quan tâm",
    .address = LANTOA_ADDRESS_ACCOUNT,
    .account = "zalo_id",
    .capabilities = LANTOA_CAN_RECEIPT | LANTOA_CAN_INBOUND | LANTOA_CAN_PARTS,
    .config_size = sizeof(struct zalo_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = FIELD_COUNT,
    .ops = ZALO_OPS(oa_open, oa_price, oa_preview),
};
