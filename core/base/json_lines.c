/* Where each JSON value stood. jansson keeps objects in the order of the text, so that walking tree
 * and text side by side meets the same values; keys need no decoding and nothing is checked twice.
 */
#include "base/json_lines.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"

/* A value is known by its parent and its place there; values with an address of their own also by
 * that (parent NULL). */
struct line_slot {
    const void *parent, *value;
    size_t place;
    int line; /* 0: free */
};

struct json_lines {
    struct line_slot *slots; /* open addressing */
    size_t mask;
};

struct walk {
    struct json_lines *lines;
    struct str text;
    size_t pos;
    int line;
};

static bool is_shared(const json_t *value) {
    return json_is_boolean(value) || json_is_null(value);
}

static size_t count_values(const json_t *value) {
    size_t count = 1;
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            count += count_values(json_array_get(value, i));
        }
    } else if (json_is_object(value)) {
        json_t *object = (json_t *)(uintptr_t)value;
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
            count += count_values(json_object_iter_value(at));
        }
    }
    return count;
}

static struct line_slot *slot_of(
    const struct json_lines *lines, const void *parent, const void *value, size_t place) {
    const struct {
        const void *parent, *value;
        size_t place;
    } key = {parent, value, place};
    size_t slot = base_hash64(&key, sizeof(key)) & lines->mask;
    for (;;) {
        struct line_slot *found = &lines->slots[slot];
        if (found->line == 0 ||
            (found->parent == parent && found->value == value && found->place == place)) {
            return found;
        }
        slot = (slot + 1) & lines->mask;
    }
}

static void note(struct walk *walk, const json_t *parent, size_t place, const json_t *value) {
    const void *own_parent = is_shared(value) ? parent : NULL;
    size_t own_place = is_shared(value) ? place : 0;
    struct line_slot *slot = slot_of(walk->lines, own_parent, value, own_place);
    *slot = (struct line_slot){own_parent, value, own_place, walk->line};
}

static void skip_blank(struct walk *walk) {
    while (walk->pos < walk->text.bytes) {
        char c = walk->text.at[walk->pos];
        if (c == '\n') {
            walk->line++;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
        walk->pos++;
    }
}

static void skip_string(struct walk *walk) {
    for (walk->pos++; walk->text.at[walk->pos] != '"'; walk->pos++) {
        if (walk->text.at[walk->pos] == '\\') {
            walk->pos++;
        }
    }
    walk->pos++;
}

static void skip_word(struct walk *walk) {
    while (walk->pos < walk->text.bytes && !strchr(",]} \t\r\n", walk->text.at[walk->pos])) {
        walk->pos++;
    }
}

static void walk_value(struct walk *walk, const json_t *parent, size_t place, const json_t *value);

/* Past '[' or '{', or past the ',' before the next one. */
static void walk_next(struct walk *walk) {
    skip_blank(walk);
    walk->pos++;
    skip_blank(walk);
}

static void walk_object(struct walk *walk, const json_t *value) {
    json_t *object = (json_t *)(uintptr_t)value;
    size_t place = 0;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        walk_next(walk);
        skip_string(walk);
        walk_next(walk); /* the colon */
        walk_value(walk, value, place, json_object_iter_value(at));
        place++;
    }
}

static void walk_value(struct walk *walk, const json_t *parent, size_t place, const json_t *value) {
    skip_blank(walk);
    note(walk, parent, place, value);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        walk_object(walk, value);
        if (json_object_size(value) == 0) {
            walk_next(walk);
        }
        break;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(value); i++) {
            walk_next(walk);
            walk_value(walk, value, i, json_array_get(value, i));
        }
        if (json_array_size(value) == 0) {
            walk_next(walk);
        }
        break;
    case JSON_STRING:
        skip_string(walk);
        return;
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        skip_word(walk);
        return;
    }
    skip_blank(walk);
    walk->pos++; /* the closing bracket */
}

struct json_lines *base__json_lines_new(const json_t *root, struct str text) {
    struct json_lines *lines = base_alloc(sizeof(*lines));
    size_t slots = 16, values = count_values(root);
    while (slots < values * 2) {
        slots *= 2;
    }
    lines->slots = base_alloc_array(slots, sizeof(*lines->slots));
    lines->mask = slots - 1;
    struct walk walk = {.lines = lines, .text = text, .pos = 0, .line = 1};
    walk_value(&walk, NULL, 0, root);
    return lines;
}

void base__json_lines_free(struct json_lines *lines) {
    if (lines) {
        base_free(lines->slots);
        base_free(lines);
    }
}

int base__json_lines_get(const struct json_lines *lines, const json_t *value) {
    return slot_of(lines, NULL, value, 0)->line;
}

/* The next part of the path: "name" or "[3]"; moves on. */
static struct str path_next(struct str *path) {
    while (path->bytes > 0 && (path->at[0] == '.' || path->at[0] == '[')) {
        *path = str_of(path->at + 1, path->bytes - 1);
    }
    size_t bytes = 0;
    while (bytes < path->bytes && !strchr(".[]", path->at[bytes])) {
        bytes++;
    }
    struct str part = str_of(path->at, bytes);
    *path = str_of(path->at + bytes, path->bytes - bytes);
    if (path->bytes > 0 && path->at[0] == ']') {
        *path = str_of(path->at + 1, path->bytes - 1);
    }
    return part;
}

static const json_t *child_of(const json_t *parent, struct str part, size_t *place_out) {
    uint64_t index;
    if (json_is_array(parent) && base_parse_u64(part, &index) == 0) {
        *place_out = index;
        return json_array_get(parent, index);
    }
    if (json_is_object(parent)) {
        json_t *object = (json_t *)(uintptr_t)parent;
        size_t place = 0;
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
            if (str_is(part, json_object_iter_key(at))) {
                *place_out = place;
                return json_object_iter_value(at);
            }
            place++;
        }
    }
    return NULL;
}

int base__json_lines_find(const struct json_lines *lines, const json_t *root, struct str path) {
    int line = base__json_lines_get(lines, root);
    const json_t *value = root;
    while (value && path.bytes > 0) {
        struct str part = path_next(&path);
        size_t place = 0;
        const json_t *child = child_of(value, part, &place);
        if (child) {
            bool shared = is_shared(child);
            line = slot_of(lines, shared ? value : NULL, child, shared ? place : 0)->line;
        }
        value = child;
    }
    return line;
}
