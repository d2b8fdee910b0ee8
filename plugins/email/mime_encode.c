/* Body encodings and dates; see mime_encode.h. Knows no message structure. */
#include "mime_encode.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789ABCDEF";

/* Writes the base64 of count bytes; the room for it must be there. Returns the end. */
static char *base64_write(char *to, const unsigned char *at, size_t count) {
    while (count >= 3) {
        uint32_t group = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        to[0] = base64_digits[group >> 18];
        to[1] = base64_digits[group >> 12 & 63];
        to[2] = base64_digits[group >> 6 & 63];
        to[3] = base64_digits[group & 63];
        to += 4;
        at += 3;
        count -= 3;
    }
    if (count > 0) {
        uint32_t group = (uint32_t)at[0] << 16 | (count > 1 ? (uint32_t)at[1] << 8 : 0);
        to[0] = base64_digits[group >> 18];
        to[1] = base64_digits[group >> 12 & 63];
        to[2] = count > 1 ? base64_digits[group >> 6 & 63] : '=';
        to[3] = '=';
        to += 4;
    }
    return to;
}

void mime_put_base64_run(struct bytes *out, const char *at, size_t count) {
    if (!bytes_reserve(out, count / 3 * 4 + 4)) {
        return;
    }
    char *end = base64_write(out->at + out->used, (const unsigned char *)at, count);
    out->used = (size_t)(end - out->at);
    out->at[out->used] = '\0';
}

void mime_put_base64(struct bytes *out, const char *at, size_t count) {
    enum { LINE = 57 };
    if (!bytes_reserve(out, (count / LINE + 1) * 78)) {
        return;
    }
    char *to = out->at + out->used;
    while (count > 0) {
        size_t take = count < LINE ? count : LINE;
        to = base64_write(to, (const unsigned char *)at, take);
        *to++ = '\r';
        *to++ = '\n';
        at += take;
        count -= take;
    }
    out->used = (size_t)(to - out->at);
    out->at[out->used] = '\0';
}

/* Length of the line end at this place: 0, 1 or 2. */
static size_t line_end(const char *at, const char *end) {
    if (at == end || (*at != '\r' && *at != '\n')) {
        return 0;
    }
    return *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1;
}

void mime_put_quoted(struct bytes *out, const char *at, size_t count) {
    enum { MOST = 75 }; /* and "=" of the soft line break: 76 */
    const char *end = at + count;
    size_t column = 0;
    if (!bytes_reserve(out, count + count / 4 + 16)) {
        return;
    }
    while (at < end) {
        size_t ending = line_end(at, end);
        if (ending > 0) {
            bytes_put(out, "\r\n", 2);
            at += ending;
            column = 0;
            continue;
        }
        unsigned char c = (unsigned char)*at++;
        bool last = at == end || line_end(at, end) > 0;
        bool raw = c == ' ' || c == '\t' ? !last : c > ' ' && c < 0x7f && c != '=';
        size_t width = raw ? 1 : 3;
        if (column + width > MOST) {
            bytes_put(out, "=\r\n", 3);
            column = 0;
        }
        /* A dot that would begin a line is written as a code: nobody on the way can take it for the
         * end of the mail. */
        if (raw && !(column == 0 && c == '.')) {
            bytes_put_char(out, (char)c);
        } else {
            const char code[3] = {'=', hex_digits[c >> 4], hex_digits[c & 15]};
            bytes_put(out, code, 3);
            width = 3;
        }
        column += width;
    }
    if (column > 0) {
        bytes_put(out, "\r\n", 2);
    }
}

void mime_put_lines(struct bytes *out, const char *at, size_t count) {
    const char *end = at + count;
    bool plain = memchr(at, '\r', count) == NULL;
    while (at < end) {
        const char *stop;
        if (plain) {
            stop = memchr(at, '\n', (size_t)(end - at));
            stop = stop == NULL ? end : stop;
        } else {
            for (stop = at; stop < end && *stop != '\r' && *stop != '\n';) {
                stop++;
            }
        }
        bytes_put(out, at, (size_t)(stop - at));
        bytes_put(out, "\r\n", 2);
        at = stop + line_end(stop, end);
    }
}

/* How many bytes of a word have their top bit set; no other bits may be. */
static size_t count_tops(uint64_t word) {
    return (size_t)((word >> 7) * 0x0101010101010101u >> 56);
}

#define TOPS UINT64_C(0x8080808080808080)

/* How many bytes are not ASCII and how many are "=", eight bytes at a time. */
static void count_costly(const char *at, size_t count, size_t *high_out, size_t *equals_out) {
    const uint64_t lows = 0x7f7f7f7f7f7f7f7fu, equal = 0x3d3d3d3d3d3d3d3du;
    size_t high = 0, equals = 0, i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        high += count_tops(word & TOPS);
        word ^= equal;
        equals += count_tops(~(((word & lows) + lows) | word | lows));
    }
    for (; i < count; i++) {
        high += (unsigned char)at[i] >= 0x80;
        equals += at[i] == '=';
    }
    *high_out = high;
    *equals_out = equals;
}

static bool is_ascii(const char *at, size_t count) {
    uint64_t all = 0;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        uint64_t words[4];
        memcpy(words, at + i, 32);
        all |= (words[0] | words[1]) | (words[2] | words[3]);
    }
    for (; i < count; i++) {
        all |= (unsigned char)at[i];
    }
    return (all & TOPS) == 0;
}

static bool fits_7bit(const char *at, size_t count) {
    const char *end = at + count;
    if (!is_ascii(at, count) || memchr(at, '\0', count) != NULL) {
        return false;
    }
    bool returns = memchr(at, '\r', count) != NULL;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        if (stop - at > 900 || *at == '.' || (end - at >= 2 && at[0] == '-' && at[1] == '-')) {
            return false;
        }
        /* A lone CR would become a line end, behind which a dot could stand. */
        const char *cr = returns ? memchr(at, '\r', (size_t)(stop - at)) : NULL;
        if (cr != NULL && cr + 1 != stop) {
            return false;
        }
        at = stop + 1;
    }
    return true;
}

enum mime_encoding mime_encoding_choose(const char *at, size_t count) {
    if (fits_7bit(at, count)) {
        return MIME_7BIT;
    }
    size_t high, equals;
    count_costly(at, count, &high, &equals);
    size_t codes = high + equals;
    size_t quoted = count + 2 * codes + (count + 2 * codes) / 75 * 3;
    size_t base64 = (count + 2) / 3 * 4 + count / 57 * 2;
    return quoted <= base64 ? MIME_QUOTED_PRINTABLE : MIME_BASE64;
}

const char *mime_encoding_name(enum mime_encoding encoding) {
    switch (encoding) {
    case MIME_7BIT:
        return "7bit";
    case MIME_QUOTED_PRINTABLE:
        return "quoted-printable";
    case MIME_BASE64:
        return "base64";
    }
    return "base64";
}

void mime_put_text(struct bytes *out, const char *at, size_t count, enum mime_encoding encoding) {
    switch (encoding) {
    case MIME_7BIT:
        mime_put_lines(out, at, count);
        return;
    case MIME_QUOTED_PRINTABLE:
        mime_put_quoted(out, at, count);
        return;
    case MIME_BASE64:
        break;
    }
    /* The line ends inside base64 text are CRLF too; most text has lone LFs, so these come in order
     * first. */
    struct bytes lines = {0};
    bytes_reserve(&lines, count + count / 16 + 2);
    mime_put_lines(&lines, at, count);
    out->failed |= lines.failed;
    mime_put_base64(out, lines.at == NULL ? "" : lines.at, lines.used);
    bytes_release(&lines);
}

bool mime_has_control(struct lantoa_str text) {
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

void mime_put_date(struct bytes *out, int64_t now_ms) {
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds = now_ms / 1000, day = seconds / 86400, rest = seconds % 86400;
    /* Days to civil date: years counted from March, in eras of 400. */
    int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march = (5 * of_year + 2) / 153;
    int date = (int)(of_year - (153 * march + 2) / 5 + 1);
    int month = (int)(march < 10 ? march + 2 : march - 10);
    int year = (int)(year_of_era + era * 400 + (month <= 1));
    bytes_put_format(out, "%.3s, %d %.3s %d %02d:%02d:%02d +0000", days + 3 * (day % 7), date,
        months + 3 * month, year, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}
