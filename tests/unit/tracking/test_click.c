/* Clicks: added, and counted once each. */
#include "tracking_fixture.h"

#include "tracking/click.h"

#define T0 INT64_C(1800000000000)

static void add(
    struct db *db, int64_t message, int link, int64_t at_ms, enum click_machine machine) {
    struct base_err err = {0};
    struct click_writer *writer = NULL;
    struct click click = {message, link, at_ms, machine, 7};
    assert_ok(click_writer_new(db, &writer, &err), err);
    assert_ok(click_add(writer, &click, &err), err);
    click_writer_free(&writer);
}

static int64_t fold(struct db *db, int64_t now_ms, int64_t most) {
    struct base_err err = {0};
    int64_t folded = -1;
    assert_ok(click_fold(db, now_ms, most, &folded, &err), err);
    return folded;
}

static void test_fast_hits(void **state) {
    struct tracking_fixture *f = *state;
    int64_t id = ledger_id(1, 5, 0);
    char sql[160];
    snprintf(sql, sizeof sql, "INSERT INTO message (id, state, at) VALUES (%lld, 4, %lld)",
        (long long)id, (long long)T0);
    run_sql(f->db, sql);
    add(f->db, id, 0, T0 + MACHINE_FAST_MS - 1, CLICK_HUMAN);
    add(f->db, id, 0, T0 + MACHINE_FAST_MS, CLICK_HUMAN);
    add(f->db, id, 0, T0 + 1, CLICK_AGENT);
    /* A clock that is behind says nothing. */
    add(f->db, id, 0, T0 - 1, CLICK_HUMAN);
    /* A message that is not there: a backup was put back. */
    add(f->db, ledger_id(1, 6, 0), 0, T0, CLICK_HUMAN);
    assert_int_equal(number(f->db, "SELECT machine FROM click WHERE id = 1"), CLICK_FAST);
    assert_int_equal(number(f->db, "SELECT machine FROM click WHERE id = 2"), CLICK_HUMAN);
    assert_int_equal(number(f->db, "SELECT machine FROM click WHERE id = 3"), CLICK_AGENT);
    assert_int_equal(number(f->db, "SELECT sum(machine) FROM click WHERE id > 3"), 0);
}

static void test_fold(void **state) {
    struct tracking_fixture *f = *state;
    int64_t one = ledger_id(1, 5, 0);
    int64_t two = ledger_id(1, 6, 0);
    assert_int_equal(fold(f->db, T0, 100), 0);
    add(f->db, one, 0, T0 + 100, CLICK_HUMAN);
    add(f->db, one, 1, T0 + 900, CLICK_HUMAN);  /* all links in one second */
    add(f->db, two, 0, T0 + 100, CLICK_HUMAN);  /* only one of the two */
    add(f->db, two, 1, T0 + 1100, CLICK_HUMAN); /* the other a second later */
    add(f->db, two, 0, T0 + 2200, CLICK_HUMAN);
    add(f->db, two, CLICK_OPEN, T0 + 1200, CLICK_AGENT);
    add(f->db, ledger_id(2, 6, 0), 0, T0 + 1300, CLICK_HUMAN); /* the only link of a message */
    /* Not before their second is over. */
    assert_int_equal(fold(f->db, T0 + 2000, 100), 0);
    assert_int_equal(fold(f->db, T0 + 5000, 100), 7);
    assert_int_equal(fold(f->db, T0 + 5000, 100), 0);
    assert_int_equal(number(f->db, "SELECT count(*) FROM click WHERE machine = 5"), 2);
    assert_int_equal(
        number(f->db, "SELECT human * 100 + machine * 10 + people FROM click_count WHERE "
                      "step_id = 1 AND link = 0"),
        211);
    assert_int_equal(
        number(f->db, "SELECT human * 100 + machine * 10 + people FROM click_count WHERE "
                      "step_id = 1 AND link = 1"),
        111);
    assert_int_equal(
        number(f->db, "SELECT human * 100 + machine * 10 + people FROM click_count WHERE "
                      "step_id = 1 AND link = -1"),
        10);
    assert_int_equal(
        number(f->db, "SELECT human * 100 + machine * 10 + people FROM click_count WHERE "
                      "step_id = 2 AND link = 0"),
        101);
    /* The same person again is not one more person. */
    add(f->db, two, 0, T0 + 6000, CLICK_HUMAN);
    assert_int_equal(fold(f->db, T0 + 9000, 100), 1);
    assert_int_equal(
        number(f->db, "SELECT human * 100 + machine * 10 + people FROM click_count WHERE "
                      "step_id = 1 AND link = 0"),
        311);
}

/* In pieces it adds up to the same. */
static void test_fold_in_pieces(void **state) {
    struct tracking_fixture *f = *state;
    for (int i = 0; i < 1000; i++) {
        add(f->db, ledger_id(1, i % 10 + 1, 0), 0, T0 + i * INT64_C(10), CLICK_HUMAN);
    }
    int64_t sum = 0;
    for (int64_t folded; (folded = fold(f->db, T0 + 60000, 30)) > 0;) {
        sum += folded;
    }
    assert_int_equal(sum, 1000);
    assert_int_equal(number(f->db, "SELECT human FROM click_count"), 1000);
    assert_int_equal(number(f->db, "SELECT people FROM click_count"), 10);
}

static void test_target(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    char *url = NULL;
    assert_ok(click_target(f->db, 1, 1, &url, &err), err);
    assert_string_equal(url, "http://b");
    base_free(url);
    assert_int_equal(click_target(f->db, 1, 2, &url, &err), LANTOA_ENOENT);
    assert_int_equal(click_target(f->db, 9, 0, &url, &err), LANTOA_ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fast_hits, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_fold, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_fold_in_pieces, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_target, fixture_open, fixture_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
