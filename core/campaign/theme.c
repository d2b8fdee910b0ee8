/* Reads a theme file: title, key messages, partials and materials, in several languages. */
#include "campaign/spec_private.h"
#include "campaign/template.h"

#include "base/mem.h"
#include "base/tr.h"

enum { MESSAGES_MOST = 100, MATERIALS_MOST = 200 };

int theme_partial(void *partials, struct str name, struct str *text_out) {
    const struct theme_partials *p = partials;
    const json_t *of_lang = json_object_get(json_object_get(p->theme->root, "partials"), p->lang);
    const json_t *text = json_object_getn(of_lang, name.at, name.bytes);
    if (!json_is_string(text)) {
        return LANTOA_ENOENT;
    }
    *text_out = str_of(json_string_value(text), json_string_length(text));
    return 0;
}

/* Calls read for each language of an object; faults for what is no language. */
static void each_lang(struct spec__reader *r, const struct spec__node *node,
    void (*read)(struct spec__reader *r, const struct spec__node *of_lang, void *arg), void *arg) {
    if (!spec__object(r, node, NULL)) {
        return;
    }
    const char *lang;
    json_t *value;
    json_object_foreach(node->json, lang, value) {
        struct spec__node of_lang = spec__child(node, lang);
        if (!spec__lang_valid(lang)) {
            spec__fault(r, &of_lang, TR("'%s' is no language code like vi or en"), lang);
        }
        read(r, &of_lang, arg);
        if (r->code) {
            return;
        }
    }
}

static void read_title(struct spec__reader *r, const struct spec__node *of_lang, void *arg) {
    (void)arg;
    base_free(spec__text(r, of_lang, SPEC__REQUIRED));
}

static void read_messages(struct spec__reader *r, const struct spec__node *of_lang, void *arg) {
    (void)arg;
    if (!spec__list(r, of_lang, 0, MESSAGES_MOST)) {
        return;
    }
    for (size_t i = 0; i < json_array_size(of_lang->json); i++) {
        struct spec__node message = spec__item(of_lang, i);
        base_free(spec__text(r, &message, SPEC__REQUIRED));
    }
}

/* Compiles a text that only calls the partial, so that errors are told as those of a partial. */
static void check_partial(
    struct spec__reader *r, const struct spec__node *node, struct theme_partials *partials) {
    char *call = base_printf("{{> %s}}", node->key);
    struct template *template = NULL;
    struct base_err err = {0};
    if (template_compile(str_from(call), TEMPLATE_TEXT, partials->lang, theme_partial, partials,
            &template, &err)) {
        spec__fault(r, node, "%s", err.text);
    }
    template_free(&template);
    base_free(call);
}

static bool partial_name_valid(const char *name) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t bytes = strlen(name);
    return bytes > 0 && bytes <= 64 && strspn(name, plain) == bytes;
}

/* Each partial must compile by itself, with the others of its language. */
static void read_partials(struct spec__reader *r, const struct spec__node *of_lang, void *arg) {
    struct theme_partials partials = {arg, of_lang->key};
    if (!spec__object(r, of_lang, NULL)) {
        return;
    }
    const char *name;
    json_t *value;
    json_object_foreach(of_lang->json, name, value) {
        struct spec__node node = spec__child(of_lang, name);
        if (!partial_name_valid(name)) {
            spec__fault(
                r, &node, TR("'%s' is no name of a partial: letters, digits, '_' and '-'"), name);
        } else if (!json_is_string(value)) {
            spec__fault(r, &node, TR("must be a text in double quotes"));
        }
    }
    json_object_foreach(of_lang->json, name, value) {
        struct spec__node node = spec__child(of_lang, name);
        check_partial(r, &node, &partials);
    }
}

static void read_materials(struct spec__reader *r, const struct spec__node *node) {
    if (!node->json || !spec__list(r, node, 0, MATERIALS_MOST)) {
        return;
    }
    for (size_t i = 0; i < json_array_size(node->json); i++) {
        struct spec__node item = spec__item(node, i);
        if (!spec__object(r, &item, "name file mime description sha256")) {
            return;
        }
        struct spec__node name = spec__child(&item, "name"), file = spec__child(&item, "file");
        struct spec__node mime = spec__child(&item, "mime");
        struct spec__node sha256 = spec__child(&item, "sha256");
        base_free(spec__text(r, &name, SPEC__REQUIRED));
        base_free(spec__text(r, &file, SPEC__REQUIRED));
        base_free(spec__text(r, &mime, SPEC__OPTIONAL));
        char *hash = spec__text(r, &sha256, SPEC__OPTIONAL);
        if (hash && (strlen(hash) != 64 || strspn(hash, "0123456789abcdef") != 64)) {
            spec__fault(r, &sha256, TR("must be 64 digits 0-9a-f"));
        }
        base_free(hash);
    }
}

int theme_spec_parse(
    const struct base_json *doc, struct theme_spec **spec_out, struct base_err *err) {
    struct spec__reader r = {.doc = doc, .err = err};
    struct spec__node top = spec__root(doc);
    struct theme_spec *spec = base_alloc(sizeof(*spec));
    spec->root = json_incref(top.json);
    if (spec__object(&r, &top, "name description title messages partials materials $schema")) {
        struct spec__node name = spec__child(&top, "name"), title = spec__child(&top, "title");
        struct spec__node messages = spec__child(&top, "messages");
        struct spec__node partials = spec__child(&top, "partials");
        struct spec__node materials = spec__child(&top, "materials");
        spec->name = spec__name(&r, &name, SPEC__REQUIRED);
        each_lang(&r, &title, read_title, NULL);
        if (json_object_size(title.json) == 0) {
            spec__fault(&r, &title, TR("is empty"));
        }
        if (messages.json) {
            each_lang(&r, &messages, read_messages, NULL);
        }
        if (partials.json) {
            each_lang(&r, &partials, read_partials, spec);
        }
        read_materials(&r, &materials);
    }
    if (r.code) {
        theme_spec_free(&spec);
    }
    *spec_out = spec;
    return r.code;
}

void theme_spec_free(struct theme_spec **spec) {
    if (*spec) {
        base_free((*spec)->name);
        json_decref((*spec)->root);
        base_free(*spec);
        *spec = NULL;
    }
}
