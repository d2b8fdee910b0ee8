/* Encodings: fixed vectors, and properties over random text read back by small decoders of the
 * test's own. */
#include "mime_encode.h"
#include "smtp.h"
#include "unit.h"

static int base64_value(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static void decode_base64(struct bytes *out, const char *at, size_t bytes) {
    uint32_t group = 0;
    int digits = 0;
    for (size_t i = 0; i < bytes; i++) {
        int value = base64_value(at[i]);
        if (value < 0) {
            assert_true(at[i] == '=' || at[i] == '\r' || at[i] == '\n');
            continue;
        }
        group = group << 6 | (uint32_t)value;
        if (++digits % 4 != 1) {
            bytes_put_char(out, (char)(group >> (6 - 2 * ((digits - 1) % 4 - 0))));
        }
    }
}

static int hex_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void decode_quoted(struct bytes *out, const char *at, size_t bytes, bool word) {
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] == '=' && i + 2 < bytes + 1 && at[i + 1] == '\r') {
            i += 2;
        } else if (at[i] == '=') {
            assert_true(hex_value(at[i + 1]) >= 0 && hex_value(at[i + 2]) >= 0);
            bytes_put_char(out, (char)(hex_value(at[i + 1]) * 16 + hex_value(at[i + 2])));
            i += 2;
        } else {
            bytes_put_char(out, word && at[i] == '_' ? ' ' : at[i]);
        }
    }
}

/* Every line at most `most` long and ended by CRLF, no lone CR or LF, no line that starts with a
 * dot. */
static void check_lines(const struct bytes *out, size_t most) {
    size_t line = 0;
    for (size_t i = 0; i < out->used; i++) {
        if (out->at[i] == '\r') {
            assert_true(i + 1 < out->used && out->at[i + 1] == '\n');
            assert_true(line <= most);
            line = 0;
            i++;
        } else {
            assert_true(out->at[i] != '\n' && !(line == 0 && out->at[i] == '.'));
            line++;
        }
    }
    assert_int_equal(line, 0);
}

static size_t random_text(uint64_t *seed, char *text, size_t most) {
    static const char *const pieces[] = {"a", "e", " ", "  ", "ắ", "Ệ", "ộ", "đ", "=", ".", "\n",
        "\r\n", "\r", "\n.", "-", "--", "?", "_", "\t", " \n", "😀", "=?", "x y", "\"", "Nguyễn"};
    size_t used = 0, want = next_random(seed) % most;
    while (used < want) {
        const char *piece = pieces[next_random(seed) % (sizeof(pieces) / sizeof(pieces[0]))];
        size_t bytes = strlen(piece);
        if (used + bytes > most) {
            break;
        }
        memcpy(text + used, piece, bytes);
        used += bytes;
    }
    return used;
}

static void vectors(void **state) {
    (void)state;
    static const char *const base64[][2] = {
        {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"", ""}};
    static const char *const quoted[][2] = {{"a=b", "a=3Db\r\n"},
        {"trail \nx", "trail=20\r\nx\r\n"}, {".dot\n..x", "=2Edot\r\n=2E.x\r\n"},
        {"được", "=C4=91=C6=B0=E1=BB=A3c\r\n"}, {"tab\t", "tab=09\r\n"}, {"a\r\n", "a\r\n"}};
    for (size_t i = 0; i < sizeof(base64) / sizeof(base64[0]); i++) {
        struct bytes out = {0};
        mime_put_base64_run(&out, base64[i][0], strlen(base64[i][0]));
        assert_string_equal(out.at, base64[i][1]);
        bytes_release(&out);
    }
    for (size_t i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++) {
        struct bytes out = {0};
        mime_put_quoted(&out, quoted[i][0], strlen(quoted[i][0]));
        assert_string_equal(out.at, quoted[i][1]);
        bytes_release(&out);
    }
}

/* One letter that is not ASCII, or one zero byte, is seen wherever it stands. */
static void one_byte_decides(void **state) {
    (void)state;
    char text[300];
    for (size_t i = 0; i < sizeof(text); i++) {
        for (size_t bytes = i + 1; bytes <= i + 40 && bytes <= sizeof(text); bytes++) {
            memset(text, 'a', sizeof(text));
            assert_int_equal(mime_encoding_choose(text, bytes), MIME_7BIT);
            text[i] = (char)0x80;
            assert_int_not_equal(mime_encoding_choose(text, bytes), MIME_7BIT);
            text[i] = '\0';
            assert_int_not_equal(mime_encoding_choose(text, bytes), MIME_7BIT);
        }
    }
}

static void bodies_read_back(void **state) {
    (void)state;
    uint64_t seed = 1;
    static char text[3000];
    for (int i = 0; i < 3000; i++) {
        size_t bytes =
            random_text(&seed, text, 1 + next_random(&seed) % (i % 10 == 0 ? 2900 : 200));
        struct bytes lines = {0}, quoted = {0}, base64 = {0}, chosen = {0}, back = {0};
        mime_put_lines(&lines, text, bytes);
        mime_put_quoted(&quoted, text, bytes);
        check_lines(&quoted, 76);
        decode_quoted(&back, quoted.at, quoted.used, false);
        assert_int_equal(back.used, lines.used);
        assert_memory_equal(back.at, lines.at == NULL ? "" : lines.at, lines.used);
        bytes_clear(&back, 1 << 20);
        mime_put_text(&base64, text, bytes, MIME_BASE64);
        check_lines(&base64, 76);
        decode_base64(&back, base64.at, base64.used);
        assert_int_equal(back.used, lines.used);
        assert_memory_equal(
            back.at == NULL ? "" : back.at, lines.at == NULL ? "" : lines.at, lines.used);
        enum mime_encoding choice = mime_encoding_choose(text, bytes);
        mime_put_text(&chosen, text, bytes, choice);
        check_lines(&chosen, choice == MIME_7BIT ? 998 : 76);
        assert_true(choice != MIME_BASE64 || base64.used <= quoted.used + 80);
        bytes_release(&lines);
        bytes_release(&quoted);
        bytes_release(&base64);
        bytes_release(&chosen);
        bytes_release(&back);
    }
}

/* Reads a header value back: unfolds, decodes encoded words, drops blanks between two of them;
 * checks the limits on the way. */
static void read_header(const struct bytes *value, size_t column, struct bytes *out) {
    bool word_before = false;
    for (size_t i = 0; i < value->used;) {
        if (value->at[i] == '\r') {
            assert_true(column <= 998 && i + 2 < value->used && value->at[i + 1] == '\n' &&
                        value->at[i + 2] == ' ');
            i += 2;
            column = 0;
            continue;
        }
        if (i + 10 < value->used && memcmp(value->at + i, "=?UTF-8?", 8) == 0) {
            const char *end = strstr(value->at + i + 10, "?=");
            assert_non_null(end);
            size_t word = (size_t)(end + 2 - (value->at + i));
            assert_true(word <= 75 && column + word <= 76);
            if (word_before) { /* the blank between them does not count */
                assert_true(out->used > 0 && out->at[out->used - 1] == ' ');
                out->used--;
            }
            size_t before = out->used;
            if (value->at[i + 8] == 'B') {
                decode_base64(out, value->at + i + 10, word - 12);
            } else {
                decode_quoted(out, value->at + i + 10, word - 12, true);
            }
            /* Cut between characters: what the word holds begins with one and ends with a whole
             * one. */
            assert_true(((unsigned char)out->at[before] & 0xc0) != 0x80);
            size_t tail = out->used - 1;
            while (tail > before && ((unsigned char)out->at[tail] & 0xc0) == 0x80) {
                tail--;
            }
            unsigned char lead = (unsigned char)out->at[tail];
            assert_int_equal(out->used - tail, lead < 0x80   ? 1
                                               : lead < 0xe0 ? 2
                                               : lead < 0xf0 ? 3
                                                             : 4);
            i += word;
            column += word;
            word_before = true;
            continue;
        }
        if (value->at[i] != ' ') {
            word_before = false;
        }
        bytes_put_char(out, value->at[i++]);
        column++;
    }
}

static void headers_read_back(void **state) {
    (void)state;
    uint64_t seed = 3;
    static char text[600];
    for (int i = 0; i < 20000; i++) {
        size_t bytes = random_text(&seed, text, 1 + next_random(&seed) % 400), kept = 0;
        for (size_t k = 0; k < bytes; k++) { /* a header has one line */
            if (text[k] != '\r' && text[k] != '\n' && text[k] != '\t') {
                text[kept++] = text[k];
            }
        }
        struct bytes value = {0}, back = {0};
        bytes_put_text(&back, "");
        size_t column = 9;
        mime_put_header_text(&value, (struct lantoa_str){text, kept}, column);
        bytes_put_text(&value, "");
        read_header(&value, column, &back);
        if (back.used != kept || memcmp(back.at, text, kept) != 0) {
            fail_msg(
                "\"%.*s\" came back as \"%s\" from \"%s\"", (int)kept, text, back.at, value.at);
        }
        bytes_release(&value);
        bytes_release(&back);
    }
}

static void phrases(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"Nguyen Van A", "Nguyen Van A"}, {"A, B", "\"A, B\""},
        {"say \"hi\"\\", "\"say \\\"hi\\\"\\\\\""}, {"Hoà", "=?UTF-8?Q?Ho=C3=A0?="},
        {"Nguyễn Hoà", "=?UTF-8?B?Tmd1eeG7hW4gSG/DoA==?="}, {"A =?x", "=?UTF-8?B?QSA9P3g=?="}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};
        mime_put_phrase(&out, str(cases[i][0]), 4);
        assert_string_equal(out.at, cases[i][1]);
        bytes_release(&out);
    }
}

static void parameters(void **state) {
    (void)state;
    struct bytes out = {0};
    mime_put_parameter(&out, "filename", str("a.pdf"));
    mime_put_parameter(&out, "filename", str("Thư \"mời\".pdf"));
    assert_string_equal(
        out.at, ";\r\n filename=\"a.pdf\";\r\n filename*=UTF-8''Th%C6%B0%20%22m%E1%BB%9Di%22.pdf");
    bytes_clear(&out, 1 << 20);
    mime_put_parameter(&out, "name", str("Thông báo về việc hỗ trợ đóng bảo hiểm xã hội.docx"));
    for (const char *line = out.at; line != NULL; line = strstr(line + 1, "\r\n ")) {
        const char *next = strstr(line + 1, "\r\n");
        assert_true((next == NULL ? strlen(line) : (size_t)(next - line)) <= 80);
    }
    assert_non_null(strstr(out.at, "name*0*=UTF-8''Th"));
    assert_non_null(strstr(out.at, "name*1*="));
    bytes_release(&out);
}

static void dates(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {1795443448000, "Mon, 23 Nov 2026 14:17:28 +0000"},
        {1709164799000, "Wed, 28 Feb 2024 23:59:59 +0000"},
        {1709164800000, "Thu, 29 Feb 2024 00:00:00 +0000"},
        {1735689599999, "Tue, 31 Dec 2024 23:59:59 +0000"},
        {4102444800000, "Fri, 1 Jan 2100 00:00:00 +0000"},
        {4107542400000, "Mon, 1 Mar 2100 00:00:00 +0000"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};
        mime_put_date(&out, cases[i].ms);
        assert_string_equal(out.at, cases[i].text);
        bytes_release(&out);
    }
}

static void stuffing(void **state) {
    (void)state;
    static const char *const cases[][2] = {{".\r\n", "..\r\n"},
        {"a\r\n.b\r\n..\r\n", "a\r\n..b\r\n...\r\n"}, {"a.b\r\nc.\r\n", "a.b\r\nc.\r\n"}, {"", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};
        smtp_put_stuffed(&out, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(out.at, cases[i][1]);
        bytes_release(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors),
        cmocka_unit_test(one_byte_decides), cmocka_unit_test(bodies_read_back),
        cmocka_unit_test(headers_read_back), cmocka_unit_test(phrases),
        cmocka_unit_test(parameters), cmocka_unit_test(dates), cmocka_unit_test(stuffing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
