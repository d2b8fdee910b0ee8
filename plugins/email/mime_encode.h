/* The encodings of mail: base64, quoted-printable, encoded words (RFC 2047), parameters (RFC 2231),
 * dates. Pure functions. */
#ifndef EMAIL_MIME_ENCODE_H
#define EMAIL_MIME_ENCODE_H

#include "bytes.h"

enum mime_encoding { MIME_7BIT, MIME_QUOTED_PRINTABLE, MIME_BASE64 };

/* Base64 in one run, without line breaks. */
void mime_put_base64_run(struct bytes *out, const char *at, size_t count);
/* Base64 in lines of 76 characters, each ended by CRLF. */
void mime_put_base64(struct bytes *out, const char *at, size_t count);
/* Quoted-printable of text: CR, LF and CRLF are line ends; a dot never begins a line; the output
 * ends with CRLF. */
void mime_put_quoted(struct bytes *out, const char *at, size_t count);
/* The text with every line end as CRLF, and a last one if it has none. */
void mime_put_lines(struct bytes *out, const char *at, size_t count);

/* The shortest encoding that carries this text through any mail server. 7bit only for ASCII in
 * lines of at most 900 bytes, none of which begins with a dot or with "--". */
enum mime_encoding mime_encoding_choose(const char *at, size_t count);
const char *mime_encoding_name(enum mime_encoding encoding);
/* Puts text in that encoding. */
void mime_put_text(struct bytes *out, const char *at, size_t count, enum mime_encoding encoding);

/* An unstructured header value: raw and folded when plain ASCII, else encoded words of at most 75
 * characters cut between characters, on lines of at most 76. `column` is how much of the line is
 * taken. Returns the column behind the text. */
size_t mime_put_header_text(struct bytes *out, struct lantoa_str text, size_t column);
/* A display name as the phrase before `<address>`: atoms, a quoted string, or encoded words.
 * Returns the column. */
size_t mime_put_phrase(struct bytes *out, struct lantoa_str name, size_t column);
/* `; name="value"`, on a line of its own, by RFC 2231 when the value needs it. */
void mime_put_parameter(struct bytes *out, const char *name, struct lantoa_str value);
/* "Mon, 23 Nov 2026 14:17:28 +0000" */
void mime_put_date(struct bytes *out, int64_t now_ms);
/* Whether the text has CR, LF, NUL or another control character except tab. */
bool mime_has_control(struct lantoa_str text);

#endif
