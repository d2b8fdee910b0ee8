/* Conditions that are no field: place, consent, got, has. */
#include "audience/segment_parser.h"

#include "audience/place.h"
#include "base/tr.h"

#include <stdlib.h>

/* ---- places ---- */

static int id_compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static struct audience__node *place_node(
    struct audience__parser *parser, int64_t *ids, size_t count) {
    struct audience__node *node = audience__node_new(parser, NODE_PLACE);
    node->ids = base_arena_alloc(parser->arena, (count + 1) * sizeof(*ids));
    if (count > 0) {
        memcpy(node->ids, ids, count * sizeof(*ids));
    }
    node->id_count = count;
    qsort(node->ids, count, sizeof(*ids), id_compare);
    return node;
}

/* One named place: its ids are added to *ids_io. */
static int take_place(struct audience__parser *parser, int64_t **ids_io, size_t *count_io) {
    struct str name = {0};
    size_t at = parser->token.at;
    int rc = audience__take_text(parser, &name);
    if (rc) {
        return rc;
    }
    int64_t *found = NULL;
    size_t count = 0;
    rc = place_find(parser->names->db, name, &found, &count, parser->err);
    if (rc) {
        return audience__fail_at(parser, at, rc);
    }
    *ids_io = base_realloc(*ids_io, (*count_io + count) * sizeof(**ids_io));
    memcpy(*ids_io + *count_io, found, count * sizeof(*found));
    *count_io += count;
    base_free(found);
    return 0;
}

/* What stands behind "place" or "covers". */
static int parse_places(struct audience__parser *parser, enum audience__node_kind kind,
    struct audience__node **node_out) {
    int rc = audience__next(parser);
    if (rc == 0 && kind == NODE_PLACE && audience__at_word(parser, "is")) {
        return audience__parse_is_empty(
            parser, audience__node_new(parser, NODE_NO_PLACE), node_out);
    }
    bool not_under = rc == 0 && audience__at_word(parser, "not");
    rc = not_under ? audience__next(parser) : rc;
    bool under = rc == 0 && audience__at_word(parser, "under");
    bool negated = not_under || (rc == 0 && audience__at_sign(parser, "!="));
    if (rc == 0 && not_under && !under) {
        rc = audience__expected(parser, "\"under\"");
    }
    if (rc == 0 && !under && !negated && !audience__at_sign(parser, "=")) {
        rc = audience__expected(parser, TR("\"under\", = or \"is empty\""));
    }
    int64_t *ids = NULL;
    size_t count = 0;
    do {
        rc = rc ? rc : audience__next(parser);
        rc = rc ? rc : take_place(parser, &ids, &count);
    } while (rc == 0 && under && parser->token.kind == TOKEN_COMMA);
    if (rc == 0 && under) {
        int64_t *all = NULL;
        rc = place_under(parser->names->db, ids, count, &all, &count, parser->err);
        base_free(ids);
        ids = all;
    }
    if (rc == 0) {
        *node_out = place_node(parser, ids, count);
        (*node_out)->kind = kind;
        *node_out = negated ? audience__node_not(parser, *node_out) : *node_out;
    }
    base_free(ids);
    return rc;
}

int audience__parse_place(struct audience__parser *parser, struct audience__node **node_out) {
    return parse_places(parser, NODE_PLACE, node_out);
}

int audience__parse_covers(struct audience__parser *parser, struct audience__node **node_out) {
    return parse_places(parser, NODE_COVERS, node_out);
}

int audience__parse_consent(struct audience__parser *parser, struct audience__node **node_out) {
    int rc = audience__next(parser);
    if (rc == 0) {
        rc = audience__at_word(parser, "for") ? audience__next(parser)
                                              : audience__expected(parser, "\"for\"");
    }
    size_t at = parser->token.at;
    struct audience__value value = {0};
    rc = rc ? rc : audience__take_text(parser, &value.text);
    if (rc == 0 && (rc = audience__names_purpose(value.text, parser->err)) != 0) {
        return audience__fail_at(parser, at, rc);
    }
    struct audience__operand none = {.column = COLUMN_ATTRIBUTE};
    *node_out = audience__compare_node(parser, &none, OP_EQ, &value);
    (*node_out)->kind = NODE_CONSENT;
    (*node_out)->question = audience__question_new(parser);
    return rc;
}

int audience__parse_got(struct audience__parser *parser, struct audience__node **node_out) {
    int rc = audience__next(parser);
    size_t at = parser->token.at;
    struct str campaign = {0};
    struct audience__value step = {0};
    int64_t id = 0;
    rc = rc ? rc : audience__take_text(parser, &campaign);
    if (rc == 0 &&
        (rc = audience__names_campaign(parser->names, campaign, &id, parser->err)) != 0) {
        return audience__fail_at(parser, at, rc);
    }
    bool one_step = rc == 0 && audience__at_word(parser, "step");
    if (one_step) {
        rc = audience__next(parser);
        rc = rc ? rc : audience__take_text(parser, &step.text);
    }
    struct audience__operand none = {.column = COLUMN_ATTRIBUTE};
    struct audience__node *node = audience__compare_node(parser, &none, OP_EQ, &step);
    node->kind = NODE_GOT;
    node->value_count = one_step;
    node->campaign_id = id;
    node->question = audience__question_new(parser);
    *node_out = node;
    return rc;
}

int audience__parse_has(struct audience__parser *parser, struct audience__node **node_out) {
    int rc = audience__next(parser);
    if (rc) {
        return rc;
    }
    struct audience__node *empty = audience__node_new(parser, NODE_EMPTY);
    if (audience__at_word(parser, "email")) {
        empty->operand = (struct audience__operand){.column = COLUMN_email, .name = STR("email")};
    } else if (audience__at_word(parser, "phone")) {
        empty->operand = (struct audience__operand){.column = COLUMN_phone, .name = STR("phone")};
    } else {
        return audience__expected(parser, "\"email\" / \"phone\"");
    }
    *node_out = audience__node_not(parser, empty);
    return audience__next(parser);
}
