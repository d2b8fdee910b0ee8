/* What a device or its channel said of an airing, for people: whose word it is, whose clock was
 * wrong, and the words in their language. */
#include "delivery/airing.h"

#include "base/json.h"
#include "base/parse.h"
#include "base/tr.h"

#define DETAIL_BYTES_MAX 4096

void airing_proof_read(struct str detail, struct airing_proof *proof_out) {
    *proof_out = (struct airing_proof){0};
    if (detail.bytes == 0 || detail.bytes >= DETAIL_BYTES_MAX || detail.at[0] != '{') {
        return;
    }
    json_t *root = json_loadb(detail.at, detail.bytes, 0, NULL);
    const char *by = json_string_value(json_object_get(root, "by"));
    const json_t *offset = json_object_get(root, "clock_offset_ms");
    if (by) {
        proof_out->by = strcmp(by, "device") == 0   ? AIRING_BY_DEVICE
                        : strcmp(by, "sender") == 0 ? AIRING_BY_SENDER
                                                    : AIRING_BY_NOBODY;
    }
    proof_out->clock_offset_ms = json_is_integer(offset) ? json_integer_value(offset) : 0;
    proof_out->clock_doubtful = json_object_get(root, "clock") != NULL;
    json_decref(root);
}

/* What the plugin for loudspeakers says (plugins/loudspeaker/README.md), each in the tables of
 * texts: longer ones first. */
static const char *const phrases[] = {
    "missed: the device was playing something else until",
    "missed: the device sent no record of it",
    "missed: device offline",
    "expired: it could begin until",
    "the latest time to begin",
    "cut by an emergency at",
    "cut: device lost at",
    "cut: withdrawn",
    "the player died and was restarted at",
    "refused by the device",
    "confirmation code",
    "confirmed by",
    "s played, from",
    "s played",
    "not more than",
    "expired",
    "missed",
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The phrase that stands at i as whole words; NULL: none. */
static const char *phrase_at(struct str detail, size_t i) {
    struct str rest = str_of(detail.at + i, detail.bytes - i);
    if (i > 0 && is_digit(detail.at[i - 1]) && str_starts(rest, STR(" of ")) && rest.bytes > 4 &&
        is_digit(rest.at[4])) {
        return " of "; /* "40 of 95" */
    }
    if (i > 0 && detail.at[i - 1] != ' ') {
        return NULL;
    }
    for (size_t k = 0; k < sizeof phrases / sizeof phrases[0]; k++) {
        size_t bytes = strlen(phrases[k]);
        if (str_starts(rest, str_from(phrases[k])) &&
            (rest.bytes == bytes || strchr(" ,:", rest.at[bytes]))) {
            return phrases[k];
        }
    }
    return NULL;
}

void airing_words(struct str detail, struct base_buf *out) {
    for (size_t i = 0; i < detail.bytes;) {
        const char *found = phrase_at(detail, i);
        if (found) {
            base_buf_add_text(out, TR(found));
            i += strlen(found);
        } else {
            base_buf_add_char(out, detail.at[i++]);
        }
    }
}
