/* The same random expressions over the same random people, asked in SQL and in memory: the two must
 * agree, for a campaign is planned with the one and checked with the other. */
#include "audience/contact_query.h"
#include "audience/fixture.h"
#include "audience/segment_store.h"

enum { PEOPLE = 400, EXPRESSIONS = 600 };

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

#define PICK(list) list[draw(sizeof(list) / sizeof(list[0]))]

/* Values for attributes: numbers, near-numbers, and texts around each other in byte order. */
static const char *const attribute_values[] = {"", "", "0", "5", "-5", "5.0", "05", "5.", ".5", "-",
    "-.5", "1.2.3", "--5", "5-", "1e3", " 5", "123456789012345678", "1234567890123456789",
    "0.000000000000001", "99999999.99", "farmer", "Farmer", "nông dân", "Nông", "z", "ạ", "%", "_x",
    "a'b", "a\"b\\c", "true", "null"};
static const char *const birth_dates[] = {
    "", "1960", "1985-03-02", "2004-11-23", "2004-11-24", "2008", "2008-02-29", "2026-11-23"};
static const char *const names[] = {"", "Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "Trần", "Đỗ Đức", "An"};

static void people(struct fixture *f) {
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    base_buf_add_text(&text,
        "ref,name,email,phone,birth_date,sex,lang,household,enrolled,place_code,"
        "consent,a,b\n");
    for (int i = 0; i < PEOPLE; i++) {
        static const char *const sexes[] = {"", "f", "m"}, *const langs[] = {"", "vi", "en"},
                                 *const enrolled[] = {"", "no", "yes", "2026-01-02"},
                                 *const places[] = {"", "A", "B", "C", "D"},
                                 *const consents[] = {"", "yes", "no"};
        base_buf_printf(&text, "%d,%s,", i, PICK(names));
        if (draw(2)) {
            base_buf_printf(&text, draw(4) ? "u%d@example.vn" : "U%d@Example.vn", i);
        }
        base_buf_add_char(&text, ',');
        if (draw(2)) {
            base_buf_printf(&text, "+849%08d", i);
        }
        base_buf_printf(&text, ",%s,%s,%s,%s,%s,%s,%s", PICK(birth_dates), PICK(sexes), PICK(langs),
            draw(2) ? "h1" : "", PICK(enrolled), PICK(places), PICK(consents));
        for (int a = 0; a < 2; a++) {
            const char *value = PICK(attribute_values);
            base_buf_add_text(&text, ",\"");
            for (; *value; value++) {
                base_buf_add_char(&text, *value);
                if (*value == '"') {
                    base_buf_add_char(&text, '"');
                }
            }
            base_buf_add_char(&text, '"');
        }
        base_buf_add_char(&text, '\n');
    }
    import_ok(f, place_import,
        "code,name,level,parent,valid_from\nA,Tỉnh A,province,,2000-01-01\n"
        "B,Huyện B,district,A,2000-01-01\nC,Xã C,commune,B,2000-01-01\n"
        "D,Xã D,commune,B,2000-01-01\n");
    import_ok(f, contact_import, base_buf_text(&text));
    assert_int_equal(f->outcome.rejected, 0);
    /* As other writers may leave it: numbers as numbers, blanks, escapes, null, an empty text. */
    run_sql(f,
        "UPDATE contact SET attrs = '{ \"b\" : 5 , \"a\" : \"n\\u00f4ng d\\u00e2n\" }' WHERE "
        "id % 17 = 0;"
        "UPDATE contact SET attrs = '{\"a\":null,\"b\":\"\"}' WHERE id % 19 = 0;"
        "UPDATE contact SET attrs = '{\"x\":\"a\\\"\",\"a\":-7}' WHERE id % 23 = 0;");
    base_buf_release(&text);
}

static void add_quoted(struct base_buf *out, const char *text) {
    base_buf_add_char(out, '\'');
    for (; *text; text++) {
        base_buf_add_char(out, *text);
        if (*text == '\'') {
            base_buf_add_char(out, '\'');
        }
    }
    base_buf_add_char(out, '\'');
}

static void add_value(struct base_buf *out) {
    static const char *const numbers[] = {
        "0", "5", "-5", "5.0", "0.5", "-0.5", "123456789012345678", "1000"};
    const char *text = PICK(attribute_values);
    if (draw(2) || !*text) {
        base_buf_add_text(out, PICK(numbers));
    } else {
        add_quoted(out, text);
    }
}

static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};

static void add_attribute_condition(struct base_buf *out) {
    base_buf_add_text(out, draw(2) ? "a " : "b ");
    unsigned kind = draw(5);
    base_buf_add_text(out, kind >= 1 && kind <= 3 && draw(3) == 0 ? "not " : "");
    switch (kind) {
    case 0:
        base_buf_add_text(out, draw(2) ? "is empty" : "is not empty");
        return;
    case 1:
        base_buf_add_text(out, "in (");
        for (unsigned i = 0, count = draw(4); i <= count; i++) {
            base_buf_add_text(out, i ? ", " : "");
            add_value(out);
        }
        base_buf_add_char(out, ')');
        return;
    case 2:
        base_buf_add_text(out, "between ");
        add_value(out);
        base_buf_add_text(out, " and ");
        add_value(out);
        return;
    case 3: {
        static const char *const starts[] = {"'f'", "'N'", "'nông'", "'%'", "'_'", "'5'", "'ạ'"};
        base_buf_printf(out, "starts with %s", PICK(starts));
        return;
    }
    default:
        base_buf_printf(out, "%s ", PICK(ops));
        add_value(out);
    }
}

static void add_condition(struct base_buf *out) {
    static const char *const fixed[] = {"all", "enrolled", "has email", "has phone", "sex = 'nữ'",
        "sex != 'f'", "lang in ('vi', 'fr')", "lang is empty", "household = 'h1'",
        "household is not empty", "place under 'Huyện B'", "place = 'xã c'", "place != 'Xã C'",
        "place is empty", "place is not empty", "place under 'C@2020-01-01', 'Xã D'",
        "name ~ 'NGUYEN thi hoa'", "name = 'Nguyễn Thị Hoà'", "name > 'O'", "name starts with 'Ng'",
        "consent for 'advertising'", "consent for 'internal'", "segment 'saved'",
        "enrolled_on > '2026-06-01'", "enrolled_on is empty", "birth_date < '1985-03-02'",
        "birth_date = 1960", "birth_date between '1960' and '2004-11-23'", "ref starts with '12'",
        "ref in (1, 22, 333)", "phone = '0900 000 012'", "phone is empty", "email starts with 'U1'",
        "email = 'u12@EXAMPLE.vn'", "email not in ('U1@example.vn')", "email > 'u2'",
        "place not under 'Huyện B'", "name not starts with 'Ng'"};
    unsigned kind = draw(4);
    if (kind == 0) {
        base_buf_add_text(out, PICK(fixed));
    } else if (kind == 1) {
        if (draw(3) == 0) {
            base_buf_printf(out, "age between %u and %u", draw(40), draw(80));
        } else if (draw(4) == 0) {
            base_buf_printf(out, "age in (%u, 22, 41.5)", draw(80));
        } else {
            base_buf_printf(out, "age %s %u%s", PICK(ops), draw(70), draw(3) ? "" : ".5");
        }
    } else {
        add_attribute_condition(out);
    }
}

static void add_expression(struct base_buf *out, int depth) {
    if (draw(3) == 0) {
        base_buf_add_text(out, "not ");
    }
    if (depth == 0 || draw(3) == 0) {
        add_condition(out);
        return;
    }
    base_buf_add_char(out, '(');
    const char *word = draw(2) ? " and " : " or ";
    for (unsigned i = 0, count = 1 + draw(3); i <= count; i++) {
        base_buf_add_text(out, i ? word : "");
        add_expression(out, depth - 1);
    }
    base_buf_add_char(out, ')');
}

struct tally {
    struct fixture *f;
    struct segment *segment;
    const char *expression;
    const char *selected; /* by SQL, per id */
};

static int check_one(void *arg, const struct contact *contact) {
    struct tally *tally = arg;
    bool match = false;
    struct base_err err = {0};
    if (segment_match(tally->segment, tally->f->db, contact, TODAY, &match, &err)) {
        fail_msg("%s", err.text);
    }
    if (match != (tally->selected[contact->id] != 0)) {
        fail_msg("contact %lld, attrs %.*s, born %.*s: memory says %d, SQL the contrary: %s",
            (long long)contact->id, STR_ARG(contact->attrs), STR_ARG(contact->birth_date), match,
            tally->expression);
    }
    return 0;
}

static int select_one(void *arg, const struct contact *contact) {
    ((char *)arg)[contact->id] = 1;
    return 0;
}

static void test_agree(void **state) {
    struct fixture *f = *state;
    people(f);
    assert_int_equal(
        segment_save(f->db, STR("saved"), STR("a != 5 or not sex = 'f'"), 0, &f->err), 0);
    struct base_buf text;
    base_buf_init(&text, 65536);
    int64_t some = 0;
    for (int i = 0; i < EXPRESSIONS; i++) {
        base_buf_clear(&text);
        add_expression(&text, 3);
        struct segment *segment = NULL;
        if (segment_parse(f->db, base_buf_str(&text), &segment, NULL, &f->err)) {
            fail_msg("%s: %s", f->err.text, base_buf_text(&text));
        }
        char selected[PEOPLE + 1] = {0};
        struct contact_query by_sql = {.segment = segment, .today_days = TODAY, .most = PEOPLE};
        if (contact_each(f->db, &by_sql, select_one, selected, &f->err)) {
            fail_msg("%s: %s", f->err.text, base_buf_text(&text));
        }
        struct tally tally = {f, segment, base_buf_text(&text), selected};
        struct contact_query everybody = {.most = PEOPLE};
        assert_int_equal(contact_each(f->db, &everybody, check_one, &tally, &f->err), 0);
        int64_t count = 0, counted = 0;
        for (int id = 1; id <= PEOPLE; id++) {
            count += selected[id];
        }
        assert_int_equal(segment_count(f->db, segment, TODAY, &counted, &f->err), 0);
        assert_int_equal(count, counted);
        some += count > 0 && count < PEOPLE;
        segment_free(&segment);
    }
    assert_true(some > EXPRESSIONS / 2); /* the test does test something */
    base_buf_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_agree, fixture_setup, fixture_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
