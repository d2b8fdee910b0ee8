/* One table, three forms. */
#include "report/table.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include <inttypes.h>

#define COLUMNS_MAX 24

void report_table_init(
    struct report_table *table, const struct report_column *columns, size_t column_count) {
    *table = (struct report_table){columns, column_count, json_array()};
}

void report_table_release(struct report_table *table) {
    json_decref(table->rows);
    table->rows = NULL;
}

void report_table_add(struct report_table *table, json_t *const *values) {
    json_t *row = json_object();
    for (size_t i = 0; i < table->column_count; i++) {
        json_object_set_new(row, table->columns[i].key, values[i]);
    }
    json_array_append_new(table->rows, row);
}

static void cell_text(json_t *value, struct base_buf *out) {
    if (json_is_string(value)) {
        base_buf_add(out, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        base_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        base_buf_printf(out, "%.6g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        base_buf_add_text(out, json_is_true(value) ? "true" : "false");
    }
}

/* A cell as the text form shows it. */
static void shown_text(const struct report_column *column, json_t *value, struct base_buf *out) {
    if (column->kind == REPORT_WORD && json_is_string(value) && json_string_length(value)) {
        base_buf_add_text(out, TR(json_string_value(value)));
    } else {
        cell_text(value, out);
    }
}

static size_t cell_width(const struct report_column *column, json_t *value) {
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    shown_text(column, value, &text);
    size_t width = base_utf8_count(base_buf_str(&text));
    base_buf_release(&text);
    return width;
}

static void pad(struct base_buf *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        base_buf_add_char(out, ' ');
    }
}

static void write_text_cell(
    struct base_buf *out, const char *text, size_t bytes, size_t width, bool right, bool last) {
    size_t have = base_utf8_count(str_of(text, bytes));
    size_t gap = width > have ? width - have : 0;
    if (right) {
        pad(out, gap);
    }
    base_buf_add(out, text, bytes);
    if (!last) {
        pad(out, (right ? 0 : gap) + 2);
    }
}

static void write_text(const struct report_table *table, struct base_buf *out) {
    size_t widths[COLUMNS_MAX] = {0};
    size_t i;
    json_t *row;
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = base_utf8_count(str_from(TR(table->columns[c].label)));
        json_array_foreach(table->rows, i, row) {
            size_t width =
                cell_width(&table->columns[c], json_object_get(row, table->columns[c].key));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t c = 0; c < table->column_count; c++) {
        const char *label = TR(table->columns[c].label);
        write_text_cell(out, label, strlen(label), widths[c],
            table->columns[c].kind == REPORT_NUMBER, c + 1 == table->column_count);
    }
    base_buf_add_char(out, '\n');
    json_array_foreach(table->rows, i, row) {
        for (size_t c = 0; c < table->column_count; c++) {
            struct base_buf cell;
            base_buf_init(&cell, 1 << 20);
            shown_text(&table->columns[c], json_object_get(row, table->columns[c].key), &cell);
            write_text_cell(out, cell.at, cell.bytes, widths[c],
                table->columns[c].kind == REPORT_NUMBER, c + 1 == table->column_count);
            base_buf_release(&cell);
        }
        base_buf_add_char(out, '\n');
    }
}

static void write_csv_cell(json_t *value, struct base_buf *out) {
    struct base_buf cell;
    base_buf_init(&cell, 1 << 20);
    cell_text(value, &cell);
    struct str text = base_buf_str(&cell);
    bool formula = json_is_string(value) && text.bytes && strchr("=+-@\t\r", text.at[0]);
    bool quote =
        formula ||
        (text.bytes && (memchr(text.at, ',', text.bytes) || memchr(text.at, '"', text.bytes) ||
                           memchr(text.at, '\n', text.bytes) || memchr(text.at, '\r', text.bytes)));
    if (quote) {
        base_buf_add_text(out, formula ? "\"'" : "\"");
    }
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] == '"') {
            base_buf_add_char(out, '"');
        }
        base_buf_add_char(out, text.at[i]);
    }
    if (quote) {
        base_buf_add_char(out, '"');
    }
    base_buf_release(&cell);
}

static void write_csv(const struct report_table *table, struct base_buf *out) {
    size_t i;
    json_t *row;
    for (size_t c = 0; c < table->column_count; c++) {
        base_buf_printf(out, "%s%s", c ? "," : "", table->columns[c].key);
    }
    base_buf_add_text(out, "\r\n");
    json_array_foreach(table->rows, i, row) {
        for (size_t c = 0; c < table->column_count; c++) {
            base_buf_add_text(out, c ? "," : "");
            write_csv_cell(json_object_get(row, table->columns[c].key), out);
        }
        base_buf_add_text(out, "\r\n");
    }
}

void report_table_write(
    const struct report_table *table, enum report_form form, struct base_buf *out) {
    BASE_ASSERT(table->column_count <= COLUMNS_MAX);
    switch (form) {
    case REPORT_AS_TEXT:
        write_text(table, out);
        break;
    case REPORT_AS_CSV:
        write_csv(table, out);
        break;
    case REPORT_AS_JSON: {
        json_t *whole = json_pack("{s:O}", "rows", table->rows);
        char *text = json_dumps(whole, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
        base_buf_add_text(out, text);
        base_buf_add_char(out, '\n');
        base_free(text);
        json_decref(whole);
        break;
    }
    }
}
