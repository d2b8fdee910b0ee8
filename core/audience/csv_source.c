/* Bytes for the CSV reader: file or memory, UTF-8 or UTF-16 with a BOM. Knows no rows and no lines.
 */
#include "audience/csv_source.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RAW_MOST = 65536 };

static int raw_read(struct audience__csv_source *source, unsigned char *out, size_t room,
    size_t *count_out, struct base_err *err) {
    if (source->fd < 0) {
        size_t left = source->memory.bytes - (size_t)source->position;
        size_t count = left < room ? left : room;
        if (count > 0) {
            memcpy(out, source->memory.at + source->position, count);
        }
        source->position += (int64_t)count;
        *count_out = count;
        return 0;
    }
    ssize_t got;
    do {
        got = read(source->fd, out, room);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return base_err_set(err, LANTOA_EIO, TR("cannot read: %s"), strerror(errno));
    }
    source->position += got;
    *count_out = (size_t)got;
    return 0;
}

static int sniff(struct audience__csv_source *source, struct base_err *err) {
    unsigned char head[8];
    size_t count = 0;
    int rc = raw_read(source, head, sizeof(head), &count, err);
    if (rc) {
        return rc;
    }
    source->encoding = AUDIENCE__UTF8;
    source->bom_bytes = 0;
    if (count >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) {
        source->bom_bytes = 3;
    } else if (count >= 2 && head[0] == 0xff && head[1] == 0xfe) {
        source->encoding = AUDIENCE__UTF16LE;
        source->bom_bytes = 2;
    } else if (count >= 2 && head[0] == 0xfe && head[1] == 0xff) {
        source->encoding = AUDIENCE__UTF16BE;
        source->bom_bytes = 2;
    } else if ((count >= 4 && memcmp(head, "PK\x03\x04", 4) == 0) ||
               (count >= 8 && memcmp(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("this is an Excel workbook, not CSV: in Excel choose \"Save as\" and \"CSV "
               "UTF-8\""));
    }
    return audience__csv_source_rewind(source, err);
}

int audience__csv_source_open(
    struct audience__csv_source *source, const char *path, struct base_err *err) {
    *source = (struct audience__csv_source){.fd = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return base_err_set(err, errno == ENOENT ? LANTOA_ENOENT : LANTOA_EIO,
            TR("cannot open: %s"), strerror(errno));
    }
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        /* It is read twice, so a pipe will not do. */
        return base_err_set(err, LANTOA_EINVAL, TR("not a regular file"));
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    source->fd = fd;
    source->total = st.st_size;
    int rc = sniff(source, err);
    if (rc) {
        audience__csv_source_close(source);
    }
    return rc;
}

int audience__csv_source_open_memory(
    struct audience__csv_source *source, struct str bytes, struct base_err *err) {
    *source =
        (struct audience__csv_source){.fd = -1, .memory = bytes, .total = (int64_t)bytes.bytes};
    return sniff(source, err);
}

void audience__csv_source_close(struct audience__csv_source *source) {
    if (source->fd >= 0) {
        (void)close(source->fd);
        source->fd = -1;
    }
}

int audience__csv_source_rewind(struct audience__csv_source *source, struct base_err *err) {
    source->position = (int64_t)source->bom_bytes;
    source->carry_bytes = 0;
    if (source->fd >= 0 && lseek(source->fd, (off_t)source->bom_bytes, SEEK_SET) < 0) {
        return base_err_set(err, LANTOA_EIO, TR("cannot read: %s"), strerror(errno));
    }
    return 0;
}

static uint32_t unit_at(const struct audience__csv_source *source, const unsigned char *at) {
    return source->encoding == AUDIENCE__UTF16LE ? (uint32_t)(at[0] | at[1] << 8)
                                                 : (uint32_t)(at[0] << 8 | at[1]);
}

/* Converts what is whole in raw; leaves a cut character in carry. */
static int convert(struct audience__csv_source *source, const unsigned char *raw, size_t bytes,
    struct base_buf *out, struct base_err *err) {
    size_t pos = 0;
    while (bytes - pos >= 2) {
        uint32_t c = unit_at(source, raw + pos);
        size_t length = 2;
        if (c >= 0xd800 && c < 0xdc00) {
            if (bytes - pos < 4) {
                break;
            }
            uint32_t low = unit_at(source, raw + pos + 2);
            if (low < 0xdc00 || low > 0xdfff) {
                return base_err_set(err, LANTOA_EINVAL, TR("broken UTF-16 text"));
            }
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            length = 4;
        } else if (c >= 0xdc00 && c < 0xe000) {
            return base_err_set(err, LANTOA_EINVAL, TR("broken UTF-16 text"));
        }
        base_utf8_add(out, c);
        pos += length;
    }
    source->carry_bytes = bytes - pos;
    memcpy(source->carry, raw + pos, source->carry_bytes);
    return 0;
}

int audience__csv_source_read(struct audience__csv_source *source, char *out, size_t room,
    size_t *count_out, struct base_err *err) {
    if (source->encoding == AUDIENCE__UTF8) {
        return raw_read(source, (unsigned char *)out, room, count_out, err);
    }
    /* Two bytes of UTF-16 make at most three of UTF-8. */
    size_t most = room / 3 * 2;
    most = most > RAW_MOST ? RAW_MOST : most;
    unsigned char *raw = base_alloc(most);
    struct base_buf text;
    base_buf_init(&text, room);
    memcpy(raw, source->carry, source->carry_bytes);
    size_t got = 0;
    size_t carried = source->carry_bytes;
    int rc = raw_read(source, raw + carried, most - carried, &got, err);
    if (rc == 0 && got == 0 && carried > 0) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("broken UTF-16 text"));
    }
    if (rc == 0 && got > 0) {
        rc = convert(source, raw, carried + got, &text, err);
    }
    if (rc == 0) {
        /* A read of one or two bytes may only fill the carry: that is not the end. */
        if (got > 0 && text.bytes == 0) {
            rc = audience__csv_source_read(source, out, room, count_out, err);
        } else {
            memcpy(out, base_buf_text(&text), text.bytes);
            *count_out = text.bytes;
        }
    }
    base_buf_release(&text);
    base_free(raw);
    return rc;
}
