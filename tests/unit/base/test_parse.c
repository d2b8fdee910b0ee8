#include "support.h"

#include "base/parse.h"

#include <float.h>

static void signed_numbers(void **state) {
    (void)state;
    int64_t value;
    assert_int_equal(base_parse_i64(STR("0"), &value), 0);
    assert_true(value == 0);
    assert_int_equal(base_parse_i64(STR("-0"), &value), 0);
    assert_true(value == 0);
    assert_int_equal(base_parse_i64(STR("007"), &value), 0);
    assert_true(value == 7);
    assert_int_equal(base_parse_i64(STR("9223372036854775807"), &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(base_parse_i64(STR("-9223372036854775808"), &value), 0);
    assert_true(value == INT64_MIN);
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "--1",
        "9223372036854775808", "-9223372036854775809", "99999999999999999999", "１"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        value = 42;
        assert_int_equal(base_parse_i64(str_from(bad[i]), &value), LANTOA_EINVAL);
        assert_true(value == 42);
    }
}

static void unsigned_numbers(void **state) {
    (void)state;
    uint64_t value;
    assert_int_equal(base_parse_u64(STR("18446744073709551615"), &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(base_parse_u64(STR("18446744073709551616"), &value), LANTOA_EINVAL);
    assert_int_equal(base_parse_u64(STR("-1"), &value), LANTOA_EINVAL);
    assert_int_equal(base_parse_u64(STR(""), &value), LANTOA_EINVAL);
    assert_int_equal(base_parse_u64(str_of("123", 2), &value), 0);
    assert_true(value == 12);
}

static void f64_is(const char *text, double expected) {
    double value;
    if (base_parse_f64(str_from(text), &value) != 0) {
        fail_msg("\"%s\" refused", text);
    }
    assert_true(value >= expected && value <= expected);
}

static void decimals(void **state) {
    (void)state;
    f64_is("0", 0);
    f64_is("-12.5", -12.5);
    f64_is("1e3", 1000);
    f64_is("1.5E-2", 0.015);
    f64_is("1.7976931348623157e308", DBL_MAX);
    f64_is("1e-400", 0);
    static const char *const bad[] = {"", "-", ".", ".5", "5.", "1e", "1e+", "1,5", "inf", "nan",
        "0x1p3", " 1", "1 ", "+1", "1e309", "1.2.3", "--1"};
    double value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base_parse_f64(str_from(bad[i]), &value) != LANTOA_EINVAL) {
            fail_msg("\"%s\" passed", bad[i]);
        }
    }
    char many[200];
    memset(many, '1', sizeof(many));
    assert_int_equal(base_parse_f64(str_of(many, sizeof(many)), &value), LANTOA_EINVAL);
}

static void bool_is(const char *text, bool expected) {
    bool value = !expected;
    if (base_parse_bool(str_from(text), &value) != 0) {
        fail_msg("\"%s\" refused", text);
    }
    assert_int_equal(value, expected);
}

static void yes_and_no(void **state) {
    (void)state;
    static const char *const yes[] = {
        "true", "TRUE", "Yes", "1", "có", "Có", "CÓ", "co\xcc\x81", "x", "X"};
    static const char *const no[] = {
        "false", "No", "0", "không", "KHÔNG", "Không", "kho\xcc\x82ng"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        bool_is(yes[i], true);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        bool_is(no[i], false);
    }
    static const char *const bad[] = {
        "", " yes", "yes ", "y", "on", "2", "cô", "co", "khong", "\xc3", "truetruetruetruetrue"};
    bool value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base_parse_bool(str_from(bad[i]), &value) != LANTOA_EINVAL) {
            fail_msg("\"%s\" passed", bad[i]);
        }
    }
}

static void checked_arithmetic(void **state) {
    (void)state;
    int64_t value;
    assert_true(base_add_i64(2, 3, &value));
    assert_true(value == 5);
    assert_false(base_add_i64(INT64_MAX, 1, &value));
    assert_false(base_add_i64(INT64_MIN, -1, &value));
    assert_true(base_mul_i64(-4, 5, &value));
    assert_true(value == -20);
    assert_false(base_mul_i64(INT64_MAX, 2, &value));
    assert_false(base_mul_i64(INT64_MIN, -1, &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(unsigned_numbers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(yes_and_no),
        cmocka_unit_test(checked_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
