/* The one source of time, real or simulated. Knows no zones beyond the offset it is given. */
#include "base/clock.h"

#include "base/civil.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/tr.h"

#include <stdatomic.h>
#include <time.h>

enum { CLOCK_MOST_SPEED = 1000000 };

/* speed 0 means the real clock, -1 one that stands at start_ms. Else the time is start_ms plus the
 * real time since real_start_us, times speed. */
static _Atomic(int64_t) speed, start_ms, real_start_us;

static int64_t read_us(clockid_t id) {
    struct timespec now;
    BASE_ASSERT(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t base_clock_real_ms(void) {
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t base_clock_wall_ms(void) {
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t base_clock_now_ms(void) {
    int64_t times = atomic_load_explicit(&speed, memory_order_acquire);
    if (times == 0) {
        return base_clock_wall_ms();
    }
    if (times < 0) {
        return atomic_load(&start_ms);
    }
    int64_t passed_us = read_us(CLOCK_MONOTONIC) - atomic_load(&real_start_us);
    return atomic_load(&start_ms) + passed_us * times / 1000;
}

void base_clock_simulate(int64_t from_ms, int64_t times) {
    BASE_ASSERT(times >= 1 && times <= CLOCK_MOST_SPEED);
    atomic_store(&start_ms, from_ms);
    atomic_store(&real_start_us, read_us(CLOCK_MONOTONIC));
    atomic_store_explicit(&speed, times, memory_order_release);
}

void base_clock_stand(int64_t at_ms) {
    atomic_store(&start_ms, at_ms);
    atomic_store_explicit(&speed, -1, memory_order_release);
}

void base_clock_jump(int64_t to_ms) {
    BASE_ASSERT(atomic_load(&speed) != 0);
    int64_t ahead = to_ms - base_clock_now_ms();
    if (ahead > 0) {
        atomic_fetch_add(&start_ms, ahead);
    }
}

int64_t base_clock_speed(void) {
    int64_t times = atomic_load(&speed);
    return times < 0 ? 0 : times ? times : 1;
}

int64_t base_clock_real_until(int64_t when_ms) {
    int64_t now = base_clock_now_ms(), times = base_clock_speed(), left;
    if (when_ms <= now) {
        return 0;
    }
    if (times == 0 || __builtin_sub_overflow(when_ms, now, &left)) {
        left = INT64_MAX;
    }
    return times == 0 ? left : left / times + (left % times != 0);
}

int base_clock_parse(struct str spec, int offset_min, int64_t *start_ms_out, int64_t *speed_out,
    struct base_err *err) {
    struct str rest = spec;
    struct str start = str_cut(&rest, ',');
    struct base_civil civil;
    bool has_offset;
    int own_offset_min = 0;
    if (base_parse_datetime(start, &civil, &has_offset, &own_offset_min) != 0) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("clock \"" STR_FMT "\": \"" STR_FMT "\" is not a date-time like 2026-12-01T08:00"),
            STR_ARG(spec), STR_ARG(start));
    }
    int64_t times = 1;
    if (start.bytes < spec.bytes) {
        bool marked = str_starts(rest, STR("x"));
        struct str number = marked ? str_of(rest.at + 1, rest.bytes - 1) : STR("");
        if (base_parse_i64(number, &times) != 0 || times < 1 || times > CLOCK_MOST_SPEED) {
            return base_err_set(err, LANTOA_EINVAL,
                TR("clock \"" STR_FMT "\": the speed must be x1 to x1000000"), STR_ARG(spec));
        }
    }
    *start_ms_out = base_ms_from_civil(civil, has_offset ? own_offset_min : offset_min);
    *speed_out = times;
    return 0;
}
