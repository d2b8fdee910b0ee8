/* Before a campaign starts: what its lot will be able to see (F14), from its own audience, its
 * holdout or its lot over places, and what the registry recorded before. In numbers, and in words
 * for who decides. */
#ifndef CONVERSION_EXPERIMENT_POWER_H
#define CONVERSION_EXPERIMENT_POWER_H

#include "base/buf.h"
#include "campaign/store.h"

struct experiment_power_ask {
    const char *campaign;
    int64_t today;
    /* Shares; NAN: p0 from the registry, else 3 percent; effect from the goal, else one point; icc
     * from the registry's places, else 0.01 and 0.04. */
    double p0, effect, icc;
    double power; /* that is wanted: 0.8 */
};

struct experiment_power_row {
    double icc;           /* 0 of lots over people */
    double design_effect; /* 1 of lots over people */
    double power;         /* to see p1 against p0 */
    double above;         /* the least share that is seen; NAN: none */
    double needed; /* units per arm to see p1 with the power wanted; NAN: no number is enough */
};
struct experiment_power {
    bool by_lot;
    enum holdout_unit unit;
    enum holdout_design design;
    bool imported;
    int64_t people[2];    /* control, treated; of waves: the last and the first wave, which are
                             compared    longest */
    int64_t units[2];     /* places, households; people when the lot is over people */
    double per_arm;       /* units: the harmonic mean of both arms */
    double size, size_cv; /* people a place, and how unequal */
    int64_t days;         /* whose enrolments will count */
    double p0, p1;
    char p0_from[160], p1_from[160], icc_from[160]; /* in the reader's language */
    struct experiment_power_row rows[2];
    size_t row_count;
    bool weak; /* an effect of that size would rather be missed */
};

/* LANTOA_ENOENT: no such campaign; LANTOA_EINVAL: a share that is none; nobody in an arm. A
 * campaign without a lot is no error. */
int experiment_power_run(struct db *db, const struct experiment_power_ask *ask,
    struct experiment_power *out, struct base_err *err) LANTOA_MUST_CHECK;
/* Appends the findings as sentences, a line each. */
void experiment_power_words(const struct experiment_power *power, struct base_buf *lines);
/* For checking and planning: a line when a plausible effect could not be seen; nothing for
 * campaigns without a lot. */
int experiment_power_warn(struct db *db, const char *campaign, int64_t today,
    struct base_buf *lines, struct base_err *err) LANTOA_MUST_CHECK;

#endif
