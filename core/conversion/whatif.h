/* What if: other parameters of contributions from a day on. The least payment of each group before
 * and after, the people whose present income falls under the new floor, and how many would lapse,
 * low, middle and high, per place.
 *
 * Lapse: of people whose own payment rises from a to b, 1 - (a/b)^e lapse (constant elasticity of
 * staying); e per scenario, its day and source are those of config/rules/lapse.json. People who pay
 * nothing now and would have to: a percentage of its own. Pure arithmetic on the recorded events:
 * the same input gives the same output. Months of support used up so far are not known from the
 * registry's files and taken as 0. One thread. */
#ifndef CONVERSION_WHATIF_H
#define CONVERSION_WHATIF_H

#include "audience/place_carry.h"
#include "campaign/contribution.h"

enum { WHATIF_LOW, WHATIF_MIDDLE, WHATIF_HIGH, WHATIF_SCENARIOS };
struct whatif_lapse {
    double power[WHATIF_SCENARIOS];        /* e, 0 to 10 */
    double from_nothing[WHATIF_SCENARIOS]; /* share, 0 to 1 */
    char from[BASE_DATE_MAX];
    char source[700];
};
/* The file, or the assumption built in (path NULL). Errors name file, line and field. */
int whatif_lapse_load(
    const char *path, struct whatif_lapse *lapse_out, struct base_err *err) LANTOA_MUST_CHECK;
int whatif_lapse_parse(const struct base_json *doc, struct whatif_lapse *lapse_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Share of those who lapse when a payment goes from a to b; 0 when it does not rise. */
double whatif_lapse_share(
    const struct whatif_lapse *lapse, int scenario, int64_t before, int64_t after);

/* The tables with other values from a day on. Changes: "poverty_line=2200000",
 * "reference_level=2530000", "central.GROUP=30" and "local.LAYER=10" in percent. Rows that the
 * tables have for later days are overruled. LANTOA_EINVAL names the change. */
int whatif_tables(struct db *db, const char *const *changes, size_t count, int64_t day,
    struct contribution_tables **tables_out, struct base_err *err) LANTOA_MUST_CHECK;

struct whatif_person {
    int64_t enrolment_id, contact_id, place_id; /* of the newest joining or renewal */
    int64_t income, floor;                      /* present, and the new floor */
    int64_t pay_before, pay_after;
};
struct whatif_place {
    int64_t place_id;
    int64_t participants, below_floor, paying_more;
    double lapse[WHATIF_SCENARIOS]; /* expected people */
};
struct whatif_calls {
    int (*person)(void *arg, const struct whatif_person *person); /* those under the floor */
    int (*place)(void *arg, const struct whatif_place *place);    /* by place id */
    void *arg;
};
/* Participants as of the day `on`, under its places. Income not recorded: the floor of now. */
int whatif_run(struct db *db, const struct contribution_tables *before,
    const struct contribution_tables *after, const struct whatif_lapse *lapse, int64_t day,
    const char *on, const struct whatif_calls *calls, struct base_err *err) LANTOA_MUST_CHECK;

#endif
