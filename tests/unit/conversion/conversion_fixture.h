/* An empty database in a folder of its own, with two communes and a village below the first. */
#ifndef CONVERSION_FIXTURE_H
#define CONVERSION_FIXTURE_H

#include "support.h"

#include "base/mem.h"
#include "store/schema.h"

enum { COMMUNE = 1, VILLAGE, ELSEWHERE };

struct conversion_fixture {
    struct support_dir dir;
    struct db *db;
};

static SUPPORT_UNUSED void run_sql(struct db *db, const char *sql) {
    struct base_err err = {0};
    assert_ok(db_exec(db, sql, &err), err);
}

static SUPPORT_UNUSED int fixture_open(void **state) {
    struct conversion_fixture *f = base_alloc(sizeof *f);
    struct base_err err = {0};
    support_dir_make(&f->dir);
    assert_ok(db_open(support_path(&f->dir, "a.db"), DB_OPEN_CREATE, &f->db, &err), err);
    assert_ok(schema_migrate(f->db, &err), err);
    run_sql(f->db,
        "INSERT INTO place (id, code, name, name_key, short_key, level, parent_id, valid_from) "
        "VALUES (1, '24001', 'A', 'a', 'a', 'commune', NULL, '2000-01-01'), "
        "(2, '2400101', 'V', 'v', 'v', 'village', 1, '2000-01-01'), "
        "(3, '24002', 'B', 'b', 'b', 'commune', NULL, '2000-01-01')");
    *state = f;
    return 0;
}

static SUPPORT_UNUSED int fixture_close(void **state) {
    struct conversion_fixture *f = *state;
    db_close(&f->db);
    support_dir_remove(&f->dir);
    base_free(f);
    return 0;
}

#endif
