/* A request from the declaration: URL, query, headers, body. Knows nothing of answers. */
#include "sms_http.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* The declared value with its texts expanded; an object {"$each": X} is an array of X for every
 * message. The caller owns it; NULL: a value makes no sense, or no memory. */
static json_t *expand_json(const json_t *value, const struct scope *scopes, size_t count);

static json_t *expand_each(const json_t *item, const struct scope *scopes, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(list, expand_json(item, &scopes[i], 1)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *expand_object(const json_t *value, const struct scope *scopes, size_t count) {
    json_t *made = json_object();
    void *at = json_object_iter((json_t *)(uintptr_t)value);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        json_t *one = expand_json(json_object_iter_value(at), scopes, count);
        if (json_object_set_new(made, json_object_iter_key(at), one) != 0) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

static json_t *expand_text(const json_t *value, const struct scope *scope) {
    const char *text = json_string_value(value);
    size_t bytes = strlen(text);
    if (bytes > 9 && strcmp(text + bytes - 7, "|json}}") == 0 &&
        strstr(text, "}}") == text + bytes - 2) {
        return template_json(text, scope);
    }
    struct bytes out = {0};
    template_expand(text, scope, &out);
    json_t *made = out.failed ? NULL : json_stringn(out.at == NULL ? "" : out.at, out.used);
    bytes_release(&out);
    return made;
}

static json_t *expand_json(const json_t *value, const struct scope *scopes, size_t count) {
    const json_t *each = json_object_get(value, "$each");
    if (each != NULL) {
        return expand_each(each, scopes, count);
    }
    if (json_is_object(value)) {
        return expand_object(value, scopes, count);
    }
    if (json_is_array(value)) {
        json_t *made = json_array();
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_t *one = expand_json(json_array_get(value, i), scopes, count);
            if (json_array_append_new(made, one) != 0) {
                json_decref(made);
                return NULL;
            }
        }
        return made;
    }
    return json_is_string(value) ? expand_text(value, scopes) : json_deep_copy(value);
}

/* name=value&...; a pair whose value comes out empty is left out. */
static void put_pairs(
    const json_t *pairs, const struct scope *scope, const char *first, struct bytes *out) {
    const char *joint = first;
    void *at = json_object_iter((json_t *)(uintptr_t)pairs);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)pairs, at)) {
        const char *name = json_object_iter_key(at);
        struct bytes value = {0};
        template_expand(json_string_value(json_object_iter_value(at)), scope, &value);
        if (value.used > 0) {
            bytes_put_text(out, joint);
            url_put(out, name, strlen(name));
            bytes_put_char(out, '=');
            url_put(out, value.at, value.used);
            joint = "&";
        }
        out->failed |= value.failed;
        bytes_release(&value);
    }
}

/* Offsets for now; they become pointers once the text has stopped growing. */
static void add_header(struct composed *out, const char *name, const char *value) {
    if (out->header_count == sizeof(out->headers) / sizeof(out->headers[0])) {
        out->header_text.failed = true;
        return;
    }
    out->header_count++;
    bytes_put(&out->header_text, name, strlen(name) + 1);
    bytes_put(&out->header_text, value, strlen(value) + 1);
}

static void add_auth(const json_t *auth, const struct scope *scope, struct composed *out) {
    const json_t *basic = json_object_get(auth, "basic");
    const char *bearer = json_string_value(json_object_get(auth, "bearer"));
    struct bytes value = {0}, line = {0};
    if (json_array_size(basic) == 2) {
        template_expand(json_string_value(json_array_get(basic, 0)), scope, &value);
        bytes_put_char(&value, ':');
        template_expand(json_string_value(json_array_get(basic, 1)), scope, &value);
        bytes_put_text(&line, "Basic ");
        if (bytes_reserve(&line, value.used * 2 + 8)) {
            int used = EVP_EncodeBlock((unsigned char *)line.at + line.used,
                (const unsigned char *)value.at, (int)value.used);
            line.used += (size_t)used;
        }
    } else if (bearer != NULL) {
        bytes_put_text(&line, "Bearer ");
        template_expand(bearer, scope, &line);
    }
    if (line.used > 0 && !line.failed) {
        add_header(out, "Authorization", line.at);
    }
    bytes_release(&value);
    bytes_release(&line);
}

static void add_headers(const json_t *request, const struct scope *scope, struct composed *out) {
    json_t *headers = json_object_get(request, "headers");
    const char *name;
    json_t *text;
    json_object_foreach(headers, name, text) {
        struct bytes value = {0};
        template_expand(json_string_value(text), scope, &value);
        /* A line end in a value would be a header of its own. */
        out->header_text.failed |=
            value.failed || (value.used > 0 && strcspn(value.at, "\r\n") != value.used);
        add_header(out, name, value.used > 0 ? value.at : "");
        bytes_release(&value);
    }
    add_auth(json_object_get(request, "auth"), scope, out);
}

static void point_headers(struct composed *out) {
    const char *at = out->header_text.at;
    for (size_t i = 0; i < out->header_count && !out->header_text.failed; i++) {
        out->headers[i].name = at;
        out->headers[i].value = at + strlen(at) + 1;
        at = out->headers[i].value + strlen(out->headers[i].value) + 1;
    }
}

static void put_body(
    const json_t *request, const struct scope *scopes, size_t count, struct composed *out) {
    const json_t *body = json_object_get(request, "json");
    const json_t *form = json_object_get(request, "form");
    const char *text = json_string_value(json_object_get(request, "body"));
    if (body != NULL) {
        json_t *made = expand_json(body, scopes, count);
        char *dumped = made == NULL ? NULL : json_dumps(made, JSON_COMPACT);
        out->body.failed |= dumped == NULL;
        bytes_put_text(&out->body, dumped == NULL ? "" : dumped);
        free(dumped);
        json_decref(made);
        add_header(out, "Content-Type", "application/json");
    } else if (form != NULL) {
        put_pairs(form, scopes, "", &out->body);
        add_header(out, "Content-Type", "application/x-www-form-urlencoded");
    } else if (text != NULL) {
        template_expand(text, scopes, &out->body);
    }
    out->has_body = body != NULL || form != NULL || text != NULL;
}

bool compose_request(
    const json_t *request, const struct scope *scopes, size_t count, struct composed *out) {
    *out = (struct composed){0};
    const char *method = json_string_value(json_object_get(request, "method"));
    out->method = method == NULL ? "POST" : method;
    template_expand(json_string_value(json_object_get(request, "url")), scopes, &out->url);
    bool query = out->url.used > 0 && strchr(out->url.at, '?') != NULL;
    put_pairs(json_object_get(request, "query"), scopes, query ? "&" : "?", &out->url);
    put_body(request, scopes, count, out);
    add_headers(request, scopes, out);
    point_headers(out);
    return !out->url.failed && !out->body.failed && !out->header_text.failed && out->url.used > 0;
}

static void wipe(struct bytes *bytes) {
    if (bytes->at != NULL) {
        explicit_bzero(bytes->at, bytes->used);
    }
    bytes_release(bytes);
}

void compose_release(struct composed *composed) {
    wipe(&composed->url);
    wipe(&composed->body);
    wipe(&composed->header_text);
}
