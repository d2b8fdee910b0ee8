/* Codes, keys and public addresses from anybody: a code or key that is accepted is the one that
 * would be made. */
#include "fuzz.h"

#include "delivery/ledger.h"
#include "delivery/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct base_hmac *instance = base_hmac_new("secret", 6);
    struct str text = str_of((const char *)bytes, count);
    int64_t id;
    int number;
    if (link_code_read(instance, text, &id, &number) == 0) {
        char code[LINK_CODE_BYTES + 1];
        link_code(instance, id, number, code);
        FUZZ_HOLDS(str_is(text, code));
    }
    if (ledger_key_read(instance, text, &id) == 0) {
        char key[LEDGER_KEY_BYTES + 1];
        ledger_key(instance, id, key);
        FUZZ_HOLDS(str_case_eq(text, str_from(key)));
    }
    if (ledger_key_id(text, &id) == 0) {
        FUZZ_HOLDS(id >= 0);
    }
    struct base_err err = {0};
    (void)!link_public_url_check(text, &err);
    (void)delivery_link_name(text);
    base_hmac_free(&instance);
    return 0;
}
