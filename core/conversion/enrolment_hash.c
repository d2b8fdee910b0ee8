/* Keyed hashes: identifiers of the registry can be compared but not read. */
#include "conversion/enrolment_private.h"

#include "delivery/ledger.h"

int enrolment__hasher_init(struct enrolment__hasher *hasher, struct db *db, struct base_err *err) {
    return ledger_instance(db, &hasher->hmac, err);
}

void enrolment__hasher_release(struct enrolment__hasher *hasher) {
    if (hasher->hmac) {
        base_hmac_free(&hasher->hmac);
    }
}

int64_t enrolment__hash(
    const struct enrolment__hasher *hasher, const char *kind, struct str value) {
    uint8_t mac[BASE_SHA256_BYTES];
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    base_buf_add_text(&text, "enrolment/");
    base_buf_add(&text, kind, strlen(kind) + 1);
    base_buf_add_str(&text, value);
    base_hmac_sign(hasher->hmac, text.at, text.bytes, mac);
    base_buf_release(&text);
    uint64_t head = 0;
    for (int i = 0; i < 8; i++) {
        head = head << 8 | mac[i];
    }
    int64_t hash = (int64_t)(head >> 1);
    return hash ? hash : 1;
}
