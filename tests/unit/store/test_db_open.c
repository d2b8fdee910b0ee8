#include "store/store_support.h"

#include "base/mem.h"
#include "base/tr.h"
#include "store/schema.h"

static struct db *opened;

static void missing_file(void **state) {
    (void)state;
    char expected[600];
    const char *none = support_path(&dir, "none.db");
    snprintf(expected, sizeof(expected), "%s: no such database", none);
    assert_fault(db_open(none, 0, &opened, &err), LANTOA_ENOENT, err, expected);
    assert_fault(db_open(none, DB_OPEN_READ_ONLY, &opened, &err), LANTOA_ENOENT, err, expected);
    assert_int_equal(access(none, F_OK), -1);
    none = support_path(&dir, "no/folder.db");
    snprintf(expected, sizeof(expected), "%s: cannot open the database (No such file or directory)",
        none);
    assert_fault(db_open(none, DB_OPEN_CREATE, &opened, &err), LANTOA_EIO, err, expected);
    assert_null(opened);
}

static void not_a_database(void **state) {
    (void)state;
    char expected[600];
    const char *text = support_path(&dir, "text.db");
    char lines[5000];
    memset(lines, 'x', sizeof(lines));
    support_file_write(text, lines, sizeof(lines));
    snprintf(expected, sizeof(expected), "%s: the file is not a database", text);
    assert_fault(db_open(text, 0, &opened, &err), LANTOA_ECORRUPT, err, expected);
    assert_fault(db_open(text, DB_OPEN_CREATE, &opened, &err), LANTOA_ECORRUPT, err, expected);
    assert_fault(db_open(text, DB_OPEN_READ_ONLY, &opened, &err), LANTOA_ECORRUPT, err, expected);
    snprintf(expected, sizeof(expected), "%s: is a folder, not a database", dir.path);
    assert_fault(db_open(dir.path, DB_OPEN_CREATE, &opened, &err), LANTOA_EINVAL, err, expected);
    snprintf(expected, sizeof(expected), "%s/x: cannot open the database (Not a directory)", text);
    assert_fault(db_open(support_path(&dir, "text.db/x"), DB_OPEN_CREATE, &opened, &err),
        LANTOA_EIO, err, expected);
}

static void anothers_database(void **state) {
    (void)state;
    char expected[600];
    run_sql(db, "CREATE TABLE recipes (id @ID@)");
    snprintf(expected, sizeof(expected), "%s: the database belongs to another program", db_file);
    assert_fault(db_open(db_file, 0, &opened, &err), LANTOA_EINVAL, err, expected);
    assert_fault(schema_migrate(db, &err), LANTOA_EINVAL, err, expected);
    run_sql(db, "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)");
    assert_fault(db_open(db_file, 0, &opened, &err), LANTOA_EINVAL, err, expected);
    assert_null(opened);
}

static void read_only(void **state) {
    (void)state;
    run_sql(db, "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
                "INSERT INTO meta VALUES ('schema', '1')");
    assert_ok(db_open(db_file, DB_OPEN_READ_ONLY, &opened, &err), err);
    assert_int_equal(number(opened, "SELECT COUNT(*) FROM meta"), 1);
    char expected[600];
    snprintf(expected, sizeof(expected), "%s: no permission to write the database", db_file);
    assert_fault(db_exec(opened, "DELETE FROM meta", &err), LANTOA_EDENIED, err, expected);
    db_close(&opened);
}

static void no_write_permission(void **state) {
    (void)state;
    if (geteuid() == 0) {
        skip(); /* root may write everything */
    }
    char expected[600];
    snprintf(expected, sizeof(expected), "%s: no permission to write the database", db_file);
    db_close(&db);
    assert_int_equal(chmod(db_file, 0400), 0);
    assert_fault(db_open(db_file, 0, &opened, &err), LANTOA_EDENIED, err, expected);
    assert_int_equal(chmod(dir.path, 0500), 0);
    assert_fault_part(db_open(support_path(&dir, "new.db"), DB_OPEN_CREATE, &opened, &err),
        LANTOA_EDENIED, err, "Permission denied");
    assert_int_equal(chmod(dir.path, 0700), 0);
}

static void newer_schema(void **state) {
    (void)state;
    char expected[700];
    assert_ok(schema_migrate(db, &err), err);
    assert_ok(schema_meta_set(db, "schema", "4711", &err), err);
    snprintf(expected, sizeof(expected),
        "%s: the database has schema 4711, this program knows schemas up to %d: use a newer "
        "version of Lantoa",
        db_file, schema_latest());
    assert_fault(db_open(db_file, 0, &opened, &err), LANTOA_EVERSION, err, expected);
    assert_fault(
        db_open(db_file, DB_OPEN_READ_ONLY, &opened, &err), LANTOA_EVERSION, err, expected);
    assert_fault(schema_migrate(db, &err), LANTOA_EVERSION, err, expected);
    assert_null(opened);
}

static void postgresql_is_refused_honestly(void **state) {
    (void)state;
    assert_fault(db_open("postgresql://u:secret@host/db", DB_OPEN_CREATE, &opened, &err),
        LANTOA_EINVAL, err, "this build has no PostgreSQL driver");
    assert_fault(db_open("postgres://host/db", 0, &opened, &err), LANTOA_EINVAL, err,
        "this build has no PostgreSQL driver");
}

static void faults_in_vietnamese(void **state) {
    (void)state;
    base_tr_set(BASE_LANG_VI);
    char expected[600];
    const char *none = support_path(&dir, "none.db");
    snprintf(expected, sizeof(expected), "%s: không có cơ sở dữ liệu này", none);
    assert_fault(db_open(none, 0, &opened, &err), LANTOA_ENOENT, err, expected);
    base_tr_set(BASE_LANG_EN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_db(missing_file),
        with_db(not_a_database),
        with_db(anothers_database),
        with_db(read_only),
        with_db(no_write_permission),
        with_db(newer_schema),
        with_db(postgresql_is_refused_honestly),
        with_db(faults_in_vietnamese),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
