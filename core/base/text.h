/* Unicode and Vietnamese text. UTF-8 throughout; NFC by libunistring (ASCII takes a fast way). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"
#include "base/str.h"
#include <lantoa/errors.h>
#include <stdbool.h>
#include <stdint.h>

bool base_utf8_valid(struct str text);         /* RFC 3629; no surrogates, no overlong forms */
size_t base_utf8_valid_bytes(struct str text); /* length of the longest valid prefix */
/* Longest prefix of at most most_bytes that ends at a character border. */
size_t base_utf8_cut(struct str text, size_t most_bytes);
/* Decodes one code point at *pos and moves *pos; text must be valid. */
uint32_t base_utf8_next(struct str text, size_t *pos);
void base_utf8_add(struct base_buf *buf, uint32_t code_point);
size_t base_utf8_count(struct str text); /* code points */

/* Appends the NFC form of valid UTF-8. */
int base_text_nfc(struct base_buf *buf, struct str text) LANTOA_MUST_CHECK;
/* Appends the search key: NFD, marks dropped, đ to d, lower case, runs of white space to one blank,
 * trimmed. "Nguyễn  Thị Hoà" -> "nguyen thi hoa". */
int base_text_key(struct base_buf *buf, struct str text) LANTOA_MUST_CHECK;
/* Appends with accents removed but case and spacing kept: "Đồng Hưng" -> "Dong Hung". */
int base_text_strip(struct base_buf *buf, struct str text) LANTOA_MUST_CHECK;
/* true if text holds a control character other than tab, CR, LF. */
bool base_text_has_control(struct str text);
/* Appends text as a JSON string with quotes. */
void base_text_json(struct base_buf *buf, struct str text);
/* Appends text HTML-escaped: & < > " ' . */
void base_text_html(struct base_buf *buf, struct str text);

#endif
