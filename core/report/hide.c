/* Small counts are taken out of what leaves the house, with their neighbours that would give them
 * away: who knows the sum and all parts but one knows that one too. */
#include "base/tr.h"
#include "report/private.h"
#include <float.h>
#include <math.h>

static bool is_count(const struct report_table *table, size_t column) {
    int kind = table->columns[column].kind;
    return REPORT_KIND(kind) == REPORT_COUNT || kind & REPORT_PEOPLE;
}

static bool has_number(const struct report_value *value) {
    return value->fill == REPORT_I64 || value->fill == REPORT_F64;
}

static double number_of(const struct report_value *value) {
    return value->fill == REPORT_I64 ? (double)value->i64 : value->f64;
}

static bool is_derived(const struct report_table *table, size_t column) {
    int kind = REPORT_KIND(table->columns[column].kind);
    return kind == REPORT_PERCENT || kind == REPORT_DECIMAL || kind == REPORT_MONEY;
}

static struct report_value *cell_at(struct report_table *table, size_t row, size_t column) {
    return &table->cells[row * table->column_count + column];
}

struct hiding {
    struct report_table *table;
    uint8_t *gone; /* a cell each */
    bool changed;
};

static bool is_gone(const struct hiding *h, size_t row, size_t column) {
    return h->gone[row * h->table->column_count + column];
}

static void hide(struct hiding *h, size_t row, size_t column) {
    h->gone[row * h->table->column_count + column] = 1;
    h->changed = true;
}

/* One gap alone can be worked out: the smallest other count of the line goes as well, a 0 only when
 * there is nothing else. */
static void widen(struct hiding *h, size_t fixed, bool along_row, size_t from, size_t end) {
    size_t gaps = 0;
    size_t others = 0;
    size_t best = end;
    double least = HUGE_VAL;
    for (size_t i = from; i < end; i++) {
        size_t row = along_row ? fixed : i;
        size_t column = along_row ? i : fixed;
        const struct report_value *value = cell_at(h->table, row, column);
        if (!is_count(h->table, column) || !has_number(value)) {
            continue;
        }
        if (is_gone(h, row, column)) {
            gaps++;
            continue;
        }
        others++;
        double weight = number_of(value) == 0 ? DBL_MAX : number_of(value);
        if (weight < least) {
            least = weight;
            best = i;
        }
    }
    if (gaps == 1 && others > 0 && best < end) {
        hide(h, along_row ? fixed : best, along_row ? best : fixed);
    }
}

static void hide_table(struct report_table *table) {
    size_t plain = report_table_plain_rows(table);
    struct hiding h = {
        .table = table, .gone = base_alloc_array(table->row_count * table->column_count + 1, 1)};
    const char *why = TR("fewer than 5 people, or what would tell their number");
    for (size_t r = 0; r < table->row_count; r++) {
        for (size_t c = 0; c < table->column_count; c++) {
            const struct report_value *value = cell_at(table, r, c);
            if (is_count(table, c) && has_number(value) && number_of(value) > 0 &&
                number_of(value) < REPORT_SMALL) {
                hide(&h, r, c);
            }
        }
    }
    /* Each turn takes out at least one more cell, so it ends. */
    while (h.changed) {
        h.changed = false;
        for (size_t r = 0; r < plain; r++) {
            widen(&h, r, true, 0, table->column_count);
        }
        for (size_t c = 0; c < table->column_count; c++) {
            widen(&h, c, false, 0, plain);
        }
    }
    for (size_t r = 0; r < table->row_count; r++) {
        bool any = false;
        for (size_t c = 0; c < table->column_count; c++) {
            any = any || is_gone(&h, r, c);
        }
        for (size_t c = 0; any && c < table->column_count; c++) {
            if (is_gone(&h, r, c) || is_derived(table, c)) {
                *cell_at(table, r, c) =
                    (struct report_value){.fill = REPORT_BLANK, .text = why, .bytes = strlen(why)};
            }
        }
    }
    base_free(h.gone);
}

/* Points of a line are sums of the days before: a small step tells as much as a small count. */
static void hide_chart(struct report_chart *chart) {
    const char *why = TR("fewer than 5 people, or what would tell their number");
    double before = 0;
    if (REPORT_KIND(chart->value_kind) != REPORT_COUNT) {
        return;
    }
    for (size_t i = 0; i < chart->point_count; i++) {
        struct report_point *point = &chart->points[i];
        double part = chart->kind == REPORT_LINE ? point->value - before : point->value;
        if (part > 0 && part < REPORT_SMALL) {
            point->why = why;
        } else {
            before = point->value;
        }
    }
}

void report_hide_small(struct report *report) {
    for (size_t i = 0; i < report->block_count; i++) {
        struct report_block *block = report->blocks[i];
        if (block->kind == REPORT_BLOCK_TABLE) {
            hide_table(&block->table);
        } else if (block->kind == REPORT_BLOCK_CHART) {
            hide_chart(&block->chart);
        }
    }
    report->hidden = true;
}
