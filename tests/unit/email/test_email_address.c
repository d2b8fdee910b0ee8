/* Address syntax, mailboxes, keys behind a plus. */
#include "address.h"
#include "unit.h"

static void valid_and_invalid(void **state) {
    (void)state;
    static const char *const good[] = {"a@b.vn", "first.last+tag@sub.example.org",
        "x_y-z@a-b.example", "\"a b\"@example.org", "\"a\\\"b\"@example.org", "u@[192.0.2.1]",
        "u@[IPv6:2001:db8::1]", "!#$%&'*+-/=?^_`{|}~@example.org", "a@localhost"};
    static const char *const bad[] = {"", "a", "@b.vn", "a@", "a@b@c.vn", ".a@b.vn", "a.@b.vn",
        "a..b@b.vn", "a b@c.vn", "a@-b.vn", "a@b-.vn", "a@b..vn", "a@.vn", "a@b.vn.", "a@b_c.vn",
        "a@b.vn\r\nRCPT TO:<x@y>", "a\n@b.vn", "a@b.vn>", "<a@b.vn", "a,b@c.vn", "\"a@b.vn",
        "\"\"@b.vn", "\"a\"b\"@b.vn", "\"a\\\"@b.vn", "\"a\r\n\"@b.vn", "u@[192.0.2.1", "u@[1.1 1]",
        "u@[]", "nguyễn@b.vn", "a@bắc.vn"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!address_valid(str(good[i]))) {
            fail_msg("refused: %s", good[i]);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (address_valid(str(bad[i]))) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void lengths(void **state) {
    (void)state;
    char text[400];
    for (int local = 63; local <= 66; local++) {
        int bytes = snprintf(text, sizeof(text), "%.*s@b.vn", local,
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_int_equal(address_valid((struct lantoa_str){text, (size_t)bytes}), local <= 64);
    }
    for (int label = 62; label <= 65; label++) {
        int bytes = snprintf(text, sizeof(text), "a@%.*s.vn", label,
            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        assert_int_equal(address_valid((struct lantoa_str){text, (size_t)bytes}), label <= 63);
    }
    memset(text, 'a', sizeof(text));
    assert_false(address_valid((struct lantoa_str){text, 300}));
}

static void mailboxes(void **state) {
    (void)state;
    struct address_mailbox mailbox;
    assert_int_equal(address_mailbox_parse("  Sở Y tế <so@yte.vn> ", &mailbox), LANTOA_OK);
    assert_string_equal(strndupa(mailbox.name.at, mailbox.name.bytes), "Sở Y tế");
    assert_string_equal(strndupa(mailbox.spec.at, mailbox.spec.bytes), "so@yte.vn");
    assert_int_equal(address_mailbox_parse("\"A, B\" <a@b.vn>", &mailbox), LANTOA_OK);
    assert_string_equal(strndupa(mailbox.name.at, mailbox.name.bytes), "A, B");
    assert_int_equal(address_mailbox_parse("a@b.vn", &mailbox), LANTOA_OK);
    assert_int_equal(mailbox.name.bytes, 0);
    static const char *const bad[] = {
        "", "A", "A <a@b.vn", "A <a>", "A <>", "A\r\nBcc: x@y.vn <a@b.vn>", "a@b.vn, c@d.vn"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (address_mailbox_parse(bad[i], &mailbox) == LANTOA_OK) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void tags(void **state) {
    (void)state;
    struct bytes out = {0};
    char key[ADDRESS_KEY_BYTES + 1];
    address_put_tagged(&out, str("bounce@b.vn"), str("abcdefghijklmnop2345"));
    assert_string_equal(out.at, "bounce+abcdefghijklmnop2345@b.vn");
    assert_true(address_match_tagged(str(out.at), str("bounce@b.vn"), key));
    assert_string_equal(key, "abcdefghijklmnop2345");
    assert_true(
        address_match_tagged(str("BOUNCE+ABCDEFGHIJKLMNOP2345@B.VN"), str("bounce@b.vn"), key));
    assert_string_equal(key, "abcdefghijklmnop2345");
    assert_true(address_match_tagged(str("bounce@b.vn"), str("bounce@b.vn"), key));
    assert_string_equal(key, "");
    static const char *const bad[] = {"bounce+abc@b.vn", "bounce+abcdefghijklmnop2345@c.vn",
        "bouncer+abcdefghijklmnop2345@b.vn", "bounce+abcdefghijklmnop1890@b.vn", "b@b.vn", "bounce",
        "", "bounce+abcdefghijklmnop2345x@b.vn"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (address_match_tagged(str(bad[i]), str("bounce@b.vn"), key)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    bytes_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(valid_and_invalid),
        cmocka_unit_test(lengths), cmocka_unit_test(mailboxes), cmocka_unit_test(tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
