/* What the targets of plugins/sms-http share: a message, a host that checks the events it is given,
 * and reading an answer. */
#ifndef FUZZ_GATEWAY_H
#define FUZZ_GATEWAY_H

#include "fuzz.h"

#include "sms_http.h"

#define GATEWAY_STR(text)                                                                          \
    { text, sizeof(text) - 1 }

__attribute__((unused)) static struct scope gateway_scope(void) {
    static const struct gateway_config config = {.base_url = "http://127.0.0.1",
        .username = "u",
        .password = "p",
        .api_key = "k",
        .api_secret = "s",
        .sender = "BHXH",
        .callback_url = "https://x.example/hook/sms",
        .callback_secret = "secret",
        .country_code = "84"};
    static const struct lantoa_str fields[FIELD_COUNT] = {
        GATEWAY_STR("Xin ch\xc3\xa0o"), GATEWAY_STR("T1"), GATEWAY_STR("{\"a\": \"b\"}")};
    static const struct lantoa_step step = {.size = sizeof(step),
        .campaign = GATEWAY_STR("c"),
        .step = GATEWAY_STR("s1"),
        .message_class = GATEWAY_STR("state_information")};
    static const struct lantoa_message message = {.size = sizeof(message),
        .id = 7,
        .key = GATEWAY_STR("aaaaaaaaaaaaaaaaaaaa"),
        .address = GATEWAY_STR("+84912345678"),
        .name = GATEWAY_STR("An"),
        .lang = GATEWAY_STR("vi"),
        .fields = fields,
        .step = &step};
    return (struct scope){.config = &config,
        .token = "token",
        .message = &message,
        .text = fields[FIELD_TEXT],
        .unicode = true,
        .now_ms = INT64_C(1795430000000)};
}

static inline void gateway_printable(const char *text, size_t room) {
    FUZZ_HOLDS(memchr(text, '\0', room) != NULL);
    for (; *text != '\0'; text++) {
        FUZZ_HOLDS((unsigned char)*text >= ' ' && *text != 0x7F);
    }
}

__attribute__((unused)) static void gateway_read_bytes(
    const json_t *rules, int status, const char *body, size_t bytes) {
    struct reading reading;
    json_t *json = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, NULL);
    answer_read(rules, status, (struct lantoa_str){body, bytes}, json, &reading);
    gateway_printable(reading.ref, sizeof(reading.ref));
    gateway_printable(reading.detail, sizeof(reading.detail));
    FUZZ_HOLDS(reading.after_ms >= 0);
    json_decref(json);
}

__attribute__((unused)) static void gateway_read(
    const json_t *rules, int status, const char *body) {
    gateway_read_bytes(rules, status, body, strlen(body));
}

static LANTOA_PRINTF(3, 4) void gateway_log(
    const struct lantoa_host *host, enum lantoa_log_level level, const char *fmt, ...) {
    char text[2000];
    va_list args;
    (void)host;
    (void)level;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
}

static int gateway_event(const struct lantoa_host *host, const struct lantoa_event *event) {
    (void)host;
    FUZZ_HOLDS(event->kind == LANTOA_EVENT_DELIVERED || event->kind == LANTOA_EVENT_FAILED ||
               event->kind == LANTOA_EVENT_DELAYED || event->kind == LANTOA_EVENT_INBOUND);
    FUZZ_HOLDS(event->key.bytes + event->ref.bytes + event->address.bytes > 0);
    const struct lantoa_str *texts[] = {&event->key, &event->ref, &event->address, &event->detail};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FUZZ_HOLDS(texts[i]->at != NULL && texts[i]->at[texts[i]->bytes] == '\0');
    }
    return LANTOA_OK;
}

__attribute__((unused)) static void gateway_hook(const struct declaration *declaration,
    const char *query, const char *header, const char *body, size_t bytes) {
    static const struct lantoa_host host = {
        .size = sizeof(host), .channel = "sms", .log = gateway_log, .event = gateway_event};
    const struct lantoa_http_header headers[] = {{.name = "x-sign", .value = header}};
    const struct lantoa_hook hook = {.size = sizeof(hook),
        .at_ms = INT64_C(1795430000000),
        .method = "POST",
        .query = {query, strlen(query)},
        .headers = headers,
        .header_count = 1,
        .body = {body, bytes}};
    struct hooks hooks = {
        .host = &host, .config = gateway_scope().config, .declaration = declaration};
    (void)hooks_take(&hooks, &hook);
}

#endif
