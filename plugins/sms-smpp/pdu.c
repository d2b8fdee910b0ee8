/* PDUs as bytes and back; see pdu.h. */
#include "pdu.h"

enum field_kind { FIELD_TEXT, FIELD_BYTE, FIELD_OCTETS };

struct field {
    uint8_t kind, most;
    uint16_t offset;
};

struct row {
    uint32_t command;
    const char *name;
    const struct field *fields;
    size_t count;
};

#define TEXT(field, most) {FIELD_TEXT, most, offsetof(struct smpp_pdu, field)},
#define BYTE(field) {FIELD_BYTE, 1, offsetof(struct smpp_pdu, field)},
#define OCTETS(field) {FIELD_OCTETS, SMPP_SHORT_MESSAGE_MOST, offsetof(struct smpp_pdu, field)},
#define END                                                                                        \
    { 0, 0, 0 }
#define SMPP_PDU(pdu, id, body)                                                                    \
    static const struct field fields_of_##pdu[] = {SMPP_BODY_##body(TEXT, BYTE, OCTETS) END};
#include "pdu.def"
#undef SMPP_PDU
#undef TEXT
#undef BYTE
#undef OCTETS

#define SMPP_PDU(pdu, id, body)                                                                    \
    {id, #pdu, fields_of_##pdu, sizeof(fields_of_##pdu) / sizeof(struct field) - 1},
static const struct row rows[] = {
#include "pdu.def"
};
#undef SMPP_PDU

static const struct row *row_of(uint32_t command) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].command == command) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *smpp_pdu_name(uint32_t command) {
    const struct row *row = row_of(command);
    return row == NULL ? NULL : row->name;
}

static uint32_t get32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(char *at, uint32_t value) {
    at[0] = (char)(value >> 24);
    at[1] = (char)(value >> 16);
    at[2] = (char)(value >> 8);
    at[3] = (char)value;
}

int64_t smpp_pdu_length(const unsigned char *at, size_t bytes) {
    if (bytes < 4) {
        return 0;
    }
    uint32_t length = get32(at);
    if (length < SMPP_HEADER_BYTES || length > SMPP_PDU_MOST) {
        return -1;
    }
    return length <= bytes ? (int64_t)length : 0;
}

/* --- taking apart --- */

struct cursor {
    const char *at;
    size_t left;
};

static struct lantoa_str take(struct cursor *cursor, size_t bytes) {
    struct lantoa_str taken = {cursor->at, bytes};
    cursor->at += bytes;
    cursor->left -= bytes;
    return taken;
}

static bool take_field(struct cursor *cursor, const struct field *field, char *to) {
    struct lantoa_str text = {"", 0};
    if (cursor->left == 0) {
        return false;
    }
    switch ((enum field_kind)field->kind) {
    case FIELD_BYTE:
        *to = take(cursor, 1).at[0];
        return true;
    case FIELD_TEXT: {
        const char *end = memchr(cursor->at, '\0', cursor->left);
        /* Some leave the NUL of the last text out. */
        text = take(cursor, end == NULL ? cursor->left : (size_t)(end - cursor->at));
        if (end != NULL) {
            (void)take(cursor, 1);
        }
        break;
    }
    case FIELD_OCTETS: {
        size_t bytes = (unsigned char)take(cursor, 1).at[0];
        if (bytes > cursor->left) {
            return false;
        }
        text = take(cursor, bytes);
        break;
    }
    }
    memcpy(to, &text, sizeof(text));
    return true;
}

enum smpp_decode smpp_pdu_decode(const unsigned char *at, size_t bytes, struct smpp_pdu *pdu_out) {
    const struct lantoa_str none = {"", 0};
    *pdu_out = (struct smpp_pdu){
        .command = get32(at + 4), .status = get32(at + 8), .sequence = get32(at + 12)};
    pdu_out->tlvs = none;
    const struct row *row = row_of(pdu_out->command);
    if (row == NULL) {
        return SMPP_DECODE_UNKNOWN;
    }
    struct cursor cursor = {(const char *)at + SMPP_HEADER_BYTES, bytes - SMPP_HEADER_BYTES};
    bool whole = true;
    for (size_t i = 0; i < row->count; i++) {
        char *to = (char *)pdu_out + row->fields[i].offset;
        if (row->fields[i].kind != FIELD_BYTE) {
            memcpy(to, &none, sizeof(none));
        }
        whole = whole && take_field(&cursor, &row->fields[i], to);
    }
    if (!whole && !SMPP_IS_RESPONSE(pdu_out->command)) {
        return SMPP_DECODE_BROKEN;
    }
    if (whole) {
        pdu_out->tlvs = take(&cursor, cursor.left);
    }
    return SMPP_DECODE_OK;
}

/* --- putting together --- */

static bool put_field(struct bytes *out, const struct field *field, const char *from) {
    struct lantoa_str text;
    if (field->kind == FIELD_BYTE) {
        bytes_put_char(out, *from);
        return true;
    }
    memcpy(&text, from, sizeof(text));
    if (text.at == NULL) {
        text = (struct lantoa_str){"", 0};
    }
    if (field->kind == FIELD_OCTETS) {
        bytes_put_char(out, (char)text.bytes);
        bytes_put_str(out, text);
        return text.bytes <= field->most;
    }
    bytes_put_str(out, text);
    bytes_put_char(out, '\0');
    return text.bytes < field->most && memchr(text.at, '\0', text.bytes) == NULL;
}

bool smpp_pdu_encode(const struct smpp_pdu *pdu, struct bytes *out) {
    const struct row *row = row_of(pdu->command);
    const size_t start = out->used;
    char header[SMPP_HEADER_BYTES] = {0};
    bool good = row != NULL && !out->failed;
    if (good) {
        put32(header + 4, pdu->command);
        put32(header + 8, pdu->status);
        put32(header + 12, pdu->sequence);
        bytes_put(out, header, sizeof(header));
        for (size_t i = 0; good && i < row->count; i++) {
            good = put_field(out, &row->fields[i], (const char *)pdu + row->fields[i].offset);
        }
        if (pdu->tlvs.bytes > 0) {
            bytes_put_str(out, pdu->tlvs);
        }
    }
    size_t length = out->used - start;
    good = good && !out->failed && length <= SMPP_PDU_MOST;
    if (!good) {
        out->used = start;
        return false;
    }
    put32(out->at + start, (uint32_t)length);
    return true;
}

/* --- TLVs --- */

bool smpp_tlv_next(struct lantoa_str *run, struct smpp_tlv *tlv_out) {
    const unsigned char *at = (const unsigned char *)run->at;
    if (run->bytes < 4) {
        return false;
    }
    size_t bytes = (size_t)at[2] << 8 | at[3];
    if (bytes > run->bytes - 4) {
        return false;
    }
    *tlv_out = (struct smpp_tlv){(uint16_t)(at[0] << 8 | at[1]), {run->at + 4, bytes}};
    run->at += 4 + bytes;
    run->bytes -= 4 + bytes;
    return true;
}

bool smpp_tlv_find(struct lantoa_str run, uint16_t tag, struct lantoa_str *value_out) {
    struct smpp_tlv tlv;
    while (smpp_tlv_next(&run, &tlv)) {
        if (tlv.tag == tag) {
            *value_out = tlv.value;
            return true;
        }
    }
    return false;
}

bool smpp_tlv_number(struct lantoa_str run, uint16_t tag, uint32_t *value_out) {
    struct lantoa_str value;
    if (!smpp_tlv_find(run, tag, &value) || value.bytes == 0 || value.bytes > 4) {
        return false;
    }
    *value_out = 0;
    for (size_t i = 0; i < value.bytes; i++) {
        *value_out = *value_out << 8 | (unsigned char)value.at[i];
    }
    return true;
}

void smpp_tlv_put(struct bytes *out, uint16_t tag, const void *value, size_t value_bytes) {
    char head[4] = {(char)(tag >> 8), (char)tag, (char)(value_bytes >> 8), (char)value_bytes};
    bytes_put(out, head, sizeof(head));
    bytes_put(out, value, value_bytes);
}

void smpp_tlv_put_number(struct bytes *out, uint16_t tag, uint32_t value, unsigned value_bytes) {
    char octets[4];
    put32(octets, value);
    smpp_tlv_put(out, tag, octets + 4 - value_bytes, value_bytes);
}
