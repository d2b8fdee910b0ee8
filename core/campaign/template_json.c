/* Renders a compiled template against nested values: the full data model of the Mustache
 * specification (context stack, lists, dotted names) over jansson. */
#include "campaign/template_private.h"

#include "base/tr.h"

#include <stdio.h>
#include <stdlib.h>

/* One level of the context stack; lives on the C stack of the section that pushed it. */
struct context {
    json_t *value;
    const struct context *below;
};

struct tree {
    struct template__out o;
    const struct template__block *block;
    struct template__indent indent;
    int depth; /* partials within partials */
};

/* The specification: the first part of a name is searched through the stack, the others only in
 * what it gave. */
static json_t *tree_get(const struct tree *tree, int name_index, const struct context *top) {
    if (name_index == TEMPLATE__TOP) {
        return top->value;
    }
    const struct template__name *name = &tree->o.template->names[name_index];
    json_t *value = NULL;
    for (; top && !value; top = top->below) {
        value = json_object_getn(top->value, name->parts[0].at, name->parts[0].bytes);
    }
    for (size_t i = 1; value && i < name->part_count; i++) {
        value = json_object_getn(value, name->parts[i].at, name->parts[i].bytes);
    }
    return value;
}

static bool tree_true(const json_t *value) {
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_OBJECT:
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
        break;
    }
    return true;
}

/* The shortest decimal form that reads back as the same number: 1.21, not 1.2100000000000000. */
static void real_print(double value, char *text, size_t room) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, room, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            return;
        }
    }
}

static int tree_put(struct tree *tree, const struct template__op *op, const json_t *value) {
    char number[40];
    struct str text = {0};
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        text = str_of(json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = str_from(number);
        break;
    case JSON_REAL:
        real_print(json_real_value(value), number, sizeof(number));
        text = str_from(number);
        break;
    case JSON_TRUE:
        text = STR("true");
        break;
    case JSON_FALSE:
        text = STR("false");
        break;
    case JSON_OBJECT:
    case JSON_ARRAY: /* no text stands for them */
    case JSON_NULL:
        break;
    }
    return template__put(&tree->o, op, text);
}

static int tree_run(struct tree *tree, size_t from, size_t to, const struct context *top);

static int tree_section(struct tree *tree, size_t at, const struct context *top) {
    const struct template__op *op = &tree->block->ops[at];
    json_t *value = tree_get(tree, op->name, top);
    if (!tree_true(value)) {
        return 0;
    }
    if (!json_is_array(value)) {
        struct context pushed = {value, top};
        return tree_run(tree, at + 1, op->jump, &pushed);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        int code = template__turn(&tree->o);
        if (code == 0) {
            struct context pushed = {json_array_get(value, i), top};
            code = tree_run(tree, at + 1, op->jump, &pushed);
        }
        if (code) {
            return code;
        }
    }
    return 0;
}

static int tree_partial(
    struct tree *tree, const struct template__op *op, const struct context *top) {
    struct template__out *o = &tree->o;
    if (tree->depth == TEMPLATE__CALLS) {
        return base_err_set(
            o->err, LANTOA_ELIMIT, TR("partials within partials, deeper than %d"), TEMPLATE__CALLS);
    }
    int code = template__turn(o);
    if (code) {
        return code;
    }
    const struct template__block *block = tree->block;
    struct template__indent indent = tree->indent;
    tree->block = &o->template->blocks[op->jump];
    tree->indent = template__indent_enter(o, op, indent);
    tree->depth++;
    code = tree_run(tree, 0, tree->block->count, top);
    tree->depth--;
    tree->indent = indent;
    tree->block = block;
    return code;
}

static int tree_run(struct tree *tree, size_t from, size_t to, const struct context *top) {
    struct template__out *o = &tree->o;
    int code = 0;
    for (size_t i = from; code == 0 && i < to; i++) {
        const struct template__op *op = &tree->block->ops[i];
        switch (op->kind) {
        case TEMPLATE__TEXT:
            template__put_literal(o->out, op->text);
            break;
        case TEMPLATE__VALUE:
            code = tree_put(tree, op, tree_get(tree, op->name, top));
            break;
        case TEMPLATE__SECTION:
            code = tree_section(tree, i, top);
            i = op->jump;
            break;
        case TEMPLATE__INVERTED:
            if (tree_true(tree_get(tree, op->name, top))) {
                i = op->jump;
            }
            break;
        case TEMPLATE__END:
            break;
        case TEMPLATE__PARTIAL:
            code = tree_partial(tree, op, top);
            break;
        case TEMPLATE__INDENT:
            template__put_indent(o, tree->indent);
            break;
        }
    }
    return code;
}

int template_render_json(
    const struct template *template, json_t *context, struct base_buf *out, struct base_err *err) {
    struct tree tree = {.block = &template->blocks[0]};
    template__out_init(&tree.o, template, out, err);
    struct context top = {context, NULL};
    int code = tree_run(&tree, 0, tree.block->count, &top);
    return template__out_end(&tree.o, code);
}
