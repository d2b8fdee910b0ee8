/* The states of a mount: idle, looking its server up, connecting, settling, streaming, staying. */
#include "icecast.h"
#include "pages.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <shout/shout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_STEP_MS 10
#define CONNECT_MOST_MS 5000
#define FEED_STEP_MS 50
#define AHEAD_MS 500  /* sent so much before it is heard: listeners need something in store */
#define STAY_MS 1500  /* a connection without sound is kept so long */
#define SETTLE_MS 800 /* a mount that was not there: listeners come back before the first sound */
#define QUEUE_MOST (128 << 10) /* the server does not take it any more */

enum state { IDLE, LOOKING_UP, CONNECTING, SETTLING, STREAMING, STAYING };

/* Outlives the mount when the answer comes later. */
struct lookup {
    struct icecast *icecast;
};

struct icecast {
    const struct lantoa_host *host;
    const struct device_url *url;
    const char *password, *ca_file;
    struct icecast_calls calls;
    void *arg;
    enum state state;
    struct lookup *lookup;
    struct lantoa_timer *timer;
    shout_t *shout;
    bool shout_ogg;   /* what the connection carries */
    int64_t since_ms; /* of connecting, streaming, staying; monotonic */
    /* what plays */
    uint8_t *map;
    size_t map_bytes;
    struct pages pages;
    size_t next, head;
    int64_t from_ms, played_ms;
    uint32_t serial, sequence;
};

static void step(void *arg);

static void again_in(struct icecast *icecast, int64_t ms) {
    icecast->host->timer_stop(icecast->host, icecast->timer);
    icecast->timer = icecast->host->timer(icecast->host, ms, step, icecast);
}

static void drop_file(struct icecast *icecast) {
    if (icecast->map) {
        munmap(icecast->map, icecast->map_bytes);
    }
    icecast->map = NULL;
    pages_release(&icecast->pages);
}

static void disconnect(struct icecast *icecast) {
    if (icecast->shout) {
        shout_close(icecast->shout);
    }
}

static void quiet(struct icecast *icecast, enum state state) {
    icecast->host->timer_stop(icecast->host, icecast->timer);
    icecast->timer = NULL;
    icecast->state = state;
    drop_file(icecast);
}

static void lose(struct icecast *icecast, const char *words) {
    quiet(icecast, IDLE);
    disconnect(icecast);
    icecast->calls.lost(icecast->arg, words);
}

static void lose_shout(struct icecast *icecast, const char *doing) {
    char words[200];
    snprintf(words, sizeof(words), "%s: %s", doing, shout_get_error(icecast->shout));
    lose(icecast, words);
}

/* --- connecting --- */

static bool configure(struct icecast *icecast, const char *address) {
    const struct device_url *url = icecast->url;
    shout_t *shout = icecast->shout;
    unsigned format = icecast->pages.ogg ? SHOUT_FORMAT_OGG : SHOUT_FORMAT_MP3;
    icecast->shout_ogg = icecast->pages.ogg;
    return shout_set_protocol(shout, SHOUT_PROTOCOL_HTTP) == SHOUTERR_SUCCESS &&
           shout_set_host(shout, address) == SHOUTERR_SUCCESS &&
           shout_set_port(shout, (unsigned short)strtoul(url->port, NULL, 10)) ==
               SHOUTERR_SUCCESS &&
           shout_set_user(shout, url->user) == SHOUTERR_SUCCESS &&
           shout_set_password(shout, icecast->password) == SHOUTERR_SUCCESS &&
           shout_set_mount(shout, url->mount) == SHOUTERR_SUCCESS &&
           shout_set_agent(shout, "lantoa") == SHOUTERR_SUCCESS &&
           shout_set_content_format(shout, format, SHOUT_USAGE_AUDIO, NULL) == SHOUTERR_SUCCESS &&
           shout_set_tls(shout, url->tls ? SHOUT_TLS_RFC2818 : SHOUT_TLS_DISABLED) ==
               SHOUTERR_SUCCESS &&
           (!icecast->ca_file || !url->tls ||
               shout_set_ca_file(shout, icecast->ca_file) == SHOUTERR_SUCCESS) &&
           shout_set_nonblocking(shout, 1) == SHOUTERR_SUCCESS;
}

static void connect_to(struct icecast *icecast, const char *address) {
    /* One handle for all connections: shout_free of libshout 2.4.6 gives nothing back once the
     * connection is closed (tests/sanitize/leaks.supp). */
    if (!icecast->shout) {
        icecast->shout = shout_new();
    }
    if (!icecast->shout || !configure(icecast, address)) {
        lose(icecast, "the stream could not be set up");
        return;
    }
    int code = shout_open(icecast->shout);
    if (code != SHOUTERR_SUCCESS && code != SHOUTERR_BUSY) {
        lose_shout(icecast, "connecting");
        return;
    }
    icecast->state = CONNECTING;
    icecast->since_ms = icecast->host->ticks(icecast->host);
    again_in(icecast, 0);
}

static void found(
    void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error) {
    struct lookup *lookup = arg;
    struct icecast *icecast = lookup->icecast;
    char address[INET6_ADDRSTRLEN] = "", words[200];
    free(lookup);
    if (!icecast) {
        return; /* the mount is gone, or plays something else by now */
    }
    icecast->lookup = NULL;
    if (count > 0 && addresses[0].family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, addresses[0].bytes, sizeof(four));
        inet_ntop(AF_INET, &four.sin_addr, address, sizeof(address));
    } else if (count > 0 && addresses[0].family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, addresses[0].bytes, sizeof(six));
        inet_ntop(AF_INET6, &six.sin6_addr, address, sizeof(address));
    }
    if (!address[0]) {
        snprintf(words, sizeof(words), "%s: %s", icecast->url->host, error ? error : "no address");
        lose(icecast, words);
        return;
    }
    connect_to(icecast, address);
}

static void look_up(struct icecast *icecast) {
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    icecast->state = LOOKING_UP;
    if (!lookup) {
        lose(icecast, "no memory");
        return;
    }
    lookup->icecast = icecast;
    icecast->lookup = lookup;
    if (icecast->host->resolve(
            icecast->host, icecast->url->host, icecast->url->port, found, lookup) != LANTOA_OK) {
        free(lookup);
        icecast->lookup = NULL;
        lose(icecast, "too many names are being looked up");
    }
}

static void stream(struct icecast *icecast) {
    icecast->state = STREAMING;
    icecast->since_ms = icecast->host->ticks(icecast->host);
    icecast->head = 0;
    icecast->next = pages_find(&icecast->pages, icecast->from_ms);
    icecast->sequence = 0;
    if (getrandom(&icecast->serial, sizeof(icecast->serial), 0) < 0) {
        icecast->serial = (uint32_t)icecast->since_ms;
    }
    again_in(icecast, 0);
    icecast->calls.started(icecast->arg);
}

static void step_connecting(struct icecast *icecast) {
    int code = shout_get_connected(icecast->shout);
    if (code == SHOUTERR_CONNECTED) {
        icecast->state = SETTLING;
        again_in(icecast, SETTLE_MS);
    } else if (code != SHOUTERR_BUSY) {
        lose_shout(icecast, "connecting");
    } else if (icecast->host->ticks(icecast->host) - icecast->since_ms > CONNECT_MOST_MS) {
        lose(icecast, "connecting: no answer");
    } else {
        again_in(icecast, CONNECT_STEP_MS);
    }
}

/* --- feeding --- */

static bool send_page(struct icecast *icecast, const struct page *page) {
    const uint8_t *at = icecast->map + page->offset;
    uint8_t copy[65536];
    if (icecast->pages.ogg && page->bytes <= sizeof(copy)) {
        /* Each playing is a stream of its own in the chain that listeners hear. */
        memcpy(copy, at, page->bytes);
        pages_renumber(copy, page->bytes, icecast->serial, icecast->sequence++);
        at = copy;
    }
    ssize_t code = shout_send_raw(icecast->shout, at, page->bytes);
    return code >= 0 || code == SHOUTERR_BUSY;
}

static bool send_due(struct icecast *icecast, int64_t until_ms) {
    const struct pages *pages = &icecast->pages;
    while (icecast->head < pages->heads) {
        if (!send_page(icecast, &pages->list[icecast->head++])) {
            return false;
        }
    }
    while (icecast->next < pages->count && pages->list[icecast->next].at_ms <= until_ms) {
        if (!send_page(icecast, &pages->list[icecast->next++])) {
            return false;
        }
    }
    /* Nothing to say, but what waits wants to go on. */
    return shout_queuelen(icecast->shout) <= 0 ||
           shout_send_raw(icecast->shout, (const unsigned char *)"", 0) >= 0 ||
           shout_get_errno(icecast->shout) == SHOUTERR_BUSY;
}

static void step_streaming(struct icecast *icecast) {
    int64_t now_ms = icecast->host->ticks(icecast->host);
    int64_t at_ms = icecast->from_ms + now_ms - icecast->since_ms;
    if (!send_due(icecast, at_ms + AHEAD_MS)) {
        lose_shout(icecast, "sending");
        return;
    }
    if (shout_queuelen(icecast->shout) > QUEUE_MOST) {
        lose(icecast, "the server takes nothing any more");
        return;
    }
    icecast->played_ms = at_ms < icecast->pages.length_ms ? at_ms : icecast->pages.length_ms;
    if (at_ms >= icecast->pages.length_ms) {
        icecast_stop(icecast);
        icecast->calls.over(icecast->arg);
        return;
    }
    again_in(icecast, FEED_STEP_MS);
}

static void step(void *arg) {
    struct icecast *icecast = arg;
    icecast->timer = NULL;
    switch (icecast->state) {
    case IDLE:
    case LOOKING_UP:
        break;
    case CONNECTING:
        step_connecting(icecast);
        break;
    case SETTLING:
        stream(icecast);
        break;
    case STREAMING:
        step_streaming(icecast);
        break;
    case STAYING:
        icecast->state = IDLE;
        disconnect(icecast);
        break;
    }
}

/* --- the face --- */

struct icecast *icecast_new(const struct lantoa_host *host, const struct device_url *url,
    const char *password, const char *ca_file, const struct icecast_calls *calls, void *arg) {
    struct icecast *icecast = calloc(1, sizeof(*icecast));
    if (icecast) {
        *icecast = (struct icecast){.host = host,
            .url = url,
            .password = password,
            .ca_file = ca_file,
            .calls = *calls,
            .arg = arg};
    }
    return icecast;
}

static bool open_file(struct icecast *icecast, const char *path) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    void *map = fstat(fd, &file) == 0 && file.st_size > 0
                    ? mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                    : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED) {
        return false;
    }
    icecast->map = map;
    icecast->map_bytes = (size_t)file.st_size;
    if (!pages_read(&icecast->pages, map, icecast->map_bytes)) {
        drop_file(icecast);
        return false;
    }
    return true;
}

bool icecast_play(struct icecast *icecast, const char *path, int64_t from_ms) {
    bool connected = icecast->state == STAYING;
    icecast_stop(icecast);
    connected |= icecast->state == STAYING;
    if (!open_file(icecast, path)) {
        return false;
    }
    icecast->from_ms = icecast->played_ms = from_ms;
    if (connected && icecast->shout_ogg == icecast->pages.ogg &&
        shout_get_connected(icecast->shout) == SHOUTERR_CONNECTED) {
        stream(icecast);
        return true;
    }
    disconnect(icecast);
    look_up(icecast);
    return true;
}

void icecast_stop(struct icecast *icecast) {
    if (icecast->lookup) {
        icecast->lookup->icecast = NULL;
        icecast->lookup = NULL;
    }
    if (icecast->state == STREAMING) {
        int64_t at_ms = icecast->from_ms + icecast->host->ticks(icecast->host) - icecast->since_ms;
        icecast->played_ms = at_ms < icecast->pages.length_ms ? at_ms : icecast->pages.length_ms;
        quiet(icecast, STAYING);
        again_in(icecast, STAY_MS);
    } else if (icecast->state != STAYING) {
        quiet(icecast, IDLE);
        disconnect(icecast);
    }
}

int64_t icecast_played_ms(const struct icecast *icecast) {
    return icecast->played_ms;
}

void icecast_free(struct icecast *icecast) {
    if (icecast) {
        icecast_stop(icecast);
        quiet(icecast, IDLE);
        disconnect(icecast);
        if (icecast->shout) {
            shout_free(icecast->shout);
        }
        free(icecast);
    }
}
