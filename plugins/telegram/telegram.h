/* Telegram through a bot: messages to people (telegram) and to a channel or group (telegram-post).
 *
 * - plugin.c, plugin_post.c: what the host reads of either
 * - bot.c: the instance; the ops; previews
 * - send.c: messages into requests, answers into results
 * - updates.c: what people write back, fetched or called in
 *
 * Source of methods, limits and errors: core.telegram.org/bots/api, Bot API 9.x, as of 2026-11-23.
 */
#ifndef TELEGRAM_H
#define TELEGRAM_H

#include "social.h"

struct telegram_config {
    const char *api_url, *token, *chat, *receive, *callback_url, *callback_secret, *format, *tls_ca;
    bool link_preview, silent, tls_verify;
    int64_t connections, timeout, poll_every;
};

/* Places of the content rows. */
enum { FIELD_TEXT, FIELD_LINK, FIELD_BUTTON, FIELD_COUNT };

enum { TEXT_MOST = 4096, CAPTION_MOST = 1024, ALBUM_MOST = 10 };

struct bot {
    struct social_line line; /* posts: of telegram-post */
    const struct telegram_config *config;
    /* updates */
    struct lantoa_timer *timer;
    bool fetching;
    int64_t offset;     /* of the next update to ask for; 0: the oldest there is */
    size_t events_open; /* told to the core and not yet done */
};

/* --- send.c --- */

extern const struct social_network telegram_network;
extern const struct social_error telegram_errors[];
struct social_fit telegram_fit(const struct lantoa_message *message);
/* The URL of a method; the token stands in it. */
void telegram_url(const struct bot *bot, struct social_request *request, const char *method);

/* --- updates.c --- */

void updates_start(struct bot *bot);
void updates_stop(struct bot *bot);
int updates_hook(struct bot *bot, const struct lantoa_hook *hook);
void updates_done(struct bot *bot, uint64_t token);

/* --- bot.c --- */

/* ops->check */
int bot_check(const void *given, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
int bot_open(const struct lantoa_host *host, const void *config, void **self_out);
int bot_start(void *self);
void bot_event_done(void *self, uint64_t token);
void bot_close(void *self);
int bot_hook(void *self, const struct lantoa_hook *hook);
int bot_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out);
int bot_preview(const void *config, const struct lantoa_message *message, char *text, size_t room);

#define TELEGRAM_OPS                                                                               \
    {                                                                                              \
        .size = sizeof(struct lantoa_ops), .open = bot_open, .check = bot_check,                   \
        .start = bot_start, .send = line_send, .cancel = line_cancel,                              \
        .event_done = bot_event_done, .close = bot_close, .price = bot_price,                      \
        .preview = bot_preview, .hook = bot_hook,                                                  \
    }

/* The rows that both plugins have alike; options and content stand beside it. */
#define TELEGRAM_COMMON                                                                            \
    .version = "1.0", .capabilities = LANTOA_CAN_INBOUND | LANTOA_CAN_PARTS,                       \
    .config_size = sizeof(struct telegram_config), .options = options,                             \
    .option_count = sizeof(options) / sizeof(options[0]), .content = content,                      \
    .content_count = FIELD_COUNT, .ops = TELEGRAM_OPS

#define TELEGRAM_OPTIONS                                                                           \
    LANTOA_OPTION_TEXT(struct telegram_config, api_url, NULL, LANTOA_REQUIRED,                     \
        "Server of the Bot API: https://api.telegram.org, which stands abroad, or one's own",      \
        "Máy chủ Bot API: https://api.telegram.org (đặt ở nước ngoài) hoặc máy chủ riêng"),        \
        LANTOA_OPTION_TEXT(struct telegram_config, token, NULL, LANTOA_REQUIRED | LANTOA_SECRET,   \
            "Token of the bot, from @BotFather", "Mã token của bot, do @BotFather cấp"),           \
        LANTOA_OPTION_CHOICE(struct telegram_config, receive, "none", "none|poll|webhook", 0,      \
            "What people write back: not taken, fetched, or called in",                            \
            "Tin người dân gửi lại: không nhận, tự lấy về, hoặc được gọi đến"),                    \
        LANTOA_OPTION_TEXT(struct telegram_config, callback_url, NULL, 0,                          \
            "For webhook: this system's address with /hook/CHANNEL; told to Telegram at the "      \
            "start",                                                                               \
            "Với webhook: địa chỉ hệ thống này với /hook/KÊNH; được báo cho Telegram khi chạy"),   \
        LANTOA_OPTION_TEXT(struct telegram_config, callback_secret, NULL, LANTOA_SECRET,           \
            "What call-backs prove themselves with: letters, digits, _ and -",                     \
            "Mã bí mật để kiểm tra lời gọi về: chữ, số, _ và -"),                                  \
        LANTOA_OPTION_DURATION(struct telegram_config, poll_every, "5s", 100, 3600000,             \
            LANTOA_PACE, "How often answers are fetched", "Bao lâu lấy tin trả lời một lần"),      \
        LANTOA_OPTION_CHOICE(struct telegram_config, format, "plain", "plain|html", 0,             \
            "html: the text may hold <b>, <i>, <a href>",                                          \
            "html: nội dung được dùng <b>, <i>, <a "                                        \
            "href>"),                                                                              \
        LANTOA_OPTION_BOOL(struct telegram_config, link_preview, "true", 0,                        \
            "Show a card of the first link", "Hiện thẻ xem trước của liên kết đầu tiên"),          \
        LANTOA_OPTION_BOOL(struct telegram_config, silent, "false", 0, "Arrive without a sound",   \
            "Gửi không kèm âm báo"),                                                               \
        LANTOA_OPTION_INT(struct telegram_config, connections, "4", 1, 32, LANTOA_PACE,            \
            "Requests at the same time", "Số yêu cầu đồng thời"),                                  \
        LANTOA_OPTION_DURATION(struct telegram_config, timeout, "30s", 100, 600000, LANTOA_PACE,   \
            "Longest wait for an answer", "Thời gian chờ trả lời tối đa"),                         \
        LANTOA_OPTION_BOOL(struct telegram_config, tls_verify, "true", 0,                          \
            "Check the server's certificate", "Kiểm tra chứng thư của máy chủ"),                   \
        LANTOA_OPTION_FILE(struct telegram_config, tls_ca, NULL, 0,                                \
            "Certificates to trust (PEM); without it those of the system",                         \
            "Tệp chứng thư tin cậy (PEM); bỏ trống thì dùng của hệ thống")

#define TELEGRAM_CONTENT                                                                           \
    {                                                                                              \
        [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 16 << 10, "The text, 4,096 characters",   \
            "Nội dung, tối đa 4.096 ký tự"},                                                       \
        [FIELD_LINK] = {"link", LANTOA_CONTENT_SINGLE_LINE, 2000, "An address; stands last",       \
            "Liên kết, đặt cuối tin"},                                                             \
        [FIELD_BUTTON] = {"button", LANTOA_CONTENT_SINGLE_LINE, 100,                               \
            "Words of a button that opens the link, in place of the address",                      \
            "Chữ trên nút mở liên kết, thay cho địa chỉ"},                                         \
    }

#endif
