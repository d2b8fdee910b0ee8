/* A host on poll() for tests of one plugin; see fake_host.h. */
#include "fake_host.h"

#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct lantoa_watch {
    struct lantoa_watch *next;
    int fd;
    unsigned events;
    bool dead;
    void (*ready)(void *arg, unsigned events);
    void *arg;
};

struct lantoa_timer {
    struct lantoa_timer *next;
    int64_t due;
    void (*fire)(void *arg);
    void *arg;
};

static struct fake_host *of(const struct lantoa_host *api) {
    return (struct fake_host *)(uintptr_t)api; /* api is the first member */
}

__attribute__((noreturn, format(printf, 1, 2))) static void broken(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fputs("CONTRACT BROKEN: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static int64_t clock_ms(clockid_t id) {
    struct timespec at;
    clock_gettime(id, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void host_log(
    const struct lantoa_host *api, enum lantoa_log_level level, const char *fmt, ...) {
    va_list args;
    if (of(api)->quiet) {
        return;
    }
    va_start(args, fmt);
    fprintf(stderr, "log %d: ", (int)level);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

static void host_metric(const struct lantoa_host *api, const char *name, double value) {
    (void)api;
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] != '\0' || value < 0) {
        broken("metric %s %f", name, value);
    }
}

static int64_t host_now(const struct lantoa_host *api) {
    return of(api)->now_ms != 0 ? of(api)->now_ms : clock_ms(CLOCK_REALTIME);
}

static int64_t host_ticks(const struct lantoa_host *api) {
    (void)api;
    return clock_ms(CLOCK_MONOTONIC);
}

static struct lantoa_timer *host_timer(
    const struct lantoa_host *api, int64_t ms, void (*fire)(void *arg), void *arg) {
    struct lantoa_timer *timer = calloc(1, sizeof(*timer));
    *timer = (struct lantoa_timer){
        .next = of(api)->timers, .due = clock_ms(CLOCK_MONOTONIC) + ms, .fire = fire, .arg = arg};
    of(api)->timers = timer;
    return timer;
}

static void host_timer_stop(const struct lantoa_host *api, struct lantoa_timer *timer) {
    if (timer == NULL) {
        return;
    }
    for (struct lantoa_timer **link = &of(api)->timers; *link != NULL; link = &(*link)->next) {
        if (*link == timer) {
            *link = timer->next;
            free(timer);
            return;
        }
    }
    broken("timer_stop of an unknown timer");
}

static struct lantoa_watch *host_watch(const struct lantoa_host *api, int fd, unsigned events,
    void (*ready)(void *arg, unsigned events), void *arg) {
    struct lantoa_watch *watch = calloc(1, sizeof(*watch));
    *watch = (struct lantoa_watch){
        .next = of(api)->watches, .fd = fd, .events = events, .ready = ready, .arg = arg};
    of(api)->watches = watch;
    return watch;
}

static void host_watch_set(
    const struct lantoa_host *api, struct lantoa_watch *watch, unsigned events) {
    (void)api;
    if (watch->dead) {
        broken("watch_set after watch_stop");
    }
    watch->events = events;
}

static void host_watch_stop(const struct lantoa_host *api, struct lantoa_watch *watch) {
    (void)api;
    if (watch != NULL && watch->dead) {
        broken("watch_stop twice");
    }
    if (watch != NULL) {
        watch->dead = true;
    }
}

static void host_wake(const struct lantoa_host *api) {
    (void)api;
}

/* Synchronous look-up, asynchronous answer, as the contract has it. */
struct lookup {
    struct fake_host *host;
    char name[256], port[16];
    void (*found)(
        void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error);
    void *arg;
};

static void lookup_fire(void *arg) {
    struct lookup *lookup = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct lantoa_sockaddr out[8];
    size_t count = 0;
    int status = getaddrinfo(lookup->name, lookup->port, &hints, &list);
    for (struct addrinfo *at = list; status == 0 && at != NULL && count < 8; at = at->ai_next) {
        out[count] = (struct lantoa_sockaddr){.family = at->ai_family,
            .socktype = at->ai_socktype,
            .protocol = at->ai_protocol,
            .length = at->ai_addrlen};
        memcpy(out[count++].bytes, at->ai_addr, at->ai_addrlen);
    }
    if (list != NULL) {
        freeaddrinfo(list);
    }
    lookup->found(lookup->arg, out, count, status == 0 ? NULL : gai_strerror(status));
    free(lookup);
}

static int host_resolve(const struct lantoa_host *api, const char *name, const char *port,
    void (*found)(
        void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error),
    void *arg) {
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    lookup->host = of(api);
    lookup->found = found;
    lookup->arg = arg;
    snprintf(lookup->name, sizeof(lookup->name), "%s", name);
    snprintf(lookup->port, sizeof(lookup->port), "%s", port);
    host_timer(api, 1, lookup_fire, lookup);
    return LANTOA_OK;
}

static void host_window(const struct lantoa_host *api, size_t messages) {
    (void)api;
    (void)messages;
}

static struct fake_message *message_of(struct fake_host *host, uint64_t id) {
    if (id == 0 || id > host->message_count || !host->messages[id - 1].sent) {
        broken("unknown message %llu", (unsigned long long)id);
    }
    return &host->messages[id - 1];
}

static void host_began(const struct lantoa_host *api, uint64_t id) {
    struct fake_message *message = message_of(of(api), id);
    if (message->began || message->done) {
        broken("message %llu began twice or after its result", (unsigned long long)id);
    }
    message->began = true;
    of(api)->begun++;
}

static void keep(char *to, size_t room, struct lantoa_str text, const char *what) {
    if (text.at == NULL || text.bytes >= room) {
        broken("%s is NULL or has %zu bytes", what, text.bytes);
    }
    for (size_t i = 0; i < text.bytes; i++) {
        if ((unsigned char)text.at[i] < ' ') {
            broken("%s has a control character", what);
        }
    }
    memcpy(to, text.at, text.bytes);
    to[text.bytes] = '\0';
}

static void host_result(const struct lantoa_host *api, const struct lantoa_result *result) {
    struct fake_host *host = of(api);
    struct fake_message *message = message_of(host, result->id);
    if (message->done) {
        broken("message %llu: a second result", (unsigned long long)result->id);
    }
    if (result->size != sizeof(*result) || result->outcome < LANTOA_SENT ||
        result->outcome > LANTOA_NOT_SENT) {
        broken("message %llu: a result that is none", (unsigned long long)result->id);
    }
    if ((result->outcome == LANTOA_SENT || result->outcome == LANTOA_UNKNOWN) && !message->began) {
        broken("message %llu ended %s without began", (unsigned long long)result->id,
            fake_outcome_name(result->outcome));
    }
    if (result->outcome == LANTOA_NOT_SENT && message->began) {
        broken(
            "message %llu began and was given back as untouched", (unsigned long long)result->id);
    }
    keep(message->ref, sizeof(message->ref), result->ref, "ref");
    keep(message->detail, sizeof(message->detail), result->detail, "detail");
    message->done = true;
    message->outcome = result->outcome;
    message->reason = result->reason;
    message->after_ms = result->after_ms;
    host->under_way--;
    host->ended++;
}

static int host_event(const struct lantoa_host *api, const struct lantoa_event *event) {
    struct fake_host *host = of(api);
    if (host->event_count == FAKE_EVENTS_MOST) {
        return LANTOA_ELIMIT;
    }
    if (host->event_answer != LANTOA_OK) {
        return host->event_answer;
    }
    struct fake_event *kept = &host->events[host->event_count++];
    *kept =
        (struct fake_event){.token = event->token, .kind = event->kind, .reason = event->reason};
    keep(kept->key, sizeof(kept->key), event->key, "event key");
    keep(kept->ref, sizeof(kept->ref), event->ref.at == NULL ? fake_str("") : event->ref,
        "event ref");
    keep(kept->address, sizeof(kept->address), event->address, "event address");
    keep(kept->detail, sizeof(kept->detail), event->detail, "event detail");
    return LANTOA_OK;
}

static void host_drained(const struct lantoa_host *api) {
    if (of(api)->drained) {
        broken("drained twice");
    }
    of(api)->drained = true;
}

static void host_fail(const struct lantoa_host *api, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(of(api)->fail_text, sizeof(of(api)->fail_text), fmt, args);
    va_end(args);
    of(api)->failed = true;
}

const char *fake_outcome_name(enum lantoa_outcome outcome) {
    static const char *const names[] = {"?", "sent", "retry", "refused", "unknown", "not_sent"};
    return names[outcome];
}

const char *fake_reason_name(enum lantoa_reason reason) {
#define WORD(name, value, word) [value] = word,
    static const char *const names[] = {LANTOA_REASONS(WORD)};
#undef WORD
    return names[reason];
}

struct lantoa_str fake_str(const char *text) {
    return (struct lantoa_str){text == NULL ? "" : text, text == NULL ? 0 : strlen(text)};
}

static bool set_option(
    struct fake_host *host, void *config, const struct lantoa_option *option, const char *text) {
    char *at = (char *)config + option->offset, *end;
    switch (option->type) {
    case LANTOA_TYPE_TEXT:
    case LANTOA_TYPE_FILE:
    case LANTOA_TYPE_CHOICE: {
        const char *own = NULL;
        if (text != NULL) {
            host->texts = realloc(host->texts, (host->text_count + 1) * sizeof(char *));
            own = host->texts[host->text_count++] = strdup(text);
        }
        memcpy(at, &own, sizeof(own));
        return true;
    }
    case LANTOA_TYPE_BOOL: {
        bool value = strcmp(text, "true") == 0;
        memcpy(at, &value, sizeof(value));
        return value || strcmp(text, "false") == 0;
    }
    case LANTOA_TYPE_INT:
    case LANTOA_TYPE_DURATION: {
        int64_t value = strtoll(text, &end, 10);
        if (option->type == LANTOA_TYPE_DURATION && strcmp(end, "ms") != 0) {
            value *= strcmp(end, "s") == 0   ? 1000
                     : strcmp(end, "m") == 0 ? 60000
                     : strcmp(end, "h") == 0 ? 3600000
                                             : 1;
        }
        memcpy(at, &value, sizeof(value));
        return (option->least == 0 && option->most == 0) ||
               (value >= option->least && value <= option->most);
    }
    }
    return false;
}

/* One config from the defaults and the words; later words win. */
static bool fill_config(
    struct fake_host *host, void *config, const char *const *words, size_t count) {
    for (size_t i = 0; i < host->plugin->option_count; i++) {
        const struct lantoa_option *option = &host->plugin->options[i];
        const char *text = option->fallback;
        for (size_t k = 0; k < count; k++) {
            size_t bytes = strlen(option->name);
            if (strncmp(words[k], option->name, bytes) == 0 && words[k][bytes] == '=') {
                text = words[k] + bytes + 1;
            }
        }
        bool needs_value = option->type == LANTOA_TYPE_BOOL || option->type == LANTOA_TYPE_INT ||
                           option->type == LANTOA_TYPE_DURATION;
        if ((text == NULL && needs_value) || !set_option(host, config, option, text)) {
            fprintf(stderr, "option %s: %s\n", option->name, text == NULL ? "(none)" : text);
            return false;
        }
    }
    return true;
}

bool fake_host_reconfigure(struct fake_host *host, const char *const *words, size_t count) {
    void *config = calloc(1, host->plugin->config_size);
    if (!fill_config(host, config, words, count) ||
        host->plugin->ops.reconfigure(host->self, config) != LANTOA_OK) {
        free(config);
        return false;
    }
    memset(host->config, 0x5a,
        host->plugin->config_size); /* whoever still looks at it shall see nonsense */
    free(host->config);
    host->config = config;
    return true;
}

void fake_host_drain(struct fake_host *host) {
    host->draining = true;
    host->plugin->ops.drain(host->self);
}

bool fake_host_init(struct fake_host *host, const struct lantoa_plugin *plugin,
    const char *const *words, size_t count, size_t message_room) {
    *host = (struct fake_host){
        .api = {.size = sizeof(struct lantoa_host),
            .minor = LANTOA_ABI_MINOR,
            .channel = "test",
            .data_dir = "/tmp",
            .state_dir = "/tmp",
            .log = host_log,
            .metric = host_metric,
            .now = host_now,
            .ticks = host_ticks,
            .timer = host_timer,
            .timer_stop = host_timer_stop,
            .watch = host_watch,
            .watch_set = host_watch_set,
            .watch_stop = host_watch_stop,
            .wake = host_wake,
            .resolve = host_resolve,
            .window = host_window,
            .began = host_began,
            .result = host_result,
            .event = host_event,
            .drained = host_drained,
            .fail = host_fail},
        .plugin = plugin,
    };
    host->config = calloc(1, plugin->config_size);
    host->messages = calloc(message_room + 1, sizeof(host->messages[0]));
    host->message_room = message_room;
    return fill_config(host, host->config, words, count);
}

int fake_host_open(struct fake_host *host) {
    int status = host->plugin->ops.open(&host->api, host->config, &host->self);
    if (status == LANTOA_OK && host->plugin->ops.start != NULL) {
        status = host->plugin->ops.start(host->self);
    }
    return status;
}

static void run_timers(struct fake_host *host) {
    int64_t ticks = clock_ms(CLOCK_MONOTONIC);
    for (struct lantoa_timer **link = &host->timers; *link != NULL;) {
        struct lantoa_timer *timer = *link;
        if (timer->due > ticks) {
            link = &timer->next;
            continue;
        }
        *link = timer->next;
        timer->fire(timer->arg);
        free(timer);
        link = &host->timers; /* the call may have changed the list */
    }
}

void fake_host_turn(struct fake_host *host, int64_t most_ms) {
    struct pollfd fds[1200];
    struct lantoa_watch *watches[1200];
    nfds_t count = 0;
    for (struct lantoa_watch **link = &host->watches; *link != NULL;) {
        struct lantoa_watch *watch = *link;
        if (watch->dead) {
            *link = watch->next;
            free(watch);
            continue;
        }
        if (watch->events != 0 && count < 1200) {
            fds[count] = (struct pollfd){.fd = watch->fd,
                .events = (short)((watch->events & LANTOA_READ ? POLLIN : 0) |
                                  (watch->events & LANTOA_WRITE ? POLLOUT : 0))};
            watches[count++] = watch;
        }
        link = &watch->next;
    }
    int64_t ticks = clock_ms(CLOCK_MONOTONIC);
    for (struct lantoa_timer *timer = host->timers; timer != NULL; timer = timer->next) {
        int64_t left = timer->due > ticks ? timer->due - ticks : 0;
        most_ms = left < most_ms ? left : most_ms;
    }
    int ready = poll(fds, count, (int)most_ms);
    for (nfds_t i = 0; ready > 0 && i < count; i++) {
        unsigned events = (fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? LANTOA_READ : 0u) |
                          (fds[i].revents & (POLLOUT | POLLERR) ? LANTOA_WRITE : 0u);
        if (events != 0 && !watches[i]->dead) {
            watches[i]->ready(watches[i]->arg, events);
        }
    }
    run_timers(host);
}

bool fake_host_settle(struct fake_host *host, int64_t most_ms) {
    int64_t until = clock_ms(CLOCK_MONOTONIC) + most_ms;
    while (host->under_way > 0 && !host->failed && clock_ms(CLOCK_MONOTONIC) < until) {
        fake_host_turn(host, 50);
    }
    return host->under_way == 0;
}

struct fake_message *fake_host_add(struct fake_host *host, const char *address,
    const struct lantoa_str *fields, size_t field_count, const struct lantoa_step *step) {
    if (host->message_count == host->message_room || field_count > 8) {
        return NULL;
    }
    struct fake_message *message = &host->messages[host->message_count++];
    uint64_t id = host->message_count, rest = id;
    for (int i = 19; i >= 0; i--) {
        message->key[i] = "abcdefghijklmnopqrstuvwxyz234567"[rest % 32];
        rest /= 32;
    }
    snprintf(message->address, sizeof(message->address), "%s", address);
    memcpy(message->fields, fields, field_count * sizeof(fields[0]));
    for (size_t i = field_count; i < 8; i++) {
        message->fields[i] = fake_str("");
    }
    message->message = (struct lantoa_message){.size = sizeof(struct lantoa_message),
        .id = id,
        .key = {message->key, 20},
        .address = fake_str(message->address),
        .name = fake_str(""),
        .lang = fake_str("vi"),
        .fields = message->fields,
        .step = step};
    return message;
}

void fake_host_send(struct fake_host *host, size_t from, size_t count) {
    const struct lantoa_message *batch[512];
    while (count > 0) {
        size_t take = count < 512 ? count : 512;
        for (size_t i = 0; i < take; i++) {
            host->messages[from + i].sent = true;
            batch[i] = &host->messages[from + i].message;
        }
        host->under_way += take;
        host->plugin->ops.send(host->self, batch, take);
        from += take;
        count -= take;
    }
}

/* Look-ups still under way answer although the plugin is gone, as those of the real host do. */
static void answer_lookups(struct fake_host *host) {
    for (struct lantoa_timer **link = &host->timers; *link != NULL;) {
        struct lantoa_timer *timer = *link;
        if (timer->fire != lookup_fire) {
            link = &timer->next;
            continue;
        }
        *link = timer->next;
        timer->fire(timer->arg);
        free(timer);
    }
}

void fake_host_close(struct fake_host *host) {
    if (host->self != NULL && !host->failed && host->plugin->ops.drain != NULL) {
        int64_t until = clock_ms(CLOCK_MONOTONIC) + 10000;
        if (!host->draining) {
            fake_host_drain(host);
        }
        while (!host->drained && clock_ms(CLOCK_MONOTONIC) < until) {
            fake_host_turn(host, 50);
        }
        if (!host->drained) {
            broken("not drained after 10 s");
        }
    }
    if (host->self != NULL) {
        host->plugin->ops.close(host->self);
    }
    answer_lookups(host);
    for (struct lantoa_watch *watch = host->watches, *next; watch != NULL; watch = next) {
        if (!watch->dead) {
            broken("a watch is left after close");
        }
        next = watch->next;
        free(watch);
    }
    if (host->timers != NULL) {
        broken("a timer is left after close");
    }
    for (size_t i = 0; i < host->text_count; i++) {
        free(host->texts[i]);
    }
    free(host->texts);
    free(host->messages);
    free(host->config);
    *host = (struct fake_host){0};
}
