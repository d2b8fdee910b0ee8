/* What Facebook counts of a post, and what people write below it. The names of metrics are data:
 * Facebook takes some away and brings others, and one it does not know is "n/a". */
#include "facebook.h"

#include <stdio.h>

/* All the names that were asked for, as not given. */
static json_t *none_given(const char *metrics) {
    json_t *figures = json_object();
    while (*metrics != '\0') {
        char name[60];
        size_t bytes = strcspn(metrics, ", ");
        if (bytes > 0 && bytes < sizeof(name)) {
            memcpy(name, metrics, bytes);
            name[bytes] = '\0';
            json_object_set_new(figures, name, json_null());
        }
        metrics += bytes + (metrics[bytes] != '\0');
    }
    return figures;
}

static json_t *read_insights(
    void *self, const struct lantoa_http_answer *answer, const json_t *json) {
    const struct page *page = self;
    const json_t *rows = json_object_get(json, "data");
    bool told = rows != NULL || json_integer_value(json_path(json, "error/code")) == 100;
    if (!told) {
        page->line.host->log(page->line.host, LANTOA_LOG_WARN,
            "figures cannot be asked for: %d; again at the next time", answer->status);
        return NULL;
    }
    json_t *figures = none_given(page->config->metrics);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name != NULL && json_is_integer(json_path(row, "values/0/value"))) {
            json_object_set_new(figures, name, figure_at(row, "values/0/value"));
        }
    }
    return figures;
}

static json_t *read_counts(
    void *self, const struct lantoa_http_answer *answer, const json_t *json) {
    const json_t *shares = json_path(json, "shares/count");
    (void)self;
    (void)answer;
    if (json_object_get(json, "id") == NULL) {
        return NULL;
    }
    /* Facebook leaves the field out when nobody has shared. */
    return json_pack("{so,so,sI}", "reactions", figure_at(json, "reactions/summary/total_count"),
        "comments", figure_at(json, "comments/summary/total_count"), "shares",
        json_is_integer(shares) ? json_integer_value(shares) : 0);
}

static void ask(struct page *page, const struct social_post *post, const char *ending,
    const char *name, const char *value,
    json_t *(*figures)(void *self, const struct lantoa_http_answer *answer, const json_t *json)) {
    struct social_request request = {.method = "GET"};
    char path[200];
    snprintf(path, sizeof(path), "%s%s", post->ref, ending);
    facebook_request(page, &request, path);
    request_query(&request, name, social_str(value));
    line_ask(&page->line, post, &request, figures);
}

void insights_ask(void *self, const struct social_post *post) {
    struct page *page = self;
    if (post->ref[strspn(post->ref, "0123456789_")] != '\0') {
        return; /* no number of a post: nothing to put into an address */
    }
    ask(page, post, "/insights", "metric", page->config->metrics, read_insights);
    ask(page, post, "", "fields",
        "id,shares,reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0)",
        read_counts);
}

/* --- comments --- */

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
    const struct social_post *known = posts_by_ref(page->line.posts, post);
    return line_tell(&page->line, LANTOA_EVENT_INBOUND, known != NULL ? known->key : "", "",
        from != NULL && from[0] != '\0' ? from : "facebook", social_str(text));
}

int comments_hook(void *self, const struct lantoa_hook *hook) {
    struct page *page = self;
    const char *given = hook_header(hook, "x-hub-signature-256");
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
