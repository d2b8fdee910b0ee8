/* What answers mean: rows of errors, statuses without words, texts kept for staff. */
#include "support.h"

#include "social.h"

static const struct social_error table[] = {
    {4, 0, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED, 60000, "slower", "chậm lại"},
    {100, 33, SOCIAL_REFUSED, LANTOA_REASON_ADDRESS, 0, "gone", "không còn"},
    {100, 0, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, 0, "content", "nội dung"},
    {0},
};

static void rows(void **state) {
    struct social_reading reading;
    (void)state;
    assert_string_equal(error_find(table, 100, 33)->en, "gone");
    assert_string_equal(error_find(table, 100, 7)->en, "content");
    assert_null(error_find(table, 5, 0));
    assert_null(error_find(table, 0, 0));
    reading_error(&reading, &table[0], 4, "too\nmany");
    assert_int_equal(reading.verdict, SOCIAL_SLOWER);
    assert_int_equal(reading.reason, LANTOA_REASON_THROTTLED);
    assert_int_equal(reading.after_ms, 60000);
    assert_string_equal(reading.detail,
        "4: too many · slower; it goes on by itself · chậm lại; hệ thống tự gửi tiếp");
    reading_error(&reading, &table[2], -100, "");
    assert_string_equal(reading.detail, "-100: content · nội dung");
    char longest[2000];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    reading_error(&reading, &table[0], 4, longest);
    assert_non_null(
        strstr(reading.detail, "chậm lại")); /* what the network said never crowds it out */
}

static void statuses(void **state) {
    static const struct {
        int status;
        const char *retry_after;
        bool may_repeat;
        enum social_verdict verdict;
        int64_t after_ms;
    } cases[] = {
        {429, "7", false, SOCIAL_SLOWER, 7000},
        {429, "", false, SOCIAL_SLOWER, 60000},
        {429, "99999999999", false, SOCIAL_SLOWER, 60000},
        {429, "-3", true, SOCIAL_SLOWER, 60000},
        {503, "2", false, SOCIAL_SLOWER, 2000},
        {503, "", false, SOCIAL_RETRY, 0},
        {401, "", true, SOCIAL_STOP, 0},
        {403, "", false, SOCIAL_STOP, 0},
        {502, "", false, SOCIAL_UNKNOWN, 0},
        {502, "", true, SOCIAL_RETRY, 0},
        {200, "", false, SOCIAL_REFUSED, 0},
        {400, "", false, SOCIAL_REFUSED, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct lantoa_http_header header = {"retry-after", cases[i].retry_after};
        const struct lantoa_http_answer answer = {.size = sizeof(answer),
            .status = cases[i].status,
            .headers = &header,
            .header_count = cases[i].retry_after[0] != '\0',
            .text = ""};
        struct social_reading reading;
        reading_status(&reading, &answer, cases[i].may_repeat);
        if (reading.verdict != cases[i].verdict || reading.after_ms != cases[i].after_ms) {
            fail_msg("case %zu: verdict %d after %lld", i, (int)reading.verdict,
                (long long)reading.after_ms);
        }
        assert_non_null(strstr(reading.detail, " · ")); /* both languages */
    }
}

static void texts(void **state) {
    char text[6];
    struct social_words words;
    (void)state;
    keep_text(text, sizeof(text), "a\tb\x7f", 4);
    assert_string_equal(text, "a b ");
    keep_text(text, sizeof(text), "aaaaấ", 7); /* cut at a letter */
    assert_string_equal(text, "aaaa");
    words_set(&words, "%s takes %zu", "%s nhận %zu", "Zalo", (size_t)1);
    assert_string_equal(words.en, "Zalo takes 1");
    assert_string_equal(words.vi, "Zalo nhận 1");
    struct social_reading reading;
    reading_words(&reading, SOCIAL_REFUSED, LANTOA_REASON_CONTENT, &words);
    assert_string_equal(reading.detail, "Zalo takes 1 · Zalo nhận 1");
    reading_said(&reading, NULL);
    reading_said(&reading, "(#7)\nno");
    assert_string_equal(reading.detail, "(#7) no · Zalo takes 1 · Zalo nhận 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows), cmocka_unit_test(statuses), cmocka_unit_test(texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
