/* UTF-8 itself: validity, borders, decoding. Knows nothing of what the characters mean. */
#include "base/text.h"
#include "base/text_fold.h"

static bool is_continuation(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

size_t base__utf8_decode(struct str text, size_t pos, uint32_t *code_point_out) {
    const unsigned char *at = (const unsigned char *)text.at + pos;
    size_t left = text.bytes - pos;
    if (at[0] < 0x80) {
        *code_point_out = at[0];
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        if (left < 2 || !is_continuation(at[1])) {
            return 0;
        }
        *code_point_out = (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
        return 2;
    }
    if ((at[0] & 0xf0) == 0xe0) {
        if (left < 3 || !is_continuation(at[1]) || !is_continuation(at[2])) {
            return 0;
        }
        uint32_t code =
            (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
        *code_point_out = code;
        return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 0 : 3;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        if (left < 4 || !is_continuation(at[1]) || !is_continuation(at[2]) ||
            !is_continuation(at[3])) {
            return 0;
        }
        uint32_t code = (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 |
                        (uint32_t)(at[2] & 0x3f) << 6 | (at[3] & 0x3f);
        *code_point_out = code;
        return code < 0x10000 || code > 0x10ffff ? 0 : 4;
    }
    return 0;
}

size_t base__utf8_encode(uint32_t code_point, char out[static 4]) {
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}

size_t base_utf8_valid_bytes(struct str text) {
    size_t pos = 0;
    uint32_t ignored;
    while (pos < text.bytes) {
        /* Eight ASCII bytes at a time: most of what is imported is ASCII. */
        uint64_t word;
        while (text.bytes - pos >= sizeof(word)) {
            memcpy(&word, text.at + pos, sizeof(word));
            if (word & 0x8080808080808080u) {
                break;
            }
            pos += sizeof(word);
        }
        if (pos == text.bytes) {
            break;
        }
        size_t bytes = base__utf8_decode(text, pos, &ignored);
        if (bytes == 0) {
            return pos;
        }
        pos += bytes;
    }
    return pos;
}

bool base_utf8_valid(struct str text) {
    return base_utf8_valid_bytes(text) == text.bytes;
}

size_t base_utf8_cut(struct str text, size_t most_bytes) {
    if (text.bytes <= most_bytes) {
        return text.bytes;
    }
    size_t cut = most_bytes;
    while (cut > 0 && most_bytes - cut < 3 && is_continuation((unsigned char)text.at[cut])) {
        cut--;
    }
    return is_continuation((unsigned char)text.at[cut]) ? most_bytes : cut;
}

uint32_t base_utf8_next(struct str text, size_t *pos) {
    uint32_t code_point = 0xfffd;
    if (*pos >= text.bytes) {
        return code_point;
    }
    size_t bytes = base__utf8_decode(text, *pos, &code_point);
    *pos += bytes ? bytes : 1;
    return bytes ? code_point : 0xfffd;
}

void base_utf8_add(struct base_buf *buf, uint32_t code_point) {
    char bytes[4];
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
        code_point = 0xfffd;
    }
    base_buf_add(buf, bytes, base__utf8_encode(code_point, bytes));
}

size_t base_utf8_count(struct str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        count += !is_continuation((unsigned char)text.at[i]);
    }
    return count;
}
