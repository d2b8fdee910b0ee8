/* Hashes and randomness. The fast table hash is our own and never leaves the process; the others
 * are OpenSSL's. */
#include "base/hash.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

/* Fetching an algorithm costs more than hashing a short text with it: done once. */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *md_sha256;
static EVP_MAC *mac_hmac;

static void fetch(void) {
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    mac_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (!md_sha256 || !mac_hmac) {
        base_die("hash", "out of memory, or an OpenSSL without SHA-256 and HMAC");
    }
}

void base_sha256(struct str bytes, uint8_t out[static BASE_SHA256_BYTES]) {
    pthread_once(&fetch_once, fetch);
    BASE_ASSERT(EVP_Digest(bytes.at, bytes.bytes, out, NULL, md_sha256, NULL) == 1);
}

struct base_hmac {
    EVP_MAC_CTX *context;
};

struct base_hmac *base_hmac_new(const void *key, size_t key_bytes) {
    pthread_once(&fetch_once, fetch);
    struct base_hmac *hmac = base_alloc(sizeof(*hmac));
    hmac->context = EVP_MAC_CTX_new(mac_hmac);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    /* A NULL key would mean "keep the old one"; an empty key is legal. */
    const void *bytes = key_bytes ? key : "";
    BASE_ASSERT(hmac->context && EVP_MAC_init(hmac->context, bytes, key_bytes, params) == 1);
    return hmac;
}

void base_hmac_sign(struct base_hmac *hmac, const void *bytes, size_t count,
    uint8_t out[static BASE_SHA256_BYTES]) {
    size_t written = 0;
    BASE_ASSERT(EVP_MAC_init(hmac->context, NULL, 0, NULL) == 1 &&
                EVP_MAC_update(hmac->context, bytes, count) == 1 &&
                EVP_MAC_final(hmac->context, out, &written, BASE_SHA256_BYTES) == 1 &&
                written == BASE_SHA256_BYTES);
}

void base_hmac_free(struct base_hmac **hmac) {
    if (*hmac) {
        EVP_MAC_CTX_free((*hmac)->context);
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
