/* The plan of one device as JSON. */
#include "plan.h"
#include "when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINGER_MS 60000 /* an item stays in the plan while it may still be playing */
#define TARGET_MOST 600

bool plan_has(const struct item *item, int64_t now_ms) {
    return item->kept && item->end == ITEM_OPEN &&
           item->entry.ends_ms + item->seconds * 1000 + LINGER_MS >= now_ms;
}

static json_t *item_json(const struct item *item) {
    char start[WHEN_BYTES], ends[WHEN_BYTES], file[300];
    when_print(item->entry.start_ms, item->zone, start);
    when_print(item->entry.ends_ms, item->zone, ends);
    snprintf(file, sizeof(file), "/device/%s/file/%s", item->device->at.id, item->audio);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:{s:s, s:s, s:s, "
        "s:I, s:s}}",
        "key", item->key, "outlet", item->outlet, "place", item->place, "title", item->title,
        "start", start, "ends", ends, "start_ms", (json_int_t)item->entry.start_ms, "ends_ms",
        (json_int_t)item->entry.ends_ms, "seconds", (json_int_t)item->seconds, "length_ms",
        (json_int_t)item->length_ms, "priority", item_priority_word(item->entry.priority), "script",
        item->script, "audio", "name", item->audio, "mime", item->mime, "sha256", item->sha256,
        "bytes", (json_int_t)item->audio_bytes, "path", file);
}

static int by_start(const void *a, const void *b) {
    const struct item *one = *(const struct item *const *)a, *two = *(const struct item *const *)b;
    return one->entry.start_ms != two->entry.start_ms
               ? (one->entry.start_ms > two->entry.start_ms) -
                     (one->entry.start_ms < two->entry.start_ms)
               : strcmp(one->key, two->key);
}

/* In the order in which they are played. NULL: no memory. */
static json_t *items_json(const struct device *device, int64_t now_ms) {
    size_t count = 0, used = 0;
    for (const struct item *item = device->items; item; item = item->next) {
        count += plan_has(item, now_ms);
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
    const struct item **list = calloc(count + 1, sizeof(*list));
    json_t *items = list ? json_array() : NULL;
    for (const struct item *item = device->items; list && item; item = item->next) {
        if (plan_has(item, now_ms)) {
            list[used++] = item;
        }
    }
    if (list) {
        /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
        qsort(list, used, sizeof(*list), by_start);
    }
    for (size_t i = 0; i < used; i++) {
        json_array_append_new(items, item_json(list[i]));
    }
    free(list);
    return items;
}

char *plan_write(const struct device *device, const char *nonce) {
    int64_t now_ms = player_now(device->player);
    char now[WHEN_BYTES], valid[WHEN_BYTES];
    json_t *items = items_json(device, now_ms);
    when_print(now_ms, 0, now);
    when_print(now_ms + device->player->config->plan_valid, 0, valid);
    json_t *plan = json_pack("{s:s, s:I, s:s, s:s, s:I, s:s, s:o}", "device", device->at.id,
        "version", (json_int_t)device->version, "nonce", nonce, "server_time", now,
        "server_time_ms", (json_int_t)now_ms, "valid_until", valid, "items", items);
    char *text = plan ? json_dumps(plan, JSON_COMPACT) : NULL;
    json_decref(plan);
    return text;
}

void plan_sign(
    const char *key, const char *nonce, const char *body, char out[static KEYS_MAC_BYTES]) {
    size_t bytes = strlen(nonce) + 1 + strlen(body);
    char *text = malloc(bytes + 1);
    if (!text) {
        out[0] = '\0';
        return;
    }
    snprintf(text, bytes + 1, "%s\n%s", nonce, body);
    keys_sign(key, text, bytes, out);
    free(text);
}

bool plan_sign_request(const char *key, const char *method, const char *target, const char *nonce,
    const void *body, size_t bytes, char out[static KEYS_MAC_BYTES]) {
    char text[TARGET_MOST + 300], digest[KEYS_MAC_BYTES];
    keys_digest(body, bytes, digest);
    int count = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s", method, target, nonce, digest);
    if (count < 0 || (size_t)count >= sizeof(text)) {
        return false;
    }
    keys_sign(key, text, (size_t)count, out);
    return true;
}

char *plan_write_play(const struct item *item, const char *key) {
    char mac[KEYS_MAC_BYTES];
    json_t *command = json_pack("{s:s, s:I, s:o}", "device", item->device->at.id, "server_time_ms",
        (json_int_t)player_now(item->device->player), "item", item_json(item));
    char *body = command ? json_dumps(command, JSON_COMPACT) : NULL, *text = NULL;
    json_decref(command);
    if (body) {
        plan_sign(key, "play", body, mac);
        json_t *signed_json = json_pack("{s:s, s:s}", "body", body, "mac", mac);
        text = signed_json ? json_dumps(signed_json, JSON_COMPACT) : NULL;
        json_decref(signed_json);
    }
    free(body);
    return text;
}
