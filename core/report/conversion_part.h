/* What the reports of attribution, experiments and cost share: scope and period, names of places,
 * the windows in words. */
#ifndef REPORT_CONVERSION_PART_H
#define REPORT_CONVERSION_PART_H

#include "report/document.h"
#include "report/kinds.h"

/* The campaign named, or --theme, or all (0); and the days --from to --to. Without them: of a
 * campaign its window and the longest window of attribution after it, else from the first enrolment
 * on; never beyond today. LANTOA_ENOENT, LANTOA_EINVAL. */
int conversion_part_scope(const struct report_request *request, int64_t *campaign_out,
    int64_t *theme_out, int64_t *from_out, int64_t *to_out, struct base_err *err) LANTOA_MUST_CHECK;
/* --as event|registered */
int conversion_part_basis(const struct report_request *request, bool *registered_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* --NAME YYYY-MM-DD; *day_out stays when the option is absent. */
int conversion_part_day(const struct report_request *request, const char *name, int64_t *day_out,
    struct base_err *err) LANTOA_MUST_CHECK;
int64_t conversion_part_today(const struct report_request *request);

struct conversion_part_place {
    int64_t id;
    const char *code, *name; /* of the report */
};
struct conversion_part_places {
    struct conversion_part_place *rows;
    size_t count;
};
int conversion_part_places_read(struct db *db, struct report *report,
    struct conversion_part_places *places_out, struct base_err *err) LANTOA_MUST_CHECK;
void conversion_part_places_release(struct conversion_part_places *places);
/* Never NULL: "without a place" for 0 and what is not known. */
const struct conversion_part_place *conversion_part_place(
    const struct conversion_part_places *places, int64_t id);

/* A note that says how long touches count. */
void conversion_part_windows(struct db *db, struct report *report);

#endif
