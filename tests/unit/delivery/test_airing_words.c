/* What devices say of airings, taken apart and put into the language of the process. */
#include "delivery/airing.h"

#include "base/tr.h"
#include "support.h"

static struct airing_proof proof_of(const char *detail) {
    struct airing_proof proof = {AIRING_BY_SENDER, 7, true};
    airing_proof_read(str_from(detail), &proof);
    return proof;
}

static void test_proof(void **state) {
    (void)state;
    struct airing_proof device =
        proof_of("{\"start\":\"2026-12-01T05:00:00+07:00\",\"by\":\"device\","
                 "\"clock_offset_ms\":-10800250}");
    assert_int_equal(device.by, AIRING_BY_DEVICE);
    assert_int_equal(device.clock_offset_ms, -10800250);
    assert_false(device.clock_doubtful);
    assert_true(proof_of("{\"by\":\"device\",\"clock\":\"doubtful\"}").clock_doubtful);
    assert_int_equal(proof_of("{\"by\":\"sender\"}").by, AIRING_BY_SENDER);
    static const char *const nothing[] = {"", "expired", "{",
        "{\"by\":5,\"clock_offset_ms\":\"x\"}", "[]", "{\"by\":\"a neighbour\"}",
        "{\"clock_offset_ms\":1.5}"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        struct airing_proof none = proof_of(nothing[i]);
        assert_int_equal(none.by, AIRING_BY_NOBODY);
        assert_int_equal(none.clock_offset_ms, 0);
        assert_false(none.clock_doubtful);
    }
}

static void says(const char *detail, const char *wanted) {
    struct base_buf out;
    base_buf_init(&out, 1000);
    airing_words(str_from(detail), &out);
    assert_string_equal(base_buf_text(&out), wanted);
    base_buf_release(&out);
}

static void test_words(void **state) {
    (void)state;
    static const char cut[] =
        "cut by an emergency at 06:02, 40 of 95 s played, from 2026-12-01T06:01:20+07:00";
    says(cut, cut);
    base_tr_set(BASE_LANG_VI);
    says(cut,
        "bị tin khẩn cấp ngắt lúc 06:02, 40 trên 95 giây đã phát, từ 2026-12-01T06:01:20+07:00");
    says("missed: device offline (no route)", "không phát: thiết bị mất liên lạc (no route)");
    says("missed: the device sent no record of it", "không phát: thiết bị không gửi nhật ký");
    says("missed: the device was playing something else until 05:30, the latest time to begin",
        "không phát: thiết bị bận phát nội dung khác đến 05:30, giờ muộn nhất được bắt đầu");
    says("expired: it could begin until 05:29", "quá giờ: chỉ được bắt đầu đến 05:29");
    says("cut: withdrawn, 3 of 20 s played", "bị ngắt: đã rút lại, 3 trên 20 giây đã phát");
    says("refused by the device: đầy thẻ nhớ", "thiết bị từ chối: đầy thẻ nhớ");
    says("unexpired", "unexpired"); /* only whole words */
    says("expiredx", "expiredx");
    says("a loss of 5", "a loss of 5");
    says("", "");
    base_tr_set(BASE_LANG_EN);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_proof), cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
