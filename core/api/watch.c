/* What watches the door: /healthz, /metrics, /robots.txt. */
#include "api/private.h"

#include "api/reply.h"

#define METRICS_BYTES_MAX (size_t)(8 << 20)

void health_take(struct api_request *r) {
    struct commit_status status;
    struct base_err err = {0};
    int64_t one = 0;
    char text[128];
    commit_status(r->server->queue, &status);
    pthread_mutex_lock(&r->server->lock);
    bool readable = db_get_i64(r->server->db, "SELECT count(*) FROM meta", &one, &err) == 0;
    pthread_mutex_unlock(&r->server->lock);
    readable = readable && metrics_database_ok(r->server->metrics);
    bool ok = readable && !status.failing;
    snprintf(text, sizeof text,
        "{\"status\":\"%s\",\"database\":\"%s\",\"commits\":\"%s\",\"queue\":%zu}\n",
        ok ? "ok" : "fault", readable ? "ok" : "fault", status.failing ? "fault" : "ok",
        status.depth);
    reply_body(r, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, REPLY_JSON, str_from(text));
}

/* Names of campaigns are nobody's business outside: only for who asks from this machine, and not
 * through a proxy. */
void metrics_take(struct api_request *r) {
    char remote[64];
    request_remote(r, remote);
    bool here = strncmp(remote, "127.", 4) == 0 || strcmp(remote, "::1") == 0;
    if (!here || request_header(r, "X-Forwarded-For").at || request_header(r, "Forwarded").at) {
        reply_status(r, MHD_HTTP_NOT_FOUND);
        return;
    }
    struct base_buf text;
    base_buf_init(&text, METRICS_BYTES_MAX);
    metrics_write(r->server->metrics, &text);
    reply_body(r, MHD_HTTP_OK, REPLY_PROMETHEUS, base_buf_str(&text));
    base_buf_release(&text);
}

void robots_take(struct api_request *r) {
    reply_constant(r, MHD_HTTP_OK, REPLY_TEXT, STR("User-agent: *\nDisallow: /\n"));
}
