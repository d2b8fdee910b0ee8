/* SMS over SMPP: options, content, and the ops that the host calls. The client is in smpp.h. */
#include "smpp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define C struct smpp_config
static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(C, host, "127.0.0.1", LANTOA_REQUIRED,
        "Name or address of the operator's SMPP server",
        "Tên hoặc địa chỉ máy chủ SMPP của nhà mạng"),
    LANTOA_OPTION_INT(C, port, "2775", 1, 65535, 0, "Port of the operator's SMPP server",
        "Cổng của máy chủ SMPP"),
    LANTOA_OPTION_CHOICE(C, bind, "transceiver", "transceiver|transmitter|receiver|pair", 0,
        "Kind of connection; pair: a transmitter and a receiver",
        "Loại kết nối; pair: một kết nối gửi và một kết nối nhận"),
    LANTOA_OPTION_TEXT(
        C, system_id, NULL, LANTOA_REQUIRED, "Login name (system_id)", "Tên đăng nhập (system_id)"),
    LANTOA_OPTION_TEXT(C, password, NULL, LANTOA_SECRET, "Password", "Mật khẩu"),
    LANTOA_OPTION_TEXT(C, system_type, NULL, 0, "system_type, if the operator asks for one",
        "system_type, nếu nhà mạng yêu cầu"),
    LANTOA_OPTION_TEXT(C, source_addr, NULL, LANTOA_SENDER,
        "Sender: brand name, short code or number",
        "Người gửi: tên thương hiệu, đầu số ngắn hoặc số điện thoại"),
    LANTOA_OPTION_INT(C, source_ton, "-1", -1, 255, 0,
        "Type of number of the sender; -1: by its look",
        "Loại số (TON) của người gửi; -1: tự nhận"),
    LANTOA_OPTION_INT(C, source_npi, "-1", -1, 255, 0,
        "Numbering plan of the sender; -1: by its look",
        "Kế hoạch đánh số (NPI) của người gửi; -1: tự nhận"),
    LANTOA_OPTION_INT(C, dest_ton, "1", 0, 255, 0, "Type of number of recipients",
        "Loại số (TON) của người nhận"),
    LANTOA_OPTION_INT(C, dest_npi, "1", 0, 255, 0, "Numbering plan of recipients",
        "Kế hoạch đánh số (NPI) của người nhận"),
    LANTOA_OPTION_TEXT(C, service_type, NULL, 0, "service_type, if the operator asks for one",
        "service_type, nếu nhà mạng yêu cầu"),
    LANTOA_OPTION_CHOICE(
        C, tls, "none", "none|tls", 0, "Encryption of the connection", "Mã hoá kết nối"),
    LANTOA_OPTION_BOOL(C, tls_verify, "true", 0, "Check the operator's certificate",
        "Kiểm tra chứng thư của nhà mạng"),
    LANTOA_OPTION_FILE(C, tls_ca, NULL, 0,
        "Certificates to trust (PEM); without it those of the system",
        "Tệp chứng thư tin cậy (PEM); bỏ trống thì dùng của hệ thống"),
    LANTOA_OPTION_INT(C, binds, "1", 1, SMPP_BINDS_MOST, LANTOA_PACE,
        "Connections (or pairs) at once", "Số kết nối (hoặc cặp) đồng thời"),
    LANTOA_OPTION_INT(C, window, "50", 1, SMPP_WINDOW_MOST, LANTOA_LIVE | LANTOA_PACE,
        "Submissions without an answer on each connection: so many are uncertain after a crash",
        "Số tin chưa có trả lời trên mỗi kết nối: chừng ấy tin không chắc chắn sau sự cố"),
    LANTOA_OPTION_INT(C, throughput, "0", 0, 100000, LANTOA_LIVE | LANTOA_PACE,
        "Parts per second at most, over all connections; 0: no limit",
        "Số phần tin tối đa mỗi giây trên mọi kết nối; 0: không giới hạn"),
    LANTOA_OPTION_DURATION(C, enquire_link, "30s", 100, 3600000, LANTOA_LIVE | LANTOA_PACE,
        "Silence after which the line is tested", "Im lặng bao lâu thì kiểm tra đường truyền"),
    LANTOA_OPTION_DURATION(C, connect_timeout, "15s", 100, 600000, LANTOA_LIVE | LANTOA_PACE,
        "Longest wait for connection and bind", "Thời gian chờ kết nối và đăng nhập tối đa"),
    LANTOA_OPTION_DURATION(C, timeout, "30s", 100, 600000, LANTOA_LIVE | LANTOA_PACE,
        "Longest wait for an answer", "Thời gian chờ trả lời tối đa"),
    LANTOA_OPTION_DURATION(C, reconnect, "60s", 100, 3600000, LANTOA_LIVE | LANTOA_PACE,
        "Longest pause between attempts to connect", "Khoảng nghỉ dài nhất giữa các lần kết nối"),
    LANTOA_OPTION_CHOICE(C, data_coding, "auto", "auto|gsm7|ucs2", 0,
        "auto: GSM 7-bit where every letter is in it; gsm7: refuse other texts",
        "auto: dùng GSM 7-bit khi đủ chữ; gsm7: từ chối văn bản khác"),
    LANTOA_OPTION_CHOICE(C, default_alphabet, "gsm", "gsm|latin1|ascii", 0,
        "What data_coding 0 means to this operator", "Bảng mã của nhà mạng khi data_coding là 0"),
    LANTOA_OPTION_CHOICE(C, accents, "keep", "keep|strip|strip_when_cheaper|strip_if_cheaper", 0,
        "Accents, where the step does not say: keep, strip, or strip where that saves a part",
        "Dấu tiếng Việt khi bước gửi không nêu: giữ, bỏ, hoặc chỉ bỏ khi tiết kiệm được phần tin"),
    LANTOA_OPTION_CHOICE(C, concat, "udh", "udh|udh16|sar|payload", 0,
        "How long texts are joined on the phone: header with 8 or 16 bit reference, SAR, or whole "
        "as message_payload",
        "Cách nối tin dài: UDH 8 hoặc 16 bit, SAR, hoặc gửi nguyên bằng message_payload"),
    LANTOA_OPTION_INT(C, parts, "10", 1, SMS_PARTS_MOST, 0, "Parts of one message at most",
        "Số phần tối đa của một tin"),
    LANTOA_OPTION_CHOICE(C, msg_id_type, "either",
        "text|hex|decimal|hex_then_decimal|decimal_then_hex|either", 0,
        "How the operator writes message ids in answer and receipt; either: found out by trying",
        "Cách nhà mạng viết mã tin trong trả lời và báo phát; either: tự dò"),
    LANTOA_OPTION_CHOICE(C, receipts, "all", "all|failed|none", 0, "Receipts to ask for",
        "Loại báo phát cần yêu cầu"),
    LANTOA_OPTION_BOOL(C, user_reference, "true", 0,
        "Send a user_message_reference: receipts that repeat it are matched even after a crash",
        "Gửi user_message_reference: báo phát có mã này vẫn khớp được sau sự cố"),
    LANTOA_OPTION_DURATION(C, validity, "0", 0, 2592000000, 0,
        "The operator gives up after this; 0: as it thinks fit",
        "Nhà mạng ngừng gửi sau thời gian này; 0: do nhà mạng quyết định"),
    LANTOA_OPTION_TEXT(C, country_code, "84", 0, "Country code of numbers that come without one",
        "Mã quốc gia cho số không kèm mã"),
    LANTOA_OPTION_DURATION(C, inbound_join, "60s", 100, 3600000, LANTOA_LIVE | LANTOA_PACE,
        "Longest wait for the missing parts of a long answer",
        "Thời gian chờ các phần còn thiếu của tin trả lời dài"),
    LANTOA_OPTION_INT(C, price_part, "0", 0, 1000000, LANTOA_LIVE,
        "Price of a part in dong, for estimates", "Giá một phần tin (đồng), để ước tính"),
};
#undef C

static const struct lantoa_content content[SMPP_FIELDS] = {
    [SMPP_FIELD_TEXT] = {"text", LANTOA_CONTENT_REQUIRED, 64 << 10, "The text of the message",
        "Nội dung tin nhắn"},
};

struct smpp {
    const struct lantoa_host *host;
    struct smpp_pool pool;
};

static void sms_close(void *arg) {
    struct smpp *self = arg;
    smpp_pool_release(&self->pool);
    free(self);
}

static int sms_check(const void *given, struct lantoa_fault *fault_out) {
    const struct smpp_config *config = given;
    int status = tls_host_check(config->host, fault_out);
    status = status ? status : smpp_dialog_check(config, fault_out);
    if (status == LANTOA_OK && strcmp(config->tls, "tls") == 0) {
        SSL_CTX *tls = tls_context_new(config->tls_verify, config->tls_ca, fault_out);
        status = tls == NULL ? LANTOA_EINVAL : LANTOA_OK;
        SSL_CTX_free(tls);
    }
    return status;
}

static int sms_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct smpp *self = calloc(1, sizeof(*self));
    struct sigaction action;
    if (self == NULL) {
        return LANTOA_ENOMEM;
    }
    /* OpenSSL writes to sockets with write(2): an operator that hangs up must cost a connection,
     * not the process. */
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        signal(SIGPIPE, SIG_IGN);
    }
    self->host = host;
    int status = smpp_pool_init(&self->pool, host, config);
    if (status != LANTOA_OK) {
        free(self);
        return status;
    }
    *self_out = self;
    return LANTOA_OK;
}

static int sms_start(void *arg) {
    struct smpp *self = arg;
    smpp_pool_start(&self->pool);
    return LANTOA_OK;
}

static void sms_send(void *arg, const struct lantoa_message *const *messages, size_t count) {
    struct smpp *self = arg;
    smpp_pool_send(&self->pool, messages, count);
}

static void sms_cancel(void *arg, const uint64_t *ids, size_t count) {
    struct smpp *self = arg;
    smpp_pool_cancel(&self->pool, ids, count);
}

static void sms_event_done(void *arg, uint64_t token) {
    struct smpp *self = arg;
    smpp_inbound_done(&self->pool, token);
}

static int sms_reconfigure(void *arg, const void *config) {
    struct smpp *self = arg;
    smpp_pool_reconfigure(&self->pool, config);
    return LANTOA_OK;
}

static void drained(void *arg) {
    struct smpp *self = arg;
    self->host->drained(self->host);
}

static void sms_drain(void *arg) {
    struct smpp *self = arg;
    smpp_pool_drain(&self->pool, drained, self);
}

/* The text as the phone will show it; the caller frees it. */
static int prepare(const struct smpp_config *config, const struct lantoa_message *message,
    char **text_out, size_t *bytes_out, struct sms_cost *cost_out) {
    struct lantoa_str text = message->fields[SMPP_FIELD_TEXT];
    struct sms_rules rules = smpp_compose_rules(config);
    sms_rules_of_step(&rules, message->step);
    size_t room = sms_text_room(text.bytes);
    *text_out = malloc(room);
    if (*text_out == NULL) {
        return LANTOA_ENOMEM;
    }
    return sms_text_prepare(text.at, text.bytes, &rules, *text_out, room, bytes_out, cost_out);
}

static bool in_vietnamese(const struct lantoa_message *message) {
    return message->lang.bytes != 2 || memcmp(message->lang.at, "en", 2) != 0;
}

static int sms_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct smpp_config *options_now = config;
    struct sms_cost cost = {0};
    char *text = NULL;
    size_t bytes = 0;
    int status = prepare(options_now, message, &text, &bytes, &cost);
    free(text);
    if (status == LANTOA_ENOMEM) {
        return status;
    }
    quote_out->units = (int64_t)cost.parts;
    quote_out->minor = (int64_t)cost.parts * options_now->price_part;
    sms_text_note(&cost, in_vietnamese(message), quote_out->note, sizeof(quote_out->note));
    return status;
}

/* The text as the phone will show it, an empty line, and what staff should know of it. */
static int sms_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    struct sms_rules rules = smpp_compose_rules(config);
    sms_rules_of_step(&rules, message->step);
    return sms_text_preview(
        message->fields[SMPP_FIELD_TEXT], &rules, in_vietnamese(message), text, room);
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "sms-smpp",
    .version = "1.0",
    .kind = "sms",
    .help_en = "SMS through an operator's SMPP 3.4 server, with receipts and answers",
    .help_vi = "Tin nhắn SMS qua máy chủ SMPP 3.4 của nhà mạng, có báo phát và nhận tin trả lời",
    .address = LANTOA_ADDRESS_PHONE,
    .capabilities = LANTOA_CAN_RECEIPT | LANTOA_CAN_INBOUND | LANTOA_CAN_ACCENTS,
    .config_size = sizeof(struct smpp_config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = SMPP_FIELDS,
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = sms_open,
            .check = sms_check,
            .start = sms_start,
            .send = sms_send,
            .cancel = sms_cancel,
            .event_done = sms_event_done,
            .reconfigure = sms_reconfigure,
            .drain = sms_drain,
            .close = sms_close,
            .price = sms_price,
            .preview = sms_preview,
        },
};
