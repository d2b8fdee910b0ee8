/* The door's threads, its routing table, its start and its end. */
#include "api/server.h"

#include "api/private.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "delivery/ledger.h"
#include "report/airing_feed.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4000
#define DESCRIPTORS_KEPT 200 /* for databases, channels and the log */
#define IDLE_TIMEOUT_S 15
#define STUCK_MS 30000 /* three times the longest wait for the database */
/* A connection's memory: head of the request and of the answer. Larger heads are refused (431). */
#define CONNECTION_BYTES (size_t)(16 * 1024)
#define FORM_BYTES (size_t)(16 * 1024)
#define HOOK_BYTES (size_t)(1 << 20)
#define PEM_BYTES_MAX (size_t)(256 * 1024)

static const struct api_route routes[] = {
    {"/t/", API_GET, 0, METRICS_CLICK, follow_take, follow_after},
    {"/o/", API_GET, 0, METRICS_OPEN, open_take, open_after},
    {"/u/", API_GET | API_POST, FORM_BYTES, METRICS_UNSUBSCRIBE, unsubscribe_take,
        unsubscribe_after},
    {"/p/", API_GET | API_POST, FORM_BYTES, METRICS_PREFERENCES, preferences_take,
        preferences_after},
    {AIRING_FEED_PATH, API_GET, 0, METRICS_CALENDAR, feed_take, NULL},
    {"/hook/", API_GET | API_POST, HOOK_BYTES, METRICS_HOOK, callback_take, callback_after},
    {"/healthz", API_GET, 0, METRICS_WATCH, health_take, NULL},
    {"/metrics", API_GET, 0, METRICS_WATCH, metrics_take, NULL},
    {"/robots.txt", API_GET, 0, METRICS_OTHER, robots_take, NULL},
};

const struct api_route *server_route(struct str path, struct str *tail_out) {
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        struct str prefix = str_from(routes[i].prefix);
        bool open = prefix.at[prefix.bytes - 1] == '/';
        if (open ? str_starts(path, prefix) && path.bytes > prefix.bytes : str_eq(path, prefix)) {
            *tail_out = str_of(path.at + prefix.bytes, path.bytes - prefix.bytes);
            return &routes[i];
        }
    }
    return NULL;
}

/* --- options --- */

union listen_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "127.0.0.1:8080", "[::1]:8080" */
static int parse_listen(const char *text, union listen_address *out, struct base_err *err) {
    char host[64];
    int64_t port = 0;
    const char *colon = strrchr(text, ':');
    size_t bytes = colon ? (size_t)(colon - text) : 0;
    bool six = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';
    struct str name = six ? str_of(text + 1, bytes - 2) : str_of(text, bytes);
    *out = (union listen_address){0};
    if (name.bytes > 0 && name.bytes < sizeof host &&
        base_parse_i64(str_from(colon + 1), &port) == 0 && port >= 0 && port <= 65535) {
        snprintf(host, sizeof host, STR_FMT, STR_ARG(name));
        if (six && inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
            out->v6.sin6_family = AF_INET6;
            out->v6.sin6_port = htons((uint16_t)port);
            return 0;
        }
        if (!six && inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
            out->v4.sin_family = AF_INET;
            out->v4.sin_port = htons((uint16_t)port);
            return 0;
        }
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("--http %s: an address and a port, like 127.0.0.1:8080 or [::1]:8080"), text);
}

static int load_pem(const char *path, struct base_buf *out, struct base_err *err) {
    int rc = path ? base_file_read(path, PEM_BYTES_MAX, out, err) : 0;
    return rc;
}

static unsigned connection_limit(void) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > CONNECTIONS_MAX + DESCRIPTORS_KEPT) {
        return CONNECTIONS_MAX;
    }
    return limit.rlim_cur > 2 * DESCRIPTORS_KEPT ? (unsigned)limit.rlim_cur - DESCRIPTORS_KEPT
                                                 : DESCRIPTORS_KEPT;
}

/* --- life --- */

static void on_log(void *arg, const char *fmt, va_list args) {
    char text[512];
    (void)arg;
    vsnprintf(text, sizeof text, fmt, args);
    size_t bytes = strlen(text);
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == ' ')) {
        text[--bytes] = '\0';
    }
    /* What strangers send wrong is no news. */
    base_log(BASE_LOG_DEBUG, "http", "%s", text);
}

static int listen_now(
    struct api_server *s, const union listen_address *address, struct base_err *err) {
    const int on = 1;
    bool six = address->any.sa_family == AF_INET6;
    union listen_address bound = {0};
    socklen_t bytes = sizeof bound;
    s->listen_fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listen_fd < 0) {
        return base_err_set(err, LANTOA_EIO, "--http: %s", strerror(errno));
    }
    setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (six) {
        setsockopt(s->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(s->listen_fd, &address->any, six ? sizeof address->v6 : sizeof address->v4) != 0 ||
        listen(s->listen_fd, SOMAXCONN) != 0 ||
        getsockname(s->listen_fd, &bound.any, &bytes) != 0) {
        return base_err_set(err, LANTOA_EIO, "%s", strerror(errno));
    }
    s->port = ntohs(six ? bound.v6.sin6_port : bound.v4.sin_port);
    return 0;
}

static struct MHD_Daemon *daemon_new(
    struct api_loop *loop, const struct base_buf *cert, const struct base_buf *key, bool six) {
    const struct api_server *s = loop->server;
    /* Each connection is resumed by the thread that turns the wheel, so that the library needs no
     * line between threads (ITC) that costs a system call each time. */
    unsigned flags =
        MHD_USE_EPOLL | (MHD_ALLOW_SUSPEND_RESUME & ~(unsigned)MHD_USE_ITC) | MHD_USE_ERROR_LOG;
    flags |= six ? MHD_USE_IPv6 : 0;
    flags |= s->tls ? MHD_USE_TLS : 0;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, cert->at},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key->at}, {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned connections =
        (connection_limit() + (unsigned)s->loop_count - 1) / (unsigned)s->loop_count;
    return MHD_start_daemon(flags, 0, NULL, NULL, request_handle, loop, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, NULL, MHD_OPTION_LISTEN_SOCKET, s->listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
        request_begin, loop, MHD_OPTION_NOTIFY_COMPLETED, request_end, loop,
        MHD_OPTION_NOTIFY_CONNECTION, loop_visit, loop, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_BYTES, MHD_OPTION_ARRAY, s->tls ? tls : none, MHD_OPTION_END);
}

static int serve_now(struct api_server *s, const struct api_options *options,
    const struct base_buf *cert, const struct base_buf *key, struct base_err *err) {
    union listen_address address;
    struct base_err inner = {0};
    int rc = parse_listen(options->listen, &address, err);
    if (rc == 0 && listen_now(s, &address, &inner) != 0) {
        rc = base_err_set(err, LANTOA_EIO,
            TR("--http %s: the address is in use or not of this machine (%s)"), options->listen,
            inner.text);
    }
    for (size_t i = 0; rc == 0 && i < s->loop_count; i++) {
        struct MHD_Daemon *daemon =
            daemon_new(&s->loops[i], cert, key, address.any.sa_family == AF_INET6);
        if (daemon) {
            rc = loop_start(&s->loops[i], daemon, err);
        } else {
            rc = base_err_set(err, LANTOA_EIO, "%s",
                s->tls ? TR("--tls-cert and --tls-key: certificate and key do not fit")
                       : TR("--http: the HTTP library does not start"));
        }
    }
    return rc;
}

static int open_reader(struct api_server *s, const char *path, struct base_err *err) {
    int rc = db_open(path, DB_OPEN_READ_ONLY, &s->db, err);
    rc = rc == 0 ? ledger_instance(s->db, &s->instance, err) : rc;
    rc = rc == 0 ? db_open(path, DB_OPEN_READ_ONLY, &s->feed_db, err) : rc;
    rc = rc == 0 ? ledger_instance(s->feed_db, &s->feed_instance, err) : rc;
    if (rc == 0) {
        rc = db_prepare(s->db, "SELECT id FROM channel WHERE name = ?1", &s->channel, err);
    }
    return rc;
}

static int check_options(const struct api_options *options, struct base_err *err) {
    if (!options->tls_cert != !options->tls_key) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("--tls-cert and --tls-key go together"));
    }
    if (options->threads < 1 || options->threads > 64) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("--http-threads: from 1 to 64"));
    }
    return 0;
}

static void tell_all(void *arg) {
    const struct api_server *s = arg;
    for (size_t i = 0; i < s->loop_count; i++) {
        loop_told(&s->loops[i]);
    }
}

int api_start(
    const struct api_options *options, struct api_server **server_out, struct base_err *err) {
    struct api_server *s = base_alloc(sizeof *s);
    char *path = base_path_join(options->data_dir, "lantoa.db");
    struct base_buf cert;
    struct base_buf key;
    base_buf_init(&cert, PEM_BYTES_MAX);
    base_buf_init(&key, PEM_BYTES_MAX);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->feed_lock, NULL);
    s->targets = link_targets_new();
    s->data_dir = base_strdup(options->data_dir);
    s->tls = options->tls_cert != NULL;
    s->listen_fd = -1;
    s->stuck_us = (options->stuck_ms ? options->stuck_ms : STUCK_MS) * INT64_C(1000);
    api_beat(s);
    int rc = check_options(options, err);
    if (rc == 0) {
        rc = load_pem(options->tls_cert, &cert, err);
    }
    if (rc == 0) {
        rc = load_pem(options->tls_key, &key, err);
    }
    if (rc == 0) {
        rc = open_reader(s, path, err);
    }
    if (rc == 0) {
        rc = commit_start(path, &s->queue, err);
    }
    if (rc == 0) {
        rc = metrics_start(path, s->queue, &s->metrics, err);
    }
    if (rc == 0) {
        s->loop_count = (size_t)options->threads;
        s->loops = base_alloc_array(s->loop_count, sizeof *s->loops);
        for (size_t i = 0; i < s->loop_count; i++) {
            loop_init(&s->loops[i], s);
        }
        commit_on_group(s->queue, tell_all, s);
        (void)base_buf_text(&cert);
        (void)base_buf_text(&key);
        rc = serve_now(s, options, &cert, &key, err);
    }
    base_buf_release(&cert);
    base_buf_release(&key);
    base_free(path);
    if (rc != 0) {
        api_stop(&s);
        return rc;
    }
    base_log(BASE_LOG_INFO, "http", "listening on %s, port %d", options->listen, s->port);
    *server_out = s;
    return 0;
}

void api_stop(struct api_server **server) {
    struct api_server *s = *server;
    if (!s) {
        return;
    }
    /* Who waits for the commit must have heard before the loops end. The metrics read the queue,
     * and answers count in the metrics. */
    for (size_t i = 0; i < s->loop_count; i++) {
        loop_stop(&s->loops[i]);
    }
    if (s->queue) {
        commit_end(s->queue); /* it may be waking the loops */
    }
    for (size_t i = 0; i < s->loop_count; i++) {
        loop_release(&s->loops[i]);
    }
    base_free(s->loops);
    if (s->listen_fd >= 0) {
        close(s->listen_fd);
    }
    metrics_stop(&s->metrics);
    commit_stop(&s->queue);
    db_finish(&s->channel);
    db_close(&s->db);
    db_close(&s->feed_db);
    base_hmac_free(&s->instance);
    base_hmac_free(&s->feed_instance);
    link_targets_free(&s->targets);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->feed_lock);
    base_free(s->data_dir);
    base_free(s);
    *server = NULL;
}

void api_beat(struct api_server *server) {
    atomic_store_explicit(&server->beat_us, metrics_now_us(), memory_order_relaxed);
}

void api_figures(struct api_server *server, const struct api_figure *figures, size_t count) {
    metrics_figures(server->metrics, figures, count);
}

int api_port(const struct api_server *server) {
    return server->port;
}
