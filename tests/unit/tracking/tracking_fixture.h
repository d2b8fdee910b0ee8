/* A database with one step of two links, and a few shortcuts. */
#ifndef TRACKING_FIXTURE_H
#define TRACKING_FIXTURE_H

#include "support.h"

#include "base/mem.h"
#include "delivery/ledger.h"
#include "store/schema.h"

struct tracking_fixture {
    struct db *db;
    char path[96];
};

static SUPPORT_UNUSED int64_t number(struct db *db, const char *sql) {
    struct base_err err = {0};
    int64_t value = 0;
    assert_ok(db_get_i64(db, sql, &value, &err), err);
    return value;
}

static SUPPORT_UNUSED void run_sql(struct db *db, const char *sql) {
    struct base_err err = {0};
    assert_ok(db_exec(db, sql, &err), err);
}

static SUPPORT_UNUSED int fixture_open(void **state) {
    struct tracking_fixture *f = base_alloc(sizeof *f);
    struct base_err err = {0};
    snprintf(f->path, sizeof f->path, "/tmp/lantoa-test-tracking-%d.db", (int)getpid());
    assert_ok(db_open(f->path, DB_OPEN_CREATE, &f->db, &err), err);
    assert_ok(schema_migrate(f->db, &err), err);
    run_sql(f->db, "INSERT INTO link (step_id, number, url) VALUES (1, 0, 'http://a'), "
                   "(1, 1, 'http://b'), (2, 0, 'http://c')");
    *state = f;
    return 0;
}

static SUPPORT_UNUSED int fixture_close(void **state) {
    struct tracking_fixture *f = *state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    db_close(&f->db);
    for (size_t i = 0; i < 3; i++) {
        char *path = base_printf("%s%s", f->path, ends[i]);
        unlink(path);
        base_free(path);
    }
    base_free(f);
    return 0;
}

#endif
