/* What comes from the operator by itself: receipts, and messages from people. Each is answered only
 * when the core has committed it; until then the operator keeps it. See smpp.h. */
#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PENDING_MOST = 10000,
    PARKED_MS = 5000, /* so long a receipt waits for the answer that explains its id */
    SAME_DIGITS = 9,
};

/* --- numbers --- */

/* As the core writes it: +84912345678; a short code or a name stays as it is. */
static void write_number(
    const struct smpp_config *config, struct lantoa_str from, uint8_t ton, char *to, size_t room) {
    const char *country = config->country_code == NULL ? "" : config->country_code;
    char digits[21] = "";
    size_t used = 0, prefix = strlen(country);
    for (size_t i = 0; i < from.bytes && used < sizeof(digits) - 1; i++) {
        if (from.at[i] > ' ' && from.at[i] < 0x7F && !(from.at[i] == '+' && i == 0)) {
            digits[used++] = from.at[i];
        }
    }
    bool number = used >= SAME_DIGITS && strspn(digits, "0123456789") == used;
    if (!number) {
        snprintf(to, room, "%s", digits);
    } else if (ton == 1 || (strncmp(digits, country, prefix) == 0 && used > SAME_DIGITS)) {
        snprintf(to, room, "+%s", digits);
    } else {
        snprintf(to, room, "+%s%s", country, digits + (digits[0] == '0' ? 1 : 0));
    }
}

/* Numbers are the same when their last digits are. */
static bool same_number(const char *one, const char *other) {
    size_t a = strlen(one), b = strlen(other);
    for (int i = 0; i < SAME_DIGITS; i++) {
        if (a == 0 || b == 0) {
            return a == b && i > 0;
        }
        if (one[--a] != other[--b]) {
            return false;
        }
    }
    return true;
}

/* --- deliveries --- */

void smpp_inbound_answer(struct smpp_delivery *delivery, uint32_t status) {
    struct smpp_bind *bind = delivery->bind;
    if (delivery->sequence != 0 && bind->generation == delivery->generation &&
        bind->state != SMPP_CLOSED) {
        smpp_dialog_answer(bind, delivery->command | 0x80000000u, delivery->sequence, status);
        smpp_pool_flush_soon(bind->pool);
    }
    delivery->sequence = 0;
}

void smpp_inbound_drop(struct smpp_pool *pool, struct smpp_delivery *delivery) {
    while (delivery != NULL) {
        struct smpp_delivery *next = delivery->others;
        bytes_release(&delivery->detail);
        free(delivery);
        pool->inbound.pending--;
        delivery = next;
    }
}

static struct smpp_delivery *new_delivery(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    struct smpp_inbound *inbound = &bind->pool->inbound;
    struct smpp_delivery *delivery =
        inbound->pending < PENDING_MOST ? calloc(1, sizeof(*delivery)) : NULL;
    if (delivery == NULL) {
        return NULL;
    }
    inbound->pending++;
    delivery->bind = bind;
    delivery->generation = bind->generation;
    delivery->command = pdu->command;
    delivery->sequence = pdu->sequence;
    delivery->came_at = smpp_pool_ticks(bind->pool);
    const struct smpp_config *config = bind->pool->config;
    write_number(config, pdu->source_addr, pdu->source_ton, delivery->from, sizeof(delivery->from));
    write_number(config, pdu->dest_addr, pdu->dest_ton, delivery->to, sizeof(delivery->to));
    return delivery;
}

static void hold(struct smpp_pool *pool, struct smpp_delivery *delivery) {
    delivery->next = pool->inbound.held;
    pool->inbound.held = delivery;
    pool->inbound.parked += delivery->parked;
}

void smpp_inbound_tell(struct smpp_pool *pool, struct smpp_delivery *delivery) {
    struct smpp_inbound *inbound = &pool->inbound;
    char ref[SMPP_ID_MOST + 1] = "";
    delivery->parked = false;
    delivery->next = NULL;
    if (delivery->id[0] != '\0') {
        refs_of_receipt(pool->refs, delivery->id, ref, sizeof(ref));
    }
    if (delivery->token == 0) {
        delivery->token = ++inbound->token;
    }
    const char *detail = delivery->detail.used > 0 ? delivery->detail.at : "";
    int status = pool->host->event(pool->host,
        &LANTOA_EVENT(.token = delivery->token, .kind = delivery->kind, .reason = delivery->reason,
            .key = {delivery->key, strlen(delivery->key)}, .ref = {ref, strlen(ref)},
            .address = {delivery->from, strlen(delivery->from)},
            .detail = {detail, delivery->detail.used}));
    if (status != LANTOA_OK) {
        hold(pool, delivery); /* told again at the next tick */
        return;
    }
    if (inbound->told_last != NULL) {
        inbound->told_last->next = delivery;
    } else {
        inbound->told_first = delivery;
    }
    inbound->told_last = delivery;
}

void smpp_inbound_done(struct smpp_pool *pool, uint64_t token) {
    struct smpp_inbound *inbound = &pool->inbound;
    struct smpp_delivery *before = NULL, *at = inbound->told_first;
    while (at != NULL && at->token != token) {
        before = at;
        at = at->next;
    }
    if (at == NULL) {
        return;
    }
    if (before == NULL) {
        inbound->told_first = at->next;
    } else {
        before->next = at->next;
    }
    if (inbound->told_last == at) {
        inbound->told_last = before;
    }
    for (struct smpp_delivery *each = at; each != NULL; each = each->others) {
        smpp_inbound_answer(each, SMPP_ROK);
    }
    smpp_inbound_drop(pool, at);
}

/* --- receipts --- */

/* Whether the answer to a message for this number is still awaited. */
static bool answer_awaited(const struct smpp_pool *pool, const struct smpp_delivery *delivery) {
    for (size_t i = 0; i < pool->bind_count; i++) {
        const struct smpp_bind *bind = pool->binds[i];
        for (size_t k = 0; bind->outstanding > 0 && k < SMPP_FLIGHTS; k++) {
            const struct smpp_flight *flight = &bind->flights[k];
            if (flight->sequence != 0 && flight->job != NULL &&
                (same_number(flight->job->dest_addr, delivery->from) ||
                    same_number(flight->job->dest_addr, delivery->to))) {
                return true;
            }
        }
    }
    return false;
}

static enum refs_found find_key(struct smpp_pool *pool, struct smpp_delivery *delivery) {
    const struct refs_numbers numbers = {
        {delivery->from, strlen(delivery->from)}, {delivery->to, strlen(delivery->to)}};
    if (delivery->id[0] == '\0') {
        return REFS_UNKNOWN;
    }
    enum refs_found found =
        refs_take(pool->refs, delivery->id, &numbers, delivery->kind, delivery->key);
    submits_keep_form(pool->submits, refs_learned(pool->refs));
    return found;
}

/* Tells a receipt whose message is known; false: it is not. */
static bool tell_known(struct smpp_pool *pool, struct smpp_delivery *delivery) {
    switch (find_key(pool, delivery)) {
    case REFS_UNKNOWN:
        return false;
    case REFS_PARTIAL:
        smpp_inbound_answer(delivery, SMPP_ROK);
        smpp_inbound_drop(pool, delivery);
        return true;
    case REFS_FOUND:
        smpp_inbound_tell(pool, delivery);
        return true;
    }
    return false;
}

/* The operator's words, where they say more than the kind of the event does. */
static void put_state(struct smpp_delivery *delivery, const struct receipt *receipt) {
    bool error =
        receipt->error[0] != '\0' && strspn(receipt->error, "0/") != strlen(receipt->error);
    if (error || strcmp(receipt->state, "DELIVRD") != 0) {
        bytes_put_text(&delivery->detail, receipt->state);
    }
    if (error) {
        bytes_put_format(&delivery->detail, " err %s", receipt->error);
    }
}

/* Receipts come from the person's number; some operators turn the two around. */
static void set_person_first(const struct smpp_config *config, struct smpp_delivery *delivery) {
    char ours[24] = "";
    struct lantoa_str source = {
        config->source_addr, config->source_addr == NULL ? 0 : strlen(config->source_addr)};
    write_number(config, source, 0, ours, sizeof(ours));
    bool number = strlen(delivery->from) > SAME_DIGITS && delivery->from[0] == '+';
    bool other = strlen(delivery->to) > SAME_DIGITS && delivery->to[0] == '+';
    if (other && (!number || strcmp(delivery->from, ours) == 0)) {
        char from[sizeof(delivery->from)];
        memcpy(from, delivery->from, sizeof(from));
        memcpy(delivery->from, delivery->to, sizeof(from));
        memcpy(delivery->to, from, sizeof(from));
    }
}

static void take_receipt(struct smpp_pool *pool, struct smpp_delivery *delivery,
    const struct smpp_pdu *pdu, const struct receipt *receipt) {
    const struct refs_numbers numbers = {
        {delivery->from, strlen(delivery->from)}, {delivery->to, strlen(delivery->to)}};
    uint32_t reference;
    pool->receipts++;
    delivery->kind = receipt->kind;
    delivery->reason = receipt->reason;
    snprintf(delivery->id, sizeof(delivery->id), "%s", receipt->id);
    put_state(delivery, receipt);
    if (tell_known(pool, delivery)) {
        return;
    }
    if (smpp_tlv_number(pdu->tlvs, SMPP_TAG_USER_MESSAGE_REFERENCE, &reference) &&
        reference <= UINT16_MAX) {
        (void)submits_find(pool->submits, (uint16_t)reference, &numbers, delivery->key);
    }
    if (answer_awaited(pool, delivery)) {
        delivery->parked = true;
        delivery->until = delivery->came_at + PARKED_MS;
        hold(pool, delivery);
    } else {
        smpp_inbound_tell(pool, delivery); /* by key, or by what the core knows of ref and number */
    }
}

void smpp_inbound_take(struct smpp_bind *bind, const struct smpp_pdu *pdu) {
    struct smpp_pool *pool = bind->pool;
    struct receipt receipt;
    struct smpp_segment segment;
    struct smpp_delivery *delivery = new_delivery(bind, pdu);
    if (delivery == NULL) {
        smpp_dialog_answer(bind, pdu->command | 0x80000000u, pdu->sequence, SMPP_RX_T_APPN);
        return;
    }
    if (receipt_read(pdu, &receipt)) {
        set_person_first(pool->config, delivery);
        take_receipt(pool, delivery, pdu, &receipt);
        return;
    }
    pool->inbound_texts++;
    delivery->kind = LANTOA_EVENT_INBOUND;
    smpp_join_read(pool, pdu, &delivery->detail, &segment);
    if (!smpp_join_take(pool, delivery, &segment)) {
        smpp_inbound_tell(pool, delivery);
    }
}

/* --- what was held --- */

/* Takes everything out of the list of held ones, so that it may be held again meanwhile. */
static struct smpp_delivery *take_held(struct smpp_pool *pool) {
    struct smpp_delivery *held = pool->inbound.held;
    pool->inbound.held = NULL;
    pool->inbound.parked = 0;
    return held;
}

void smpp_inbound_learned(struct smpp_pool *pool) {
    for (struct smpp_delivery *each = take_held(pool), *next; each != NULL; each = next) {
        next = each->next;
        if (!each->parked || !tell_known(pool, each)) {
            hold(pool, each);
        }
    }
}

void smpp_inbound_tick(struct smpp_pool *pool, int64_t now) {
    for (struct smpp_delivery *each = take_held(pool), *next; each != NULL; each = next) {
        next = each->next;
        if (each->parked && now < each->until && !pool->draining) {
            hold(pool, each);
        } else {
            smpp_inbound_tell(pool, each);
        }
    }
    smpp_join_tick(pool, now);
}

void smpp_inbound_release(struct smpp_pool *pool) {
    struct smpp_delivery *lists[] = {pool->inbound.told_first, take_held(pool)};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (struct smpp_delivery *each = lists[i], *next; each != NULL; each = next) {
            next = each->next;
            smpp_inbound_drop(pool, each);
        }
    }
    pool->inbound.told_first = pool->inbound.told_last = NULL;
    smpp_join_release(pool);
}
