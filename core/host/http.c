/* host->http: HTTP requests of the plugin, made by libcurl's multi interface on the host's loop.
 * Decides which servers may be reached, bounds what is kept, and tells whether a request has left.
 * Knows nothing of messages. */
#include "host/http.h"
#include "base/json.h"
#include "base/log.h"
#include <pthread.h>

#define REQUESTS_MOST 256
#define CONNECTIONS_MOST 64
#define CONNECTION_AGE_S 20L
#define BODIES_MOST ((size_t)64 << 20) /* of all answers under way */
#define BODY_MOST ((size_t)16 << 20)
#define BODY_DEFAULT ((size_t)1 << 20)
#define HEADER_BYTES_MOST ((size_t)64 << 10)
#define TIMEOUT_MS 30000
#define TIMEOUT_MOST_MS 3600000
#define RESOLVER_STACK ((size_t)512 << 10)

static void work(struct host_http *http, curl_socket_t fd, int events);

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop;
    (void)events;
    work(watcher->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop;
    int what =
        (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0);
    work(watcher->data, watcher->fd, what);
}

static int want_timer(CURLM *multi, long ms, void *arg) {
    (void)multi;
    struct host_http *http = arg;
    ev_timer_stop(http->host->loop, &http->timer);
    if (ms >= 0) {
        ev_now_update(http->host->loop);
        ev_timer_set(&http->timer, (double)ms / 1000, 0);
        ev_timer_start(http->host->loop, &http->timer);
    }
    return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
    (void)easy;
    struct host_http *http = arg;
    ev_io *io = known;
    if (io) {
        ev_io_stop(http->host->loop, io);
    }
    if (what == CURL_POLL_REMOVE) {
        base_free(io);
        return 0;
    }
    if (!io) {
        io = base_alloc(sizeof(*io));
        ev_init(io, on_socket);
        io->data = http;
        curl_multi_assign(http->multi, fd, io);
    }
    ev_io_set(io, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(http->host->loop, io);
    return 0;
}

/* The connection stands. The second time for one request means that a kept connection died under
 * it and curl would send it again: the server may have acted on the first, so not without leave. */
static int on_leaving(void *arg, char *to, char *from, int to_port, int from_port) {
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    struct lantoa_http *request = arg;
    if (request->left) {
        return request->flags & LANTOA_HTTP_REPEATABLE ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
    }
    request->left = true;
    if (request->leaving) {
        request->leaving(request->arg);
    }
    return CURL_PREREQFUNC_OK;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg) {
    struct lantoa_http *request = arg;
    size_t given = size * count;
    if (request->body.bytes + given > request->most_bytes ||
        request->http->body_bytes + given > BODIES_MOST) {
        request->too_large = true;
        return 0;
    }
    base_buf_add(&request->body, bytes, given);
    request->http->body_bytes += given;
    return given;
}

/* "Name: value" becomes name NUL value NUL; a status line begins anew (100, then 200). */
static size_t take_header(char *bytes, size_t size, size_t count, void *arg) {
    struct lantoa_http *request = arg;
    struct str line = str_of(bytes, size * count);
    if (str_starts(line, STR("HTTP/"))) {
        base_buf_clear(&request->headers);
        request->header_count = 0;
        request->headed = false;
        return line.bytes;
    }
    request->headed |= str_trim(line).bytes == 0;
    struct str name = str_trim(str_cut(&line, ':'));
    struct str value = str_trim(line);
    if (name.bytes == 0 || memchr(value.at, '\0', value.bytes) ||
        memchr(name.at, '\0', name.bytes)) {
        return size * count;
    }
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.at[i];
        base_buf_add_char(&request->headers, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    base_buf_add_char(&request->headers, '\0');
    base_buf_add_str(&request->headers, value);
    base_buf_add_char(&request->headers, '\0');
    request->header_count++;
    request->too_large |= !base_buf_ok(&request->headers);
    return request->too_large ? 0 : size * count;
}

static enum lantoa_http_error class_of(const struct lantoa_http *request, CURLcode code) {
    if (code == CURLE_OK) {
        return request->headed ? LANTOA_HTTP_OK : LANTOA_HTTP_CUT;
    }
    if (request->too_large) {
        return LANTOA_HTTP_TOO_LARGE;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return LANTOA_HTTP_TIMEOUT;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
        code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CIPHER) {
        return LANTOA_HTTP_TLS;
    }
    return request->left ? LANTOA_HTTP_CUT : LANTOA_HTTP_UNREACHABLE;
}

static void request_free(struct lantoa_http *request) {
    struct host_http *http = request->http;
    struct lantoa_http **at = &http->first;
    while (*at != request) {
        at = &(*at)->next;
    }
    *at = request->next;
    http->count--;
    http->body_bytes -= request->body.bytes;
    curl_multi_remove_handle(http->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->lines);
    base_buf_release(&request->body);
    base_buf_release(&request->headers);
    base_free(request);
}

static void answer(struct lantoa_http *request, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    struct lantoa_http_header *headers =
        base_alloc_array(request->header_count + 1, sizeof(*headers));
    const char *at = base_buf_text(&request->headers);
    for (size_t i = 0; i < request->header_count && base_buf_ok(&request->headers); i++) {
        headers[i].name = at;
        headers[i].value = at + strlen(at) + 1;
        at = headers[i].value + strlen(headers[i].value) + 1;
    }
    struct lantoa_http_answer told = {
        .size = sizeof(told),
        .error = class_of(request, code),
        .left = request->left,
        .status = (int)status,
        .headers = headers,
        .header_count = base_buf_ok(&request->headers) ? request->header_count : 0,
        .body = {base_buf_text(&request->body), request->body.bytes},
        .text = code == CURLE_OK && !request->headed ? "the answer ended within its head"
                : code == CURLE_OK                   ? ""
                : request->too_large                 ? "the answer is too large"
                : code == CURLE_ABORTED_BY_CALLBACK  ? "a kept connection died under the request"
                : request->text[0]                   ? request->text
                                                     : curl_easy_strerror(code),
    };
    request->answered(request->arg, &told);
    base_free(headers);
}

static void work(struct host_http *http, curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(http->multi, fd, events, &running);
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        struct lantoa_http *request = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        http->answering = request;
        answer(request, code);
        http->answering = NULL;
        request_free(request);
    }
}

/* --- what may be asked of whom --- */

/* The server's name of a URL that may be used at all; caller owns, curl_free. */
static char *server_of(const char *url) {
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *user = NULL;
    bool good = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
                curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
                curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (!good) {
        curl_free(host);
        host = NULL;
    }
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parts);
    return host;
}

static bool allowed(const struct host_http *http, const char *server) {
    struct str rest = base_buf_str(&http->servers);
    while (rest.bytes > 0) {
        struct str one = str_cut(&rest, '\n');
        if (one.bytes > 0 && str_case_eq(one, str_from(server))) {
            return true;
        }
    }
    return false;
}

static void allow_url(struct host_http *http, const char *text) {
    bool url = text && (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0);
    char *server = url ? server_of(text) : NULL;
    if (server) {
        base_buf_add_text(&http->servers, server);
        base_buf_add_char(&http->servers, '\n');
    }
    curl_free(server);
}

/* Defaults count as the options they stand for. */
static void allow_options(struct host_http *http, struct str options) {
    const struct host_plugin *plugin = http->host->plugin;
    struct base_json *doc = NULL;
    struct base_err err = {0};
    const char *name;
    json_t *value;
    if (base_json_parse(options, "options", &doc, &err) != 0) {
        return; /* whoever fills the plugin's options says so */
    }
    json_object_foreach(base_json_root(doc), name, value) {
        allow_url(http, json_string_value(value));
    }
    for (size_t i = 0; i < plugin->table.option_count; i++) {
        if (!json_object_get(base_json_root(doc), plugin->options[i].name)) {
            allow_url(http, plugin->options[i].fallback);
        }
    }
    base_json_free(&doc);
}

static bool header_good(const struct lantoa_http_header *header) {
    return header->name && header->value && header->name[0] &&
           header->name[strcspn(header->name, "\r\n: \t")] == '\0' &&
           header->value[strcspn(header->value, "\r\n")] == '\0';
}

static int check(const struct host_http *http, const struct lantoa_http_request *given) {
    const char *method = given->method ? given->method : "GET";
    size_t bytes = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool good = given->url && method[bytes] == '\0' && bytes > 0 && bytes <= 10 &&
                strcmp(method, "HEAD") != 0 && given->most_bytes <= BODY_MOST;
    for (size_t i = 0; good && i < given->header_count; i++) {
        good = header_good(&given->headers[i]);
    }
    char *server = good ? server_of(given->url) : NULL;
    int code = server ? 0 : LANTOA_EINVAL;
    if (server && !allowed(http, server)) {
        base_log(BASE_LOG_WARN, http->host->channel,
            "the server %s is not among those of the channel (\"hosts\" in its file)", server);
        code = LANTOA_EDENIED;
    }
    curl_free(server);
    return code;
}

/* --- making a request --- */

static bool add_header(struct lantoa_http *request, const char *line) {
    struct curl_slist *more = curl_slist_append(request->lines, line);
    request->lines = more ? more : request->lines;
    return more != NULL;
}

static bool set_headers(struct lantoa_http *request, const struct lantoa_http_request *given) {
    /* No waiting for "100 Continue". */
    bool good = add_header(request, "Expect:");
    for (size_t i = 0; good && i < given->header_count; i++) {
        const struct lantoa_http_header *header = &given->headers[i];
        /* curl takes "name:" as "leave it out" and "name;" as "without a value". */
        char *line = header->value[0] ? base_printf("%s: %s", header->name, header->value)
                                      : base_printf("%s;", header->name);
        good = add_header(request, line);
        explicit_bzero(line, strlen(line)); /* secrets stand in some */
        base_free(line);
    }
    return good && curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->lines) == CURLE_OK;
}

static bool set_body(struct lantoa_http *request, const struct lantoa_http_request *given) {
    CURL *easy = request->easy;
    const char *method = given->method ? given->method : "GET";
    bool good = true;
    if (given->body.at || strcmp(method, "POST") == 0) {
        good = curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)given->body.bytes) ==
                   CURLE_OK &&
               curl_easy_setopt(
                   easy, CURLOPT_COPYPOSTFIELDS, given->body.at ? given->body.at : "") == CURLE_OK;
    }
    return good && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_limits(struct lantoa_http *request, const struct lantoa_http_request *given) {
    CURL *easy = request->easy;
    int64_t ms = given->timeout_ms > 0 ? given->timeout_ms : TIMEOUT_MS;
    long verify = request->flags & LANTOA_HTTP_NO_VERIFY ? 0L : 1L;
    CURLcode code = curl_easy_setopt(
        easy, CURLOPT_TIMEOUT_MS, (long)(ms < TIMEOUT_MOST_MS ? ms : TIMEOUT_MOST_MS));
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* waits for no look-up thread */
    code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    code |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    code |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * verify);
    if (given->ca_file) {
        code |= curl_easy_setopt(easy, CURLOPT_CAINFO, given->ca_file);
    }
    return code == CURLE_OK;
}

static bool set_calls(struct lantoa_http *request) {
    CURL *easy = request->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->text);
    code |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_leaving);
    code |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    return code == CURLE_OK;
}

/* The plugin's struct may be older and shorter than ours. */
static struct lantoa_http_request copy_request(const struct lantoa_http_request *given) {
    struct lantoa_http_request copy = {0};
    memcpy(&copy, given, given->size < sizeof(copy) ? given->size : sizeof(copy));
    return copy;
}

static int api_http(const struct lantoa_host *api, const struct lantoa_http_request *asked,
    void (*answered)(void *arg, const struct lantoa_http_answer *answer), void *arg,
    struct lantoa_http **request_out) {
    struct host_http *http = host__of(api)->http;
    struct lantoa_http_request given = copy_request(asked);
    int code = check(http, &given);
    if (code != 0) {
        return code;
    }
    struct lantoa_http *request =
        http->count < REQUESTS_MOST ? base_try_alloc(sizeof(*request)) : NULL;
    CURL *easy = request ? curl_easy_init() : NULL;
    if (!easy) {
        base_free(request);
        return LANTOA_EAGAIN;
    }
    request->http = http;
    request->easy = easy;
    request->answered = answered;
    request->leaving = given.leaving;
    request->arg = arg;
    request->flags = given.flags;
    request->most_bytes = given.most_bytes ? given.most_bytes : BODY_DEFAULT;
    base_buf_init(&request->body, BODY_MOST + 1);
    base_buf_init(&request->headers, HEADER_BYTES_MOST);
    request->next = http->first;
    http->first = request;
    http->count++;
    bool good = curl_easy_setopt(easy, CURLOPT_URL, given.url) == CURLE_OK && set_calls(request) &&
                set_limits(request, &given) && set_headers(request, &given) &&
                set_body(request, &given);
    if (!good || curl_multi_add_handle(http->multi, easy) != CURLM_OK) {
        request_free(request);
        return LANTOA_ENOMEM;
    }
    if (request_out) {
        *request_out = request;
    }
    return 0;
}

static void api_http_cancel(const struct lantoa_host *api, struct lantoa_http *request) {
    const struct host_http *http = host__of(api)->http;
    if (request && request != http->answering) {
        request_free(request);
    }
}

void host__http_init(struct host *host, struct str hosts, struct str options) {
    struct host_http *http = base_alloc(sizeof(*http));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    http->host = host;
    http->multi = curl_multi_init();
    BASE_ASSERT(http->multi);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_MOST);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MOST);
    ev_init(&http->timer, on_timer);
    http->timer.data = http;
    base_buf_init(&http->servers, (size_t)1 << 20);
    if (hosts.bytes > 0) {
        base_buf_add_str(&http->servers, hosts);
    } else {
        allow_options(http, options);
    }
    /* curl looks names up in threads of its own, whose usual 8 MiB of stack would eat into the
     * memory limit. */
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, RESOLVER_STACK);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    BASE_ASSERT(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS);
    host->http = http;
    host->api.http = api_http;
    host->api.http_cancel = api_http_cancel;
}

void host__http_free(struct host *host) {
    struct host_http *http = host->http;
    if (!http) {
        return;
    }
    while (http->first) {
        request_free(http->first);
    }
    curl_multi_cleanup(http->multi);
    ev_timer_stop(host->loop, &http->timer);
    base_buf_release(&http->servers);
    base_free(http);
    host->http = NULL;
    curl_global_cleanup();
}
