/* Shared by the files of outlets. Private to core/audience. */
#ifndef AUDIENCE_OUTLET_PRIVATE_H
#define AUDIENCE_OUTLET_PRIVATE_H

#include "audience/outlet.h"
#include "audience/segment.h"
#include "base/mem.h"

/* --- outlet_window.c --- */
/* The form in the database: [{"days":"mo-su","from":"05:00","to":"05:30"}]. LANTOA_ECORRUPT */
void outlet__windows_json(const struct outlet_window *windows, size_t count, struct base_buf *out);
int outlet__windows_from_json(struct str json,
    struct outlet_window windows_out[static OUTLET_WINDOWS_MAX], size_t *count_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The first window that touches one of the quiet hours, or NULL. */
const struct outlet_window *outlet__window_in_quiet(const struct outlet_window *windows,
    size_t count, const struct outlet_window *quiet, size_t quiet_count);

/* --- outlet.c --- */
int outlet__kind_find(struct str word);  /* enum outlet_kind, or -1; also "trạm", "cụm" */
int outlet__owner_find(struct str word); /* enum outlet_owner, or -1; also "xã", "thôn" */

/* --- outlet_row.c --- */
/* An outlet as it stands in the database, whole. Texts BORROWED: from the arena of the load, or of
 * whoever filled it. */
struct outlet__cover {
    int64_t place_id, households;
    bool share;
};
struct outlet__row {
    struct str code, name, kind, owner, channel, languages, windows, state;
    struct str device, quiet; /* .at NULL: NULL */
    int64_t place_id, households, minutes_per_day;
    int64_t lead_hours;                               /* -1: NULL */
    double lat, lon;                                  /* NAN: NULL */
    struct outlet__cover covers[OUTLET_COVERAGE_MAX]; /* in order of place_id */
    size_t cover_count;
};
struct outlet__table; /* prepared statements on a connection */
int outlet__table_new(
    struct db *db, struct outlet__table **table_out, struct base_err *err) LANTOA_MUST_CHECK;
void outlet__table_free(struct outlet__table **table);
/* 1: there is one with that code; 0: none. */
int outlet__table_find(struct outlet__table *table, struct str code, int64_t *id_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ENOENT */
int outlet__table_load(struct outlet__table *table, int64_t id, struct base_arena *arena,
    struct outlet__row *row_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The code of another outlet with this device, in the arena; .at NULL: none. */
int outlet__table_device(struct outlet__table *table, struct str device, struct str code,
    struct base_arena *arena, struct str *code_out, struct base_err *err) LANTOA_MUST_CHECK;
/* *id_io 0: adds it, batch_id being the import that does, and sets *id_io. Else changes it. */
int outlet__table_save(struct outlet__table *table, const struct outlet__row *row, int64_t batch_id,
    int64_t now_ms, int64_t *id_io, struct base_err *err) LANTOA_MUST_CHECK;
/* With its coverage. */
int outlet__table_delete(
    struct outlet__table *table, int64_t id, struct base_err *err) LANTOA_MUST_CHECK;
/* Two rows are the same if their JSON is. Caller frees. */
char *outlet__row_json(const struct outlet__row *row);
/* Texts go into the arena. LANTOA_ECORRUPT */
int outlet__row_from_json(struct str json, struct base_arena *arena, struct outlet__row *row_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- segment_outlet.c --- */
/* An expression over the table outlet as alias c; the segment is good for segment_sql and
 * segment_bind only. */
int outlet__where_parse(struct db *db, struct str text, struct segment **segment_out,
    int *column_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
