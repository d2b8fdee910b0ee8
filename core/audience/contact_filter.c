/* A split-block Bloom filter (Putze, Sanders, Singler 2007): one cache line and eight bits for each
 * key. */
#include "audience/contact_filter.h"

#include "base/mem.h"

#include <pthread.h>

enum { WORDS = 8, BITS_PER_KEY = 12, MOST_BYTES = 32 * 1024 * 1024 };

struct block {
    uint64_t words[WORDS];
};

struct audience__filter {
    pthread_mutex_t lock;
    struct block *blocks;
    uint64_t mask; /* number of blocks less one; a power of two */
};

static const uint64_t salts[WORDS] = {0x47b6137b44974d91u, 0x8824ad5ba2b7289du, 0x705495c72df1424bu,
    0x9efc49475c6bfb31u, 0xc949a1cf5d2a7a4du, 0xe2f8a5c8b1d3f06fu, 0x5d9c1f3a7e684b27u,
    0xa3b195354a39b70du};

struct audience__filter *audience__filter_new(uint64_t keys) {
    uint64_t most = MOST_BYTES / sizeof(struct block);
    uint64_t wanted = keys / (sizeof(struct block) * 8 / BITS_PER_KEY) + 1;
    uint64_t count = 64;
    while (count < wanted && count < most) {
        count *= 2;
    }
    struct audience__filter *filter = base_alloc(sizeof(*filter));
    filter->blocks = base_alloc_array(count, sizeof(*filter->blocks));
    filter->mask = count - 1;
    (void)pthread_mutex_init(&filter->lock, NULL);
    return filter;
}

void audience__filter_free(struct audience__filter **filter) {
    if (*filter) {
        (void)pthread_mutex_destroy(&(*filter)->lock);
        base_free((*filter)->blocks);
        base_free(*filter);
        *filter = NULL;
    }
}

static struct block *block_of(const struct audience__filter *filter, uint64_t hash) {
    return &filter->blocks[(hash >> 24) & filter->mask];
}

static uint64_t bit_of(uint64_t hash, int word) {
    return UINT64_C(1) << ((hash * salts[word]) >> 58);
}

void audience__filter_lock(struct audience__filter *filter) {
    (void)pthread_mutex_lock(&filter->lock);
}

void audience__filter_unlock(struct audience__filter *filter) {
    (void)pthread_mutex_unlock(&filter->lock);
}

bool audience__filter_note(struct audience__filter *filter, uint64_t hash) {
    struct block *block = block_of(filter, hash);
    uint64_t missing = 0;
    for (int i = 0; i < WORDS; i++) {
        uint64_t bit = bit_of(hash, i);
        missing |= bit & ~block->words[i];
        block->words[i] |= bit;
    }
    return missing == 0;
}

void audience__filter_prefetch(const struct audience__filter *filter, uint64_t hash) {
    __builtin_prefetch(block_of(filter, hash));
}
