/* The ring of what was submitted, in a mapped file: no write call per message, and the pages
 * survive the process; see submits.h. */
#include "submits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REFERENCES = 1 << 16, DIGITS_MOST = 15, MAGIC = 0x4C545333 };

struct entry {
    char key[SMPP_KEY_BYTES];
    char digits[DIGITS_MOST + 1]; /* of the number, from its end; NUL-padded */
};

struct ring {
    uint32_t magic, last;
    uint32_t form, unused; /* form: enum refs_form and 1; 0: none is known */
    struct entry entries[REFERENCES];
};

struct submits {
    struct ring *ring;
};

/* The last nine digits tell numbers apart however they are written. */
static void take_digits(struct lantoa_str address, char to[DIGITS_MOST + 1]) {
    size_t used = 0;
    memset(to, 0, DIGITS_MOST + 1);
    for (size_t i = address.bytes; i > 0 && used < 9; i--) {
        if (address.at[i - 1] >= '0' && address.at[i - 1] <= '9') {
            to[used++] = address.at[i - 1];
        }
    }
}

struct submits *submits_open(const char *folder, char *error, size_t room) {
    char path[4096], why[100];
    struct submits *submits = NULL;
    struct ring *ring = MAP_FAILED;
    int fd = -1;
    if (snprintf(path, sizeof(path), "%s/submitted", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        goto fail;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        goto fail;
    }
    /* All of it now: a full disk must be an error here, not a signal at some later page. */
    errno = posix_fallocate(fd, 0, sizeof(struct ring));
    if (errno != 0) {
        goto fail;
    }
    ring = mmap(NULL, sizeof(struct ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    submits = calloc(1, sizeof(*submits));
    if (ring == MAP_FAILED || submits == NULL) {
        goto fail;
    }
    close(fd);
    if (ring->magic != MAGIC) { /* new, or of another kind: nothing in it can be trusted */
        memset(ring, 0, sizeof(*ring));
        ring->magic = MAGIC;
    }
    submits->ring = ring;
    return submits;
fail:
    snprintf(error, room, "%s: %s", path, strerror_r(errno, why, sizeof(why)));
    if (ring != MAP_FAILED) {
        munmap(ring, sizeof(struct ring));
    }
    if (fd >= 0) {
        close(fd);
    }
    free(submits);
    return NULL;
}

void submits_close(struct submits *submits) {
    if (submits != NULL) {
        munmap(submits->ring, sizeof(struct ring));
        free(submits);
    }
}

uint16_t submits_add(struct submits *submits, struct lantoa_str key, struct lantoa_str address) {
    struct ring *ring = submits->ring;
    uint16_t reference = (uint16_t)(ring->last + 1);
    reference = reference == 0 ? 1 : reference;
    struct entry *entry = &ring->entries[reference];
    memset(entry->key, 0, sizeof(entry->key));
    memcpy(entry->key, key.at, key.bytes < SMPP_KEY_BYTES ? key.bytes : SMPP_KEY_BYTES);
    take_digits(address, entry->digits);
    ring->last = reference;
    return reference;
}

bool submits_find(const struct submits *submits, uint16_t reference,
    const struct refs_numbers *numbers, char key_out[SMPP_KEY_ROOM]) {
    const struct entry *entry = &submits->ring->entries[reference];
    char from[DIGITS_MOST + 1], to[DIGITS_MOST + 1];
    take_digits(numbers->from, from);
    take_digits(numbers->to, to);
    if (entry->key[0] == '\0' || (memcmp(entry->digits, from, sizeof(from)) != 0 &&
                                     memcmp(entry->digits, to, sizeof(to)) != 0)) {
        return false;
    }
    memset(key_out, 0, SMPP_KEY_ROOM);
    memcpy(key_out, entry->key, SMPP_KEY_BYTES);
    return true;
}

void submits_keep_form(struct submits *submits, enum refs_form form) {
    uint32_t kept = form == REFS_EITHER ? 0 : (uint32_t)form + 1;
    if (submits->ring->form != kept) {
        submits->ring->form = kept;
    }
}

enum refs_form submits_form(const struct submits *submits) {
    uint32_t kept = submits->ring->form;
    return kept == 0 || kept > REFS_EITHER ? REFS_EITHER : (enum refs_form)(kept - 1);
}
