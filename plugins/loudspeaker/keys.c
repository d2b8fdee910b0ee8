/* The list of secrets, and HMAC. */
#include "keys.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LEAST 8

struct keys {
    char *text; /* with NULs between the words */
    size_t bytes;
    struct key {
        const char *name, *secret;
    } * list;
    size_t count;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct key *)a)->name, ((const struct key *)b)->name);
}

/* One line; false: there is something wrong with it. */
static bool read_line(struct keys *keys, char *line, bool *twice_out) {
    const char *blanks = " \t\r";
    line += strspn(line, blanks);
    if (*line == '\0' || *line == '#') {
        return true;
    }
    size_t name = strcspn(line, blanks);
    char *secret = line + name + strspn(line + name, blanks);
    size_t bytes = strcspn(secret, blanks);
    if (bytes < KEY_LEAST || secret[bytes + strspn(secret + bytes, blanks)] != '\0') {
        return false;
    }
    line[name] = secret[bytes] = '\0';
    for (size_t i = 0; i < keys->count; i++) {
        *twice_out |= strcmp(keys->list[i].name, line) == 0;
    }
    keys->list[keys->count++] = (struct key){line, secret};
    return !*twice_out;
}

struct keys *keys_new(const char *text, struct lantoa_fault *fault) {
    struct keys *keys = calloc(1, sizeof(*keys));
    size_t lines = 1, number = 0;
    for (const char *at = text; at && *at; at++) {
        lines += *at == '\n';
    }
    if (keys) {
        keys->bytes = text ? strlen(text) : 0;
        keys->text = strdup(text ? text : "");
        keys->list = calloc(lines, sizeof(*keys->list));
    }
    if (!keys || !keys->text || !keys->list) {
        lantoa_fault_set(fault, "keys", "no memory", "hết bộ nhớ");
        keys_free(keys);
        return NULL;
    }
    char *rest = keys->text, *line;
    while ((line = strsep(&rest, "\n"))) {
        bool twice = false;
        number++;
        if (!read_line(keys, line, &twice)) {
            lantoa_fault_set(fault, "keys",
                twice ? "line %zu: this name has a key already"
                      : "line %zu: must be a name and a key of at least 8 characters",
                twice ? "dòng %zu: tên này đã có khoá"
                      : "dòng %zu: phải là một tên và một khoá dài ít nhất 8 ký tự",
                number);
            keys_free(keys);
            return NULL;
        }
    }
    qsort(keys->list, keys->count, sizeof(*keys->list), by_name);
    return keys;
}

void keys_free(struct keys *keys) {
    if (keys) {
        if (keys->text) {
            OPENSSL_cleanse(keys->text, keys->bytes);
        }
        free(keys->text);
        free(keys->list);
        free(keys);
    }
}

const char *keys_find(const struct keys *keys, const char *name) {
    struct key wanted = {.name = name};
    const struct key *key = bsearch(&wanted, keys->list, keys->count, sizeof(*keys->list), by_name);
    return key ? key->secret : NULL;
}

static void hex(const uint8_t *bytes, char out[static KEYS_MAC_BYTES]) {
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

void keys_sign(const char *key, const void *bytes, size_t count, char out[static KEYS_MAC_BYTES]) {
    uint8_t mac[EVP_MAX_MD_SIZE] = {0};
    unsigned length = sizeof(mac);
    HMAC(EVP_sha256(), key, (int)strlen(key), bytes, count, mac, &length);
    hex(mac, out);
}

void keys_digest(const void *bytes, size_t count, char out[static KEYS_MAC_BYTES]) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256(bytes, count, digest);
    hex(digest, out);
}

bool keys_equal(const char *mac, const char *other) {
    size_t bytes = strlen(mac);
    return bytes == strlen(other) && CRYPTO_memcmp(mac, other, bytes) == 0;
}
