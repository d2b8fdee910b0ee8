/* The tables of errors: every code once, with a class, and words for staff in both languages that
 * say what to do; and named in the plugin's README. */
#include "support.h"

#include "social.h"

extern const struct social_error zalo_errors[], facebook_errors[], telegram_errors[],
    mastodon_errors[];

static const struct {
    const char *plugin;
    const struct social_error *rows;
} tables[] = {{"zalo", zalo_errors}, {"facebook-page", facebook_errors},
    {"telegram", telegram_errors}, {"mastodon", mastodon_errors}};

static char *readme_of(const char *plugin) {
    char path[400];
    static char text[65536];
    snprintf(path, sizeof(path), PLUGINS "/%s/README.md", plugin);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t bytes = fread(text, 1, sizeof(text) - 1, file);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

static bool is_vietnamese(const char *text) {
    return text_has_accent(social_str(text));
}

static void check_row(const char *plugin, const struct social_error *row, const char *readme) {
    struct social_reading reading;
    char code[24];
    snprintf(code, sizeof(code), "%lld", (long long)row->code);
    reading_error(&reading, row, row->code, "what the network said");
    bool worded = strlen(row->en) > 10 && is_vietnamese(row->vi) && !is_vietnamese(row->en);
    bool whole = strstr(reading.detail, row->en) != NULL && strstr(reading.detail, row->vi) != NULL;
    bool waits = row->verdict != SOCIAL_SLOWER || row->after_ms >= 1000;
    bool classed = row->verdict >= SOCIAL_RETRY && row->verdict <= SOCIAL_STOP &&
                   row->reason != LANTOA_REASON_NONE;
    if (!worded || !whole || !waits || !classed || strstr(readme, code) == NULL) {
        fail_msg("%s %s: worded %d, whole %d, waits %d, classed %d, in README %d", plugin, code,
            worded, whole, waits, classed, strstr(readme, code) != NULL);
    }
}

static void every_row(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const char *readme = readme_of(tables[i].plugin);
        size_t count = 0;
        for (const struct social_error *row = tables[i].rows; row->en != NULL; row++, count++) {
            check_row(tables[i].plugin, row, readme);
            assert_ptr_equal(error_find(tables[i].rows, row->code, row->subcode), row); /* once */
        }
        assert_true(count >= 5);
    }
}

static void classes_that_a_fallback_waits_for(void **state) {
    (void)state;
    assert_int_equal(error_find(zalo_errors, -118, 0)->reason, LANTOA_REASON_NO_ACCOUNT);
    assert_int_equal(error_find(zalo_errors, -108, 0)->reason, LANTOA_REASON_ADDRESS);
    assert_int_equal(error_find(zalo_errors, -115, 0)->verdict, SOCIAL_STOP);
    assert_int_equal(error_find(facebook_errors, 32, 0)->verdict, SOCIAL_SLOWER);
    assert_int_equal(error_find(telegram_errors, 403, 0)->reason, LANTOA_REASON_REFUSED);
    assert_int_equal(error_find(mastodon_errors, 429, 0)->reason, LANTOA_REASON_THROTTLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row), cmocka_unit_test(classes_that_a_fallback_waits_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
