/* What people write below posts: called in by Facebook, or fetched where this installation has no
 * address that Facebook can reach. How far each post's comments were read is kept on the disk once
 * the core has committed them; after a crash some are read again, and the core knows a repeat. */
#include "facebook.h"

#include <stdio.h>
#include <stdlib.h>

#define POSTS_ROUND 50 /* the newest, in each round */
#define POST_GONE 100  /* deleted, or not to be seen by this page any more */
#define CURSORS "comments.json"

static bool is_fetching(const struct page *page) {
    return strcmp(page->config->comments, "poll") == 0;
}

static int tell(struct page *page, const char *post, const char *from, const char *text) {
    const struct social_post *known = posts_by_ref(page->line.posts, post);
    return line_tell(&page->line, LANTOA_EVENT_INBOUND, known != NULL ? known->key : "", "",
        from != NULL && from[0] != '\0' ? from : "facebook", social_str(text));
}

/* --- fetched --- */

static void next_post(struct page *page);

static void begin_round(void *arg) {
    struct page *page = arg;
    page->timer = NULL;
    page->round = 0;
    next_post(page);
}

static void again(struct page *page) {
    const struct lantoa_host *host = page->line.host;
    if (page->timer == NULL) {
        page->timer = host->timer(host, page->config->poll_every, begin_round, page);
    }
}

static void save_cursors(struct page *page) {
    const char *ref;
    json_t *cursor;
    void *next;
    json_object_foreach_safe(page->cursors, next, ref, cursor) {
        if (posts_by_ref(page->line.posts, ref) == NULL) {
            json_object_del(page->cursors, ref);
        }
    }
    char *text = json_dumps(page->cursors, JSON_COMPACT);
    if (text == NULL ||
        state_save(page->line.host->state_dir, CURSORS, text, strlen(text)) != LANTOA_OK) {
        page->line.host->log(
            page->line.host, LANTOA_LOG_WARN, "how far comments were read cannot be written down");
    }
    free(text);
}

/* The core has all that the last answer said. */
static void settled(struct page *page) {
    if (page->newest[0] != '\0') {
        json_object_set_new(page->cursors, page->post, json_string(page->newest));
        save_cursors(page);
    }
    page->round += !page->more;
    next_post(page);
}

static void on_comments(void *arg, const struct lantoa_http_answer *answer, const json_t *json) {
    struct page *page = arg;
    const json_t *rows = json_object_get(json, "data");
    const char *cursor = json_string_value(json_path(json, "paging/cursors/after"));
    if (json_integer_value(json_path(json, "error/code")) == POST_GONE) {
        page->round++;
        next_post(page);
        return;
    }
    if (!json_is_array(rows)) {
        page->line.host->log(page->line.host, LANTOA_LOG_WARN,
            "comments cannot be fetched: %d; again at the next time", answer->status);
        again(page);
        return;
    }
    bool all = true;
    for (size_t i = 0; all && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *text = json_string_value(json_object_get(row, "message"));
        const char *from = json_string_value(json_path(row, "from/id"));
        bool own = from != NULL && strcmp(from, page->config->page_id) == 0;
        if (text != NULL && text[0] != '\0' && !own) {
            int status = tell(page, page->post, from, text);
            page->open += status == LANTOA_OK;
            all = status != LANTOA_EAGAIN; /* it comes again */
        }
    }
    page->more = all && json_array_size(rows) > 0 && json_path(json, "paging/next") != NULL;
    keep_text(
        page->newest, sizeof(page->newest), cursor, all && cursor != NULL ? strlen(cursor) : 0);
    if (page->open == 0) {
        settled(page);
    }
}

static bool ask(struct page *page, const struct social_post *post) {
    struct social_request request = {.method = "GET"};
    const char *cursor = json_string_value(json_object_get(page->cursors, post->ref));
    char path[160];
    snprintf(page->post, sizeof(page->post), "%s", post->ref);
    snprintf(path, sizeof(path), "%s/comments", post->ref);
    facebook_request(page, &request, path);
    request_query(&request, "fields", social_str("id,message,from"));
    request_query(&request, "filter", social_str("stream")); /* answers to comments too */
    request_query(&request, "order", social_str("chronological"));
    request_query(&request, "limit", social_str("50"));
    if (cursor != NULL) {
        request_query(&request, "after", social_str(cursor));
    }
    return social_ask(page->line.social, &request, on_comments, NULL, page) == LANTOA_OK;
}

static void next_post(struct page *page) {
    size_t count = posts_count(page->line.posts);
    for (; page->round < count && page->round < POSTS_ROUND; page->round++) {
        const struct social_post *post = posts_at(page->line.posts, count - 1 - page->round);
        bool number = post->ref[strspn(post->ref, "0123456789_")] == '\0';
        if (number && ask(page, post)) {
            return;
        }
    }
    again(page);
}

void comments_start(struct page *page) {
    size_t bytes = 0;
    if (!is_fetching(page)) {
        return;
    }
    char *text = state_load(page->line.host->state_dir, CURSORS, &bytes);
    json_t *kept = text == NULL ? NULL : json_loadb(text, bytes, 0, NULL);
    page->cursors = json_is_object(kept) ? json_incref(kept) : json_object();
    json_decref(kept);
    free(text);
    again(page);
}

void comments_stop(struct page *page) {
    page->line.host->timer_stop(page->line.host, page->timer);
    page->timer = NULL;
    json_decref(page->cursors);
    page->cursors = NULL;
}

void comments_done(struct page *page) {
    if (page->open > 0 && --page->open == 0) {
        settled(page);
    }
}

/* --- called in --- */

static int take_change(struct page *page, const json_t *change) {
    const json_t *value = json_object_get(change, "value");
    const char *field = json_string_value(json_object_get(change, "field"));
    const char *item = json_string_value(json_object_get(value, "item"));
    const char *verb = json_string_value(json_object_get(value, "verb"));
    const char *post = json_string_value(json_object_get(value, "post_id"));
    const char *text = json_string_value(json_object_get(value, "message"));
    const char *from = json_string_value(json_path(value, "from/id"));
    if (field == NULL || item == NULL || verb == NULL || post == NULL || text == NULL ||
        strcmp(field, "feed") != 0 || strcmp(item, "comment") != 0 || strcmp(verb, "add") != 0 ||
        (from != NULL && strcmp(from, page->config->page_id) == 0)) {
        return LANTOA_OK; /* not a comment of somebody else's */
    }
    return tell(page, post, from, text);
}

int comments_hook(void *self, const struct lantoa_hook *hook) {
    struct page *page = self;
    const char *given = hook_header(hook, "x-hub-signature-256");
    if (is_fetching(page)) {
        page->line.host->log(page->line.host, LANTOA_LOG_WARN,
            "a call-back is refused: option comments says that they are fetched");
        return LANTOA_EDENIED;
    }
    given = strncmp(given, "sha256=", 7) == 0 ? given + 7 : given;
    if (!proof_hmac_sha256(page->config->app_secret, hook->body, given)) {
        page->line.host->log(page->line.host, LANTOA_LOG_WARN,
            "a call-back of %zu bytes is refused: its signature is wrong (option app_secret)",
            hook->body.bytes);
        return LANTOA_EDENIED;
    }
    json_t *root = json_loadb(hook->body.at, hook->body.bytes, 0, NULL);
    const json_t *entries = json_object_get(root, "entry");
    int status = root == NULL ? LANTOA_EINVAL : LANTOA_OK;
    for (size_t i = 0; status == LANTOA_OK && i < json_array_size(entries); i++) {
        const json_t *changes = json_object_get(json_array_get(entries, i), "changes");
        for (size_t k = 0; status == LANTOA_OK && k < json_array_size(changes); k++) {
            status = take_change(page, json_array_get(changes, k));
        }
    }
    json_decref(root);
    return status;
}
