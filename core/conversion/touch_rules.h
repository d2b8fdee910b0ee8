/* How long a touch counts: windows per kind of channel and kind of touch, as data
 * (config/rules/attribution.json, built in; put in force by `lantoa rules apply`, kept under the
 * meta key "attribution").
 *
 * { "attribution": { "model": "last", "half_life_days": 7, "windows": [
 *     { "channel": "social", "touch": "clicked", "days": 7, "source": "..." }, ... ] } }
 * channel is a kind of channel, touch a word of TOUCH_KINDS; "*" or absent: any. Of the rows that
 * fit, the most exact holds: channel and touch, then channel, then touch, then any. What no row
 * fits does not count. */
#ifndef CONVERSION_TOUCH_RULES_H
#define CONVERSION_TOUCH_RULES_H

#include "base/json.h"
#include "stats/credit.h"
#include "store/db.h"

/* X(NAME, word, what it is) */
#define TOUCH_KINDS(X)                                                                             \
    X(TOUCH_DELIVERED, "delivered", "a message was taken or delivered")                            \
    X(TOUCH_CLICKED, "clicked", "the person followed a link in it")                                \
    X(TOUCH_REPLIED, "replied", "the person showed interest in an answer")                         \
    X(TOUCH_VISITED, "visited", "somebody of us spoke with the person")                            \
    X(TOUCH_HEARD, "heard", "an airing was played where the person lives")
#define TOUCH__ENUM(name, word, meaning) name,
enum touch_kind { TOUCH_KINDS(TOUCH__ENUM) TOUCH_KIND_COUNT };
#undef TOUCH__ENUM
const char *touch_kind_word(enum touch_kind kind);

struct touch_rules;

/* The text of config/rules/attribution.json. */
const char *touch_rules_default(void);
/* Whether a rules file is one of these. */
bool touch_rules_are(const struct base_json *doc);
/* LANTOA_EINVAL names file, line and field; two rows for the same thing are one. */
int touch_rules_parse(const struct base_json *doc, struct touch_rules **rules_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void touch_rules_free(struct touch_rules **rules);
/* Those in force; the built-in ones when the database has none. */
int touch_rules_load(
    struct db *db, struct touch_rules **rules_out, struct base_err *err) LANTOA_MUST_CHECK;
int touch_rules_apply(
    struct db *db, const char *path, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
/* The text in force; caller owns. */
int touch_rules_text(struct db *db, char **text_out, struct base_err *err) LANTOA_MUST_CHECK;

/* Milliseconds; -1: such a touch does not count. */
int64_t touch_rules_window(
    const struct touch_rules *rules, const char *channel_kind, enum touch_kind kind);
int64_t touch_rules_longest(const struct touch_rules *rules); /* of all windows, ms */
enum stats_credit_model touch_rules_model(const struct touch_rules *rules);
double touch_rules_half_life(const struct touch_rules *rules); /* days */

#endif
