/* What the files that gather touches share. */
#ifndef CONVERSION_TOUCH_PRIVATE_H
#define CONVERSION_TOUCH_PRIVATE_H

#include "conversion/touch.h"

/* The number of a step's source; SIZE_MAX: it is none. */
size_t touch__source_of_step(const struct touch_set *set, int64_t step_id);
/* For qsort: by time, then source, then kind. */
int touch__by_time(const void *a, const void *b);

/* --- touch_heard.c: airings as touches --- */

/* What was on the air with from_ms < at <= until_ms, by the places it covers. NULL: nothing. An
 * airing is a touch of everybody who lives in a place that the outlet covers, or below it; what
 * several outlets play there at the same moment for one step is one touch. */
struct touch_heard;
int touch__heard_load(struct db *db, const struct touch_set *set, int64_t from_ms, int64_t until_ms,
    struct touch_heard **heard_out, struct base_err *err) LANTOA_MUST_CHECK;
void touch__heard_free(struct touch_heard **heard);
/* What could be heard in a place with from_ms < at_ms <= until_ms, in order of time. */
int touch__heard_at(struct touch_heard *heard, int64_t place_id, int64_t from_ms, int64_t until_ms,
    void (*one)(void *arg, const struct touch *touch), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The same where a contact lives today. */
int touch__heard_each(struct touch_heard *heard, int64_t contact_id, int64_t from_ms,
    int64_t until_ms, void (*one)(void *arg, const struct touch *touch), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
