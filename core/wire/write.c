/* Building frames and writing them out. Knows the frame format, not what frames mean. */
#include "wire/write.h"
#include "base/log.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Above this a half-sent buffer is moved to its front, so that a slow reader does not make it
 * creep. */
#define COMPACT_BYTES ((size_t)1 << 20)

void wire_writer_init(struct wire_writer *writer, size_t ceiling) {
    *writer = (struct wire_writer){0};
    base_buf_init(&writer->buf, ceiling);
}

void wire_writer_release(struct wire_writer *writer) {
    base_buf_release(&writer->buf);
    *writer = (struct wire_writer){0};
}

void wire_writer_clear(struct wire_writer *writer) {
    base_buf_clear(&writer->buf);
    writer->sent = 0;
    writer->frame = 0;
}

bool wire_writer_ok(const struct wire_writer *writer) {
    return base_buf_ok(&writer->buf);
}

size_t wire_writer_pending(const struct wire_writer *writer) {
    return writer->buf.bytes - writer->sent;
}

void wire_begin(struct wire_writer *writer, enum wire_frame type) {
    wire_end(writer);
    writer->frame_at = writer->buf.bytes;
    writer->frame = type;
    wire_put_u32(writer, 0);
    wire_put_u8(writer, (uint8_t)type);
}

void wire_batch(struct wire_writer *writer, enum wire_frame type) {
    if (writer->frame == (unsigned)type &&
        writer->buf.bytes - writer->frame_at < WIRE_BATCH_BYTES) {
        return;
    }
    wire_begin(writer, type);
}

void wire_end(struct wire_writer *writer) {
    if (writer->frame == 0) {
        return;
    }
    if (wire_writer_ok(writer)) {
        size_t length = writer->buf.bytes - writer->frame_at - 4;
        BASE_ASSERT(length <= wire_frame_longest(writer->frame, WIRE_BOTH_WAYS));
        wire__store32(writer->buf.at + writer->frame_at, (uint32_t)length);
    }
    writer->frame = 0;
}

size_t wire_record_begin(struct wire_writer *writer) {
    BASE_ASSERT(writer->frame != 0);
    size_t at = writer->buf.bytes;
    wire_put_u32(writer, 0);
    return at;
}

void wire_record_end(struct wire_writer *writer, size_t at) {
    if (wire_writer_ok(writer)) {
        wire__store32(writer->buf.at + at, (uint32_t)(writer->buf.bytes - at - 4));
    }
}

void wire_append(struct wire_writer *writer, struct str frames) {
    wire_end(writer);
    base_buf_add_str(&writer->buf, frames);
}

int wire_flush(struct wire_writer *writer, int fd) {
    wire_end(writer);
    if (!wire_writer_ok(writer)) {
        return LANTOA_EIO;
    }
    while (writer->sent < writer->buf.bytes) {
        ssize_t done = send(fd, writer->buf.at + writer->sent, writer->buf.bytes - writer->sent,
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0 && errno == EAGAIN) {
            if (writer->sent > COMPACT_BYTES) {
                base_buf_consume(&writer->buf, writer->sent);
                writer->sent = 0;
            }
            return LANTOA_EAGAIN;
        }
        if (done < 0) {
            return LANTOA_EIO;
        }
        writer->sent += (size_t)done;
    }
    base_buf_clear(&writer->buf);
    writer->sent = 0;
    return 0;
}
