/* What stands inside the tags of a template: names, filters, fallbacks, delimiters. Knows nothing
 * of the text around them. */
#include "campaign/template_compile.h"

#include "base/tr.h"
#include "campaign/contribution.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAMES_MOST = 1000 };

int template__fault(struct template__compiler *c, int line, int column, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    base_err_set(c->err, LANTOA_EINVAL, TR("line %d, column %d: %s"), line, column, text);
    if (c->block > 0) {
        struct str name = c->template->blocks[c->block].name;
        base_err_prefix(c->err, TR("partial '%.*s'"), STR_ARG(name));
    }
    return LANTOA_EINVAL;
}

static bool is_space(char ch) {
    return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '\f' || ch == '\v';
}

static bool has_space(struct str text) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (is_space(text.at[i])) {
            return true;
        }
    }
    return false;
}

/* "a.b.c" -> a, b, c. An empty part ("a..b") is kept: it is a key that no object has. */
static void name_split(struct template *template, struct template__name *name) {
    struct str rest = name->use.name;
    for (size_t i = 0; i < rest.bytes; i++) {
        name->part_count += rest.at[i] == '.';
    }
    name->part_count++;
    name->parts = base_arena_alloc(template->arena, name->part_count * sizeof(struct str));
    for (size_t i = 0; i < name->part_count; i++) {
        name->parts[i] = str_cut(&rest, '.');
    }
}

static struct template__name *name_add(struct template__compiler *c, struct str text) {
    struct template *template = c->template;
    if (template->name_count == template->name_room) {
        template->name_room = template->name_room ? template->name_room * 2 : 16;
        template->names =
            base_realloc(template->names, template->name_room * sizeof(struct template__name));
    }
    struct template__name *name = &template->names[template->name_count++];
    *name = (struct template__name){.use = {.name = text, .optional = true}};
    name_split(template, name);
    return name;
}

/* Inside {{#x}} ... {{/x}} the value of x is there. */
static bool inside_section_of(const struct template__compiler *c, int name) {
    for (size_t i = 0; i < c->section_count; i++) {
        if (c->sections[i].name_index == name && !c->sections[i].inverted) {
            return true;
        }
    }
    return false;
}

/* Inside {{#contribution}} its fields go by their short names: pay is contribution.pay. */
static struct str full_name(struct template__compiler *c, struct str text) {
    static const char prefix[] = "contribution.";
    bool inside = false;
    for (size_t i = 0; i < c->section_count; i++) {
        inside =
            inside || (str_is(c->sections[i].name, "contribution") && !c->sections[i].inverted);
    }
    if (!inside || contribution_field(text) < 0) {
        return text;
    }
    size_t bytes = sizeof prefix - 1 + text.bytes;
    char *full = base_arena_alloc(c->template->arena, bytes + 1);
    memcpy(full, prefix, sizeof prefix - 1);
    memcpy(full + sizeof prefix - 1, text.at, text.bytes);
    return str_of(full, bytes);
}

/* A field is there where the person's contribution is. */
static bool inside_contribution(const struct template__compiler *c, struct str text) {
    for (size_t i = 0; i < c->section_count && str_starts(text, STR("contribution.")); i++) {
        if (str_is(c->sections[i].name, "contribution") && !c->sections[i].inverted) {
            return true;
        }
    }
    return false;
}

int template__name_read(struct template__compiler *c, const struct template__tag *tag,
    struct str text, bool optional, int *index_out) {
    text = full_name(c, text);
    if (text.bytes == 0) {
        return template__fault(c, tag->line, tag->column, TR("a tag without a name"));
    }
    if (has_space(text)) {
        return template__fault(c, tag->line, tag->column,
            TR("'%.*s' is no name: it contains white space"), STR_ARG(text));
    }
    if (str_is(text, ".")) {
        *index_out = TEMPLATE__TOP;
        return 0;
    }
    struct template *template = c->template;
    size_t index = 0;
    while (index < template->name_count && !str_eq(template->names[index].use.name, text)) {
        index++;
    }
    bool is_new = index == template->name_count;
    if (is_new && index == NAMES_MOST) {
        return template__fault(
            c, tag->line, tag->column, TR("more than %d different names"), NAMES_MOST);
    }
    struct template__name *name = is_new ? name_add(c, text) : &template->names[index];
    *index_out = (int)index;
    optional = optional || inside_section_of(c, *index_out) || inside_contribution(c, text);
    if (is_new || (name->use.optional && !optional)) {
        name->use.optional = optional;
        name->use.line = tag->line;
        name->use.column = tag->column;
        name->use.partial = c->block > 0 ? template->blocks[c->block].name : (struct str){0};
    }
    return 0;
}

/* Cuts the text before the next '|' that stands outside quotes, and moves *rest behind it. */
static struct str filter_cut(struct str *rest, bool *more_out) {
    bool quoted = false;
    for (size_t i = 0; i < rest->bytes; i++) {
        char ch = rest->at[i];
        if (ch == '\\' && quoted) {
            i++;
        } else if (ch == '"') {
            quoted = !quoted;
        } else if (ch == '|' && !quoted) {
            struct str before = str_of(rest->at, i);
            *rest = str_of(rest->at + i + 1, rest->bytes - i - 1);
            *more_out = true;
            return before;
        }
    }
    struct str before = *rest;
    *rest = (struct str){rest->at + rest->bytes, 0};
    *more_out = false;
    return before;
}

/* "text" with \" and \\ inside; copied into the arena. */
static int fallback_read(struct template__compiler *c, const struct template__tag *tag,
    struct str text, struct str *text_out) {
    if (text.bytes < 2 || text.at[0] != '"' || text.at[text.bytes - 1] != '"') {
        return template__fault(
            c, tag->line, tag->column, TR("'or' needs a text in double quotes: or \"...\""));
    }
    char *copy = base_arena_alloc(c->template->arena, text.bytes);
    size_t count = 0;
    for (size_t i = 1; i < text.bytes - 1; i++) {
        char ch = text.at[i];
        if (ch == '"') {
            return template__fault(c, tag->line, tag->column,
                TR("'or' takes one text; write \\\" for a quote inside it"));
        }
        if (ch == '\\') {
            i++;
            if (i == text.bytes - 1 || (text.at[i] != '"' && text.at[i] != '\\')) {
                return template__fault(
                    c, tag->line, tag->column, TR("only \\\" and \\\\ may follow a backslash"));
            }
            ch = text.at[i];
        }
        copy[count++] = ch;
    }
    *text_out = str_of(copy, count);
    return 0;
}

static int filter_read(struct template__compiler *c, const struct template__tag *tag,
    struct str text, struct template__filter *filter_out) {
    size_t word = 0;
    while (word < text.bytes && !is_space(text.at[word]) && text.at[word] != '"') {
        word++;
    }
    struct str name = str_of(text.at, word);
    struct str rest = str_trim(str_of(text.at + word, text.bytes - word));
    if (str_is(name, "or")) {
        filter_out->kind = TEMPLATE__FILTER_or;
        return fallback_read(c, tag, rest, &filter_out->text);
    }
    if (!template__filter_find(name, &filter_out->kind)) {
        return template__fault(
            c, tag->line, tag->column, TR("unknown filter '%.*s'"), STR_ARG(name));
    }
    if (rest.bytes > 0) {
        return template__fault(
            c, tag->line, tag->column, TR("filter '%.*s' takes no text"), STR_ARG(name));
    }
    return 0;
}

int template__value_read(
    struct template__compiler *c, const struct template__tag *tag, struct template__op *op_out) {
    struct template__filter filters[TEMPLATE__FILTERS];
    size_t count = 0;
    struct str rest = tag->content;
    bool more, has_or = false;
    struct str name = str_trim(filter_cut(&rest, &more));
    while (more) {
        struct str text = str_trim(filter_cut(&rest, &more));
        if (count == TEMPLATE__FILTERS) {
            return template__fault(c, tag->line, tag->column,
                TR("more than %d filters on one name"), TEMPLATE__FILTERS);
        }
        filters[count] = (struct template__filter){0};
        int code = filter_read(c, tag, text, &filters[count]);
        if (code) {
            return code;
        }
        has_or = has_or || filters[count].kind == TEMPLATE__FILTER_or;
        count++;
    }
    if (count > 0) {
        struct template__filter *kept =
            base_arena_alloc(c->template->arena, count * sizeof(filters[0]));
        memcpy(kept, filters, count * sizeof(filters[0]));
        op_out->filters = kept;
        op_out->filter_count = count;
    }
    return template__name_read(c, tag, name, has_or, &op_out->name);
}

int template__delimiters_read(struct template__compiler *c, const struct template__tag *tag) {
    struct str text = tag->content;
    size_t first = 0;
    while (first < text.bytes && !is_space(text.at[first])) {
        first++;
    }
    struct str open = str_of(text.at, first);
    struct str close = str_trim(str_of(text.at + first, text.bytes - first));
    if (open.bytes == 0 || close.bytes == 0 || has_space(close) ||
        memchr(open.at, '=', open.bytes) || memchr(close.at, '=', close.bytes)) {
        return template__fault(c, tag->line, tag->column,
            TR("delimiters are two words without '=', as in {{=<%% %%>=}}"));
    }
    c->open = open;
    c->close = close;
    return 0;
}
