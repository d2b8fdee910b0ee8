/* A growing run of bytes with a sticky error: callers append without checking and look at `failed`
 * once at the end. Knows nothing of mail. */
#ifndef EMAIL_BYTES_H
#define EMAIL_BYTES_H

#include <lantoa/plugin.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    char *at; /* NUL-terminated once anything was put */
    size_t used, room;
    bool failed; /* memory ran out or the ceiling was hit; later puts do nothing */
};

/* No message and no buffer grows over this. */
#define BYTES_CEILING ((size_t)96 << 20)

/* Makes room for `more` bytes and a NUL behind them; false (and failed set) when that is not
 * possible. */
bool bytes_reserve_slow(struct bytes *bytes, size_t more);
void bytes_release(struct bytes *bytes);
/* Empties it; gives memory back when more than `keep` was taken. */
void bytes_clear(struct bytes *bytes, size_t keep);
void bytes_put_format(struct bytes *bytes, const char *fmt, ...) LANTOA_PRINTF(2, 3);
void bytes_put_number(struct bytes *bytes, uint64_t number);

static inline bool bytes_reserve(struct bytes *bytes, size_t more) {
    if (more < bytes->room - bytes->used && !bytes->failed) {
        return true;
    }
    return bytes_reserve_slow(bytes, more);
}

static inline void bytes_put(struct bytes *bytes, const char *at, size_t count) {
    if (bytes_reserve(bytes, count)) {
        memcpy(bytes->at + bytes->used, at, count);
        bytes->used += count;
        bytes->at[bytes->used] = '\0';
    }
}

static inline void bytes_put_text(struct bytes *bytes, const char *text) {
    bytes_put(bytes, text, strlen(text));
}

static inline void bytes_put_str(struct bytes *bytes, struct lantoa_str str) {
    bytes_put(bytes, str.at, str.bytes);
}

static inline void bytes_put_all(struct bytes *bytes, const struct bytes *other) {
    if (other->used > 0) {
        bytes_put(bytes, other->at, other->used);
    }
    bytes->failed |= other->failed;
}

static inline void bytes_put_char(struct bytes *bytes, char one) {
    if (bytes_reserve(bytes, 1)) {
        bytes->at[bytes->used++] = one;
        bytes->at[bytes->used] = '\0';
    }
}

#endif
