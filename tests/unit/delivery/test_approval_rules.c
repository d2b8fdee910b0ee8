/* The rules of approval: what they ask of a campaign, by class, channel, size and day. */
#include "delivery/approval_rules.h"

#include "support.h"

#define ROW(fields) "{\"source\": \"x\", " fields "}"

static struct approval_rules *read_rules(const char *text, struct base_err *err) {
    struct base_json *doc = NULL;
    struct approval_rules *rules = NULL;
    if (base_json_parse(str_from(text), "a.json", &doc, err) == 0) {
        int rc = approval_rules_parse(doc, &rules, err);
        assert_true(rc == 0 || rules == NULL);
    }
    base_json_free(&doc);
    return rules;
}

static struct approval_need ask(struct approval_rules *rules, const char *class, const char *kind,
    int64_t people, int64_t day) {
    struct approval_need need;
    approval_need_init(rules, &need);
    approval_need_add(rules, class, kind, people, day, &need);
    return need;
}

static void built_in_rules_ask_two_for_an_emergency_alone(void **state) {
    (void)state;
    struct base_err err = {0};
    struct approval_rules *rules = read_rules(approval_rules_default_json, &err);
    assert_non_null(rules);
    struct approval_need plain = ask(rules, "advertising", "sms", 1000000, 20000);
    assert_int_equal(plain.approvers, 1);
    assert_true(plain.author_may && !plain.reason && plain.valid_ms == 0);
    struct approval_need alarm = ask(rules, "emergency", "sms", 1, 20000);
    assert_int_equal(alarm.approvers, 2);
    assert_true(!alarm.author_may && alarm.reason);
    assert_int_equal(alarm.valid_ms, INT64_C(86400000));
    approval_rules_free(&rules);
}

static void all_rows_that_fit_hold_together(void **state) {
    (void)state;
    struct base_err err = {0};
    struct approval_rules *rules = read_rules(
        "{\"approvals\": [" ROW(
            "\"approvers\": 1, \"author\": true, \"valid_for\": "
            "\"P14D\"") "," ROW("\"audience_above\": 100, "
                                "\"approvers\": 1, \"valid_for\": "
                                "\"P20D\"") "," ROW("\"channel\": "
                                                    "\"sms\", "
                                                    "\"audience_"
                                                    "above\": 1000, "
                                                    "\"approvers\": "
                                                    "3") "," ROW("\"class\": \"advertising\", "
                                                                 "\"approvers\": 2, \"from\": "
                                                                 "\"2026-01-01\", "
                                                                 "\"until\": "
                                                                 "\"2026-02-01\"") "]}",
        &err);
    assert_non_null(rules);
    assert_true(ask(rules, "internal", "sms", 100, 20000).author_may);
    assert_false(ask(rules, "internal", "sms", 101, 20000).author_may);
    assert_int_equal(ask(rules, "internal", "sms", 101, 20000).valid_ms, INT64_C(14) * 86400000);
    assert_int_equal(ask(rules, "internal", "sms", 1000, 20000).approvers, 1);
    assert_int_equal(ask(rules, "internal", "sms", 1001, 20000).approvers, 3);
    assert_int_equal(ask(rules, "internal", "email", 1001, 20000).approvers, 1);
    /* 2026-01-01 is day 20454. */
    assert_int_equal(ask(rules, "advertising", "email", 1, 20453).approvers, 1);
    assert_int_equal(ask(rules, "advertising", "email", 1, 20454).approvers, 2);
    assert_int_equal(ask(rules, "advertising", "email", 1, 20484).approvers, 2);
    assert_int_equal(ask(rules, "advertising", "email", 1, 20485).approvers, 1);
    approval_rules_free(&rules);
}

static void faults_name_line_and_field(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"approvals\": 3}", "a.json:1: field approvals: "},
        {"{\"approvals\": [],\n \"rules\": []}", "a.json:2: field rules: "},
        {"{\"approvals\": [\n" ROW("\"approvers\": 10") "]}",
            "a.json:2: field approvals[0].approvers"},
        {"{\"approvals\": [{\"approvers\": 1}]}", "field approvals[0].source"},
        {"{\"approvals\": [" ROW("\"approvers\": 1") ",\n" ROW("\"approvers\": 2") "]}",
            "field approvals[1].from: holds on the same days"},
        {"{\"approvals\": [7]}", "must be an object"},
        {"{\"approvals\": [], \"refuse_over_budget\": 1}", "field refuse_over_budget"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_err err = {0};
        assert_null(read_rules(cases[i].text, &err));
        if (!strstr(err.text, cases[i].words)) {
            fail_msg("\"%s\" is not in \"%s\"", cases[i].words, err.text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_rules_ask_two_for_an_emergency_alone),
        cmocka_unit_test(all_rows_that_fit_hold_together),
        cmocka_unit_test(faults_name_line_and_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
