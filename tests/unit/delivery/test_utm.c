/* What addresses tell the sites they lead to: values, doubling, fragments, HTML, people's values.
 */
#include "support.h"

#include "base/mem.h"
#include "campaign/spec.h"
#include "delivery/utm.h"

static const struct delivery_utm_facts facts = {
    "sms-1", "sms", "sms-http", "tuoi-gia", "diem-tua", "nhac-1"};

static int make(struct delivery_utm **out, const char *source, const char *term) {
    const char *const texts[CAMPAIGN_UTM_COUNT] = {
        source, "{{kind}}", "{{campaign}}", "{{step}}", term};
    struct campaign_utm spec = {.on = true};
    struct base_err err = {0};
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        spec.texts[i] = base_strdup(texts[i]);
    }
    int rc = delivery_utm_new(&spec, &facts, out, &err);
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        base_free(spec.texts[i]);
    }
    return rc;
}

#define ALL "utm_source=sms-1&utm_medium=sms&utm_campaign=tuoi-gia&utm_content=nhac-1"
#define ALL_HTML                                                                                   \
    "utm_source=sms-1&amp;utm_medium=sms&amp;utm_campaign=tuoi-gia&amp;utm_content=nhac-1"

static void becomes(const struct delivery_utm *utm, bool html, const char *url, const char *want) {
    struct base_buf out;
    base_buf_init(&out, 1 << 16);
    delivery_utm_put(utm, str_from(url), html, &out);
    assert_string_equal(base_buf_text(&out), want);
    base_buf_release(&out);
}

static void in_addresses(void **state) {
    struct delivery_utm *utm = NULL;
    (void)state;
    assert_int_equal(make(&utm, "{{channel}}", ""), 0);
    becomes(utm, false, "https://a.vn", "https://a.vn/?" ALL);
    becomes(utm, false, "https://a.vn/x", "https://a.vn/x?" ALL);
    becomes(utm, false, "https://a.vn/x?b=1", "https://a.vn/x?b=1&" ALL);
    becomes(utm, false, "https://a.vn/x?", "https://a.vn/x?" ALL);
    becomes(utm, false, "https://a.vn/x?b=1&", "https://a.vn/x?b=1&" ALL);
    becomes(utm, false, "https://a.vn#top", "https://a.vn/?" ALL "#top");
    becomes(utm, false, "https://a.vn/#/x?y=1", "https://a.vn/?" ALL "#/x?y=1");
    becomes(utm, false, "https://a.vn?b=/c", "https://a.vn/?b=/c&" ALL);
    becomes(utm, false, "https://a.vn/anh.PNG", "https://a.vn/anh.PNG");
    becomes(utm, false, "https://a.vn/anh.png?w=1", "https://a.vn/anh.png?w=1");
    becomes(NULL, false, "https://a.vn", "https://a.vn");
    delivery_utm_free(&utm);
    assert_null(utm);
}

static void never_doubled(void **state) {
    struct delivery_utm *utm = NULL;
    (void)state;
    assert_int_equal(make(&utm, "{{channel}}", ""), 0);
    becomes(utm, false, "https://a.vn/?utm_source=bao&x=1",
        "https://a.vn/?utm_source=bao&x=1&utm_medium=sms&utm_campaign=tuoi-gia&utm_content=nhac-1");
    becomes(utm, false, "https://a.vn/?" ALL, "https://a.vn/?" ALL);
    becomes(utm, false, "https://a.vn/?xutm_source=1", "https://a.vn/?xutm_source=1&" ALL);
    becomes(utm, false, "https://a.vn/?a=1#utm_source=x", "https://a.vn/?a=1&" ALL "#utm_source=x");
    becomes(utm, true, "https://a.vn/?a=1&amp;" ALL_HTML, "https://a.vn/?a=1&amp;" ALL_HTML);
    delivery_utm_free(&utm);
}

static void in_html(void **state) {
    struct delivery_utm *utm = NULL;
    (void)state;
    assert_int_equal(make(&utm, "{{channel}}", ""), 0);
    becomes(utm, true, "https://a.vn/?x=1&amp;y=2", "https://a.vn/?x=1&amp;y=2&amp;" ALL_HTML);
    becomes(utm, true, "https://a.vn/&#39;x", "https://a.vn/&#39;x?" ALL_HTML);
    delivery_utm_free(&utm);
}

/* Where a value stands before the "?", nobody knows whether it brings one. */
static void with_values(void **state) {
    struct delivery_utm *utm = NULL;
    (void)state;
    assert_int_equal(make(&utm, "{{channel}}", ""), 0);
    becomes(utm, false, "https://a.vn/?r={{ref}}", "https://a.vn/?r={{ref}}&" ALL);
    becomes(utm, false, "https://a.vn/?r={{{ref | or \"#?\"}}}#x",
        "https://a.vn/?r={{{ref | or \"#?\"}}}&" ALL "#x");
    becomes(utm, false, "https://a.vn/?#{{ref}}", "https://a.vn/?" ALL "#{{ref}}");
    static const char *const alone[] = {"https://a.vn/{{ref}}", "https://{{host}}/?x=1",
        "https://a.vn/?{{#x}}a=1{{/x}}", "https://a.vn/?a={{> p}}", "https://a.vn/?a={{ref",
        "https://a.vn/?a=1#{{#x}}y{{/x}}"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        becomes(utm, false, alone[i], alone[i]);
    }
    delivery_utm_free(&utm);
}

static void values_of_a_step(void **state) {
    struct delivery_utm *utm = NULL;
    struct base_err err = {0};
    const struct campaign_utm off = {0};
    (void)state;
    assert_int_equal(delivery_utm_new(&off, &facts, &utm, &err), 0);
    assert_null(utm);
    assert_int_equal(make(&utm, "  ", "Điểm tựa {{theme | upper}} & {{plugin}}"), 0);
    becomes(utm, false, "https://a.vn/",
        "https://a.vn/?utm_medium=sms&utm_campaign=tuoi-gia&utm_content=nhac-1&utm_term="
        "%C4%90i%E1%BB%83m%20t%E1%BB%B1a%20DIEM-TUA%20%26%20sms-http");
    delivery_utm_free(&utm);
    /* It does not fit: no step without its values. */
    char longest[CAMPAIGN_UTM_BYTES + 1] = "";
    while (strlen(longest) + 12 < sizeof longest) {
        snprintf(longest + strlen(longest), 13, "{{campaign}}");
    }
    const struct delivery_utm_facts wide = {"c", "k", "p",
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg", "t", "s"};
    struct campaign_utm spec = {.on = true, .texts = {longest, longest, longest, longest, longest}};
    assert_int_equal(delivery_utm_new(&spec, &wide, &utm, &err), LANTOA_ELIMIT);
    assert_non_null(strstr(err.text, "utm_source"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_addresses),
        cmocka_unit_test(never_doubled), cmocka_unit_test(in_html), cmocka_unit_test(with_values),
        cmocka_unit_test(values_of_a_step)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
