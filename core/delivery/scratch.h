/* A throw-away copy of the database, for playing something through (rehearsals); or only of the
 * tables that planning writes (the cost of a draft), with the people read where they are. It holds
 * people's data, so it goes as soon as it is not needed, and what a killed process left behind goes
 * at the next start. */
#ifndef DELIVERY_SCRATCH_H
#define DELIVERY_SCRATCH_H

#include "store/db.h"

struct scratch {
    struct db *db; /* the copy; durability is given up for speed */
    char *path;    /* NULL: no file */
};

/* Copies into DATA/scratch-PID-WORD.db and opens it. On an error nothing is left. */
int scratch_open(struct db *db, const char *data_dir, const char *word, struct scratch *scratch_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* For planning alone: in a moment, whatever the size of the database. */
int scratch_open_plan(
    struct db *db, struct scratch *scratch_out, struct base_err *err) LANTOA_MUST_CHECK;
void scratch_close(struct scratch *scratch); /* closes and removes; fine when never opened */
/* Removes the copies of processes that are no more. */
void scratch_sweep(const char *data_dir);

#endif
