/* What a chart says: as a table, in words, and as an SVG element. Drawing is chart_draw.c. */
#include "base/text.h"
#include "base/tr.h"
#include "report/private.h"
#include <cairo-svg.h>
#include <math.h>

static void put_value(struct report_table *table, double value, int kind) {
    bool whole = REPORT_KIND(kind) == REPORT_COUNT || REPORT_KIND(kind) == REPORT_MONEY;
    if (whole && fabs(value) < 9e15 && value == nearbyint(value)) {
        report_put_i64(table, (int64_t)value);
    } else {
        report_put_f64(table, value);
    }
}

static bool any_target(const struct report_chart *chart) {
    bool any = false;
    for (size_t i = 0; i < chart->point_count; i++) {
        any = any || chart->points[i].has_target;
    }
    return any;
}

static size_t columns_of(struct report_chart *chart) {
    struct report_column *at = chart->columns;
    bool target = any_target(chart);
    *at++ = (struct report_column){chart->kind == REPORT_LINE ? "day" : "label", chart->label_label,
        chart->kind == REPORT_LINE ? REPORT_DATE : REPORT_TEXT};
    *at++ = (struct report_column){"value", chart->value_label, chart->value_kind};
    switch (chart->kind) {
    case REPORT_BARS:
    case REPORT_LINE:
        if (target) {
            *at++ = (struct report_column){"target", "target", chart->value_kind};
            *at++ = (struct report_column){"of_target", "of target", REPORT_PERCENT};
        }
        break;
    case REPORT_FUNNEL:
        *at++ = (struct report_column){"of_first", "of the first", REPORT_PERCENT};
        *at++ = (struct report_column){"of_before", "of the one before", REPORT_PERCENT};
        break;
    case REPORT_EFFECT:
        *at++ = (struct report_column){"low", "lower bound", chart->value_kind};
        *at++ = (struct report_column){"high", "upper bound", chart->value_kind};
        break;
    }
    return (size_t)(at - chart->columns);
}

static void put_ratio(struct report_table *table, const struct report_point *point, double whole) {
    if (point->why) {
        report_put_none(table, point->why);
    } else if (whole == 0) {
        report_put_none(table, TR("there is nothing to take a share of"));
    } else {
        report_put_f64(table, point->value / whole);
    }
}

static void put_bound(struct report_table *table, const struct report_point *point, double bound,
    bool there, int kind) {
    if (point->why || !there) {
        report_put_none(table, point->why);
    } else {
        put_value(table, bound, kind);
    }
}

static void put_rest(struct report_table *table, const struct report_chart *chart, size_t at) {
    const struct report_point *point = &chart->points[at];
    switch (chart->kind) {
    case REPORT_BARS:
    case REPORT_LINE:
        if (any_target(chart)) {
            put_bound(table, point, point->target, point->has_target, chart->value_kind);
            put_ratio(table, point, point->has_target ? point->target : 0);
        }
        break;
    case REPORT_FUNNEL: {
        const struct report_point *before = at ? &chart->points[at - 1] : point;
        put_ratio(table, point, chart->points[0].why ? 0 : chart->points[0].value);
        put_ratio(table, point, before->why ? 0 : before->value);
        break;
    }
    case REPORT_EFFECT:
        put_bound(table, point, point->low, point->has_interval, chart->value_kind);
        put_bound(table, point, point->high, point->has_interval, chart->value_kind);
        break;
    }
}

void report__chart_table(
    struct report_chart *chart, int offset_min, struct report_table *table_out) {
    report_table_init(table_out, chart->columns, columns_of(chart));
    table_out->offset_min = offset_min;
    for (size_t i = 0; i < chart->point_count; i++) {
        const struct report_point *point = &chart->points[i];
        if (chart->kind == REPORT_LINE) {
            report_put_i64(table_out, point->day);
        } else {
            report_put_text(table_out, str_from(point->label));
        }
        if (point->why) {
            report_put_none(table_out, point->why);
        } else {
            put_value(table_out, point->value, chart->value_kind);
        }
        put_rest(table_out, chart, i);
    }
}

void report__chart_words(const struct report_chart *chart, struct base_buf *out) {
    const char *const kinds[] = {[REPORT_BARS] = TR("Bar chart"),
        [REPORT_LINE] = TR("Line chart, cumulative"),
        [REPORT_FUNNEL] = TR("Funnel"),
        [REPORT_EFFECT] = TR("Effect with its interval")};
    base_buf_printf(out, TR("%s: %s. The same figures are in the table below."), kinds[chart->kind],
        chart->title);
}

/* --- SVG --- */

static cairo_status_t take_bytes(void *arg, const unsigned char *bytes, unsigned int count) {
    base_buf_add(arg, bytes, count);
    return CAIRO_STATUS_SUCCESS;
}

/* cairo numbers its ids from 0 in each picture; in one page they must differ. Copies svg with every
 * id and reference begun with the prefix. */
static void add_renamed(struct str svg, const char *prefix, struct base_buf *out) {
    static const char *const marks[] = {" id=\"", "href=\"#", "url(#"};
    size_t from = 0;
    for (size_t i = 0; i < svg.bytes; i++) {
        for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++) {
            size_t bytes = strlen(marks[m]);
            if (svg.bytes - i >= bytes && memcmp(svg.at + i, marks[m], bytes) == 0) {
                base_buf_add(out, svg.at + from, i + bytes - from);
                base_buf_add_text(out, prefix);
                from = i + bytes;
            }
        }
    }
    base_buf_add(out, svg.at + from, svg.bytes - from);
}

int report__chart_svg(const struct report_chart *chart, const char *prefix, struct base_buf *out,
    struct base_err *err) {
    const double width = 640;
    struct base_buf svg;
    struct base_buf words;
    base_buf_init(&svg, 16 << 20);
    base_buf_init(&words, 4096);
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(
        take_bytes, &svg, width, report__chart_height(chart, width));
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    cairo_t *cr = cairo_create(surface);
    report__chart_draw(chart, cr, width);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    status = status ? status : cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    const char *start = status ? NULL : strstr(base_buf_text(&svg), "<svg ");
    int rc = 0;
    if (!start || !base_buf_ok(&svg)) {
        rc = base_err_set(err, LANTOA_EIO, TR("the chart could not be drawn: %s"),
            cairo_status_to_string(status));
    } else {
        report__chart_words(chart, &words);
        base_buf_add_text(out, "<svg role=\"img\" aria-label=\"");
        base_text_html(out, base_buf_str(&words));
        base_buf_add_text(out, "\" ");
        start += strlen("<svg ");
        add_renamed(str_of(start, svg.bytes - (size_t)(start - svg.at)), prefix, out);
    }
    base_buf_release(&words);
    base_buf_release(&svg);
    return rc;
}
