/* What every import does the same way: open the file, map its columns, write rejects, keep the
 * batch record, commit every few thousand rows, let other writers in. Private to core/audience. One
 * thread. */
#ifndef AUDIENCE_IMPORT_RUN_H
#define AUDIENCE_IMPORT_RUN_H

#include "audience/columns.h"
#include "audience/rejects.h"
#include "store/db.h"

struct audience__run {
    struct db *db;
    const struct audience_import *options;
    const struct audience__column_spec *spec;
    struct audience_import_outcome *outcome;
    struct audience_csv *csv;
    struct audience__columns *columns;
    struct audience__rejects *rejects;
    int64_t batch_id;      /* 0 in a dry run */
    int64_t now_ms;        /* when the import began */
    int64_t position;      /* bytes of the file done, for progress; kept up by the importer */
    int64_t uncommitted;   /* rows since the last commit */
    int64_t first_version; /* db_data_version at the start: tells whether others write meanwhile */
    int64_t gap_at_ms;     /* real time of the last pause for other writers */
    bool one_transaction;  /* nothing is committed before the end */
    bool taken_back;       /* the importer takes back what was committed when it fails */
    bool reads_only;       /* the dry run writes to a temporary table and takes no writer's place */
};

#define AUDIENCE__RUN_ROWS 20000 /* a transaction */
/* An import that cannot be taken back is one transaction up to so many rows, about a second in
 * which others cannot write; a longer one may end half way, and is then run again. */
#define AUDIENCE__RUN_WHOLE_ROWS 100000

/* Opens file and columns; touches nothing yet. On error the run is released. */
int audience__run_open(struct audience__run *run, struct db *db,
    const struct audience_import *options, const struct audience__column_spec *spec,
    struct audience_import_outcome *outcome, struct base_err *err) LANTOA_MUST_CHECK;
/* Opens the rejects file, records the batch, begins the first transaction. */
int audience__run_start(
    struct audience__run *run, const char *kind, struct base_err *err) LANTOA_MUST_CHECK;
/* Counts a row done; commits when enough have come together (*committed_out tells). */
int audience__run_row(
    struct audience__run *run, bool *committed_out, struct base_err *err) LANTOA_MUST_CHECK;
/* A fault of a row. kept: the row goes on without this value. */
void audience__run_fault(struct audience__run *run, int64_t line, struct str field,
    struct str value, const char *reason, bool kept);
/* Ends the import: result is how it went so far. Commits or rolls back, completes the batch record,
 * releases. Returns result, or what failed here. */
int audience__run_end(
    struct audience__run *run, int result, struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_EINVAL naming the columns of which one is needed, unless the file has one of them. fields:
 * indexes ended by -1. */
int audience__run_needs(
    const struct audience__run *run, const int *fields, struct base_err *err) LANTOA_MUST_CHECK;

#endif
