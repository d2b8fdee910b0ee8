/* A connection with private copies of some tables. */
#include "store/store_support.h"

#include "store/schema.h"

static const struct db_shadow tables[] = {{"message", false}, {"theme", true}};

static struct db *shadow_of(struct db *of) {
    struct db *shadow = NULL;
    assert_ok(db_shadow_open(of, tables, 2, &shadow, &err), err);
    return shadow;
}

static void its_writes_are_its_own(void **state) {
    (void)state;
    assert_ok(schema_migrate(db, &err), err);
    run_sql(db, "INSERT INTO theme (name, spec, changed_at) VALUES ('t', '{}', 1)");
    run_sql(db, "INSERT INTO message (id, state, at) VALUES (7, 0, 1)");
    struct db *shadow = shadow_of(db);
    assert_int_equal(number(shadow, "SELECT count(*) FROM theme"), 1);
    assert_int_equal(number(shadow, "SELECT count(*) FROM message"), 0);
    assert_ok(db_begin(shadow, &err), err);
    run_sql(shadow, "INSERT INTO message (id, state, at, minor) VALUES (8, 0, 1, 5)");
    run_sql(shadow, "UPDATE theme SET name = 'other'");
    /* Nobody waits for it, though it is in the middle of a transaction. */
    run_sql(db, "INSERT INTO message (id, state, at) VALUES (9, 0, 1)");
    assert_ok(db_commit(shadow, &err), err);
    assert_int_equal(number(shadow, "SELECT id FROM message"), 8);
    db_close(&shadow);
    assert_int_equal(number(db, "SELECT count(*) FROM message"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM theme WHERE name = 't'"), 1);
}

static void other_tables_are_the_real_ones_and_only_read(void **state) {
    (void)state;
    assert_ok(schema_migrate(db, &err), err);
    struct db *shadow = shadow_of(db);
    run_sql(db, "INSERT INTO contact (id, name) VALUES (1, 'An')");
    assert_int_equal(number(shadow, "SELECT count(*) FROM contact"), 1);
    assert_true(db_exec(shadow, "DELETE FROM contact", &err) < 0);
    db_close(&shadow);
    assert_int_equal(number(db, "SELECT count(*) FROM contact"), 1);
}

static void a_table_that_is_not_there(void **state) {
    (void)state;
    static const struct db_shadow none[] = {{"nothing", true}};
    struct db *shadow = NULL;
    assert_ok(schema_migrate(db, &err), err);
    assert_int_equal(db_shadow_open(db, none, 1, &shadow, &err), LANTOA_ENOENT);
    assert_null(shadow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_db(its_writes_are_its_own),
        with_db(other_tables_are_the_real_ones_and_only_read),
        with_db(a_table_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
