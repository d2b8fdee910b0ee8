/* Receipts as operators write them, and ids in all their forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receipt.h"
#include "refs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct receipt read_text(const char *text) {
    struct receipt receipt;
    assert_true(receipt_read_text(text, strlen(text), &receipt));
    return receipt;
}

static void texts_in_any_shape(void **state) {
    (void)state;
    struct receipt r = read_text("id:0123abc sub:001 dlvrd:001 submit date:2611231200 done "
                                 "date:2611231201 stat:DELIVRD err:000 text:Xin");
    assert_string_equal(r.id, "0123abc");
    assert_int_equal(r.kind, LANTOA_EVENT_DELIVERED);
    assert_string_equal(r.error, "000");
    r = read_text("Stat: undeliv Err:1B ID: 77");
    assert_string_equal(r.id, "77");
    assert_int_equal(r.kind, LANTOA_EVENT_FAILED);
    assert_int_equal(r.reason, LANTOA_REASON_UNREACHABLE);
    assert_string_equal(r.error, "1B");
    r = read_text("STATUS=EXPIRED;ID=9,ERR=5");
    assert_string_equal(r.id, "9");
    assert_int_equal(r.kind, LANTOA_EVENT_FAILED);
    assert_string_equal(r.state, "EXPIRED");
    r = read_text("id:1 stat:ACCEPTD");
    assert_int_equal(r.kind, LANTOA_EVENT_DELAYED);
    r = read_text("id:1 stat:REJECTD err:");
    assert_int_equal(r.reason, LANTOA_REASON_REFUSED);
    r = read_text("id:1 stat:QUEUED-SOMEWHERE");
    assert_int_equal(r.kind, LANTOA_EVENT_DELAYED);
    assert_string_equal(r.state, "QUEUED-SOMEWHERE");
    /* "sid:" and "text: id:" are not the id. */
    r = read_text("sid:5 id:6 stat:DELIVERED text:id:7 stat:FAILED");
    assert_string_equal(r.id, "6");
    assert_int_equal(r.kind, LANTOA_EVENT_DELIVERED);
    struct receipt none;
    assert_false(receipt_read_text("Xin chao", 8, &none));
    assert_false(receipt_read_text("", 0, &none));
    assert_false(receipt_read_text("stat:", 5, &none));
    assert_false(receipt_read_text("stat", 4, &none));
}

static void tlvs_win_over_text(void **state) {
    (void)state;
    struct bytes tlvs = {0};
    smpp_tlv_put(&tlvs, SMPP_TAG_RECEIPTED_ID, "FF\0", 3);
    smpp_tlv_put_number(&tlvs, SMPP_TAG_MESSAGE_STATE, 5, 1);
    smpp_tlv_put(&tlvs, SMPP_TAG_NETWORK_ERROR, "\3\0\x1B", 3);
    const char *text = "id:255 stat:DELIVRD err:000";
    struct smpp_pdu pdu = {.command = SMPP_DELIVER_SM,
        .esm_class = 4,
        .short_message = {text, strlen(text)},
        .tlvs = {tlvs.at, tlvs.used}};
    struct receipt r;
    assert_true(receipt_read(&pdu, &r));
    assert_string_equal(r.id, "FF");
    assert_int_equal(r.kind, LANTOA_EVENT_FAILED);
    assert_string_equal(r.error, "3/27");
    pdu.esm_class = 0x20; /* an intermediate notification is never the last word */
    assert_true(receipt_read(&pdu, &r));
    assert_int_equal(r.kind, LANTOA_EVENT_DELAYED);
    pdu.esm_class = 0; /* some forget the class */
    assert_true(receipt_read(&pdu, &r));
    pdu.tlvs.bytes = 0; /* then it is a text that somebody wrote */
    assert_false(receipt_read(&pdu, &r));
    bytes_release(&tlvs);
}

static const struct refs_numbers numbers = {{"+84912345678", 12}, {"BHXH", 4}};
static const struct refs_numbers others = {{"+84900000000", 12}, {"BHXH", 4}};

static struct lantoa_str str(const char *text) {
    return (struct lantoa_str){text, strlen(text)};
}

static enum refs_found look(struct refs *refs, const char *id, const char *expected) {
    char key[SMPP_KEY_ROOM] = "";
    enum refs_found found = refs_take(refs, id, &numbers, LANTOA_EVENT_DELIVERED, key);
    if (found == REFS_FOUND && expected != NULL) {
        assert_string_equal(key, expected);
    }
    return found;
}

static void ids_in_all_forms(void **state) {
    (void)state;
    static const struct {
        enum refs_form form;
        const char *answer, *receipt;
        bool found;
    } cases[] = {
        {REFS_TEXT, "0A", "0A", true},
        {REFS_TEXT, "0A", "0a", false},
        {REFS_HEX, "0A", "a", true},
        {REFS_HEX_THEN_DECIMAL, "1A2B", "6699", true},
        {REFS_HEX_THEN_DECIMAL, "1A2B", "1A2B", true}, /* no number in decimal: taken as it is */
        {REFS_HEX_THEN_DECIMAL, "10", "10", false},
        {REFS_DECIMAL_THEN_HEX, "6699", "01a2b", true},
        {REFS_DECIMAL, "0077", "77", true},
        {REFS_EITHER, "1a2b", "6699", true},
        {REFS_EITHER, "6699", "1A2B", true},
        {REFS_EITHER, "x-1", "X-1", true},
        {REFS_EITHER, "5", "6", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refs *refs = refs_new(cases[i].form, 2000);
        uint64_t message = refs_message(refs, str("key"), str("0912345678"), 1);
        refs_add(refs, message, cases[i].answer);
        if ((look(refs, cases[i].receipt, "key") == REFS_FOUND) != cases[i].found) {
            fail_msg("form %d: %s and %s", (int)cases[i].form, cases[i].answer, cases[i].receipt);
        }
        refs_free(refs);
    }
}

/* Hex 10 is 16: a receipt for decimal 10 must not go to the message of hex 10, if the number says
 * otherwise. */
static void either_needs_the_number(void **state) {
    (void)state;
    struct refs *refs = refs_new(REFS_EITHER, 2000);
    char key[SMPP_KEY_ROOM] = "";
    refs_add(refs, refs_message(refs, str("ten"), str("84900000000"), 1), "A");
    refs_add(refs, refs_message(refs, str("sixteen"), str("84912345678"), 1), "10");
    assert_int_equal(refs_take(refs, "10", &others, LANTOA_EVENT_DELIVERED, key), REFS_FOUND);
    assert_string_equal(key, "ten");
    assert_int_equal(look(refs, "16", "sixteen"), REFS_FOUND);
    char ref[65];
    refs_of_receipt(refs, "26", ref, sizeof(ref)); /* the form has been learned */
    assert_string_equal(ref, "1A");
    refs_free(refs);
}

static void all_parts_make_a_delivery(void **state) {
    (void)state;
    struct refs *refs = refs_new(REFS_TEXT, 2000);
    uint64_t message = refs_message(refs, str("long"), str("84912345678"), 3);
    refs_add(refs, message, "1");
    refs_add(refs, message, "2");
    refs_add(refs, message, "3");
    assert_int_equal(look(refs, "1", NULL), REFS_PARTIAL);
    assert_int_equal(look(refs, "1", NULL), REFS_PARTIAL); /* repeated */
    assert_int_equal(look(refs, "3", NULL), REFS_PARTIAL);
    assert_int_equal(look(refs, "2", "long"), REFS_FOUND);
    char key[SMPP_KEY_ROOM];
    assert_int_equal(refs_take(refs, "1", &numbers, LANTOA_EVENT_FAILED, key), REFS_FOUND);
    refs_free(refs);
}

static void the_oldest_are_forgotten(void **state) {
    (void)state;
    enum { MOST = 4096, COUNT = 10000 };
    struct refs *refs = refs_new(REFS_TEXT, MOST);
    char id[20];
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        refs_add(refs, refs_message(refs, str(id), str("84912345678"), 1), id);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        assert_int_equal(look(refs, id, id), i < COUNT - MOST ? REFS_UNKNOWN : REFS_FOUND);
    }
    refs_free(refs);
}

/* A file of parts in a folder of its own, and refs over it: one run of the plugin. */
struct run {
    struct parts *parts;
    struct refs *refs;
};

static struct run run_begin(const char *folder, size_t most) {
    char error[200] = "";
    struct run run = {parts_open(folder, most, error, sizeof(error)), refs_new(REFS_EITHER, most)};
    if (run.parts == NULL) {
        fail_msg("%s", error);
    }
    refs_keep(run.refs, run.parts);
    return run;
}

static void run_end(struct run *run) {
    refs_free(run->refs);
    parts_close(run->parts);
}

static void parts_outlive_the_process(void **state) {
    (void)state;
    char folder[] = "/tmp/lantoa-parts-XXXXXX", path[64], id[20];
    assert_non_null(mkdtemp(folder));
    struct run run = run_begin(folder, 4096);
    uint64_t one = refs_message(run.refs, str("aaaaaaaaaaaaaaaaaaab"), str("84912345678"), 2);
    uint64_t two = refs_message(run.refs, str("aaaaaaaaaaaaaaaaaaac"), str("84912345678"), 3);
    refs_add(run.refs, one, "1A2B");
    refs_add(run.refs, two, "B1");
    refs_add(run.refs, one, "1A2C");
    refs_add(run.refs, two, "B2");
    assert_int_equal(look(run.refs, "6699", NULL), REFS_PARTIAL);
    run_end(&run); /* nothing is written at the end: as if it had been killed */
    run = run_begin(folder, 4096);
    assert_int_equal(look(run.refs, "6699", NULL), REFS_PARTIAL); /* repeated */
    assert_int_equal(look(run.refs, "6700", "aaaaaaaaaaaaaaaaaaab"), REFS_FOUND);
    assert_int_equal(look(run.refs, "B1", NULL), REFS_PARTIAL);
    assert_int_equal(look(run.refs, "B2", NULL), REFS_PARTIAL); /* the third was never told */
    /* Numbers of messages begin anew in each run: those of the last one are not mixed up. */
    one = refs_message(run.refs, str("aaaaaaaaaaaaaaaaaaad"), str("84912345678"), 2);
    refs_add(run.refs, one, "C1");
    refs_add(run.refs, one, "C2");
    run_end(&run);
    run = run_begin(folder, 4096);
    assert_int_equal(look(run.refs, "C1", NULL), REFS_PARTIAL);
    assert_int_equal(look(run.refs, "C2", "aaaaaaaaaaaaaaaaaaad"), REFS_FOUND);
    for (int i = 0; i < 5000; i++) { /* it grows, and goes round */
        snprintf(id, sizeof(id), "m%d", i);
        if (i % 2 == 0) {
            one = refs_message(run.refs, str("aaaaaaaaaaaaaaaaaaae"), str("84912345678"), 2);
        }
        refs_add(run.refs, one, id);
    }
    run_end(&run);
    run = run_begin(folder, 4096);
    assert_int_equal(look(run.refs, "C1", NULL), REFS_UNKNOWN);
    assert_int_equal(look(run.refs, "m4998", NULL), REFS_PARTIAL);
    assert_int_equal(look(run.refs, "m4999", "aaaaaaaaaaaaaaaaaaae"), REFS_FOUND);
    run_end(&run);
    snprintf(path, sizeof(path), "%s/parts", folder);
    FILE *file = fopen(path, "r+"); /* what is not of this kind is begun anew */
    assert_non_null(file);
    fputs("garbage", file);
    fclose(file);
    run = run_begin(folder, 4096);
    assert_int_equal(look(run.refs, "m4999", NULL), REFS_UNKNOWN);
    run_end(&run);
    unlink(path);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_in_any_shape),
        cmocka_unit_test(tlvs_win_over_text),
        cmocka_unit_test(ids_in_all_forms),
        cmocka_unit_test(either_needs_the_number),
        cmocka_unit_test(all_parts_make_a_delivery),
        cmocka_unit_test(the_oldest_are_forgotten),
        cmocka_unit_test(parts_outlive_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
