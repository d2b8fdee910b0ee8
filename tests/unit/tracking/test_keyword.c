/* Keyword rules: what fits, what does not, which wins, what a file may hold. */
#include "tracking/keyword.h"

#include "support.h"

#include "base/mem.h"

#define NOON INT64_C(1796101200000) /* 2026-12-01 12:00 in Việt Nam */

static struct keywords *read_rules(const char *text, struct base_err *err) {
    struct base_json *doc = NULL;
    struct keywords *keywords = NULL;
    if (base_json_parse(str_from(text), "keywords.json", &doc, err) == 0) {
        int rc = keywords_parse(doc, &keywords, err);
        assert_true(rc == 0 || keywords == NULL);
    }
    base_json_free(&doc);
    return keywords;
}

static const char *meaning(const struct keywords *keywords, const char *text) {
    const struct keyword_rule *rule = keywords_match(keywords, str_from(text), "sms", NOON);
    return rule ? keyword_act_word(rule->act) : "";
}

static void built_in_rules_read_what_people_write(void **state) {
    (void)state;
    static const struct {
        const char *text, *act;
    } cases[] = {
        {"TC", "opt_out"},
        {" tc. ", "opt_out"},
        {"T.C", "opt_out"},
        {"TC QC", "opt_out"},
        {"Từ chối", "opt_out"},
        {"TU CHOI", "opt_out"},
        {"tuchoi", "opt_out"},
        {"tu-choi nhan tin", "opt_out"},
        {"T\xc6\xb0\xcc\x80 ch\xc3\xb4\xcc\x81i", "opt_out"}, /* ư and ô with combining marks */
        {"Tu\xcc\x9b\xcc\x80 cho\xcc\x82\xcc\x81i nhe", "opt_out"}, /* all in NFD */
        {"STOP", "opt_out"},
        {"Stop sending me this", "opt_out"},
        {"HUY", "opt_out"},
        {"hủy", "opt_out"},
        {"huỷ", "opt_out"},
        {"DUNG", "opt_out"},
        {"Dừng!", "opt_out"},
        {"dung nhan tin", "opt_out"},
        {"DK BHXH", "interest"},
        {"dk bhxh nguyen van a", "interest"},
        {"Đăng ký", "interest"},
        {"Quan tâm ạ", "interest"},
        {"help", "help"},
        {"Trợ giúp", "help"},
        /* Nothing of this is a refusal. */
        {"Đúng", ""},
        {"ĐÚNG", ""},
        {"dung roi", ""},
        {"Đừng quên tôi nhé", ""},
        {"đừng", ""},
        {"Dũng", ""},
        {"toi muon dung lai o day", ""},
        {"khi nao thi dung", ""},
        {"Toi khong tu choi", ""},
        {"TCKT xin hoi", ""},
        {"tca", ""},
        {"xin chào", ""},
        {"help me please", ""},
        {"", ""},
        {"!!!", ""},
        {"\xff\xfe", ""},
    };
    struct base_err err = {0};
    struct keywords *keywords = read_rules(keywords_default(), &err);
    if (!keywords) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *act = meaning(keywords, cases[i].text);
        if (strcmp(act, cases[i].act) != 0) {
            fail_msg("\"%s\" is \"%s\", not \"%s\"", cases[i].text, act, cases[i].act);
        }
    }
    keywords_free(&keywords);
}

#define RULE(name, channel, match, more, patterns)                                                 \
    "{\"name\": \"" name "\", \"act\": \"opt_out\", \"channel\": \"" channel                       \
    "\", \"lang\": \"vi\", \"match\": \"" match "\", " more "\"patterns\": [" patterns             \
    "], \"confirm\": {\"vi\": \"v " name " {{received}}.\", \"en\": \"e " name "\"}}"

static const char *rule_of(
    const struct keywords *keywords, const char *text, const char *kind, int64_t now_ms) {
    const struct keyword_rule *rule = keywords_match(keywords, str_from(text), kind, now_ms);
    return rule ? rule->name : "";
}

static void the_longest_wins_then_the_channels_own(void **state) {
    (void)state;
    struct base_err err = {0};
    struct keywords *keywords = read_rules(
        "{\"keywords\": [" RULE("short", "*", "first", "", "\"TC\"") "," RULE("long", "*", "first",
            "", "\"TC QC\"") "," RULE("own", "sms", "first", "", "\"tc\"") "," RULE("old", "*",
            "whole", "\"to\": \"2026-11-30\", ",
            "\"het\"") "," RULE("new", "*", "whole", "\"from\": \"2026-12-01\", ", "\"HET\"") "]}",
        &err);
    if (!keywords) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(rule_of(keywords, "tc", "email", NOON), "short");
    assert_string_equal(rule_of(keywords, "tc", "sms", NOON), "own");
    assert_string_equal(rule_of(keywords, "TC qc nhe", "sms", NOON), "long");
    assert_string_equal(rule_of(keywords, "hết", "sms", NOON), "new");
    assert_string_equal(rule_of(keywords, "hết", "sms", NOON - 24 * 3600 * 1000), "old");
    assert_string_equal(rule_of(keywords, "hết tiền", "sms", NOON), "");
    /* The day begins at midnight in Việt Nam. */
    assert_string_equal(rule_of(keywords, "het", "sms", NOON - 12 * 3600 * 1000), "new");
    assert_string_equal(rule_of(keywords, "het", "sms", NOON - 12 * 3600 * 1000 - 1), "old");
    keywords_free(&keywords);
}

static void confirmations_say_when(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_buf text;
    struct keywords *keywords =
        read_rules("{\"keywords\": [" RULE("r", "*", "first", "", "\"TC\"") "]}", &err);
    assert_non_null(keywords);
    base_buf_init(&text, 1000);
    assert_true(keyword_confirm(keywords, &keywords->rules[0], STR("vi"), NOON, &text));
    assert_string_equal(base_buf_text(&text), "v r 01/12/2026 12:00.");
    base_buf_clear(&text);
    assert_true(keyword_confirm(keywords, &keywords->rules[0], STR(""), NOON, &text));
    assert_string_equal(base_buf_text(&text), "v r 01/12/2026 12:00.");
    base_buf_clear(&text);
    assert_true(keyword_confirm(keywords, &keywords->rules[0], STR("en"), NOON, &text));
    assert_string_equal(base_buf_text(&text), "e r");
    base_buf_release(&text);
    keywords_free(&keywords);
}

static void faults_name_line_and_field(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"keywords\": 3}", "keywords.json:1: field keywords"},
        {"[]", "must be an object"},
        {"{\"keyword\": []}", "field keyword: is no field"},
        {"{\"keywords\": [], \"timezone\": \"Mars/Base\"}", "Mars"},
        {"{\"keywords\":\n[\n" RULE("a", "*", "first", "", "\"TC\"") ",\n" RULE(
             "b", "*", "whole", "", "\"x\", \"t.c\"") "]}",
            "keywords.json:4: field keywords[1].patterns[1]: \"tc\" is a pattern of rule \"a\""},
        {"{\"keywords\":\n[" RULE("a", "*", "first", "\"to\": \"2026-12-01\", ", "\"tc\"") "," RULE(
             "b", "*", "first", "\"from\": \"2026-12-01\", ", "\"TC\"") "]}",
            "ambiguous"},
        {"{\"keywords\": [" RULE("a", "*", "first", "", "\"x\"") "," RULE(
             "a", "*", "first", "", "\"y\"") "]}",
            "two rules"},
        {"{\"keywords\": [" RULE("a", "*", "middle", "", "\"x\"") "]}", "keywords[0].match"},
        {"{\"keywords\": [" RULE("a", "*", "first", "\"colour\": 1, ", "\"x\"") "]}",
            "keywords[0].colour"},
        {"{\"keywords\": [" RULE("a", "*", "first", "\"from\": \"soon\", ", "\"x\"") "]}",
            "keywords[0].from"},
        {"{\"keywords\": [" RULE(
             "a", "*", "first", "\"from\": \"2026-12-02\", \"to\": \"2026-12-01\", ", "\"x\"") "]}",
            "keywords[0].to"},
        {"{\"keywords\": [" RULE("a", "*", "first", "", "\"...\"") "]}",
            "keywords[0].patterns[0]: has no letter"},
        {"{\"keywords\": [" RULE("a", "*", "first", "", "") "]}", "keywords[0].patterns: is empty"},
        {"{\"keywords\": [{\"name\": \"a\"}]}", "keywords[0].act: is missing"},
        {"{\"keywords\": [{\"name\": \"a\", \"act\": \"opt_out\", \"channel\": \"*\", \"lang\": "
         "\"vi\", \"match\": \"first\", \"patterns\": [\"TC\"]}]}",
            "keywords[0].confirm"},
        {"{\"keywords\": [{\"name\": \"a\", \"confirm\": {\"vi\": \"{{name}}\"}}]}",
            "keywords[0].confirm.vi"},
        {"{\"keywords\": [{\"name\": \"a\", \"confirm\": {\"fr\": \"x\"}}]}", "confirm.fr"},
        {"{\"keywords\": [{\"name\": \"a\\u0007\"}]}", "keywords[0].name"},
        {"{\"keywords\": [7]}", "keywords[0]"},
        {"{\"keywords\": [", "keywords.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_err err = {0};
        assert_null(read_rules(cases[i].text, &err));
        if (!strstr(err.text, cases[i].part)) {
            fail_msg("case %zu: \"%s\" is not in \"%s\"", i, cases[i].part, err.text);
        }
    }
}

static void the_file_is_what_is_built_in(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_json *file = NULL;
    struct base_json *own = NULL;
    char *path = base_printf("%.*s/../../../config/rules/keywords.json",
        (int)(sizeof TEST_DATA - sizeof "/data"), TEST_DATA);
    assert_ok(base_json_load(path, &file, &err), err);
    base_free(path);
    assert_ok(base_json_parse(str_from(keywords_default()), "built-in", &own, &err), err);
    assert_true(json_equal(base_json_root(file), base_json_root(own)));
    base_json_free(&file);
    base_json_free(&own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_rules_read_what_people_write),
        cmocka_unit_test(the_longest_wins_then_the_channels_own),
        cmocka_unit_test(confirmations_say_when),
        cmocka_unit_test(faults_name_line_and_field),
        cmocka_unit_test(the_file_is_what_is_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
