/* Conditions on fields and ages: comparisons, in, between, is empty, starts with. */
#include "audience/segment_parser.h"

#include "base/text.h"
#include "base/tr.h"

enum { AGE_MOST = 1000, KEY_MOST = 4 * SEGMENT_TEXT_MOST };

/* ---- age ---- */

/* The smallest whole number of years that is at least the value. */
static int take_years(struct audience__parser *parser, double *years_out) {
    struct audience__value value;
    size_t at = parser->token.at;
    if (parser->token.kind != TOKEN_NUMBER) {
        return audience__expected(parser, TR("a number of years"));
    }
    int rc = audience__take_value(parser, NULL, true, &value);
    if (rc == 0 && (value.number < 0 || value.number > AGE_MOST)) {
        return audience__fail_at(
            parser, at, base_err_set(parser->err, LANTOA_EINVAL, TR("no age of a person")));
    }
    *years_out = value.number;
    return rc;
}

static int64_t ceiling(double value) {
    int64_t whole = (int64_t)value;
    return whole + ((double)whole < value);
}

static struct audience__node *age_node(
    struct audience__parser *parser, int64_t from, int64_t below) {
    struct audience__node *node = audience__node_new(parser, NODE_AGE);
    node->age_from = from;
    node->age_below = below;
    node->bounds = base_arena_alloc(parser->arena, sizeof(*node->bounds));
    node->bounds->day = INT64_MIN;
    return node;
}

static struct audience__node *age_compare(
    struct audience__parser *parser, enum audience__op op, double years) {
    int64_t up = ceiling(years);
    bool whole = (double)up == years;
    switch (op) {
    case OP_GE:
        return age_node(parser, up, AGE_NONE);
    case OP_GT:
        return age_node(parser, whole ? up + 1 : up, AGE_NONE);
    case OP_LT:
        return age_node(parser, AGE_NONE, up);
    case OP_LE:
        return age_node(parser, AGE_NONE, whole ? up + 1 : up);
    case OP_EQ:
    case OP_FOLDED:
        break;
    }
    return age_node(parser, up, whole ? up + 1 : up);
}

/* ---- comparisons ---- */

static int take_op(struct audience__parser *parser, enum audience__op *op_out, bool *negated_out) {
    static const struct {
        const char *sign;
        enum audience__op op;
        bool negated;
    } ops[] = {{"=", OP_EQ, false}, {"!=", OP_EQ, true}, {"<", OP_LT, false}, {"<=", OP_LE, false},
        {">", OP_GT, false}, {">=", OP_GE, false}, {"~", OP_FOLDED, false}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (audience__at_sign(parser, ops[i].sign)) {
            *op_out = ops[i].op;
            *negated_out = ops[i].negated;
            return audience__next(parser);
        }
    }
    return audience__expected(parser, TR("a comparison (= != < <= > >= ~ in between is)"));
}

static int fold_value(struct audience__parser *parser, const struct audience__operand *operand,
    size_t at, struct audience__value *value) {
    if (operand->column != COLUMN_name && operand->column != COLUMN_OUTLET_NAME) {
        return audience__fail_at(parser, at,
            base_err_set(parser->err, LANTOA_EINVAL, TR("~ compares names only (use = here)")));
    }
    struct base_buf key;
    base_buf_init(&key, KEY_MOST);
    int rc = base_text_key(&key, value->text);
    value->text = str_of(base_arena_strndup(parser->arena, key.at, key.bytes), key.bytes);
    value->is_number = false;
    base_buf_release(&key);
    return rc;
}

static int parse_compare(struct audience__parser *parser, const struct audience__operand *operand,
    bool age, struct audience__node **node_out) {
    enum audience__op op = OP_EQ;
    bool negated = false;
    size_t at = parser->token.at;
    int rc = take_op(parser, &op, &negated);
    if (rc == 0 && age) {
        double years = 0;
        rc = take_years(parser, &years);
        *node_out = age_compare(parser, op, years);
    } else if (rc == 0) {
        struct audience__value value;
        rc = audience__take_value(parser, operand, op == OP_EQ, &value);
        if (rc == 0 && op == OP_FOLDED) {
            rc = fold_value(parser, operand, at, &value);
        }
        *node_out = audience__compare_node(parser, operand, op, &value);
    }
    if (rc == 0 && negated) {
        *node_out = audience__node_not(parser, *node_out);
    }
    return rc;
}

static int parse_between(struct audience__parser *parser, const struct audience__operand *operand,
    bool age, struct audience__node **node_out) {
    struct audience__value values[2];
    double years[2] = {0};
    int rc = audience__next(parser);
    for (int i = 0; rc == 0 && i < 2; i++) {
        rc = age ? take_years(parser, &years[i])
                 : audience__take_value(parser, operand, false, &values[i]);
        if (rc == 0 && i == 0) {
            rc = audience__at_word(parser, "and") ? audience__next(parser)
                                                  : audience__expected(parser, "\"and\"");
        }
    }
    if (rc) {
        return rc;
    }
    struct audience__node_list list = {0};
    if (age) {
        audience__list_add(&list, age_compare(parser, OP_GE, years[0]));
        audience__list_add(&list, age_compare(parser, OP_LE, years[1]));
    } else {
        audience__list_add(&list, audience__compare_node(parser, operand, OP_GE, &values[0]));
        audience__list_add(&list, audience__compare_node(parser, operand, OP_LE, &values[1]));
    }
    *node_out = audience__list_node(parser, &list, NODE_AND);
    base_free(list.at);
    return 0;
}

static int parse_in(struct audience__parser *parser, const struct audience__operand *operand,
    bool age, struct audience__node **node_out) {
    struct audience__node_list ages = {0};
    struct audience__value *values = NULL;
    size_t count = 0;
    int rc = audience__next(parser);
    if (rc == 0) {
        rc = parser->token.kind == TOKEN_OPEN ? 0 : audience__expected(parser, "\"(\"");
    }
    do {
        rc = rc ? rc : audience__next(parser); /* over the bracket or the comma */
        double years = 0;
        if (rc == 0 && age) {
            rc = take_years(parser, &years);
            audience__list_add(&ages, age_compare(parser, OP_EQ, years));
        } else if (rc == 0) {
            values = base_realloc(values, (count + 1) * sizeof(*values));
            rc = audience__take_value(parser, operand, true, &values[count++]);
        }
    } while (rc == 0 && parser->token.kind == TOKEN_COMMA);
    if (rc == 0) {
        rc = parser->token.kind == TOKEN_CLOSE ? audience__next(parser)
                                               : audience__expected(parser, "\",\" / \")\"");
    }
    if (rc == 0 && age) {
        *node_out = audience__list_node(parser, &ages, NODE_OR);
    } else if (rc == 0) {
        struct audience__node *node = audience__node_new(parser, NODE_IN);
        node->operand = *operand;
        node->value_count = count;
        node->values = base_arena_alloc(parser->arena, count * sizeof(*values));
        memcpy(node->values, values, count * sizeof(*values));
        *node_out = node;
    }
    base_free(ages.at);
    base_free(values);
    return rc;
}

/* "is" ["not"] "empty": node becomes that, or its negation. */
int audience__parse_is_empty(struct audience__parser *parser, struct audience__node *node,
    struct audience__node **node_out) {
    int rc = audience__next(parser);
    bool negated = rc == 0 && audience__at_word(parser, "not");
    if (negated) {
        rc = audience__next(parser);
    }
    if (rc == 0) {
        rc = audience__at_word(parser, "empty") ? audience__next(parser)
                                                : audience__expected(parser, "\"empty\"");
    }
    *node_out = negated ? audience__node_not(parser, node) : node;
    return rc;
}

static int parse_starts(struct audience__parser *parser, const struct audience__operand *operand,
    struct audience__node **node_out) {
    int rc = audience__next(parser);
    if (rc == 0) {
        rc = audience__at_word(parser, "with") ? audience__next(parser)
                                               : audience__expected(parser, "\"with\"");
    }
    struct audience__value value = {0};
    if (rc == 0) {
        rc = audience__take_value(parser, NULL, true, &value);
    }
    if (rc == 0 && operand->column == COLUMN_email) {
        value.text = audience__names_small_letters(parser->names, value.text);
    }
    value.is_number = false;
    *node_out = audience__compare_node(parser, operand, OP_EQ, &value);
    (*node_out)->kind = NODE_STARTS;
    return rc;
}

static bool at_range(const struct audience__parser *parser, bool age) {
    return audience__at_word(parser, "in") || audience__at_word(parser, "between") ||
           (!age && audience__at_word(parser, "starts"));
}

/* The conditions that may be written with a "not" behind the field. */
static int parse_range(struct audience__parser *parser, const struct audience__operand *operand,
    bool age, struct audience__node **node_out) {
    if (!at_range(parser, age)) {
        return audience__expected(parser, "\"in\" / \"between\" / \"starts with\"");
    }
    if (audience__at_word(parser, "in")) {
        return parse_in(parser, operand, age, node_out);
    }
    return audience__at_word(parser, "between") ? parse_between(parser, operand, age, node_out)
                                                : parse_starts(parser, operand, node_out);
}

int audience__parse_field(struct audience__parser *parser, struct audience__node **node_out) {
    struct audience__operand operand = {.column = COLUMN_birth_date, .name = STR("birth_date")};
    size_t at = parser->token.at;
    bool age = !parser->segment->of_outlets && audience__at_word(parser, "age");
    int rc =
        age ? 0 : audience__names_operand(parser->names, parser->token.text, &operand, parser->err);
    if (rc) {
        return audience__fail_at(parser, at, rc);
    }
    rc = audience__next(parser);
    bool negated = rc == 0 && audience__at_word(parser, "not");
    rc = negated ? audience__next(parser) : rc;
    if (rc) {
        return rc;
    }
    if (!audience__outlet_allows(&operand, parser->token.text)) {
        return audience__fail_at(parser, parser->token.at,
            base_err_set(parser->err, LANTOA_EINVAL, TR("\"%.*s\" makes no sense for '%.*s'"),
                STR_ARG(parser->token.text), STR_ARG(operand.name)));
    }
    if (negated || at_range(parser, age)) {
        rc = parse_range(parser, &operand, age, node_out);
        if (rc == 0 && negated) {
            *node_out = audience__node_not(parser, *node_out);
        }
        return rc;
    }
    if (audience__at_word(parser, "is")) {
        struct audience__node *node = audience__node_new(parser, NODE_EMPTY);
        node->operand = operand;
        return audience__parse_is_empty(parser, node, node_out);
    }
    return parse_compare(parser, &operand, age, node_out);
}
