/* What watches the door: /healthz, /metrics, /robots.txt. */
#include "api/private.h"

#include "api/reply.h"
#include <inttypes.h>

#define METRICS_BYTES_MAX (size_t)(8 << 20)

void health_take(struct api_request *r) {
    struct api_server *s = r->server;
    struct commit_status status;
    struct base_err err = {0};
    int64_t one = 0;
    char text[512];
    char reason[128] = "";
    commit_status(s->queue, &status);
    pthread_mutex_lock(&s->lock);
    bool readable = db_get_i64(s->db, "SELECT count(*) FROM meta", &one, &err) == 0;
    pthread_mutex_unlock(&s->lock);
    readable = readable && metrics_database_ok(s->metrics);
    int64_t still_us = metrics_now_us() - atomic_load_explicit(&s->beat_us, memory_order_relaxed);
    bool moves = still_us <= s->stuck_us;
    if (!readable) {
        snprintf(reason, sizeof reason, "the database cannot be read");
    } else if (status.failing) {
        snprintf(reason, sizeof reason, "events cannot be committed");
    } else if (!moves) {
        snprintf(reason, sizeof reason, "the delivery loop has not moved for %" PRId64 " s",
            still_us / 1000000);
    }
    snprintf(text, sizeof text,
        "{\"status\":\"%s\",\"reason\":\"%s\",\"database\":\"%s\",\"commits\":\"%s\","
        "\"delivery\":\"%s\",\"queue\":%zu}\n",
        *reason ? "fault" : "ok", reason, readable ? "ok" : "fault",
        status.failing ? "fault" : "ok", moves ? "ok" : "stuck", status.depth);
    reply_body(r, *reason ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, REPLY_JSON, str_from(text));
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
    base_buf_printf(&text,
        "# HELP lantoa_delivery_still_seconds How long the delivery loop has not gone round.\n"
        "# TYPE lantoa_delivery_still_seconds gauge\nlantoa_delivery_still_seconds %.3f\n",
        (double)(metrics_now_us() -
                 atomic_load_explicit(&r->server->beat_us, memory_order_relaxed)) /
            1e6);
    reply_body(r, MHD_HTTP_OK, REPLY_PROMETHEUS, base_buf_str(&text));
    base_buf_release(&text);
}

void robots_take(struct api_request *r) {
    reply_constant(r, MHD_HTTP_OK, REPLY_TEXT, STR("User-agent: *\nDisallow: /\n"));
}
