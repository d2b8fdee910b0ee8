/* Words, texts, numbers and signs of an audience expression. Private to core/audience. */
#ifndef AUDIENCE_SEGMENT_LEX_H
#define AUDIENCE_SEGMENT_LEX_H

#include "base/err.h"
#include "base/str.h"

enum audience__token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_TEXT, /* text: between the quotes, doubled ones untouched */
    TOKEN_NUMBER,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_SIGN /* = != < <= > >= ~ */
};

struct audience__token {
    enum audience__token_kind kind;
    struct str text;
    size_t at; /* byte offset */
};

/* Reads the token at *pos and moves *pos behind it. Negative: a fault, *fault_at_out says where. */
int audience__lex(struct str source, size_t *pos, struct audience__token *token_out,
    size_t *fault_at_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
