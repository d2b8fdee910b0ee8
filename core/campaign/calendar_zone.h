/* One time zone as tables and rules; shared by calendar_zone.c, which reads it, and calendar.c. */
#ifndef CAMPAIGN_CALENDAR_ZONE_H
#define CAMPAIGN_CALENDAR_ZONE_H

#include "base/err.h"
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A yearly change between standard and summer time: "Mm.w.d/time", "Jn/time" or "n/time" of POSIX.
 */
struct calendar__change {
    enum { CHANGE_WEEKDAY, CHANGE_JULIAN, CHANGE_DAY } kind;
    int month, week, day;
    int64_t time_s; /* after midnight, local */
};

/* What holds after the last transition of the table. */
struct calendar__rule {
    bool known, has_summer;
    int64_t standard_s, summer_s; /* seconds east of UTC */
    struct calendar__change start, end;
};

struct calendar_zone {
    char *name;
    size_t count;
    int64_t *at;       /* UTC seconds of each transition, rising */
    int64_t *offset_s; /* that holds from there on */
    int64_t before_s;  /* the offset before the first */
    struct calendar__rule rule;
    const struct calendar_zone *next;
};

/* Seconds east of UTC at that UTC second. */
int64_t calendar__offset(const struct calendar_zone *zone, int64_t utc_s);
/* Reads the TZif bytes (RFC 8536) into zone; LANTOA_ECORRUPT. */
int calendar__zone_read(struct calendar_zone *zone, struct str bytes) LANTOA_MUST_CHECK;

#endif
