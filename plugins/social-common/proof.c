/* Whether a call-back is the network's: compared in constant time. An empty secret proves nothing.
 */
#include "social.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

bool proof_equal(const char *expected, const char *given) {
    size_t bytes = expected == NULL ? 0 : strlen(expected);
    return bytes > 0 && strlen(given) == bytes && CRYPTO_memcmp(expected, given, bytes) == 0;
}

static bool same_hex(const unsigned char *digest, unsigned count, const char *given) {
    char text[2 * EVP_MAX_MD_SIZE + 1], low[2 * EVP_MAX_MD_SIZE + 1];
    if (strlen(given) != 2 * (size_t)count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        snprintf(text + 2 * (size_t)i, 3, "%02x", digest[i]);
    }
    for (size_t i = 0; i <= 2 * (size_t)count; i++) {
        low[i] = (char)(given[i] >= 'A' && given[i] <= 'F' ? given[i] - 'A' + 'a' : given[i]);
    }
    return CRYPTO_memcmp(text, low, 2 * (size_t)count) == 0;
}

bool proof_hmac_sha256(const char *secret, struct lantoa_str data, const char *given) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    return secret != NULL && secret[0] != '\0' &&
           HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)data.at,
               data.bytes, digest, &count) != NULL &&
           same_hex(digest, count, given);
}

bool proof_sha256(struct lantoa_str data, const char *given) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    return EVP_Digest(data.at, data.bytes, digest, &count, EVP_sha256(), NULL) == 1 &&
           same_hex(digest, count, given);
}

const char *hook_header(const struct lantoa_hook *hook, const char *name) {
    for (size_t i = 0; i < hook->header_count; i++) {
        if (strcmp(hook->headers[i].name, name) == 0) {
            return hook->headers[i].value;
        }
    }
    return "";
}
