/* DKIM: canonical forms and the Ed25519 signature of RFC 8463, appendix A. Whole mails are verified
 * by python3-dkim in test_email_mail.py. */
#include "dkim.h"
#include "unit.h"

#include <unistd.h>

static void relaxed_body(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", ""}, {"\r\n\r\n", ""}, {" \r\n\t\r\n", ""},
        {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, {"a", "a\r\n"},
        {"a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"}, {"a  \r\n", "a\r\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};
        dkim_put_relaxed_body(&out, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(out.at, cases[i][1]);
        bytes_release(&out);
    }
}

static void relaxed_header(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"A: X", "a:X\r\n"}, {"B : Y\t\r\n\tZ  ", "b:Y Z\r\n"},
        {"Subject:", "subject:\r\n"}, {"X:  a  b\r\n   c", "x:a b c\r\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};
        dkim_put_relaxed_header(&out, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(out.at, cases[i][1]);
        bytes_release(&out);
    }
}

static struct dkim *load(const char *pem, struct lantoa_fault *error) {
    char path[] = "/tmp/lantoa-dkim-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, pem, strlen(pem)) == (ssize_t)strlen(pem));
    close(fd);
    struct dkim *dkim = dkim_new(path, "brisbane", "football.example.com", error);
    unlink(path);
    return dkim;
}

static void rfc_8463(void **state) {
    (void)state;
    /* The secret key of the RFC in PKCS #8. */
    static const char pem[] = "-----BEGIN PRIVATE "
                              "KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/"
                              "VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    static const char *const fields[] = {"From: Joe SixPack <joe@football.example.com>",
        "To: Suzie Q <suzie@shopping.example.net>", "Subject: Is dinner ready?",
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
        "i=@football.example.com;\r\n"
        " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : "
        "from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="};
    struct lantoa_fault error = {.size = sizeof(error)};
    struct bytes text = {0}, signature = {0};
    struct dkim *dkim = load(pem, &error);
    assert_string_equal(error.why_en, "");
    assert_non_null(dkim);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        dkim_put_relaxed_header(&text, fields[i], strlen(fields[i]));
    }
    text.used -= 2;
    assert_int_equal(dkim_put_signature(dkim, text.at, text.used, &signature), LANTOA_OK);
    assert_string_equal(signature.at,
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
    dkim_free(dkim);
    bytes_release(&text);
    bytes_release(&signature);
}

static void unusable_keys(void **state) {
    (void)state;
    struct lantoa_fault error;
    assert_null(dkim_new("/nowhere/key.pem", "s", "d.vn", &error));
    assert_non_null(strstr(error.why_en, "/nowhere/key.pem"));
    assert_null(load("not a key", &error));
    assert_non_null(strstr(error.why_en, "no PEM private key"));
    /* An X25519 key cannot sign. */
    assert_null(load("-----BEGIN PRIVATE "
                     "KEY-----\nMC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/"
                     "VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n",
        &error));
    assert_non_null(strstr(error.why_en, "neither RSA nor Ed25519"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(relaxed_body),
        cmocka_unit_test(relaxed_header), cmocka_unit_test(rfc_8463),
        cmocka_unit_test(unusable_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
