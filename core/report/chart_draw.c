/* Draws charts with cairo, once for paper and screen: black, white and greys, plain numbers on the
 * axes, values written where the eye is. Knows no file format. */
#include "base/civil.h"
#include "base/tr.h"
#include "report/private.h"
#include <math.h>
#include <pango/pangocairo.h>

#define ROW 22.0  /* of a bar, in points */
#define BAR 12.0  /* thickness */
#define AXIS 24.0 /* height of the axis with its numbers */
#define LEGEND 18.0
#define LABELS 0.30 /* of the width, for the labels of bars */
#define VALUES 0.20 /* of the width, for the values behind bars */
#define LINE_HEIGHT 220.0
#define SIZE 9.0 /* of the letters, in points */
#define TICKS_MAX 12

/* Fontconfig keeps what it has read of the fonts until the program ends; a build that looks for
 * leaks is told so. */
#if defined(__SANITIZE_ADDRESS__)
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig\n";
}
const char *__lsan_default_options(void) __attribute__((visibility("default")));
const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}
#endif

struct pen {
    cairo_t *cr;
    PangoLayout *layout;
};

static struct pen pen_new(cairo_t *cr) {
    struct pen pen = {cr, pango_cairo_create_layout(cr)};
    PangoFontDescription *font = pango_font_description_from_string(REPORT__FONT);
    pango_font_description_set_absolute_size(font, SIZE * PANGO_SCALE);
    pango_layout_set_font_description(pen.layout, font);
    pango_font_description_free(font);
    return pen;
}

static void pen_free(struct pen *pen) {
    g_object_unref(pen->layout);
}

static double text_width(struct pen *pen, const char *text) {
    int width;
    pango_layout_set_width(pen->layout, -1);
    pango_layout_set_text(pen->layout, text, -1);
    pango_layout_get_size(pen->layout, &width, NULL);
    return (double)width / PANGO_SCALE;
}

/* Text centred on y; share 0: begins at x, 0.5: centred, 1: ends at x. Cut with "..." at most. */
static void draw_text(
    struct pen *pen, double x, double y, double share, double most, const char *text) {
    int width;
    int height;
    pango_layout_set_text(pen->layout, text, -1);
    pango_layout_set_width(pen->layout, -1);
    pango_layout_get_size(pen->layout, &width, &height);
    if ((double)width / PANGO_SCALE > most) {
        pango_layout_set_ellipsize(pen->layout, PANGO_ELLIPSIZE_END);
        pango_layout_set_width(pen->layout, (int)(most * PANGO_SCALE));
        pango_layout_get_size(pen->layout, &width, &height);
    }
    cairo_set_source_rgb(pen->cr, 0, 0, 0);
    cairo_move_to(
        pen->cr, x - share * (double)width / PANGO_SCALE, y - (double)height / PANGO_SCALE / 2);
    pango_cairo_show_layout(pen->cr, pen->layout);
    pango_layout_set_ellipsize(pen->layout, PANGO_ELLIPSIZE_NONE);
}

static void draw_line(cairo_t *cr, double x1, double y1, double x2, double y2, double width,
    double grey, bool broken) {
    const double dashes[] = {4, 3};
    cairo_set_source_rgb(cr, grey, grey, grey);
    cairo_set_line_width(cr, width);
    cairo_set_dash(cr, dashes, broken ? 2 : 0, 0);
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x2, y2);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void draw_box(cairo_t *cr, double x, double y, double width, double height, double grey) {
    cairo_rectangle(cr, x, y, width, height);
    cairo_set_source_rgb(cr, grey, grey, grey);
    cairo_fill_preserve(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_set_line_width(cr, 0.6);
    cairo_stroke(cr);
}

/* --- scale --- */

struct scale {
    double low, high, step; /* of the values */
    double from, to;        /* in points */
};

static double place(const struct scale *scale, double value) {
    double share = (value - scale->low) / (scale->high - scale->low);
    return scale->from + share * (scale->to - scale->from);
}

/* Steps of 1, 2 or 5 times a power of ten, about five of them; counts have no halves. */
static struct scale scale_of(double low, double high, int kind, double from, double to) {
    bool whole = REPORT_KIND(kind) == REPORT_COUNT || REPORT_KIND(kind) == REPORT_MONEY;
    double range = high - low > 0 ? high - low : 1;
    double power = pow(10, floor(log10(range / 5)));
    double rest = range / 5 / power;
    double step = (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10) * power;
    step = whole && step < 1 ? 1 : step;
    return (struct scale){.low = floor(low / step) * step,
        .high = ceil((low + range) / step) * step,
        .step = step,
        .from = from,
        .to = to};
}

static size_t tick_count(const struct scale *scale) {
    size_t count = (size_t)llround((scale->high - scale->low) / scale->step) + 1;
    return count < TICKS_MAX ? count : TICKS_MAX;
}

/* Digits of an axis: as many as its steps need. */
static int axis_kind(const struct report_chart *chart, const struct scale *scale) {
    int kind = REPORT_KIND(chart->value_kind);
    double step = kind == REPORT_PERCENT ? 100 * scale->step : scale->step;
    int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    return kind | REPORT_DIGITS(digits < 6 ? digits : 6);
}

static void draw_number(struct pen *pen, double x, double y, double share, double value, int kind) {
    struct base_buf text;
    base_buf_init(&text, 256);
    report__show_number(value, kind, &text);
    draw_text(pen, x, y, share, 1000, base_buf_text(&text));
    base_buf_release(&text);
}

static void draw_across_axis(
    struct pen *pen, const struct report_chart *chart, const struct scale *scale, double bottom) {
    int kind = axis_kind(chart, scale);
    for (size_t i = 0; i < tick_count(scale); i++) {
        double value = scale->low + (double)i * scale->step;
        double x = place(scale, value);
        draw_line(pen->cr, x, 0, x, bottom + 3, 0.4, 0.75, false);
        draw_number(pen, x, bottom + 11, 0.5, value, kind);
    }
    draw_line(pen->cr, scale->from, bottom, scale->to, bottom, 0.8, 0, false);
}

/* --- bars, funnel, effect: a row for each point --- */

static size_t shown_points(const struct report_chart *chart) {
    return chart->point_count < REPORT__CHART_POINTS ? chart->point_count : REPORT__CHART_POINTS;
}

static void range_of(const struct report_chart *chart, double *low_out, double *high_out) {
    *low_out = 0;
    *high_out = 0;
    for (size_t i = 0; i < chart->point_count; i++) {
        const struct report_point *p = &chart->points[i];
        if (p->why) {
            continue;
        }
        const double values[] = {p->value, p->has_target ? p->target : 0,
            p->has_interval ? p->low : 0, p->has_interval ? p->high : 0};
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            *low_out = fmin(*low_out, values[v]);
            *high_out = fmax(*high_out, values[v]);
        }
    }
}

static void draw_value(
    struct pen *pen, const struct report_chart *chart, size_t at, double x, double y, double most) {
    const struct report_point *p = &chart->points[at];
    struct base_buf text;
    base_buf_init(&text, 512);
    report__show_number(p->value, chart->value_kind, &text);
    if (chart->kind == REPORT_FUNNEL && !chart->points[0].why && chart->points[0].value > 0) {
        base_buf_add_text(&text, " (");
        report__show_number(p->value / chart->points[0].value, REPORT_PERCENT, &text);
        base_buf_add_text(&text, ")");
    } else if (chart->kind == REPORT_BARS && p->has_target && p->target > 0) {
        base_buf_add_text(&text, " (");
        report__show_number(p->value / p->target, REPORT_PERCENT, &text);
        base_buf_add_text(&text, ")");
    }
    /* White behind the letters, so that no line of the grid runs through them. */
    double width = text_width(pen, base_buf_text(&text)) + 2;
    cairo_rectangle(pen->cr, x - 1, y - SIZE * 0.7, width < most ? width : most, SIZE * 1.4);
    cairo_set_source_rgb(pen->cr, 1, 1, 1);
    cairo_fill(pen->cr);
    draw_text(pen, x, y, 0, most, base_buf_text(&text));
    base_buf_release(&text);
}

static void draw_effect(
    cairo_t *cr, const struct scale *scale, const struct report_point *p, double y) {
    if (p->has_interval) {
        double low = place(scale, p->low);
        double high = place(scale, p->high);
        draw_line(cr, low, y, high, y, 1.4, 0, false);
        draw_line(cr, low, y - 4, low, y + 4, 1.4, 0, false);
        draw_line(cr, high, y - 4, high, y + 4, 1.4, 0, false);
    }
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_new_path(cr); /* else a line leads here from the text before */
    cairo_arc(cr, place(scale, p->value), y, 3.4, 0, 2 * G_PI);
    cairo_fill(cr);
}

static void draw_row(struct pen *pen, const struct report_chart *chart, const struct scale *scale,
    size_t at, double width) {
    const struct report_point *p = &chart->points[at];
    double y = ((double)at + 0.5) * ROW;
    double end = place(scale, 0);
    draw_text(pen, width * LABELS - 6, y, 1, width * LABELS - 10, p->label);
    if (p->why) {
        draw_text(pen, end + 4, y, 0, width - end - 8, p->why);
        return;
    }
    if (chart->kind == REPORT_EFFECT) {
        draw_effect(pen->cr, scale, p, y);
        end = scale->to;
    } else {
        double zero = place(scale, 0);
        double to = place(scale, p->value);
        draw_box(pen->cr, fmin(zero, to), y - BAR / 2, fabs(to - zero), BAR, 0.45);
        end = fmax(zero, to);
    }
    if (p->has_target) {
        double x = place(scale, p->target);
        draw_line(pen->cr, x, y - BAR / 2 - 3, x, y + BAR / 2 + 3, 2.4, 0, false);
        end = fmax(end, x);
    }
    draw_value(pen, chart, at, end + 5, y, width - end - 5);
}

static void draw_row_legend(struct pen *pen, const struct report_chart *chart, double y) {
    double x = 4;
    bool target = false;
    bool interval = false;
    for (size_t i = 0; i < chart->point_count; i++) {
        target = target || chart->points[i].has_target;
        interval = interval || chart->points[i].has_interval;
    }
    if (chart->kind == REPORT_EFFECT) {
        cairo_new_path(pen->cr);
        cairo_arc(pen->cr, x + 6, y, 3.4, 0, 2 * G_PI);
        cairo_fill(pen->cr);
    } else {
        draw_box(pen->cr, x, y - 4, 12, 8, 0.45);
    }
    draw_text(pen, x + 18, y, 0, 400, chart->value_label);
    x += 18 + text_width(pen, chart->value_label) + 20;
    if (target) {
        draw_line(pen->cr, x, y - 6, x, y + 6, 2.4, 0, false);
        draw_text(pen, x + 6, y, 0, 200, TR("target"));
        x += 6 + text_width(pen, TR("target")) + 20;
    }
    if (interval) {
        draw_line(pen->cr, x, y, x + 18, y, 1.4, 0, false);
        draw_line(pen->cr, x, y - 4, x, y + 4, 1.4, 0, false);
        draw_line(pen->cr, x + 18, y - 4, x + 18, y + 4, 1.4, 0, false);
        draw_text(pen, x + 24, y, 0, 200, TR("interval"));
        x += 24 + text_width(pen, TR("interval")) + 20;
    }
    if (shown_points(chart) < chart->point_count) {
        char text[160];
        snprintf(text, sizeof text, TR("the first %d of %zu; all are in the table"),
            REPORT__CHART_POINTS, chart->point_count);
        draw_text(pen, x, y, 0, 400, text);
    }
}

static void draw_rows(struct pen *pen, const struct report_chart *chart, double width) {
    double low;
    double high;
    double bottom = (double)shown_points(chart) * ROW;
    range_of(chart, &low, &high);
    struct scale scale =
        scale_of(low, high, chart->value_kind, width * LABELS, width * (1 - VALUES));
    draw_across_axis(pen, chart, &scale, bottom);
    double zero = place(&scale, 0);
    draw_line(pen->cr, zero, 0, zero, bottom, 1, 0, chart->kind == REPORT_EFFECT);
    for (size_t i = 0; i < shown_points(chart); i++) {
        draw_row(pen, chart, &scale, i, width);
    }
    draw_row_legend(pen, chart, bottom + AXIS + LEGEND / 2);
}

/* --- a line over days --- */

struct plot {
    double left, right, top, bottom;
    int64_t first, last; /* days */
    struct scale y;
};

static double day_place(const struct plot *plot, int64_t day) {
    double span = plot->last > plot->first ? (double)(plot->last - plot->first) : 1;
    return plot->left + (double)(day - plot->first) / span * (plot->right - plot->left);
}

static void draw_series(
    cairo_t *cr, const struct report_chart *chart, const struct plot *plot, bool target) {
    const double dashes[] = {6, 4};
    bool open = false;
    double before = 0;
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_set_line_width(cr, target ? 1.2 : 1.8);
    cairo_set_dash(cr, dashes, target ? 2 : 0, 0);
    for (size_t i = 0; i < chart->point_count; i++) {
        const struct report_point *p = &chart->points[i];
        if (target ? !p->has_target : p->why != NULL) {
            continue;
        }
        double x = day_place(plot, p->day);
        double y = place(&plot->y, target ? p->target : p->value);
        if (open) {
            /* A sum stays as it was until the day something came; a target moves evenly. */
            if (!target) {
                cairo_line_to(cr, x, before);
            }
            cairo_line_to(cr, x, y);
        } else {
            cairo_move_to(cr, x, y);
            open = true;
        }
        before = y;
    }
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    for (size_t i = 0; !target && chart->point_count <= 31 && i < chart->point_count; i++) {
        const struct report_point *p = &chart->points[i];
        if (!p->why) {
            cairo_new_path(cr);
            cairo_arc(cr, day_place(plot, p->day), place(&plot->y, p->value), 2.2, 0, 2 * G_PI);
            cairo_fill(cr);
        }
    }
}

static void draw_day(struct pen *pen, const struct plot *plot, int64_t day) {
    struct base_buf text;
    const struct report_column column = {"day", "day", REPORT_DATE};
    const struct report_table table = {.columns = &column, .column_count = 1};
    const struct report_value value = {.fill = REPORT_I64, .i64 = day};
    double x = day_place(plot, day);
    base_buf_init(&text, 64);
    report__show(&table, 0, &value, &text);
    draw_line(pen->cr, x, plot->bottom, x, plot->bottom + 4, 0.8, 0, false);
    draw_text(pen, x, plot->bottom + 12, 0.5, 200, base_buf_text(&text));
    base_buf_release(&text);
}

static void draw_days(struct pen *pen, const struct plot *plot) {
    int64_t days = plot->last - plot->first;
    int64_t room = (int64_t)((plot->right - plot->left) / 80);
    int64_t step = days / (room > 0 ? room : 1) + 1;
    for (int64_t day = plot->first; day <= plot->last; day += step) {
        draw_day(pen, plot, day);
    }
}

static void draw_curve(struct pen *pen, const struct report_chart *chart, double width) {
    double low;
    double high;
    range_of(chart, &low, &high);
    struct plot plot = {.left = 70,
        .right = width - 40,
        .top = 10,
        .bottom = LINE_HEIGHT - AXIS,
        .first = chart->points[0].day,
        .last = chart->points[chart->point_count - 1].day};
    plot.y = scale_of(low, high, chart->value_kind, plot.bottom, plot.top);
    int kind = axis_kind(chart, &plot.y);
    for (size_t i = 0; i < tick_count(&plot.y); i++) {
        double value = plot.y.low + (double)i * plot.y.step;
        double y = place(&plot.y, value);
        draw_line(pen->cr, plot.left, y, plot.right, y, 0.4, 0.75, false);
        draw_number(pen, plot.left - 6, y, 1, value, kind);
    }
    draw_line(pen->cr, plot.left, plot.bottom, plot.right, plot.bottom, 0.8, 0, false);
    draw_line(pen->cr, plot.left, plot.top, plot.left, plot.bottom, 0.8, 0, false);
    draw_days(pen, &plot);
    draw_series(pen->cr, chart, &plot, false);
    draw_series(pen->cr, chart, &plot, true);
    double y = LINE_HEIGHT + LEGEND / 2;
    draw_line(pen->cr, 4, y, 24, y, 1.8, 0, false);
    draw_text(pen, 30, y, 0, 400, chart->value_label);
    bool target = false;
    for (size_t i = 0; i < chart->point_count; i++) {
        target = target || chart->points[i].has_target;
    }
    if (target) {
        double x = 30 + text_width(pen, chart->value_label) + 20;
        draw_line(pen->cr, x, y, x + 20, y, 1.2, 0, true);
        draw_text(pen, x + 26, y, 0, 200, TR("target"));
    }
}

double report__chart_height(const struct report_chart *chart, double width) {
    (void)width;
    if (chart->point_count == 0) {
        return ROW;
    }
    return chart->kind == REPORT_LINE ? LINE_HEIGHT + LEGEND
                                      : (double)shown_points(chart) * ROW + AXIS + LEGEND;
}

void report__chart_draw(const struct report_chart *chart, cairo_t *cr, double width) {
    struct pen pen = pen_new(cr);
    cairo_save(cr);
    if (chart->point_count == 0) {
        draw_text(&pen, 0, ROW / 2, 0, width, TR("there is nothing to draw yet"));
    } else if (chart->kind == REPORT_LINE) {
        draw_curve(&pen, chart, width);
    } else {
        draw_rows(&pen, chart, width);
    }
    cairo_restore(cr);
    pen_free(&pen);
}
