/* The Mastodon account as the host sees it. */
#include "mastodon.h"

#include <stdlib.h>

static void account_close(void *self) {
    struct account *account = self;
    mentions_stop(account);
    line_release(&account->line);
    free(account);
}

static int account_open(const struct lantoa_host *host, const void *given, void **self_out) {
    const struct mastodon_config *config = given;
    struct account *account = calloc(1, sizeof(*account));
    if (account == NULL) {
        return LANTOA_ENOMEM;
    }
    account->config = config;
    int status = line_open(
        &account->line, &(struct line_setup){.host = host,
                            .network = &mastodon_network,
                            .connections = 1, /* posts stand in the order in which they were made */
                            .timeout_ms = config->timeout,
                            .tls_verify = config->tls_verify,
                            .tls_ca = config->tls_ca,
                            .ask = figures_ask,
                            .figures_every_ms = config->figures_every});
    if (status != LANTOA_OK) {
        account_close(account);
        return status;
    }
    *self_out = account;
    return LANTOA_OK;
}

static int account_check(const void *given, struct lantoa_fault *fault_out) {
    const struct mastodon_config *config = given;
    return server_url_check("url", config->url, fault_out);
}

static int account_start(void *self) {
    const struct account *account = self;
    if (account->config->answers) {
        mentions_start(self);
    }
    return line_start(self);
}

static void account_event_done(void *self, uint64_t token) {
    if ((token & SOCIAL_POSTS_TOKEN) == 0) {
        mentions_done(self);
    }
}

static int account_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct social_fit fit = status_fit(config, message);
    return fit_quote(message, &fit, 0, quote_out);
}

static int account_preview(
    const void *given, const struct lantoa_message *message, char *text, size_t room) {
    const struct mastodon_config *config = given;
    look_show(&(struct social_look){.network = "Mastodon",
                  .sender = "",
                  .title = message->fields[FIELD_WARNING],
                  .text = message->fields[FIELD_TEXT],
                  .link = message->fields[FIELD_LINK],
                  .button = social_str(""),
                  .step = message->step,
                  .link_in_text = true,
                  .used = status_fit(config, message).used,
                  .most = (size_t)config->most,
                  .vietnamese = message_in_vietnamese(message)},
        text, room);
    return LANTOA_OK;
}

#define C struct mastodon_config
static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(C, url, NULL, LANTOA_REQUIRED, "The server: https://social.example.vn",
        "Máy chủ: https://social.example.vn"),
    LANTOA_OPTION_TEXT(C, token, NULL, LANTOA_REQUIRED | LANTOA_SECRET,
        "Token of the application, with write:statuses, write:media, read:statuses, "
        "read:notifications",
        "Token ứng dụng, có quyền write:statuses, write:media, read:statuses, read:notifications"),
    LANTOA_OPTION_CHOICE(C, visibility, "public", "public|unlisted|private", 0,
        "Who sees the posts", "Ai xem được bài"),
    LANTOA_OPTION_INT(C, most, "500", 100, 100000, 0,
        "Characters of a post that the server allows; an address counts 23",
        "Số ký tự máy chủ cho phép; mỗi liên kết tính 23"),
    LANTOA_OPTION_BOOL(C, answers, "true", 0, "Fetch what people answer", "Lấy trả lời về"),
    LANTOA_OPTION_DURATION(C, poll_every, "1m", 100, 3600000, LANTOA_PACE,
        "How often answers are fetched", "Bao lâu lấy trả lời một lần"),
    LANTOA_OPTION_DURATION(C, figures_every, "6h", 100, 604800000, LANTOA_PACE,
        "How often figures are asked for", "Bao lâu hỏi số liệu một lần"),
    LANTOA_OPTION_DURATION(C, timeout, "60s", 100, 600000, LANTOA_PACE,
        "Longest wait for an answer", "Thời gian chờ trả lời tối đa"),
    LANTOA_OPTION_BOOL(C, tls_verify, "true", 0, "Check the server's certificate",
        "Kiểm tra chứng thư của máy chủ"),
    LANTOA_OPTION_FILE(C, tls_ca, NULL, 0,
        "Certificates to trust (PEM); without it those of the system",
        "Tệp chứng thư tin cậy (PEM); bỏ trống thì dùng của hệ thống"),
};
#undef C

static const struct lantoa_content content[FIELD_COUNT] = {
    [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 64 << 10, "The post", "Nội dung bài đăng"},
    [FIELD_LINK] = {"link", LANTOA_CONTENT_SINGLE_LINE, 2000, "An address; stands last",
        "Liên kết, đặt cuối bài"},
    [FIELD_WARNING] = {"warning", LANTOA_CONTENT_SINGLE_LINE, 400,
        "What is shown before the text is opened", "Dòng hiện trước khi mở nội dung"},
};

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "mastodon",
    .version = "1.0",
    .kind = "social",
    .help_en = "Posts of a Mastodon account",
    .help_vi = "Đăng bài bằng tài khoản Mastodon",
    .address = LANTOA_ADDRESS_PAGE,
    .capabilities = LANTOA_CAN_INBOUND | LANTOA_CAN_PARTS | LANTOA_CAN_IDEMPOTENT,
    .config_size = sizeof(struct mastodon_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = FIELD_COUNT,
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = account_open,
            .start = account_start,
            .send = line_send,
            .cancel = line_cancel,
            .event_done = account_event_done,
            .close = account_close,
            .price = account_price,
            .preview = account_preview,
            .check = account_check,
        },
};
