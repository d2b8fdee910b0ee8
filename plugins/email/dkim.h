/* DKIM signing (RFC 6376, RFC 8463): relaxed/relaxed, rsa-sha256 or ed25519-sha256, with the key
 * kept loaded. */
#ifndef EMAIL_DKIM_H
#define EMAIL_DKIM_H

#include "bytes.h"

#include <lantoa/fault.h>

struct dkim; /* a loaded key with its selector and domain */

/* Reads a PEM private key. NULL on failure, and the fault says what is wrong with which option. */
struct dkim *dkim_new(
    const char *key_file, const char *selector, const char *domain, struct lantoa_fault *fault);
void dkim_free(struct dkim *dkim);
/* Appends the header field `DKIM-Signature: ...CRLF` that signs these headers (fields ended by
 * CRLF, without the empty line) and this body. now_ms becomes t=. LANTOA_EIO when OpenSSL fails. */
int dkim_sign(struct dkim *dkim, const char *headers, size_t header_bytes, const char *body,
    size_t body_bytes, int64_t now_ms, struct bytes *out) LANTOA_MUST_CHECK;

/* The pieces, for tests against the vectors of the standards. */
void dkim_put_relaxed_header(struct bytes *out, const char *field,
    size_t bytes); /* field without its last CRLF; ends with CRLF */
void dkim_put_relaxed_body(struct bytes *out, const char *body, size_t bytes);
/* Signs data (the hashed header text) and appends the base64 of the signature. */
int dkim_put_signature(
    struct dkim *dkim, const char *data, size_t bytes, struct bytes *out) LANTOA_MUST_CHECK;

#endif
