/* The price list of a channel: read, checked for rows that say two things at once, and made into
 * what counts on one day. */
#include "base/civil.h"
#include "base/tr.h"
#include "channel/price_private.h"
#include <stdlib.h>

#define ROWS_MOST 1000
#define LINES_MOST 20000
#define MINOR_MOST INT64_C(1000000000)

/* One prefix of one row. */
struct line {
    int64_t from_days, minor;
    char *class;                          /* "*": any */
    char prefix[CHANNEL_PREFIX_MOST + 1]; /* "": any */
    int owner;                            /* -1: the prefix was written out */
    int row;
};

struct channel_prices {
    struct channel_operators *operators;
    struct line *lines;
    size_t count, room;
};

struct reader {
    const struct base_json *doc;
    struct channel_prices *prices;
    struct base_err *err;
    int row;
    json_t *object;
};

static int fault(const struct reader *r, json_t *at, const char *field, const char *text) {
    char path[80];
    snprintf(path, sizeof(path), "prices[%d]%s%s", r->row, field[0] ? "." : "", field);
    return base_json_fault(r->doc, at ? at : r->object, path, r->err, "%s", text);
}

static int add_line(struct reader *r, struct line line, const char *prefix, json_t *at) {
    struct channel_prices *prices = r->prices;
    snprintf(line.prefix, sizeof(line.prefix), "%s", prefix);
    for (size_t i = 0; i < prices->count; i++) {
        const struct line *other = &prices->lines[i];
        if (other->from_days == line.from_days && strcmp(other->prefix, line.prefix) == 0 &&
            strcmp(other->class, line.class) == 0) {
            char text[200];
            snprintf(text, sizeof(text),
                TR("has the same class, prefix (%s) and day as prices[%d]"),
                prefix[0] ? prefix : "*", other->row);
            return fault(r, at, "", text);
        }
    }
    if (prices->count == LINES_MOST) {
        return fault(r, at, "", TR("is too large"));
    }
    if (prices->count == prices->room) {
        prices->room = prices->room ? 2 * prices->room : 64;
        prices->lines = base_realloc(prices->lines, prices->room * sizeof(*prices->lines));
    }
    line.class = base_strdup(line.class);
    prices->lines[prices->count++] = line;
    return 0;
}

static int add_operator(struct reader *r, struct line line, json_t *value) {
    const char *name = json_string_value(value);
    line.owner = name ? channel__operator_index(r->prices->operators, name) : -1;
    if (line.owner < 0) {
        return fault(
            r, value, "operator", TR("there is no such operator in config/rules/operators.json"));
    }
    size_t count;
    const struct channel__operator_prefix *all =
        channel__operator_prefixes(r->prices->operators, &count);
    int code = 0;
    for (size_t i = 0; i < count && !code; i++) {
        if (all[i].owner == line.owner) {
            code = add_line(r, line, all[i].prefix.at, value);
        }
    }
    return code;
}

static int add_prefix(struct reader *r, struct line line, json_t *value) {
    const char *prefix = value ? json_string_value(value) : "*";
    if (prefix && strcmp(prefix, "*") == 0) {
        return add_line(r, line, "", value);
    }
    if (!prefix || !channel__prefix_valid(prefix)) {
        return fault(r, value, "prefix",
            TR("must be the beginning of a number such as \"+8496\", or \"*\""));
    }
    return add_line(r, line, prefix, value);
}

static int add_prefixes(struct reader *r, struct line line, json_t *value) {
    if (!json_is_array(value)) {
        return add_prefix(r, line, value);
    }
    if (json_array_size(value) == 0) {
        return fault(r, value, "prefix", TR("must not be empty"));
    }
    size_t i;
    json_t *one;
    int code = 0;
    json_array_foreach(value, i, one) {
        code = code ? code : add_prefix(r, line, one);
    }
    return code;
}

static bool class_valid(const char *text) {
    size_t letters = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz_") : 0;
    return text && (strcmp(text, "*") == 0 || (letters > 0 && letters < 40 && !text[letters]));
}

static int check_keys(struct reader *r) {
    static const char *const known[] = {"from", "class", "prefix", "operator", "minor"};
    const char *key;
    json_t *value;
    json_object_foreach(r->object, key, value) {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], key) != 0) {
            i++;
        }
        if (i == sizeof(known) / sizeof(known[0])) {
            return fault(r, value, key, TR("there is no such field in a price"));
        }
    }
    return 0;
}

static int read_row(struct reader *r) {
    if (!json_is_object(r->object)) {
        return fault(r, NULL, "", TR("must be an object"));
    }
    json_t *from = json_object_get(r->object, "from");
    json_t *class = json_object_get(r->object, "class");
    json_t *minor = json_object_get(r->object, "minor");
    json_t *prefix = json_object_get(r->object, "prefix");
    json_t *carrier = json_object_get(r->object, "operator");
    const char *day = json_string_value(from);
    char word[] = "*";
    struct base_date date;
    struct line line = {.class = word, .owner = -1, .row = r->row};
    int code = check_keys(r);
    if (code) {
        return code;
    }
    if (!day || strlen(day) != BASE_DATE_MAX - 1 || day[4] != '-' ||
        base_parse_date(str_from(day), &date) != 0) {
        return fault(r, from, "from", TR("must be a day such as \"2026-01-01\""));
    }
    if (class && !class_valid(json_string_value(class))) {
        return fault(r, class, "class", TR("must be a message class, or \"*\""));
    }
    if (!json_is_integer(minor) || json_integer_value(minor) < 0 ||
        json_integer_value(minor) > MINOR_MOST) {
        return fault(r, minor, "minor", TR("must be a whole number of dong, at most 1000000000"));
    }
    if (prefix && carrier) {
        return fault(r, carrier, "operator", TR("stands beside prefix: give one of them"));
    }
    line.from_days = base_days_from_date(date);
    line.minor = json_integer_value(minor);
    char *owned = class ? base_strdup(json_string_value(class)) : NULL;
    line.class = owned ? owned : word;
    code = carrier ? add_operator(r, line, carrier) : add_prefixes(r, line, prefix);
    base_free(owned);
    return code;
}

int channel_prices_parse(const struct base_json *doc, json_t *list,
    struct channel_prices **prices_out, struct base_err *err) {
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > ROWS_MOST) {
        return base_json_fault(
            doc, list, "prices", err, TR("must be a list of 1 to %d prices"), ROWS_MOST);
    }
    struct reader reader = {
        .doc = doc, .prices = base_alloc(sizeof(struct channel_prices)), .err = err};
    int code = channel_operators_load(&reader.prices->operators, err);
    for (size_t i = 0; !code && i < json_array_size(list); i++) {
        reader.row = (int)i;
        reader.object = json_array_get(list, i);
        code = read_row(&reader);
    }
    if (code) {
        channel_prices_free(&reader.prices);
        return code;
    }
    *prices_out = reader.prices;
    return 0;
}

void channel_prices_free(struct channel_prices **prices) {
    struct channel_prices *old = *prices;
    if (!old) {
        return;
    }
    for (size_t i = 0; i < old->count; i++) {
        base_free(old->lines[i].class);
    }
    base_free(old->lines);
    channel_operators_free(&old->operators);
    base_free(old);
    *prices = NULL;
}

/* --- one class, one day --- */

struct choice {
    char prefix[CHANNEL_PREFIX_MOST + 1];
    size_t bytes;
    int64_t from_days, minor;
    bool own_class;
};

struct channel_tariff {
    struct choice *choices; /* the first that fits counts */
    size_t count;
};

static int compare(const void *left, const void *right) {
    const struct choice *a = left, *b = right;
    if (a->own_class != b->own_class) {
        return a->own_class ? -1 : 1;
    }
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes ? -1 : 1;
    }
    return (a->from_days < b->from_days) - (a->from_days > b->from_days);
}

/* Whether the operator has this prefix on that day. */
static bool still_his(const struct channel_prices *prices, const struct line *line, int64_t day) {
    return line->owner < 0 ||
           channel_operator_of(prices->operators, str_from(line->prefix), day) == line->owner;
}

struct channel_tariff *channel_tariff_new(
    const struct channel_prices *prices, const char *message_class, int64_t day) {
    struct channel_tariff *tariff = base_alloc(sizeof(*tariff));
    tariff->choices = base_alloc_array(prices->count + 1, sizeof(*tariff->choices));
    for (size_t i = 0; i < prices->count; i++) {
        const struct line *line = &prices->lines[i];
        bool own = strcmp(line->class, message_class) == 0;
        if (line->from_days > day || (!own && strcmp(line->class, "*") != 0) ||
            !still_his(prices, line, day)) {
            continue;
        }
        struct choice *choice = &tariff->choices[tariff->count++];
        *choice = (struct choice){.bytes = strlen(line->prefix),
            .from_days = line->from_days,
            .minor = line->minor,
            .own_class = own};
        memcpy(choice->prefix, line->prefix, sizeof(choice->prefix));
    }
    qsort(tariff->choices, tariff->count, sizeof(*tariff->choices), compare);
    return tariff;
}

void channel_tariff_free(struct channel_tariff **tariff) {
    if (*tariff) {
        base_free((*tariff)->choices);
        base_free(*tariff);
        *tariff = NULL;
    }
}

bool channel_tariff_find(
    const struct channel_tariff *tariff, struct str address, int64_t *minor_out) {
    for (size_t i = 0; i < tariff->count; i++) {
        const struct choice *choice = &tariff->choices[i];
        if (choice->bytes <= address.bytes &&
            memcmp(choice->prefix, address.at, choice->bytes) == 0) {
            *minor_out = choice->minor;
            return true;
        }
    }
    return false;
}
