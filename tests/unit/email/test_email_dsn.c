/* Mail that comes back: reports recorded from Postfix 3.7 and Exim 4.96, variants of them, and what
 * is no report. */
#include "dsn.h"
#include "unit.h"

#define OUR_KEY "aaaaaaaaaaaaaaaaaaab"

static char *load(const char *name) {
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is missing", path);
    }
    char *text = calloc(1, 20000);
    assert_true(fread(text, 1, 19000, file) > 0);
    fclose(file);
    return text;
}

/* The text with each `from` replaced; the old one is freed. */
static char *replace(char *text, const char *from, const char *to) {
    struct bytes out = {0};
    const char *at = text;
    for (const char *found; (found = strstr(at, from)) != NULL; at = found + strlen(from)) {
        bytes_put(&out, at, (size_t)(found - at));
        bytes_put_text(&out, to);
    }
    bytes_put_text(&out, at);
    free(text);
    return out.at;
}

static struct dsn parse(const char *text, bool null_sender) {
    struct dsn dsn;
    size_t bytes = strlen(text);
    char *exact = malloc(bytes + 1);
    memcpy(exact, text, bytes);
    dsn_parse(exact, bytes, null_sender, str("example.test"), &dsn);
    free(exact);
    return dsn;
}

static void check(char *text, bool null_sender, enum dsn_kind kind, enum lantoa_reason reason,
    const char *key, const char *detail) {
    for (int form = 0; form < 2; form++) {
        struct dsn dsn = parse(text, null_sender);
        if (dsn.kind != kind || dsn.reason != reason || strcmp(dsn.key, key) != 0 ||
            strstr(dsn.detail, detail) == NULL) {
            fail_msg("kind %d reason %d key \"%s\" detail \"%s\" of %.300s", (int)dsn.kind,
                (int)dsn.reason, dsn.key, dsn.detail, text);
        }
        text = replace(text, "\n", "\r\n");
    }
    free(text);
}

static void postfix(void **state) {
    (void)state;
    check(load("postfix-unknown-user.eml"), true, DSN_FAILED, LANTOA_REASON_ADDRESS, OUR_KEY,
        "5.1.1 X-Postfix; no such user here");
    check(replace(load("postfix-unknown-user.eml"), "Status: 5.1.1", "Status: 5.2.2"), true,
        DSN_FAILED, LANTOA_REASON_MAILBOX_FULL, OUR_KEY, "5.2.2");
    check(replace(replace(load("postfix-unknown-user.eml"), "Action: failed", "Action: delayed"),
              "Status: 5.1.1", "Status: 4.4.1"),
        true, DSN_DELAYED, LANTOA_REASON_UNREACHABLE, OUR_KEY, "4.4.1");
    check(replace(replace(load("postfix-unknown-user.eml"), "Action: failed", "Action: delivered"),
              "Status: 5.1.1", "Status: 2.0.0"),
        true, DSN_DELIVERED, LANTOA_REASON_NONE, OUR_KEY, "2.0.0");
    /* Gave up after days: the status stays temporary, the action decides. */
    check(replace(load("postfix-unknown-user.eml"), "Status: 5.1.1", "Status: 4.4.7"), true,
        DSN_FAILED, LANTOA_REASON_UNREACHABLE, OUR_KEY, "4.4.7");
    /* A folded diagnostic with the remote server's reply. */
    check(replace(replace(load("postfix-unknown-user.eml"), "Status: 5.1.1", "Status: 5.0.0"),
              "X-Postfix; no such user here", "smtp; 550-5.2.1 The account\n    is disabled"),
        true, DSN_FAILED, LANTOA_REASON_ADDRESS, OUR_KEY,
        "5.0.0 smtp; 550-5.2.1 The account is disabled");
    check(replace(load("postfix-unknown-user.eml"), "Message-ID: <" OUR_KEY "@",
              "Message-ID: <" OUR_KEY "@not-"),
        true, DSN_FAILED, LANTOA_REASON_ADDRESS, "", "");
}

static void exim(void **state) {
    (void)state;
    check(load("exim-unknown-user.eml"), true, DSN_FAILED, LANTOA_REASON_ADDRESS, OUR_KEY,
        "5.0.0 no such user here");
    check(load("exim-unrouteable.eml"), true, DSN_FAILED, LANTOA_REASON_ADDRESS, OUR_KEY,
        "Unrouteable address");
    check(replace(load("exim-unrouteable.eml"), "Unrouteable address", "mailbox is full"), true,
        DSN_FAILED, LANTOA_REASON_MAILBOX_FULL, OUR_KEY, "mailbox is full");
    check(replace(load("exim-unrouteable.eml"), "Unrouteable address", "something odd"), true,
        DSN_FAILED, LANTOA_REASON_OTHER, OUR_KEY, "something odd");
}

static void no_reports(void **state) {
    (void)state;
    check(
        load("vacation.eml"), true, DSN_AUTOMATIC, LANTOA_REASON_NONE, OUR_KEY, "Tôi đi công tác");
    check(
        load("vacation.eml"), false, DSN_AUTOMATIC, LANTOA_REASON_NONE, OUR_KEY, "Tôi đi công tác");
    /* Without its header, but from nobody: still no failure, although words of one are in it. */
    check(replace(load("vacation.eml"), "Auto-Submitted: auto-replied (vacation)\n", ""), true,
        DSN_AUTOMATIC, LANTOA_REASON_NONE, OUR_KEY, "công tác");
    check(load("person.eml"), false, DSN_PERSON, LANTOA_REASON_NONE, OUR_KEY, "Tôi muốn đăng ký.");
    check(load("complaint.eml"), false, DSN_COMPLAINT, LANTOA_REASON_NONE, OUR_KEY, "abuse report");
    check(load("words-only.eml"), true, DSN_FAILED, LANTOA_REASON_ADDRESS, OUR_KEY,
        "no mailbox here");
    check(load("read-receipt.eml"), false, DSN_AUTOMATIC, LANTOA_REASON_NONE, "", "displayed");
    struct dsn dsn = parse("", true);
    assert_int_equal(dsn.kind, DSN_AUTOMATIC);
    dsn = parse("", false);
    assert_int_equal(dsn.kind, DSN_PERSON);
    char *text = load("person.eml");
    dsn = parse(text, false);
    assert_string_equal(dsn.from, "a.nguyen@example.net");
    free(text);
}

/* Every fixture cut at every byte, and with bytes changed: no crash, no control characters, a key
 * of ours or none. */
static void damaged(void **state) {
    (void)state;
    static const char *const names[] = {
        "postfix-unknown-user.eml", "exim-unrouteable.eml", "complaint.eml", "person.eml"};
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *text = load(names[i]);
        size_t bytes = strlen(text);
        for (size_t cut = 0; cut < bytes; cut += 3) {
            char *copy = malloc(cut + 1);
            memcpy(copy, text, cut);
            for (int k = 0; k < 3 && cut > 0 && cut % 2 == 0; k++) {
                copy[next_random(&seed) % cut] = (char)next_random(&seed);
            }
            struct dsn dsn;
            dsn_parse(copy, cut, true, str("example.test"), &dsn);
            for (const char *at = dsn.detail; *at != '\0'; at++) {
                assert_true((unsigned char)*at >= ' ');
            }
            assert_true(dsn.key[0] == '\0' || address_key_valid(str(dsn.key)));
            free(copy);
        }
        free(text);
    }
}

int main(void) {
    dsn_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(postfix), cmocka_unit_test(exim),
        cmocka_unit_test(no_reports), cmocka_unit_test(damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
