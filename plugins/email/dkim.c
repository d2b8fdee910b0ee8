/* DKIM signing; see dkim.h. Knows bytes only: no host, no SMTP. */
#include "dkim.h"

#include "mime_encode.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct dkim {
    EVP_PKEY *key;
    bool ed25519;
    struct bytes selector, domain;
    struct bytes canonical; /* kept from message to message: no allocation while signing */
    struct bytes signed_text;
};

/* What is signed when the message has it. From comes twice: nobody can add a second one behind our
 * back. */
static const char *const signed_fields[] = {"From", "To", "Subject", "Date", "Message-ID",
    "MIME-Version", "Content-Type", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"};
enum { SIGNED_FIELDS = sizeof(signed_fields) / sizeof(signed_fields[0]) };

struct dkim *dkim_new(
    const char *key_file, const char *selector, const char *domain, struct lantoa_fault *fault) {
    struct dkim *dkim = calloc(1, sizeof(*dkim));
    FILE *file = fopen(key_file, "re");
    if (dkim == NULL || file == NULL) {
        lantoa_fault_set(fault, "dkim_key", "the file %.300s cannot be opened",
            "không mở được tệp %.300s", key_file);
        goto fail;
    }
    dkim->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    if (dkim->key == NULL) {
        lantoa_fault_set(fault, "dkim_key", "the file %.300s holds no PEM private key",
            "tệp %.300s không chứa khoá riêng dạng PEM", key_file);
        goto fail;
    }
    int type = EVP_PKEY_get_base_id(dkim->key);
    dkim->ed25519 = type == EVP_PKEY_ED25519;
    if (!dkim->ed25519 && type != EVP_PKEY_RSA) {
        lantoa_fault_set(fault, "dkim_key", "the key in %.300s is neither RSA nor Ed25519",
            "khoá trong %.300s không phải RSA cũng không phải Ed25519", key_file);
        goto fail;
    }
    if (!dkim->ed25519 && EVP_PKEY_get_bits(dkim->key) < 1024) {
        lantoa_fault_set(fault, "dkim_key", "the key in %.300s is shorter than 1024 bits",
            "khoá trong %.300s ngắn hơn 1024 bit", key_file);
        goto fail;
    }
    bytes_put_text(&dkim->selector, selector);
    bytes_put_text(&dkim->domain, domain);
    if (dkim->selector.failed || dkim->domain.failed) {
        lantoa_fault_set(fault, "", "out of memory", "hết bộ nhớ");
        goto fail;
    }
    fclose(file);
    return dkim;
fail:
    if (file != NULL) {
        fclose(file);
    }
    dkim_free(dkim);
    return NULL;
}

void dkim_free(struct dkim *dkim) {
    if (dkim == NULL) {
        return;
    }
    EVP_PKEY_free(dkim->key);
    bytes_release(&dkim->selector);
    bytes_release(&dkim->domain);
    bytes_release(&dkim->canonical);
    bytes_release(&dkim->signed_text);
    free(dkim);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

void dkim_put_relaxed_header(struct bytes *out, const char *field, size_t bytes) {
    const char *end = field + bytes;
    if (!bytes_reserve(out, bytes + 3)) {
        return;
    }
    char *to = out->at + out->used;
    for (; field < end && *field != ':'; field++) {
        if (!is_blank(*field)) {
            *to++ = *field >= 'A' && *field <= 'Z' ? (char)(*field + ('a' - 'A')) : *field;
        }
    }
    *to++ = ':';
    bool gap = false, text = false;
    for (field += field < end; field < end; field++) {
        if (is_blank(*field) || *field == '\r' || *field == '\n') {
            gap = true;
            continue;
        }
        if (gap && text) {
            *to++ = ' ';
        }
        *to++ = *field;
        gap = false;
        text = true;
    }
    *to++ = '\r';
    *to++ = '\n';
    out->used = (size_t)(to - out->at);
    out->at[out->used] = '\0';
}

void dkim_put_relaxed_body(struct bytes *out, const char *body, size_t bytes) {
    const char *end = body + bytes;
    if (!bytes_reserve(out, bytes + 2)) {
        return;
    }
    char *to = out->at + out->used, *text_end = to; /* behind the last line that is not empty */
    while (body < end) {
        const char *stop = memchr(body, '\n', (size_t)(end - body));
        const char *next = stop == NULL ? end : stop + 1;
        stop = stop == NULL ? end : stop;
        if (stop > body && stop[-1] == '\r') {
            stop--;
        }
        while (stop > body && is_blank(stop[-1])) {
            stop--;
        }
        for (bool gap = false; body < stop; body++) {
            if (!is_blank(*body)) {
                *to++ = *body;
                gap = false;
            } else if (!gap) {
                *to++ = ' ';
                gap = true;
            }
        }
        bool empty = to == out->at + out->used || to[-1] == '\n';
        *to++ = '\r';
        *to++ = '\n';
        text_end = empty ? text_end : to;
        body = next;
    }
    out->used = (size_t)(text_end - out->at);
    out->at[out->used] = '\0';
}

int dkim_put_signature(struct dkim *dkim, const char *data, size_t bytes, struct bytes *out) {
    unsigned char digest[EVP_MAX_MD_SIZE], signature[1024];
    unsigned digest_bytes = 0;
    size_t signature_bytes = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int status = LANTOA_EIO;
    if (context == NULL) {
        goto out;
    }
    if (dkim->ed25519) {
        /* RFC 8463: the SHA-256 of the text is what Ed25519 signs. */
        if (EVP_Digest(data, bytes, digest, &digest_bytes, EVP_sha256(), NULL) != 1 ||
            EVP_DigestSignInit(context, NULL, NULL, NULL, dkim->key) != 1 ||
            EVP_DigestSign(context, signature, &signature_bytes, digest, digest_bytes) != 1) {
            goto out;
        }
    } else if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, dkim->key) != 1 ||
               EVP_DigestSign(
                   context, signature, &signature_bytes, (const unsigned char *)data, bytes) != 1) {
        goto out;
    }
    mime_put_base64_run(out, (const char *)signature, signature_bytes);
    status = out->failed ? LANTOA_ENOMEM : LANTOA_OK;
out:
    EVP_MD_CTX_free(context);
    return status;
}

/* The field of that name: from its name up to its last CRLF (not included), over its folded lines.
 */
static bool find_field(
    const char *headers, size_t bytes, const char *name, struct lantoa_str *field_out) {
    const char *at = headers, *end = headers + bytes;
    size_t name_bytes = strlen(name);
    while (at < end) {
        const char *stop = at;
        do {
            stop = memchr(stop, '\n', (size_t)(end - stop));
            stop = stop == NULL ? end : stop + 1;
        } while (stop < end && is_blank(*stop));
        if ((size_t)(stop - at) > name_bytes && at[name_bytes] == ':' &&
            strncasecmp(at, name, name_bytes) == 0) {
            size_t length = (size_t)(stop - at);
            *field_out = (struct lantoa_str){at, length >= 2 ? length - 2 : length};
            return true;
        }
        at = stop;
    }
    return false;
}

/* Base64 broken into folded lines: long lines are legal, but relays do odd things to them. */
static void put_folded_base64(struct bytes *out, const char *at, size_t bytes) {
    enum { LINE = 72 };
    while (bytes > 0) {
        size_t take = bytes < LINE ? bytes : LINE;
        bytes_put(out, "\r\n ", 3);
        bytes_put(out, at, take);
        at += take;
        bytes -= take;
    }
}

int dkim_sign(struct dkim *dkim, const char *headers, size_t header_bytes, const char *body,
    size_t body_bytes, int64_t now_ms, struct bytes *out) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    struct bytes *canonical = &dkim->canonical, *text = &dkim->signed_text;
    bytes_clear(canonical, (size_t)1 << 20);
    bytes_clear(text, (size_t)1 << 16);
    dkim_put_relaxed_body(canonical, body, body_bytes);
    if (canonical->failed || EVP_Digest(canonical->at, canonical->used, digest, &digest_bytes,
                                 EVP_sha256(), NULL) != 1) {
        return LANTOA_EIO;
    }
    size_t start = out->used;
    bytes_put_format(out,
        "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n d=%s; s=%s; t=%lld;\r\n h=From",
        dkim->ed25519 ? "ed25519-sha256" : "rsa-sha256", dkim->domain.at, dkim->selector.at,
        (long long)(now_ms / 1000));
    for (size_t i = 0; i < SIGNED_FIELDS; i++) {
        struct lantoa_str field;
        if (!find_field(headers, header_bytes, signed_fields[i], &field)) {
            continue;
        }
        if (i > 0) {
            bytes_put_text(out, i % 5 == 0 ? ":\r\n  " : ":");
            bytes_put_text(out, signed_fields[i]);
        }
        dkim_put_relaxed_header(text, field.at, field.bytes);
    }
    bytes_put_text(out, ":From;\r\n bh="); /* the second From is absent, and signed as absent */
    mime_put_base64_run(out, (const char *)digest, digest_bytes);
    bytes_put_text(out, ";\r\n b=");
    if (out->failed || text->failed) {
        return LANTOA_ENOMEM;
    }
    dkim_put_relaxed_header(text, out->at + start, out->used - start);
    text->used -= 2; /* the signature field itself goes in without its CRLF */
    bytes_clear(canonical, (size_t)1 << 20);
    int status = dkim_put_signature(dkim, text->at, text->used, canonical);
    if (status != LANTOA_OK) {
        return status;
    }
    put_folded_base64(out, canonical->at, canonical->used);
    bytes_put(out, "\r\n", 2);
    return out->failed ? LANTOA_ENOMEM : LANTOA_OK;
}
