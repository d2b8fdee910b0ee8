/* A table as aligned text. */
#include "base/text.h"
#include "base/tr.h"
#include "report/private.h"

#define TEXT_BYTES_MAX (SIZE_MAX / 2)

static size_t chars_of(const struct base_buf *buf) {
    return base_utf8_count(base_buf_str(buf));
}

static void pad(struct base_buf *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        base_buf_add_char(out, ' ');
    }
}

/* A cell, with a mark where there is a reason for having no number; line breaks and other control
 * characters would break the row. */
static void show_cell(const struct report_table *table, const struct report__whys *whys, size_t row,
    size_t column, struct base_buf *out) {
    const struct report_value *value = report_table_at(table, row, column);
    size_t why = report__why_number(whys, value);
    size_t from = out->bytes;
    if (why) {
        base_buf_printf(out, "- [%zu]", why);
    } else {
        report__show(table, column, value, out);
    }
    for (size_t i = from; i < out->bytes; i++) {
        out->at[i] = (unsigned char)out->at[i] < ' ' ? ' ' : out->at[i];
    }
}

static void add_cell(
    struct base_buf *out, const struct base_buf *cell, size_t width, bool right, bool last) {
    size_t have = chars_of(cell);
    size_t gap = width > have ? width - have : 0;
    if (right) {
        pad(out, gap);
    }
    base_buf_add_str(out, base_buf_str(cell));
    if (!last) {
        pad(out, (right ? 0 : gap) + 2);
    }
}

/* The heading of a group above its first column, cut where it does not fit. */
static void add_groups(
    const struct report_table *table, const size_t *widths, struct base_buf *out) {
    size_t at = 0;
    size_t start = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        for (size_t g = 0; g < table->group_count; g++) {
            if (table->groups[g].first == c) {
                const char *label = TR(table->groups[g].label);
                pad(out, start > at ? start - at : 0);
                at = start > at ? start : at;
                base_buf_printf(out, "[%s] ", label);
                at += base_utf8_count(str_from(label)) + 3;
            }
        }
        start += widths[c] + 2;
    }
    base_buf_add_char(out, '\n');
}

void report__table_text(const struct report_table *table, struct base_buf *out) {
    size_t widths[REPORT_COLUMNS_MAX] = {0};
    struct report__whys whys;
    struct base_buf cell;
    base_buf_init(&cell, TEXT_BYTES_MAX);
    report__whys_of(table, &whys);
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = base_utf8_count(str_from(TR(table->columns[c].label)));
        for (size_t r = 0; r < table->row_count; r++) {
            base_buf_clear(&cell);
            show_cell(table, &whys, r, c, &cell);
            widths[c] = chars_of(&cell) > widths[c] ? chars_of(&cell) : widths[c];
        }
    }
    if (table->group_count) {
        add_groups(table, widths, out);
    }
    for (size_t r = 0; r <= table->row_count; r++) { /* 0: the heading */
        for (size_t c = 0; c < table->column_count; c++) {
            base_buf_clear(&cell);
            if (r == 0) {
                base_buf_add_text(&cell, TR(table->columns[c].label));
            } else {
                show_cell(table, &whys, r - 1, c, &cell);
            }
            add_cell(out, &cell, widths[c], report__is_right(table->columns[c].kind),
                c + 1 == table->column_count);
        }
        base_buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < whys.count; i++) {
        base_buf_printf(out, "[%zu] %s\n", i + 1, whys.why[i]);
    }
    base_buf_release(&cell);
}

int report__text(const struct report *report, struct base_buf *out, struct base_err *err) {
    (void)err;
    base_buf_printf(out, "%s\n", report->title);
    if (report->subtitle[0]) {
        base_buf_printf(out, "%s\n", report->subtitle);
    }
    if (report->period[0]) {
        base_buf_printf(out, "%s\n", report->period);
    }
    report__as_of(report, out);
    base_buf_add_char(out, '\n');
    for (size_t i = 0; i < report->param_count; i++) {
        base_buf_printf(out, "%s: %s\n", report->params[i].label, report->params[i].value);
    }
    for (size_t i = 0; i < report->block_count; i++) {
        struct report_block *block = report->blocks[i];
        struct report_table twin;
        base_buf_add_char(out, '\n');
        if (block->heading[0]) {
            base_buf_printf(out, "%s\n", block->heading);
        }
        switch (block->kind) {
        case REPORT_BLOCK_TABLE:
            report__table_text(&block->table, out);
            break;
        case REPORT_BLOCK_NOTE:
            base_buf_printf(out, "%s\n", block->note);
            break;
        case REPORT_BLOCK_CHART:
            report__chart_table(&block->chart, report->offset_min, &twin);
            report__table_text(&twin, out);
            report_table_release(&twin);
            break;
        }
    }
    return 0;
}
