/* The one source of time. Milliseconds since 1970-01-01T00:00Z, int64. It can be set to start
 * anywhere and run faster, so that tests and rehearsals live through a month in a second.
 * Thread-safe after set-up. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

int64_t base_clock_now_ms(void);  /* the program's (maybe simulated) time of day */
int64_t base_clock_real_ms(void); /* monotonic real time, for time-outs towards the outside */
int64_t base_clock_wall_ms(void); /* the machine's own time of day */

/* From now on the clock starts at start_ms and runs speed times as fast as real time (1 to
 * 1,000,000). */
void base_clock_simulate(int64_t start_ms, int64_t speed);
/* From now on the clock stands at at_ms and only base_clock_jump moves it. */
void base_clock_stand(int64_t at_ms);
void base_clock_jump(int64_t to_ms); /* a simulated clock only: moves forward to to_ms */
int64_t base_clock_speed(void);      /* 1 when real, 0 when it stands */
/* Real milliseconds until the clock shows when_ms; 0 when past. */
int64_t base_clock_real_until(int64_t when_ms);
/* "START,xSPEED" where START is a date-time (read in the offset given, minutes east of UTC, unless
 * it carries its own zone) and ",xSPEED" may be missing (x1). */
int base_clock_parse(struct str spec, int offset_min, int64_t *start_ms_out, int64_t *speed_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
