/* Phones and e-mail addresses: every form people write, and why the others are refused. */
#include "audience/fixture.h"

static void test_good_phones(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"0912345678", "+84912345678"}, {"0912 345 678", "+84912345678"},
        {"0912.345.678", "+84912345678"}, {"(091) 234-5678", "+84912345678"},
        {"84912345678", "+84912345678"}, {"+84 912.345.678", "+84912345678"},
        {"912345678", "+84912345678"}, {"0084912345678", "+84912345678"},
        {"+84 (0)912 345 678", "+84912345678"},
        {"\xc2\xa0"
         "0912345678\xe2\x80\xac",
            "+84912345678"},
        {"0321234567", "+84321234567"}, {"0521234567", "+84521234567"},
        {"0561234567", "+84561234567"}, {"0591234567", "+84591234567"},
        {"0701234567", "+84701234567"}, {"0791234567", "+84791234567"},
        {"0811234567", "+84811234567"}, {"0991234567", "+84991234567"},
        {"841234567", "+84841234567"}, /* 084 1234567 without its 0, not the country */
        {"0841234567", "+84841234567"}, {"+255700000001", "+255700000001"},
        {"+1 (415) 555-2671", "+14155552671"}, {"001 415 555 2671", "+14155552671"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[20];
        struct base_err err = {0};
        if (contact_phone(str_from(cases[i].in), out, &err)) {
            fail_msg("%s: %s", cases[i].in, err.text);
        }
        assert_string_equal(out, cases[i].out);
        /* The normal form is a fixed point. */
        assert_int_equal(contact_phone(str_from(out), out, &err), 0);
        assert_string_equal(out, cases[i].out);
    }
}

static void test_bad_phones(void **state) {
    (void)state;
    static const struct {
        const char *in, *part;
    } cases[] = {{"", "not a phone"}, {"abc", "not a phone"}, {"+", "not a phone"},
        {"01691234567", "since 2018 it is 0391234567"},
        {"+84 169 123 4567", "since 2018 it is 0391234567"},
        {"01201234567", "since 2018 it is 0701234567"},
        {"01991234567", "since 2018 it is 0591234567"}, {"02043854123", "a landline"},
        {"0312345678", "not a Vietnamese mobile"}, {"0511234567", "not a Vietnamese mobile"},
        {"0721234567", "not a Vietnamese mobile"}, {"0801234567", "not a Vietnamese mobile"},
        {"09123456789", "not a Vietnamese mobile"}, {"091234567", "not a Vietnamese mobile"},
        {"255700000001", "a foreign one needs a +"}, {"+123", "8 to 15 digits"},
        {"+1234567890123456", "8 to 15 digits"}, {"+0123456789", "8 to 15 digits"},
        {"8.49E+10", "format the column as text"}, {"0912345678 / 0987654321", "several numbers"},
        {"0912345678; 0987654321", "several numbers"}, {"0912+345678", "not a phone"},
        {"0912345678x", "not a phone"}, {"++84912345678", "not a phone"},
        {"0912345678\xff", "not a phone"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[20];
        struct base_err err = {0};
        if (contact_phone(str_from(cases[i].in), out, &err) != LANTOA_EINVAL) {
            fail_msg("%s was taken as %s", cases[i].in, out);
        }
        assert_has(err.text, cases[i].part);
    }
    struct base_err err = {0};
    char out[20], many[200];
    memset(many, '9', sizeof(many));
    assert_int_equal(contact_phone(str_of(many, sizeof(many)), out, &err), LANTOA_EINVAL);
    assert_has(err.text, "too many digits");
}

static int email(const char *in, struct base_buf *out, struct base_err *err) {
    base_buf_clear(out);
    *err = (struct base_err){0};
    return contact_email(str_from(in), out, err);
}

static void test_emails(void **state) {
    (void)state;
    struct base_buf out;
    struct base_err err;
    base_buf_init(&out, 1000);
    static const struct {
        const char *in, *out;
    } good[] = {{"an@example.vn", "an@example.vn"},
        {" An.B+c@EXAMPLE.Com.VN ", "An.B+c@example.com.vn"}, {"a@b.co", "a@b.co"},
        {"o'hara!#$%&*-/=?^_`{|}~@x-y.z9", "o'hara!#$%&*-/=?^_`{|}~@x-y.z9"},
        {"a@tiếngviệt.vn", "a@tiếngviệt.vn"}, {"a@xn--tingvit-tcb.vn", "a@xn--tingvit-tcb.vn"}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (email(good[i].in, &out, &err)) {
            fail_msg("%s: %s", good[i].in, err.text);
        }
        assert_string_equal(base_buf_text(&out), good[i].out);
    }
    static const struct {
        const char *in, *part;
    } bad[] = {{"", "no @"}, {"an", "no @"}, {"@x.vn", "nothing before"}, {"an@", "nothing after"},
        {"an@x", "no dot"}, {"an@.vn", "a dot in the wrong place in the domain"},
        {"an@x..vn", "a dot in the wrong place in the domain"},
        {"an@x.vn.", "a dot in the wrong place in the domain"},
        {".an@x.vn", "a dot in the wrong place before"},
        {"an.@x.vn", "a dot in the wrong place before"},
        {"a..n@x.vn", "a dot in the wrong place before"}, {"a n@x.vn", "a sign that an address"},
        {"\"a\"@x.vn", "a sign that an address"}, {"ân@x.vn", "an accent before"},
        {"an@-x.vn", "a hyphen"}, {"an@x-.vn", "a hyphen"}, {"an@x_y.vn", "a sign that a domain"},
        {"an@x@y.vn", "a sign that a domain"}, {"an@[1.2.3.4]", "a sign that a domain"},
        {"an@1.2.3.4", "ends in a number"}, {"an@x.vn\r\nBcc: b@x.vn", "a sign that a domain"},
        {"an@x.vn;b@x.vn", "a sign that a domain"}, {"an@\xff.vn", "not valid UTF-8"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (email(bad[i].in, &out, &err) != LANTOA_EINVAL) {
            fail_msg("%s was taken", bad[i].in);
        }
        assert_has(err.text, bad[i].part);
        assert_int_equal(out.bytes, 0);
    }
    char longest[400];
    memset(longest, 'a', sizeof(longest));
    longest[65] = '@';
    memcpy(longest + 70, ".vn", 4);
    assert_int_equal(email(longest, &out, &err), LANTOA_EINVAL);
    assert_has(err.text, "64 characters before");
    base_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good_phones),
        cmocka_unit_test(test_bad_phones), cmocka_unit_test(test_emails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
