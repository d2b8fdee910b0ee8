/* The frames between the core and a channel host: which there are, and how large each may be.
 *
 * A frame is: u32 length of what follows, u8 type, body. Numbers are little-endian. A text is u32
 * length, the bytes, and a NUL that is not counted, so that the host can hand texts to a plugin
 * where they lie. Frames that carry many things of a kind (SEND, RESULTS, EVENTS) hold records,
 * each u32 length and its fields.
 *
 * Growth: fields are only ever added at the end of a body or a record, and a reader ignores what it
 * does not know there. HELLO carries the versions and comes first, both ways. Nothing that arrives
 * is trusted: see wire/read.h. */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <lantoa/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAJOR 1
#define WIRE_MINOR 0

#define WIRE_HEAD_BYTES 5
#define WIRE_MOST_BYTES ((size_t)4 << 20)       /* length of an ordinary frame, type included */
#define WIRE_MOST_STEP_BYTES ((size_t)32 << 20) /* STEP carries attachments */
/* A batch that has reached this size is closed and a new frame begun. */
#define WIRE_BATCH_BYTES ((size_t)32 << 10)

enum wire_way { WIRE_TO_HOST = 1, WIRE_TO_CORE = 2, WIRE_BOTH_WAYS = 3 };

/* X(NAME, type, way, longest) */
#define WIRE_FRAMES(X)                                                                             \
    X(HELLO, 1, WIRE_BOTH_WAYS, WIRE_MOST_BYTES)                                                   \
    X(STEP, 2, WIRE_TO_HOST, WIRE_MOST_STEP_BYTES)                                                 \
    X(STEP_FORGET, 3, WIRE_TO_HOST, 64)                                                            \
    X(SEND, 4, WIRE_TO_HOST, WIRE_MOST_BYTES)                                                      \
    X(CANCEL, 5, WIRE_TO_HOST, 64)                                                                 \
    X(LOOKUP, 6, WIRE_TO_HOST, 4096)                                                               \
    X(EVENT_DONE, 7, WIRE_TO_HOST, WIRE_MOST_BYTES)                                                \
    X(RECONFIGURE, 8, WIRE_TO_HOST, WIRE_MOST_BYTES)                                               \
    X(DRAIN, 9, WIRE_TO_HOST, 64)                                                                  \
    X(PING, 10, WIRE_TO_HOST, 64)                                                                  \
    X(CLOCK, 11, WIRE_TO_HOST, 64)                                                                 \
    X(READY, 12, WIRE_TO_CORE, 64)                                                                 \
    X(RESULTS, 13, WIRE_TO_CORE, WIRE_MOST_BYTES)                                                  \
    X(EVENTS, 14, WIRE_TO_CORE, WIRE_MOST_BYTES)                                                   \
    X(LOG, 15, WIRE_TO_CORE, 8192)                                                                 \
    X(METRIC, 16, WIRE_TO_CORE, 256)                                                               \
    X(PONG, 17, WIRE_TO_CORE, 64)                                                                  \
    X(FAIL, 18, WIRE_TO_CORE, 4096)                                                                \
    X(DRAINED, 19, WIRE_TO_CORE, 64)                                                               \
    X(QUOTE, 20, WIRE_TO_HOST, WIRE_MOST_BYTES)                                                    \
    X(QUOTES, 21, WIRE_TO_CORE, WIRE_MOST_BYTES)                                                   \
    X(HOOK, 22, WIRE_TO_HOST, WIRE_MOST_BYTES)                                                     \
    X(HOOK_DONE, 23, WIRE_TO_CORE, 64)                                                             \
    X(CHECK, 24, WIRE_TO_HOST, 64)                                                                 \
    X(CHECKED, 25, WIRE_TO_CORE, 4096)

#define WIRE__FRAME_ENUM(name, type, way, longest) WIRE_##name = (type),
enum wire_frame { WIRE_FRAMES(WIRE__FRAME_ENUM) };
#undef WIRE__FRAME_ENUM

/* Who is to blame for a FAIL: decides how soon the channel is parked. */
enum wire_fail {
    WIRE_FAIL_PLUGIN = 1, /* the plugin said that it cannot go on */
    WIRE_FAIL_FAULT,      /* the plugin broke the rules of the SDK */
    WIRE_FAIL_HOST,       /* the host could not start: not a plugin, wrong options */
};

/* "SEND"; "?" for a type that does not exist. Static. */
const char *wire_frame_name(unsigned type);
/* The longest length a frame of this type may announce when it travels `way`; 0: no such frame on
 * this way. */
size_t wire_frame_longest(unsigned type, enum wire_way way);

#endif
