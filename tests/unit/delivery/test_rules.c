/* The rules of sending: reading them, finding the one that fits, opening hours. */
#include "delivery/rules.h"

#include "delivery/rules_text.h"
#include "support.h"

#define DAY_2026 INT64_C(1795000000000) /* 2026-11-18 */

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
    struct rules *rules = read_rules(rules_default(), &err);
    assert_non_null(rules);
    const struct rule *sms = rules_find(rules, "advertising", "sms", DAY_2026);
    assert_int_equal(sms->from_min, 7 * 60);
    assert_int_equal(sms->to_min, 22 * 60);
    assert_true(sms->consent);
    assert_int_equal(sms->cap_count, 1);
    assert_int_equal(sms->caps[0].messages, 3);
    assert_true(sms->caps[0].period_ms == INT64_C(86400000));
    assert_true(rules_find(rules, "advertising", "zalo", DAY_2026)->consent);
    const struct rule *free_of_rules = rules_find(rules, "internal", "email", DAY_2026);
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
        {"{\"rules\":\n[{\"class\": \"advertisin\",\n \"channel\": \"*\"}]}",
            "rules.json:2: field rules[0].class"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"*\", \"from\": \"2026-13-01\"}]}",
            "rules[0].from"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"*\", \"from\": \"2026-12-02\", "
         "\"to\": \"2026-12-01\"}]}",
            "rules[0].to"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"*\", \"label\": \"{{name}}\"}]}",
            "rules[0].label"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"*\", \"refusal\": {\"vi\": "
         "\"{{name}}\"}}]}",
            "rules[0].refusal.vi"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"*\", \"refusal\": {\"vi\": \"{{#x}}\"}}]}",
            "rules[0].refusal.vi"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"*\", \"dnc_max_age_days\": 0}]}",
            "dnc_max_age_days"},
        {"{\"rules\": [{\"class\": \"*\", \"channel\": \"sms\", \"to\": \"2026-12-01\"},\n"
         "{\"class\": \"*\", \"channel\": \"*\"},\n"
         "{\"class\": \"*\", \"channel\": \"sms\",\n \"from\": \"2026-12-01\"}]}",
            "rules.json:4: field rules[2].from: overlaps rules[0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_err err = {0};
        assert_null(read_rules(cases[i].text, &err));
        assert_non_null(strstr(err.text, "rules.json:"));
        assert_non_null(strstr(err.text, cases[i].part));
    }
}

static void rules_change_with_the_day(void **state) {
    (void)state;
    struct base_err err = {0};
    const struct calendar_zone *zone;
    assert_int_equal(calendar_zone_find("Asia/Ho_Chi_Minh", &zone, &err), 0);
    struct rules *rules =
        read_rules("{\"rules\": [{\"class\": \"advertising\", \"channel\": \"sms\", \"to\": "
                   "\"2026-12-31\", \"label\": \"[QC]\"}, {\"class\": \"advertising\", "
                   "\"channel\": \"sms\", \"from\": \"2027-01-01\", \"label\": \"[AD]\"}]}",
            &err);
    assert_non_null(rules);
    int64_t turn = calendar_to_ms(zone, (struct base_civil){2027, 1, 1, 0, 0, 0, 0});
    assert_string_equal(rules_find(rules, "advertising", "sms", turn - 1)->label, "[QC]");
    assert_string_equal(rules_find(rules, "advertising", "sms", turn)->label, "[AD]");
    assert_true(rules_change_at(rules, turn - 1) == turn);
    assert_true(rules_change_at(rules, turn) == INT64_MAX);
    assert_false(rules_same_texts(rules_find(rules, "advertising", "sms", turn - 1),
        rules_find(rules, "advertising", "sms", turn)));
    rules_free(&rules);
}

static void list_has_an_age(void **state) {
    (void)state;
    struct base_err err = {0};
    struct rules *rules = read_rules(rules_default(), &err);
    const struct rule *sms = rules_find(rules, "advertising", "sms", DAY_2026);
    assert_true(rules_list_old(rules, sms, DAY_2026));
    rules->dnc_day = DAY_2026 / 86400000 - 30;
    assert_false(rules_list_old(rules, sms, DAY_2026));
    rules->dnc_day--;
    assert_true(rules_list_old(rules, sms, DAY_2026));
    assert_false(rules_list_old(rules, rules_find(rules, "internal", "sms", DAY_2026), DAY_2026));
    rules_free(&rules);
}

static void put(const struct rule *rule, struct channel_content *rows, size_t count, size_t row,
    const char *text, const char *wanted) {
    const struct channel_manifest manifest = {.content = rows, .content_count = count};
    struct base_buf out;
    base_buf_init(&out, 4096);
    rules_text_put(rule, &manifest, row, "vi", "8088", str_from(text), &out);
    assert_string_equal(base_buf_text(&out), wanted);
    base_buf_release(&out);
}

static void texts_stand_first_and_last(void **state) {
    (void)state;
    struct channel_content sms[] = {{.name = (char[]){"text"}}};
    struct channel_content email[] = {{.name = (char[]){"subject"}}, {.name = (char[]){"text"}},
        {.name = (char[]){"html"}, .flags = LANTOA_CONTENT_HTML}};
    const struct rule rule = {.label = (char[]){"[QC]"},
        .refusal = {{(char[]){"en"}, (char[]){"Stop <now>: {{refusal_to}}"}}},
        .refusal_count = 1};
    const struct rule plain = {0};
    put(&rule, sms, 1, 0, "Xin chao", "[QC] Xin chao\nStop <now>: 8088");
    put(&rule, sms, 1, 0, "[QC] Xin chao. Stop <now>: 8088 ", "[QC] Xin chao. Stop <now>: 8088 ");
    put(&rule, email, 3, 0, "Thu", "[QC] Thu");
    put(&rule, email, 3, 1, "Chao\n", "Chao\nStop <now>: 8088");
    put(&rule, email, 3, 2, "<html><body>Chao</BODY></html>",
        "<html><body>Chao<p>Stop &lt;now&gt;: 8088</p></BODY></html>");
    put(&rule, email, 3, 2, "Chao", "Chao<p>Stop &lt;now&gt;: 8088</p>");
    put(&plain, sms, 1, 0, "Chao", "Chao");
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
        cmocka_unit_test(rules_change_with_the_day),
        cmocka_unit_test(list_has_an_age),
        cmocka_unit_test(texts_stand_first_and_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
