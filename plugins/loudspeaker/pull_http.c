/* The door for devices: HTTP/1.1 on the host's loop (libmicrohttpd, polled from outside).
 *
 *   GET  /device/ID/plan          the plan; Lantoa-Signature proves it
 *   GET  /device/ID/file/NAME     a recording of the plan, in parts if asked (Range)
 *   POST /device/ID/asrun         what was played; answered once the core has it
 *
 * Each request carries Authorization: Lantoa ID NONCE MAC (plan.h). */
#include "bytes.h"
#include "plan.h"
#include "pull.h"
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTIONS_MOST 1000
#define IDLE_TIMEOUT_S 30
#define CONNECTION_BYTES ((size_t)32 << 10)
#define TARGET_BYTES 400
#define WAIT_MS 20000 /* for the core; then the device is to come again */
#define RETRY_AFTER "30"
#define PEM_MOST (256 << 10)

struct request {
    struct request *next; /* of those that wait for the core */
    struct pull *pull;
    struct MHD_Connection *connection;
    char target[TARGET_BYTES];
    bool started, too_large, waits, given_up;
    struct bytes body;
    struct device *device;
    char nonce[80];
    int64_t plan_version; /* of the plan that is being sent */
    int64_t since_ms;
    struct asrun asrun;
    char *answer;
};

struct pull {
    struct player *player;
    struct MHD_Daemon *daemon;
    struct lantoa_watch *watch;
    struct lantoa_timer *timer;
    struct request *waiting;
    bool running; /* inside the library: no second time */
};

/* --- turning the library's wheel --- */

static void turn(struct pull *pull);

static void on_timer(void *arg) {
    struct pull *pull = arg;
    pull->timer = NULL;
    turn(pull);
}

static void on_ready(void *arg, unsigned events) {
    (void)events;
    turn(arg);
}

static void resume(struct request *request) {
    request->waits = false;
    MHD_resume_connection(request->connection);
}

/* Those that have waited for too long go with a request to come again. */
static int64_t give_up_the_late(struct pull *pull) {
    int64_t now_ms = pull->player->host->ticks(pull->player->host), next_ms = INT64_MAX;
    for (struct request **at = &pull->waiting; *at;) {
        struct request *request = *at;
        int64_t until = request->since_ms + WAIT_MS;
        if (until <= now_ms) {
            *at = request->next;
            request->given_up = true;
            resume(request);
        } else {
            next_ms = until - now_ms < next_ms ? until - now_ms : next_ms;
            at = &request->next;
        }
    }
    return next_ms;
}

static void turn(struct pull *pull) {
    const struct lantoa_host *host = pull->player->host;
    MHD_UNSIGNED_LONG_LONG wait;
    if (pull->running) {
        return;
    }
    pull->running = true;
    int64_t next_ms = give_up_the_late(pull);
    int turns = 0;
    do {
        MHD_run(pull->daemon);
    } while (MHD_get_timeout(pull->daemon, &wait) == MHD_YES && wait == 0 && ++turns < 20);
    pull->running = false;
    if (MHD_get_timeout(pull->daemon, &wait) == MHD_YES && (int64_t)wait < next_ms) {
        next_ms = (int64_t)wait;
    }
    host->timer_stop(host, pull->timer);
    pull->timer = next_ms < INT64_MAX ? host->timer(host, next_ms, on_timer, pull) : NULL;
}

/* --- answers --- */

static enum MHD_Result queue(
    struct request *request, unsigned status, struct MHD_Response *response) {
    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == MHD_HTTP_UNAUTHORIZED) {
        MHD_add_response_header(response, "WWW-Authenticate", "Lantoa");
    }
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        MHD_add_response_header(response, "Retry-After", RETRY_AFTER);
    }
    enum MHD_Result result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(struct request *request, unsigned status, const char *text) {
    char *copy = strdup(text); /* the library wants bytes that it may call its own */
    struct MHD_Response *response =
        copy ? MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(copy);
        return MHD_NO;
    }
    char mac[KEYS_MAC_BYTES];
    if (request->device) {
        plan_sign(keys_find(request->pull->player->keys, request->device->at.id), request->nonce,
            text, mac);
        MHD_add_response_header(response, "Lantoa-Signature", mac);
    }
    MHD_add_response_header(response, "Content-Type", "application/json");
    return queue(request, status, response);
}

static enum MHD_Result fault(struct request *request, unsigned status, const char *words) {
    json_t *json = json_pack("{s:s}", "error", words);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    enum MHD_Result result = answer(request, status, text ? text : "{}");
    free(text);
    json_decref(json);
    return result;
}

static enum MHD_Result give_plan(struct request *request) {
    char *text = plan_write(request->device, request->nonce);
    request->plan_version = request->device->version;
    enum MHD_Result result = text ? answer(request, MHD_HTTP_OK, text) : MHD_NO;
    free(text);
    return result;
}

/* "bytes=A-B", "bytes=A-", "bytes=-N"; false: none of these, or outside the file. */
static bool read_range(const char *text, uint64_t size, uint64_t *from_out, uint64_t *count_out) {
    char *end;
    if (strncmp(text, "bytes=", 6) != 0 || size == 0) {
        return false;
    }
    text += 6;
    if (*text == '-') {
        uint64_t last = strtoull(text + 1, &end, 10);
        *count_out = last < size ? last : size;
        *from_out = size - *count_out;
        return end > text + 1 && *end == '\0' && last > 0;
    }
    *from_out = strtoull(text, &end, 10);
    if (end == text || *end != '-' || *from_out >= size) {
        return false;
    }
    const char *second = end + 1;
    uint64_t to = *second ? strtoull(second, &end, 10) : size - 1;
    if (*second && (*end != '\0' || to < *from_out)) {
        return false;
    }
    *count_out = (to < size ? to + 1 : size) - *from_out;
    return true;
}

static const struct item *item_with(const struct device *device, const char *name) {
    int64_t now_ms = player_now(device->player);
    for (const struct item *item = device->items; item; item = item->next) {
        if (plan_has(item, now_ms) && strcmp(item->audio, name) == 0) {
            return item;
        }
    }
    return NULL;
}

static enum MHD_Result give_file(struct request *request, const char *name) {
    const struct item *item = item_with(request->device, name);
    const char *range =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
    char path[MATERIAL_PATH_BYTES], text[100];
    struct stat file;
    uint64_t from = 0;
    if (!item) {
        return fault(request, MHD_HTTP_NOT_FOUND, "no such recording in the plan of this device");
    }
    material_path(request->pull->player->audio_dir, name, FORM_ORIGINAL, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return fault(request, MHD_HTTP_NOT_FOUND, "the recording is gone");
    }
    uint64_t size = (uint64_t)file.st_size, count = size;
    unsigned status = range ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
    bool good = !range || read_range(range, size, &from, &count);
    struct MHD_Response *response =
        good ? MHD_create_response_from_fd_at_offset64(count, fd, from) : NULL;
    if (!response) {
        close(fd);
        return fault(request,
            good ? MHD_HTTP_INTERNAL_SERVER_ERROR : MHD_HTTP_RANGE_NOT_SATISFIABLE,
            "this part does not exist");
    }
    if (range) {
        snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)from,
            (unsigned long long)(from + count - 1), (unsigned long long)size);
        MHD_add_response_header(response, "Content-Range", text);
    }
    snprintf(text, sizeof(text), "\"%s\"", item->sha256);
    MHD_add_response_header(response, "ETag", text);
    MHD_add_response_header(response, "Accept-Ranges", "bytes");
    MHD_add_response_header(response, "Content-Type", item->mime);
    return queue(request, status, response);
}

/* --- as-run --- */

static enum MHD_Result wait_for_core(struct request *request) {
    if (pull_settled(request->device, &request->asrun)) {
        return answer(request, MHD_HTTP_OK, request->answer);
    }
    request->since_ms = request->pull->player->host->ticks(request->pull->player->host);
    request->next = request->pull->waiting;
    request->pull->waiting = request;
    request->waits = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

static enum MHD_Result take_asrun(struct request *request) {
    char why[200];
    if (!asrun_read(request->body.at ? request->body.at : "", request->body.used, &request->asrun,
            why, sizeof(why))) {
        return fault(request, MHD_HTTP_BAD_REQUEST, why);
    }
    request->answer = pull_take(request->device, &request->asrun);
    return request->answer ? wait_for_core(request) : MHD_NO;
}

void pull_told(struct player *player) {
    struct pull *pull = player->pull;
    bool any = false;
    if (!pull) {
        return;
    }
    for (struct request **at = &pull->waiting; *at;) {
        struct request *request = *at;
        if (pull_settled(request->device, &request->asrun)) {
            *at = request->next;
            resume(request);
            any = true;
        } else {
            at = &request->next;
        }
    }
    if (any) {
        turn(pull);
    }
}

/* --- requests --- */

static enum MHD_Result route(struct request *request, const char *url, const char *method) {
    char prefix[DEVICE_ID_BYTES + 16];
    bool get = strcmp(method, "GET") == 0;
    snprintf(prefix, sizeof(prefix), "/device/%s/", request->device->at.id);
    size_t bytes = strlen(prefix);
    if (strncmp(url, prefix, bytes) != 0) {
        return fault(request, MHD_HTTP_FORBIDDEN, "this is not the device that signed");
    }
    const char *rest = url + bytes;
    if (strcmp(rest, "plan") == 0 && get) {
        return give_plan(request);
    }
    if (strncmp(rest, "file/", 5) == 0 && get) {
        return give_file(request, rest + 5);
    }
    if (strcmp(rest, "asrun") == 0 && strcmp(method, "POST") == 0) {
        return take_asrun(request);
    }
    return fault(request, MHD_HTTP_NOT_FOUND, "no such thing");
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *bytes, void **state) {
    struct pull *pull = arg;
    struct request *request = *state;
    (void)version;
    if (!request) {
        return MHD_NO; /* no memory at its beginning */
    }
    if (!request->started) {
        request->started = true;
        request->connection = connection;
        return MHD_YES;
    }
    if (*bytes > 0) {
        request->too_large |= request->body.used + *bytes > ASRUN_BYTES_MOST;
        if (!request->too_large) {
            bytes_put(&request->body, data, *bytes);
        }
        *bytes = 0;
        return MHD_YES;
    }
    if (request->answer) { /* it waited for the core */
        return request->given_up
                   ? fault(request, MHD_HTTP_SERVICE_UNAVAILABLE, "not recorded yet: send it again")
                   : answer(request, MHD_HTTP_OK, request->answer);
    }
    if (request->too_large || request->body.failed) {
        return fault(request, MHD_HTTP_CONTENT_TOO_LARGE, "at most 1 MiB");
    }
    request->device = pull_authorize(pull->player,
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
        method, request->target, request->body.at ? request->body.at : "", request->body.used,
        request->nonce);
    if (!request->device) {
        return fault(request, MHD_HTTP_UNAUTHORIZED, "no proof, or a wrong one");
    }
    return route(request, url, method);
}

static void *begin(void *arg, const char *uri, struct MHD_Connection *connection) {
    struct request *request = calloc(1, sizeof(*request));
    (void)connection;
    if (request) {
        request->pull = arg;
        snprintf(request->target, sizeof(request->target), "%s", uri);
    }
    return request;
}

static void end(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code) {
    struct request *request = *state;
    struct pull *pull = arg;
    (void)connection;
    if (!request) {
        return;
    }
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && request->plan_version > 0) {
        pull_seen(request->device, request->plan_version);
    }
    for (struct request **at = &pull->waiting; *at; at = &(*at)->next) {
        if (*at == request) {
            *at = request->next;
            break;
        }
    }
    asrun_release(&request->asrun);
    bytes_release(&request->body);
    free(request->answer);
    free(request);
    *state = NULL;
}

/* --- life --- */

/* "0.0.0.0:8090", "[::]:8090"; numbers only, so nothing is looked up. NULL: none of these; else
 * freeaddrinfo it. */
static struct addrinfo *read_listen(const char *text) {
    char host[100];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                        .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    const char *colon = strrchr(text, ':');
    size_t bytes = colon ? (size_t)(colon - text) : 0;
    bool six = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(six ? bytes - 2 : bytes), six ? text + 1 : text);
    return colon && getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static int listen_on(const char *text, char *why, size_t why_bytes) {
    const int on = 1;
    struct addrinfo *found = read_listen(text);
    if (!found) {
        snprintf(
            why, why_bytes, "listen: %s: must be an address and a port, like 0.0.0.0:8090", text);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        snprintf(why, why_bytes, "listen: %s: %s", text, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool load(const char *path, struct bytes *out) {
    FILE *file = fopen(path, "re");
    char piece[4096];
    size_t count;
    while (file && out->used < PEM_MOST && (count = fread(piece, 1, sizeof(piece), file)) > 0) {
        bytes_put(out, piece, count);
    }
    bool good = file && out->used > 0 && !ferror(file) && !out->failed;
    if (file) {
        fclose(file);
    }
    return good;
}

static void silence(void *arg, const char *fmt, va_list args) {
    (void)arg; /* what strangers send wrong is no news */
    (void)fmt;
    (void)args;
}

static struct MHD_Daemon *daemon_new(
    struct pull *pull, int fd, const struct bytes *cert, const struct bytes *key) {
    bool tls = cert->used > 0;
    unsigned flags =
        MHD_USE_EPOLL | (MHD_ALLOW_SUSPEND_RESUME & ~(unsigned)MHD_USE_ITC) | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem more[] = {{tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, cert->at},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key->at}, {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, handle, pull,
        MHD_OPTION_EXTERNAL_LOGGER, silence, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, begin, pull, MHD_OPTION_NOTIFY_COMPLETED, end, pull,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
        MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static bool open_door(struct pull *pull, char *why, size_t why_bytes) {
    const struct config *config = pull->player->config;
    const struct lantoa_host *host = pull->player->host;
    struct bytes cert = {0}, key = {0};
    bool tls = config->tls_cert != NULL;
    int fd = listen_on(config->listen, why, why_bytes);
    if (fd < 0) {
        return false;
    }
    if (tls &&
        (!config->tls_key || !load(config->tls_cert, &cert) || !load(config->tls_key, &key))) {
        snprintf(why, why_bytes, "tls_cert and tls_key: both must be files that can be read");
    } else {
        pull->daemon = daemon_new(pull, fd, &cert, &key);
        snprintf(why, why_bytes,
            tls ? "tls_cert and tls_key do not fit" : "listen: the HTTP library does not start");
    }
    bytes_release(&cert);
    if (key.at) {
        explicit_bzero(key.at, key.used);
    }
    bytes_release(&key);
    if (!pull->daemon) {
        close(fd);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(pull->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    pull->watch = host->watch(host, info->epoll_fd, LANTOA_READ, on_ready, pull);
    return pull->watch != NULL;
}

int pull_check(const struct config *config, struct lantoa_fault *fault_out) {
    if (!config->listen || !config->listen[0]) {
        return LANTOA_OK;
    }
    struct addrinfo *found = read_listen(config->listen);
    if (!found) {
        return lantoa_fault_set(fault_out, "listen",
            "\"%.100s\" must be an address and a port, like 0.0.0.0:8090",
            "\"%.100s\" phải là một địa chỉ và một cổng, như 0.0.0.0:8090", config->listen);
    }
    freeaddrinfo(found);
    struct bytes cert = {0}, key = {0};
    bool good = !config->tls_cert ||
                (config->tls_key && load(config->tls_cert, &cert) && load(config->tls_key, &key));
    bytes_release(&cert);
    if (key.at) {
        explicit_bzero(key.at, key.used);
    }
    bytes_release(&key);
    return good ? LANTOA_OK
                : lantoa_fault_set(fault_out, "tls_cert",
                      "tls_cert and tls_key: both must be files that can be read",
                      "tls_cert và tls_key: cả hai phải là tệp đọc được");
}

int pull_open(struct player *player) {
    char why[300];
    if (!player->config->listen || !player->config->listen[0]) {
        return LANTOA_OK;
    }
    player->pull = calloc(1, sizeof(*player->pull));
    if (!player->pull) {
        return LANTOA_ENOMEM;
    }
    player->pull->player = player;
    if (!open_door(player->pull, why, sizeof(why))) {
        player->host->fail(player->host, "%s", why);
        return LANTOA_EINVAL;
    }
    return LANTOA_OK;
}

void pull_close(struct player *player) {
    struct pull *pull = player->pull;
    if (!pull) {
        return;
    }
    player->pull = NULL;
    while (pull->waiting) { /* the library wants them all awake before it ends */
        struct request *request = pull->waiting;
        pull->waiting = request->next;
        request->given_up = true;
        resume(request);
    }
    if (pull->daemon) {
        MHD_run(pull->daemon);
    }
    player->host->watch_stop(player->host, pull->watch);
    player->host->timer_stop(player->host, pull->timer);
    if (pull->daemon) {
        MHD_stop_daemon(pull->daemon);
    }
    free(pull);
}
