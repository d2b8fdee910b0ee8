/* Values of options against their rows. */
#include "base/buf.h"
#include "support.h"
#include "wire/option.h"

static const struct wire_option_rule rules[] = {
    {"t", LANTOA_TYPE_TEXT, 0, NULL, NULL, 0, 0},
    {"n", LANTOA_TYPE_INT, 0, "7", NULL, -5, 10},
    {"b", LANTOA_TYPE_BOOL, LANTOA_REQUIRED, NULL, NULL, 0, 0},
    {"c", LANTOA_TYPE_CHOICE, 0, "b", "a|b|cd", 0, 0},
    {"d", LANTOA_TYPE_DURATION, 0, "500", NULL, 0, 0},
    {"f", LANTOA_TYPE_FILE, 0, NULL, NULL, 0, 0},
    {"s", LANTOA_TYPE_TEXT, LANTOA_SECRET, NULL, NULL, 0, 0},
};

static int read_value(
    char name, const char *json, struct wire_option_value *out, struct base_err *err) {
    size_t i = 0;
    while (rules[i].name[0] != name) {
        i++;
    }
    /* Kept until the test ends: values borrow from it. */
    static json_t *kept;
    json_decref(kept);
    kept = json ? json_loads(json, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(kept || !json);
    return wire_option_read(&rules[i], kept, out, err);
}

static void values_are_read(void **state) {
    (void)state;
    struct base_err err = {0};
    struct wire_option_value value;
    assert_ok(read_value('t', "\"chữ\"", &value, &err), err);
    assert_true(value.set && str_is(value.text, "chữ"));
    assert_ok(read_value('t', NULL, &value, &err), err);
    assert_false(value.set);
    assert_ok(read_value('n', NULL, &value, &err), err);
    assert_int_equal(value.number, 7);
    assert_ok(read_value('n', "-5", &value, &err), err);
    assert_int_equal(value.number, -5);
    assert_ok(read_value('b', "true", &value, &err), err);
    assert_true(value.yes);
    assert_ok(read_value('c', "\"cd\"", &value, &err), err);
    assert_ok(read_value('c', NULL, &value, &err), err);
    assert_true(str_is(value.text, "b"));
    static const struct {
        const char *text;
        int64_t ms;
    } waits[] = {{"250", 250}, {"\"250\"", 250}, {"\"500ms\"", 500}, {"\"30s\"", 30000},
        {"\"5m\"", 300000}, {"\"2h\"", 7200000}, {"0", 0}};
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        assert_ok(read_value('d', waits[i].text, &value, &err), err);
        assert_int_equal(value.number, waits[i].ms);
    }
    assert_ok(read_value('s', "{\"env\": \"X\"}", &value, &err), err);
    assert_string_equal(value.from_env, "X");
    assert_ok(read_value('s', "{\"file\": \"a/b\"}", &value, &err), err);
    assert_string_equal(value.from_file, "a/b");
}

static void wrong_values_are_refused(void **state) {
    (void)state;
    static const struct {
        char name;
        const char *json;
    } cases[] = {{'t', "5"}, {'t', "true"}, {'t', "{\"env\": \"X\"}"}, {'n', "11"}, {'n', "-6"},
        {'n', "1.5"}, {'n', "\"7\""}, {'b', NULL}, {'b', "\"yes\""}, {'b', "1"}, {'c', "\"\""},
        {'c', "\"a|b\""}, {'c', "\"d\""}, {'d', "-1"}, {'d', "\"-1s\""}, {'d', "\"1d\""},
        {'d', "\"ms\""}, {'d', "\"9223372036854775807h\""}, {'d', "1.5"}, {'s', "{}"},
        {'s', "{\"env\": \"X\", \"file\": \"y\"}"}, {'s', "{\"env\": 5}"}, {'f', "[]"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct base_err err = {0};
        struct wire_option_value value;
        int code = read_value(cases[i].name, cases[i].json, &value, &err);
        if (code != LANTOA_EINVAL || !err.text[0]) {
            fail_msg("%c: %s is taken", cases[i].name, cases[i].json);
        }
    }
}

static void rows_are_checked(void **state) {
    (void)state;
    const struct wire_option_rule bad[] = {
        {NULL, LANTOA_TYPE_TEXT, 0, NULL, NULL, 0, 0},
        {"", LANTOA_TYPE_TEXT, 0, NULL, NULL, 0, 0},
        {"A", LANTOA_TYPE_TEXT, 0, NULL, NULL, 0, 0},
        {"a-b", LANTOA_TYPE_TEXT, 0, NULL, NULL, 0, 0},
        {"a", (enum lantoa_option_type)0, 0, NULL, NULL, 0, 0},
        {"a", (enum lantoa_option_type)7, 0, NULL, NULL, 0, 0},
        {"a", LANTOA_TYPE_CHOICE, 0, NULL, NULL, 0, 0},
        {"a", LANTOA_TYPE_CHOICE, 0, "x", "a|b", 0, 0},
        {"a", LANTOA_TYPE_INT, 0, "x", NULL, 0, 0},
        {"a", LANTOA_TYPE_INT, 0, "11", NULL, 0, 10},
        {"a", LANTOA_TYPE_INT, 0, NULL, NULL, 10, 0},
        {"a", LANTOA_TYPE_BOOL, 0, "maybe", NULL, 0, 0},
    };
    struct base_err err = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(wire_option_check_rule(&bad[i], &err), LANTOA_EINVAL);
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        assert_ok(wire_option_check_rule(&rules[i], &err), err);
    }
    assert_true(wire_name_ok(STR("a-1"), '-'));
    assert_false(wire_name_ok(STR("a_1"), '-'));
    assert_false(wire_name_ok(STR("1a"), '-'));
    assert_false(wire_name_ok(STR("a.b"), '-'));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(rows_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
