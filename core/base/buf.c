/* The growing byte buffer with a ceiling. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { BUF_FIRST_BYTES = 64 };

void base_buf_init(struct base_buf *buf, size_t ceiling) {
    *buf = (struct base_buf){.ceiling = ceiling};
}

void base_buf_release(struct base_buf *buf) {
    base_free(buf->at);
    base_buf_init(buf, buf->ceiling);
}

void base_buf_clear(struct base_buf *buf) {
    buf->bytes = 0;
    buf->overfull = false;
}

/* The room always holds one byte more than the content, for the NUL of base_buf_text. */
char *base_buf_grow(struct base_buf *buf, size_t count) {
    if (buf->overfull || count > buf->ceiling || buf->bytes > buf->ceiling - count) {
        buf->overfull = true;
        return NULL;
    }
    size_t needed = buf->bytes + count + 1;
    if (needed > buf->room) {
        size_t room = buf->room ? buf->room : BUF_FIRST_BYTES;
        while (room < needed) {
            room = room > SIZE_MAX / 2 ? needed : room * 2;
        }
        /* Not beyond the ceiling, which may be far from a power of two. */
        if (buf->ceiling < SIZE_MAX && room > buf->ceiling + 1) {
            room = buf->ceiling + 1;
        }
        buf->at = base_realloc(buf->at, room);
        buf->room = room;
    }
    return buf->at + buf->bytes;
}

void base_buf_add(struct base_buf *buf, const void *bytes, size_t count) {
    char *end = base_buf_grow(buf, count);
    if (end && count) {
        memcpy(end, bytes, count);
        buf->bytes += count;
    }
}

void base_buf_add_str(struct base_buf *buf, struct str s) {
    base_buf_add(buf, s.at, s.bytes);
}

void base_buf_add_text(struct base_buf *buf, const char *text) {
    base_buf_add(buf, text, strlen(text));
}

void base_buf_add_char(struct base_buf *buf, char c) {
    base_buf_add(buf, &c, 1);
}

void base_buf_add_u64(struct base_buf *buf, uint64_t value) {
    char digits[20];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    base_buf_add(buf, digits + first, sizeof(digits) - first);
}

void base_buf_printf(struct base_buf *buf, const char *fmt, ...) {
    char small[256];
    va_list args;
    va_start(args, fmt);
    int count = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (count < 0) {
        buf->overfull = true; /* a text that cannot be printed must not pass for a short one */
        return;
    }
    if ((size_t)count < sizeof(small)) {
        base_buf_add(buf, small, (size_t)count);
        return;
    }
    char *end = base_buf_grow(buf, (size_t)count);
    if (end) {
        va_start(args, fmt);
        vsnprintf(end, (size_t)count + 1, fmt, args);
        va_end(args);
        buf->bytes += (size_t)count;
    }
}

void base_buf_consume(struct base_buf *buf, size_t count) {
    if (count >= buf->bytes) {
        buf->bytes = 0;
        return;
    }
    memmove(buf->at, buf->at + count, buf->bytes - count);
    buf->bytes -= count;
}

bool base_buf_ok(const struct base_buf *buf) {
    return !buf->overfull;
}

const char *base_buf_text(struct base_buf *buf) {
    if (!buf->at) {
        return "";
    }
    buf->at[buf->bytes] = '\0';
    return buf->at;
}

struct str base_buf_str(const struct base_buf *buf) {
    return str_of(buf->at, buf->bytes);
}

char *base_buf_take(struct base_buf *buf) {
    char *text = buf->at;
    if (text) {
        text[buf->bytes] = '\0';
    } else {
        text = base_strdup("");
    }
    base_buf_init(buf, buf->ceiling);
    return text;
}
