/* Texts as networks count and show them: characters, links, accents, numbers, the frame. */
#include "support.h"

#include "social.h"

static struct lantoa_str str(const char *text) {
    return social_str(text);
}

static void characters(void **state) {
    (void)state;
    assert_int_equal(text_points(str("")), 0);
    assert_int_equal(text_points(str("Điểm tựa")), 8);
    assert_int_equal(text_points(str("😀a")), 2);
    assert_int_equal(text_units(str("😀a")), 3);        /* a surrogate pair */
    assert_int_equal(text_points(str("\xff\xc3")), 1); /* no UTF-8: stays inside the text */
    assert_int_equal(text_points((struct lantoa_str){"\xf0\x9f", 2}), 1);
}

static void links(void **state) {
    (void)state;
    assert_int_equal(text_points_short_links(str("a https://x.vn/0123456789012345678901 b")), 27);
    assert_int_equal(
        text_points_short_links(str("http://x https://yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")), 47);
    assert_int_equal(text_points_short_links(str("https://")), 8); /* none */
    assert_true(text_has_link(str("xem www.bhxh.vn")));
    assert_true(text_has_link(str("xem https://bhxh.vn")));
    assert_false(text_has_link(str("xem awww.bhxh và http:/")));
}

static void numbers_and_accents(void **state) {
    static const char *const phones[] = {
        "0912345678", "gọi 0912 345 678 nhé", "0912.345-678", "84912345678"};
    static const char *const none[] = {
        "1912345678", "330.000 đồng", "12/12/2026", "091234", "0123456789012345"};
    (void)state;
    for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++) {
        assert_true(text_has_phone(str(phones[i])));
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_false(text_has_phone(str(none[i])));
    }
    assert_true(
        text_has_accent(str("đong")) && text_has_accent(str("Ấn")) && text_has_accent(str("cá")));
    assert_false(text_has_accent(str("Kinh gui ong ba × 2")));
    assert_int_equal(
        text_words(str("Nguyễn Văn A, 12 a1 xin-chào")), 3); /* A, and no a1, no xin-chào */
}

static const struct lantoa_part parts[] = {
    {{"anh.png", 7}, {"image/png", 9}, {"", 0},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02\x76", 24}},
    {{"thu.pdf", 7}, {"application/pdf", 15}, {"", 0}, {"%PDF", 4}}};
static const struct lantoa_step step = {.size = sizeof(step), .parts = parts, .part_count = 2};

static void frame(void **state) {
    char text[2000], small[40];
    struct social_look look = {.network = "Facebook",
        .sender = "BHXH",
        .title = str(""),
        .text =
            str("Bảo hiểm xã hội tự nguyện là một điểm tựa khi về già, Nhà nước cùng đóng.\n\nHết"),
        .link = str("https://bhxh.vn/a?b"),
        .button = str("Đăng ký"),
        .step = &step,
        .used = 80,
        .most = 70,
        .vietnamese = true};
    (void)state;
    look_show(&look, text, sizeof(text));
    assert_string_equal(text, "┌ Facebook · BHXH\n"
                              "│ Bảo hiểm xã hội tự nguyện là một điểm tựa khi về già, Nhà\n"
                              "│ nước cùng đóng.\n"
                              "│ \n"
                              "│ Hết\n"
                              "│ [ảnh: anh.png, 1200 × 630, 1 KiB]\n"
                              "│ [tệp: thu.pdf, 1 KiB]\n"
                              "│ ┌ bhxh.vn\n"
                              "│ └ https://bhxh.vn/a?b\n"
                              "│ ( Đăng ký )\n"
                              "└\n"
                              "80 / 70 ký tự: quá dài");
    look.text = str("Chào");
    look.vietnamese = false;
    look.pictures_first = look.link_in_text = true;
    look.button = str("");
    look.sender = "";
    look.used = 4;
    look_show(&look, text, sizeof(text));
    assert_string_equal(text, "┌ Facebook\n"
                              "│ [picture: anh.png, 1200 × 630, 1 KiB]\n"
                              "│ [file: thu.pdf, 1 KiB]\n"
                              "│ Chào\n"
                              "│\n"
                              "│ https://bhxh.vn/a?b\n"
                              "└\n"
                              "4 / 70 characters");
    for (size_t room = 0; room <= sizeof(small); room++) {
        memset(small, 'x', sizeof(small));
        look_show(&look, small, room);
        assert_true(room == 0 || memchr(small, '\0', room) != NULL);
        assert_true(room == sizeof(small) || small[room] == 'x');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(characters), cmocka_unit_test(links),
        cmocka_unit_test(numbers_and_accents), cmocka_unit_test(frame)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
