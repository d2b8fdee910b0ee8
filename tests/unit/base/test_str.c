#include "support.h"

#include "base/str.h"

#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        struct str support_str = (actual);                                                         \
        assert_int_equal(support_str.bytes, strlen(expected));                                     \
        if (support_str.bytes) {                                                                   \
            assert_memory_equal(support_str.at, expected, support_str.bytes);                      \
        }                                                                                          \
    } while (0)

static void comparing(void **state) {
    (void)state;
    assert_true(str_eq(STR(""), str_from(NULL)));
    assert_true(str_is(STR("abc"), "abc"));
    assert_false(str_is(STR("abc"), "abcd"));
    assert_true(str_case_eq(STR("SubJect"), STR("sUBjECT")));
    assert_false(str_case_eq(STR("ab"), STR("a")));
    assert_false(str_case_eq(STR("["), STR("{")));
    assert_false(str_case_eq(STR("Đ"), STR("đ")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("a")) > 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR("z"), STR("đ")) < 0);
    assert_int_equal(str_cmp(str_from(NULL), STR("")), 0);
}

static void starts_and_ends(void **state) {
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_true(str_starts(str_from(NULL), STR("")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(str_from(NULL), STR("")));
    assert_false(str_ends(STR("c"), STR("bc")));
    assert_false(str_ends(STR("abd"), STR("bc")));
}

static void trimming(void **state) {
    (void)state;
    assert_str(str_trim(STR("  a b \t\r\n")), "a b");
    assert_str(str_trim(STR("\xc2\xa0 \xc2\xa0x\xc2\xa0")), "x");
    assert_str(str_trim(STR("   ")), "");
    assert_str(str_trim(STR("\xc2\xa0")), "");
    assert_str(str_trim(STR("")), "");
    assert_str(str_trim(str_from(NULL)), "");
    /* à is c3 a0: its last byte is no part of a no-break space */
    assert_str(str_trim(STR("hà")), "hà");
}

static void cutting(void **state) {
    (void)state;
    struct str rest = STR("a,bb,,c");
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "bb");
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&rest, ','), "c");
    assert_str(rest, "");
    assert_str(str_cut(&rest, ','), "");
    rest = str_from(NULL);
    assert_str(str_cut(&rest, ','), "");
    rest = STR("x,");
    assert_str(str_cut(&rest, ','), "x");
    assert_str(rest, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(trimming),
        cmocka_unit_test(cutting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
