#include "support.h"

#include "base/hash.h"

static void sha256_is(const char *text, const char *expected) {
    uint8_t digest[BASE_SHA256_BYTES];
    char hex[BASE_HEX_SHA256_MAX];
    base_sha256(str_from(text), digest);
    base_hex(digest, sizeof(digest), hex);
    assert_string_equal(hex, expected);
}

static void sha256(void **state) {
    (void)state;
    sha256_is("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_is("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hmac(void **state) {
    (void)state;
    /* RFC 4231, test cases 2 and 6 */
    uint8_t out[BASE_SHA256_BYTES], long_key[131];
    char hex[BASE_HEX_SHA256_MAX];
    struct base_hmac *mac = base_hmac_new("Jefe", 4);
    for (int i = 0; i < 3; i++) {
        base_hmac_sign(mac, "what do ya want for nothing?", 28, out);
        base_hex(out, sizeof(out), hex);
        assert_string_equal(
            hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
    base_hmac_sign(mac, "other", 5, out);
    base_hex(out, sizeof(out), hex);
    assert_string_not_equal(
        hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    base_hmac_free(&mac);
    assert_null(mac);
    base_hmac_free(&mac);
    memset(long_key, 0xaa, sizeof(long_key));
    mac = base_hmac_new(long_key, sizeof(long_key));
    base_hmac_sign(mac, "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
    base_hex(out, sizeof(out), hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    base_hmac_free(&mac);
    mac = base_hmac_new(NULL, 0);
    base_hmac_sign(mac, NULL, 0, out);
    base_hex(out, sizeof(out), hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    base_hmac_free(&mac);
}

static void hex_both_ways(void **state) {
    (void)state;
    uint8_t bytes[3];
    char hex[7];
    assert_int_equal(base_unhex(STR("00fFa7"), bytes, 3), 0);
    assert_int_equal(bytes[1], 255);
    base_hex(bytes, 3, hex);
    assert_string_equal(hex, "00ffa7");
    assert_int_equal(base_unhex(STR("00ff"), bytes, 3), LANTOA_EINVAL);
    assert_int_equal(base_unhex(STR("00ffg0"), bytes, 3), LANTOA_EINVAL);
    assert_int_equal(base_unhex(STR(""), bytes, 0), 0);
}

static void base64_vectors(void **state) {
    (void)state;
    /* RFC 4648, section 10 */
    static const struct {
        const char *plain, *text;
    } cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[BASE_BASE64_MAX(8)];
        uint8_t back[8];
        size_t count = 99, length = strlen(cases[i].plain);
        assert_int_equal(base_base64(cases[i].plain, length, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        assert_int_equal(base_unbase64(str_from(text), back, length, &count), 0);
        assert_int_equal(count, length);
        assert_memory_equal(back, cases[i].plain, length);
        if (length > 0) {
            assert_int_equal(
                base_unbase64(str_from(text), back, length - 1, &count), LANTOA_ELIMIT);
        }
    }
}

static void base64_strict(void **state) {
    (void)state;
    static const char *const bad[] = {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm 9v",
        "Zm9v\n", "=m9v", "Zg==Zg==", "Zm-_"};
    uint8_t out[16];
    size_t count;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base_unbase64(str_from(bad[i]), out, sizeof(out), &count) != LANTOA_EINVAL) {
            fail_msg("\"%s\" passed", bad[i]);
        }
    }
}

static void base64_all_lengths(void **state) {
    (void)state;
    uint8_t bytes[100], back[100];
    char text[BASE_BASE64_MAX(100)];
    base_random(bytes, sizeof(bytes));
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        size_t count, printed = base_base64(bytes, length, text);
        assert_int_equal(printed, strlen(text));
        assert_int_equal(printed + 1, BASE_BASE64_MAX(length));
        assert_int_equal(base_unbase64(str_from(text), back, sizeof(back), &count), 0);
        assert_int_equal(count, length);
        assert_memory_equal(back, bytes, length);
    }
}

static void table_hash(void **state) {
    (void)state;
    char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    /* The length counts, and so does each bit: flipping one changes about half of the hash. */
    for (size_t length = 0; length < sizeof(text); length++) {
        uint64_t hash = base_hash64(text, length);
        assert_true(hash == base_hash64(text, length));
        assert_true(hash != base_hash64(text, length + 1));
        for (size_t bit = 0; bit < length * 8; bit++) {
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            int changed = __builtin_popcountll(hash ^ base_hash64(text, length));
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            assert_in_range(changed, 8, 56);
        }
    }
    /* Numbers in a row spread over the low bits, as a table takes them. */
    static unsigned char used[1 << 16];
    size_t filled = 0;
    for (uint64_t i = 0; i < (1 << 16); i++) {
        size_t slot = base_hash64(&i, sizeof(i)) & 0xffff;
        filled += used[slot] == 0;
        used[slot] = 1;
    }
    assert_in_range(filled, 40000, 43000); /* 1 - 1/e of the slots is 41,427 */
}

static void randomness(void **state) {
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    base_random(a, sizeof(a));
    base_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    base_random(a, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256),
        cmocka_unit_test(hmac),
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_strict),
        cmocka_unit_test(base64_all_lengths),
        cmocka_unit_test(table_hash),
        cmocka_unit_test(randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
