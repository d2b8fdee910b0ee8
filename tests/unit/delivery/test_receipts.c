/* The side table of operators' numbers, and the receipts that wait. */
#include "base/file.h"
#include "base/mem.h"
#include "delivery/ledger.h"
#include "delivery/provider_ref.h"
#include "delivery/receipt_wait.h"
#include "store/schema.h"
#include "support.h"

#define MANY 120000 /* more than one fold takes */
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

struct fixture {
    struct support_dir dir;
    struct db *db;
    struct provider_refs *refs;
    struct receipt_wait *wait;
    struct base_err err;
};

static int64_t number(struct fixture *f, const char *sql) {
    int64_t value = 0;
    assert_ok(db_get_i64(f->db, sql, &value, &f->err), f->err);
    return value;
}

static void run_sql(struct fixture *f, const char *sql) {
    assert_ok(db_exec(f->db, sql, &f->err), f->err);
}

static int open_all(void **state) {
    struct fixture *f = base_alloc(sizeof *f);
    support_dir_make(&f->dir);
    char *path = base_path_join(f->dir.path, "lantoa.db");
    assert_ok(db_open(path, DB_OPEN_CREATE, &f->db, &f->err), f->err);
    base_free(path);
    assert_ok(schema_migrate(f->db, &f->err), f->err);
    assert_ok(provider_refs_new(f->db, &f->refs, &f->err), f->err);
    assert_ok(receipt_wait_new(f->db, &f->wait, &f->err), f->err);
    *state = f;
    return 0;
}

static int close_all(void **state) {
    struct fixture *f = *state;
    provider_refs_free(&f->refs);
    receipt_wait_free(&f->wait);
    db_close(&f->db);
    support_dir_remove(&f->dir);
    base_free(f);
    return 0;
}

static void add_message(struct fixture *f, int64_t id, int message_state, int64_t at_ms) {
    char sql[160];
    snprintf(sql, sizeof sql, "INSERT INTO message (id, state, at) VALUES (%lld, %d, %lld)",
        (long long)id, message_state, (long long)at_ms);
    run_sql(f, sql);
}

static int64_t key_of(int64_t channel, int number_of) {
    char text[24];
    snprintf(text, sizeof text, "%X", number_of);
    return provider_ref_key(channel, str_from(text));
}

static int64_t find(struct fixture *f, int64_t key) {
    int64_t id = -1;
    assert_ok(provider_refs_find(f->refs, key, &id, &f->err), f->err);
    return id;
}

static void fold_all(struct fixture *f, int parts) {
    bool more = true;
    for (int i = 0; i < parts; i++) {
        assert_true(more);
        assert_ok(provider_refs_fold(f->refs, &more, &f->err), f->err);
    }
    assert_false(more);
}

static void keys_differ(void **state) {
    (void)state;
    assert_true(provider_ref_key(1, STR("A0")) != provider_ref_key(2, STR("A0")));
    assert_true(provider_ref_key(1, STR("A0")) != provider_ref_key(1, STR("0A")));
    assert_true(provider_ref_key(1, STR("A0")) > 0 && provider_ref_key(0, STR("")) > 0);
}

static void parts_are_counted(void **state) {
    struct fixture *f = *state;
    size_t arrived = 0;
    assert_int_equal(provider_ref_parts(STR("")), 1);
    assert_int_equal(provider_ref_parts(STR("9F")), 1);
    assert_int_equal(provider_ref_parts(STR("+2")), 1); /* an id that looks so */
    assert_int_equal(provider_ref_parts(STR("9F A0  A1")), 3);
    assert_int_equal(provider_ref_parts(STR("9F A0 +8")), 10);
    assert_int_equal(provider_ref_parts(STR("9F +x +0 +-1")), 4);
    struct str rest = STR(" 9F A0");
    assert_true(str_eq(provider_ref_next(&rest), STR("9F")));
    assert_true(str_eq(provider_ref_next(&rest), STR("A0")));
    assert_int_equal(provider_ref_next(&rest).bytes, 0);
    for (int i = 1; i <= 3; i++) {
        assert_ok(provider_refs_part(
                      f->refs, ledger_id(1, 1, 0), key_of(1, i < 3 ? 1 : 2), &arrived, &f->err),
            f->err);
        assert_int_equal(arrived, i < 3 ? 1 : 2); /* said twice counts once */
    }
    assert_ok(provider_refs_part(f->refs, ledger_id(1, 2, 0), 5, &arrived, &f->err), f->err);
    assert_int_equal(arrived, 1);
    add_message(f, ledger_id(1, 1, 0), MESSAGE_DELIVERED, 0);
    add_message(f, ledger_id(1, 2, 0), MESSAGE_ACCEPTED, 0);
    assert_ok(provider_refs_prune(f->refs, 0, &f->err), f->err);
    assert_int_equal(number(f, "SELECT count(*) FROM receipt_part"), 1);
}

static void numbers_are_found_once_folded(void **state) {
    struct fixture *f = *state;
    for (int i = 1; i <= 4; i++) {
        add_message(f, ledger_id(1, i, 0), i == 3 ? MESSAGE_DELIVERED : MESSAGE_ACCEPTED, 0);
        provider_refs_add(f->refs, key_of(1, i), ledger_id(1, i, 0));
    }
    /* The operator began to count anew: the newest message has the number. */
    provider_refs_add(f->refs, key_of(1, 1), ledger_id(1, 4, 0));
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref_new"), 0);
    assert_ok(provider_refs_flush(f->refs, 0, &f->err), f->err);
    assert_ok(provider_refs_flush(f->refs, 0, &f->err), f->err);
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref_new"), 1);
    assert_int_equal(number(f, "SELECT length(entries) FROM provider_ref_new"), 5 * 16);
    fold_all(f, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref_new"), 0);
    assert_true(find(f, key_of(1, 2)) == ledger_id(1, 2, 0));
    assert_true(find(f, key_of(1, 1)) == ledger_id(1, 4, 0));
    assert_int_equal(find(f, key_of(1, 3)), 0); /* settled: of no use */
    assert_int_equal(find(f, key_of(2, 2)), 0); /* another channel's */
    /* What a failed transaction noted is not written later. */
    provider_refs_add(f->refs, key_of(1, 9), ledger_id(1, 2, 0));
    provider_refs_forget(f->refs);
    assert_ok(provider_refs_flush(f->refs, 0, &f->err), f->err);
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref_new"), 0);
}

static void many_are_folded_in_parts(void **state) {
    struct fixture *f = *state;
    run_sql(f, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000) "
               "INSERT INTO message (id, state, at) SELECT (1 << 43) + (i << 4), 4, 0 FROM n");
    assert_ok(db_begin(f->db, &f->err), f->err);
    for (int i = 1; i <= MANY; i++) {
        provider_refs_add(f->refs, key_of(1, i), ledger_id(1, i, 0));
        if (i % 2000 == 0) {
            assert_ok(provider_refs_flush(f->refs, i, &f->err), f->err);
        }
    }
    fold_all(f, 3);
    assert_ok(db_commit(f->db, &f->err), f->err);
    for (int i = 1; i <= MANY; i += 997) {
        assert_true(find(f, key_of(1, i)) == ledger_id(1, i, 0));
    }
}

static void settled_and_old_ones_go(void **state) {
    struct fixture *f = *state;
    int64_t now = 100 * DAY_MS;
    assert_false(provider_refs_any(f->refs));
    add_message(f, ledger_id(1, 1, 0), MESSAGE_ACCEPTED, now);
    add_message(f, ledger_id(1, 2, 0), MESSAGE_ACCEPTED, now - 11 * DAY_MS);
    for (int i = 1; i <= 2; i++) {
        provider_refs_add(f->refs, key_of(1, i), ledger_id(1, i, 0));
    }
    assert_ok(provider_refs_flush(f->refs, now, &f->err), f->err);
    fold_all(f, 1);
    /* Not folded: one row of a settled message, one too old, one that must stay. */
    add_message(f, ledger_id(1, 3, 0), MESSAGE_FAILED, now);
    provider_refs_add(f->refs, key_of(1, 3), ledger_id(1, 3, 0));
    assert_ok(provider_refs_flush(f->refs, now, &f->err), f->err);
    provider_refs_add(f->refs, key_of(1, 2), ledger_id(1, 2, 0));
    assert_ok(provider_refs_flush(f->refs, now - 11 * DAY_MS, &f->err), f->err);
    provider_refs_add(f->refs, key_of(1, 1), ledger_id(1, 1, 0));
    assert_ok(provider_refs_flush(f->refs, now, &f->err), f->err);
    assert_ok(provider_refs_prune(f->refs, now, &f->err), f->err);
    assert_true(provider_refs_any(f->refs));
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref_new"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref"), 1);
    assert_true(find(f, key_of(1, 1)) == ledger_id(1, 1, 0));
    run_sql(f, "UPDATE message SET state = 5");
    assert_ok(provider_refs_prune(f->refs, now, &f->err), f->err);
    assert_ok(provider_refs_prune(f->refs, now + 11 * DAY_MS, &f->err), f->err);
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref_new"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM provider_ref"), 0);
    assert_false(provider_refs_any(f->refs));
}

/* --- waiting --- */

struct shown {
    size_t count;
    const char *wanted; /* this one has found its message */
    char last[40];
};

static int show(void *arg, const struct receipt *receipt, bool *found_out, struct base_err *err) {
    struct shown *shown = arg;
    (void)err;
    shown->count++;
    snprintf(shown->last, sizeof shown->last, STR_FMT, STR_ARG(receipt->ref));
    *found_out = shown->wanted && str_is(receipt->ref, shown->wanted);
    return 0;
}

static void wait_for(struct fixture *f, const char *ref, int64_t at_ms) {
    const struct receipt receipt = {.channel_id = 1,
        .at_ms = at_ms,
        .kind = LANTOA_EVENT_FAILED,
        .reason = LANTOA_REASON_REFUSED,
        .ref_key = ref[0] ? provider_ref_key(1, str_from(ref)) : 0,
        .ref = str_from(ref),
        .address = STR("+84912345678"),
        .detail = STR("máy tắt")};
    assert_ok(receipt_wait_add(f->wait, &receipt, &f->err), f->err);
}

static void they_wait_until_found(void **state) {
    struct fixture *f = *state;
    int64_t key = provider_ref_key(1, STR("B"));
    struct shown shown = {.wanted = "B"};
    wait_for(f, "A", 1);
    wait_for(f, "B", 2);
    wait_for(f, "B", 3);
    wait_for(f, "", 4);
    assert_int_equal(receipt_wait_count(f->wait), 4);
    assert_true(receipt_wait_has(f->wait, key));
    assert_false(receipt_wait_has(f->wait, provider_ref_key(2, STR("B"))));
    /* A new process knows them too. */
    receipt_wait_free(&f->wait);
    assert_ok(receipt_wait_new(f->db, &f->wait, &f->err), f->err);
    assert_true(receipt_wait_has(f->wait, key) && receipt_wait_count(f->wait) == 4);
    assert_ok(receipt_wait_take(f->wait, key, show, &shown, &f->err), f->err);
    assert_int_equal(shown.count, 2);
    assert_false(receipt_wait_has(f->wait, key));
    assert_int_equal(number(f, "SELECT count(*) FROM receipt_waiting"), 2);
    int64_t after = 0;
    shown = (struct shown){.wanted = "A"};
    assert_ok(receipt_wait_walk(f->wait, &after, 1, show, &shown, &f->err), f->err);
    assert_int_equal(shown.count, 1);
    assert_true(after != 0 && receipt_wait_count(f->wait) == 1);
    assert_ok(receipt_wait_walk(f->wait, &after, 5, show, &shown, &f->err), f->err);
    assert_int_equal(shown.count, 2);
    assert_true(after == 0 && shown.last[0] == '\0');
}

static void a_failed_transaction_changes_nothing(void **state) {
    struct fixture *f = *state;
    wait_for(f, "A", 1);
    assert_ok(db_begin(f->db, &f->err), f->err);
    wait_for(f, "B", 1);
    struct shown shown = {.wanted = "A"};
    assert_ok(
        receipt_wait_take(f->wait, provider_ref_key(1, STR("A")), show, &shown, &f->err), f->err);
    db_rollback(f->db);
    receipt_wait_forget(f->wait);
    shown = (struct shown){.wanted = NULL};
    assert_ok(
        receipt_wait_take(f->wait, provider_ref_key(1, STR("B")), show, &shown, &f->err), f->err);
    assert_int_equal(shown.count, 0);
    assert_ok(
        receipt_wait_take(f->wait, provider_ref_key(1, STR("A")), show, &shown, &f->err), f->err);
    assert_int_equal(shown.count, 1);
    assert_int_equal(receipt_wait_count(f->wait), 1);
}

static void old_ones_go(void **state) {
    struct fixture *f = *state;
    wait_for(f, "A", 10);
    wait_for(f, "B", 20);
    assert_ok(receipt_wait_prune(f->wait, 20, &f->err), f->err);
    struct shown shown = {.wanted = NULL};
    assert_ok(
        receipt_wait_take(f->wait, provider_ref_key(1, STR("A")), show, &shown, &f->err), f->err);
    assert_int_equal(shown.count, 0);
    assert_int_equal(receipt_wait_count(f->wait), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_differ),
        cmocka_unit_test_setup_teardown(parts_are_counted, open_all, close_all),
        cmocka_unit_test_setup_teardown(numbers_are_found_once_folded, open_all, close_all),
        cmocka_unit_test_setup_teardown(many_are_folded_in_parts, open_all, close_all),
        cmocka_unit_test_setup_teardown(settled_and_old_ones_go, open_all, close_all),
        cmocka_unit_test_setup_teardown(they_wait_until_found, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_failed_transaction_changes_nothing, open_all, close_all),
        cmocka_unit_test_setup_teardown(old_ones_go, open_all, close_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
