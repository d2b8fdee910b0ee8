/* The enrolments that count as conversions: new and returned participants, as the registry's files
 * say (table enrolment). */
#ifndef CONVERSION_RECORDED_H
#define CONVERSION_RECORDED_H

#include "base/civil.h"
#include "store/db.h"

struct recorded {
    int64_t id;         /* of the enrolment */
    int64_t contact_id; /* 0: nobody we know */
    int64_t place_id;   /* of the enrolment, else of the contact; 0: not known */
    int64_t day;        /* of the event, days since 1970 */
    /* State's and local support of the whole payment, dong; recorded_subsidy fills them. */
    int64_t support, local;
    int64_t support_year, local_year; /* and of twelve months from the event, paid by the year */
};

struct recorded_ask {
    int64_t from_day, to_day; /* both included */
    bool by_registered; /* the day the registry took it up decides; that of the event if none */
};

struct recorded_list {
    struct recorded *rows; /* in order of contact, then day */
    size_t count;
};

int recorded_read(struct db *db, const struct recorded_ask *ask, struct recorded_list *list_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void recorded_release(struct recorded_list *list);

/* Reckons the support of each by the tables of contribution in force on the day of its event, from
 * the income, method and groups of its row and the local layers of its place; an enrolment that
 * says no method counts as one month. *unknown_out: how many could not be reckoned (their income
 * lies below the floor, a parameter is not known); they count 0. */
int recorded_subsidy(struct db *db, struct recorded_list *list, int64_t *unknown_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
