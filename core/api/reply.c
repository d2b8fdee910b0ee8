/* Building answers. */
#include "api/reply.h"

#define HSTS "max-age=31536000"

static const char *const types[] = {
    [REPLY_TEXT] = "text/plain; charset=utf-8",
    [REPLY_HTML] = "text/html; charset=utf-8",
    [REPLY_JSON] = "application/json",
    [REPLY_GIF] = "image/gif",
    [REPLY_CALENDAR] = "text/calendar; charset=utf-8",
    [REPLY_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
};

static void add(struct MHD_Response *response, const char *name, const char *value) {
    MHD_add_response_header(response, name, value);
}

static void add_common(struct MHD_Response *response, bool tls) {
    add(response, "Cache-Control", "no-store");
    add(response, "Referrer-Policy", "no-referrer");
    add(response, "X-Content-Type-Options", "nosniff");
    if (tls) {
        add(response, "Strict-Transport-Security", HSTS);
    }
}

static void queue(struct api_request *r, unsigned status, struct MHD_Response *response) {
    r->queued = MHD_queue_response(r->connection, status, response);
    r->phase = REQUEST_ANSWERED;
    metrics_count(r->server->metrics, r->route ? r->route->metric : METRICS_OTHER, status,
        metrics_now_us() - r->began_us);
}

static void send_body(struct api_request *r, unsigned status, enum reply_type type, struct str body,
    enum MHD_ResponseMemoryMode mode) {
    /* The library takes a plain pointer, and copies or only reads as the mode says. */
    union {
        const void *in;
        void *out;
    } bytes = {body.at ? body.at : ""};
    struct MHD_Response *response = MHD_create_response_from_buffer(body.bytes, bytes.out, mode);
    if (!response) {
        r->queued = MHD_NO;
        r->phase = REQUEST_ANSWERED;
        return;
    }
    add(response, "Content-Type", types[type]);
    if (type == REPLY_HTML) {
        add(response, "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors "
            "'none'; base-uri 'none'");
        add(response, "X-Frame-Options", "DENY");
        add(response, "X-Robots-Tag", "noindex, nofollow");
    }
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS) {
        add(response, "Retry-After", "2");
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED && r->route) {
        int methods = r->route->methods;
        add(response, "Allow",
            methods == API_GET    ? "GET, HEAD"
            : methods == API_POST ? "POST"
                                  : "GET, HEAD, POST");
    }
    add_common(response, r->server->tls);
    queue(r, status, response);
    MHD_destroy_response(response);
}

void reply_body(struct api_request *r, unsigned status, enum reply_type type, struct str body) {
    send_body(r, status, type, body, MHD_RESPMEM_MUST_COPY);
}

void reply_constant(struct api_request *r, unsigned status, enum reply_type type, struct str body) {
    send_body(r, status, type, body, MHD_RESPMEM_PERSISTENT);
}

struct MHD_Response *reply_redirect_new(const char *url, bool tls) {
    static char nothing[1];
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    if (response && MHD_add_response_header(response, "Location", url) == MHD_NO) {
        MHD_destroy_response(response);
        return NULL;
    }
    if (response) {
        add_common(response, tls);
    }
    return response;
}

void reply_redirect(struct api_request *r, struct MHD_Response *redirect) {
    queue(r, MHD_HTTP_FOUND, redirect);
}

void reply_status(struct api_request *r, unsigned status) {
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {
        {MHD_HTTP_BAD_REQUEST, "The request cannot be read.\n"},
        {MHD_HTTP_FORBIDDEN, "This is not for you.\n"},
        {MHD_HTTP_NOT_FOUND, "There is nothing here. Không có gì ở đây.\n"},
        {MHD_HTTP_METHOD_NOT_ALLOWED, "This method is not for this address.\n"},
        {MHD_HTTP_REQUEST_TIMEOUT, "The request took too long.\n"},
        {MHD_HTTP_CONTENT_TOO_LARGE, "The body is too large.\n"},
        {MHD_HTTP_URI_TOO_LONG, "The address is too long.\n"},
        {MHD_HTTP_TOO_MANY_REQUESTS, "Too much at once; try again later.\n"},
        {MHD_HTTP_SERVICE_UNAVAILABLE, "Not now; try again. Xin thử lại sau.\n"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status) {
            reply_constant(r, status, REPLY_TEXT, str_from(texts[i].text));
            return;
        }
    }
    reply_constant(r, status, REPLY_TEXT, STR("\n"));
}

void reply_fault(struct api_request *r, int rc) {
    reply_status(r, rc == LANTOA_ENOENT   ? MHD_HTTP_NOT_FOUND
                    : rc == LANTOA_EINVAL ? MHD_HTTP_BAD_REQUEST
                                          : MHD_HTTP_SERVICE_UNAVAILABLE);
}
