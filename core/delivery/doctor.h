/* The check-up: database, schema, the ledger's laws, disk, clock, channels. Reads only. */
#ifndef DELIVERY_DOCTOR_H
#define DELIVERY_DOCTOR_H

#include "store/db.h"

struct doctor_finding {
    const char *check; /* word: integrity, schema, ledger_sum, ... */
    bool ok;
    const char *text; /* translated; BORROWED for the call */
};

/* Calls back for every check, good or bad. *healthy_out: all were good. */
int doctor_run(struct db *db, const char *data_dir,
    int (*finding)(void *arg, const struct doctor_finding *finding), void *arg, bool *healthy_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
