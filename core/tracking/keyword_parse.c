/* Reading keyword rules, and putting them in force. */
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "store/schema.h"
#include "tracking/keyword.h"
#include "tracking/keyword_fold.h"

#include "tracking_keywords.inc"

#define RULES_MOST 200
#define PATTERNS_MOST 100
#define PATTERN_BYTES_MOST 100
#define WORD_MOST 64 /* names, channel kinds */
#define CONFIRM_BYTES_MOST 1000

struct reader {
    const struct base_json *doc;
    char path[64]; /* of the rule: keywords[3] */
    struct base_err *err;
};

static int fault(const struct reader *r, const json_t *value, const char *key, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s%s%s", r->path, key[0] ? "." : "", key);
    return base_json_fault(r->doc, value, path, r->err, "%s", text);
}

/* --- single fields --- */

static int read_word(const struct reader *r, json_t *value, const char *key, char **word_out) {
    const char *text = json_string_value(value);
    if (!text || !*text || strlen(text) > WORD_MOST || base_text_has_control(str_from(text))) {
        return fault(r, value, key, TR("must be a text of 1 to 64 characters"));
    }
    *word_out = base_strdup(text);
    return 0;
}

static int read_act(const struct reader *r, json_t *value, enum keyword_act *act_out) {
    const char *text = json_string_value(value);
    for (int act = KEYWORD_OPT_OUT; text && act <= KEYWORD_HELP; act++) {
        if (strcmp(text, keyword_act_word((enum keyword_act)act)) == 0) {
            *act_out = (enum keyword_act)act;
            return 0;
        }
    }
    return fault(r, value, "act", TR("must be \"opt_out\", \"interest\" or \"help\""));
}

static int read_match(const struct reader *r, json_t *value, bool *whole_out) {
    const char *text = json_string_value(value);
    if (!text || (strcmp(text, "first") != 0 && strcmp(text, "whole") != 0)) {
        return fault(r, value, "match", TR("must be \"first\" or \"whole\""));
    }
    *whole_out = strcmp(text, "whole") == 0;
    return 0;
}

static int read_date(const struct reader *r, json_t *value, const char *key,
    struct base_date *date_out, bool *has_out) {
    const char *text = json_string_value(value);
    if (!text || base_parse_date(str_from(text), date_out) != 0) {
        return fault(r, value, key, TR("must be a day like \"2026-12-01\""));
    }
    *has_out = true;
    return 0;
}

/* exact: with their accents. */
static int read_patterns(const struct reader *r, json_t *list, const char *key, bool exact,
    struct keyword_pattern **patterns_out, size_t *count_out) {
    size_t i;
    json_t *item;
    if (!json_is_array(list) || json_array_size(list) > PATTERNS_MOST) {
        return fault(r, list, key, TR("must be a list of at most 100 texts"));
    }
    *patterns_out = base_alloc_array(json_array_size(list) + 1, sizeof **patterns_out);
    json_array_foreach(list, i, item) {
        struct keyword_words words;
        char at[32];
        snprintf(at, sizeof at, "%s[%zu]", key, i);
        if (!json_is_string(item) || json_string_length(item) > PATTERN_BYTES_MOST) {
            return fault(r, item, at, TR("must be a text of at most 100 bytes"));
        }
        keyword_words_read(
            &words, str_of(json_string_value(item), json_string_length(item)), PATTERN_BYTES_MOST);
        struct base_buf *folded = exact ? &words.exact : &words.keys;
        if (words.count > 0 && folded->bytes > 0) {
            struct keyword_pattern *pattern = &(*patterns_out)[(*count_out)++];
            pattern->bytes = folded->bytes;
            pattern->key = base_buf_take(folded);
        }
        bool empty = words.count == 0;
        keyword_words_release(&words);
        if (empty) {
            return fault(r, item, at, TR("has no letter or digit"));
        }
    }
    return 0;
}

static bool placeholders_known(const char *text) {
    static const char known[] = "{{received}}";
    for (const char *at = text; (at = strstr(at, "{{")); at += sizeof known - 1) {
        if (strncmp(at, known, sizeof known - 1) != 0) {
            return false;
        }
    }
    return true;
}

static int read_confirm(const struct reader *r, json_t *object, struct keyword_rule *rule) {
    const char *lang;
    json_t *value;
    if (!json_is_object(object)) {
        return fault(r, object, "confirm", TR("must be an object of texts: \"vi\", \"en\""));
    }
    json_object_foreach(object, lang, value) {
        char key[WORD_MOST];
        const char *text = json_string_value(value);
        bool vi = strcmp(lang, "vi") == 0;
        snprintf(key, sizeof key, "confirm.%.50s", lang);
        if (!vi && strcmp(lang, "en") != 0) {
            return fault(r, value, key, TR("the languages are \"vi\" and \"en\""));
        }
        if (!text || !*text || json_string_length(value) > CONFIRM_BYTES_MOST ||
            base_text_has_control(str_from(text))) {
            return fault(r, value, key, TR("must be a text of 1 to 1000 bytes"));
        }
        if (!placeholders_known(text)) {
            return fault(r, value, key, TR("only {{received}} may stand in braces"));
        }
        *(vi ? &rule->confirm_vi : &rule->confirm_en) = base_strdup(text);
    }
    return rule->confirm_vi ? 0 : fault(r, object, "confirm", TR("the text \"vi\" is missing"));
}

/* --- one rule --- */

static int read_field(
    const struct reader *r, const char *key, json_t *value, struct keyword_rule *rule) {
    if (strcmp(key, "name") == 0) {
        return read_word(r, value, key, &rule->name);
    }
    if (strcmp(key, "channel") == 0) {
        return read_word(r, value, key, &rule->channel);
    }
    if (strcmp(key, "lang") == 0) {
        const char *lang = json_string_value(value);
        if (!lang || (strcmp(lang, "vi") != 0 && strcmp(lang, "en") != 0)) {
            return fault(r, value, key, TR("the languages are \"vi\" and \"en\""));
        }
        return read_word(r, value, key, &rule->lang);
    }
    if (strcmp(key, "act") == 0) {
        return read_act(r, value, &rule->act);
    }
    if (strcmp(key, "match") == 0) {
        return read_match(r, value, &rule->whole);
    }
    if (strcmp(key, "from") == 0) {
        return read_date(r, value, key, &rule->from, &rule->has_from);
    }
    if (strcmp(key, "to") == 0) {
        return read_date(r, value, key, &rule->to, &rule->has_to);
    }
    if (strcmp(key, "patterns") == 0) {
        return read_patterns(r, value, key, false, &rule->patterns, &rule->pattern_count);
    }
    if (strcmp(key, "except") == 0) {
        return read_patterns(r, value, key, true, &rule->except, &rule->except_count);
    }
    if (strcmp(key, "confirm") == 0) {
        return read_confirm(r, value, rule);
    }
    return strcmp(key, "source") == 0 && json_is_string(value)
               ? 0
               : fault(r, value, key, TR("is no field of a keyword rule"));
}

static int read_rule(const struct reader *r, json_t *item, struct keyword_rule *rule) {
    const char *key;
    json_t *value;
    if (!json_is_object(item)) {
        return fault(r, item, "", TR("must be an object"));
    }
    json_object_foreach(item, key, value) {
        int rc = read_field(r, key, value, rule);
        if (rc != 0) {
            return rc;
        }
    }
    static const char *const needed[] = {"name", "act", "channel", "lang", "match", "patterns"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!json_object_get(item, needed[i])) {
            return fault(r, item, needed[i], TR("is missing"));
        }
    }
    if (rule->pattern_count == 0) {
        return fault(r, json_object_get(item, "patterns"), "patterns", TR("is empty"));
    }
    if (rule->has_from && rule->has_to &&
        base_days_from_date(rule->to) < base_days_from_date(rule->from)) {
        return fault(r, json_object_get(item, "to"), "to", TR("is before \"from\""));
    }
    /* A refusal must be confirmed (Decree 91/2020), and a call for help wants an answer. */
    if (rule->act != KEYWORD_INTEREST && !rule->confirm_vi) {
        return fault(r, item, "confirm", TR("is missing"));
    }
    return 0;
}

/* --- all of them --- */

static bool overlap(const struct keyword_rule *a, const struct keyword_rule *b) {
    bool a_first =
        a->has_to && b->has_from && base_days_from_date(a->to) < base_days_from_date(b->from);
    bool b_first =
        b->has_to && a->has_from && base_days_from_date(b->to) < base_days_from_date(a->from);
    return !a_first && !b_first && strcmp(a->channel, b->channel) == 0;
}

static bool has_pattern(const struct keyword_rule *rule, const struct keyword_pattern *pattern) {
    for (size_t i = 0; i < rule->pattern_count; i++) {
        if (rule->patterns[i].bytes == pattern->bytes &&
            memcmp(rule->patterns[i].key, pattern->key, pattern->bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* A later rule with the same name, or with a pattern of an earlier one. */
static int check_clash(const struct reader *r, json_t *item, const struct keywords *k) {
    const struct keyword_rule *last = &k->rules[k->count - 1];
    char text[300];
    for (size_t i = 0; i + 1 < k->count; i++) {
        const struct keyword_rule *other = &k->rules[i];
        if (strcmp(other->name, last->name) == 0) {
            snprintf(text, sizeof text, TR("there are two rules \"%s\""), last->name);
            return fault(r, json_object_get(item, "name"), "name", text);
        }
        for (size_t p = 0; p < last->pattern_count && overlap(last, other); p++) {
            if (has_pattern(other, &last->patterns[p])) {
                char key[32];
                snprintf(key, sizeof key, "patterns[%zu]", p);
                snprintf(text, sizeof text,
                    TR("\"%s\" is a pattern of rule \"%s\" already: what it means is ambiguous"),
                    last->patterns[p].key, other->name);
                return fault(r, json_array_get(json_object_get(item, "patterns"), p), key, text);
            }
        }
    }
    return 0;
}

static int read_top(
    const struct base_json *doc, struct keywords *k, json_t **list_out, struct base_err *err) {
    json_t *root = base_json_root(doc);
    const char *key;
    json_t *value;
    const char *zone = "Asia/Ho_Chi_Minh";
    struct base_err inner = {0};
    if (!json_is_object(root)) {
        return base_json_fault(doc, root, "", err, "%s", TR("must be an object"));
    }
    json_object_foreach(root, key, value) {
        bool known = strcmp(key, "keywords") == 0 || strcmp(key, "timezone") == 0 ||
                     strcmp(key, "source") == 0 || strcmp(key, "$schema") == 0;
        if (!known) {
            return base_json_fault(doc, value, key, err, "%s", TR("is no field of a keyword file"));
        }
    }
    value = json_object_get(root, "timezone");
    zone = value ? json_string_value(value) : zone;
    if (!zone || calendar_zone_find(zone, &k->zone, &inner) != 0) {
        return base_json_fault(
            doc, value, "timezone", err, "%s", zone ? inner.text : TR("must be a text"));
    }
    *list_out = json_object_get(root, "keywords");
    if (!json_is_array(*list_out) || json_array_size(*list_out) > RULES_MOST) {
        return base_json_fault(
            doc, *list_out, "keywords", err, TR("must be a list of at most %d rules"), RULES_MOST);
    }
    return 0;
}

int keywords_parse(
    const struct base_json *doc, struct keywords **keywords_out, struct base_err *err) {
    struct keywords *k = base_alloc(sizeof *k);
    struct reader r = {.doc = doc, .err = err};
    json_t *list = NULL;
    json_t *item;
    size_t i;
    int rc = read_top(doc, k, &list, err);
    k->rules = base_alloc_array(json_array_size(list) + 1, sizeof *k->rules);
    json_array_foreach(list, i, item) {
        if (rc != 0) {
            break;
        }
        snprintf(r.path, sizeof r.path, "keywords[%zu]", i);
        rc = read_rule(&r, item, &k->rules[k->count++]);
        if (rc == 0) {
            rc = check_clash(&r, item, k);
        }
    }
    if (rc != 0) {
        keywords_free(&k);
        return rc;
    }
    *keywords_out = k;
    return 0;
}

static void free_patterns(struct keyword_pattern *patterns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        base_free(patterns[i].key);
    }
    base_free(patterns);
}

void keywords_free(struct keywords **keywords) {
    struct keywords *k = *keywords;
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        struct keyword_rule *rule = &k->rules[i];
        base_free(rule->name);
        base_free(rule->channel);
        base_free(rule->lang);
        base_free(rule->confirm_vi);
        base_free(rule->confirm_en);
        free_patterns(rule->patterns, rule->pattern_count);
        free_patterns(rule->except, rule->except_count);
    }
    base_free(k->rules);
    base_free(k);
    *keywords = NULL;
}

/* --- in force --- */

const char *keywords_default(void) {
    return (const char *)keywords_json;
}

int keywords_text(struct db *db, char **json_out, struct base_err *err) {
    struct base_err inner = {0};
    int rc = schema_meta_get(db, "keywords", json_out, &inner);
    if (rc == LANTOA_ENOENT) {
        *json_out = base_strdup(keywords_default());
        rc = 0;
    }
    return rc == 0 ? 0 : base_err_set(err, rc, "%s", inner.text);
}

static int store(
    struct db *db, const char *text, const char *path, const char *who, struct base_err *err) {
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = schema_meta_set(db, "keywords", text, err);
    if (rc == 0) {
        rc = audit_add(db, who, "apply", "keywords", path, err);
    }
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int keywords_apply(
    struct db *db, const char *path, const char *who, size_t *count_out, struct base_err *err) {
    struct base_json *doc = NULL;
    struct keywords *keywords = NULL;
    int rc = base_json_load(path, &doc, err);
    if (rc == 0) {
        rc = keywords_parse(doc, &keywords, err);
    }
    if (rc == 0) {
        char *text = json_dumps(base_json_root(doc), JSON_COMPACT | JSON_PRESERVE_ORDER);
        *count_out = keywords->count;
        rc = store(db, text, path, who, err);
        base_free(text);
    }
    keywords_free(&keywords);
    base_json_free(&doc);
    return rc;
}
