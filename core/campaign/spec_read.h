/* Reading a JSON document into structs, with errors that name file, line and field. A node is a
 * value and the way to it; nodes live on the C stack of whoever walks the document. The first fault
 * sticks: readers that come after it do nothing, so that a walk needs one check at its end. */
#ifndef CAMPAIGN_SPEC_READ_H
#define CAMPAIGN_SPEC_READ_H

#include "base/civil.h"
#include "base/json.h"

struct spec__reader {
    const struct base_json *doc;
    struct base_err *err;
    int code; /* 0, or the first fault's */
};

struct spec__node {
    const struct spec__node *parent; /* NULL: the document's root */
    const char *key;                 /* NULL: an item of a list */
    size_t index;
    json_t *json; /* NULL: absent */
};

struct spec__node spec__root(const struct base_json *doc);
struct spec__node spec__child(const struct spec__node *parent, const char *key);
struct spec__node spec__item(const struct spec__node *parent, size_t index);
/* The way to a node: steps[0].when.at */
void spec__path(const struct spec__node *node, struct base_buf *out);
void spec__fault(struct spec__reader *r, const struct spec__node *node, const char *fmt, ...)
    LANTOA_PRINTF(3, 4);

/* An object with no keys but these (blank-separated; NULL: any). false and a fault if it is not,
 * absent included. */
bool spec__object(struct spec__reader *r, const struct spec__node *node, const char *keys);
/* A list of at least `least` and at most `most` items; false and a fault if it is not. */
bool spec__list(struct spec__reader *r, const struct spec__node *node, size_t least, size_t most);

enum spec__presence { SPEC__OPTIONAL, SPEC__REQUIRED };
/* All of these return NULL, false or leave *out alone when the value is absent (a fault if
 * required) or wrong (a fault). Texts are the caller's. */
/* Not blank. */
char *spec__text(
    struct spec__reader *r, const struct spec__node *node, enum spec__presence presence);
/* [a-z0-9][a-z0-9-]*, at most 64 bytes */
char *spec__name(
    struct spec__reader *r, const struct spec__node *node, enum spec__presence presence);
bool spec__integer(struct spec__reader *r, const struct spec__node *node,
    enum spec__presence presence, int64_t least, int64_t most, int64_t *out);
/* These two are always required. */
bool spec__date(struct spec__reader *r, const struct spec__node *node, struct base_date *out);
bool spec__duration(
    struct spec__reader *r, const struct spec__node *node, struct base_duration *out);
/* The index of a text in words (blank-separated), -1 when absent. */
int spec__choice(struct spec__reader *r, const struct spec__node *node,
    enum spec__presence presence, const char *words);
bool spec__lang_valid(const char *lang); /* vi, en, zh-Hant */

bool spec__word_in(struct str word, struct str words); /* a blank-separated list */
/* The word of a blank-separated list nearest to a mistyped one; .bytes 0 when none is near.
 * BORROWED from words. */
struct str spec__nearest(struct str word, struct str words);

#endif
