/* QR codes as PNG and SVG. The PNG is stored, not deflated: a code is a few kilobytes at most. */
#include "tracking/qr.h"

#include "base/mem.h"
#include "base/tr.h"
#include <qrencode.h>

#define QUIET 4
#define DOTS 16
#define TEXT_BYTES_MAX 2000
#define STORED_BYTES_MAX 65535 /* of one stored block (RFC 1951) */

static bool dark(const QRcode *code, int x, int y) {
    x -= QUIET;
    y -= QUIET;
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1);
}

/* --- SVG --- */

static void make_svg(const QRcode *code, struct base_buf *out) {
    int size = code->width + 2 * QUIET;
    base_buf_printf(out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
        "width=\"%dmm\" height=\"%dmm\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<path d=\"",
        size, size, size, size, size, size);
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            int run = 0;
            while (dark(code, x + run, y)) {
                run++;
            }
            if (run) {
                base_buf_printf(out, "M%d %dh%dv1h-%dz", x, y, run, run);
                x += run;
            }
        }
    }
    base_buf_add_text(out, "\"/>\n</svg>\n");
}

/* --- PNG (ISO/IEC 15948) --- */

static uint32_t crc32_of(const char *bytes, size_t count) {
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < count; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
        }
    }
    return ~crc;
}

static uint32_t adler32_of(struct str bytes) {
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < bytes.bytes; i++) {
        a = (a + (unsigned char)bytes.at[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static void add_u32(struct base_buf *out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        base_buf_add_char(out, (char)(value >> shift));
    }
}

static void add_chunk(struct base_buf *out, const char *type, struct str data) {
    add_u32(out, (uint32_t)data.bytes);
    size_t start = out->bytes;
    base_buf_add(out, type, 4);
    base_buf_add_str(out, data);
    if (base_buf_ok(out)) {
        add_u32(out, crc32_of(out->at + start, out->bytes - start));
    }
}

/* Rows of one bit a dot, white is 1, each behind the number of its filter (0: none). */
static void add_rows(const QRcode *code, int size, struct base_buf *rows) {
    for (int y = 0; y < size * DOTS; y++) {
        base_buf_add_char(rows, 0);
        for (int x = 0; x < size; x++) {
            char eight = dark(code, x, y / DOTS) ? 0 : (char)0xff;
            for (int i = 0; i < DOTS / 8; i++) {
                base_buf_add_char(rows, eight);
            }
        }
    }
}

/* A zlib stream (RFC 1950) of stored blocks. */
static void store(struct str data, struct base_buf *out) {
    base_buf_add(out, "\x78\x01", 2);
    for (size_t at = 0; at < data.bytes;) {
        size_t rest = data.bytes - at;
        size_t bytes = rest < STORED_BYTES_MAX ? rest : STORED_BYTES_MAX;
        base_buf_add_char(out, bytes == rest);
        base_buf_add_char(out, (char)(bytes & 255));
        base_buf_add_char(out, (char)(bytes >> 8));
        base_buf_add_char(out, (char)(~bytes & 255));
        base_buf_add_char(out, (char)(~bytes >> 8 & 255));
        base_buf_add(out, data.at + at, bytes);
        at += bytes;
    }
    add_u32(out, adler32_of(data));
}

static void make_png(const QRcode *code, struct base_buf *out) {
    int size = code->width + 2 * QUIET;
    struct base_buf head;
    struct base_buf rows;
    struct base_buf stream;
    base_buf_init(&head, 64);
    base_buf_init(&rows, (size_t)16 << 20);
    base_buf_init(&stream, (size_t)16 << 20);
    base_buf_add(out, "\x89PNG\r\n\x1a\n", 8);
    add_u32(&head, (uint32_t)(size * DOTS));
    add_u32(&head, (uint32_t)(size * DOTS));
    base_buf_add(&head, "\x01\x00\x00\x00\x00", 5); /* one bit, grey, no interlace */
    add_chunk(out, "IHDR", base_buf_str(&head));
    add_rows(code, size, &rows);
    store(base_buf_str(&rows), &stream);
    add_chunk(out, "IDAT", base_buf_str(&stream));
    add_chunk(out, "IEND", STR(""));
    base_buf_release(&head);
    base_buf_release(&rows);
    base_buf_release(&stream);
}

int qr_make(struct str text, enum qr_form form, struct base_buf *out, struct base_err *err) {
    if (text.bytes == 0 || memchr(text.at, '\0', text.bytes)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("a QR code needs a text"));
    }
    unsigned char bytes[TEXT_BYTES_MAX];
    QRcode *code = NULL;
    if (text.bytes <= sizeof bytes) {
        memcpy(bytes, text.at, text.bytes);
        code = QRcode_encodeData((int)text.bytes, bytes, 0, QR_ECLEVEL_M);
    }
    if (!code) {
        return base_err_set(err, LANTOA_ELIMIT, "%s", TR("the text is too long for a QR code"));
    }
    if (form == QR_SVG) {
        make_svg(code, out);
    } else {
        make_png(code, out);
    }
    QRcode_free(code);
    return base_buf_ok(out) ? 0 : LANTOA_ELIMIT;
}
