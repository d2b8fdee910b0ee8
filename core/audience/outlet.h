/* Outlets: things that speak to a place and not to a person (loudspeaker stations, clusters of
 * horns). When each may speak, to how many households, on which channel, in which languages. */
#ifndef AUDIENCE_OUTLET_H
#define AUDIENCE_OUTLET_H

#include "audience/csv.h"
#include "base/buf.h"
#include "base/json.h"
#include "store/db.h"

#define OUTLET_WINDOWS_MAX 32
#define OUTLET_LANGS_MAX 8
#define OUTLET_COVERAGE_MAX 500
#define OUTLET_DAY_MINUTES 1440

enum outlet_kind { OUTLET_STATION, OUTLET_CLUSTER };
enum outlet_owner { OUTLET_COMMUNE, OUTLET_VILLAGE };
const char *outlet_kind_word(enum outlet_kind kind);    /* "station", "cluster" */
const char *outlet_owner_word(enum outlet_owner owner); /* "commune", "village" */

/* --- times of the week --- */

/* A stretch of the day on some days of the week, local time of the place. from_min < to_min <=
 * 1440: what goes over midnight is kept as two. */
struct outlet_window {
    unsigned days; /* bit 0 Monday .. bit 6 Sunday (base_weekday) */
    int from_min, to_min;
};
#define OUTLET_ALL_DAYS 0x7fU

/* Reads "mo-su 05:00-05:30; mo,we,fr 17:00-17:30". Days are mo tu we th fr sa su, or t2 .. t7 cn,
 * as a list of days and ranges; without them every day. wraps: a time over midnight ("22:00-05:00",
 * quiet hours) is taken and becomes two; else it is a fault. LANTOA_EINVAL with the part that is
 * wrong; LANTOA_ELIMIT over OUTLET_WINDOWS_MAX. */
enum outlet_wrap { OUTLET_NO_WRAP, OUTLET_WRAP };
int outlet_windows_parse(struct str text, enum outlet_wrap wraps,
    struct outlet_window windows_out[static OUTLET_WINDOWS_MAX], size_t *count_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The text form again: "mo-su 05:00-05:30; mo,we,fr 17:00-17:30". */
void outlet_windows_text(const struct outlet_window *windows, size_t count, struct base_buf *out);
/* The same with the days in the reader's language ("t2-cn"), which import takes as well. */
void outlet_windows_shown(const struct outlet_window *windows, size_t count, struct base_buf *out);
/* true if [from_min, to_min) on that weekday touches one of the windows. */
bool outlet_windows_touch(
    const struct outlet_window *windows, size_t count, int weekday, int from_min, int to_min);

/* --- outlets --- */

struct outlet {
    int64_t id, place_id;
    const char *code, *name;
    const char *place;  /* name of the place */
    const char *device; /* NULL: none */
    const char *channel;
    enum outlet_kind kind;
    enum outlet_owner owner;
    int64_t households; /* covered; an estimate */
    const char *languages[OUTLET_LANGS_MAX];
    size_t language_count; /* at least 1; the preferred one first */
    const struct outlet_window *windows;
    size_t window_count; /* at least 1; none touches quiet */
    const struct outlet_window *quiet;
    size_t quiet_count;
    int minutes_per_day;
    int64_t lead_ms; /* an airing is handed out so long before its start */
    double lat, lon; /* NAN: not given */
    bool retired;
    int64_t batch_id;
};

struct outlet_set; /* outlets in order of code, with all they point to */
size_t outlet_set_count(const struct outlet_set *set);
/* BORROWED from the set. */
const struct outlet *outlet_set_at(const struct outlet_set *set, size_t index);
/* By id; NULL if it is not in the set. */
const struct outlet *outlet_set_find(const struct outlet_set *set, int64_t id);
void outlet_set_free(struct outlet_set **set);

/* Which outlets. Zeroed: all that are not retired.
 *
 * where: an expression like those of segments (audience/segment.h: and, or, not, parentheses, =,
 * !=, <, <=, >, >=, ~, in, between, is empty, starts with) over the fields
 *   code name channel device      text
 *   kind                          'station' or 'cluster'
 *   owner                         'commune' or 'village'
 *   households minutes_per_day    numbers
 *   language                      any of the outlet's languages: language = 'vi'
 *   place                         place under 'Lục Ngạn', place = 'Đồng Tiến' : where it stands
 *   covers                        covers under 'Lục Ngạn', covers = ... : a place it is heard in
 * and the word all. */
struct outlet_filter {
    struct str where;         /* .at NULL or empty: all */
    const char *channel;      /* only outlets of this channel; NULL: any */
    const int64_t *place_ids; /* standing in, or heard in, one of these places (as place_under gives
                                 them); NULL: anywhere */
    size_t place_count;
    int64_t id; /* only this one, retired or not; 0: any */
    bool with_retired;
};
/* Loads them. LANTOA_EINVAL: the expression is wrong; the text names the column ("column 7: unknown
 * field 'onwer' (did you mean 'owner'?)"), *column_out too (0: the fault is another; may be NULL).
 */
int outlet_query(struct db *db, const struct outlet_filter *filter, struct outlet_set **set_out,
    int *column_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Only checks an expression against the names in the database. */
int outlet_where_check(
    struct db *db, struct str where, int *column_out, struct base_err *err) LANTOA_MUST_CHECK;

/* The households that hear at least one of the outlets, an estimate: where several are heard in the
 * same place, clusters are parts of one system and add up, stations do not, and the larger of both
 * counts; of a place and those below it the larger of its own number and their sum counts. Never
 * "people reached". */
int outlet_reach(struct db *db, const int64_t *ids, size_t count, int64_t *households_out,
    struct base_err *err) LANTOA_MUST_CHECK;

struct outlet_coverage {
    int64_t place_id, households;
    struct str place; /* name; BORROWED for the call */
    bool share;       /* a part of the outlet's number, not given for this place */
};
int outlet_coverage_each(struct db *db, int64_t outlet_id,
    int (*row)(void *arg, const struct outlet_coverage *coverage), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- import --- */

/* Columns: code, name, kind, owner, place_code (or place: a name), coverage (codes with ';'
 * between, each with or without its number: "24001:320; 24002:150"; none: where it stands),
 * households, windows, quiet (none: the outlet rules), minutes_per_day (none: the outlet rules),
 * lead_hours (none: the outlet rules), device, channel, languages ("vi; nung"; none: vi), lat, lon,
 * state (active, retired). Codes are read on import->today_days. An outlet whose code is there
 * already is updated; one whose row says the same stays as it is. Refused, with line and field: no
 * window, a window inside quiet hours, no minutes, a device that another outlet has, unknown
 * places, an unknown channel or one that addresses people. */
int outlet_import(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

struct outlet_undo_outcome {
    int64_t deleted, restored;
    int64_t retired; /* added by the import, but airings speak of them */
    int64_t kept;    /* a later import changed them */
};
/* LANTOA_ENOENT: no such import of outlets; LANTOA_ESTATE: undone already. */
int outlet_undo(struct db *db, int64_t batch_id, struct outlet_undo_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- the outlet rules --- */

/* What holds where an outlet says nothing itself: a JSON text in the database (meta key
 * "outlet_rules"), config/rules/outlets.json until one is applied:
 * { "source": "...", "quiet": "22:00-05:00", "minutes_per_day": 45,
 *   "lead_hours": { "device:": 48, "paper:": 744 } }
 * lead_hours: by the beginning of the device's address, the longest that fits; none fits: a minute.
 */
#define OUTLET_LEAD_HOURS_MAX 1440
#define OUTLET_LEADS_MAX 8
#define OUTLET_LEAD_LEAST_MS INT64_C(60000)
struct outlet_lead {
    char device[32]; /* how its address begins */
    int hours;
};
struct outlet_rules {
    struct outlet_window quiet[OUTLET_WINDOWS_MAX];
    size_t quiet_count;
    int minutes_per_day;
    struct outlet_lead leads[OUTLET_LEADS_MAX];
    size_t lead_count;
};
/* What the rules say for a device (NULL: none): OUTLET_LEAD_LEAST_MS or more. */
int64_t outlet_rules_lead_ms(const struct outlet_rules *rules, const char *device);
const char *outlet_rules_default(void);
/* true if a file of rules holds these. */
bool outlet_rules_are(const struct base_json *doc);
int outlet_rules_parse(const struct base_json *doc, struct outlet_rules *rules_out,
    struct base_err *err) LANTOA_MUST_CHECK;
int outlet_rules_load(
    struct db *db, struct outlet_rules *rules_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The JSON text in force. Caller frees. */
int outlet_rules_text(struct db *db, char **text_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Puts a file in force, in the caller's transaction; LANTOA_EINVAL with file, line and field, or
 * LANTOA_ESTATE when windows of outlets without quiet hours of their own would lie inside the new
 * ones. The caller audits. */
int outlet_rules_apply(struct db *db, const char *path, struct base_err *err) LANTOA_MUST_CHECK;

#endif
