/* Letters and their marks, and smart characters with their plain stand-ins. Knows no costs. */
#ifndef SMS_LETTERS_H
#define SMS_LETTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this is a mark that belongs to the letter before it. */
bool sms_letter_is_mark(uint32_t letter);
/* The letter with this mark; 0 when there is no such letter of its own. */
uint32_t sms_letter_with(uint32_t letter, uint32_t mark);
/* ASCII that stands for a smart character (maybe ""); NULL: it is none. */
const char *sms_letter_plain(uint32_t letter);

#endif
