/* SMS over the HTTP interface of a gateway: options, content, and the ops that the host calls. */
#include "sms_http.h"

#include <stdio.h>
#include <stdlib.h>

#define C struct gateway_config
static const struct lantoa_option options[] = {
    LANTOA_OPTION_FILE(C, declaration, NULL, LANTOA_REQUIRED,
        "The file that describes the gateway (config/channels/*.json)",
        "Tệp mô tả cổng tin nhắn (config/channels/*.json)"),
    LANTOA_OPTION_TEXT(C, base_url, NULL, 0, "Where the gateway's addresses begin: https://host",
        "Phần đầu địa chỉ của cổng tin nhắn: https://máy-chủ"),
    LANTOA_OPTION_TEXT(C, username, NULL, 0, "User name at the gateway", "Tên đăng nhập tại cổng"),
    LANTOA_OPTION_TEXT(
        C, password, NULL, LANTOA_SECRET, "Password at the gateway", "Mật khẩu tại cổng"),
    LANTOA_OPTION_TEXT(C, api_key, NULL, LANTOA_SECRET, "API key or token", "Khoá API"),
    LANTOA_OPTION_TEXT(
        C, api_secret, NULL, LANTOA_SECRET, "Secret to the API key", "Mã bí mật của khoá API"),
    LANTOA_OPTION_TEXT(C, sender, NULL, LANTOA_SENDER, "Sender: brand name or number",
        "Người gửi: tên thương hiệu hoặc số"),
    LANTOA_OPTION_TEXT(C, callback_url, NULL, 0,
        "Where the gateway shall send receipts: this system's address with /hook/CHANNEL",
        "Nơi cổng gửi báo phát: địa chỉ hệ thống này với /hook/KÊNH"),
    LANTOA_OPTION_TEXT(C, callback_secret, NULL, LANTOA_SECRET,
        "What call-backs prove themselves with", "Mã bí mật để kiểm tra lời gọi về"),
    LANTOA_OPTION_TEXT(C, extra, NULL, 0,
        "More values of the declaration, as JSON: {\"sms_type\": \"2\"}",
        "Giá trị khác mà tệp mô tả cần, dạng JSON: {\"sms_type\": \"2\"}"),
    LANTOA_OPTION_TEXT(C, country_code, "84", 0, "Country code of numbers that come without one",
        "Mã quốc gia cho số không kèm mã"),
    LANTOA_OPTION_BOOL(C, sandbox, "false", 0, "Ask the gateway to send nothing, where it can",
        "Yêu cầu cổng chỉ thử, không gửi thật, nếu cổng hỗ trợ"),
    LANTOA_OPTION_BOOL(
        C, tls_verify, "true", 0, "Check the gateway's certificate", "Kiểm tra chứng thư của cổng"),
    LANTOA_OPTION_FILE(C, tls_ca, NULL, 0,
        "Certificates to trust (PEM); without it those of the system",
        "Tệp chứng thư tin cậy (PEM); bỏ trống thì dùng của hệ thống"),
    LANTOA_OPTION_INT(C, connections, "8", 1, 64, LANTOA_PACE, "Requests at the same time",
        "Số yêu cầu đồng thời"),
    LANTOA_OPTION_INT(C, batch, "1000", 1, 1000, LANTOA_PACE,
        "Messages in one request at most, where the gateway takes several",
        "Số tin tối đa trong một yêu cầu, nếu cổng nhận nhiều tin"),
    LANTOA_OPTION_DURATION(C, timeout, "30s", 100, 600000, LANTOA_PACE,
        "Longest wait for an answer", "Thời gian chờ trả lời tối đa"),
    LANTOA_OPTION_CHOICE(C, accents, "keep", "keep|strip|strip_when_cheaper|strip_if_cheaper", 0,
        "Accents, where the step does not say: keep, strip, or strip where that saves a part",
        "Dấu tiếng Việt khi bước gửi không nêu: giữ, bỏ, hoặc chỉ bỏ khi tiết kiệm được phần tin"),
    LANTOA_OPTION_CHOICE(C, coding, "auto", "auto|gsm7|ucs2", 0,
        "auto: GSM 7-bit where every letter is in it; gsm7: refuse other texts",
        "auto: dùng GSM 7-bit khi đủ chữ; gsm7: từ chối văn bản khác"),
    LANTOA_OPTION_INT(C, parts, "10", 1, SMS_PARTS_MOST, 0, "Parts of one message at most",
        "Số phần tối đa của một tin"),
    LANTOA_OPTION_INT(C, price_part, "0", 0, 1000000, 0, "Price of a part in dong, for estimates",
        "Giá một phần tin (đồng), để ước tính"),
};
#undef C

static const struct lantoa_content content[FIELD_COUNT] = {
    [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 64 << 10, "The text of the message",
        "Nội dung tin nhắn"},
    [FIELD_TEMPLATE_ID] = {"template_id", LANTOA_CONTENT_SINGLE_LINE, 200,
        "The text's number at the gateway, where it sends registered texts only",
        "Mã mẫu tin đã đăng ký tại cổng"},
    [FIELD_PARAMS] = {"params", 0, 16 << 10, "Values for the registered text, as JSON",
        "Giá trị điền vào mẫu tin, dạng JSON"},
};

struct gateway {
    const struct lantoa_host *host;
    struct declaration declaration;
    json_t *extra;
    struct pool *pool;
    struct hooks hooks;
};

static void gateway_close(void *arg) {
    struct gateway *self = arg;
    pool_free(self->pool);
    declare_release(&self->declaration);
    json_decref(self->extra);
    free(self);
}

/* What two options hold; the caller frees it, also when they are refused. */
static int load(const struct gateway_config *config, struct declaration *declaration_out,
    json_t **extra_out, struct lantoa_fault *fault) {
    json_error_t error;
    bool given = config->extra != NULL && config->extra[0] != '\0';
    *extra_out = NULL;
    if (!declare_load(config->declaration, declaration_out, fault)) {
        return LANTOA_EINVAL;
    }
    *extra_out = given ? json_loads(config->extra, JSON_REJECT_DUPLICATES, &error) : NULL;
    return !given || json_is_object(*extra_out)
               ? LANTOA_OK
               : lantoa_fault_set(
                     fault, "extra", "is no JSON object", "không phải là một đối tượng JSON");
}

static int gateway_check(const void *given, struct lantoa_fault *fault_out) {
    struct declaration declaration;
    json_t *extra;
    int status = load(given, &declaration, &extra, fault_out);
    declare_release(&declaration);
    json_decref(extra);
    return status;
}

static int gateway_open(const struct lantoa_host *host, const void *given, void **self_out) {
    const struct gateway_config *config = given;
    struct lantoa_fault fault = {.size = sizeof(fault)};
    struct gateway *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return LANTOA_ENOMEM;
    }
    self->host = host;
    if (load(config, &self->declaration, &self->extra, &fault) != LANTOA_OK) {
        host->fail(host, "option %s: %s", fault.option, fault.why_en);
        gateway_close(self);
        return LANTOA_EINVAL;
    }
    self->pool = pool_new(host, config, &self->declaration, self->extra);
    if (self->pool == NULL) {
        gateway_close(self);
        return LANTOA_ENOMEM;
    }
    self->hooks = (struct hooks){.host = host,
        .config = config,
        .declaration = &self->declaration,
        .extra = self->extra,
        .token = (uint64_t)host->now(host) << 16};
    *self_out = self;
    return LANTOA_OK;
}

static void gateway_send(void *arg, const struct lantoa_message *const *messages, size_t count) {
    struct gateway *self = arg;
    pool_send(self->pool, messages, count);
}

static void gateway_cancel(void *arg, const uint64_t *ids, size_t count) {
    struct gateway *self = arg;
    pool_cancel(self->pool, ids, count);
}

static int gateway_hook(void *arg, const struct lantoa_hook *hook) {
    struct gateway *self = arg;
    return hooks_take(&self->hooks, hook);
}

static bool in_vietnamese(const struct lantoa_message *message) {
    return message->lang.bytes != 2 || memcmp(message->lang.at, "en", 2) != 0;
}

/* The text as the phone will show it; the caller frees it. */
static int prepare(const struct gateway_config *config, const struct lantoa_message *message,
    char **text_out, size_t *bytes_out, struct sms_cost *cost_out) {
    struct lantoa_str text = message->fields[FIELD_TEXT];
    struct sms_rules rules = gateway_rules(config);
    sms_rules_of_step(&rules, message->step);
    size_t room = sms_text_room(text.bytes);
    *text_out = malloc(room);
    if (*text_out == NULL) {
        return LANTOA_ENOMEM;
    }
    return sms_text_prepare(text.at, text.bytes, &rules, *text_out, room, bytes_out, cost_out);
}

static int gateway_price(
    const void *given, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct gateway_config *config = given;
    struct sms_cost cost = {0};
    char *text = NULL;
    size_t bytes = 0;
    int status = prepare(config, message, &text, &bytes, &cost);
    free(text);
    if (status != LANTOA_ENOMEM) {
        quote_out->units = (int64_t)cost.parts;
        quote_out->minor = (int64_t)cost.parts * config->price_part;
        sms_text_note(&cost, in_vietnamese(message), quote_out->note, sizeof(quote_out->note));
    }
    return status;
}

/* The text as the phone will show it, an empty line, and what staff should know of it. */
static int gateway_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    struct sms_rules rules = gateway_rules(config);
    sms_rules_of_step(&rules, message->step);
    return sms_text_preview(
        message->fields[FIELD_TEXT], &rules, in_vietnamese(message), text, room);
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "sms-http",
    .version = "1.0",
    .kind = "sms",
    .help_en = "SMS through a gateway's HTTP interface, described by a file",
    .help_vi = "Tin nhắn SMS qua giao diện HTTP của cổng tin nhắn, theo một tệp mô tả",
    .address = LANTOA_ADDRESS_PHONE,
    .capabilities = LANTOA_CAN_RECEIPT | LANTOA_CAN_INBOUND | LANTOA_CAN_ACCENTS,
    .config_size = sizeof(struct gateway_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = FIELD_COUNT,
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = gateway_open,
            .send = gateway_send,
            .cancel = gateway_cancel,
            .close = gateway_close,
            .price = gateway_price,
            .preview = gateway_preview,
            .check = gateway_check,
            .hook = gateway_hook,
        },
};
