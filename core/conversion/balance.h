/* The balance of participants: for every place and the sum,
 *   end = start + new + returned - lapsed - to_compulsory - pensioned - lump_sum_exit - died
 *         + moved in - moved out
 * (domain facts, section 7). Each person's events are replayed in the order of their dates; an
 * event that cannot follow the one before (new while participating, lapsed while not) is counted
 * nowhere and is told, so that the identity holds for what is counted and the report can name the
 * people.
 *
 * Places are those of a day of choice, as audience/place_carry.h has it: events of a place that is
 * gone count for its successors (people are shared out one by one where it was split), those of a
 * place put together later count for the only one it came of, else for itself. Sums stay equal.
 */
#ifndef CONVERSION_BALANCE_H
#define CONVERSION_BALANCE_H

#include "store/db.h"

enum balance_flow {
    BALANCE_NEW,
    BALANCE_RETURNED,
    BALANCE_LAPSED,
    BALANCE_TO_COMPULSORY,
    BALANCE_PENSIONED,
    BALANCE_LUMP_SUM_EXIT,
    BALANCE_DIED,
    BALANCE_MOVED_IN,
    BALANCE_MOVED_OUT,
    BALANCE_FLOWS
};
struct balance_row {
    int64_t place_id; /* 0: events without a place */
    int64_t start, end;
    int64_t flows[BALANCE_FLOWS]; /* counts, none negative */
};
struct balance_fault {
    int64_t enrolment_id, contact_id; /* contact 0: nobody we know */
    struct str event, event_date;
    const char *reason; /* translated, static */
};
struct balance_calls {
    int (*row)(void *arg, const struct balance_row *row);       /* by place id */
    int (*fault)(void *arg, const struct balance_fault *fault); /* may be NULL */
    /* Each change of a place's stock, before the period too; may be NULL. */
    void (*change)(void *arg, int64_t place_id, enum balance_flow flow, struct str date);
    void *arg;
};
/* start: on the eve of from; end: on the evening of to. from and to as 2026-12-31; places as of
 * places_on. A call back that returns another value than 0 ends it; that value is returned.
 * *faults_out counts events within the period that cannot be. */
int balance_each(struct db *db, const char *from, const char *to, const char *places_on,
    const struct balance_calls *calls, int64_t *faults_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
