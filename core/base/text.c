/* Vietnamese and other text: composed form, search key, accents off. Built for an import that calls
 * it millions of times: ASCII and the Latin letters Vietnamese uses never reach libunistring. */
#include "base/text.h"

#include "base/text_fold.h"

#include <pthread.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

/* ---- NFC ---- */

static size_t ascii_bytes(struct str text, size_t pos) {
    uint64_t word;
    while (text.bytes - pos >= sizeof(word)) {
        memcpy(&word, text.at + pos, sizeof(word));
        if (word & 0x8080808080808080u) {
            break;
        }
        pos += sizeof(word);
    }
    while (pos < text.bytes && (unsigned char)text.at[pos] < 0x80) {
        pos++;
    }
    return pos;
}

/* True for code points that NFC leaves alone whatever stands around them. Ranges checked against
 * Unicode 15 NFC_Quick_Check=Yes and Canonical_Combining_Class=0; everything else takes the long
 * way. */
static bool nfc_stable(uint32_t c) {
    return c < 0x300 || (c >= 0x1e00 && c <= 0x1eff) || (c >= 0x2010 && c <= 0x2027) ||
           (c >= 0x20a0 && c <= 0x20bf);
}

int base_text_nfc(struct base_buf *buf, struct str text) {
    size_t pos = ascii_bytes(text, 0);
    while (pos < text.bytes) {
        uint32_t c;
        size_t bytes = base__utf8_decode(text, pos, &c);
        if (bytes == 0) {
            return LANTOA_EINVAL;
        }
        if (!nfc_stable(c)) {
            break;
        }
        pos = ascii_bytes(text, pos + bytes);
    }
    if (pos == text.bytes) {
        base_buf_add_str(buf, text);
        return base_buf_ok(buf) ? 0 : LANTOA_ELIMIT;
    }
    if (!base_utf8_valid(text)) {
        return LANTOA_EINVAL;
    }
    size_t bytes = 0;
    uint8_t *composed =
        u8_normalize(UNINORM_NFC, (const uint8_t *)text.at, text.bytes, NULL, &bytes);
    if (!composed) {
        return LANTOA_ENOMEM;
    }
    base_buf_add(buf, composed, bytes);
    free(composed); /* libunistring's own memory */
    return base_buf_ok(buf) ? 0 : LANTOA_ELIMIT;
}

/* ---- folding: marks off, with or without lower case ---- */

enum fold { FOLD_STRIP, FOLD_KEY, FOLD_KINDS };
enum {
    FOLD_MOST_BYTES = 16, /* a Hangul syllable makes three jamo of three bytes; nothing makes more
                             than four code points */
    LATIN_FROM = 0x80,
    LATIN_END = 0x370, /* Latin-1 to the combining marks U+0300..U+036F */
    VIET_FROM = 0x1e00,
    VIET_END = 0x1f00,
    FAST_COUNT = LATIN_END - LATIN_FROM + VIET_END - VIET_FROM
};

/* What one code point becomes; blank ones become " ", vanished ones nothing. */
struct folded {
    uint8_t bytes;
    char at[FOLD_MOST_BYTES];
};

/* Đ has no decomposition. Its doubles Ð (eth) and Ɖ look the same and stand in many a converted
 * file. */
static uint32_t stroke_off(uint32_t c) {
    switch (c) {
    case 0x0110:
    case 0x00d0:
    case 0x0189:
        return 'D';
    case 0x0111:
    case 0x00f0:
    case 0x0256:
        return 'd';
    default:
        return c;
    }
}

static bool is_dropped_mark(ucs4_t c) {
    /* Marks of class 0 are vowels of other scripts (Khmer, Cham): without them words would fall
     * together. */
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Mn) && uc_combining_class(c) != 0;
}

static void fold_slowly(uint32_t c, enum fold kind, struct folded *out) {
    out->bytes = 0;
    if (kind == FOLD_KEY) {
        if (uc_is_property_white_space(c)) {
            out->bytes = 1;
            out->at[0] = ' ';
            return;
        }
        if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cf)) {
            return; /* soft hyphens and zero-width signs, unseen by the person who typed them */
        }
    }
    ucs4_t parts[8];
    size_t count = sizeof(parts) / sizeof(parts[0]);
    if (!u32_normalize(UNINORM_NFD, &c, 1, parts, &count) || count > 8) {
        parts[0] = c;
        count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_dropped_mark(parts[i])) {
            continue;
        }
        uint32_t letter = stroke_off(parts[i]);
        if (kind == FOLD_KEY) {
            letter = uc_tolower(letter);
        }
        char bytes[4];
        size_t length = base__utf8_encode(letter, bytes);
        if (out->bytes + length > sizeof(out->at)) {
            return;
        }
        memcpy(out->at + out->bytes, bytes, length);
        out->bytes = (uint8_t)(out->bytes + length);
    }
}

/* The letters of Vietnamese and its neighbours, folded once. At most three bytes each (U+023A). */
struct fast_fold {
    uint8_t bytes;
    char at[3];
};
static struct fast_fold fast[FOLD_KINDS][FAST_COUNT];
static pthread_once_t fast_once = PTHREAD_ONCE_INIT;

static int fast_slot(uint32_t c) {
    if (c >= LATIN_FROM && c < LATIN_END) {
        return (int)(c - LATIN_FROM);
    }
    if (c >= VIET_FROM && c < VIET_END) {
        return (int)(c - VIET_FROM + (LATIN_END - LATIN_FROM));
    }
    return -1;
}

static void fast_build_range(uint32_t from, uint32_t end) {
    for (uint32_t c = from; c < end; c++) {
        for (int kind = 0; kind < FOLD_KINDS; kind++) {
            struct folded folded;
            fold_slowly(c, (enum fold)kind, &folded);
            struct fast_fold *entry = &fast[kind][fast_slot(c)];
            entry->bytes = folded.bytes;
            memcpy(entry->at, folded.at, folded.bytes < 3 ? folded.bytes : 3);
        }
    }
}

static void fast_build(void) {
    fast_build_range(LATIN_FROM, LATIN_END);
    fast_build_range(VIET_FROM, VIET_END);
}

/* Folded bytes on their way to the buffer, in pieces: the ceiling then counts exactly, and adds are
 * few. */
struct fold_out {
    struct base_buf *buf;
    size_t bytes;
    char at[256];
    bool any;   /* something other than a blank was written */
    bool blank; /* a blank waits for what follows it */
};

static void fold_flush(struct fold_out *out) {
    base_buf_add(out->buf, out->at, out->bytes);
    out->bytes = 0;
}

static inline void fold_put(struct fold_out *out, const char *at, size_t bytes) {
    if (sizeof(out->at) - out->bytes < FOLD_MOST_BYTES + 1) {
        fold_flush(out);
    }
    if (out->blank && out->any) {
        out->at[out->bytes++] = ' ';
    }
    out->blank = false;
    out->any = true;
    for (size_t i = 0; i < bytes; i++) {
        out->at[out->bytes++] = at[i];
    }
}

static inline void fold_ascii(struct fold_out *out, enum fold kind, char c) {
    if (kind == FOLD_KEY) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            out->blank = true;
            return;
        }
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c + ('a' - 'A'));
        }
    }
    fold_put(out, &c, 1);
}

static void fold_wide(struct fold_out *out, enum fold kind, uint32_t c) {
    struct folded folded;
    int slot = fast_slot(c);
    const char *at = folded.at;
    size_t bytes;
    if (slot >= 0) {
        at = fast[kind][slot].at;
        bytes = fast[kind][slot].bytes;
    } else {
        fold_slowly(c, kind, &folded);
        bytes = folded.bytes;
    }
    if (kind == FOLD_KEY && bytes == 1 && at[0] == ' ') {
        out->blank = true;
    } else if (bytes > 0) {
        fold_put(out, at, bytes);
    }
}

/* Folding one code point at a time is exact: decomposition only ever reorders marks, and those go.
 */
static int fold_text(struct base_buf *buf, struct str text, enum fold kind) {
    pthread_once(&fast_once, fast_build);
    struct fold_out out = {.buf = buf, .bytes = 0, .any = false, .blank = false};
    for (size_t pos = 0; pos < text.bytes;) {
        if ((unsigned char)text.at[pos] < 0x80) {
            fold_ascii(&out, kind, text.at[pos]);
            pos++;
            continue;
        }
        uint32_t c;
        size_t bytes = base__utf8_decode(text, pos, &c);
        if (bytes == 0) {
            return LANTOA_EINVAL;
        }
        fold_wide(&out, kind, c);
        pos += bytes;
    }
    fold_flush(&out);
    return base_buf_ok(buf) ? 0 : LANTOA_ELIMIT;
}

int base_text_key(struct base_buf *buf, struct str text) {
    return fold_text(buf, text, FOLD_KEY);
}

int base_text_strip(struct base_buf *buf, struct str text) {
    return fold_text(buf, text, FOLD_STRIP);
}
