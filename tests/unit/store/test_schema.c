#include "store/store_support.h"

#include "base/mem.h"
#include "store/schema.h"
#include "store/schema_private.h"

#include <sys/wait.h>

static void from_nothing(void **state) {
    (void)state;
    int version = 7;
    assert_true(schema_latest() >= 1);
    assert_ok(schema_version(db, &version, &err), err);
    assert_int_equal(version, 0);
    assert_ok(schema_migrate(db, &err), err);
    assert_ok(schema_version(db, &version, &err), err);
    assert_int_equal(version, schema_latest());
    assert_ok(schema_migrate(db, &err), err); /* nothing left to do */
    assert_int_equal(number(db, "SELECT COUNT(*) FROM contact"), 0);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM message"), 0);
}

static void texts_are_built_in(void **state) {
    (void)state;
    for (int i = 1; i <= schema_latest(); i++) {
        assert_true(strlen(schema__migration(i)) > 20);
    }
    assert_non_null(strstr(schema__migration(1), "CREATE TABLE meta"));
}

static void a_failed_step_leaves_nothing(void **state) {
    (void)state;
    /* A view is no table, so the database counts as empty; but its name is taken. */
    run_sql(db, "CREATE VIEW campaign AS SELECT 1 AS one");
    assert_fault_part(schema_migrate(db, &err), LANTOA_EINVAL, err, "schema step 1: ");
    assert_non_null(strstr(err.text, "campaign already exists"));
    assert_false(db_in_transaction(db));
    assert_int_equal(number(db, "SELECT COUNT(*) FROM sqlite_schema"), 1);
    run_sql(db, "DROP VIEW campaign");
    assert_ok(schema_migrate(db, &err), err);
}

static void damaged_number(void **state) {
    (void)state;
    static const char *const bad[] = {"", "x", "0", "-1", "1.5", "99999999999999999999"};
    assert_ok(schema_migrate(db, &err), err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int version;
        assert_ok(schema_meta_set(db, "schema", bad[i], &err), err);
        assert_fault_part(
            schema_version(db, &version, &err), LANTOA_ECORRUPT, err, "in table meta is damaged");
    }
}

static void meta(void **state) {
    (void)state;
    char *value = NULL, expected[600];
    assert_ok(schema_migrate(db, &err), err);
    snprintf(expected, sizeof(expected), "%s: table meta has no \"color\"", db_file);
    assert_fault(schema_meta_get(db, "color", &value, &err), LANTOA_ENOENT, err, expected);
    assert_ok(schema_meta_set(db, "color", "đỏ", &err), err);
    assert_ok(schema_meta_set(db, "color", "xanh lá", &err), err);
    assert_ok(schema_meta_get(db, "color", &value, &err), err);
    assert_string_equal(value, "xanh lá");
    base_free(value);
}

/* Several processes start on the same new file at once: one migrates, all succeed. */
static void many_at_once(void **state) {
    (void)state;
    enum { CHILDREN = 6 };
    pid_t children[CHILDREN];
    char fresh[512];
    snprintf(fresh, sizeof(fresh), "%s", support_path(&dir, "fresh.db"));
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct db *own = NULL;
            int result = db_open(fresh, DB_OPEN_CREATE, &own, &err);
            if (result == 0) {
                result = schema_migrate(own, &err);
            }
            if (result != 0) {
                fprintf(stderr, "child: %s\n", err.text);
            }
            db_close(&own);
            _exit(result != 0);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_db(from_nothing),
        with_db(texts_are_built_in),
        with_db(a_failed_step_leaves_nothing),
        with_db(damaged_number),
        with_db(meta),
        with_db(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
