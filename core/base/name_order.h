/* The order of names of people in a Vietnamese list: by the given name, which stands last, then by
 * the family name and those between. Letters as in the alphabet (a ă â b c d đ e ê ... o ô ơ ... u
 * ư), then tones (none, grave, hook, tilde, acute, dot below: the order of Vietnamese
 * dictionaries); case and the place of a tone mark do not matter. */
#ifndef BASE_NAME_ORDER_H
#define BASE_NAME_ORDER_H

#include "base/buf.h"

/* Appends bytes that memcmp puts in that order; those of one name are the beginning of no others.
 * LANTOA_EINVAL: no valid UTF-8. */
int base_name_order(struct base_buf *buf, struct str name) LANTOA_MUST_CHECK;

#endif
