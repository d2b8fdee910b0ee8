/* The grammar of segment.h, by recursive descent. Knows no SQL. */
#include "audience/segment_parser.h"

#include "base/text.h"
#include "base/tr.h"

enum {
    DEPTH_MOST = 64,
    NODES_MOST = 20000 /* segments within segments could multiply without end */
};

static int parse_or(struct audience__parser *parser, struct audience__node **node_out);
static int parse_source(
    struct audience__parser *parser, struct str source, struct audience__node **node_out);

static int parse_segment(struct audience__parser *parser, struct audience__node **node_out) {
    int rc = audience__next(parser);
    size_t at = parser->token.at;
    struct str name = {0}, expression = {0};
    int64_t id = 0;
    rc = rc ? rc : audience__take_text(parser, &name);
    if (rc) {
        return rc;
    }
    rc = audience__names_segment(parser->names, name, &id, &expression, parser->err);
    for (int i = 0; rc == 0 && i < parser->nested; i++) {
        if (parser->nested_ids[i] == id) {
            rc = base_err_set(
                parser->err, LANTOA_EINVAL, TR("segment '%.*s' contains itself"), STR_ARG(name));
        }
    }
    if (rc == 0 && parser->nested == NESTED_MOST) {
        rc = base_err_set(
            parser->err, LANTOA_ELIMIT, TR("segments within segments deeper than %d"), NESTED_MOST);
    }
    if (rc) {
        return audience__fail_at(parser, at, rc);
    }
    struct audience__used *used = base_arena_alloc(parser->arena, sizeof *used);
    *used = (struct audience__used){.name = name, .next = parser->segment->used};
    parser->segment->used = used;
    struct str outer_source = parser->source;
    size_t outer_pos = parser->pos;
    struct audience__token outer_token = parser->token;
    parser->nested_ids[parser->nested++] = id;
    rc = parse_source(parser, expression, node_out);
    parser->nested--;
    if (rc) {
        size_t column = base_utf8_count(str_of(expression.at, parser->fault_at)) + 1;
        (void)base_err_prefix(
            parser->err, TR("in segment '%.*s', column %zu"), STR_ARG(name), column);
        parser->fault_at = at;
    }
    parser->source = outer_source;
    parser->pos = outer_pos;
    parser->token = outer_token;
    return rc;
}

static int parse_primary(struct audience__parser *parser, struct audience__node **node_out) {
    if (parser->token.kind == TOKEN_OPEN) {
        int rc = audience__next(parser);
        rc = rc ? rc : parse_or(parser, node_out);
        if (rc == 0) {
            rc = parser->token.kind == TOKEN_CLOSE ? audience__next(parser)
                                                   : audience__expected(parser, "\")\"");
        }
        return rc;
    }
    static const struct {
        const char *word;
        int (*parse)(struct audience__parser *parser, struct audience__node **node_out);
        bool of_contacts, of_outlets;
    } words[] = {{"has", audience__parse_has, true, false},
        {"place", audience__parse_place, true, true}, {"segment", parse_segment, true, false},
        {"consent", audience__parse_consent, true, false},
        {"got", audience__parse_got, true, false}, {"covers", audience__parse_covers, false, true}};
    bool of_outlets = parser->segment->of_outlets;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if ((of_outlets ? words[i].of_outlets : words[i].of_contacts) &&
            audience__at_word(parser, words[i].word)) {
            return words[i].parse(parser, node_out);
        }
    }
    if (audience__at_word(parser, "all")) {
        *node_out = audience__node_new(parser, NODE_ALL);
        return audience__next(parser);
    }
    if (!of_outlets && audience__at_word(parser, "enrolled")) {
        parser->segment->asks_enrolled = true;
        *node_out = audience__node_new(parser, NODE_ENROLLED);
        return audience__next(parser);
    }
    if (parser->token.kind != TOKEN_WORD) {
        return audience__expected(parser, TR("a condition"));
    }
    return audience__parse_field(parser, node_out);
}

static int parse_not(struct audience__parser *parser, struct audience__node **node_out) {
    size_t at = parser->token.at;
    bool negated = false;
    int rc = 0;
    while (rc == 0 && audience__at_word(parser, "not")) {
        negated = !negated;
        rc = audience__next(parser);
    }
    if (rc == 0 && ++parser->depth > DEPTH_MOST) {
        rc = audience__fail_at(parser, at,
            base_err_set(
                parser->err, LANTOA_ELIMIT, TR("nested deeper than %d levels"), DEPTH_MOST));
    }
    rc = rc ? rc : parse_primary(parser, node_out);
    if (rc == 0 && parser->nodes > NODES_MOST) {
        rc = audience__fail_at(parser, at,
            base_err_set(parser->err, LANTOA_ELIMIT, TR("the expression is too large")));
    }
    parser->depth--;
    if (rc == 0 && negated) {
        *node_out = audience__node_not(parser, *node_out);
    }
    return rc;
}

static int parse_chain(struct audience__parser *parser, const char *word,
    enum audience__node_kind kind,
    int (*parse)(struct audience__parser *parser, struct audience__node **node_out),
    struct audience__node **node_out) {
    struct audience__node_list list = {0};
    struct audience__node *node = NULL;
    int rc = parse(parser, &node);
    audience__list_add(&list, node);
    while (rc == 0 && audience__at_word(parser, word)) {
        rc = audience__next(parser);
        rc = rc ? rc : parse(parser, &node);
        audience__list_add(&list, node);
    }
    *node_out = rc ? NULL : audience__list_node(parser, &list, kind);
    base_free(list.at);
    return rc;
}

static int parse_and(struct audience__parser *parser, struct audience__node **node_out) {
    return parse_chain(parser, "and", NODE_AND, parse_not, node_out);
}

static int parse_or(struct audience__parser *parser, struct audience__node **node_out) {
    return parse_chain(parser, "or", NODE_OR, parse_and, node_out);
}

static int parse_source(
    struct audience__parser *parser, struct str source, struct audience__node **node_out) {
    parser->source = source;
    parser->pos = 0;
    int rc = audience__next(parser);
    rc = rc ? rc : parse_or(parser, node_out);
    if (rc == 0 && parser->token.kind != TOKEN_END) {
        rc = audience__expected(parser, TR("\"and\", \"or\" or the end"));
    }
    return rc;
}

int segment_parse(struct db *db, struct str text, struct segment **segment_out, int *column_out,
    struct base_err *err) {
    return segment_parse_own(db, text, (struct str){0}, segment_out, column_out, err);
}

int segment_parse_own(struct db *db, struct str text, struct str own_campaign,
    struct segment **segment_out, int *column_out, struct base_err *err) {
    return audience__segment_parse(db, text, own_campaign, false, segment_out, column_out, err);
}

int audience__segment_parse(struct db *db, struct str text, struct str own_campaign,
    bool of_outlets, struct segment **segment_out, int *column_out, struct base_err *err) {
    if (text.bytes > SEGMENT_TEXT_MOST || !base_utf8_valid(text)) {
        if (column_out) {
            *column_out = 1;
        }
        return base_err_set(err, LANTOA_EINVAL,
            TR("the expression is no UTF-8 text of at most %d KiB"), SEGMENT_TEXT_MOST / 1024);
    }
    struct segment *segment = base_alloc(sizeof(*segment));
    segment->arena = base_arena_new();
    segment->of_outlets = of_outlets;
    segment->postgresql = strcmp(db_dialect(db), "postgresql") == 0;
    base_buf_init(&segment->scratch, 2 * 1024 * 1024);
    base_buf_init(&segment->key, 2 * 1024 * 1024);
    struct audience__names names = {
        .db = db, .arena = segment->arena, .own_campaign = own_campaign, .of_outlets = of_outlets};
    struct base_err own_err = {0};
    struct audience__parser parser = {
        .segment = segment, .arena = segment->arena, .names = &names, .err = err ? err : &own_err};
    struct str source =
        str_of(base_arena_strndup(segment->arena, text.at ? text.at : "", text.bytes), text.bytes);
    int rc = parse_source(&parser, source, &segment->root);
    audience__names_release(&names);
    if (rc) {
        size_t column = base_utf8_count(str_of(source.at, parser.fault_at)) + 1;
        (void)base_err_prefix(parser.err, TR("column %zu"), column);
        if (column_out) {
            *column_out = (int)column;
        }
        segment_free(&segment);
        return rc;
    }
    *segment_out = segment;
    return 0;
}

void segment_free(struct segment **segment) {
    struct segment *own = *segment;
    if (!own) {
        return;
    }
    for (struct audience__question *q = own->questions; q; q = q->next) {
        db_finish(&q->stmt);
    }
    base_buf_release(&own->scratch);
    base_buf_release(&own->key);
    base_arena_free(&own->arena);
    base_free(own);
    *segment = NULL;
}

bool segment_uses(const struct segment *segment, struct str name) {
    for (const struct audience__used *used = segment->used; used; used = used->next) {
        if (str_eq(used->name, name)) {
            return true;
        }
    }
    return false;
}

bool segment_asks_enrolled(const struct segment *segment) {
    return segment->asks_enrolled;
}
