/* The line of every value of a parsed JSON text; part of base/json.h. */
#ifndef BASE_JSON_LINES_H
#define BASE_JSON_LINES_H

#include "base/str.h"
#include <jansson.h>

struct json_lines;

/* text is what root was parsed from, so it is known to be valid. The result keeps pointers into the
 * tree. */
struct json_lines *base__json_lines_new(const json_t *root, struct str text);
void base__json_lines_free(struct json_lines *lines);
/* 0 when unknown: true, false and null are shared by all their places and have no line of their
 * own. */
int base__json_lines_get(const struct json_lines *lines, const json_t *value);
/* The line of the value at a path like steps[0].when.at, or of the deepest part of the path that
 * exists. */
int base__json_lines_find(const struct json_lines *lines, const json_t *root, struct str path);

#endif
