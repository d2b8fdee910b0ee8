/* Shared by the two files of the template compiler: template_compile.c reads the text,
 * template_tag.c what stands inside a tag. */
#ifndef CAMPAIGN_TEMPLATE_COMPILE_H
#define CAMPAIGN_TEMPLATE_COMPILE_H

#include "campaign/template_private.h"

/* A section that is open while its block is being compiled. */
struct template__open {
    size_t op; /* its index */
    struct str name;
    int name_index;
    bool inverted;
    int line, column;
};

struct template__compiler {
    struct template *template;
    template_partial_fn *partial;
    void *partial_arg;
    struct base_err *err;

    /* The block being compiled. */
    size_t block;
    struct str text; /* owned by the template's arena */
    size_t pos;
    struct str open, close; /* the delimiters */
    struct template__open sections[TEMPLATE__DEPTH];
    size_t section_count;
    bool line_begun; /* in a partial: this line has its INDENT */

    /* Line and column of seen_pos; moves forward only, so that asking is cheap. */
    size_t seen_pos;
    int line, column;
};

/* A tag as found in the text. */
struct template__tag {
    char kind;          /* '#' '^' '/' '!' '>' '&' '{' '=' or 'v' for a plain name */
    struct str content; /* trimmed, without sigil and delimiters */
    size_t start, end;  /* of the whole tag, in the text */
    int line, column;
};

/* Sets err to "line L, column C: text" (with "partial 'x': " before it in a partial), returns
 * LANTOA_EINVAL. */
int template__fault(struct template__compiler *c, int line, int column, const char *fmt, ...)
    LANTOA_PRINTF(4, 5);

/* The index of a name, TEMPLATE__TOP for "."; LANTOA_EINVAL when it is no name. */
int template__name_read(struct template__compiler *c, const struct template__tag *tag,
    struct str text, bool optional, int *index_out) LANTOA_MUST_CHECK;
/* A value tag's content: name, then filters. */
int template__value_read(struct template__compiler *c, const struct template__tag *tag,
    struct template__op *op_out) LANTOA_MUST_CHECK;
/* The two delimiters of a '=' tag. */
int template__delimiters_read(
    struct template__compiler *c, const struct template__tag *tag) LANTOA_MUST_CHECK;

#endif
