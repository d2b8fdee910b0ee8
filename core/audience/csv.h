/* Reading CSV files from people: finds encoding and delimiter, counts lines, refuses what is
 * broken, and maps columns to fields. RFC 4180 with ',' ';' or TAB (also a first line "sep=;");
 * UTF-8 (with or without BOM) and UTF-16 (with BOM); a header line is required. Streaming: memory
 * does not grow with the file.
 *
 * A file that is an XLSX workbook is read by its first visible sheet; lines are its rows then, and
 * its text is held in memory (audience/xlsx.h has the limits).
 *
 * The whole file is read through once at open, before anybody acts on its first row: an unreadable
 * encoding, a broken quote, a field over 64 KiB, a NUL byte refuse the file as a whole, with the
 * line, so that nothing of it is taken over. A row with too many or too few fields is only a
 * rejected row. */
#ifndef AUDIENCE_CSV_H
#define AUDIENCE_CSV_H

#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

struct audience_csv;

struct audience_csv_row {
    int64_t line;             /* of the row's first character, 1-based */
    const struct str *fields; /* BORROWED until the next call; one per column of the header; valid
                                 UTF-8, trimmed */
    size_t count;
    const char *fault; /* NULL, or why the whole row is refused (translated); missing fields are
                          empty then */
};

#define AUDIENCE_CSV_FIELD_MAX 65536 /* bytes of one field */
#define AUDIENCE_CSV_COLUMNS_MAX 1024

int audience_csv_open(
    const char *path, struct audience_csv **csv_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The same from memory, for tests and fuzzing; bytes are BORROWED until close. name is what errors
 * call it. */
int audience_csv_open_memory(struct str bytes, const char *name, struct audience_csv **csv_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void audience_csv_close(struct audience_csv **csv);
size_t audience_csv_columns(const struct audience_csv *csv);
struct str audience_csv_heading(
    const struct audience_csv *csv, size_t column); /* as written, trimmed */
int64_t audience_csv_rows(
    const struct audience_csv *csv); /* rows below the header, counted at open */
int64_t audience_csv_bytes(const struct audience_csv *csv); /* of the file */
int64_t audience_csv_position(
    const struct audience_csv *csv); /* bytes of the file read so far, for progress */
/* 1: *row_out is set; 0: end of file; negative: the file cannot be read on (it changed meanwhile,
 * or the disk failed). */
int audience_csv_next(struct audience_csv *csv, struct audience_csv_row *row_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* The options every import shares. Arrays are BORROWED. */
struct audience_import {
    const char *path;
    const char *const *map; /* "heading=field" each */
    size_t map_count;
    const char *const *set; /* "field=value" each: a constant for every row */
    size_t set_count;
    bool dry_run;             /* checks everything, changes nothing */
    const char *rejects_path; /* NULL: none written. CSV: line,field,value,reason,row (row: refused
                                 | kept) */
    int64_t today_days;       /* the day place codes are read on when the file gives none:
                                 base_days_from_date */
    void (*progress)(void *arg, int64_t rows, int64_t bytes, int64_t total_bytes); /* may be NULL */
    void *progress_arg;
};

struct audience_import_outcome {
    int64_t batch_id; /* 0 for a dry run */
    int64_t rows, added, updated, unchanged, rejected;
    int64_t kept_with_faults; /* rows taken over without a bad value (an invalid phone, say); they
                                 stand in the rejects file as "kept" */
    int64_t dropped;          /* rows of an older list that this one does not have */
};

#endif
