/* The ring of parts, in a mapped file that grows while it has not gone round; see parts.h. */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_ROOM = 1 << 10, MAGIC = 0x4C545031, RUN_SHIFT = 40 };

/* 64 bytes: no part lies across two sectors of a disk. */
struct slot {
    struct part part;
    char unused[64 - sizeof(struct part)];
};

struct ring {
    uint32_t magic, run;
    uint32_t room, next; /* slots that the file has, and where the next part goes */
    char unused[48];
    struct slot slots[];
};

struct parts {
    struct ring *ring;
    size_t most, mapped;
    int fd;
};

static size_t bytes_for(size_t room) {
    return sizeof(struct ring) + room * sizeof(struct slot);
}

static bool is_sound(const struct ring *ring, size_t bytes, size_t most) {
    return ring->magic == MAGIC && ring->room >= FIRST_ROOM && ring->room <= most &&
           (ring->room & (ring->room - 1)) == 0 && ring->next < ring->room &&
           bytes_for(ring->room) <= bytes;
}

/* Makes room in the file first: a full disk must be an error here, not a signal at some later page.
 */
static bool map(struct parts *parts, size_t bytes) {
    errno = posix_fallocate(parts->fd, 0, (off_t)bytes);
    if (errno != 0) {
        return false;
    }
    void *at = parts->ring == NULL
                   ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, parts->fd, 0)
                   : mremap(parts->ring, parts->mapped, bytes, MREMAP_MAYMOVE);
    if (at == MAP_FAILED) {
        return false;
    }
    parts->ring = at;
    parts->mapped = bytes;
    return true;
}

static bool open_file(struct parts *parts, const char *path) {
    struct stat stat;
    parts->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (parts->fd < 0 || fstat(parts->fd, &stat) != 0) {
        return false;
    }
    size_t bytes = stat.st_size > 0 ? (size_t)stat.st_size : 0;
    if (bytes > bytes_for(parts->most)) {
        bytes = bytes_for(parts->most);
    }
    if (!map(parts, bytes < bytes_for(FIRST_ROOM) ? bytes_for(FIRST_ROOM) : bytes)) {
        return false;
    }
    struct ring *ring = parts->ring;
    if (!is_sound(ring, parts->mapped, parts->most)) { /* new, or nothing in it can be trusted */
        memset(ring, 0, parts->mapped);
        ring->magic = MAGIC;
        ring->room = FIRST_ROOM;
    }
    ring->run++;
    return true;
}

struct parts *parts_open(const char *folder, size_t most, char *error, size_t room) {
    char path[4096], why[100];
    struct parts *parts = calloc(1, sizeof(*parts));
    if (parts == NULL) {
        snprintf(error, room, "out of memory");
        return NULL;
    }
    parts->most = most < FIRST_ROOM ? FIRST_ROOM : most;
    parts->fd = -1;
    errno = ENAMETOOLONG;
    if (snprintf(path, sizeof(path), "%s/parts", folder) >= (int)sizeof(path) ||
        !open_file(parts, path)) {
        snprintf(error, room, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
        parts_close(parts);
        return NULL;
    }
    return parts;
}

void parts_close(struct parts *parts) {
    if (parts == NULL) {
        return;
    }
    if (parts->ring != NULL) {
        munmap(parts->ring, parts->mapped);
    }
    if (parts->fd >= 0) {
        close(parts->fd);
    }
    free(parts);
}

uint64_t parts_run(const struct parts *parts) {
    return (uint64_t)parts->ring->run << RUN_SHIFT;
}

uint32_t parts_add(struct parts *parts, const struct part *part) {
    uint32_t at = parts->ring->next;
    uint32_t next = at + 1;
    if (next == parts->ring->room && parts->ring->room < parts->most &&
        map(parts, bytes_for((size_t)parts->ring->room * 2))) {
        parts->ring->room *= 2; /* what lies behind is zeros: the ring has not gone round */
    }
    struct slot *slot = &parts->ring->slots[at];
    *slot = (struct slot){.part = *part};
    parts->ring->next = next & (parts->ring->room - 1);
    return at;
}

void parts_arrived(struct parts *parts, uint32_t at, uint64_t message) {
    if (at < parts->ring->room && parts->ring->slots[at].part.message == message) {
        parts->ring->slots[at].part.arrived = 1;
    }
}

size_t parts_room(const struct parts *parts) {
    return parts->ring->room;
}

const struct part *parts_at(const struct parts *parts, size_t at) {
    return &parts->ring->slots[at].part;
}
