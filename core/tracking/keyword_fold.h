/* A text taken apart into words, each folded: for keyword.c and keyword_parse.c only. */
#ifndef TRACKING_KEYWORD_FOLD_H
#define TRACKING_KEYWORD_FOLD_H

#include "base/buf.h"

#define KEYWORD_WORDS_MAX 32

struct keyword_words {
    struct base_buf keys;  /* the words without accents, in small letters, one behind the other */
    struct base_buf exact; /* the same with their accents (NFC) */
    struct {
        size_t key_end, exact_end;
    } word[KEYWORD_WORDS_MAX];
    size_t count;
    bool more; /* the text goes on */
};

/* text may be anything; at most most_bytes of it are looked at. */
void keyword_words_read(struct keyword_words *words_out, struct str text, size_t most_bytes);
void keyword_words_release(struct keyword_words *words);

#endif
