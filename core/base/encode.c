/* Bytes as text: hex and base64 (RFC 4648), both strict when read. */
#include "base/hash.h"

void base_hex(const uint8_t *bytes, size_t count, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int base_unhex(struct str hex, uint8_t *out, size_t count) {
    if (hex.bytes != count * 2) {
        return LANTOA_EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        int high = hex_value(hex.at[2 * i]), low = hex_value(hex.at[2 * i + 1]);
        if (high < 0 || low < 0) {
            return LANTOA_EINVAL;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

size_t base_base64(const void *bytes, size_t count, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = bytes;
    char *at = out;
    size_t i = 0;
    for (; i + 3 <= count; i += 3) {
        uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        *at++ = digits[group >> 18];
        *at++ = digits[group >> 12 & 63];
        *at++ = digits[group >> 6 & 63];
        *at++ = digits[group & 63];
    }
    if (i < count) {
        bool two = i + 2 == count;
        uint32_t group = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);
        *at++ = digits[group >> 18];
        *at++ = digits[group >> 12 & 63];
        *at++ = two ? digits[group >> 6 & 63] : '=';
        *at++ = '=';
    }
    *at = '\0';
    return (size_t)(at - out);
}

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base_unbase64(struct str text, uint8_t *out, size_t room, size_t *count_out) {
    if (text.bytes % 4 != 0) {
        return LANTOA_EINVAL;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text.bytes && text.at[text.bytes - 1 - padding] == '=') {
        padding++;
    }
    size_t digits = text.bytes - padding, count = text.bytes / 4 * 3 - padding;
    if (count > room) {
        return LANTOA_ELIMIT;
    }
    uint32_t group = 0;
    size_t written = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = base64_value(text.at[i]);
        if (value < 0) {
            return LANTOA_EINVAL;
        }
        group = group << 6 | (uint32_t)value;
        size_t have_bits = (i % 4 + 1) * 6;
        if (have_bits >= 8 && i % 4 != 0) {
            out[written++] = (uint8_t)(group >> (have_bits % 8));
        }
    }
    /* Bits left over must be zero, or two texts would stand for the same bytes. */
    uint32_t spare = padding == 0 ? 0 : padding == 1 ? group & 3 : group & 15;
    if (spare != 0) {
        return LANTOA_EINVAL;
    }
    *count_out = written;
    return 0;
}
