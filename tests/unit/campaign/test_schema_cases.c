/* The parsers' half of the proof that parsers and published schemas agree: every case of
 * data/schema_cases.json is taken or refused as it says. The schemas' half is
 * tests/scenario/test_schema.py. */
#include "support.h"

#include "base/mem.h"
#include "campaign/spec.h"

static int parse(const char *kind, const struct base_json *doc, struct base_err *err) {
    struct campaign_spec *campaign = NULL;
    struct theme_spec *theme = NULL;
    struct channel_spec *channel = NULL;
    int code;
    if (strcmp(kind, "campaign") == 0) {
        code = campaign_spec_parse(doc, &campaign, err);
    } else if (strcmp(kind, "theme") == 0) {
        code = theme_spec_parse(doc, &theme, err);
    } else {
        code = channel_spec_parse(doc, NULL, &channel, err);
    }
    campaign_spec_free(&campaign);
    theme_spec_free(&theme);
    channel_spec_free(&channel);
    return code;
}

static json_t *step_into(json_t *value, const json_t *part) {
    return json_is_integer(part) ? json_array_get(value, (size_t)json_integer_value(part))
                                 : json_object_get(value, json_string_value(part));
}

/* The base with the value at the case's path changed, or dropped when the case has none. */
static json_t *changed(const json_t *base, const json_t *test) {
    json_t *root = json_deep_copy(base), *value = root;
    const json_t *path = json_object_get(test, "at");
    size_t last = json_array_size(path) - 1;
    for (size_t i = 0; i < last; i++) {
        value = step_into(value, json_array_get(path, i));
    }
    const json_t *key = json_array_get(path, last);
    json_t *new_value = json_object_get(test, "value");
    if (json_is_integer(key)) {
        json_array_set(value, (size_t)json_integer_value(key), new_value);
    } else if (new_value) {
        json_object_set(value, json_string_value(key), new_value);
    } else {
        assert_int_equal(json_object_del(value, json_string_value(key)), 0);
    }
    return root;
}

static void check(const char *kind, json_t *root, bool valid) {
    struct base_json *doc = NULL;
    struct base_err err = {0};
    char *text = json_dumps(root, JSON_INDENT(1));
    assert_ok(base_json_parse(str_from(text), "f.json", &doc, &err), err);
    int code = parse(kind, doc, &err);
    if ((code == 0) != valid) {
        fail_msg("%s should be %s: %s\n%s", kind, valid ? "valid" : "refused", text, err.text);
    }
    if (!valid) {
        assert_int_equal(code, LANTOA_EINVAL);
        assert_int_equal(strncmp(err.text, "f.json:", 7), 0);
        assert_non_null(strstr(err.text, "field "));
    }
    base_json_free(&doc);
    free(text);
    json_decref(root);
}

static void every_case(void **state) {
    (void)state;
    struct base_json *doc = NULL;
    struct base_err err = {0};
    assert_ok(base_json_load(TEST_DATA "/schema_cases.json", &doc, &err), err);
    const char *kind;
    json_t *cases;
    json_object_foreach(base_json_root(doc), kind, cases) {
        const json_t *base = json_object_get(cases, "base");
        check(kind, json_deep_copy(base), true);
        for (int valid = 0; valid < 2; valid++) {
            const json_t *list = json_object_get(cases, valid ? "valid" : "broken");
            assert_true(json_array_size(list) > 5);
            for (size_t i = 0; i < json_array_size(list); i++) {
                check(kind, changed(base, json_array_get(list, i)), valid);
            }
        }
    }
    base_json_free(&doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
