/* The table of operators, as built in from config/rules/operators.json. */
#include "base/civil.h"
#include "base/tr.h"
#include "channel/price_private.h"
#include "channel_operators.inc"

struct channel_operators {
    struct base_json *doc; /* owns the names */
    struct channel__operator_prefix *prefixes;
    size_t count, room;
    const char *names[CHANNEL_OPERATORS_MOST];
    size_t name_count;
};

bool channel__prefix_valid(const char *text) {
    size_t digits = text[0] == '+' ? strspn(text + 1, "0123456789") : 0;
    return digits > 0 && digits < CHANNEL_PREFIX_MOST && text[1 + digits] == '\0';
}

int channel__operator_index(const struct channel_operators *operators, const char *name) {
    for (size_t i = 0; i < operators->name_count; i++) {
        if (strcmp(operators->names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const struct channel__operator_prefix *channel__operator_prefixes(
    const struct channel_operators *operators, size_t *count_out) {
    *count_out = operators->count;
    return operators->prefixes;
}

static int read_row(struct channel_operators *operators, json_t *row, struct base_err *err) {
    const char *name = json_string_value(json_object_get(row, "operator"));
    const char *from = json_string_value(json_object_get(row, "from"));
    json_t *prefixes = json_object_get(row, "prefixes");
    struct base_date date;
    if (!name || !from || base_parse_date(str_from(from), &date) != 0) {
        return base_json_fault(
            operators->doc, row, "operators", err, "%s", TR("needs operator, from and prefixes"));
    }
    int index = channel__operator_index(operators, name);
    if (index < 0 && operators->name_count == CHANNEL_OPERATORS_MOST) {
        return base_json_fault(operators->doc, row, "operators", err, "%s", TR("is too large"));
    }
    if (index < 0) {
        index = (int)operators->name_count;
        operators->names[operators->name_count++] = name;
    }
    size_t i;
    json_t *value;
    json_array_foreach(prefixes, i, value) {
        const char *prefix = json_string_value(value);
        if (!prefix || !channel__prefix_valid(prefix)) {
            return base_json_fault(operators->doc, value, "prefixes", err, "%s",
                TR("must be the beginning of a number such as \"+8496\", or \"*\""));
        }
        if (operators->count == operators->room) {
            operators->room = operators->room ? 2 * operators->room : 64;
            operators->prefixes =
                base_realloc(operators->prefixes, operators->room * sizeof(*operators->prefixes));
        }
        operators->prefixes[operators->count++] =
            (struct channel__operator_prefix){str_from(prefix), base_days_from_date(date), index};
    }
    return 0;
}

int channel_operators_load(struct channel_operators **operators_out, struct base_err *err) {
    struct channel_operators *operators = base_alloc(sizeof(*operators));
    struct str text = {(const char *)operators_json, sizeof(operators_json) - 1};
    int code = base_json_parse(text, "operators.json", &operators->doc, err);
    json_t *list = code ? NULL : json_object_get(base_json_root(operators->doc), "operators");
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row) {
        code = code ? code : read_row(operators, row, err);
    }
    if (code) {
        channel_operators_free(&operators);
        return code;
    }
    *operators_out = operators;
    return 0;
}

void channel_operators_free(struct channel_operators **operators) {
    if (*operators) {
        base_json_free(&(*operators)->doc);
        base_free((*operators)->prefixes);
        base_free(*operators);
        *operators = NULL;
    }
}

int channel_operator_of(
    const struct channel_operators *operators, struct str address, int64_t day) {
    const struct channel__operator_prefix *best = NULL;
    for (size_t i = 0; i < operators->count; i++) {
        const struct channel__operator_prefix *row = &operators->prefixes[i];
        if (row->from_days > day || !str_starts(address, row->prefix)) {
            continue;
        }
        bool longer = !best || row->prefix.bytes > best->prefix.bytes;
        bool newer =
            best && row->prefix.bytes == best->prefix.bytes && row->from_days > best->from_days;
        if (longer || newer) {
            best = row;
        }
    }
    return best ? best->owner : -1;
}

const char *channel_operator_name(const struct channel_operators *operators, int index) {
    return index < 0 ? "" : operators->names[index];
}
