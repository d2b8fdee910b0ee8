/* Time zones and recurrence (libical). Local date-times of a campaign to UTC milliseconds and back; RFC 5545 rules to occurrences. */
#ifndef CAMPAIGN_CALENDAR_H
#define CAMPAIGN_CALENDAR_H

#include "base/civil.h"
#include "base/err.h"

struct calendar_zone; /* static, never freed */
int calendar_zone_find(const char *name, const struct calendar_zone **zone_out, struct base_err *err) LANTOA_MUST_CHECK; /* IANA name; LANTOA_ENOENT */
int64_t calendar_to_ms(const struct calendar_zone *zone, struct base_civil local);   /* a local time that does not exist (DST gap) moves forward */
int calendar_offset_min(const struct calendar_zone *zone, int64_t ms);               /* minutes east of UTC at that moment */
int64_t calendar_add(const struct calendar_zone *zone, int64_t ms, struct base_duration duration); /* months by the calendar (31 Jan + 1 month = last day of Feb), the rest exactly */

/* Occurrences of rule from first (local) within [from_ms, to_ms), at most max; more than that is LANTOA_ELIMIT, none is LANTOA_EINVAL ("impossible"), as is a rule that cannot be read. */
int calendar_expand(const struct calendar_zone *zone, const char *rrule, struct base_civil first, int64_t from_ms, int64_t to_ms,
    int64_t *times_out, size_t max, size_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
