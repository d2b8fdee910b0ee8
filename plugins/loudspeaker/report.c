/* How an airing ended: into the log first, then to the core, again and again until it confirms. */
#include "loudspeaker.h"
#include "when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 500

static void give_all(void *arg) {
    struct player *player = arg;
    player->report_timer = NULL;
    for (size_t i = 0; i < player->untold_count; i++) {
        if (player->untold[i]->token == 0) {
            report_give(player->untold[i]);
        }
    }
}

static bool remember(struct player *player, struct item *item) {
    for (size_t i = 0; i < player->untold_count; i++) {
        if (player->untold[i] == item) {
            return true;
        }
    }
    if (player->untold_count == player->untold_room) {
        size_t room = player->untold_room ? 2 * player->untold_room : 64;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
        struct item **more = realloc(player->untold, room * sizeof(*more));
        if (!more) {
            return false;
        }
        player->untold = more;
        player->untold_room = room;
    }
    player->untold[player->untold_count++] = item;
    return true;
}

void report_give(struct item *item) {
    struct player *player = item->device->player;
    const struct lantoa_host *host = player->host;
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    char detail[480];
    if (!remember(player, item)) {
        return; /* no memory: told after the next opening */
    }
    item_report(item, &kind, &reason, detail, sizeof(detail));
    uint64_t token = ++player->last_token;
    int code = host->event(
        host, &LANTOA_EVENT(.token = token, .kind = kind, .reason = reason,
                  .key = {item->key, strlen(item->key)}, .ref = {item->key, strlen(item->key)},
                  .address = {item->url, strlen(item->url)}, .detail = {detail, strlen(detail)}));
    item->token = code == LANTOA_OK ? token : 0;
    if (code != LANTOA_OK && !player->report_timer) {
        player->report_timer = host->timer(host, AGAIN_MS, give_all, player);
    }
}

static void safe(void *arg, int failed) {
    struct item *item = arg;
    if (failed) {
        item->device->player->host->log(
            item->device->player->host, LANTOA_LOG_ERROR, "plan.log: %s", strerror(failed));
    }
    /* Even if it is not on the disk: after a crash the item would end a second time, and the core
     * takes the first end it hears of. */
    report_give(item);
}

void report_end(struct item *item, enum item_end end, const char *words) {
    struct player *player = item->device->player;
    item->end = end;
    if (item->ended_ms == 0) {
        item->ended_ms = player_now(player);
    }
    snprintf(item->words, sizeof(item->words), "%s", words);
    schedule_remove(&item->device->schedule, &item->entry);
    if (end == ITEM_PLAYED) {
        player->host->metric(player->host, "played", ++player->played);
    } else {
        player->host->metric(player->host, "not_played", ++player->failed);
    }
    store_put(player->store, player->quick,
        json_pack("{s:s, s:o}", "key", item->key, "became", item_end_to_json(item)), safe, item);
}

void report_cut(struct item *item, const char *by) {
    char words[ITEM_WORDS_BYTES];
    snprintf(words, sizeof(words), "cut%s, %lld of %lld s played", by,
        (long long)(item->played_ms / 1000), (long long)((item->length_ms + 500) / 1000));
    report_end(item, ITEM_CUT, words);
}

void report_done(struct player *player, uint64_t token) {
    for (size_t i = 0; i < player->untold_count; i++) {
        struct item *item = player->untold[i];
        if (item->token == token && token != 0) {
            player->untold[i] = player->untold[--player->untold_count];
            item->token = 0;
            item->told = true;
            store_put(player->store, player->quick,
                json_pack("{s:s, s:b}", "key", item->key, "told", 1), NULL, NULL);
            pull_told(player);
            return;
        }
    }
}
