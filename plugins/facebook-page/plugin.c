/* The Facebook Page as the host sees it. */
#include "facebook.h"

#include <stdlib.h>

static void page_close(void *self) {
    struct page *page = self;
    comments_stop(page);
    line_release(&page->line);
    free(page);
}

static int page_open(const struct lantoa_host *host, const void *given, void **self_out) {
    const struct facebook_config *config = given;
    struct page *page = calloc(1, sizeof(*page));
    if (page == NULL) {
        return LANTOA_ENOMEM;
    }
    page->config = config;
    int status = line_open(
        &page->line, &(struct line_setup){.host = host,
                         .network = &facebook_network,
                         .connections = 1, /* posts stand in the order in which they were made */
                         .timeout_ms = config->timeout,
                         .tls_verify = config->tls_verify,
                         .tls_ca = config->tls_ca,
                         .ask = insights_ask,
                         .figures_every_ms = config->figures_every});
    if (status != LANTOA_OK) {
        page_close(page);
        return status;
    }
    *self_out = page;
    return LANTOA_OK;
}

static int page_check(const void *given, struct lantoa_fault *fault_out) {
    const struct facebook_config *config = given;
    return server_url_check("api_url", config->api_url, fault_out);
}

static int page_start(void *self) {
    comments_start(self);
    return line_start(self);
}

static void page_event_done(void *self, uint64_t token) {
    if ((token & SOCIAL_POSTS_TOKEN) == 0) {
        comments_done(self);
    }
}

static int page_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct social_fit fit = facebook_fit(message);
    (void)config;
    return fit_quote(message, &fit, 0, quote_out);
}

static int page_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    (void)config;
    look_show(&(struct social_look){.network = "Facebook",
                  .sender = "",
                  .title = social_str(""),
                  .text = message->fields[FIELD_TEXT],
                  .link = message->fields[FIELD_LINK],
                  .button = social_str(""),
                  .step = message->step,
                  .link_in_text = step_files(message->step) > 0,
                  .used = facebook_fit(message).used,
                  .most = TEXT_MOST,
                  .vietnamese = message_in_vietnamese(message)},
        text, room);
    return LANTOA_OK;
}

#define C struct facebook_config
static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(C, api_url, NULL, LANTOA_REQUIRED,
        "Server of the Graph API: https://graph.facebook.com, which stands abroad",
        "Máy chủ Graph API: https://graph.facebook.com (đặt ở nước ngoài)"),
    LANTOA_OPTION_TEXT(C, version, "v26.0", 0, "Version of the Graph API", "Phiên bản Graph API"),
    LANTOA_OPTION_TEXT(C, page_id, NULL, LANTOA_REQUIRED, "Number of the page", "Mã số của trang"),
    LANTOA_OPTION_TEXT(C, token, NULL, LANTOA_REQUIRED | LANTOA_SECRET,
        "Token of the page, with pages_manage_posts and pages_read_engagement",
        "Token của trang, có quyền pages_manage_posts và pages_read_engagement"),
    LANTOA_OPTION_TEXT(C, app_secret, NULL, LANTOA_SECRET,
        "Secret of the application: call-backs prove themselves with it",
        "Khoá bí mật của ứng dụng, để kiểm tra lời gọi về"),
    LANTOA_OPTION_TEXT(C, verify_token, NULL, LANTOA_SECRET,
        "Text of your own, the same as at Facebook under Webhooks, \"Verify token\": the HTTP door "
        "proves the address with it",
        "Chuỗi tự đặt, giống mục Webhooks, \"Verify token\" tại Facebook: cổng HTTP dùng để xác "
        "nhận "
        "địa chỉ"),
    LANTOA_OPTION_CHOICE(C, comments, "webhook", "webhook|poll", 0,
        "Comments: called in by Facebook, or fetched where it cannot reach this installation",
        "Bình luận: Facebook gọi đến, hoặc tự lấy về khi Facebook không gọi được tới hệ thống này"),
    LANTOA_OPTION_DURATION(C, poll_every, "5m", 100, 86400000, LANTOA_PACE,
        "How often comments are fetched", "Bao lâu lấy bình luận một lần"),
    LANTOA_OPTION_TEXT(C, metrics, "post_media_view,post_total_media_view_unique", 0,
        "Names of the metrics to ask for, as Facebook has them today",
        "Tên các chỉ số cần hỏi, theo cách gọi hiện nay của Facebook"),
    LANTOA_OPTION_DURATION(C, figures_every, "6h", 100, 604800000, LANTOA_PACE,
        "How often they are asked for", "Bao lâu hỏi số liệu một lần"),
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
    [FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 256 << 10, "The post", "Nội dung bài đăng"},
    [FIELD_LINK] = {"link", LANTOA_CONTENT_SINGLE_LINE, 2000,
        "An address: shown as a card, or last in the text of a picture",
        "Liên kết: hiện thành thẻ, hoặc ở cuối lời của ảnh"},
    [FIELD_PUBLISH_AT] = {"publish_at", LANTOA_CONTENT_SINGLE_LINE, 40,
        "When Facebook shall show it: 2026-12-01T08:00:00+07:00, 10 minutes to 30 days ahead",
        "Thời điểm Facebook hiện bài: 2026-12-01T08:00:00+07:00, sau 10 phút đến 30 ngày"},
};

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "facebook-page",
    .version = "1.0",
    .kind = "social",
    .help_en = "Posts on a Facebook Page",
    .help_vi = "Đăng bài trên Trang Facebook",
    .address = LANTOA_ADDRESS_PAGE,
    .capabilities = LANTOA_CAN_INBOUND | LANTOA_CAN_PARTS,
    .config_size = sizeof(struct facebook_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = FIELD_COUNT,
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = page_open,
            .start = page_start,
            .send = line_send,
            .cancel = line_cancel,
            .event_done = page_event_done,
            .close = page_close,
            .price = page_price,
            .preview = page_preview,
            .hook = comments_hook,
            .check = page_check,
        },
};
