/* JSON files read with jansson, with errors that name file, line and field. The lines come from
 * json_lines.c. */
#include "base/json.h"

#include "base/file.h"
#include "base/json_lines.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <stdarg.h>
#include <stdio.h>

enum { JSON_MOST_BYTES = 16 << 20, JSON_MOST_DEPTH = 64 };

struct base_json {
    char *name;
    json_t *root;
    struct json_lines *lines;
};

/* jansson would go down thousands of levels; a text that deep is an attack or an accident. Returns
 * the line where the depth is passed, 0 when it is not. Brackets in a text that is no JSON may be
 * miscounted: the parser refuses it anyway. */
static int too_deep_at(struct str text) {
    int depth = 0, line = 1;
    bool in_string = false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == '\n') {
            line++;
        }
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"' || c == '\n') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_MOST_DEPTH) {
                return line;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 0;
}

static const char *parse_fault_text(const json_error_t *error) {
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return TR("the text ends too early");
    case json_error_end_of_input_expected:
        return TR("something follows after the end");
    case json_error_duplicate_key:
        return TR("a key stands twice in the same object");
    case json_error_invalid_utf8:
        return TR("not valid UTF-8");
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return TR("a null character is not allowed");
    case json_error_numeric_overflow:
        return TR("a number is too large");
    case json_error_stack_overflow:
        return TR("nested too deeply");
    case json_error_out_of_memory:
        return TR("out of memory");
    default:
        return TR("not valid JSON");
    }
}

/* jansson quotes what it stumbled over as: ... near 'WORDS' */
static struct str parse_fault_near(const json_error_t *error) {
    const char *near = strstr(error->text, "near ");
    struct str words = str_from(near ? near + 5 : NULL);
    if (words.bytes >= 2 && words.at[0] == '\'') {
        words = str_of(words.at + 1, words.bytes - 2);
    }
    return words.bytes <= 60 ? words : STR("");
}

/* A file that is no text at all is not quoted. */
static bool has_control(struct str words) {
    for (size_t i = 0; i < words.bytes; i++) {
        if ((unsigned char)words.at[i] < ' ' || words.at[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static int parse_fault(const char *name, const json_error_t *error, struct base_err *err) {
    int code = json_error_code(error) == json_error_out_of_memory ? LANTOA_ENOMEM : LANTOA_EINVAL;
    struct str near = parse_fault_near(error);
    int line = error->line > 0 ? error->line : 1;
    bool telling = near.bytes > 0 && base_utf8_valid(near) && !has_control(near) &&
                   json_error_code(error) != json_error_premature_end_of_input &&
                   json_error_code(error) != json_error_invalid_utf8;
    if (telling) {
        return base_err_set(err, code, TR("%s:%d: %s, near " STR_FMT), name, line,
            parse_fault_text(error), STR_ARG(near));
    }
    return base_err_set(err, code, "%s:%d: %s", name, line, parse_fault_text(error));
}

int base_json_parse(
    struct str text, const char *name, struct base_json **doc_out, struct base_err *err) {
    if (text.bytes > JSON_MOST_BYTES) {
        return base_err_set(err, LANTOA_ELIMIT,
            TR("%s: the file is larger than the limit of %zu bytes"), name,
            (size_t)JSON_MOST_BYTES);
    }
    /* Editors on Windows put a byte order mark in front. */
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        text = str_of(text.at + 3, text.bytes - 3);
    }
    int deep = too_deep_at(text);
    if (deep > 0) {
        return base_err_set(err, LANTOA_ELIMIT, TR("%s:%d: nested deeper than %d levels"), name,
            deep, (int)JSON_MOST_DEPTH);
    }
    json_error_t error;
    json_t *root =
        json_loadb(text.bytes ? text.at : "", text.bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        return parse_fault(name, &error, err);
    }
    struct base_json *doc = base_alloc(sizeof(*doc));
    doc->name = base_strdup(name);
    doc->root = root;
    doc->lines = base__json_lines_new(root, text);
    *doc_out = doc;
    return 0;
}

int base_json_load(const char *path, struct base_json **doc_out, struct base_err *err) {
    struct base_buf text;
    base_buf_init(&text, JSON_MOST_BYTES);
    int result = base_file_read(path, JSON_MOST_BYTES, &text, err);
    if (result == 0) {
        result = base_json_parse(base_buf_str(&text), path, doc_out, err);
    }
    base_buf_release(&text);
    return result;
}

void base_json_free(struct base_json **doc) {
    if (*doc) {
        base__json_lines_free((*doc)->lines);
        json_decref((*doc)->root);
        base_free((*doc)->name);
        base_free(*doc);
        *doc = NULL;
    }
}

json_t *base_json_root(const struct base_json *doc) {
    return doc->root;
}

int base_json_line(const struct base_json *doc, const json_t *value) {
    return value ? base__json_lines_get(doc->lines, value) : 0;
}

int base_json_fault(const struct base_json *doc, const json_t *value, const char *path,
    struct base_err *err, const char *fmt, ...) {
    char text[sizeof(err->text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    int line = base_json_line(doc, value);
    if (line == 0) {
        line = base__json_lines_find(doc->lines, doc->root, str_from(path));
    }
    if (!path || !*path) {
        return base_err_set(err, LANTOA_EINVAL, "%s:%d: %s", doc->name, line, text);
    }
    return base_err_set(err, LANTOA_EINVAL, TR("%s:%d: field %s: %s"), doc->name, line, path, text);
}
