/* The codec against libsmpp34, an implementation of others: what we write it must read, what it
 * writes we must read, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pdu.h"

#include <netinet/in.h>
#include <stdio.h>

#include <libsmpp34/smpp34.h>

#include <libsmpp34/smpp34_structs.h>

#include <libsmpp34/smpp34_params.h>

static uint8_t wire[8192];

static struct lantoa_str str(const char *text) {
    return (struct lantoa_str){text, strlen(text)};
}

static void same(struct lantoa_str ours, const uint8_t *theirs) {
    assert_int_equal(ours.bytes, strlen((const char *)theirs));
    assert_memory_equal(ours.at, theirs, ours.bytes);
}

static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A text of printable letters, of any length the field takes. */
static struct lantoa_str any(uint32_t *seed, char *room, size_t most) {
    size_t bytes = next(seed) % most;
    for (size_t i = 0; i < bytes; i++) {
        room[i] = (char)('!' + next(seed) % 90);
    }
    return (struct lantoa_str){room, bytes};
}

static void they_read_our_submit_sm(void **state) {
    (void)state;
    static submit_sm_t theirs;
    uint32_t seed = 7;
    struct bytes out = {0}, tlvs = {0};
    char texts[8][260];
    for (int round = 0; round < 500; round++) {
        bytes_clear(&out, 4096);
        bytes_clear(&tlvs, 4096);
        for (size_t i = 0; i < 254; i++) {
            texts[7][i] = (char)next(&seed);
        }
        smpp_tlv_put_number(&tlvs, SMPP_TAG_USER_MESSAGE_REFERENCE, next(&seed) & 0xFFFF, 2);
        smpp_tlv_put_number(&tlvs, SMPP_TAG_SAR_TOTAL, next(&seed) & 0xFF, 1);
        struct smpp_pdu ours = {.command = SMPP_SUBMIT_SM,
            .sequence = next(&seed),
            .service_type = any(&seed, texts[0], 6),
            .source_ton = (uint8_t)(next(&seed) % 7),
            .source_npi = 1,
            .source_addr = any(&seed, texts[1], 21),
            .dest_ton = (uint8_t)(next(&seed) % 7),
            .dest_npi = 1,
            .dest_addr = any(&seed, texts[2], 21),
            .esm_class = (uint8_t)next(&seed),
            .validity_period = round % 2 == 0 ? str("000001000000000R") : str(""),
            .registered_delivery = 1,
            .data_coding = (uint8_t)next(&seed),
            .short_message = {texts[7], next(&seed) % 255},
            .tlvs = {tlvs.at, tlvs.used}};
        assert_true(smpp_pdu_encode(&ours, &out));
        memset(&theirs, 0, sizeof(theirs));
        int status = smpp34_unpack2(&theirs, (const uint8_t *)out.at, (int)out.used);
        if (status != 0) {
            fail_msg("round %d: %s", round, smpp34_strerror);
        }
        assert_int_equal(theirs.command_length, out.used);
        assert_int_equal(theirs.sequence_number, ours.sequence);
        same(ours.service_type, theirs.service_type);
        same(ours.source_addr, theirs.source_addr);
        same(ours.dest_addr, theirs.destination_addr);
        same(ours.validity_period, theirs.validity_period);
        assert_int_equal(theirs.source_addr_ton, ours.source_ton);
        assert_int_equal(theirs.dest_addr_ton, ours.dest_ton);
        assert_int_equal(theirs.esm_class, ours.esm_class);
        assert_int_equal(theirs.registered_delivery, 1);
        assert_int_equal(theirs.data_coding, ours.data_coding);
        assert_int_equal(theirs.sm_length, ours.short_message.bytes);
        assert_memory_equal(theirs.short_message, texts[7], ours.short_message.bytes);
        assert_non_null(theirs.tlv);
        destroy_tlv(theirs.tlv);
    }
    bytes_release(&out);
    bytes_release(&tlvs);
}

static void they_read_our_binds(void **state) {
    (void)state;
    static const uint32_t commands[] = {
        SMPP_BIND_RECEIVER, SMPP_BIND_TRANSMITTER, SMPP_BIND_TRANSCEIVER};
    struct bytes out = {0};
    for (size_t i = 0; i < 3; i++) {
        struct smpp_pdu ours = {.command = commands[i],
            .sequence = 1,
            .system_id = str("lantoa"),
            .password = str("secret"),
            .system_type = str("VMA"),
            .interface_version = 0x34,
            .address_range = str("84")};
        bind_transceiver_t theirs = {0}; /* all three are alike */
        bytes_clear(&out, 4096);
        assert_true(smpp_pdu_encode(&ours, &out));
        assert_int_equal(smpp34_unpack2(&theirs, (const uint8_t *)out.at, (int)out.used), 0);
        assert_int_equal(theirs.command_id, commands[i]);
        same(ours.system_id, theirs.system_id);
        same(ours.password, theirs.password);
        same(ours.system_type, theirs.system_type);
        same(ours.address_range, theirs.address_range);
        assert_int_equal(theirs.interface_version, 0x34);
    }
    bytes_release(&out);
}

static void they_read_our_answers(void **state) {
    (void)state;
    struct bytes out = {0};
    struct smpp_pdu ours = {.command = SMPP_DELIVER_SM_RESP, .sequence = 5};
    deliver_sm_resp_t answer = {0};
    assert_true(smpp_pdu_encode(&ours, &out));
    assert_int_equal(smpp34_unpack2(&answer, (const uint8_t *)out.at, (int)out.used), 0);
    assert_int_equal(answer.sequence_number, 5);
    static const uint32_t bare[] = {SMPP_ENQUIRE_LINK, SMPP_ENQUIRE_LINK_RESP, SMPP_UNBIND,
        SMPP_UNBIND_RESP, SMPP_GENERIC_NACK};
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
        enquire_link_t theirs = {0};
        bytes_clear(&out, 4096);
        assert_true(smpp_pdu_encode(
            &(struct smpp_pdu){.command = bare[i], .sequence = 6, .status = 0}, &out));
        assert_int_equal(smpp34_unpack2(&theirs, (const uint8_t *)out.at, (int)out.used), 0);
        assert_int_equal(theirs.command_id, bare[i]);
    }
    bytes_release(&out);
}

static void we_read_their_deliver_sm(void **state) {
    (void)state;
    static deliver_sm_t theirs;
    theirs = (deliver_sm_t){.command_id = DELIVER_SM,
        .sequence_number = 77,
        .source_addr_ton = 1,
        .source_addr_npi = 1,
        .dest_addr_ton = 5,
        .esm_class = 4,
        .registered_delivery = 0,
        .data_coding = 8,
        .sm_length = 6};
    snprintf((char *)theirs.source_addr, sizeof(theirs.source_addr), "84912345678");
    snprintf((char *)theirs.destination_addr, sizeof(theirs.destination_addr), "BHXH");
    memcpy(theirs.short_message, "\0a\x1e\xbf\0b", 6);
    tlv_t id = {.tag = TLVID_receipted_message_id, .length = 4};
    memcpy(id.value.octet, "1A2", 4);
    tlv_t message_state = {.tag = TLVID_message_state, .length = 1};
    message_state.value.val08 = 2;
    assert_int_equal(build_tlv(&theirs.tlv, &id), 0);
    assert_int_equal(build_tlv(&theirs.tlv, &message_state), 0);
    int length = 0;
    if (smpp34_pack2(wire, sizeof(wire), &length, &theirs) != 0) {
        fail_msg("they cannot write it: %s", smpp34_strerror);
    }
    destroy_tlv(theirs.tlv);
    struct smpp_pdu ours;
    assert_int_equal(smpp_pdu_length(wire, (size_t)length), length);
    assert_int_equal(smpp_pdu_decode(wire, (size_t)length, &ours), SMPP_DECODE_OK);
    assert_int_equal(ours.sequence, 77);
    assert_memory_equal(ours.source_addr.at, "84912345678", 11);
    assert_memory_equal(ours.dest_addr.at, "BHXH", 4);
    assert_int_equal(ours.dest_ton, 5);
    assert_int_equal(ours.data_coding, 8);
    assert_int_equal(ours.short_message.bytes, 6);
    assert_memory_equal(ours.short_message.at, "\0a\x1e\xbf\0b", 6);
    uint32_t number;
    struct lantoa_str value;
    assert_true(smpp_tlv_number(ours.tlvs, SMPP_TAG_MESSAGE_STATE, &number));
    assert_int_equal(number, 2);
    assert_true(smpp_tlv_find(ours.tlvs, SMPP_TAG_RECEIPTED_ID, &value));
    assert_memory_equal(value.at, "1A2", 4);
}

static void we_read_their_answers(void **state) {
    (void)state;
    submit_sm_resp_t theirs = {.command_id = SUBMIT_SM_RESP, .sequence_number = 3};
    snprintf((char *)theirs.message_id, sizeof(theirs.message_id), "deadBEEF");
    int length = 0;
    struct smpp_pdu ours;
    assert_int_equal(smpp34_pack2(wire, sizeof(wire), &length, &theirs), 0);
    assert_int_equal(smpp_pdu_decode(wire, (size_t)length, &ours), SMPP_DECODE_OK);
    assert_int_equal(ours.message_id.bytes, 8);
    assert_memory_equal(ours.message_id.at, "deadBEEF", 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_read_our_submit_sm),
        cmocka_unit_test(they_read_our_binds),
        cmocka_unit_test(they_read_our_answers),
        cmocka_unit_test(we_read_their_deliver_sm),
        cmocka_unit_test(we_read_their_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
