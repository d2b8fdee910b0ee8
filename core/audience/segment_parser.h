/* What the parts of the expression parser share. Private to core/audience. On a fault each function
 * sets the parser's err and fault_at (a byte offset) and returns the code. */
#ifndef AUDIENCE_SEGMENT_PARSER_H
#define AUDIENCE_SEGMENT_PARSER_H

#include "audience/segment_lex.h"
#include "audience/segment_names.h"

#define SEGMENT_TEXT_MOST (64 * 1024)
enum { NESTED_MOST = 16 };

struct audience__parser {
    struct segment *segment;
    struct base_arena *arena;
    struct audience__names *names;
    struct base_err *err;
    struct str source;
    size_t pos;
    struct audience__token token; /* the one to be looked at next */
    size_t fault_at;
    int depth;
    size_t values, nodes;
    int64_t nested_ids[NESTED_MOST]; /* of the saved segments being parsed */
    int nested;
};

/* A growing list of children; audience__list_node moves it into the arena. The caller frees at. */
struct audience__node_list {
    struct audience__node **at;
    size_t count, room;
};

int audience__fail_at(struct audience__parser *parser, size_t at, int code);
int audience__expected(struct audience__parser *parser, const char *what);
int audience__next(struct audience__parser *parser) LANTOA_MUST_CHECK;
bool audience__at_word(const struct audience__parser *parser, const char *word);
bool audience__at_sign(const struct audience__parser *parser, const char *sign);

struct audience__node *audience__node_new(
    struct audience__parser *parser, enum audience__node_kind kind);
struct audience__node *audience__node_not(
    struct audience__parser *parser, struct audience__node *child);
struct audience__node *audience__compare_node(struct audience__parser *parser,
    const struct audience__operand *operand, enum audience__op op,
    const struct audience__value *value);
struct audience__question *audience__question_new(struct audience__parser *parser);
void audience__list_add(struct audience__node_list *list, struct audience__node *node);
/* The only child itself, or a node of that kind over all of them. */
struct audience__node *audience__list_node(struct audience__parser *parser,
    struct audience__node_list *list, enum audience__node_kind kind);

/* Take the token and move on. operand NULL: the value is taken as it is. */
int audience__take_text(struct audience__parser *parser, struct str *text_out) LANTOA_MUST_CHECK;
int audience__take_value(struct audience__parser *parser, const struct audience__operand *operand,
    bool exact, struct audience__value *value_out) LANTOA_MUST_CHECK;

/* Parses text in the language of contacts, or of outlets. own_campaign as in segment_parse_own. */
int audience__segment_parse(struct db *db, struct str text, struct str own_campaign,
    bool of_outlets, struct segment **segment_out, int *column_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Conditions; each begins with its first word as the token. */
int audience__parse_field(struct audience__parser *parser, struct audience__node **node_out);
int audience__parse_place(struct audience__parser *parser, struct audience__node **node_out);
int audience__parse_covers(struct audience__parser *parser, struct audience__node **node_out);
int audience__parse_consent(struct audience__parser *parser, struct audience__node **node_out);
int audience__parse_got(struct audience__parser *parser, struct audience__node **node_out);
int audience__parse_has(struct audience__parser *parser, struct audience__node **node_out);
/* "is" ["not"] "empty": *node_out is node, or its negation. */
int audience__parse_is_empty(
    struct audience__parser *parser, struct audience__node *node, struct audience__node **node_out);

#endif
