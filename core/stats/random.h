/* A seeded source of numbers for permutations and simulations: the same seed gives the same
 * numbers on every machine. Not for lots of experiments (those are keyed hashes) nor secrets.
 * SplitMix64 (Steele, Lea, Flood 2014). */
#ifndef STATS_RANDOM_H
#define STATS_RANDOM_H

#include <stdint.h>

struct stats_random {
    uint64_t state; /* set to the seed */
};

static inline uint64_t stats_random_next(struct stats_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double stats_random_unit(struct stats_random *random) {
    return (double)(stats_random_next(random) >> 11) * 0x1p-53;
}

/* Uniform below bound (> 0); the bias is below 2^-32 for bounds below 2^32. */
static inline uint64_t stats_random_below(struct stats_random *random, uint64_t bound) {
    return (uint64_t)(stats_random_unit(random) * (double)bound);
}

#endif
