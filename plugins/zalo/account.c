/* The instance, and what is the same for all three channels. */
#include "zalo.h"

#include <stdlib.h>

bool zalo_ready(void *self) {
    struct zalo *zalo = self;
    return token_ready(zalo->token);
}

void zalo_token_over(void *self) {
    struct zalo *zalo = self;
    token_over(zalo->token);
}

int zalo_open_as(const struct lantoa_host *host, const void *config,
    const struct social_network *network, struct zalo **zalo_out) {
    struct zalo *zalo = calloc(1, sizeof(*zalo));
    if (zalo == NULL) {
        return LANTOA_ENOMEM;
    }
    zalo->host = host;
    zalo->config = config;
    zalo->event = (uint64_t)host->now(host) << 16;
    zalo->token = token_new(zalo);
    zalo->social = social_new(&(struct social_setup){.host = host,
        .network = network,
        .self = zalo,
        .connections = zalo->config->connections,
        .timeout_ms = zalo->config->timeout,
        .tls_verify = zalo->config->tls_verify,
        .tls_ca = zalo->config->tls_ca});
    if (zalo->token == NULL || zalo->social == NULL) {
        zalo_close(zalo);
        return LANTOA_ENOMEM;
    }
    *zalo_out = zalo;
    return LANTOA_OK;
}

int zalo_start(void *self) {
    struct zalo *zalo = self;
    if (zalo->posts != NULL) {
        posts_start(zalo->posts);
    }
    return LANTOA_OK;
}

void zalo_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct zalo *zalo = self;
    social_send(zalo->social, messages, count);
}

void zalo_cancel(void *self, const uint64_t *ids, size_t count) {
    struct zalo *zalo = self;
    social_cancel(zalo->social, ids, count);
}

void zalo_event_done(void *self, uint64_t token) {
    (void)self; /* call-backs are kept by the core */
    (void)token;
}

void zalo_close(void *self) {
    struct zalo *zalo = self;
    token_free(zalo->token);
    posts_free(zalo->posts);
    social_free(zalo->social);
    free(zalo);
}

void zalo_request(const struct zalo *zalo, struct social_request *request, const char *path) {
    request_url(request, "%s%s", zalo->config->api_url, path);
    request_header(request, "access_token", token_access(zalo->token));
}
