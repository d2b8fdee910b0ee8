/* Which files a network takes, what a message is quoted at, and the size of pictures. */
#include "support.h"

#include "social.h"

#define STR(text)                                                                                  \
    { text, sizeof(text) - 1 }

static void pictures(void **state) {
    static const struct {
        struct lantoa_str bytes;
        uint32_t width, height; /* 0: nothing is said */
    } cases[] = {
        {STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02\x76"), 1200, 630},
        {STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\xb0\0\0\x02"), 0, 0},
        {STR("GIF89a\x10\x01\x20\x00"), 272, 32},
        {STR("GIF89a\x10\x01\x20"), 0, 0},
        {STR("\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xff\xc2\x00\x11\x08\x01\x00\x02\x00\x03"), 512,
            256},
        {STR("\xff\xd8\xff\xc4\x00\x04\x00\x00\xff\xda\x00\x11\x08\x01\x00\x02\x00\x03"), 0, 0},
        {STR("\xff\xd8\xff\xe0\x00\x00\x00\x00\xff\xc0\x00\x11\x08\x01\x00\x02\x00\x03"), 0, 0},
        {STR("RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0f\x00\x00\x07\x00\x00"), 16, 8},
        {STR("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x0f\xc0\x01\x00\0\0\0\0\0"), 16, 8},
        {STR("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x10\x00\x08\x00"), 16, 8},
        {STR("RIFF\0\0\0\0WEBPVP9 \0\0\0\0\0\0\0\x9d\x01\x2a\x10\x00\x08\x00"), 0, 0},
        {STR("<svg/>"), 0, 0},
        {STR(""), 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct picture_size size = {0, 0};
        bool said = picture_measure(cases[i].bytes, &size);
        if (said != (cases[i].width > 0) ||
            (said && (size.width != cases[i].width || size.height != cases[i].height))) {
            fail_msg("picture %zu: %d, %u x %u", i, said, size.width, size.height);
        }
    }
}

static struct lantoa_part part(const char *name, const char *mime, size_t bytes) {
    return (struct lantoa_part){.name = social_str(name),
        .mime = social_str(mime),
        .content_id = social_str(""),
        .bytes = {"", bytes}}; /* only counted */
}

static const struct files_rule pictures_only = {.network = "Zalo",
    .most = 2,
    .picture_bytes = (size_t)1 << 20,
    .mimes = "image/jpeg image/png"};
static const struct files_rule any = {.network = "Telegram",
    .most = 2,
    .picture_bytes = (size_t)10 << 20,
    .other_bytes = (size_t)50 << 20};

static void rules(void **state) {
    struct social_words why;
    struct lantoa_part parts[3] = {part("a.png", "image/png", 1 << 20),
        part("b.jpg", "image/jpeg", 9), part("c.pdf", "application/pdf", 9)};
    struct lantoa_step step = {.size = sizeof(step), .parts = parts, .part_count = 2};
    (void)state;
    assert_true(files_check(NULL, &pictures_only, &why));
    assert_true(files_check(&step, &pictures_only, &why));
    step.part_count = 3;
    assert_false(files_check(&step, &any, &why));
    assert_string_equal(why.en, "Telegram takes at most 2 files in a message");
    assert_string_equal(why.vi, "Telegram chỉ nhận tối đa 2 tệp một tin");
    step.part_count = 1;
    parts[0] = part("c.pdf", "application/pdf", 9);
    assert_true(files_check(&step, &any, &why));
    assert_false(files_check(&step, &pictures_only, &why));
    assert_string_equal(why.en, "c.pdf: Zalo takes pictures only");
    parts[0] = part("a.gif", "image/gif", 9);
    assert_false(files_check(&step, &pictures_only, &why));
    assert_non_null(strstr(why.en, "only image/jpeg image/png"));
    parts[0] = part("a.png", "image/png", (1 << 20) + 1);
    assert_false(files_check(&step, &pictures_only, &why));
    assert_string_equal(why.vi, "a.png: Zalo chỉ nhận tệp tối đa 1 MB");
}

static void quotes(void **state) {
    struct lantoa_part gif = part("a.gif", "image/gif", 9);
    struct lantoa_step step = {.size = sizeof(step), .parts = &gif, .part_count = 0};
    struct lantoa_message message = {
        .size = sizeof(message), .lang = social_str("vi"), .step = &step};
    struct social_fit fit = {10, 10, &pictures_only};
    struct lantoa_quote quote = {.size = sizeof(quote)};
    struct social_reading end;
    (void)state;
    assert_int_equal(fit_quote(&message, &fit, 500, &quote), LANTOA_OK);
    assert_int_equal(quote.units, 1);
    assert_int_equal(quote.minor, 500);
    assert_string_equal(quote.note, "10 / 10 ký tự");
    assert_true(fit_or_refuse(&message, &fit, &end));
    fit.used = 11;
    assert_int_equal(fit_quote(&message, &fit, 0, &quote), LANTOA_ELIMIT);
    assert_string_equal(quote.note, "11 / 10 ký tự");
    assert_false(fit_or_refuse(&message, &fit, &end));
    assert_int_equal(end.reason, LANTOA_REASON_TOO_LARGE);
    fit.used = 1;
    step.part_count = 1;
    assert_int_equal(fit_quote(&message, &fit, 0, &quote), LANTOA_EINVAL);
    assert_non_null(strstr(quote.note, "không nhận ảnh loại này"));
    assert_false(fit_or_refuse(&message, &fit, &end));
    assert_int_equal(end.reason, LANTOA_REASON_CONTENT);
    assert_int_equal(end.verdict, SOCIAL_REFUSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures), cmocka_unit_test(rules), cmocka_unit_test(quotes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
