/* What the files of the template compiler and its two renderers share: the compiled form.
 * Everything in it is made by template_compile.c and read-only afterwards. */
#ifndef CAMPAIGN_TEMPLATE_PRIVATE_H
#define CAMPAIGN_TEMPLATE_PRIVATE_H

#include "base/mem.h"
#include "campaign/template.h"

enum {
    TEMPLATE__DEPTH = 64,      /* sections open at once */
    TEMPLATE__CALLS = 32,      /* partials within partials */
    TEMPLATE__TURNS = 1000000, /* partial calls and list items in one rendering */
    TEMPLATE__FILTERS = 8,     /* filters on one name */
    TEMPLATE__TOP = -1,        /* the name "." */
};

enum template__filter_kind {
    TEMPLATE__FILTER_or,
#define TEMPLATE__FILTER_ENUM(name) TEMPLATE__FILTER_##name,
    TEMPLATE_FILTERS(TEMPLATE__FILTER_ENUM)
#undef TEMPLATE__FILTER_ENUM
};

struct template__filter {
    enum template__filter_kind kind;
    struct str text; /* of `or` */
};

enum template__kind {
    TEMPLATE__TEXT,
    TEMPLATE__VALUE,
    TEMPLATE__SECTION,
    TEMPLATE__INVERTED,
    TEMPLATE__END,
    TEMPLATE__PARTIAL, /* standalone: on a line of its own, whose white space is `text` */
    TEMPLATE__INDENT,  /* start of a line of a partial: the caller's indentation goes here */
};

struct template__op {
    enum template__kind kind;
    bool escape;     /* VALUE: HTML-escaped */
    bool standalone; /* PARTIAL */
    bool section;    /* END: of a SECTION, not of an INVERTED one */
    int name;        /* VALUE, SECTION, INVERTED: index into names, or TEMPLATE__TOP */
    size_t jump;     /* SECTION, INVERTED: index of their END; PARTIAL: index of the block */
    struct str text; /* TEXT: the literal; PARTIAL: its indentation */
    const struct template__filter *filters;
    size_t filter_count;
};

/* One text with its ops: the template itself is block 0, each partial it uses has one more. */
struct template__block {
    struct str name;
    struct template__op *ops;
    size_t count, room;
};

struct template__name {
    struct template_use use;
    struct str *parts; /* the name split at its dots */
    size_t part_count;
};

struct template {
    struct base_arena *arena; /* of all texts and filters */
    bool lenient, html, english;
    struct template__block *blocks;
    size_t block_count, block_room;
    struct template__name *names;
    size_t name_count, name_room;
};

/* Where a rendering writes to, and what it needs on the way. */
struct template__out {
    const struct template *template;
    struct base_buf *out;
    struct base_buf indent;     /* white space of the partials being rendered, innermost last */
    struct base_buf scratch[2]; /* values between filters */
    size_t turns;
    struct base_err *err;
};
void template__out_init(struct template__out *o, const struct template *template,
    struct base_buf *out, struct base_err *err);
/* Frees what init made; turns code 0 into LANTOA_ELIMIT when out is overfull. */
int template__out_end(struct template__out *o, int code);
/* Writes one value through the filters of its op. value->at NULL: missing. */
int template__put(
    struct template__out *o, const struct template__op *op, struct str value) LANTOA_MUST_CHECK;
void template__put_literal(struct base_buf *out, struct str text);
/* Counts a partial call or list item against the ceiling of one rendering. */
int template__turn(struct template__out *o) LANTOA_MUST_CHECK;
/* Enters a partial: sets the indentation of its lines. Returns the mark that leave puts back. */
struct template__indent {
    size_t from, to;
};
struct template__indent template__indent_enter(
    struct template__out *o, const struct template__op *op, struct template__indent outer);
void template__put_indent(struct template__out *o, struct template__indent indent);

const char *template__filter_name(enum template__filter_kind kind);
/* false: no such filter. */
bool template__filter_find(struct str name, enum template__filter_kind *kind_out);
/* Appends the filtered value; LANTOA_EINVAL when it cannot be read (err names nothing: the caller
 * knows the field). */
int template__filter_run(enum template__filter_kind kind, bool english, struct str value,
    struct base_buf *out) LANTOA_MUST_CHECK;

#endif
