/* A Facebook Page: posts, pictures, posts for later, and what Facebook counts of them.
 *
 * - plugin.c: options, content, the instance, preview
 * - send.c: a message into requests of the Graph API, answers into results
 * - insights.c: figures, asked for on a schedule
 * - comments.c: comments, called in or fetched
 *
 * Source of paths, fields, codes and metric names: developers.facebook.com/docs/graph-api as noted
 * 2026-11-23; post_impressions and page_fans are gone since 2025-11-15. */
#ifndef FACEBOOK_H
#define FACEBOOK_H

#include "social.h"

struct facebook_config {
    const char *api_url, *version, *page_id, *token, *app_secret, *verify_token, *comments,
        *metrics;
    const char *tls_ca;
    bool tls_verify;
    int64_t timeout, figures_every, poll_every;
};

/* Places of the content rows. */
enum { FIELD_TEXT, FIELD_LINK, FIELD_PUBLISH_AT, FIELD_COUNT };

enum { TEXT_MOST = 63206, PICTURES_MOST = 10 };

struct page {
    struct social_line line;
    const struct facebook_config *config;
    /* comments.c, where they are fetched: */
    struct lantoa_timer *timer;
    size_t round;     /* the post that is asked for, from the newest */
    size_t open;      /* told and not yet done */
    bool more;        /* of the same post */
    char post[124];   /* its number */
    char newest[400]; /* the cursor behind what was told; "": nothing new */
    json_t *cursors;  /* by post */
};

/* --- send.c --- */

extern const struct social_network facebook_network;
extern const struct social_error facebook_errors[];
struct social_fit facebook_fit(const struct lantoa_message *message);
/* URL and token of a path below the version: "PAGE/feed". */
void facebook_request(const struct page *page, struct social_request *request, const char *path);

/* --- insights.c --- */

void insights_ask(void *self, const struct social_post *post);

/* --- comments.c --- */

void comments_start(struct page *page);
void comments_stop(struct page *page);
void comments_done(struct page *page);
int comments_hook(void *self, const struct lantoa_hook *hook);

#endif
