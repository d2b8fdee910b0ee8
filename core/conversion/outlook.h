/* Targets against what was reached: pace, gap, forecast, rank.
 *
 * Places are those of the day of the report (audience/place_carry.h). A target set for a place that
 * is gone is shared out to its successors; one decided later for the new place itself stands in its
 * stead, and what was carried stays "as assigned".
 *
 * Forecast to the end of the period: what was reached, plus the mean flow of the last 12 full
 * months (at least OUTLOOK_MONTHS_LEAST; fewer: none) times the h months left. For a stock the flow
 * of a month is joins less leavings, a difference of two counts, whose variance is phi times their
 * sum (difference of Poisson counts: Skellam 1946; phi, at least 1, is Pearson's X2 over its m - 1
 * degrees of freedom, quasi-likelihood: McCullagh and Nelder 1989, section 6.2). The interval is
 * the mean plus or minus t(m - 1) times sqrt(phi V (h + h^2 / m)): chance in the months to come,
 * and chance in the mean. It takes no season and no change of policy into account: for those see
 * conversion/whatif.h.
 *
 * Rank: one place stands before another only if its whole Wilson interval (95 %) of reached of
 * target lies above; so rank = 1 + places surely better, and places that chance could swap share
 * one. Above 100 % the interval is the inverse of Wilson's for target of reached. Ranked among
 * places of one level, kind and period. */
#ifndef CONVERSION_OUTLOOK_H
#define CONVERSION_OUTLOOK_H

#include "audience/place_carry.h"
#include "conversion/target.h"

#define OUTLOOK_MONTHS_LEAST 6
#define OUTLOOK_MONTHS_MOST 12

/* Flows of full months, oldest first; leavings all 0 for a flow target. */
struct outlook_history {
    int64_t joins[OUTLOOK_MONTHS_MOST], leavings[OUTLOOK_MONTHS_MOST];
    size_t months;
};
struct outlook_forecast {
    double expected, low, high; /* people; low never below 0 */
    const char *why;            /* no forecast, and why (translated); NULL: there is one */
};
/* months_left: h, 0 or more, may have a fraction. Pure. */
void outlook_forecast(const struct outlook_history *history, int64_t reached, double months_left,
    struct outlook_forecast *forecast_out);

struct outlook_row {
    int64_t place_id;
    enum target_kind kind;
    int64_t from_days, to_days;
    int64_t assigned, value; /* as assigned; as supplemented */
    bool carried;            /* from a place that is gone */
    int64_t start;           /* stock on the eve of the period; 0 for a flow */
    int64_t reached;         /* stock, or flow, on the day of the report (or the last day) */
    int64_t expected;        /* had it gone evenly from start to value */
    struct outlook_forecast forecast;
    int64_t rank; /* 0: not ranked (target of 0) */
};
struct outlook;
/* Targets whose period holds the day `on`, or exactly the period given (from_days..to_days; from
 * < 0: none given). As of `on`: later events are not counted. LANTOA_EINVAL: the events do not
 * add up; err says how many and which verb names them. */
int outlook_new(struct db *db, int64_t on, int64_t from_days, int64_t to_days,
    struct outlook **outlook_out, struct base_err *err) LANTOA_MUST_CHECK;
void outlook_free(struct outlook **outlook);
/* By period, kind, place id. BORROWED. */
const struct outlook_row *outlook_rows(const struct outlook *outlook, size_t *count_out);
const struct place_carry *outlook_places(const struct outlook *outlook);

#endif
