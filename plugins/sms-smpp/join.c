/* Messages from people: their text read, and long ones put together from their pieces; see smpp.h.
 */
#include "smpp.h"

#include <stdlib.h>

enum {
    JOINS_MOST = 500,
    ESM_UDHI = 0x40,
    /* Some operators send the next piece only after the answer to this one: an incomplete text is
     * answered after this long, though the core does not have it yet. */
    PIECE_ANSWER_MS = 1000,
};

struct smpp_join {
    struct smpp_join *next;
    struct smpp_delivery *pieces; /* linked by next, in the order of their numbers */
    uint32_t reference, total, count;
    int64_t until;
};

/* --- reading --- */

/* The elements of a user data header; returns the octets it takes. */
static size_t read_header(const unsigned char *at, size_t bytes, struct smpp_segment *segment) {
    size_t header = bytes == 0 ? 0 : (size_t)at[0] + 1;
    if (header > bytes) {
        return 0;
    }
    for (size_t i = 1; i + 2 <= header;) {
        size_t length = at[i + 1];
        const unsigned char *value = at + i + 2;
        if (i + 2 + length > header) {
            break;
        }
        if (at[i] == 0 && length == 3) {
            *segment = (struct smpp_segment){value[0], value[1], value[2]};
        } else if (at[i] == 8 && length == 4) {
            *segment =
                (struct smpp_segment){(uint32_t)value[0] << 8 | value[1], value[2], value[3]};
        }
        i += 2 + length;
    }
    return header;
}

static void read_sar(const struct smpp_pdu *pdu, struct smpp_segment *segment) {
    struct smpp_segment found;
    if (smpp_tlv_number(pdu->tlvs, SMPP_TAG_SAR_REFERENCE, &found.reference) &&
        smpp_tlv_number(pdu->tlvs, SMPP_TAG_SAR_TOTAL, &found.total) &&
        smpp_tlv_number(pdu->tlvs, SMPP_TAG_SAR_NUMBER, &found.number)) {
        *segment = found;
    }
}

/* How data_coding says the octets are to be read. */
static enum sms_coding coding_of(
    const struct smpp_pool *pool, unsigned dcs, enum sms_alphabet *alphabet_out) {
    *alphabet_out = SMS_ALPHABET_GSM;
    if ((dcs & 0xC0) == 0 && dcs >= 0x10) { /* GSM 03.38 group with a class */
        unsigned alphabet = dcs >> 2 & 3;
        *alphabet_out = alphabet == 1 ? SMS_ALPHABET_LATIN1 : SMS_ALPHABET_GSM;
        return alphabet == 2 ? SMS_UCS2 : SMS_GSM7;
    }
    if ((dcs & 0xF0) == 0xF0) {
        *alphabet_out = dcs & 4 ? SMS_ALPHABET_LATIN1 : SMS_ALPHABET_GSM;
        return SMS_GSM7;
    }
    switch (dcs) {
    case 0:
        *alphabet_out = pool->rules.alphabet;
        return SMS_GSM7;
    case 8:
    case 0x18:
        return SMS_UCS2;
    default:
        *alphabet_out = SMS_ALPHABET_LATIN1; /* IA5, Latin-1, binary */
        return (dcs & 0xF0) == 0xE0 ? SMS_UCS2 : SMS_GSM7;
    }
}

void smpp_join_read(const struct smpp_pool *pool, const struct smpp_pdu *pdu, struct bytes *text,
    struct smpp_segment *segment_out) {
    struct lantoa_str octets = pdu->short_message;
    enum sms_alphabet alphabet;
    *segment_out = (struct smpp_segment){0, 1, 1};
    if (octets.at == NULL || octets.bytes == 0) {
        octets = (struct lantoa_str){"", 0};
        (void)smpp_tlv_find(pdu->tlvs, SMPP_TAG_PAYLOAD, &octets);
    }
    const unsigned char *at = (const unsigned char *)octets.at;
    size_t header = 0;
    if (pdu->esm_class & ESM_UDHI) {
        header = read_header(at, octets.bytes, segment_out);
    } else {
        read_sar(pdu, segment_out);
    }
    enum sms_coding coding = coding_of(pool, pdu->data_coding, &alphabet);
    size_t room = (octets.bytes - header) * 3 + 8;
    if (!bytes_reserve(text, room)) {
        return;
    }
    text->used += sms_text_decode(
        coding, alphabet, at + header, octets.bytes - header, text->at + text->used, room);
    for (size_t i = 0; i < text->used; i++) {
        unsigned char c = (unsigned char)text->at[i];
        text->at[i] = c < ' ' || c == 0x7F ? ' ' : text->at[i];
    }
}

/* --- joining --- */

static bool belongs(const struct smpp_join *join, const struct smpp_delivery *delivery,
    const struct smpp_segment *segment) {
    return join->reference == segment->reference && join->total == segment->total &&
           strcmp(join->pieces->from, delivery->from) == 0 &&
           strcmp(join->pieces->to, delivery->to) == 0;
}

/* Into its place; a piece that comes again replaces the older one, whose answer was lost. */
static void put_piece(
    struct smpp_pool *pool, struct smpp_join *join, struct smpp_delivery *delivery) {
    struct smpp_delivery **at = &join->pieces;
    while (*at != NULL && (*at)->number < delivery->number) {
        at = &(*at)->next;
    }
    if (*at != NULL && (*at)->number == delivery->number) {
        struct smpp_delivery *old = *at;
        *at = old->next;
        old->next = NULL;
        smpp_inbound_answer(old, SMPP_ROK);
        smpp_inbound_drop(pool, old);
        join->count--;
    }
    delivery->next = *at;
    *at = delivery;
    join->count++;
}

/* One delivery with the whole text, the others behind it: one event, and all are answered with it.
 */
static void tell_joined(struct smpp_pool *pool, struct smpp_join *join) {
    struct smpp_delivery *first = join->pieces, *last = first;
    struct bytes text = {0};
    uint32_t expected = 1;
    for (struct smpp_delivery *piece = first; piece != NULL; piece = piece->next) {
        bytes_put_text(&text, piece->number > expected ? "[...] " : "");
        bytes_put_all(&text, &piece->detail);
        expected = piece->number + 1;
        if (piece != first) {
            last->others = piece;
            last = piece;
        }
    }
    bytes_put_text(&text, expected <= join->total ? " [...]" : "");
    pool->inbound.join_count--;
    if (first == NULL) { /* a join is made with its first piece */
        bytes_release(&text);
        free(join);
        return;
    }
    bytes_release(&first->detail);
    first->detail = text;
    for (struct smpp_delivery *piece = first; piece != NULL; piece = piece->others) {
        piece->next = NULL;
    }
    free(join);
    smpp_inbound_tell(pool, first);
}

static void unlink_join(struct smpp_pool *pool, const struct smpp_join *join) {
    struct smpp_join **at = &pool->inbound.joins;
    while (*at != join) {
        at = &(*at)->next;
    }
    *at = join->next;
}

bool smpp_join_take(
    struct smpp_pool *pool, struct smpp_delivery *delivery, const struct smpp_segment *segment) {
    struct smpp_join *join = pool->inbound.joins;
    if (segment->total <= 1 || segment->number == 0 || segment->number > segment->total ||
        segment->total > SMS_PARTS_MOST) {
        return false;
    }
    while (join != NULL && !belongs(join, delivery, segment)) {
        join = join->next;
    }
    if (join == NULL) {
        join = pool->inbound.join_count < JOINS_MOST ? calloc(1, sizeof(*join)) : NULL;
        if (join == NULL) {
            return false;
        }
        join->reference = segment->reference;
        join->total = segment->total;
        join->next = pool->inbound.joins;
        pool->inbound.joins = join;
        pool->inbound.join_count++;
    }
    delivery->number = segment->number;
    join->until = delivery->came_at + pool->config->inbound_join;
    put_piece(pool, join, delivery);
    if (join->count == join->total) {
        unlink_join(pool, join);
        tell_joined(pool, join);
    }
    return true;
}

void smpp_join_tick(struct smpp_pool *pool, int64_t now) {
    for (struct smpp_join *join = pool->inbound.joins, *next; join != NULL; join = next) {
        next = join->next;
        if (now >= join->until) {
            unlink_join(pool, join);
            tell_joined(pool, join);
            continue;
        }
        for (struct smpp_delivery *piece = join->pieces; piece != NULL; piece = piece->next) {
            if (now - piece->came_at >= PIECE_ANSWER_MS) {
                smpp_inbound_answer(piece, SMPP_ROK);
            }
        }
    }
}

void smpp_join_release(struct smpp_pool *pool) {
    for (struct smpp_join *join = pool->inbound.joins, *next; join != NULL; join = next) {
        next = join->next;
        for (struct smpp_delivery *piece = join->pieces, *after; piece != NULL; piece = after) {
            after = piece->next;
            piece->others = NULL;
            smpp_inbound_drop(pool, piece);
        }
        free(join);
    }
    pool->inbound.joins = NULL;
}
