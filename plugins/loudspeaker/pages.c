/* Ogg (RFC 3533, RFC 7845) and MPEG audio (ISO 11172-3, 2.4.2.3) seen from outside. */
#include "pages.h"
#include <stdlib.h>
#include <string.h>

#define OGG_HEAD 27
#define OGG_BOS 2
#define MP3_GROUP_MS 100
#define PAGES_MOST 1000000

static uint32_t le32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool add(struct pages *pages, size_t *room, struct page page) {
    if (pages->count == *room) {
        *room = *room ? 2 * *room : 64;
        struct page *more =
            *room <= PAGES_MOST ? realloc(pages->list, *room * sizeof(*more)) : NULL;
        if (!more) {
            return false;
        }
        pages->list = more;
    }
    pages->list[pages->count++] = page;
    return true;
}

/* The length of the page at `at`, 0: none there. */
static size_t ogg_page_bytes(const uint8_t *at, size_t left) {
    if (left < OGG_HEAD || memcmp(at, "OggS", 4) != 0 || left < (size_t)OGG_HEAD + at[26]) {
        return 0;
    }
    size_t bytes = (size_t)OGG_HEAD + at[26];
    for (int i = 0; i < at[26]; i++) {
        bytes += at[OGG_HEAD + i];
    }
    return bytes <= left ? bytes : 0;
}

static bool read_ogg(struct pages *pages, const uint8_t *bytes, size_t count) {
    size_t room = 0, offset = 0, page_bytes;
    int64_t base_ms = 0, now_ms = 0, skip = 0;
    bool first = true;
    pages->ogg = true;
    while ((page_bytes = ogg_page_bytes(bytes + offset, count - offset)) > 0) {
        const uint8_t *at = bytes + offset;
        const uint8_t *body = at + OGG_HEAD + at[26];
        size_t body_bytes = page_bytes - OGG_HEAD - at[26];
        int64_t granule = (int64_t)((uint64_t)le32(at + 6) | (uint64_t)le32(at + 10) << 32);
        bool head = granule == 0 && (at[5] & OGG_BOS || first);
        if (at[5] & OGG_BOS) {
            base_ms = now_ms;
            skip =
                body_bytes >= 12 && memcmp(body, "OpusHead", 8) == 0 ? body[10] | body[11] << 8 : 0;
        }
        if (!add(pages, &room, (struct page){(uint32_t)offset, (uint32_t)page_bytes, now_ms})) {
            return false;
        }
        if (first && (head || granule == 0)) {
            pages->heads = pages->count;
        } else {
            first = false;
        }
        if (granule > skip) {
            int64_t end_ms = base_ms + (granule - skip) / 48;
            now_ms = end_ms > now_ms ? end_ms : now_ms;
        }
        offset += page_bytes;
    }
    pages->length_ms = now_ms;
    return now_ms > 0;
}

/* Bytes and microseconds of the frame at `at`; 0: none there. */
static size_t mp3_frame(const uint8_t *at, size_t left, int64_t *us_out) {
    static const int rates[3] = {44100, 48000, 32000};
    static const int bitrates[2][15] = {
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, /* MPEG 1, layer III */
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}};    /* MPEG 2 and 2.5 */
    if (left < 4 || at[0] != 0xFF || (at[1] & 0xE0) != 0xE0) {
        return 0;
    }
    int version = at[1] >> 3 & 3, layer = at[1] >> 1 & 3; /* 3: MPEG 1, 2: MPEG 2, 0: 2.5 */
    int bitrate = at[2] >> 4, rate = at[2] >> 2 & 3;
    if (version == 1 || layer != 1 || bitrate == 0 || bitrate == 15 || rate == 3) {
        return 0;
    }
    int hertz = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    int samples = version == 3 ? 1152 : 576;
    int kilobits = bitrates[version == 3 ? 0 : 1][bitrate];
    size_t bytes =
        (size_t)samples / 8 * (size_t)kilobits * 1000 / (size_t)hertz + (size_t)(at[2] >> 1 & 1);
    *us_out = (int64_t)samples * 1000000 / hertz;
    return bytes <= left ? bytes : 0;
}

static bool read_mp3(struct pages *pages, const uint8_t *bytes, size_t count) {
    size_t room = 0, offset = 0;
    int64_t now_us = 0, from_us = 0, us = 0;
    struct page group = {0};
    while (offset < count) {
        size_t frame = mp3_frame(bytes + offset, count - offset, &us);
        if (frame == 0) {
            offset++; /* tags and junk are left out */
            if (group.bytes > 0 && !add(pages, &room, group)) {
                return false;
            }
            group.bytes = 0;
            continue;
        }
        if (group.bytes == 0) {
            group = (struct page){(uint32_t)offset, 0, now_us / 1000};
            from_us = now_us;
        }
        group.bytes += (uint32_t)frame;
        offset += frame;
        now_us += us;
        if (now_us - from_us >= MP3_GROUP_MS * 1000) {
            if (!add(pages, &room, group)) {
                return false;
            }
            group.bytes = 0;
        }
    }
    if (group.bytes > 0 && !add(pages, &room, group)) {
        return false;
    }
    pages->length_ms = now_us / 1000;
    return now_us > 0;
}

bool pages_read(struct pages *pages, const uint8_t *bytes, size_t count) {
    *pages = (struct pages){0};
    bool ogg = count >= 4 && memcmp(bytes, "OggS", 4) == 0;
    if (count > UINT32_MAX ||
        !(ogg ? read_ogg(pages, bytes, count) : read_mp3(pages, bytes, count))) {
        pages_release(pages);
        return false;
    }
    return true;
}

void pages_release(struct pages *pages) {
    free(pages->list);
    *pages = (struct pages){0};
}

size_t pages_find(const struct pages *pages, int64_t from_ms) {
    size_t i = pages->heads;
    while (i < pages->count && pages->list[i].at_ms < from_ms) {
        i++;
    }
    return i;
}

/* The polynomial 0x04c11db7, neither inverted nor mirrored. */
static uint32_t checksum(const uint8_t *at, size_t bytes) {
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i << 24;
            for (int bit = 0; bit < 8; bit++) {
                value = value << 1 ^ (value & 0x80000000 ? 0x04c11db7U : 0);
            }
            table[i] = value;
        }
    }
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; i++) {
        sum = sum << 8 ^ table[(sum >> 24) ^ at[i]];
    }
    return sum;
}

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

void pages_renumber(uint8_t *page, size_t bytes, uint32_t serial, uint32_t sequence) {
    put32(page + 14, serial);
    put32(page + 18, sequence);
    put32(page + 22, 0);
    put32(page + 22, checksum(page, bytes));
}
