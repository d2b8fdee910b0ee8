#include "support.h"

static void set_and_names(void **state) {
    (void)state;
    struct base_err err = {0};
    assert_int_equal(base_err_set(&err, LANTOA_ENOENT, "no %s %d", "such", 7), LANTOA_ENOENT);
    assert_string_equal(err.text, "no such 7");
    assert_int_equal(err.code, LANTOA_ENOENT);
    assert_int_equal(base_err_set(NULL, LANTOA_EIO, "lost"), LANTOA_EIO);
    assert_string_equal(base_err_name(0), "success");
    assert_string_equal(base_err_name(LANTOA_EINVAL), "invalid input");
    assert_string_equal(base_err_name(LANTOA_EDENIED), "not allowed");
    assert_string_equal(base_err_name(-999), "unknown error");
    assert_string_equal(base_err_name(5), "unknown error");
}

static void prefix(void **state) {
    (void)state;
    struct base_err err = {0};
    base_err_set(&err, LANTOA_EIO, "no such file");
    assert_int_equal(base_err_prefix(&err, "open %s", "config"), LANTOA_EIO);
    assert_int_equal(base_err_prefix(&err, "load channel viettel"), LANTOA_EIO);
    assert_string_equal(err.text, "load channel viettel: open config: no such file");
    assert_int_equal(base_err_prefix(NULL, "x"), LANTOA_EINVAL);
}

static void argument_may_be_the_old_text(void **state) {
    (void)state;
    struct base_err err = {0};
    base_err_set(&err, LANTOA_EIO, "inner");
    base_err_set(&err, LANTOA_EBUSY, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    base_err_prefix(&err, "again %s", err.text);
    assert_string_equal(err.text, "again outer (inner): outer (inner)");
}

static void long_texts_end_at_a_character(void **state) {
    (void)state;
    struct base_err err = {0};
    char text[3001];
    memset(text, 'a', sizeof(text));
    /* 1,022 bytes and then two-byte letters: the 1,023 that fit would split the first of them. */
    for (size_t i = 1022; i + 1 < sizeof(text) - 1; i += 2) {
        memcpy(text + i, "\xc3\xa0", 2);
    }
    text[3000] = '\0';
    base_err_set(&err, LANTOA_EINVAL, "%s", text);
    assert_int_equal(strlen(err.text), 1022);
    assert_int_equal(err.text[1021], 'a');
    base_err_set(&err, LANTOA_EINVAL, "%s", text + 1);
    assert_int_equal(strlen(err.text), 1023);
    assert_int_equal((unsigned char)err.text[1022], 0xa0);
    base_err_set(&err, LANTOA_EINVAL, "tail");
    base_err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), 1022);
    base_err_set(&err, LANTOA_EINVAL, "%.1022s", text);
    base_err_prefix(&err, "head");
    assert_int_equal(strlen(err.text), 1023);
    assert_memory_equal(err.text, "head: aaa", 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_names),
        cmocka_unit_test(prefix),
        cmocka_unit_test(argument_may_be_the_old_text),
        cmocka_unit_test(long_texts_end_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
