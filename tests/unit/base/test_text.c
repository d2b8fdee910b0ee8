#include "support.h"

#include "base/name_order.h"
#include "base/text.h"

#include <uninorm.h>

static void valid_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        {"", 0},
        {"ascii only and longer than eight", 32},
        {"tiếng Việt", 14},
        {"\xf0\x9f\x98\x80", 4},         /* U+1F600 */
        {"\xf4\x8f\xbf\xbf", 4},         /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0},         /* beyond it */
        {"ab\xc0\xaf", 2},               /* overlong '/' */
        {"\xe0\x9f\xbf", 0},             /* overlong */
        {"\xf0\x8f\xbf\xbf", 0},         /* overlong */
        {"\xed\xa0\x80", 0},             /* surrogate */
        {"\xed\x9f\xbf\xee\x80\x80", 6}, /* its neighbours */
        {"12345678\xff", 8},
        {"abc\x80", 3},
        {"a\xe1\xbb", 1},
        {"a\xc3", 1},
        {"\xe1\xbb\xbf\xe1", 3},
        {"12345678"
         "1234567\xe1\xbb\xbf"
         "9",
            19},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str text = str_from(cases[i].text);
        assert_int_equal(base_utf8_valid_bytes(text), cases[i].valid);
        assert_int_equal(base_utf8_valid(text), cases[i].valid == text.bytes);
    }
    /* A NUL is a character like others. */
    assert_true(base_utf8_valid(str_of("a\0b", 3)));
}

static void every_code_point_round_trips(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 16);
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }
        base_buf_clear(&buf);
        base_utf8_add(&buf, c);
        size_t pos = 0;
        if (!base_utf8_valid(base_buf_str(&buf)) || base_utf8_next(base_buf_str(&buf), &pos) != c ||
            pos != buf.bytes) {
            fail_msg("U+%04X", (unsigned)c);
        }
    }
    base_buf_clear(&buf);
    base_utf8_add(&buf, 0xd800);
    base_utf8_add(&buf, 0x110000);
    assert_string_equal(base_buf_text(&buf), "\xef\xbf\xbd\xef\xbf\xbd");
    base_buf_release(&buf);
}

static void borders(void **state) {
    (void)state;
    struct str text = STR("aếb"); /* 1 + 3 + 1 bytes */
    assert_int_equal(base_utf8_cut(text, 0), 0);
    assert_int_equal(base_utf8_cut(text, 1), 1);
    assert_int_equal(base_utf8_cut(text, 2), 1);
    assert_int_equal(base_utf8_cut(text, 3), 1);
    assert_int_equal(base_utf8_cut(text, 4), 4);
    assert_int_equal(base_utf8_cut(text, 5), 5);
    assert_int_equal(base_utf8_cut(text, 99), 5);
    assert_int_equal(base_utf8_cut(STR("\xf0\x9f\x98\x80z"), 3), 0);
    /* What is no UTF-8 is still cut somewhere. */
    assert_int_equal(base_utf8_cut(STR("\x80\x80\x80\x80\x80\x80\x80\x80"), 6), 6);
    assert_int_equal(base_utf8_count(STR("aếb\xf0\x9f\x98\x80")), 4);
    assert_int_equal(base_utf8_count(STR("")), 0);
    size_t pos = 2;
    assert_int_equal(base_utf8_next(text, &pos), 0xfffd);
    assert_int_equal(pos, 3);
    pos = 5;
    assert_int_equal(base_utf8_next(text, &pos), 0xfffd);
    assert_int_equal(pos, 5);
}

typedef int transform(struct base_buf *buf, struct str text);

static void becomes(transform *act, const char *text, const char *expected) {
    struct base_buf buf;
    base_buf_init(&buf, 10000);
    base_buf_add_text(&buf, ">");
    assert_int_equal(act(&buf, str_from(text)), 0);
    assert_string_equal(base_buf_text(&buf) + 1, expected);
    base_buf_release(&buf);
}

static void composing(void **state) {
    (void)state;
    becomes(base_text_nfc, "", "");
    becomes(base_text_nfc, "plain", "plain");
    becomes(base_text_nfc, "Nguyễn Thị Hoà", "Nguyễn Thị Hoà");
    becomes(base_text_nfc, "Vie\xcc\xa3\xcc\x82t", "Việt");
    becomes(base_text_nfc, "Vie\xcc\x82\xcc\xa3t", "Việt"); /* the marks in the other order */
    becomes(base_text_nfc, "\xc3\xaa\xcc\xa3", "ệ");        /* half composed */
    becomes(base_text_nfc, "giá 5 ₫ – “rẻ”", "giá 5 ₫ – “rẻ”");
    becomes(base_text_nfc, "\xe2\x80\x80x", "\xe2\x80\x82x"); /* U+2000 has another form */
    becomes(base_text_nfc, "\xe2\x84\xab", "\xc3\x85");       /* the ångström sign */
    struct base_buf buf;
    base_buf_init(&buf, 5);
    assert_int_equal(base_text_nfc(&buf, STR("a\xff")), LANTOA_EINVAL);
    assert_int_equal(base_text_nfc(&buf, STR("a\xcc\x81\xff")), LANTOA_EINVAL);
    assert_int_equal(buf.bytes, 0);
    assert_int_equal(base_text_nfc(&buf, STR("123456")), LANTOA_ELIMIT);
    base_buf_clear(&buf);
    assert_int_equal(base_text_nfc(&buf, STR("e\xcc\x81"
                                             "12345")),
        LANTOA_ELIMIT);
    base_buf_release(&buf);
}

/* The short cut for stable characters must agree with libunistring on every one of them, alone and
 * before a mark. */
static void composing_agrees_with_the_library(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 100);
    for (uint32_t c = 0x20; c < 0x3100; c++) {
        for (int with_mark = 0; with_mark < 2; with_mark++) {
            char text[8];
            struct base_buf in;
            base_buf_init(&in, sizeof(text));
            base_utf8_add(&in, c);
            if (with_mark) {
                base_utf8_add(&in, 0x301);
            }
            uint8_t expected[64];
            size_t bytes = sizeof(expected);
            assert_ptr_equal(
                u8_normalize(UNINORM_NFC, (const uint8_t *)in.at, in.bytes, expected, &bytes),
                expected);
            base_buf_clear(&buf);
            assert_int_equal(base_text_nfc(&buf, base_buf_str(&in)), 0);
            if (!str_eq(base_buf_str(&buf), str_of((const char *)expected, bytes))) {
                fail_msg("U+%04X", (unsigned)c);
            }
            base_buf_release(&in);
        }
    }
    base_buf_release(&buf);
}

static void keys(void **state) {
    (void)state;
    becomes(base_text_key, "Nguyễn  Thị Hoà", "nguyen thi hoa");
    becomes(base_text_key, "  ĐỒNG\tHƯNG \r\n", "dong hung");
    becomes(base_text_key, "Vie\xcc\xa3\xcc\x82t Nam", "viet nam");
    becomes(base_text_key, "\xc2\xa0Lục\xc2\xa0\xe3\x80\x80Ngạn\xc2\xa0", "luc ngan");
    becomes(base_text_key, "", "");
    becomes(base_text_key, "   ", "");
    becomes(base_text_key, "Tr\xe1\xba\xa7n-Văn A1", "tran-van a1");
    becomes(base_text_key, "\xc3\x90inh", "dinh"); /* eth for đ */
    becomes(base_text_key,
        "a\xe2\x80\x8b"
        "b\xc2\xad"
        "c",
        "abc"); /* zero-width space, soft hyphen */
    becomes(base_text_key, "STRASSE Ø Œ", "strasse ø œ");
    becomes(base_text_key, "ÉLÈVE Ångström", "eleve angstrom");
    becomes(base_text_key, "ĂÂÊÔƠƯăâêôơư ẮẰẲẴẶ ệểễếề ựửữừứ ỵỷỹỳý",
        "aaeoouaaeoou aaaaa eeeee uuuuu yyyyy");
    becomes(base_text_key, "Ж", "ж");
    becomes(base_text_key, "한", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"); /* jamo */
    becomes(base_text_key, "\xf0\x9f\x98\x80 ok", "\xf0\x9f\x98\x80 ok");
    /* Khmer vowels are no accents: កា and កិ stay apart. */
    becomes(base_text_key, "កា កិ", "កា កិ");
    struct base_buf buf;
    base_buf_init(&buf, 3);
    assert_int_equal(base_text_key(&buf, STR("a\xff")), LANTOA_EINVAL);
    base_buf_clear(&buf);
    assert_int_equal(base_text_key(&buf, STR("ằằằ")), 0);
    assert_string_equal(base_buf_text(&buf), "aaa");
    assert_int_equal(base_text_key(&buf, STR("b")), LANTOA_ELIMIT);
    base_buf_release(&buf);
}

static void long_keys(void **state) {
    (void)state;
    char text[3001], expected[1001];
    for (size_t i = 0; i < 1000; i++) {
        memcpy(text + i * 3, "ế", 3);
        expected[i] = 'e';
    }
    text[3000] = '\0';
    expected[1000] = '\0';
    becomes(base_text_key, text, expected);
    becomes(base_text_strip, text, expected);
}

static void stripping(void **state) {
    (void)state;
    becomes(base_text_strip, "Đồng Hưng", "Dong Hung");
    becomes(base_text_strip, "  Giữ  nguyên\tCÁCH viết ", "  Giu  nguyen\tCACH viet ");
    becomes(base_text_strip, "Vie\xcc\xa3\xcc\x82t", "Viet");
    becomes(base_text_strip, "đĐ ₫", "dD ₫");
    becomes(base_text_strip,
        "no\xc2\xa0"
        "break",
        "no\xc2\xa0"
        "break");
}

/* Every letter of the Vietnamese alphabet, by hand, so that table and library cannot err together.
 */
static void the_alphabet(void **state) {
    (void)state;
    static const struct {
        const char *letters, *base;
    } rows[] = {
        {"àáảãạăằắẳẵặâầấẩẫậ", "a"},
        {"èéẻẽẹêềếểễệ", "e"},
        {"ìíỉĩị", "i"},
        {"òóỏõọôồốổỗộơờớởỡợ", "o"},
        {"ùúủũụưừứửữự", "u"},
        {"ỳýỷỹỵ", "y"},
        {"đ", "d"},
        {"ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬ", "A"},
        {"ÈÉẺẼẸÊỀẾỂỄỆ", "E"},
        {"ÌÍỈĨỊ", "I"},
        {"ÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢ", "O"},
        {"ÙÚỦŨỤƯỪỨỬỮỰ", "U"},
        {"ỲÝỶỸỴ", "Y"},
        {"Đ", "D"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str letters = str_from(rows[i].letters);
        for (size_t pos = 0; pos < letters.bytes;) {
            size_t from = pos;
            base_utf8_next(letters, &pos);
            char letter[8] = {0}, key[2] = {rows[i].base[0], 0};
            memcpy(letter, letters.at + from, pos - from);
            becomes(base_text_strip, letter, key);
            key[0] = (char)(key[0] | 0x20);
            becomes(base_text_key, letter, key);
        }
    }
}

static void controls(void **state) {
    (void)state;
    assert_false(base_text_has_control(STR("tab\tcr\r lf\n tiếng Việt")));
    assert_true(base_text_has_control(str_of("a\0b", 3)));
    assert_true(base_text_has_control(STR("\x1b[31m")));
    assert_true(base_text_has_control(STR("\x7f")));
    assert_true(base_text_has_control(STR("\xc2\x85")));
    assert_false(base_text_has_control(STR("\xc2\xa0")));
}

static void escapes(void **state) {
    (void)state;
    struct base_buf buf;
    base_buf_init(&buf, 1000);
    base_text_json(&buf, STR("a\"b\\c\n\r\t\x01\0z \x7f tiếng \xff."));
    assert_string_equal(
        base_buf_text(&buf), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u0000z \x7f tiếng \xef\xbf\xbd.\"");
    base_buf_clear(&buf);
    base_text_json(&buf, STR(""));
    assert_string_equal(base_buf_text(&buf), "\"\"");
    base_buf_clear(&buf);
    base_text_html(&buf, STR("<a href=\"x\">'Tôi & bạn'</a>"));
    assert_string_equal(
        base_buf_text(&buf), "&lt;a href=&quot;x&quot;&gt;&#39;Tôi &amp; bạn&#39;&lt;/a&gt;");
    base_buf_clear(&buf);
    base_text_html(&buf, str_from(NULL));
    assert_int_equal(buf.bytes, 0);
    base_buf_release(&buf);
}

static int name_order(const char *one, const char *other) {
    struct base_buf a, b;
    base_buf_init(&a, 1000);
    base_buf_init(&b, 1000);
    assert_int_equal(base_name_order(&a, str_from(one)), 0);
    assert_int_equal(base_name_order(&b, str_from(other)), 0);
    size_t shorter = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = memcmp(a.at, b.at, shorter);
    order = order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
    base_buf_release(&a);
    base_buf_release(&b);
    return (order > 0) - (order < 0);
}

static void names_in_order(void **state) {
    (void)state;
    /* Given name first; letters before tones; then the family name. */
    static const char *const list[] = {"Nguyễn Văn An", "Trần An", "Lê Thị Ân", "Nguyễn Anh",
        "Đỗ Bình", "Nguyễn Thị Cúc", "Lê Dung", "Lê Dũng", "An Đào", "Vũ Giang", "Phạm Hoa",
        "Nguyễn Thị Hoà", "Trần Hoá", "Lý Long", "Lý Lộc", "Ngô Oanh", "Ngô Ôn", "Ngô Ơn",
        "Bùi Thuỷ", "Bùi Thuý", "Bùi Thuỵ", "Hà Tư", "Mai Yến"};
    for (size_t i = 0; i + 1 < sizeof(list) / sizeof(list[0]); i++) {
        if (i + 1 == 2 || i + 1 == 3) {
            continue; /* Ân and Anh, below */
        }
        if (name_order(list[i], list[i + 1]) >= 0) {
            fail_msg("%s is not before %s", list[i], list[i + 1]);
        }
    }
    assert_int_equal(name_order("Lê Thị Ân", "Nguyễn Anh"), 1);
    assert_int_equal(name_order("Nguyễn Anh", "Lê Thị Ân"), -1);
    assert_int_equal(
        name_order("Nguyễn Thị Hoà", "nguyễn  thị HÒA"), 0); /* either place, any case */
    assert_int_equal(name_order("Nguye\xcc\x82\xcc\x83n Hoa", "Nguyễn Hoa"), 0); /* NFD */
    assert_int_equal(name_order("Đinh Đạt", "Đinh Dậu"), 1);
    assert_int_equal(name_order("Hoa", "Nguyễn Hoa"), -1); /* without a family name first */
    assert_int_equal(name_order("", "An"), -1);
    assert_int_equal(name_order("Lê Иван", "Lê Yến"), 1);
    struct base_buf buf;
    base_buf_init(&buf, 100);
    assert_int_equal(base_name_order(&buf, STR("\xff")), LANTOA_EINVAL);
    base_buf_release(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_utf8),
        cmocka_unit_test(every_code_point_round_trips),
        cmocka_unit_test(borders),
        cmocka_unit_test(composing),
        cmocka_unit_test(composing_agrees_with_the_library),
        cmocka_unit_test(keys),
        cmocka_unit_test(long_keys),
        cmocka_unit_test(stripping),
        cmocka_unit_test(the_alphabet),
        cmocka_unit_test(controls),
        cmocka_unit_test(names_in_order),
        cmocka_unit_test(escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
