/* Whose doing the enrolments were: conversions shared out over what touched the people before, by a
 * stated model. Credits, "nobody's" and those we cannot match add up to what is recorded (but for
 * the model "any"). */
#ifndef CONVERSION_ATTRIBUTION_H
#define CONVERSION_ATTRIBUTION_H

#include "conversion/recorded.h"
#include "conversion/touch.h"

/* X(NAME, word) */
#define ATTRIBUTION_AXES(X)                                                                        \
    X(ATTRIBUTION_BY_CHANNEL, "channel")                                                           \
    X(ATTRIBUTION_BY_STEP, "step")                                                                 \
    X(ATTRIBUTION_BY_CAMPAIGN, "campaign")                                                         \
    X(ATTRIBUTION_BY_THEME, "theme")                                                               \
    X(ATTRIBUTION_TOGETHER, "all")
#define ATTRIBUTION__ENUM(name, word) name,
enum attribution_by { ATTRIBUTION_AXES(ATTRIBUTION__ENUM) ATTRIBUTION_AXIS_COUNT };
#undef ATTRIBUTION__ENUM

struct attribution_ask {
    int64_t campaign_id, theme_id; /* touches of others are one unit, "others"; 0: all */
    struct recorded_ask recorded;
    enum attribution_by by;
    bool places;      /* and by the place of the enrolment; not with the model markov */
    bool subsidy;     /* share out the support of the State and the province too */
    bool model_given; /* else that of the rules */
    enum stats_credit_model model;
    int offset_min; /* minutes east of UTC: where the day of an enrolment ends */
};

struct attribution_row {
    const char *name;     /* of the unit; of the attribution */
    const char *campaign; /* of a step; else "" */
    int64_t place_id;     /* with `places`; 0: not known */
    double credit;        /* conversions */
    double subsidy;       /* dong of support, State's and local */
};

struct attribution_place {
    int64_t place_id;
    double recorded, credit, others, nobody, unmatched, subsidy;
};

struct attribution {
    struct base_arena *arena;
    enum stats_credit_model model;
    double half_life_days;
    struct attribution_row *rows; /* units with credit, in order of name, then place */
    size_t row_count;
    struct attribution_place *places; /* with `places`: in order of id */
    size_t place_count;
    /* recorded = sum of the rows + others + nobody + unmatched, unless the model is "any" */
    double recorded, others, nobody, unmatched;
    double support, local, unmatched_subsidy, nobody_subsidy, others_subsidy; /* dong */
    int64_t subsidy_unknown; /* enrolments whose support could not be reckoned */
};

/* LANTOA_ELIMIT: more units than STATS_CHANNELS_MAX; LANTOA_EINVAL: markov by place. The caller
 * releases it, also after an error. */
int attribution_run(struct db *db, const struct attribution_ask *ask,
    struct attribution *attribution_out, struct base_err *err) LANTOA_MUST_CHECK;
void attribution_release(struct attribution *attribution);

#endif
