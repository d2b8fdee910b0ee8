/* Text in headers: encoded words (RFC 2047), phrases, parameters (RFC 2231); see mime_encode.h. */
#include "mime_encode.h"

enum {
    LINE_MOST = 76,
    WORD_MOST = 75,
    WORD_FRAME = 12, /* "=?UTF-8?B?" and "?=" */
    WORD_LEAST = 8,  /* an encoded word shorter than this is not worth the rest of a line: one
                        character of 4 bytes in base64 */
    RAW_MOST = 900,
};

static bool is_alnum(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What may stand in a Q word in any header, phrases too (RFC 2047 section 5). */
static bool q_safe(unsigned char c) {
    return is_alnum(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

/* Bytes of the UTF-8 character that begins here; at most 4, at least 1, also when the text is
 * broken. */
static size_t character_bytes(const char *at, size_t left) {
    size_t bytes = 1;
    while (bytes < left && bytes < 4 && ((unsigned char)at[bytes] & 0xc0) == 0x80) {
        bytes++;
    }
    return bytes;
}

static size_t q_width(const char *at, size_t bytes) {
    size_t width = 0;
    for (size_t i = 0; i < bytes; i++) {
        width += q_safe((unsigned char)at[i]) || at[i] == ' ' ? 1 : 3;
    }
    return width;
}

static void put_q(struct bytes *out, const char *at, size_t bytes) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)at[i];
        if (q_safe(c)) {
            bytes_put_char(out, (char)c);
        } else if (c == ' ') {
            bytes_put_char(out, '_');
        } else {
            const char code[3] = {'=', hex[c >> 4], hex[c & 15]};
            bytes_put(out, code, 3);
        }
    }
}

static size_t put_encoded_words(struct bytes *out, struct lantoa_str text, size_t column) {
    bool q = q_width(text.at, text.bytes) <= (text.bytes + 2) / 3 * 4;
    const char *at = text.at, *end = text.at + text.bytes;
    bool first = true;
    while (at < end) {
        if (!first || column + WORD_FRAME + WORD_LEAST > LINE_MOST) {
            /* Spaces between two encoded words do not count, so this one adds nothing to the text.
             */
            bytes_put(out, "\r\n ", 3);
            column = 1;
        }
        size_t room = LINE_MOST - column;
        room = (room > WORD_MOST ? WORD_MOST : room) - WORD_FRAME;
        size_t take = 0, width = 0;
        while (at + take < end) {
            size_t next = character_bytes(at + take, (size_t)(end - at) - take);
            size_t wider = q ? width + q_width(at + take, next) : (take + next + 2) / 3 * 4;
            if (wider > room) {
                break;
            }
            width = wider;
            take += next;
        }
        if (take ==
            0) { /* a Q character of 12 in a short rest of the line: the next line has room */
            first = false;
            continue;
        }
        bytes_put(out, q ? "=?UTF-8?Q?" : "=?UTF-8?B?", 10);
        if (q) {
            put_q(out, at, take);
        } else {
            mime_put_base64_run(out, at, take);
        }
        bytes_put(out, "?=", 2);
        column += WORD_FRAME + width;
        at += take;
        first = false;
    }
    return column;
}

static bool needs_encoding(struct lantoa_str text) {
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 0x7f || c < ' ') {
            return true;
        }
        if (c == '=' && i + 1 < text.bytes && text.at[i + 1] == '?') {
            return true; /* would be read as an encoded word */
        }
    }
    /* White space at the ends would be lost. */
    return text.bytes > 0 && (text.at[0] == ' ' || text.at[text.bytes - 1] == ' ');
}

/* Puts ASCII text, breaking before a space where the line would grow over the limit. False: a word
 * is too long for a line. */
static size_t put_folded(struct bytes *out, struct lantoa_str text, size_t column) {
    const char *at = text.at, *end = text.at + text.bytes;
    while (at < end) {
        const char *stop = memchr(at + 1, ' ', (size_t)(end - at - 1));
        stop = stop == NULL ? end : stop;
        size_t word = (size_t)(stop - at);
        bool blank = stop - at == 1 && *at == ' '; /* a line of spaces only is forbidden */
        if (column + word > LINE_MOST && *at == ' ' && !blank) {
            bytes_put(out, "\r\n", 2);
            column = 0;
        }
        bytes_put(out, at, word);
        column += word;
        at = stop;
    }
    return column;
}

static size_t longest_word(struct lantoa_str text) {
    size_t longest = 0, word = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        word = text.at[i] == ' ' ? 0 : word + 1;
        longest = word > longest ? word : longest;
    }
    return longest;
}

size_t mime_put_header_text(struct bytes *out, struct lantoa_str text, size_t column) {
    if (needs_encoding(text) || longest_word(text) > RAW_MOST) {
        return put_encoded_words(out, text, column);
    }
    return put_folded(out, text, column);
}

size_t mime_put_phrase(struct bytes *out, struct lantoa_str name, size_t column) {
    if (needs_encoding(name) || name.bytes > 60) {
        return put_encoded_words(out, name, column);
    }
    bool atoms = true;
    size_t escapes = 0;
    for (size_t i = 0; i < name.bytes; i++) {
        unsigned char c = (unsigned char)name.at[i];
        atoms &= is_alnum(c) || c == ' ' || strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
        escapes += c == '"' || c == '\\';
    }
    if (column + name.bytes + 2 + escapes > LINE_MOST) {
        bytes_put(out, "\r\n ", 3);
        column = 1;
    }
    if (atoms) {
        bytes_put_str(out, name);
        return column + name.bytes;
    }
    bytes_put_char(out, '"');
    for (size_t i = 0; i < name.bytes; i++) {
        if (name.at[i] == '"' || name.at[i] == '\\') {
            bytes_put_char(out, '\\');
        }
        bytes_put_char(out, name.at[i]);
    }
    bytes_put_char(out, '"');
    return column + name.bytes + 2 + escapes;
}

void mime_put_parameter(struct bytes *out, const char *name, struct lantoa_str value) {
    static const char hex[] = "0123456789ABCDEF";
    enum { SECTION_MOST = 50 };
    bool plain = !needs_encoding(value) && value.bytes <= SECTION_MOST;
    if (plain && memchr(value.at, '"', value.bytes) == NULL &&
        memchr(value.at, '\\', value.bytes) == NULL) {
        bytes_put_format(out, ";\r\n %s=\"", name);
        bytes_put_str(out, value);
        bytes_put_char(out, '"');
        return;
    }
    size_t width = 0;
    for (size_t i = 0; i < value.bytes; i++) {
        width += is_alnum((unsigned char)value.at[i]) ? 1 : 3;
    }
    bool many = width > SECTION_MOST;
    size_t at = 0;
    for (unsigned section = 0; at < value.bytes; section++) {
        if (many) {
            bytes_put_format(out, ";\r\n %s*%u*=%s", name, section, section == 0 ? "UTF-8''" : "");
        } else {
            bytes_put_format(out, ";\r\n %s*=UTF-8''", name);
        }
        for (size_t used = 0; at < value.bytes && used < SECTION_MOST; at++) {
            unsigned char c = (unsigned char)value.at[at];
            if (is_alnum(c) || c == '.' || c == '-' || c == '_') {
                bytes_put_char(out, (char)c);
                used++;
            } else {
                const char code[3] = {'%', hex[c >> 4], hex[c & 15]};
                bytes_put(out, code, 3);
                used += 3;
            }
        }
    }
}
