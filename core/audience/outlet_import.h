/* Shared by outlet_import.c, which reads a row, and outlet_import_keep.c, which holds it against
 * the others and keeps it. */
#ifndef AUDIENCE_OUTLET_IMPORT_H
#define AUDIENCE_OUTLET_IMPORT_H

#include "audience/import_run.h"
#include "audience/outlet_private.h"

enum outlet__field {
    OUTLET__CODE,
    OUTLET__NAME,
    OUTLET__KIND,
    OUTLET__OWNER,
    OUTLET__PLACE_CODE,
    OUTLET__PLACE,
    OUTLET__COVERAGE,
    OUTLET__HOUSEHOLDS,
    OUTLET__WINDOWS,
    OUTLET__QUIET,
    OUTLET__MINUTES,
    OUTLET__LEAD,
    OUTLET__DEVICE,
    OUTLET__CHANNEL,
    OUTLET__LANGUAGES,
    OUTLET__LAT,
    OUTLET__LON,
    OUTLET__STATE,
    OUTLET__FIELDS
};

struct outlet__seen;    /* a code of this file */
struct outlet__waiting; /* a row whose device another outlet has */
#define OUTLET__SEEN_SLOTS 4096

struct outlet__importing {
    struct audience__run run;
    struct base_arena *arena, *row_arena;
    struct audience__placer *placer;
    struct outlet__table *table;
    struct outlet_rules rules;
    struct outlet__row row, before;
    struct outlet__seen *seen[OUTLET__SEEN_SLOTS];
    struct outlet__waiting *waiting, **waiting_end; /* in order of the file */
    size_t waiting_count;
    struct db_stmt *channel, *channels, *keep_before, *let_go;
    struct base_buf scratch;
    const struct audience_csv_row *csv_row;
    char reason[600];
};

/* outlet_import.c: always 1, refused. */
int outlet__import_refuse(
    struct outlet__importing *i, enum outlet__field field, const char *reason);
void outlet__import_refuse_line(struct outlet__importing *i, int64_t line, enum outlet__field field,
    struct str value, const char *reason);

/* outlet_import_keep.c */
/* 1: its code stands in the file already. */
int outlet__import_seen(struct outlet__importing *i);
/* Keeps i->row, or lets it wait for the end of the file because another outlet has its device; 1:
 * refused. */
int outlet__import_keep(struct outlet__importing *i, struct base_err *err) LANTOA_MUST_CHECK;
/* The rows that wait: a device may have become free, or outlets swap theirs. */
int outlet__import_settle(struct outlet__importing *i, struct base_err *err) LANTOA_MUST_CHECK;

#endif
