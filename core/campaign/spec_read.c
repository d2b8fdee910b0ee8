/* Walking a JSON document: nodes, faults, typed values. Knows nothing of campaigns. */
#include "campaign/spec_read.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <stdarg.h>
#include <stdio.h>

enum { PATH_MOST = 400, NAME_MOST = 64, NEAREST_MOST = 64 };

struct spec__node spec__root(const struct base_json *doc) {
    return (struct spec__node){.json = base_json_root(doc)};
}

struct spec__node spec__child(const struct spec__node *parent, const char *key) {
    return (struct spec__node){
        .parent = parent, .key = key, .json = json_object_get(parent->json, key)};
}

struct spec__node spec__item(const struct spec__node *parent, size_t index) {
    return (struct spec__node){
        .parent = parent, .index = index, .json = json_array_get(parent->json, index)};
}

void spec__path(const struct spec__node *node, struct base_buf *out) {
    if (!node->parent) {
        return;
    }
    spec__path(node->parent, out);
    if (node->key) {
        base_buf_printf(out, "%s%s", out->bytes ? "." : "", node->key);
    } else {
        base_buf_printf(out, "[%zu]", node->index);
    }
}

void spec__fault(struct spec__reader *r, const struct spec__node *node, const char *fmt, ...) {
    if (r->code) {
        return;
    }
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct base_buf path;
    base_buf_init(&path, PATH_MOST);
    spec__path(node, &path);
    r->code = base_json_fault(r->doc, node->json, base_buf_text(&path), r->err, "%s", text);
    base_buf_release(&path);
}

/* --- did you mean --- */

/* Changes of one byte (added, dropped, changed, or two neighbours swapped) from a to b. */
static size_t distance(struct str a, struct str b) {
    size_t rows[3][NEAREST_MOST + 1];
    for (size_t j = 0; j <= b.bytes; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.bytes; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.bytes; j++) {
            size_t best = last[j - 1] + (a.at[i - 1] != b.at[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[a.bytes % 3][b.bytes];
}

struct str spec__nearest(struct str word, struct str words) {
    struct str nearest = {0};
    /* One slip in three letters is still the same word, two in five hardly. */
    size_t least = word.bytes < 6 ? 1 : word.bytes / 3;
    while (words.bytes > 0 && word.bytes <= NEAREST_MOST) {
        struct str candidate = str_cut(&words, ' ');
        if (candidate.bytes == 0 || candidate.bytes > NEAREST_MOST) {
            continue;
        }
        size_t far = distance(word, candidate);
        if (far < least || (far == least && nearest.bytes == 0)) {
            least = far;
            nearest = candidate;
        }
    }
    return nearest;
}

bool spec__word_in(struct str word, struct str words) {
    while (words.bytes > 0) {
        if (str_eq(str_cut(&words, ' '), word)) {
            return true;
        }
    }
    return false;
}

/* --- typed values --- */

static bool absent(
    struct spec__reader *r, const struct spec__node *node, enum spec__presence presence) {
    if (!node->json && presence == SPEC__REQUIRED) {
        spec__fault(r, node, TR("is missing"));
    }
    return !node->json || r->code;
}

bool spec__object(struct spec__reader *r, const struct spec__node *node, const char *keys) {
    if (absent(r, node, SPEC__REQUIRED)) {
        return false;
    }
    if (!json_is_object(node->json)) {
        spec__fault(r, node, TR("must be an object { ... }"));
        return false;
    }
    const char *key;
    json_t *value;
    json_object_foreach(node->json, key, value) {
        if (keys && !spec__word_in(str_from(key), str_from(keys))) {
            struct spec__node child = spec__child(node, key);
            struct str near = spec__nearest(str_from(key), str_from(keys));
            if (near.bytes > 0) {
                spec__fault(
                    r, &child, TR("is not known here; did you mean '" STR_FMT "'?"), STR_ARG(near));
            } else {
                spec__fault(r, &child, TR("is not known here; known are: %s"), keys);
            }
            return false;
        }
    }
    return true;
}

bool spec__list(struct spec__reader *r, const struct spec__node *node, size_t least, size_t most) {
    if (absent(r, node, SPEC__REQUIRED)) {
        return false;
    }
    if (!json_is_array(node->json)) {
        spec__fault(r, node, TR("must be a list [ ... ]"));
        return false;
    }
    size_t count = json_array_size(node->json);
    if (count < least || count > most) {
        spec__fault(r, node, TR("must have %zu to %zu items, not %zu"), least, most, count);
        return false;
    }
    return true;
}

/* A text that is not blank, BORROWED from the document; NULL when absent or wrong. */
static const char *text_of(
    struct spec__reader *r, const struct spec__node *node, enum spec__presence presence) {
    if (absent(r, node, presence)) {
        return NULL;
    }
    const char *text = json_string_value(node->json);
    if (!text) {
        spec__fault(r, node, TR("must be a text in double quotes"));
        return NULL;
    }
    struct str trimmed = str_trim(str_from(text));
    if (trimmed.bytes == 0) {
        spec__fault(r, node, TR("is empty"));
        return NULL;
    }
    return text;
}

char *spec__text(
    struct spec__reader *r, const struct spec__node *node, enum spec__presence presence) {
    return base_strdup(text_of(r, node, presence));
}

static bool name_valid(struct str name) {
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0);
        if (!plain) {
            return false;
        }
    }
    return name.bytes > 0 && name.bytes <= NAME_MOST;
}

char *spec__name(
    struct spec__reader *r, const struct spec__node *node, enum spec__presence presence) {
    const char *name = text_of(r, node, presence);
    if (name && !name_valid(str_from(name))) {
        spec__fault(r, node,
            TR("'%s' is no name: small letters a-z, digits and '-', at most %d of them"), name,
            NAME_MOST);
        return NULL;
    }
    return base_strdup(name);
}

bool spec__integer(struct spec__reader *r, const struct spec__node *node,
    enum spec__presence presence, int64_t least, int64_t most, int64_t *out) {
    if (absent(r, node, presence)) {
        return false;
    }
    int64_t value = json_integer_value(node->json);
    if (!json_is_integer(node->json) || value < least || value > most) {
        spec__fault(r, node, TR("must be a whole number from %lld to %lld"), (long long)least,
            (long long)most);
        return false;
    }
    *out = value;
    return true;
}

bool spec__date(struct spec__reader *r, const struct spec__node *node, struct base_date *out) {
    const char *text = text_of(r, node, SPEC__REQUIRED);
    if (!text) {
        return false;
    }
    if (strlen(text) != 10 || text[4] != '-' || base_parse_date(str_from(text), out)) {
        spec__fault(r, node, TR("'%s' is no date like 2026-12-31"), text);
        return false;
    }
    return true;
}

bool spec__duration(
    struct spec__reader *r, const struct spec__node *node, struct base_duration *out) {
    const char *text = text_of(r, node, SPEC__REQUIRED);
    if (!text) {
        return false;
    }
    if (base_parse_duration(str_from(text), out)) {
        spec__fault(
            r, node, TR("'%s' is no duration like P7D (7 days) or PT2H30M (2 h 30 min)"), text);
        return false;
    }
    return true;
}

int spec__choice(struct spec__reader *r, const struct spec__node *node,
    enum spec__presence presence, const char *words) {
    const char *text = text_of(r, node, presence);
    if (!text) {
        return -1;
    }
    struct str rest = str_from(words);
    for (int i = 0; rest.bytes > 0; i++) {
        if (str_is(str_cut(&rest, ' '), text)) {
            return i;
        }
    }
    spec__fault(r, node, TR("'%s' is not one of: %s"), text, words);
    return -1;
}

bool spec__lang_valid(const char *lang) {
    size_t letters = 0;
    while (lang[letters] >= 'a' && lang[letters] <= 'z') {
        letters++;
    }
    if (letters < 2 || letters > 3 || strlen(lang) > 16) {
        return false;
    }
    size_t since = 0;
    bool parts = false;
    for (const char *at = lang + letters; *at; at++) {
        bool plain = (*at >= '0' && *at <= '9') || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z');
        if (*at == '-' && (since > 0 || !parts)) {
            since = 0;
            parts = true;
        } else if (plain && parts) {
            since++;
        } else {
            return false;
        }
    }
    return !parts || since > 0;
}
