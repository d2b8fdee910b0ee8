/* What campaign_check finds with the database and the channels at hand, each with its line and
 * field. */
#include "store_fixture.h"

#include "base/hash.h"

#define GOOD "\"vi\":{\"subject\":\"s\",\"text\":\"t\"}"

/* Checks the campaign and returns the findings, NULL when there are none. Caller owns. */
static char *check(const char *path) {
    struct base_json *doc = NULL;
    struct campaign_spec *spec = NULL;
    struct base_buf findings;
    base_buf_init(&findings, 1 << 20);
    assert_ok(base_json_load(path, &doc, &err), err);
    assert_ok(campaign_spec_parse(doc, &spec, &err), err);
    int code = campaign_check(db, doc, spec, dir.path, &findings, &err);
    assert_int_equal(code, findings.bytes ? LANTOA_EINVAL : 0);
    campaign_spec_free(&spec);
    base_json_free(&doc);
    char *text = code ? base_buf_take(&findings) : NULL;
    base_buf_release(&findings);
    return text;
}

static void expect_none(const char *audience, const char *steps) {
    char *found = check(campaign_file("t", audience, steps));
    if (found) {
        fail_msg("%s", found);
    }
}

/* Exactly one finding: "PATH/campaign.json:LINE: field FIELD: ... part ..." */
static void expect_one(const char *path, int line, const char *field, const char *part) {
    char *found = check(path);
    assert_non_null(found);
    char *start = base_printf("%s/campaign.json:%d: field %s: ", dir.path, line, field);
    const char *end = strchr(found, '\n');
    if (strncmp(found, start, strlen(start)) != 0 || !strstr(found, part) || !end || end[1]) {
        fail_msg("expected %s...%s\ngot %s", start, part, found);
    }
    base_free(start);
    base_free(found);
}

static void expect_step(const char *step, const char *field, const char *part) {
    expect_one(campaign_file("t", "all", step), 4, field, part);
}

#define STEP(channel, content)                                                                     \
    "{\"name\":\"s\",\"channel\":\"" channel "\",\"when\":{\"at\":\"now\"},\"content\":{" content  \
    "}}"
#define STEP_WITH(rest)                                                                            \
    "{\"name\":\"s\",\"channel\":\"mail\",\"when\":{\"at\":\"now\"},\"content\":{" GOOD "}," rest  \
    "}"

static void good_ones(void **state) {
    (void)state;
    expect_none("all", STEP("mail", GOOD));
    expect_none("nghe = 'nông dân' and not enrolled", STEP_WITH("\"only_if\":\"not enrolled\""));
    expect_none("all",
        STEP("mail",
            "\"vi\":{\"subject\":\"{{name}} {{nghe}} {{today | date}} {{age}} "
            "{{place}}\",\"text\":\"{{> footer}}"
            "{{zzz | or "
            "\\\"\\\"}}{{#yyy}}{{yyy}}{{/yyy}}{{message_key}}{{theme}}{{campaign}}{{step}}\"}"));
    expect_none("all", STEP("sms", "\"vi\":{\"text\":\"12345678901234567890\"}"));
}

static void unknown_things(void **state) {
    (void)state;
    expect_one(campaign_file("tt", "all", STEP("mail", GOOD)), 1, "theme",
        "there is no theme 'tt' (did you mean 't'?)");
    expect_one(campaign_file("t", "nghee = 'x'", STEP("mail", GOOD)), 3, "audience", "column 1");
    expect_one(campaign_file("t", "all and (", STEP("mail", GOOD)), 3, "audience", "column 10");
    expect_one(campaign_file("t", "place under 'Atlantis'", STEP("mail", GOOD)), 3, "audience",
        "Atlantis");
    expect_step(STEP("mial", GOOD), "steps[0].channel",
        "there is no channel 'mial' (did you mean 'mail'?)");
    expect_step(STEP("pigeon", GOOD), "steps[0].channel", "there is no channel 'pigeon'");
    expect_step(STEP_WITH("\"only_if\":\"not enroled\""), "steps[0].only_if", "column");
}

static void content_rows(void **state) {
    (void)state;
    expect_step(STEP("mail", "\"vi\":{\"text\":\"t\"}"), "steps[0].content.vi.subject",
        "channel 'mail' needs 'subject'");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"  \",\"text\":\"t\"}"),
        "steps[0].content.vi.subject", "needs 'subject'");
    expect_step(STEP("mail", GOOD ",\"en\":{\"subject\":\"s\"}"), "steps[0].content.en.text",
        "needs 'text'");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"t\",\"script\":\"x\"}"),
        "steps[0].content.vi.script", "has no content field 'script'; it has: subject text html");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"a\\nb\",\"text\":\"t\"}"),
        "steps[0].content.vi.subject", "single line");
    expect_step(STEP("sms", "\"vi\":{\"text\":\"123456789012345678901\"}"),
        "steps[0].content.vi.text", "has 21 bytes, at most 20");
}

static void templates(void **state) {
    (void)state;
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"a\\n {{#x}}\"}"),
        "steps[0].content.vi.text", "line 2, column 2: section 'x' is not closed");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"{{nmae}}\",\"text\":\"t\"}"),
        "steps[0].content.vi.subject",
        "line 1, column 1: unknown attribute 'nmae' (did you mean 'name'?)");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"x {{ngeh}}\"}"),
        "steps[0].content.vi.text", "did you mean 'nghe'?");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"{{favourite_colour}}\"}"),
        "steps[0].content.vi.text", "write {{favourite_colour | or \"...\"}}");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"{{> odd}}\"}"),
        "steps[0].content.vi.text", "partial 'odd', line 1, column 1: unknown attribute 'nowhere'");
    expect_step(STEP("mail", GOOD ",\"en\":{\"subject\":\"s\",\"text\":\"{{> footer}}\"}"),
        "steps[0].content.en.text", "no partial 'footer'");
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"{{name | shout}}\"}"),
        "steps[0].content.vi.text", "unknown filter 'shout'");
}

/* Columns of the import that are no values of a contact, even where a missing value would do no
 * harm. */
static void names_that_texts_cannot_show(void **state) {
    (void)state;
    expect_step(STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"{{^enrolled}}x{{/enrolled}}\"}"),
        "steps[0].content.vi.text", "line 1, column 1: 'enrolled' cannot stand in a text");
    expect_step(
        STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"{{place_code | or \\\"x\\\"}}\"}"),
        "steps[0].content.vi.text", "'place_code' cannot stand in a text");
    expect_none(
        "all", STEP("mail", "\"vi\":{\"subject\":\"s\",\"text\":\"{{#enrolled_on}}{{enrolled_on | "
                            "date}}{{/enrolled_on}}{{^nothing_known}}x{{/nothing_known}}\"}"));
}

static void attachments(void **state) {
    (void)state;
    file("a.pdf", "hello");
    expect_none("all", STEP_WITH("\"attachments\":[{\"file\":\"a.pdf\"}]"));
    expect_step(STEP_WITH("\"attachments\":[{\"file\":\"a.pdf\"},{\"file\":\"gone.pdf\"}]"),
        "steps[0].attachments[1].file", "gone.pdf");
    expect_step(STEP_WITH("\"attachments\":[{\"file\":\"a.pdf\",\"sha256\":"
                          "\"0000000000000000000000000000000000000000000000000000000000000000\"}]"),
        "steps[0].attachments[0].file", "sha256");
    expect_step("{\"name\":\"s\",\"channel\":\"sms\",\"when\":{\"at\":\"now\"},\"content\":{\"vi\":"
                "{\"text\":\"t\"}},\"attachments\":[{\"file\":\"a.pdf\"}]}",
        "steps[0].attachments", "channel 'sms' takes no attachments");
    size_t most = (size_t)20 << 20;
    char *large = base_alloc(most + 1);
    support_file_write(support_path(&dir, "large.bin"), large, most);
    expect_none("all", STEP_WITH("\"attachments\":[{\"file\":\"large.bin\"}]"));
    expect_step(STEP_WITH("\"attachments\":[{\"file\":\"large.bin\"},{\"file\":\"a.pdf\"}]"),
        "steps[0].attachments", "20971525 bytes");
    support_file_write(support_path(&dir, "large.bin"), large, most + 1);
    expect_step(STEP_WITH("\"attachments\":[{\"file\":\"large.bin\"}]"),
        "steps[0].attachments[0].file", "large.bin");
    base_free(large);
}

/* Everything that is wrong is listed at once. */
static void all_findings(void **state) {
    (void)state;
    static const char steps[] = STEP("mail",
        "\"vi\":{\"text\":\"{{nmae}}{{> anything}}\",\"bad\":\"x\"}") ",\n{\"name\":\"s2\","
                                                                      "\"channel\":\"pigeon\","
                                                                      "\"when\":{\"at\":\"now\"},"
                                                                      "\"content\":{\"vi\":{"
                                                                      "\"text\":\"{{#x}}\"}}}";
    char *found = check(campaign_file("x-theme", "nghee = 1", steps));
    assert_non_null(found);
    static const char *const parts[] = {"field theme:", "field audience:", "content.vi.subject:",
        "content.vi.text:", "content.vi.bad:", "campaign.json:5: field steps[1].channel:",
        "field steps[1].content.vi.text:"};
    size_t lines = 0;
    for (const char *at = found; *at; at++) {
        lines += *at == '\n';
    }
    assert_int_equal(lines, 7);
    for (size_t i = 0; i < 7; i++) {
        if (!strstr(found, parts[i])) {
            fail_msg("%s lacks %s", found, parts[i]);
        }
    }
    assert_non_null(strstr(err.text, "7 faults"));
    base_free(found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_store(good_ones),
        with_store(unknown_things),
        with_store(content_rows),
        with_store(templates),
        with_store(names_that_texts_cannot_show),
        with_store(attachments),
        with_store(all_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
