/* Reads the dated tables of contributions and puts them in force. Knows nothing of how they are
 * reckoned with. */
#include "campaign/contribution_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "store/schema.h"

#include "contribution_default.inc"

#include <math.h>

enum { ROWS_MOST = 500, VND_MOST = 1000000000 };

static const char *const list_names[] = {
#define LIST_NAME(name, label) #name,
    CONTRIBUTION__LISTS(LIST_NAME)
#undef LIST_NAME
};

const char *contribution__list_label(enum contribution__list list) {
    static const char *const labels[] = {
#define LIST_LABEL(name, label) label,
        CONTRIBUTION__LISTS(LIST_LABEL)
#undef LIST_LABEL
    };
    return TR(labels[list]);
}

struct reader {
    const struct base_json *doc;
    struct contribution_tables *tables;
    char path[128]; /* of the row being read */
    json_t *row;
    struct base_err *err;
};

static int row_fault(struct reader *r, const char *field, const char *text) {
    char path[160];
    snprintf(path, sizeof path, "%s%s%s", r->path, field[0] ? "." : "", field);
    json_t *value = field[0] ? json_object_get(r->row, field) : r->row;
    return base_json_fault(r->doc, value ? value : r->row, path, r->err, "%s", text);
}

static int read_day(struct reader *r, const char *field, bool needed, int64_t *day_out) {
    json_t *value = json_object_get(r->row, field);
    struct base_date date;
    if (!value && !needed) {
        return 0;
    }
    const char *text = json_string_value(value);
    if (!text || base_parse_date(str_from(text), &date) != 0) {
        return row_fault(r, field, TR("must be a day like 2026-07-01"));
    }
    *day_out = base_days_from_date(date);
    return 0;
}

static int read_whole(
    struct reader *r, const char *field, int64_t least, int64_t most, int64_t *value_out) {
    json_t *value = json_object_get(r->row, field);
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most) {
        char text[128];
        snprintf(text, sizeof text, TR("must be a whole number from %lld to %lld"),
            (long long)least, (long long)most);
        return row_fault(r, field, text);
    }
    *value_out = json_integer_value(value);
    return 0;
}

/* Percent with at most two decimals, as basis points. */
static int read_percent(struct reader *r, int64_t *bp_out) {
    json_t *value = json_object_get(r->row, "percent");
    double percent = json_is_number(value) ? json_number_value(value) : -1;
    double bp = percent * 100;
    if (!(percent >= 0 && percent <= 100) || fabs(bp - nearbyint(bp)) > 1e-6) {
        return row_fault(
            r, "percent", TR("must be a percentage from 0 to 100 with at most two decimals"));
    }
    *bp_out = (int64_t)nearbyint(bp);
    return 0;
}

static int read_group(struct reader *r, uint32_t *groups_out) {
    const char *name = json_string_value(json_object_get(r->row, "group"));
    if (name && strcmp(name, "*") == 0) {
        *groups_out = UINT32_MAX;
        return 0;
    }
    for (size_t i = 0; name && i < r->tables->group_count; i++) {
        if (strcmp(r->tables->groups[i].name, name) == 0) {
            *groups_out = UINT32_C(1) << i;
            return 0;
        }
    }
    return row_fault(r, "group", TR("must be the name of a group of this file, or \"*\""));
}

static int read_bool(struct reader *r, const char *field, bool *value_out) {
    json_t *value = json_object_get(r->row, field);
    if (value && !json_is_boolean(value)) {
        return row_fault(r, field, TR("must be true or false"));
    }
    *value_out = json_is_true(value);
    return 0;
}

static int read_local(struct reader *r, struct contribution__row *row) {
    const char *base = json_string_value(json_object_get(r->row, "base"));
    int64_t months = 0;
    row->layer = json_string_value(json_object_get(r->row, "layer"));
    row->place = json_string_value(json_object_get(r->row, "place"));
    row->on_income = base && strcmp(base, "chosen_income") == 0;
    if (!row->layer || !row->layer[0]) {
        return row_fault(r, "layer", TR("must name the layer: rows of one layer do not add up"));
    }
    if (!row->place || !row->place[0]) {
        return row_fault(r, "place", TR("must be the code or name of a place, or \"*\""));
    }
    if (!row->on_income && (!base || strcmp(base, "poverty_line") != 0)) {
        return row_fault(r, "base", TR("must be \"poverty_line\" or \"chosen_income\""));
    }
    int rc = read_percent(r, &row->value);
    rc = rc ? rc : read_group(r, &row->groups);
    rc = rc ? rc : read_bool(r, "resident", &row->resident);
    if (rc == 0 && json_object_get(r->row, "months")) {
        rc = read_whole(r, "months", 1, 1200, &months);
    }
    row->months = (int)months;
    return rc;
}

static int read_deadline(struct reader *r, struct contribution__row *row) {
    const char *word = json_string_value(json_object_get(r->row, "method"));
    struct base_err why = {0};
    if (word && strcmp(word, "years") == 0) {
        row->method = (struct contribution_method){CONTRIBUTION_YEARS, 0};
    } else if (!word || contribution_method_parse(str_from(word), &row->method, &why) != 0 ||
               row->method.kind != CONTRIBUTION_MONTHS) {
        return row_fault(r, "method", TR("must be monthly, 3, 6, 12 or years"));
    }
    return read_whole(r, "within_months", 1, 60, &row->value);
}

static int read_fund_rate(struct reader *r, struct contribution__row *row) {
    json_t *value = json_object_get(r->row, "percent_a_month");
    double percent = json_is_number(value) ? json_number_value(value) : -1;
    if (!(percent >= 0 && percent <= 10)) {
        return row_fault(r, "percent_a_month", TR("must be a percentage a month from 0 to 10"));
    }
    row->rate = percent / 100;
    return 0;
}

static int read_values(
    struct reader *r, enum contribution__list list, struct contribution__row *row) {
    int rc;
    switch (list) {
    case CONTRIBUTION__rate:
        return read_percent(r, &row->value);
    case CONTRIBUTION__poverty_line:
    case CONTRIBUTION__reference_level:
        return read_whole(r, "vnd", 1, VND_MOST, &row->value);
    case CONTRIBUTION__ceiling:
        return read_whole(r, "times", 1, 1000, &row->value);
    case CONTRIBUTION__central:
        rc = read_percent(r, &row->value);
        return rc ? rc : read_group(r, &row->groups);
    case CONTRIBUTION__central_months:
        return read_whole(r, "months", 0, 1200, &row->value);
    case CONTRIBUTION__local:
        return read_local(r, row);
    case CONTRIBUTION__fund_rate:
        return read_fund_rate(r, row);
    case CONTRIBUTION__missing:
        rc = read_whole(r, "months", 1, 1200, &row->value);
        return rc ? rc : read_bool(r, "supported", &row->supported);
    case CONTRIBUTION__deadlines:
        return read_deadline(r, row);
    case CONTRIBUTION__LIST_COUNT:
        break;
    }
    return LANTOA_EINVAL;
}

/* Fields a row of each list may have besides from, to and source. */
static bool field_known(enum contribution__list list, const char *key) {
    static const char *const fields[] = {
        [CONTRIBUTION__rate] = " percent ",
        [CONTRIBUTION__poverty_line] = " vnd ",
        [CONTRIBUTION__reference_level] = " vnd ",
        [CONTRIBUTION__ceiling] = " times ",
        [CONTRIBUTION__central] = " group percent ",
        [CONTRIBUTION__central_months] = " months ",
        [CONTRIBUTION__local] = " layer place group percent base resident months ",
        [CONTRIBUTION__fund_rate] = " percent_a_month ",
        [CONTRIBUTION__missing] = " months supported ",
        [CONTRIBUTION__deadlines] = " method within_months ",
    };
    char word[40];
    int bytes = snprintf(word, sizeof word, " %s ", key);
    return bytes < (int)sizeof word &&
           (strstr(" from to source ", word) || strstr(fields[list], word));
}

static int read_row(struct reader *r, enum contribution__list list, struct contribution__row *row) {
    const char *key;
    json_t *value;
    if (!json_is_object(r->row)) {
        return row_fault(r, "", TR("must be an object"));
    }
    json_object_foreach(r->row, key, value) {
        if (!field_known(list, key)) {
            return row_fault(r, key, TR("there is no such field"));
        }
    }
    row->to_days = INT64_MAX;
    row->source = json_string_value(json_object_get(r->row, "source"));
    if (!row->source || !row->source[0]) {
        return row_fault(r, "source", TR("must say where the value comes from"));
    }
    int rc = read_day(r, "from", true, &row->from_days);
    rc = rc ? rc : read_day(r, "to", false, &row->to_days);
    if (rc == 0 && row->to_days < row->from_days) {
        rc = row_fault(r, "to", TR("the last day lies before the first"));
    }
    return rc ? rc : read_values(r, list, row);
}

/* Two values of the same thing on the same day: the law cannot mean both. */
static int check_overlaps(struct reader *r, enum contribution__list list) {
    const struct contribution__row *rows = r->tables->rows[list];
    for (size_t i = 0; i < r->tables->counts[list]; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct contribution__row *a = &rows[k], *b = &rows[i];
            bool same = list == CONTRIBUTION__central ? a->groups == b->groups
                        : list == CONTRIBUTION__local
                            ? a->groups == b->groups && strcmp(a->layer, b->layer) == 0 &&
                                  strcmp(a->place, b->place) == 0
                        : list == CONTRIBUTION__deadlines ? a->method.kind == b->method.kind &&
                                                                a->method.months == b->method.months
                                                          : true;
            if (same && a->from_days <= b->to_days && b->from_days <= a->to_days) {
                char path[96];
                snprintf(path, sizeof path, "contribution.%s[%zu]", list_names[list], i);
                json_t *all = json_object_get(
                    json_object_get(base_json_root(r->doc), "contribution"), list_names[list]);
                return base_json_fault(r->doc, json_array_get(all, i), path, r->err,
                    TR("is in force on the same days as row %zu: end one of them with \"to\""), k);
            }
        }
    }
    return 0;
}

static int read_list(struct reader *r, json_t *root, enum contribution__list list) {
    json_t *rows = json_object_get(root, list_names[list]);
    char path[96];
    snprintf(path, sizeof path, "contribution.%s", list_names[list]);
    size_t most = list == CONTRIBUTION__local ? CONTRIBUTION_LAYERS_MOST : ROWS_MOST;
    if (!json_is_array(rows) || json_array_size(rows) > most) {
        return base_json_fault(r->doc, rows ? rows : root, path, r->err,
            TR("must be a list of at most %zu rows"), most);
    }
    size_t count = json_array_size(rows);
    r->tables->rows[list] = base_alloc_array(count + 1, sizeof(struct contribution__row));
    r->tables->counts[list] = count;
    for (size_t i = 0; i < count; i++) {
        snprintf(r->path, sizeof r->path, "%s[%zu]", path, i);
        r->row = json_array_get(rows, i);
        int rc = read_row(r, list, &r->tables->rows[list][i]);
        if (rc) {
            return rc;
        }
    }
    return check_overlaps(r, list);
}

/* --- groups and attributes --- */

static void add_word(struct contribution__group *group, const char *text) {
    struct base_buf key;
    base_buf_init(&key, 256);
    if (text && group->word_count < sizeof group->words / sizeof group->words[0] &&
        base_text_key(&key, str_from(text)) == 0 && key.bytes > 0) {
        group->words[group->word_count++] = base_buf_take(&key);
    }
    base_buf_release(&key);
}

static int read_groups(struct reader *r, json_t *root) {
    json_t *list = json_object_get(root, "groups"), *item, *word;
    size_t i, k;
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > CONTRIBUTION_GROUPS_MOST) {
        return base_json_fault(r->doc, list ? list : root, "contribution.groups", r->err,
            TR("must be a list of at most %zu rows"), (size_t)CONTRIBUTION_GROUPS_MOST);
    }
    json_array_foreach(list, i, item) {
        struct contribution__group *group = &r->tables->groups[r->tables->group_count++];
        snprintf(r->path, sizeof r->path, "contribution.groups[%zu]", i);
        r->row = item;
        group->name = json_string_value(json_object_get(item, "name"));
        group->vi = json_string_value(json_object_get(item, "vi"));
        group->en = json_string_value(json_object_get(item, "en"));
        if (!group->name || !group->vi || !group->en) {
            return row_fault(r, "", TR("needs \"name\", \"vi\" and \"en\""));
        }
        add_word(group, group->name);
        add_word(group, group->vi);
        add_word(group, group->en);
        json_array_foreach(json_object_get(item, "words"), k, word) {
            add_word(group, json_string_value(word));
        }
        if (strcmp(group->name, "other") == 0) {
            r->tables->other = UINT32_C(1) << i;
        }
    }
    if (r->tables->other == 0) {
        return base_json_fault(r->doc, list, "contribution.groups", r->err, "%s",
            TR("needs the group \"other\": everybody belongs to it"));
    }
    return 0;
}

static int read_attributes(struct reader *r, json_t *root) {
    static const char *const names[] = {"income", "group", "months", "resident"};
    json_t *all = json_object_get(root, "attributes"), *list, *item;
    for (size_t a = 0; a < CONTRIBUTION__ATTRIBUTES; a++) {
        size_t i;
        list = json_object_get(all, names[a]);
        json_array_foreach(list, i, item) {
            if (!json_is_string(item) || i >= CONTRIBUTION__NAMES_MOST) {
                return base_json_fault(r->doc, list, "contribution.attributes", r->err,
                    TR("must be a list of at most %zu rows"), (size_t)CONTRIBUTION__NAMES_MOST);
            }
            r->tables->attributes[a][r->tables->attribute_counts[a]++] =
                str_from(json_string_value(item));
        }
    }
    return 0;
}

static int check_keys(struct reader *r, json_t *root) {
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        bool known = strcmp(key, "source") == 0 || strcmp(key, "groups") == 0 ||
                     strcmp(key, "attributes") == 0;
        for (size_t i = 0; i < CONTRIBUTION__LIST_COUNT; i++) {
            known = known || strcmp(key, list_names[i]) == 0;
        }
        if (!known) {
            char path[96];
            snprintf(path, sizeof path, "contribution.%.60s", key);
            return base_json_fault(r->doc, value, path, r->err, "%s", TR("there is no such field"));
        }
    }
    return 0;
}

int contribution_parse(
    struct base_json *doc, struct contribution_tables **tables_out, struct base_err *err) {
    struct contribution_tables *tables = base_alloc(sizeof *tables);
    tables->doc = doc;
    struct reader r = {.doc = doc, .tables = tables, .err = err};
    json_t *root = json_object_get(base_json_root(doc), "contribution");
    int rc = json_is_object(root)
                 ? check_keys(&r, root)
                 : base_json_fault(doc, root, "contribution", err, "%s", TR("must be an object"));
    rc = rc ? rc : read_groups(&r, root);
    rc = rc ? rc : read_attributes(&r, root);
    for (int i = 0; rc == 0 && i < CONTRIBUTION__LIST_COUNT; i++) {
        rc = read_list(&r, root, (enum contribution__list)i);
    }
    if (rc) {
        contribution_free(&tables);
        return rc;
    }
    *tables_out = tables;
    return 0;
}

void contribution_free(struct contribution_tables **tables) {
    struct contribution_tables *t = *tables;
    if (!t) {
        return;
    }
    for (size_t i = 0; i < CONTRIBUTION__LIST_COUNT; i++) {
        base_free(t->rows[i]);
    }
    for (size_t i = 0; i < t->group_count; i++) {
        for (size_t k = 0; k < t->groups[i].word_count; k++) {
            base_free(t->groups[i].words[k]);
        }
    }
    base_json_free(&t->doc);
    base_free(t);
    *tables = NULL;
}

/* --- in the database --- */

int contribution_text(struct db *db, char **text_out, struct base_err *err) {
    int rc = schema_meta_get(db, "contribution", text_out, err);
    if (rc == LANTOA_ENOENT) {
        *text_out = base_strdup((const char *)contribution_default_json);
        if (err) {
            *err = (struct base_err){0};
        }
        rc = 0;
    }
    return rc;
}

int contribution_load(
    struct db *db, struct contribution_tables **tables_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    int rc = contribution_text(db, &text, err);
    rc = rc ? rc : base_json_parse(str_from(text), "contribution", &doc, err);
    rc = rc ? rc : contribution_parse(doc, tables_out, err);
    base_free(text);
    return rc;
}

int contribution_apply(struct db *db, const char *path, const char *who, struct base_err *err) {
    struct base_json *doc = NULL;
    struct contribution_tables *tables = NULL;
    int rc = base_json_load(path, &doc, err);
    rc = rc ? rc : contribution_parse(doc, &tables, err);
    if (rc) {
        return rc;
    }
    char *text = json_dumps(base_json_root(tables->doc), JSON_COMPACT | JSON_PRESERVE_ORDER);
    rc = db_begin(db, err);
    if (rc == 0) {
        rc = schema_meta_set(db, "contribution", text, err);
        rc = rc ? rc : audit_add(db, who, "apply", "contribution", path, err);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    base_free(text);
    contribution_free(&tables);
    return rc;
}
