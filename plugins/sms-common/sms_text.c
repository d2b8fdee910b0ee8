/* What a text costs as SMS, and where it is cut; see sms_text.h. */
#include "sms_text.h"

#include "gsm7.h"
#include "letters.h"
#include "utf8.h"

#include <string.h>

enum { PART_BYTES = 140, GREEK_FIRST = 0x393, GREEK_LAST = 0x3A9 };

/* Septets of the letters below U+0100: the value is 1 or 2, 0 when there is none. */
static const uint8_t low_septets[256] = {
#define X(septet, letter) [letter] = 1,
    SMS_GSM7_LOW(X)
#undef X
        ['\f'] = 2,
    ['^'] = 2,
    ['{'] = 2,
    ['}'] = 2,
    ['\\'] = 2,
    ['['] = 2,
    ['~'] = 2,
    [']'] = 2,
    ['|'] = 2,
};

static const uint8_t greek_septets[GREEK_LAST - GREEK_FIRST + 1] = {
#define X(septet, letter) [letter - GREEK_FIRST] = 1,
    SMS_GSM7_GREEK(X)
#undef X
};

unsigned sms_letter_septets(uint32_t letter) {
    if (letter < 256) {
        return low_septets[letter];
    }
    if (letter >= GREEK_FIRST && letter <= GREEK_LAST) {
        return greek_septets[letter - GREEK_FIRST];
    }
    return letter == 0x20AC ? 2 : 0;
}

static unsigned septets_in(uint32_t letter, enum sms_alphabet alphabet) {
    uint32_t most = alphabet == SMS_ALPHABET_GSM      ? UINT32_MAX
                    : alphabet == SMS_ALPHABET_LATIN1 ? 0xFF
                                                      : 0x7F;
    return letter <= most ? sms_letter_septets(letter) : 0;
}

static unsigned letter_units(uint32_t letter, enum sms_coding coding) {
    if (coding == SMS_UCS2) {
        return letter > 0xFFFF ? 2 : 1;
    }
    return sms_letter_septets(letter);
}

size_t sms_text_room(size_t bytes) {
    return bytes + bytes / 2 + 5;
}

/* --- cleaning --- */

struct cleaner {
    char *to;
    size_t used;
    uint32_t held; /* a letter that a mark may still join; 0: none */
    struct sms_cost *cost;
};

static void release_held(struct cleaner *cleaner) {
    if (cleaner->held != 0) {
        cleaner->used += sms_utf8_put(cleaner->held, cleaner->to + cleaner->used);
        cleaner->held = 0;
    }
}

static void hold(struct cleaner *cleaner, uint32_t letter) {
    release_held(cleaner);
    cleaner->held = letter;
}

static void clean_letter(struct cleaner *cleaner, uint32_t letter) {
    /* NUL and the other controls mean nothing on a phone, and part no letter from its mark. */
    if ((letter < ' ' && letter != '\n' && letter != '\t') || (letter >= 0x7F && letter < 0xA0)) {
        return;
    }
    if (sms_letter_is_mark(letter) && cleaner->held != 0) {
        uint32_t joined = sms_letter_with(cleaner->held, letter);
        if (joined != 0) {
            cleaner->held = joined;
            return;
        }
    }
    const char *plain = sms_letter_plain(letter);
    if (plain == NULL) {
        hold(cleaner, letter == SMS_BROKEN_LETTER ? '?' : letter);
        return;
    }
    if (cleaner->cost->replaced++ == 0) {
        cleaner->cost->replaced_first = letter;
    }
    for (; *plain != '\0'; plain++) {
        hold(cleaner, (unsigned char)*plain);
    }
}

static size_t clean(const char *text, size_t bytes, char *to, struct sms_cost *cost) {
    struct cleaner cleaner = {.to = to, .cost = cost};
    for (size_t at = 0; at < bytes;) {
        clean_letter(&cleaner, sms_utf8_get(text, bytes, &at));
    }
    release_held(&cleaner);
    return cleaner.used;
}

static size_t strip(char *text, size_t bytes) {
    size_t used = 0;
    for (size_t at = 0; at < bytes;) {
        uint32_t letter = sms_letter_bare(sms_utf8_get(text, bytes, &at));
        if (!sms_letter_is_mark(letter)) {
            used += sms_utf8_put(letter, text + used); /* never longer than what was read */
        }
    }
    return used;
}

/* --- counting --- */

static uint32_t seen(uint32_t letter, bool stripped) {
    return stripped ? sms_letter_bare(letter) : letter;
}

/* Finds out whether GSM 7-bit has all letters. */
static void choose_coding(const char *text, size_t bytes, bool stripped,
    const struct sms_rules *rules, struct sms_cost *cost) {
    cost->coding = SMS_GSM7;
    cost->costly = 0;
    cost->costly_at = cost->letters = 0;
    for (size_t at = 0; at < bytes;) {
        uint32_t letter = seen(sms_utf8_get(text, bytes, &at), stripped);
        if (stripped && sms_letter_is_mark(letter)) {
            continue;
        }
        cost->letters++;
        if (cost->costly == 0 && septets_in(letter, rules->alphabet) == 0) {
            cost->costly = letter;
            cost->costly_at = cost->letters;
        }
    }
    if (rules->coding == SMS_CODING_UCS2 ||
        (rules->coding == SMS_CODING_AUTO && cost->costly != 0)) {
        cost->coding = SMS_UCS2;
    }
}

/* Exact parts: filled one after the other, no letter is cut. */
static void count_parts(const char *text, size_t bytes, bool stripped,
    const struct sms_rules *rules, struct sms_cost *cost) {
    size_t octets = PART_BYTES - rules->header_bytes;
    size_t alone = cost->coding == SMS_GSM7 ? PART_BYTES * 8 / 7 : PART_BYTES / 2;
    cost->part_units = cost->coding == SMS_GSM7 ? octets * 8 / 7 : octets / 2;
    cost->units = 0;
    size_t parts = 1, in_part = 0;
    for (size_t at = 0; at < bytes;) {
        uint32_t letter = seen(sms_utf8_get(text, bytes, &at), stripped);
        if (stripped && sms_letter_is_mark(letter)) {
            continue;
        }
        size_t units = letter_units(letter, cost->coding);
        cost->units += units;
        if (in_part + units > cost->part_units) {
            parts++;
            in_part = 0;
        }
        in_part += units;
    }
    if (cost->units <= alone) {
        parts = 1;
        cost->part_units = alone;
    }
    cost->parts = parts;
}

static void measure(const char *text, size_t bytes, bool stripped, const struct sms_rules *rules,
    struct sms_cost *cost) {
    choose_coding(text, bytes, stripped, rules, cost);
    count_parts(text, bytes, stripped, rules, cost);
    cost->stripped = stripped;
}

static bool impossible(const struct sms_rules *rules, const struct sms_cost *cost) {
    return rules->coding == SMS_CODING_GSM7 && cost->costly != 0;
}

/* Which of the two texts leaves. The bare one never has more units than the other, nor a dearer
 * coding. */
static bool wants_bare(
    const struct sms_rules *rules, const struct sms_cost *kept, const struct sms_cost *bare) {
    switch (rules->accents) {
    case SMS_ACCENTS_KEEP:
        return false;
    case SMS_ACCENTS_STRIP:
        return true;
    case SMS_ACCENTS_STRIP_IF_CHEAPER:
        return bare->parts < kept->parts || (impossible(rules, kept) && !impossible(rules, bare));
    }
    return false;
}

int sms_text_prepare(const char *text, size_t bytes, const struct sms_rules *rules, char *to,
    size_t room, size_t *bytes_out, struct sms_cost *cost_out) {
    if (room < sms_text_room(bytes)) {
        return LANTOA_EINVAL;
    }
    struct sms_cost kept = {0};
    size_t used = clean(text, bytes, to, &kept);
    struct sms_cost bare = kept;
    measure(to, used, false, rules, &kept);
    if (rules->accents != SMS_ACCENTS_KEEP) {
        measure(to, used, true, rules, &bare);
    }
    bool lacking = impossible(rules, &kept);
    *cost_out = kept;
    if (wants_bare(rules, &kept, &bare)) {
        used = strip(to, used);
        lacking = impossible(rules, &bare);
        *cost_out = bare;
        if (bare.costly == 0) {
            cost_out->costly = kept.costly;
            cost_out->costly_at = kept.costly_at;
        }
    }
    to[used] = '\0';
    *bytes_out = used;
    if (lacking) {
        return LANTOA_EINVAL;
    }
    return cost_out->parts > rules->most_parts ? LANTOA_ELIMIT : LANTOA_OK;
}

/* --- cutting --- */

size_t sms_text_cut(const struct sms_cost *cost, const char *text, size_t bytes) {
    size_t units = 0, cut = 0;
    while (cut < bytes) {
        size_t at = cut;
        units += letter_units(sms_utf8_get(text, bytes, &at), cost->coding);
        if (units > cost->part_units) {
            break;
        }
        cut = at;
    }
    return cut;
}
