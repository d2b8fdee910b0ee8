/* What Zalo's codes mean to staff. Sources: as in zalo.h; codes of ZNS and of the Official Account
 * share one table, for none means two things. */
#include "zalo.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)

const struct social_error zalo_errors[] = {
    {-32, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 60000, "the limit of calls is reached",
        "đã hết lượt gọi"},
    {-108, 0, SOCIAL_REFUSED, LANTOA_REASON_ADDRESS, 0, "the telephone number is none",
        "số điện thoại không hợp lệ"},
    {-109, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0,
        "there is no such template: check template_id",
        "mẫu tin không tồn tại: kiểm tra template_id"},
    {-110, 0, SOCIAL_REFUSED, LANTOA_REASON_UNREACHABLE, 0,
        "the person's Zalo is too old to show it", "phiên bản Zalo của người nhận quá cũ"},
    {-111, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "the template's values are empty",
        "thiếu giá trị cho mẫu tin"},
    {-112, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0,
        "a value does not fit the template: wrong form or too long",
        "giá trị không đúng mẫu: sai định dạng hoặc quá dài"},
    {-114, 0, SOCIAL_REFUSED, LANTOA_REASON_UNREACHABLE, 0,
        "the person has not used Zalo for long, or refuses such messages",
        "người nhận lâu không dùng Zalo hoặc từ chối nhận loại tin này"},
    {-115, 0, SOCIAL_STOP, LANTOA_REASON_NO_CREDIT, 0, "the account has no money left",
        "tài khoản đã hết tiền"},
    {-118, 0, SOCIAL_REFUSED, LANTOA_REASON_NO_ACCOUNT, 0,
        "the number has no Zalo account; a fallback by SMS may reach the person",
        "số này không có tài khoản Zalo; có thể gửi thay bằng SMS"},
    {-119, 0, SOCIAL_REFUSED, LANTOA_REASON_UNREACHABLE, 0, "the person's account cannot take it",
        "tài khoản của người nhận không nhận được tin"},
    {-124, 0, SOCIAL_TOKEN, LANTOA_REASON_LOGIN, 0, "the token is not taken; a new one is got",
        "token không hợp lệ; hệ thống đang lấy token mới"},
    {-126, 0, SOCIAL_STOP, LANTOA_REASON_NO_CREDIT, 0, "the wallet of development has no money",
        "ví thử nghiệm đã hết tiền"},
    {-131, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "the template is not approved",
        "mẫu tin chưa được duyệt"},
    {-132, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "a value breaks the template's rules",
        "giá trị vi phạm quy định của mẫu tin"},
    {-133, 0, SOCIAL_RETRY, LANTOA_REASON_TEMPORARY, HOUR_MS,
        "not at night: 22:00 to 6:00; it is tried again",
        "không gửi ban đêm (22:00 đến 6:00); sẽ gửi lại"},
    {-135, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0, "the account may not send ZNS",
        "tài khoản không có quyền gửi ZNS"},
    {-139, 0, SOCIAL_REFUSED, LANTOA_REASON_REFUSED, 0, "the person refuses messages of this kind",
        "người nhận từ chối loại tin này"},
    {-144, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, HOUR_MS,
        "today's quota of the account is used up", "đã hết hạn mức trong ngày của tài khoản"},
    {-147, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, HOUR_MS,
        "today's quota of the template is used up", "đã hết hạn mức trong ngày của mẫu tin"},
    {-1472, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, HOUR_MS, "the limit of the day is reached",
        "đã đạt giới hạn trong ngày"},
    {-200, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "Zalo could not send this message",
        "Zalo không gửi được tin này"},
    {-201, 0, SOCIAL_REFUSED, LANTOA_REASON_NO_ACCOUNT, 0, "the person does not follow the account",
        "người này không quan tâm Official Account"},
    {-204, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0, "the account has been switched off",
        "Official Account đã bị khoá"},
    {-210, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "a value is too long or not allowed",
        "nội dung quá dài hoặc không được phép"},
    {-211, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, HOUR_MS, "the quota is used up",
        "đã hết hạn mức"},
    {-212, 0, SOCIAL_STOP, LANTOA_REASON_LOGIN, 0,
        "the application has no right to this: the account's administrator must grant it again",
        "ứng dụng chưa được cấp quyền này: quản trị viên tài khoản phải cấp lại"},
    {-213, 0, SOCIAL_REFUSED, LANTOA_REASON_REFUSED, 0,
        "the person has not written to the account lately (48 hours)",
        "người này chưa tương tác với tài khoản trong 48 giờ"},
    {-216, 0, SOCIAL_TOKEN, LANTOA_REASON_LOGIN, 0, "the token has run out; a new one is got",
        "token hết hạn; hệ thống đang lấy token mới"},
    {-220, 0, SOCIAL_TOKEN, LANTOA_REASON_LOGIN, 0, "the token has run out; a new one is got",
        "token hết hạn; hệ thống đang lấy token mới"},
    {-230, 0, SOCIAL_REFUSED, LANTOA_REASON_REFUSED, 0,
        "the person has not written to the account for 7 days",
        "người này không tương tác với tài khoản quá 7 ngày"},
    {0},
};

bool zalo_good(const json_t *json) {
    const json_t *error = json_object_get(json, "error");
    return json_is_integer(error) && json_integer_value(error) == 0;
}

void zalo_error(
    const struct lantoa_http_answer *answer, const json_t *json, struct social_reading *out) {
    const json_t *error = json_object_get(json, "error");
    const char *said = json_string_value(json_object_get(json, "message"));
    if (!json_is_integer(error)) {
        reading_status(out, answer, false);
        return;
    }
    const struct social_error *row = error_find(zalo_errors, json_integer_value(error), 0);
    if (row != NULL) {
        reading_error(out, row, json_integer_value(error), said == NULL ? "" : said);
        return;
    }
    static const struct social_error other = {0, 0, SOCIAL_REFUSED, LANTOA_REASON_OTHER, 0,
        "Zalo did not take it", "Zalo không nhận tin này"};
    reading_error(out, &other, json_integer_value(error), said == NULL ? "" : said);
}
