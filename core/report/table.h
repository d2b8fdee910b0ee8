/* A table of results and its forms: aligned text, JSON {"rows": [{...}]}, CSV. Keys are the column
 * names of the CLI, the API and the files alike. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/buf.h"
#include <jansson.h>

/* WORD: a word of the ledger (state, reason); the text form shows it in the reader's language. */
enum report_cell { REPORT_TEXT, REPORT_WORD, REPORT_NUMBER };

struct report_column {
    const char *key;   /* "messages": JSON and CSV */
    const char *label; /* heading of the text form, translated by the caller */
    enum report_cell kind;
};

struct report_table {
    const struct report_column *columns; /* BORROWED */
    size_t column_count;
    json_t *rows; /* list of objects: the table itself; owned */
};

void report_table_init(
    struct report_table *table, const struct report_column *columns, size_t column_count);
void report_table_release(struct report_table *table);
/* Adds a row; values in the order of the columns. */
void report_table_add(struct report_table *table, json_t *const *values); /* values are stolen */

enum report_form { REPORT_AS_TEXT, REPORT_AS_JSON, REPORT_AS_CSV };
/* Appends the table. CSV is RFC 4180 with a header, UTF-8 without BOM, texts that a spreadsheet
 * would take for a formula are quoted with '. */
void report_table_write(
    const struct report_table *table, enum report_form form, struct base_buf *out);

#endif
