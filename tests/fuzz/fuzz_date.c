/* Dates, times, durations and numbers out of files: whatever they accept must print and read back
 * as the same. */
#include "fuzz.h"

#include "base/civil.h"
#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct str text = str_of((const char *)bytes, count);
    struct base_date date, again;
    if (base_parse_date(text, &date) == 0) {
        char printed[BASE_DATE_MAX];
        FUZZ_HOLDS(base_date_valid(date));
        base_format_date(date, printed);
        FUZZ_HOLDS(base_parse_date(str_from(printed), &again) == 0);
        FUZZ_HOLDS(base_days_from_date(date) == base_days_from_date(again));
        again = base_date_from_days(base_days_from_date(date));
        FUZZ_HOLDS(again.year == date.year && again.month == date.month && again.day == date.day);
    }
    struct base_civil civil, back;
    bool has_offset = false;
    int offset_min = 0;
    if (base_parse_datetime(text, &civil, &has_offset, &offset_min) == 0) {
        int64_t ms = base_ms_from_civil(civil, has_offset ? offset_min : 0);
        back = base_civil_from_ms(ms, has_offset ? offset_min : 0);
        FUZZ_HOLDS(back.year == civil.year && back.minute == civil.minute && back.ms == civil.ms);
    }
    struct base_duration duration;
    if (base_parse_duration(text, &duration) == 0) {
        FUZZ_HOLDS(duration.months >= 0 && duration.ms >= 0);
    }
    int minute = -1;
    if (base_parse_minute(text, &minute) == 0) {
        FUZZ_HOLDS(minute >= 0 && minute <= 1440);
    }
    int64_t i64;
    uint64_t u64;
    double f64;
    bool yes;
    (void)!base_parse_i64(text, &i64);
    (void)!base_parse_u64(text, &u64);
    (void)!base_parse_bool(text, &yes);
    if (base_parse_f64(text, &f64) == 0) {
        FUZZ_HOLDS(f64 - f64 == 0);
    }
    return 0;
}
