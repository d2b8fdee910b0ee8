/* A recording cut where a stream may be cut: the pages of an Ogg Opus file, groups of frames of an
 * MP3, each with the time at which it begins. For pacing, and for going on from the middle.
 * Pure functions. */
#ifndef LOUDSPEAKER_PAGES_H
#define LOUDSPEAKER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page {
    uint32_t offset, bytes;
    int64_t at_ms; /* when what it holds is heard, from the beginning */
};

struct pages {
    struct page *list;
    size_t count;
    size_t heads; /* Ogg: the first so many pages are heads, needed whatever follows */
    int64_t length_ms;
    bool ogg;
};

/* False: no memory, or nothing that can be played. */
bool pages_read(struct pages *pages, const uint8_t *bytes, size_t count);
void pages_release(struct pages *pages);
/* The first page from which `from_ms` is heard; pages->count at the end. */
size_t pages_find(const struct pages *pages, int64_t from_ms);
/* Gives an Ogg page another stream's number and place, and its checksum (RFC 3533, 6). */
void pages_renumber(uint8_t *page, size_t bytes, uint32_t serial, uint32_t sequence);

#endif
