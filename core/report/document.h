/* A report: title, period, parameters, tables, notes and charts; one model, six forms. A kind of
 * report is one function that fills a struct report from the database (report/kinds.h); it never
 * formats a number. Not thread-safe; several threads may each have their own. */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include "base/err.h"
#include "report/table.h"
#include "store/db.h"

/* What stands above and below a report on paper; settings of the installation
 * (report_heading_read). Form after Decree 30/2020/ND-CP, annex I. Each may be NULL. */
struct report_heading {
    char *superior;     /* authority above: "UBND TỈNH BẮC NINH" */
    char *authority;    /* who reports: "BẢO HIỂM XÃ HỘI TỈNH BẮC NINH" */
    char *form;         /* number of the form: "01/TT" */
    char *place;        /* where it is signed: "Bắc Ninh" */
    char *signer_title; /* "GIÁM ĐỐC" */
    char *signer;       /* name */
    char *preparer;     /* name of who drew the report up */
};

enum report_chart_kind {
    REPORT_BARS,   /* value and, where there is one, a target: a bar and a mark */
    REPORT_LINE,   /* a value for each day, cumulative; a target is a broken line */
    REPORT_FUNNEL, /* stages, each with its share of the first and of the one before */
    REPORT_EFFECT  /* an estimate with its interval, and the line of no effect at 0 */
};
struct report_point {
    const char *label;
    int64_t day; /* REPORT_LINE: days since 1970 */
    double value, target, low, high;
    bool has_target, has_interval;
    const char *why; /* no value, and why (hidden, or not measured); NULL: there is one */
};
struct report_chart {
    enum report_chart_kind kind;
    const char *title;       /* translated */
    const char *value_label; /* what the axis counts, with its unit; translated */
    const char *label_label; /* heading of the labels in the table twin; translated */
    int value_kind;          /* REPORT_COUNT, REPORT_MONEY, REPORT_PERCENT, REPORT_DECIMAL */
    struct report_point *points;
    size_t point_count, point_room;
    struct report_column columns[6]; /* of the twin */
    struct base_arena *arena;        /* BORROWED from the report */
};

enum report_block_kind { REPORT_BLOCK_TABLE, REPORT_BLOCK_NOTE, REPORT_BLOCK_CHART };
struct report_block {
    enum report_block_kind kind;
    const char *key;     /* of a further table or a chart: its name in JSON and as a sheet */
    const char *heading; /* translated; "": none */
    const char *note;
    struct report_table table;
    struct report_chart chart;
};

struct report_param {
    const char *label, *value; /* "Theme", "Winter 2026"; translated */
};

/* Vietnam, where nothing else is said: minutes east of UTC. */
#define REPORT_LOCAL_OFFSET_MIN (7 * 60)

#define REPORT_BLOCKS_MAX 64
#define REPORT_PARAMS_MAX 16
struct report {
    struct base_arena *arena;
    const char *kind;                      /* "campaign" */
    const char *title, *subtitle, *period; /* "" when there is none */
    int64_t as_of_ms;                      /* the figures are those of this moment */
    int offset_min;                        /* minutes east of UTC */
    struct report_heading heading;
    struct report_param params[REPORT_PARAMS_MAX];
    size_t param_count;
    struct report_block *blocks[REPORT_BLOCKS_MAX]; /* the first table is the main one */
    size_t block_count;
    bool hidden; /* small counts were taken out (report_hide_small) */
};

/* kind: static. */
void report_init(struct report *report, const char *kind, int64_t as_of_ms, int offset_min);
void report_release(struct report *report);

/* Texts are copied and already in the reader's language. */
void report_title(struct report *report, const char *fmt, ...) LANTOA_PRINTF(2, 3);
void report_subtitle(struct report *report, const char *fmt, ...) LANTOA_PRINTF(2, 3);
void report_period(struct report *report, const char *fmt, ...) LANTOA_PRINTF(2, 3);
void report_param(struct report *report, const char *label, const char *fmt, ...)
    LANTOA_PRINTF(3, 4);
/* A count, as the tables show it. */
void report_param_count(struct report *report, const char *label, int64_t count);
void report_note(struct report *report, const char *fmt, ...) LANTOA_PRINTF(2, 3);
/* Copies texts into the report's own memory. */
const char *report_keep(struct report *report, struct str text);

/* The first is the main table: "rows" of the JSON, and the CSV. key: static, [a-z_]+; columns as in
 * report_table_init. The table is the report's. */
struct report_table *report_add_table(struct report *report, const char *key, const char *heading,
    const struct report_column *columns, size_t column_count);
const struct report_table *report_main_table(const struct report *report); /* NULL: none yet */

struct report_chart *report_add_chart(struct report *report, const char *key,
    enum report_chart_kind kind, const char *title, const char *label_label,
    const char *value_label, int value_kind);
/* A new point with its label (copied); the caller sets the rest. Valid until the next one. */
struct report_point *report_chart_point(struct report_chart *chart, struct str label);

/* For readers outside: takes out counts of 1 to 4 people (tables and charts), and what would let
 * them be worked out again from sums: the next smallest of a row or column with one gap, and
 * shares, decimals and money of that row. Domain rule: cells below 5 are not published. */
#define REPORT_SMALL 5
void report_hide_small(struct report *report);

/* The settings report_superior, report_authority, ... of the database; absent ones stay NULL. */
int report_heading_read(
    struct db *db, struct report_heading *heading_out, struct base_err *err) LANTOA_MUST_CHECK;
void report_heading_release(struct report_heading *heading);
#define REPORT_HEADINGS(X) /* X(field, setting, what it is) */                                     \
    X(superior, "report_superior", "the authority above, at the top left of a report")             \
    X(authority, "report_authority", "the authority that reports, below it")                       \
    X(form, "report_form", "the number of the form")                                               \
    X(place, "report_place", "where reports are signed")                                           \
    X(signer_title, "report_signer_title", "the title of who signs")                               \
    X(signer, "report_signer", "the name of who signs")                                            \
    X(preparer, "report_preparer", "the name of who draws reports up")
#define REPORT_HEADING_CHARS_MAX 120

/* The form by its name ("xlsx") or by the end of a file name; false: none of ours. */
bool report_form_from_word(struct str word, enum report_form *form_out);
bool report_form_from_path(const char *path, enum report_form *form_out);
const char *report_form_word(enum report_form form); /* "xlsx" */
const char *report_form_mime(enum report_form form);
/* Appends the report. JSON: {"rows": [...main table...], "sum": {...}, "report": {title, ...},
 * "tables": {KEY: {heading, rows}}, "charts": {KEY: {...}}, "notes": [...]}. CSV: the main table
 * only. LANTOA_ELIMIT: too large for this form; LANTOA_EIO, LANTOA_ENOMEM. */
int report_write(const struct report *report, enum report_form form, struct base_buf *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
