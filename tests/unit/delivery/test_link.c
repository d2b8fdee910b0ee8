/* Codes of short links; which addresses of a text become links. */
#include "support.h"

#include "base/mem.h"
#include "delivery/ledger.h"
#include "delivery/link.h"
#include "store/schema.h"

static struct base_hmac *hmac(const char *secret) {
    return base_hmac_new(secret, strlen(secret));
}

static void test_code_round_trip(void **state) {
    (void)state;
    struct base_hmac *instance = hmac("secret");
    const int64_t ids[] = {
        0, 1, ledger_id(1, 1, 0), ledger_id(77, 123456789, 3), INT64_MAX, INT64_C(1) << 62};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        for (int number = 0; number < LINK_NUMBERS; number++) {
            char code[LINK_CODE_BYTES + 1];
            int64_t id = -1;
            int back = -1;
            link_code(instance, ids[i], number, code);
            assert_int_equal(strlen(code), LINK_CODE_BYTES);
            assert_int_equal(link_code_read(instance, str_from(code), &id, &back), 0);
            assert_int_equal(id, ids[i]);
            assert_int_equal(back, number);
        }
    }
    base_hmac_free(&instance);
}

/* Every single changed character is noticed, and so is another installation's secret. */
static void test_code_is_proved(void **state) {
    (void)state;
    struct base_hmac *instance = hmac("secret");
    struct base_hmac *other = hmac("other");
    char code[LINK_CODE_BYTES + 1];
    int64_t id;
    int number;
    link_code(instance, ledger_id(5, 6, 0), 3, code);
    assert_int_equal(link_code_read(other, str_from(code), &id, &number), LANTOA_EINVAL);
    for (size_t i = 0; i < LINK_CODE_BYTES; i++) {
        char wrong[LINK_CODE_BYTES + 1];
        memcpy(wrong, code, sizeof wrong);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_int_equal(link_code_read(instance, str_from(wrong), &id, &number), LANTOA_EINVAL);
        wrong[i] = '.';
        assert_int_equal(link_code_read(instance, str_from(wrong), &id, &number), LANTOA_EINVAL);
    }
    assert_int_equal(link_code_read(instance, str_of(code, 15), &id, &number), LANTOA_EINVAL);
    assert_int_equal(link_code_read(instance, STR(""), &id, &number), LANTOA_EINVAL);
    base_hmac_free(&instance);
    base_hmac_free(&other);
}

static void test_public_url(void **state) {
    (void)state;
    struct base_err err = {0};
    static const char *const good[] = {
        "https://x.vn", "http://127.0.0.1:8080", "https://a.b/c", "http://[::1]:80"};
    static const char *const bad[] = {"", "ftp://x.vn", "https://", "https://x.vn/", "https:///x",
        "https://x.vn?a", "https://x vn", "https://x\"vn", "x.vn", "https://x.vn{{a}}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(link_public_url_check(str_from(good[i]), &err), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(link_public_url_check(str_from(bad[i]), &err), LANTOA_EINVAL);
    }
}

struct fixture {
    struct db *db;
    struct delivery_links *links;
    char path[64];
};

static int set_up(void **state) {
    struct fixture *f = base_alloc(sizeof *f);
    struct base_err err = {0};
    snprintf(f->path, sizeof f->path, "/tmp/lantoa-test-link-%d.db", (int)getpid());
    assert_int_equal(db_open(f->path, DB_OPEN_CREATE, &f->db, &err), 0);
    assert_int_equal(schema_migrate(f->db, &err), 0);
    char hex[2 * BASE_SHA256_BYTES + 1];
    memset(hex, 'a', sizeof hex - 1);
    hex[sizeof hex - 1] = '\0';
    assert_int_equal(schema_meta_set(f->db, "instance_key", hex, &err), 0);
    assert_int_equal(schema_meta_set(f->db, "public_url", "https://x.vn", &err), 0);
    assert_int_equal(delivery_links_load(f->db, 1, LINKS_PLANNING, NULL, &f->links, &err), 0);
    assert_non_null(f->links);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    delivery_links_free(&f->links);
    db_close(&f->db);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char *path = base_printf("%s%s", f->path, ends[i]);
        unlink(path);
        base_free(path);
    }
    base_free(f);
    return 0;
}

static void becomes(struct delivery_links *links, bool html, const char *text, const char *wanted) {
    struct base_buf out;
    struct base_err err = {0};
    base_buf_init(&out, 1 << 16);
    assert_int_equal(delivery_links_rewrite(links, str_from(text), html, &out, &err), 0);
    assert_string_equal(base_buf_text(&out), wanted);
    base_buf_release(&out);
}

static void test_rewrite_text(void **state) {
    struct fixture *f = *state;
    becomes(f->links, false, "no address", "no address");
    becomes(f->links, false, "see https://a.vn/x. Bye", "see {{{link.0}}}. Bye");
    becomes(f->links, false, "(http://b.vn/y(1)) https://a.vn/x", "({{{link.1}}}) {{{link.0}}}");
    becomes(
        f->links, false, "https://a.vn/{{ref}} https://c.vn", "https://a.vn/{{ref}} {{{link.2}}}");
    becomes(f->links, false, "{{x | or \"https://d.vn\"}}{{! https://e.vn }}",
        "{{x | or \"https://d.vn\"}}{{! https://e.vn }}");
    becomes(f->links, false, "{{=<% %>=}} https://f.vn", "{{=<% %>=}} https://f.vn");
    becomes(f->links, false, "https:// http://", "https:// http://");
    becomes(f->links, false, "https://a.vn/x", "{{{link.0}}}");
    becomes(f->links, false, "unclosed {{ https://a.vn/x", "unclosed {{ https://a.vn/x");
}

static void test_rewrite_html(void **state) {
    struct fixture *f = *state;
    becomes(f->links, true, "<a href=\"https://a.vn/?x=1&amp;y=2\">https://a.vn/</a>",
        "<a href=\"{{{link.0}}}\">https://a.vn/</a>");
    becomes(f->links, false, "https://a.vn/?x=1&y=2", "{{{link.0}}}");
    becomes(f->links, true, "<a\nHREF = 'http://b.vn'>", "<a\nHREF = '{{{link.1}}}'>");
    becomes(f->links, true, "<img src=\"http://b.vn/i.png\">", "<img src=\"http://b.vn/i.png\">");
    becomes(f->links, true, "<a data-href=\"http://b.vn\">", "<a data-href=\"http://b.vn\">");
    becomes(f->links, true, "<a href=\"http://b.vn/{{ref}}\">", "<a href=\"http://b.vn/{{ref}}\">");
}

static void test_too_many(void **state) {
    struct fixture *f = *state;
    struct base_err err = {0};
    struct base_buf text, out;
    base_buf_init(&text, 1 << 16);
    base_buf_init(&out, 1 << 16);
    for (int i = 0; i <= LINK_NUMBERS; i++) {
        base_buf_printf(&text, "http://h%d.vn ", i);
    }
    int rc = delivery_links_rewrite(f->links, base_buf_str(&text), false, &out, &err);
    assert_int_equal(rc, LANTOA_ELIMIT);
    base_buf_release(&text);
    base_buf_release(&out);
}

/* After planning the links stand: what was not planned goes out as it is. */
static void test_save_and_load(void **state) {
    struct fixture *f = *state;
    struct base_err err = {0};
    struct delivery_links *again = NULL;
    becomes(f->links, false, "http://a.vn http://b.vn", "{{{link.0}}} {{{link.1}}}");
    assert_int_equal(delivery_links_save(f->db, 1, f->links, &err), 0);
    assert_int_equal(delivery_links_load(f->db, 1, LINKS_AS_PLANNED, NULL, &again, &err), 0);
    becomes(again, false, "http://b.vn http://new.vn", "{{{link.1}}} http://new.vn");
    char key[LEDGER_KEY_BYTES + 1], url[LINK_URL_MAX];
    struct base_hmac *instance = hmac("x");
    int64_t id = ledger_id(1, 9, 0);
    ledger_key(instance, id, key);
    struct str made = delivery_link_url(again, 1, key, url);
    assert_true(str_starts(made, STR("https://x.vn/t/")));
    assert_int_equal(made.bytes, strlen("https://x.vn/t/") + LINK_CODE_BYTES);
    assert_int_equal(delivery_link_url(again, 1, "", url).bytes, made.bytes);
    assert_true(
        str_starts(delivery_link_url(again, LINK_UNSUBSCRIBE, key, url), STR("https://x.vn/u/")));
    base_hmac_free(&instance);
    delivery_links_free(&again);
    assert_int_equal(schema_meta_set(f->db, "public_url", "nonsense", &err), 0);
    assert_int_equal(
        delivery_links_load(f->db, 1, LINKS_AS_PLANNED, NULL, &again, &err), LANTOA_EINVAL);
}

/* With and without a public address: in where the link leads, or in the address. */
static void test_utm(void **state) {
    struct fixture *f = *state;
    struct base_err err = {0};
    struct delivery_links *links = NULL;
    struct delivery_utm *utm = NULL;
    char source[] = "a&b", none[] = "";
    struct campaign_utm spec = {.on = true, .texts = {source, none, none, none, none}};
    const struct delivery_utm_facts facts = {"c", "k", "p", "n", "t", "s"};
    assert_int_equal(delivery_utm_new(&spec, &facts, &utm, &err), 0);
    assert_int_equal(delivery_links_load(f->db, 1, LINKS_PLANNING, utm, &links, &err), 0);
    becomes(links, false, "https://a.vn/?x=1 https://x.vn/p https://a.vn/{{r}}.",
        "{{{link.0}}} {{{link.1}}} https://a.vn/{{r}}.");
    becomes(links, true, "<a href='https://a.vn/?x=1'>", "<a href='{{{link.0}}}'>");
    becomes(links, false, "https://a.vn/?r={{r}}.", "https://a.vn/?r={{r}}&utm_source=a%26b.");
    becomes(links, false, "https:// https://a.vn/?r={{r}}{{=<% %>=}} https://f.vn",
        "https:// https://a.vn/?r={{r}}&utm_source=a%26b{{=<% %>=}} https://f.vn");
    assert_true(str_is(delivery_link_target(links, 0), "https://a.vn/?x=1&utm_source=a%26b"));
    assert_true(str_is(delivery_link_target(links, 1), "https://x.vn/p")); /* our own */
    assert_int_equal(delivery_link_target(links, 2).bytes, 0);
    delivery_links_free(&links);
    assert_int_equal(db_exec(f->db, "DELETE FROM meta WHERE key = 'public_url'", &err), 0);
    assert_int_equal(delivery_utm_new(&spec, &facts, &utm, &err), 0);
    assert_int_equal(delivery_links_load(f->db, 1, LINKS_PLANNING, utm, &links, &err), 0);
    becomes(links, false, "https://a.vn/x.", "https://a.vn/x?utm_source=a%26b.");
    becomes(links, true, "<a href=\"https://a.vn/?x=1&amp;y=2\">https://a.vn</a>",
        "<a href=\"https://a.vn/?x=1&amp;y=2&amp;utm_source=a%26b\">https://a.vn</a>");
    char url[LINK_URL_MAX];
    assert_int_equal(delivery_link_url(links, LINK_UNSUBSCRIBE, "", url).bytes, 0);
    assert_int_equal(delivery_links_save(f->db, 1, links, &err), 0);
    delivery_links_free(&links);
}

static void test_names(void **state) {
    (void)state;
    assert_int_equal(delivery_link_name(STR("link.0")), 0);
    assert_int_equal(delivery_link_name(STR("link.31")), 31);
    assert_int_equal(delivery_link_name(STR("link.32")), -1);
    assert_int_equal(delivery_link_name(STR("link.")), -1);
    assert_int_equal(delivery_link_name(STR("link.x")), -1);
    assert_int_equal(delivery_link_name(STR("unsubscribe_url")), LINK_UNSUBSCRIBE);
    assert_int_equal(delivery_link_name(STR("preferences_url")), LINK_PREFERENCES);
    assert_int_equal(delivery_link_name(STR("name")), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_code_round_trip),
        cmocka_unit_test(test_code_is_proved), cmocka_unit_test(test_public_url),
        cmocka_unit_test_setup_teardown(test_rewrite_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rewrite_html, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_save_and_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_utm, set_up, tear_down), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
