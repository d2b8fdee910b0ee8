/* The tools of the grammar: tokens, faults, nodes, values. */
#include "audience/segment_parser.h"

#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

enum { SEGMENT_VALUES_MOST = 10000, NFC_MOST = 4 * SEGMENT_TEXT_MOST };

/* ---- helpers ---- */

int audience__fail_at(struct audience__parser *parser, size_t at, int code) {
    parser->fault_at = at;
    return code;
}

int audience__next(struct audience__parser *parser) {
    return audience__lex(
        parser->source, &parser->pos, &parser->token, &parser->fault_at, parser->err);
}

bool audience__at_word(const struct audience__parser *parser, const char *word) {
    return parser->token.kind == TOKEN_WORD && str_case_eq(parser->token.text, str_from(word));
}

bool audience__at_sign(const struct audience__parser *parser, const char *sign) {
    return parser->token.kind == TOKEN_SIGN && str_is(parser->token.text, sign);
}

int audience__expected(struct audience__parser *parser, const char *what) {
    struct str text = parser->token.text;
    int rc = parser->token.kind == TOKEN_END
                 ? base_err_set(parser->err, LANTOA_EINVAL,
                       TR("%s expected, but the expression ends here"), what)
                 : base_err_set(parser->err, LANTOA_EINVAL, TR("%s expected before \"%.*s\""), what,
                       (int)base_utf8_cut(text, 40), text.at);
    return audience__fail_at(parser, parser->token.at, rc);
}

struct audience__node *audience__node_new(
    struct audience__parser *parser, enum audience__node_kind kind) {
    struct audience__node *node = base_arena_alloc(parser->arena, sizeof(*node));
    node->kind = kind;
    node->age_from = node->age_below = AGE_NONE;
    parser->nodes++;
    return node;
}

struct audience__node *audience__node_not(
    struct audience__parser *parser, struct audience__node *child) {
    struct audience__node *node = audience__node_new(parser, NODE_NOT);
    node->children = base_arena_alloc(parser->arena, sizeof(struct audience__node *));
    node->children[0] = child;
    node->child_count = 1;
    return node;
}

void audience__list_add(struct audience__node_list *list, struct audience__node *node) {
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 8;
        list->at = base_realloc(list->at, list->room * sizeof(struct audience__node *));
    }
    list->at[list->count++] = node;
}

struct audience__node *audience__list_node(struct audience__parser *parser,
    struct audience__node_list *list, enum audience__node_kind kind) {
    if (list->count == 1) {
        return list->at[0];
    }
    struct audience__node *node = audience__node_new(parser, kind);
    node->child_count = list->count;
    node->children = base_arena_alloc(parser->arena, list->count * sizeof(struct audience__node *));
    memcpy(node->children, list->at, list->count * sizeof(struct audience__node *));
    return node;
}

/* ---- values ---- */

/* The text of a token, quotes made single, in NFC. */
int audience__take_text(struct audience__parser *parser, struct str *text_out) {
    if (parser->token.kind != TOKEN_TEXT) {
        return audience__expected(parser, TR("a text in 'quotes'"));
    }
    struct str raw = parser->token.text;
    char *plain = base_arena_strndup(parser->arena, raw.at, raw.bytes);
    size_t bytes = 0;
    for (size_t i = 0; i < raw.bytes; i++) {
        plain[bytes++] = raw.at[i];
        i += raw.at[i] == '\'';
    }
    struct base_buf nfc;
    base_buf_init(&nfc, NFC_MOST);
    int rc = base_text_nfc(&nfc, str_of(plain, bytes));
    *text_out = str_of(base_arena_strndup(parser->arena, nfc.at, nfc.bytes), nfc.bytes);
    base_buf_release(&nfc);
    if (rc) {
        (void)base_err_set(parser->err, LANTOA_EINVAL, TR("the text is not valid"));
        return audience__fail_at(parser, parser->token.at, LANTOA_EINVAL);
    }
    return audience__next(parser);
}

int audience__take_value(struct audience__parser *parser, const struct audience__operand *operand,
    bool exact, struct audience__value *value_out) {
    size_t at = parser->token.at;
    *value_out = (struct audience__value){0};
    if (++parser->values > SEGMENT_VALUES_MOST) {
        return audience__fail_at(parser, at,
            base_err_set(
                parser->err, LANTOA_ELIMIT, TR("more than %d values"), SEGMENT_VALUES_MOST));
    }
    int rc;
    if (parser->token.kind == TOKEN_NUMBER) {
        value_out->is_number = true;
        value_out->text = parser->token.text;
        rc = base_parse_f64(value_out->text, &value_out->number);
        if (rc) {
            (void)base_err_set(parser->err, LANTOA_EINVAL, TR("not a number"));
            return audience__fail_at(parser, at, rc);
        }
        value_out->text =
            str_of(base_arena_strndup(parser->arena, value_out->text.at, value_out->text.bytes),
                value_out->text.bytes);
        rc = audience__next(parser);
    } else {
        bool date = audience__at_word(parser, "date");
        rc = date ? audience__next(parser) : 0;
        rc = rc ? rc : audience__take_text(parser, &value_out->text);
        struct base_date day;
        if (rc == 0 && date && base_parse_date(value_out->text, &day)) {
            (void)base_err_set(parser->err, LANTOA_EINVAL, TR("not a date"));
            rc = LANTOA_EINVAL;
            parser->fault_at = at;
        }
    }
    if (rc == 0 && value_out->text.bytes == 0) {
        (void)base_err_set(parser->err, LANTOA_EINVAL,
            TR("an empty text: write \"is empty\" or \"is not empty\""));
        return audience__fail_at(parser, at, LANTOA_EINVAL);
    }
    if (rc == 0 && operand) {
        rc = audience__names_value(parser->names, operand, exact, value_out, parser->err);
        parser->fault_at = rc ? at : parser->fault_at;
    }
    return rc;
}

struct audience__node *audience__compare_node(struct audience__parser *parser,
    const struct audience__operand *operand, enum audience__op op,
    const struct audience__value *value) {
    struct audience__node *node = audience__node_new(parser, NODE_COMPARE);
    node->operand = *operand;
    node->op = op;
    node->values = base_arena_alloc(parser->arena, sizeof(*value));
    node->values[0] = *value;
    node->value_count = 1;
    return node;
}

struct audience__question *audience__question_new(struct audience__parser *parser) {
    struct audience__question *question = base_arena_alloc(parser->arena, sizeof(*question));
    question->next = parser->segment->questions;
    parser->segment->questions = question;
    return question;
}
