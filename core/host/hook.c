/* A call-back of the operator: from the frame to the plugin, and its answer back. Checks no
 * signature and reads no body: that is the plugin's work. */
#include "base/json.h"
#include "host/internal.h"

#define HEADERS_MOST 200

struct hook_view {
    struct lantoa_hook hook;
    struct lantoa_http_header headers[HEADERS_MOST];
};

static struct lantoa_str text_of(const json_t *value) {
    return (struct lantoa_str){json_string_value(value), json_string_length(value)};
}

static bool fill(struct hook_view *view, json_t *headers) {
    const char *name;
    json_t *value;
    json_object_foreach(headers, name, value) {
        if (!json_is_string(value) || view->hook.header_count == HEADERS_MOST) {
            return false;
        }
        if (strcmp(name, ":method") == 0) {
            view->hook.method = json_string_value(value);
        } else if (strcmp(name, ":query") == 0) {
            view->hook.query = view->hook.query.bytes > 0 ? view->hook.query : text_of(value);
        } else {
            view->headers[view->hook.header_count++] =
                (struct lantoa_http_header){name, json_string_value(value)};
        }
    }
    return json_is_object(headers);
}

static int give(struct host *host, const struct wire_hook *frame) {
    struct base_err err = {0};
    struct base_json *doc = NULL;
    struct hook_view view = {.hook = {.size = sizeof(view.hook),
                                 .at_ms = frame->at_ms,
                                 .method = "POST",
                                 .query = {frame->query.at, frame->query.bytes},
                                 .headers = view.headers,
                                 .body = {frame->body.at, frame->body.bytes}}};
    if (!host->plugin->table.ops.hook) {
        return LANTOA_ENOENT;
    }
    int code = base_json_parse(frame->headers, "headers", &doc, &err);
    if (code == 0 && !fill(&view, base_json_root(doc))) {
        code = LANTOA_EINVAL;
    }
    if (code == 0) {
        code = host->plugin->table.ops.hook(host->self, &view.hook);
    }
    base_json_free(&doc);
    return code > 0 || code < -255 ? LANTOA_EINVAL : code;
}

bool host__take_hook(struct host *host, struct wire_reader *body) {
    struct wire_hook frame;
    if (!wire_get_hook(body, &frame)) {
        return false;
    }
    struct wire_hook_done done = {frame.token, give(host, &frame)};
    wire_put_hook_done(&host->outbox, &done);
    return true;
}
