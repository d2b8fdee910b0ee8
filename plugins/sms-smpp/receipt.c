/* Delivery receipts; see receipt.h. */
#include "receipt.h"

#include <stdio.h>
#include <strings.h>

/* message_state, the word of the text, and what it means. ACCEPTD, ENROUTE and UNKNOWN are not the
 * end. */
static const struct state {
    uint8_t number;
    char word[8], long_word[16];
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
} states[] = {
    {0, "SCHEDUL", "SCHEDULED", LANTOA_EVENT_DELAYED, LANTOA_REASON_NONE},
    {1, "ENROUTE", "EN_ROUTE", LANTOA_EVENT_DELAYED, LANTOA_REASON_NONE},
    {2, "DELIVRD", "DELIVERED", LANTOA_EVENT_DELIVERED, LANTOA_REASON_NONE},
    {3, "EXPIRED", "EXPIRED", LANTOA_EVENT_FAILED, LANTOA_REASON_UNREACHABLE},
    {4, "DELETED", "DELETED", LANTOA_EVENT_FAILED, LANTOA_REASON_OTHER},
    {5, "UNDELIV", "UNDELIVERABLE", LANTOA_EVENT_FAILED, LANTOA_REASON_UNREACHABLE},
    {6, "ACCEPTD", "ACCEPTED", LANTOA_EVENT_DELAYED, LANTOA_REASON_NONE},
    {7, "UNKNOWN", "UNKNOWN", LANTOA_EVENT_DELAYED, LANTOA_REASON_OTHER},
    {8, "REJECTD", "REJECTED", LANTOA_EVENT_FAILED, LANTOA_REASON_REFUSED},
    {9, "SKIPPED", "SKIPPED", LANTOA_EVENT_FAILED, LANTOA_REASON_OTHER},
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* Keeps what is fit for a log and a column: printable ASCII. */
static void keep(char *to, size_t room, const char *from, size_t bytes) {
    size_t used = 0;
    for (size_t i = 0; i < bytes && used + 1 < room; i++) {
        if (from[i] > ' ' && from[i] < 0x7F) {
            to[used++] = from[i];
        }
    }
    to[used] = '\0';
}

static void take_state(struct receipt *receipt, const struct state *state) {
    receipt->kind = state->kind;
    receipt->reason = state->reason;
    keep(receipt->state, sizeof(receipt->state), state->word, strlen(state->word));
}

static void take_word(struct receipt *receipt, const char *word, size_t bytes) {
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if ((strlen(states[i].word) == bytes && strncasecmp(word, states[i].word, bytes) == 0) ||
            (strlen(states[i].long_word) == bytes &&
                strncasecmp(word, states[i].long_word, bytes) == 0)) {
            take_state(receipt, &states[i]);
            return;
        }
    }
    /* A word nobody knows says only that the message is somewhere. */
    receipt->kind = LANTOA_EVENT_DELAYED;
    receipt->reason = LANTOA_REASON_OTHER;
    keep(receipt->state, sizeof(receipt->state), word, bytes);
}

/* The value behind "name:" wherever it stands as a word of its own. */
static bool find_value(
    const char *text, size_t bytes, const char *name, const char **value_out, size_t *count_out) {
    size_t length = strlen(name);
    for (size_t i = 0; i + length < bytes; i++) {
        if ((i > 0 && !is_space(text[i - 1]) && text[i - 1] != ',' && text[i - 1] != ';') ||
            strncasecmp(text + i, name, length) != 0) {
            continue;
        }
        size_t at = i + length;
        while (at < bytes && is_space(text[at])) {
            at++;
        }
        if (at == bytes || (text[at] != ':' && text[at] != '=')) {
            continue;
        }
        at++;
        while (at < bytes && is_space(text[at])) {
            at++;
        }
        size_t end = at;
        while (end < bytes && !is_space(text[end]) && text[end] != ',' && text[end] != ';') {
            end++;
        }
        *value_out = text + at;
        *count_out = end - at;
        return end > at;
    }
    return false;
}

bool receipt_read_text(const char *text, size_t bytes, struct receipt *receipt_out) {
    const char *value = NULL;
    size_t count = 0;
    *receipt_out = (struct receipt){.kind = LANTOA_EVENT_DELAYED};
    if (find_value(text, bytes, "id", &value, &count)) {
        keep(receipt_out->id, sizeof(receipt_out->id), value, count);
    }
    if (find_value(text, bytes, "err", &value, &count)) {
        keep(receipt_out->error, sizeof(receipt_out->error), value, count);
    }
    if (!find_value(text, bytes, "stat", &value, &count) &&
        !find_value(text, bytes, "status", &value, &count)) {
        return false;
    }
    take_word(receipt_out, value, count);
    return true;
}

static void read_tlvs(const struct smpp_pdu *pdu, struct receipt *receipt) {
    struct lantoa_str value;
    uint32_t number;
    if (smpp_tlv_find(pdu->tlvs, SMPP_TAG_RECEIPTED_ID, &value)) {
        keep(receipt->id, sizeof(receipt->id), value.at, value.bytes);
    }
    if (smpp_tlv_number(pdu->tlvs, SMPP_TAG_MESSAGE_STATE, &number)) {
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            if (states[i].number == number) {
                take_state(receipt, &states[i]);
            }
        }
    }
    if (smpp_tlv_find(pdu->tlvs, SMPP_TAG_NETWORK_ERROR, &value) && value.bytes == 3) {
        const unsigned char *at = (const unsigned char *)value.at;
        unsigned code = (unsigned)at[1] << 8 | at[2];
        if (code != 0 || receipt->error[0] == '\0') {
            snprintf(receipt->error, sizeof(receipt->error), "%u/%u", at[0], code);
        }
    }
}

bool receipt_read(const struct smpp_pdu *pdu, struct receipt *receipt_out) {
    struct lantoa_str text = pdu->short_message, unused;
    uint32_t state;
    unsigned type = pdu->esm_class & 0x3Cu;
    if (text.bytes == 0 || text.at == NULL) {
        text = (struct lantoa_str){"", 0};
        (void)smpp_tlv_find(pdu->tlvs, SMPP_TAG_PAYLOAD, &text);
    }
    bool said = receipt_read_text(text.at, text.bytes, receipt_out);
    bool tagged = smpp_tlv_find(pdu->tlvs, SMPP_TAG_RECEIPTED_ID, &unused);
    bool stated = smpp_tlv_number(pdu->tlvs, SMPP_TAG_MESSAGE_STATE, &state);
    /* 0x04 receipt, 0x20 intermediate notification. Some operators forget the class. */
    bool marked = type == 0x04 || type == 0x20;
    if (!marked && !(type == 0 && tagged && (said || stated))) {
        return false;
    }
    read_tlvs(pdu, receipt_out);
    if (type == 0x20 && receipt_out->kind == LANTOA_EVENT_FAILED) {
        receipt_out->kind = LANTOA_EVENT_DELAYED; /* not the last word */
    }
    return true;
}
