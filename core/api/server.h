/* The HTTP door: what people and providers send back comes in here. Threads of its own and database
 * connections of its own; the delivery loop never waits for it.
 *
 * Everything that changes something is answered after it is committed (commit.h). */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "base/err.h"
#include <stddef.h>

struct api_options {
    const char *data_dir;           /* its database must be there and migrated */
    const char *listen;             /* 127.0.0.1:8080, [::1]:8080; port 0: any free one */
    const char *tls_cert, *tls_key; /* PEM files; both or none */
    int threads;                    /* 1..64 that serve connections */
    int stuck_ms; /* /healthz complains when api_beat was not called for so long; 0: 30 s */
};

struct api_server;
/* LANTOA_EINVAL: an option; LANTOA_EIO: the address cannot be had. Everything BORROWED for the
 * call. */
int api_start(const struct api_options *options, struct api_server **server_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* What has come in is committed and answered first. NULL is fine. */
void api_stop(struct api_server **server);
/* The delivery loop is alive. From any thread. */
void api_beat(struct api_server *server);
struct api_figure { /* texts BORROWED for the call */
    const char *channel, *name;
    double value;
};
/* What the plugins of the channels count, for /metrics: these instead of those before. From any
 * thread. */
void api_figures(struct api_server *server, const struct api_figure *figures, size_t count);
int api_port(const struct api_server *server);

#endif
