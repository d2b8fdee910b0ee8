/* What an operator sends: any stream of bytes is cut into PDUs or left; what is found in a PDU lies
 * inside it, what is encoded again decodes to the same, and a receipt is fit for a column. */
#include "fuzz.h"

#include "pdu.h"
#include "receipt.h"

static void inside(struct lantoa_str part, const unsigned char *from, size_t bytes) {
    const unsigned char *at = (const unsigned char *)part.at;
    FUZZ_HOLDS(part.at != NULL || part.bytes == 0);
    FUZZ_HOLDS(part.bytes == 0 || (at >= from && at + part.bytes <= from + bytes));
}

static void printable(const char *text, size_t room) {
    FUZZ_HOLDS(memchr(text, '\0', room) != NULL);
    for (; *text != '\0'; text++) {
        FUZZ_HOLDS(*text > ' ' && *text < 0x7F);
    }
}

static void look_at(const struct smpp_pdu *pdu, const unsigned char *at, size_t bytes) {
    const struct lantoa_str *texts[] = {&pdu->system_id, &pdu->password, &pdu->system_type,
        &pdu->address_range, &pdu->service_type, &pdu->source_addr, &pdu->dest_addr,
        &pdu->schedule_delivery_time, &pdu->validity_period, &pdu->short_message, &pdu->message_id,
        &pdu->tlvs};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        inside(*texts[i], at, bytes);
    }
    struct lantoa_str run = pdu->tlvs;
    struct smpp_tlv tlv;
    size_t left = run.bytes + 1;
    while (smpp_tlv_next(&run, &tlv)) {
        FUZZ_HOLDS(run.bytes < left);
        left = run.bytes;
        inside(tlv.value, at, bytes);
    }
    struct receipt receipt;
    if (receipt_read(pdu, &receipt)) {
        printable(receipt.id, sizeof(receipt.id));
        printable(receipt.state, sizeof(receipt.state));
        printable(receipt.error, sizeof(receipt.error));
        FUZZ_HOLDS(receipt.kind == LANTOA_EVENT_DELIVERED || receipt.kind == LANTOA_EVENT_FAILED ||
                   receipt.kind == LANTOA_EVENT_DELAYED);
    }
}

/* Encoded and taken apart once more: the same. */
static void there_and_back(const struct smpp_pdu *pdu) {
    struct bytes out = {0};
    struct smpp_pdu again;
    if (smpp_pdu_encode(pdu, &out)) {
        FUZZ_HOLDS(smpp_pdu_length((const unsigned char *)out.at, out.used) == (int64_t)out.used);
        FUZZ_HOLDS(
            smpp_pdu_decode((const unsigned char *)out.at, out.used, &again) == SMPP_DECODE_OK);
        FUZZ_HOLDS(again.sequence == pdu->sequence && again.status == pdu->status &&
                   again.command == pdu->command);
        FUZZ_HOLDS(again.short_message.bytes == pdu->short_message.bytes &&
                   again.tlvs.bytes == pdu->tlvs.bytes);
        FUZZ_HOLDS(again.source_addr.bytes == pdu->source_addr.bytes &&
                   again.data_coding == pdu->data_coding);
    }
    bytes_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    while (count > 0) {
        struct smpp_pdu pdu;
        int64_t length = smpp_pdu_length(bytes, count);
        if (length <= 0) {
            break;
        }
        FUZZ_HOLDS(length >= SMPP_HEADER_BYTES && (size_t)length <= count);
        if (smpp_pdu_decode(bytes, (size_t)length, &pdu) == SMPP_DECODE_OK) {
            FUZZ_HOLDS(smpp_pdu_name(pdu.command) != NULL);
            look_at(&pdu, bytes, (size_t)length);
            there_and_back(&pdu);
        }
        bytes += length;
        count -= (size_t)length;
    }
    return 0;
}
