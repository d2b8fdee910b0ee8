/* Reader of series: rows of (period, unit or arm, value) become a table of units by periods. */
#include "cli/stats_read.h"

#include "base/parse.h"
#include "base/tr.h"
#include "stats/staggered.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX 10000000

enum { T_PERIOD, T_UNIT, T_ARM, T_VALUE, T_PHASE, T_START, T_TREATED, T_CONTROL, T_FIELDS };
static const struct stats_field fields[T_FIELDS] = {{"period", true}, {"unit", false},
    {"arm", false}, {"value", false}, {"phase", false}, {"start", false}, {"treated", false},
    {"control", false}};

enum phase { PHASE_UNKNOWN, PHASE_PRE, PHASE_POST };

struct point {
    uint32_t unit, period;
    double value;
    int64_t line;
};

/* What is known before the periods are in order. */
struct gathered {
    struct stats_names units, periods, starts;
    struct point *points;
    size_t count, room;
    enum phase *phase; /* per period */
    int *arm;          /* per unit: 0, 1, -1 unknown */
    uint32_t *start;   /* per unit: place in starts + 1; 0 never; UINT32_MAX: not seen */
    size_t rows;
};

static void add_point(
    struct gathered *g, uint32_t unit, uint32_t period, double value, int64_t line) {
    if (g->count == g->room) {
        g->room = g->room ? g->room * 2 : 1024;
        g->points = base_realloc(g->points, g->room * sizeof *g->points);
    }
    g->points[g->count++] = (struct point){unit, period, value, line};
}

static int read_phase(struct stats_sheet *sheet, struct gathered *g, uint32_t period) {
    if (!stats_sheet_has(sheet, T_PHASE)) {
        return 0;
    }
    struct str text = stats_sheet_text(sheet, T_PHASE);
    enum phase phase = PHASE_UNKNOWN;
    if (str_case_eq(text, STR("pre")) || str_is(text, "0")) {
        phase = PHASE_PRE;
    } else if (str_case_eq(text, STR("post")) || str_is(text, "1")) {
        phase = PHASE_POST;
    } else {
        return stats_sheet_fault(sheet, T_PHASE, "%s", TR("must be pre or post"));
    }
    if (g->phase[period] != PHASE_UNKNOWN && g->phase[period] != phase) {
        return stats_sheet_fault(
            sheet, T_PHASE, TR("period %s is both pre and post"), g->periods.name[period]);
    }
    g->phase[period] = phase;
    return 0;
}

/* When the unit's treatment starts: a period, or empty, "0", "never", "inf". */
static int read_start(struct stats_sheet *sheet, struct gathered *g, uint32_t unit) {
    if (!stats_sheet_has(sheet, T_START)) {
        return 0;
    }
    struct str text = stats_sheet_text(sheet, T_START);
    bool never = text.bytes == 0 || str_is(text, "0") || str_case_eq(text, STR("never")) ||
                 str_case_eq(text, STR("inf"));
    uint32_t start = never ? 0 : stats_names_add(&g->starts, text) + 1;
    if (g->start[unit] != UINT32_MAX && g->start[unit] != start) {
        return stats_sheet_fault(sheet, T_START, TR("unit %s has two starts"), g->units.name[unit]);
    }
    g->start[unit] = start;
    return 0;
}

static int long_row(
    struct stats_source *source, struct stats_sheet *sheet, struct gathered *g, uint32_t period) {
    int arm = -1;
    double value;
    bool by_unit = stats_sheet_has(sheet, T_UNIT);
    if (stats_sheet_has(sheet, T_ARM)) {
        arm = stats_arms_read(&source->arms, sheet, T_ARM);
        if (arm < 0 || arm == 2) {
            return arm < 0 ? arm : 0;
        }
    }
    struct str name = stats_sheet_text(sheet, by_unit ? T_UNIT : T_ARM);
    if (name.bytes == 0) {
        return stats_sheet_fault(sheet, by_unit ? T_UNIT : T_ARM, "%s", TR("is empty"));
    }
    int rc = stats_sheet_number(sheet, T_VALUE, 0, &value);
    if (rc != 0) {
        return rc;
    }
    uint32_t unit = stats_names_add(&g->units, name);
    if (g->arm[unit] >= 0 && g->arm[unit] != arm) {
        return stats_sheet_fault(
            sheet, T_ARM, TR("unit %s stands in both arms"), g->units.name[unit]);
    }
    g->arm[unit] = arm;
    add_point(g, unit, period, value, sheet->row.line);
    return read_start(sheet, g, unit);
}

static int wide_row(struct stats_sheet *sheet, struct gathered *g, uint32_t period) {
    double treated;
    double control;
    int rc = stats_sheet_number(sheet, T_TREATED, 0, &treated);
    rc = rc ? rc : stats_sheet_number(sheet, T_CONTROL, 0, &control);
    if (rc == 0) {
        uint32_t t = stats_names_add(&g->units, STR("treated"));
        uint32_t c = stats_names_add(&g->units, STR("control"));
        g->arm[t] = 1;
        g->arm[c] = 0;
        add_point(g, t, period, treated, sheet->row.line);
        add_point(g, c, period, control, sheet->row.line);
    }
    return rc;
}

static int read_rows(struct stats_source *source, struct stats_sheet *sheet, struct gathered *g) {
    bool wide = stats_sheet_has(sheet, T_TREATED) && stats_sheet_has(sheet, T_CONTROL);
    bool named = stats_sheet_has(sheet, T_UNIT) || stats_sheet_has(sheet, T_ARM);
    if (!wide && (!named || !stats_sheet_has(sheet, T_VALUE))) {
        return base_err_set(sheet->err, LANTOA_EINVAL,
            TR("%s:1: needs the columns period, value and unit or arm; or period, treated, "
               "control"),
            sheet->path);
    }
    int rc;
    while ((rc = stats_sheet_next(sheet)) == 1) {
        struct str name = stats_sheet_text(sheet, T_PERIOD);
        if (name.bytes == 0) {
            return stats_sheet_fault(sheet, T_PERIOD, "%s", TR("is empty"));
        }
        uint32_t period = stats_names_add(&g->periods, name);
        rc = read_phase(sheet, g, period);
        rc = rc ? rc : wide ? wide_row(sheet, g, period) : long_row(source, sheet, g, period);
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}

/* Periods in order: numbers by size when all are numbers, else by their text (dates as
 * 2026-11-02). */
struct ordered {
    const char *name;
    double number;
    uint32_t old;
};

static int by_number(const void *left, const void *right) {
    const struct ordered *a = left;
    const struct ordered *b = right;
    return a->number < b->number ? -1 : a->number > b->number;
}

static int by_name(const void *left, const void *right) {
    const struct ordered *a = left;
    const struct ordered *b = right;
    return strcmp(a->name, b->name);
}

/* place[old] = new. */
static struct ordered *order_periods(const struct stats_names *periods, uint32_t *place) {
    struct ordered *order = base_alloc_array(periods->count + 1, sizeof *order);
    bool numbers = true;
    for (size_t i = 0; i < periods->count; i++) {
        order[i] = (struct ordered){periods->name[i], 0, (uint32_t)i};
        numbers = stats_parse_f64(str_from(periods->name[i]), &order[i].number) == 0 && numbers;
    }
    if (periods->count > 0) {
        qsort(order, periods->count, sizeof *order, numbers ? by_number : by_name);
    }
    for (size_t i = 0; i < periods->count; i++) {
        place[order[i].old] = (uint32_t)i;
    }
    return order;
}

static int fill_table(struct stats_sheet *sheet, const struct gathered *g, const uint32_t *place,
    struct stats_series_file *out) {
    size_t periods = out->periods.count;
    if (out->units.count > CELLS_MAX / (periods + 1)) {
        return base_err_set(sheet->err, LANTOA_ELIMIT, TR("more than %d numbers"), CELLS_MAX);
    }
    out->values = base_alloc_array(out->units.count * periods + 1, sizeof *out->values);
    bool *filled = base_alloc_array(out->units.count * periods + 1, sizeof *filled);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < g->count; i++) {
        size_t at = g->points[i].unit * periods + place[g->points[i].period];
        if (filled[at]) {
            rc = base_err_set(sheet->err, LANTOA_EINVAL, TR("%s:%lld: unit %s has period %s twice"),
                sheet->path, (long long)g->points[i].line, g->units.name[g->points[i].unit],
                g->periods.name[g->points[i].period]);
        }
        filled[at] = true;
        out->values[at] = g->points[i].value;
    }
    for (size_t at = 0; rc == 0 && at < out->units.count * periods; at++) {
        if (!filled[at]) {
            rc =
                base_err_set(sheet->err, LANTOA_EINVAL, TR("%s: unit %s has no value in period %s"),
                    sheet->path, out->units.name[at / periods], out->periods.name[at % periods]);
        }
    }
    base_free(filled);
    return rc;
}

/* The number of periods before the start, from the phases or --start. */
static int find_start(struct stats_sheet *sheet, const struct gathered *g, const uint32_t *place,
    const char *first_post, struct stats_series_file *out) {
    size_t periods = out->periods.name ? out->periods.count : 0;
    if (first_post) {
        for (size_t t = 0; t < periods; t++) {
            if (strcmp(out->periods.name[t], first_post) == 0) {
                out->pre = t;
                return 0;
            }
        }
        return base_err_set(
            sheet->err, LANTOA_EINVAL, TR("--start %s: the file has no such period"), first_post);
    }
    size_t first = periods;
    size_t pre = 0;
    for (size_t t = 0; t < periods; t++) {
        if (g->phase[t] == PHASE_POST && place[t] < first) {
            first = place[t];
        }
        pre += g->phase[t] == PHASE_PRE;
    }
    if (first < periods && pre != first) {
        return base_err_set(sheet->err, LANTOA_EINVAL,
            TR("%s: a period before the start stands behind %s"), sheet->path,
            out->periods.name[first]);
    }
    out->pre = first < periods ? first : 0;
    return 0;
}

static int find_starts(
    struct stats_sheet *sheet, const struct gathered *g, struct stats_series_file *out) {
    if (!stats_sheet_has(sheet, T_START)) {
        return 0;
    }
    out->starts = base_alloc_array(out->units.count + 1, sizeof *out->starts);
    for (size_t u = 0; u < out->units.count; u++) {
        uint32_t start = g->starts.name ? g->start[u] : 0;
        out->starts[u] = STATS_NEVER;
        for (uint32_t t = 0; start > 0 && t < out->periods.count; t++) {
            if (strcmp(out->periods.name[t], g->starts.name[start - 1]) == 0) {
                out->starts[u] = t;
            }
        }
        if (start > 0 && out->starts[u] == STATS_NEVER) {
            return base_err_set(sheet->err, LANTOA_EINVAL,
                TR("%s: unit %s starts in %s, a period that the file does not have"), sheet->path,
                out->units.name[u], g->starts.name[start - 1]);
        }
    }
    return 0;
}

static int arrange(struct stats_sheet *sheet, struct gathered *g, const char *first_post,
    struct stats_series_file *out) {
    uint32_t *place = base_alloc_array(g->periods.count + 1, sizeof *place);
    struct ordered *order = order_periods(&g->periods, place);
    for (size_t i = 0; i < g->periods.count; i++) {
        stats_names_add(&out->periods, str_from(order[i].name));
    }
    for (size_t u = 0; u < g->units.count; u++) {
        stats_names_add(&out->units, str_from(g->units.name[u]));
    }
    out->treated = base_alloc_array(g->units.count + 1, sizeof *out->treated);
    for (size_t u = 0; u < g->units.count; u++) {
        out->treated[u] = g->arm[u] == 1;
    }
    int rc = fill_table(sheet, g, place, out);
    rc = rc ? rc : find_start(sheet, g, place, first_post, out);
    rc = rc ? rc : find_starts(sheet, g, out);
    base_free(order);
    base_free(place);
    return rc;
}

int stats_read_series(struct stats_source *source, const char *first_post,
    struct stats_series_file *out, struct base_err *err) {
    struct stats_sheet sheet;
    struct gathered g = {0};
    *out = (struct stats_series_file){0};
    int rc = stats_sheet_open(
        source->csv, source->path, fields, T_FIELDS, source->map, source->map_count, &sheet, err);
    if (rc == 0) {
        /* Two units may come from one row of the wide form. */
        size_t most = 2 * ((size_t)audience_csv_rows(sheet.csv) + 1);
        g.phase = base_alloc_array(most, sizeof *g.phase);
        g.arm = base_alloc_array(most, sizeof *g.arm);
        g.start = base_alloc_array(most, sizeof *g.start);
        memset(g.arm, -1, most * sizeof *g.arm);
        memset(g.start, 0xff, most * sizeof *g.start);
        rc = read_rows(source, &sheet, &g);
    }
    rc = rc ? rc : arrange(&sheet, &g, first_post, out);
    stats_names_release(&g.units);
    stats_names_release(&g.periods);
    stats_names_release(&g.starts);
    base_free(g.points);
    base_free(g.phase);
    base_free(g.arm);
    base_free(g.start);
    stats_sheet_close(&sheet);
    stats_names_release(&source->arms.seen);
    return rc;
}

void stats_series_file_release(struct stats_series_file *file) {
    stats_names_release(&file->units);
    stats_names_release(&file->periods);
    base_free(file->values);
    base_free(file->treated);
    base_free(file->starts);
    *file = (struct stats_series_file){0};
}
