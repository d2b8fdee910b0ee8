/* The rules of sending as data: for each message class and channel kind, the hours, the caps per
 * person and whether prior consent is needed. They are a JSON text in the database (meta key
 * "rules", put there by `lantoa init` from the built-in default, replaced by `lantoa rules apply
 * FILE`), each with its source.
 *
 * { "rules": [ { "class": "advertising", "channel": "sms", "source": "Decree 91/2020/ND-CP, art.
 * 13", "timezone": "Asia/Ho_Chi_Minh", "hours": {"from": "07:00", "to": "22:00"}, "caps":
 * [{"messages": 3, "period": "PT24H"}], "consent": true }, ... ] } class and channel may be "*".
 * The first rule that fits wins. Caps count messages of the same class and channel kind to the same
 * person over all campaigns. */
#ifndef DELIVERY_RULES_H
#define DELIVERY_RULES_H

#include "base/json.h"
#include "campaign/calendar.h"
#include "store/db.h"

#define RULE_CAPS_MAX 4

struct rule_cap {
    int64_t messages;
    int64_t period_ms; /* rolling window */
};

struct rule {
    char *class, *channel; /* "*": any */
    int from_min, to_min;  /* minutes of the day; from < to; -1: all day */
    const struct calendar_zone *zone;
    struct rule_cap caps[RULE_CAPS_MAX];
    size_t cap_count;
    bool consent; /* needs consent given beforehand */
};

struct rules {
    struct rule *rules;
    size_t count;
};

extern const char rules_default_json[];

int rules_parse(
    const struct base_json *doc, struct rules **rules_out, struct base_err *err) LANTOA_MUST_CHECK;
void rules_free(struct rules **rules);
int rules_load(struct db *db, struct rules **rules_out,
    struct base_err *err) LANTOA_MUST_CHECK; /* the default when the database has none */
int rules_apply(
    struct db *db, const char *path, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
/* The rule for a class word and channel kind; a rule without limits when none fits. BORROWED from
 * rules. */
const struct rule *rules_find(
    const struct rules *rules, const char *class, const char *channel_kind);

/* When a message may leave at or after now_ms, given hours from_min..to_min in a zone: now_ms
 * itself, or the next opening. */
int64_t rules_next_open(const struct calendar_zone *zone, int from_min, int to_min, int64_t now_ms);

#endif
