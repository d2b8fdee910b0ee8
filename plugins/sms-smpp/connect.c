/* When and where to connect: addresses of the operator, back-off when it does not answer; see
 * smpp.h. */
#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BACKOFF_FIRST_MS = 1000,
    RESOLVED_FOR_MS = 60 * 1000,
    SETUP_FAULTS_MOST = 3,
    WARN_EVERY_MS = 60 * 1000
};

/* A name look-up under way. It outlives the pool when the pool goes first: then pool is NULL. */
struct smpp_lookup {
    struct smpp_pool *pool;
};

void smpp_connect_forget(struct smpp_pool *pool) {
    if (pool->lookup != NULL) {
        pool->lookup->pool = NULL; /* freed by its answer */
        pool->lookup = NULL;
    }
}

static void lookup_found(
    void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error) {
    struct smpp_lookup *lookup = arg;
    struct smpp_pool *pool = lookup->pool;
    free(lookup);
    if (pool == NULL) {
        return;
    }
    pool->lookup = NULL;
    if (count == 0) {
        char why[SMPP_DETAIL_MOST];
        snprintf(why, sizeof(why), "the operator's name %.60s cannot be resolved: %.60s",
            pool->config->host, error == NULL ? "" : error);
        smpp_connect_ended(pool, SMPP_FAULT_NETWORK, false, LANTOA_REASON_UNREACHABLE, why);
    } else {
        pool->address_count = count < SMPP_ADDRESSES_MOST ? count : SMPP_ADDRESSES_MOST;
        memcpy(pool->addresses, addresses, pool->address_count * sizeof(addresses[0]));
        pool->address_next = 0;
        pool->resolved_at = smpp_pool_ticks(pool);
    }
    smpp_pool_run(pool);
}

/* Whether there are addresses to connect to; else a look-up is begun. */
static bool have_addresses(struct smpp_pool *pool) {
    if (pool->address_count > 0 && smpp_pool_ticks(pool) - pool->resolved_at < RESOLVED_FOR_MS) {
        return true;
    }
    if (pool->lookup != NULL) {
        return false;
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
        smpp_connect_ended(pool, SMPP_FAULT_NETWORK, false, LANTOA_REASON_UNREACHABLE,
            "the operator's name cannot be looked up");
    }
    return false;
}

static size_t starting(const struct smpp_pool *pool) {
    size_t count = 0;
    for (size_t i = 0; i < pool->bind_count; i++) {
        enum smpp_state state = pool->binds[i]->state;
        count += state == SMPP_CONNECTING || state == SMPP_SECURING || state == SMPP_BINDING;
    }
    return count;
}

void smpp_connect_more(struct smpp_pool *pool) {
    /* One scout first: ten refused logins at once look like an attack, and a dead operator need not
     * be knocked on ten times. */
    for (size_t i = 0; i < pool->bind_count && !pool->failed && !pool->draining; i++) {
        struct smpp_bind *bind = pool->binds[i];
        if (bind->state != SMPP_CLOSED) {
            continue;
        }
        if ((!pool->proven && starting(pool) > 0) || smpp_pool_ticks(pool) < pool->next_try ||
            !have_addresses(pool)) {
            return;
        }
        smpp_bind_open(bind, &pool->addresses[pool->address_next % pool->address_count]);
    }
}

void smpp_connect_ready(struct smpp_pool *pool) {
    pool->proven = true;
    pool->backoff_ms = 0;
    pool->next_try = 0;
    pool->setup_faults = 0;
}

void smpp_connect_ended(struct smpp_pool *pool, enum smpp_fault fault, bool worked,
    enum lantoa_reason reason, const char *why) {
    const struct lantoa_host *host = pool->host;
    if (fault == SMPP_FAULT_NONE || pool->failed) {
        return;
    }
    snprintf(pool->trouble, sizeof(pool->trouble), "%s", why);
    pool->trouble_reason = reason;
    if (worked) {
        host->log(host, LANTOA_LOG_WARN, "a connection to the operator has ended: %s", why);
        return;
    }
    pool->proven = false;
    if (fault == SMPP_FAULT_SETUP && ++pool->setup_faults >= SETUP_FAULTS_MOST) {
        smpp_pool_fail(pool, pool->trouble);
        return;
    }
    pool->address_next++;
    if (smpp_pool_ticks(pool) < pool->next_try) {
        return; /* several connections of one round have failed: one step of back-off */
    }
    int64_t longest = pool->config->reconnect, before = pool->backoff_ms,
            now = smpp_pool_ticks(pool);
    pool->backoff_ms = pool->backoff_ms == 0 ? BACKOFF_FIRST_MS : pool->backoff_ms * 2;
    pool->backoff_ms = pool->backoff_ms > longest ? longest : pool->backoff_ms;
    pool->next_try = now + pool->backoff_ms;
    if (pool->backoff_ms != before || now - pool->warned_at >= WARN_EVERY_MS) {
        pool->warned_at = now;
        host->log(host, LANTOA_LOG_WARN, "no connection to the operator, next try in %lld ms: %s",
            (long long)pool->backoff_ms, pool->trouble);
    }
}
