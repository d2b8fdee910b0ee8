/* Devices that fetch: who they are, what they have, what they report, what can no longer come. */
#include "pull.h"
#include "plan.h"
#include "when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFLINE_GRACE_MS 60000

struct device *pull_authorize(struct player *player, const char *authorization, const char *method,
    const char *target, const void *body, size_t bytes, char nonce_out[static 80]) {
    char words[400], url[DEVICE_ID_BYTES + 8], mac[KEYS_MAC_BYTES], why[200];
    char *rest = words;
    if (!authorization ||
        (size_t)snprintf(words, sizeof(words), "%s", authorization) >= sizeof(words)) {
        return NULL;
    }
    const char *scheme = strsep(&rest, " "), *id = rest ? strsep(&rest, " ") : NULL;
    const char *nonce = rest ? strsep(&rest, " ") : NULL, *proof = rest;
    if (!proof || strcmp(scheme, "Lantoa") != 0 || strlen(nonce) < 8 || strlen(nonce) >= 80 ||
        strlen(id) >= DEVICE_ID_BYTES) {
        return NULL;
    }
    const char *key = keys_find(player->keys, id);
    if (!key || !plan_sign_request(key, method, target, nonce, body, bytes, mac) ||
        !keys_equal(mac, proof)) {
        return NULL;
    }
    snprintf(nonce_out, 80, "%s", nonce);
    snprintf(url, sizeof(url), "device:%s", id);
    return player_device_new(player, url, why, sizeof(why));
}

static void keep(struct device *device) {
    store_put(device->player->store, device->player->quick,
        json_pack("{s:s, s:I, s:I, s:I}", "device", device->url, "version",
            (json_int_t)device->version, "seen", (json_int_t)device->seen, "offset",
            (json_int_t)device->offset_ms),
        NULL, NULL);
}

void pull_seen(struct device *device, int64_t version) {
    device->heard_ms = player_now(device->player);
    if (version > device->seen) {
        device->seen = version;
        keep(device);
    }
}

static struct item *item_of(const struct device *device, const struct asrun_record *record) {
    struct item *item = player_find(device->player, record->key);
    return item && item->device == device && item->kept ? item : NULL;
}

/* Withdrawn when the device had no link, or had begun it. */
static bool played_all_the_same(const struct item *item, const struct asrun_record *record) {
    return item->end == ITEM_WITHDRAWN && (record->end == ITEM_PLAYED || record->end == ITEM_CUT);
}

char *pull_take(struct device *device, const struct asrun *asrun) {
    struct player *player = device->player;
    int64_t now_ms = player_now(player);
    int64_t offset = asrun->has_clock ? asrun->clock_ms - now_ms : 0;
    char now[WHEN_BYTES];
    json_t *taken = json_array(), *known = json_array(), *unknown = json_array();
    device->heard_ms = now_ms;
    if (asrun->has_clock && offset != device->offset_ms) {
        device->offset_ms = offset;
        keep(device);
    }
    for (size_t i = 0; i < asrun->count; i++) {
        const struct asrun_record *record = &asrun->records[i];
        struct item *item = item_of(device, record);
        bool takes = item && (item->end == ITEM_OPEN || played_all_the_same(item, record));
        json_t *list = !item ? unknown : takes ? taken : known;
        json_array_append_new(list, json_string(record->key));
        if (takes) {
            char words[ITEM_WORDS_BYTES];
            item->told = false;
            asrun_apply(record, offset, now_ms, item);
            snprintf(words, sizeof(words), "%s", item->words);
            report_end(item, record->end, words);
        }
    }
    when_print(now_ms, 0, now);
    json_t *answer = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "server_time", now,
        "server_time_ms", (json_int_t)now_ms, "clock_offset_ms", (json_int_t)offset, "taken", taken,
        "known", known, "unknown", unknown);
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    return text;
}

bool pull_settled(const struct device *device, const struct asrun *asrun) {
    for (size_t i = 0; i < asrun->count; i++) {
        const struct item *item = item_of(device, &asrun->records[i]);
        if (item && !item->told) {
            return false;
        }
    }
    return true;
}

/* An item that the device never fetched cannot have been played; of one that it fetched, its own
 * record may come days later. */
static int64_t given_up_at(const struct device *device, const struct item *item) {
    if (device->seen < item->version) {
        return item->entry.ends_ms + OFFLINE_GRACE_MS;
    }
    return item->entry.ends_ms + item->seconds * 1000 + device->player->config->asrun_wait;
}

void pull_turn(struct device *device) {
    int64_t now_ms = player_now(device->player), next_ms = INT64_MAX;
    for (struct item *item = device->items; item; item = item->next) {
        if (!item->kept || item->end != ITEM_OPEN) {
            continue;
        }
        int64_t at_ms = given_up_at(device, item);
        if (at_ms < now_ms) {
            report_end(item, ITEM_MISSED,
                device->seen < item->version ? "missed: device offline"
                                             : "missed: the device sent no record of it");
        } else if (at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    device->next_ms = next_ms == INT64_MAX ? next_ms : next_ms + 1;
}
