/* Reads the windows of attribution and answers for a channel and a touch. */
#include "conversion/touch_rules.h"

#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "store/schema.h"

#include "conversion_touch_rules.inc"

#define META_KEY "attribution"
#define ROWS_MOST 200
#define WORD_MOST 40
#define DAYS_MOST 366
#define DAY_MS INT64_C(86400000)

struct row {
    char channel[WORD_MOST + 1]; /* "*": any */
    int kind;                    /* enum touch_kind; -1: any */
    int64_t window_ms;
};

struct touch_rules {
    struct row *rows;
    size_t count;
    enum stats_credit_model model;
    double half_life_days;
};

const char *touch_kind_word(enum touch_kind kind) {
    static const char *const words[] = {
#define WORD(name, word, meaning) word,
        TOUCH_KINDS(WORD)
#undef WORD
    };
    return words[kind];
}

const char *touch_rules_default(void) {
    return (const char *)attribution_json;
}

bool touch_rules_are(const struct base_json *doc) {
    return json_object_get(base_json_root(doc), "attribution") != NULL;
}

/* --- reading --- */

struct reader {
    const struct base_json *doc;
    struct base_err *err;
    char path[60]; /* of the row */
};

static int fault(struct reader *r, const json_t *at, const char *field, const char *text) {
    char path[120];
    snprintf(path, sizeof path, "%s.%s", r->path, field);
    return base_json_fault(r->doc, at, path, r->err, "%s", text);
}

static int read_channel(struct reader *r, json_t *item, struct row *row) {
    json_t *value = json_object_get(item, "channel");
    const char *text = value ? json_string_value(value) : "*";
    size_t letters = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;
    if (!text ||
        (strcmp(text, "*") != 0 && (letters == 0 || letters > WORD_MOST || text[letters]))) {
        return fault(
            r, value ? value : item, "channel", TR("must be a word such as \"sms\", or \"*\""));
    }
    memcpy(row->channel, text, strlen(text) + 1);
    return 0;
}

static int read_kind(struct reader *r, json_t *item, struct row *row) {
    json_t *value = json_object_get(item, "touch");
    const char *text = value ? json_string_value(value) : "*";
    row->kind = -1;
    for (int kind = 0; text && kind < TOUCH_KIND_COUNT; kind++) {
        if (strcmp(text, touch_kind_word((enum touch_kind)kind)) == 0) {
            row->kind = kind;
        }
    }
    return text && (row->kind >= 0 || strcmp(text, "*") == 0)
               ? 0
               : fault(r, value, "touch",
                     TR("must be delivered, clicked, replied, visited, heard, or \"*\""));
}

static int read_row(struct reader *r, json_t *item, struct row *row) {
    const char *key;
    json_t *value;
    json_object_foreach(item, key, value) {
        if (strcmp(key, "channel") != 0 && strcmp(key, "touch") != 0 && strcmp(key, "days") != 0 &&
            strcmp(key, "source") != 0) {
            return fault(r, value, key, TR("there is no such field in a window of attribution"));
        }
    }
    json_t *days = json_object_get(item, "days");
    json_t *source = json_object_get(item, "source");
    if (!json_is_integer(days) || json_integer_value(days) < 0 ||
        json_integer_value(days) > DAYS_MOST) {
        return fault(r, days ? days : item, "days", TR("must be a whole number from 0 to 366"));
    }
    if (!json_is_string(source) || json_string_length(source) == 0) {
        return fault(r, source ? source : item, "source", TR("must say where the rule comes from"));
    }
    row->window_ms = json_integer_value(days) * DAY_MS;
    int rc = read_channel(r, item, row);
    return rc == 0 ? read_kind(r, item, row) : rc;
}

static int read_windows(struct reader *r, json_t *list, struct touch_rules *rules) {
    size_t i;
    json_t *item;
    if (!json_is_array(list) || json_array_size(list) > ROWS_MOST) {
        return base_json_fault(r->doc, list, "attribution.windows", r->err,
            TR("must be a list of at most %d windows"), ROWS_MOST);
    }
    rules->rows = base_alloc_array(json_array_size(list) + 1, sizeof *rules->rows);
    json_array_foreach(list, i, item) {
        struct row *row = &rules->rows[i];
        snprintf(r->path, sizeof r->path, "attribution.windows[%zu]", i);
        if (!json_is_object(item)) {
            return base_json_fault(r->doc, item, r->path, r->err, "%s", TR("must be an object"));
        }
        int rc = read_row(r, item, row);
        if (rc != 0) {
            return rc;
        }
        for (size_t k = 0; k < i; k++) {
            if (rules->rows[k].kind == row->kind &&
                strcmp(rules->rows[k].channel, row->channel) == 0) {
                return fault(
                    r, item, "channel", TR("a window above is for the same channel and touch"));
            }
        }
        rules->count++;
    }
    return 0;
}

static int read_object(struct reader *r, json_t *object, struct touch_rules *rules) {
    const char *key;
    json_t *value;
    snprintf(r->path, sizeof r->path, "attribution");
    json_object_foreach(object, key, value) {
        if (strcmp(key, "model") != 0 && strcmp(key, "half_life_days") != 0 &&
            strcmp(key, "windows") != 0) {
            return fault(r, value, key, TR("there is no such field in the rules of attribution"));
        }
    }
    json_t *model = json_object_get(object, "model");
    json_t *half_life = json_object_get(object, "half_life_days");
    struct base_err inner = {0};
    if (model && (!json_is_string(model) || stats_credit_model_parse(json_string_value(model),
                                                &rules->model, &inner) != 0)) {
        return fault(r, model, "model",
            TR("must be last, first, any, linear, position, decay, markov or shapley"));
    }
    if (half_life) {
        rules->half_life_days = json_number_value(half_life);
        if (!(rules->half_life_days >= 0.1 && rules->half_life_days <= DAYS_MOST)) {
            return fault(r, half_life, "half_life_days", TR("must be a number from 0.1 to 366"));
        }
    }
    return read_windows(r, json_object_get(object, "windows"), rules);
}

int touch_rules_parse(
    const struct base_json *doc, struct touch_rules **rules_out, struct base_err *err) {
    struct reader reader = {.doc = doc, .err = err};
    json_t *object = json_object_get(base_json_root(doc), "attribution");
    if (!json_is_object(object)) {
        return base_json_fault(doc, object, "attribution", err, "%s", TR("must be an object"));
    }
    struct touch_rules *rules = base_alloc(sizeof *rules);
    rules->model = STATS_CREDIT_LAST;
    rules->half_life_days = STATS_HALF_LIFE_DAYS;
    int rc = read_object(&reader, object, rules);
    if (rc != 0) {
        touch_rules_free(&rules);
        return rc;
    }
    *rules_out = rules;
    return 0;
}

void touch_rules_free(struct touch_rules **rules) {
    if (*rules) {
        base_free((*rules)->rows);
        base_free(*rules);
        *rules = NULL;
    }
}

/* --- in the database --- */

int touch_rules_text(struct db *db, char **text_out, struct base_err *err) {
    struct base_err missing = {0};
    int rc = schema_meta_get(db, META_KEY, text_out, &missing);
    if (rc == LANTOA_ENOENT) {
        *text_out = base_strdup(touch_rules_default());
        return 0;
    }
    return rc == 0 ? 0 : base_err_set(err, rc, "%s", missing.text);
}

int touch_rules_load(struct db *db, struct touch_rules **rules_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    int rc = touch_rules_text(db, &text, err);
    if (rc == 0) {
        rc = base_json_parse(str_from(text), META_KEY, &doc, err);
    }
    if (rc == 0) {
        rc = touch_rules_parse(doc, rules_out, err);
    }
    base_json_free(&doc);
    base_free(text);
    return rc;
}

int touch_rules_apply(struct db *db, const char *path, const char *who, struct base_err *err) {
    struct base_json *doc = NULL;
    struct touch_rules *rules = NULL;
    char *text = NULL;
    int rc = base_json_load(path, &doc, err);
    if (rc == 0) {
        rc = touch_rules_parse(doc, &rules, err);
    }
    if (rc == 0) {
        text = json_dumps(base_json_root(doc), JSON_COMPACT);
        rc = db_begin(db, err);
    }
    if (rc == 0) {
        rc = schema_meta_set(db, META_KEY, text, err);
        rc = rc == 0 ? audit_add(db, who, "apply", "attribution", path, err) : rc;
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    touch_rules_free(&rules);
    base_json_free(&doc);
    base_free(text);
    return rc;
}

/* --- asking --- */

int64_t touch_rules_window(
    const struct touch_rules *rules, const char *channel_kind, enum touch_kind kind) {
    int best = -1;
    int64_t window = -1;
    for (size_t i = 0; i < rules->count; i++) {
        const struct row *row = &rules->rows[i];
        bool any_channel = strcmp(row->channel, "*") == 0;
        if ((!any_channel && strcmp(row->channel, channel_kind) != 0) ||
            (row->kind >= 0 && row->kind != (int)kind)) {
            continue;
        }
        int exact = 2 * !any_channel + (row->kind >= 0);
        if (exact > best) {
            best = exact;
            window = row->window_ms;
        }
    }
    return window;
}

int64_t touch_rules_longest(const struct touch_rules *rules) {
    int64_t longest = 0;
    for (size_t i = 0; i < rules->count; i++) {
        longest = rules->rows[i].window_ms > longest ? rules->rows[i].window_ms : longest;
    }
    return longest;
}

enum stats_credit_model touch_rules_model(const struct touch_rules *rules) {
    return rules->model;
}

double touch_rules_half_life(const struct touch_rules *rules) {
    return rules->half_life_days;
}
