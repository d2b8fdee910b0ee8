/* Theme and campaign files: JSON with a published schema
 * (config/schema/{theme,campaign,channel}.schema.json), read into structs. Errors name file, line
 * and field.
 *
 * Theme; name and title are required:
 *   { "name": "diem-tua-tuoi-gia",
 *     "title": {"vi": "...", "en": "..."},
 *     "messages": {"vi": ["...", ...], "en": [...]},
 *     "partials": {"vi": {"footer": "..."}, "en": {...}},
 *     "materials": [{"name": "logo", "file": "logo.png", "mime": "image/png"}] }
 * A partial is {{> footer}} in every content of its language.
 *
 * Campaign: config/examples/campaign.json. Paths in "attachments" are relative to the file. */
#ifndef CAMPAIGN_SPEC_H
#define CAMPAIGN_SPEC_H

#include "base/civil.h"
#include "base/json.h"
#include "channel/manifest.h"
#include "store/db.h"

enum campaign_class {
    CLASS_STATE_INFORMATION = 1,
    CLASS_ADVERTISING,
    CLASS_PERSONAL_SERVICE,
    CLASS_EMERGENCY,
    CLASS_INTERNAL
};
const char *campaign_class_word(enum campaign_class class); /* "state_information", ... */

enum holdout_unit { HOLDOUT_CONTACT = 1, HOLDOUT_HOUSEHOLD, HOLDOUT_PLACE };
/* How the lot is drawn: each unit by itself; over places in strata, so many of each; or all places
 * in waves, one after the other. */
enum holdout_design { HOLDOUT_BUCKETS, HOLDOUT_LOTTERY, HOLDOUT_WAVES };

/* BEFORE: so many days before the person's next payment is due, at a time of day. */
enum when_kind { WHEN_AT = 1, WHEN_NOW, WHEN_AFTER, WHEN_RRULE, WHEN_BEFORE };
struct campaign_when {
    enum when_kind kind;
    struct base_civil at; /* AT, and RRULE's first occurrence: local time in the campaign's zone */
    char *after;          /* AFTER: name of an earlier step */
    struct base_duration delay; /* AFTER */
    int64_t before_days;        /* BEFORE */
    int before_minute;          /* BEFORE: local minute of the day */
    char *rrule;                /* RFC 5545 value, e.g. FREQ=WEEKLY;BYDAY=MO;COUNT=4 */
    /* {"fallback_of": STEP, "reasons": [...], "delay": ..}: AFTER, but only for those whom STEP did
     * not reach for one of these reasons (words of the ledger). delay: how long a message that was
     * taken may still come back; 0 when absent. */
    char **fallback_reasons;
    size_t fallback_count; /* 0: no fallback */
};

struct campaign_content {
    char *lang;    /* "vi" */
    char **fields; /* same order as field_names of the step; NULL: this language has none */
};
struct campaign_attachment {
    char *file, *name, *mime;
    char *content_id; /* "": an attachment; else an inline picture, <img src="cid:..."> */
    char *sha256;     /* hex; NULL until campaign_apply has copied the file into DATA/materials */
};
/* What a step on an outlet channel asks of each outlet: {"per_day": 2, "days": 14, "gap": "PT2H",
 * "materials": [...], "rotation": "in_turn" | "by_day", "priority": "normal" | "priority" |
 * "emergency", "reason": "..."}. The first day is that of "when". An emergency is played once, at
 * once, and has a reason. */
enum campaign_airing_priority {
    CAMPAIGN_AIRING_NORMAL = 1, /* the commune schedules and approves */
    CAMPAIGN_AIRING_PRIORITY,   /* comes first; a clash is decided by the commune */
    CAMPAIGN_AIRING_EMERGENCY   /* at once, interrupts */
};
struct campaign_airings {
    bool on; /* the step has some */
    int64_t per_day, days;
    struct base_duration gap;
    char **materials; /* names */
    size_t material_count;
    bool by_day;  /* one material a day; else in turn */
    int priority; /* enum campaign_airing_priority */
    char *reason; /* NULL: none */
};
/* "utm": true | false | {"source": TEMPLATE, ...}, of the campaign and again of a step, whose texts
 * go first: what the addresses in a content tell the statistics of the site they lead to. The
 * templates may use CAMPAIGN_UTM_NAMES; one that gives nothing adds no parameter.
 * X(parameter without "utm_", what holds when it is not said) */
#define CAMPAIGN_UTM(X)                                                                            \
    X(source, "{{channel}}")                                                                       \
    X(medium, "{{kind}}")                                                                          \
    X(campaign, "{{campaign}}")                                                                    \
    X(content, "{{step}}")                                                                         \
    X(term, "")
/* Names as they stand in the files, not titles. */
#define CAMPAIGN_UTM_NAMES "channel kind plugin campaign theme step"
#define CAMPAIGN_UTM_BYTES 200 /* of a template */
enum campaign_utm_parameter {
#define CAMPAIGN__UTM_ENUM(name, fallback) CAMPAIGN_UTM_##name,
    CAMPAIGN_UTM(CAMPAIGN__UTM_ENUM)
#undef CAMPAIGN__UTM_ENUM
        CAMPAIGN_UTM_COUNT
};
struct campaign_utm {
    bool on;
    char *texts[CAMPAIGN_UTM_COUNT]; /* all set when on */
};

/* What a step may do with accents on a channel that can (SMS): the words of "accents". */
#define CAMPAIGN_ACCENTS "keep, strip, strip_when_cheaper"
struct campaign_step {
    char *name, *channel;
    struct campaign_when when;
    char *only_if; /* segment expression or NULL */
    /* Nothing is handed out later than this after its due time; else the end of the window. */
    struct base_duration expires;
    bool has_expires;
    char **field_names; /* content fields used by any language, e.g. subject text html */
    size_t field_count;
    struct campaign_content *contents;
    size_t content_count;
    struct campaign_attachment *attachments;
    size_t attachment_count;
    char *accents; /* CAMPAIGN_ACCENTS; NULL: as the channel says */
    struct campaign_airings airings;
    char *outlets; /* which outlets, audience/outlet.h; NULL: those in the audience's places */
    struct campaign_utm utm;
};

/* "canary": {"percent": 1, "at_least": 50, "pause_above_percent": 5, "receipts": "PT0S", "within":
 * "PT30M"}, or false: the first wave of each step. The rest of the step waits until the wave has
 * its outcomes; the campaign pauses by itself when too many of them are failures. */
struct campaign_canary {
    bool on;             /* true when the file says nothing */
    double percent;      /* of a step's audience; 1 */
    int64_t at_least;    /* messages; 50. A step of fewer than twice the wave is not split */
    double pause_above;  /* per cent of the outcomes that may be failures; 5 */
    int64_t receipts_ms; /* how long receipts are waited for after the last message was taken; 0 */
    int64_t within_ms;   /* after that long the outcomes that are known decide; 30 min */
};

struct campaign_spec {
    char *name, *theme;
    enum campaign_class class;
    char *legal_basis;
    struct base_date from, to; /* both days included, local */
    char *timezone;            /* default Asia/Ho_Chi_Minh */
    char *audience;            /* segment expression */
    bool has_holdout;
    double holdout_percent; /* 0 < p < 100, two decimals kept */
    enum holdout_unit holdout_unit;
    enum holdout_design holdout_design;
    char *holdout_strata; /* "parent", an attribute, or NULL */
    int64_t holdout_waves;
    struct base_duration holdout_every; /* from one wave to the next */
    struct base_date holdout_until;     /* last day whose enrolments count; "to" when not given */
    int64_t budget_minor; /* -1: none. "budget": {"amount": 5000000, "currency": "VND"} */
    char *budget_currency;
    int64_t goal_enrolments; /* -1: none. "goal": {"enrolments": 500} */
    char *default_lang;      /* "default_lang", else the first language of the first step */
    /* "hours": {"from": "07:00", "to": "20:00"}, narrower than the rules only; -1: none */
    int hours_from_min, hours_to_min;
    struct campaign_canary canary;
    struct campaign_step *steps;
    size_t step_count;
};

struct theme_spec {
    char *name;
    json_t *root; /* owned */
};

/* A template_partial_fn for the partials of a theme in one language. */
struct theme_partials {
    const struct theme_spec *theme;
    const char *lang;
};
int theme_partial(void *partials, struct str name, struct str *text_out) LANTOA_MUST_CHECK;

/* Everything that can be told without the database: shape, types, ranges, unknown keys, references
 * inside the file, recurrence, zone. */
int campaign_spec_parse(const struct base_json *doc, struct campaign_spec **spec_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void campaign_spec_free(struct campaign_spec **spec);
int theme_spec_parse(const struct base_json *doc, struct theme_spec **spec_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void theme_spec_free(struct theme_spec **spec);

/* The checks that need the database and the channels: theme, channels, audience and only_if
 * expressions, content rows against the channel's manifest, templates (each language), attribute
 * names, attachments readable. base_dir: folder attachments are relative to. Appends every finding
 * as one line to findings ("FILE:LINE: field PATH: text\n") and returns LANTOA_EINVAL if there was
 * any. */
int campaign_check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    const char *base_dir, struct base_buf *findings, struct base_err *err) LANTOA_MUST_CHECK;

/* Names a template may use besides the contact's attributes. X(name, meaning) */
#define CAMPAIGN_VARIABLES(X)                                                                      \
    X(campaign, "name of the campaign")                                                            \
    X(step, "name of the step")                                                                    \
    X(theme, "title of the theme in the message's language")                                       \
    X(age, "whole years of age, from the date of birth")                                           \
    X(place, "name of the contact's place")                                                        \
    X(today, "local date on which the message is made, as 2026-12-31")                             \
    X(message_key, "the message's own key")                                                        \
    X(unsubscribe_url, "page where the person stops these messages; needs the public address")     \
    X(preferences_url, "page where the person chooses channels; needs the public address")
bool campaign_variable_known(struct str name);

#endif
