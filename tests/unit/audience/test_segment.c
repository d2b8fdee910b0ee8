/* Expressions: what they select, what is refused and where, limits. */
#include "audience/fixture.h"

static void people(struct fixture *f) {
    import_ok(f, contact_import,
        "ref,name,email,phone,birth_date,sex,occupation,income,enrolled,lang\n"
        "1,Nguyễn Thị Hoà,hoa@example.vn,0912345678,1985-03-02,nữ,farmer,5000000,,vi\n"
        "2,Trần Văn Bình,,0987654321,1960,nam,artisan,3500000.5,yes,vi\n"
        "3,Lê Đức,duc@example.vn,,2010-01-01,nam,student,none,,en\n"
        "4,Phạm O'Hara,o@example.vn,,2004-11-24,nam,,-20,no,\n");
}

static int64_t count_of(struct fixture *f, const char *expression) {
    struct segment *segment = NULL;
    int column = 0;
    if (segment_parse(f->db, str_from(expression), &segment, &column, &f->err)) {
        fail_msg("%s: %s", expression, f->err.text);
    }
    int64_t count = -1;
    if (segment_count(f->db, segment, TODAY, &count, &f->err)) {
        fail_msg("%s: %s", expression, f->err.text);
    }
    segment_free(&segment);
    return count;
}

static void refused(struct fixture *f, const char *expression, int column, const char *part) {
    struct segment *segment = NULL;
    int found = 0;
    f->err = (struct base_err){0};
    int rc = segment_parse(f->db, str_from(expression), &segment, &found, &f->err);
    if (rc == 0) {
        segment_free(&segment);
        fail_msg("%s was taken", expression);
    }
    assert_has(f->err.text, part);
    assert_int_equal(found, column);
}

static void test_selects(void **state) {
    struct fixture *f = *state;
    people(f);
    static const struct {
        const char *expression;
        int64_t count;
    } cases[] = {{"all", 4}, {"not all", 0}, {"enrolled", 1}, {"not enrolled", 3},
        {"occupation in ('farmer','artisan') and not enrolled", 1}, {"occupation = 'farmer'", 1},
        {"occupation != 'farmer'", 3}, {"not (occupation = 'farmer')", 3},
        {"OCCUPATION = 'farmer' OR Enrolled", 2}, {"occupation is empty", 1},
        {"occupation is not empty", 3}, {"occupation starts with 'ar'", 1},
        {"occupation starts with 'AR'", 0}, {"income > 3500000", 2}, {"income >= 3500000.5", 2},
        {"income = -20", 1}, {"income < 0", 1}, {"income between -20 and 3500001", 2},
        {"income != 5000000", 3}, {"income in (-20, 'none')", 2}, {"income = '5000000'", 1},
        {"income > '4'", 2}, {"has email", 3}, {"has phone", 2}, {"not has phone", 2},
        {"name ~ 'nguyen thi hoa'", 1}, {"name ~ 'NGUYỄN THỊ HÒA'", 1},
        {"name = 'Nguyễn Thị Hoà'", 1}, {"name = 'Phạm O''Hara'", 1}, {"phone = '0912 345 678'", 1},
        {"sex = 'nữ'", 1}, {"sex in ('f', 'nam')", 4}, {"lang = 'vi'", 2}, {"lang is empty", 1},
        {"ref = 3", 1}, {"ref in (1, 2, '4')", 3}, {"email = 'hoa@EXAMPLE.vn'", 1},
        {"birth_date between '1980-01-01' and '1990'", 1}, {"birth_date < date '1985-03-03'", 2},
        {"enrolled_on is not empty", 1}, {"enrolled_on >= '2026-01-01'", 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t count = count_of(f, cases[i].expression);
        if (count != cases[i].count) {
            fail_msg("%s: %lld, not %lld", cases[i].expression, (long long)count,
                (long long)cases[i].count);
        }
    }
}

/* Born 1985-03-02, 1960 (year only), 2010-01-01, 2004-11-24; the day is 2026-11-23. */
static void test_age(void **state) {
    struct fixture *f = *state;
    people(f);
    assert_int_equal(count_of(f, "age = 41"), 1);
    assert_int_equal(count_of(f, "age = 66"), 1);
    assert_int_equal(count_of(f, "age = 22"), 0); /* tomorrow */
    assert_int_equal(count_of(f, "age = 21"), 1);
    assert_int_equal(count_of(f, "age between 18 and 55"), 2);
    assert_int_equal(count_of(f, "age >= 16"), 4);
    assert_int_equal(count_of(f, "age > 16"), 3);
    assert_int_equal(count_of(f, "age < 16"), 0);
    assert_int_equal(count_of(f, "age <= 16"), 1);
    assert_int_equal(count_of(f, "age > 16.5"), 3);
    assert_int_equal(count_of(f, "age <= 21.5"), 2);
    assert_int_equal(count_of(f, "age = 41.5"), 0);
    assert_int_equal(count_of(f, "age != 41.5"), 4);
    assert_int_equal(count_of(f, "age in (41, 66)"), 2);
    assert_int_equal(count_of(f, "age is empty"), 0);
}

static void test_faults_name_the_column(void **state) {
    struct fixture *f = *state;
    people(f);
    refused(f, "", 1, "a condition expected");
    refused(f, "sex = 'f' and   ocupation = 'x'", 17, "did you mean 'occupation'?");
    refused(f, "sex = 'f' and   ocupation = 'x'", 17, "column 17: ");
    refused(f, "name ~ 'Hoà' and", 17, "ends here");
    refused(f, "name = 'Hoà", 8, "never closed");
    refused(f, "name = ‘Hoà’", 8, "straight quotes");
    refused(f, "(sex = 'f'", 11, "\")\"");
    refused(f, "sex = 'f')", 10, "\"and\", \"or\"");
    refused(f, "sex = 'x'", 7, "'f' or 'm'");
    refused(f, "age = 'x'", 7, "a number of years");
    refused(f, "age between 18 or 20", 16, "\"and\"");
    refused(f, "income = 1.000.000", 10, "not a number");
    refused(f, "income = 5x", 10, "not a number");
    refused(f, "phone = '123'", 9, "Vietnamese mobile");
    refused(f, "occupation ~ 'x'", 12, "names only");
    refused(f, "occupation", 11, "a comparison");
    refused(f, "occupation = ''", 14, "is empty");
    refused(f, "occupation in ()", 16, "a text in 'quotes'");
    refused(f, "birth_date = 'x'", 14, "not a date");
    refused(f, "has money", 5, "\"email\"");
    refused(f, "segment 'x'", 9, "unknown segment 'x'");
    refused(f, "got 'x'", 5, "unknown campaign 'x'");
    refused(f, "consent for 'advertisin'", 13, "did you mean 'advertising'?");
    refused(f, "place under 'Nowhere'", 13, "unknown place");
    refused(f, "name = 'ba' & sex = 'f'", 13, "unexpected character \"&\"");
    refused(f, "household < 12", 13, "a text in quotes");
    refused(f, "thu nhập = 1", 1, "unknown attribute 'thu'");
    refused(f, "óccupatión = 'x'", 1, "did you mean 'occupation'?");
}

static void test_limits(void **state) {
    struct fixture *f = *state;
    people(f);
    struct base_buf text;
    base_buf_init(&text, 200000);
    for (int i = 0; i < 65; i++) {
        base_buf_add_char(&text, '(');
    }
    refused(f, base_buf_text(&text), 65, "nested deeper than 64");
    base_buf_clear(&text);
    base_buf_add_text(&text, "ref in (0");
    for (int i = 0; i < 10000; i++) {
        base_buf_add_text(&text, ",1");
    }
    refused(f, base_buf_text(&text), 20009, "more than 10000 values");
    base_buf_clear(&text);
    for (int i = 0; i < 66000; i++) {
        base_buf_add_char(&text, ' ');
    }
    refused(f, base_buf_text(&text), 1, "at most 64 KiB");
    /* A long chain must not become a deep one. */
    base_buf_clear(&text);
    base_buf_add_text(&text, "ref = 1");
    for (int i = 0; i < 5000; i++) {
        base_buf_add_text(&text, " or ref = 2");
    }
    assert_int_equal(count_of(f, base_buf_text(&text)), 2);
    base_buf_release(&text);
}

static void test_saved_segments(void **state) {
    struct fixture *f = *state;
    people(f);
    run_sql(f, "INSERT INTO segment (name, expression, changed_at) VALUES "
               "('workers', 'occupation in (''farmer'', ''artisan'')', 0), "
               "('loop', 'segment ''pool''', 0), ('pool', 'all and segment ''loop''', 0), "
               "('broken', 'all and nonsense = 1', 0)");
    assert_int_equal(count_of(f, "segment 'workers'"), 2);
    assert_int_equal(count_of(f, "segment 'workers' and not enrolled"), 1);
    refused(f, "not segment 'loop'", 13, "contains itself");
    refused(f, "segment 'broken'", 9, "in segment 'broken', column 9");
    refused(f, "segment 'worker'", 9, "did you mean 'workers'?");
}

static void test_got(void **state) {
    struct fixture *f = *state;
    people(f);
    run_sql(f,
        "INSERT INTO theme (id, name, spec, changed_at) VALUES (1, 't', '{}', 0);"
        "INSERT INTO channel (id, name, plugin, spec, manifest, state, changed_at) VALUES "
        "(1, 'email', 'outbox', '{}', '{}', 'ready', 0);"
        "INSERT INTO campaign (id, name, theme_id, spec, state, experiment_key, changed_at) VALUES "
        "(1, 'tet', 1, '{}', 0, x'00', 0);"
        "INSERT INTO step (id, campaign_id, position, occurrence, name, channel_id, state) VALUES "
        "(5, 1, 0, 1, 'mail-1', 1, 0), (6, 1, 1, 1, 'mail-2', 1, 0);"
        "INSERT INTO message (id, state, at) VALUES ((5 << 43) | (1 << 4), 4, 0), "
        "((5 << 43) | (2 << 4), 6, 0), ((6 << 43) | (3 << 4) | 2, 5, 0);");
    assert_int_equal(count_of(f, "got 'tet'"), 2);
    assert_int_equal(count_of(f, "got 'tet' step 'mail-2'"), 1);
    assert_int_equal(count_of(f, "not got 'tet' step 'mail-1'"), 3);
    refused(f, "got 'Tet'", 5, "did you mean 'tet'?");
}

static void test_asks_enrolled(void **state) {
    struct fixture *f = *state;
    people(f);
    struct segment *segment = NULL;
    assert_int_equal(
        segment_parse(f->db, STR("not (sex = 'f' or enrolled)"), &segment, NULL, &f->err), 0);
    assert_true(segment_asks_enrolled(segment));
    segment_free(&segment);
    assert_int_equal(segment_parse(f->db, STR("sex = 'f'"), &segment, NULL, &f->err), 0);
    assert_false(segment_asks_enrolled(segment));
    segment_free(&segment);
    segment_free(&segment);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_selects, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_age, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(
            test_faults_name_the_column, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_limits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_saved_segments, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_got, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_asks_enrolled, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
