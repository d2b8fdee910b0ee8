/* Whether a call-back is the gateway's: compares what it carries with what only the gateway and we
 * can make. */
#include "sms_http.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

static void put_digest(
    const json_t *rule, const unsigned char *digest, unsigned count, struct bytes *out) {
    const char *encoding = json_string_value(json_object_get(rule, "encoding"));
    if (encoding != NULL && strcmp(encoding, "base64") == 0) {
        unsigned char text[EVP_MAX_MD_SIZE * 2];
        int used = EVP_EncodeBlock(text, digest, (int)count);
        bytes_put(out, (const char *)text, (size_t)used);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        bytes_put_format(out, "%02x", digest[i]);
    }
}

static void put_expected(const json_t *rule, const struct scope *scope, struct bytes *out) {
    const char *type = json_string_value(json_object_get(rule, "type"));
    const char *text = json_string_value(json_object_get(rule, "text"));
    const char *secret = json_string_value(json_object_get(rule, "secret"));
    const char *prefix = json_string_value(json_object_get(rule, "prefix"));
    struct bytes data = {0}, key = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    template_expand(text == NULL ? "" : text, scope, &data);
    template_expand(secret == NULL ? "" : secret, scope, &key);
    bytes_put_text(out, prefix == NULL ? "" : prefix);
    const unsigned char *at = (const unsigned char *)(data.at == NULL ? "" : data.at);
    if (strcmp(type, "equal") == 0) {
        bytes_put_all(out, &key);
    } else if (strcmp(type, "sha256") == 0) {
        out->failed |= EVP_Digest(at, data.used, digest, &count, EVP_sha256(), NULL) != 1;
        put_digest(rule, digest, count, out);
    } else {
        const EVP_MD *hash = strcmp(type, "hmac-sha1") == 0 ? EVP_sha1() : EVP_sha256();
        out->failed |= HMAC(hash, key.at == NULL ? "" : key.at, (int)key.used, at, data.used,
                           digest, &count) == NULL;
        put_digest(rule, digest, count, out);
    }
    /* An empty secret would let everybody in. */
    out->failed |= data.failed || key.failed || (key.used == 0 && strcmp(type, "sha256") != 0);
    if (key.at != NULL) {
        explicit_bzero(key.at, key.used);
    }
    bytes_release(&data);
    bytes_release(&key);
}

/* A signed call that somebody repeats later is worth nothing. */
static bool is_recent(const json_t *rule, const struct scope *scope) {
    const char *text = json_string_value(json_object_get(rule, "timestamp"));
    json_int_t within = json_integer_value(json_object_get(rule, "within_s"));
    if (text == NULL || within <= 0) {
        return true;
    }
    struct bytes value = {0};
    template_expand(text, scope, &value);
    int64_t stamp = value.used > 0 ? strtoll(value.at, NULL, 10) : 0;
    bytes_release(&value);
    stamp = stamp > INT64_C(100000000000) ? stamp / 1000 : stamp; /* given in ms */
    int64_t now = scope->hook->at_ms / 1000;
    /* Not the difference: the stamp may be any number. */
    return stamp >= 0 && stamp <= now + within && stamp + within >= now;
}

const char *signature_fault(const json_t *rule, const struct scope *scope) {
    const char *why = NULL;
    struct bytes expected = {0}, given = {0};
    if (rule == NULL) {
        return NULL;
    }
    put_expected(rule, scope, &expected);
    template_expand(json_string_value(json_object_get(rule, "given")), scope, &given);
    if (expected.failed || given.failed) {
        why = "its signature cannot be checked: is the secret of call-backs set?";
    } else if (given.used == 0) {
        why = "it carries no signature";
    } else if (given.used != expected.used ||
               CRYPTO_memcmp(given.at, expected.at, given.used) != 0) {
        why = "its signature is wrong";
    } else if (!is_recent(rule, scope)) {
        why = "it was signed too long ago";
    }
    bytes_release(&expected);
    bytes_release(&given);
    return why;
}
