/* The arena of base/mem.h: blocks in a chain, the newest first; pieces are cut off the newest
 * block. */
#include "base/mem.h"

#include "base/log.h"

#include <stdalign.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST_BYTES = 4096, ARENA_MOST_BYTES = 1 << 20 };

struct arena_block {
    struct arena_block *older;
    size_t used, room;
    alignas(ARENA_ALIGN) char bytes[];
};

struct base_arena {
    struct arena_block *newest;
};

static struct arena_block *block_new(size_t room, struct arena_block *older) {
    struct arena_block *block = base_realloc(NULL, sizeof(*block) + room);
    block->older = older;
    block->used = 0;
    block->room = room;
    return block;
}

struct base_arena *base_arena_new(void) {
    struct base_arena *arena = base_alloc(sizeof(*arena));
    arena->newest = block_new(ARENA_FIRST_BYTES, NULL);
    return arena;
}

void *base_arena_alloc(struct base_arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX / 2) {
        base_die("mem", "a piece of %zu bytes is too large", bytes);
    }
    size_t rounded = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_block *block = arena->newest;
    if (block->room - block->used < rounded) {
        size_t room = block->room < ARENA_MOST_BYTES ? block->room * 2 : ARENA_MOST_BYTES;
        block = block_new(room > rounded ? room : rounded, block);
        arena->newest = block;
    }
    void *piece = block->bytes + block->used;
    block->used += rounded;
    return memset(piece, 0, rounded);
}

char *base_arena_strndup(struct base_arena *arena, const char *bytes, size_t count) {
    char *copy = base_arena_alloc(arena, count + 1);
    if (count) {
        memcpy(copy, bytes, count);
    }
    return copy;
}

void base_arena_reset(struct base_arena *arena) {
    while (arena->newest->older) {
        struct arena_block *older = arena->newest->older;
        base_free(arena->newest);
        arena->newest = older;
    }
    arena->newest->used = 0;
}

void base_arena_free(struct base_arena **arena) {
    if (!*arena) {
        return;
    }
    base_arena_reset(*arena);
    base_free((*arena)->newest);
    base_free(*arena);
    *arena = NULL;
}
