/* The email channel: options, content, and the ops that the host calls. SMTP is in smtp_*.c, mail
 * in mime_*.c, what comes back in lmtp.c. */
#include "lmtp.h"
#include "smtp.h"

#include <signal.h>
#include <stdlib.h>

#define C struct email_config
static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(C, host, "127.0.0.1", LANTOA_REQUIRED,
        "Name or address of the mail server that takes our mail",
        "Tên hoặc địa chỉ máy chủ thư nhận thư gửi đi"),
    LANTOA_OPTION_INT(
        C, port, "587", 1, 65535, 0, "Port of the mail server", "Cổng của máy chủ thư"),
    LANTOA_OPTION_CHOICE(C, tls, "starttls", "none|starttls|tls", 0,
        "Encryption: starttls is required once chosen, there is no silent fallback",
        "Mã hoá: đã chọn starttls thì bắt buộc, không tự động bỏ qua"),
    LANTOA_OPTION_BOOL(C, tls_verify, "true", 0, "Check the server's certificate",
        "Kiểm tra chứng thư của máy chủ"),
    LANTOA_OPTION_FILE(C, tls_ca, NULL, 0,
        "Certificates to trust (PEM); without it those of the system",
        "Tệp chứng thư tin cậy (PEM); bỏ trống thì dùng của hệ thống"),
    LANTOA_OPTION_CHOICE(
        C, auth, "auto", "none|plain|login|auto", 0, "Login method", "Cách đăng nhập"),
    LANTOA_OPTION_TEXT(C, user, NULL, 0,
        "Login name; nothing is sent when the server offers no login",
        "Tên đăng nhập; máy chủ không cho đăng nhập thì không gửi gì"),
    LANTOA_OPTION_TEXT(C, password, NULL, LANTOA_SECRET, "Password", "Mật khẩu"),
    LANTOA_OPTION_BOOL(C, auth_plaintext, "false", 0,
        "Allow login without encryption to a server that is not on this machine",
        "Cho phép đăng nhập không mã hoá tới máy chủ ở máy khác"),
    LANTOA_OPTION_TEXT(C, helo, NULL, 0, "Name given in EHLO; without it this machine's name",
        "Tên xưng trong lệnh EHLO; bỏ trống thì lấy tên máy này"),
    LANTOA_OPTION_TEXT(C, from, NULL, LANTOA_REQUIRED, "Sender: address or \"Name <address>\"",
        "Người gửi: địa chỉ hoặc \"Tên <địa chỉ>\""),
    LANTOA_OPTION_TEXT(
        C, from_name, NULL, 0, "Sender's name as people see it", "Tên người gửi hiển thị"),
    LANTOA_OPTION_TEXT(C, reply_to, NULL, 0, "Where answers go", "Địa chỉ nhận thư trả lời"),
    LANTOA_OPTION_TEXT(C, bounce, NULL, 0, "Address that bounces go to; without it the sender's",
        "Địa chỉ nhận thư báo lỗi; bỏ trống thì dùng địa chỉ người gửi"),
    LANTOA_OPTION_BOOL(C, verp, "true", 0,
        "Put the message's key behind the bounce address: bounce+KEY@domain",
        "Gắn mã thư vào địa chỉ nhận báo lỗi: bounce+MÃ@tên-miền"),
    LANTOA_OPTION_TEXT(C, message_id_domain, NULL, 0,
        "Domain in the Message-ID; without it the sender's",
        "Tên miền trong Message-ID; bỏ trống thì lấy của người gửi"),
    LANTOA_OPTION_INT(C, connections, "10", 1, 1000, LANTOA_LIVE | LANTOA_PACE,
        "Connections at once", "Số kết nối đồng thời"),
    LANTOA_OPTION_INT(C, per_domain, "0", 0, 10000, LANTOA_LIVE | LANTOA_PACE,
        "Messages at once to one recipient domain, 0: no limit",
        "Số thư đồng thời tới một tên miền người nhận, 0: không giới hạn"),
    LANTOA_OPTION_INT(C, messages_per_connection, "0", 0, 1000000, LANTOA_LIVE | LANTOA_PACE,
        "Messages after which a connection is renewed, 0: never",
        "Số thư trên một kết nối rồi mở lại, 0: không"),
    LANTOA_OPTION_DURATION(C, connect_timeout, "30s", 100, 600000, LANTOA_LIVE | LANTOA_PACE,
        "Longest wait for each step up to the login",
        "Thời gian chờ tối đa cho mỗi bước kết nối, đăng nhập"),
    LANTOA_OPTION_DURATION(C, timeout, "5m", 100, 3600000, LANTOA_LIVE | LANTOA_PACE,
        "Longest wait for an answer while sending", "Thời gian chờ trả lời tối đa khi gửi"),
    LANTOA_OPTION_DURATION(C, idle, "10s", 100, 3600000, LANTOA_LIVE | LANTOA_PACE,
        "An idle connection is closed after this", "Đóng kết nối rảnh sau thời gian này"),
    LANTOA_OPTION_BOOL(C, pipelining, "true", LANTOA_PACE,
        "Send without waiting for each answer where the server offers it",
        "Gửi liên tiếp không chờ từng trả lời nếu máy chủ hỗ trợ"),
    LANTOA_OPTION_BOOL(C, chunking, "true", LANTOA_PACE,
        "Send several whole messages at once where the server offers CHUNKING",
        "Gửi nhiều thư trọn vẹn cùng lúc nếu máy chủ hỗ trợ CHUNKING"),
    LANTOA_OPTION_FILE(C, dkim_key, NULL, 0,
        "Private key for DKIM signatures (PEM, RSA or Ed25519)",
        "Khoá riêng để ký DKIM (PEM, RSA hoặc Ed25519)"),
    LANTOA_OPTION_TEXT(C, dkim_selector, NULL, 0, "DKIM selector: the key's name in DNS",
        "Bộ chọn DKIM: tên khoá trong DNS"),
    LANTOA_OPTION_TEXT(C, dkim_domain, NULL, 0, "DKIM domain; without it the sender's",
        "Tên miền DKIM; bỏ trống thì lấy của người gửi"),
    LANTOA_OPTION_TEXT(C, list_unsubscribe_mailto, NULL, 0,
        "Address that takes unsubscribe mails; the message's key is put behind it: "
        "unsubscribe+KEY@domain",
        "Địa chỉ nhận thư từ chối; mã thư được gắn vào: unsubscribe+MÃ@tên-miền"),
    LANTOA_OPTION_TEXT(C, list_unsubscribe_url, NULL, 0,
        "https address with {key} for unsubscribing with one click (RFC 8058)",
        "Địa chỉ https có {key} để từ chối bằng một lần bấm (RFC 8058)"),
    LANTOA_OPTION_TEXT(C, lmtp_listen, NULL, 0,
        "address:port where bounces and unsubscribe mails are taken in by LMTP",
        "địa-chỉ:cổng nhận thư báo lỗi và thư từ chối qua LMTP"),
};
#undef C

static const struct lantoa_content content[EMAIL_FIELDS] = {
    [EMAIL_SUBJECT] = {"subject", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 900,
        "Subject line", "Tiêu đề"},
    [EMAIL_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 1 << 20, "The message as plain text",
        "Nội dung văn bản thường"},
    [EMAIL_HTML] = {"html", LANTOA_CONTENT_HTML, 1 << 20,
        "The message as HTML; sent along with the text", "Nội dung HTML; gửi kèm văn bản thường"},
};

struct email {
    const struct lantoa_host *host;
    struct smtp_pool pool;
    struct lmtp *lmtp; /* NULL: not configured */
    bool drained_smtp, drained_lmtp, draining;
};

static void email_close(void *arg) {
    struct email *self = arg;
    lmtp_free(self->lmtp);
    smtp_pool_release(&self->pool);
    free(self);
}

static int email_check(const void *given, struct lantoa_fault *fault_out) {
    const struct email_config *config = given;
    int status = smtp_pool_check(config, fault_out);
    return status == LANTOA_OK ? lmtp_check(config->lmtp_listen, fault_out) : status;
}

static int email_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct email *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return LANTOA_ENOMEM;
    }
    /* OpenSSL writes to sockets with write(2): a server that hangs up must cost a connection, not
     * the process. */
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        signal(SIGPIPE, SIG_IGN);
    }
    self->host = host;
    int status = smtp_pool_init(&self->pool, host, config);
    if (status != LANTOA_OK) {
        free(self);
        return status;
    }
    *self_out = self;
    return LANTOA_OK;
}

static int email_start(void *arg) {
    struct email *self = arg;
    const char *listen = self->pool.config->lmtp_listen;
    if (listen == NULL || listen[0] == '\0') {
        return LANTOA_OK;
    }
    return lmtp_new(self->host, listen, mime_sender_addresses(self->pool.sender), &self->lmtp);
}

static void email_send(void *arg, const struct lantoa_message *const *messages, size_t count) {
    struct email *self = arg;
    smtp_pool_send(&self->pool, messages, count);
}

static void email_cancel(void *arg, const uint64_t *ids, size_t count) {
    struct email *self = arg;
    smtp_pool_cancel(&self->pool, ids, count);
}

static void email_event_done(void *arg, uint64_t token) {
    struct email *self = arg;
    lmtp_event_done(self->lmtp, token);
}

static int email_reconfigure(void *arg, const void *config) {
    struct email *self = arg;
    smtp_pool_reconfigure(&self->pool, config);
    return LANTOA_OK;
}

static void say_drained(struct email *self) {
    if (self->draining && self->drained_smtp && self->drained_lmtp) {
        self->draining = false;
        self->host->drained(self->host);
    }
}

static void smtp_drained(void *arg) {
    struct email *self = arg;
    self->drained_smtp = true;
    say_drained(self);
}

static void lmtp_drained(void *arg) {
    struct email *self = arg;
    self->drained_lmtp = true;
    say_drained(self);
}

static void email_drain(void *arg) {
    struct email *self = arg;
    self->draining = true;
    lmtp_drain(self->lmtp, lmtp_drained, self);
    smtp_pool_drain(&self->pool, smtp_drained, self);
}

static int email_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    (void)config;
    (void)message;
    quote_out->units = 1;
    quote_out->minor = 0;
    quote_out->note[0] = '\0';
    return LANTOA_OK;
}

/* What people will read: subject, empty line, text. */
static int email_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    struct lantoa_str subject = message->fields[EMAIL_SUBJECT], body = message->fields[EMAIL_TEXT];
    (void)config;
    if (subject.bytes + body.bytes + 3 > room) {
        return LANTOA_ELIMIT;
    }
    memcpy(text, subject.at, subject.bytes);
    memcpy(text + subject.bytes, "\n\n", 2);
    memcpy(text + subject.bytes + 2, body.at, body.bytes);
    text[subject.bytes + 2 + body.bytes] = '\0';
    return LANTOA_OK;
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "email",
    .version = "1.0",
    .kind = "email",
    .help_en = "Mail through an SMTP server, signed with DKIM; takes bounces and unsubscribe mails "
               "back in",
    .help_vi = "Gửi thư điện tử qua máy chủ SMTP, ký DKIM; nhận lại thư báo lỗi và thư từ chối",
    .address = LANTOA_ADDRESS_EMAIL,
    .capabilities = LANTOA_CAN_RECEIPT | LANTOA_CAN_INBOUND | LANTOA_CAN_PARTS,
    .config_size = sizeof(struct email_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = EMAIL_FIELDS,
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = email_open,
            .start = email_start,
            .send = email_send,
            .cancel = email_cancel,
            .event_done = email_event_done,
            .reconfigure = email_reconfigure,
            .drain = email_drain,
            .close = email_close,
            .price = email_price,
            .preview = email_preview,
            .check = email_check,
        },
};
