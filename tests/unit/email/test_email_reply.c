/* SMTP replies: every split point, limits, nonsense, extensions, what refusals mean. */
#include "smtp_reply.h"
#include "unit.h"

/* Parses text from a heap block of exactly its size, so that reading behind it is seen. */
static int parse(const char *text, size_t bytes, struct smtp_reply *reply) {
    static char *copy;
    free(copy);
    copy = malloc(bytes == 0 ? 1 : bytes);
    memcpy(copy, text, bytes);
    return smtp_reply_parse(copy, bytes, reply);
}

static void every_split(void **state) {
    (void)state;
    static const char *const texts[] = {"250 Ok\r\n", "250\r\n", "250 \r\n",
        "250-mx\r\n250-PIPELINING\r\n250 SIZE 10\r\n", "550 5.1.1 <a@b>: no such user\r\n",
        "354 go\n", "250-a\n250 b\n", "421-4.3.2 one\r\n421 4.3.2 two\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct smtp_reply reply;
        size_t bytes = strlen(texts[i]);
        for (size_t cut = 0; cut < bytes; cut++) {
            if (parse(texts[i], cut, &reply) != 0) {
                fail_msg("\"%s\" cut at %zu", texts[i], cut);
            }
        }
        char more[200];
        snprintf(more, sizeof(more), "%s250 next\r\n", texts[i]);
        for (size_t end = bytes; end <= strlen(more); end++) {
            assert_int_equal(parse(more, end, &reply), (int)bytes);
            assert_int_equal(
                reply.code, (more[0] - '0') * 100 + (more[1] - '0') * 10 + more[2] - '0');
        }
    }
}

static void nonsense(void **state) {
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-x\r\n", "25\r\n",
        "\r\n", "2500 x\r\n", "250_x\r\n", "150 x\r\n", "650 x\r\n", "250-a\r\n251 b\r\n",
        "250-a\r\nb\r\n", "\xff\xff\xff", "2x0 a\r\n", "000 a\r\n", " 250 a\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct smtp_reply reply;
        if (parse(texts[i], strlen(texts[i]), &reply) != LANTOA_EPROTO) {
            fail_msg("accepted: %s", texts[i]);
        }
    }
}

static void limits(void **state) {
    (void)state;
    struct smtp_reply reply;
    struct bytes text = {0};
    while (text.used < SMTP_REPLY_MOST + 100) {
        bytes_put_text(&text, "250-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
    }
    assert_int_equal(parse(text.at, text.used, &reply), LANTOA_EPROTO);
    assert_int_equal(parse(text.at, SMTP_REPLY_MOST, &reply), LANTOA_EPROTO);
    assert_int_equal(parse(text.at, SMTP_REPLY_MOST - 100, &reply), 0);
    bytes_clear(&text, 1 << 20);
    bytes_put_text(&text, "250 ");
    while (text.used < SMTP_REPLY_MOST) {
        bytes_put_char(&text, 'x');
    }
    assert_int_equal(parse(text.at, text.used, &reply), LANTOA_EPROTO);
    bytes_release(&text);
}

static struct smtp_reply reply_of(const char *text) {
    struct smtp_reply reply;
    assert_int_equal(smtp_reply_parse(text, strlen(text), &reply), (int)strlen(text));
    return reply;
}

static void texts(void **state) {
    (void)state;
    char text[200];
    struct smtp_reply reply =
        reply_of("550-5.1.1 no such user\r\n550-5.1.1 here \r\n550 5.1.1 sorry\r\n");
    smtp_reply_text(&reply, text, sizeof(text));
    assert_string_equal(text, "550 5.1.1 no such user here sorry");
    assert_true(reply.has_enhanced && reply.enhanced[0] == 5 && reply.enhanced[1] == 1 &&
                reply.enhanced[2] == 1);
    reply = reply_of("450 \x01 bad\xff byte Đ\xe1\xba\r\n");
    smtp_reply_text(&reply, text, sizeof(text));
    assert_string_equal(text, "450 ? bad? byte Đ??");
    for (size_t room = 1; room < 60; room++) {
        char *exact = malloc(room);
        reply = reply_of("550-5.1.1 không có người này\r\n550 5.1.1 ở đây\r\n");
        size_t bytes = smtp_reply_text(&reply, exact, room);
        assert_true(bytes < room && exact[bytes] == '\0');
        free(exact);
    }
}

static void refs(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"250 2.0.0 Ok: queued as 4F1B2C\r\n", "4F1B2C"},
        {"250 OK id=1tFx9Y-000-8m\r\n", "1tFx9Y-000-8m"},
        {"250 2.0.0 <x> (queued as 77), done\r\n", "77"}, {"250 2.0.0 Ok\r\n", "Ok"},
        {"250 done\r\n", "done"}, {"250\r\n", ""}, {"250 queued as \r\n", "queued as "}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct smtp_reply reply = reply_of(cases[i][0]);
        struct lantoa_str ref = smtp_reply_ref(&reply);
        assert_string_equal(strndupa(ref.at, ref.bytes), cases[i][1]);
    }
}

static void extensions(void **state) {
    (void)state;
    struct smtp_reply reply =
        reply_of("250-PIPELINING is my name\r\n250-size 1234\r\n250-ChUnKiNg\r\n250-AUTH LOGIN "
                 "PLAIN\r\n250-STARTTLS\r\n250 8BITMIME\r\n");
    struct smtp_extensions has = smtp_reply_extensions(&reply);
    assert_true(!has.pipelining && has.chunking && has.starttls && has.auth && has.auth_plain &&
                has.auth_login && has.size);
    assert_int_equal(has.size_most, 1234);
    reply = reply_of("250-x\r\n250-PIPELINING\r\n250-AUTH=PLAIN\r\n250-SIZE\r\n250 SIZE "
                     "99999999999999999999999999\r\n");
    has = smtp_reply_extensions(&reply);
    assert_true(has.pipelining && has.auth_plain && !has.auth_login && has.size && !has.starttls);
    reply = reply_of("250 STARTTLS\r\n");
    assert_false(smtp_reply_extensions(&reply).starttls);
}

static void verdicts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum smtp_stage stage;
        enum lantoa_outcome outcome;
        enum lantoa_reason reason;
    } cases[] = {
        {"550 5.1.1 x\r\n", SMTP_AT_RCPT, LANTOA_REFUSED, LANTOA_REASON_ADDRESS},
        {"550 no such user\r\n", SMTP_AT_RCPT, LANTOA_REFUSED, LANTOA_REASON_ADDRESS},
        {"553 5.1.8 sender domain\r\n", SMTP_AT_RCPT, LANTOA_REFUSED, LANTOA_REASON_REFUSED},
        {"552 5.2.2 full\r\n", SMTP_AT_RCPT, LANTOA_REFUSED, LANTOA_REASON_MAILBOX_FULL},
        {"452 4.2.2 full\r\n", SMTP_AT_RCPT, LANTOA_RETRY, LANTOA_REASON_MAILBOX_FULL},
        {"552 too big\r\n", SMTP_AT_BODY, LANTOA_REFUSED, LANTOA_REASON_TOO_LARGE},
        {"552 5.3.4 too big\r\n", SMTP_AT_MAIL, LANTOA_REFUSED, LANTOA_REASON_TOO_LARGE},
        {"554 5.7.1 spam\r\n", SMTP_AT_BODY, LANTOA_REFUSED, LANTOA_REASON_CONTENT},
        {"554 rejected\r\n", SMTP_AT_BODY, LANTOA_REFUSED, LANTOA_REASON_CONTENT},
        {"550 5.7.1 relay denied\r\n", SMTP_AT_RCPT, LANTOA_REFUSED, LANTOA_REASON_REFUSED},
        {"450 4.7.1 Greylisted\r\n", SMTP_AT_RCPT, LANTOA_RETRY, LANTOA_REASON_TEMPORARY},
        {"451 4.3.0 local error\r\n", SMTP_AT_BODY, LANTOA_RETRY, LANTOA_REASON_TEMPORARY},
        {"421 4.3.2 closing\r\n", SMTP_AT_RCPT, LANTOA_RETRY, LANTOA_REASON_TEMPORARY},
        {"421 4.3.2 closing\r\n", SMTP_AT_MAIL, LANTOA_RETRY, LANTOA_REASON_THROTTLED},
        {"421 4.7.28 rate limit\r\n", SMTP_AT_BODY, LANTOA_RETRY, LANTOA_REASON_THROTTLED},
        {"421 busy\r\n", SMTP_AT_BODY, LANTOA_RETRY, LANTOA_REASON_TEMPORARY},
        {"503 5.5.1 bad sequence\r\n", SMTP_AT_MAIL, LANTOA_RETRY, LANTOA_REASON_PROTOCOL},
        {"530 5.7.0 authentication required\r\n", SMTP_AT_MAIL, LANTOA_RETRY, LANTOA_REASON_LOGIN},
        {"530 authentication required\r\n", SMTP_AT_MAIL, LANTOA_RETRY, LANTOA_REASON_LOGIN},
        {"550 5.4.4 unable to route\r\n", SMTP_AT_RCPT, LANTOA_REFUSED, LANTOA_REASON_UNREACHABLE},
        {"550 5.6.0 bad content\r\n", SMTP_AT_BODY, LANTOA_REFUSED, LANTOA_REASON_CONTENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct smtp_reply reply = reply_of(cases[i].text);
        struct smtp_verdict verdict = smtp_reply_verdict(&reply, cases[i].stage);
        if (verdict.outcome != cases[i].outcome || verdict.reason != cases[i].reason) {
            fail_msg("%s gives outcome %d reason %d", cases[i].text, (int)verdict.outcome,
                (int)verdict.reason);
        }
    }
}

static void random_bytes(void **state) {
    (void)state;
    uint64_t seed = 7;
    static const char alphabet[] = "2455013 -.\r\n\n\rabq=\x80\xe1\xba\xa1";
    for (int i = 0; i < 20000; i++) {
        char text[64], line[40];
        size_t bytes = next_random(&seed) % sizeof(text);
        for (size_t k = 0; k < bytes; k++) {
            text[k] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        }
        struct smtp_reply reply;
        int taken = parse(text, bytes, &reply);
        assert_true(taken <= (int)bytes);
        if (taken > 0) {
            assert_true(reply.code >= 200 && reply.code <= 599);
            assert_true(smtp_reply_text(&reply, line, sizeof(line)) < sizeof(line));
            smtp_reply_extensions(&reply);
            smtp_reply_verdict(&reply, SMTP_AT_RCPT);
            smtp_reply_ref(&reply);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_split), cmocka_unit_test(nonsense),
        cmocka_unit_test(limits), cmocka_unit_test(texts), cmocka_unit_test(refs),
        cmocka_unit_test(extensions), cmocka_unit_test(verdicts), cmocka_unit_test(random_bytes)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    struct smtp_reply reply;
    parse("", 0, &reply);
    return failed;
}
