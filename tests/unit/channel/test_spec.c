/* The channel file and the manifest: each mistake gets one line that names file, line and field. */
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "channel/manifest.h"
#include "support.h"

static const char manifest_json[] =
    "{\"name\": \"mau\", \"version\": \"1.0\", \"kind\": \"email\", \"address\": 2, \"max_batch\": "
    "0,"
    " \"capabilities\": 0, \"reconfigures\": true,"
    " \"options\": ["
    "  {\"name\": \"host\", \"type\": \"text\", \"flags\": 1},"
    "  {\"name\": \"port\", \"type\": \"int\", \"flags\": 0, \"default\": \"25\", \"least\": 1, "
    "\"most\": 65535},"
    "  {\"name\": \"tls\", \"type\": \"choice\", \"flags\": 0, \"default\": \"none\", \"allowed\": "
    "\"none|start\"},"
    "  {\"name\": \"verify\", \"type\": \"bool\", \"flags\": 0, \"default\": \"yes\"},"
    "  {\"name\": \"timeout\", \"type\": \"duration\", \"flags\": 4, \"default\": \"30s\", "
    "\"least\": 1, \"most\": 60000},"
    "  {\"name\": \"password\", \"type\": \"text\", \"flags\": 2}],"
    " \"content\": [{\"name\": \"text\", \"flags\": 1}]}";

static struct channel_manifest *manifest;

static int set_up(void **state) {
    (void)state;
    struct base_err err = {0};
    return channel_manifest_parse(manifest_json, &manifest, &err);
}

static int tear_down(void **state) {
    (void)state;
    channel_manifest_free(&manifest);
    return 0;
}

static int parse(const char *text, struct channel_spec **spec_out, struct base_err *err) {
    struct base_json *doc = NULL;
    int code = base_json_parse(str_from(text), "kenh.json", &doc, err);
    if (!code) {
        code = channel_spec_parse(doc, manifest, spec_out, err);
    }
    base_json_free(&doc);
    return code;
}

static void a_short_file_has_sensible_defaults(void **state) {
    (void)state;
    struct base_err err = {0};
    struct channel_spec *spec = NULL;
    assert_ok(parse("{\"name\": \"a\", \"plugin\": \"mau\", \"options\": {\"host\": \"x\"}}", &spec,
                  &err),
        err);
    assert_string_equal(spec->name, "a");
    assert_string_equal(spec->plugin, "mau");
    assert_string_equal(spec->options_json, "{\"host\":\"x\"}");
    assert_true(spec->per_second < 1e-9);
    assert_int_equal(spec->burst, 1);
    assert_int_equal(spec->window, 50);
    assert_int_equal(spec->retry_tries, 5);
    assert_int_equal(spec->retry_first_ms, 300000);
    assert_int_equal(spec->retry_longest_ms, 14400000);
    assert_false(spec->resend_uncertain);
    assert_int_equal(spec->memory_mb, 256);
    assert_int_equal(spec->watchdog_s, 10);
    assert_int_equal(spec->timeout_s, 600);
    assert_int_equal(spec->price_minor, 0);
    channel_spec_free(&spec);
    assert_null(spec);
}

static void a_full_file_is_read(void **state) {
    (void)state;
    struct base_err err = {0};
    struct channel_spec *spec = NULL;
    assert_ok(parse("{\"name\": \"a-1\", \"plugin\": \"mau\", \"options\": {\"host\": \"x\", "
                    "\"port\": 2525,"
                    " \"tls\": \"start\", \"verify\": false, \"timeout\": \"2s\", \"password\": "
                    "{\"env\": \"PATH\"}},"
                    " \"rate\": {\"per_second\": 500, \"per_minute\": 600, \"per_hour\": 72000, "
                    "\"burst\": 7},"
                    " \"window\": 10000, \"retry\": {\"tries\": 2, \"first\": \"PT1M\", "
                    "\"longest\": \"P1D\"},"
                    " \"uncertain\": \"resend\", \"memory_mb\": 64, \"watchdog_s\": 3, "
                    "\"timeout_s\": 9, \"price\": 250}",
                  &spec, &err),
        err);
    assert_true(
        spec->per_second > 9.99 && spec->per_second < 10.01); /* the tightest: 600 a minute */
    assert_int_equal(spec->burst, 7);
    assert_int_equal(spec->window, 10000);
    assert_int_equal(spec->retry_longest_ms, 86400000);
    assert_true(spec->resend_uncertain);
    assert_int_equal(spec->timeout_s, 9);
    assert_int_equal(spec->price_minor, 250);
    channel_spec_free(&spec);
}

#define FILE_WITH(more)                                                                            \
    "{\"name\": \"a\", \"plugin\": \"mau\",\n \"options\": {\"host\": \"x\"},\n " more "}"
#define OPTIONS(options) "{\"name\": \"a\", \"plugin\": \"mau\",\n \"options\": {\n" options "}}"

static void every_mistake_is_named(void **state) {
    (void)state;
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"[]", "kenh.json:1: must be an object"},
        {"{\"plugin\": \"mau\"}", "field name: is missing"},
        {"{\"name\": \"A b\", \"plugin\": \"mau\"}", "field name: must be a name"},
        {"{\"name\": \"../x\", \"plugin\": \"mau\"}", "field name: must be a name"},
        {"{\"name\": \"a\", \"plugin\": \"../../tmp/x\"}", "field plugin: must be a name"},
        {"{\"name\": \"a\", \"plugin\": 1}", "field plugin: must be a name"},
        {FILE_WITH("\"colour\": 1"), "kenh.json:3: field colour: there is no such field"},
        {FILE_WITH("\"window\": 0"),
            "kenh.json:3: field window: must be a whole number between 1 and 10000"},
        {FILE_WITH("\"window\": 10001"), "field window: must be"},
        {FILE_WITH("\"window\": \"50\""), "field window: must be"},
        {FILE_WITH("\"rate\": 5"), "field rate: must be an object"},
        {FILE_WITH("\"rate\": {\"per_day\": 5}"), "field rate.per_day: there is no such field"},
        {FILE_WITH("\"rate\": {\"per_second\": 0}"),
            "field rate.per_second: must be a number above 0"},
        {FILE_WITH("\"rate\": {\"burst\": 0}"), "field rate.burst: must be"},
        {FILE_WITH("\"retry\": {\"first\": \"5 minutes\"}"),
            "field retry.first: must be a duration"},
        {FILE_WITH("\"retry\": {\"first\": \"P1M\"}"), "field retry.first: must be a duration"},
        {FILE_WITH("\"retry\": {\"first\": \"PT5H\"}"), "field retry.first: must not be longer"},
        {FILE_WITH("\"uncertain\": \"maybe\""), "field uncertain: must be one of hold, resend"},
        {FILE_WITH("\"memory_mb\": 1"), "field memory_mb: must be"},
        {FILE_WITH("\"price\": -1"), "field price: must be"},
        {"{\"name\": \"a\", \"plugin\": \"mau\", \"options\": []}",
            "field options: must be an object"},
        {OPTIONS("\"port\": 25"), "field options.host: is missing"},
        {OPTIONS("\"host\": \"\""), "kenh.json:3: field options.host: must not be empty"},
        {OPTIONS("\"host\": \"x\",\n\"prot\": 25"),
            "kenh.json:4: field options.prot: the plugin mau has no such option"},
        {OPTIONS("\"host\": 5"), "field options.host: must be a text"},
        {OPTIONS("\"host\": \"x\", \"port\": \"25\""),
            "field options.port: must be a whole number"},
        {OPTIONS("\"host\": \"x\", \"port\": 70000"),
            "field options.port: must be between 1 and 65535"},
        {OPTIONS("\"host\": \"x\", \"tls\": \"ssl\""),
            "field options.tls: must be one of none|start"},
        {OPTIONS("\"host\": \"x\", \"verify\": 1"), "field options.verify: must be true or false"},
        {OPTIONS("\"host\": \"x\", \"timeout\": \"soon\""),
            "field options.timeout: must be a time"},
        {OPTIONS("\"host\": \"x\", \"timeout\": \"2h\""), "field options.timeout: must be between"},
        {OPTIONS("\"host\": {\"env\": \"PATH\"}"), "field options.host: must be a text"},
        {OPTIONS("\"host\": \"x\", \"password\": {\"env\": \"NO_SUCH_NAME\"}"),
            "field options.password: the environment variable NO_SUCH_NAME is not set"},
        {OPTIONS("\"host\": \"x\", \"password\": {\"file\": \"/no/such\"}"),
            "field options.password: the secret's file /no/such cannot be read"},
        {OPTIONS("\"host\": \"x\", \"password\": {\"vault\": \"a\"}"),
            "field options.password: must be a text, {\"file\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct base_err err = {0};
        struct channel_spec *spec = NULL;
        assert_fault_part(parse(cases[i].file, &spec, &err), LANTOA_EINVAL, err, cases[i].text);
        assert_null(spec);
    }
}

static void faults_are_told_in_vietnamese(void **state) {
    (void)state;
    struct base_err err = {0};
    struct channel_spec *spec = NULL;
    base_tr_set(BASE_LANG_VI);
    int code = parse(OPTIONS("\"port\": 25"), &spec, &err);
    base_tr_set(BASE_LANG_EN);
    assert_int_equal(code, LANTOA_EINVAL);
    assert_non_null(strstr(err.text, "chưa có"));
}

static void a_description_that_makes_no_sense_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"name\": \"../a\"}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 9}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 5}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 5, \"account\": "
        "\"x-y\"}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 1, \"options\": [{}]}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 1, \"options\": [5]}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 1, \"content\": "
        "[{\"name\": \"X\"}]}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 1,"
        " \"options\": [{\"name\": \"o\", \"type\": \"choice\"}]}",
        "{\"name\": \"a\", \"version\": \"1\", \"kind\": \"k\", \"address\": 1,"
        " \"options\": [{\"name\": \"o\", \"type\": \"int\", \"default\": \"x\"}]}",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct base_err err = {0};
        struct channel_manifest *none = NULL;
        assert_int_equal(channel_manifest_parse(cases[i], &none, &err), LANTOA_EINVAL);
        assert_null(none);
        assert_true(err.text[0] != '\0');
    }
}

static void use_programs(const char *plugins) {
    char *dir = base_program_dir();
    char *program = base_printf("%s/../bin/lantoa-channel", dir);
    char *folder = base_printf("%s/%s", dir, plugins);
    setenv("LANTOA_CHANNEL_PROGRAM", program, 1);
    setenv("LANTOA_PLUGINS", folder, 1);
    base_free(folder);
    base_free(program);
    base_free(dir);
}

static void a_real_plugin_describes_itself(void **state) {
    (void)state;
    use_programs("../plugins");
    struct base_err err = {0};
    char *json = NULL;
    struct channel_manifest *outbox = NULL;
    assert_ok(channel_describe("outbox", &json, &err), err);
    assert_ok(channel_manifest_parse(json, &outbox, &err), err);
    assert_string_equal(outbox->name, "outbox");
    assert_int_equal(outbox->address, LANTOA_ADDRESS_ANY);
    assert_int_equal(outbox->capabilities, LANTOA_CAN_IDEMPOTENT);
    assert_int_equal(outbox->option_count, 3);
    assert_string_equal(outbox->options[0].name, "dir");
    assert_string_equal(outbox->options[0].fallback, "outbox");
    assert_int_equal(outbox->content_count, 3);
    assert_string_equal(outbox->content[0].name, "subject");
    assert_int_equal(outbox->content[0].flags, LANTOA_CONTENT_SINGLE_LINE);
    assert_string_equal(outbox->content[1].help_vi, "Nội dung");
    channel_manifest_free(&outbox);
    base_free(json);
}

static void what_is_no_plugin_is_refused(void **state) {
    (void)state;
    use_programs("plugins");
    struct base_err err = {0};
    char *json = NULL;
    assert_fault_part(
        channel_describe("absent", &json, &err), LANTOA_ENOENT, err, "no plugin \"absent\" in ");
    assert_fault_part(
        channel_describe("../x", &json, &err), LANTOA_EINVAL, err, "is not a name of a plugin");
    assert_fault_part(channel_describe("wrong-abi", &json, &err), LANTOA_EVERSION, err,
        "built for ABI 2.0; this program takes 1.0 to 1.6");
    assert_fault_part(channel_describe("wrong-symbol", &json, &err), LANTOA_EINVAL, err,
        "does not export lantoa_plugin_v1");
    assert_fault_part(channel_describe("bad-tables", &json, &err), LANTOA_EINVAL, err,
        "option \"far\": its place is outside the plugin's config");
    struct support_dir dir;
    support_dir_make(&dir);
    setenv("LANTOA_PLUGINS", dir.path, 1);
    support_file_write(support_path(&dir, "text.so"), "no library", 10);
    assert_fault_part(channel_describe("text", &json, &err), LANTOA_EINVAL, err, "not a plugin: ");
    support_dir_remove(&dir);
    use_programs("plugins");
    setenv("LANTOA_CHANNEL_PROGRAM", "/no/such/program", 1);
    assert_fault_part(
        channel_describe("slow", &json, &err), LANTOA_ENOENT, err, "cannot start /no/such/program");
    assert_null(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_file_has_sensible_defaults),
        cmocka_unit_test(a_full_file_is_read),
        cmocka_unit_test(every_mistake_is_named),
        cmocka_unit_test(faults_are_told_in_vietnamese),
        cmocka_unit_test(a_description_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_real_plugin_describes_itself),
        cmocka_unit_test(what_is_no_plugin_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
