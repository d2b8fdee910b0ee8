/* Where a CSV reader gets its bytes: a file or memory, handed out as UTF-8 whatever UTF stood in
 * the file. Private to core/audience. Knows no rows; does not check that UTF-8 input is valid (the
 * reader does, it knows the lines). */
#ifndef AUDIENCE_CSV_SOURCE_H
#define AUDIENCE_CSV_SOURCE_H

#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

enum audience__csv_encoding { AUDIENCE__UTF8, AUDIENCE__UTF16LE, AUDIENCE__UTF16BE };

struct audience__csv_source {
    int fd;            /* -1: memory */
    struct str memory; /* BORROWED */
    int64_t total;     /* bytes of the file or memory */
    int64_t position;  /* raw bytes handed out, BOM included */
    enum audience__csv_encoding encoding;
    size_t bom_bytes;
    unsigned char carry[4]; /* UTF-16: bytes of a character cut by the end of a read */
    size_t carry_bytes;
};

int audience__csv_source_open(
    struct audience__csv_source *source, const char *path, struct base_err *err) LANTOA_MUST_CHECK;
int audience__csv_source_open_memory(
    struct audience__csv_source *source, struct str bytes, struct base_err *err) LANTOA_MUST_CHECK;
void audience__csv_source_close(struct audience__csv_source *source);
/* Back to the first character behind the BOM. */
int audience__csv_source_rewind(
    struct audience__csv_source *source, struct base_err *err) LANTOA_MUST_CHECK;
/* Up to room (at least 16) bytes of UTF-8; *count_out 0: end. LANTOA_EINVAL for broken UTF-16. */
int audience__csv_source_read(struct audience__csv_source *source, char *out, size_t room,
    size_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
