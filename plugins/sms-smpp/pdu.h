/* SMPP 3.4 on the wire: PDUs as bytes and back, from the one table pdu.def. Tolerant in what it
 * takes, exact in what it makes; no byte is looked at that was not given. Knows no session. */
#ifndef SMPP_PDU_H
#define SMPP_PDU_H

#include "bytes.h"

enum {
    SMPP_HEADER_BYTES = 16,
    SMPP_PDU_MOST = 1 << 17, /* a body with one TLV of 64 KiB, and more */
    SMPP_SHORT_MESSAGE_MOST = 254,
};

#define SMPP_PDU(name, id, body) SMPP_##name = (id),
enum smpp_command {
#include "pdu.def"
};
#undef SMPP_PDU
#define SMPP_IS_RESPONSE(command) (((command)&0x80000000u) != 0)

enum smpp_tag {
    SMPP_TAG_USER_MESSAGE_REFERENCE = 0x0204,
    SMPP_TAG_SAR_REFERENCE = 0x020C,
    SMPP_TAG_SAR_TOTAL = 0x020E,
    SMPP_TAG_SAR_NUMBER = 0x020F,
    SMPP_TAG_SC_VERSION = 0x0210,
    SMPP_TAG_NETWORK_ERROR = 0x0423,
    SMPP_TAG_PAYLOAD = 0x0424,
    SMPP_TAG_MESSAGE_STATE = 0x0427,
    SMPP_TAG_RECEIPTED_ID = 0x001E,
};

/* All fields of all PDUs; a PDU uses those of its row. Texts and octets are BORROWED: from the
 * bytes decoded, or from whoever encodes. */
struct smpp_pdu {
    uint32_t command, status, sequence;
    struct lantoa_str system_id, password, system_type, address_range;
    uint8_t interface_version, addr_ton, addr_npi;
    struct lantoa_str service_type, source_addr, dest_addr;
    uint8_t source_ton, source_npi, dest_ton, dest_npi;
    uint8_t esm_class, protocol_id, priority_flag, registered_delivery, replace_if_present;
    uint8_t data_coding, sm_default_msg_id;
    struct lantoa_str schedule_delivery_time, validity_period;
    struct lantoa_str short_message; /* octets */
    struct lantoa_str message_id;
    struct lantoa_str tlvs; /* raw, as they came or as they shall go */
};

struct smpp_tlv {
    uint16_t tag;
    struct lantoa_str value;
};

enum smpp_decode {
    SMPP_DECODE_OK,
    SMPP_DECODE_UNKNOWN, /* header filled in; a command that is not in the table */
    SMPP_DECODE_BROKEN,  /* header filled in; the body does not hold its mandatory fields */
};

/* Bytes of the PDU at the front of what has come: 0 when more bytes are needed, -1 when the length
 * is none (the stream cannot be followed any more). */
int64_t smpp_pdu_length(const unsigned char *at, size_t bytes);
/* Takes a whole PDU apart. A response may end anywhere: what lacks is empty. Behind the mandatory
 * fields anything may follow. */
enum smpp_decode smpp_pdu_decode(const unsigned char *at, size_t bytes, struct smpp_pdu *pdu_out);
/* Appends the PDU. False when a text is longer than its field, holds a NUL, or memory lacks; then
 * `out` is as before. */
bool smpp_pdu_encode(const struct smpp_pdu *pdu, struct bytes *out) LANTOA_MUST_CHECK;
/* "SUBMIT_SM"; NULL for a command that is not in the table. */
const char *smpp_pdu_name(uint32_t command);

/* The next TLV of a run, which moves behind it; false at its end, or where the rest is no TLV. */
bool smpp_tlv_next(struct lantoa_str *run, struct smpp_tlv *tlv_out);
/* The first TLV with this tag. */
bool smpp_tlv_find(struct lantoa_str run, uint16_t tag, struct lantoa_str *value_out);
/* Its value as a number of 1, 2 or 4 bytes. */
bool smpp_tlv_number(struct lantoa_str run, uint16_t tag, uint32_t *value_out);
/* Appends one; value_bytes at most 65535. */
void smpp_tlv_put(struct bytes *out, uint16_t tag, const void *value, size_t value_bytes);
void smpp_tlv_put_number(struct bytes *out, uint16_t tag, uint32_t value, unsigned value_bytes);

#endif
