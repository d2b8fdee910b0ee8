/* What texts cost and where they are cut: every boundary, and the letters of Vietnamese. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sms_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sms_rules plain = {.header_bytes = SMS_HEADER_8, .most_parts = SMS_PARTS_MOST};

struct prepared {
    char text[1 << 17];
    size_t bytes;
    struct sms_cost cost;
    int status;
};
static struct prepared done;

static const struct prepared *prepare(const char *text, const struct sms_rules *rules) {
    size_t bytes = strlen(text), room = sms_text_room(bytes);
    assert_true(room <= sizeof(done.text));
    char *exact = malloc(room); /* so that a byte too many is seen */
    assert_non_null(exact);
    done.status = sms_text_prepare(text, bytes, rules, exact, room, &done.bytes, &done.cost);
    assert_true(done.bytes < room);
    memcpy(done.text, exact, done.bytes + 1);
    free(exact);
    return &done;
}

/* count times the text, then the rest. */
static const char *repeated(const char *text, size_t count, const char *rest) {
    static char out[1 << 16];
    size_t bytes = strlen(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * bytes, text, bytes);
    }
    memcpy(out + count * bytes, rest, strlen(rest) + 1);
    return out;
}

static size_t parts_of(const char *text) {
    return prepare(text, &plain)->cost.parts;
}

static void parts_at_every_boundary(void **state) {
    (void)state;
    static const struct {
        const char *letter;
        size_t count, parts;
    } cases[] = {{"a", 0, 1}, {"a", 1, 1}, {"a", 160, 1}, {"a", 161, 2}, {"a", 306, 2},
        {"a", 307, 3}, {"a", 459, 3}, {"a", 460, 4}, {"ế", 70, 1}, {"ế", 71, 2}, {"ế", 134, 2},
        {"ế", 135, 3}, {"ế", 201, 3}, {"ế", 202, 4}, {"€", 80, 1}, {"€", 81, 2}, {"à", 160, 1},
        {"à", 161, 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t parts = parts_of(repeated(cases[i].letter, cases[i].count, ""));
        if (parts != cases[i].parts) {
            fail_msg("%zu times %s: %zu parts, not %zu", cases[i].count, cases[i].letter, parts,
                cases[i].parts);
        }
    }
}

static void sixteen_bit_reference_costs_an_octet(void **state) {
    (void)state;
    struct sms_rules rules = plain;
    rules.header_bytes = SMS_HEADER_16;
    assert_int_equal(prepare(repeated("a", 304, ""), &rules)->cost.parts, 2);
    assert_int_equal(prepare(repeated("a", 305, ""), &rules)->cost.parts, 3);
    assert_int_equal(prepare(repeated("ế", 132, ""), &rules)->cost.parts, 2);
    assert_int_equal(prepare(repeated("ế", 133, ""), &rules)->cost.parts, 3);
}

/* An extension letter that would lie over a cut moves on, which may cost a part. */
static void extension_letters_are_not_parted(void **state) {
    (void)state;
    const struct prepared *p = prepare(repeated("a", 152, "[QC] và nữa"), &plain);
    assert_int_equal(p->cost.coding, SMS_UCS2);
    p = prepare(repeated("a", 152, "[aaaaaaaaaaaaaaaaaaaa"), &plain);
    assert_int_equal(p->cost.coding, SMS_GSM7);
    assert_int_equal(p->cost.units, 152 + 2 + 20);
    assert_int_equal(sms_text_cut(&p->cost, p->text, p->bytes), 152);
    /* 152 + [ (153rd and 154th) + 151 more would fit in 306 septets, but not in two parts. */
    assert_int_equal(parts_of(repeated("a", 152, "[")), 1);
    char text[400];
    memset(text, 'a', sizeof(text));
    text[152] = '[';
    text[304] = '\0';
    p = prepare(text, &plain);
    assert_int_equal(p->cost.units, 305);
    assert_int_equal(p->cost.parts, 2);
    text[304] = 'a';
    text[305] = '\0';
    p = prepare(text, &plain);
    assert_int_equal(p->cost.units, 306);
    assert_int_equal(p->cost.parts, 3);
}

static void surrogates_are_not_parted(void **state) {
    (void)state;
    const struct prepared *p = prepare(repeated("ế", 66, "\xF0\x9F\x98\x80 va con nua"), &plain);
    assert_int_equal(p->cost.parts, 2);
    assert_int_equal(sms_text_cut(&p->cost, p->text, p->bytes), 66 * 3);
    assert_int_equal(parts_of(repeated("\xF0\x9F\x98\x80", 35, "")), 1);
    assert_int_equal(parts_of(repeated("\xF0\x9F\x98\x80", 36, "")), 2);
    /* 33 pairs fit into 67 units, the 67th stays empty. */
    assert_int_equal(parts_of(repeated("\xF0\x9F\x98\x80", 66, "")), 2);
    assert_int_equal(parts_of(repeated("\xF0\x9F\x98\x80", 67, "")), 3);
}

static void the_brand_tag_costs_six(void **state) {
    (void)state;
    assert_int_equal(prepare("[QC]", &plain)->cost.units, 6);
}

static const char vietnamese[] =
    "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
    "ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ";

/* One letter after the other: calls with its text of its own. */
static size_t each_letter(void (*look)(const char *letter, void *arg), void *arg) {
    size_t count = 0;
    for (size_t at = 0; vietnamese[at] != '\0'; count++) {
        char letter[5] = "";
        size_t bytes = 1;
        while (((unsigned char)vietnamese[at + bytes] & 0xC0) == 0x80) {
            bytes++;
        }
        memcpy(letter, vietnamese + at, bytes);
        at += bytes;
        look(letter, arg);
    }
    return count;
}

static void look_for_seven_bit(const char *letter, void *arg) {
    if (prepare(letter, &plain)->cost.coding == SMS_GSM7) {
        char *kept = arg;
        memcpy(kept + strlen(kept), letter, strlen(letter) + 1);
    }
}

static void look_at_stripped(const char *letter, void *arg) {
    (void)arg;
    const struct sms_rules rules = {
        .accents = SMS_ACCENTS_STRIP, .header_bytes = SMS_HEADER_8, .most_parts = SMS_PARTS_MOST};
    const struct prepared *p = prepare(letter, &rules);
    assert_int_equal(p->bytes, 1);
    assert_non_null(strchr("aeiouydAEIOUYD", p->text[0]));
    assert_int_equal(p->cost.coding, SMS_GSM7);
}

static void only_eight_accented_letters_stay_seven_bit(void **state) {
    (void)state;
    char kept[64] = "";
    assert_int_equal(each_letter(look_for_seven_bit, kept), 134);
    assert_string_equal(kept, "àèéìòùÉ");
}

static void every_letter_can_be_stripped(void **state) {
    (void)state;
    each_letter(look_at_stripped, NULL);
    const struct sms_rules rules = {
        .accents = SMS_ACCENTS_STRIP, .header_bytes = SMS_HEADER_8, .most_parts = SMS_PARTS_MOST};
    assert_string_equal(prepare("Đăng ký bảo hiểm xã hội tự nguyện", &rules)->text,
        "Dang ky bao hiem xa hoi tu nguyen");
    assert_int_equal(prepare("Đăng ký", &rules)->cost.costly, 0x0110);
}

static void letter_and_mark_count_as_one(void **state) {
    (void)state;
    /* "Tiếng Việt" taken apart, and with the marks of "ệ" in the order that is not canonical. */
    assert_string_equal(prepare("Tie\u0302\u0301ng Vie\u0323\u0302t", &plain)->text, "Tiếng Việt");
    assert_string_equal(prepare("Vie\u0302\u0323t", &plain)->text, "Việt");
    assert_int_equal(prepare("Tie\u0302\u0301ng Vie\u0323\u0302t", &plain)->cost.units, 10);
    assert_string_equal(prepare("o\u031B\u0301", &plain)->text, "ớ");
}

static void smart_characters_are_replaced_and_reported(void **state) {
    (void)state;
    const struct prepared *p = prepare("“Bao hiem” – moi nguoi…\u00A0xem ‘day’ • `x`", &plain);
    assert_string_equal(p->text, "\"Bao hiem\" - moi nguoi... xem 'day' - 'x'");
    assert_int_equal(p->cost.coding, SMS_GSM7);
    assert_int_equal(p->cost.replaced, 10);
    assert_int_equal(p->cost.replaced_first, 0x201C);
    assert_int_equal(prepare("khong co", &plain)->cost.replaced, 0);
    assert_string_equal(prepare("a\r\nb\tc\u200B", &plain)->text, "a\nb c");
}

static void the_letter_that_costs_is_named(void **state) {
    (void)state;
    const struct prepared *p = prepare("Moi nguòi hay đi", &plain);
    assert_int_equal(p->cost.costly, 0x0111);
    assert_int_equal(p->cost.costly_at, 15);
    char note[200];
    sms_text_note(&p->cost, true, note, sizeof(note));
    assert_non_null(strstr(note, "\"đ\" (thứ 15) buộc dùng UCS-2"));
    sms_text_note(&p->cost, false, note, sizeof(note));
    assert_string_equal(note, "1 parts, UCS-2, 16 letters; \"đ\" (letter 15) forces UCS-2");
    sms_text_note(&p->cost, true, note, 30); /* what does not fit is left out whole */
    assert_string_equal(note, "1 phần, UCS-2, 16 ký tự");
}

static void strip_only_when_it_is_cheaper(void **state) {
    (void)state;
    const struct sms_rules rules = {.accents = SMS_ACCENTS_STRIP_IF_CHEAPER,
        .header_bytes = SMS_HEADER_8,
        .most_parts = SMS_PARTS_MOST};
    const struct prepared *p = prepare(repeated("ế", 70, ""), &rules);
    assert_false(p->cost.stripped);
    assert_int_equal(p->cost.parts, 1);
    p = prepare(repeated("ế", 71, ""), &rules);
    assert_true(p->cost.stripped);
    assert_int_equal(p->cost.parts, 1);
    assert_int_equal(p->cost.costly, 0x1EBF);
    /* An emoji forces UCS-2 in any case: nothing is saved, the accents stay. */
    p = prepare(repeated("ế", 80, "\xF0\x9F\x98\x80"), &rules);
    assert_false(p->cost.stripped);
    assert_int_equal(p->cost.parts, 2);
}

static void limits(void **state) {
    (void)state;
    struct sms_rules rules = plain;
    rules.most_parts = 2;
    assert_int_equal(prepare(repeated("a", 306, ""), &rules)->status, LANTOA_OK);
    assert_int_equal(prepare(repeated("a", 307, ""), &rules)->status, LANTOA_ELIMIT);
    assert_int_equal(done.cost.parts, 3);
    rules = plain;
    assert_int_equal(prepare(repeated("a", 255 * 153, ""), &rules)->status, LANTOA_OK);
    assert_int_equal(prepare(repeated("a", 255 * 153 + 1, ""), &rules)->status, LANTOA_ELIMIT);
    rules.coding = SMS_CODING_GSM7;
    assert_int_equal(prepare("đ", &rules)->status, LANTOA_EINVAL);
    rules.accents = SMS_ACCENTS_STRIP_IF_CHEAPER;
    assert_int_equal(prepare("đ", &rules)->status, LANTOA_OK);
    rules = plain;
    rules.alphabet = SMS_ALPHABET_ASCII;
    assert_int_equal(prepare("e", &rules)->cost.coding, SMS_GSM7);
    assert_int_equal(prepare("é", &rules)->cost.coding, SMS_UCS2);
    rules.coding = SMS_CODING_UCS2;
    assert_int_equal(prepare("e", &rules)->cost.coding, SMS_UCS2);
    char room[4];
    size_t bytes;
    assert_int_equal(
        sms_text_prepare("abcd", 4, &plain, room, sizeof(room), &bytes, &done.cost), LANTOA_EINVAL);
}

static void octets_go_out_and_come_back(void **state) {
    (void)state;
    unsigned char octets[600];
    char back[2000];
    const char *texts[] = {"@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?",
        "¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà^{}\\[~]|€"};
    for (size_t i = 0; i < 2; i++) {
        size_t count = sms_text_encode(
            SMS_GSM7, SMS_ALPHABET_GSM, texts[i], strlen(texts[i]), octets, sizeof(octets));
        assert_true(count <= sizeof(octets));
        sms_text_decode(SMS_GSM7, SMS_ALPHABET_GSM, octets, count, back, sizeof(back));
        assert_string_equal(back, texts[i]);
    }
    static const unsigned char known[] = {0x00, 0x1B, 0x65, 0x41, 0x7F};
    assert_int_equal(
        sms_text_encode(SMS_GSM7, SMS_ALPHABET_GSM, "@€Aà", strlen("@€Aà"), octets, 9), 5);
    assert_memory_equal(octets, known, sizeof(known));
    static const unsigned char wide[] = {0x1E, 0xBF, 0xD8, 0x3D, 0xDE, 0x00};
    const char *text = "ế\xF0\x9F\x98\x80";
    assert_int_equal(
        sms_text_encode(SMS_UCS2, SMS_ALPHABET_GSM, text, strlen(text), octets, sizeof(octets)), 6);
    assert_memory_equal(octets, wide, sizeof(wide));
    sms_text_decode(SMS_UCS2, SMS_ALPHABET_GSM, octets, 6, back, sizeof(back));
    assert_string_equal(back, text);
    /* A lone surrogate, and half a letter at the end, are broken but harmless. */
    static const unsigned char broken[] = {0xD8, 0x3D, 0x00, 0x41, 0x12};
    sms_text_decode(SMS_UCS2, SMS_ALPHABET_GSM, broken, sizeof(broken), back, sizeof(back));
    assert_string_equal(back, "\xEF\xBF\xBD"
                              "A");
    assert_int_equal(sms_text_encode(SMS_GSM7, SMS_ALPHABET_LATIN1, "é", 2, octets, 9), 1);
    assert_int_equal(octets[0], 0xE9);
}

static void cuts_cover_the_text(void **state) {
    (void)state;
    const struct prepared *p =
        prepare(repeated("Ngày [1] tháng € \xF0\x9F\x98\x80 ", 40, "hết"), &plain);
    size_t at = 0, parts = 0, cut;
    while ((cut = sms_text_cut(&p->cost, p->text + at, p->bytes - at)) > 0) {
        at += cut;
        parts++;
    }
    assert_int_equal(at, p->bytes);
    assert_int_equal(parts, p->cost.parts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_at_every_boundary),
        cmocka_unit_test(sixteen_bit_reference_costs_an_octet),
        cmocka_unit_test(extension_letters_are_not_parted),
        cmocka_unit_test(surrogates_are_not_parted),
        cmocka_unit_test(the_brand_tag_costs_six),
        cmocka_unit_test(only_eight_accented_letters_stay_seven_bit),
        cmocka_unit_test(every_letter_can_be_stripped),
        cmocka_unit_test(letter_and_mark_count_as_one),
        cmocka_unit_test(smart_characters_are_replaced_and_reported),
        cmocka_unit_test(the_letter_that_costs_is_named),
        cmocka_unit_test(strip_only_when_it_is_cheaper),
        cmocka_unit_test(limits),
        cmocka_unit_test(octets_go_out_and_come_back),
        cmocka_unit_test(cuts_cover_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
