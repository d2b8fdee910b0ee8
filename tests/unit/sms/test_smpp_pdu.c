/* The codec on its own: what it takes though others would not, and that it never looks too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pdu.h"

#include <stdlib.h>

static struct lantoa_str str(const char *text) {
    return (struct lantoa_str){text, strlen(text)};
}

static struct smpp_pdu deliver(void) {
    return (struct smpp_pdu){.command = SMPP_DELIVER_SM,
        .sequence = 7,
        .source_ton = 1,
        .source_npi = 1,
        .source_addr = str("84912345678"),
        .dest_addr = str("BHXH"),
        .dest_ton = 5,
        .esm_class = 4,
        .short_message = {"a\0b", 3}};
}

/* Decodes from memory that ends where the PDU does, so that a look behind it is a fault. */
static enum smpp_decode decode(const char *at, size_t bytes, struct smpp_pdu *pdu_out) {
    static unsigned char *copy;
    free(copy);
    copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, at, bytes);
    return smpp_pdu_decode(copy, bytes, pdu_out);
}

static void set_length(struct bytes *out) {
    out->at[2] = (char)(out->used >> 8);
    out->at[3] = (char)out->used;
    out->at[1] = (char)(out->used >> 16);
}

static void there_and_back(void **state) {
    (void)state;
    struct bytes out = {0}, tlvs = {0};
    struct smpp_pdu pdu = deliver(), back;
    smpp_tlv_put_number(&tlvs, SMPP_TAG_MESSAGE_STATE, 2, 1);
    smpp_tlv_put(&tlvs, 0x1400, "vendor", 6);
    pdu.tlvs = (struct lantoa_str){tlvs.at, tlvs.used};
    assert_true(smpp_pdu_encode(&pdu, &out));
    assert_int_equal(smpp_pdu_length((unsigned char *)out.at, out.used), out.used);
    assert_int_equal(smpp_pdu_length((unsigned char *)out.at, out.used - 1), 0);
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_OK);
    assert_int_equal(back.sequence, 7);
    assert_int_equal(back.short_message.bytes, 3);
    assert_memory_equal(back.short_message.at, "a\0b", 3);
    assert_memory_equal(back.dest_addr.at, "BHXH", 4);
    uint32_t number;
    assert_true(smpp_tlv_number(back.tlvs, SMPP_TAG_MESSAGE_STATE, &number));
    assert_int_equal(number, 2);
    struct lantoa_str value;
    assert_true(smpp_tlv_find(back.tlvs, 0x1400, &value));
    assert_int_equal(value.bytes, 6);
    assert_false(smpp_tlv_find(back.tlvs, 0x1401, &value));
    bytes_release(&out);
    bytes_release(&tlvs);
}

/* All that libsmpp34 turns away, and real operators send. */
static void tolerant_as_needed(void **state) {
    (void)state;
    struct bytes out = {0};
    struct smpp_pdu pdu = deliver(), back;
    pdu.validity_period = str("000001000000000R");
    assert_true(smpp_pdu_encode(&pdu, &out));
    bytes_put_char(&out, 'x'); /* a stray byte behind it */
    set_length(&out);
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_OK);
    assert_int_equal(back.validity_period.bytes, 16);

    bytes_clear(&out, 0);
    pdu = deliver();
    static char big[65535];
    struct bytes tlvs = {0};
    smpp_tlv_put(&tlvs, SMPP_TAG_PAYLOAD, big, sizeof(big));
    pdu.tlvs = (struct lantoa_str){tlvs.at, tlvs.used};
    assert_true(smpp_pdu_encode(&pdu, &out));
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_OK);
    struct lantoa_str value;
    assert_true(smpp_tlv_find(back.tlvs, SMPP_TAG_PAYLOAD, &value));
    assert_int_equal(value.bytes, sizeof(big));

    /* A TLV that says it is longer than the rest ends the run. */
    out.at[out.used - sizeof(big) - 2] = (char)0xFF;
    out.used -= 10;
    set_length(&out);
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_OK);
    assert_false(smpp_tlv_find(back.tlvs, SMPP_TAG_PAYLOAD, &value));
    bytes_release(&tlvs);
    bytes_release(&out);
}

static void answers_without_a_body(void **state) {
    (void)state;
    struct bytes out = {0};
    struct smpp_pdu pdu = {.command = SMPP_SUBMIT_SM_RESP, .status = 0x58, .sequence = 9}, back;
    assert_true(smpp_pdu_encode(&pdu, &out));
    out.used = SMPP_HEADER_BYTES;
    set_length(&out);
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_OK);
    assert_int_equal(back.status, 0x58);
    assert_int_equal(back.message_id.bytes, 0);
    assert_non_null(back.message_id.at);
    bytes_put(&out, "abc", 3); /* an id without its NUL */
    set_length(&out);
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_OK);
    assert_int_equal(back.message_id.bytes, 3);
    bytes_release(&out);
}

static void broken_and_unknown(void **state) {
    (void)state;
    struct bytes out = {0};
    struct smpp_pdu pdu = deliver(), back;
    assert_true(smpp_pdu_encode(&pdu, &out));
    for (size_t bytes = SMPP_HEADER_BYTES; bytes < out.used; bytes++) {
        assert_int_equal(decode(out.at, bytes, &back), SMPP_DECODE_BROKEN);
        assert_int_equal(back.sequence, 7);
    }
    out.at[out.used - 4] = (char)255; /* sm_length over the end */
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_BROKEN);
    out.at[5] = 1; /* a vendor's command */
    assert_int_equal(decode(out.at, out.used, &back), SMPP_DECODE_UNKNOWN);
    assert_int_equal(smpp_pdu_length((const unsigned char *)"\0\0\0\x0f", 4), -1);
    assert_int_equal(smpp_pdu_length((const unsigned char *)"\0\x10\0\0", 4), -1);
    assert_int_equal(smpp_pdu_length((const unsigned char *)"\0\0\0", 3), 0);
    bytes_release(&out);
}

static void too_long_fields_are_not_sent(void **state) {
    (void)state;
    struct bytes out = {0};
    bytes_put_text(&out, "before");
    struct smpp_pdu pdu = deliver();
    pdu.source_addr = str("123456789012345678901");
    assert_false(smpp_pdu_encode(&pdu, &out));
    pdu = deliver();
    pdu.source_addr = (struct lantoa_str){"a\0b", 3};
    assert_false(smpp_pdu_encode(&pdu, &out));
    pdu = deliver();
    static char long_text[255];
    pdu.short_message = (struct lantoa_str){long_text, sizeof(long_text)};
    assert_false(smpp_pdu_encode(&pdu, &out));
    assert_int_equal(out.used, 6);
    bytes_release(&out);
}

/* Every command of the table, mutated: no byte outside is looked at, and what is found lies inside.
 */
static void mutations(void **state) {
    (void)state;
    static const uint32_t commands[] = {
#define SMPP_PDU(name, id, body) SMPP_##name,
#include "pdu.def"
#undef SMPP_PDU
    };
    struct bytes out = {0};
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        struct smpp_pdu pdu = deliver(), back;
        pdu.command = commands[(size_t)round % (sizeof(commands) / sizeof(commands[0]))];
        bytes_clear(&out, 1 << 16);
        assert_true(smpp_pdu_encode(&pdu, &out));
        for (int i = 0; i < 4 && out.used > SMPP_HEADER_BYTES; i++) {
            seed = seed * 1664525u + 1013904223u;
            out.at[SMPP_HEADER_BYTES + (seed >> 8) % (out.used - SMPP_HEADER_BYTES)] =
                (char)(seed >> 24);
        }
        size_t bytes = SMPP_HEADER_BYTES + (seed >> 4) % (out.used - SMPP_HEADER_BYTES + 1);
        if (decode(out.at, bytes, &back) == SMPP_DECODE_OK) {
            struct smpp_tlv tlv;
            size_t sum = back.short_message.bytes + back.tlvs.bytes;
            assert_true(sum <= bytes);
            while (smpp_tlv_next(&back.tlvs, &tlv)) {
            }
        }
    }
    bytes_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(tolerant_as_needed),
        cmocka_unit_test(answers_without_a_body),
        cmocka_unit_test(broken_and_unknown),
        cmocka_unit_test(too_long_fields_are_not_sent),
        cmocka_unit_test(mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
