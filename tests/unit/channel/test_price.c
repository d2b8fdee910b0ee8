/* Price lists and tables of operators; and what a plugin says a message costs, asked of the real
 * lantoa-channel: in order, many at once, and when the plugin misbehaves. */
#include "rig.h"

#include "base/civil.h"
#include "base/clock.h"
#include "channel/price.h"
#include "channel/quote.h"

static int64_t day(const char *text) {
    struct base_date date;
    assert_int_equal(base_parse_date(str_from(text), &date), 0);
    return base_days_from_date(date);
}

static int parse(const char *text, struct channel_prices **prices_out, struct base_err *err) {
    struct base_json *doc = NULL;
    *prices_out = NULL;
    assert_ok(base_json_parse(str_from(text), "kenh.json", &doc, err), *err);
    int code =
        channel_prices_parse(doc, json_object_get(base_json_root(doc), "prices"), prices_out, err);
    base_json_free(&doc);
    return code;
}

/* The price of a unit, -1 when the list has none. */
static int64_t price(
    const struct channel_prices *prices, const char *class, const char *when, const char *number) {
    struct channel_tariff *tariff = channel_tariff_new(prices, class, day(when));
    int64_t minor = -1;
    if (!channel_tariff_find(tariff, str_from(number), &minor)) {
        minor = -1;
    }
    channel_tariff_free(&tariff);
    return minor;
}

static void the_day_the_class_and_the_longest_prefix_decide(void **state) {
    (void)state;
    struct base_err err = {0};
    struct channel_prices *prices = NULL;
    assert_ok(
        parse("{\"prices\": ["
              "{\"from\": \"2026-01-01\", \"minor\": 900},"
              "{\"from\": \"2026-01-01\", \"prefix\": [\"+8496\", \"+84961\"], \"minor\": 500},"
              "{\"from\": \"2026-07-01\", \"prefix\": \"+8496\", \"minor\": 550},"
              "{\"from\": \"2026-01-01\", \"class\": \"advertising\", \"operator\": "
              "\"mobifone\", \"minor\": 700},"
              "{\"from\": \"2027-01-01\", \"minor\": 1}]}",
            &prices, &err),
        err);
    assert_int_equal(price(prices, "internal", "2025-12-31", "+84961234567"), -1);
    assert_int_equal(price(prices, "internal", "2026-01-01", "+84912345678"), 900);
    assert_int_equal(price(prices, "internal", "2026-01-01", "+84962345678"), 500);
    assert_int_equal(price(prices, "internal", "2026-06-30", "+84962345678"), 500);
    assert_int_equal(price(prices, "internal", "2026-07-01", "+84962345678"), 550);
    assert_int_equal(price(prices, "internal", "2026-07-01", "+84961345678"), 500);
    assert_int_equal(price(prices, "internal", "2026-07-01", "+84901345678"), 900);
    assert_int_equal(price(prices, "advertising", "2026-07-01", "+84901345678"), 700);
    assert_int_equal(price(prices, "advertising", "2026-07-01", "+84961345678"), 500);
    assert_int_equal(price(prices, "internal", "2027-01-01", "+84912345678"), 1);
    assert_int_equal(price(prices, "internal", "2026-01-01", "a@example.test"), 900);
    channel_prices_free(&prices);
}

static void every_operator_has_its_numbers(void **state) {
    (void)state;
    static const char *const numbers[][2] = {{"+84321234567", "viettel"},
        {"+84861234567", "viettel"}, {"+84981234567", "viettel"}, {"+84701234567", "mobifone"},
        {"+84791234567", "mobifone"}, {"+84891234567", "mobifone"}, {"+84931234567", "mobifone"},
        {"+84811234567", "vinaphone"}, {"+84881234567", "vinaphone"}, {"+84941234567", "vinaphone"},
        {"+84521234567", "vietnamobile"}, {"+84921234567", "vietnamobile"},
        {"+84591234567", "gmobile"}, {"+84991234567", "gmobile"}, {"+84871234567", "itel"},
        {"+84951234567", ""}, {"+12025550100", ""}, {"a@example.test", ""}, {"", ""}};
    struct channel_operators *operators = NULL;
    struct base_err err = {0};
    assert_ok(channel_operators_load(&operators, &err), err);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int owner = channel_operator_of(operators, str_from(numbers[i][0]), day("2026-01-01"));
        assert_string_equal(channel_operator_name(operators, owner), numbers[i][1]);
    }
    assert_int_equal(channel_operator_of(operators, STR("+84321234567"), day("2018-01-01")), -1);
    channel_operators_free(&operators);
}

static void a_wrong_list_is_refused_with_its_place(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"prices\": {}}", "kenh.json:1: field prices: must be a list of 1 to 1000 prices"},
        {"{\"prices\": []}", "must be a list"},
        {"{\"prices\": [\n5]}", "kenh.json:2: field prices[0]: must be an object"},
        {"{\"prices\": [{\"minor\": 1}]}", "prices[0].from: must be a day"},
        {"{\"prices\": [{\"from\": \"2026-13-01\", \"minor\": 1}]}", "prices[0].from"},
        {"{\"prices\": [{\"from\": \"2026-01-01\"}]}", "prices[0].minor: must be a whole number"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1.5}]}", "prices[0].minor"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": -1}]}", "prices[0].minor"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"class\": \"A b\"}]}",
            "prices[0].class"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"prefix\": \"096\"}]}",
            "prices[0].prefix: must be the beginning of a number"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"prefix\": []}]}",
            "prices[0].prefix: must not be empty"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"operator\": \"x\"}]}",
            "prices[0].operator: there is no such operator"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"operator\": \"itel\", "
         "\"prefix\": \"*\"}]}",
            "prices[0].operator: stands beside prefix"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"x\": 1}]}",
            "prices[0].x: there is no such field"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1, \"prefix\": [\"+84\", "
         "\"+84\"]}]}",
            "the same class, prefix (+84) and day as prices[0]"},
        {"{\"prices\": [{\"from\": \"2026-01-01\", \"minor\": 1},\n{\"from\": \"2026-01-01\", "
         "\"minor\": 2}]}",
            "kenh.json:2: field prices[1]: has the same class, prefix (*) and day as prices[0]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct base_err err;
        struct channel_prices *prices;
        memset(&err, 0, sizeof(err));
        assert_fault_part(parse(cases[i][0], &prices, &err), LANTOA_EINVAL, err, cases[i][1]);
        assert_null(prices);
    }
}

/* --- asking the plugin --- */

struct asked {
    struct rig rig;
    struct channel_spec *spec;
    struct channel_manifest *manifest;
    struct channel_quote *quote;
    uint64_t next; /* the tag that must come next */
    int64_t units, minor;
    int code;
    char note[220], preview[400];
};

static int answered(void *arg, const struct channel_quoted *quoted) {
    struct asked *asked = arg;
    assert_int_equal(quoted->tag, asked->next);
    assert_int_equal(quoted->id, asked->next + 7);
    asked->next++;
    asked->units += quoted->units;
    asked->minor += quoted->minor;
    asked->code = quoted->code;
    snprintf(asked->note, sizeof(asked->note), STR_FMT, STR_ARG(quoted->note));
    snprintf(asked->preview, sizeof(asked->preview), STR_FMT, STR_ARG(quoted->preview));
    return 0;
}

static void open_hurried(struct asked *asked, const char *json, int64_t silence_ms) {
    struct base_err err = {0};
    *asked = (struct asked){0};
    rig_open(&asked->rig);
    rig_plugins(strstr(json, "\"outbox\"") ? "../plugins" : "plugins");
    rig_spec(json, &asked->spec, &asked->manifest);
    assert_ok(channel_quote_open(asked->spec, asked->manifest, asked->rig.dir.path, silence_ms,
                  answered, asked, &asked->quote, &err),
        err);
    channel_quote_step(asked->quote, 3, STR("chien-dich"), STR("thu-1"), STR("internal"), STR(""));
}

static void open_asked(struct asked *asked, const char *json) {
    open_hurried(asked, json, CHANNEL_QUOTE_PATIENT_MS);
}

static void close_asked(struct asked *asked) {
    channel_quote_close(&asked->quote);
    channel_spec_free(&asked->spec);
    channel_manifest_free(&asked->manifest);
    rig_close(&asked->rig);
}

static int put(
    struct asked *asked, uint64_t tag, const char *text, unsigned want, struct base_err *err) {
    const struct str fields[8] = {str_from(text), {"", 0}, {"", 0}, {"", 0}};
    struct channel_quote_message message = {.tag = tag,
        .id = tag + 7,
        .want = want,
        .step_ref = 3,
        .key = STR("k"),
        .address = STR("+84961234567"),
        .name = STR("Lan"),
        .lang = STR("vi"),
        .fields = fields};
    return channel_quote_put(asked->quote, &message, err);
}

static void the_plugin_prices_each_text(void **state) {
    (void)state;
    struct asked asked;
    struct base_err err = {0};
    open_asked(&asked, "{\"name\": \"gia\", \"plugin\": \"priced\", \"options\": {\"ms\": 2}}");
    assert_ok(put(&asked, 0, "0123456789a", 0, &err), err);
    assert_ok(channel_quote_finish(asked.quote, &err), err);
    assert_int_equal(asked.units, 2);
    assert_int_equal(asked.minor, 12);
    assert_string_equal(asked.note, "");
    assert_ok(put(&asked, 1, "Chào", CHANNEL_WANT_NOTE | CHANNEL_WANT_PREVIEW, &err), err);
    assert_ok(channel_quote_finish(asked.quote, &err), err);
    assert_int_equal(asked.next, 2);
    assert_string_equal(asked.note, "5 bytes");
    assert_string_equal(asked.preview, "[chien-dich/thu-1] Chào");
    assert_ok(put(&asked, 2, "refuse", 0, &err), err);
    assert_ok(channel_quote_finish(asked.quote, &err), err);
    assert_int_equal(asked.code, LANTOA_ELIMIT);
    close_asked(&asked);
}

static void many_are_answered_in_order(void **state) {
    (void)state;
    enum { COUNT = 50000 };
    struct asked asked;
    struct base_err err = {0};
    open_asked(&asked, "{\"name\": \"gia\", \"plugin\": \"priced\", \"options\": {}}");
    for (uint64_t tag = 0; tag < COUNT; tag++) {
        assert_ok(put(&asked, tag, tag % 2 ? "0123456789" : "0123456789a", 0, &err), err);
    }
    assert_ok(channel_quote_finish(asked.quote, &err), err);
    assert_int_equal(asked.next, COUNT);
    assert_int_equal(asked.units, COUNT / 2 * 3);
    close_asked(&asked);
}

static void without_a_price_each_is_one_unit(void **state) {
    (void)state;
    struct asked asked;
    struct base_err err = {0};
    open_asked(&asked, "{\"name\": \"hop-thu\", \"plugin\": \"outbox\", \"options\": {}}");
    assert_ok(put(&asked, 0, "Chào", 0, &err), err);
    assert_ok(put(&asked, 1, "Chào", CHANNEL_WANT_NOTE, &err), err);
    assert_ok(channel_quote_finish(asked.quote, &err), err);
    assert_int_equal(asked.next, 2);
    assert_int_equal(asked.units, 2);
    assert_int_equal(asked.minor, 0);
    close_asked(&asked);
}

static void a_crash_and_a_lie_are_told(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"crash", "asking the plugin for a price ended"}, {"lie", "price makes no sense"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct asked asked;
        struct base_err err = {0};
        open_asked(&asked, "{\"name\": \"gia\", \"plugin\": \"priced\", \"options\": {}}");
        assert_ok(put(&asked, 0, "good", 0, &err), err);
        assert_ok(channel_quote_finish(asked.quote, &err), err);
        assert_ok(put(&asked, 1, cases[i][0], 0, &err), err);
        assert_int_not_equal(channel_quote_finish(asked.quote, &err), 0);
        assert_non_null(strstr(err.text, cases[i][1]));
        assert_non_null(strstr(err.text, "channel gia"));
        assert_int_equal(asked.next, 1);
        close_asked(&asked);
    }
}

/* The delivery loop waits with it, so it does not wait long. */
static void a_silence_ends_the_asking(void **state) {
    (void)state;
    struct asked asked;
    struct base_err err = {0};
    open_hurried(&asked, "{\"name\": \"gia\", \"plugin\": \"priced\", \"options\": {}}", 1000);
    assert_ok(put(&asked, 0, "hang", 0, &err), err);
    int64_t from = base_clock_real_ms();
    assert_int_equal(channel_quote_finish(asked.quote, &err), LANTOA_EBUSY);
    assert_true(base_clock_real_ms() - from < 10000);
    assert_non_null(strstr(err.text, "no price in 1 s"));
    close_asked(&asked);
}

static void a_plugin_that_is_none_is_told(void **state) {
    (void)state;
    struct asked asked = {0};
    struct base_err err = {0};
    rig_open(&asked.rig);
    rig_plugins("plugins");
    rig_spec("{\"name\": \"gia\", \"plugin\": \"priced\", \"options\": {}}", &asked.spec,
        &asked.manifest);
    rig_plugins("nowhere");
    assert_int_not_equal(channel_quote_open(asked.spec, asked.manifest, asked.rig.dir.path,
                             CHANNEL_QUOTE_PATIENT_MS, answered, &asked, &asked.quote, &err),
        0);
    assert_non_null(strstr(err.text, "cannot be read"));
    assert_null(asked.quote);
    close_asked(&asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_day_the_class_and_the_longest_prefix_decide),
        cmocka_unit_test(every_operator_has_its_numbers),
        cmocka_unit_test(a_wrong_list_is_refused_with_its_place),
        cmocka_unit_test(the_plugin_prices_each_text),
        cmocka_unit_test(many_are_answered_in_order),
        cmocka_unit_test(without_a_price_each_is_one_unit),
        cmocka_unit_test(a_crash_and_a_lie_are_told),
        cmocka_unit_test(a_silence_ends_the_asking),
        cmocka_unit_test(a_plugin_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
