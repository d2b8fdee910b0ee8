/* The table itself: rows put together cell by cell. Its forms are in table_text.c, table_json.c and
 * table_csv.c. */
#include "report/table.h"

#include "base/log.h"
#include "base/tr.h"
#include "report/private.h"
#include <math.h>

#define LOCAL_OFFSET_MIN (7 * 60)

void report_table_init(
    struct report_table *table, const struct report_column *columns, size_t column_count) {
    BASE_ASSERT(column_count > 0 && column_count <= REPORT_COLUMNS_MAX);
    *table = (struct report_table){.columns = columns,
        .column_count = column_count,
        .offset_min = LOCAL_OFFSET_MIN,
        .arena = base_arena_new()};
}

void report_table_release(struct report_table *table) {
    base_free(table->cells);
    if (table->arena) {
        base_arena_free(&table->arena);
    }
    *table = (struct report_table){0};
}

/* The next cell of the row at hand; the sum must not have been drawn yet. */
static struct report_value *next_cell(struct report_table *table) {
    BASE_ASSERT(!table->has_sum);
    if (table->filled == 0 && table->row_count == table->row_room) {
        table->row_room = table->row_room ? 2 * table->row_room : 64;
        table->cells = base_realloc(
            table->cells, table->row_room * table->column_count * sizeof *table->cells);
    }
    struct report_value *cell =
        &table->cells[table->row_count * table->column_count + table->filled];
    if (++table->filled == table->column_count) {
        table->filled = 0;
        if (table->row_count < REPORT_ROWS_MAX) {
            table->row_count++;
        } else {
            table->overfull = true; /* the row is overwritten by the next */
        }
    }
    *cell = (struct report_value){.fill = REPORT_BLANK};
    return cell;
}

void report_put_text(struct report_table *table, struct str text) {
    struct report_value *cell = next_cell(table);
    if (text.at) {
        cell->fill = REPORT_STR;
        cell->text = base_arena_strndup(table->arena, text.at, text.bytes);
        cell->bytes = text.bytes;
    }
}

void report_put_word(struct report_table *table, const char *word) {
    report_put_text(table, str_from(word));
}

void report_put_i64(struct report_table *table, int64_t value) {
    struct report_value *cell = next_cell(table);
    cell->fill = REPORT_I64;
    cell->i64 = value;
}

void report_put_f64(struct report_table *table, double value) {
    struct report_value *cell = next_cell(table);
    if (isfinite(value)) {
        cell->fill = REPORT_F64;
        cell->f64 = value;
    }
}

void report_put_none(struct report_table *table, const char *why) {
    struct report_value *cell = next_cell(table);
    if (why) {
        cell->text = base_arena_strndup(table->arena, why, strlen(why));
        cell->bytes = strlen(why);
    }
}

void report_put_share(struct report_table *table, int64_t part, int64_t whole) {
    if (whole == 0) {
        report_put_none(table, TR("there is nothing to take a share of"));
    } else {
        report_put_f64(table, (double)part / (double)whole);
    }
}

void report_table_add(struct report_table *table, json_t *const *values) {
    for (size_t i = 0; i < table->column_count; i++) {
        json_t *value = values[i];
        if (json_is_string(value)) {
            report_put_text(table, str_of(json_string_value(value), json_string_length(value)));
        } else if (json_is_integer(value)) {
            report_put_i64(table, json_integer_value(value));
        } else if (json_is_real(value)) {
            report_put_f64(table, json_real_value(value));
        } else if (json_is_boolean(value)) {
            struct report_value *cell = next_cell(table);
            cell->fill = REPORT_BOOL;
            cell->i64 = json_is_true(value);
        } else {
            report_put_none(table, NULL);
        }
        json_decref(value);
    }
}

static void sum_column(
    const struct report_table *table, size_t rows, size_t column, struct report_value *sum) {
    bool any = false;
    bool real = false;
    bool over = false;
    for (size_t r = 0; r < rows; r++) {
        const struct report_value *cell = report_table_at(table, r, column);
        if (cell->fill == REPORT_F64) {
            sum->f64 += cell->f64;
            real = any = true;
        } else if (cell->fill == REPORT_I64) {
            over = over || __builtin_add_overflow(sum->i64, cell->i64, &sum->i64);
            any = true;
        }
    }
    if (over) {
        const char *why = TR("the sum is too large");
        *sum = (struct report_value){.fill = REPORT_BLANK, .text = why, .bytes = strlen(why)};
    } else if (any) {
        sum->fill = real ? REPORT_F64 : REPORT_I64;
        sum->f64 += real ? (double)sum->i64 : 0;
    }
}

void report_table_sum(struct report_table *table, const char *label) {
    BASE_ASSERT(table->filled == 0);
    struct report_value sums[REPORT_COLUMNS_MAX] = {0};
    size_t rows = table->row_count;
    if (table->overfull || rows == 0) {
        return;
    }
    sums[0] = (struct report_value){.fill = REPORT_STR,
        .text = base_arena_strndup(table->arena, label, strlen(label)),
        .bytes = strlen(label)};
    for (size_t c = 1; c < table->column_count; c++) {
        if (table->columns[c].kind & REPORT_SUM) {
            sum_column(table, rows, c, &sums[c]);
        }
    }
    for (size_t c = 0; c < table->column_count; c++) {
        *next_cell(table) = sums[c];
    }
    table->has_sum = !table->overfull;
}

const struct report_value *report_table_at(
    const struct report_table *table, size_t row, size_t column) {
    BASE_ASSERT(row < table->row_count && column < table->column_count);
    return &table->cells[row * table->column_count + column];
}

size_t report_table_plain_rows(const struct report_table *table) {
    return table->row_count - (table->has_sum ? 1 : 0);
}

void report_table_write(
    const struct report_table *table, enum report_form form, struct base_buf *out) {
    switch (form) {
    case REPORT_AS_TEXT:
        report__table_text(table, out);
        break;
    case REPORT_AS_CSV:
        report__table_csv(table, out);
        break;
    case REPORT_AS_JSON: {
        json_t *whole = json_pack("{s:o}", "rows", report_table_rows(table));
        char *text = json_dumps(whole, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
        base_buf_add_text(out, text);
        base_buf_add_char(out, '\n');
        base_free(text);
        json_decref(whole);
        break;
    }
    case REPORT_AS_XLSX:
    case REPORT_AS_PDF:
    case REPORT_AS_HTML:
        BASE_ASSERT(!"a table alone has no such form");
    }
}
