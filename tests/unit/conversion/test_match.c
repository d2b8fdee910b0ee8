/* Whom an event of the registry is about: the strongest key decides, and two people are never
 * guessed between. */
#include "conversion_fixture.h"

#include "conversion/enrolment_private.h"

#define CONTACT                                                                                    \
    "INSERT INTO contact (id, person_id, si_code, phone, name, name_key, birth_date, place_id) "   \
    "VALUES "

/* Looks the person up in the database as it stands now. */
static struct enrolment__match match(struct db *db, struct enrolment__person person) {
    struct enrolment__matcher *matcher = NULL;
    struct enrolment__match found;
    struct base_err err = {0};
    assert_ok(enrolment__matcher_new(db, &matcher, &err), err);
    assert_ok(enrolment__match(matcher, &person, &found, &err), err);
    enrolment__matcher_free(&matcher);
    assert_null(matcher);
    return found;
}

static void expect(struct enrolment__match found, int64_t contact, const char *by, size_t count) {
    assert_int_equal(found.contact_id, contact);
    assert_int_equal(found.count, count);
    if (by) {
        assert_non_null(found.by);
        assert_string_equal(found.by, by);
    } else {
        assert_null(found.by);
    }
}

static void test_strongest_key_first(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db,
        CONTACT "(1, '024000000001', '2400000001', '+84900000001', 'An', 'an', '1980-01-01', 1), "
                "(2, '024000000002', '2400000002', '+84900000002', 'Ba', 'ba', '1981-01-01', 1)");
    struct enrolment__person person = {.person_id = STR("024000000001"),
        .si_code = STR("2400000002"),
        .phone = STR("+84900000002"),
        .name_key = STR("ba"),
        .birth_date = STR("1981-01-01"),
        .place_id = COMMUNE};
    expect(match(db, person), 1, "person_id", 1); /* though all else names the other */
    person.person_id = (struct str){0};
    expect(match(db, person), 2, "si_code", 1);
    person.si_code = (struct str){0};
    expect(match(db, person), 2, "phone", 1);
    person.phone = (struct str){0};
    expect(match(db, person), 2, "name", 1);
    person.birth_date = STR("1981"); /* a year is not a birth date */
    expect(match(db, person), 0, NULL, 0);
    expect(match(db, (struct enrolment__person){0}), 0, NULL, 0);
}

static void test_old_code_of_somebody_else(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db, CONTACT "(1, '024000000001', '2400000001', NULL, 'An', 'an', NULL, 1), "
                        "(2, NULL, '2400000002', NULL, 'Ba', 'ba', NULL, 1)");
    struct enrolment__person person = {
        .person_id = STR("024000000009"), .si_code = STR("2400000001")};
    expect(match(db, person), 0, NULL, 0); /* its owner has another ID */
    person.si_code = STR("2400000002");
    expect(match(db, person), 2, "si_code", 1); /* whose ID we do not know */
}

static void test_several_are_for_review(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db, CONTACT "(1, '024000000001', NULL, '+84900000001', 'An', 'an', '1980-01-01', 1), "
                        "(2, '024000000001', NULL, '+84900000001', 'Ba', 'ba', '1981-01-01', 1), "
                        "(3, NULL, NULL, '+84900000003', 'Chi', 'chi', '1990-05-05', 1), "
                        "(4, NULL, NULL, NULL, 'Chi', 'chi', '1990-05-05', 2)");
    struct enrolment__match found =
        match(db, (struct enrolment__person){.person_id = STR("024000000001")});
    expect(found, 0, "person_id", 2);
    assert_int_equal(found.candidates[0] + found.candidates[1], 3);
    found = match(
        db, (struct enrolment__person){
                .name_key = STR("chi"), .birth_date = STR("1990-05-05"), .place_id = COMMUNE});
    expect(found, 0, "name", 2); /* one of the commune, one of its village */
}

static void test_household_shares_a_phone(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db, CONTACT "(1, NULL, NULL, '+84900000001', 'An', 'an', '1980-01-01', 1), "
                        "(2, NULL, NULL, '+84900000001', 'Ba', 'ba', '1981-01-01', 1), "
                        "(3, NULL, NULL, '+84900000001', NULL, NULL, NULL, 1)");
    struct enrolment__person person = {.phone = STR("+84900000001")};
    expect(match(db, person), 0, "phone", 3);
    person.name_key = STR("ba"); /* by name, though the nameless one does not contradict */
    expect(match(db, person), 2, "phone", 2);
    person.birth_date = STR("1999-09-09"); /* another Ba */
    expect(match(db, person), 3, "phone", 1);
}

static void test_name_needs_the_place(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db, CONTACT "(1, NULL, NULL, NULL, 'An', 'an', '1980-01-01', 2), "
                        "(2, NULL, NULL, NULL, 'Ba', 'ba', '1981-01-01', NULL)");
    struct enrolment__person person = {
        .name_key = STR("an"), .birth_date = STR("1980-01-01"), .place_id = COMMUNE};
    expect(match(db, person), 1, "name", 1); /* the village lies in the commune */
    person.place_id = ELSEWHERE;
    expect(match(db, person), 0, NULL, 0);
    person.place_id = 0;
    expect(match(db, person), 0, "name", 1); /* perhaps: for review */
    person = (struct enrolment__person){
        .name_key = STR("ba"), .birth_date = STR("1981-01-01"), .place_id = COMMUNE};
    expect(match(db, person), 0, "name", 1);
    person.birth_date = STR("1981-01-02");
    expect(match(db, person), 0, NULL, 0);
}

static void test_successors_are_the_same_place(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    run_sql(db,
        "INSERT INTO place (id, code, name, name_key, short_key, level, valid_from, valid_to) "
        "VALUES (4, '08501', 'Old', 'old', 'old', 'commune', '2000-01-01', '2025-07-01');"
        "INSERT INTO place_successor (place_id, successor_id, since, share) VALUES "
        "(4, 1, '2025-07-01', 1);" CONTACT "(1, NULL, NULL, NULL, 'An', 'an', '1980-01-01', 4)");
    struct enrolment__person person = {
        .name_key = STR("an"), .birth_date = STR("1980-01-01"), .place_id = COMMUNE};
    expect(match(db, person), 1, "name", 1);
}

static void test_hashes_are_keyed(void **state) {
    struct db *db = ((struct conversion_fixture *)*state)->db;
    struct base_err err = {0};
    int64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        struct enrolment__hasher hasher = {0};
        char key[65];
        memset(key, i ? 'b' : 'a', 64);
        key[64] = '\0';
        assert_ok(schema_meta_set(db, "instance_key", key, &err), err);
        assert_ok(enrolment__hasher_init(&hasher, db, &err), err);
        hashes[i] = enrolment__hash(&hasher, "person_id", STR("024000000001"));
        assert_true(hashes[i] > 0);
        assert_true(hashes[i] == enrolment__hash(&hasher, "person_id", STR("024000000001")));
        assert_true(hashes[i] != enrolment__hash(&hasher, "si_code", STR("024000000001")));
        assert_true(hashes[i] != enrolment__hash(&hasher, "person_id", STR("024000000002")));
        enrolment__hasher_release(&hasher);
    }
    assert_true(hashes[0] != hashes[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_strongest_key_first),
        TEST(test_old_code_of_somebody_else), TEST(test_several_are_for_review),
        TEST(test_household_shares_a_phone), TEST(test_name_needs_the_place),
        TEST(test_successors_are_the_same_place), TEST(test_hashes_are_keyed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
