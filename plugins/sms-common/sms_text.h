/* Texts as SMS: what letters cost, how many parts a text has, and where it is cut. Pure functions
 * on UTF-8; they know no protocol and no plugin. Text is expected in NFC; letters that come as
 * letter and mark are put together first, for they would count twice.
 *
 * The order of use: sms_text_prepare() gives the text as the phone will show it and its cost;
 * sms_text_cut() the bytes of one part after the other; sms_text_encode() the octets of a part. */
#ifndef SMS_TEXT_H
#define SMS_TEXT_H

#include <lantoa/errors.h>
#include <lantoa/message.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sms_coding { SMS_GSM7, SMS_UCS2 };

/* What may be chosen for a text. */
enum sms_coding_choice {
    SMS_CODING_AUTO, /* GSM 7-bit where every letter is in it, else UCS-2 */
    SMS_CODING_GSM7, /* a letter outside is an error */
    SMS_CODING_UCS2,
};

enum sms_accents {
    SMS_ACCENTS_KEEP,
    SMS_ACCENTS_STRIP,
    SMS_ACCENTS_STRIP_IF_CHEAPER, /* only when that saves a part, or makes the text possible */
};

/* Which octets stand for the letters of a GSM7 text on the way to the operator. */
enum sms_alphabet {
    SMS_ALPHABET_GSM,    /* septets of GSM 03.38, one to an octet */
    SMS_ALPHABET_LATIN1, /* the operator translates */
    SMS_ALPHABET_ASCII,
};

/* Bytes of header in each part of several. */
enum { SMS_HEADER_8 = 6, SMS_HEADER_16 = 7, SMS_PARTS_MOST = 255 };

struct sms_rules {
    enum sms_accents accents;
    enum sms_coding_choice coding;
    enum sms_alphabet alphabet; /* letters it lacks count as outside of GSM 7-bit */
    size_t header_bytes;        /* SMS_HEADER_8 or SMS_HEADER_16 */
    size_t most_parts;          /* 1 to SMS_PARTS_MOST */
};

struct sms_cost {
    enum sms_coding coding;
    size_t units;      /* septets, or UTF-16 units, of the whole text */
    size_t parts;      /* exact; an empty text is one part */
    size_t part_units; /* most units of a part of this text */
    size_t letters;    /* characters that people see */
    bool stripped;
    size_t replaced;         /* smart characters that were replaced */
    uint32_t replaced_first; /* the first of them */
    /* The first letter that GSM 7-bit lacks, in the text as it would have been without stripping
     * (0: none), and its number among the letters, from 1. */
    uint32_t costly;
    size_t costly_at;
};

/* Bytes that any text of that many bytes needs at most, with the NUL. */
size_t sms_text_room(size_t bytes);

/* Cleans, strips as the rules say, and counts. `to` gets the text (NUL-terminated); room as
 * sms_text_room() says. LANTOA_OK; LANTOA_ELIMIT: more parts than allowed; LANTOA_EINVAL: a letter
 * outside of GSM 7-bit though the rules demand it, or too little room. The cost is filled in unless
 * room lacks. */
int sms_text_prepare(const char *text, size_t bytes, const struct sms_rules *rules, char *to,
    size_t room, size_t *bytes_out, struct sms_cost *cost_out) LANTOA_MUST_CHECK;

/* Bytes of `text` (prepared) that make its next part; 0 at the end. An extension letter is never
 * parted from its escape, nor a surrogate from its pair. */
size_t sms_text_cut(const struct sms_cost *cost, const char *text, size_t bytes);

/* Octets of a prepared text: at most two per unit. Returns their number; nothing is written when
 * that is over `room`. */
size_t sms_text_encode(enum sms_coding coding, enum sms_alphabet alphabet, const char *text,
    size_t bytes, unsigned char *to, size_t room);

/* Octets that came in, as UTF-8. room: three bytes per octet and one for the NUL; what does not fit
 * is left out. Returns the bytes. */
size_t sms_text_decode(enum sms_coding coding, enum sms_alphabet alphabet,
    const unsigned char *octets, size_t count, char *to, size_t room);

/* What staff should know of a cost, in Vietnamese or English: parts, coding, the letter that costs,
 * what was replaced. */
void sms_text_note(const struct sms_cost *cost, bool vietnamese, char *note, size_t room);

/* The accents as the step says, where it says so. */
void sms_rules_of_step(struct sms_rules *rules, const struct lantoa_step *step);
/* What staff see before sending: the text as the phone will show it, its note, and what it would be
 * without accents where that has fewer parts. text may be too long or hold letters that are not
 * allowed: then the code is that of sms_text_prepare(), and the note says why. LANTOA_ELIMIT also
 * when `room` lacks; LANTOA_ENOMEM. */
int sms_text_preview(struct lantoa_str text, const struct sms_rules *rules, bool vietnamese,
    char *to, size_t room) LANTOA_MUST_CHECK;

/* The letter without its marks: 'a' for U+1EAD; itself when it has none. */
uint32_t sms_letter_bare(uint32_t letter);
/* Septets of a letter: 1, 2, or 0 when GSM 7-bit lacks it. */
unsigned sms_letter_septets(uint32_t letter);

#endif
