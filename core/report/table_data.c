/* A table for programs: JSON rows and CSV. */
#include "base/civil.h"
#include "report/private.h"

static json_t *cell_json(
    const struct report_table *table, size_t column, const struct report_value *value) {
    struct base_buf text;
    json_t *json;
    int kind = REPORT_KIND(table->columns[column].kind);
    switch (value->fill) {
    case REPORT_BLANK:
        return json_null();
    case REPORT_F64:
        return json_real(value->f64);
    case REPORT_BOOL:
        return json_boolean(value->i64);
    case REPORT_STR:
        return json_stringn(value->text, value->bytes);
    case REPORT_I64:
        if (kind != REPORT_DATE && kind != REPORT_TIME) {
            return json_integer(value->i64);
        }
        if (kind == REPORT_TIME && value->i64 == 0) {
            return json_null();
        }
        base_buf_init(&text, 64);
        report__plain(table, column, value, &text);
        json = json_stringn(text.at, text.bytes);
        base_buf_release(&text);
        return json;
    }
    return json_null();
}

static json_t *row_json(const struct report_table *table, size_t row) {
    json_t *json = json_object();
    for (size_t c = 0; c < table->column_count; c++) {
        const struct report_value *value = report_table_at(table, row, c);
        json_object_set_new(json, table->columns[c].key, cell_json(table, c, value));
        if (value->fill == REPORT_BLANK && value->text) {
            char key[80];
            snprintf(key, sizeof key, "%s_why", table->columns[c].key);
            json_object_set_new(json, key, json_string(value->text));
        }
    }
    return json;
}

json_t *report_table_rows(const struct report_table *table) {
    json_t *rows = json_array();
    for (size_t r = 0; r < report_table_plain_rows(table); r++) {
        json_array_append_new(rows, row_json(table, r));
    }
    return rows;
}

json_t *report_table_sum_json(const struct report_table *table) {
    return table->has_sum ? row_json(table, table->row_count - 1) : NULL;
}

static void add_csv_cell(struct base_buf *out, struct str text, bool is_text) {
    bool formula = is_text && text.bytes && strchr("=+-@\t\r", text.at[0]);
    bool quote =
        formula ||
        (text.bytes && (memchr(text.at, ',', text.bytes) || memchr(text.at, '"', text.bytes) ||
                           memchr(text.at, '\n', text.bytes) || memchr(text.at, '\r', text.bytes)));
    if (!quote) {
        base_buf_add_str(out, text);
        return;
    }
    base_buf_add_text(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] == '"') {
            base_buf_add_char(out, '"');
        }
        base_buf_add_char(out, text.at[i]);
    }
    base_buf_add_char(out, '"');
}

void report__table_csv(const struct report_table *table, struct base_buf *out) {
    struct base_buf cell;
    base_buf_init(&cell, SIZE_MAX / 2);
    for (size_t c = 0; c < table->column_count; c++) {
        base_buf_printf(out, "%s%s", c ? "," : "", table->columns[c].key);
    }
    base_buf_add_text(out, "\r\n");
    for (size_t r = 0; r < report_table_plain_rows(table); r++) {
        for (size_t c = 0; c < table->column_count; c++) {
            const struct report_value *value = report_table_at(table, r, c);
            base_buf_clear(&cell);
            report__plain(table, c, value, &cell);
            base_buf_add_text(out, c ? "," : "");
            add_csv_cell(out, base_buf_str(&cell), value->fill == REPORT_STR);
        }
        base_buf_add_text(out, "\r\n");
    }
    base_buf_release(&cell);
}

/* --- a whole report --- */

static json_t *head_json(const struct report *report) {
    char as_of[BASE_ISO_MAX];
    base_format_iso(report->as_of_ms, report->offset_min, as_of);
    json_t *params = json_object();
    for (size_t i = 0; i < report->param_count; i++) {
        json_object_set_new(params, report->params[i].label, json_string(report->params[i].value));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s?,s:s?,s:b,s:o}", "kind", report->kind, "title",
        report->title, "subtitle", report->subtitle, "period", report->period, "as_of", as_of,
        "authority", report->heading.authority, "form", report->heading.form, "public",
        report->hidden, "parameters", params);
}

static json_t *table_json(const char *heading, const struct report_table *table) {
    json_t *json = json_pack("{s:s,s:o}", "heading", heading, "rows", report_table_rows(table));
    if (table->has_sum) {
        json_object_set_new(json, "sum", report_table_sum_json(table));
    }
    return json;
}

static void add_block_json(const struct report *report, struct report_block *block, json_t *tables,
    json_t *charts, json_t *notes) {
    struct report_table twin;
    switch (block->kind) {
    case REPORT_BLOCK_TABLE:
        if (&block->table != report_main_table(report)) {
            json_object_set_new(tables, block->key, table_json(block->heading, &block->table));
        }
        break;
    case REPORT_BLOCK_NOTE:
        json_array_append_new(notes, json_string(block->note));
        break;
    case REPORT_BLOCK_CHART:
        report__chart_table(&block->chart, report->offset_min, &twin);
        json_object_set_new(charts, block->key, table_json(block->heading, &twin));
        report_table_release(&twin);
        break;
    }
}

/* An empty object or list is left out; TAKES it. */
static void add_part(json_t *whole, const char *name, TAKES json_t *part) {
    if (json_object_size(part) || json_array_size(part)) {
        json_object_set_new(whole, name, part);
    } else {
        json_decref(part);
    }
}

int report__json(const struct report *report, struct base_buf *out, struct base_err *err) {
    const struct report_table *main_table = report_main_table(report);
    json_t *whole = json_pack("{s:o}", "rows", report_table_rows(main_table));
    json_t *tables = json_object();
    json_t *charts = json_object();
    json_t *notes = json_array();
    for (size_t i = 0; i < report->block_count; i++) {
        add_block_json(report, report->blocks[i], tables, charts, notes);
    }
    add_part(whole, "sum", report_table_sum_json(main_table));
    add_part(whole, "report", head_json(report));
    add_part(whole, "tables", tables);
    add_part(whole, "charts", charts);
    add_part(whole, "notes", notes);
    char *text = json_dumps(whole, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(whole);
    if (!text) {
        return base_err_set(err, LANTOA_ENOMEM, "JSON");
    }
    base_buf_add_text(out, text);
    base_buf_add_char(out, '\n');
    base_free(text);
    return 0;
}
