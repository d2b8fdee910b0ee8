/* Message id -> small number (a slot, an index), for as many as there are slots: open addressing,
 * no memory taken while in use. */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct base_idmap;

/* For at most `most` ids at a time. */
struct base_idmap *base_idmap_new(size_t most);
void base_idmap_free(struct base_idmap **map);
/* False when the id is there already. */
bool base_idmap_add(struct base_idmap *map, uint64_t id, uint32_t value);
bool base_idmap_find(const struct base_idmap *map, uint64_t id, uint32_t *value_out);
bool base_idmap_remove(struct base_idmap *map, uint64_t id);

#endif
