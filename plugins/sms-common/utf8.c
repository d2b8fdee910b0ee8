/* UTF-8 by single letters; see utf8.h. */
#include "utf8.h"

uint32_t sms_utf8_get(const char *text, size_t bytes, size_t *at) {
    const unsigned char *from = (const unsigned char *)text + *at;
    size_t left = bytes - *at;
    uint32_t letter = from[0];
    (*at)++;
    if (letter < 0x80) {
        return letter;
    }
    size_t more = letter >= 0xC2 && letter < 0xE0   ? 1
                  : letter >= 0xE0 && letter < 0xF0 ? 2
                  : letter >= 0xF0 && letter < 0xF5 ? 3
                                                    : 0;
    if (more == 0 || left <= more) {
        return SMS_BROKEN_LETTER;
    }
    letter &= 0x3Fu >> more;
    for (size_t i = 1; i <= more; i++) {
        if ((from[i] & 0xC0) != 0x80) {
            return SMS_BROKEN_LETTER;
        }
        letter = letter << 6 | (from[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (letter < least[more] || letter > 0x10FFFF || (letter >= 0xD800 && letter <= 0xDFFF)) {
        return SMS_BROKEN_LETTER;
    }
    *at += more;
    return letter;
}

size_t sms_utf8_put(uint32_t letter, char *to) {
    if (letter < 0x80) {
        to[0] = (char)letter;
        return 1;
    }
    if (letter < 0x800) {
        to[0] = (char)(0xC0 | letter >> 6);
        to[1] = (char)(0x80 | (letter & 0x3F));
        return 2;
    }
    if (letter < 0x10000) {
        to[0] = (char)(0xE0 | letter >> 12);
        to[1] = (char)(0x80 | (letter >> 6 & 0x3F));
        to[2] = (char)(0x80 | (letter & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | letter >> 18);
    to[1] = (char)(0x80 | (letter >> 12 & 0x3F));
    to[2] = (char)(0x80 | (letter >> 6 & 0x3F));
    to[3] = (char)(0x80 | (letter & 0x3F));
    return 4;
}
