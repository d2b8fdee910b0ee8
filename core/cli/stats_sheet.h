/* The files of `lantoa stats`: columns found by name, values with file, line and column in every
 * error, names turned into numbers. Private to core/cli. */
#ifndef CLI_STATS_SHEET_H
#define CLI_STATS_SHEET_H

#include "audience/csv.h"
#include "base/mem.h"
#include <stdbool.h>

#define STATS_SHEET_ROWS_MAX 1000000

struct stats_field {
    const char *name;
    bool required;
};
#define STATS_FIELDS_MAX 8

struct stats_sheet {
    struct audience_csv *csv; /* owned */
    const char *path;         /* BORROWED; what errors call the file */
    const struct stats_field *fields;
    size_t field_count;
    int column[STATS_FIELDS_MAX]; /* -1: the file has none */
    struct audience_csv_row row;
    int64_t rows;
    struct base_err *err; /* BORROWED */
};

/* Takes the csv over, also on error. map: "heading=field" each, as in imports. */
int stats_sheet_open(TAKES struct audience_csv *csv, const char *path,
    const struct stats_field *fields, size_t field_count, const char *const *map, size_t map_count,
    struct stats_sheet *sheet_out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_sheet_close(struct stats_sheet *sheet);
/* 1: a row; 0: the end; negative: error. */
int stats_sheet_next(struct stats_sheet *sheet) LANTOA_MUST_CHECK;
bool stats_sheet_has(const struct stats_sheet *sheet, size_t field);
/* "" when the file has no such column. */
struct str stats_sheet_text(const struct stats_sheet *sheet, size_t field);
/* LANTOA_EINVAL "FILE:LINE: column NAME: TEXT". */
int stats_sheet_fault(struct stats_sheet *sheet, size_t field, const char *fmt, ...)
    LANTOA_PRINTF(3, 4);
/* A whole number not below 0; `missing` when there is no such column. */
int stats_sheet_count(
    struct stats_sheet *sheet, size_t field, int64_t missing, int64_t *value_out) LANTOA_MUST_CHECK;
int stats_sheet_number(
    struct stats_sheet *sheet, size_t field, double missing, double *value_out) LANTOA_MUST_CHECK;

/* A number with a point; ".05" is taken too, as R and Stata write it. LANTOA_EINVAL. */
int stats_parse_f64(struct str text, double *value_out) LANTOA_MUST_CHECK;

/* Names in the order in which they came, each once. */
struct stats_names {
    char **name; /* owned, with the array */
    size_t count, room;
    uint32_t *slots; /* index + 1, 0: free */
    size_t slot_count;
};
uint32_t stats_names_add(struct stats_names *names, struct str name);
void stats_names_release(struct stats_names *names);

/* Which arm is which. */
struct stats_arms {
    const char *control, *treated; /* --control, --treated; NULL: by the usual words, the other */
    struct stats_names seen;       /* at most two that count */
};
/* 1: treated, 0: control, 2: an arm that was not asked for; negative: error. */
int stats_arms_read(
    struct stats_arms *arms, struct stats_sheet *sheet, size_t field) LANTOA_MUST_CHECK;

#endif
