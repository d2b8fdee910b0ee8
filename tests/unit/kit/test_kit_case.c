/* The case of a plugin under test: what it says becomes a channel file, its secrets appear nowhere,
 * and its mistakes are named. */
#include "support.h"

#include "base/file.h"
#include "kit/internal.h"

static struct support_dir dir;
static struct base_err err;
static char *plugin;

static int set_up(void **state) {
    (void)state;
    char *programs = base_program_dir();
    char *program = base_printf("%s/../bin/lantoa-channel", programs);
    plugin = base_printf("%s/plugins/echo.so", programs);
    setenv("LANTOA_CHANNEL_PROGRAM", program, 1);
    base_free(program);
    base_free(programs);
    memset(&err, 0, sizeof err);
    support_dir_make(&dir);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    base_free(plugin);
    unsetenv("LANTOA_PLUGINS");
    support_dir_remove(&dir);
    return 0;
}

static const char *file(const char *name, const char *text) {
    const char *path = support_path(&dir, name);
    support_file_write(path, text, strlen(text));
    return path;
}

static struct kit_case *load(const char *text) {
    struct kit_case *kase = NULL;
    assert_ok(kit_case_load(plugin, file("case.json", text), &kase, &err), err);
    return kase;
}

static json_t *option(const char *channel_text, const char *name, struct base_json **doc_out) {
    assert_ok(base_json_parse(str_from(channel_text), "channel", doc_out, &err), err);
    return json_object_get(json_object_get(base_json_root(*doc_out), "options"), name);
}

static void places_of_the_peer(void **state) {
    (void)state;
    struct kit_case *kase =
        load("{\"channel\": {\"options\": {\"after\": \"{{peer_port}}\", \"how\": "
             "\"http://{{peer}}/a?{{peer_host}}:{{peer_port}}\"}, \"window\": 3}, \"peer\": "
             "{\"http\": {}}}");
    assert_int_equal(kase->peer, KIT_PEER_HTTP);
    char *text = kit__channel_text(kase, 8080);
    struct base_json *doc = NULL;
    assert_string_equal(
        json_string_value(option(text, "how", &doc)), "http://127.0.0.1:8080/a?127.0.0.1:8080");
    const json_t *root = base_json_root(doc);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(root, "options"), "after")), 8080);
    assert_int_equal(json_integer_value(json_object_get(root, "window")), 3);
    assert_string_equal(json_string_value(json_object_get(root, "plugin")), "echo");
    base_json_free(&doc);
    base_free(text);
    kit_case_free(&kase);
}

static void a_server_behind_the_kit(void **state) {
    (void)state;
    struct kit_case *kase = load("{\"peer\": {\"tcp\": \"::1:2525\", \"patience_ms\": 700}}");
    assert_int_equal(kase->peer, KIT_PEER_TCP);
    assert_string_equal(kase->tcp_host, "::1");
    assert_string_equal(kase->tcp_port, "2525");
    assert_int_equal(kase->patience_ms, 700);
    kit_case_free(&kase);
}

static void what_the_case_leaves_out(void **state) {
    (void)state;
    struct kit_case *kase = load("{}");
    assert_int_equal(kase->peer, KIT_PEER_NONE);
    assert_string_equal(kase->lang, "vi");
    assert_string_equal(kit__content(kase, 0), "Xin chào từ Lantoa");
    kit_case_free(&kase);
    kase = load("{\"content\": {\"text\": \"khác\"}, \"lang\": \"en\", \"address\": \"x\"}");
    assert_string_equal(kit__content(kase, 0), "khác");
    assert_string_equal(kase->address, "x");
    kit_case_free(&kase);
}

static void hide(const struct kit_case *kase, const char *text, const char *shown) {
    struct base_buf buf;
    base_buf_init(&buf, 1000);
    base_buf_add_text(&buf, text);
    kit__hide(kase, &buf);
    assert_string_equal(base_buf_text(&buf), shown);
    base_buf_release(&buf);
}

/* Written out, in a file beside the case, in the environment. */
static void secrets_are_hidden(void **state) {
    (void)state;
    static const char *const ways[] = {
        "\"m\xe1\xba\xadt-khau\"", "{\"file\": \"secret\"}", "{\"env\": \"LANTOA_KIT_SECRET\"}"};
    setenv("LANTOA_KIT_SECRET", "m\xe1\xba\xadt-khau", 1);
    (void)file("secret", "m\xe1\xba\xadt-khau\n");
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "{\"channel\": {\"options\": {\"secret\": %s}}}", ways[i]);
        struct kit_case *kase = load(text);
        hide(kase, "a m\xe1\xba\xadt-khaum\xe1\xba\xadt-khau b", "a ****** b");
        hide(kase, "mat-khau", "mat-khau");
        assert_non_null(kit__secret_in(kase, STR("m\xe1\xba\xadt-khau")));
        assert_null(kit__secret_in(kase, STR("")));
        kit_case_free(&kase);
    }
    unsetenv("LANTOA_KIT_SECRET");
    /* Too short to tell from other words. */
    struct kit_case *kase = load("{\"channel\": {\"options\": {\"secret\": \"abc\"}}}");
    hide(kase, "abc", "abc");
    kit_case_free(&kase);
}

static void paths_start_at_the_case(void **state) {
    (void)state;
    struct kit_case *kase =
        load("{\"channel\": {\"options\": {\"secret\": {\"file\": \"secret\"}}}}");
    char *text = kit__channel_text(kase, 0);
    struct base_json *doc = NULL;
    const json_t *value = option(text, "secret", &doc);
    const char *path = json_string_value(json_object_get(value, "file"));
    assert_int_equal(path[0], '/');
    assert_true(str_ends(str_from(path), STR("/secret")));
    base_json_free(&doc);
    base_free(text);
    kit_case_free(&kase);
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"{\"peers\": {}}", "peers"},
        {"{\"patience_ms\": 1}", "patience_ms"}, {"{\"peer\": {\"patience_ms\": 1}}", "100"},
        {"{\"peer\": {\"tcp\": \"host\"}}", "HOST:PORT"}, {"{\"peer\": {\"tcp\": 7}}", "HOST:PORT"},
        {"{\"peer\": {\"http\": []}}", "object"}, {"{\"peer\": {\"http\": {\"bad\": {}}}}", "bad"},
        {"{\"peer\": {\"http\": {\"good\": {\"stat\": 1}}}}", "stat"}, {"{\"lang\": 7}", "lang"},
        {"{", "case.json"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kit_case *kase = NULL;
        const char *path = file("case.json", cases[i][0]);
        assert_true(kit_case_load(plugin, path, &kase, &err) < 0);
        assert_null(kase);
        assert_non_null(strstr(err.text, cases[i][1]));
        assert_non_null(strstr(err.text, "case.json"));
    }
    struct kit_case *kase = NULL;
    assert_true(kit_case_load("/nowhere/x.so", NULL, &kase, &err) < 0);
    assert_true(kit_case_load(file("x.txt", ""), NULL, &kase, &err) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(places_of_the_peer), TEST(a_server_behind_the_kit),
        TEST(what_the_case_leaves_out), TEST(secrets_are_hidden), TEST(paths_start_at_the_case),
        TEST(mistakes_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
