/* ZNS: registered texts with values, to telephone numbers. Zalo approves each text; its rules of
 * use are kept here, so that staff hear of a breach before Zalo does: only to people who already
 * had to do with the sender, Vietnamese with its accents, no links and no telephone numbers in a
 * text, not at night. Source: Zalo's rules of ZNS as noted 2026-11-23. */
#include "zalo.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FIELD_TEXT, FIELD_TEMPLATE_ID, FIELD_PARAMS, FIELD_TRANSACTION_ON, FIELD_COUNT };
enum { PARAMS_MOST = 10, WORDS_LEAST = 4 };

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define VIETNAM_MS (7 * HOUR_MS)
#define NIGHT_FROM_H 22
#define NIGHT_TO_H 6

struct breach {
    const char *en, *vi;
};

/* How long until it may leave; 0: now. */
static int64_t night_left(int64_t now_ms) {
    int64_t of_day = (now_ms + VIETNAM_MS) % (24 * HOUR_MS);
    if (of_day >= NIGHT_FROM_H * HOUR_MS) {
        return (24 + NIGHT_TO_H) * HOUR_MS - of_day;
    }
    return of_day < NIGHT_TO_H * HOUR_MS ? NIGHT_TO_H * HOUR_MS - of_day : 0;
}

/* The day in Vietnam, as day_of writes it. */
static int today_of(int64_t now_ms) {
    time_t seconds = (time_t)((now_ms + VIETNAM_MS) / 1000);
    struct tm parts;
    return gmtime_r(&seconds, &parts) == NULL
               ? 0
               : 10000 * (parts.tm_year + 1900) + 100 * (parts.tm_mon + 1) + parts.tm_mday;
}

static bool breach(struct breach *out, const char *en, const char *vi) {
    *out = (struct breach){en, vi};
    return false;
}

static bool check_text(struct lantoa_str text, struct breach *out) {
    if (!text_has_accent(text)) {
        return breach(
            out, "ZNS takes Vietnamese with its accents only", "ZNS chỉ nhận tiếng Việt có dấu");
    }
    if (text_has_link(text)) {
        return breach(out, "ZNS takes no links in a text: put them on a button of the template",
            "ZNS không cho liên kết trong nội dung: hãy đặt ở nút của mẫu tin");
    }
    if (text_has_phone(text)) {
        return breach(out, "ZNS takes no telephone numbers in a text",
            "ZNS không cho số điện thoại trong nội dung");
    }
    return true;
}

/* Digits of a fixed width; -1: they are none. */
static int digits(const char *at, size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return -1;
        }
        value = 10 * value + (at[i] - '0');
    }
    return value;
}

/* 20261123 of "2026-11-23" or "23/11/2026", as templates write days; -1: it is no day. */
static int day_of(struct lantoa_str text) {
    bool iso = text.bytes == 10 && text.at[4] == '-' && text.at[7] == '-';
    bool local = text.bytes == 10 && text.at[2] == '/' && text.at[5] == '/';
    if (!iso && !local) {
        return -1;
    }
    int year = digits(text.at + (iso ? 0 : 6), 4), month = digits(text.at + (iso ? 5 : 3), 2);
    int day = digits(text.at + (iso ? 8 : 0), 2);
    bool good = year >= 1900 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    return good ? 10000 * year + 100 * month + day : -1;
}

/* today 0: not known. */
static bool check_transaction(struct lantoa_str text, int today, struct breach *out) {
    int day = day_of(text);
    if (day < 0) {
        return breach(out,
            "ZNS is for people who already had to do with the sender: transaction_on must be the "
            "day of the person's last dealing, such as {{enrolled_on}}",
            "ZNS chỉ gửi cho người đã có giao dịch với đơn vị: transaction_on phải là ngày giao "
            "dịch gần nhất của người nhận, ví dụ {{enrolled_on}}");
    }
    if (today > 0 && day > today) {
        return breach(out, "the day in transaction_on has not come yet",
            "ngày trong transaction_on chưa tới");
    }
    return true;
}

/* All values together: a name alone may well have no accents. */
static bool check_values(const json_t *params, struct breach *out) {
    struct bytes all = {0};
    bool good = true;
    void *at = json_object_iter((json_t *)(uintptr_t)params);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)params, at)) {
        const json_t *value = json_object_iter_value(at);
        struct lantoa_str text = social_str(json_string_value(value));
        if (!json_is_string(value) && !json_is_number(value)) {
            good =
                breach(out, "the values must be texts or numbers", "giá trị phải là chữ hoặc số");
        } else if (text_has_link(text)) {
            good = breach(
                out, "ZNS takes no links in a value", "ZNS không cho liên kết trong giá trị");
        }
        bytes_put_str(&all, text);
        bytes_put_char(&all, ' ');
    }
    struct lantoa_str whole = {all.at == NULL ? "" : all.at, all.used};
    if (good && text_words(whole) >= WORDS_LEAST && !text_has_accent(whole)) {
        good = breach(out, "the values have no accents", "giá trị điền vào mẫu không có dấu");
    }
    bytes_release(&all);
    return good;
}

static bool check(
    const struct lantoa_message *message, int today, json_t **params_out, struct breach *out) {
    struct lantoa_str params = message->fields[FIELD_PARAMS];
    *params_out = params.bytes == 0
                      ? json_object()
                      : json_loadb(params.at, params.bytes, JSON_REJECT_DUPLICATES, NULL);
    if (message->step != NULL &&
        (social_is(message->step->message_class, "advertising") ||
            social_is(message->step->message_class, "state_information"))) {
        return breach(out,
            "ZNS is for people who already had to do with the sender: the campaign's class must be "
            "personal_service",
            "ZNS chỉ gửi cho người đã có giao dịch với đơn vị: loại chiến dịch phải là "
            "personal_service");
    }
    if (!json_is_object(*params_out) || json_object_size(*params_out) > PARAMS_MOST) {
        return breach(out, "params must be a JSON object of at most 10 values",
            "params phải là đối tượng JSON có tối đa 10 giá trị");
    }
    return check_transaction(message->fields[FIELD_TRANSACTION_ON], today, out) &&
           check_text(message->fields[FIELD_TEXT], out) && check_values(*params_out, out);
}

static bool compose(void *self, struct social_job *job, struct social_request *request,
    struct social_reading *end) {
    const struct zalo *zalo = self;
    const struct lantoa_message *message = job->message;
    struct lantoa_str phone = message->address, template = message->fields[FIELD_TEMPLATE_ID];
    json_t *params = NULL;
    struct breach what;
    int64_t wait = night_left(zalo->line.host->now(zalo->line.host));
    if (phone.bytes > 0 && phone.at[0] == '+') {
        phone = (struct lantoa_str){phone.at + 1, phone.bytes - 1};
    }
    if (!check(message, today_of(zalo->line.host->now(zalo->line.host)), &params, &what)) {
        reading_set(end, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, what.en, what.vi);
        json_decref(params);
        return false;
    }
    if (wait > 0) {
        reading_set(end, SOCIAL_RETRY, LANTOA_REASON_TEMPORARY,
            "ZNS is not sent from 22:00 to 6:00", "ZNS không gửi từ 22:00 đến 6:00");
        end->after_ms = wait;
        json_decref(params);
        return false;
    }
    json_t *body = json_pack("{ss%,ss%,so,ss%}", "phone", phone.at, phone.bytes, "template_id",
        template.at, template.bytes, "template_data", params, "tracking_id", message->key.at,
        message->key.bytes);
    if (strcmp(zalo->config->mode, "development") == 0 && body != NULL) {
        json_object_set_new(body, "mode", json_string("development"));
    }
    zalo_request(zalo, request, "/message/template");
    request_json(request, body);
    request->visible = true;
    return true;
}

static void read_answer(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
    const json_t *json, struct social_reading *out) {
    const char *number = json_string_value(json_path(json, "data/msg_id"));
    (void)self;
    (void)job;
    if (zalo_good(json)) {
        reading_sent(out, number != NULL ? number : "");
    } else {
        zalo_error(answer, json, out);
    }
}

static const struct social_network network = {
    .compose = compose, .read = read_answer, .ready = zalo_ready, .token_over = zalo_token_over};

static int zns_open(const struct lantoa_host *host, const void *config, void **self_out) {
    int status = zalo_open_as(host, config, &network, NULL, self_out);
    if (status == LANTOA_OK) {
        struct zalo *zalo = *self_out;
        zalo->receipts_of_zns = true;
    }
    return status;
}

static int zns_price(
    const void *given, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct zalo_config *config = given;
    json_t *params = NULL;
    struct breach what = {"", ""};
    bool good = check(message, 0, &params, &what);
    json_decref(params);
    quote_out->units = 1;
    quote_out->minor = config->price_message;
    snprintf(quote_out->note, sizeof(quote_out->note), "%s",
        message_in_vietnamese(message) ? what.vi : what.en);
    return good ? LANTOA_OK : LANTOA_EINVAL;
}

static int zns_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    char notes[600];
    json_t *params = NULL;
    struct breach what = {"", ""};
    bool vietnamese = message_in_vietnamese(message);
    (void)config;
    (void)check(message, 0, &params, &what);
    json_decref(params);
    snprintf(notes, sizeof(notes), "%s %.*s: %.*s%s%s", vietnamese ? "mẫu" : "template",
        (int)message->fields[FIELD_TEMPLATE_ID].bytes, message->fields[FIELD_TEMPLATE_ID].at,
        (int)message->fields[FIELD_PARAMS].bytes, message->fields[FIELD_PARAMS].at,
        what.en[0] != '\0' ? "\n" : "", vietnamese ? what.vi : what.en);
    look_show(&(struct social_look){.network = "ZNS",
                  .sender = "",
                  .title = social_str(""),
                  .text = message->fields[FIELD_TEXT],
                  .link = social_str(""),
                  .button = social_str(""),
                  .notes = notes,
                  .vietnamese = vietnamese},
        text, room);
    return LANTOA_OK;
}

static const struct lantoa_option options[] = {
    ZALO_OPTIONS("Server of ZNS: https://business.openapi.zalo.me",
        "Máy chủ ZNS: https://business.openapi.zalo.me"),
    LANTOA_OPTION_CHOICE(struct zalo_config, mode, "live", "live|development", 0,
        "development: Zalo sends to the account's administrators only",
        "development: Zalo chỉ gửi cho quản trị viên của tài khoản"),
    LANTOA_OPTION_INT(struct zalo_config, price_message, "0", 0, 1000000, 0,
        "Price of a message in dong, for estimates", "Giá một tin (đồng), để ước tính"),
};

static const struct lantoa_content content[FIELD_COUNT] = {
    [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 8 << 10,
        "How the registered text reads, for the preview and the checks; what is sent is the "
        "template",
        "Nội dung mẫu đã đăng ký, để xem trước và kiểm tra; khi gửi dùng mẫu"},
    [FIELD_TEMPLATE_ID] = {"template_id", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 60,
        "Number of the registered text", "Mã mẫu tin đã được duyệt"},
    [FIELD_PARAMS] = {"params", 0, 8 << 10,
        "Values for the registered text, a JSON object: {\"ten\": \"{{name}}\"}",
        "Giá trị điền vào mẫu, đối tượng JSON: {\"ten\": \"{{name}}\"}"},
    [FIELD_TRANSACTION_ON] = {"transaction_on",
        LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 40,
        "Day of the person's last dealing with the sender, such as {{enrolled_on}}: who has none "
        "gets no ZNS",
        "Ngày giao dịch gần nhất của người nhận với đơn vị, ví dụ {{enrolled_on}}: ai chưa có thì "
        "không gửi ZNS"},
};

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "zns",
    .version = "1.0",
    .kind = "zalo",
    .help_en = "ZNS: registered texts over Zalo to telephone numbers",
    .help_vi = "ZNS: tin Zalo theo mẫu đã duyệt, gửi tới số điện thoại",
    .address = LANTOA_ADDRESS_PHONE,
    .capabilities = LANTOA_CAN_RECEIPT,
    .config_size = sizeof(struct zalo_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = FIELD_COUNT,
    .ops = ZALO_OPS(zns_open, zns_price, zns_preview),
};
