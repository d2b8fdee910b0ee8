/* Sorting keys of names; see name_order.h. A word becomes its letters, then its tones, each closed
 * by a byte lower than all of them. */
#include "base/name_order.h"

#include "base/text.h"

#include <stdlib.h>
#include <uninorm.h>

/* Bytes of a key. A letter is 16 + 4 times its place in the Latin alphabet, and more when it has a
 * mark of its own, so that ă stands between a and b. */
enum { END_LETTERS = 1, TONE_FIRST = 2, LETTER_FIRST = 16, LETTER_STEP = 4, FOREIGN = 0xF0 };

struct word {
    struct base_buf letters, tones;
};

/* The number of a tone mark, or -1. */
static int tone_of(uint32_t c) {
    switch (c) {
    case 0x300: /* grave */
        return 1;
    case 0x309: /* hook above */
        return 2;
    case 0x303: /* tilde */
        return 3;
    case 0x301: /* acute */
        return 4;
    case 0x323: /* dot below */
        return 5;
    default:
        return -1;
    }
}

/* How far a mark moves its letter on, or 0. */
static uint8_t shift_of(uint32_t c, uint8_t letter) {
    const uint8_t o = LETTER_FIRST + LETTER_STEP * ('o' - 'a');
    switch (c) {
    case 0x306: /* ă */
        return 1;
    case 0x302: /* â after ă; ê; ô */
        return letter == LETTER_FIRST ? 2 : 1;
    case 0x31B: /* ơ after ô; ư */
        return letter == o ? 2 : 1;
    default:
        return 0;
    }
}

static void add_char(struct word *word, uint32_t c) {
    struct base_buf *letters = &word->letters;
    if (c >= 'A' && c <= 'Z') {
        c += 'a' - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        base_buf_add_char(letters, (char)(LETTER_FIRST + LETTER_STEP * (c - 'a')));
        base_buf_add_char(&word->tones, TONE_FIRST);
    } else if (c == 0x110 || c == 0x111) { /* đ has no decomposition */
        base_buf_add_char(letters, (char)(LETTER_FIRST + LETTER_STEP * ('d' - 'a') + 1));
        base_buf_add_char(&word->tones, TONE_FIRST);
    } else if (letters->bytes && tone_of(c) > 0) {
        word->tones.at[word->tones.bytes - 1] = (char)(TONE_FIRST + tone_of(c));
    } else if (letters->bytes && shift_of(c, (uint8_t)letters->at[letters->bytes - 1])) {
        uint8_t letter = (uint8_t)letters->at[letters->bytes - 1];
        letters->at[letters->bytes - 1] = (char)(letter + shift_of(c, letter));
    } else if (c < 0x300 || c > 0x36F) { /* what no Vietnamese word has comes behind */
        base_buf_add_char(letters, (char)FOREIGN);
        base_utf8_add(letters, c);
        base_buf_add_char(&word->tones, TONE_FIRST);
    }
}

/* Tones are told of a word as a whole: "hoà" and "hòa" are the same. */
static void end_word(struct word *word, struct base_buf *out) {
    char tone = TONE_FIRST;
    for (size_t i = 0; i < word->tones.bytes; i++) {
        tone = word->tones.at[i] > tone ? word->tones.at[i] : tone;
    }
    base_buf_add_str(out, base_buf_str(&word->letters));
    base_buf_add_char(out, END_LETTERS);
    base_buf_add_char(out, tone);
    base_buf_clear(&word->letters);
    base_buf_clear(&word->tones);
}

static bool is_blank(uint32_t c) {
    return c <= ' ' || c == 0xA0;
}

/* The words of decomposed text from `from` to `to`. */
static void add_words(struct str text, size_t from, size_t to, struct base_buf *out) {
    struct word word;
    base_buf_init(&word.letters, 8 * (to - from) + 16);
    base_buf_init(&word.tones, 8 * (to - from) + 16);
    while (from < to) {
        uint32_t c = base_utf8_next(text, &from);
        if (!is_blank(c)) {
            add_char(&word, c);
        } else if (word.letters.bytes) {
            end_word(&word, out);
        }
    }
    if (word.letters.bytes) {
        end_word(&word, out);
    }
    base_buf_release(&word.letters);
    base_buf_release(&word.tones);
}

int base_name_order(struct base_buf *buf, struct str name) {
    size_t bytes = 0, given = 0;
    struct str trimmed = str_trim(name);
    if (!base_utf8_valid(trimmed)) {
        return LANTOA_EINVAL;
    }
    uint8_t *apart =
        u8_normalize(UNINORM_NFD, (const uint8_t *)trimmed.at, trimmed.bytes, NULL, &bytes);
    if (!apart) {
        return trimmed.bytes ? LANTOA_ENOMEM : 0;
    }
    struct str text = str_of((const char *)apart, bytes);
    for (size_t i = 0; i < bytes; i++) {
        given = text.at[i] == ' ' ? i + 1 : given;
    }
    add_words(text, given, bytes, buf);
    base_buf_add_char(buf, 0);
    add_words(text, 0, given, buf);
    base_buf_add_char(buf, 0);
    free(apart); /* libunistring's own memory */
    return base_buf_ok(buf) ? 0 : LANTOA_ELIMIT;
}
