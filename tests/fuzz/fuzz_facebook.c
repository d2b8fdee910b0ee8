/* Facebook's call-backs: a byte that says whether the signature is right, and the body. Comments
 * come of a body that is signed, and of no other. */
#include "fuzz_social.h"

#include "facebook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const struct facebook_config config = {
        .page_id = "1029", .app_secret = SOCIAL_SECRET, .comments = "webhook"};
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned size = 0;
    char mac[7 + 2 * EVP_MAX_MD_SIZE + 1] = "sha256=";
    if (count == 0) {
        return 0;
    }
    struct social_body body = social_take(bytes + 1, count - 1);
    social_trusted = bytes[0] & 1;
    struct page page = {
        .line = {.host = &social_host, .posts = social_posts("1029_1")}, .config = &config};
    HMAC(EVP_sha256(), SOCIAL_SECRET, (int)strlen(SOCIAL_SECRET), (unsigned char *)body.text,
        body.bytes, digest, &size);
    digest[0] ^= social_trusted ? 0 : 1;
    social_hex(digest, size, mac + 7);
    const struct lantoa_http_header header = {"x-hub-signature-256", mac};
    const struct lantoa_hook hook = social_hook(&body, &header);
    int status = comments_hook(&page, &hook);
    FUZZ_HOLDS(social_trusted ? status != LANTOA_EDENIED : status == LANTOA_EDENIED);
    posts_free(page.line.posts);
    free(body.text);
    return 0;
}
