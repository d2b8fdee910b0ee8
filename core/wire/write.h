/* Building frames: many in one buffer, so that one loop turn costs one write(). One thread. */
#ifndef WIRE_WRITE_H
#define WIRE_WRITE_H

#include "base/buf.h"
#include "base/str.h"
#include "wire/frame.h"
#include <string.h>

struct wire_writer {
    struct base_buf buf;
    size_t sent;     /* bytes at the front of buf that have left */
    size_t frame_at; /* where the open frame begins */
    unsigned frame;  /* type of the open frame; 0: none is open */
};

void wire_writer_init(struct wire_writer *writer, size_t ceiling);
void wire_writer_release(struct wire_writer *writer);
void wire_writer_clear(struct wire_writer *writer);
/* False once something did not fit under the ceiling: the stream can no longer be used. */
bool wire_writer_ok(const struct wire_writer *writer);
/* Bytes that still have to leave. */
size_t wire_writer_pending(const struct wire_writer *writer);

/* Begins a frame (ending the one that is open). */
void wire_begin(struct wire_writer *writer, enum wire_frame type);
/* Goes on with the open frame when it is of this type and not full yet; begins one otherwise.
 * Records follow. */
void wire_batch(struct wire_writer *writer, enum wire_frame type);
void wire_end(struct wire_writer *writer);
/* A record inside a batch: the value of begin goes to end. */
size_t wire_record_begin(struct wire_writer *writer);
void wire_record_end(struct wire_writer *writer, size_t at);
/* Appends frames built before, as they are. */
void wire_append(struct wire_writer *writer, struct str frames);

/* Ends the open frame and writes what the descriptor takes: 0 when all has left, LANTOA_EAGAIN when
 * some is left, LANTOA_EIO when the other side is gone. */
int wire_flush(struct wire_writer *writer, int fd) LANTOA_MUST_CHECK;

static inline char *wire__room(struct wire_writer *writer, size_t count) {
    struct base_buf *buf = &writer->buf;
    if (buf->room - buf->bytes < count || buf->overfull) {
        return base_buf_grow(buf, count);
    }
    return buf->at + buf->bytes;
}

static inline void wire__store32(char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (char)(unsigned char)(value >> (8 * i));
    }
}

static inline void wire__store64(char *at, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        at[i] = (char)(unsigned char)(value >> (8 * i));
    }
}

static inline void wire_put_u8(struct wire_writer *writer, uint8_t value) {
    char *at = wire__room(writer, 1);
    if (at) {
        *at = (char)value;
        writer->buf.bytes += 1;
    }
}

static inline void wire_put_u32(struct wire_writer *writer, uint32_t value) {
    char *at = wire__room(writer, 4);
    if (at) {
        wire__store32(at, value);
        writer->buf.bytes += 4;
    }
}

static inline void wire_put_u64(struct wire_writer *writer, uint64_t value) {
    char *at = wire__room(writer, 8);
    if (at) {
        wire__store64(at, value);
        writer->buf.bytes += 8;
    }
}

static inline void wire_put_i64(struct wire_writer *writer, int64_t value) {
    wire_put_u64(writer, (uint64_t)value);
}

static inline void wire_put_f64(struct wire_writer *writer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    wire_put_u64(writer, bits);
}

static inline void wire_put_str(struct wire_writer *writer, struct str text) {
    char *at = wire__room(writer, text.bytes + 5);
    if (at) {
        wire__store32(at, (uint32_t)text.bytes);
        if (text.bytes > 0) {
            memcpy(at + 4, text.at, text.bytes);
        }
        at[4 + text.bytes] = '\0';
        writer->buf.bytes += text.bytes + 5;
    }
}

#endif
