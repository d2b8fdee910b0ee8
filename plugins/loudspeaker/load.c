/* The log read at opening, and what is kept in memory from it. */
#include "loudspeaker.h"
#include "when.h"
#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETAIN_MS (INT64_C(3) * 86400000) /* after it was told: late repeats are recognised */
#define PAPER_RETAIN_MS (INT64_C(62) * 86400000)

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->key, ((const struct item *)b)->key);
}

static int by_url(const void *a, const void *b) {
    return strcmp(((const struct device *)a)->url, ((const struct device *)b)->url);
}

struct item *player_find(const struct player *player, const char *key) {
    struct item wanted;
    snprintf(wanted.key, sizeof(wanted.key), "%s", key);
    struct item *const *found = tfind(&wanted, &player->by_key, by_key);
    return found ? *found : NULL;
}

struct device *player_device(struct player *player, const char *url) {
    struct device wanted;
    if ((size_t)snprintf(wanted.url, sizeof(wanted.url), "%s", url) >= sizeof(wanted.url)) {
        return NULL;
    }
    struct device *const *found = tfind(&wanted, &player->by_url, by_url);
    return found ? *found : NULL;
}

struct device *player_device_new(
    struct player *player, const char *url, char *why, size_t why_bytes) {
    struct device *device = player_device(player, url);
    if (device) {
        return device;
    }
    struct device_url at;
    if (!device_url_read((struct lantoa_str){url, strlen(url)}, &at, why, why_bytes)) {
        return NULL;
    }
    device = calloc(1, sizeof(*device));
    if (!device) {
        snprintf(why, why_bytes, "no memory");
        return NULL;
    }
    device->player = player;
    device->at = at;
    device->next_ms = INT64_MAX;
    snprintf(device->url, sizeof(device->url), "%s", url);
    if (!tsearch(device, &player->by_url, by_url)) {
        free(device);
        snprintf(why, why_bytes, "no memory");
        return NULL;
    }
    device->next = player->devices;
    player->devices = device;
    player->host->metric(player->host, "devices", (double)++player->device_count);
    return device;
}

bool player_place(struct player *player, struct item *item) {
    struct item **found = tsearch(item, &player->by_key, by_key);
    if (!found || *found != item) {
        return false;
    }
    item->next = item->device->items;
    item->device->items = item;
    if (item->version > item->device->version) {
        item->device->version = item->version;
    }
    return true;
}

void player_forget(struct player *player, struct item *item) {
    if (player_find(player, item->key) == item) {
        tdelete(item, &player->by_key, by_key);
    }
    if (item->device) {
        schedule_remove(&item->device->schedule, &item->entry);
        for (struct item **at = &item->device->items; *at; at = &(*at)->next) {
            if (*at == item) {
                *at = item->next;
                break;
            }
        }
    }
    item_free(item);
}

/* --- reading the log --- */

static void take_device(struct player *player, const json_t *line, const char *url) {
    char why[200];
    struct device *device = player_device_new(player, url, why, sizeof(why));
    if (device) {
        int64_t seen = json_integer_value(json_object_get(line, "seen"));
        int64_t version = json_integer_value(json_object_get(line, "version"));
        device->seen = seen > device->seen ? seen : device->seen;
        device->version = version > device->version ? version : device->version;
        device->offset_ms = json_integer_value(json_object_get(line, "offset"));
    }
}

static void take_item(struct player *player, const json_t *json) {
    struct item *item = item_from_json(json);
    char why[200];
    if (!item) {
        return;
    }
    struct item *before = player_find(player, item->key);
    if (before && before->end == ITEM_WITHDRAWN) { /* taken back, and given anew */
        player_forget(player, before);
    }
    item->device = player_device_new(player, item->url, why, sizeof(why));
    if (!item->device || !player_place(player, item)) {
        item_free(item);
    }
}

static void take(void *arg, const json_t *line) {
    struct player *player = arg;
    const char *url = json_string_value(json_object_get(line, "device"));
    const char *key = json_string_value(json_object_get(line, "key"));
    const json_t *added = json_object_get(line, "add"), *became;
    struct item *item = key ? player_find(player, key) : NULL;
    if (url) {
        take_device(player, line, url);
    } else if (added) {
        take_item(player, added);
    } else if (item && (became = json_object_get(line, "became"))) {
        if (!item_end_from_json(item, became)) {
            item->end = ITEM_OPEN;
        }
        item->told = json_is_true(json_object_get(line, "told"));
    } else if (item && json_object_get(line, "told")) {
        item->told = true;
    } else if (item && json_object_get(line, "held")) {
        item->entry.state = ENTRY_HELD;
        item->entry.held_ms = json_integer_value(json_object_get(line, "held"));
        item->began_ms = json_integer_value(json_object_get(line, "began"));
        item->played_ms = json_integer_value(json_object_get(line, "played"));
    } else if (item && json_object_get(line, "began")) {
        item->began_ms = json_integer_value(json_object_get(line, "began"));
        item->entry.state = ENTRY_PLAYS;
        item->entry.held_ms = 0;
    }
}

static bool is_stale(const struct item *item, int64_t now_ms) {
    if (item->device->at.kind == DEVICE_PAPER) {
        return item->entry.start_ms + PAPER_RETAIN_MS < now_ms;
    }
    if (item->end == ITEM_WITHDRAWN && item->device->at.kind == DEVICE_PULL &&
        item->entry.ends_ms + item->seconds * 1000 + item->device->player->config->asrun_wait >=
            now_ms) {
        return false; /* a device without a link plays it all the same, and says so later */
    }
    return item->told && item->ended_ms + RETAIN_MS < now_ms;
}

static void give(void *arg, struct store *store) {
    struct player *player = arg;
    for (const struct device *device = player->devices; device; device = device->next) {
        store_put_now(store, json_pack("{s:s, s:I, s:I, s:I}", "device", device->url, "version",
                                 (json_int_t)device->version, "seen", (json_int_t)device->seen,
                                 "offset", (json_int_t)device->offset_ms));
        for (const struct item *item = device->items; item; item = item->next) {
            store_put_now(store, json_pack("{s:o}", "add", item_to_json(item)));
            if (item->end == ITEM_OPEN && item->entry.state == ENTRY_PLAYS) {
                store_put_now(store,
                    json_pack("{s:s, s:I}", "key", item->key, "began", (json_int_t)item->began_ms));
            }
        }
    }
}

static void drop_stale(struct player *player) {
    int64_t now_ms = player_now(player);
    for (struct device *device = player->devices; device; device = device->next) {
        for (struct item *item = device->items, *next; item; item = next) {
            next = item->next;
            if (is_stale(item, now_ms)) {
                player_forget(player, item);
            }
        }
    }
}

bool player_load(struct player *player, char *why, size_t why_bytes) {
    if (!store_open(player->host->state_dir, take, player, &player->store, why, why_bytes)) {
        return false;
    }
    drop_stale(player);
    if (!store_rewrite(player->store, give, player)) {
        snprintf(why, why_bytes, "plan.log cannot be written in %s", player->host->state_dir);
        return false;
    }
    return true;
}

/* --- cleaning --- */

static bool is_needed(const struct player *player, const char *file) {
    for (const struct stock *stock = player->stock; stock; stock = stock->next) {
        if (!stock->ready && strncmp(file, stock->name, strlen(stock->name)) == 0) {
            return true;
        }
    }
    for (const struct device *device = player->devices; device; device = device->next) {
        for (const struct item *item = device->items; item; item = item->next) {
            bool open = item->end == ITEM_OPEN || device->at.kind == DEVICE_PAPER;
            if (open && strncmp(file, item->audio, strlen(item->audio)) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void forget_stock(struct player *player, const char *file) {
    for (struct stock **at = &player->stock; *at;) {
        struct stock *stock = *at;
        if (stock->ready && strncmp(file, stock->name, strlen(stock->name)) == 0) {
            *at = stock->next;
            free(stock);
        } else {
            at = &stock->next;
        }
    }
}

void player_sweep(struct player *player) {
    DIR *dir = opendir(player->audio_dir);
    drop_stale(player);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] != '.' && !is_needed(player, entry->d_name)) {
            forget_stock(player, entry->d_name);
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
}
