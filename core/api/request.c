/* The life of a request: its head, its body within limits, the wait for the commit, its end. */
#include "api/private.h"

#include "api/reply.h"
#include "base/mem.h"
#include "base/parse.h"
#include <arpa/inet.h>
#include <netinet/in.h>

#define BODY_TIME_US (INT64_C(30) * 1000 * 1000) /* a body that drips longer is cut off */
#define SWALLOW_BYTES (size_t)(8 << 20) /* of a body too large, so that its sender hears why */

void *request_begin(void *loop, const char *uri, struct MHD_Connection *connection) {
    struct api_request *r = base_alloc(sizeof *r);
    r->loop = loop;
    r->server = r->loop->server;
    r->connection = connection;
    r->uri = base_strdup(uri);
    r->began_us = metrics_now_us();
    return r;
}

void request_free(struct api_request **request) {
    struct api_request *r = *request;
    base_buf_release(&r->body);
    base_buf_release(&r->text);
    base_free(r->change);
    base_free(r->uri);
    base_free(r);
    *request = NULL;
}

void request_end(void *loop, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code) {
    struct api_request *r = *request;
    (void)loop;
    (void)code;
    loop_head(connection, false);
    if (r && r->phase == REQUEST_WAITS) {
        r->gone = true; /* the event counts all the same; loop.c frees it */
    } else if (r) {
        request_free(&r);
    }
    *request = NULL;
}

struct str request_header(const struct api_request *r, const char *name) {
    return str_from(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name));
}

static bool peer(const struct api_request *r, char out[static 64]) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    union {
        const struct sockaddr *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } address = {info ? info->client_addr : NULL};
    snprintf(out, 64, "?");
    if (!address.any) {
        return false;
    }
    if (address.any->sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.v4->sin_addr, out, 64);
        return ntohl(address.v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address.any->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.v6->sin6_addr, out, 64);
        return IN6_IS_ADDR_LOOPBACK(&address.v6->sin6_addr);
    }
    return false;
}

void request_remote(const struct api_request *r, char out[static 64]) {
    struct str through = request_header(r, "X-Forwarded-For");
    if (!peer(r, out) || through.bytes == 0) {
        return;
    }
    /* The proxy adds at the end; what stands before it is the client's own story. */
    struct str last = through;
    while (through.bytes > 0) {
        last = str_cut(&through, ',');
    }
    last = str_trim(last);
    unsigned char address[16];
    char text[64];
    if (last.bytes < sizeof text) {
        snprintf(text, sizeof text, STR_FMT, STR_ARG(last));
        if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1) {
            memcpy(out, text, last.bytes + 1);
        }
    }
}

/* --- the head --- */

static enum MHD_Result read_head(struct api_request *r, const char *method) {
    struct str rest = str_from(r->uri);
    struct str path = str_cut(&rest, '?');
    int64_t length = 0;
    r->query = rest;
    r->head = strcmp(method, "HEAD") == 0;
    r->post = strcmp(method, "POST") == 0;
    r->route = server_route(path, &r->tail);
    r->phase = REQUEST_READS;
    if (!r->route) {
        r->refusal = MHD_HTTP_NOT_FOUND;
    } else if (r->post
                   ? !(r->route->methods & API_POST)
                   : !(r->route->methods & API_GET) || (!r->head && strcmp(method, "GET") != 0)) {
        r->refusal = MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    base_buf_init(&r->body, r->post && r->route ? r->route->body_bytes_max : 0);
    struct str stated = request_header(r, "Content-Length");
    if (stated.bytes && base_parse_i64(stated, &length) == 0 &&
        length > (int64_t)(r->body.ceiling + SWALLOW_BYTES)) {
        /* The one case of an answer before the body: the connection has to end anyway. */
        reply_status(r, MHD_HTTP_CONTENT_TOO_LARGE);
        return r->queued;
    }
    return MHD_YES;
}

/* --- the body --- */

static enum MHD_Result read_body(struct api_request *r, const char *data, size_t *bytes) {
    if (metrics_now_us() - r->began_us > BODY_TIME_US) {
        return MHD_NO;
    }
    if (*bytes > r->body.ceiling - r->body.bytes || r->refusal == MHD_HTTP_CONTENT_TOO_LARGE) {
        /* Without a stated length there is no telling how much more comes. */
        r->refusal = r->refusal ? r->refusal : MHD_HTTP_CONTENT_TOO_LARGE;
        r->swallowed += *bytes;
    } else {
        base_buf_add(&r->body, data, *bytes);
    }
    *bytes = 0;
    return r->swallowed > SWALLOW_BYTES ? MHD_NO : MHD_YES;
}

enum MHD_Result request_handle(void *loop, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *data_bytes, void **request) {
    struct api_request *r = *request;
    (void)loop;
    (void)url;
    (void)version;
    switch (r->phase) {
    case REQUEST_NEW:
        loop_head(connection, true);
        return read_head(r, method);
    case REQUEST_READS:
        if (*data_bytes > 0) {
            return read_body(r, data, data_bytes);
        }
        if (r->refusal) {
            reply_status(r, r->refusal);
        } else {
            r->route->take(r);
        }
        return r->phase == REQUEST_WAITS ? MHD_YES : r->queued;
    case REQUEST_WAITS:
        return loop_wait(r);
    case REQUEST_COMMITTED:
        r->route->after(r);
        return r->queued;
    case REQUEST_ANSWERED:
        break;
    }
    return MHD_YES;
}
