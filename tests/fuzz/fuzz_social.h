/* What the targets of social networks share: a host that checks the events it is given, and call-
 * backs whose signature is right when the input's first byte is odd. */
#ifndef FUZZ_SOCIAL_H
#define FUZZ_SOCIAL_H

#include "fuzz.h"

#include "social.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>

#define SOCIAL_NOW_MS INT64_C(1795430000000)
#define SOCIAL_KEY "aaaaaaaaaaaaaaaaaaaa"
#define SOCIAL_SECRET "secret"

static bool social_trusted; /* events may come of the present input */

static LANTOA_PRINTF(3, 4) void social_log(
    const struct lantoa_host *host, enum lantoa_log_level level, const char *fmt, ...) {
    char text[2000];
    va_list args;
    (void)host;
    (void)level;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
}

static int social_event(const struct lantoa_host *host, const struct lantoa_event *event) {
    const struct lantoa_str *texts[] = {&event->key, &event->ref, &event->address, &event->detail};
    (void)host;
    FUZZ_HOLDS(social_trusted);
    FUZZ_HOLDS(event->kind == LANTOA_EVENT_DELIVERED || event->kind == LANTOA_EVENT_INBOUND ||
               event->kind == LANTOA_EVENT_OPT_OUT || event->kind == LANTOA_EVENT_FIGURES);
    FUZZ_HOLDS(event->key.bytes + event->ref.bytes + event->address.bytes > 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FUZZ_HOLDS(texts[i]->at != NULL && texts[i]->at[texts[i]->bytes] == '\0');
    }
    return LANTOA_OK;
}

static int64_t social_now(const struct lantoa_host *host) {
    (void)host;
    return SOCIAL_NOW_MS;
}

static struct lantoa_timer *social_timer(
    const struct lantoa_host *host, int64_t ms, void (*fire)(void *arg), void *arg) {
    (void)host;
    (void)ms;
    (void)fire;
    (void)arg;
    return NULL;
}

static void social_timer_stop(const struct lantoa_host *host, struct lantoa_timer *timer) {
    (void)host;
    (void)timer;
}

static const struct lantoa_host social_host = {.size = sizeof(social_host),
    .channel = "mang",
    .state_dir = "/dev/null", /* no folder: nothing is kept */
    .log = social_log,
    .event = social_event,
    .now = social_now,
    .ticks = social_now,
    .timer = social_timer,
    .timer_stop = social_timer_stop};

__attribute__((unused)) static struct posts *social_posts(const char *ref) {
    struct posts *posts = posts_new(
        &(struct posts_setup){.host = &social_host, .every_ms = 1000, .keep_ms = INT64_C(1) << 40});
    FUZZ_HOLDS(posts != NULL);
    posts_add(posts, social_str(SOCIAL_KEY), ref);
    return posts;
}

static inline void social_hex(const unsigned char *digest, size_t bytes, char *out) {
    for (size_t i = 0; i < bytes; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}

/* The body of an input, in new memory of its own, so that a step over its end is seen. */
struct social_body {
    char *text;
    size_t bytes;
};
__attribute__((unused)) static struct social_body social_take(const uint8_t *bytes, size_t count) {
    struct social_body body = {malloc(count + 1), count};
    FUZZ_HOLDS(body.text != NULL);
    memcpy(body.text, bytes, count);
    body.text[count] = '\0';
    return body;
}

__attribute__((unused)) static struct lantoa_hook social_hook(
    const struct social_body *body, const struct lantoa_http_header *header) {
    return (struct lantoa_hook){.size = sizeof(struct lantoa_hook),
        .at_ms = SOCIAL_NOW_MS,
        .method = "POST",
        .query = {"", 0},
        .headers = header,
        .header_count = 1,
        .body = {body->text, body->bytes}};
}

#endif
