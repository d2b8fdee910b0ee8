/* Compiles a template: finds the tags in the text, treats white space as the Mustache specification
 * says, and lays everything out as flat lists of ops, one list for the text and one for each
 * partial it uses. Knows no values. */
#include "campaign/template_compile.h"

#include "base/text.h"
#include "base/tr.h"

enum {
    TEXT_MOST = 16 << 20,
    BLOCKS_MOST = 256,
    OPS_MOST = 1 << 20,
};

static struct template__op *op_add(struct template__compiler *c, enum template__kind kind) {
    struct template__block *block = &c->template->blocks[c->block];
    if (block->count == block->room) {
        block->room = block->room ? block->room * 2 : 16;
        block->ops = base_realloc(block->ops, block->room * sizeof(struct template__op));
    }
    struct template__op *op = &block->ops[block->count++];
    *op = (struct template__op){.kind = kind};
    return op;
}

/* Moves the line and column on to pos, which never lies before the last one asked for. */
static void place_at(struct template__compiler *c, size_t pos) {
    for (; c->seen_pos < pos; c->seen_pos++) {
        char ch = c->text.at[c->seen_pos];
        if (ch == '\n') {
            c->line++;
            c->column = 1;
        } else if ((ch & 0xc0) != 0x80) {
            c->column++; /* columns count characters, not bytes */
        }
    }
}

/* --- literals --- */

static void literal_plain(struct template__compiler *c, struct str text) {
    if (text.bytes > 0) {
        op_add(c, TEMPLATE__TEXT)->text = text;
    }
}

/* In a partial each line that has something on it begins with the caller's indentation. */
static void indent_add(struct template__compiler *c) {
    if (c->block > 0 && !c->line_begun) {
        op_add(c, TEMPLATE__INDENT);
        c->line_begun = true;
    }
}

static void literal_add(struct template__compiler *c, size_t from, size_t to) {
    if (c->block == 0) {
        literal_plain(c, str_of(c->text.at + from, to - from));
        return;
    }
    while (from < to) {
        const char *end = memchr(c->text.at + from, '\n', to - from);
        size_t next = end ? (size_t)(end - c->text.at) + 1 : to;
        struct str line = str_of(c->text.at + from, next - from);
        if (!str_eq(line, STR("\n")) && !str_eq(line, STR("\r\n"))) {
            indent_add(c);
        }
        literal_plain(c, line);
        if (end) {
            c->line_begun = false;
        }
        from = next;
    }
}

/* --- tags --- */

static bool find(struct str text, size_t from, struct str what, size_t *at_out) {
    const char *at = memmem(text.at + from, text.bytes - from, what.at, what.bytes);
    if (!at) {
        return false;
    }
    *at_out = (size_t)(at - text.at);
    return true;
}

/* Reads the tag whose opening delimiter stands at start. */
static int tag_read(struct template__compiler *c, size_t start, struct template__tag *tag_out) {
    place_at(c, start);
    size_t from = start + c->open.bytes;
    char kind = from < c->text.bytes ? c->text.at[from] : 'v';
    if (kind == '\0' || !strchr("#^/!>&{=", kind)) {
        kind = 'v';
    }
    *tag_out =
        (struct template__tag){.kind = kind, .start = start, .line = c->line, .column = c->column};
    from += kind != 'v';
    /* {{{x}}} and {{=a b=}} have a closing delimiter of their own, one character longer. */
    size_t end;
    char own = kind == '{' ? '}' : kind == '=' ? '=' : '\0';
    size_t search = from;
    for (;;) {
        if (!find(c->text, search, c->close, &end)) {
            return template__fault(c, c->line, c->column, TR("the tag is not closed"));
        }
        if (!own) {
            tag_out->content = str_of(c->text.at + from, end - from);
            break;
        }
        if (end > from && c->text.at[end - 1] == own) {
            tag_out->content = str_of(c->text.at + from, end - 1 - from);
            break;
        }
        /* With "}}" the '}' of "}}}" is found as part of the delimiter: look one byte on. */
        if (own == '}' && end + c->close.bytes < c->text.bytes &&
            str_starts(str_of(c->text.at + end + 1, c->text.bytes - end - 1), c->close) &&
            c->text.at[end] == own) {
            tag_out->content = str_of(c->text.at + from, end - from);
            end++;
            break;
        }
        search = end + 1;
    }
    tag_out->end = end + c->close.bytes;
    tag_out->content = str_trim(tag_out->content);
    return 0;
}

/* A tag alone on its line takes the line with it. before_out: where the line begins; after_out:
 * where the next one does. */
static bool standalone(const struct template__compiler *c, const struct template__tag *tag,
    size_t *before_out, size_t *after_out) {
    if (tag->kind == 'v' || tag->kind == '&' || tag->kind == '{') {
        return false;
    }
    struct str text = c->text;
    size_t before = tag->start;
    while (before > 0 && (text.at[before - 1] == ' ' || text.at[before - 1] == '\t')) {
        before--;
    }
    if (before > 0 && text.at[before - 1] != '\n') {
        return false;
    }
    size_t after = tag->end;
    while (after < text.bytes && (text.at[after] == ' ' || text.at[after] == '\t')) {
        after++;
    }
    if (after < text.bytes && text.at[after] == '\r') {
        after++;
        if (after == text.bytes || text.at[after] != '\n') {
            return false;
        }
    }
    if (after < text.bytes && text.at[after++] != '\n') {
        return false;
    }
    *before_out = before;
    *after_out = after;
    return true;
}

static int section_open(struct template__compiler *c, const struct template__tag *tag) {
    if (c->section_count == TEMPLATE__DEPTH) {
        return template__fault(
            c, tag->line, tag->column, TR("more than %d sections open at once"), TEMPLATE__DEPTH);
    }
    int name;
    int code = template__name_read(c, tag, tag->content, true, &name);
    if (code) {
        return code;
    }
    bool inverted = tag->kind == '^';
    struct template__open *open = &c->sections[c->section_count++];
    *open = (struct template__open){.op = c->template->blocks[c->block].count,
        .name = tag->content,
        .name_index = name,
        .inverted = inverted,
        .line = tag->line,
        .column = tag->column};
    op_add(c, inverted ? TEMPLATE__INVERTED : TEMPLATE__SECTION)->name = name;
    return 0;
}

static int section_close(struct template__compiler *c, const struct template__tag *tag) {
    if (c->section_count == 0) {
        return template__fault(c, tag->line, tag->column,
            TR("'%.*s' is closed here but was not opened"), STR_ARG(tag->content));
    }
    const struct template__open *open = &c->sections[c->section_count - 1];
    if (!str_eq(open->name, tag->content)) {
        return template__fault(c, tag->line, tag->column,
            TR("'%.*s' is closed here, but the open section is '%.*s' of line %d"),
            STR_ARG(tag->content), STR_ARG(open->name), open->line);
    }
    c->section_count--;
    size_t end = c->template->blocks[c->block].count;
    op_add(c, TEMPLATE__END)->section = !open->inverted;
    c->template->blocks[c->block].ops[open->op].jump = end;
    return 0;
}

/* The block of a partial, made (empty, to be compiled later) at its first use; 0: there is no such
 * partial. */
static int partial_block(
    struct template__compiler *c, const struct template__tag *tag, size_t *block_out) {
    struct template *template = c->template;
    *block_out = 0;
    for (size_t i = 1; i < template->block_count; i++) {
        if (str_eq(template->blocks[i].name, tag->content)) {
            *block_out = i;
            return 0;
        }
    }
    struct str text;
    if (!c->partial || c->partial(c->partial_arg, tag->content, &text)) {
        if (template->lenient) {
            return 0;
        }
        return template__fault(c, tag->line, tag->column,
            TR("there is no partial '%.*s' in the theme for this language"), STR_ARG(tag->content));
    }
    if (template->block_count == BLOCKS_MOST) {
        return template__fault(
            c, tag->line, tag->column, TR("more than %d partials"), BLOCKS_MOST - 1);
    }
    if (template->block_count == template->block_room) {
        template->block_room *= 2;
        template->blocks =
            base_realloc(template->blocks, template->block_room * sizeof(struct template__block));
    }
    *block_out = template->block_count++;
    template->blocks[*block_out] = (struct template__block){.name = tag->content};
    return 0;
}

static int partial_add(struct template__compiler *c, const struct template__tag *tag, bool alone,
    struct str indentation) {
    if (tag->content.bytes == 0) {
        return template__fault(c, tag->line, tag->column, TR("a tag without a name"));
    }
    size_t block;
    int code = partial_block(c, tag, &block);
    if (code || block == 0) {
        return code;
    }
    struct template__op *op = op_add(c, TEMPLATE__PARTIAL);
    op->jump = block;
    op->standalone = alone;
    op->text = indentation;
    return 0;
}

static int value_add(struct template__compiler *c, const struct template__tag *tag) {
    struct template__op op = {
        .kind = TEMPLATE__VALUE, .escape = c->template->html && tag->kind == 'v'};
    int code = template__value_read(c, tag, &op);
    if (code) {
        return code;
    }
    /* Partials may be called inside a section; the text itself stands inside none. */
    if (op.name == TEMPLATE__TOP && !c->template->lenient && c->block == 0 &&
        c->section_count == 0) {
        return template__fault(
            c, tag->line, tag->column, TR("{{.}} means something only inside a section"));
    }
    *op_add(c, TEMPLATE__VALUE) = op;
    return 0;
}

static int tag_add(struct template__compiler *c, const struct template__tag *tag, bool alone,
    struct str indentation) {
    switch (tag->kind) {
    case '!':
        return 0;
    case '=':
        return template__delimiters_read(c, tag);
    case '#':
    case '^':
        return section_open(c, tag);
    case '/':
        return section_close(c, tag);
    case '>':
        return partial_add(c, tag, alone, indentation);
    default:
        return value_add(c, tag);
    }
}

static int block_compile(struct template__compiler *c) {
    size_t start;
    while (find(c->text, c->pos, c->open, &start)) {
        struct template__tag tag;
        int code = tag_read(c, start, &tag);
        if (code) {
            return code;
        }
        size_t before = tag.start, after = tag.end;
        bool alone = standalone(c, &tag, &before, &after);
        literal_add(c, c->pos, before);
        if (!alone) {
            indent_add(c);
        }
        code = tag_add(c, &tag, alone, str_of(c->text.at + before, tag.start - before));
        if (code) {
            return code;
        }
        if (c->template->blocks[c->block].count > OPS_MOST) {
            return template__fault(c, tag.line, tag.column, TR("the text has too many tags"));
        }
        c->pos = after;
    }
    literal_add(c, c->pos, c->text.bytes);
    if (c->section_count > 0) {
        const struct template__open *open = &c->sections[c->section_count - 1];
        return template__fault(
            c, open->line, open->column, TR("section '%.*s' is not closed"), STR_ARG(open->name));
    }
    return 0;
}

/* Points the compiler at the start of a block's text, which is copied: names and literals stay in
 * it. */
static int block_begin(struct template__compiler *c, size_t block, struct str text) {
    c->block = block;
    c->pos = c->seen_pos = c->section_count = 0;
    c->line = c->column = 1;
    c->line_begun = false;
    c->open = STR("{{");
    c->close = STR("}}");
    if (text.bytes > TEXT_MOST) {
        return template__fault(c, 1, 1, TR("the text is longer than %d bytes"), TEXT_MOST);
    }
    if (!base_utf8_valid(text)) {
        return template__fault(c, 1, 1, TR("the text is not UTF-8"));
    }
    c->text = str_of(base_arena_strndup(c->template->arena, text.at, text.bytes), text.bytes);
    return 0;
}

int template_compile(struct str text, enum template_mode mode, const char *lang,
    template_partial_fn *partial, void *partial_arg, struct template **template_out,
    struct base_err *err) {
    struct template *template = base_alloc(sizeof(*template));
    *template = (struct template){.arena = base_arena_new(),
        .lenient = mode & TEMPLATE_LENIENT,
        .html = mode & TEMPLATE_HTML,
        .english = lang && strncmp(lang, "en", 2) == 0,
        .block_count = 1,
        .block_room = 4};
    template->blocks = base_alloc_array(template->block_room, sizeof(struct template__block));
    struct template__compiler c = {
        .template = template, .partial = partial, .partial_arg = partial_arg, .err = err};
    int code = block_begin(&c, 0, text);
    if (code == 0) {
        code = block_compile(&c);
    }
    /* Partials named on the way were queued as blocks; they may queue more. */
    for (size_t i = 1; code == 0 && i < template->block_count; i++) {
        struct str partial_text;
        code = partial(partial_arg, template->blocks[i].name, &partial_text);
        if (code == 0) {
            code = block_begin(&c, i, partial_text);
        }
        if (code == 0) {
            code = block_compile(&c);
        }
    }
    if (code) {
        template_free(&template);
    }
    *template_out = template;
    return code;
}

void template_free(struct template **template) {
    struct template *t = *template;
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->block_count; i++) {
        base_free(t->blocks[i].ops);
    }
    base_free(t->blocks);
    base_free(t->names);
    base_arena_free(&t->arena);
    base_free(t);
    *template = NULL;
}

void template_each_name(const struct template *template,
    void (*name)(void *arg, const struct template_use *use), void *arg) {
    for (size_t i = 0; i < template->name_count; i++) {
        name(arg, &template->names[i].use);
    }
}

int template_name_count(const struct template *template) {
    return (int)template->name_count;
}

struct str template_name(const struct template *template, int index) {
    return template->names[index].use.name;
}
