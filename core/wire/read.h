/* Reading frames that somebody else wrote. Whatever arrives, nothing here reads out of bounds or
 * aborts: a reader that was asked for more than there is turns bad and gives zeroes and empty texts
 * from then on, so callers check once, at the end. */
#ifndef WIRE_READ_H
#define WIRE_READ_H

#include "base/str.h"
#include "wire/frame.h"
#include <string.h>

struct wire_reader {
    const char *at, *end; /* BORROWED */
    bool bad;
};

static inline struct wire_reader wire_reader_of(struct str bytes) {
    const char *at = bytes.at ? bytes.at : "";
    return (struct wire_reader){at, at + bytes.bytes, false};
}

static inline size_t wire_left(const struct wire_reader *reader) {
    return (size_t)(reader->end - reader->at);
}

static inline bool wire__need(struct wire_reader *reader, size_t count) {
    if (wire_left(reader) < count) {
        reader->bad = true;
        reader->at = reader->end;
        return false;
    }
    return true;
}

static inline uint32_t wire__load32(const char *at) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    }
    return value;
}

static inline uint8_t wire_get_u8(struct wire_reader *reader) {
    if (!wire__need(reader, 1)) {
        return 0;
    }
    return (uint8_t)*reader->at++;
}

static inline uint32_t wire_get_u32(struct wire_reader *reader) {
    if (!wire__need(reader, 4)) {
        return 0;
    }
    uint32_t value = wire__load32(reader->at);
    reader->at += 4;
    return value;
}

static inline uint64_t wire_get_u64(struct wire_reader *reader) {
    if (!wire__need(reader, 8)) {
        return 0;
    }
    uint64_t value = wire__load32(reader->at) | (uint64_t)wire__load32(reader->at + 4) << 32;
    reader->at += 8;
    return value;
}

static inline int64_t wire_get_i64(struct wire_reader *reader) {
    return (int64_t)wire_get_u64(reader);
}

static inline double wire_get_f64(struct wire_reader *reader) {
    uint64_t bits = wire_get_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* A text, NUL-terminated behind its end. BORROWED from the bytes read. */
static inline struct str wire_get_str(struct wire_reader *reader) {
    uint32_t bytes = wire_get_u32(reader);
    if (!wire__need(reader, (size_t)bytes + 1) || reader->at[bytes] != '\0') {
        reader->bad = true;
        return (struct str){"", 0};
    }
    struct str text = {reader->at, bytes};
    reader->at += (size_t)bytes + 1;
    return text;
}

/* The next record of a batch as a reader of its own; false at the end or when what is left is no
 * record (then reader is bad). */
static inline bool wire_get_record(struct wire_reader *reader, struct wire_reader *record_out) {
    if (reader->bad || wire_left(reader) == 0) {
        return false;
    }
    uint32_t bytes = wire_get_u32(reader);
    if (reader->bad || !wire__need(reader, bytes)) {
        return false;
    }
    *record_out = (struct wire_reader){reader->at, reader->at + bytes, false};
    reader->at += bytes;
    return true;
}

/* What has been received and not yet read. */
struct wire_inbox {
    char *at;
    size_t start, end, room;
    enum wire_way way;
};

void wire_inbox_init(struct wire_inbox *inbox, enum wire_way way);
void wire_inbox_release(struct wire_inbox *inbox);
/* One read() of up to 256 KiB. 1: something came; 0: the other side has closed; LANTOA_EAGAIN:
 * nothing there; LANTOA_EIO. Texts read from earlier frames end here. */
int wire_inbox_fill(struct wire_inbox *inbox, int fd) LANTOA_MUST_CHECK;
/* The next whole frame: 1 and its body; 0: none yet; LANTOA_EPROTO: what came is not a frame that
 * may travel this way. */
int wire_inbox_next(struct wire_inbox *inbox, enum wire_frame *type_out,
    struct wire_reader *body_out) LANTOA_MUST_CHECK;
/* True when a frame has begun and not ended: at the end of the stream, a frame that was cut off. */
bool wire_inbox_partial(const struct wire_inbox *inbox);

#endif
