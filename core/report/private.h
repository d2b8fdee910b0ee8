/* What the forms of this folder share. */
#ifndef REPORT_PRIVATE_H
#define REPORT_PRIVATE_H

#include "report/document.h"

typedef struct _cairo cairo_t; /* cairo.h */

/* How a value is shown to people: grouped, rounded to its column's digits, in the reader's
 * language. Blank values add nothing. */
void report__show(const struct report_table *table, size_t column, const struct report_value *value,
    struct base_buf *out);
void report__show_number(double value, int kind, struct base_buf *out); /* of an axis */
int report__digits(int kind);
bool report__is_right(int kind); /* numbers stand to the right */
/* As files for programs have it: 0.0366, 2026-12-01, 2026-12-01T08:00:00+07:00. */
void report__plain(const struct report_table *table, size_t column,
    const struct report_value *value, struct base_buf *out);

/* The different reasons of blank cells, in the order they appear: number 1 is why[0]. */
#define REPORT__WHY_MAX 20
struct report__whys {
    const char *why[REPORT__WHY_MAX];
    size_t count;
};
void report__whys_of(const struct report_table *table, struct report__whys *whys_out);
size_t report__why_number(const struct report__whys *whys, const struct report_value *value);

void report__table_text(const struct report_table *table, struct base_buf *out);
void report__table_csv(const struct report_table *table, struct base_buf *out);

int report__text(const struct report *report, struct base_buf *out, struct base_err *err);
int report__json(const struct report *report, struct base_buf *out, struct base_err *err);
int report__html(const struct report *report, struct base_buf *out, struct base_err *err);
int report__xlsx(const struct report *report, struct base_buf *out, struct base_err *err);
int report__pdf(const struct report *report, struct base_buf *out, struct base_err *err);

/* "Số liệu đến 17:05 ngày 23/11/2026" */
void report__as_of(const struct report *report, struct base_buf *out);
void report__date_of_place(const struct report *report, struct base_buf *out);

/* --- charts --- */

#define REPORT__FONT "Liberation Serif, Tinos, Times New Roman, DejaVu Serif"
/* Points of height that a chart needs at this width; at most REPORT__CHART_POINTS points are drawn,
 * the rest is in the table twin only. */
#define REPORT__CHART_POINTS 40
double report__chart_height(const struct report_chart *chart, double width);
void report__chart_draw(const struct report_chart *chart, cairo_t *cr, double width);
/* The chart as one SVG element whose ids begin with the prefix, so that several fit in one page. */
int report__chart_svg(const struct report_chart *chart, const char *prefix, struct base_buf *out,
    struct base_err *err);
/* What the chart shows as a table. The columns belong to the chart. */
void report__chart_table(
    struct report_chart *chart, int offset_min, struct report_table *table_out);
/* A sentence for those who do not see it. */
void report__chart_words(const struct report_chart *chart, struct base_buf *out);

#endif
