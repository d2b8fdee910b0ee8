/* {{name|filter|filter}} in the texts of a declaration. Knows the names and what they stand for;
 * nothing of requests or answers. */
#include "sms_http.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static const struct lantoa_declared *known; /* see template_know() */

void template_know(const struct lantoa_declared *declared) {
    known = declared;
}

/* The place of a name in a list; count when it is not there. */
static size_t place_of(const char *const *names, size_t count, const char *at, size_t bytes) {
    size_t i = 0;
    while (i < count && (strlen(names[i]) != bytes || memcmp(names[i], at, bytes) != 0)) {
        i++;
    }
    return i;
}

const char *declared_option(const struct lantoa_declared *declared, const char *name) {
    size_t i = place_of(declared->option_names, declared->option_count, name, strlen(name));
    return i < declared->option_count ? declared->option_values[i] : NULL;
}

static void put_option(struct bytes *out, const char *text) {
    bytes_put_text(out, text == NULL ? "" : text);
}

static const char *digits_of(const struct lantoa_message *message) {
    return message->address.at + (message->address.at[0] == '+' ? 1 : 0);
}

static void put_local(const struct scope *scope, struct bytes *out) {
    const char *digits = digits_of(scope->message);
    const char *country = scope->config->country_code == NULL ? "" : scope->config->country_code;
    size_t prefix = strlen(country);
    bool own = prefix > 0 && strncmp(digits, country, prefix) == 0;
    bytes_put_text(out, own ? "0" : "");
    bytes_put_text(out, digits + (own ? prefix : 0));
}

/* X(name in templates, member of the config) */
#define OPTION_NAMES(X)                                                                            \
    X(base_url)                                                                                    \
    X(username)                                                                                    \
    X(password)                                                                                    \
    X(api_key)                                                                                     \
    X(api_secret)                                                                                  \
    X(sender)                                                                                      \
    X(callback_url)                                                                                \
    X(callback_secret)

/* X(name, how its value is put) : names of a message */
#define MESSAGE_NAMES(X)                                                                           \
    X(address, bytes_put_str(out, s->message->address))                                            \
    X(number, bytes_put_text(out, digits_of(s->message)))                                          \
    X(local_number, put_local(s, out))                                                             \
    X(text, bytes_put_str(out, s->text))                                                           \
    X(template_id, bytes_put_str(out, s->message->fields[FIELD_TEMPLATE_ID]))                      \
    X(params, bytes_put_str(out, s->message->fields[FIELD_PARAMS]))                                \
    X(key, bytes_put_str(out, s->message->key))                                                    \
    X(name, bytes_put_str(out, s->message->name))                                                  \
    X(lang, bytes_put_str(out, s->message->lang))                                                  \
    X(campaign, bytes_put_str(out, s->message->step->campaign))                                    \
    X(step, bytes_put_str(out, s->message->step->step))                                            \
    X(message_class, bytes_put_str(out, s->message->step->message_class))                          \
    X(unicode, bytes_put_text(out, s->unicode ? "1" : "0"))                                        \
    X(alphabet, bytes_put_text(out, s->unicode ? "2" : "0"))

/* Names with a tail: {{query.NAME}}. */
static const char *const hook_prefixes[] = {"query.", "form.", "header.", "json.", NULL};

static bool is_name(const char *at, size_t count, const char *name) {
    return strlen(name) == count && memcmp(at, name, count) == 0;
}

static bool has_prefix(const char *at, size_t count, const char *prefix) {
    size_t bytes = strlen(prefix);
    return count > bytes && memcmp(at, prefix, bytes) == 0;
}

/* Names that only gateways of sms-http have. */
static bool is_foreign(const char *at, size_t count) {
    return is_name(at, count, "text") || is_name(at, count, "template_id") ||
           is_name(at, count, "params");
}

static bool is_own(const char *at, size_t count, unsigned scopes) {
    return place_of(known->option_names, known->option_count, at, count) < known->option_count ||
           ((scopes & SCOPE_MESSAGE) && place_of(known->content_names, known->content_count, at,
                                            count) < known->content_count);
}

static bool is_known(const char *at, size_t count, unsigned scopes) {
    if (known != NULL && is_own(at, count, scopes)) {
        return true;
    }
    if (known != NULL && is_foreign(at, count)) {
        return false;
    }
#define ROW(name) is_name(at, count, #name) ||
#define ROW2(name, put) is_name(at, count, #name) ||
    bool gateway =
        OPTION_NAMES(ROW) is_name(at, count, "sandbox") || has_prefix(at, count, "extra.");
    if (is_name(at, count, "now_s") || (known == NULL && gateway)) {
        return true;
    }
    if ((scopes & SCOPE_TOKEN) && is_name(at, count, "token")) {
        return true;
    }
    if ((scopes & SCOPE_MESSAGE) && (MESSAGE_NAMES(ROW2) false)) {
        return true;
    }
#undef ROW
#undef ROW2
    for (size_t i = 0; (scopes & SCOPE_HOOK) && hook_prefixes[i] != NULL; i++) {
        if (has_prefix(at, count, hook_prefixes[i])) {
            return true;
        }
    }
    return (scopes & SCOPE_HOOK) && (is_name(at, count, "body") || is_name(at, count, "method"));
}

static void put_header(
    const struct lantoa_hook *hook, const char *at, size_t count, struct bytes *out) {
    for (size_t i = 0; i < hook->header_count; i++) {
        if (is_name(at, count, hook->headers[i].name)) {
            bytes_put_text(out, hook->headers[i].value);
            return;
        }
    }
}

static void put_of_hook(const struct scope *s, const char *at, size_t count, struct bytes *out) {
    if (is_name(at, count, "body")) {
        bytes_put_str(out, s->hook->body);
    } else if (is_name(at, count, "method")) {
        bytes_put_text(out, s->hook->method);
    } else if (has_prefix(at, count, "query.")) {
        url_find(s->hook->query, at + 6, count - 6, out);
    } else if (has_prefix(at, count, "form.")) {
        url_find(s->hook->body, at + 5, count - 5, out);
    } else if (has_prefix(at, count, "header.")) {
        put_header(s->hook, at + 7, count - 7, out);
    } else if (has_prefix(at, count, "json.")) {
        char pointer[200];
        snprintf(pointer, sizeof(pointer), "%.*s", (int)(count - 5), at + 5);
        json_put_plain(json_at(s->item, pointer), out);
    }
}

/* False: it is none of the channel's own names. */
static bool put_own(const struct scope *s, const char *at, size_t count, struct bytes *out) {
    const struct lantoa_declared *d = s->declared;
    size_t row = place_of(d->content_names, d->content_count, at, count);
    size_t option = place_of(d->option_names, d->option_count, at, count);
    if (option < d->option_count) {
        put_option(out, d->option_values[option]);
    } else if (row < d->content_count && s->message != NULL) {
        bytes_put_str(out, row == s->text_row ? s->text : s->message->fields[row]);
    } else {
        return is_foreign(at, count);
    }
    return true;
}

static void put_value(const struct scope *s, const char *at, size_t count, struct bytes *out) {
    if (s->declared != NULL && put_own(s, at, count, out)) {
        return;
    }
#define ROW(name)                                                                                  \
    if (is_name(at, count, #name)) {                                                               \
        put_option(out, s->config->name);                                                          \
        return;                                                                                    \
    }
    OPTION_NAMES(ROW)
#undef ROW
    if (is_name(at, count, "now_s")) {
        bytes_put_number(out, (uint64_t)(s->now_ms / 1000));
    } else if (is_name(at, count, "sandbox")) {
        bytes_put_text(out, s->config->sandbox ? "1" : "0");
    } else if (is_name(at, count, "token")) {
        put_option(out, s->token);
    } else if (has_prefix(at, count, "extra.")) {
        char name[100];
        snprintf(name, sizeof(name), "%.*s", (int)(count - 6), at + 6);
        json_put_plain(json_object_get(s->extra, name), out);
    } else if (s->hook != NULL) {
        put_of_hook(s, at, count, out);
    } else if (s->message != NULL) {
#define ROW(name, put)                                                                             \
    if (is_name(at, count, #name)) {                                                               \
        put;                                                                                       \
        return;                                                                                    \
    }
        MESSAGE_NAMES(ROW)
#undef ROW
    }
}

/* --- filters --- */

void url_put(struct bytes *out, const char *at, size_t count) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < count; i++) {
        if (at[i] != '\0' && strchr(plain, at[i]) != NULL) {
            bytes_put_char(out, at[i]);
        } else {
            bytes_put_format(out, "%%%02X", (unsigned)(unsigned char)at[i]);
        }
    }
}

static void filter_json(struct bytes *out, const char *at, size_t count) {
    json_t *text = json_stringn(at, count);
    char *dumped = text == NULL ? NULL : json_dumps(text, JSON_ENCODE_ANY);
    if (dumped == NULL) {
        out->failed = true; /* not UTF-8, or no memory */
    } else {
        bytes_put_text(out, dumped);
    }
    free(dumped);
    json_decref(text);
}

static void filter_base64(struct bytes *out, const char *at, size_t count) {
    if (bytes_reserve(out, count / 3 * 4 + 8)) {
        int used = EVP_EncodeBlock(
            (unsigned char *)out->at + out->used, (const unsigned char *)at, (int)count);
        out->used += (size_t)used;
    }
}

static void filter_hex_utf16be(struct bytes *out, const char *at, size_t count) {
    unsigned char *octets = malloc(count * 2 + 2);
    if (octets == NULL) {
        out->failed = true;
        return;
    }
    size_t used = sms_text_encode(SMS_UCS2, SMS_ALPHABET_GSM, at, count, octets, count * 2 + 2);
    for (size_t i = 0; i < used; i++) {
        bytes_put_format(out, "%02X", octets[i]);
    }
    free(octets);
}

static void filter_xml(struct bytes *out, const char *at, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *entity = at[i] == '<'   ? "&lt;"
                             : at[i] == '>' ? "&gt;"
                             : at[i] == '&' ? "&amp;"
                             : at[i] == '"' ? "&quot;"
                                            : NULL;
        if (entity != NULL) {
            bytes_put_text(out, entity);
        } else {
            bytes_put_char(out, at[i]);
        }
    }
}

static const struct {
    const char *name;
    void (*put)(struct bytes *out, const char *at, size_t count);
} filters[] = {{"url", url_put}, {"json", filter_json}, {"base64", filter_base64},
    {"hex_utf16be", filter_hex_utf16be}, {"xml", filter_xml}};

enum { FILTERS = sizeof(filters) / sizeof(filters[0]) };

static size_t filter_find(const char *at, size_t count) {
    size_t i = 0;
    while (i < FILTERS && !is_name(at, count, filters[i].name)) {
        i++;
    }
    return i;
}

/* "name|filter" between the braces. */
static void put_place(const char *at, size_t count, const struct scope *scope, struct bytes *out) {
    const char *bar = memchr(at, '|', count);
    size_t name = bar == NULL ? count : (size_t)(bar - at);
    if (bar == NULL) {
        put_value(scope, at, name, out);
        return;
    }
    struct bytes value = {0};
    put_value(scope, at, name, &value);
    for (const char *end = at + count; bar != NULL && bar < end;) {
        const char *filter = bar + 1;
        bar = memchr(filter, '|', (size_t)(end - filter));
        size_t which = filter_find(filter, (size_t)((bar == NULL ? end : bar) - filter));
        struct bytes next = {0};
        if (which < FILTERS) {
            filters[which].put(&next, value.at == NULL ? "" : value.at, value.used);
        }
        next.failed |= value.failed;
        bytes_release(&value);
        value = next;
    }
    bytes_put_all(out, &value);
    bytes_release(&value);
}

void template_expand(const char *text, const struct scope *scope, struct bytes *out) {
    const char *url = scope->config->callback_url;
    if (strncmp(text, "{{callback_url}}", 16) == 0 && (url == NULL || url[0] == '\0')) {
        return; /* nobody to call back: better nothing than the rest of an address */
    }
    for (;;) {
        const char *open = strstr(text, "{{");
        const char *close = open == NULL ? NULL : strstr(open, "}}");
        if (close == NULL) {
            bytes_put_text(out, text);
            return;
        }
        bytes_put(out, text, (size_t)(open - text));
        put_place(open + 2, (size_t)(close - open - 2), scope, out);
        text = close + 2;
    }
}

/* `en` and `vi` with the quoted name in the place of %.*s. */
static struct both about(const char *en, const char *vi, const char *name, size_t bytes) {
    static char texts[2][160];
    int most = (int)(bytes < 60 ? bytes : 60);
    snprintf(texts[0], sizeof(texts[0]), en, most, name);
    snprintf(texts[1], sizeof(texts[1]), vi, most, name);
    return (struct both){texts[0], texts[1]};
}

struct both template_fault(const char *text, unsigned scopes) {
    for (;;) {
        const char *open = strstr(text, "{{");
        const char *close = open == NULL ? NULL : strstr(open, "}}");
        if (open == NULL) {
            return (struct both){0};
        }
        if (close == NULL) {
            return (struct both){"\"{{\" without \"}}\"", "\"{{\" không có \"}}\""};
        }
        size_t count = (size_t)(close - open - 2);
        const char *bar = memchr(open + 2, '|', count);
        size_t name = bar == NULL ? count : (size_t)(bar - open - 2);
        if (!is_known(open + 2, name, scopes)) {
            return about("there is no field \"%.*s\" here", "ở đây không có trường \"%.*s\"",
                open + 2, name);
        }
        while (bar != NULL) {
            const char *next = memchr(bar + 1, '|', (size_t)(close - bar - 1));
            size_t bytes = (size_t)((next == NULL ? close : next) - bar - 1);
            if (filter_find(bar + 1, bytes) == FILTERS) {
                return about(
                    "there is no filter \"%.*s\"", "không có bộ lọc \"%.*s\"", bar + 1, bytes);
            }
            bar = next;
        }
        text = close + 2;
    }
}

json_t *template_json(const char *text, const struct scope *scope) {
    size_t bytes = strlen(text);
    if (bytes < 10 || strncmp(text, "{{", 2) != 0 || strstr(text, "}}") != text + bytes - 2 ||
        strcmp(text + bytes - 7, "|json}}") != 0 || memchr(text, '|', bytes - 7) != NULL) {
        return NULL;
    }
    struct bytes value = {0};
    put_value(scope, text + 2, bytes - 9, &value);
    json_t *made = value.failed      ? NULL
                   : value.used == 0 ? json_object()
                                     : json_loadb(value.at, value.used,
                                           JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    bytes_release(&value);
    return made;
}

/* --- small helpers on JSON and URLs --- */

const json_t *json_at(const json_t *root, const char *pointer) {
    while (root != NULL && pointer[0] == '/') {
        char name[120];
        size_t bytes = strcspn(pointer + 1, "/");
        snprintf(name, sizeof(name), "%.*s", (int)bytes, pointer + 1);
        char *end = NULL;
        unsigned long index = strtoul(name, &end, 10);
        bool number = name[0] != '\0' && *end == '\0';
        root = json_is_array(root) ? (number ? json_array_get(root, index) : NULL)
                                   : json_object_get(root, name);
        pointer += bytes + 1;
    }
    return pointer[0] == '\0' ? root : NULL;
}

void json_put_plain(const json_t *value, struct bytes *out) {
    if (json_is_string(value)) {
        bytes_put(out, json_string_value(value), json_string_length(value));
    } else if (value != NULL && !json_is_null(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        bytes_put_text(out, text == NULL ? "" : text);
        free(text);
    }
}

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void url_decode(const char *at, const char *end, struct bytes *out) {
    for (; at < end; at++) {
        int high = *at == '%' && end - at > 2 ? hex(at[1]) : -1;
        int low = high >= 0 ? hex(at[2]) : -1;
        if (low >= 0) {
            bytes_put_char(out, (char)(high * 16 + low));
            at += 2;
        } else {
            bytes_put_char(out, *at == '+' ? ' ' : *at);
        }
    }
}

bool url_find(struct lantoa_str pairs, const char *name, size_t name_bytes, struct bytes *out) {
    const char *at = pairs.at, *end = at + pairs.bytes;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        equals = equals == NULL ? stop : equals;
        struct bytes found = {0};
        url_decode(at, equals, &found);
        bool same =
            found.used > 0 && found.used == name_bytes && memcmp(found.at, name, name_bytes) == 0;
        bytes_release(&found);
        if (same) {
            url_decode(equals < stop ? equals + 1 : stop, stop, out);
            return true;
        }
        at = stop + 1;
    }
    return false;
}
