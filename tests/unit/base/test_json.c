#include "support.h"

#include "base/json.h"
#include "base/mem.h"

static struct base_json *parse(const char *text) {
    struct base_err err = {0};
    struct base_json *doc = NULL;
    assert_ok(base_json_parse(str_from(text), "f.json", &doc, &err), err);
    return doc;
}

static void lines_of_values(void **state) {
    (void)state;
    struct base_json *doc = parse("\n{ \"a\": 1,\n"
                                  "  \"b\": [ \"x\",\r\n"
                                  "    {\"c\\\"}\": 2.5e3,\n\n"
                                  "     \"d\": {}, \"e\": [ ]\n"
                                  "  },\n"
                                  "  \"last }]\" ],\n"
                                  "  \"f\": { \"g\":\n"
                                  "     [[[ 7 ]]] }\n"
                                  "}\n");
    json_t *root = base_json_root(doc);
    assert_int_equal(base_json_line(doc, root), 2);
    assert_int_equal(base_json_line(doc, json_object_get(root, "a")), 2);
    json_t *b = json_object_get(root, "b");
    assert_int_equal(base_json_line(doc, b), 3);
    assert_int_equal(base_json_line(doc, json_array_get(b, 0)), 3);
    json_t *object = json_array_get(b, 1);
    assert_int_equal(base_json_line(doc, object), 4);
    assert_int_equal(base_json_line(doc, json_object_get(object, "c\"}")), 4);
    assert_int_equal(base_json_line(doc, json_object_get(object, "d")), 6);
    assert_int_equal(base_json_line(doc, json_object_get(object, "e")), 6);
    assert_int_equal(base_json_line(doc, json_array_get(b, 2)), 8);
    json_t *g = json_object_get(json_object_get(root, "f"), "g");
    assert_int_equal(base_json_line(doc, g), 10);
    json_t *seven = json_array_get(json_array_get(json_array_get(g, 0), 0), 0);
    assert_int_equal(json_integer_value(seven), 7);
    assert_int_equal(base_json_line(doc, seven), 10);
    json_t *stranger = json_string("x");
    assert_int_equal(base_json_line(doc, stranger), 0);
    assert_int_equal(base_json_line(doc, NULL), 0);
    json_decref(stranger);
    base_json_free(&doc);
    assert_null(doc);
    base_json_free(&doc);
}

static void faults_name_line_and_field(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_json *doc = parse("{\n\"steps\": [\n"
                                  "{\"name\": \"a\"},\n"
                                  "{\"name\": true,\n"
                                  " \"tls\": true,\n"
                                  " \"when\": {\n"
                                  "   \"at\": null}},\n"
                                  "null]}");
    json_t *steps = json_object_get(base_json_root(doc), "steps");
    json_t *when = json_object_get(json_array_get(steps, 1), "when");
    assert_fault(base_json_fault(doc, when, "steps[1].when", &err, "bad %s", "time"), LANTOA_EINVAL,
        err, "f.json:6: field steps[1].when: bad time");
    /* true and null are one value for all their places: the path tells which. */
    json_t *name = json_object_get(json_array_get(steps, 1), "name");
    assert_fault(base_json_fault(doc, name, "steps[1].name", &err, "not a text"), LANTOA_EINVAL,
        err, "f.json:4: field steps[1].name: not a text");
    assert_fault(base_json_fault(doc, name, "steps[1].tls", &err, "no"), LANTOA_EINVAL, err,
        "f.json:5: field steps[1].tls: no");
    assert_fault(base_json_fault(doc, NULL, "steps.1.when.at", &err, "no"), LANTOA_EINVAL, err,
        "f.json:7: field steps.1.when.at: no");
    assert_fault(base_json_fault(doc, NULL, "steps[2]", &err, "no"), LANTOA_EINVAL, err,
        "f.json:8: field steps[2]: no");
    /* What is missing is reported at its parent. */
    assert_fault(base_json_fault(doc, NULL, "steps[0].channel", &err, "missing"), LANTOA_EINVAL,
        err, "f.json:3: field steps[0].channel: missing");
    assert_fault(base_json_fault(doc, NULL, "steps[7].channel.x", &err, "missing"), LANTOA_EINVAL,
        err, "f.json:2: field steps[7].channel.x: missing");
    assert_fault(base_json_fault(doc, NULL, "theme", &err, "missing"), LANTOA_EINVAL, err,
        "f.json:1: field theme: missing");
    assert_fault(
        base_json_fault(doc, steps, NULL, &err, "odd"), LANTOA_EINVAL, err, "f.json:2: odd");
    assert_fault(base_json_fault(doc, NULL, "", &err, "odd"), LANTOA_EINVAL, err, "f.json:1: odd");
    assert_fault(base_json_fault(doc, NULL, "..[", &err, "odd"), LANTOA_EINVAL, err,
        "f.json:1: field ..[: odd");
    base_json_free(&doc);
}

static void refused(const char *text, const char *expected) {
    struct base_err err = {0};
    struct base_json *doc = NULL;
    assert_fault(
        base_json_parse(str_from(text), "f.json", &doc, &err), LANTOA_EINVAL, err, expected);
    assert_null(doc);
}

static void bad_texts(void **state) {
    (void)state;
    refused("", "f.json:1: the text ends too early");
    refused(
        "{\"a\": 1,\n \"a\": 2}", "f.json:2: a key stands twice in the same object, near \"a\"");
    refused("{\"a\": 1,\n", "f.json:2: the text ends too early");
    refused("{\"a\": 1}\n\n}", "f.json:3: something follows after the end, near }");
    refused("{\"a\": tru}", "f.json:1: not valid JSON, near tru");
    refused("{\"a\": \"\xff\"}", "f.json:1: not valid UTF-8");
    refused("{\"a\": \"\\u0000\"}", "f.json:1: a null character is not allowed, near \"\\u0000\"");
    refused("{\"a\": 99999999999999999999}",
        "f.json:1: a number is too large, near 99999999999999999999");
    refused("{\"a\": 1e999}", "f.json:1: a number is too large, near 1e999");
    refused("{'a': 1}", "f.json:1: not valid JSON, near '");
    refused("42", "f.json:1: not valid JSON, near 42");
    refused("[1,]", "f.json:1: not valid JSON, near ]");
}

static void limits(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_json *doc = NULL;
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    assert_fault(base_json_parse(str_of(deep, 400), "f.json", &doc, &err), LANTOA_ELIMIT, err,
        "f.json:1: nested deeper than 64 levels");
    assert_int_equal(base_json_parse(str_of(deep + 135, 130), "f.json", &doc, &err), LANTOA_ELIMIT);
    assert_ok(base_json_parse(str_of(deep + 136, 128), "f.json", &doc, &err), err);
    base_json_free(&doc);
    /* Brackets in texts are no levels. */
    doc = parse(
        "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]");
    base_json_free(&doc);
    size_t bytes = (16 << 20) + 1;
    char *large = base_alloc(bytes);
    memset(large, ' ', bytes);
    memcpy(large, "[]", 2);
    assert_fault(base_json_parse(str_of(large, bytes), "f.json", &doc, &err), LANTOA_ELIMIT, err,
        "f.json: the file is larger than the limit of 16777216 bytes");
    assert_ok(base_json_parse(str_of(large, bytes - 1), "f.json", &doc, &err), err);
    base_json_free(&doc);
    base_free(large);
}

static void byte_order_mark(void **state) {
    (void)state;
    struct base_json *doc = parse("\xef\xbb\xbf{\"a\":\n 1}");
    assert_int_equal(base_json_line(doc, json_object_get(base_json_root(doc), "a")), 2);
    base_json_free(&doc);
}

static void many_values(void **state) {
    (void)state;
    struct base_buf text;
    base_buf_init(&text, 1 << 24);
    base_buf_add_char(&text, '[');
    for (int i = 0; i < 50000; i++) {
        base_buf_printf(&text, "%s\n%d", i ? "," : "", i);
    }
    base_buf_add_char(&text, ']');
    struct base_json *doc = parse(base_buf_text(&text));
    for (size_t i = 0; i < 50000; i++) {
        assert_int_equal(base_json_line(doc, json_array_get(base_json_root(doc), i)), i + 2);
    }
    base_json_free(&doc);
    base_buf_release(&text);
}

static void from_a_file(void **state) {
    (void)state;
    struct support_dir dir;
    support_dir_make(&dir);
    struct base_err err = {0};
    struct base_json *doc = NULL;
    char expected[600];
    const char *path = support_path(&dir, "c.json");
    assert_fault_part(base_json_load(path, &doc, &err), LANTOA_ENOENT, err, "c.json: cannot open");
    support_file_write(path, "{\"a\":\n}", 7);
    snprintf(expected, sizeof(expected), "%s:2: not valid JSON, near }", path);
    assert_fault(base_json_load(path, &doc, &err), LANTOA_EINVAL, err, expected);
    support_file_write(path, "{\"a\":\n1}", 8);
    assert_ok(base_json_load(path, &doc, &err), err);
    snprintf(expected, sizeof(expected), "%s:2: field a: no", path);
    assert_fault(base_json_fault(doc, NULL, "a", &err, "no"), LANTOA_EINVAL, err, expected);
    base_json_free(&doc);
    support_dir_remove(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_values),
        cmocka_unit_test(faults_name_line_and_field),
        cmocka_unit_test(bad_texts),
        cmocka_unit_test(limits),
        cmocka_unit_test(byte_order_mark),
        cmocka_unit_test(many_values),
        cmocka_unit_test(from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
