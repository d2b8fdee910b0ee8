/* How messages end: answers to their PDUs, lost connections, time-outs; see smpp.h. A message is
 * SENT when all its parts are accepted. What the operator may have taken without our knowing is
 * UNKNOWN, never sent again by itself. */
#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HOLD_MS = 10000,           /* so long a message waits for a connection */
    HELD_AFTER_MS = 5000,      /* then the core keeps it at least for this long */
    THROTTLED_MS = 60 * 1000,  /* so long without any acceptance it is resent inside */
    THROTTLED_AFTER_MS = 5000, /* then the core keeps it for this long */
};

void smpp_landing_give(struct smpp_pool *pool, struct smpp_job *job, enum lantoa_outcome outcome,
    enum lantoa_reason reason, int64_t after_ms, const char *detail) {
    pool->live--;
    pool->unknown += outcome == LANTOA_UNKNOWN;
    pool->host->result(
        pool->host, &LANTOA_RESULT(.id = job->message->id, .outcome = outcome, .reason = reason,
                        .after_ms = after_ms, .ref = {job->ref, strlen(job->ref)},
                        .detail = {detail, strlen(detail)}));
    free(job);
}

static void unqueue(struct smpp_pool *pool, struct smpp_job *job) {
    if (job->queued && !smpp_queue_remove(&pool->again, job)) {
        (void)smpp_queue_remove(&pool->ready, job);
    }
}

/* Gives the result once no PDU of the job is under way and none is to be sent. */
static void end_if_over(struct smpp_pool *pool, struct smpp_job *job) {
    if (job->unknown || job->refused) {
        unqueue(pool, job); /* the other parts are of no use */
    }
    if (job->out > 0) {
        return;
    }
    if (job->unknown) {
        job->ref[0] = '\0';
        smpp_landing_give(pool, job, LANTOA_UNKNOWN, job->verdict.reason, 0, job->detail);
    } else if (job->refused) {
        job->ref[0] = '\0';
        smpp_landing_give(pool, job, job->verdict.outcome, job->verdict.reason,
            job->verdict.after_ms, job->detail);
    } else if (job->accepted == job->pdu_count) {
        smpp_landing_give(pool, job, LANTOA_SENT, LANTOA_REASON_NONE, 0, "");
    }
}

/* The PDU was not taken and is sent again. */
static void put_back(struct smpp_pool *pool, struct smpp_job *job, size_t part) {
    job->parts[part] = SMPP_PART_WAITING;
    job->waiting++;
    if (!job->queued && !job->unknown && !job->refused) {
        job->queued_at = smpp_pool_ticks(pool);
        smpp_queue_push(&pool->again, job);
    }
}

static void know(struct smpp_pool *pool, struct smpp_job *job) {
    if (job->refs_message == 0) {
        job->refs_message =
            refs_message(pool->refs, job->message->key, job->message->address, job->pdu_count);
    }
}

/* Adds the id of a part to those of the message; see lantoa_result.ref. */
static void name_part(struct smpp_pool *pool, struct smpp_job *job, const char *id) {
    enum { LEFT = 6 }; /* room for " +255" */
    char ref[SMPP_ID_MOST + 1];
    size_t used = strlen(job->ref);
    refs_of_answer(pool->refs, id, ref, sizeof(ref));
    bool fits = used + 1 + strlen(ref) + LEFT <= SMPP_REF_MOST;
    if (ref[0] == '\0' || job->unnamed > 0 || !fits) {
        job->unnamed++;
    } else {
        snprintf(job->ref + used, sizeof(job->ref) - used, used == 0 ? "%s" : " %s", ref);
    }
    used = strlen(job->ref);
    if (job->accepted == job->pdu_count && job->unnamed > 0 && used > 0) {
        snprintf(job->ref + used, sizeof(job->ref) - used, " +%u", job->unnamed);
    }
}

static void accepted(struct smpp_bind *bind, struct smpp_job *job, size_t part, const char *id) {
    struct smpp_pool *pool = bind->pool;
    job->parts[part] = SMPP_PART_ACCEPTED;
    job->accepted++;
    job->stalled_at = 0;
    know(pool, job);
    refs_add(pool->refs, job->refs_message, id);
    name_part(pool, job, id);
    pool->accepted++;
    smpp_pace_accepted(&pool->pace, smpp_pool_ticks(pool));
    if (++bind->good >= bind->window) {
        bind->good = 0;
        bind->window += bind->window < (size_t)pool->config->window;
    }
    if (pool->inbound.parked > 0) {
        smpp_inbound_learned(pool);
    }
}

static void throttled(struct smpp_bind *bind, struct smpp_job *job, size_t part) {
    struct smpp_pool *pool = bind->pool;
    int64_t now = smpp_pool_ticks(pool);
    pool->throttled++;
    job->stalled_at = job->stalled_at == 0 ? now : job->stalled_at;
    if (smpp_pace_throttled(&pool->pace, now)) {
        bind->window = bind->window / 2 > 1 ? bind->window / 2 : 1;
        bind->good = 0;
    }
    put_back(pool, job, part);
}

static void take_id(const struct smpp_pdu *pdu, char id[SMPP_ID_MOST + 1]) {
    size_t used = 0;
    for (size_t i = 0; i < pdu->message_id.bytes && used < SMPP_ID_MOST; i++) {
        if (pdu->message_id.at[i] > ' ' && pdu->message_id.at[i] < 0x7F) {
            id[used++] = pdu->message_id.at[i];
        }
    }
    id[used] = '\0';
}

void smpp_landing_answer(
    struct smpp_bind *bind, struct smpp_flight *flight, const struct smpp_pdu *pdu) {
    struct smpp_pool *pool = bind->pool;
    struct smpp_job *job = flight->job;
    char id[SMPP_ID_MOST + 1] = "";
    if (pdu->command == SMPP_SUBMIT_SM_RESP) {
        take_id(pdu, id);
    }
    if (job == NULL) { /* late: the message is UNKNOWN already, its receipt will settle it */
        if (pdu->status == SMPP_ROK) {
            refs_add(pool->refs, flight->refs_message, id);
            smpp_inbound_learned(pool);
        }
        return;
    }
    bind->outstanding--;
    job->out--;
    struct smpp_verdict verdict = smpp_status_verdict(pdu->status);
    if (pdu->status == SMPP_ROK) {
        accepted(bind, job, flight->part, id);
    } else if (verdict.reason == LANTOA_REASON_THROTTLED) {
        throttled(bind, job, flight->part);
    } else {
        char status[60];
        smpp_status_text(pdu->status, status, sizeof(status));
        job->parts[flight->part] = SMPP_PART_OVER;
        if (!job->refused) {
            job->refused = true;
            job->verdict = verdict;
            snprintf(job->detail, sizeof(job->detail),
                job->pdu_count > 1 ? "%s, part %zu of %zu" : "%s", status, (size_t)flight->part + 1,
                job->pdu_count);
        }
    }
    end_if_over(pool, job);
}

static void lose(struct smpp_job *job, size_t part, enum lantoa_reason reason, const char *why) {
    job->parts[part] = SMPP_PART_OVER;
    job->unknown = true;
    job->verdict.reason = reason;
    snprintf(job->detail, sizeof(job->detail), "no answer: %.180s", why);
}

void smpp_landing_lost(struct smpp_pool *pool, struct smpp_flight *flight, bool may_have_left,
    enum lantoa_reason reason, const char *why) {
    struct smpp_job *job = flight->job;
    job->out--;
    if (may_have_left) {
        lose(job, flight->part, reason, why);
    } else {
        /* Not one whole PDU has left: an operator cannot act on a piece of one. */
        put_back(pool, job, flight->part);
    }
    end_if_over(pool, job);
}

void smpp_landing_overdue(struct smpp_bind *bind, struct smpp_flight *flight) {
    struct smpp_pool *pool = bind->pool;
    struct smpp_job *job = flight->job;
    know(pool, job);
    flight->refs_message = job->refs_message;
    flight->job = NULL;
    bind->outstanding--;
    job->out--;
    lose(job, flight->part, LANTOA_REASON_TIMEOUT, "the time is over");
    end_if_over(pool, job);
}

/* What becomes of a job that cannot go on now; false: it may wait. */
static bool give_up(struct smpp_pool *pool, struct smpp_job *job, int64_t now, bool connected) {
    int64_t since = job->queued_at > pool->down_at ? job->queued_at : pool->down_at;
    bool held = !connected && (pool->draining || now - since > HOLD_MS);
    if (job->out > 0) {
        return false;
    }
    if (held && !job->begun && pool->draining) {
        unqueue(pool, job);
        smpp_landing_give(pool, job, LANTOA_NOT_SENT, pool->trouble_reason, 0, pool->trouble);
        return true;
    }
    if (held) {
        /* Nothing of it is in doubt. A line that is down is no failed try of the message, and the
         * core must look at hours and consents again before the next: so it waits there, not here.
         */
        unqueue(pool, job);
        job->ref[0] = '\0';
        int64_t wait = pool->backoff_ms > HELD_AFTER_MS ? pool->backoff_ms : HELD_AFTER_MS;
        smpp_landing_give(pool, job, LANTOA_RETRY, LANTOA_REASON_THROTTLED, wait, pool->trouble);
        return true;
    }
    if (job->stalled_at != 0 && (now - job->stalled_at > THROTTLED_MS || pool->draining)) {
        unqueue(pool, job);
        job->ref[0] = '\0';
        smpp_landing_give(pool, job, LANTOA_RETRY, LANTOA_REASON_THROTTLED, THROTTLED_AFTER_MS,
            "the operator throttles");
        return true;
    }
    return false;
}

static void tick_queue(
    struct smpp_pool *pool, struct smpp_queue *queue, int64_t now, bool connected) {
    for (struct smpp_job *job = queue->first, *next; job != NULL; job = next) {
        next = job->next;
        (void)give_up(pool, job, now, connected);
    }
}

void smpp_landing_tick(struct smpp_pool *pool, int64_t now) {
    bool connected = smpp_pool_bound(pool) > 0;
    pool->down_at = connected ? 0 : pool->down_at == 0 ? now : pool->down_at;
    tick_queue(pool, &pool->again, now, connected);
    tick_queue(pool, &pool->ready, now, connected);
}
