/* Ids, keys and words of the ledger. */
#include "delivery/ledger.h"

#include "support.h"

static void id_takes_apart(void **state) {
    (void)state;
    int64_t id = ledger_id(LEDGER_STEP_MAX, LEDGER_RECIPIENT_MAX, LEDGER_GENERATION_MAX);
    assert_true(id > 0);
    assert_int_equal(ledger_step(id), LEDGER_STEP_MAX);
    assert_true(ledger_recipient(id) == LEDGER_RECIPIENT_MAX);
    assert_int_equal(ledger_generation(id), LEDGER_GENERATION_MAX);
    id = ledger_id(7, 12345, 0);
    assert_true(ledger_first(7) <= id && id <= ledger_last(7));
    assert_true(ledger_last(6) < ledger_first(7));
    assert_int_equal(ledger_recipient(id), 12345);
}

static void key_proves_itself(void **state) {
    (void)state;
    struct base_hmac *ours = base_hmac_new("instance", 8);
    struct base_hmac *theirs = base_hmac_new("another", 7);
    const int64_t ids[] = {1, ledger_id(1, 1, 0), ledger_id(3, 999999, 2),
        ledger_id(LEDGER_STEP_MAX, LEDGER_RECIPIENT_MAX, 15)};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char key[LEDGER_KEY_BYTES + 1];
        int64_t id = 0;
        ledger_key(ours, ids[i], key);
        assert_int_equal(strlen(key), LEDGER_KEY_BYTES);
        assert_int_equal(strspn(key, "abcdefghijklmnopqrstuvwxyz234567"), LEDGER_KEY_BYTES);
        assert_int_equal(ledger_key_read(ours, str_from(key), &id), 0);
        assert_true(id == ids[i]);
        assert_int_equal(ledger_key_read(theirs, str_from(key), &id), LANTOA_EINVAL);
        for (size_t k = 0; k < LEDGER_KEY_BYTES; k++) { /* any changed character is found out */
            char was = key[k];
            key[k] = was == 'a' ? 'b' : 'a';
            assert_int_equal(ledger_key_read(ours, str_from(key), &id), LANTOA_EINVAL);
            key[k] = was;
        }
        key[0] = (char)(key[0] >= 'a' ? key[0] - 'a' + 'A' : key[0]);
        assert_int_equal(
            ledger_key_read(ours, str_from(key), &id), 0); /* mail systems change case */
        assert_int_equal(ledger_key_read(ours, str_of(key, 19), &id), LANTOA_EINVAL);
    }
    base_hmac_free(&ours);
    base_hmac_free(&theirs);
}

static void words_go_both_ways(void **state) {
    (void)state;
    enum message_state number;
    int reason;
    assert_true(message_state_from_word(STR("uncertain"), &number));
    assert_int_equal(number, MESSAGE_UNCERTAIN);
    assert_false(message_state_from_word(STR("sent"), &number));
    assert_true(message_reason_from_word(STR("holdout"), &reason));
    assert_int_equal(reason, SUPPRESSED_HOLDOUT);
    assert_true(message_reason_from_word(STR("invalid_address"), &reason));
    assert_int_equal(reason, LANTOA_REASON_ADDRESS);
    assert_string_equal(message_reason_word(0), "");
    assert_string_equal(message_reason_word(999), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_takes_apart),
        cmocka_unit_test(key_proves_itself),
        cmocka_unit_test(words_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
