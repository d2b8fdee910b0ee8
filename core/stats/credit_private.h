/* What credit.c and markov.c share. Private to core/stats. */
#ifndef STATS_CREDIT_PRIVATE_H
#define STATS_CREDIT_PRIVATE_H

#include "stats/credit.h"

struct stats__sum {
    double sum, lost;
};

struct stats_credit {
    size_t channels;
    unsigned models;
    double half_life;
    struct stats__sum *conversions, *value; /* models x (channels + 1) */
    struct stats__sum all, all_value, nobody, nobody_value;
    uint64_t *seen; /* per channel: the stamp of the path that touched it last */
    uint64_t stamp;
    double *chain; /* (channels + 1) x (channels + 2): from a channel or the start, to a channel,
                      a conversion or nothing; NULL without Markov */
};

#define STATS__TO_CONVERSION(credit) ((credit)->channels)
#define STATS__TO_NULL(credit) ((credit)->channels + 1)

static inline size_t stats__chain_size(size_t channels) {
    return (channels + 1) * (channels + 2);
}
static inline double *stats__chain_at(const struct stats_credit *credit, size_t from, size_t to) {
    return &credit->chain[from * (credit->channels + 2) + to];
}

#endif
