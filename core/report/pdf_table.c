/* A table over pages: columns as wide as they need, rows never cut, the heading repeated. */
#include "report/pdf.h"

#include "base/tr.h"
#include <pango/pangocairo.h>

#define PAD 3.0
#define SIZE_MOST 10.5
#define SIZE_LEAST 6.5
#define TEXT_LEAST 54.0 /* a text column is not squeezed below this */
#define ROWS_TOGETHER 3
#define SAMPLE 400 /* rows measured to find the widths of text columns */

struct grid {
    const struct report_table *table;
    struct report__whys whys;
    double size; /* of the letters */
    double widths[REPORT_COLUMNS_MAX];
    double least[REPORT_COLUMNS_MAX]; /* what a column needs */
    double x;
    double head; /* height of the heading */
};

static void show(const struct grid *grid, size_t row, size_t column, struct base_buf *out) {
    const struct report_value *value = report_table_at(grid->table, row, column);
    size_t why = report__why_number(&grid->whys, value);
    base_buf_clear(out);
    if (why) {
        base_buf_printf(out, "– (%zu)", why);
    } else {
        report__show(grid->table, column, value, out);
    }
}

/* The longest word of a heading, which may break between words only. */
static double widest_word(struct pdf *pdf, const char *text) {
    double widest = 0;
    struct str rest = str_from(text);
    while (rest.bytes) {
        struct str word = str_cut(&rest, ' ');
        char *copy = base_strndup(word.at, word.bytes);
        double width = report__pdf_text_width(pdf, copy);
        widest = width > widest ? width : widest;
        base_free(copy);
    }
    return widest;
}

/* Numbers never break; texts may, but want their natural width. All rows of numbers are measured by
 * their longest text, which is the widest but for a digit's breadth: digits are equally wide. */
static void measure_column(struct pdf *pdf, struct grid *grid, size_t column) {
    const struct report_table *table = grid->table;
    bool right = report__is_right(table->columns[column].kind);
    struct base_buf cell;
    base_buf_init(&cell, 1 << 20);
    report__pdf_font(pdf, grid->size, PDF_BOLD);
    double least = widest_word(pdf, TR(table->columns[column].label));
    double natural = least;
    size_t longest = 0;
    for (size_t r = 0; r < table->row_count; r++) {
        size_t from_end = table->row_count - r;
        show(grid, r, column, &cell);
        if (cell.bytes > longest || (!right && (r < SAMPLE || from_end < SAMPLE))) {
            double width = report__pdf_text_width(pdf, base_buf_text(&cell));
            longest = cell.bytes > longest ? cell.bytes : longest;
            natural = width > natural ? width : natural;
        }
    }
    base_buf_release(&cell);
    bool text = REPORT_KIND(table->columns[column].kind) == REPORT_TEXT;
    double floor = least > TEXT_LEAST ? least : TEXT_LEAST;
    grid->widths[column] = natural + 2 * PAD + 1;
    grid->least[column] = (text && natural > floor ? floor : natural) + 2 * PAD + 1;
}

static double sum_of(const double *widths, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += widths[i];
    }
    return sum;
}

/* Smaller letters until the least widths fit, then the room is shared among what wants more. */
static void fit(struct pdf *pdf, struct grid *grid) {
    size_t count = grid->table->column_count;
    double room = pdf->right - pdf->left;
    grid->size = SIZE_MOST;
    for (;;) {
        for (size_t c = 0; c < count; c++) {
            measure_column(pdf, grid, c);
        }
        if (sum_of(grid->least, count) <= room || grid->size <= SIZE_LEAST) {
            break;
        }
        grid->size -= 0.5;
    }
    double least = sum_of(grid->least, count);
    double natural = sum_of(grid->widths, count);
    if (least > room) { /* nothing else helps */
        for (size_t c = 0; c < count; c++) {
            grid->widths[c] = grid->least[c] * room / least;
        }
    } else if (natural > room) {
        for (size_t c = 0; c < count; c++) {
            double wish = grid->widths[c] - grid->least[c];
            grid->widths[c] = grid->least[c] + wish * (room - least) / (natural - least);
        }
    } else {
        for (size_t c = 0; c < count; c++) {
            grid->widths[c] *= room / natural;
        }
    }
    grid->x = pdf->left;
}

double report__pdf_table_width(struct pdf *pdf, const struct report_table *table) {
    struct grid grid = {.table = table, .size = SIZE_MOST};
    report__whys_of(table, &grid.whys);
    for (size_t c = 0; c < table->column_count; c++) {
        measure_column(pdf, &grid, c);
    }
    return sum_of(grid.least, table->column_count);
}

static void fill(struct pdf *pdf, double x, double y, double width, double height) {
    if (!pdf->counting) {
        cairo_rectangle(pdf->cr, x, y, width, height);
        cairo_set_source_rgb(pdf->cr, 0.9, 0.9, 0.9);
        cairo_fill(pdf->cr);
    }
}

static void frame(struct pdf *pdf, double x, double y, double width, double height) {
    if (!pdf->counting) {
        cairo_rectangle(pdf->cr, x, y, width, height);
        cairo_set_source_rgb(pdf->cr, 0, 0, 0);
        cairo_set_line_width(pdf->cr, 0.4);
        cairo_stroke(pdf->cr);
    }
}

static void draw_head_cell(
    struct pdf *pdf, double x, double y, double width, double height, const char *text) {
    fill(pdf, x, y, width, height);
    frame(pdf, x, y, width, height);
    double have = report__pdf_text_height(pdf, width - 2 * PAD, text);
    report__pdf_text(pdf, x + PAD, y + (height - have) / 2, width - 2 * PAD, 0.5, text, true);
}

static double group_height(struct pdf *pdf, const struct grid *grid) {
    double height = 0;
    for (size_t g = 0; g < grid->table->group_count; g++) {
        const struct report_group *group = &grid->table->groups[g];
        double width = sum_of(grid->widths + group->first, group->count);
        double have = report__pdf_text_height(pdf, width - 2 * PAD, TR(group->label));
        height = have + 2 * PAD > height ? have + 2 * PAD : height;
    }
    return height;
}

static double head_height(struct pdf *pdf, const struct grid *grid) {
    double height = 0;
    report__pdf_font(pdf, grid->size, PDF_BOLD);
    for (size_t c = 0; c < grid->table->column_count; c++) {
        double have = report__pdf_text_height(
            pdf, grid->widths[c] - 2 * PAD, TR(grid->table->columns[c].label));
        height = have > height ? have : height;
    }
    return height + 2 * PAD;
}

static void draw_head(struct pdf *pdf, const struct grid *grid) {
    const struct report_table *table = grid->table;
    report__pdf_font(pdf, grid->size, PDF_BOLD);
    double over = group_height(pdf, grid);
    double height = head_height(pdf, grid);
    for (size_t g = 0; g < table->group_count; g++) {
        const struct report_group *group = &table->groups[g];
        draw_head_cell(pdf, grid->x + sum_of(grid->widths, group->first), pdf->y,
            sum_of(grid->widths + group->first, group->count), over, TR(group->label));
    }
    pdf->y += over;
    double x = grid->x;
    for (size_t c = 0; c < table->column_count; c++) {
        draw_head_cell(pdf, x, pdf->y, grid->widths[c], height, TR(table->columns[c].label));
        x += grid->widths[c];
    }
    pdf->y += height;
}

static double row_height(
    struct pdf *pdf, const struct grid *grid, size_t row, struct base_buf *cell) {
    double height = grid->size * 1.2;
    for (size_t c = 0; c < grid->table->column_count; c++) {
        if (report__is_right(grid->table->columns[c].kind)) {
            continue;
        }
        show(grid, row, c, cell);
        double have = report__pdf_text_height(pdf, grid->widths[c] - 2 * PAD, base_buf_text(cell));
        height = have > height ? have : height;
    }
    /* A text that no page could hold is cut at the foot of one. */
    double most = pdf->bottom - pdf->top - grid->head - 2 * PAD;
    return (height < most ? height : most) + 2 * PAD - 2;
}

static void draw_row(
    struct pdf *pdf, const struct grid *grid, size_t row, double height, struct base_buf *cell) {
    double x = grid->x;
    for (size_t c = 0; c < grid->table->column_count; c++) {
        bool right = report__is_right(grid->table->columns[c].kind);
        show(grid, row, c, cell);
        frame(pdf, x, pdf->y, grid->widths[c], height);
        if (cell->bytes) {
            pango_layout_set_height(pdf->layout, (int)(height * PANGO_SCALE));
            pango_layout_set_ellipsize(
                pdf->layout, right ? PANGO_ELLIPSIZE_NONE : PANGO_ELLIPSIZE_END);
            report__pdf_text(pdf, x + PAD, pdf->y + PAD - 1, grid->widths[c] - 2 * PAD, right,
                base_buf_text(cell), !right);
            pango_layout_set_ellipsize(pdf->layout, PANGO_ELLIPSIZE_NONE);
            pango_layout_set_height(pdf->layout, -1);
        }
        x += grid->widths[c];
    }
    pdf->y += height;
}

static double whys_height(struct pdf *pdf, const struct grid *grid) {
    double height = 6;
    report__pdf_font(pdf, 9.5, PDF_ITALIC);
    for (size_t i = 0; i < grid->whys.count; i++) {
        height += report__pdf_text_height(pdf, pdf->right - pdf->left, grid->whys.why[i]);
    }
    return height;
}

static void draw_whys(struct pdf *pdf, const struct grid *grid) {
    double width = pdf->right - pdf->left;
    pdf->y += 3;
    for (size_t i = 0; i < grid->whys.count; i++) {
        char *text = base_printf("(%zu) %s", i + 1, grid->whys.why[i]);
        report__pdf_font(pdf, 9.5, PDF_ITALIC);
        report__pdf_need(pdf, report__pdf_text_height(pdf, width, text));
        report__pdf_font(pdf, 9.5, PDF_ITALIC);
        pdf->y += report__pdf_text(pdf, pdf->left, pdf->y, width, 0, text, true);
        base_free(text);
    }
    pdf->y += 3;
}

void report__pdf_table(struct pdf *pdf, const struct report_table *table) {
    struct grid grid = {.table = table};
    struct base_buf cell;
    base_buf_init(&cell, 1 << 20);
    report__whys_of(table, &grid.whys);
    fit(pdf, &grid);
    grid.head = head_height(pdf, &grid) + group_height(pdf, &grid);
    report__pdf_need(pdf, grid.head + 4 * grid.size);
    draw_head(pdf, &grid);
    for (size_t r = 0; r < table->row_count; r++) {
        bool sum = table->has_sum && r + 1 == table->row_count;
        report__pdf_font(pdf, grid.size, sum ? PDF_BOLD : PDF_PLAIN);
        double height = row_height(pdf, &grid, r, &cell);
        /* What ends the table does not stand alone on a page: a few rows go along with it. */
        size_t behind = table->row_count - r - 1;
        double with = height;
        if (behind < ROWS_TOGETHER) {
            with += (double)behind * height + pdf->after + whys_height(pdf, &grid);
            report__pdf_font(pdf, grid.size, sum ? PDF_BOLD : PDF_PLAIN);
        }
        if (pdf->y + with > pdf->bottom && r > 0) {
            report__pdf_turn(pdf);
            draw_head(pdf, &grid);
            report__pdf_font(pdf, grid.size, sum ? PDF_BOLD : PDF_PLAIN);
        }
        if (sum) {
            fill(pdf, grid.x, pdf->y, sum_of(grid.widths, table->column_count), height);
        }
        draw_row(pdf, &grid, r, height, &cell);
    }
    if (table->row_count == 0) {
        report__pdf_font(pdf, grid.size, PDF_ITALIC);
        pdf->y += report__pdf_text(
            pdf, pdf->left + PAD, pdf->y + 2, 400, 0, TR("there is no row"), false);
    }
    draw_whys(pdf, &grid);
    base_buf_release(&cell);
}
