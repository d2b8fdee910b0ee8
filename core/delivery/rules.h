/* The rules of sending as data: for each message class and channel kind, the hours, the caps per
 * person, whether prior consent is needed, what must stand first and last in the text, and more.
 * They are a JSON text in the database (meta key "rules", put there by `lantoa init` from
 * config/rules/messages.json, which is part of the program, and replaced by `lantoa rules apply
 * FILE`), each with its source and the days on which it holds.
 *
 * { "rules": [ { "class": "advertising", "channel": "sms", "from": "2020-10-01", "to":
 * "2027-12-31", "source": "Decree 91/2020/ND-CP", "timezone": "Asia/Ho_Chi_Minh", "hours": {"from":
 * "07:00", "to": "22:00"}, "caps": [{"messages": 3, "period": "PT24H"}], "consent": true, "label":
 * "[QC]", "refusal": {"vi": "Tu choi: soan TC gui {{refusal_to}}"}, "brand_name": true,
 * "do_not_call": true, "dnc_max_age_days": 30 }, ... ] }
 *
 * do_not_call says whether addresses of the do-not-call list are left out; without it they are for
 * advertising and for nothing else, as the list is one against advertising (Decree
 * 91/2020/ND-CP).
 * class and channel may be "*". Of the rules that hold today the first that fits wins; two for the
 * same class and channel may not hold on the same day. Caps count messages of the same class and
 * channel kind to the same person over all campaigns. label and refusal are put into the content by
 * delivery/rules_text.h. */
#ifndef DELIVERY_RULES_H
#define DELIVERY_RULES_H

#include "base/json.h"
#include "campaign/calendar.h"
#include "campaign/spec.h"
#include "store/db.h"

#define RULE_CAPS_MAX 4
#define RULES_NO_LIST INT64_MIN
#define RULE_LANGS_MAX 8
#define RULES_MAX 500
#define RULE_LABEL_CHARS_MAX 20
#define RULE_REFUSAL_CHARS_MAX 500
/* In a refusal: where it is to be sent, from the channel file. */
#define RULE_REFUSAL_TO "refusal_to"

struct rule_cap {
    int64_t messages;
    int64_t period_ms; /* rolling window */
};

struct rule_text {
    char *lang, *text;
};

struct rule {
    char *class, *channel;    /* "*": any */
    int64_t from_day, to_day; /* days since 1970 in its zone, both included */
    int from_min, to_min;     /* minutes of the day; from < to; -1: all day */
    const struct calendar_zone *zone;
    struct rule_cap caps[RULE_CAPS_MAX];
    size_t cap_count;
    bool consent; /* needs consent given beforehand */
    char *label;  /* stands first; NULL: none */
    /* Stands last: a template that may name refusal_to, unsubscribe_url, preferences_url. */
    struct rule_text refusal[RULE_LANGS_MAX];
    size_t refusal_count;
    bool brand_name;          /* the sender must be a name, no number */
    int8_t do_not_call;       /* 1 nothing goes to the list's addresses, 0 it does; -1: by class */
    int64_t dnc_max_age_days; /* nothing leaves when the do-not-call list is older; 0: no limit */
};

struct rules {
    struct rule *rules;
    size_t count;
    int64_t dnc_day; /* of the do-not-call list, days since 1970; RULES_NO_LIST: there is none */
};

/* The text of config/rules/messages.json. */
const char *rules_default(void);

/* LANTOA_EINVAL names file, line and field. */
int rules_parse(
    const struct base_json *doc, struct rules **rules_out, struct base_err *err) LANTOA_MUST_CHECK;
void rules_free(struct rules **rules);
int rules_load(struct db *db, struct rules **rules_out,
    struct base_err *err) LANTOA_MUST_CHECK; /* the default when the database has none */
int rules_apply(
    struct db *db, const char *path, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
/* The rule for a class word and channel kind at a moment; a rule without limits when none fits.
 * BORROWED from rules. */
const struct rule *rules_find(
    const struct rules *rules, const char *class, const char *channel_kind, int64_t at_ms);
/* The same for a campaign. The program's own answers to what a person said (system campaigns) have
 * no limits: a refusal is confirmed at once. */
const struct rule *rules_of_campaign(const struct rules *rules, const struct campaign_spec *spec,
    const char *channel_kind, int64_t at_ms);
/* Whether both put the same texts into a message. */
bool rules_same_texts(const struct rule *a, const struct rule *b);
/* Whether addresses of the do-not-call list get nothing of this class under the rule. */
bool rule_obeys_list(const struct rule *rule, enum campaign_class class);
/* Whether the do-not-call list is too old for the rule at a moment, or lacks. */
bool rules_list_old(const struct rules *rules, const struct rule *rule, int64_t now_ms);
/* When a rule begins or ends next after now_ms; INT64_MAX: never. */
int64_t rules_change_at(const struct rules *rules, int64_t now_ms);

/* When a message may leave at or after now_ms, given hours from_min..to_min in a zone: now_ms
 * itself, or the next opening. */
int64_t rules_next_open(const struct calendar_zone *zone, int from_min, int to_min, int64_t now_ms);

#endif
