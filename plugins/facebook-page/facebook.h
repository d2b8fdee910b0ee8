/* A Facebook Page: posts, pictures, posts for later, and what Facebook counts of them.
 *
 * - plugin.c: options, content, the instance, preview
 * - send.c: a message into requests of the Graph API, answers into results
 * - insights.c: figures, asked for on a schedule; comments, called in
 *
 * Source of paths, fields, codes and metric names: developers.facebook.com/docs/graph-api as noted
 * 2026-11-23; post_impressions and page_fans are gone since 2025-11-15. */
#ifndef FACEBOOK_H
#define FACEBOOK_H

#include "social.h"

struct facebook_config {
    const char *api_url, *version, *page_id, *token, *app_secret, *verify_token, *metrics, *tls_ca;
    bool tls_verify;
    int64_t timeout, figures_every;
};

/* Places of the content rows. */
enum { FIELD_TEXT, FIELD_LINK, FIELD_PUBLISH_AT, FIELD_COUNT };

enum { TEXT_MOST = 63206, PICTURES_MOST = 10 };

struct page {
    struct social_line line;
    const struct facebook_config *config;
};

/* --- send.c --- */

extern const struct social_network facebook_network;
extern const struct social_error facebook_errors[];
struct social_fit facebook_fit(const struct lantoa_message *message);
/* URL and token of a path below the version: "PAGE/feed". */
void facebook_request(const struct page *page, struct social_request *request, const char *path);

/* --- insights.c --- */

void insights_ask(void *self, const struct social_post *post);
int comments_hook(void *self, const struct lantoa_hook *hook);

#endif
