/* Campaign and theme files: what they give, and that every fault names file, line and field. */
#include "support.h"

#include "base/mem.h"
#include "campaign/spec.h"

/* A whole campaign, one field a line, so that the line of a fault is known. */
static const char whole[] =
    "{\n"                                         /* 1 */
    "  \"name\": \"tuoi-gia-2026\",\n"            /* 2 */
    "  \"theme\": \"diem-tua\",\n"                /* 3 */
    "  \"class\": \"state_information\",\n"       /* 4 */
    "  \"legal_basis\": \"Luật 41/2024/QH15\",\n" /* 5 */
    "  \"window\": {\"from\": \"2026-12-01\", \"to\": \"2026-12-31\", \"timezone\": "
    "\"Asia/Ho_Chi_Minh\"},\n"                                         /* 6 */
    "  \"audience\": \"not enrolled\",\n"                              /* 7 */
    "  \"holdout\": {\"percent\": 10.126, \"unit\": \"household\"},\n" /* 8 */
    "  \"budget\": {\"amount\": 5000000},\n"                           /* 9 */
    "  \"goal\": {\"enrolments\": 500},\n"                             /* 10 */
    "  \"hours\": {\"from\": \"07:30\", \"to\": \"20:00\"},\n"         /* 11 */
    "  \"steps\": [\n"                                                 /* 12 */
    "    {\"name\": \"mail-1\", \"channel\": \"email\", \"when\": {\"at\": "
    "\"2026-12-01T08:00\"},\n"                                                             /* 13 */
    "     \"expires\": \"P2D\",\n"                                                         /* 14 */
    "     \"content\": {\"vi\": {\"subject\": \"a\", \"text\": \"b\"},\n"                  /* 15 */
    "                 \"en\": {\"text\": \"c\", \"html\": \"d\"}},\n"                      /* 16 */
    "     \"attachments\": [{\"file\": \"in/logo.png\", \"content_id\": \"logo\"}]},\n"    /* 17 */
    "    {\"name\": \"mail-2\", \"channel\": \"email\",\n"                                 /* 18 */
    "     \"when\": {\"after\": \"mail-1\", \"delay\": \"P7D\"},\n"                        /* 19 */
    "     \"only_if\": \"not enrolled\",\n"                                                /* 20 */
    "     \"content\": {\"vi\": {\"text\": \"e\"}}},\n"                                    /* 21 */
    "    {\"name\": \"mail-3\", \"channel\": \"email\",\n"                                 /* 22 */
    "     \"when\": {\"rrule\": \"FREQ=WEEKLY;COUNT=2\", \"at\": \"2026-12-07T08:00\"},\n" /* 23
                                                                                            */
    "     \"content\": {\"vi\": {\"text\": \"f\"}}}\n"                                     /* 24 */
    "  ]\n"
    "}\n";

static int parse(const char *text, struct campaign_spec **spec_out, struct base_err *err) {
    struct base_json *doc = NULL;
    *err = (struct base_err){0};
    assert_ok(base_json_parse(str_from(text), "c.json", &doc, err), *err);
    int code = campaign_spec_parse(doc, spec_out, err);
    base_json_free(&doc);
    return code;
}

static void whole_file(void **state) {
    (void)state;
    struct campaign_spec *spec = NULL;
    struct base_err err;
    assert_ok(parse(whole, &spec, &err), err);
    assert_string_equal(spec->name, "tuoi-gia-2026");
    assert_string_equal(spec->theme, "diem-tua");
    assert_int_equal(spec->class, CLASS_STATE_INFORMATION);
    assert_string_equal(campaign_class_word(spec->class), "state_information");
    assert_int_equal(spec->to.day, 31);
    assert_true(spec->has_holdout);
    assert_true(spec->holdout_percent > 10.1299 && spec->holdout_percent < 10.1301);
    assert_int_equal(spec->holdout_unit, HOLDOUT_HOUSEHOLD);
    assert_int_equal(spec->budget_minor, 5000000);
    assert_string_equal(spec->budget_currency, "VND");
    assert_int_equal(spec->goal_enrolments, 500);
    assert_int_equal(spec->hours_from_min, 450);
    assert_int_equal(spec->hours_to_min, 1200);
    assert_string_equal(spec->default_lang, "vi");
    assert_int_equal(spec->step_count, 3);
    const struct campaign_step *one = &spec->steps[0];
    assert_int_equal(one->when.kind, WHEN_AT);
    assert_int_equal(one->when.at.hour, 8);
    assert_true(one->has_expires);
    assert_int_equal(one->expires.ms, 2 * 86400000);
    assert_null(one->only_if);
    assert_int_equal(one->field_count, 3);
    assert_string_equal(one->field_names[2], "html");
    assert_int_equal(one->content_count, 2);
    assert_string_equal(one->contents[1].lang, "en");
    assert_null(one->contents[1].fields[0]);
    assert_string_equal(one->contents[1].fields[1], "c");
    assert_string_equal(one->contents[1].fields[2], "d");
    assert_null(one->contents[0].fields[2]);
    assert_int_equal(one->attachment_count, 1);
    assert_string_equal(one->attachments[0].name, "logo.png");
    assert_string_equal(one->attachments[0].mime, "image/png");
    assert_string_equal(one->attachments[0].content_id, "logo");
    assert_null(one->attachments[0].sha256);
    assert_int_equal(spec->steps[1].when.kind, WHEN_AFTER);
    assert_string_equal(spec->steps[1].when.after, "mail-1");
    assert_int_equal(spec->steps[1].when.delay.ms, 7 * 86400000LL);
    assert_string_equal(spec->steps[1].only_if, "not enrolled");
    assert_int_equal(spec->steps[2].when.kind, WHEN_RRULE);
    campaign_spec_free(&spec);
    assert_null(spec);
    campaign_spec_free(&spec);
}

static void smallest_file(void **state) {
    (void)state;
    struct campaign_spec *spec = NULL;
    struct base_err err;
    assert_ok(
        parse("{\"$schema\":\"x\",\"description\":\"y\",\"name\":\"a\",\"theme\":\"t\",\"class\":"
              "\"internal\","
              "\"legal_basis\":\"b\",\"window\":{\"from\":\"2026-12-01\",\"to\":\"2026-12-01\"},"
              "\"audience\":\"all\",\"steps\":[{\"name\":\"s\",\"channel\":\"c\",\"when\":{\"at\":"
              "\"now\"},"
              "\"content\":{\"en\":{\"text\":\"\"}}}]}",
            &spec, &err),
        err);
    assert_int_equal(spec->class, CLASS_INTERNAL);
    assert_string_equal(spec->timezone, "Asia/Ho_Chi_Minh");
    assert_int_equal(spec->steps[0].when.kind, WHEN_NOW);
    assert_int_equal(spec->budget_minor, -1);
    assert_int_equal(spec->goal_enrolments, -1);
    assert_int_equal(spec->hours_from_min, -1);
    assert_false(spec->has_holdout);
    assert_string_equal(spec->default_lang, "en");
    campaign_spec_free(&spec);
}

/* A step says what the campaign says, but for what it says itself. */
static void utm(void **state) {
    (void)state;
    struct campaign_spec *spec = NULL;
    struct base_err err;
    assert_ok(
        parse(
            "{\"name\":\"a\",\"theme\":\"t\",\"class\":\"internal\",\"legal_basis\":\"b\","
            "\"window\":{\"from\":\"2026-12-01\",\"to\":\"2026-12-01\"},\"audience\":\"all\","
            "\"utm\":{\"medium\":\"chat\"},\"steps\":["
            "{\"name\":\"s\",\"channel\":\"c\",\"when\":{\"at\":\"now\"},"
            "\"content\":{\"vi\":{\"text\":\"\"}}},"
            "{\"name\":\"u\",\"channel\":\"c\",\"when\":{\"at\":\"now\"},\"utm\":{\"term\":\"x\"},"
            "\"content\":{\"vi\":{\"text\":\"\"}}},"
            "{\"name\":\"w\",\"channel\":\"c\",\"when\":{\"at\":\"now\"},\"utm\":false,"
            "\"content\":{\"vi\":{\"text\":\"\"}}}]}",
            &spec, &err),
        err);
    assert_true(spec->steps[0].utm.on);
    assert_string_equal(spec->steps[0].utm.texts[CAMPAIGN_UTM_medium], "chat");
    assert_string_equal(spec->steps[0].utm.texts[CAMPAIGN_UTM_source], "{{channel}}");
    assert_string_equal(spec->steps[0].utm.texts[CAMPAIGN_UTM_term], "");
    assert_string_equal(spec->steps[1].utm.texts[CAMPAIGN_UTM_term], "x");
    assert_string_equal(spec->steps[1].utm.texts[CAMPAIGN_UTM_medium], "chat");
    assert_false(spec->steps[2].utm.on);
    campaign_spec_free(&spec);
}

/* text with the first `from` replaced by `to`; caller owns */
static char *replaced(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    if (!at) {
        fail_msg("'%s' is not in the text", from);
    }
    return base_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static const struct {
    const char *from, *to;
    const char *fault; /* how the error begins */
    const char *part;  /* what it says */
} faults[] = {
    {"\"tuoi-gia-2026\"", "\"Tuổi già\"", "c.json:2: field name: ", "is no name"},
    {"\"tuoi-gia-2026\"", "7", "c.json:2: field name: ", "must be a text"},
    {"\"tuoi-gia-2026\"", "\" \"", "c.json:2: field name: ", "is empty"},
    {"\"name\": \"tuoi-gia-2026\",\n", "\n", "c.json:1: field name: ", "is missing"},
    {"\"theme\": \"diem-tua\",", "", "c.json:1: field theme: ", "is missing"},
    {"\"theme\":", "\"thema\":", "c.json:3: field thema: ", "did you mean 'theme'?"},
    {"\"theme\": \"diem-tua\",", "\"theme\": \"diem-tua\", \"caps\": 3,",
        "c.json:3: field caps: ", "is not known here"},
    {"state_information", "spam",
        "c.json:4: field class: ", "'spam' is not one of: state_information"},
    {"Luật 41/2024/QH15", "", "c.json:5: field legal_basis: ", "is empty"},
    {"2026-12-01\", \"to\"", "01/12/2026\", \"to\"", "c.json:6: field window.from: ", "is no date"},
    {"\"to\": \"2026-12-31\"", "\"to\": \"2026-02-30\"",
        "c.json:6: field window.to: ", "is no date"},
    {"\"to\": \"2026-12-31\"", "\"to\": \"2026-11-30\"",
        "c.json:6: field window.to: ", "ends before it begins"},
    {"\"to\": \"2026-12-31\"", "\"to\": \"2036-12-31\"",
        "c.json:6: field window.to: ", "longer than 3660 days"},
    {"\"to\": \"2026-12-31\", ", "", "c.json:6: field window.to: ", "is missing"},
    {"Asia/Ho_Chi_Minh", "Asia/Saigonn",
        "c.json:6: field window.timezone: ", "unknown time zone 'Asia/Saigonn'"},
    {"\"timezone\"", "\"time_zone\"",
        "c.json:6: field window.time_zone: ", "did you mean 'timezone'?"},
    {"\"not enrolled\",\n  \"holdout", "[],\n  \"holdout",
        "c.json:7: field audience: ", "must be a text"},
    {"10.126", "0", "c.json:8: field holdout.percent: ", "0.01 to 99.99"},
    {"10.126", "100", "c.json:8: field holdout.percent: ", "0.01 to 99.99"},
    {"10.126", "\"10\"", "c.json:8: field holdout.percent: ", "must be a number"},
    {"\"percent\": 10.126, ", "", "c.json:8: field holdout.percent: ", "must be a number"},
    {"household", "family", "c.json:8: field holdout.unit: ", "contact household place"},
    {"5000000", "-1", "c.json:9: field budget.amount: ", "whole number"},
    {"5000000", "1.5", "c.json:9: field budget.amount: ", "whole number"},
    {"{\"amount\": 5000000}", "{\"amount\": 1, \"currency\": \"vnd\"}",
        "c.json:9: field budget.currency: ", "currency"},
    {"\"goal\": {\"enrolments\": 500}", "\"utm\": {\"sourc\": \"x\"}",
        "c.json:10: field utm.sourc: ", "did you mean 'source'?"},
    {"\"goal\": {\"enrolments\": 500}", "\"utm\": {\"source\": \"{{name}}\"}",
        "c.json:10: field utm.source: ", "has no 'name'; it has: channel kind"},
    {"\"goal\": {\"enrolments\": 500}", "\"utm\": {\"term\": \"{{step\"}",
        "c.json:10: field utm.term: ", "line 1"},
    {"\"goal\": {\"enrolments\": 500}", "\"utm\": 3",
        "c.json:10: field utm: ", "must be true, false or an object"},
    {"500}", "0}", "c.json:10: field goal.enrolments: ", "from 1 to"},
    {"07:30", "25:00", "c.json:11: field hours.from: ", "no time of day"},
    {"20:00", "07:30", "c.json:11: field hours.to: ", "later than hours.from"},
    {"\"steps\": [", "\"steps\": [], \"x\": [", "c.json:12: field x: ", "not known"},
    {"\"name\": \"mail-1\"", "\"name\": \"mail 1\"",
        "c.json:13: field steps[0].name: ", "is no name"},
    {"\"channel\": \"email\", ", "", "c.json:13: field steps[0].channel: ", "is missing"},
    {"{\"at\": \"2026-12-01T08:00\"}", "{}", "c.json:13: field steps[0].when: ", "must be one of"},
    {"{\"at\": \"2026-12-01T08:00\"}", "{\"at\": \"now\", \"delay\": \"P1D\"}",
        "c.json:13: field steps[0].when: ", "must be one of"},
    {"{\"at\": \"2026-12-01T08:00\"}", "\"now\"",
        "c.json:13: field steps[0].when: ", "must be an object"},
    {"\"2026-12-01T08:00\"", "\"2026-11-30T08:00\"", "c.json:13: field steps[0].when.at: ",
        "outside the campaign's window, 2026-12-01 to 2026-12-31"},
    {"\"2026-12-01T08:00\"", "\"2027-01-01T00:00\"",
        "c.json:13: field steps[0].when.at: ", "outside the campaign's window"},
    {"\"2026-12-01T08:00\"", "\"2026-12-01\"",
        "c.json:13: field steps[0].when.at: ", "lacks the time of day"},
    {"\"2026-12-01T08:00\"", "\"2026-12-01T08:00Z\"",
        "c.json:13: field steps[0].when.at: ", "local time"},
    {"\"2026-12-01T08:00\"", "\"2026-12-01T08:00+07:00\"",
        "c.json:13: field steps[0].when.at: ", "local time"},
    {"\"2026-12-01T08:00\"", "\"morgen\"",
        "c.json:13: field steps[0].when.at: ", "no date and time"},
    {"\"P2D\"", "\"2 days\"", "c.json:14: field steps[0].expires: ", "no duration"},
    {"\"P2D\"", "\"PT0S\"", "c.json:14: field steps[0].expires: ", "longer than nothing"},
    {"\"vi\": {\"subject\"", "\"VI\": {\"subject\"",
        "c.json:15: field steps[0].content.VI: ", "no language code"},
    {"\"subject\": \"a\"", "\"Subject\": \"a\"",
        "c.json:15: field steps[0].content.vi.Subject: ", "no name of a content field"},
    {"\"subject\": \"a\"", "\"subject\": 1",
        "c.json:15: field steps[0].content.vi.subject: ", "must be a text"},
    {"{\"text\": \"c\", \"html\": \"d\"}", "{}",
        "c.json:16: field steps[0].content.en: ", "is empty"},
    {"\"file\": \"in/logo.png\"", "\"name\": \"logo.png\"",
        "c.json:17: field steps[0].attachments[0].file: ", "is missing"},
    {"\"content_id\": \"logo\"", "\"content_id\": \"lo go\"",
        "c.json:17: field steps[0].attachments[0].content_id: ", "character"},
    {"\"content_id\": \"logo\"", "\"mime\": \"png\"",
        "c.json:17: field steps[0].attachments[0].mime: ", "media type"},
    {"\"content_id\": \"logo\"", "\"name\": \"a\\nb\"",
        "c.json:17: field steps[0].attachments[0].name: ", "character"},
    {"\"content_id\": \"logo\"", "\"sha256\": \"abc\"",
        "c.json:17: field steps[0].attachments[0].sha256: ", "64 digits"},
    {"\"content_id\": \"logo\"}",
        "\"content_id\": \"logo\"}, {\"file\": \"x\", \"content_id\": \"logo\"}",
        "c.json:17: field steps[0].attachments[1].content_id: ", "used twice"},
    {"\"name\": \"mail-2\"", "\"name\": \"mail-1\"",
        "c.json:18: field steps[1].name: ", "two steps are called 'mail-1'"},
    {"\"after\": \"mail-1\"", "\"after\": \"mail-3\"",
        "c.json:19: field steps[1].when.after: ", "no earlier step 'mail-3'"},
    {"\"after\": \"mail-1\"", "\"after\": \"mail-2\"",
        "c.json:19: field steps[1].when.after: ", "no earlier step 'mail-2'"},
    {"\"P7D\"", "\"P31D\"",
        "c.json:19: field steps[1].when.delay: ", "after the end of the window"},
    {", \"delay\": \"P7D\"", "", "c.json:19: field steps[1].when: ", "must be one of"},
    {"\"only_if\": \"not enrolled\"", "\"only_if\": \"\"",
        "c.json:20: field steps[1].only_if: ", "is empty"},
    {"\"only_if\"", "\"onlyif\"", "c.json:20: field steps[1].onlyif: ", "did you mean 'only_if'?"},
    {"{\"vi\": {\"text\": \"e\"}}", "{\"en\": {\"text\": \"e\"}}",
        "c.json:21: field steps[1].content: ", "has no 'vi'"},
    {"FREQ=WEEKLY;COUNT=2", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "c.json:23: field steps[2].when.rrule: ", "is impossible"},
    {"FREQ=WEEKLY;COUNT=2", "weekly",
        "c.json:23: field steps[2].when.rrule: ", "no recurrence rule"},
    {", \"at\": \"2026-12-07T08:00\"", "", "c.json:23: field steps[2].when: ", "must be one of"},
};

static void every_fault_has_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct campaign_spec *spec = NULL;
        struct base_err err;
        char *text = replaced(whole, faults[i].from, faults[i].to);
        int code = parse(text, &spec, &err);
        if (code != LANTOA_EINVAL || spec ||
            strncmp(err.text, faults[i].fault, strlen(faults[i].fault)) != 0 ||
            !strstr(err.text, faults[i].part)) {
            fail_msg("%s -> %s: %d '%s', expected '%s...%s'", faults[i].from, faults[i].to, code,
                err.text, faults[i].fault, faults[i].part);
        }
        base_free(text);
    }
}

static void not_an_object(void **state) {
    (void)state;
    static const char *const texts[] = {"[]", "{}", "[1,2]", "{\"steps\": 3}"};
    for (size_t i = 0; i < 4; i++) {
        struct campaign_spec *spec = NULL;
        struct base_err err;
        assert_int_equal(parse(texts[i], &spec, &err), LANTOA_EINVAL);
        assert_null(spec);
        assert_non_null(strstr(err.text, "c.json:1"));
    }
}

/* No single byte taken out or doubled makes the parser fall over; sanitizers watch. */
static void mangled(void **state) {
    (void)state;
    size_t count = strlen(whole);
    for (size_t at = 0; at < count; at += 3) {
        char *text = base_printf("%.*s%s", (int)at, whole, whole + at + 1 + at % 7 % (count - at));
        struct base_json *doc = NULL;
        struct campaign_spec *spec = NULL;
        struct base_err err = {0};
        if (base_json_parse(str_from(text), "c.json", &doc, &err) == 0) {
            int code = campaign_spec_parse(doc, &spec, &err);
            assert_true((code == 0) == (spec != NULL));
        }
        campaign_spec_free(&spec);
        base_json_free(&doc);
        base_free(text);
    }
}

static const char theme[] =
    "{\"name\": \"diem-tua\",\n"
    " \"title\": {\"vi\": \"Điểm tựa\", \"en\": \"Support\"},\n"
    " \"messages\": {\"vi\": [\"Một\", \"Hai\"]},\n"
    " \"partials\": {\"vi\": {\"footer\": \"{{> sign}} {{name | or \\\"bạn\\\"}}\", \"sign\": "
    "\"--\"}},\n"
    " \"materials\": [{\"name\": \"logo\", \"file\": \"logo.png\", \"mime\": \"image/png\"}]}\n";

static int theme_parse(const char *text, struct theme_spec **spec_out, struct base_err *err) {
    struct base_json *doc = NULL;
    *err = (struct base_err){0};
    assert_ok(base_json_parse(str_from(text), "t.json", &doc, err), *err);
    int code = theme_spec_parse(doc, spec_out, err);
    base_json_free(&doc);
    return code;
}

static void themes(void **state) {
    (void)state;
    struct theme_spec *spec = NULL;
    struct base_err err;
    assert_ok(theme_parse(theme, &spec, &err), err);
    assert_string_equal(spec->name, "diem-tua");
    struct theme_partials partials = {spec, "vi"};
    struct str text;
    assert_int_equal(theme_partial(&partials, STR("sign"), &text), 0);
    assert_true(str_is(text, "--"));
    assert_int_equal(theme_partial(&partials, STR("signal"), &text), LANTOA_ENOENT);
    partials.lang = "en";
    assert_int_equal(theme_partial(&partials, STR("sign"), &text), LANTOA_ENOENT);
    theme_spec_free(&spec);
    assert_null(spec);
}

static const struct {
    const char *from, *to, *fault, *part;
} theme_faults[] = {
    {"\"diem-tua\"", "\"Điểm\"", "t.json:1: field name: ", "is no name"},
    {"\"title\": {\"vi\": \"Điểm tựa\", \"en\": \"Support\"},", "",
        "t.json:1: field title: ", "is missing"},
    {"{\"vi\": \"Điểm tựa\", \"en\": \"Support\"}", "{}", "t.json:2: field title: ", "is empty"},
    {"\"Support\"", "3", "t.json:2: field title.en: ", "must be a text"},
    {"\"en\"", "\"english\"", "t.json:2: field title.english: ", "no language code"},
    {"[\"Một\", \"Hai\"]", "\"Một\"", "t.json:3: field messages.vi: ", "must be a list"},
    {"\"Hai\"", "\"\"", "t.json:3: field messages.vi[1]: ", "is empty"},
    {"> sign", "> sing", "t.json:4: field partials.vi.footer: ",
        "partial 'footer': line 1, column 1: there is no partial 'sing'"},
    {"\"--\"", "\"{{#x}}\"", "t.json:4: field partials.vi.", "section 'x' is not closed"},
    {"\"--\"", "4", "t.json:4: field partials.vi.sign: ", "must be a text"},
    {"\"file\": \"logo.png\", ", "", "t.json:5: field materials[0].file: ", "is missing"},
    {"\"materials\"", "\"material\"", "t.json:5: field material: ", "did you mean 'materials'?"},
};

static void theme_faults_have_places(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(theme_faults) / sizeof(theme_faults[0]); i++) {
        struct theme_spec *spec = NULL;
        struct base_err err;
        char *text = replaced(theme, theme_faults[i].from, theme_faults[i].to);
        int code = theme_parse(text, &spec, &err);
        if (code != LANTOA_EINVAL || spec ||
            strncmp(err.text, theme_faults[i].fault, strlen(theme_faults[i].fault)) != 0 ||
            !strstr(err.text, theme_faults[i].part)) {
            fail_msg("%s -> %s: %d '%s'", theme_faults[i].from, theme_faults[i].to, code, err.text);
        }
        base_free(text);
    }
}

static void variables(void **state) {
    (void)state;
    assert_true(campaign_variable_known(STR("today")));
    assert_true(campaign_variable_known(STR("message_key")));
    assert_false(campaign_variable_known(STR("todays")));
    assert_false(campaign_variable_known(STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file),
        cmocka_unit_test(utm),
        cmocka_unit_test(smallest_file),
        cmocka_unit_test(every_fault_has_its_place),
        cmocka_unit_test(not_an_object),
        cmocka_unit_test(mangled),
        cmocka_unit_test(themes),
        cmocka_unit_test(theme_faults_have_places),
        cmocka_unit_test(variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
