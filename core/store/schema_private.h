/* What schema.c shares with its neighbours in this folder. */
#ifndef STORE_SCHEMA_PRIVATE_H
#define STORE_SCHEMA_PRIVATE_H

#include "store/db.h"

/* Sets the error for a database that is newer than this program; returns LANTOA_EVERSION. */
int schema__newer_fault(struct db *db, int version, struct base_err *err);
/* The SQL text of a migration, 1 to schema_latest(), fragments not yet expanded. Static. */
const char *schema__migration(int number);

#endif
