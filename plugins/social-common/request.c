/* A request put together. Memory that ran out shows in the `failed` of its bytes. */
#include "social.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct lantoa_str social_str(const char *text) {
    return (struct lantoa_str){text == NULL ? "" : text, text == NULL ? 0 : strlen(text)};
}

bool social_is(struct lantoa_str text, const char *word) {
    return text.bytes == strlen(word) && memcmp(text.at, word, text.bytes) == 0;
}

void url_encode(struct bytes *out, struct lantoa_str text) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c != '\0' && strchr(plain, c) != NULL) {
            bytes_put_char(out, c);
        } else {
            bytes_put_format(out, "%%%02X", (unsigned char)c);
        }
    }
}

int server_url_check(const char *option, const char *url, struct lantoa_fault *fault_out) {
    size_t head = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    const char *host = url + head;
    bool good = head > 0 && host[0] != '\0' && host[0] != '/' && host[0] != ':';
    for (const char *at = host; good && *at != '\0'; at++) {
        good = *at > ' ' && *at < 0x7f && strchr("?#\"<>\\^`{|}", *at) == NULL;
    }
    return good ? LANTOA_OK
                : lantoa_fault_set(fault_out, option,
                      "is not the address of a server: https://HOST, without ? and #",
                      "không phải là địa chỉ máy chủ: https://MÁY-CHỦ, không có ? và #");
}

void request_url(struct social_request *request, const char *fmt, ...) {
    char part[2048];
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(part, sizeof(part), fmt, args);
    va_end(args);
    request->url.failed |= used < 0 || (size_t)used >= sizeof(part);
    bytes_put_text(&request->url, part);
    explicit_bzero(part, sizeof(part));
}

void request_query(struct social_request *request, const char *name, struct lantoa_str value) {
    bytes_put_char(&request->url, request->has_query ? '&' : '?');
    bytes_put_text(&request->url, name);
    bytes_put_char(&request->url, '=');
    url_encode(&request->url, value);
    request->has_query = true;
}

void request_header(struct social_request *request, const char *name, const char *value) {
    if (request->header_count == REQUEST_HEADERS || value[strcspn(value, "\r\n")] != '\0') {
        request->headers.failed = true;
        return;
    }
    request->header_count++;
    bytes_put(&request->headers, name, strlen(name) + 1);
    bytes_put(&request->headers, value, strlen(value) + 1);
}

static void wipe(struct bytes *bytes) {
    if (bytes->at != NULL) {
        explicit_bzero(bytes->at, bytes->used);
    }
    bytes_release(bytes);
}

void request_bearer(struct social_request *request, const char *token) {
    struct bytes line = {0};
    bytes_put_format(&line, "Bearer %s", token);
    request_header(request, "Authorization", line.at == NULL ? "" : line.at);
    request->headers.failed |= line.failed;
    wipe(&line);
}

void request_form(struct social_request *request, const char *name, struct lantoa_str value) {
    if (!request->has_form) {
        request_header(request, "Content-Type", "application/x-www-form-urlencoded");
        request->has_form = true;
    } else {
        bytes_put_char(&request->body, '&');
    }
    bytes_put_text(&request->body, name);
    bytes_put_char(&request->body, '=');
    url_encode(&request->body, value);
}

void request_json(struct social_request *request, json_t *body) {
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    request->body.failed |= text == NULL;
    request_header(request, "Content-Type", "application/json");
    bytes_put_text(&request->body, text == NULL ? "" : text);
    free(text);
    json_decref(body);
}

/* The boundary is long and the same: what a file holds cannot be steered by whoever reads it. */
static void begin_part(struct social_request *request, const char *name) {
    if (request->boundary[0] == '\0') {
        char type[100];
        snprintf(request->boundary, sizeof(request->boundary), "lantoa-5c1f0e9a7b3d42868d");
        snprintf(type, sizeof(type), "multipart/form-data; boundary=%s", request->boundary);
        request_header(request, "Content-Type", type);
    }
    bytes_put_format(&request->body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"",
        request->boundary, name);
}

void request_part(struct social_request *request, const char *name, struct lantoa_str value) {
    begin_part(request, name);
    bytes_put_text(&request->body, "\r\n\r\n");
    bytes_put_str(&request->body, value);
    bytes_put_text(&request->body, "\r\n");
}

/* A name without quotes, backslashes and control characters. */
static void put_file_name(struct bytes *out, struct lantoa_str name) {
    for (size_t i = 0; i < name.bytes; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bytes_put_char(out, c < ' ' || c == '"' || c == '\\' || c == 0x7F ? '_' : (char)c);
    }
}

void request_file(
    struct social_request *request, const char *name, const struct lantoa_part *part) {
    begin_part(request, name);
    bytes_put_text(&request->body, "; filename=\"");
    put_file_name(&request->body, part->name);
    bytes_put_text(&request->body, "\"\r\nContent-Type: ");
    put_file_name(&request->body, part->mime);
    bytes_put_text(&request->body, "\r\n\r\n");
    bytes_put_str(&request->body, part->bytes);
    bytes_put_text(&request->body, "\r\n");
}

void request_release(struct social_request *request) {
    wipe(&request->url);
    wipe(&request->body);
    wipe(&request->headers);
}

const json_t *json_path(const json_t *root, const char *path) {
    while (root != NULL && *path != '\0') {
        char name[64];
        size_t bytes = strcspn(path, "/");
        if (bytes >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path, bytes);
        name[bytes] = '\0';
        root = json_is_array(root) ? json_array_get(root, strtoul(name, NULL, 10))
                                   : json_object_get(root, name);
        path += bytes + (path[bytes] == '/');
    }
    return root;
}

const char *json_plain(const json_t *value, char *room, size_t bytes) {
    if (json_is_integer(value)) {
        snprintf(room, bytes, "%lld", (long long)json_integer_value(value));
        return room;
    }
    return json_is_string(value) ? json_string_value(value) : "";
}

void put_linked(struct bytes *out, struct lantoa_str text, struct lantoa_str link) {
    bytes_put_str(out, text);
    if (link.bytes > 0) {
        bytes_put_text(out, "\n\n");
        bytes_put_str(out, link);
    }
    bytes_put(out, "", 0);
}
