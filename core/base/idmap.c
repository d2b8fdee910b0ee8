/* A hash table with linear probing and backward-shift deletion, at most half full. */
#include "base/idmap.h"
#include "base/log.h"
#include "base/mem.h"

struct entry {
    uint64_t id;
    uint32_t value, used;
};

struct base_idmap {
    struct entry *entries;
    size_t mask, count, most;
};

struct base_idmap *base_idmap_new(size_t most) {
    size_t room = 16;
    while (room < 2 * most) {
        room *= 2;
    }
    struct base_idmap *map = base_alloc(sizeof(*map));
    map->entries = base_alloc_array(room, sizeof(*map->entries));
    map->mask = room - 1;
    map->most = most;
    return map;
}

void base_idmap_free(struct base_idmap **map) {
    if (*map) {
        base_free((*map)->entries);
        base_free(*map);
        *map = NULL;
    }
}

/* Ids are mostly consecutive: the multiplication spreads them, and the high bits are the mixed
 * ones. */
static size_t home(const struct base_idmap *map, uint64_t id) {
    return (size_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & map->mask;
}

static size_t seek(const struct base_idmap *map, uint64_t id) {
    size_t at = home(map, id);
    while (map->entries[at].used && map->entries[at].id != id) {
        at = (at + 1) & map->mask;
    }
    return at;
}

bool base_idmap_add(struct base_idmap *map, uint64_t id, uint32_t value) {
    size_t at = seek(map, id);
    if (map->entries[at].used) {
        return false;
    }
    BASE_ASSERT(map->count < map->most);
    map->entries[at] = (struct entry){id, value, 1};
    map->count++;
    return true;
}

bool base_idmap_find(const struct base_idmap *map, uint64_t id, uint32_t *value_out) {
    const struct entry *entry = &map->entries[seek(map, id)];
    if (!entry->used) {
        return false;
    }
    *value_out = entry->value;
    return true;
}

bool base_idmap_remove(struct base_idmap *map, uint64_t id) {
    size_t hole = seek(map, id);
    if (!map->entries[hole].used) {
        return false;
    }
    size_t at = hole;
    for (;;) {
        at = (at + 1) & map->mask;
        if (!map->entries[at].used) {
            break;
        }
        /* An entry may move into the hole unless its home lies behind the hole, up to where it is
         * now. */
        size_t distance = (at - home(map, map->entries[at].id)) & map->mask;
        if (distance >= ((at - hole) & map->mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole].used = 0;
    map->count--;
    return true;
}
