/* The rules of sending: reading them, finding the one that fits, opening hours. */
#include "delivery/rules.h"

#include "support.h"

static struct rules *read_rules(const char *text, struct base_err *err) {
    struct base_json *doc = NULL;
    struct rules *rules = NULL;
    if (base_json_parse(str_from(text), "rules.json", &doc, err) == 0) {
        int rc = rules_parse(doc, &rules, err);
        assert_true(rc == 0 || rules == NULL);
    }
    base_json_free(&doc);
    return rules;
}

static void default_follows_the_decree(void **state) {
    (void)state;
    struct base_err err = {0};
    struct rules *rules = read_rules(rules_default_json, &err);
    assert_non_null(rules);
    const struct rule *sms = rules_find(rules, "advertising", "sms");
    assert_int_equal(sms->from_min, 7 * 60);
    assert_int_equal(sms->to_min, 22 * 60);
    assert_true(sms->consent);
    assert_int_equal(sms->cap_count, 1);
    assert_int_equal(sms->caps[0].messages, 3);
    assert_true(sms->caps[0].period_ms == INT64_C(86400000));
    assert_true(rules_find(rules, "advertising", "zalo")->consent);
    const struct rule *free_of_rules = rules_find(rules, "internal", "email");
    assert_int_equal(free_of_rules->from_min, -1);
    assert_int_equal(free_of_rules->cap_count, 0);
    rules_free(&rules);
}

static void faults_name_line_and_field(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"rules\":\n[{\"class\": \"x\"}]}", "rules.json:2: "},
        {"{\"rules\":\n[\n{\"class\": \"x\", \"channel\": \"*\", \"hours\": {\"from\": \"22:00\", "
         "\"to\": \"07:00\"}}]}",
            "rules[0]"},
        {"{\"rules\": [{\"class\": \"x\", \"channel\": \"*\", \"caps\": [{\"messages\": 0, "
         "\"period\": \"P1D\"}]}]}",
            "messages"},
        {"{\"rules\": [{\"class\": \"x\", \"channel\": \"*\", \"caps\": [{\"messages\": 1, "
         "\"period\": \"P1M\"}]}]}",
            "period"},
        {"{\"rules\": [{\"class\": \"x\", \"channel\": \"*\", \"colour\": 1}]}", "colour"},
        {"{\"rules\": [{\"class\": \"x\", \"channel\": \"*\", \"timezone\": \"Mars/Base\"}]}",
            "Mars"},
        {"{\"rules\": 3}", "list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_err err = {0};
        assert_null(read_rules(cases[i].text, &err));
        assert_non_null(strstr(err.text, "rules.json:"));
        assert_non_null(strstr(err.text, cases[i].part));
    }
}

static int64_t at(const struct calendar_zone *zone, int day, int hour, int minute) {
    return calendar_to_ms(zone, (struct base_civil){2026, 12, day, hour, minute, 0, 0});
}

static void doors_open_in_local_time(void **state) {
    (void)state;
    const struct calendar_zone *zone;
    struct base_err err = {0};
    assert_int_equal(calendar_zone_find("Asia/Ho_Chi_Minh", &zone, &err), 0);
    const int from = 7 * 60;
    const int to = 22 * 60;
    assert_true(rules_next_open(zone, from, to, at(zone, 1, 6, 59)) == at(zone, 1, 7, 0));
    assert_true(rules_next_open(zone, from, to, at(zone, 1, 7, 0)) == at(zone, 1, 7, 0));
    assert_true(rules_next_open(zone, from, to, at(zone, 1, 21, 59)) == at(zone, 1, 21, 59));
    assert_true(rules_next_open(zone, from, to, at(zone, 1, 22, 0)) == at(zone, 2, 7, 0));
    assert_true(rules_next_open(zone, from, to, at(zone, 31, 23, 0)) > at(zone, 31, 23, 0));
    assert_true(rules_next_open(zone, -1, -1, at(zone, 1, 3, 0)) == at(zone, 1, 3, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_follows_the_decree),
        cmocka_unit_test(faults_name_line_and_field),
        cmocka_unit_test(doors_open_in_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
