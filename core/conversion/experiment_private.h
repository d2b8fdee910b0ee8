/* What experiment.c (who was assigned, what became of them) gives to experiment_effect.c (the
 * estimates). */
#ifndef CONVERSION_EXPERIMENT_PRIVATE_H
#define CONVERSION_EXPERIMENT_PRIVATE_H

#include "conversion/experiment.h"
#include "stats/cluster.h"

struct experiment__person {
    int64_t contact_id;
    uint64_t cluster; /* place, hash of a household; then the number of the cluster */
    uint32_t stratum;
    int arm;
    bool enrolled, reached, contaminated;
};

struct experiment__cluster {
    uint64_t key; /* the place, of lots over places */
    uint32_t stratum;
    int arm;
    int64_t people, enrolled;
};

struct experiment__data {
    struct db *db;
    const struct experiment_ask *ask;
    struct experiment *out;
    struct campaign_row row;
    struct campaign_spec *spec;
    struct lot *lot;
    int64_t first_step;                /* to people; 0: not planned */
    struct experiment__person *people; /* in order of contact */
    size_t count, room;
    struct experiment__cluster *clusters; /* in order of key; none when the lot was over people */
    size_t cluster_count;
    const char **strata;
    size_t stratum_count, stratum_room;
};

/* Fills estimates, guards, verdict, caused and cost per caused. */
int experiment__effect(struct experiment__data *data, struct base_err *err) LANTOA_MUST_CHECK;

#endif
