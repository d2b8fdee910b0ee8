/* The tokens of an audience expression. Knows no grammar. */
#include "audience/segment_lex.h"

#include "base/text.h"
#include "base/tr.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/* Word processors put these where a straight quote was typed. */
static bool is_curly_quote(uint32_t c) {
    return (c >= 0x2018 && c <= 0x201f) || c == '"' || c == '`' || c == 0xb4;
}

/* Names have no accents, but people write them: taken as a word they are "unknown", with the right
 * one offered. */
static size_t word_end(struct str source, size_t at) {
    while (at < source.bytes) {
        if (is_word(source.at[at])) {
            at++;
            continue;
        }
        size_t behind = at;
        if ((unsigned char)source.at[at] < 0x80 ||
            is_curly_quote(base_utf8_next(source, &behind))) {
            break;
        }
        at = behind;
    }
    return at;
}

static int fault(size_t at, size_t *fault_at_out, struct base_err *err, const char *text) {
    *fault_at_out = at;
    return base_err_set(err, LANTOA_EINVAL, "%s", text);
}

static int lex_text(struct str source, size_t *pos, struct audience__token *token,
    size_t *fault_at_out, struct base_err *err) {
    size_t start = *pos + 1;
    for (size_t at = start; at < source.bytes; at++) {
        if (source.at[at] != '\'') {
            continue;
        }
        if (at + 1 < source.bytes && source.at[at + 1] == '\'') {
            at++;
            continue;
        }
        token->kind = TOKEN_TEXT;
        token->text = str_of(source.at + start, at - start);
        *pos = at + 1;
        return 0;
    }
    return fault(*pos, fault_at_out, err, TR("the quote that opens here is never closed"));
}

static int lex_number(struct str source, size_t *pos, struct audience__token *token,
    size_t *fault_at_out, struct base_err *err) {
    size_t at = *pos + (source.at[*pos] == '-');
    size_t points = 0;
    while (at < source.bytes && (is_digit(source.at[at]) || source.at[at] == '.')) {
        points += source.at[at] == '.';
        at++;
    }
    if (points > 1 || source.at[at - 1] == '.') {
        return fault(*pos, fault_at_out, err,
            TR("not a number (write 1500000 or 12.5, without dots between thousands)"));
    }
    if (at < source.bytes && is_word(source.at[at])) {
        return fault(*pos, fault_at_out, err, TR("not a number (a text stands in 'quotes')"));
    }
    token->kind = TOKEN_NUMBER;
    token->text = str_of(source.at + *pos, at - *pos);
    *pos = at;
    return 0;
}

static int lex_sign(struct str source, size_t *pos, struct audience__token *token,
    size_t *fault_at_out, struct base_err *err) {
    char c = source.at[*pos];
    char next = *pos + 1 < source.bytes ? source.at[*pos + 1] : '\0';
    size_t bytes = 1;
    switch (c) {
    case '(':
        token->kind = TOKEN_OPEN;
        break;
    case ')':
        token->kind = TOKEN_CLOSE;
        break;
    case ',':
        token->kind = TOKEN_COMMA;
        break;
    case '=':
    case '~':
        token->kind = TOKEN_SIGN;
        if (next != '=') {
            break;
        }
        return fault(*pos, fault_at_out, err, TR("write = for \"equal\""));
    case '<':
    case '>':
        token->kind = TOKEN_SIGN;
        bytes = next == '=' ? 2 : 1;
        if (c == '>' || next != '>') {
            break;
        }
        return fault(*pos, fault_at_out, err, TR("write != for \"not equal\""));
    case '!':
        token->kind = TOKEN_SIGN;
        bytes = 2;
        if (next == '=') {
            break;
        }
        return fault(*pos, fault_at_out, err, TR("write != for \"not equal\""));
    default: {
        size_t end = *pos;
        uint32_t code = base_utf8_next(source, &end);
        *fault_at_out = *pos;
        return is_curly_quote(code)
                   ? fault(*pos, fault_at_out, err, TR("a text stands in straight quotes: 'text'"))
                   : base_err_set(err, LANTOA_EINVAL, TR("unexpected character \"%.*s\""),
                         (int)(end - *pos), source.at + *pos);
    }
    }
    token->text = str_of(source.at + *pos, bytes);
    *pos += bytes;
    return 0;
}

int audience__lex(struct str source, size_t *pos, struct audience__token *token_out,
    size_t *fault_at_out, struct base_err *err) {
    while (*pos < source.bytes && source.at[*pos] && strchr(" \t\r\n", source.at[*pos])) {
        ++*pos;
    }
    *token_out = (struct audience__token){.kind = TOKEN_END, .text = {"", 0}, .at = *pos};
    if (*pos == source.bytes) {
        return 0;
    }
    char c = source.at[*pos];
    char next = *pos + 1 < source.bytes ? source.at[*pos + 1] : '\0';
    if (c == '\'') {
        return lex_text(source, pos, token_out, fault_at_out, err);
    }
    if (is_digit(c) || (c == '-' && is_digit(next))) {
        return lex_number(source, pos, token_out, fault_at_out, err);
    }
    size_t end = word_end(source, *pos);
    if (end == *pos) {
        return lex_sign(source, pos, token_out, fault_at_out, err);
    }
    token_out->kind = TOKEN_WORD;
    token_out->text = str_of(source.at + *pos, end - *pos);
    *pos = end;
    return 0;
}
