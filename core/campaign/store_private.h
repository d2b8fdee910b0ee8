/* Shared by the files that keep themes, channels and campaigns in the database. */
#ifndef CAMPAIGN_STORE_PRIVATE_H
#define CAMPAIGN_STORE_PRIVATE_H

#include "base/buf.h"
#include "campaign/store.h"

enum { STORE__MATERIAL_MOST = 20 << 20 };

/* --- store_text.c --- */
/* The form in which JSON is kept: compact, keys in the file's order. Caller owns. */
char *store__canonical(const json_t *json);
/* Names of all rows of theme, channel or campaign, blank-separated: what a mistyped one may have
 * meant. */
int store__names(
    struct db *db, const char *table, struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ENOENT "there is no theme 'x' (did you mean 'y'?)" */
int store__missing(struct db *db, const char *table, const char *name, struct base_err *err);
/* The spec text kept under that name; caller owns. LANTOA_ENOENT as store__missing. */
int store__spec_text(struct db *db, const char *table, const char *name, char **text_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Runs change inside one transaction: committed when it returns 0, undone else. */
int store__transaction(struct db *db, int (*change)(struct db *db, void *arg, struct base_err *err),
    void *arg, struct base_err *err) LANTOA_MUST_CHECK;
/* Column as a text of the caller's; NULL stays NULL. */
char *store__column(struct db_stmt *stmt, int column);

/* --- theme_store.c --- */
/* The theme as it is kept. LANTOA_ENOENT */
int theme__load(struct db *db, const char *name, struct theme_spec **spec_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- material.c --- */
/* Reads the file of an attachment (its copy in data_dir, when its hash is known and the file itself
 * is not there). out is initialised by the caller. LANTOA_EINVAL: its content is not the one the
 * hash names. data_dir may be NULL. */
int material__read(const struct campaign_attachment *attachment, const char *base_dir,
    const char *data_dir, struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;
/* Copies the materials of a theme into data_dir and notes their hashes in the document. A file that
 * cannot be read is a fault with file, line and field. */
int material__copy_theme(const struct base_json *doc, const char *base_dir, const char *data_dir,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Copies all attachments into data_dir and notes their hashes in root, the JSON that spec was read
 * from. */
int material__copy(const struct campaign_spec *spec, json_t *root, const char *base_dir,
    const char *data_dir, struct base_err *err) LANTOA_MUST_CHECK;

/* --- spec_check.c --- */
/* campaign_check with the place of copied attachments; data_dir may be NULL. */
int campaign__check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    const char *base_dir, const char *data_dir, struct base_buf *findings,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
