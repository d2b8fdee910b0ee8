/* The lightest HTTP/1.1 client that one thread makes: kept connections, one request under way on
 * each, all of them written down before the clock starts. FILE has a line per request: a path
 * (GET), or a path, a tab and a body (POST). The lines are walked through again until N are
 * answered; an answer that is no 2xx or 3xx counts as bad. The first tenth warms up and is not
 * measured. usage: visitor -p PORT -n REQUESTS [-c CONNECTIONS] FILE */
#include "net.h"

#define AGENT                                                                                      \
    "User-Agent: Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0 Mobile "          \
    "Safari/537.36\r\n"
#define LATENCY_MOST_US 1000000

struct request {
    char *text;
    size_t bytes;
};

struct line {
    int fd;
    size_t in_bytes;
    int64_t asked_us;
    char in[16384];
};

static struct request *requests;
static size_t request_count;
static long wanted = 10000, asked, answered, bad, warm;
static uint32_t *latency; /* answers by their microseconds */

static int64_t now_us(void) {
    return (int64_t)(seconds() * 1e6);
}

static void add_request(const char *line, int port) {
    char text[8192];
    const char *tab = strchr(line, '\t');
    int path = (int)(tab ? (size_t)(tab - line) : strlen(line));
    int bytes = tab ? snprintf(text, sizeof text,
                          "POST %.*s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" AGENT
                          "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
                          "%zu\r\n\r\n%s",
                          path, line, port, strlen(tab + 1), tab + 1)
                    : snprintf(text, sizeof text,
                          "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" AGENT
                          "Accept: text/html,*/*;q=0.8\r\n\r\n",
                          path, line, port);
    if (bytes >= (int)sizeof text) {
        give_up("visitor: a line is too long");
    }
    requests = realloc(requests, (request_count + 1) * sizeof *requests);
    requests[request_count].bytes = (size_t)bytes;
    requests[request_count++].text = strdup(text);
}

static void load(const char *path, int port) {
    char line[4096];
    FILE *file = fopen(path, "r");
    if (!file) {
        give_up("visitor: %s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0]) {
            add_request(line, port);
        }
    }
    fclose(file);
    if (request_count == 0) {
        give_up("visitor: %s is empty", path);
    }
}

static void ask(struct line *l) {
    const struct request *request = &requests[(size_t)asked++ % request_count];
    l->asked_us = now_us();
    if (write(l->fd, request->text, request->bytes) != (ssize_t)request->bytes) {
        give_up("visitor: write: %s", strerror(errno));
    }
}

/* The bytes of the answer that stands at the front of the buffer; 0: not all of it is there. */
static size_t whole_answer(const struct line *l) {
    const char *end = memmem(l->in, l->in_bytes, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    size_t head = (size_t)(end - l->in) + 4;
    size_t body = 0;
    for (const char *at = l->in; at && at < end; at = memchr(at, '\n', (size_t)(end - at))) {
        at += *at == '\n';
        if (strncasecmp(at, "content-length:", 15) == 0) {
            body = strtoul(at + 15, NULL, 10);
            break;
        }
    }
    return l->in_bytes >= head + body ? head + body : 0;
}

static void readable(struct line *l) {
    ssize_t got = read(l->fd, l->in + l->in_bytes, sizeof l->in - 1 - l->in_bytes);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        give_up("visitor: the server hung up after %ld answers", answered);
    }
    l->in_bytes += (size_t)got;
    l->in[l->in_bytes] = '\0';
    if (!whole_answer(l)) {
        return;
    }
    if (answered++ >= warm) {
        int64_t took = now_us() - l->asked_us;
        latency[took < LATENCY_MOST_US ? took : LATENCY_MOST_US]++;
    }
    bad += l->in[9] != '2' && l->in[9] != '3';
    l->in_bytes = 0;
    if (asked < wanted) {
        ask(l);
    }
}

static long percentile(double part) {
    long seen = 0;
    long all = answered - warm;
    for (long us = 0; us <= LATENCY_MOST_US; us++) {
        seen += latency[us];
        if (seen >= (long)((double)all * part)) {
            return us;
        }
    }
    return LATENCY_MOST_US;
}

int main(int argc, char **argv) {
    int port = 0, connections = 64, option;
    while ((option = getopt(argc, argv, "p:n:c:")) != -1) {
        long value = strtol(optarg, NULL, 10);
        if (option == 'p') {
            port = (int)value;
        } else if (option == 'n') {
            wanted = value;
        } else {
            connections = (int)value;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    load(argv[optind], port);
    latency = calloc(LATENCY_MOST_US + 1, sizeof *latency);
    warm = wanted / 10;
    int poll_fd = epoll_create1(0);
    struct line *lines = calloc((size_t)connections, sizeof *lines);
    for (int i = 0; i < connections && asked < wanted; i++) {
        lines[i].fd = connect_to(port);
        struct epoll_event want = {.events = EPOLLIN, .data.ptr = &lines[i]};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, lines[i].fd, &want);
        ask(&lines[i]);
    }
    struct epoll_event events[256];
    double start = seconds();
    while (answered < wanted) {
        long before = answered;
        int count = epoll_wait(poll_fd, events, 256, 20000);
        if (count <= 0) {
            give_up("visitor: nothing happens after %ld answers", answered);
        }
        for (int i = 0; i < count; i++) {
            readable(events[i].data.ptr);
        }
        if (before < warm && answered >= warm) {
            warm = answered; /* what has come in this turn was not measured whole */
            memset(latency, 0, (LATENCY_MOST_US + 1) * sizeof *latency);
            start = seconds();
        }
    }
    printf("{\"n\": %ld, \"secs\": %.6f, \"p50_us\": %ld, \"p99_us\": %ld, \"bad\": %ld}\n",
        answered - warm, seconds() - start, percentile(0.5), percentile(0.99), bad);
    return bad > 0;
}
