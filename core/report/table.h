/* A table of results: typed columns, exact values, and its plain forms (aligned text, JSON
 * {"rows": [{...}]}, CSV). Keys are the column names of the CLI, the API and the files alike.
 * Numbers are kept as they are and shown with the precision of their column; whoever reads JSON,
 * CSV or XLSX gets all digits. Not thread-safe. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/buf.h"
#include "base/mem.h"
#include <jansson.h>

enum report_cell {
    REPORT_TEXT,
    REPORT_WORD,    /* a word of the program (state, reason), shown in the reader's language */
    REPORT_NUMBER,  /* a whole number as it is: an id, a day, an occurrence */
    REPORT_COUNT,   /* a whole number of people or messages: 35.150 */
    REPORT_DECIMAL, /* 3,66; digits as REPORT_DIGITS says, else 2 */
    REPORT_PERCENT, /* a share, kept as 0.0366, shown as 3,66 %; digits as above */
    REPORT_MONEY,   /* whole VND: 33.000; the heading names the unit */
    REPORT_DATE,    /* days since 1970-01-01 */
    REPORT_TIME     /* ms since 1970, shown in the offset of the table; 0 is blank */
};
/* Added to a kind: digits behind the comma; and "the column may be summed". */
#define REPORT_DIGITS(n) (((n) + 1) << 8)
#define REPORT_SUM 0x10000
/* "counts people though it is no whole number": hidden when it is small (report_hide_small). */
#define REPORT_PEOPLE 0x20000
#define REPORT_KIND(kind) ((enum report_cell)((kind)&0xff))

struct report_column {
    const char *key;   /* "messages": JSON and CSV */
    const char *label; /* heading where people read; translated when shown */
    int kind;          /* enum report_cell, with REPORT_DIGITS and REPORT_SUM */
};
/* A heading over neighbouring columns: Recorded, Attributed, Caused. */
struct report_group {
    const char *label; /* translated when shown */
    size_t first, count;
};

enum report_fill { REPORT_BLANK, REPORT_I64, REPORT_F64, REPORT_STR, REPORT_BOOL };
struct report_value {
    enum report_fill fill;
    int64_t i64;
    double f64;
    const char *text; /* of the table; for REPORT_BLANK: why there is no number, or NULL */
    size_t bytes;
};

struct report_table {
    const struct report_column *columns; /* BORROWED */
    size_t column_count;
    const struct report_group *groups; /* BORROWED; set by the caller when there are any */
    size_t group_count;
    int offset_min; /* minutes east of UTC of the times; +7 h unless the caller sets it */
    struct report_value *cells; /* column_count a row */
    size_t row_count, row_room;
    size_t filled; /* cells of the row that is being put together */
    bool has_sum;  /* the last row is the sum of the others, and no row of the list */
    bool overfull; /* more than REPORT_ROWS_MAX rows were added; the forms refuse it */
    struct base_arena *arena;
};
#define REPORT_COLUMNS_MAX 64
#define REPORT_ROWS_MAX 5000000

void report_table_init(
    struct report_table *table, const struct report_column *columns, size_t column_count);
void report_table_release(struct report_table *table);

/* A row is put together cell by cell, in the order of the columns; the last one ends it. Texts are
 * copied. */
void report_put_text(struct report_table *table, struct str text); /* .at NULL: blank */
void report_put_word(struct report_table *table, const char *word);
void report_put_i64(struct report_table *table, int64_t value);
void report_put_f64(struct report_table *table, double value); /* not finite: blank */
/* No number, and why ("no lot was drawn"; translated by the caller); NULL: there is nothing to
 * say. Forms for people show a dash and the reason below the table, JSON null and KEY_why. */
void report_put_none(struct report_table *table, const char *why);
/* part / whole; blank with a reason when whole is 0 */
void report_put_share(struct report_table *table, int64_t part, int64_t whole);
/* Adds a whole row; values in the order of the columns, which are stolen. */
void report_table_add(struct report_table *table, json_t *const *values);
/* Ends the table with the sums of its REPORT_SUM columns; label (translated by the caller) goes
 * into the first column. A sum that does not fit is blank and says so. Call once, after the rows.
 */
void report_table_sum(struct report_table *table, const char *label);

const struct report_value *report_table_at(
    const struct report_table *table, size_t row, size_t column);
/* Rows without the sum. */
size_t report_table_plain_rows(const struct report_table *table);
/* The rows as JSON, one object a row, without the sum. New reference. */
json_t *report_table_rows(const struct report_table *table);
/* The sum as one object, or NULL. New reference. */
json_t *report_table_sum_json(const struct report_table *table);

enum report_form {
    REPORT_AS_TEXT,
    REPORT_AS_JSON,
    REPORT_AS_CSV,
    REPORT_AS_XLSX,
    REPORT_AS_PDF,
    REPORT_AS_HTML
};
/* Appends the table as text, JSON or CSV. CSV is RFC 4180 with a header, UTF-8 without BOM; texts
 * that a spreadsheet would take for a formula are quoted with '; the sum is left out. */
void report_table_write(
    const struct report_table *table, enum report_form form, struct base_buf *out);

#endif
