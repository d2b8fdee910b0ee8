/* The queue of messages, the connections that work on it, and the results; see smtp.h. */
#include "smtp.h"

#include "address.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TICK_MS = 250,
    RETRY_SOON_MS = 1000,
};

static int64_t ticks_of(const struct smtp_pool *pool) {
    return pool->host->ticks(pool->host);
}

static void settle_text(struct smtp_pool *pool, struct smtp_job *job, enum lantoa_outcome outcome,
    enum lantoa_reason reason, int64_t after_ms, const char *detail) {
    smtp_pool_settle(pool, job,
        &LANTOA_RESULT(.outcome = outcome, .reason = reason, .after_ms = after_ms, .ref = {"", 0},
            .detail = {detail, strlen(detail)}));
}

static size_t permits(const struct smtp_pool *pool) {
    return (size_t)pool->config->per_domain;
}

void smtp_pool_settle(
    struct smtp_pool *pool, struct smtp_job *job, const struct lantoa_result *result) {
    struct lantoa_result full = *result;
    full.id = job->message->id;
    switch (full.outcome) {
    case LANTOA_SENT:
        pool->sent++;
        break;
    case LANTOA_RETRY:
        pool->retried++;
        break;
    case LANTOA_REFUSED:
        pool->refused++;
        break;
    case LANTOA_UNKNOWN:
        pool->unknown++;
        break;
    case LANTOA_NOT_SENT:
        break;
    }
    mime_step_drop(pool->sender, job->step);
    smtp_domains_release(&pool->domains, job, permits(pool), &pool->ready);
    free(job);
    pool->live--;
    pool->host->result(pool->host, &full);
}

struct smtp_job *smtp_pool_take(struct smtp_pool *pool) {
    return smtp_queue_pop(&pool->ready);
}

void smtp_pool_put_back(struct smtp_pool *pool, struct smtp_job *job) {
    smtp_queue_push_front(&pool->ready, job);
}

static bool any(void *arg, const struct smtp_job *job) {
    (void)arg;
    (void)job;
    return true;
}

/* Gives everything that waits its result. */
static void answer_waiting(struct smtp_pool *pool, enum lantoa_outcome outcome,
    enum lantoa_reason reason, int64_t after_ms, const char *why) {
    struct smtp_queue all = {0};
    smtp_queue_withdraw(&pool->ready, any, NULL, &all);
    smtp_domains_withdraw(&pool->domains, any, NULL, &all);
    for (struct smtp_job *job = smtp_queue_pop(&all); job != NULL; job = smtp_queue_pop(&all)) {
        settle_text(pool, job, outcome, reason, after_ms, why);
    }
}

void smtp_pool_fail(struct smtp_pool *pool, const char *text) {
    char own[SMTP_DETAIL_MOST + 1]; /* text may be pool->trouble */
    if (pool->failed) {
        return;
    }
    snprintf(own, sizeof(own), "%s", text);
    pool->failed = true;
    for (size_t i = 0; i < pool->session_count; i++) {
        smtp_session_end(pool->sessions[i], SMTP_FAULT_NONE, LANTOA_REASON_LOGIN, own);
    }
    answer_waiting(pool, LANTOA_NOT_SENT, LANTOA_REASON_LOGIN, 0, own);
    pool->host->fail(pool->host, "%s", own);
}

static void say_drained(struct smtp_pool *pool) {
    if (pool->draining && pool->drained != NULL && pool->live == 0 &&
        smtp_connect_count(pool, true) == 0) {
        void (*drained)(void *arg) = pool->drained;
        pool->drained = NULL;
        drained(pool->drained_arg);
    }
}

/* Shares the queue out evenly, so that a few messages do not all wait behind one slow answer. */
static void share_out(struct smtp_pool *pool) {
    size_t takers = 0;
    for (size_t i = 0; i < pool->session_count; i++) {
        takers += smtp_transaction_room(pool->sessions[i]);
    }
    if (takers == 0) {
        return;
    }
    size_t share = (pool->ready.count + takers - 1) / takers;
    for (size_t i = 0; i < pool->session_count && pool->ready.count > 0; i++) {
        if (smtp_transaction_room(pool->sessions[i])) {
            smtp_transaction_fill(pool->sessions[i], share);
            smtp_session_flush(pool->sessions[i]);
        }
    }
}

static void pool_tick(void *arg);

void smtp_pool_run(struct smtp_pool *pool) {
    if (pool->failed) {
        return;
    }
    if (pool->ready.count > 0) {
        share_out(pool);
    }
    if (pool->ready.count > 0 && !pool->failed) {
        smtp_connect_more(pool);
    }
    bool nobody = smtp_connect_count(pool, true) == 0;
    if (pool->ready.count > 0 && nobody && pool->lookup == NULL && !pool->failed) {
        /* Whatever is wrong, the message is not: "unreachable" is the reason that spends none of
         * its tries. */
        int64_t after = pool->next_try - ticks_of(pool);
        answer_waiting(pool, LANTOA_RETRY, LANTOA_REASON_UNREACHABLE,
            after > 0 ? after : RETRY_SOON_MS,
            pool->trouble[0] != '\0' ? pool->trouble : "no connection to the mail server");
    }
    if (!nobody && pool->tick == NULL) {
        pool->tick = pool->host->timer(pool->host, TICK_MS, pool_tick, pool);
    }
    say_drained(pool);
}

static void pool_metrics(struct smtp_pool *pool) {
    const struct lantoa_host *host = pool->host;
    host->metric(host, "connections", (double)smtp_connect_count(pool, true));
    host->metric(host, "sent", (double)pool->sent);
    host->metric(host, "retried", (double)pool->retried);
    host->metric(host, "refused", (double)pool->refused);
    host->metric(host, "unknown", (double)pool->unknown);
    host->metric(host, "bytes", (double)pool->bytes);
}

static void pool_tick(void *arg) {
    struct smtp_pool *pool = arg;
    pool->tick = NULL;
    int64_t ticks = ticks_of(pool);
    for (size_t i = 0; i < pool->session_count; i++) {
        smtp_session_tick(pool->sessions[i], ticks);
    }
    pool_metrics(pool);
    smtp_pool_run(pool);
}

/* --- what the plugin calls --- */

void smtp_pool_send(
    struct smtp_pool *pool, const struct lantoa_message *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool failed = false;
        struct smtp_job *job = calloc(1, sizeof(*job));
        if (job == NULL) {
            pool->host->result(
                pool->host, &LANTOA_RESULT(.id = messages[i]->id, .outcome = LANTOA_RETRY,
                                .reason = LANTOA_REASON_TEMPORARY, .ref = {"", 0},
                                .detail = {"out of memory", 13}));
            continue;
        }
        job->message = messages[i];
        pool->live++;
        if (pool->failed || pool->draining) {
            settle_text(pool, job, LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0,
                pool->failed ? pool->trouble : "the channel is ending");
        } else if (!address_valid(messages[i]->address)) {
            settle_text(pool, job, LANTOA_REFUSED, LANTOA_REASON_ADDRESS, 0,
                "not a mail address that SMTP can carry");
        } else if ((job->step = mime_step_use(pool->sender, messages[i]->step, &failed)) == NULL &&
                   failed) {
            settle_text(pool, job, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, 0, "out of memory");
        } else if (smtp_domains_admit(&pool->domains, job, permits(pool))) {
            smtp_queue_push(&pool->ready, job);
        }
    }
    smtp_pool_run(pool);
}

struct id_list {
    uint64_t *ids;
    size_t count;
};

static int compare_ids(const void *one, const void *two) {
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)two;
    return a < b ? -1 : a > b;
}

static bool listed(void *arg, const struct smtp_job *job) {
    const struct id_list *list = arg;
    return bsearch(&job->message->id, list->ids, list->count, sizeof(list->ids[0]), compare_ids) !=
           NULL;
}

void smtp_pool_cancel(struct smtp_pool *pool, const uint64_t *ids, size_t count) {
    struct id_list list = {.ids = calloc(count == 0 ? 1 : count, sizeof(ids[0])), .count = count};
    struct smtp_queue out = {0};
    if (list.ids == NULL) {
        return;
    }
    memcpy(list.ids, ids, count * sizeof(ids[0]));
    qsort(list.ids, count, sizeof(ids[0]), compare_ids);
    smtp_queue_withdraw(&pool->ready, listed, &list, &out);
    smtp_domains_withdraw(&pool->domains, listed, &list, &out);
    for (size_t i = 0; i < pool->session_count; i++) {
        struct smtp_session *session = pool->sessions[i];
        for (size_t k = 0; k < session->flight_count; k++) {
            struct smtp_flight *flight = &session->flights[(session->flight_head + k) % SMTP_DEPTH];
            flight->cancelled |= !flight->body_put && listed(&list, flight->job);
        }
    }
    free(list.ids);
    for (struct smtp_job *job = smtp_queue_pop(&out); job != NULL; job = smtp_queue_pop(&out)) {
        settle_text(pool, job, LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "cancelled");
    }
    smtp_pool_run(pool);
}

void smtp_pool_reconfigure(struct smtp_pool *pool, const struct email_config *config) {
    pool->config = config;
    smtp_domains_pump(&pool->domains, permits(pool), &pool->ready);
    size_t open = smtp_connect_count(pool, true);
    for (size_t i = 0; i < pool->session_count && open > (size_t)config->connections; i++) {
        if (pool->sessions[i]->state != SMTP_CLOSED) {
            pool->sessions[i]->closing = true; /* the next tick says QUIT when it is idle */
            open--;
        }
    }
    smtp_pool_run(pool);
}

void smtp_pool_drain(struct smtp_pool *pool, void (*drained)(void *arg), void *arg) {
    pool->draining = true;
    pool->drained = drained;
    pool->drained_arg = arg;
    answer_waiting(pool, LANTOA_NOT_SENT, LANTOA_REASON_NONE, 0, "the channel is ending");
    for (size_t i = 0; i < pool->session_count; i++) {
        struct smtp_session *session = pool->sessions[i];
        if (session->state == SMTP_READY) {
            smtp_session_quit(session);
        } else if (session->state != SMTP_QUITTING) {
            smtp_session_end(session, SMTP_FAULT_NONE, LANTOA_REASON_NONE, "the channel is ending");
        }
    }
    smtp_pool_run(pool);
}

/* The name for EHLO: the option, this machine's name, or the address of nobody in particular. */
static bool take_helo(const char *option, char *helo_out, size_t room) {
    if (option == NULL || option[0] == '\0') {
        if (gethostname(helo_out, room - 1) != 0 ||
            !address_domain_valid((struct lantoa_str){helo_out, strlen(helo_out)})) {
            snprintf(helo_out, room, "[127.0.0.1]");
        }
        return true;
    }
    snprintf(helo_out, room, "%s", option);
    struct lantoa_str helo = {helo_out, strlen(helo_out)};
    bool literal =
        helo.at[0] == '[' && helo.at[helo.bytes - 1] == ']' && strpbrk(helo.at, " \t\r\n") == NULL;
    return literal || address_domain_valid(helo);
}

/* What the options make; nothing is left behind when one of them cannot be used. */
static int take_options(
    struct smtp_pool *pool, const struct email_config *config, struct lantoa_fault *fault) {
    int status = tls_host_check(config->host, fault);
    if (status != LANTOA_OK) {
        return status;
    }
    if (!take_helo(config->helo, pool->helo, sizeof(pool->helo))) {
        return lantoa_fault_set(fault, "helo", "\"%.100s\" is not a host name",
            "\"%.100s\" không phải là tên máy", config->helo);
    }
    pool->sender = mime_sender_new(config, fault);
    if (pool->sender != NULL && strcmp(config->tls, "none") != 0) {
        pool->tls = tls_context_new(config->tls_verify, config->tls_ca, fault);
        if (pool->tls == NULL) {
            mime_sender_free(pool->sender);
            pool->sender = NULL;
        }
    }
    return pool->sender == NULL ? LANTOA_EINVAL : LANTOA_OK;
}

int smtp_pool_check(const struct email_config *config, struct lantoa_fault *fault_out) {
    struct smtp_pool pool = {0};
    int status = take_options(&pool, config, fault_out);
    mime_sender_free(pool.sender);
    SSL_CTX_free(pool.tls);
    return status;
}

int smtp_pool_init(
    struct smtp_pool *pool, const struct lantoa_host *host, const struct email_config *config) {
    struct lantoa_fault fault = {.size = sizeof(fault)};
    char clean[300];
    *pool = (struct smtp_pool){.host = host, .config = config};
    int status = take_options(pool, config, &fault);
    if (status != LANTOA_OK) {
        /* option values stand in it */
        smtp_text_clean(clean, sizeof(clean), fault.why_en, strlen(fault.why_en));
        host->fail(host, "option %s: %s", fault.option, clean);
        smtp_pool_release(pool);
    }
    return status;
}

void smtp_pool_release(struct smtp_pool *pool) {
    if (pool->tick != NULL) {
        pool->host->timer_stop(pool->host, pool->tick);
    }
    smtp_connect_forget(pool);
    for (size_t i = 0; i < pool->session_count; i++) {
        struct smtp_session *session = pool->sessions[i];
        for (size_t k = 0; k < session->flight_count; k++) {
            free(session->flights[(session->flight_head + k) % SMTP_DEPTH].job);
        }
        smtp_session_free(session);
    }
    struct smtp_queue all = {0};
    smtp_queue_withdraw(&pool->ready, any, NULL, &all);
    smtp_domains_withdraw(&pool->domains, any, NULL, &all);
    for (struct smtp_job *job = smtp_queue_pop(&all); job != NULL; job = smtp_queue_pop(&all)) {
        free(job);
    }
    smtp_domains_free(&pool->domains);
    mime_sender_free(pool->sender);
    SSL_CTX_free(pool->tls);
    bytes_release(&pool->scratch);
}
