/* A report as a workbook: a sheet for each table and chart, real numbers and dates, texts that stay
 * texts (no cell is ever a formula), a frozen heading, A4. */
#include "base/file.h"
#include "base/text.h"
#include "base/tr.h"
#include "report/private.h"
#include <math.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define XLSX_BYTES_MAX ((size_t)1 << 30)
#define EPOCH_SERIAL 25569.0 /* 1970-01-01 in days since 1899-12-30 */
#define DAY_MS 86400000.0
#define EXACT_MOST INT64_C(1000000000000000) /* Excel keeps 15 digits; longer ones are texts */
#define TEXT_CHARS_MAX 32767                 /* of a cell */
#define SHEET_CHARS_MAX 31
#define WIDTH_MOST 60

struct book {
    lxw_workbook *book;
    lxw_format *title, *plain, *bold, *head, *note;
    lxw_format *cell[2][REPORT_TIME + 1][8]; /* sum or not, kind, digits; made when needed */
    unsigned sheets;
};

static lxw_format *new_format(struct book *b, bool bold, const char *number) {
    lxw_format *format = workbook_add_format(b->book);
    format_set_font_name(format, "Times New Roman");
    format_set_font_size(format, 12);
    if (bold) {
        format_set_bold(format);
    }
    if (number) {
        format_set_num_format(format, number);
    }
    return format;
}

static void add_formats(struct book *b) {
    b->plain = new_format(b, false, NULL);
    b->bold = new_format(b, true, NULL);
    b->title = new_format(b, true, NULL);
    format_set_font_size(b->title, 14);
    b->note = new_format(b, false, NULL);
    format_set_italic(b->note);
    b->head = new_format(b, true, NULL);
    format_set_text_wrap(b->head);
    format_set_align(b->head, LXW_ALIGN_CENTER);
    format_set_align(b->head, LXW_ALIGN_VERTICAL_CENTER);
    format_set_border(b->head, LXW_BORDER_THIN);
    format_set_bg_color(b->head, 0xE0E0E0);
}

/* "#,##0.00" and the like: Excel shows the marks of the reader's own language. */
static void number_format(enum report_cell kind, int digits, char out[static 32]) {
    static const char zeros[] = "0000000";
    const char *unit = kind == REPORT_PERCENT ? "%" : "";
    if (kind == REPORT_DATE) {
        snprintf(out, 32, "dd/mm/yyyy");
    } else if (kind == REPORT_TIME) {
        snprintf(out, 32, "dd/mm/yyyy hh:mm");
    } else if (kind == REPORT_NUMBER) {
        snprintf(out, 32, "0");
    } else {
        snprintf(out, 32, "#,##0%s%.*s%s", digits ? "." : "", digits, zeros, unit);
    }
}

static lxw_format *cell_format(struct book *b, int kind, bool sum) {
    int digits = report__digits(kind);
    digits = digits > 7 ? 7 : digits;
    lxw_format **format = &b->cell[sum][REPORT_KIND(kind)][digits];
    if (!*format) {
        char number[32];
        bool is_text = REPORT_KIND(kind) == REPORT_TEXT || REPORT_KIND(kind) == REPORT_WORD;
        number_format(REPORT_KIND(kind), digits, number);
        *format = new_format(b, sum, is_text ? NULL : number);
        format_set_border(*format, LXW_BORDER_THIN);
    }
    return *format;
}

/* A text stays one, whatever it begins with; what Excel cannot hold is cut at a letter. */
static void write_text(
    lxw_worksheet *sheet, lxw_row_t row, lxw_col_t col, struct str text, lxw_format *format) {
    char *copy = base_strndup(text.at ? text.at : "", base_utf8_valid_bytes(text));
    size_t at = 0;
    size_t chars = 0;
    size_t bytes = strlen(copy);
    while (at < bytes && chars < TEXT_CHARS_MAX) {
        base_utf8_next(str_of(copy, bytes), &at);
        chars++;
    }
    copy[at] = '\0';
    worksheet_write_string(sheet, row, col, copy, format);
    base_free(copy);
}

static void write_cell(struct book *b, lxw_worksheet *sheet, lxw_row_t row,
    const struct report_table *table, size_t r, size_t c) {
    const struct report_value *value = report_table_at(table, r, c);
    bool sum = table->has_sum && r + 1 == table->row_count;
    int kind = table->columns[c].kind;
    lxw_format *format = cell_format(b, kind, sum);
    struct base_buf text;
    double number = value->fill == REPORT_F64 ? value->f64 : (double)value->i64;
    bool is_number = value->fill == REPORT_F64 || value->fill == REPORT_I64;
    if (value->fill == REPORT_I64 && (value->i64 >= EXACT_MOST || value->i64 <= -EXACT_MOST) &&
        REPORT_KIND(kind) != REPORT_TIME) {
        is_number = false;
    }
    if (REPORT_KIND(kind) == REPORT_DATE) {
        number += EPOCH_SERIAL;
    } else if (REPORT_KIND(kind) == REPORT_TIME) {
        is_number = is_number && value->i64 != 0;
        /* To the second: Excel rounds nothing away that it then shows differently. */
        number =
            round((number + table->offset_min * 60000.0) / 1000) * 1000 / DAY_MS + EPOCH_SERIAL;
    }
    if (is_number) {
        worksheet_write_number(sheet, row, (lxw_col_t)c, number, format);
    } else if (value->fill == REPORT_BLANK || value->fill == REPORT_I64) {
        if (value->fill == REPORT_I64 && REPORT_KIND(kind) != REPORT_TIME) {
            char digits[32];
            snprintf(digits, sizeof digits, "%lld", (long long)value->i64);
            worksheet_write_string(sheet, row, (lxw_col_t)c, digits, format);
        } else {
            worksheet_write_blank(sheet, row, (lxw_col_t)c, format);
        }
    } else {
        base_buf_init(&text, 1 << 20);
        report__show(table, c, value, &text);
        write_text(sheet, row, (lxw_col_t)c, base_buf_str(&text), format);
        base_buf_release(&text);
    }
}

static void set_widths(lxw_worksheet *sheet, const struct report_table *table) {
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    for (size_t c = 0; c < table->column_count; c++) {
        size_t width = base_utf8_count(str_from(TR(table->columns[c].label))) / 2 + 4;
        for (size_t r = 0; r < table->row_count && r < 5000; r++) {
            base_buf_clear(&text);
            report__show(table, c, report_table_at(table, r, c), &text);
            size_t chars = base_utf8_count(base_buf_str(&text)) + 2;
            width = chars > width ? chars : width;
        }
        width = width < 9 ? 9 : width > WIDTH_MOST ? WIDTH_MOST : width;
        worksheet_set_column(sheet, (lxw_col_t)c, (lxw_col_t)c, (double)width, NULL);
    }
    base_buf_release(&text);
}

static lxw_row_t write_heads(
    struct book *b, lxw_worksheet *sheet, lxw_row_t row, const struct report_table *table) {
    for (size_t g = 0; g < table->group_count; g++) {
        const struct report_group *group = &table->groups[g];
        lxw_col_t first = (lxw_col_t)group->first;
        if (group->count > 1) {
            worksheet_merge_range(sheet, row, first, row, (lxw_col_t)(first + group->count - 1),
                TR(group->label), b->head);
        } else {
            worksheet_write_string(sheet, row, first, TR(group->label), b->head);
        }
    }
    row += table->group_count ? 1 : 0;
    for (size_t c = 0; c < table->column_count; c++) {
        worksheet_write_string(sheet, row, (lxw_col_t)c, TR(table->columns[c].label), b->head);
    }
    worksheet_set_row(sheet, row, 34, NULL);
    return row + 1;
}

/* The table from this row on: heading, rows, reasons. The row behind it. */
static lxw_row_t write_table(
    struct book *b, lxw_worksheet *sheet, lxw_row_t row, const struct report_table *table) {
    lxw_row_t head = row + (table->group_count ? 1 : 0);
    struct report__whys whys;
    row = write_heads(b, sheet, row, table);
    worksheet_freeze_panes(sheet, row, 1);
    worksheet_repeat_rows(sheet, head, head);
    for (size_t r = 0; r < table->row_count; r++, row++) {
        for (size_t c = 0; c < table->column_count; c++) {
            write_cell(b, sheet, row, table, r, c);
        }
    }
    if (report_table_plain_rows(table) > 1) {
        worksheet_autofilter(sheet, head, 0, head + (lxw_row_t)report_table_plain_rows(table),
            (lxw_col_t)(table->column_count - 1));
    }
    set_widths(sheet, table);
    report__whys_of(table, &whys);
    for (size_t i = 0; i < whys.count; i++) {
        char *text = base_printf("%s: %s", TR("no number"), whys.why[i]);
        worksheet_write_string(sheet, row++, 0, text, b->note);
        base_free(text);
    }
    return row;
}

static void set_page(lxw_worksheet *sheet, const struct report_table *table) {
    worksheet_set_paper(sheet, 9); /* A4 */
    if (table->column_count > 7) {
        worksheet_set_landscape(sheet);
    }
    worksheet_fit_to_pages(sheet, 1, 0);
    worksheet_set_margins(sheet, 1.18, 0.59, 0.79, 0.79); /* 30, 15, 20, 20 mm */
    worksheet_set_footer(sheet, "&C&P / &N");
}

/* A name that Excel takes and no other sheet has. */
static lxw_worksheet *add_sheet(struct book *b, const char *name) {
    char text[SHEET_CHARS_MAX * 4 + 16];
    size_t at = 0;
    size_t chars = 0;
    struct str all = str_from(name);
    while (at < all.bytes && chars < SHEET_CHARS_MAX - 4) {
        base_utf8_next(all, &at);
        chars++;
    }
    snprintf(text, sizeof text, "%u %.*s", ++b->sheets, (int)at, name);
    for (char *c = text; *c; c++) {
        *c = strchr("[]:*?/\\'", *c) ? ' ' : *c;
    }
    return workbook_add_worksheet(b->book, text);
}

static lxw_row_t write_line(
    lxw_worksheet *sheet, lxw_row_t row, const char *text, lxw_format *format) {
    if (text && text[0]) {
        write_text(sheet, row++, 0, str_from(text), format);
    }
    return row;
}

static lxw_row_t write_top(
    struct book *b, lxw_worksheet *sheet, const struct report *report, const char *heading) {
    struct base_buf text;
    lxw_row_t row = 0;
    base_buf_init(&text, 4096);
    row = write_line(sheet, row, report->heading.superior, b->plain);
    row = write_line(sheet, row, report->heading.authority, b->bold);
    if (report->heading.form) {
        base_buf_printf(&text, "%s: %s", TR("Form no."), report->heading.form);
        row = write_line(sheet, row, base_buf_text(&text), b->plain);
        base_buf_clear(&text);
    }
    row = write_line(sheet, row, report->title, b->title);
    row = write_line(sheet, row, report->subtitle, b->bold);
    row = write_line(sheet, row, report->period, b->plain);
    report__as_of(report, &text);
    row = write_line(sheet, row, base_buf_text(&text), b->note);
    for (size_t i = 0; i < report->param_count; i++) {
        base_buf_clear(&text);
        base_buf_printf(&text, "%s: %s", report->params[i].label, report->params[i].value);
        row = write_line(sheet, row, base_buf_text(&text), b->plain);
    }
    base_buf_release(&text);
    return write_line(sheet, row + 1, heading, b->bold);
}

static lxw_row_t write_sheet(struct book *b, const struct report *report, const char *name,
    const char *heading, const struct report_table *table, lxw_worksheet **sheet_out) {
    lxw_worksheet *sheet = add_sheet(b, name);
    lxw_row_t row = write_top(b, sheet, report, heading);
    set_page(sheet, table);
    *sheet_out = sheet;
    return write_table(b, sheet, row, table);
}

static void write_blocks(struct book *b, const struct report *report) {
    lxw_worksheet *first = NULL;
    lxw_worksheet *sheet;
    lxw_row_t end = 0;
    for (size_t i = 0; i < report->block_count; i++) {
        struct report_block *block = report->blocks[i];
        const char *name = block->heading[0] ? block->heading : TR("Report");
        if (block->kind == REPORT_BLOCK_TABLE) {
            lxw_row_t row = write_sheet(b, report, name, block->heading, &block->table, &sheet);
            end = first ? end : row;
            first = first ? first : sheet;
        } else if (block->kind == REPORT_BLOCK_CHART) {
            struct report_table twin;
            report__chart_table(&block->chart, report->offset_min, &twin);
            write_sheet(b, report, name, block->heading, &twin, &sheet);
            report_table_release(&twin);
        }
    }
    for (size_t i = 0; i < report->block_count; i++) {
        if (report->blocks[i]->kind == REPORT_BLOCK_NOTE) {
            end = write_line(first, end, report->blocks[i]->note, b->note);
        }
    }
    worksheet_activate(first);
}

static int check_rows(const struct report *report, struct base_err *err) {
    for (size_t i = 0; i < report->block_count; i++) {
        if (report->blocks[i]->table.row_count + 100 > LXW_ROW_MAX) {
            return base_err_set(err, LANTOA_ELIMIT,
                TR("a sheet holds %d rows, the report has more; take CSV"), LXW_ROW_MAX);
        }
    }
    return 0;
}

static int write_book(const struct report *report, const char *path, struct base_err *err) {
    struct book b = {.book = workbook_new(path)};
    if (!b.book) {
        return base_err_set(err, LANTOA_ENOMEM, "XLSX");
    }
    char *title = base_strdup(report->title);
    char *author = base_strdup(report->heading.authority);
    lxw_doc_properties properties = {
        .title = title, .author = author, .created = (time_t)(report->as_of_ms / 1000)};
    workbook_set_properties(b.book, &properties);
    base_free(title);
    base_free(author);
    add_formats(&b);
    write_blocks(&b, report);
    lxw_error fault = workbook_close(b.book);
    return fault == LXW_NO_ERROR ? 0
                                 : base_err_set(err, LANTOA_EIO, "XLSX: %s", lxw_strerror(fault));
}

/* The library writes files only: one in a folder of its own, read back and removed. */
int report__xlsx(const struct report *report, struct base_buf *out, struct base_err *err) {
    const char *base = getenv("TMPDIR");
    char *dir = base_printf("%s/lantoa-report-XXXXXX", base && *base ? base : "/tmp");
    int rc = check_rows(report, err);
    if (rc == 0 && !mkdtemp(dir)) {
        rc = base_err_set(err, LANTOA_EIO, TR("cannot make a folder in %s"), base ? base : "/tmp");
    }
    if (rc == 0) {
        char *path = base_path_join(dir, "report.xlsx");
        rc = write_book(report, path, err);
        if (rc == 0) {
            rc = base_file_read(path, XLSX_BYTES_MAX, out, err);
        }
        (void)unlink(path);
        (void)rmdir(dir);
        base_free(path);
    }
    base_free(dir);
    return rc;
}
