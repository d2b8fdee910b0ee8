/* The cases of the public Mustache specification, in lenient mode. */
#include "support.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "campaign/template.h"

#include <stdio.h>

static int partial_get(void *arg, struct str name, struct str *text_out) {
    json_t *text = json_object_getn(arg, name.at, name.bytes);
    *text_out = str_from(json_string_value(text));
    return text ? 0 : LANTOA_ENOENT;
}

/* true when the case gives what the specification expects. */
static bool case_passes(json_t *test) {
    struct base_buf out;
    struct base_err err = {0};
    struct template *template = NULL;
    base_buf_init(&out, 1 << 20);
    const char *text = json_string_value(json_object_get(test, "template"));
    const char *expected = json_string_value(json_object_get(test, "expected"));
    int code = template_compile(str_from(text), TEMPLATE_HTML | TEMPLATE_LENIENT, "vi", partial_get,
        json_object_get(test, "partials"), &template, &err);
    if (code == 0) {
        code = template_render_json(template, json_object_get(test, "data"), &out, &err);
    }
    bool passes = code == 0 && strcmp(base_buf_text(&out), expected) == 0;
    if (!passes) {
        print_message("%s: template <<%s>> expected <<%s>> got <<%s>> %s\n",
            json_string_value(json_object_get(test, "name")), text, expected, base_buf_text(&out),
            err.text);
    }
    template_free(&template);
    base_buf_release(&out);
    return passes;
}

static void run_file(const char *name, size_t least) {
    char path[512];
    snprintf(path, sizeof(path), "%s/mustache/%s.json", TEST_DATA, name);
    struct base_json *doc = NULL;
    struct base_err err = {0};
    if (base_json_load(path, &doc, &err)) {
        fail_msg("%s", err.text);
    }
    json_t *tests = json_object_get(base_json_root(doc), "tests");
    assert_true(json_array_size(tests) >= least);
    size_t failed = 0;
    for (size_t i = 0; i < json_array_size(tests); i++) {
        failed += !case_passes(json_array_get(tests, i));
    }
    base_json_free(&doc);
    assert_int_equal(failed, 0);
}

static void comments(void **state) {
    (void)state;
    run_file("comments", 11);
}
static void delimiters(void **state) {
    (void)state;
    run_file("delimiters", 14);
}
static void interpolation(void **state) {
    (void)state;
    run_file("interpolation", 30);
}
static void inverted(void **state) {
    (void)state;
    run_file("inverted", 21);
}
static void partials(void **state) {
    (void)state;
    run_file("partials", 11);
}
static void sections(void **state) {
    (void)state;
    run_file("sections", 25);
}
static void later(void **state) {
    (void)state;
    run_file("later", 28);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments),
        cmocka_unit_test(delimiters),
        cmocka_unit_test(interpolation),
        cmocka_unit_test(inverted),
        cmocka_unit_test(partials),
        cmocka_unit_test(sections),
        cmocka_unit_test(later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
