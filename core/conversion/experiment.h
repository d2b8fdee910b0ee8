/* What a campaign caused: everybody assigned by lot, analysed as assigned (intention to treat),
 * whether reached or not; and what forbids a verdict. Formulas: core/stats. */
#ifndef CONVERSION_EXPERIMENT_H
#define CONVERSION_EXPERIMENT_H

#include "delivery/lot.h"
#include "stats/guard.h"
#include "stats/rate.h"

/* X(NAME, word): what an estimate counts */
#define EXPERIMENT_SCALES(X)                                                                       \
    X(EXPERIMENT_SHARE, "share")   /* difference of two shares */                                  \
    X(EXPERIMENT_RATIO, "ratio")   /* relative: lift, odds */                                      \
    X(EXPERIMENT_PEOPLE, "people") /* enrolments */                                                \
    X(EXPERIMENT_TEST, "test")     /* a test statistic without an effect */
#define EXPERIMENT__ENUM(name, word) name,
enum experiment_scale { EXPERIMENT_SCALES(EXPERIMENT__ENUM) EXPERIMENT_SCALE_COUNT };
#undef EXPERIMENT__ENUM
const char *experiment_scale_word(enum experiment_scale scale);

struct experiment_estimate {
    const char *name; /* as in `lantoa stats`; static */
    enum experiment_scale scale;
    struct stats_estimate value;
    bool known;
    char why[160]; /* why it is not known, in the reader's language */
};
#define EXPERIMENT_ESTIMATES_MOST 24

struct experiment_arm {
    int arm; /* 0 control, 1 treated; of waves: the wave, from 1 */
    int64_t people, enrolled, reached;
    size_t units; /* places or households; people when the lot was over people */
};
#define EXPERIMENT_ARMS_MOST 53

/* X(NAME, word) */
#define EXPERIMENT_VERDICTS(X)                                                                     \
    X(EXPERIMENT_REFUSED, "no verdict") /* a guard forbids it */                                   \
    X(EXPERIMENT_EARLY, "too early")    /* not at the planned end, not past the bound */           \
    X(EXPERIMENT_EFFECTIVE, "effective")                                                           \
    X(EXPERIMENT_HARMFUL, "fewer enrolments")                                                      \
    X(EXPERIMENT_NOT_SHOWN, "no effect shown")
#define EXPERIMENT__ENUM(name, word) name,
enum experiment_verdict { EXPERIMENT_VERDICTS(EXPERIMENT__ENUM) EXPERIMENT_VERDICT_COUNT };
#undef EXPERIMENT__ENUM
const char *experiment_verdict_word(enum experiment_verdict verdict);

struct experiment {
    bool by_lot; /* a lot was drawn or arms imported; else nothing below is known */
    enum holdout_unit unit;
    enum holdout_design design;
    bool imported, measure_only;
    char hash[BASE_HEX_SHA256_MAX]; /* of the assignment; "" when not planned */
    int64_t from_day, until_day;    /* enrolments that count, both included */
    int64_t today;
    double elapsed; /* share of the planned time; 1 at the end */

    struct experiment_arm arms[EXPERIMENT_ARMS_MOST];
    size_t arm_count;
    size_t strata;
    int64_t recorded;     /* by the registry in these days, all places */
    int64_t unassigned;   /* of the audience: in no arm of the lot */
    int64_t contaminated; /* of the control arm: a message of this campaign left for them */

    struct experiment_estimate estimates[EXPERIMENT_ESTIMATES_MOST];
    size_t estimate_count; /* [0] is the one that decides, when there are any */
    struct stats_guard guards[STATS_GUARD_KINDS];
    size_t guard_count;
    enum experiment_verdict verdict;
    double bound; /* |z| that a look before the end must pass (O'Brien-Fleming); NAN at the end */

    struct stats_estimate caused; /* people; the deciding estimate times those treated */
    bool caused_known;
    int64_t cost; /* booked for this campaign, minor units */
    struct stats_estimate cost_per_caused;
    bool cost_known;
    char cost_why[160]; /* why it is undefined */
};

struct experiment_ask {
    int64_t campaign_id;
    int64_t today;               /* local day */
    int64_t from_day, until_day; /* 0: as planned (window.from, holdout.until) */
    double level;                /* STATS_LEVEL */
};
/* Reads a moment of the database; memory: some 40 bytes a person. LANTOA_ENOENT: no such campaign.
 * A campaign without a lot is no error: by_lot is false. */
int experiment_run(struct db *db, const struct experiment_ask *ask, struct experiment *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
