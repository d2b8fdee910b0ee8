/* The report model: memory, blocks, and the choice of the form. */
#include "report/document.h"

#include "base/log.h"
#include "base/text.h"
#include "base/tr.h"
#include "report/private.h"
#include "store/schema.h"
#include <stdarg.h>

void report_init(struct report *report, const char *kind, int64_t as_of_ms, int offset_min) {
    *report = (struct report){.arena = base_arena_new(),
        .kind = kind,
        .title = "",
        .subtitle = "",
        .period = "",
        .as_of_ms = as_of_ms,
        .offset_min = offset_min};
}

void report_release(struct report *report) {
    for (size_t i = 0; i < report->block_count; i++) {
        if (report->blocks[i]->kind == REPORT_BLOCK_TABLE) {
            report_table_release(&report->blocks[i]->table);
        }
        base_free(report->blocks[i]->chart.points);
    }
    report_heading_release(&report->heading);
    if (report->arena) {
        base_arena_free(&report->arena);
    }
    *report = (struct report){0};
}

const char *report_keep(struct report *report, struct str text) {
    return base_arena_strndup(report->arena, text.at ? text.at : "", text.bytes);
}

static const char *keep_format(struct report *report, const char *fmt, va_list args) {
    char text[2048];
    vsnprintf(text, sizeof text, fmt, args);
    /* What was cut off may have ended inside a letter. */
    return report_keep(report, str_of(text, base_utf8_valid_bytes(str_from(text))));
}

#define KEEP_FORMAT(report, fmt, text_out)                                                         \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        (text_out) = keep_format(report, fmt, args);                                               \
        va_end(args);                                                                              \
    } while (0)

void report_title(struct report *report, const char *fmt, ...) {
    KEEP_FORMAT(report, fmt, report->title);
}

void report_subtitle(struct report *report, const char *fmt, ...) {
    KEEP_FORMAT(report, fmt, report->subtitle);
}

void report_period(struct report *report, const char *fmt, ...) {
    KEEP_FORMAT(report, fmt, report->period);
}

void report_param(struct report *report, const char *label, const char *fmt, ...) {
    BASE_ASSERT(report->param_count < REPORT_PARAMS_MAX);
    struct report_param *param = &report->params[report->param_count++];
    param->label = report_keep(report, str_from(label));
    KEEP_FORMAT(report, fmt, param->value);
}

void report_param_count(struct report *report, const char *label, int64_t count) {
    struct base_buf text;
    base_buf_init(&text, 64);
    report__show_number((double)count, REPORT_COUNT, &text);
    report_param(report, label, "%s", base_buf_text(&text));
    base_buf_release(&text);
}

static struct report_block *add_block(
    struct report *report, enum report_block_kind kind, const char *key, const char *heading) {
    BASE_ASSERT(report->block_count < REPORT_BLOCKS_MAX);
    struct report_block *block = base_arena_alloc(report->arena, sizeof *block);
    block->kind = kind;
    block->key = key;
    block->heading = report_keep(report, str_from(heading));
    report->blocks[report->block_count++] = block;
    return block;
}

void report_note(struct report *report, const char *fmt, ...) {
    struct report_block *block = add_block(report, REPORT_BLOCK_NOTE, "", "");
    KEEP_FORMAT(report, fmt, block->note);
}

struct report_table *report_add_table(struct report *report, const char *key, const char *heading,
    const struct report_column *columns, size_t column_count) {
    struct report_block *block = add_block(report, REPORT_BLOCK_TABLE, key, heading);
    report_table_init(&block->table, columns, column_count);
    block->table.offset_min = report->offset_min;
    return &block->table;
}

const struct report_table *report_main_table(const struct report *report) {
    for (size_t i = 0; i < report->block_count; i++) {
        if (report->blocks[i]->kind == REPORT_BLOCK_TABLE) {
            return &report->blocks[i]->table;
        }
    }
    return NULL;
}

struct report_chart *report_add_chart(struct report *report, const char *key,
    enum report_chart_kind kind, const char *title, const char *label_label,
    const char *value_label, int value_kind) {
    struct report_block *block = add_block(report, REPORT_BLOCK_CHART, key, title);
    block->chart = (struct report_chart){.kind = kind,
        .title = block->heading,
        .label_label = report_keep(report, str_from(label_label)),
        .value_label = report_keep(report, str_from(value_label)),
        .value_kind = value_kind,
        .arena = report->arena};
    return &block->chart;
}

struct report_point *report_chart_point(struct report_chart *chart, struct str label) {
    if (chart->point_count == chart->point_room) {
        chart->point_room = chart->point_room ? 2 * chart->point_room : 32;
        chart->points = base_realloc(chart->points, chart->point_room * sizeof *chart->points);
    }
    struct report_point *point = &chart->points[chart->point_count++];
    *point = (struct report_point){
        .label = base_arena_strndup(chart->arena, label.at ? label.at : "", label.bytes)};
    return point;
}

/* --- heading --- */

int report_heading_read(struct db *db, struct report_heading *heading_out, struct base_err *err) {
    *heading_out = (struct report_heading){0};
    int rc = 0;
#define READ(field, setting, what)                                                                 \
    rc = rc == 0 ? schema_meta_get(db, setting, &heading_out->field, err) : rc;                    \
    rc = rc == LANTOA_ENOENT ? 0 : rc;                                                             \
    if (heading_out->field && !heading_out->field[0]) { /* taken back */                           \
        base_free(heading_out->field);                                                             \
        heading_out->field = NULL;                                                                 \
    }
    REPORT_HEADINGS(READ)
#undef READ
    if (rc == 0 && err) {
        *err = (struct base_err){0}; /* an absent setting is no error */
    } else if (rc != 0) {
        report_heading_release(heading_out);
    }
    return rc;
}

void report_heading_release(struct report_heading *heading) {
#define RELEASE(field, setting, what) base_free(heading->field);
    REPORT_HEADINGS(RELEASE)
#undef RELEASE
    *heading = (struct report_heading){0};
}

/* --- forms --- */

static const struct {
    const char *word, *mime;
} forms[] = {[REPORT_AS_TEXT] = {"text", "text/plain; charset=utf-8"},
    [REPORT_AS_JSON] = {"json", "application/json"},
    [REPORT_AS_CSV] = {"csv", "text/csv; charset=utf-8"},
    [REPORT_AS_XLSX] = {"xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    [REPORT_AS_PDF] = {"pdf", "application/pdf"},
    [REPORT_AS_HTML] = {"html", "text/html; charset=utf-8"}};
#define FORM_COUNT (sizeof forms / sizeof forms[0])

bool report_form_from_word(struct str word, enum report_form *form_out) {
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (str_is(word, forms[i].word)) {
            *form_out = (enum report_form)i;
            return true;
        }
    }
    if (str_is(word, "txt") || str_is(word, "htm")) {
        *form_out = str_is(word, "txt") ? REPORT_AS_TEXT : REPORT_AS_HTML;
        return true;
    }
    return false;
}

bool report_form_from_path(const char *path, enum report_form *form_out) {
    const char *dot = strrchr(path, '.');
    return dot && !strchr(dot, '/') && report_form_from_word(str_from(dot + 1), form_out);
}

const char *report_form_word(enum report_form form) {
    return forms[form].word;
}

const char *report_form_mime(enum report_form form) {
    return forms[form].mime;
}

static int check_size(const struct report *report, struct base_err *err) {
    for (size_t i = 0; i < report->block_count; i++) {
        if (report->blocks[i]->table.overfull) {
            return base_err_set(
                err, LANTOA_ELIMIT, TR("the report has more than %d rows"), REPORT_ROWS_MAX);
        }
    }
    return 0;
}

int report_write(const struct report *report, enum report_form form, struct base_buf *out,
    struct base_err *err) {
    BASE_ASSERT(report_main_table(report));
    int rc = check_size(report, err);
    if (rc != 0) {
        return rc;
    }
    switch (form) {
    case REPORT_AS_TEXT:
        rc = report__text(report, out, err);
        break;
    case REPORT_AS_JSON:
        rc = report__json(report, out, err);
        break;
    case REPORT_AS_CSV:
        report__table_csv(report_main_table(report), out);
        break;
    case REPORT_AS_XLSX:
        rc = report__xlsx(report, out, err);
        break;
    case REPORT_AS_PDF:
        rc = report__pdf(report, out, err);
        break;
    case REPORT_AS_HTML:
        rc = report__html(report, out, err);
        break;
    }
    if (rc == 0 && !base_buf_ok(out)) {
        rc = base_err_set(
            err, LANTOA_ELIMIT, TR("the report is larger than %zu MB"), out->ceiling >> 20);
    }
    return rc;
}
