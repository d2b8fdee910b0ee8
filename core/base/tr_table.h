/* The translation tables themselves; for tr.c and the test that proves them. Others use base/tr.h.
 */
#ifndef BASE_TR_TABLE_H
#define BASE_TR_TABLE_H

#include <stddef.h>

struct base__tr_entry {
    const char *english, *vietnamese;
};

extern const struct base__tr_entry base__tr_entries[];
extern const size_t base__tr_count;

#endif
