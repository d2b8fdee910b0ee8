/* The common frame of the imports. Knows no contact and no place. */
#include "audience/import_run.h"

#include "audience/import.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"

#include <sys/stat.h>
#include <time.h>

enum {
    /* A waiting SQLite writer looks again after at most 100 ms, so a gap that long lets every one
       of them in. */
    GAP_MS = 110,
    GAP_EVERY_BUSY_MS = 1000, /* others have written since we began */
    GAP_EVERY_ALONE_MS = 4000
};

static void release(struct audience__run *run) {
    audience__columns_free(&run->columns);
    audience_csv_close(&run->csv);
}

int audience__run_open(struct audience__run *run, struct db *db,
    const struct audience_import *options, const struct audience__column_spec *spec,
    struct audience_import_outcome *outcome, struct base_err *err) {
    *run = (struct audience__run){.db = db, .options = options, .spec = spec, .outcome = outcome};
    *outcome = (struct audience_import_outcome){0};
    int rc = audience_csv_open(options->path, &run->csv, err);
    if (rc) {
        return rc;
    }
    rc = audience__columns_build(run->csv, options, spec, &run->columns, err);
    if (rc) {
        (void)base_err_prefix(err, "%s", options->path);
        release(run);
    }
    return rc;
}

int audience__run_needs(const struct audience__run *run, const int *fields, struct base_err *err) {
    struct base_buf names;
    base_buf_init(&names, 512);
    for (size_t i = 0; fields[i] >= 0; i++) {
        if (audience__columns_has(run->columns, (size_t)fields[i])) {
            base_buf_release(&names);
            return 0;
        }
        base_buf_printf(&names, "%s%s", i ? ", " : "", run->spec->fields[fields[i]].name);
    }
    int rc = base_err_set(err, LANTOA_EINVAL,
        fields[1] >= 0 ? TR("%s: a column is missing: one of %s is needed (use --map HEADING=field "
                            "if it has another heading)")
                       : TR("%s: the column %s is missing (use --map HEADING=field if it has "
                            "another heading)"),
        run->options->path, base_buf_text(&names));
    base_buf_release(&names);
    return rc;
}

static int record_batch(struct audience__run *run, const char *kind, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_begin(run->db, err);
    if (rc) {
        return rc;
    }
    rc = db_prepare(run->db,
        "INSERT INTO import_batch (kind, file, started_at) VALUES (?1, ?2, ?3) RETURNING id", &stmt,
        err);
    if (rc == 0) {
        db_bind_text(stmt, 1, kind);
        db_bind_text(stmt, 2, run->options->path);
        db_bind_i64(stmt, 3, run->now_ms);
        rc = db_step(stmt, err);
        if (rc == 1) {
            run->batch_id = db_column_i64(stmt, 0);
            db_reset(stmt);
            rc = 0;
        }
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = db_commit(run->db, err);
    } else {
        db_rollback(run->db);
    }
    return rc;
}

/* --rejects naming the very file that is being read would destroy it. */
static int refuse_same_file(const struct audience_import *options, struct base_err *err) {
    struct stat in, out;
    if (options->rejects_path && stat(options->path, &in) == 0 &&
        stat(options->rejects_path, &out) == 0 && in.st_dev == out.st_dev &&
        in.st_ino == out.st_ino) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%s: the rejects cannot go into the file that is imported"), options->rejects_path);
    }
    return 0;
}

int audience__run_start(struct audience__run *run, const char *kind, struct base_err *err) {
    run->now_ms = base_clock_now_ms();
    run->gap_at_ms = base_clock_real_ms();
    run->one_transaction =
        run->options->dry_run ||
        (!run->taken_back && audience_csv_rows(run->csv) <= AUDIENCE__RUN_WHOLE_ROWS);
    int rc = refuse_same_file(run->options, err);
    if (rc == 0) {
        rc = audience__rejects_open(run->options->rejects_path, &run->rejects, err);
    }
    if (rc == 0 && !run->options->dry_run) {
        rc = record_batch(run, kind, err);
    }
    if (rc == 0) {
        rc = db_data_version(run->db, &run->first_version, err);
    }
    if (rc) {
        return rc;
    }
    return run->reads_only ? db_exec(run->db, "BEGIN", err) : db_begin(run->db, err);
}

static int store_counts(struct audience__run *run, bool finished, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(run->db,
        "UPDATE import_batch SET rows_read = ?2, added = ?3, updated = ?4, unchanged = ?5, "
        "rejected = ?6, finished_at = ?7 WHERE id = ?1",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, run->batch_id);
    db_bind_i64(stmt, 2, run->outcome->rows);
    db_bind_i64(stmt, 3, run->outcome->added);
    db_bind_i64(stmt, 4, run->outcome->updated);
    db_bind_i64(stmt, 5, run->outcome->unchanged);
    db_bind_i64(stmt, 6, run->outcome->rejected);
    if (finished) {
        db_bind_i64(stmt, 7, base_clock_now_ms());
    } else {
        db_bind_null(stmt, 7);
    }
    rc = db_run(stmt, err);
    db_finish(&stmt);
    return rc;
}

/* The writer's place is free while we sleep. Without this a long import, which takes the place
 * again within microseconds, would starve the delivery loop. */
static int let_others_write(struct audience__run *run, struct base_err *err) {
    int64_t version = 0;
    int rc = db_data_version(run->db, &version, err);
    if (rc) {
        return rc;
    }
    int64_t every = version == run->first_version ? GAP_EVERY_ALONE_MS : GAP_EVERY_BUSY_MS;
    if (base_clock_real_ms() - run->gap_at_ms >= every) {
        struct timespec gap = {.tv_nsec = GAP_MS * 1000000L};
        (void)nanosleep(&gap, NULL);
        run->gap_at_ms = base_clock_real_ms();
    }
    return 0;
}

static void tell_progress(struct audience__run *run) {
    if (run->options->progress) {
        run->options->progress(run->options->progress_arg, run->outcome->rows, run->position,
            audience_csv_bytes(run->csv));
    }
}

int audience__run_row(struct audience__run *run, bool *committed_out, struct base_err *err) {
    *committed_out = false;
    if (++run->uncommitted < AUDIENCE__RUN_ROWS) {
        return 0;
    }
    run->uncommitted = 0;
    if (run->one_transaction) {
        tell_progress(run);
        return 0;
    }
    int rc = store_counts(run, false, err);
    rc = rc ? rc : db_commit(run->db, err);
    if (rc == 0) {
        *committed_out = true;
        tell_progress(run); /* a slow terminal must not keep other writers waiting */
        rc = let_others_write(run, err);
    }
    return rc ? rc : db_begin(run->db, err);
}

void audience__run_fault(struct audience__run *run, int64_t line, struct str field,
    struct str value, const char *reason, bool kept) {
    audience__rejects_add(run->rejects, line, field, value, reason, kept);
}

static int finish_transaction(struct audience__run *run, int result, struct base_err *err) {
    if (!db_in_transaction(run->db)) {
        return result;
    }
    if (result < 0 || run->options->dry_run) {
        db_rollback(run->db);
        return result;
    }
    result = store_counts(run, true, err);
    if (result == 0) {
        return db_commit(run->db, err);
    }
    db_rollback(run->db);
    return result;
}

int audience__run_end(struct audience__run *run, int result, struct base_err *err) {
    bool began = run->batch_id != 0;
    result = finish_transaction(run, result, err);
    if (run->rejects) {
        struct base_err close_err = {0};
        int rc = audience__rejects_close(&run->rejects, &close_err);
        if (rc && result == 0) {
            result = base_err_set(err, rc, "%s", close_err.text);
        }
    }
    int64_t kept = run->one_transaction ? 0 : run->outcome->rows - run->uncommitted;
    if (result < 0 && began && kept > 0 && !run->taken_back) {
        (void)base_err_prefix(err, TR("import %lld stopped after %lld rows; run it again"),
            (long long)run->batch_id, (long long)kept);
    }
    if (result == 0 && run->options->progress) {
        run->options->progress(run->options->progress_arg, run->outcome->rows,
            audience_csv_bytes(run->csv), audience_csv_bytes(run->csv));
    }
    run->outcome->batch_id = run->batch_id;
    release(run);
    return result;
}

/* ---- the list of batches ---- */

static void read_batch(struct db_stmt *stmt, struct import_batch *batch) {
    batch->id = db_column_i64(stmt, 0);
    batch->kind = db_column_str(stmt, 1);
    batch->file = db_column_str(stmt, 2);
    batch->started_at = db_column_i64(stmt, 3);
    batch->finished_at = db_column_i64(stmt, 4);
    batch->rows = db_column_i64(stmt, 5);
    batch->added = db_column_i64(stmt, 6);
    batch->updated = db_column_i64(stmt, 7);
    batch->unchanged = db_column_i64(stmt, 8);
    batch->rejected = db_column_i64(stmt, 9);
    batch->undone_at = db_column_i64(stmt, 10);
}

int import_batch_each(struct db *db, int64_t most,
    int (*row)(void *arg, const struct import_batch *batch), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, kind, file, started_at, finished_at, rows_read, added, updated, unchanged, "
        "rejected, undone_at FROM import_batch ORDER BY id DESC LIMIT ?1",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, most);
    while ((rc = db_step(stmt, err)) == 1) {
        struct import_batch batch;
        read_batch(stmt, &batch);
        rc = row(arg, &batch);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}
