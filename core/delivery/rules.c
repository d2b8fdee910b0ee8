/* Reads the rules of sending and answers for a class and a channel kind. */
#include "delivery/rules.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "store/schema.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define MINUTE_MS INT64_C(60000)

const char rules_default_json[] =
    "{\"rules\": ["
    "{\"class\": \"advertising\", \"channel\": \"sms\", \"source\": \"Decree 91/2020/ND-CP, in "
    "force 2020-10-01\","
    " \"hours\": {\"from\": \"07:00\", \"to\": \"22:00\"}, \"caps\": [{\"messages\": 3, "
    "\"period\": \"PT24H\"}],"
    " \"consent\": true},"
    "{\"class\": \"advertising\", \"channel\": \"email\", \"source\": \"Decree 91/2020/ND-CP, in "
    "force 2020-10-01\","
    " \"caps\": [{\"messages\": 3, \"period\": \"PT24H\"}], \"consent\": true},"
    "{\"class\": \"advertising\", \"channel\": \"*\", \"source\": \"Law 91/2025/QH15 art. 28, in "
    "force 2026-01-01\","
    " \"consent\": true},"
    "{\"class\": \"state_information\", \"channel\": \"sms\", \"source\": \"house rule, "
    "2026-11-23\","
    " \"hours\": {\"from\": \"07:00\", \"to\": \"20:00\"},"
    " \"caps\": [{\"messages\": 1, \"period\": \"PT24H\"}, {\"messages\": 3, \"period\": \"P7D\"}]}"
    "]}";

static const struct rule no_limits = {.from_min = -1, .to_min = -1};

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

static int parse_rule(const struct base_json *doc, json_t *item, size_t index, struct rule *rule,
    struct base_err *err) {
    char path[64];
    snprintf(path, sizeof path, "rules[%zu]", index);
    if (!json_is_object(item)) {
        return base_json_fault(doc, item, path, err, "%s", TR("must be an object"));
    }
    const char *key;
    json_t *value;
    const char *zone = "Asia/Ho_Chi_Minh";
    json_object_foreach(item, key, value) {
        int rc = 0;
        if (strcmp(key, "class") == 0 && json_is_string(value)) {
            rule->class = base_strdup(json_string_value(value));
        } else if (strcmp(key, "channel") == 0 && json_is_string(value)) {
            rule->channel = base_strdup(json_string_value(value));
        } else if (strcmp(key, "timezone") == 0 && json_is_string(value)) {
            zone = json_string_value(value);
        } else if (strcmp(key, "hours") == 0) {
            rc = parse_hours(doc, value, path, rule, err);
        } else if (strcmp(key, "caps") == 0) {
            rc = parse_caps(doc, value, path, rule, err);
        } else if (strcmp(key, "consent") == 0 && json_is_boolean(value)) {
            rule->consent = json_is_true(value);
        } else if (strcmp(key, "source") != 0 || !json_is_string(value)) {
            rc = base_json_fault(doc, value, path, err, TR("unknown or wrong field \"%s\""), key);
        }
        if (rc != 0) {
            return rc;
        }
    }
    if (!rule->class || !rule->channel) {
        return base_json_fault(doc, item, path, err, "%s", TR("needs \"class\" and \"channel\""));
    }
    struct base_err inner = {0};
    if (calendar_zone_find(zone, &rule->zone, &inner) != 0) {
        return base_json_fault(doc, item, path, err, "%s", inner.text);
    }
    return 0;
}

int rules_parse(const struct base_json *doc, struct rules **rules_out, struct base_err *err) {
    json_t *root = base_json_root(doc);
    json_t *list = json_object_get(root, "rules");
    if (!json_is_array(list)) {
        return base_json_fault(doc, list, "rules", err, "%s", TR("must be a list"));
    }
    struct rules *rules = base_alloc(sizeof *rules);
    rules->rules = base_alloc_array(json_array_size(list) + 1, sizeof *rules->rules);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        rules->count++;
        rules->rules[i].from_min = rules->rules[i].to_min = -1;
        int rc = parse_rule(doc, item, i, &rules->rules[i], err);
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
        base_free((*rules)->rules[i].class);
        base_free((*rules)->rules[i].channel);
    }
    base_free((*rules)->rules);
    base_free(*rules);
    *rules = NULL;
}

int rules_load(struct db *db, struct rules **rules_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    int rc = schema_meta_get(db, "rules", &text, err);
    if (rc == LANTOA_ENOENT) {
        text = base_strdup(rules_default_json);
    } else if (rc != 0) {
        return rc;
    }
    rc = base_json_parse(str_from(text), "rules", &doc, err);
    if (rc == 0) {
        rc = rules_parse(doc, rules_out, err);
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

const struct rule *rules_find(
    const struct rules *rules, const char *class, const char *channel_kind) {
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if ((strcmp(rule->class, "*") == 0 || strcmp(rule->class, class) == 0) &&
            (strcmp(rule->channel, "*") == 0 || strcmp(rule->channel, channel_kind) == 0)) {
            return rule;
        }
    }
    return &no_limits;
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
