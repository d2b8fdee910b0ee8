/* Every filter, in Vietnamese and in English. */
#include "support.h"

#include "campaign/template.h"

static bool get(void *arg, int index, struct str name, struct str *value_out) {
    (void)index;
    (void)name;
    *value_out = str_from(arg);
    return true;
}

/* NULL want: the value cannot be read. */
static void expect(const char *lang, const char *filter, const char *value, const char *want) {
    char text[100];
    struct template *template = NULL;
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, 10000);
    snprintf(text, sizeof(text), "{{x | %s}}", filter);
    assert_int_equal(
        template_compile(str_from(text), TEMPLATE_TEXT, lang, NULL, NULL, &template, &err), 0);
    struct template_source source = {get, (void *)(uintptr_t)value};
    int code = template_render(template, &source, &out, &err);
    const char *got = code ? NULL : base_buf_text(&out);
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0)) {
        fail_msg("%s of '%s' in %s: expected %s, got %s (%s)", filter, value, lang,
            want ? want : "an error", got ? got : "an error", err.text);
    }
    if (code) {
        assert_int_equal(code, LANTOA_EINVAL);
    }
    template_free(&template);
    base_buf_release(&out);
}

static const struct {
    const char *filter, *value, *vietnamese, *english;
} cases[] = {
    {"number", "0", "0", "0"},
    {"number", "7", "7", "7"},
    {"number", "123", "123", "123"},
    {"number", "1234", "1.234", "1,234"},
    {"number", "1234567.5", "1.234.567,5", "1,234,567.5"},
    {"number", "1234567,5", "1.234.567,5", "1,234,567.5"},
    {"number", "1.234.567", "1.234.567", "1,234,567"},
    {"number", "1,234,567", "1.234.567", "1,234,567"},
    {"number", "1.234.567,25", "1.234.567,25", "1,234,567.25"},
    {"number", "1,234,567.25", "1.234.567,25", "1,234,567.25"},
    {"number", "-1234.50", "-1.234,5", "-1,234.5"},
    {"number", "+5", "5", "5"},
    {"number", "-0", "0", "0"},
    {"number", "007", "7", "7"},
    {"number", "0.125", "0,125", "0.125"},
    {"number", "1234.125", "1.234,125", "1,234.125"},
    {"number", " 12 ", "12", "12"},
    {"number", "12345678901234567890123", "12.345.678.901.234.567.890.123",
        "12,345,678,901,234,567,890,123"},
    {"number", "1.500", NULL, NULL}, /* 1500 or one and a half? */
    {"number", "1,500", NULL, NULL},
    {"number", "1.5.0", NULL, NULL},
    {"number", "12.34.567", NULL, NULL},
    {"number", "1.234,567.8", NULL, NULL},
    {"number", "1..5", NULL, NULL},
    {"number", "5.", NULL, NULL},
    {"number", ".5", NULL, NULL},
    {"number", "abc", NULL, NULL},
    {"number", "1e5", NULL, NULL},
    {"number", "0x10", NULL, NULL},
    {"number", "-", NULL, NULL},
    {"number", "12 000", NULL, NULL},
    {"number", "99999999999999999999999999999999999999999", NULL, NULL},
    {"money", "1234567", "1.234.567 đ", "VND 1,234,567"},
    {"money", "0", "0 đ", "VND 0"},
    {"money", "500.4", "500 đ", "VND 500"},
    {"money", "500.5", "501 đ", "VND 501"},
    {"money", "999999.5", "1.000.000 đ", "VND 1,000,000"},
    {"money", "-2500", "-2.500 đ", "VND -2,500"},
    {"money", "1.500.000", "1.500.000 đ", "VND 1,500,000"},
    {"money", "231.000", NULL, NULL},
    {"money", "abc", NULL, NULL},
    {"money", "5000 đ", NULL, NULL},
    {"percent", "3.66", "3,66 %", "3.66%"},
    {"percent", "12,5", "12,5 %", "12.5%"},
    {"percent", "100", "100 %", "100%"},
    {"percent", "x", NULL, NULL},
    {"date", "2026-11-23", "23/11/2026", "23 Nov 2026"},
    {"date", "23/11/2026", "23/11/2026", "23 Nov 2026"},
    {"date", "1/2/2026", "01/02/2026", "1 Feb 2026"},
    {"date", "2026-11-23T08:05", "23/11/2026", "23 Nov 2026"},
    {"date", "2026-11-23T23:05:00Z", "23/11/2026", "23 Nov 2026"},
    {"date", "1960", "1960", "1960"},
    {"date", "2026-02-30", NULL, NULL},
    {"date", "mai", NULL, NULL},
    {"date", "19600", NULL, NULL},
    {"datetime", "2026-11-23T08:05", "23/11/2026 08:05", "23 Nov 2026 08:05"},
    {"datetime", "2026-11-23 18:05:59", "23/11/2026 18:05", "23 Nov 2026 18:05"},
    {"datetime", "2026-11-23", "23/11/2026", "23 Nov 2026"},
    {"datetime", "1960", NULL, NULL},
    {"datetime", "2026-11-23T25:00", NULL, NULL},
    {"upper", "Nguyễn Thị Hoà đẹp", "NGUYỄN THỊ HOÀ ĐẸP", "NGUYỄN THỊ HOÀ ĐẸP"},
    {"lower", "ĐỒNG TIẾN, Ở", "đồng tiến, ở", "đồng tiến, ở"},
    {"strip", "Đồng Tiến, Yên Thế", "Dong Tien, Yen The", "Dong Tien, Yen The"},
    {"first", "Nguyễn Thị Hoà", "Hoà", "Hoà"},
    {"first", "  Lan  ", "Lan", "Lan"},
    {"url", "a b/ạ?&=~-_.Z9", "a%20b%2F%E1%BA%A1%3F%26%3D~-_.Z9",
        "a%20b%2F%E1%BA%A1%3F%26%3D~-_.Z9"},
    {"phone", "+84912345678", "0912 345 678", "0912 345 678"},
    {"phone", "0912345678", "0912 345 678", "0912 345 678"},
    {"phone", "0912.345.678", "0912 345 678", "0912 345 678"},
    {"phone", "+842438251234", "024 3825 1234", "024 3825 1234"},
    {"phone", "+842043854321", "0204 385 4321", "0204 385 4321"},
    {"phone", "+4915112345678", "+4915112345678", "+4915112345678"},
    {"phone", "12", NULL, NULL},
    {"phone", "+", NULL, NULL},
    {"phone", "+841", NULL, NULL},
    {"phone", "gọi tôi", NULL, NULL},
    {"phone", "00000000000000000000000", NULL, NULL},
};

static void every_filter(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect("vi", cases[i].filter, cases[i].value, cases[i].vietnamese);
        expect("en", cases[i].filter, cases[i].value, cases[i].english);
    }
}

static void other_languages(void **state) {
    (void)state;
    expect("en-GB", "number", "1234.5", "1,234.5");
    expect("tay", "number", "1234.5",
        "1.234,5"); /* the languages of Vietnam's peoples write numbers alike */
}

/* Each row of TEMPLATE_FILTERS is known to the compiler and has a case above. */
static void all_are_tested(void **state) {
    (void)state;
    static const char *const names[] = {
#define NAME(name) #name,
        TEMPLATE_FILTERS(NAME)
#undef NAME
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t k = 0;
        while (k < sizeof(cases) / sizeof(cases[0]) && strcmp(cases[k].filter, names[i]) != 0) {
            k++;
        }
        assert_true(k < sizeof(cases) / sizeof(cases[0]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter),
        cmocka_unit_test(other_languages),
        cmocka_unit_test(all_are_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
