/* A database in a fresh folder, for the tests of this folder. */
#ifndef TESTS_UNIT_STORE_SUPPORT_H
#define TESTS_UNIT_STORE_SUPPORT_H

#include "support.h"

#include "base/log.h"
#include "store/db.h"

static struct support_dir dir;
static struct db *db;
static struct base_err err;
static char db_file[512];

SUPPORT_UNUSED static int store_set_up(void **state) {
    (void)state;
    support_dir_make(&dir);
    snprintf(db_file, sizeof(db_file), "%s", support_path(&dir, "lantoa.db"));
    assert_ok(db_open(db_file, DB_OPEN_CREATE, &db, &err), err);
    return 0;
}

SUPPORT_UNUSED static int store_tear_down(void **state) {
    (void)state;
    db_close(&db);
    support_dir_remove(&dir);
    return 0;
}

SUPPORT_UNUSED static void run_sql(struct db *on, const char *sql) {
    assert_ok(db_exec(on, sql, &err), err);
}

SUPPORT_UNUSED static int64_t number(struct db *on, const char *sql) {
    int64_t value = -1;
    assert_ok(db_get_i64(on, sql, &value, &err), err);
    return value;
}

SUPPORT_UNUSED static struct db_stmt *prepared(struct db *on, const char *sql) {
    struct db_stmt *stmt = NULL;
    assert_ok(db_prepare(on, sql, &stmt, &err), err);
    return stmt;
}

#define with_db(test) cmocka_unit_test_setup_teardown(test, store_set_up, store_tear_down)

#endif
