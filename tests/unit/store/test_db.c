#include "store/store_support.h"

#include "store/schema.h"

#include <float.h>
#include <sys/wait.h>

static const char make_t[] = "CREATE TABLE t (a BIGINT, b TEXT, c DOUBLE PRECISION, d @BLOB@)";

static void values_come_back(void **state) {
    (void)state;
    run_sql(db, make_t);
    struct db_stmt *insert = prepared(db, "INSERT INTO t VALUES (?1, ?2, ?3, ?4)");
    db_bind_i64(insert, 1, INT64_MIN);
    db_bind_text(insert, 2, "Nguyễn");
    db_bind_f64(insert, 3, DBL_MAX);
    db_bind_blob(insert, 4, "a\0b", 3);
    assert_ok(db_run(insert, &err), err);
    assert_int_equal(db_changes(db), 1);
    db_bind_i64(insert, 1, INT64_MAX);
    db_bind_str(insert, 2, str_of("abcdef", 3));
    db_bind_null(insert, 3);
    db_bind_blob(insert, 4, "", 0);
    assert_ok(db_run(insert, &err), err);
    db_bind_null(insert, 1);
    db_bind_text(insert, 2, NULL);
    db_bind_blob(insert, 4, NULL, 0);
    assert_ok(db_run(insert, &err), err);
    db_bind_str(insert, 2, STR(""));
    assert_ok(db_run(insert, &err), err);
    db_finish(&insert);
    assert_null(insert);
    db_finish(&insert);

    struct db_stmt *select = prepared(db, "SELECT a, b, c, d FROM t ORDER BY rowid");
    assert_int_equal(db_column_count(select), 4);
    assert_int_equal(db_step(select, &err), 1);
    assert_true(db_column_i64(select, 0) == INT64_MIN);
    assert_true(str_is(db_column_str(select, 1), "Nguyễn"));
    assert_true(db_column_f64(select, 2) >= DBL_MAX);
    struct str blob = db_column_blob(select, 3);
    assert_int_equal(blob.bytes, 3);
    assert_memory_equal(blob.at, "a\0b", 3);
    assert_int_equal(db_step(select, &err), 1);
    assert_true(db_column_i64(select, 0) == INT64_MAX);
    assert_true(str_is(db_column_str(select, 1), "abc"));
    assert_true(db_column_is_null(select, 2));
    assert_false(db_column_is_null(select, 3));
    assert_non_null(db_column_blob(select, 3).at);
    assert_int_equal(db_column_blob(select, 3).bytes, 0);
    assert_int_equal(db_step(select, &err), 1);
    assert_int_equal(db_column_i64(select, 0), 0);
    assert_null(db_column_str(select, 1).at);
    assert_int_equal(db_column_str(select, 1).bytes, 0);
    assert_null(db_column_blob(select, 3).at);
    assert_true(db_column_f64(select, 2) <= 0 && db_column_f64(select, 2) >= 0);
    assert_int_equal(db_step(select, &err), 1);
    assert_false(db_column_is_null(select, 1));
    assert_non_null(db_column_str(select, 1).at);
    assert_int_equal(db_step(select, &err), 0);
    /* finished means reset: the next step begins anew */
    assert_int_equal(db_step(select, &err), 1);
    assert_true(db_column_i64(select, 0) == INT64_MIN);
    db_reset(select);
    assert_int_equal(db_step(select, &err), 1);
    assert_true(db_column_i64(select, 0) == INT64_MIN);
    db_finish(&select);
}

static void bindings_stay_and_texts_are_kept(void **state) {
    (void)state;
    run_sql(db, make_t);
    struct db_stmt *insert = prepared(db, "INSERT INTO t (a, b) VALUES (?1, ?2)");
    char text[40000];
    memset(text, 'x', sizeof(text));
    static const size_t lengths[] = {0, 1, 63, 64, 65, 500, 16384, 16385, 40000, 3};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        db_bind_i64(insert, 1, (int64_t)lengths[i]);
        db_bind_str(insert, 2, str_of(text, lengths[i]));
        assert_ok(db_run(insert, &err), err);
    }
    memset(text, 'y', sizeof(text));
    assert_ok(db_run(insert, &err), err); /* both bindings again, the text as it was */
    db_finish(&insert);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM t WHERE length(b) = a"), 11);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM t WHERE b LIKE '%y%'"), 0);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM t WHERE b = 'xxx'"), 2);
}

static void bind_faults_show_at_the_step(void **state) {
    (void)state;
    run_sql(db, make_t);
    struct db_stmt *insert = prepared(db, "INSERT INTO t (a, b) VALUES (?1, ?2)");
    db_bind_i64(insert, 3, 1);
    db_bind_text(insert, 0, "x");
    db_bind_text(insert, 2, "fine");
    assert_fault_part(db_step(insert, &err), LANTOA_EINVAL, err, "a value cannot be bound");
    assert_int_equal(number(db, "SELECT COUNT(*) FROM t"), 0);
    /* said once, then the statement is as good as new */
    assert_ok(db_run(insert, &err), err);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM t WHERE b = 'fine'"), 1);
    db_finish(&insert);
    struct db_stmt *select = prepared(db, "SELECT b FROM t WHERE b = ?1 OR b = 'fine'");
    db_bind_text(select, 1, "one");
    assert_int_equal(db_step(select, &err), 1);
    db_bind_text(select, 1, "two"); /* while it runs */
    assert_fault_part(db_step(select, &err), LANTOA_EINVAL, err, "a value cannot be bound");
    db_finish(&select);
}

static void faults_of_sql(void **state) {
    (void)state;
    char expected[700];
    struct db_stmt *stmt = NULL;
    snprintf(expected, sizeof(expected), "%s: no such table: nowhere", db_file);
    assert_fault(
        db_prepare(db, "SELECT * FROM nowhere", &stmt, &err), LANTOA_EINVAL, err, expected);
    assert_null(stmt);
    assert_fault(db_exec(db, "SELECT * FROM nowhere", &err), LANTOA_EINVAL, err, expected);
    assert_fault_part(db_prepare(db, "SELEC", &stmt, &err), LANTOA_EINVAL, err, "syntax error");
    assert_fault_part(db_prepare(db, "SELECT 1; SELECT 2", &stmt, &err), LANTOA_EINVAL, err,
        "one SQL statement expected: SELECT 1; SELECT 2");
    assert_fault_part(db_prepare(db, "  ", &stmt, &err), LANTOA_EINVAL, err, "one SQL statement");
    assert_fault_part(db_prepare(db, "SELECT @NOPE@", &stmt, &err), LANTOA_EINVAL, err, "@NOPE@");
    stmt = prepared(db, "SELECT 1 ; \n");
    db_finish(&stmt);
    /* What PostgreSQL would not take is refused here too. */
    run_sql(db, make_t);
    assert_fault_part(db_prepare(db, "SELECT * FROM t WHERE b = \"text\"", &stmt, &err),
        LANTOA_EINVAL, err, "no such column");
}

static void constraints(void **state) {
    (void)state;
    run_sql(db, "CREATE TABLE p (id @ID@, name TEXT NOT NULL UNIQUE, n BIGINT CHECK (n > 0));"
                "CREATE TABLE c (p_id BIGINT NOT NULL REFERENCES p (id));"
                "INSERT INTO p (id, name) VALUES (1, 'a')");
    char expected[700];
    snprintf(expected, sizeof(expected), "%s: UNIQUE constraint failed: p.name", db_file);
    assert_fault(
        db_exec(db, "INSERT INTO p (name) VALUES ('a')", &err), LANTOA_EEXIST, err, expected);
    assert_fault_part(db_exec(db, "INSERT INTO p (id, name) VALUES (1, 'b')", &err), LANTOA_EEXIST,
        err, "UNIQUE constraint failed: p.id");
    assert_fault_part(db_exec(db, "INSERT INTO p (name) VALUES (NULL)", &err), LANTOA_EINVAL, err,
        "NOT NULL constraint failed: p.name");
    assert_fault_part(db_exec(db, "INSERT INTO p (name, n) VALUES ('b', 0)", &err), LANTOA_EINVAL,
        err, "CHECK constraint failed");
    assert_fault_part(db_exec(db, "INSERT INTO c VALUES (2)", &err), LANTOA_EINVAL, err,
        "FOREIGN KEY constraint failed");
    struct db_stmt *insert = prepared(db, "INSERT INTO p (name) VALUES (?1) RETURNING id");
    db_bind_text(insert, 1, "a");
    assert_int_equal(db_step(insert, &err), LANTOA_EEXIST);
    db_bind_text(insert, 1, "b");
    assert_int_equal(db_step(insert, &err), 1);
    assert_int_equal(db_column_i64(insert, 0), 2);
    assert_int_equal(db_step(insert, &err), 0);
    db_finish(&insert);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM p"), 2);
}

static void one_number(void **state) {
    (void)state;
    int64_t value = 7;
    assert_int_equal(number(db, "SELECT 1 + 1"), 2);
    char expected[600];
    snprintf(expected, sizeof(expected), "%s: no such row", db_file);
    assert_fault(
        db_get_i64(db, "SELECT 1 WHERE 1 = 0", &value, &err), LANTOA_ENOENT, err, expected);
    assert_int_equal(value, 7);
    assert_int_equal(db_get_i64(db, "nonsense", &value, &err), LANTOA_EINVAL);
}

static void shared_sql(void **state) {
    (void)state;
    /* The parts of SQL both databases take and the layers above lean on. */
    run_sql(db, "CREATE TABLE k (key TEXT PRIMARY KEY, value TEXT NOT NULL, doc @JSON@);"
                "INSERT INTO k VALUES ('a', '1', '{\"n\": {\"m\": 5}, \"t\": \"x\"}')");
    run_sql(db, "INSERT INTO k (key, value) VALUES ('a', '2') "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    assert_int_equal(number(db, "SELECT CAST(value AS BIGINT) FROM k WHERE doc ->> 't' = 'x'"), 2);
    assert_int_equal(number(db, "WITH w AS (SELECT 5 AS n) SELECT n FROM w @SKIP_LOCKED@"), 5);
}

static void transactions(void **state) {
    (void)state;
    run_sql(db, make_t);
    assert_false(db_in_transaction(db));
    assert_ok(db_begin(db, &err), err);
    assert_true(db_in_transaction(db));
    assert_fault_part(db_begin(db, &err), LANTOA_ESTATE, err, "a transaction is open already");
    run_sql(db, "INSERT INTO t (a) VALUES (1)");
    db_rollback(db);
    assert_false(db_in_transaction(db));
    db_rollback(db); /* fine without one */
    assert_ok(db_begin(db, &err), err);
    run_sql(db, "INSERT INTO t (a) VALUES (2)");
    assert_ok(db_commit(db, &err), err);
    assert_int_equal(number(db, "SELECT SUM(a) FROM t"), 2);
    assert_fault_part(db_commit(db, &err), LANTOA_ESTATE, err, "nothing to commit");
}

static void commit_that_fails_is_rolled_back(void **state) {
    (void)state;
    run_sql(db, "CREATE TABLE p (id @ID@);"
                "CREATE TABLE c (p_id BIGINT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)");
    assert_ok(db_begin(db, &err), err);
    run_sql(db, "INSERT INTO c VALUES (9)");
    assert_fault_part(db_commit(db, &err), LANTOA_EINVAL, err, "FOREIGN KEY constraint failed");
    assert_false(db_in_transaction(db));
    assert_int_equal(number(db, "SELECT COUNT(*) FROM c"), 0);
}

static void writer_does_not_stop_readers(void **state) {
    (void)state;
    assert_ok(schema_migrate(db, &err), err);
    run_sql(db, make_t);
    struct db *other = NULL;
    assert_ok(db_open(db_file, 0, &other, &err), err);
    assert_ok(db_begin(db, &err), err);
    run_sql(db, "INSERT INTO t (a) VALUES (1)");
    assert_int_equal(number(other, "SELECT COUNT(*) FROM t"), 0);
    assert_ok(db_commit(db, &err), err);
    assert_int_equal(number(other, "SELECT COUNT(*) FROM t"), 1);
    db_close(&other);
    assert_null(other);
    db_close(&other);
}

/* A second process takes the writer's place for a while: we wait our turn. */
static void writers_take_turns(void **state) {
    (void)state;
    assert_ok(schema_migrate(db, &err), err);
    run_sql(db, make_t);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct db *own = NULL;
        if (db_open(db_file, 0, &own, &err) != 0 || db_begin(own, &err) != 0 ||
            db_exec(own, "INSERT INTO t (a) VALUES (1)", &err) != 0 ||
            write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        usleep(200000);
        _exit(db_commit(own, &err) == 0 ? 0 : 2);
    }
    char byte;
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_ok(db_begin(db, &err), err);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM t"), 1);
    assert_ok(db_commit(db, &err), err);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ready[0]);
}

static void durable_settings(void **state) {
    (void)state;
    assert_string_equal(db_dialect(db), "sqlite");
    assert_int_equal(number(db, "PRAGMA synchronous"), 2);
    assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(
        number(db, "SELECT COUNT(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    assert_int_equal(number(db, "PRAGMA busy_timeout"), 10000);
    assert_int_equal(number(db, "PRAGMA mmap_size"), 0);
}

/* In a child: what is left of such a statement is lost, and that is the fault of the one who forgot
 * it. */
static void forgotten_statement_is_reported(void **state) {
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct db_stmt *stmt = NULL;
        base_log_set(BASE_LOG_INFO, out[1]);
        int result = db_prepare(db, "SELECT 4711", &stmt, &err);
        db_close(&db);
        _exit(result != 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char text[500] = {0};
    assert_true(read(out[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "error store: statement not finished: SELECT 4711\n"));
    close(out[0]);
    close(out[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_db(values_come_back),
        with_db(bindings_stay_and_texts_are_kept),
        with_db(bind_faults_show_at_the_step),
        with_db(faults_of_sql),
        with_db(constraints),
        with_db(one_number),
        with_db(shared_sql),
        with_db(transactions),
        with_db(commit_that_fails_is_rolled_back),
        with_db(writer_does_not_stop_readers),
        with_db(writers_take_turns),
        with_db(durable_settings),
        with_db(forgotten_statement_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
