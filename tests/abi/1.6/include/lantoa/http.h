/* HTTP for plugins, ABI 1.1: requests that the host makes on its loop. Only http and https, only
 * servers that the channel may talk to (those in the URLs of its options, or "hosts" of the channel
 * file), never through a proxy of the environment, never to where a redirection points: a plugin
 * sees the 3xx. Connections are kept and used again. */
#ifndef LANTOA_HTTP_H
#define LANTOA_HTTP_H

#include "message.h"
#include <stdbool.h>

struct lantoa_http; /* opaque: a request under way */

struct lantoa_http_header {
    const char *name, *value;
};

enum lantoa_http_flags {
    /* takes any certificate: for tests and for servers that have none that can be checked */
    LANTOA_HTTP_NO_VERIFY = 1,
    /* doing it twice does no harm: may be made again when a kept connection turns out dead */
    LANTOA_HTTP_REPEATABLE = 2,
};

struct lantoa_http_request {
    size_t size;        /* LANTOA_HTTP_REQUEST() sets it */
    const char *method; /* NULL: "GET" */
    const char *url;
    const struct lantoa_http_header *headers;
    size_t header_count;
    struct lantoa_str body; /* .at NULL: none */
    int64_t timeout_ms;     /* from call to answer; 0: 30 s */
    size_t most_bytes;      /* of the answer's body; 0: 1 MiB; at most 16 MiB */
    unsigned flags;         /* lantoa_http_flags, or-ed */
    const char *ca_file;    /* certificates to trust (PEM); NULL: those of the system */
    /* Optional: called once with `arg` of the call, just before the first byte of the request
     * leaves, when the connection stands: the place for host->began(), and for nothing else of the
     * host but the log. */
    void (*leaving)(void *arg);
};
#define LANTOA_HTTP_REQUEST(...)                                                                   \
    ((struct lantoa_http_request){.size = sizeof(struct lantoa_http_request), __VA_ARGS__})

enum lantoa_http_error {
    LANTOA_HTTP_OK = 0,      /* a whole answer, whatever its status */
    LANTOA_HTTP_UNREACHABLE, /* no address, or no connection */
    LANTOA_HTTP_TLS,         /* the server's certificate does not hold, or no encryption */
    LANTOA_HTTP_TIMEOUT,
    LANTOA_HTTP_CUT,       /* the connection ended before the answer did, or what came is no HTTP */
    LANTOA_HTTP_TOO_LARGE, /* the answer is larger than most_bytes */
};

/* Valid during the call back only. */
struct lantoa_http_answer {
    size_t size; /* sizeof(struct lantoa_http_answer) of the host */
    enum lantoa_http_error error;
    /* Bytes of the request may have left: after an error, nobody can say whether the server has
     * acted on it. False: it surely has not. */
    bool left;
    int status;                               /* 200, 404, ...; 0 when none came */
    const struct lantoa_http_header *headers; /* names in lower case */
    size_t header_count;
    struct lantoa_str body; /* what came of it; NUL-terminated */
    const char *text;       /* the error in words; "" when there is none */
};

#endif
