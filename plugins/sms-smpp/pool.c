/* The pool: takes messages, gives them to binds as far as windows and pace allow, keeps the clock;
 * see smpp.h. */
#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TICK_MS = 100,
    TICK_PACED_MS = 10,
    REFS_MOST = 1 << 18,
    METRICS_MS = 1000,
    DRAIN_INBOUND_MS = 2000,
};

static void pool_tick(void *arg);

int64_t smpp_pool_ticks(const struct smpp_pool *pool) {
    return pool->host->ticks(pool->host);
}

size_t smpp_pool_bound(const struct smpp_pool *pool) {
    size_t count = 0;
    for (size_t i = 0; i < pool->bind_count; i++) {
        const struct smpp_bind *bind = pool->binds[i];
        count += bind->state == SMPP_BOUND && smpp_bind_sends(bind) && !bind->closing;
    }
    return count;
}

static enum refs_form id_form(const char *word) {
    static const char *const words[] = {[REFS_TEXT] = "text",
        [REFS_HEX] = "hex",
        [REFS_DECIMAL] = "decimal",
        [REFS_HEX_THEN_DECIMAL] = "hex_then_decimal",
        [REFS_DECIMAL_THEN_HEX] = "decimal_then_hex",
        [REFS_EITHER] = "either"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            return (enum refs_form)i;
        }
    }
    return REFS_EITHER;
}

static bool add_bind(struct smpp_pool *pool, enum smpp_role role) {
    struct smpp_bind *bind = smpp_bind_new(pool, role);
    if (bind != NULL) {
        pool->binds[pool->bind_count++] = bind;
    }
    return bind != NULL;
}

static bool add_binds(struct smpp_pool *pool) {
    const char *word = pool->config->bind;
    bool good = true;
    for (int64_t i = 0; i < pool->config->binds && good; i++) {
        if (strcmp(word, "pair") == 0) {
            good = add_bind(pool, SMPP_TRANSMITTER) && add_bind(pool, SMPP_RECEIVER);
        } else {
            good = add_bind(pool, strcmp(word, "transmitter") == 0 ? SMPP_TRANSMITTER
                                  : strcmp(word, "receiver") == 0  ? SMPP_RECEIVER
                                                                   : SMPP_TRANSCEIVER);
        }
    }
    return good;
}

int smpp_pool_init(
    struct smpp_pool *pool, const struct lantoa_host *host, const struct smpp_config *config) {
    char error[300];
    *pool = (struct smpp_pool){.host = host,
        .config = config,
        .rules = smpp_compose_rules(config),
        .id_form = id_form(config->msg_id_type),
        .trouble_reason = LANTOA_REASON_UNREACHABLE};
    snprintf(pool->trouble, sizeof(pool->trouble), "there is no connection to the operator yet");
    /* Not from the start: a phone must not join parts of an earlier run with ours. */
    pool->concat_reference = (uint16_t)host->ticks(host);
    if (strcmp(config->tls, "tls") == 0) {
        struct lantoa_fault fault;
        pool->tls = tls_context_new(config->tls_verify, config->tls_ca, &fault);
        if (pool->tls == NULL) {
            host->fail(host, "option %s: %s", fault.option, fault.why_en);
            return LANTOA_EINVAL;
        }
    }
    pool->submits = submits_open(host->state_dir, error, sizeof(error));
    if (pool->submits != NULL) {
        pool->parts = parts_open(host->state_dir, REFS_MOST, error, sizeof(error));
    }
    if (pool->parts == NULL) {
        host->fail(host, "%s", error);
        smpp_pool_release(pool);
        return LANTOA_EIO;
    }
    pool->refs = refs_new(pool->id_form, REFS_MOST);
    if (pool->refs == NULL || !add_binds(pool)) {
        smpp_pool_release(pool);
        return LANTOA_ENOMEM;
    }
    refs_learn(pool->refs, submits_form(pool->submits));
    refs_keep(pool->refs, pool->parts);
    return LANTOA_OK;
}

void smpp_pool_release(struct smpp_pool *pool) {
    struct smpp_job *job;
    smpp_connect_forget(pool);
    pool->host->timer_stop(pool->host, pool->tick);
    pool->host->timer_stop(pool->host, pool->flusher);
    for (size_t i = 0; i < pool->bind_count; i++) {
        struct smpp_bind *bind = pool->binds[i];
        for (size_t k = 0; k < SMPP_FLIGHTS; k++) {
            job = bind->flights[k].sequence == 0 ? NULL : bind->flights[k].job;
            if (job != NULL && --job->out == 0 && !job->queued) {
                free(job);
            }
        }
        smpp_bind_free(bind);
    }
    while ((job = smpp_queue_pop(&pool->again)) != NULL ||
           (job = smpp_queue_pop(&pool->ready)) != NULL) {
        free(job);
    }
    smpp_inbound_release(pool);
    bytes_release(&pool->scratch);
    bytes_release(&pool->scratch_tlvs);
    refs_free(pool->refs);
    submits_close(pool->submits);
    parts_close(pool->parts);
    SSL_CTX_free(pool->tls);
}

static void arm(struct smpp_pool *pool) {
    if (pool->tick == NULL && !pool->failed) {
        bool paced = pool->again.count + pool->ready.count > 0 && smpp_pool_bound(pool) > 0;
        pool->tick =
            pool->host->timer(pool->host, paced ? TICK_PACED_MS : TICK_MS, pool_tick, pool);
    }
}

/* Enough to fill the windows again while results travel, and no more than a minute's work: what
 * waits here is not looked at again before it leaves. */
static void ask_for_work(struct smpp_pool *pool) {
    const struct smpp_config *config = pool->config;
    int64_t wanted = 2 * config->binds * config->window;
    if (config->throughput > 0 && wanted > config->throughput * 60) {
        wanted = config->throughput * 60;
    }
    pool->host->window(pool->host, (size_t)wanted);
}

void smpp_pool_start(struct smpp_pool *pool) {
    ask_for_work(pool);
    smpp_pool_run(pool);
}

/* --- giving work to binds --- */

static size_t next_part(const struct smpp_job *job) {
    size_t part = 0;
    while (part < job->pdu_count && job->parts[part] != SMPP_PART_WAITING) {
        part++;
    }
    return part;
}

/* One PDU of the first job that waits. False when nothing can go now. */
static bool submit_one(struct smpp_pool *pool, struct smpp_bind *bind) {
    struct smpp_queue *queue = pool->again.count > 0 ? &pool->again : &pool->ready;
    struct smpp_job *job = queue->first;
    if (job == NULL ||
        !smpp_pace_take(&pool->pace, (double)pool->config->throughput, smpp_pool_ticks(pool)) ||
        !smpp_dialog_submit(bind, job, next_part(job))) {
        return false;
    }
    if (!job->begun) {
        job->begun = true; /* its first byte is in the buffer that is written next */
        pool->host->began(pool->host, job->message->id);
    }
    if (job->waiting == 0) {
        (void)smpp_queue_pop(queue);
    }
    pool->submitted++;
    return true;
}

void smpp_pool_run(struct smpp_pool *pool) {
    if (pool->failed) {
        return;
    }
    smpp_connect_more(pool);
    for (size_t i = 0; i < pool->bind_count; i++) {
        struct smpp_bind *bind = pool->binds[i];
        while (smpp_bind_has_room(bind) && submit_one(pool, bind)) {
        }
        smpp_bind_flush(bind);
        if (bind->write_dead && bind->out.failed) {
            smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_TEMPORARY, "out of memory");
        }
    }
    arm(pool);
}

static void flush_now(void *arg) {
    struct smpp_pool *pool = arg;
    pool->flusher = NULL;
    smpp_pool_run(pool);
}

void smpp_pool_flush_soon(struct smpp_pool *pool) {
    if (pool->flusher == NULL) {
        pool->flusher = pool->host->timer(pool->host, 0, flush_now, pool);
    }
}

void smpp_pool_fail(struct smpp_pool *pool, const char *text) {
    pool->failed = true;
    pool->host->fail(pool->host, "%s", text);
}

/* --- the ops --- */

void smpp_pool_send(
    struct smpp_pool *pool, const struct lantoa_message *const *messages, size_t count) {
    const struct lantoa_host *host = pool->host;
    int64_t now = smpp_pool_ticks(pool);
    bool receiver = strcmp(pool->config->bind, "receiver") == 0;
    for (size_t i = 0; i < count; i++) {
        char why[SMPP_DETAIL_MOST] = "this channel only receives (option bind)";
        enum lantoa_reason reason = LANTOA_REASON_OTHER;
        struct smpp_job *job = NULL;
        int status = receiver ? LANTOA_EINVAL
                              : smpp_compose(pool, messages[i], &job, &reason, why, sizeof(why));
        if (status != LANTOA_OK) {
            host->result(
                host, &LANTOA_RESULT(.id = messages[i]->id,
                          .outcome = status == LANTOA_ENOMEM ? LANTOA_RETRY : LANTOA_REFUSED,
                          .reason = reason, .ref = {"", 0}, .detail = {why, strlen(why)}));
            continue;
        }
        job->queued_at = now;
        smpp_queue_push(&pool->ready, job);
        pool->live++;
    }
    smpp_pool_run(pool);
}

static void give_back(
    struct smpp_pool *pool, struct smpp_queue *queue, const uint64_t *ids, size_t count, bool all) {
    for (struct smpp_job *job = queue->first, *next; job != NULL; job = next) {
        next = job->next;
        bool meant = all;
        for (size_t i = 0; i < count && !meant; i++) {
            meant = ids[i] == job->message->id;
        }
        if (meant && !job->begun) {
            (void)smpp_queue_remove(queue, job);
            smpp_landing_give(pool, job, LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "");
        }
    }
}

void smpp_pool_cancel(struct smpp_pool *pool, const uint64_t *ids, size_t count) {
    give_back(pool, &pool->ready, ids, count, false);
    give_back(pool, &pool->again, ids, count, false);
}

void smpp_pool_reconfigure(struct smpp_pool *pool, const struct smpp_config *config) {
    pool->config = config;
    for (size_t i = 0; i < pool->bind_count; i++) {
        pool->binds[i]->window = (size_t)config->window;
    }
    ask_for_work(pool);
    smpp_pool_run(pool);
}

/* --- the clock, and the end --- */

static void tell_metrics(struct smpp_pool *pool, int64_t now) {
    const struct lantoa_host *host = pool->host;
    size_t window = 0;
    if (now - pool->told_at < METRICS_MS) {
        return;
    }
    pool->told_at = now;
    for (size_t i = 0; i < pool->bind_count; i++) {
        window += pool->binds[i]->state == SMPP_BOUND ? pool->binds[i]->window : 0;
    }
    host->metric(host, "bound", (double)smpp_pool_bound(pool));
    host->metric(host, "window", (double)window);
    host->metric(host, "pace_per_second", pool->pace.limit);
    host->metric(host, "submitted", (double)pool->submitted);
    host->metric(host, "accepted", (double)pool->accepted);
    host->metric(host, "throttled", (double)pool->throttled);
    host->metric(host, "receipts", (double)pool->receipts);
    host->metric(host, "inbound", (double)pool->inbound_texts);
    host->metric(host, "unanswered", (double)pool->unknown);
}

/* Draining: first the messages, then what the core still has to commit, then the good-byes. */
static void drain_step(struct smpp_pool *pool, int64_t now) {
    bool closed = true;
    if (!pool->draining || pool->live > 0) {
        return;
    }
    if (pool->drain_until == 0) {
        pool->drain_until = now + DRAIN_INBOUND_MS;
    }
    if (pool->inbound.told_first != NULL && now < pool->drain_until) {
        return;
    }
    for (size_t i = 0; i < pool->bind_count; i++) {
        struct smpp_bind *bind = pool->binds[i];
        if (bind->state != SMPP_CLOSED && bind->state != SMPP_LEAVING) {
            smpp_dialog_goodbye(bind);
        }
        closed = closed && bind->state == SMPP_CLOSED;
    }
    if (closed) {
        void (*drained)(void *arg) = pool->drained;
        pool->drained = NULL;
        if (drained != NULL) {
            drained(pool->drained_arg);
        }
    }
}

static void pool_tick(void *arg) {
    struct smpp_pool *pool = arg;
    int64_t now = smpp_pool_ticks(pool);
    pool->tick = NULL;
    if (now - pool->looked_at >= TICK_MS) { /* between these the clock only serves the pace */
        pool->looked_at = now;
        for (size_t i = 0; i < pool->bind_count; i++) {
            smpp_bind_tick(pool->binds[i], now);
        }
        smpp_landing_tick(pool, now);
        smpp_inbound_tick(pool, now);
        tell_metrics(pool, now);
        drain_step(pool, now);
    }
    smpp_pool_run(pool);
}

void smpp_pool_drain(struct smpp_pool *pool, void (*drained)(void *arg), void *arg) {
    pool->draining = true;
    pool->drained = drained;
    pool->drained_arg = arg;
    give_back(pool, &pool->ready, NULL, 0, true);
    give_back(pool, &pool->again, NULL, 0, true);
    drain_step(pool, smpp_pool_ticks(pool));
    smpp_pool_run(pool);
}
