/* The three numbers of enrolment, side by side and never added up: recorded (the registry's),
 * attributed (shared out by a rule), caused (by comparison of what a lot put apart). Where one is
 * not defined it is blank with its reason. */
#ifndef REPORT_NUMBERS_PART_H
#define REPORT_NUMBERS_PART_H

#include "conversion/attribution.h"
#include "conversion/experiment.h"
#include "report/kinds.h"
#include "report/place_view.h"

/* What a campaign, or several, caused. */
struct numbers_caused {
    bool known;
    struct stats_estimate people;
    const char *why; /* not known, and why; of the report, translated */
};

/* One campaign that was planned. */
struct numbers_campaign {
    int64_t id, theme_id;
    const char *name;
    int64_t from_day, to_day; /* that its comparison counts; 0, 0 without a lot */
    bool waves;
    struct numbers_caused caused;
    bool cost_known; /* of one caused enrolment, as its experiment has it */
    struct stats_estimate cost_per;
    const char *cost_why;
};
struct numbers_list {
    struct numbers_campaign *rows; /* in order of name */
    size_t count;
};
/* Campaigns that were planned, of one id or theme or all; each with a lot is analysed. from_day and
 * to_day 0: as planned. */
int numbers_part_list(const struct report_request *request, struct report *report,
    int64_t campaign_id, int64_t theme_id, int64_t from_day, int64_t to_day,
    struct numbers_list *list_out, struct base_err *err) LANTOA_MUST_CHECK;
void numbers_part_list_release(struct numbers_list *list);
/* What all campaigns of a theme (0: of every one) caused together: the sum, its interval put
 * together from theirs (Zou and Donner 2008), when each of them has been measured. */
struct numbers_caused numbers_part_sum(const struct numbers_list *list, int64_t theme_id);

/* A table of the three, main or further: rows recorded, attributed, caused. attributed NAN: not
 * shared out, for why. */
struct numbers {
    double recorded, attributed;
    const char *attributed_why, *model;
    struct numbers_caused caused;
};
void numbers_part_put(struct report *report, const char *key, const struct numbers *numbers);
/* The days whose enrolments were counted, as a parameter. */
void numbers_part_days(struct report *report, int64_t from_day, int64_t to_day);
/* The credit of all units; NAN and *why_out when the model says nothing of this question. */
int numbers_part_credit(const struct report_request *request, struct report *report,
    struct attribution_ask *ask, struct attribution *credit_out, const char **why_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Adds the table "numbers" of a campaign, over the days of its lot or its window. */
int numbers_part_campaign(const struct report_request *request, struct report *report,
    int64_t campaign_id, struct base_err *err) LANTOA_MUST_CHECK;

/* Adds the table "enrolments": a row for each theme, channel or campaign, then nobody's and what
 * nobody matched, then all. by: ATTRIBUTION_BY_THEME, _CHANNEL or _CAMPAIGN; theme_id, channel_id:
 * of one only, or 0. */
int numbers_part_groups(const struct report_request *request, struct report *report,
    enum attribution_by by, int64_t theme_id, int64_t channel_id,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The same, a row for each place of the view; campaign_id 0: of all. */
int numbers_part_places(const struct report_request *request, struct report *report,
    const struct place_view *view, int64_t campaign_id, struct base_err *err) LANTOA_MUST_CHECK;

#endif
