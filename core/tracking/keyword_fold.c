/* Words of a message and their folded forms. */
#include "tracking/keyword_fold.h"

#include "base/text.h"

/* Letters that Vietnamese and Western European texts use; others have no case here. */
static uint32_t lower(uint32_t c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7)) {
        return c + 32;
    }
    bool pairs_even =
        (c >= 0x100 && c <= 0x137) || (c >= 0x1E00 && c <= 0x1EFF) || c == 0x168 || c == 0x1A0;
    return (pairs_even && c % 2 == 0) || c == 0x1AF ? c + 1 : c;
}

static bool is_separator(uint32_t c) {
    if (c < 0x80) {
        return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
    }
    return c <= 0xBF || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x206F) ||
           (c >= 0x3000 && c <= 0x303F) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF ||
           (c >= 0xFF00 && c <= 0xFF0F) || c == 0xFFFD;
}

static void end_word(struct keyword_words *words, size_t start) {
    struct str exact = str_of(words->exact.at + start, words->exact.bytes - start);
    if (words->count == KEYWORD_WORDS_MAX) {
        words->exact.bytes = start;
        words->more = true;
    } else if (base_text_key(&words->keys, exact) == 0) {
        words->word[words->count].key_end = words->keys.bytes;
        words->word[words->count++].exact_end = words->exact.bytes;
    }
}

void keyword_words_read(struct keyword_words *words_out, struct str text, size_t most_bytes) {
    struct base_buf nfc;
    *words_out = (struct keyword_words){0};
    base_buf_init(&nfc, 8 * most_bytes + 64);
    base_buf_init(&words_out->keys, 8 * most_bytes + 64);
    base_buf_init(&words_out->exact, 8 * most_bytes + 64);
    text = str_trim(text);
    size_t cut = base_utf8_cut(text, most_bytes);
    words_out->more = cut < text.bytes;
    struct str valid = str_of(text.at, base_utf8_valid_bytes(str_of(text.at, cut)));
    words_out->more |= valid.bytes < cut;
    if (valid.bytes && base_text_nfc(&nfc, valid) == 0) {
        struct str all = base_buf_str(&nfc);
        size_t start = words_out->exact.bytes;
        for (size_t pos = 0; pos < all.bytes;) {
            uint32_t c = base_utf8_next(all, &pos);
            if (!is_separator(c)) {
                base_utf8_add(&words_out->exact, lower(c));
            } else if (words_out->exact.bytes > start) {
                end_word(words_out, start);
                start = words_out->exact.bytes;
            }
        }
        if (words_out->exact.bytes > start) {
            end_word(words_out, start);
        }
    }
    base_buf_release(&nfc);
}

void keyword_words_release(struct keyword_words *words) {
    base_buf_release(&words->keys);
    base_buf_release(&words->exact);
}
