/* A growing run of bytes; see bytes.h. Knows nothing of mail. */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool bytes_reserve_slow(struct bytes *bytes, size_t more) {
    if (bytes->failed) {
        return false;
    }
    if (more >= BYTES_CEILING || bytes->used + more >= BYTES_CEILING) {
        bytes->failed = true;
        return false;
    }
    size_t room = bytes->room < 256 ? 256 : bytes->room;
    while (room <= bytes->used + more) {
        room *= 2;
    }
    if (room > bytes->room) {
        char *at = realloc(bytes->at, room);
        if (at == NULL) {
            bytes->failed = true;
            return false;
        }
        bytes->at = at;
        bytes->room = room;
    }
    return true;
}

void bytes_release(struct bytes *bytes) {
    free(bytes->at);
    *bytes = (struct bytes){0};
}

void bytes_clear(struct bytes *bytes, size_t keep) {
    if (bytes->room > keep) {
        bytes_release(bytes);
    }
    bytes->used = 0;
    bytes->failed = false;
}

void bytes_put_format(struct bytes *bytes, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int count = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (count < 0 || !bytes_reserve(bytes, (size_t)count)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(bytes->at + bytes->used, (size_t)count + 1, fmt, args);
    va_end(args);
    bytes->used += (size_t)count;
}

void bytes_put_number(struct bytes *bytes, uint64_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    bytes_put(bytes, digits + at, sizeof(digits) - at);
}
