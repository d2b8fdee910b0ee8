/* The connections of the pool: addresses of the server, how many to open, back-off when it does not
 * answer; see smtp.h. */
#include "smtp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MOST_MS = 60 * 1000,
    RESOLVED_FOR_MS = 60 * 1000,
    SETUP_FAULTS_MOST = 3,
};

/* A name look-up under way. It outlives the pool when the pool goes first: then pool is NULL. */
struct smtp_lookup {
    struct smtp_pool *pool;
};

static int64_t ticks_of(const struct smtp_pool *pool) {
    return pool->host->ticks(pool->host);
}

size_t smtp_connect_count(const struct smtp_pool *pool, bool open_only) {
    size_t count = 0;
    for (size_t i = 0; i < pool->session_count; i++) {
        enum smtp_state state = pool->sessions[i]->state;
        count += open_only
                     ? state != SMTP_CLOSED
                     : state == SMTP_CONNECTING || state == SMTP_SECURING || state == SMTP_TALKING;
    }
    return count;
}

void smtp_connect_forget(struct smtp_pool *pool) {
    if (pool->lookup != NULL) {
        pool->lookup->pool = NULL; /* freed by its answer */
        pool->lookup = NULL;
    }
}

static void lookup_found(
    void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error) {
    struct smtp_lookup *lookup = arg;
    struct smtp_pool *pool = lookup->pool;
    free(lookup);
    if (pool == NULL) {
        return;
    }
    pool->lookup = NULL;
    if (count == 0) {
        char why[200];
        snprintf(why, sizeof(why), "the server's name %.80s cannot be resolved: %.80s",
            pool->config->host, error == NULL ? "" : error);
        smtp_connect_ended(pool, SMTP_FAULT_NETWORK, false, why);
    } else {
        pool->address_count = count < SMTP_ADDRESSES_MOST ? count : SMTP_ADDRESSES_MOST;
        memcpy(pool->addresses, addresses, pool->address_count * sizeof(addresses[0]));
        pool->address_next = pool->address_tried = 0;
        pool->resolved_at = ticks_of(pool);
    }
    smtp_pool_run(pool);
}

/* An address written as such needs no look-up. */
static bool take_literal(struct smtp_pool *pool) {
    struct lantoa_sockaddr *address = &pool->addresses[0];
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)pool->config->port)};
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)pool->config->port)};
    *address = (struct lantoa_sockaddr){.socktype = SOCK_STREAM, .protocol = IPPROTO_TCP};
    if (inet_pton(AF_INET, pool->config->host, &four.sin_addr) == 1) {
        address->family = AF_INET;
        address->length = sizeof(four);
        memcpy(address->bytes, &four, sizeof(four));
    } else if (inet_pton(AF_INET6, pool->config->host, &six.sin6_addr) == 1) {
        address->family = AF_INET6;
        address->length = sizeof(six);
        memcpy(address->bytes, &six, sizeof(six));
    } else {
        return false;
    }
    pool->address_count = 1;
    pool->resolved_at = ticks_of(pool);
    return true;
}

/* Whether there are addresses to connect to; else a look-up is begun. */
static bool have_addresses(struct smtp_pool *pool) {
    if (pool->address_count > 0 && ticks_of(pool) - pool->resolved_at < RESOLVED_FOR_MS) {
        return true;
    }
    if (pool->lookup != NULL) {
        return false;
    }
    if (take_literal(pool)) {
        return true;
    }
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)(uint16_t)pool->config->port);
    pool->lookup = calloc(1, sizeof(*pool->lookup));
    if (pool->lookup == NULL) {
        return false;
    }
    pool->lookup->pool = pool;
    if (pool->host->resolve(pool->host, pool->config->host, port, lookup_found, pool->lookup) !=
        LANTOA_OK) {
        free(pool->lookup);
        pool->lookup = NULL;
        smtp_connect_ended(
            pool, SMTP_FAULT_NETWORK, false, "the server's name cannot be looked up");
    }
    return false;
}

static struct smtp_session *closed_session(struct smtp_pool *pool) {
    for (size_t i = 0; i < pool->session_count; i++) {
        if (pool->sessions[i]->state == SMTP_CLOSED) {
            return pool->sessions[i];
        }
    }
    if (pool->session_count == SMTP_CONNECTIONS_MOST) {
        return NULL;
    }
    struct smtp_session *session = smtp_session_new(pool);
    if (session != NULL) {
        pool->sessions[pool->session_count++] = session;
    }
    return session;
}

void smtp_connect_more(struct smtp_pool *pool) {
    size_t open = smtp_connect_count(pool, true), starting = smtp_connect_count(pool, false);
    size_t most = (size_t)pool->config->connections;
    /* One scout first: ten refused logins at once look like an attack, and a dead server need not
     * be knocked on ten times. */
    while (open < most && starting < pool->ready.count && (pool->proven || starting == 0) &&
           ticks_of(pool) >= pool->next_try && have_addresses(pool)) {
        struct smtp_session *session = closed_session(pool);
        if (session == NULL) {
            return;
        }
        smtp_session_open(session, &pool->addresses[pool->address_next % pool->address_count]);
        open = smtp_connect_count(pool, true);
        starting = smtp_connect_count(pool, false);
    }
}

void smtp_connect_ready(struct smtp_pool *pool) {
    pool->proven = true;
    pool->backoff_ms = 0;
    pool->next_try = 0;
    pool->setup_faults = 0;
    pool->address_tried = 0;
}

void smtp_connect_ended(
    struct smtp_pool *pool, enum smtp_fault fault, bool worked, const char *why) {
    const struct lantoa_host *host = pool->host;
    if (fault == SMTP_FAULT_NONE || pool->failed) {
        return;
    }
    snprintf(pool->trouble, sizeof(pool->trouble), "%s", why);
    if (worked) {
        return;
    }
    pool->proven = false;
    if (fault == SMTP_FAULT_SETUP && ++pool->setup_faults >= SETUP_FAULTS_MOST) {
        smtp_pool_fail(pool, pool->trouble);
        return;
    }
    pool->address_next++;
    if (fault == SMTP_FAULT_NETWORK && ++pool->address_tried < pool->address_count) {
        return; /* the next address may answer */
    }
    pool->address_tried = 0;
    pool->address_count = 0; /* look the name up again */
    pool->address_next = 0;
    if (ticks_of(pool) < pool->next_try) {
        return; /* several connections of one round have failed: one step of back-off */
    }
    pool->backoff_ms = pool->backoff_ms == 0 ? BACKOFF_FIRST_MS : pool->backoff_ms * 2;
    pool->backoff_ms = pool->backoff_ms > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : pool->backoff_ms;
    pool->next_try = ticks_of(pool) + pool->backoff_ms;
    host->log(host, LANTOA_LOG_WARN, "no connection to the mail server, next try in %lld s: %s",
        (long long)(pool->backoff_ms / 1000), pool->trouble);
}
