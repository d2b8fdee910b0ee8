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

int zalo_check(const void *given, struct lantoa_fault *fault_out) {
    const struct zalo_config *config = given;
    int status = server_url_check("api_url", config->api_url, fault_out);
    return status != LANTOA_OK ? status
                               : server_url_check("oauth_url", config->oauth_url, fault_out);
}

int zalo_open_as(const struct lantoa_host *host, const void *config,
    const struct social_network *network, void (*ask)(void *self, const struct social_post *post),
    void **self_out) {
    struct zalo *zalo = calloc(1, sizeof(*zalo));
    if (zalo == NULL) {
        return LANTOA_ENOMEM;
    }
    zalo->config = config;
    zalo->token = token_new(zalo);
    int status = line_open(&zalo->line, &(struct line_setup){.host = host,
                                            .network = network,
                                            .connections = zalo->config->connections,
                                            .timeout_ms = zalo->config->timeout,
                                            .tls_verify = zalo->config->tls_verify,
                                            .tls_ca = zalo->config->tls_ca,
                                            .ask = ask,
                                            .figures_every_ms = zalo->config->figures_every});
    if (status != LANTOA_OK || zalo->token == NULL) {
        zalo_close(zalo);
        return LANTOA_ENOMEM;
    }
    *self_out = zalo;
    return LANTOA_OK;
}

void zalo_close(void *self) {
    struct zalo *zalo = self;
    token_free(zalo->token);
    line_release(&zalo->line);
    free(zalo);
}

void zalo_request(const struct zalo *zalo, struct social_request *request, const char *path) {
    request_url(request, "%s%s", zalo->config->api_url, path);
    request_header(request, "access_token", token_access(zalo->token));
}
