/* Zalo's call-backs: a byte (right signature; which of the three channels), and the body. The time
 * and the application are in the body itself, so a right signature alone is not yet believed. */
#include "fuzz_social.h"

#include "zalo.h"

/* SHA-256 of application, body, time stamp and secret. */
static void sign(const struct social_body *body, char *out) {
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned size = 0;
    char room[32];
    json_t *root = json_loadb(body->text, body->bytes, JSON_REJECT_DUPLICATES, NULL);
    const char *stamp = json_plain(json_object_get(root, "timestamp"), room, sizeof(room));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, "4318", 4);
    EVP_DigestUpdate(context, body->text, body->bytes);
    EVP_DigestUpdate(context, stamp, strlen(stamp));
    EVP_DigestUpdate(context, SOCIAL_SECRET, strlen(SOCIAL_SECRET));
    EVP_DigestFinal_ex(context, digest, &size);
    EVP_MD_CTX_free(context);
    json_decref(root);
    digest[0] ^= social_trusted ? 0 : 1;
    social_hex(digest, size, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const struct zalo_config config = {.app_id = "4318", .oa_secret = SOCIAL_SECRET};
    char mac[4 + 2 * EVP_MAX_MD_SIZE + 1] = "mac=";
    if (count == 0) {
        return 0;
    }
    struct social_body body = social_take(bytes + 1, count - 1);
    social_trusted = bytes[0] & 1;
    struct zalo zalo = {
        .line = {.host = &social_host, .posts = (bytes[0] & 6) == 4 ? social_posts("BAI1") : NULL},
        .config = &config,
        .receipts_of_zns = bytes[0] & 2};
    sign(&body, mac + 4);
    const struct lantoa_http_header header = {"x-zevent-signature", mac};
    const struct lantoa_hook hook = social_hook(&body, &header);
    int status = zalo_hook(&zalo, &hook);
    FUZZ_HOLDS(social_trusted || status == LANTOA_EDENIED);
    posts_free(zalo.line.posts);
    free(body.text);
    return 0;
}
