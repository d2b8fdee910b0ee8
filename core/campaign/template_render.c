/* Renders a compiled template against flat values, and holds what both renderers share: writing a
 * value through its filters, escaping, indentation. The hot path of a campaign: a field that needs
 * no filter costs one call back and one copy. */
#include "campaign/template_private.h"

#include "base/text.h"
#include "base/tr.h"

/* What a byte becomes in HTML: the number of its entity, 0 when it stays. */
static const unsigned char entity_of[256] = {
    ['&'] = 1, ['<'] = 2, ['>'] = 3, ['"'] = 4, ['\''] = 5};
static const struct {
    char text[8]; /* always copied whole: one store */
    size_t bytes;
} entities[] = {{"", 0}, {"&amp;", 5}, {"&lt;", 4}, {"&gt;", 4}, {"&quot;", 6}, {"&#39;", 5}};
enum { ENTITY_MOST = 6 };

void template__put_literal(struct base_buf *out, struct str text) {
    /* The room never passes the ceiling, so what fits in it needs no further check. */
    if (text.bytes < out->room - out->bytes) {
        memcpy(out->at + out->bytes, text.at, text.bytes);
        out->bytes += text.bytes;
    } else {
        base_buf_add(out, text.at, text.bytes);
    }
}

/* to has room for ENTITY_MOST times text, and 2 bytes more for the last entity's padding. */
static size_t escape_into(char *to, struct str text) {
    char *at = to;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        unsigned char entity = entity_of[c];
        if (entity == 0) {
            *at++ = (char)c;
        } else {
            memcpy(at, entities[entity].text, sizeof(entities[entity].text));
            at += entities[entity].bytes;
        }
    }
    return (size_t)(at - to);
}

static void put_escaped(struct base_buf *out, struct str text) {
    if (text.bytes * ENTITY_MOST + 2 < out->room - out->bytes) {
        out->bytes += escape_into(out->at + out->bytes, text);
        return;
    }
    for (size_t i = 0; i < text.bytes;) {
        size_t run = i;
        while (run < text.bytes && entity_of[(unsigned char)text.at[run]] == 0) {
            run++;
        }
        base_buf_add(out, text.at + i, run - i);
        if (run < text.bytes) {
            unsigned char entity = entity_of[(unsigned char)text.at[run]];
            base_buf_add(out, entities[entity].text, entities[entity].bytes);
            run++;
        }
        i = run;
    }
}

void template__out_init(struct template__out *o, const struct template *template,
    struct base_buf *out, struct base_err *err) {
    *o = (struct template__out){.template = template, .out = out, .err = err};
    base_buf_init(&o->indent, out->ceiling);
    base_buf_init(&o->scratch[0], out->ceiling);
    base_buf_init(&o->scratch[1], out->ceiling);
}

int template__out_end(struct template__out *o, int code) {
    base_buf_release(&o->indent);
    base_buf_release(&o->scratch[0]);
    base_buf_release(&o->scratch[1]);
    if (code == 0 && !base_buf_ok(o->out)) {
        return base_err_set(
            o->err, LANTOA_ELIMIT, TR("the text becomes longer than %zu bytes"), o->out->ceiling);
    }
    return code;
}

static struct str op_name(const struct template__out *o, const struct template__op *op) {
    return op->name == TEMPLATE__TOP ? STR(".") : o->template->names[op->name].use.name;
}

/* Sends value through the filters; *value is BORROWED from a scratch buffer afterwards. */
static int filter(struct template__out *o, const struct template__op *op, struct str *value) {
    for (size_t i = 0; i < op->filter_count; i++) {
        const struct template__filter *f = &op->filters[i];
        if (f->kind == TEMPLATE__FILTER_or) {
            if (value->bytes == 0) {
                *value = f->text; /* .at is never NULL: an empty fallback is a value too */
            }
            continue;
        }
        if (value->bytes == 0) {
            continue;
        }
        struct base_buf *to = &o->scratch[i & 1];
        base_buf_clear(to);
        if (template__filter_run(f->kind, o->template->english, *value, to)) {
            struct str name = op_name(o, op);
            size_t shown = value->bytes < 40 ? value->bytes : base_utf8_cut(*value, 40);
            return base_err_set(o->err, LANTOA_EINVAL, TR("'%.*s': filter %s cannot read '%.*s'"),
                STR_ARG(name), template__filter_name(f->kind), (int)shown, value->at);
        }
        if (!base_buf_ok(to)) {
            return base_err_set(o->err, LANTOA_ELIMIT, TR("the text becomes longer than %zu bytes"),
                o->out->ceiling);
        }
        *value = base_buf_str(to);
    }
    return 0;
}

/* With an `or` among the filters a value may be empty on purpose. */
static bool may_be_empty(const struct template__op *op) {
    for (size_t i = 0; i < op->filter_count; i++) {
        if (op->filters[i].kind == TEMPLATE__FILTER_or) {
            return true;
        }
    }
    return false;
}

int template__put(struct template__out *o, const struct template__op *op, struct str value) {
    if (op->filter_count > 0) {
        int code = filter(o, op, &value);
        if (code) {
            return code;
        }
    }
    if (value.bytes == 0) {
        if (o->template->lenient || may_be_empty(op)) {
            return 0;
        }
        struct str name = op_name(o, op);
        return base_err_set(o->err, LANTOA_ENOENT, TR("'%.*s' has no value"), STR_ARG(name));
    }
    if (op->escape) {
        put_escaped(o->out, value);
    } else {
        template__put_literal(o->out, value);
    }
    return 0;
}

int template__turn(struct template__out *o) {
    if (++o->turns > TEMPLATE__TURNS) {
        return base_err_set(o->err, LANTOA_ELIMIT, TR("the text repeats itself without end"));
    }
    return 0;
}

struct template__indent template__indent_enter(
    struct template__out *o, const struct template__op *op, struct template__indent outer) {
    o->indent.bytes = outer.to;
    if (!op->standalone) {
        return (struct template__indent){outer.to, outer.to};
    }
    base_buf_add_str(&o->indent, op->text);
    return (struct template__indent){outer.from, o->indent.bytes};
}

void template__put_indent(struct template__out *o, struct template__indent indent) {
    if (indent.to > indent.from) {
        template__put_literal(o->out, str_of(o->indent.at + indent.from, indent.to - indent.from));
    }
}

/* --- flat values --- */

struct flat {
    struct template__out o;
    const struct template_source *source;
    int tops[TEMPLATE__DEPTH]; /* names of the sections being rendered; asked anew for {{.}} */
    size_t top_count;
};

/* .at NULL when missing */
static struct str flat_get(struct flat *flat, int name) {
    struct str value = {0};
    if (name == TEMPLATE__TOP) {
        if (flat->top_count == 0) {
            return value;
        }
        name = flat->tops[flat->top_count - 1];
    }
    struct str text = flat->o.template->names[name].use.name;
    if (!flat->source->get(flat->source->arg, name, text, &value)) {
        return (struct str){0};
    }
    return value;
}

static bool flat_true(struct str value) {
    return value.bytes > 0 && !str_eq(value, STR("false"));
}

static int flat_block(
    struct flat *flat, size_t block_index, struct template__indent indent, int depth);

static int flat_partial(
    struct flat *flat, const struct template__op *op, struct template__indent indent, int depth) {
    struct template__out *o = &flat->o;
    if (depth == TEMPLATE__CALLS) {
        return base_err_set(
            o->err, LANTOA_ELIMIT, TR("partials within partials, deeper than %d"), TEMPLATE__CALLS);
    }
    int code = template__turn(o);
    return code ? code
                : flat_block(flat, op->jump, template__indent_enter(o, op, indent), depth + 1);
}

static int flat_section(struct flat *flat, int name) {
    if (flat->top_count == TEMPLATE__DEPTH) {
        return base_err_set(
            flat->o.err, LANTOA_ELIMIT, TR("more than %d sections open at once"), TEMPLATE__DEPTH);
    }
    if (name == TEMPLATE__TOP) { /* only true within a section, so there is one */
        name = flat->tops[flat->top_count - 1];
    }
    flat->tops[flat->top_count++] = name;
    return 0;
}

static int flat_block(
    struct flat *flat, size_t block_index, struct template__indent indent, int depth) {
    const struct template__block *block = &flat->o.template->blocks[block_index];
    struct base_buf *out = flat->o.out;
    int code = 0;
    for (size_t i = 0; code == 0 && i < block->count; i++) {
        const struct template__op *op = &block->ops[i];
        switch (op->kind) {
        case TEMPLATE__TEXT:
            template__put_literal(out, op->text);
            break;
        case TEMPLATE__VALUE:
            code = template__put(&flat->o, op, flat_get(flat, op->name));
            break;
        case TEMPLATE__SECTION:
            if (flat_true(flat_get(flat, op->name))) {
                code = flat_section(flat, op->name);
            } else {
                i = op->jump;
            }
            break;
        case TEMPLATE__INVERTED:
            if (flat_true(flat_get(flat, op->name))) {
                i = op->jump;
            }
            break;
        case TEMPLATE__END:
            flat->top_count -= op->section;
            break;
        case TEMPLATE__PARTIAL:
            code = flat_partial(flat, op, indent, depth);
            break;
        case TEMPLATE__INDENT:
            template__put_indent(&flat->o, indent);
            break;
        }
    }
    return code;
}

int template_render(const struct template *template, const struct template_source *source,
    struct base_buf *out, struct base_err *err) {
    struct flat flat;
    template__out_init(&flat.o, template, out, err);
    flat.source = source;
    flat.top_count = 0;
    int code = flat_block(&flat, 0, (struct template__indent){0, 0}, 0);
    return template__out_end(&flat.o, code);
}
