/* QR codes as files; that a reader understands them is a scenario's matter (test_http_door.py). */
#include "support.h"

#include "base/mem.h"
#include "tracking/qr.h"

static void test_png(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, 1 << 22);
    assert_ok(qr_make(STR("https://x.vn/t/AAAAAAAAAAAAAAAA"), QR_PNG, &out, &err), err);
    assert_memory_equal(out.at, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
    assert_memory_equal(out.at + out.bytes - 12, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    base_buf_release(&out);
}

static void test_svg_and_limits(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_buf out;
    char *text = base_alloc(3001);
    memset(text, 'x', 3000);
    base_buf_init(&out, 1 << 22);
    assert_ok(qr_make(str_of(text, 2000), QR_SVG, &out, &err), err);
    assert_true(str_ends(base_buf_str(&out), STR("</svg>\n")));
    assert_int_equal(qr_make(str_of(text, 3000), QR_SVG, &out, &err), LANTOA_ELIMIT);
    assert_int_equal(qr_make(STR(""), QR_PNG, &out, &err), LANTOA_EINVAL);
    assert_int_equal(qr_make(str_of("a\0b", 3), QR_PNG, &out, &err), LANTOA_EINVAL);
    base_free(text);
    base_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png), cmocka_unit_test(test_svg_and_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
