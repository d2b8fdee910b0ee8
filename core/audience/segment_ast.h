/* The tree of an audience expression. Private to core/audience: made by segment_parse.c, read by
 * segment_sql.c and segment_match.c, which must agree on every node. */
#ifndef AUDIENCE_SEGMENT_AST_H
#define AUDIENCE_SEGMENT_AST_H

#include "audience/segment.h"
#include "base/civil.h"
#include "base/mem.h"

enum audience__node_kind {
    NODE_AND, /* children */
    NODE_OR,  /* children */
    NODE_NOT, /* one child */
    NODE_ALL,
    NODE_ENROLLED,
    NODE_COMPARE, /* field op values[0] */
    NODE_IN,      /* field = any of values */
    NODE_AGE,     /* age_from <= age < age_below */
    NODE_EMPTY,   /* field */
    NODE_STARTS,  /* field, values[0] */
    NODE_PLACE,   /* ids */
    NODE_NO_PLACE,
    NODE_COVERS,  /* ids: of outlets, a place they are heard in */
    NODE_CONSENT, /* values[0]: purpose */
    NODE_GOT      /* campaign_id, values[0] if value_count: the name of the step */
};

enum audience__op { OP_EQ, OP_LT, OP_LE, OP_GT, OP_GE, OP_FOLDED };

/* X(name): columns of contact that an expression may name, in the order of column_of() there. */
#define SEGMENT_COLUMNS(X)                                                                         \
    X(ref)                                                                                         \
    X(person_id)                                                                                   \
    X(name)                                                                                        \
    X(email)                                                                                       \
    X(phone)                                                                                       \
    X(lang)                                                                                        \
    X(birth_date)                                                                                  \
    X(sex)                                                                                         \
    X(household)                                                                                   \
    X(enrolled_on)
#define SEGMENT__COLUMN_ENUM(name) COLUMN_##name,
enum audience__segment_column {
    SEGMENT_COLUMNS(SEGMENT__COLUMN_ENUM) COLUMN_ATTRIBUTE,
    /* of outlets, by what may be compared with them; the operand has the name */
    COLUMN_OUTLET_TEXT,
    COLUMN_OUTLET_NUMBER,
    COLUMN_OUTLET_NAME,
    COLUMN_OUTLET_KIND,
    COLUMN_OUTLET_OWNER,
    COLUMN_OUTLET_LANGUAGE
};
#undef SEGMENT__COLUMN_ENUM

struct audience__operand {
    enum audience__segment_column column;
    struct str name; /* of the column or attribute; attributes are [a-z][a-z0-9_]* */
};

struct audience__value {
    bool is_number;
    double number;
    struct str text; /* NFC; of a number: as written */
};

/* What depends on the day of the question: the birth dates between which an age lies. */
struct audience__age_bounds {
    int64_t day;
    char from[BASE_DATE_MAX + 4], below[BASE_DATE_MAX + 4];
};

/* A prepared question to the database about one contact. */
struct audience__question {
    struct db *db;
    struct db_stmt *stmt;
    struct audience__question *next;
};

struct audience__node {
    enum audience__node_kind kind;
    enum audience__op op;
    struct audience__operand operand;
    struct audience__value *values;
    size_t value_count;
    struct audience__node **children;
    size_t child_count;
    int64_t *ids; /* sorted */
    size_t id_count;
    int64_t age_from, age_below; /* AGE_NONE: open */
    struct audience__age_bounds *bounds;
    int64_t campaign_id;
    struct audience__question *question;
};
#define AGE_NONE INT64_MIN

/* A saved segment that the expression names, itself or by another one. */
struct audience__used {
    struct str name;
    struct audience__used *next;
};

struct segment {
    struct base_arena *arena;
    struct audience__node *root;
    bool asks_enrolled;
    bool of_outlets; /* else of contacts */
    bool postgresql;
    struct audience__question *questions;
    struct audience__used *used;
    struct base_buf scratch, key;
};

/* Fills the node's bounds for that day. */
void audience__age_bounds(const struct audience__node *node, int64_t today_days);
/* Appends a leaf's SQL with placeholders from index on, or binds them; both return the next free
 * index. */
int audience__leaf_sql(const struct segment *segment, const struct audience__node *node,
    struct base_buf *sql, int index);
int audience__leaf_bind(
    const struct audience__node *node, struct db_stmt *stmt, int index, int64_t today_days);
/* true if an attribute's text is a number as the language understands it. */
bool audience__is_number(struct str text);

#endif
