/* Taking a byte stream apart into frames. Knows the frame format, not what frames mean. */
#include "wire/read.h"
#include "base/mem.h"
#include <errno.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)

void wire_inbox_init(struct wire_inbox *inbox, enum wire_way way) {
    *inbox = (struct wire_inbox){.way = way};
}

void wire_inbox_release(struct wire_inbox *inbox) {
    base_free(inbox->at);
    *inbox = (struct wire_inbox){0};
}

/* Room for one more read, and for the whole of the frame that has begun, whose length was checked
 * by wire_inbox_next. */
static void make_room(struct wire_inbox *inbox) {
    size_t held = inbox->end - inbox->start;
    size_t want = held + READ_BYTES;
    if (held >= 4) {
        size_t frame = (size_t)wire__load32(inbox->at + inbox->start) + 4;
        if (frame <= WIRE_MOST_STEP_BYTES + 4 && frame > want) {
            want = frame;
        }
    }
    if (inbox->start > 0) {
        memmove(inbox->at, inbox->at + inbox->start, held);
        inbox->start = 0;
        inbox->end = held;
    }
    bool oversized = held == 0 && inbox->room > 8 * READ_BYTES;
    if (inbox->room < want || oversized) {
        inbox->at = base_realloc(inbox->at, want);
        inbox->room = want;
    }
}

int wire_inbox_fill(struct wire_inbox *inbox, int fd) {
    make_room(inbox);
    size_t room = inbox->room - inbox->end;
    ssize_t count;
    do {
        count = read(fd, inbox->at + inbox->end, room);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return errno == EAGAIN ? LANTOA_EAGAIN : LANTOA_EIO;
    }
    inbox->end += (size_t)count;
    return count > 0;
}

int wire_inbox_next(
    struct wire_inbox *inbox, enum wire_frame *type_out, struct wire_reader *body_out) {
    size_t held = inbox->end - inbox->start;
    if (held < WIRE_HEAD_BYTES) {
        return 0;
    }
    const char *at = inbox->at + inbox->start;
    size_t length = wire__load32(at);
    unsigned type = (unsigned char)at[4];
    if (length == 0 || length > wire_frame_longest(type, inbox->way)) {
        return LANTOA_EPROTO;
    }
    if (held < length + 4) {
        return 0;
    }
    *type_out = (enum wire_frame)type;
    *body_out = wire_reader_of(str_of(at + WIRE_HEAD_BYTES, length - 1));
    inbox->start += length + 4;
    return 1;
}

bool wire_inbox_partial(const struct wire_inbox *inbox) {
    return inbox->end > inbox->start;
}
