/* Words, ids and keys of the ledger. */
#include "delivery/ledger.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/tr.h"
#include "store/schema.h"

static const struct {
    int number;
    const char *word;
} states[] = {
#define ROW(name, value, word) {value, word},
    MESSAGE_STATES(ROW)
#undef ROW
};

static const struct {
    int number;
    const char *word;
} reasons[] = {
#define ROW(name, value, word) {value, word},
    LANTOA_REASONS(ROW) MESSAGE_REASONS(ROW)
#undef ROW
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *message_state_word(int state) {
    for (size_t i = 0; i < COUNT(states); i++) {
        if (states[i].number == state) {
            return states[i].word;
        }
    }
    return "?";
}

const char *message_reason_word(int reason) {
    if (reason == 0) {
        return "";
    }
    for (size_t i = 0; i < COUNT(reasons); i++) {
        if (reasons[i].number == reason) {
            return reasons[i].word;
        }
    }
    return "?";
}

bool message_state_from_word(struct str word, enum message_state *state_out) {
    for (size_t i = 0; i < COUNT(states); i++) {
        if (str_is(word, states[i].word)) {
            *state_out = (enum message_state)states[i].number;
            return true;
        }
    }
    return false;
}

bool message_reason_from_word(struct str word, int *reason_out) {
    for (size_t i = 0; i < COUNT(reasons); i++) {
        if (str_is(word, reasons[i].word)) {
            *reason_out = reasons[i].number;
            return true;
        }
    }
    return false;
}

const char *message_state_label(int state) {
    return TR(message_state_word(state));
}

const char *message_reason_label(int reason) {
    return TR(message_reason_word(reason));
}

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

/* The 37 proving bits of an id. */
static uint64_t proof(struct base_hmac *instance, int64_t id) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)id >> (56 - 8 * i));
    }
    uint8_t mac[BASE_SHA256_BYTES];
    base_hmac_sign(instance, bytes, sizeof bytes, mac);
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++) {
        bits = bits << 8 | mac[i];
    }
    return bits >> 3;
}

void ledger_key(struct base_hmac *instance, int64_t id, char out[static LEDGER_KEY_BYTES + 1]) {
    /* 100 bits: 63 of the id, then 37 of the proof; the first 12 characters are pure id, the 13th
     * holds 3 bits of it. */
    uint64_t mac = proof(instance, id);
    for (int i = 0; i < 12; i++) {
        out[i] = alphabet[(uint64_t)id >> (58 - 5 * i) & 31];
    }
    out[12] = alphabet[((uint64_t)id & 7) << 2 | mac >> 35];
    for (int i = 13; i < LEDGER_KEY_BYTES; i++) {
        out[i] = alphabet[mac >> (30 - 5 * (i - 13)) & 31];
    }
    out[LEDGER_KEY_BYTES] = '\0';
}

/* Takes a key apart without believing it. */
static int key_split(struct str key, int64_t *id_out, uint64_t *mac_out) {
    if (key.bytes != LEDGER_KEY_BYTES) {
        return LANTOA_EINVAL;
    }
    uint64_t id = 0;
    uint64_t mac = 0;
    for (int i = 0; i < LEDGER_KEY_BYTES; i++) {
        char c = key.at[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a'); /* mail systems may change the case of a local part */
        }
        uint64_t value;
        if (c >= 'a' && c <= 'z') {
            value = (uint64_t)(c - 'a');
        } else if (c >= '2' && c <= '7') {
            value = (uint64_t)(c - '2') + 26;
        } else {
            return LANTOA_EINVAL;
        }
        if (i < 12) {
            id = id << 5 | value;
        } else if (i == 12) {
            id = id << 3 | value >> 2;
            mac = value & 3;
        } else {
            mac = mac << 5 | value;
        }
    }
    *id_out = (int64_t)id;
    *mac_out = mac;
    return 0;
}

int ledger_instance(struct db *db, struct base_hmac **instance_out, struct base_err *err) {
    char *hex = NULL;
    uint8_t key[BASE_SHA256_BYTES];
    int rc = schema_meta_get(db, "instance_key", &hex, err);
    if (rc == 0 && base_unhex(str_from(hex), key, sizeof key) != 0) {
        rc = base_err_set(err, LANTOA_ECORRUPT, "meta.instance_key");
    }
    if (rc == 0) {
        *instance_out = base_hmac_new(key, sizeof key);
    }
    base_free(hex);
    return rc;
}

int ledger_key_read(struct base_hmac *instance, struct str key, int64_t *id_out) {
    int64_t id;
    uint64_t mac;
    if (key_split(key, &id, &mac) != 0 || proof(instance, id) != mac) {
        return LANTOA_EINVAL;
    }
    *id_out = id;
    return 0;
}

int ledger_key_id(struct str key, int64_t *id_out) {
    uint64_t mac;
    return key_split(key, id_out, &mac);
}
