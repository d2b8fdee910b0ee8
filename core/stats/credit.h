/* Attribution (F15): conversions shared out over the channels that touched before them. A stream:
 * paths are added one by one and not kept; memory is a few numbers per channel (and a table of
 * channels x channels for Markov), so millions of paths cost one pass.
 *
 * Credits of a model and "nobody's" (conversions without a touch) add up to the conversions, but
 * for STATS_CREDIT_ANY, which gives every channel touched the whole conversion. */
#ifndef STATS_CREDIT_H
#define STATS_CREDIT_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_CHANNELS_MAX 512
#define STATS_SHAPLEY_MAX 12
#define STATS_HALF_LIFE_DAYS 7.0

enum stats_credit_model {
    STATS_CREDIT_FIRST,
    STATS_CREDIT_LAST,
    STATS_CREDIT_ANY,
    STATS_CREDIT_LINEAR,
    STATS_CREDIT_POSITION, /* 40/20/40; two touches 50/50 */
    STATS_CREDIT_DECAY,    /* 2^(-age/half-life) */
    STATS_CREDIT_MARKOV,   /* removal effects of the first-order chain, by linear equations */
    /* v(S) = conversions of paths that touch only channels of S. For this v Shapley's sum is an
     * equal share for each distinct channel of a path, so it is exact for any number of channels.
     */
    STATS_CREDIT_SHAPLEY,
    STATS_CREDIT_MODELS
};
/* "first", "last", ... Static. */
const char *stats_credit_name(enum stats_credit_model model);
/* LANTOA_EINVAL for an unknown name. */
int stats_credit_model_parse(
    const char *name, enum stats_credit_model *model_out, struct base_err *err) LANTOA_MUST_CHECK;
/* false for STATS_CREDIT_ANY. */
bool stats_credit_adds_up(enum stats_credit_model model);

struct stats_touch {
    uint32_t channel; /* below the number of channels */
    double day;       /* when; any origin, used by decay and windows only */
};

struct stats_path {
    const struct stats_touch *touches; /* in order of time; BORROWED */
    size_t count;                      /* 0: nobody's */
    double conversions;                /* that ended so; >= 0 */
    double nulls;                      /* paths like it that ended without (Markov); >= 0 */
    double value;                      /* of the conversions together, e.g. dong */
};

struct stats_credit;

/* channels up to STATS_CHANNELS_MAX; models: bit 1 << model for each wanted; half_life_days > 0. */
int stats_credit_new(size_t channels, unsigned models, double half_life_days,
    struct stats_credit **credit_out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_credit_free(struct stats_credit **credit);
/* LANTOA_EINVAL for a channel out of range, a number that is negative or not finite; nothing is
 * added then. */
int stats_credit_add(struct stats_credit *credit, const struct stats_path *path,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Takes what another stream with the same settings added into this one (threads, shards). */
int stats_credit_merge(struct stats_credit *into, const struct stats_credit *from,
    struct base_err *err) LANTOA_MUST_CHECK;

struct stats_credit_sum {
    double conversions, value;               /* all of them */
    double nobody_conversions, nobody_value; /* without a touch */
};
/* The credits so far, per channel (arrays of `channels`; value_out may be NULL). LANTOA_EINVAL when
 * the model was not asked for, LANTOA_ESTATE when Markov's equations cannot be solved. */
int stats_credit_result(const struct stats_credit *credit, enum stats_credit_model model,
    double *conversions_out, double *value_out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_credit_total(const struct stats_credit *credit, struct stats_credit_sum *out);

/* Markov's chain so far: the probability of a conversion from the start, and per channel the share
 * of it that is lost without the channel. LANTOA_EINVAL when Markov was not asked for. */
int stats_credit_removal(const struct stats_credit *credit, double *probability_out,
    double *removal_out, struct base_err *err) LANTOA_MUST_CHECK;

/* The window filter: drops, in place, touches after `day` and those older than their channel's
 * window in days (a window below 0: none). Returns how many stay. */
size_t stats_credit_window(struct stats_touch *touches, size_t count, double day,
    const double *window_days, size_t channels);

/* Shapley values of any game: values[S] for each set S as bits, values[0] usually 0; 2^players
 * numbers, players 1 to STATS_SHAPLEY_MAX. */
int stats_shapley(const double *values, size_t players, double *shares_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
