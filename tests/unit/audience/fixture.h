/* A database in a folder of its own, small files to import, and short words for what every test of
 * this layer does. */
#ifndef TESTS_AUDIENCE_FIXTURE_H
#define TESTS_AUDIENCE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audience/contact.h"
#include "audience/place.h"
#include "audience/segment.h"
#include "base/civil.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TODAY 20780 /* 2026-11-23 */

struct fixture {
    char dir[64];
    char *db_path, *csv, *rejects;
    struct db *db;
    struct base_err err;
    struct audience_import_outcome outcome;
};

static inline void fixture_open(struct fixture *f) {
    *f = (struct fixture){0};
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/lantoa-audience-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->db_path = base_path_join(f->dir, "t.db");
    f->csv = base_path_join(f->dir, "in.csv");
    f->rejects = base_path_join(f->dir, "rejects.csv");
    assert_int_equal(db_open(f->db_path, DB_OPEN_CREATE, &f->db, &f->err), 0);
    assert_int_equal(schema_migrate(f->db, &f->err), 0);
}

static inline void fixture_close(struct fixture *f) {
    db_close(&f->db);
    static const char *const names[] = {"t.db", "t.db-wal", "t.db-shm", "in.csv", "rejects.csv"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = base_path_join(f->dir, names[i]);
        (void)unlink(path);
        base_free(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
    base_free(f->db_path);
    base_free(f->csv);
    base_free(f->rejects);
}

static inline int fixture_setup(void **state) {
    struct fixture *f = base_alloc(sizeof(*f));
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state) {
    fixture_close(*state);
    base_free(*state);
    return 0;
}

static inline void write_bytes(const char *path, const char *bytes, size_t count) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static inline struct audience_import options_of(const struct fixture *f) {
    return (struct audience_import){
        .path = f->csv, .rejects_path = f->rejects, .today_days = TODAY};
}

typedef int import_function(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err);

/* Imports a text; the result is checked by the caller. */
static inline int import_text(struct fixture *f, import_function *import, const char *text) {
    write_bytes(f->csv, text, strlen(text));
    struct audience_import options = options_of(f);
    f->err = (struct base_err){0};
    return import(f->db, &options, &f->outcome, &f->err);
}

static inline void import_ok(struct fixture *f, import_function *import, const char *text) {
    int rc = import_text(f, import, text);
    if (rc) {
        print_error("import: %s\n", f->err.text);
    }
    assert_int_equal(rc, 0);
}

static inline void assert_outcome(
    const struct fixture *f, int64_t added, int64_t updated, int64_t unchanged, int64_t rejected) {
    assert_int_equal(f->outcome.added, added);
    assert_int_equal(f->outcome.updated, updated);
    assert_int_equal(f->outcome.unchanged, unchanged);
    assert_int_equal(f->outcome.rejected, rejected);
    assert_int_equal(f->outcome.rows, added + updated + unchanged + rejected);
}

static inline int64_t number(struct fixture *f, const char *sql) {
    int64_t value = 0;
    if (db_get_i64(f->db, sql, &value, &f->err)) {
        fail_msg("%s: %s", sql, f->err.text);
    }
    return value;
}

/* The first column of the first row, "(null)" or "(none)"; valid until the next call. */
static inline const char *text_of(struct fixture *f, const char *sql) {
    static char text[4096];
    struct db_stmt *stmt = NULL;
    if (db_prepare(f->db, sql, &stmt, &f->err)) {
        fail_msg("%s: %s", sql, f->err.text);
    }
    int rc = db_step(stmt, &f->err);
    struct str value = rc == 1 ? db_column_str(stmt, 0) : STR("(none)");
    if (!value.at) {
        value = STR("(null)");
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)value.bytes, value.at);
    db_reset(stmt);
    db_finish(&stmt);
    return text;
}

static inline void run_sql(struct fixture *f, const char *sql) {
    if (db_exec(f->db, sql, &f->err)) {
        fail_msg("%s: %s", sql, f->err.text);
    }
}

/* The whole rejects file. */
static inline const char *rejects_of(struct fixture *f) {
    static char text[65536];
    FILE *file = fopen(f->rejects, "r");
    assert_non_null(file);
    size_t count = fread(text, 1, sizeof(text) - 1, file);
    text[count] = '\0';
    (void)fclose(file);
    return text;
}

static inline void assert_has(const char *text, const char *part) {
    if (!strstr(text, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

#endif
