/* Shared by the files that make text ready for a voice. */
#ifndef CAMPAIGN_SPEECH_PRIVATE_H
#define CAMPAIGN_SPEECH_PRIVATE_H

#include "base/mem.h"
#include "campaign/speech.h"

enum { SPEECH__LANGS_MOST = 16 };

/* Longest keys first, so that the first that fits is the right one. */
struct speech__table {
    struct speech__entry {
        struct str key, words;
    } * at;
    size_t count;
};

struct speech {
    struct base_arena *arena;
    struct speech_language languages[SPEECH__LANGS_MOST];
    size_t language_count;
    struct speech__table abbreviations, words, units, signs, letters, per;
};

/* The text being read, and what is said of it so far. */
struct speech__scan {
    const struct speech *speech;
    struct str text;
    size_t pos;
    struct base_buf *out;
    char before[40]; /* the word that stands before, in lower case; "" at the start */
    bool range;      /* a number with "-" behind it was just said */
};

/* Adds words with a blank before them, or a sign without. */
void speech__say(struct speech__scan *scan, const char *words);
void speech__say_str(struct speech__scan *scan, struct str words);
void speech__say_number(struct speech__scan *scan, uint64_t number);
/* Each digit by itself. */
void speech__say_digits(struct speech__scan *scan, struct str digits);
/* A comma or a stop, unless there is one or nothing was said yet. */
void speech__pause(struct speech__scan *scan, char sign);

/* The character at an offset, 0 behind the end. */
char speech__at(const struct speech__scan *scan, size_t pos);
bool speech__digit_at(const struct speech__scan *scan, size_t pos);
/* true if a letter (of any alphabet) begins there. */
bool speech__letter_at(const struct speech__scan *scan, size_t pos);
bool speech__before_is(const struct speech__scan *scan, const char *words); /* blank-separated */
/* The first key that stands at pos and is not a part of a longer word; NULL: none. */
const struct speech__entry *speech__find(
    const struct speech__scan *scan, const struct speech__table *table, size_t pos);

/* --- speech_digits.c --- */
/* Reads what begins with a digit (or + and a digit) at the position, and moves behind it. */
void speech__scan_digits(struct speech__scan *scan);

#endif
