/* What was posted lately. The list is in memory and, whole, in posts.json of the channel's folder;
 * a page posts a few times a day, so it is short. */
#include "social.h"

#include <stdio.h>
#include <stdlib.h>

#define POSTS_MOST 2000
#define ASK_MOST 20 /* at one time */

struct posts {
    struct posts_setup setup;
    struct social_post *at;
    size_t count, room;
    struct lantoa_timer *timer;
    uint64_t token;
};

static bool grow(struct posts *posts) {
    if (posts->count < posts->room) {
        return true;
    }
    size_t room = posts->room == 0 ? 16 : 2 * posts->room;
    struct social_post *at = realloc(posts->at, room * sizeof(*at));
    if (at == NULL) {
        return false;
    }
    posts->at = at;
    posts->room = room;
    return true;
}

static void drop_old(struct posts *posts) {
    int64_t since = posts->setup.host->now(posts->setup.host) - posts->setup.keep_ms;
    size_t kept = 0;
    size_t first = posts->count > POSTS_MOST ? posts->count - POSTS_MOST : 0;
    for (size_t i = first; i < posts->count; i++) {
        if (posts->at[i].at_ms >= since) {
            posts->at[kept++] = posts->at[i];
        }
    }
    posts->count = kept;
}

static void save(struct posts *posts) {
    json_t *list = json_array();
    for (size_t i = 0; i < posts->count; i++) {
        const struct social_post *post = &posts->at[i];
        json_array_append_new(list, json_pack("{ss,ss,sI}", "key", post->key, "ref", post->ref,
                                        "at", (json_int_t)post->at_ms));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    if (text == NULL ||
        state_save(posts->setup.host->state_dir, "posts.json", text, strlen(text)) != LANTOA_OK) {
        posts->setup.host->log(posts->setup.host, LANTOA_LOG_WARN,
            "posts.json cannot be written: figures of new posts are asked for until a restart "
            "only");
    }
    free(text);
    json_decref(list);
}

static void load(struct posts *posts) {
    size_t bytes = 0, i;
    json_t *row;
    char *text = state_load(posts->setup.host->state_dir, "posts.json", &bytes);
    json_t *list = text == NULL ? NULL : json_loadb(text, bytes, 0, NULL);
    json_array_foreach(list, i, row) {
        const char *key = json_string_value(json_object_get(row, "key"));
        const char *ref = json_string_value(json_object_get(row, "ref"));
        if (key != NULL && ref != NULL && i < POSTS_MOST && grow(posts)) {
            struct social_post *post = &posts->at[posts->count++];
            *post = (struct social_post){.at_ms = json_integer_value(json_object_get(row, "at"))};
            keep_text(post->key, sizeof(post->key), key, strlen(key));
            keep_text(post->ref, sizeof(post->ref), ref, strlen(ref));
        }
    }
    json_decref(list);
    free(text);
    drop_old(posts);
}

struct posts *posts_new(const struct posts_setup *setup) {
    struct posts *posts = calloc(1, sizeof(*posts));
    if (posts != NULL) {
        posts->setup = *setup;
        posts->token = SOCIAL_POSTS_TOKEN | (uint64_t)setup->host->now(setup->host) << 16;
        load(posts);
    }
    return posts;
}

void posts_free(struct posts *posts) {
    if (posts != NULL) {
        posts->setup.host->timer_stop(posts->setup.host, posts->timer);
        free(posts->at);
        free(posts);
    }
}

/* The longest not asked go first. */
static void on_time(void *arg) {
    struct posts *posts = arg;
    int64_t now = posts->setup.host->ticks(posts->setup.host);
    drop_old(posts);
    for (size_t asked = 0; asked < ASK_MOST; asked++) {
        struct social_post *next = NULL;
        for (size_t i = 0; i < posts->count; i++) {
            if (posts->at[i].asked_at < now &&
                (next == NULL || posts->at[i].asked_at < next->asked_at)) {
                next = &posts->at[i];
            }
        }
        if (next == NULL) {
            break;
        }
        next->asked_at = now;
        posts->setup.ask(posts->setup.self, next);
    }
    posts->timer =
        posts->setup.host->timer(posts->setup.host, posts->setup.every_ms, on_time, posts);
}

void posts_start(struct posts *posts) {
    posts->timer =
        posts->setup.host->timer(posts->setup.host, posts->setup.every_ms, on_time, posts);
}

void posts_add(struct posts *posts, struct lantoa_str key, const char *ref) {
    drop_old(posts);
    if (!grow(posts)) {
        return;
    }
    struct social_post *post = &posts->at[posts->count++];
    *post = (struct social_post){.at_ms = posts->setup.host->now(posts->setup.host)};
    keep_text(post->key, sizeof(post->key), key.at, key.bytes);
    keep_text(post->ref, sizeof(post->ref), ref, strlen(ref));
    save(posts);
}

const struct social_post *posts_by_ref(const struct posts *posts, const char *ref) {
    for (size_t i = posts->count; i > 0; i--) {
        if (strcmp(posts->at[i - 1].ref, ref) == 0) {
            return &posts->at[i - 1];
        }
    }
    return NULL;
}

size_t posts_count(const struct posts *posts) {
    return posts->count;
}

const struct social_post *posts_at(const struct posts *posts, size_t index) {
    return &posts->at[index];
}

void posts_told(struct posts *posts, const char *key, json_t *figures) {
    char *text = figures == NULL ? NULL : json_dumps(figures, JSON_COMPACT);
    if (text != NULL) {
        /* One that is not taken now comes again with the next look. */
        (void)posts->setup.host->event(
            posts->setup.host, &LANTOA_EVENT(.token = ++posts->token, .kind = LANTOA_EVENT_FIGURES,
                                   .key = social_str(key), .ref = social_str(""),
                                   .address = social_str(""), .detail = social_str(text)));
    }
    free(text);
    json_decref(figures);
}
