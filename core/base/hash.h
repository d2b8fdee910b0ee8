/* Hashes and randomness (OpenSSL). HMAC-SHA-256 keyed once and used many times. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"
#include <lantoa/errors.h>
#include <stdbool.h>
#include <stdint.h>

#define BASE_SHA256_BYTES 32
#define BASE_HEX_SHA256_MAX 65

void base_sha256(struct str bytes, uint8_t out[static BASE_SHA256_BYTES]);
void base_hex(const uint8_t *bytes, size_t count, char *out); /* out: 2*count+1 */
int base_unhex(struct str hex, uint8_t *out, size_t count) LANTOA_MUST_CHECK;
void base_random(void *out, size_t bytes); /* from the kernel; aborts if it cannot */

struct base_hmac; /* not thread-safe */
struct base_hmac *base_hmac_new(const void *key, size_t key_bytes);
void base_hmac_sign(
    struct base_hmac *hmac, const void *bytes, size_t count, uint8_t out[static BASE_SHA256_BYTES]);
void base_hmac_free(struct base_hmac **hmac);

uint64_t base_hash64(
    const void *bytes, size_t count); /* fast, for tables; not for secrets, not stored */
#define BASE_BASE64_MAX(n) (4 * (((n) + 2) / 3) + 1)
/* No line breaks; NUL-terminated; returns the length. */
size_t base_base64(const void *bytes, size_t count, char *out);
int base_unbase64(struct str text, uint8_t *out, size_t room, size_t *count_out) LANTOA_MUST_CHECK;

#endif
