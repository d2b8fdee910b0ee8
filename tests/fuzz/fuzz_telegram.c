/* Telegram's call-backs: a byte (right secret; to people or a channel), and the body. */
#include "fuzz_social.h"

#include "telegram.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const struct telegram_config config = {
        .receive = "webhook", .callback_secret = SOCIAL_SECRET, .poll_every = 1000};
    if (count == 0) {
        return 0;
    }
    struct social_body body = social_take(bytes + 1, count - 1);
    social_trusted = bytes[0] & 1;
    struct bot bot = {
        .line = {.host = &social_host, .posts = bytes[0] & 2 ? social_posts("-100777:1") : NULL},
        .config = &config};
    const struct lantoa_http_header header = {
        "x-telegram-bot-api-secret-token", social_trusted ? SOCIAL_SECRET : "secre"};
    const struct lantoa_hook hook = social_hook(&body, &header);
    int status = updates_hook(&bot, &hook);
    FUZZ_HOLDS(social_trusted || status == LANTOA_EDENIED);
    posts_free(bot.line.posts);
    free(body.text);
    return 0;
}
