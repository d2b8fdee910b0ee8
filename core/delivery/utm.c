/* UTM parameters: their values for a step, and putting them into addresses. */
#include "delivery/utm.h"

#include "base/mem.h"
#include "base/tr.h"
#include "campaign/template.h"

#define UTM__NAME(name, fallback) "utm_" #name,
static const char *const names[] = {CAMPAIGN_UTM(UTM__NAME)};
#undef UTM__NAME

struct delivery_utm {
    char *values[CAMPAIGN_UTM_COUNT]; /* percent-encoded; NULL: none */
};

/* --- the values of a step --- */

static bool get_fact(void *arg, int index, struct str name, struct str *value_out) {
    const struct delivery_utm_facts *facts = arg;
    const struct {
        const char *name, *value;
    } known[] = {{"channel", facts->channel}, {"kind", facts->kind}, {"plugin", facts->plugin},
        {"campaign", facts->campaign}, {"theme", facts->theme}, {"step", facts->step}};
    (void)index;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_is(name, known[i].name)) {
            *value_out = str_from(known[i].value);
            return value_out->bytes > 0;
        }
    }
    return false;
}

/* RFC 3986: what is not reserved stays. */
static char *encode(struct str text) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = base_alloc(3 * text.bytes + 1);
    size_t used = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c != '\0' && strchr("-._~", c))) {
            out[used++] = (char)c;
        } else {
            out[used++] = '%';
            out[used++] = hex[c >> 4];
            out[used++] = hex[c & 15];
        }
    }
    return out;
}

static int make_value(const char *text, const struct delivery_utm_facts *facts, char **value_out,
    struct base_err *err) {
    struct template *template = NULL;
    struct delivery_utm_facts copy = *facts;
    struct template_source source = {get_fact, &copy};
    struct base_buf out;
    base_buf_init(&out, UTM_VALUE_BYTES_MAX);
    int rc = template_compile(str_from(text), TEMPLATE_TEXT, "vi", NULL, NULL, &template, err);
    if (rc == 0) {
        rc = template_render(template, &source, &out, err);
    }
    struct str value = str_trim(base_buf_str(&out));
    if (rc == 0 && value.bytes > 0) {
        *value_out = encode(value);
    }
    template_free(&template);
    base_buf_release(&out);
    return rc;
}

int delivery_utm_new(const struct campaign_utm *spec, const struct delivery_utm_facts *facts,
    struct delivery_utm **utm_out, struct base_err *err) {
    *utm_out = NULL;
    if (!spec->on) {
        return 0;
    }
    struct delivery_utm *utm = base_alloc(sizeof *utm);
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        int rc = make_value(spec->texts[i], facts, &utm->values[i], err);
        if (rc != 0) {
            delivery_utm_free(&utm);
            return base_err_prefix(err, "%s", names[i]);
        }
    }
    *utm_out = utm;
    return 0;
}

void delivery_utm_free(struct delivery_utm **utm) {
    if (*utm) {
        for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
            base_free((*utm)->values[i]);
        }
        base_free(*utm);
        *utm = NULL;
    }
}

/* --- an address --- */

struct parts {
    size_t path, query, fragment; /* where each begins; the address's length: it has none */
    bool fixed;                   /* its tags are values of its query or fragment */
};

static bool here(struct str url, size_t at, const char *word) {
    size_t bytes = strlen(word);
    return url.bytes - at >= bytes && memcmp(url.at + at, word, bytes) == 0;
}

/* Behind the tag at `at`; 0: it is more than a value. */
static size_t value_end(struct str url, size_t at) {
    const char *close = here(url, at, "{{{") ? "}}}" : "}}";
    size_t inside = at + strlen(close);
    if (inside >= url.bytes || strchr("#^/>!=", url.at[inside])) {
        return 0;
    }
    for (size_t i = inside; i < url.bytes; i++) {
        if (here(url, i, close)) {
            return i + strlen(close);
        }
    }
    return 0;
}

/* "&#39;" in HTML is a sign, not a fragment. */
static bool begins_fragment(struct str url, size_t at, bool html) {
    return url.at[at] == '#' && !(html && at > 0 && url.at[at - 1] == '&');
}

static struct parts split(struct str url, bool html) {
    struct parts parts = {url.bytes, url.bytes, url.bytes, true};
    size_t at = here(url, 0, "https://") ? 8 : 7;
    while (at < url.bytes && parts.fragment == url.bytes && parts.fixed) {
        if (here(url, at, "{{")) {
            size_t end = value_end(url, at);
            parts.fixed = end > 0 && parts.query < url.bytes;
            at = end;
            continue;
        }
        if (begins_fragment(url, at, html)) {
            parts.fragment = at;
        } else if (url.at[at] == '?' && parts.query == url.bytes) {
            parts.query = at;
        } else if (url.at[at] == '/' && parts.path == url.bytes && parts.query == url.bytes) {
            parts.path = at;
        }
        at++;
    }
    /* What stands in the fragment has no say, but must be whole. */
    while (parts.fixed && at < url.bytes) {
        size_t end = here(url, at, "{{") ? value_end(url, at) : at + 1;
        parts.fixed = end > 0;
        at = end;
    }
    parts.query = parts.query < parts.fragment ? parts.query : parts.fragment;
    parts.path = parts.path < parts.query ? parts.path : parts.query;
    return parts;
}

static bool is_picture(struct str path) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t bytes = strlen(endings[i]);
        if (path.bytes >= bytes &&
            str_case_eq(str_of(path.at + path.bytes - bytes, bytes), str_of(endings[i], bytes))) {
            return true;
        }
    }
    return false;
}

/* ";" ends the "&amp;" of HTML. */
static bool has_parameter(struct str query, const char *name) {
    size_t bytes = strlen(name);
    for (size_t i = 0; i + 1 + bytes < query.bytes; i++) {
        if (strchr("?&;", query.at[i]) && here(query, i + 1, name) &&
            query.at[i + 1 + bytes] == '=') {
            return true;
        }
    }
    return false;
}

void delivery_utm_put(
    const struct delivery_utm *utm, struct str url, bool html, struct base_buf *out) {
    struct parts parts = split(url, html);
    struct str query = str_of(url.at + parts.query, parts.fragment - parts.query);
    if (!utm || !parts.fixed || is_picture(str_of(url.at, parts.query))) {
        base_buf_add_str(out, url);
        return;
    }
    bool lacks = false;
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        lacks = lacks || (utm->values[i] && !has_parameter(query, names[i]));
    }
    if (!lacks) {
        base_buf_add_str(out, url);
        return;
    }
    const char *between = html ? "&amp;" : "&";
    bool open = query.bytes <= 1 || str_ends(query, STR("&")) || str_ends(query, str_from(between));
    base_buf_add(out, url.at, parts.query);
    if (parts.path == parts.query) {
        base_buf_add_char(out, '/'); /* https://example.vn?utm... is taken amiss by some */
    }
    base_buf_add_str(out, query.bytes ? query : STR("?"));
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        if (utm->values[i] && !has_parameter(query, names[i])) {
            base_buf_printf(out, "%s%s=%s", open ? "" : between, names[i], utm->values[i]);
            open = false;
        }
    }
    base_buf_add(out, url.at + parts.fragment, url.bytes - parts.fragment);
}
