/* Numbered, transactional, forward-only migrations. The texts are core/store/migrations/NNN.sql,
 * built into the program. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/db.h"

int schema_latest(void); /* highest number built in */
/* 0: empty database. */
int schema_version(struct db *db, int *version_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Brings the database up to schema_latest(), each step in one transaction. LANTOA_EVERSION if it is
 * newer. */
int schema_migrate(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;

/* The same for a database that somebody made before: an empty one is LANTOA_ECORRUPT, for a file
 * cut off at nothing must not pass for a new installation. */
int schema_upgrade(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;

/* The table meta: small facts of this database. get: LANTOA_ENOENT when absent; value_out caller
 * owns. */
int schema_meta_get(
    struct db *db, const char *key, char **value_out, struct base_err *err) LANTOA_MUST_CHECK;
int schema_meta_set(
    struct db *db, const char *key, const char *value, struct base_err *err) LANTOA_MUST_CHECK;

#endif
