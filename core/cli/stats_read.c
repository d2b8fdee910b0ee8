/* Readers of counts and units: strata, clusters, panels. */
#include "cli/stats_read.h"

#include "base/tr.h"
#include <string.h>

static int open_sheet(struct stats_source *source, const struct stats_field *fields, size_t count,
    struct stats_sheet *sheet, struct base_err *err) {
    return stats_sheet_open(
        source->csv, source->path, fields, count, source->map, source->map_count, sheet, err);
}

static void close_sheet(struct stats_source *source, struct stats_sheet *sheet) {
    stats_sheet_close(sheet);
    stats_names_release(&source->arms.seen);
}

static int read_counts(
    struct stats_sheet *sheet, size_t n_field, size_t x_field, struct stats_count *out) {
    int rc = stats_sheet_count(sheet, n_field, 1, &out->n);
    rc = rc ? rc : stats_sheet_count(sheet, x_field, 0, &out->x);
    if (rc == 0 && out->x > out->n) {
        rc = stats_sheet_fault(sheet, x_field, TR("%lld conversions among %lld people"),
            (long long)out->x, (long long)out->n);
    }
    return rc;
}

enum { S_STRATUM, S_ARM, S_N, S_X, S_FIELDS };
static const struct stats_field strata_fields[S_FIELDS] = {
    {"stratum", true}, {"arm", true}, {"n", true}, {"x", true}};

static int strata_row(
    struct stats_source *source, struct stats_sheet *sheet, struct stats_strata_file *out) {
    struct stats_count count = {0, 0};
    int arm = stats_arms_read(&source->arms, sheet, S_ARM);
    int rc = arm < 0 ? arm : read_counts(sheet, S_N, S_X, &count);
    if (rc != 0 || arm == 2) {
        return rc;
    }
    uint32_t s = stats_names_add(&out->strata, stats_sheet_text(sheet, S_STRATUM));
    struct stats_count *to = arm ? &out->pairs[s].treated : &out->pairs[s].control;
    to->n += count.n;
    to->x += count.x;
    return 0;
}

int stats_read_strata(
    struct stats_source *source, struct stats_strata_file *out, struct base_err *err) {
    struct stats_sheet sheet;
    *out = (struct stats_strata_file){0};
    int rc = open_sheet(source, strata_fields, S_FIELDS, &sheet, err);
    if (rc == 0) {
        size_t rows = (size_t)audience_csv_rows(sheet.csv);
        out->pairs = base_alloc_array(rows + 1, sizeof *out->pairs);
    }
    while (rc == 0 && (rc = stats_sheet_next(&sheet)) == 1) {
        rc = strata_row(source, &sheet, out);
    }
    close_sheet(source, &sheet);
    return rc;
}

void stats_strata_file_release(struct stats_strata_file *file) {
    stats_names_release(&file->strata);
    base_free(file->pairs);
    file->pairs = NULL;
}

enum { C_ARM, C_CLUSTER, C_STRATUM, C_N, C_X, C_FIELDS };
static const struct stats_field cluster_fields[C_FIELDS] = {
    {"arm", true}, {"cluster", true}, {"stratum", false}, {"n", false}, {"x", true}};

/* The cell in which each cluster was first seen, and its line, to refuse a cluster in both arms. */
struct first_seen {
    size_t cell;
    int64_t line;
};

static int check_cluster(struct stats_sheet *sheet, const struct stats_cluster_file *out,
    struct first_seen first, const struct stats_cell *cell) {
    const struct stats_cell *before = &out->cells[first.cell];
    const char *name = out->clusters.name[cell->cluster];
    if (before->treated != cell->treated) {
        return stats_sheet_fault(sheet, C_ARM,
            TR("cluster \"%s\" is in the other arm on line %lld; a lot of villages puts each in "
               "one (a lot inside villages: --within)"),
            name, (long long)first.line);
    }
    if (before->stratum != cell->stratum) {
        return stats_sheet_fault(sheet, C_STRATUM,
            TR("cluster \"%s\" is in another stratum on line %lld"), name, (long long)first.line);
    }
    return 0;
}

static int cluster_row(struct stats_source *source, struct stats_sheet *sheet, enum stats_lot lot,
    struct stats_cluster_file *out, struct first_seen *first) {
    struct stats_count count = {0, 0};
    int arm = stats_arms_read(&source->arms, sheet, C_ARM);
    int rc = arm < 0 ? arm : read_counts(sheet, C_N, C_X, &count);
    if (rc != 0 || arm == 2) {
        return rc;
    }
    struct str name = stats_sheet_text(sheet, C_CLUSTER);
    if (name.bytes == 0) {
        return stats_sheet_fault(sheet, C_CLUSTER, "%s", TR("is empty"));
    }
    size_t known = out->clusters.count;
    struct stats_cell cell = {.cluster = stats_names_add(&out->clusters, name),
        .stratum = stats_names_add(&out->strata, stats_sheet_text(sheet, C_STRATUM)),
        .treated = arm == 1,
        .n = count.n,
        .x = count.x};
    if (cell.stratum >= STATS_STRATA_MAX) {
        return stats_sheet_fault(sheet, C_STRATUM, TR("more than %d strata"), STATS_STRATA_MAX);
    }
    if (cell.cluster == known) {
        first[known] = (struct first_seen){out->count, sheet->row.line};
    } else if (lot == STATS_LOT_OF_CLUSTERS) {
        rc = check_cluster(sheet, out, first[cell.cluster], &cell);
    }
    out->cells[out->count++] = cell;
    return rc;
}

int stats_read_clusters(struct stats_source *source, enum stats_lot lot,
    struct stats_cluster_file *out, struct base_err *err) {
    struct stats_sheet sheet;
    struct first_seen *first = NULL;
    *out = (struct stats_cluster_file){0};
    int rc = open_sheet(source, cluster_fields, C_FIELDS, &sheet, err);
    if (rc == 0) {
        size_t rows = (size_t)audience_csv_rows(sheet.csv);
        out->cells = base_alloc_array(rows + 1, sizeof *out->cells);
        first = base_alloc_array(rows + 1, sizeof *first);
    }
    while (rc == 0 && (rc = stats_sheet_next(&sheet)) == 1) {
        rc = cluster_row(source, &sheet, lot, out, first);
    }
    base_free(first);
    close_sheet(source, &sheet);
    return rc;
}

void stats_cluster_file_release(struct stats_cluster_file *file) {
    stats_names_release(&file->clusters);
    stats_names_release(&file->strata);
    base_free(file->cells);
    file->cells = NULL;
}

enum { P_ARM, P_PRE, P_POST, P_STRATUM, P_FIELDS };
static const struct stats_field panel_fields[P_FIELDS] = {
    {"arm", true}, {"pre", true}, {"post", true}, {"stratum", false}};
static const struct stats_field value_fields[P_FIELDS] = {
    {"arm", true}, {"pre", false}, {"value", true}, {"stratum", false}};

int stats_read_panel(struct stats_source *source, enum stats_panel_form form,
    struct stats_panel_file *out, struct base_err *err) {
    struct stats_sheet sheet;
    *out = (struct stats_panel_file){0};
    int rc = open_sheet(
        source, form == STATS_FORM_PANEL ? panel_fields : value_fields, P_FIELDS, &sheet, err);
    if (rc == 0) {
        size_t rows = (size_t)audience_csv_rows(sheet.csv);
        out->units = base_alloc_array(rows + 1, sizeof *out->units);
    }
    while (rc == 0 && (rc = stats_sheet_next(&sheet)) == 1) {
        struct stats_panel_unit unit = {0};
        int arm = stats_arms_read(&source->arms, &sheet, P_ARM);
        rc = arm < 0 ? arm : stats_sheet_number(&sheet, P_PRE, 0, &unit.pre);
        rc = rc ? rc : stats_sheet_number(&sheet, P_POST, 0, &unit.post);
        if (rc != 0 || arm == 2) {
            continue;
        }
        unit.treated = arm == 1;
        unit.stratum = stats_names_add(&out->strata, stats_sheet_text(&sheet, P_STRATUM));
        out->units[out->count++] = unit;
    }
    close_sheet(source, &sheet);
    return rc;
}

void stats_panel_file_release(struct stats_panel_file *file) {
    stats_names_release(&file->strata);
    base_free(file->units);
    file->units = NULL;
}
