/* UTF-8 by single letters, for the files of this folder. Broken bytes become U+FFFD, one each. */
#ifndef SMS_UTF8_H
#define SMS_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { SMS_BROKEN_LETTER = 0xFFFD };

/* The letter at *at, which moves behind it; *at < bytes. */
uint32_t sms_utf8_get(const char *text, size_t bytes, size_t *at);
/* Writes 1 to 4 bytes and returns how many. */
size_t sms_utf8_put(uint32_t letter, char *to);

#endif
