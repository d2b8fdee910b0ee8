/* What is said on a connection: bind, enquire_link, unbind, submit_sm, and every PDU that comes;
 * see smpp.h. */
#include "smpp.h"

#include <stdio.h>

enum { VERSION = 0x34, GOODBYE_MS = 2000, SEQUENCE_MOST = 0x7FFFFFFF };

uint32_t smpp_dialog_sequence(struct smpp_bind *bind) {
    bind->sequence = bind->sequence >= SEQUENCE_MOST ? 1 : bind->sequence + 1;
    return bind->sequence;
}

/* Appends a PDU; without memory the connection is of no use any more. */
static void put(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    if (!smpp_pdu_encode(pdu, &bind->out)) {
        bind->write_dead = bind->out.failed;
    }
}

static struct lantoa_str text(const char *from) {
    return (struct lantoa_str){from == NULL ? "" : from, from == NULL ? 0 : strlen(from)};
}

/* Who we are, for a bind. */
static struct smpp_pdu hello(
    const struct smpp_config *config, enum smpp_role role, uint32_t sequence) {
    static const uint32_t commands[] = {[SMPP_TRANSCEIVER] = SMPP_BIND_TRANSCEIVER,
        [SMPP_TRANSMITTER] = SMPP_BIND_TRANSMITTER,
        [SMPP_RECEIVER] = SMPP_BIND_RECEIVER};
    return (struct smpp_pdu){.command = commands[role],
        .sequence = sequence,
        .system_id = text(config->system_id),
        .password = text(config->password),
        .system_type = text(config->system_type),
        .interface_version = VERSION};
}

int smpp_dialog_check(const struct smpp_config *config, struct lantoa_fault *fault_out) {
    struct bytes unused = {0};
    const struct smpp_pdu pdu = hello(config, SMPP_TRANSCEIVER, 1);
    bool fits = smpp_pdu_encode(&pdu, &unused);
    bytes_release(&unused);
    return fits ? LANTOA_OK
                : lantoa_fault_set(fault_out, "system_id",
                      "system_id, password or system_type is too long for SMPP",
                      "system_id, password hoặc system_type dài quá mức SMPP cho phép");
}

void smpp_dialog_hello(struct smpp_bind *bind) {
    const struct smpp_pdu pdu = hello(bind->pool->config, bind->role, smpp_dialog_sequence(bind));
    bind->state = SMPP_BINDING;
    bind->dialog = pdu.sequence;
    if (!smpp_pdu_encode(&pdu, &bind->out)) {
        smpp_bind_end(bind, SMPP_FAULT_SETUP, LANTOA_REASON_LOGIN,
            "system_id, password or system_type is too long for SMPP");
        return;
    }
    smpp_bind_flush(bind);
}

void smpp_dialog_goodbye(struct smpp_bind *bind) {
    if (bind->state != SMPP_BOUND) {
        smpp_bind_end(bind, SMPP_FAULT_NONE, LANTOA_REASON_NONE, "unbound");
        return;
    }
    bind->state = SMPP_LEAVING;
    bind->deadline = smpp_pool_ticks(bind->pool) + GOODBYE_MS;
    bind->dialog = smpp_dialog_sequence(bind);
    put(bind, &(struct smpp_pdu){.command = SMPP_UNBIND, .sequence = bind->dialog});
    smpp_bind_flush(bind);
}

void smpp_dialog_enquire(struct smpp_bind *bind, int64_t now) {
    const struct smpp_config *config = bind->pool->config;
    if (bind->enquiry != 0) {
        if (now > bind->deadline) {
            smpp_bind_end(bind, SMPP_FAULT_NETWORK, LANTOA_REASON_UNREACHABLE,
                "the operator does not answer enquire_link");
        }
    } else if (now - bind->heard_at >= config->enquire_link) {
        bind->enquiry = smpp_dialog_sequence(bind);
        bind->deadline = now + config->timeout;
        put(bind, &(struct smpp_pdu){.command = SMPP_ENQUIRE_LINK, .sequence = bind->enquiry});
        smpp_bind_flush(bind);
    }
}

void smpp_dialog_answer(
    struct smpp_bind *bind, uint32_t command, uint32_t sequence, uint32_t status) {
    put(bind, &(struct smpp_pdu){.command = command, .sequence = sequence, .status = status});
}

/* A place for one more flight; NULL when the next numbers are all taken by answers long overdue. */
static struct smpp_flight *free_flight(struct smpp_bind *bind, uint32_t *sequence_out) {
    for (size_t i = 0; i < SMPP_FLIGHTS; i++) {
        uint32_t sequence = smpp_dialog_sequence(bind);
        struct smpp_flight *flight = &bind->flights[sequence % SMPP_FLIGHTS];
        if (flight->sequence == 0 || flight->job == NULL) {
            *sequence_out = sequence;
            return flight;
        }
    }
    return NULL;
}

bool smpp_dialog_submit(struct smpp_bind *bind, struct smpp_job *job, size_t part) {
    uint32_t sequence;
    struct smpp_flight *flight = free_flight(bind, &sequence);
    if (flight == NULL || !smpp_compose_pdu(bind->pool, job, part, sequence, &bind->out)) {
        return false;
    }
    *flight = (struct smpp_flight){.sequence = sequence,
        .part = (uint32_t)part,
        .job = job,
        .end = bind->out_base + bind->out.used,
        .left_at = smpp_pool_ticks(bind->pool)};
    bind->outstanding++;
    job->parts[part] = SMPP_PART_SENT;
    job->waiting--;
    job->out++;
    return true;
}

/* --- what comes --- */

static void bound(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    char why[SMPP_DETAIL_MOST], status[60];
    if (bind->state != SMPP_BINDING || pdu->sequence != bind->dialog) {
        return;
    }
    if (pdu->status != SMPP_ROK) {
        bool setup = pdu->status == SMPP_RINVPASWD || pdu->status == SMPP_RINVSYSID ||
                     pdu->status == SMPP_RINVSYSTYP;
        smpp_status_text(pdu->status, status, sizeof(status));
        snprintf(why, sizeof(why), "the operator refuses the bind: %s", status);
        smpp_bind_end(
            bind, setup ? SMPP_FAULT_SETUP : SMPP_FAULT_NETWORK, LANTOA_REASON_LOGIN, why);
        return;
    }
    bind->state = SMPP_BOUND;
    bind->heard_at = bind->bound_at = smpp_pool_ticks(bind->pool);
    smpp_connect_ready(bind->pool);
}

static struct smpp_flight *flight_of(struct smpp_bind *bind, uint32_t sequence) {
    struct smpp_flight *flight = &bind->flights[sequence % SMPP_FLIGHTS];
    return sequence != 0 && flight->sequence == sequence ? flight : NULL;
}

static void answered(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    struct smpp_flight *flight = flight_of(bind, pdu->sequence);
    if (flight == NULL) {
        return; /* repeated, or for something nobody asked: nothing depends on it */
    }
    bind->fruitful = true;
    struct smpp_flight copy = *flight;
    flight->sequence = 0;
    smpp_landing_answer(bind, &copy, pdu);
}

/* generic_nack answers whatever had that sequence; without one of ours it is for the log. */
static void refused(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    char status[60];
    if (bind->state == SMPP_BINDING && pdu->sequence == bind->dialog) {
        struct smpp_pdu answer = *pdu;
        answer.status = pdu->status == SMPP_ROK ? SMPP_RINVCMDID : pdu->status;
        bound(bind, &answer);
    } else if (flight_of(bind, pdu->sequence) != NULL) {
        struct smpp_pdu answer = *pdu;
        answer.status = pdu->status == SMPP_ROK ? SMPP_RINVCMDID : pdu->status;
        answered(bind, &answer);
    } else {
        smpp_status_text(pdu->status, status, sizeof(status));
        bind->pool->host->log(bind->pool->host, LANTOA_LOG_WARN,
            "the operator does not understand a PDU of ours: %s", status);
    }
    if (pdu->sequence == bind->enquiry) {
        bind->enquiry = 0; /* a line that refuses is a line that lives */
    }
}

static void unbound(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    smpp_dialog_answer(bind, SMPP_UNBIND_RESP, pdu->sequence, SMPP_ROK);
    bind->closing = true; /* answers that are under way may still come */
}

static void take_known(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    switch ((enum smpp_command)pdu->command) {
    case SMPP_BIND_RECEIVER_RESP:
    case SMPP_BIND_TRANSMITTER_RESP:
    case SMPP_BIND_TRANSCEIVER_RESP:
        bound(bind, pdu);
        return;
    case SMPP_SUBMIT_SM_RESP:
        answered(bind, pdu);
        return;
    case SMPP_DELIVER_SM:
    case SMPP_DATA_SM:
        smpp_inbound_take(bind, pdu);
        return;
    case SMPP_ENQUIRE_LINK:
        smpp_dialog_answer(bind, SMPP_ENQUIRE_LINK_RESP, pdu->sequence, SMPP_ROK);
        return;
    case SMPP_ENQUIRE_LINK_RESP:
        bind->enquiry = 0;
        return;
    case SMPP_UNBIND:
        unbound(bind, pdu);
        return;
    case SMPP_UNBIND_RESP:
        if (bind->state == SMPP_LEAVING) {
            smpp_bind_end(bind, SMPP_FAULT_NONE, LANTOA_REASON_NONE, "unbound");
        }
        return;
    case SMPP_GENERIC_NACK:
        refused(bind, pdu);
        return;
    case SMPP_OUTBIND:
    case SMPP_ALERT_NOTIFICATION:
    case SMPP_DELIVER_SM_RESP:
    case SMPP_DATA_SM_RESP:
        return; /* nothing to do, and no answer is foreseen */
    case SMPP_BIND_RECEIVER:
    case SMPP_BIND_TRANSMITTER:
    case SMPP_BIND_TRANSCEIVER:
    case SMPP_SUBMIT_SM:
        /* An operator does not say these to its client. */
        smpp_dialog_answer(bind, SMPP_GENERIC_NACK, pdu->sequence, SMPP_RINVCMDID);
        return;
    }
}

void smpp_dialog_take(struct smpp_bind *bind, const unsigned char *at, size_t bytes) {
    struct smpp_pdu pdu;
    switch (smpp_pdu_decode(at, bytes, &pdu)) {
    case SMPP_DECODE_OK:
        take_known(bind, &pdu);
        return;
    case SMPP_DECODE_UNKNOWN:
        if (!SMPP_IS_RESPONSE(pdu.command)) {
            smpp_dialog_answer(bind, SMPP_GENERIC_NACK, pdu.sequence, SMPP_RINVCMDID);
        }
        return;
    case SMPP_DECODE_BROKEN:
        smpp_dialog_answer(bind, pdu.command | 0x80000000u, pdu.sequence, SMPP_RINVMSGLEN);
        return;
    }
}
