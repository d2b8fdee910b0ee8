/* What the names and values in an expression mean in this database. Private to core/audience. */
#ifndef AUDIENCE_SEGMENT_NAMES_H
#define AUDIENCE_SEGMENT_NAMES_H

#include "audience/segment_ast.h"

/* The known custom attributes, read at the first need. */
struct audience__names {
    struct db *db;
    struct base_arena *arena; /* BORROWED */
    struct str own_campaign;  /* counts as there; empty: none */
    bool of_outlets;
    bool loaded;
    struct str *attributes;
    size_t count, room;
};
void audience__names_release(struct audience__names *names);

/* Finds a column or attribute by its name in any case; LANTOA_EINVAL with a suggestion. */
int audience__names_operand(struct audience__names *names, struct str word,
    struct audience__operand *operand_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Brings a value compared with a column into the form the column stores ("nữ" -> "f"). exact: = or
 * in, where a text that the column can never hold is a fault. */
int audience__names_value(struct audience__names *names, const struct audience__operand *operand,
    bool exact, struct audience__value *value, struct base_err *err) LANTOA_MUST_CHECK;
/* The same for fields of outlets. */
int audience__outlet_operand(struct audience__names *names, struct str word,
    struct audience__operand *operand_out, struct base_err *err) LANTOA_MUST_CHECK;
int audience__outlet_value(struct audience__names *names, const struct audience__operand *operand,
    bool exact, struct audience__value *value, struct base_err *err) LANTOA_MUST_CHECK;
/* true if the word behind a field ("<", "between", "is") makes sense for it; always for those of
 * contacts. */
bool audience__outlet_allows(const struct audience__operand *operand, struct str word);
/* A copy with the ASCII letters small. */
struct str audience__names_small_letters(struct audience__names *names, struct str text);
/* The expression of a saved segment, in the arena. */
int audience__names_segment(struct audience__names *names, struct str name, int64_t *id_out,
    struct str *expression_out, struct base_err *err) LANTOA_MUST_CHECK;
int audience__names_campaign(struct audience__names *names, struct str name, int64_t *id_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Message classes, and so the purposes a consent is for. */
int audience__names_purpose(struct str purpose, struct base_err *err) LANTOA_MUST_CHECK;

#endif
