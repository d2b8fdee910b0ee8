/* The flat JSON object in contact.attrs, read without building a tree. Private to core/audience. */
#ifndef AUDIENCE_FLAT_JSON_H
#define AUDIENCE_FLAT_JSON_H

#include "base/buf.h"
#include "base/str.h"

/* Moves *pos (0 at first) to the next member; false at the end, or where the text is no flat
 * object. name_out: between the quotes, escapes untouched; value_out: the whole value token, a
 * string with its quotes. */
bool audience__flat_next(struct str json, size_t *pos, struct str *name_out, struct str *value_out);
/* The text of a value token: a string without quotes and escapes (in scratch if it has any), a
 * number as written, empty for null. */
struct str audience__flat_text(struct str value, struct base_buf *scratch);
/* true if a name as it stands in the object means name (which has no escapes). */
bool audience__flat_name_is(struct str raw, struct str name);

#endif
