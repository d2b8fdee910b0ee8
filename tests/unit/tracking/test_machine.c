/* Programs and people. */
#include "support.h"

#include "tracking/choice.h"
#include "tracking/machine.h"

#define PHONE                                                                                      \
    "Mozilla/5.0 (Linux; Android 13; SM-A146P) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"

static void test_requests(void **state) {
    (void)state;
    static const struct {
        bool head;
        const char *agent, *purpose;
        enum click_machine expected;
    } cases[] = {
        {false, PHONE, "", CLICK_HUMAN},
        {false, PHONE " Zalo android/12100611", "", CLICK_HUMAN}, /* a person inside Zalo */
        {true, PHONE, "", CLICK_HEAD},
        {false, "", "", CLICK_AGENT},
        {false, "curl/8.1", "", CLICK_AGENT},
        {false, "facebookexternalhit/1.1 (+http://www.facebook.com/)", "", CLICK_AGENT},
        {false,
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
            "GoogleImageProxy)",
            "", CLICK_AGENT},
        {false, "SomeCrawler", "", CLICK_AGENT},
        {false, PHONE, "prefetch", CLICK_PREFETCH},
        {false, PHONE, "Prefetch;prerender", CLICK_PREFETCH},
        {false, PHONE, "preview", CLICK_PREFETCH},
        {false, PHONE, "navigate", CLICK_HUMAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            machine_of_request(cases[i].head, str_from(cases[i].agent), str_from(cases[i].purpose)),
            cases[i].expected);
    }
    /* However long, and with a NUL in it. */
    char huge[5000];
    memset(huge, 'x', sizeof huge);
    huge[3] = '\0';
    memcpy(huge + 10, "CURL/", 5);
    assert_int_equal(
        machine_of_request(false, str_of(huge, sizeof huge), (struct str){0}), CLICK_AGENT);
}

static void test_hash(void **state) {
    (void)state;
    assert_true(machine_agent_hash(STR("a")) != machine_agent_hash(STR("b")));
    assert_true(machine_agent_hash(STR("a")) >= 0);
    assert_true(machine_agent_hash((struct str){0}) == machine_agent_hash(STR("")));
}

static void test_mask(void **state) {
    (void)state;
    static const struct {
        const char *address, *masked;
    } cases[] = {{"nga@example.com", "n***@example.com"}, {"+84912345678", "+84*****678"}, {"", ""},
        {"113", "***"}, {"đao@x.vn", "đ***@x.vn"}, {"@x", "***@x"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[CHOICE_MASK_MAX];
        choice_mask(str_from(cases[i].address), out);
        assert_string_equal(out, cases[i].masked);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests), cmocka_unit_test(test_hash), cmocka_unit_test(test_mask)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
