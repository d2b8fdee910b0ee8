/* A growing byte buffer with a ceiling. Once an add would pass the ceiling the buffer is
 * "overfull": it keeps what it had, ignores further adds, and base_buf_ok() says false; so callers
 * check once, at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"
#include <lantoa/errors.h>
#include <stdbool.h>
#include <stdint.h>

struct base_buf {
    char *at; /* owned; NUL-terminated after base_buf_text() only */
    size_t bytes, room, ceiling;
    bool overfull;
};

void base_buf_init(struct base_buf *buf, size_t ceiling);
void base_buf_release(struct base_buf *buf);
void base_buf_clear(struct base_buf *buf); /* keeps the memory */
void base_buf_add(struct base_buf *buf, const void *bytes, size_t count);
void base_buf_add_str(struct base_buf *buf, struct str s);
void base_buf_add_text(struct base_buf *buf, const char *text);
void base_buf_add_char(struct base_buf *buf, char c);
void base_buf_add_u64(struct base_buf *buf, uint64_t value); /* decimal */
void base_buf_printf(struct base_buf *buf, const char *fmt, ...) LANTOA_PRINTF(2, 3);
/* Room for count more at the end (bytes unchanged), NULL if over the ceiling. */
char *base_buf_grow(struct base_buf *buf, size_t count);
void base_buf_consume(struct base_buf *buf, size_t count); /* drops count bytes from the front */
bool base_buf_ok(const struct base_buf *buf);
/* NUL-terminated view, valid until the next change; "" if empty. */
const char *base_buf_text(struct base_buf *buf);
struct str base_buf_str(const struct base_buf *buf);
/* NUL-terminated, caller owns; buf is empty afterwards. */
char *base_buf_take(struct base_buf *buf);

#endif
