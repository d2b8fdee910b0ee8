/* Hashes and randomness. The fast table hash is our own and never leaves the process; the others
 * are OpenSSL's. */
/* SHA256_CTX: behind EVP a short text takes more than twice as long, and each message's key is one;
 * and fetching an algorithm without memory ends inside the library. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

void base_sha256(struct str bytes, uint8_t out[static BASE_SHA256_BYTES]) {
    SHA256_CTX hash;
    BASE_ASSERT(SHA256_Init(&hash) && SHA256_Update(&hash, bytes.at, bytes.bytes) &&
                SHA256_Final(out, &hash));
}

/* RFC 2104 with both halves of the key hashed beforehand. */
struct base_hmac {
    SHA256_CTX inner, outer;
};

struct base_hmac *base_hmac_new(const void *key, size_t key_bytes) {
    struct base_hmac *hmac = base_alloc(sizeof(*hmac));
    uint8_t block[SHA256_CBLOCK] = {0}, pad[SHA256_CBLOCK];
    if (key_bytes > sizeof(block)) {
        base_sha256(str_of(key, key_bytes), block);
    } else if (key_bytes > 0) {
        memcpy(block, key, key_bytes);
    }
    for (size_t i = 0; i < sizeof(block); i++) {
        pad[i] = block[i] ^ 0x36;
    }
    BASE_ASSERT(SHA256_Init(&hmac->inner) && SHA256_Update(&hmac->inner, pad, sizeof(pad)));
    for (size_t i = 0; i < sizeof(block); i++) {
        pad[i] = block[i] ^ 0x5c;
    }
    BASE_ASSERT(SHA256_Init(&hmac->outer) && SHA256_Update(&hmac->outer, pad, sizeof(pad)));
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(pad, sizeof(pad));
    return hmac;
}

void base_hmac_sign(struct base_hmac *hmac, const void *bytes, size_t count,
    uint8_t out[static BASE_SHA256_BYTES]) {
    SHA256_CTX inner = hmac->inner, outer = hmac->outer;
    uint8_t digest[BASE_SHA256_BYTES];
    BASE_ASSERT(SHA256_Update(&inner, bytes, count) && SHA256_Final(digest, &inner) &&
                SHA256_Update(&outer, digest, sizeof(digest)) && SHA256_Final(out, &outer));
}

void base_hmac_free(struct base_hmac **hmac) {
    if (*hmac) {
        OPENSSL_cleanse(*hmac, sizeof(**hmac));
        base_free(*hmac);
        *hmac = NULL;
    }
}

void base_random(void *out, size_t bytes) {
    char *at = out;
    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        BASE_ASSERT(got > 0);
        at += got;
        bytes -= (size_t)got;
    }
}

/* ---- the table hash: multiply two words to 128 bits, fold the halves ---- */

__extension__ typedef unsigned __int128 wide;

static uint64_t mix(uint64_t a, uint64_t b) {
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load64(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

uint64_t base_hash64(const void *bytes, size_t count) {
    /* Odd numbers with about half their bits set: fractions of square roots of 2, 3 and 5. */
    const uint64_t k1 = 0x6a09e667f3bcc909u, k2 = 0xbb67ae8584caa73bu, k3 = 0x3c6ef372fe94f82bu;
    const char *at = bytes;
    size_t left = count;
    uint64_t hash = k3 ^ count;
    while (left >= 16) {
        hash = mix(load64(at) ^ k1, load64(at + 8) ^ hash);
        at += 16;
        left -= 16;
    }
    uint64_t low = 0, high = 0;
    if (left >= 8) {
        low = load64(at);
        high = load64(at + left - 8);
    } else if (left > 0) {
        memcpy(&low, at, left);
    }
    return mix(mix(low ^ k1, high ^ hash ^ k2), hash ^ k3);
}
