/* Zalo: an Official Account's messages to its followers (zalo-oa), its articles and broadcasts
 * (zalo-post), and ZNS, registered texts to telephone numbers (zns).
 *
 * - oa.c, post.c, zns.c: each its options, content, requests and preview
 * - account.c: the instance and the ops that all have
 * - token.c: the access token, shared by all channels of one account
 * - errors.c: what Zalo's codes mean
 * - hook.c: what Zalo calls in: receipts, answers, who stops following
 *
 * Source of addresses, fields and codes: developers.zalo.me as noted 2026-11-23; what could not be
 * verified is named in the README. */
#ifndef ZALO_H
#define ZALO_H

#include "social.h"

struct zalo_config {
    const char *api_url, *oauth_url, *app_id, *app_secret, *oa_secret, *token_file, *refresh_token;
    const char *mode, *audience, *tls_ca;
    bool tls_verify;
    int64_t connections, timeout, token_margin, figures_every, verify_every, verify_for;
    int64_t price_message;
};

struct zalo_token;

struct zalo {
    struct social_line line; /* posts: of zalo-post */
    const struct zalo_config *config;
    struct zalo_token *token;
    bool receipts_of_zns;
};

/* --- token.c --- */

/* The token lies in a file that all channels of the account name (token_file). Its refresh token
 * works once: Zalo answers it with the next one. So whoever refreshes holds a lock, looks whether
 * somebody else has done it by now, writes down that it asks, asks, and has the new pair whole on
 * the disk before anybody uses it. A process that dies loses its lock. A pair that was written and
 * not yet in its place is taken by the next one: only what dies between Zalo's answer and the end
 * of one write() loses it. Without an answer the same refresh token is tried again, because Zalo
 * may not have had the request; when that is refused, the channel is parked and says when the
 * answer was lost and whom to ask. */
struct zalo_token *token_new(struct zalo *zalo);
void token_free(struct zalo_token *token);
/* True when zalo_access may be used; else it is being got, and social_pump follows. */
bool token_ready(struct zalo_token *token);
const char *token_access(const struct zalo_token *token);
/* Zalo does not take it any more: only a new one counts. */
void token_over(struct zalo_token *token);

/* --- errors.c --- */

extern const struct social_error zalo_errors[];

/* The reading of Zalo's answer {"error": N, "message": ...} other than 0. */
void zalo_error(
    const struct lantoa_http_answer *answer, const json_t *json, struct social_reading *out);
bool zalo_good(const json_t *json);

/* --- hook.c --- */

int zalo_hook(void *self, const struct lantoa_hook *hook);

/* --- account.c --- */

/* ask: of a channel that posts; else NULL. */
int zalo_check(const void *given, struct lantoa_fault *fault_out);
int zalo_open_as(const struct lantoa_host *host, const void *config,
    const struct social_network *network, void (*ask)(void *self, const struct social_post *post),
    void **self_out);
void zalo_close(void *self);
bool zalo_ready(void *self);
void zalo_token_over(void *self);
/* A request to the Official Account's interface, with the token. */
void zalo_request(const struct zalo *zalo, struct social_request *request, const char *path);

#define ZALO_OPS(open_op, price_op, preview_op)                                                    \
    {                                                                                              \
        .size = sizeof(struct lantoa_ops), .open = (open_op), .start = line_start,                 \
        .send = line_send, .cancel = line_cancel, .event_done = line_event_done,                   \
        .close = zalo_close, .price = (price_op), .preview = (preview_op), .hook = zalo_hook,      \
        .check = zalo_check,                                                                       \
    }

#define ZALO_OPTIONS(url_en, url_vi)                                                               \
    LANTOA_OPTION_TEXT(struct zalo_config, api_url, NULL, LANTOA_REQUIRED, url_en, url_vi),        \
        LANTOA_OPTION_TEXT(struct zalo_config, oauth_url, NULL, LANTOA_REQUIRED,                   \
            "Server of tokens: https://oauth.zaloapp.com",                                         \
            "Máy chủ cấp token: https://oauth.zaloapp.com"),                                       \
        LANTOA_OPTION_TEXT(struct zalo_config, app_id, NULL, LANTOA_REQUIRED,                      \
            "Number of the application at developers.zalo.me",                                     \
            "Mã ứng dụng tại developers.zalo."                                              \
            "me"),                                                                                 \
        LANTOA_OPTION_TEXT(struct zalo_config, app_secret, NULL, LANTOA_REQUIRED | LANTOA_SECRET,  \
            "Secret key of the application", "Khoá bí mật của ứng dụng"),                          \
        LANTOA_OPTION_TEXT(struct zalo_config, oa_secret, NULL, LANTOA_SECRET,                     \
            "Secret key of the account's call-backs (webhook)",                                    \
            "Khoá bí mật webhook của Official Account"),                                           \
        LANTOA_OPTION_FILE(struct zalo_config, token_file, "zalo-token.json", 0,                   \
            "Where the token is kept; all channels of one account name the same file",             \
            "Nơi lưu token; mọi kênh của cùng một tài khoản dùng chung tệp này"),                  \
        LANTOA_OPTION_TEXT(struct zalo_config, refresh_token, NULL, LANTOA_SECRET,                 \
            "Refresh token that the account's administrator was given, for the first time only",   \
            "Refresh token do quản trị viên tài khoản được cấp, chỉ dùng lần đầu"),                \
        LANTOA_OPTION_DURATION(struct zalo_config, token_margin, "30m", 1000, 36000000, 0,         \
            "A token is renewed so long before it ends",                                           \
            "Gia hạn token trước khi hết hạn bao lâu"),                                            \
        LANTOA_OPTION_INT(struct zalo_config, connections, "4", 1, 32, LANTOA_PACE,                \
            "Requests at the same time", "Số yêu cầu đồng thời"),                                  \
        LANTOA_OPTION_DURATION(struct zalo_config, timeout, "30s", 100, 600000, LANTOA_PACE,       \
            "Longest wait for an answer", "Thời gian chờ trả lời tối đa"),                         \
        LANTOA_OPTION_BOOL(struct zalo_config, tls_verify, "true", 0,                              \
            "Check the server's certificate", "Kiểm tra chứng thư của máy chủ"),                   \
        LANTOA_OPTION_FILE(struct zalo_config, tls_ca, NULL, 0,                                    \
            "Certificates to trust (PEM); without it those of the system",                         \
            "Tệp chứng thư tin cậy (PEM); bỏ trống thì dùng của hệ thống")

#endif
