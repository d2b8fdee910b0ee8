/* Times as text: RFC 3339 with an offset, to and from milliseconds since 1970. Pure functions. */
#ifndef LOUDSPEAKER_WHEN_H
#define LOUDSPEAKER_WHEN_H

#include <lantoa/message.h>
#include <stdbool.h>
#include <stdint.h>

#define WHEN_BYTES 40

/* "2026-12-01T05:00:00+07:00", "...Z", with or without fractions and seconds. zone_out (may be
 * NULL): minutes east of Greenwich. False: not such a time; nothing is written. */
bool when_read(struct lantoa_str text, int64_t *ms_out, int *zone_out);
/* "2026-12-01T05:00:00.250+07:00"; the milliseconds only when they are not zero. */
void when_print(int64_t ms, int zone_minutes, char out[static WHEN_BYTES]);
/* "06:02" on the clock of that zone. */
void when_print_clock(int64_t ms, int zone_minutes, char out[static WHEN_BYTES]);

#endif
