/* Forms as browsers, mail programs and liars send them. */
#include "support.h"

#include "api/form.h"

static void reads(const char *body, const char *name, const char *value) {
    struct form form;
    assert_int_equal(form_read(str_from(body), &form), 0);
    struct str found = form_get(&form, name);
    if (value) {
        assert_true(str_is(found, value));
    } else {
        assert_null(found.at);
    }
    form_release(&form);
}

static void refuses(const char *body, size_t bytes, int code) {
    struct form form;
    assert_int_equal(form_read(str_of(body, bytes), &form), code);
    form_release(&form);
}

static void test_reads(void **state) {
    (void)state;
    reads("", "a", NULL);
    reads("a=b", "a", "b");
    reads("a=b", "b", NULL);
    reads("a", "a", "");
    reads("a=", "a", "");
    reads("=x", "", "x");
    reads("&&a=1&&a=2&", "a", "1");
    reads("a=b=c", "a", "b=c");
    reads("a+b=c+d%20e", "a b", "c d e");
    reads("a=%3d%26%C3%A0", "a", "=&\xc3\xa0");
    reads("List-Unsubscribe=One-Click", "List-Unsubscribe", "One-Click");
    reads("a=1%0D%0A2", "a", "1\r\n2");
}

static void test_refuses(void **state) {
    (void)state;
    refuses("a=%", 3, LANTOA_EINVAL);
    refuses("a=%2", 4, LANTOA_EINVAL);
    refuses("a=%2g", 5, LANTOA_EINVAL);
    refuses("a=%ff", 5, LANTOA_EINVAL);
    refuses("a=%00", 5, LANTOA_EINVAL);
    refuses("a=\0b", 4, LANTOA_EINVAL);
    refuses("%01=a", 5, LANTOA_EINVAL);
    char many[3 * (FORM_FIELDS_MAX + 1) + 1];
    for (int i = 0; i <= FORM_FIELDS_MAX; i++) {
        memcpy(many + 3L * i, "a=&", 3);
    }
    refuses(many, 3 * FORM_FIELDS_MAX + 3, LANTOA_ELIMIT);
    refuses(many, 3 * FORM_FIELDS_MAX, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
