/* Texts as octets and back: GSM 03.38, Latin-1, UCS-2; see sms_text.h. */
#include "sms_text.h"

#include "gsm7.h"
#include "utf8.h"

enum { GREEK_FIRST = 0x393, GREEK_LAST = 0x3A9, NO_SEPTET = 0xFF, EXTENDED = 0x80 };

/* Letter to septet; EXTENDED is added where the escape goes before it. Zero is '@', so each value
 * is one more than its septet, and 0 means none. */
static const uint8_t low_septet[256] = {
#define X(septet, letter) [letter] = (septet) + 1,
    SMS_GSM7_LOW(X)
#undef X
};
static const uint8_t greek_septet[GREEK_LAST - GREEK_FIRST + 1] = {
#define X(septet, letter) [letter - GREEK_FIRST] = (septet) + 1,
    SMS_GSM7_GREEK(X)
#undef X
};
static const uint16_t letter_of[128] = {
#define X(septet, letter) [septet] = letter,
    SMS_GSM7_LOW(X) SMS_GSM7_GREEK(X)
#undef X
};
static const uint16_t extended_letter_of[128] = {
#define X(septet, letter) [septet] = letter,
    SMS_GSM7_EXTENSION(X)
#undef X
};

static uint8_t extension_septet(uint32_t letter) {
    for (uint8_t i = 0; i < 128; i++) {
        if (extended_letter_of[i] == letter) {
            return i;
        }
    }
    return NO_SEPTET;
}

struct octets {
    unsigned char *to;
    size_t used, room;
};

static void put_octet(struct octets *octets, unsigned value) {
    if (octets->used < octets->room) {
        octets->to[octets->used] = (unsigned char)value;
    }
    octets->used++;
}

static void put_gsm(struct octets *octets, uint32_t letter) {
    uint8_t found = letter < 256 ? low_septet[letter]
                    : letter >= GREEK_FIRST && letter <= GREEK_LAST
                        ? greek_septet[letter - GREEK_FIRST]
                        : 0;
    if (found != 0) {
        put_octet(octets, found - 1u);
        return;
    }
    uint8_t extended = letter == 0 ? NO_SEPTET : extension_septet(letter);
    if (extended == NO_SEPTET) {
        put_octet(octets, '?');
        return;
    }
    put_octet(octets, SMS_GSM7_ESCAPE);
    put_octet(octets, extended);
}

static void put_ucs2(struct octets *octets, uint32_t letter) {
    if (letter > 0xFFFF) {
        uint32_t rest = letter - 0x10000, high = 0xD800 | rest >> 10;
        put_octet(octets, high >> 8);
        put_octet(octets, high & 0xFF);
        letter = 0xDC00 | (rest & 0x3FF);
    }
    put_octet(octets, letter >> 8);
    put_octet(octets, letter & 0xFF);
}

size_t sms_text_encode(enum sms_coding coding, enum sms_alphabet alphabet, const char *text,
    size_t bytes, unsigned char *to, size_t room) {
    struct octets octets = {to, 0, room};
    uint32_t most = alphabet == SMS_ALPHABET_LATIN1 ? 0xFF : 0x7F;
    for (size_t at = 0; at < bytes;) {
        uint32_t letter = sms_utf8_get(text, bytes, &at);
        if (coding == SMS_UCS2) {
            put_ucs2(&octets, letter);
        } else if (alphabet == SMS_ALPHABET_GSM) {
            put_gsm(&octets, letter);
        } else {
            put_octet(&octets, letter <= most ? letter : '?');
        }
    }
    return octets.used;
}

/* --- what came in --- */

struct letters {
    char *to;
    size_t used, room;
};

static void put_letter(struct letters *letters, uint32_t letter) {
    if (letters->used + 5 <= letters->room) {
        letters->used += sms_utf8_put(letter == 0 ? ' ' : letter, letters->to + letters->used);
    }
}

static void take_gsm(struct letters *letters, const unsigned char *octets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned septet = octets[i];
        if (septet == SMS_GSM7_ESCAPE && i + 1 < count) {
            septet = octets[++i];
            uint32_t extended = septet < 128 ? extended_letter_of[septet] : 0;
            uint32_t base = septet < 128 && septet != SMS_GSM7_ESCAPE ? letter_of[septet] : ' ';
            put_letter(letters, extended != 0 ? extended : base);
        } else if (septet == SMS_GSM7_ESCAPE) {
            put_letter(letters, ' ');
        } else {
            put_letter(letters, septet < 128 ? letter_of[septet] : SMS_BROKEN_LETTER);
        }
    }
}

static void take_ucs2(struct letters *letters, const unsigned char *octets, size_t count) {
    for (size_t i = 0; i + 1 < count; i += 2) {
        uint32_t letter = (uint32_t)octets[i] << 8 | octets[i + 1];
        if (letter >= 0xD800 && letter < 0xDC00 && i + 3 < count &&
            (octets[i + 2] & 0xFC) == 0xDC) {
            uint32_t low = (uint32_t)octets[i + 2] << 8 | octets[i + 3];
            letter = 0x10000 + ((letter & 0x3FF) << 10) + (low & 0x3FF);
            i += 2;
        } else if (letter >= 0xD800 && letter < 0xE000) {
            letter = SMS_BROKEN_LETTER;
        }
        put_letter(letters, letter);
    }
}

size_t sms_text_decode(enum sms_coding coding, enum sms_alphabet alphabet,
    const unsigned char *octets, size_t count, char *to, size_t room) {
    struct letters letters = {to, 0, room};
    if (coding == SMS_UCS2) {
        take_ucs2(&letters, octets, count);
    } else if (alphabet == SMS_ALPHABET_GSM) {
        take_gsm(&letters, octets, count);
    } else {
        for (size_t i = 0; i < count; i++) {
            put_letter(&letters, octets[i]);
        }
    }
    if (room > 0) {
        to[letters.used] = '\0';
    }
    return letters.used;
}
