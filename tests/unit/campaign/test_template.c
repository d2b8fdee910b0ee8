/* Strict templates over flat values: what a campaign renders. */
#include "support.h"

#include "base/mem.h"
#include "campaign/template.h"

struct pair {
    const char *name, *value;
};

static bool pair_get(void *arg, int index, struct str name, struct str *value_out) {
    (void)index;
    for (const struct pair *pair = arg; pair->name; pair++) {
        if (str_is(name, pair->name)) {
            *value_out = str_from(pair->value);
            return true;
        }
    }
    return false;
}

static int partial_get(void *arg, struct str name, struct str *text_out) {
    return pair_get(arg, 0, name, text_out) ? 0 : LANTOA_ENOENT;
}

static struct pair values[] = {
    {"name", "Nguyễn Thị Hoà"},
    {"evil", "<b>\"R&D\"</b> 'x'"},
    {"empty", ""},
    {"no", "false"},
    {"zero", "0"},
    {"amount", "1234567"},
    {"due", "2026-11-23"},
    {"a.b", "dotted"},
    {NULL, NULL},
};

static struct pair partials[] = {
    {"footer", "-- \n{{name}}\n"},
    {"self", "x{{> self}}"},
    {"twice", "{{> twice2}}{{> twice2}}"},
    {"twice2", "{{> twice3}}{{> twice3}}"},
    {"twice3", "{{name}}"},
    {"broken", "one\n  {{#open}}"},
    {"unknown_inside", "{{> nowhere}}"},
    {NULL, NULL},
};

static enum template_mode mode = TEMPLATE_TEXT;
static size_t ceiling = 1 << 20;

/* Renders into the static text; the code, or the error of compiling. */
static int render(const char *text, char *out, size_t room, struct base_err *err) {
    struct template *template = NULL;
    int code = template_compile(str_from(text), mode, "vi", partial_get, partials, &template, err);
    struct base_buf buf;
    base_buf_init(&buf, ceiling);
    if (code == 0) {
        struct template_source source = {pair_get, values};
        code = template_render(template, &source, &buf, err);
    } else {
        assert_null(template);
    }
    snprintf(out, room, "%s", base_buf_text(&buf));
    base_buf_release(&buf);
    template_free(&template);
    return code;
}

static void expect(const char *text, const char *want) {
    char got[4096];
    struct base_err err = {0};
    if (render(text, got, sizeof(got), &err)) {
        fail_msg("%s: %s", text, err.text);
    }
    assert_string_equal(got, want);
}

static void expect_fault(const char *text, int code, const char *part) {
    char got[4096];
    struct base_err err = {0};
    assert_int_equal(render(text, got, sizeof(got), &err), code);
    if (!strstr(err.text, part)) {
        fail_msg("%s: '%s' lacks '%s'", text, err.text, part);
    }
}

static void values_and_escaping(void **state) {
    (void)state;
    mode = TEMPLATE_TEXT;
    expect("Chào {{name}}!", "Chào Nguyễn Thị Hoà!");
    expect("{{evil}}|{{{evil}}}|{{&evil}}",
        "<b>\"R&D\"</b> 'x'|<b>\"R&D\"</b> 'x'|<b>\"R&D\"</b> 'x'");
    expect("{{a.b}}", "dotted");
    expect("", "");
    expect("{{!a comment}}", "");
    mode = TEMPLATE_HTML;
    expect("{{evil}}", "&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt; &#39;x&#39;");
    expect("{{{evil}}}{{&evil}}", "<b>\"R&D\"</b> 'x'<b>\"R&D\"</b> 'x'");
    expect("<p>{{no | or \"<i>\"}}</p>", "<p>false</p>");
    expect("<p>{{nothing | or \"<i>\"}}</p>", "<p>&lt;i&gt;</p>");
    mode = TEMPLATE_TEXT;
}

static void missing_values(void **state) {
    (void)state;
    expect_fault("Chào {{nothing}}", LANTOA_ENOENT, "'nothing'");
    expect_fault("Chào {{empty}}", LANTOA_ENOENT, "'empty'");
    expect_fault("Chào {{{nothing}}}", LANTOA_ENOENT, "'nothing'");
    expect_fault("{{nothing | upper}}", LANTOA_ENOENT, "'nothing'");
    expect_fault("{{> footer}}{{nothing}}", LANTOA_ENOENT, "'nothing'");
    expect("Chào {{nothing | or \"bạn\"}}", "Chào bạn");
    expect("Chào {{empty|or \"bạn\"}}", "Chào bạn");
    expect("Chào {{name | or \"bạn\"}}", "Chào Nguyễn Thị Hoà");
    expect("[{{nothing | or \"\"}}]", "[]");
    expect("{{nothing | date | or \"sớm\"}}", "sớm");
    expect("{{nothing | or \"bạn\" | upper}}", "BẠN");
    expect("{{nothing | or \"5000\" | money}}", "5.000 đ");
    expect("{{nothing | or \"a|b \\\"c\\\" \\\\\"}}", "a|b \"c\" \\");
    mode = TEMPLATE_TEXT | TEMPLATE_LENIENT;
    expect("[{{nothing}}{{empty}}{{> nowhere}}]", "[]");
    mode = TEMPLATE_TEXT;
}

static void sections(void **state) {
    (void)state;
    expect("{{#name}}có{{/name}}{{^name}}không{{/name}}", "có");
    expect("{{#nothing}}có{{/nothing}}{{^nothing}}không{{/nothing}}", "không");
    expect("{{#empty}}có{{/empty}}{{^empty}}không{{/empty}}", "không");
    expect("{{#no}}có{{/no}}{{^no}}không{{/no}}", "không");
    expect("{{#zero}}có {{zero}}{{/zero}}", "có 0");
    expect("{{#name}}{{.}}{{/name}}", "Nguyễn Thị Hoà");
    expect("{{#name}}{{#amount}}{{. | money}} {{#.}}{{.}}{{/.}}{{/amount}} {{.}}{{/name}}",
        "1.234.567 đ 1234567 Nguyễn Thị Hoà");
    expect("{{#nothing}}{{also_nothing}}{{/nothing}}ok", "ok");
    expect("{{^nothing}}{{^empty}}{{name}}{{/empty}}{{/nothing}}", "Nguyễn Thị Hoà");
    expect("a\n{{#name}}\nb\n{{/name}}\nc\n", "a\nb\nc\n");
    expect_fault("{{^nothing}}{{nothing}}{{/nothing}}", LANTOA_ENOENT, "'nothing'");
}

static void filters_in_texts(void **state) {
    (void)state;
    expect("{{name | first | upper}}, {{amount | money}}, {{due | date}}",
        "HOÀ, 1.234.567 đ, 23/11/2026");
    expect("{{ name|first }}", "Hoà");
    expect("{{{name | strip}}}{{& name | strip }}", "Nguyen Thi HoaNguyen Thi Hoa");
    expect_fault("{{name | money}}", LANTOA_EINVAL, "'name': filter money");
    expect_fault("{{name | date}}", LANTOA_EINVAL, "Nguyễn Thị Hoà");
}

static void partial_texts(void **state) {
    (void)state;
    expect("Hết.\n{{> footer}}\n", "Hết.\n-- \nNguyễn Thị Hoà\n");
    expect("  {{> footer}}\nx", "  -- \n  Nguyễn Thị Hoà\nx");
    expect("{{> twice}}", "Nguyễn Thị HoàNguyễn Thị HoàNguyễn Thị HoàNguyễn Thị Hoà");
    expect_fault(
        "a\n {{> nowhere}}", LANTOA_EINVAL, "line 2, column 2: there is no partial 'nowhere'");
    expect_fault("{{> unknown_inside}}", LANTOA_EINVAL,
        "partial 'unknown_inside': line 1, column 1: there is no partial 'nowhere'");
    expect_fault("{{> broken}}", LANTOA_EINVAL,
        "partial 'broken': line 2, column 3: section 'open' is not closed");
    expect_fault("{{> self}}", LANTOA_ELIMIT, "partials within partials");
}

static void faults_have_places(void **state) {
    (void)state;
    expect_fault("a\n\n  đ {{#x}}\n", LANTOA_EINVAL, "line 3, column 5: section 'x' is not closed");
    expect_fault("{{#x}}{{/y}}", LANTOA_EINVAL, "line 1, column 7: 'y' is closed here");
    expect_fault("{{/x}}", LANTOA_EINVAL, "'x' is closed here but was not opened");
    expect_fault("{{#x}}{{#y}}{{/x}}{{/y}}", LANTOA_EINVAL, "the open section is 'y' of line 1");
    expect_fault("chào {{name", LANTOA_EINVAL, "line 1, column 6: the tag is not closed");
    expect_fault("{{{name}}", LANTOA_EINVAL, "not closed");
    expect_fault("{{! a comment", LANTOA_EINVAL, "not closed");
    expect_fault("{{=<% %>}}", LANTOA_EINVAL, "not closed");
    expect_fault("{{=<%=}}", LANTOA_EINVAL, "delimiters");
    expect_fault("{{=a b c=}}", LANTOA_EINVAL, "delimiters");
    expect_fault("{{}}", LANTOA_EINVAL, "without a name");
    expect_fault("{{#}}{{/}}", LANTOA_EINVAL, "without a name");
    expect_fault("{{>}}", LANTOA_EINVAL, "without a name");
    expect_fault("{{two words}}", LANTOA_EINVAL, "white space");
    expect_fault("{{.}}", LANTOA_EINVAL, "inside a section");
    expect_fault("{{name | shout}}", LANTOA_EINVAL, "unknown filter 'shout'");
    expect_fault("{{name | }}", LANTOA_EINVAL, "unknown filter ''");
    expect_fault("{{name | or}}", LANTOA_EINVAL, "double quotes");
    expect_fault("{{name | or bạn}}", LANTOA_EINVAL, "double quotes");
    expect_fault("{{name | or \"bạn}}", LANTOA_EINVAL, "double quotes");
    expect_fault("{{name | or \"a\" \"b\"}}", LANTOA_EINVAL, "one text");
    expect_fault("{{name | or \"a\\n\"}}", LANTOA_EINVAL, "backslash");
    expect_fault("{{name | upper \"x\"}}", LANTOA_EINVAL, "takes no text");
    expect_fault("{{x|upper|upper|upper|upper|upper|upper|upper|upper|upper}}", LANTOA_EINVAL,
        "more than 8 filters");
    expect_fault("\xff", LANTOA_EINVAL, "UTF-8");
}

static void limits(void **state) {
    (void)state;
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    for (int i = 0; i < 65; i++) {
        base_buf_add_text(&text, "{{#name}}");
    }
    expect_fault(base_buf_text(&text), LANTOA_EINVAL, "more than 64 sections");
    base_buf_clear(&text);
    for (int i = 0; i < 1001; i++) {
        base_buf_printf(&text, "{{x%d}}", i);
    }
    expect_fault(base_buf_text(&text), LANTOA_EINVAL, "more than 1000 different names");
    base_buf_release(&text);
    /* every ceiling gives the whole text or an error, never half of it */
    mode = TEMPLATE_HTML;
    for (ceiling = 0; ceiling < 80; ceiling++) {
        char got[200];
        struct base_err err = {0};
        int code = render("Chào {{evil}} {{name | upper}}\n{{> footer}}", got, sizeof(got), &err);
        static const char whole[] =
            "Chào &lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt; &#39;x&#39; NGUYỄN "
            "THỊ HOÀ\n-- \nNguyễn Thị Hoà\n";
        if (ceiling < strlen(whole)) {
            assert_int_equal(code, LANTOA_ELIMIT);
        } else {
            assert_int_equal(code, 0);
            assert_string_equal(got, whole);
        }
    }
    mode = TEMPLATE_TEXT;
    ceiling = 1 << 20;
}

static void appends(void **state) {
    (void)state;
    struct template *template = NULL;
    struct base_err err = {0};
    struct template_source source = {pair_get, values};
    struct base_buf out;
    base_buf_init(&out, 1000);
    base_buf_add_text(&out, "before ");
    assert_int_equal(
        template_compile(STR("{{name}}"), TEMPLATE_TEXT, "vi", NULL, NULL, &template, &err), 0);
    assert_int_equal(template_render(template, &source, &out, &err), 0);
    assert_int_equal(template_render(template, &source, &out, NULL), 0);
    assert_string_equal(base_buf_text(&out), "before Nguyễn Thị HoàNguyễn Thị Hoà");
    template_free(&template);
    assert_null(template);
    template_free(&template);
    base_buf_release(&out);
}

static void one_use(void *arg, const struct template_use *use) {
    base_buf_printf(arg, "%.*s%s %d:%d%s%.*s;", STR_ARG(use->name), use->optional ? "?" : "",
        use->line, use->column, use->partial.bytes ? " in " : "", STR_ARG(use->partial));
}

static void uses(void **state) {
    (void)state;
    struct template *template = NULL;
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, 1000);
    int code = template_compile(STR("{{a | or \"x\"}}{{b}}\n{{a}}{{b}}{{#c}}{{c}}{{.}}{{/c}}"
                                    "{{^d}}{{d}}{{/d}}{{^e}}{{/e}}{{> footer}}"),
        TEMPLATE_TEXT, "vi", partial_get, partials, &template, &err);
    assert_int_equal(code, 0);
    assert_int_equal(template_name_count(template), 6);
    assert_true(str_is(template_name(template, 2), "c"));
    template_each_name(template, one_use, &out);
    assert_string_equal(
        base_buf_text(&out), "a 2:1;b 1:15;c? 2:11;d 2:39;e? 2:50;name 2:1 in footer;");
    template_free(&template);
    base_buf_release(&out);
}

/* The index of a name is the same at every call, so that callers may cache by it. */
static bool index_get(void *arg, int index, struct str name, struct str *value_out) {
    struct template *template = arg;
    assert_true(str_eq(name, template_name(template, index)));
    *value_out = name;
    return true;
}

static void indexes(void **state) {
    (void)state;
    struct template *template = NULL;
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, 1000);
    assert_int_equal(template_compile(STR("{{a}}{{b}}{{a}}{{#c}}{{.}}{{d.e}}{{/c}}"), TEMPLATE_TEXT,
                         "vi", NULL, NULL, &template, &err),
        0);
    struct template_source source = {index_get, template};
    assert_int_equal(template_render(template, &source, &out, &err), 0);
    assert_string_equal(base_buf_text(&out), "abacd.e");
    template_free(&template);
    base_buf_release(&out);
}

/* Partials that call each other many times over are stopped, not waited for. */
static int doubling_get(void *arg, struct str name, struct str *text_out) {
    static char text[100];
    (void)arg;
    snprintf(text, sizeof(text), "{{> %.*s}}{{> %.*s}}", (int)name.bytes - 1, name.at,
        (int)name.bytes - 1, name.at);
    *text_out = name.bytes == 1 ? STR("") : str_from(text);
    return 0;
}

static void no_endless_work(void **state) {
    (void)state;
    struct template *template = NULL;
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, 1000);
    struct template_source source = {pair_get, values};
    assert_int_equal(template_compile(STR("{{> aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}"), TEMPLATE_TEXT,
                         "vi", doubling_get, NULL, &template, &err),
        0);
    assert_int_equal(template_render(template, &source, &out, &err), LANTOA_ELIMIT);
    assert_non_null(strstr(err.text, "without end"));
    template_free(&template);
    base_buf_release(&out);
}

static void json_strict(void **state) {
    (void)state;
    struct template *template = NULL;
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, 1000);
    json_t *context =
        json_pack("{s:[{s:s,s:i},{s:s}]}", "people", "name", "An", "n", 1000000, "name", "Bình");
    assert_int_equal(
        template_compile(STR("{{#people}}{{name}}: {{n | number | or \"-\"}}\n{{/people}}"),
            TEMPLATE_TEXT, "vi", NULL, NULL, &template, &err),
        0);
    assert_int_equal(template_render_json(template, context, &out, &err), 0);
    assert_string_equal(base_buf_text(&out), "An: 1.000.000\nBình: -\n");
    template_free(&template);
    assert_int_equal(
        template_compile(STR("{{people}}"), TEMPLATE_TEXT, "vi", NULL, NULL, &template, &err), 0);
    assert_int_equal(template_render_json(template, context, &out, &err), LANTOA_ENOENT);
    template_free(&template);
    json_decref(context);
    base_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_escaping),
        cmocka_unit_test(missing_values),
        cmocka_unit_test(sections),
        cmocka_unit_test(filters_in_texts),
        cmocka_unit_test(partial_texts),
        cmocka_unit_test(faults_have_places),
        cmocka_unit_test(limits),
        cmocka_unit_test(appends),
        cmocka_unit_test(uses),
        cmocka_unit_test(indexes),
        cmocka_unit_test(no_endless_work),
        cmocka_unit_test(json_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
