/* Lists of contacts, saved segments, batches. */
#include "audience/contact_query.h"
#include "audience/fixture.h"
#include "audience/import.h"
#include "audience/segment_store.h"

struct found {
    char refs[1024];
    int64_t last_id;
};

static int take(void *arg, const struct contact *contact) {
    struct found *found = arg;
    size_t at = strlen(found->refs);
    (void)snprintf(
        found->refs + at, sizeof(found->refs) - at, "%s%.*s", at ? " " : "", STR_ARG(contact->ref));
    found->last_id = contact->id;
    return 0;
}

static const char *refs(struct fixture *f, const struct contact_query *query) {
    static struct found found;
    found = (struct found){0};
    if (contact_each(f->db, query, take, &found, &f->err)) {
        fail_msg("%s", f->err.text);
    }
    return found.refs;
}

static const char *search(struct fixture *f, const char *text) {
    struct contact_query query = {.text = str_from(text), .most = 100};
    return refs(f, &query);
}

static void people(struct fixture *f) {
    import_ok(f, contact_import,
        "ref,name,email,phone,cccd,si_code,job\n"
        "1,Nguyễn Thị Hoà,hoa@example.vn,0912345678,024085000001,0123456789,farmer\n"
        "2,Nguyễn Thị Hòa,,0912345678,,,\n"
        "3,100% Đức_Anh,duc@example.vn,,,,\n"
        "4,Nguye\xcc\x82\xcc\x83n Hoa,,,,,smith\n");
}

static void test_search(void **state) {
    struct fixture *f = *state;
    people(f);
    assert_string_equal(search(f, "nguyen thi hoa"), "1 2");
    assert_string_equal(search(f, "NGUYỄN"), "1 2 4");
    assert_string_equal(search(f, "0912 345 678"), "1 2");
    assert_string_equal(search(f, "hoa@EXAMPLE.vn"), "1");
    assert_string_equal(search(f, "024085000001"), "1");
    assert_string_equal(search(f, "0123456789"), "1");
    assert_string_equal(search(f, "3"), "3");
    assert_string_equal(search(f, "duc_"), "3");
    assert_string_equal(search(f, "100%"), "3");
    assert_string_equal(search(f, "_"), "3");
    assert_string_equal(search(f, "nobody"), "");
    assert_string_equal(search(f, ""), "1 2 3 4");
    import_ok(f, contact_import, "ref,name\n5,Đinh Thị Ân\n6,Bùi Văn Anh\n");
    struct contact_query by_name = {.order = CONTACT_BY_NAME, .most = 100};
    assert_string_equal(refs(f, &by_name), "6 5 3 4 1 2");
    by_name.most = 2;
    assert_string_equal(refs(f, &by_name), "6 5");
    struct contact_query by_key = {.text = STR("Nguyễn"), .keys_only = true, .most = 9};
    assert_string_equal(refs(f, &by_key), "");
    by_key.text = STR("0912345678");
    assert_string_equal(refs(f, &by_key), "1 2");
    struct contact_query bad = {.text = STR("\xff"), .most = 9};
    struct found found = {0};
    assert_int_equal(contact_each(f->db, &bad, take, &found, &f->err), LANTOA_EINVAL);
}

static void test_pages_and_segments(void **state) {
    struct fixture *f = *state;
    people(f);
    struct contact_query page = {.most = 3};
    assert_string_equal(refs(f, &page), "1 2 3");
    page.after_id = 3;
    assert_string_equal(refs(f, &page), "4");
    struct segment *segment = NULL;
    assert_int_equal(
        segment_parse(f->db, STR("job is empty or job = 'smith'"), &segment, NULL, &f->err), 0);
    struct contact_query query = {.segment = segment, .today_days = TODAY, .most = 9};
    assert_string_equal(refs(f, &query), "2 3 4");
    query.text = STR("hoa");
    assert_string_equal(refs(f, &query), "2 4");
    query.keys_only = true;
    query.text = STR("2");
    assert_string_equal(refs(f, &query), "2");
    segment_free(&segment);
}

static int join(void *arg, struct str name, struct str value) {
    char *text = arg;
    size_t at = strlen(text);
    (void)snprintf(text + at, 256 - at, "%.*s=%.*s;", STR_ARG(name), STR_ARG(value));
    return 0;
}

static int check_attributes(void *arg, const struct contact *contact) {
    char text[256] = "";
    (void)arg;
    assert_int_equal(contact_attr_each(contact, join, text), 0);
    assert_string_equal(text, "job=farmer;phone_invalid=12;");
    struct base_buf scratch;
    base_buf_init(&scratch, 1000);
    struct str value;
    assert_true(contact_attr(contact, STR("job"), &scratch, &value));
    assert_true(str_is(value, "farmer"));
    assert_false(contact_attr(contact, STR("jo"), &scratch, &value));
    base_buf_release(&scratch);
    return 0;
}

static void test_attributes(void **state) {
    struct fixture *f = *state;
    people(f);
    import_ok(f, contact_import, "ref,phone\n1,12\n");
    assert_int_equal(contact_get(f->db, 1, check_attributes, NULL, &f->err), 0);
    assert_int_equal(contact_get(f->db, 99, check_attributes, NULL, &f->err), LANTOA_ENOENT);
    char text[256] = "";
    assert_int_equal(contact_attribute_each(f->db, join, text, &f->err), 0);
    assert_string_equal(text, "email_invalid=email_invalid;job=job;phone_invalid=phone_invalid;");
    static const struct {
        const char *name;
        bool known;
    } cases[] = {{"job", true}, {"phone_invalid", true}, {"name", true}, {"age", true},
        {"enrolled_on", true}, {"jobs", false}, {"consent", false}, {"place_in", false},
        {"", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool known = !cases[i].known;
        assert_int_equal(
            contact_attribute_known(f->db, str_from(cases[i].name), &known, &f->err), 0);
        assert_int_equal(known, cases[i].known);
    }
}

static void attribute_is(const char *attrs, const char *name, const char *expected) {
    struct contact contact = {.attrs = str_from(attrs)};
    struct base_buf scratch;
    base_buf_init(&scratch, 1000);
    struct str value = {0};
    bool found = contact_attr(&contact, str_from(name), &scratch, &value);
    assert_int_equal(found, expected != NULL);
    if (expected) {
        assert_true(str_is(value, expected));
    }
    /* The same from all attributes at hand, whatever is thought of where it stands. */
    struct contact_attrs all;
    contact_attrs_scan(&contact, &all);
    for (int guess = -1; guess < 4; guess++) {
        int place = guess;
        value = (struct str){0};
        found = contact_attrs_find(&all, &place, str_from(name), &scratch, &value);
        assert_int_equal(found, expected != NULL);
        assert_true(!expected || str_is(value, expected));
    }
    base_buf_release(&scratch);
}

static void test_any_flat_json(void **state) {
    (void)state;
    attribute_is("{\"a\":\"1\",\"b\":\"2\"}", "b", "2");
    attribute_is(" {\n\"a\" : 1.50 , \"b\":true}", "a", "1.50");
    attribute_is("{\"a\":1.50,\"b\": true }", "b", "true");
    attribute_is("{\"a\":null,\"b\":\"\"}", "a", NULL);
    attribute_is("{\"a\":null,\"b\":\"\"}", "b", "");
    attribute_is("{\"a\":{\"b\":\"no\"},\"c\":[1,\"}\"],\"b\":\"yes\"}", "b", "yes");
    attribute_is("{\"a\":\"\\\"b\\\":\\\"no\\\"\",\"b\":\"yes\"}", "b", "yes");
    attribute_is("{\"a\":\"x\\u00e1\\ud83d\\ude00\\n\\\\\\/\"}", "a", "xá😀\n\\/");
    attribute_is("{\"\\u0061\":\"x\"}", "a", "x");
    attribute_is("{}", "a", NULL);
    attribute_is("", "a", NULL);
    /* Damaged text gives nothing, and no crash. */
    static const char *const damaged[] = {"{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":}",
        "{\"a\":\"", "{\"a\":\"x", "{\"a\":\"\\", "{\"a\" \"x\"}", "[\"a\"]", "x", "{\"a\":1",
        "{\"b\":\"\\u00"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        attribute_is(damaged[i], "a", NULL);
    }
    attribute_is("{\"a\":\"\\ud83d\"}", "a", "\xef\xbf\xbd");
}

static void test_many_attributes(void **state) {
    (void)state;
    char attrs[2000] = "{", name[16], expected[16];
    for (int i = 0; i < 2 * CONTACT_ATTRS_AT_HAND; i++) {
        size_t at = strlen(attrs);
        (void)snprintf(attrs + at, sizeof attrs - at, "%s\"n%d\":\"v%d\"", i ? "," : "", i, i);
    }
    strcat(attrs, "}");
    for (int i = 0; i < 2 * CONTACT_ATTRS_AT_HAND; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        (void)snprintf(expected, sizeof expected, "v%d", i);
        attribute_is(attrs, name, expected);
    }
    attribute_is(attrs, "n", NULL);
}

static int count_segments(void *arg, const struct segment_row *row) {
    assert_true(row->id > 0 && row->changed_at == 7);
    ++*(int *)arg;
    return 0;
}

static void test_saved_segments(void **state) {
    struct fixture *f = *state;
    people(f);
    assert_int_equal(segment_save(f->db, STR("nông dân"), STR("job = 'farmer'"), 6, &f->err), 0);
    assert_int_equal(segment_save(f->db, STR("nông dân"), STR("job != 'smith'"), 7, &f->err), 0);
    assert_int_equal(segment_save(f->db, STR("o'x"), STR("not segment 'nông dân'"), 7, &f->err), 0);
    int count = 0;
    assert_int_equal(segment_each(f->db, count_segments, &count, &f->err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(
        segment_save(f->db, STR("nông dân"), STR("segment 'o''x'"), 8, &f->err), LANTOA_EINVAL);
    assert_has(f->err.text, "contains itself");
    assert_string_equal(
        text_of(f, "SELECT expression FROM segment WHERE name = 'nông dân'"), "job != 'smith'");
    assert_int_equal(segment_save(f->db, STR("x"), STR("jb = 1"), 8, &f->err), LANTOA_EINVAL);
    assert_has(f->err.text, "column 1: unknown attribute 'jb' (did you mean 'job'?)");
    assert_int_equal(segment_save(f->db, STR(""), STR("all"), 8, &f->err), LANTOA_EINVAL);
    assert_int_equal(segment_save(f->db, STR("a\nb"), STR("all"), 8, &f->err), LANTOA_EINVAL);
    assert_int_equal(segment_remove(f->db, STR("o'x"), &f->err), 0);
    assert_int_equal(segment_remove(f->db, STR("o'x"), &f->err), LANTOA_ENOENT);
}

static int see_batch(void *arg, const struct import_batch *batch) {
    char *text = arg;
    size_t at = strlen(text);
    (void)snprintf(text + at, 256 - at, "%lld %.*s %lld/%lld/%lld/%lld/%lld%s;",
        (long long)batch->id, STR_ARG(batch->kind), (long long)batch->rows, (long long)batch->added,
        (long long)batch->updated, (long long)batch->unchanged, (long long)batch->rejected,
        batch->undone_at     ? " undone"
        : batch->finished_at ? ""
                             : " half");
    return 0;
}

static void test_batches(void **state) {
    struct fixture *f = *state;
    people(f);
    import_ok(f, contact_import, "ref,job\n1,x\n2,\n,\n9,\n");
    struct contact_undo_outcome outcome;
    assert_int_equal(contact_undo(f->db, 2, &outcome, &f->err), 0);
    char text[256] = "";
    assert_int_equal(import_batch_each(f->db, 10, see_batch, text, &f->err), 0);
    assert_string_equal(text, "2 contact 4/1/1/1/1 undone;1 contact 4/4/0/0/0;");
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_search), T(test_pages_and_segments),
        T(test_attributes), cmocka_unit_test(test_any_flat_json),
        cmocka_unit_test(test_many_attributes), T(test_saved_segments), T(test_batches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
