/* Figures of places as a report shows them: rolled up to one level, under the places as they are or
 * as they stood on a day (audience/place_carry.h). Sums stay equal; what has no place of the level
 * is shown under 0. One thread. */
#ifndef REPORT_PLACE_VIEW_H
#define REPORT_PLACE_VIEW_H

#include "audience/place_carry.h"
#include "report/kinds.h"

struct place_view;
/* on: a day ("2022-12-31"); NULL: each place counts where it lies now, nothing is carried. level:
 * static. */
int place_view_new(struct db *db, const char *on, const char *level, struct place_view **view_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void place_view_free(struct place_view **view);

/* As place_carry_amount, for rows of the level. place_id 0: no place. */
size_t place_view_amount(const struct place_view *view, int64_t place_id, int64_t amount,
    struct place_part parts_out[static PLACE_CARRY_PARTS]);
/* The same for figures that are no whole numbers: parts of PLACE_VIEW_WHOLE. */
#define PLACE_VIEW_WHOLE 1000000000
size_t place_view_shares(const struct place_view *view, int64_t place_id,
    struct place_part parts_out[static PLACE_CARRY_PARTS]);

/* Code and name as two cells; of a later place with the old ones: "Phường Bắc Giang (Phường Thọ
 * Xương, Xã Dĩnh Trì)". 0: "without a place of this level". */
void place_view_put(const struct place_view *view, struct report_table *table, int64_t place_id);
/* As place_carry_info. */
bool place_view_info(const struct place_view *view, int64_t place_id, struct place_row *info_out);
/* By code, then by id; 0 last. */
int place_view_order(const struct place_view *view, int64_t a, int64_t b);

/* --level; *level_out NULL when it is absent. */
int place_view_level(const struct report_request *request, const char **level_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* --places-on as a day that place_view_new takes; NULL when it is absent. The text is the
 * report's. */
int place_view_day(const struct report_request *request, struct report *report, const char **on_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Says under which places the figures stand, and how they came there. */
void place_view_note(const struct place_view *view, struct report *report);

#endif
