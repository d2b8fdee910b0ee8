/* The operator's ids of messages that went in several parts, in a file of the channel's own that
 * outlives this process: a message has arrived when all its parts have, and receipts come one by
 * one, perhaps to the next process. A ring: the oldest go first. Pages that were being written when
 * the power failed may be lost; the core has the ids as well then. */
#ifndef SMPP_PARTS_H
#define SMPP_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARTS_KEY_BYTES = 20, PARTS_NONE = UINT32_MAX };

/* One part whose id is known. */
struct part {
    uint64_t hash;    /* of the id */
    uint64_t message; /* the same for all parts of a message, never used again; 0: free */
    char key[PARTS_KEY_BYTES];
    uint32_t address; /* of the digits */
    uint8_t count;    /* parts of the message */
    uint8_t arrived;
};

struct parts;

/* Opens or makes the file in `folder`; `most` parts are remembered, a power of two. NULL with an
 * errno text in `error`. */
struct parts *parts_open(const char *folder, size_t most, char *error, size_t room);
void parts_close(struct parts *parts);

/* What makes numbers of messages differ between runs: put above the low 40 bits. */
uint64_t parts_run(const struct parts *parts);
/* Notes a part; its place, or PARTS_NONE when the disk is full: then only this process knows it. */
uint32_t parts_add(struct parts *parts, const struct part *part);
/* The part at this place has arrived; nothing when another one has taken the place meanwhile. */
void parts_arrived(struct parts *parts, uint32_t at, uint64_t message);

/* Places in use; what stands there. */
size_t parts_room(const struct parts *parts);
const struct part *parts_at(const struct parts *parts, size_t at);

#endif
