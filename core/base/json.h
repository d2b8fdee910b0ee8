/* Reading JSON files (jansson) with errors that name file, line and field. jansson forgets where a
 * value stood; this reader keeps the line of every value, so a check long after parsing can still
 * name it. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct base_json; /* a parsed document: the jansson tree plus the line of each value */

/* Parses text (at most 16 MiB, 64 levels, no duplicate keys). name is what errors call it, usually
 * the file name; copied. */
int base_json_parse(struct str text, const char *name, struct base_json **doc_out,
    struct base_err *err) LANTOA_MUST_CHECK;
int base_json_load(
    const char *path, struct base_json **doc_out, struct base_err *err) LANTOA_MUST_CHECK;
void base_json_free(struct base_json **doc);
json_t *base_json_root(const struct base_json *doc);                  /* BORROWED */
int base_json_line(const struct base_json *doc, const json_t *value); /* 1-based; 0 if unknown */

/* Sets err to "FILE:LINE: field PATH: text" (line of value, or of its parent when value is NULL)
 * and returns LANTOA_EINVAL. */
int base_json_fault(const struct base_json *doc, const json_t *value, const char *path,
    struct base_err *err, const char *fmt, ...) LANTOA_PRINTF(5, 6);

#endif
