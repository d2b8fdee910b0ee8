#include "support.h"

#include "base/buf.h"
#include "base/mem.h"

static void adding(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 1000);
    assert_string_equal(base_buf_text(&buf), "");
    assert_int_equal(base_buf_str(&buf).bytes, 0);
    base_buf_add(&buf, "ab", 2);
    base_buf_add(&buf, NULL, 0);
    base_buf_add_char(&buf, '-');
    base_buf_add_text(&buf, "text");
    base_buf_add_str(&buf, STR(" str "));
    base_buf_add_u64(&buf, 0);
    base_buf_add_char(&buf, ' ');
    base_buf_add_u64(&buf, UINT64_MAX);
    base_buf_printf(&buf, " %s=%d", "x", -5);
    assert_string_equal(base_buf_text(&buf), "ab-text str 0 18446744073709551615 x=-5");
    assert_true(base_buf_ok(&buf));
    base_buf_consume(&buf, 3);
    assert_memory_equal(base_buf_text(&buf), "text", 4);
    base_buf_consume(&buf, 9999);
    assert_int_equal(buf.bytes, 0);
    base_buf_printf(&buf, "%0300d", 7);
    assert_int_equal(buf.bytes, 300);
    assert_int_equal(buf.at[299], '7');
    base_buf_release(&buf);
    assert_null(buf.at);
}

static void grows_byte_by_byte(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 100000);
    for (int i = 0; i < 100000; i++) {
        base_buf_add_char(&buf, (char)('a' + i % 26));
    }
    assert_true(base_buf_ok(&buf));
    assert_int_equal(buf.bytes, 100000);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buf.at[i], 'a' + i % 26);
    }
    assert_true(buf.room <= 100001);
    base_buf_add_char(&buf, 'x');
    assert_false(base_buf_ok(&buf));
    base_buf_release(&buf);
}

static void the_ceiling_holds(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 5);
    base_buf_add_text(&buf, "12345");
    assert_true(base_buf_ok(&buf));
    assert_string_equal(base_buf_text(&buf), "12345");
    base_buf_add_char(&buf, '6');
    assert_false(base_buf_ok(&buf));
    assert_string_equal(base_buf_text(&buf), "12345");
    base_buf_consume(&buf, 3);
    /* Once overfull it stays so, even where room has come back: something is missing. */
    base_buf_add_char(&buf, '6');
    assert_string_equal(base_buf_text(&buf), "45");
    assert_null(base_buf_grow(&buf, 1));
    base_buf_clear(&buf);
    assert_true(base_buf_ok(&buf));
    base_buf_printf(&buf, "%s", "123456");
    assert_false(base_buf_ok(&buf));
    assert_int_equal(buf.bytes, 0);
    base_buf_clear(&buf);
    base_buf_printf(&buf, "%0400d", 1);
    assert_false(base_buf_ok(&buf));
    base_buf_clear(&buf);
    assert_null(base_buf_grow(&buf, SIZE_MAX));
    base_buf_release(&buf);
}

static void growing_in_place(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, SIZE_MAX);
    char *end = base_buf_grow(&buf, 4);
    assert_non_null(end);
    assert_int_equal(buf.bytes, 0);
    memcpy(end, "wxyz", 4);
    buf.bytes += 4;
    assert_string_equal(base_buf_text(&buf), "wxyz");
    base_buf_release(&buf);
}

static void taking(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 10);
    char *text = base_buf_take(&buf);
    assert_string_equal(text, "");
    base_free(text);
    base_buf_add_text(&buf, "hello");
    text = base_buf_take(&buf);
    assert_string_equal(text, "hello");
    assert_int_equal(buf.bytes, 0);
    assert_int_equal(buf.ceiling, 10);
    base_free(text);
    base_buf_release(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding),
        cmocka_unit_test(grows_byte_by_byte),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(growing_in_place),
        cmocka_unit_test(taking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
