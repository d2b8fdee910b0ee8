/* Time zones and recurrence. Local date-times of a campaign to UTC milliseconds and back; RFC 5545
 * rules to occurrences. Thread-safe. */
#ifndef CAMPAIGN_CALENDAR_H
#define CAMPAIGN_CALENDAR_H

#include "base/civil.h"
#include "base/err.h"

struct calendar_zone; /* read once, then the same for good; never freed */

/* The zone of an IANA name, from the system's zoneinfo. LANTOA_ENOENT */
int calendar_zone_find(const char *name, const struct calendar_zone **zone_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* A local time that does not exist (the clock jumps over it) moves forward; of one that happens
 * twice the first is meant. */
int64_t calendar_to_ms(const struct calendar_zone *zone, struct base_civil local);
/* Minutes east of UTC at that moment. */
int calendar_offset_min(const struct calendar_zone *zone, int64_t ms);
/* Months by the calendar (31 January + 1 month is the last day of February), the rest exactly. */
int64_t calendar_add(const struct calendar_zone *zone, int64_t ms, struct base_duration duration);

/* Occurrences of rule from first (local) within [from_ms, to_ms), at most max; more than that is
 * LANTOA_ELIMIT, none is LANTOA_EINVAL ("impossible"), as is a rule that cannot be read. */
int calendar_expand(const struct calendar_zone *zone, const char *rrule, struct base_civil first,
    int64_t from_ms, int64_t to_ms, int64_t *times_out, size_t max, size_t *count_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
