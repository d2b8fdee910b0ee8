/* Reads the rules of sending and answers for a class and a channel kind. */
#include "delivery/rules.h"

#include "audience/consent.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "campaign/template.h"
#include "store/schema.h"

#include "delivery_rules.inc"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define MINUTE_MS INT64_C(60000)

const char *rules_default(void) {
    return (const char *)rules_json;
}

static const struct rule no_limits = {
    .from_day = INT64_MIN, .to_day = INT64_MAX, .from_min = -1, .to_min = -1, .do_not_call = -1};

static int parse_hours(const struct base_json *doc, json_t *hours, const char *path,
    struct rule *rule, struct base_err *err) {
    const char *from = json_string_value(json_object_get(hours, "from"));
    const char *to = json_string_value(json_object_get(hours, "to"));
    if (!from || !to || base_parse_minute(str_from(from), &rule->from_min) != 0 ||
        base_parse_minute(str_from(to), &rule->to_min) != 0 || rule->from_min >= rule->to_min) {
        return base_json_fault(doc, hours, path, err, "%s",
            TR("needs \"from\" and \"to\" as \"HH:MM\", from before to"));
    }
    return 0;
}

static int parse_caps(const struct base_json *doc, json_t *caps, const char *path,
    struct rule *rule, struct base_err *err) {
    size_t i;
    json_t *cap;
    if (!json_is_array(caps) || json_array_size(caps) > RULE_CAPS_MAX) {
        return base_json_fault(
            doc, caps, path, err, TR("must be a list of at most %d caps"), RULE_CAPS_MAX);
    }
    json_array_foreach(caps, i, cap) {
        struct base_duration period;
        const char *text = json_string_value(json_object_get(cap, "period"));
        json_int_t messages = json_integer_value(json_object_get(cap, "messages"));
        if (messages < 1 || !text || base_parse_duration(str_from(text), &period) != 0 ||
            period.months != 0 || period.ms <= 0) {
            return base_json_fault(doc, cap, path, err, "%s",
                TR("a cap needs \"messages\" (1 or more) and \"period\" (like \"PT24H\" or "
                   "\"P7D\")"));
        }
        rule->caps[rule->cap_count++] =
            (struct rule_cap){.messages = messages, .period_ms = period.ms};
    }
    return 0;
}

/* One file being read. */
struct reading {
    const struct base_json *doc;
    struct base_err *err;
    char path[160]; /* of the rule: "rules[3]" */
};

static int fault(struct reading *r, const json_t *at, const char *field, const char *text) {
    char path[200];
    snprintf(path, sizeof path, "%s.%s", r->path, field);
    return base_json_fault(r->doc, at, path, r->err, "%s", text);
}

static int parse_day(struct reading *r, json_t *value, const char *field, int64_t *day_out) {
    struct base_date date;
    const char *text = json_string_value(value);
    if (!text || base_parse_date(str_from(text), &date) != 0) {
        return fault(r, value, field, TR("must be a date like \"2026-12-01\""));
    }
    *day_out = base_days_from_date(date);
    return 0;
}

/* Something that goes into every message: clean, and not too long. */
static bool text_fits(const char *text, size_t most_chars) {
    struct str all = str_from(text ? text : "");
    return all.bytes > 0 && base_utf8_valid(all) && base_utf8_count(all) <= most_chars;
}

static int parse_label(struct reading *r, json_t *value, struct rule *rule) {
    const char *text = json_string_value(value);
    if (!text_fits(text, RULE_LABEL_CHARS_MAX) || base_text_has_control(str_from(text)) ||
        strstr(text, "{{") || str_trim(str_from(text)).bytes == 0) {
        return fault(r, value, "label",
            TR("must be a text of at most 20 characters on one line, without {{"));
    }
    rule->label = base_strdup(text);
    return 0;
}

static void check_refusal_name(void *arg, const struct template_use *use) {
    struct str *unknown = arg;
    if (!str_is(use->name, RULE_REFUSAL_TO) && !str_is(use->name, "unsubscribe_url") &&
        !str_is(use->name, "preferences_url")) {
        *unknown = use->name;
    }
}

static int parse_refusal_text(
    struct reading *r, json_t *value, const char *lang, const char *text) {
    struct template *template = NULL;
    struct base_err why = {0};
    struct str unknown = {0};
    char field[60];
    snprintf(field, sizeof field, "refusal.%.40s", lang);
    if (!text_fits(text, RULE_REFUSAL_CHARS_MAX) || str_trim(str_from(text)).bytes == 0) {
        return fault(r, value, field, TR("must be a text of at most 500 characters"));
    }
    if (template_compile(str_from(text), TEMPLATE_TEXT, lang, NULL, NULL, &template, &why) != 0) {
        return fault(r, value, field, why.text);
    }
    template_each_name(template, check_refusal_name, &unknown);
    int rc = 0;
    if (unknown.bytes) {
        rc = fault(r, value, field,
            TR("may only name {{refusal_to}}, {{unsubscribe_url}} and {{preferences_url}}"));
    }
    template_free(&template);
    return rc;
}

static int parse_refusal(struct reading *r, json_t *object, struct rule *rule) {
    const char *lang;
    json_t *value;
    if (!json_is_object(object) || json_object_size(object) == 0 ||
        json_object_size(object) > RULE_LANGS_MAX) {
        return fault(r, object, "refusal",
            TR("must be an object with 1 to 8 languages, as {\"vi\": \"...\"}"));
    }
    json_object_foreach(object, lang, value) {
        const char *text = json_string_value(value);
        int rc = parse_refusal_text(r, value, lang, text);
        if (rc != 0) {
            return rc;
        }
        rule->refusal[rule->refusal_count++] =
            (struct rule_text){base_strdup(lang), base_strdup(text)};
    }
    return 0;
}

static int parse_bool(struct reading *r, json_t *value, const char *field, bool *out) {
    if (!json_is_boolean(value)) {
        return fault(r, value, field, TR("must be true or false"));
    }
    *out = json_is_true(value);
    return 0;
}

static int parse_word(struct reading *r, json_t *value, const char *field, char **out) {
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > 40) {
        return fault(r, value, field, TR("must be a word, or \"*\" for all"));
    }
    *out = base_strdup(json_string_value(value));
    return 0;
}

static int parse_age(struct reading *r, json_t *value, struct rule *rule) {
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > 3650) {
        return fault(
            r, value, "dnc_max_age_days", TR("must be a whole number of days from 1 to 3650"));
    }
    rule->dnc_max_age_days = json_integer_value(value);
    return 0;
}

static int parse_field(
    struct reading *r, const char *key, json_t *value, struct rule *rule, const char **zone_io) {
    if (strcmp(key, "class") == 0) {
        return parse_word(r, value, key, &rule->class);
    }
    if (strcmp(key, "channel") == 0) {
        return parse_word(r, value, key, &rule->channel);
    }
    if (strcmp(key, "from") == 0) {
        return parse_day(r, value, key, &rule->from_day);
    }
    if (strcmp(key, "to") == 0) {
        return parse_day(r, value, key, &rule->to_day);
    }
    if (strcmp(key, "timezone") == 0 && json_is_string(value)) {
        *zone_io = json_string_value(value);
        return 0;
    }
    if (strcmp(key, "hours") == 0) {
        return parse_hours(r->doc, value, r->path, rule, r->err);
    }
    if (strcmp(key, "caps") == 0) {
        return parse_caps(r->doc, value, r->path, rule, r->err);
    }
    if (strcmp(key, "consent") == 0) {
        return parse_bool(r, value, key, &rule->consent);
    }
    if (strcmp(key, "label") == 0) {
        return parse_label(r, value, rule);
    }
    if (strcmp(key, "refusal") == 0) {
        return parse_refusal(r, value, rule);
    }
    if (strcmp(key, "brand_name") == 0) {
        return parse_bool(r, value, key, &rule->brand_name);
    }
    if (strcmp(key, "do_not_call") == 0) {
        bool obeyed = false;
        int rc = parse_bool(r, value, key, &obeyed);
        rule->do_not_call = obeyed;
        return rc;
    }
    if (strcmp(key, "dnc_max_age_days") == 0) {
        return parse_age(r, value, rule);
    }
    if (strcmp(key, "source") == 0 && json_is_string(value)) {
        return 0;
    }
    return base_json_fault(
        r->doc, value, r->path, r->err, TR("unknown or wrong field \"%s\""), key);
}

/* A rule for a class nobody has would never hold, and nobody would notice. */
static bool class_known(const char *word) {
    for (int class = CLASS_STATE_INFORMATION; class <= CLASS_INTERNAL; class ++) {
        if (strcmp(campaign_class_word((enum campaign_class) class), word) == 0) {
            return true;
        }
    }
    return strcmp(word, "*") == 0;
}

static int parse_rule(struct reading *r, json_t *item, struct rule *rule) {
    if (!json_is_object(item)) {
        return base_json_fault(r->doc, item, r->path, r->err, "%s", TR("must be an object"));
    }
    const char *key;
    json_t *value;
    const char *zone = "Asia/Ho_Chi_Minh";
    json_object_foreach(item, key, value) {
        int rc = parse_field(r, key, value, rule, &zone);
        if (rc != 0) {
            return rc;
        }
    }
    if (!rule->class || !rule->channel) {
        return base_json_fault(
            r->doc, item, r->path, r->err, "%s", TR("needs \"class\" and \"channel\""));
    }
    struct base_err inner = {0};
    if (calendar_zone_find(zone, &rule->zone, &inner) != 0) {
        return fault(r, json_object_get(item, "timezone"), "timezone", inner.text);
    }
    if (!class_known(rule->class)) {
        return fault(r, json_object_get(item, "class"), "class",
            TR("must be one of state_information, advertising, personal_service, emergency, "
               "internal, *"));
    }
    if (rule->from_day > rule->to_day) {
        return fault(r, json_object_get(item, "to"), "to", TR("lies before \"from\""));
    }
    return 0;
}

/* Two rules for the same thing on the same day: nobody could say which one holds. */
static int check_overlap(
    struct reading *r, const struct rules *rules, size_t last, const json_t *item) {
    const struct rule *b = &rules->rules[last];
    for (size_t i = 0; i < last; i++) {
        const struct rule *a = &rules->rules[i];
        BASE_ASSERT(a->class && a->channel && b->class && b->channel); /* parse_rule says so */
        if (strcmp(a->class, b->class) == 0 && strcmp(a->channel, b->channel) == 0 &&
            a->from_day <= b->to_day && b->from_day <= a->to_day) {
            char path[200];
            const json_t *from = json_object_get(item, "from");
            snprintf(path, sizeof path, "%s.%s", r->path, from ? "from" : "class");
            return base_json_fault(r->doc, from ? from : item, path, r->err,
                TR("overlaps rules[%zu]: both hold for class %s on channel %s on the same days"), i,
                b->class, b->channel);
        }
    }
    return 0;
}

int rules_parse(const struct base_json *doc, struct rules **rules_out, struct base_err *err) {
    json_t *root = base_json_root(doc);
    json_t *list = json_object_get(root, "rules");
    if (!json_is_array(list)) {
        return base_json_fault(doc, list, "rules", err, "%s", TR("must be a list"));
    }
    if (json_array_size(list) > RULES_MAX) {
        return base_json_fault(doc, list, "rules", err, TR("has more than %d rules"), RULES_MAX);
    }
    struct reading reading = {.doc = doc, .err = err};
    struct rules *rules = base_alloc(sizeof *rules);
    rules->dnc_day = RULES_NO_LIST;
    rules->rules = base_alloc_array(json_array_size(list) + 1, sizeof *rules->rules);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        rules->count++;
        rules->rules[i] = no_limits;
        snprintf(reading.path, sizeof reading.path, "rules[%zu]", i);
        int rc = parse_rule(&reading, item, &rules->rules[i]);
        if (rc == 0) {
            rc = check_overlap(&reading, rules, i, item);
        }
        if (rc != 0) {
            rules_free(&rules);
            return rc;
        }
    }
    *rules_out = rules;
    return 0;
}

void rules_free(struct rules **rules) {
    if (!*rules) {
        return;
    }
    for (size_t i = 0; i < (*rules)->count; i++) {
        struct rule *rule = &(*rules)->rules[i];
        base_free(rule->class);
        base_free(rule->channel);
        base_free(rule->label);
        for (size_t k = 0; k < rule->refusal_count; k++) {
            base_free(rule->refusal[k].lang);
            base_free(rule->refusal[k].text);
        }
    }
    base_free((*rules)->rules);
    base_free(*rules);
    *rules = NULL;
}

/* The list is of the day its makers gave it, whenever it was imported. */
static int load_dnc_day(struct db *db, int64_t *day_out, struct base_err *err) {
    struct base_err missing = {0};
    struct base_date date;
    char *text = NULL;
    int rc = schema_meta_get(db, SUPPRESSION_LIST_META, &text, &missing);
    *day_out = RULES_NO_LIST;
    if (rc == 0 && base_parse_date(str_from(text), &date) == 0) {
        *day_out = base_days_from_date(date);
    } else if (rc != 0 && rc != LANTOA_ENOENT) {
        return base_err_set(err, rc, "%s", missing.text);
    }
    base_free(text);
    return 0;
}

int rules_load(struct db *db, struct rules **rules_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    int rc = schema_meta_get(db, "rules", &text, err);
    if (rc == LANTOA_ENOENT) {
        text = base_strdup(rules_default());
    } else if (rc != 0) {
        return rc;
    }
    rc = base_json_parse(str_from(text), "rules", &doc, err);
    if (rc == 0) {
        rc = rules_parse(doc, rules_out, err);
    }
    if (rc == 0) {
        rc = load_dnc_day(db, &(*rules_out)->dnc_day, err);
        if (rc != 0) {
            rules_free(rules_out);
        }
    }
    base_json_free(&doc);
    base_free(text);
    return rc;
}

int rules_apply(struct db *db, const char *path, const char *who, struct base_err *err) {
    struct base_json *doc = NULL;
    struct rules *rules = NULL;
    char *text = NULL;
    int rc = base_json_load(path, &doc, err);
    if (rc == 0) {
        rc = rules_parse(doc, &rules, err);
    }
    if (rc == 0) {
        text = json_dumps(base_json_root(doc), JSON_COMPACT);
        rc = db_begin(db, err);
    }
    if (rc == 0) {
        rc = schema_meta_set(db, "rules", text, err);
        if (rc == 0) {
            rc = audit_add(db, who, "apply", "rules", path, err);
        }
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    rules_free(&rules);
    base_json_free(&doc);
    base_free(text);
    return rc;
}

static int64_t day_of(const struct calendar_zone *zone, int64_t at_ms) {
    struct base_civil local = base_civil_from_ms(at_ms, calendar_offset_min(zone, at_ms));
    return base_days_from_date((struct base_date){local.year, local.month, local.day});
}

static bool is_dated(const struct rule *rule) {
    return rule->from_day != INT64_MIN || rule->to_day != INT64_MAX;
}

static bool holds(const struct rule *rule, int64_t at_ms) {
    if (!is_dated(rule)) {
        return true;
    }
    int64_t day = day_of(rule->zone, at_ms);
    return day >= rule->from_day && day <= rule->to_day;
}

const struct rule *rules_find(
    const struct rules *rules, const char *class, const char *channel_kind, int64_t at_ms) {
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if ((strcmp(rule->class, "*") == 0 || strcmp(rule->class, class) == 0) &&
            (strcmp(rule->channel, "*") == 0 || strcmp(rule->channel, channel_kind) == 0) &&
            holds(rule, at_ms)) {
            return rule;
        }
    }
    return &no_limits;
}

const struct rule *rules_of_campaign(const struct rules *rules, const struct campaign_spec *spec,
    const char *channel_kind, int64_t at_ms) {
    if (str_starts(str_from(spec->name), STR(CAMPAIGN_SYSTEM_PREFIX))) {
        return &no_limits;
    }
    return rules_find(rules, campaign_class_word(spec->class), channel_kind, at_ms);
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool rules_same_texts(const struct rule *a, const struct rule *b) {
    bool same = same_text(a->label, b->label) && a->refusal_count == b->refusal_count &&
                a->brand_name == b->brand_name;
    for (size_t i = 0; same && i < a->refusal_count; i++) {
        same = strcmp(a->refusal[i].lang, b->refusal[i].lang) == 0 &&
               strcmp(a->refusal[i].text, b->refusal[i].text) == 0;
    }
    return same;
}

bool rule_obeys_list(const struct rule *rule, enum campaign_class class) {
    return rule->do_not_call < 0 ? class == CLASS_ADVERTISING : rule->do_not_call > 0;
}

bool rules_list_old(const struct rules *rules, const struct rule *rule, int64_t now_ms) {
    return rule->dnc_max_age_days > 0 &&
           (rules->dnc_day == RULES_NO_LIST ||
               day_of(rule->zone, now_ms) - rules->dnc_day > rule->dnc_max_age_days);
}

static int64_t start_of_day(const struct rule *rule, int64_t day) {
    struct base_date date = base_date_from_days(day);
    return calendar_to_ms(
        rule->zone, (struct base_civil){date.year, date.month, date.day, 0, 0, 0, 0});
}

int64_t rules_change_at(const struct rules *rules, int64_t now_ms) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        const int64_t days[] = {rule->from_day == INT64_MIN ? INT64_MAX : rule->from_day,
            rule->to_day == INT64_MAX ? INT64_MAX : rule->to_day + 1};
        for (size_t k = 0; k < 2; k++) {
            int64_t at = days[k] == INT64_MAX ? INT64_MAX : start_of_day(rule, days[k]);
            next = at > now_ms && at < next ? at : next;
        }
    }
    return next;
}

int64_t rules_next_open(
    const struct calendar_zone *zone, int from_min, int to_min, int64_t now_ms) {
    if (from_min < 0) {
        return now_ms;
    }
    struct base_civil local = base_civil_from_ms(now_ms, calendar_offset_min(zone, now_ms));
    int minute = local.hour * 60 + local.minute;
    if (minute >= from_min && minute < to_min) {
        return now_ms;
    }
    struct base_date date = {local.year, local.month, local.day};
    if (minute >= to_min) {
        date = base_date_from_days(base_days_from_date(date) + 1);
    }
    struct base_civil open = {date.year, date.month, date.day, from_min / 60, from_min % 60, 0, 0};
    return calendar_to_ms(zone, open);
}
