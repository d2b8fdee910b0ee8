/* Figures under the places of another day: whatever was split or merged, sums stay equal. */
#include "audience/fixture.h"

#include "audience/place_carry.h"
#include "base/mem.h"

static uint64_t seed = 88172645463325252u;

static uint64_t draw(uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void run(struct fixture *f, const char *sql) {
    if (db_exec(f->db, sql, &f->err)) {
        fail_msg("%s: %s", sql, f->err.text);
    }
}

static void add_place(struct fixture *f, int id, const char *from, const char *to) {
    char sql[256];
    (void)snprintf(sql, sizeof sql,
        "INSERT INTO place (id, code, name, name_key, short_key, level, valid_from, valid_to) "
        "VALUES (%d, 'c%d', 'Place %d', 'place %d', '%d', 'commune', '%s', %s%s%s)",
        id, id, id, id, id, from, to ? "'" : "", to ? to : "NULL", to ? "'" : "");
    run(f, sql);
}

static void add_link(struct fixture *f, int old, int heir, const char *since, double share) {
    char sql[256];
    (void)snprintf(sql, sizeof sql,
        "INSERT INTO place_successor VALUES (%d, %d, '%s', %.9f) ON CONFLICT DO NOTHING", old, heir,
        since, share);
    run(f, sql);
}

static struct place_carry *carry_on(struct fixture *f, const char *on) {
    struct place_carry *carry = NULL;
    assert_int_equal(place_carry_new(f->db, on, &carry, &f->err), 0);
    return carry;
}

/* 20 places of 2022, 15 of 2025, 8 of 2026; each ended one goes to one to four others by drawn
 * shares. */
static void drawn_history(struct fixture *f) {
    static const char *const starts[] = {"2022-01-01", "2025-01-01", "2026-01-01"};
    static const int first[] = {1, 21, 36, 44};
    for (int age = 0; age < 3; age++) {
        for (int id = first[age]; id < first[age + 1]; id++) {
            add_place(f, id, starts[age], age < 2 ? starts[age + 1] : NULL);
        }
    }
    for (int age = 0; age < 2; age++) {
        for (int id = first[age]; id < first[age + 1]; id++) {
            int heirs = (int)draw(5); /* 0: unmatched */
            for (int i = 0; i < heirs; i++) {
                int heir = first[age + 1] + (int)draw((uint64_t)(first[age + 2] - first[age + 1]));
                add_link(f, id, heir, starts[age + 1], 0.05 + (double)draw(900) / 1000);
            }
        }
    }
}

static void test_sums_over_successors_are_equal(void **state) {
    struct fixture *f = *state;
    static const char *const days[] = {"2022-06-01", "2025-06-01", "2026-06-01"};
    drawn_history(f);
    for (int d = 0; d < 3; d++) {
        struct place_carry *carry = carry_on(f, days[d]);
        for (int round = 0; round < 2000; round++) {
            struct place_part parts[PLACE_CARRY_PARTS];
            int64_t amount = (int64_t)draw(round % 2 ? 20 : 1000000000), sum = 0;
            size_t count = place_carry_amount(carry, 1 + (int64_t)draw(43), amount, parts);
            assert_true(count > 0);
            for (size_t i = 0; i < count; i++) {
                assert_true(parts[i].amount >= 0);
                assert_true(i == 0 || parts[i].place_id > parts[i - 1].place_id);
                sum += parts[i].amount;
            }
            assert_int_equal(sum, amount);
        }
        place_carry_free(&carry);
    }
}

static void test_shares_are_kept(void **state) {
    struct fixture *f = *state;
    add_place(f, 1, "2022-01-01", "2025-01-01");
    for (int id = 2; id <= 4; id++) {
        add_place(f, id, "2025-01-01", NULL);
    }
    add_link(f, 1, 2, "2025-01-01", 0.5);
    add_link(f, 1, 3, "2025-01-01", 0.3);
    add_link(f, 1, 4, "2025-01-01", 0.2);
    struct place_carry *carry = carry_on(f, "2026-01-01");
    struct place_part parts[PLACE_CARRY_PARTS];
    assert_int_equal(place_carry_amount(carry, 1, 7, parts), 3); /* 3.5, 2.1, 1.4 */
    assert_int_equal(parts[0].amount, 4);
    assert_int_equal(parts[1].amount, 2);
    assert_int_equal(parts[2].amount, 1);
    int64_t got[5] = {0};
    for (int people = 1; people <= 1000; people++) {
        got[place_carry_person(carry, 1)]++;
        assert_true(2 * got[2] - people <= 2 && people - 2 * got[2] <= 2); /* within one */
    }
    assert_int_equal(got[2], 500);
    assert_int_equal(got[3], 300);
    assert_int_equal(got[4], 200);
    place_carry_free(&carry);
    /* And the other way: each of them came of that one place. */
    carry = carry_on(f, "2022-06-01");
    assert_int_equal(place_carry_person(carry, 3), 1);
    place_carry_free(&carry);
}

static void test_a_merger_seen_from_before_guesses_nothing(void **state) {
    struct fixture *f = *state;
    add_place(f, 1, "2022-01-01", "2025-01-01");
    add_place(f, 2, "2022-01-01", "2025-01-01");
    add_place(f, 3, "2025-01-01", NULL);
    add_link(f, 1, 3, "2025-01-01", 1);
    add_link(f, 2, 3, "2025-01-01", 1);
    struct place_carry *carry = carry_on(f, "2022-06-01");
    struct base_buf names;
    base_buf_init(&names, 1000);
    assert_int_equal(place_carry_person(carry, 3), 3);
    place_carry_old_names(carry, 3, &names);
    assert_string_equal(base_buf_text(&names), "Place 1, Place 2");
    assert_true(place_carry_kin(carry, 1, 3) && place_carry_kin(carry, 1, 2));
    base_buf_release(&names);
    place_carry_free(&carry);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_sums_over_successors_are_equal),
        T(test_shares_are_kept), T(test_a_merger_seen_from_before_guesses_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
