/* Names to addresses without blocking the loop: a few threads call getaddrinfo, the answers come
 * back through an ev_async. Threads are started as needed and stay. Nothing here calls the plugin
 * but `answer`, on the loop's thread. */
#include "base/log.h"
#include "host/internal.h"
#include <netdb.h>
#include <pthread.h>

#define THREADS_MOST 4
#define ADDRESSES_MOST 16
#define LOOKUPS_MOST 1000

struct lookup {
    struct lookup *next;
    char *name, *port;
    void (*found)(
        void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error);
    void *arg;
    struct lantoa_sockaddr addresses[ADDRESSES_MOST];
    size_t count;
    char error[160];
};

struct lookup_list {
    struct lookup *head, **tail;
};

struct host_resolver {
    struct host *host; /* NULL once the host is going: under the lock */
    ev_async answered;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    struct lookup_list waiting, done;
    size_t threads, underway;
};

static void push(struct lookup_list *list, struct lookup *lookup) {
    lookup->next = NULL;
    *list->tail = lookup;
    list->tail = &lookup->next;
}

static struct lookup *pop(struct lookup_list *list) {
    struct lookup *lookup = list->head;
    if (lookup) {
        list->head = lookup->next;
        if (!list->head) {
            list->tail = &list->head;
        }
    }
    return lookup;
}

static void ask(struct lookup *lookup) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(lookup->name, lookup->port, &hints, &list);
    if (code != 0) {
        snprintf(lookup->error, sizeof(lookup->error), "%s", gai_strerror(code));
        return;
    }
    for (struct addrinfo *at = list; at && lookup->count < ADDRESSES_MOST; at = at->ai_next) {
        struct lantoa_sockaddr *to = &lookup->addresses[lookup->count];
        if (at->ai_addrlen <= sizeof(to->bytes)) {
            to->family = at->ai_family;
            to->socktype = at->ai_socktype;
            to->protocol = at->ai_protocol;
            to->length = at->ai_addrlen;
            memcpy(to->bytes, at->ai_addr, at->ai_addrlen);
            lookup->count++;
        }
    }
    freeaddrinfo(list);
    if (lookup->count == 0) {
        snprintf(lookup->error, sizeof(lookup->error), "no address");
    }
}

static void *worker(void *arg) {
    struct host_resolver *resolver = arg;
    pthread_mutex_lock(&resolver->lock);
    for (;;) {
        struct lookup *lookup = pop(&resolver->waiting);
        if (!lookup) {
            pthread_cond_wait(&resolver->asked, &resolver->lock);
            continue;
        }
        pthread_mutex_unlock(&resolver->lock);
        ask(lookup);
        pthread_mutex_lock(&resolver->lock);
        push(&resolver->done, lookup);
        if (resolver->host) {
            ev_async_send(resolver->host->loop, &resolver->answered);
        }
    }
    return NULL;
}

static void lookup_free(struct lookup *lookup) {
    base_free(lookup->name);
    base_free(lookup->port);
    base_free(lookup);
}

static void answer(struct ev_loop *loop, ev_async *watcher, int events) {
    (void)loop;
    (void)events;
    struct host_resolver *resolver = watcher->data;
    for (;;) {
        pthread_mutex_lock(&resolver->lock);
        struct lookup *lookup = pop(&resolver->done);
        pthread_mutex_unlock(&resolver->lock);
        if (!lookup) {
            return;
        }
        resolver->underway--;
        lookup->found(lookup->arg, lookup->addresses, lookup->count, lookup->error);
        lookup_free(lookup);
    }
}

static struct host_resolver *resolver_get(struct host *host) {
    if (!host->resolver) {
        struct host_resolver *resolver = base_alloc(sizeof(*resolver));
        resolver->host = host;
        resolver->waiting.tail = &resolver->waiting.head;
        resolver->done.tail = &resolver->done.head;
        pthread_mutex_init(&resolver->lock, NULL);
        pthread_cond_init(&resolver->asked, NULL);
        ev_async_init(&resolver->answered, answer);
        resolver->answered.data = resolver;
        ev_async_start(host->loop, &resolver->answered);
        host->resolver = resolver;
    }
    return host->resolver;
}

static bool thread_start(struct host_resolver *resolver) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    /* The default of 8 MiB would eat into the memory limit. */
    pthread_attr_setstacksize(&attributes, (size_t)512 << 10);
    int code = pthread_create(&thread, &attributes, worker, resolver);
    pthread_attr_destroy(&attributes);
    return code == 0;
}

static int api_resolve(const struct lantoa_host *api, const char *name, const char *port,
    void (*found)(
        void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error),
    void *arg) {
    struct host_resolver *resolver = resolver_get(host__of(api));
    if (resolver->underway >= LOOKUPS_MOST) {
        return LANTOA_EAGAIN;
    }
    struct lookup *lookup = base_alloc(sizeof(*lookup));
    lookup->name = base_strdup(name);
    lookup->port = base_strdup(port);
    lookup->found = found;
    lookup->arg = arg;
    resolver->underway++;
    pthread_mutex_lock(&resolver->lock);
    push(&resolver->waiting, lookup);
    pthread_cond_signal(&resolver->asked);
    pthread_mutex_unlock(&resolver->lock);
    bool more = resolver->underway > resolver->threads && resolver->threads < THREADS_MOST;
    if (more && thread_start(resolver)) {
        resolver->threads++;
    }
    if (resolver->threads == 0) {
        /* No thread to be had, so nobody has seen the queue yet. */
        pthread_mutex_lock(&resolver->lock);
        lookup = pop(&resolver->waiting);
        pthread_mutex_unlock(&resolver->lock);
        resolver->underway--;
        lookup_free(lookup);
        return LANTOA_ENOMEM;
    }
    return 0;
}

void host__api_resolve_fill(struct host *host) {
    host->api.resolve = api_resolve;
}

/* Its threads may sit in getaddrinfo for long and live until the process ends, so what they use
 * stays. */
void host__resolver_free(struct host *host) {
    struct host_resolver *resolver = host->resolver;
    if (!resolver) {
        return;
    }
    pthread_mutex_lock(&resolver->lock);
    resolver->host = NULL;
    pthread_mutex_unlock(&resolver->lock);
    ev_async_stop(host->loop, &resolver->answered);
    host->resolver = NULL;
}
