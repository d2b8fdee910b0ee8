/* What changed is counted in the transaction that changed it. */
#include "store/store_support.h"

#include "store/schema.h"

#define STEP(n) "((" #n " << 43) + 16)"

static int64_t times(int64_t key) {
    struct db_stmt *stmt =
        prepared(db, "SELECT coalesce(max(times), 0) FROM ledger_change WHERE step_id = ?1");
    db_bind_i64(stmt, 1, key);
    assert_int_equal(db_step(stmt, &err), 1);
    int64_t found = db_column_i64(stmt, 0);
    db_finish(&stmt);
    return found;
}

static void fill(void) {
    assert_ok(schema_migrate(db, &err), err);
    run_sql(
        db, "INSERT INTO message (id, state, at) VALUES (" STEP(3) ", 0, 1), (" STEP(4) ", 0, 1)");
    run_sql(db, "INSERT INTO message (id, state, at) SELECT id + 16, 0, 1 FROM message");
}

static void a_step_counts_once_a_transaction(void **state) {
    (void)state;
    fill();
    assert_int_equal(times(3), 2); /* two statements by themselves */
    assert_int_equal(times(4), 2);
    assert_ok(db_begin(db, &err), err);
    run_sql(db, "UPDATE message SET state = 3");
    run_sql(db, "UPDATE message SET state = 4 WHERE id >> 43 = 3");
    assert_int_equal(times(3), 2);
    assert_ok(db_commit(db, &err), err);
    assert_int_equal(times(3), 3);
    assert_int_equal(times(4), 3);
    struct db_stmt *stmt = prepared(db, "DELETE FROM message WHERE id = ?1 RETURNING id");
    db_bind_i64(stmt, 1, (INT64_C(4) << 43) + 16);
    assert_ok(db_run(stmt, &err), err);
    db_finish(&stmt);
    assert_int_equal(times(3), 3);
    assert_int_equal(times(4), 4);
    run_sql(db, "UPDATE message SET state = 5 WHERE id = 1"); /* no row */
    assert_int_equal(times(3) + times(4), 7);
}

static void a_rollback_takes_it_back(void **state) {
    (void)state;
    fill();
    assert_ok(db_begin(db, &err), err);
    run_sql(db, "UPDATE message SET state = 3");
    db_rollback(db);
    assert_ok(db_begin(db, &err), err);
    run_sql(db, "UPDATE message SET state = 3 WHERE id >> 43 = 4");
    assert_ok(db_commit(db, &err), err);
    assert_int_equal(times(3), 2);
    assert_int_equal(times(4), 3);
}

static void contacts_that_come_move_nobody(void **state) {
    (void)state;
    assert_ok(schema_migrate(db, &err), err);
    run_sql(db, "INSERT INTO contact (id, name) VALUES (1, 'An'), (2, 'Ba')");
    assert_int_equal(times(DB_NOTED_PEOPLE), 0);
    assert_int_equal(times(DB_NOTED_ARRIVALS), 1);
    run_sql(db,
        "INSERT INTO contact (id, name) VALUES (1, 'An') ON CONFLICT (id) DO UPDATE SET name = "
        "excluded.name");
    assert_int_equal(times(DB_NOTED_PEOPLE), 1);
    run_sql(db, "DELETE FROM contact WHERE id = 2");
    assert_int_equal(times(DB_NOTED_PEOPLE), 2);
    assert_int_equal(times(DB_NOTED_ARRIVALS), 3);
}

static void private_tables_and_old_databases(void **state) {
    (void)state;
    static const struct db_shadow tables[] = {{"message", false}};
    struct db *shadow = NULL;
    run_sql(db, "CREATE TABLE message (id INTEGER PRIMARY KEY)");
    run_sql(db, "INSERT INTO message VALUES (7)"); /* no table to count in, and no fault */
    run_sql(db, "DROP TABLE message");
    fill();
    int64_t before = times(3);
    assert_ok(db_shadow_open(db, tables, 1, &shadow, &err), err);
    run_sql(shadow, "INSERT INTO message (id, state, at) VALUES (" STEP(3) ", 0, 1)");
    db_close(&shadow);
    assert_int_equal(times(3), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_db(a_step_counts_once_a_transaction),
        with_db(a_rollback_takes_it_back),
        with_db(contacts_that_come_move_nobody),
        with_db(private_tables_and_old_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
