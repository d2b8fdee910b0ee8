/* Which column of a CSV file means what: headings in Vietnamese or English, --map and --set.
 * Private to core/audience. Knows the table of fields it is given, no database. */
#ifndef AUDIENCE_COLUMNS_H
#define AUDIENCE_COLUMNS_H

#include "audience/csv.h"
#include "base/buf.h"

/* aliases: other headings that mean the field, folded (base_text_key), '|' between them. */
struct audience__field {
    const char *name, *aliases;
};

struct audience__column_spec {
    const struct audience__field *fields;
    size_t field_count;
    bool custom; /* other columns become custom attributes; else they are passed over */
};

struct audience__custom {
    struct str name;    /* [a-z][a-z0-9_]* */
    struct str heading; /* as the file has it; the name again when it comes from --set */
    int column;         /* -1: constant */
    struct str constant;
};

struct audience__columns {
    int *column_of;          /* per field: its column, or -1 */
    struct str *constant_of; /* per field: the constant of --set, or empty */
    struct audience__custom *customs;
    size_t custom_count;
    char **owned; /* texts made here */
    size_t owned_count;
    size_t field_count;
};

int audience__columns_build(const struct audience_csv *csv, const struct audience_import *import,
    const struct audience__column_spec *spec, struct audience__columns **columns_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void audience__columns_free(struct audience__columns **columns);

/* true if the file or --set gives the field. */
bool audience__columns_has(const struct audience__columns *columns, size_t field);
/* The field's text in this row; empty if it gives none. */
struct str audience__columns_value(
    const struct audience__columns *columns, const struct audience_csv_row *row, size_t field);
/* What errors call the field's column: its heading in the file, or the name of the field. */
struct str audience__columns_heading(const struct audience__columns *columns,
    const struct audience_csv *csv, const struct audience__column_spec *spec, size_t field);

/* Appends the attribute name made from a heading: "Nghề nghiệp" -> "nghe_nghiep". Nothing if no
 * letter or digit is left. */
void audience__attribute_name(struct base_buf *buf, struct str heading);
/* true for [a-z][a-z0-9_]*, at most 63 bytes, and no word of the segment language. */
bool audience__attribute_valid(struct str name);

#endif
