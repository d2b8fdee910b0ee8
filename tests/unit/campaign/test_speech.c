/* Numbers, dates, money, telephone numbers, abbreviations in words; reading time; tables. */
#include "support.h"

#include "base/mem.h"
#include "campaign/speech.h"

static struct speech *tables(void) {
    struct base_json *doc = NULL;
    struct speech *speech = NULL;
    struct base_err err = {0};
    assert_ok(base_json_parse(str_from(speech_default()), "speech.json", &doc, &err), err);
    assert_ok(speech_parse(doc, &speech, &err), err);
    base_json_free(&doc);
    return speech;
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        uint64_t number;
        const char *words;
    } cases[] = {{0, "không"}, {1, "một"}, {4, "bốn"}, {5, "năm"}, {10, "mười"}, {11, "mười một"},
        {14, "mười bốn"}, {15, "mười lăm"}, {20, "hai mươi"}, {21, "hai mươi mốt"},
        {24, "hai mươi tư"}, {25, "hai mươi lăm"}, {55, "năm mươi lăm"}, {91, "chín mươi mốt"},
        {100, "một trăm"}, {101, "một trăm linh một"}, {105, "một trăm linh năm"},
        {104, "một trăm linh bốn"}, {110, "một trăm mười"}, {115, "một trăm mười lăm"},
        {121, "một trăm hai mươi mốt"}, {999, "chín trăm chín mươi chín"}, {1000, "một nghìn"},
        {1001, "một nghìn không trăm linh một"}, {1010, "một nghìn không trăm mười"},
        {2026, "hai nghìn không trăm hai mươi sáu"}, {10000, "mười nghìn"},
        {33000, "ba mươi ba nghìn"}, {1000000, "một triệu"},
        {1050000, "một triệu không trăm năm mươi nghìn"},
        {1000005, "một triệu không trăm linh năm"}, {46800000, "bốn mươi sáu triệu tám trăm nghìn"},
        {1000000000, "một tỷ"}, {UINT64_C(1000000001), "một tỷ không trăm linh một"},
        {UINT64_C(2500000000000), "hai nghìn năm trăm tỷ"},
        {UINT64_C(18446744073709551615),
            "mười tám tỷ bốn trăm bốn mươi sáu triệu bảy trăm bốn mươi tư nghìn không trăm bảy "
            "mươi ba tỷ bảy trăm linh chín triệu năm trăm năm mươi mốt nghìn sáu trăm mười lăm"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_buf out;
        base_buf_init(&out, 1000);
        speech_number(cases[i].number, &out);
        assert_string_equal(base_buf_text(&out), cases[i].words);
        base_buf_release(&out);
    }
}

static const struct {
    const char *text, *words;
} texts[] = {
    /* numbers */
    {"15 người", "mười lăm người"},
    {"500.000 người", "năm trăm nghìn người"},
    {"1.234.567", "một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy"},
    {"1,234,567 người", "một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy người"},
    {"500,000 người", "năm trăm nghìn người"},
    {"3,66", "ba phẩy sáu mươi sáu"},
    {"0,05", "không phẩy không năm"},
    {"2.5 lần", "hai phẩy năm lần"},
    {"3,141", "ba phẩy một bốn một"},
    {"-5 độ", "năm độ"},
    {"lạnh -5 độ", "lạnh âm năm độ"},
    {"05 ngày", "năm ngày"},
    {"18-60 tuổi", "mười tám đến sáu mươi tuổi"},
    {"2026 – 2030", "hai nghìn không trăm hai mươi sáu đến hai nghìn không trăm ba mươi"},
    {"lần thứ 1, thứ 4", "lần thứ nhất, thứ tư"},
    {"1/2 số hộ", "một phần hai số hộ"},
    {"trực 24/7", "trực hai mươi tư trên bảy"},
    /* percents, money, units */
    {"20%", "hai mươi phần trăm"},
    {"20 %", "hai mươi phần trăm"},
    {"0,5%", "không phẩy năm phần trăm"},
    {"20-30%", "hai mươi đến ba mươi phần trăm"},
    {"33.000đ", "ba mươi ba nghìn đồng"},
    {"33.000 đ", "ba mươi ba nghìn đồng"},
    {"33.000 đồng", "ba mươi ba nghìn đồng"},
    {"500.000 VNĐ", "năm trăm nghìn đồng"},
    {"66.000₫/tháng", "sáu mươi sáu nghìn đồng một tháng"},
    {"500k", "năm trăm nghìn"},
    {"1,5 triệu đồng", "một phẩy năm triệu đồng"},
    {"5km", "năm ki lô mét"},
    {"5 km", "năm ki lô mét"},
    {"100m2", "một trăm mét vuông"},
    {"60 km/h", "sáu mươi ki lô mét một giờ"},
    {"2 ha", "hai héc ta"},
    {"38°C", "ba mươi tám độ xê"},
    {"10 kg/hộ", "mười ki lô gam một hộ"},
    /* dates */
    {"ngày 01/12/2026", "ngày mùng một tháng mười hai năm hai nghìn không trăm hai mươi sáu"},
    {"15/4/2026", "ngày mười lăm tháng tư năm hai nghìn không trăm hai mươi sáu"},
    {"2026-12-01", "ngày mùng một tháng mười hai năm hai nghìn không trăm hai mươi sáu"},
    {"mùng 2/9", "mùng hai tháng chín"},
    {"ngày 20/11", "ngày hai mươi tháng mười một"},
    {"từ 01/12-15/12/2026", "từ ngày mùng một tháng mười hai đến ngày mười lăm tháng mười hai năm "
                            "hai nghìn không trăm hai mươi sáu"},
    {"tháng 4", "tháng tư"},
    {"tháng 12/2026", "tháng mười hai năm hai nghìn không trăm hai mươi sáu"},
    {"12/2026", "tháng mười hai năm hai nghìn không trăm hai mươi sáu"},
    {"quý 4/2026", "quý tư năm hai nghìn không trăm hai mươi sáu"},
    {"quý IV", "quý tư"},
    {"30/2/2026", "ba mươi trên hai, hai nghìn không trăm hai mươi sáu"},
    {"khóa XV", "khóa mười lăm"},
    {"thế kỷ XXI", "thế kỷ hai mươi mốt"},
    /* times */
    {"7h30", "bảy giờ ba mươi phút"},
    {"07:00", "bảy giờ"},
    {"17g05", "mười bảy giờ năm phút"},
    {"7h-11h30", "bảy giờ đến mười một giờ ba mươi phút"},
    {"lúc 5h sáng", "lúc năm giờ sáng"},
    {"5g vàng", "năm gam vàng"},
    /* telephone numbers and other rows */
    {"0912 345 678", "không chín một hai, ba bốn năm, sáu bảy tám"},
    {"0912.345.678", "không chín một hai, ba bốn năm, sáu bảy tám"},
    {"+84912345678", "cộng tám bốn chín một, hai ba bốn, năm sáu bảy tám"},
    {"1900 9068", "một chín không không, chín không sáu tám"},
    {"gọi 115", "gọi một một năm"},
    {"CCCD 024180000001",
        "căn cước công dân không hai bốn, một tám không, không không không, không "
        "không một"},
    /* abbreviations, spelling, foreign words */
    {"BHXH tự nguyện", "bảo hiểm xã hội tự nguyện"},
    {"UBND xã", "ủy ban nhân dân xã"},
    {"trường THCS", "trường trung học cơ sở"},
    {"TP. Bắc Ninh", "thành phố Bắc Ninh"},
    {"TP.HCM", "thành phố Hồ Chí Minh"},
    {"Sở GD&ĐT", "Sở giáo dục và đào tạo"},
    {"Nghị định 159/2025/NĐ-CP",
        "Nghị định một trăm năm mươi chín năm hai nghìn không trăm hai mươi "
        "lăm, nghị định chính phủ"},
    {"số 12-KH/TU", "số mười hai kế hoạch tỉnh ủy"},
    {"HKTT", "hát ca tê tê"},
    {"khu A", "khu a"},
    {"LOA PHÁT THANH", "LOA PHÁT THANH"},
    {"TIN VUI", "TIN VUI"},
    {"Zalo, VssID", "da lô, vê ét ét ai đi"},
    {"K15", "ca mười lăm"},
    {"baohiemxahoi.gov.vn", "baohiemxahoi chấm gốp chấm vê en"},
    /* signs and lines */
    {"Mời bà con\n- đến nhà văn hóa;\n- mang CCCD.",
        "Mời bà con. đến nhà văn hóa; mang căn cước công dân."},
    {"A (hộ nghèo) đóng", "a, hộ nghèo, đóng"},
    {"ông/bà", "ông bà"},
    {"\"loa\" – tin", "loa, tin"},
    {"Chú ý!!!", "Chú ý!"},
    {"v.v.", "vân vân"},
    {"", ""},
    {"🙂 vui", "vui"},
    /* NFD becomes NFC */
    {"ba\xcc\x89o hie\xcc\x82\xcc\x89m", "bảo hiểm"},
};

static void test_expand(void **state) {
    (void)state;
    struct speech *speech = tables();
    int wrong = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct base_buf out;
        struct base_err err = {0};
        base_buf_init(&out, 100000);
        assert_ok(speech_expand(speech, "vi", str_from(texts[i].text), &out, &err), err);
        if (strcmp(base_buf_text(&out), texts[i].words) != 0) {
            print_error(
                "%s: \"%s\", not \"%s\"\n", texts[i].text, base_buf_text(&out), texts[i].words);
            wrong++;
        }
        base_buf_release(&out);
    }
    speech_free(&speech);
    assert_int_equal(wrong, 0);
}

static void test_reading_time(void **state) {
    (void)state;
    struct speech *speech = tables();
    struct speech_reading reading;
    struct base_err err = {0};
    assert_ok(
        speech_reading(speech, "vi", STR("Kính mời bà con, đúng 7h30."), &reading, &err), err);
    assert_int_equal(reading.words, 10); /* kính mời bà con đúng bảy giờ ba mươi phút */
    assert_int_equal(reading.ms, 10 * 60000 / 200 + 250 + 500);
    assert_ok(speech_reading(speech, "nut", STR("mot hai"), &reading, &err), err);
    assert_int_equal(reading.words, 2);
    assert_ok(speech_reading(speech, "en", STR("Come at 7:30."), &reading, &err), err);
    assert_int_equal(reading.words, 3);
    assert_int_equal(reading.ms, 3 * 60000 / 140 + 500);
    speech_free(&speech);
}

static void test_limits(void **state) {
    (void)state;
    struct speech *speech = tables();
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, SPEECH_OUT_MOST);
    char *large = base_alloc(SPEECH_TEXT_MOST + 2);
    memset(large, '9', SPEECH_TEXT_MOST + 1);
    assert_fault_part(speech_expand(speech, "vi", str_of(large, SPEECH_TEXT_MOST + 1), &out, &err),
        LANTOA_ELIMIT, err, "64 KiB");
    assert_ok(speech_expand(speech, "vi", str_of(large, 40000), &out, &err), err);
    assert_fault_part(
        speech_expand(speech, "vi", STR("\xff"), &out, &err), LANTOA_EINVAL, err, "UTF-8");
    assert_null(speech_language(speech, "nut"));
    assert_non_null(speech_language(speech, "vi-VN"));
    assert_null(speech_language(speech, "vie"));
    base_free(large);
    base_buf_release(&out);
    speech_free(&speech);
}

static void test_table_faults(void **state) {
    (void)state;
    static const struct {
        const char *json, *part;
    } cases[] = {{"{\"speech\": {}, \"x\": 1}", "field x: unknown field"},
        {"{\"speech\": {\"vi\":\n{\"voice\": \"-x\"}}}", "s.json:2: field speech.vi.voice"},
        {"{\"speech\": {\"vi\":\n{\"voice\": \"vi\", \"rate\": 0}}}", "field speech.vi.rate"},
        {"{\"speech\": {}, \"abbreviations\": {\"A\":\n 1}}", "s.json:2: field abbreviations.A"},
        {"{\"speech\": {}}", "field abbreviations"}, {"[]", "must be an object"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_json *doc = NULL;
        struct speech *speech = NULL;
        struct base_err err = {0};
        assert_ok(base_json_parse(str_from(cases[i].json), "s.json", &doc, &err), err);
        assert_fault_part(speech_parse(doc, &speech, &err), LANTOA_EINVAL, err, cases[i].part);
        base_json_free(&doc);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_expand), cmocka_unit_test(test_reading_time),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_table_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
