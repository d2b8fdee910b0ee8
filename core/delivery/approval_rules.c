/* Reads the rules of approval and answers for a campaign. */
#include "delivery/approval_rules.h"

#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "store/schema.h"

#define META_KEY "approvals"
#define ROWS_MOST 200
#define APPROVERS_MOST 9
#define VALID_MOST_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

const char approval_rules_default_json[] =
    "{\"approvals\": [{\"class\": \"emergency\", \"channel\": \"*\", \"approvers\": 2, \"reason\": "
    "true, \"valid_for\": \"PT24H\", \"source\": \"an emergency passes hours, caps and refusals "
    "(Law 91/2025/QH15 art. 19.1 a, b): two people say why\"}]}";

struct row {
    char *class, *channel; /* "*": any */
    int64_t from_days, until_days, above, valid_ms;
    int approvers;
    bool author, reason;
};

struct approval_rules {
    struct row *rows;
    size_t count;
    bool refuse_over_budget, built_in;
};

struct reader {
    const struct base_json *doc;
    struct base_err *err;
    json_t *row;
    size_t index;
    int code;
};

static void fault(struct reader *r, json_t *at, const char *field, const char *text) {
    char path[80];
    if (r->code == 0) {
        snprintf(path, sizeof path, "approvals[%zu].%s", r->index, field);
        r->code = base_json_fault(r->doc, at ? at : r->row, path, r->err, "%s", text);
    }
}

static char *read_word(struct reader *r, const char *field) {
    json_t *value = json_object_get(r->row, field);
    const char *text = value ? json_string_value(value) : "*";
    size_t letters = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz_-") : 0;
    if (!text || (strcmp(text, "*") != 0 && (letters == 0 || letters > 40 || text[letters]))) {
        fault(r, value, field, TR("must be a word such as \"sms\", or \"*\""));
        return base_strdup("*");
    }
    return base_strdup(text);
}

static int64_t read_day(struct reader *r, const char *field, int64_t fallback) {
    json_t *value = json_object_get(r->row, field);
    const char *text = json_string_value(value);
    struct base_date date;
    if (!value) {
        return fallback;
    }
    if (!text || strlen(text) != BASE_DATE_MAX - 1 || text[4] != '-' ||
        base_parse_date(str_from(text), &date) != 0) {
        fault(r, value, field, TR("must be a day such as \"2026-01-01\""));
        return fallback;
    }
    return base_days_from_date(date);
}

static int64_t read_number(
    struct reader *r, const char *field, int64_t fallback, int64_t least, int64_t most) {
    json_t *value = json_object_get(r->row, field);
    char text[100];
    if (!value) {
        return fallback;
    }
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most) {
        snprintf(text, sizeof text, TR("must be a whole number from %lld to %lld"),
            (long long)least, (long long)most);
        fault(r, value, field, text);
        return fallback;
    }
    return json_integer_value(value);
}

static bool read_flag(struct reader *r, const char *field) {
    json_t *value = json_object_get(r->row, field);
    if (value && !json_is_boolean(value)) {
        fault(r, value, field, TR("must be true or false"));
    }
    return json_is_true(value);
}

static int64_t read_valid(struct reader *r) {
    json_t *value = json_object_get(r->row, "valid_for");
    const char *text = json_string_value(value);
    struct base_duration duration;
    if (!value) {
        return 0;
    }
    if (!text || base_parse_duration(str_from(text), &duration) != 0 || duration.months ||
        duration.ms <= 0 || duration.ms > VALID_MOST_MS) {
        fault(r, value, "valid_for",
            TR("must be a duration like \"P14D\" or \"PT24H\", at most a year"));
        return 0;
    }
    return duration.ms;
}

static void check_keys(struct reader *r) {
    static const char *const known[] = {"from", "until", "class", "channel", "audience_above",
        "approvers", "author", "reason", "valid_for", "source"};
    const char *key;
    json_t *value;
    json_object_foreach(r->row, key, value) {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(known[i], key) != 0) {
            i++;
        }
        if (i == sizeof known / sizeof known[0]) {
            fault(r, value, key, TR("there is no such field in a rule of approval"));
        }
    }
    if (!json_is_string(json_object_get(r->row, "source"))) {
        fault(r, json_object_get(r->row, "source"), "source",
            TR("must say where the rule comes from"));
    }
}

/* Two rows for the same campaigns whose days overlap. */
static void check_overlap(struct reader *r, const struct approval_rules *rules) {
    const struct row *row = &rules->rows[r->index];
    for (size_t i = 0; i < r->index; i++) {
        const struct row *other = &rules->rows[i];
        if (strcmp(row->class, other->class) == 0 && strcmp(row->channel, other->channel) == 0 &&
            row->above == other->above && row->from_days < other->until_days &&
            other->from_days < row->until_days) {
            char text[160];
            snprintf(text, sizeof text,
                TR("holds on the same days for the same campaigns as approvals[%zu]"), i);
            fault(r, NULL, "from", text);
        }
    }
}

static void read_row(struct reader *r, struct approval_rules *rules) {
    struct row *row = &rules->rows[rules->count++];
    *row = (struct row){.class = read_word(r, "class"),
        .channel = read_word(r, "channel"),
        .from_days = read_day(r, "from", INT64_MIN),
        .until_days = read_day(r, "until", INT64_MAX),
        .above = read_number(r, "audience_above", 0, 0, INT64_C(1000000000000)),
        .approvers = (int)read_number(r, "approvers", 1, 1, APPROVERS_MOST),
        .author = read_flag(r, "author"),
        .reason = read_flag(r, "reason"),
        .valid_ms = read_valid(r)};
    if (row->from_days >= row->until_days) {
        fault(r, json_object_get(r->row, "until"), "until", TR("must be later than from"));
    }
    check_keys(r);
    check_overlap(r, rules);
}

bool approval_rules_are(const struct base_json *doc) {
    return json_object_get(base_json_root(doc), "approvals") != NULL;
}

static int check_top(const struct base_json *doc, struct base_err *err) {
    json_t *root = base_json_root(doc);
    json_t *list = json_object_get(root, "approvals");
    json_t *refuse = json_object_get(root, "refuse_over_budget");
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        if (strcmp(key, "approvals") != 0 && strcmp(key, "refuse_over_budget") != 0 &&
            strcmp(key, "note") != 0 && strcmp(key, "$schema") != 0) {
            return base_json_fault(doc, value, key, err, "%s",
                TR("stands in a file with approvals, which it may not"));
        }
    }
    if (!json_is_array(list) || json_array_size(list) > ROWS_MOST) {
        return base_json_fault(
            doc, list, "approvals", err, TR("must be a list of at most %d rules"), ROWS_MOST);
    }
    if (refuse && !json_is_boolean(refuse)) {
        return base_json_fault(
            doc, refuse, "refuse_over_budget", err, "%s", TR("must be true or false"));
    }
    return 0;
}

int approval_rules_parse(
    const struct base_json *doc, struct approval_rules **rules_out, struct base_err *err) {
    json_t *list = json_object_get(base_json_root(doc), "approvals");
    struct reader r = {.doc = doc, .err = err};
    r.code = check_top(doc, err);
    if (r.code != 0) {
        return r.code;
    }
    struct approval_rules *rules = base_alloc(sizeof *rules);
    rules->rows = base_alloc_array(json_array_size(list) + 1, sizeof *rules->rows);
    rules->refuse_over_budget =
        json_is_true(json_object_get(base_json_root(doc), "refuse_over_budget"));
    for (; r.index < json_array_size(list) && r.code == 0; r.index++) {
        r.row = json_array_get(list, r.index);
        if (!json_is_object(r.row)) {
            fault(&r, NULL, "", TR("must be an object"));
        } else {
            read_row(&r, rules);
        }
    }
    if (r.code != 0) {
        approval_rules_free(&rules);
        return r.code;
    }
    *rules_out = rules;
    return 0;
}

void approval_rules_free(struct approval_rules **rules) {
    if (!*rules) {
        return;
    }
    for (size_t i = 0; i < (*rules)->count; i++) {
        base_free((*rules)->rows[i].class);
        base_free((*rules)->rows[i].channel);
    }
    base_free((*rules)->rows);
    base_free(*rules);
    *rules = NULL;
}

int approval_rules_load(struct db *db, struct approval_rules **rules_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    struct base_err none = {0};
    int rc = schema_meta_get(db, META_KEY, &text, &none);
    bool built_in = rc == LANTOA_ENOENT;
    if (rc != 0 && !built_in) {
        return base_err_set(err, rc, "%s", none.text);
    }
    rc = base_json_parse(
        str_from(built_in ? approval_rules_default_json : text), META_KEY, &doc, err);
    if (rc == 0) {
        rc = approval_rules_parse(doc, rules_out, err);
    }
    if (rc == 0) {
        (*rules_out)->built_in = built_in;
    }
    base_json_free(&doc);
    base_free(text);
    return rc;
}

int approval_rules_apply(struct db *db, const char *path, const char *who, struct base_err *err) {
    struct base_json *doc = NULL;
    struct approval_rules *rules = NULL;
    int rc = base_json_load(path, &doc, err);
    if (rc == 0) {
        rc = approval_rules_parse(doc, &rules, err);
    }
    if (rc == 0) {
        rc = db_begin(db, err);
    }
    if (rc == 0) {
        char *text = json_dumps(base_json_root(doc), JSON_COMPACT);
        rc = schema_meta_set(db, META_KEY, text, err);
        base_free(text);
        if (rc == 0) {
            rc = audit_add(db, who, "apply", "approval rules", path, err);
        }
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    approval_rules_free(&rules);
    base_json_free(&doc);
    return rc;
}

/* --- one campaign --- */

void approval_need_init(const struct approval_rules *rules, struct approval_need *need_out) {
    *need_out = (struct approval_need){.approvers = 1,
        .author_may = true,
        .refuse_over_budget = rules->refuse_over_budget,
        .built_in = rules->built_in};
}

static bool any_or(const char *wanted, const char *word) {
    return strcmp(wanted, "*") == 0 || strcmp(wanted, word) == 0;
}

void approval_need_add(const struct approval_rules *rules, const char *message_class,
    const char *channel_kind, int64_t people, int64_t day, struct approval_need *need) {
    for (size_t i = 0; i < rules->count; i++) {
        const struct row *row = &rules->rows[i];
        if (day < row->from_days || day >= row->until_days || people <= row->above ||
            !any_or(row->class, message_class) || !any_or(row->channel, channel_kind)) {
            continue;
        }
        need->approvers = row->approvers > need->approvers ? row->approvers : need->approvers;
        need->author_may = need->author_may && row->author;
        need->reason = need->reason || row->reason;
        if (row->valid_ms && (need->valid_ms == 0 || row->valid_ms < need->valid_ms)) {
            need->valid_ms = row->valid_ms;
        }
    }
}
