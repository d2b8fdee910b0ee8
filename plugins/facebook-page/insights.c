/* What Facebook counts of a post. The names of metrics are data: Facebook takes some away and
 * brings others, and one it does not know is "n/a". */
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
