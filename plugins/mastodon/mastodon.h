/* Posts of a Mastodon account.
 *
 * - plugin.c: options, content, the instance, preview
 * - send.c: a message into requests, answers into results, figures
 * - mentions.c: what people answer, fetched
 *
 * Source: docs.joinmastodon.org, API of version 4, as noted 2026-11-23. */
#ifndef MASTODON_H
#define MASTODON_H

#include "social.h"

struct mastodon_config {
    const char *url, *token, *visibility, *tls_ca;
    bool tls_verify, answers;
    int64_t most, timeout, figures_every, poll_every;
};

/* Places of the content rows. */
enum { FIELD_TEXT, FIELD_LINK, FIELD_WARNING, FIELD_COUNT };

enum { PICTURES_MOST = 4 };

struct account {
    struct social_line line;
    const struct mastodon_config *config;
    /* mentions.c */
    struct lantoa_timer *timer;
    char since[40]; /* the newest mention that the core has; "": none yet */
    char newest[40];
    size_t open; /* told and not yet done */
};

extern const struct social_network mastodon_network;
extern const struct social_error mastodon_errors[];
void mastodon_request(
    const struct account *account, struct social_request *request, const char *path);
void figures_ask(void *self, const struct social_post *post);
struct social_fit status_fit(
    const struct mastodon_config *config, const struct lantoa_message *message);

void mentions_start(struct account *account);
void mentions_stop(struct account *account);
void mentions_done(struct account *account);

#endif
