/* Message id -> small number (a slot, an index), for as many as there are slots: open addressing,
 * no memory taken while in use. */
#ifndef WIRE_IDMAP_H
#define WIRE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_idmap;

/* For at most `most` ids at a time. */
struct wire_idmap *wire_idmap_new(size_t most);
void wire_idmap_free(struct wire_idmap **map);
/* False when the id is there already. */
bool wire_idmap_add(struct wire_idmap *map, uint64_t id, uint32_t value);
bool wire_idmap_find(const struct wire_idmap *map, uint64_t id, uint32_t *value_out);
bool wire_idmap_remove(struct wire_idmap *map, uint64_t id);

#endif
