#include "store/store_support.h"

#include "base/mem.h"
#include "store/schema.h"

#include <fcntl.h>

static void data_version_tells_of_others(void **state) {
    (void)state;
    struct db *other = NULL;
    int64_t before, after;
    run_sql(db, "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
                "INSERT INTO meta VALUES ('schema', '1')");
    assert_ok(db_open(db_file, 0, &other, &err), err);
    assert_ok(db_data_version(other, &before, &err), err);
    assert_ok(db_data_version(other, &after, &err), err);
    assert_int_equal(before, after);
    run_sql(db, "INSERT INTO meta VALUES ('x', '1')");
    assert_ok(db_data_version(other, &after, &err), err);
    assert_int_not_equal(before, after);
    assert_ok(db_data_version(other, &before, &err), err);
    run_sql(other, "INSERT INTO meta VALUES ('y', '1')");
    assert_ok(db_data_version(other, &after, &err), err);
    assert_int_equal(before, after);
    db_close(&other);
}

static void fill(int rows) {
    assert_ok(schema_migrate(db, &err), err);
    assert_ok(db_begin(db, &err), err);
    struct db_stmt *insert =
        prepared(db, "INSERT INTO contact (id, name) VALUES (?1, 'Nguyễn Thị Phương Thảo')");
    for (int i = 1; i <= rows; i++) {
        db_bind_i64(insert, 1, i);
        assert_ok(db_run(insert, &err), err);
    }
    db_finish(&insert);
    assert_ok(db_commit(db, &err), err);
}

static void backup(void **state) {
    (void)state;
    fill(5000);
    const char *copy_path = support_path(&dir, "copy.db");
    char expected[600];
    /* Another connection is in the middle of writing. */
    struct db *other = NULL, *copy = NULL;
    assert_ok(db_open(db_file, 0, &other, &err), err);
    assert_ok(db_begin(other, &err), err);
    run_sql(other, "DELETE FROM contact");
    assert_ok(db_backup(db, copy_path, &err), err);
    assert_ok(db_commit(other, &err), err);
    db_close(&other);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM contact"), 0);
    /* One file, complete, and it says that it is a copy; the original does not. */
    static const char *const tails[] = {".part", "-wal", "-shm", "-journal", ".part-journal"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char *side = base_printf("%s%s", copy_path, tails[i]);
        assert_int_equal(access(side, F_OK), -1);
        base_free(side);
    }
    char *value = NULL;
    assert_int_equal(schema_meta_get(db, "restored", &value, &err), LANTOA_ENOENT);
    assert_ok(db_open(copy_path, 0, &copy, &err), err);
    assert_ok(db_check(copy, &err), err);
    assert_int_equal(number(copy, "SELECT COUNT(*) FROM contact"), 5000);
    assert_ok(schema_meta_get(copy, "restored", &value, &err), err);
    assert_string_equal(value, "1");
    base_free(value);
    db_close(&copy);
    struct stat found;
    assert_int_equal(stat(copy_path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600); /* it holds people's data */
    snprintf(expected, sizeof(expected), "%s: exists already", copy_path);
    assert_fault(db_backup(db, copy_path, &err), LANTOA_EEXIST, err, expected);
    assert_fault_part(db_backup(db, support_path(&dir, "no/copy.db"), &err), LANTOA_EIO, err,
        "no/copy.db: cannot create: No such file or directory");
}

static void backup_of_a_backup(void **state) {
    (void)state;
    fill(10);
    struct db *copy = NULL;
    assert_ok(db_backup(db, support_path(&dir, "one.db"), &err), err);
    assert_ok(db_open(support_path(&dir, "one.db"), 0, &copy, &err), err);
    assert_ok(db_backup(copy, support_path(&dir, "two.db"), &err), err);
    db_close(&copy);
    assert_ok(db_open(support_path(&dir, "two.db"), DB_OPEN_READ_ONLY, &copy, &err), err);
    assert_int_equal(number(copy, "SELECT COUNT(*) FROM contact"), 10);
    db_close(&copy);
}

static void backup_of_an_empty_database(void **state) {
    (void)state;
    struct db *copy = NULL;
    assert_ok(db_backup(db, support_path(&dir, "copy.db"), &err), err);
    assert_ok(db_open(support_path(&dir, "copy.db"), 0, &copy, &err), err);
    int version = 7;
    assert_ok(schema_version(copy, &version, &err), err);
    assert_int_equal(version, 0);
    db_close(&copy);
}

static void check_passes(void **state) {
    (void)state;
    assert_ok(db_check(db, &err), err);
    fill(10);
    assert_ok(db_check(db, &err), err);
}

static void check_finds_damage(void **state) {
    (void)state;
    fill(5000);
    int64_t page = number(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'contact'");
    db_close(&db);
    int fd = open(db_file, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char garbage[200];
    memset(garbage, 0xa5, sizeof(garbage));
    assert_int_equal(pwrite(fd, garbage, sizeof(garbage), (page - 1) * 4096), sizeof(garbage));
    close(fd);
    assert_ok(db_open(db_file, 0, &db, &err), err);
    char expected[600];
    snprintf(expected, sizeof(expected), "%s: the database is damaged", db_file);
    assert_fault_part(db_check(db, &err), LANTOA_ECORRUPT, err, expected);
    int64_t count;
    assert_fault_part(db_get_i64(db, "SELECT SUM(id) FROM contact", &count, &err), LANTOA_ECORRUPT,
        err, expected);
}

static void check_finds_lost_parents(void **state) {
    (void)state;
    fill(1);
    run_sql(db, "PRAGMA foreign_keys = OFF");
    run_sql(db, "UPDATE contact SET place_id = 99");
    char expected[600];
    snprintf(expected, sizeof(expected),
        "%s: the database is damaged: row 1 of table contact refers to a missing row of table "
        "place",
        db_file);
    assert_fault(db_check(db, &err), LANTOA_ECORRUPT, err, expected);
}

static void checkpoint(void **state) {
    (void)state;
    struct stat before, after;
    fill(3000);
    assert_int_equal(stat(db_file, &before), 0);
    assert_ok(db_checkpoint(db, &err), err);
    assert_int_equal(stat(db_file, &after), 0);
    assert_true(after.st_size > before.st_size);
    /* A reader in the middle of an old state is not disturbed, and does not make it fail. */
    struct db *other = NULL;
    assert_ok(db_open(db_file, 0, &other, &err), err);
    struct db_stmt *reading = prepared(other, "SELECT id FROM contact");
    assert_int_equal(db_step(reading, &err), 1);
    run_sql(db, "UPDATE contact SET name = 'x'");
    assert_ok(db_checkpoint(db, &err), err);
    assert_int_equal(db_step(reading, &err), 1);
    db_finish(&reading);
    db_close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_db(data_version_tells_of_others),
        with_db(backup),
        with_db(backup_of_a_backup),
        with_db(backup_of_an_empty_database),
        with_db(check_passes),
        with_db(check_finds_damage),
        with_db(check_finds_lost_parents),
        with_db(checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
