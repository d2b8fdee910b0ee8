/* Numbers and yes/no from text, all or nothing. Knows no locale: the decimal sign is a dot. */
#include "base/parse.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int base_parse_u64(struct str text, uint64_t *value_out) {
    if (text.bytes == 0) {
        return LANTOA_EINVAL;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (!is_digit(text.at[i]) || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value)) {
            return LANTOA_EINVAL;
        }
    }
    *value_out = value;
    return 0;
}

int base_parse_i64(struct str text, int64_t *value_out) {
    bool negative = text.bytes > 0 && text.at[0] == '-';
    if (negative) {
        text = str_of(text.at + 1, text.bytes - 1);
    }
    uint64_t size;
    if (base_parse_u64(text, &size) != 0) {
        return LANTOA_EINVAL;
    }
    if (size > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return LANTOA_EINVAL;
    }
    /* The detour keeps INT64_MIN, whose size has no positive twin. */
    *value_out = !negative ? (int64_t)size : size == 0 ? 0 : -(int64_t)(size - 1) - 1;
    return 0;
}

static size_t digits_at(struct str text, size_t pos) {
    size_t count = 0;
    while (pos + count < text.bytes && is_digit(text.at[pos + count])) {
        count++;
    }
    return count;
}

/* -12.5e+3, no more: strtod alone would also take blanks, hex, inf and nan. */
static bool is_decimal(struct str text) {
    size_t pos = text.bytes > 0 && text.at[0] == '-' ? 1 : 0;
    size_t digits = digits_at(text, pos);
    if (digits == 0) {
        return false;
    }
    pos += digits;
    if (pos < text.bytes && text.at[pos] == '.') {
        digits = digits_at(text, pos + 1);
        if (digits == 0) {
            return false;
        }
        pos += 1 + digits;
    }
    if (pos < text.bytes && (text.at[pos] == 'e' || text.at[pos] == 'E')) {
        pos++;
        if (pos < text.bytes && (text.at[pos] == '+' || text.at[pos] == '-')) {
            pos++;
        }
        digits = digits_at(text, pos);
        if (digits == 0) {
            return false;
        }
        pos += digits;
    }
    return pos == text.bytes;
}

static pthread_once_t locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void locale_make(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    BASE_ASSERT(c_locale != (locale_t)0);
}

int base_parse_f64(struct str text, double *value_out) {
    char copy[128];
    if (text.bytes >= sizeof(copy) || !is_decimal(text)) {
        return LANTOA_EINVAL;
    }
    memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = '\0';
    pthread_once(&locale_once, locale_make);
    double value = strtod_l(copy, NULL, c_locale);
    if (!isfinite(value)) {
        return LANTOA_EINVAL;
    }
    *value_out = value;
    return 0;
}

/* Lower case of NFC text as far as the words below need it: ASCII and U+00C0..U+00DE. */
static void lower_in_place(struct base_buf *buf) {
    for (size_t i = 0; i < buf->bytes; i++) {
        unsigned char c = (unsigned char)buf->at[i];
        bool latin1 = i > 0 && (unsigned char)buf->at[i - 1] == 0xc3 && c <= 0x9e && c != 0x97;
        if ((c >= 'A' && c <= 'Z') || latin1) {
            buf->at[i] = (char)(c + 0x20);
        }
    }
}

int base_parse_bool(struct str text, bool *value_out) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true},
        {"false", false},
        {"yes", true},
        {"no", false},
        {"1", true},
        {"0", false},
        {"có", true},
        {"x", true},
        {"không", false},
    };
    struct base_buf word;
    base_buf_init(&word, 16);
    int result = LANTOA_EINVAL;
    if (text.bytes <= 16 && base_text_nfc(&word, text) == 0) {
        lower_in_place(&word);
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (str_is(base_buf_str(&word), words[i].word)) {
                *value_out = words[i].value;
                result = 0;
            }
        }
    }
    base_buf_release(&word);
    return result;
}

bool base_add_i64(int64_t a, int64_t b, int64_t *sum_out) {
    return !__builtin_add_overflow(a, b, sum_out);
}

bool base_mul_i64(int64_t a, int64_t b, int64_t *product_out) {
    return !__builtin_mul_overflow(a, b, product_out);
}
