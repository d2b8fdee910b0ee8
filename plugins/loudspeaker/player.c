/* The instance: messages become items, recordings become material, devices get their turn. */
#include "loudspeaker.h"
#include "when.h"
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURN_MOST_MS 1000 /* the program's clock may run faster than ours */
#define SWEEP_MS 3600000
#define FIGURES_MS 5000
#define OVERRUN_MOST_MS 2000 /* a recording longer than what was booked by more than this */

int64_t player_now(const struct player *player) {
    return player->host->now(player->host);
}

void player_answer(
    struct item *item, enum lantoa_outcome outcome, enum lantoa_reason reason, const char *words) {
    const struct lantoa_host *host = item->device->player->host;
    host->result(host, &LANTOA_RESULT(.id = item->message->id, .outcome = outcome, .reason = reason,
                           .ref = {item->key, outcome == LANTOA_SENT ? strlen(item->key) : 0},
                           .detail = {words, strlen(words)}));
    item->message = NULL;
}

static void refuse(struct player *player, const struct lantoa_message *message,
    enum lantoa_reason reason, const char *words) {
    player->host->result(
        player->host, &LANTOA_RESULT(.id = message->id, .outcome = LANTOA_REFUSED, .reason = reason,
                          .ref = {"", 0}, .detail = {words, strlen(words)}));
}

/* --- an item on its way in: recording, log, device --- */

static void is_in(void *arg, int failed) {
    struct item *item = arg;
    struct device *device = item->device;
    struct player *player = device->player;
    if (failed) {
        player_answer(item, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, strerror(failed));
        player_forget(player, item);
        return;
    }
    item->kept = true;
    if (device->at.kind == DEVICE_PAPER) {
        paper_changed(device); /* it answers */
        return;
    }
    player_answer(item, LANTOA_SENT, LANTOA_REASON_NONE, "");
    if (device->at.kind == DEVICE_PULL) {
        mqtt_announce(device);
        if (item->entry.priority == ENTRY_EMERGENCY) {
            mqtt_play(item);
        }
        pull_turn(device);
    } else {
        schedule_add(&device->schedule, &item->entry);
        playout_turn(device);
    }
    player_wake(player);
}

static void give_up(struct item *item, enum lantoa_reason reason, const char *words) {
    player_answer(item, LANTOA_REFUSED, reason, words);
    player_forget(item->device->player, item);
}

static void has_material(struct item *item, const struct stock *stock) {
    struct player *player = item->device->player;
    char words[ITEM_WORDS_BYTES];
    if (stock->code == LANTOA_EIO) {
        player_answer(item, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, stock->why);
        player_forget(player, item);
        return;
    }
    if (stock->code != 0) {
        give_up(item, LANTOA_REASON_CONTENT, stock->why);
        return;
    }
    item->length_ms = stock->material.length_ms;
    item->audio_bytes = stock->material.bytes;
    snprintf(item->sha256, sizeof(item->sha256), "%s", stock->material.sha256);
    if (item->length_ms > item->seconds * 1000 + OVERRUN_MOST_MS) {
        snprintf(words, sizeof(words), "the recording lasts %lld s, planned are %lld s",
            (long long)(item->length_ms / 1000), (long long)item->seconds);
        give_up(item, LANTOA_REASON_CONTENT, words);
        return;
    }
    int64_t now_ms = player_now(player);
    item->version = now_ms > item->device->version ? now_ms : item->device->version + 1;
    item->device->version = item->version;
    store_put(
        player->store, player->quick, json_pack("{s:o}", "add", item_to_json(item)), is_in, item);
}

struct stock_job {
    struct job job;
    struct stock *stock;
    const char *dir;
    struct lantoa_str bytes; /* of a message that has no result yet */
};

static void make(struct job *job) {
    struct stock_job *own = (struct stock_job *)job;
    struct stock *stock = own->stock;
    stock->code = material_make(own->dir, stock->name, own->bytes.at, own->bytes.bytes, stock->form,
        &stock->material, stock->why);
}

static void made(struct job *job) {
    struct stock *stock = ((struct stock_job *)job)->stock;
    struct player *player = stock->player;
    struct item *item = stock->waiting;
    struct stock failed = *stock;
    free(job);
    stock->ready = true;
    stock->waiting = NULL;
    if (stock->code != 0) { /* the next message may bring better bytes */
        for (struct stock **at = &player->stock; *at; at = &(*at)->next) {
            if (*at == stock) {
                *at = stock->next;
                break;
            }
        }
        free(stock);
    }
    while (item) {
        struct item *next = item->next;
        item->next = NULL;
        if (failed.code == 0 && !player_place(player, item)) {
            player_answer(
                item, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, "no memory, or it came twice");
            player_forget(player, item);
        } else {
            has_material(item, &failed);
        }
        item = next;
    }
}

static enum material_form form_for(const struct device *device) {
    switch (device->at.kind) {
    case DEVICE_ICECAST:
        return device->at.mp3 ? FORM_MP3 : FORM_STREAM;
    case DEVICE_RTP:
        return device->at.codec == CODEC_L16    ? FORM_L16
               : device->at.codec == CODEC_PCMU ? FORM_PCMU
                                                : FORM_OPUS;
    case DEVICE_PULL:
        return FORM_ORIGINAL;
    case DEVICE_PAPER:
        return FORM_WAV;
    }
    return FORM_ORIGINAL;
}

static struct lantoa_str part_bytes(const struct item *item) {
    const struct lantoa_step *step = item->message->step;
    for (size_t i = 0; i < step->part_count; i++) {
        if (step->parts[i].name.bytes == strlen(item->audio) &&
            memcmp(step->parts[i].name.at, item->audio, step->parts[i].name.bytes) == 0) {
            return step->parts[i].bytes;
        }
    }
    return (struct lantoa_str){"", 0};
}

static void want_material(struct item *item) {
    struct player *player = item->device->player;
    enum material_form form = form_for(item->device);
    struct stock *stock = player->stock;
    while (stock && (stock->form != form || strcmp(stock->name, item->audio) != 0)) {
        stock = stock->next;
    }
    if (stock && stock->ready) {
        if (player_place(player, item)) {
            has_material(item, stock);
        } else {
            give_up(item, LANTOA_REASON_TEMPORARY, "no memory");
        }
        return;
    }
    if (!stock) {
        struct stock_job *job = calloc(1, sizeof(*job));
        stock = calloc(1, sizeof(*stock));
        if (!job || !stock) {
            free(job);
            free(stock);
            player_answer(item, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, "no memory");
            item_free(item);
            return;
        }
        *stock = (struct stock){.player = player, .form = form, .next = player->stock};
        snprintf(stock->name, sizeof(stock->name), "%s", item->audio);
        player->stock = stock;
        *job = (struct stock_job){.job = {.run = make, .done = made},
            .stock = stock,
            .dir = player->audio_dir,
            .bytes = part_bytes(item)};
        bool urgent = item->entry.priority == ENTRY_EMERGENCY;
        worker_put(urgent ? player->urgent[player->next_urgent++ % URGENT_WORKERS] : player->slow,
            &job->job);
    }
    item->next = stock->waiting;
    stock->waiting = item;
}

/* --- messages --- */

static void is_out(void *arg, int failed) {
    struct item *item = arg;
    if (failed) {
        player_answer(item, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, strerror(failed));
    } else {
        player_answer(item, LANTOA_SENT, LANTOA_REASON_NONE, "withdrawn");
    }
}

static void keep_version(struct device *device) {
    struct player *player = device->player;
    int64_t now_ms = player_now(player);
    device->version = now_ms > device->version ? now_ms : device->version + 1;
    store_put(player->store, player->quick,
        json_pack("{s:s, s:I, s:I, s:I}", "device", device->url, "version",
            (json_int_t)device->version, "seen", (json_int_t)device->seen, "offset",
            (json_int_t)device->offset_ms),
        NULL, NULL);
}

/* Why it cannot be taken back any more, or NULL. */
static const char *too_late(const struct item *item) {
    const struct device *device = item->device;
    int64_t over_ms = item->entry.ends_ms + item->seconds * 1000;
    if (item->end != ITEM_OPEN) {
        return item->end == ITEM_WITHDRAWN ? NULL : "has ended before";
    }
    if (device->at.kind == DEVICE_PULL && device->seen >= item->version &&
        over_ms < player_now(device->player)) {
        return "its time is over: the device's record is awaited";
    }
    if (device->at.kind == DEVICE_PAPER && over_ms < player_now(device->player)) {
        return "its time is over: a person's word is awaited";
    }
    return NULL;
}

/* Takes an item out of what the device is to play. The core is told by the result alone, no event
 * follows, unless a device that had it played it all the same. */
static void take_back(struct player *player, struct item *item) {
    struct device *device = item->device;
    if (device->at.kind == DEVICE_ICECAST || device->at.kind == DEVICE_RTP) {
        schedule_remove(&device->schedule, &item->entry);
    } else {
        keep_version(device);
    }
    item->end = ITEM_WITHDRAWN;
    item->ended_ms = player_now(player);
    item->told = true;
    snprintf(item->words, sizeof(item->words), "withdrawn");
    player->host->metric(player->host, "not_played", ++player->failed);
    store_put(player->store, player->quick,
        json_pack("{s:s, s:o, s:b}", "key", item->key, "became", item_end_to_json(item), "told", 1),
        is_out, item);
    if (device->at.kind == DEVICE_PULL) {
        mqtt_announce(device);
    } else if (device->at.kind == DEVICE_PAPER) {
        paper_changed(device);
    }
}

static void withdraw(
    struct player *player, const struct lantoa_message *message, struct item *item) {
    const char *why = too_late(item);
    struct device *device = item->device;
    bool streams = device->at.kind == DEVICE_ICECAST || device->at.kind == DEVICE_RTP;
    player->host->began(player->host, message->id);
    if (!why && item->end == ITEM_OPEN && streams && item->began_ms) {
        playout_cut(item, ": withdrawn");
        playout_turn(device);
        why = "had begun: it is cut";
    }
    if (why) {
        refuse(player, message, LANTOA_REASON_OTHER, why);
        return;
    }
    item->message = message;
    if (item->end == ITEM_WITHDRAWN) {
        is_out(item, 0);
        return;
    }
    if (streams) {
        playout_let_go(item);
    }
    take_back(player, item);
    if (streams) {
        playout_turn(device);
    }
}

/* The key is known: the same message once more. */
static void send_again(
    struct player *player, const struct lantoa_message *message, struct item *known) {
    const char *words = "known already";
    player->host->began(player->host, message->id);
    if (known->device->at.kind == DEVICE_PAPER && known->end == ITEM_OPEN) {
        known->message = message; /* in the log, perhaps not in the folder */
        paper_changed(known->device);
        return;
    }
    player->host->result(player->host,
        &LANTOA_RESULT(.id = message->id, .outcome = LANTOA_SENT,
            .ref = {known->key, strlen(known->key)}, .detail = {words, strlen(words)}));
}

static void take_back_or_not(
    struct player *player, const struct lantoa_message *message, struct item *known) {
    if (known) {
        withdraw(player, message, known);
        return;
    }
    player->host->began(player->host, message->id);
    player->host->result(
        player->host, &LANTOA_RESULT(.id = message->id, .outcome = LANTOA_SENT, .ref = {"", 0},
                          .detail = {"nothing is known of it", 22}));
}

void player_send(struct player *player, const struct lantoa_message *message) {
    char why[200];
    bool withdrawn = false;
    struct item *item = item_new(message, &withdrawn, why, sizeof(why));
    if (!item) {
        refuse(player, message, LANTOA_REASON_CONTENT, why);
        return;
    }
    struct item *known = player_find(player, item->key);
    if (known && known->message) {
        refuse(player, message, LANTOA_REASON_OTHER, "the same message is on its way in");
        item_free(item);
        return;
    }
    if (withdrawn) {
        take_back_or_not(player, message, known);
        item_free(item);
        return;
    }
    if (known && known->end != ITEM_WITHDRAWN) {
        send_again(player, message, known);
        item_free(item);
        return;
    }
    if (known) { /* taken back before, and now to be played after all */
        player_forget(player, known);
    }
    item->device = player_device_new(player, item->url, why, sizeof(why));
    if (!item->device) {
        refuse(player, message, LANTOA_REASON_ADDRESS, why);
        item_free(item);
        return;
    }
    enum device_kind kind = item->device->at.kind;
    if (kind == DEVICE_PULL && !keys_find(player->keys, item->device->at.id)) {
        refuse(player, message, LANTOA_REASON_ADDRESS, "this device has no key in `keys`");
        item_free(item);
        return;
    }
    if (kind != DEVICE_PAPER && item->entry.ends_ms < player_now(player)) {
        refuse(player, message, LANTOA_REASON_TIMEOUT, "expired");
        item_free(item);
        return;
    }
    player->host->began(player->host, message->id);
    want_material(item);
}

/* --- the turn of the devices --- */

static void figures(struct player *player) {
    const struct lantoa_host *host = player->host;
    size_t playing = 0, online = 0;
    for (const struct device *device = player->devices; device; device = device->next) {
        playing += device->schedule.playing != NULL;
        online += device->online;
    }
    host->metric(host, "playing", (double)playing);
    host->metric(host, "devices_online", (double)online);
    host->metric(host, "rtp_packets", (double)rtp_sent(player->rtp));
    host->metric(host, "rtp_packets_lost", (double)rtp_lost(player->rtp));
    host->metric(host, "rtp_late_ms", (double)rtp_lateness_us(player->rtp, 0.95) / 1000);
}

static void turn(void *arg) {
    struct player *player = arg;
    int64_t now_ms = player_now(player), next_ms = now_ms + TURN_MOST_MS;
    int64_t ticks = player->host->ticks(player->host);
    player->timer = NULL;
    for (struct device *device = player->devices; device; device = device->next) {
        if (device->next_ms <= now_ms) {
            device->next_ms = INT64_MAX;
            if (device->at.kind == DEVICE_PULL) {
                pull_turn(device);
            } else if (device->at.kind != DEVICE_PAPER) {
                playout_turn(device);
            }
        }
        next_ms = device->next_ms < next_ms ? device->next_ms : next_ms;
    }
    if (ticks - player->figures_ms > FIGURES_MS) {
        player->figures_ms = ticks;
        figures(player);
    }
    if (ticks - player->swept_ms > SWEEP_MS) {
        player->swept_ms = ticks;
        player_sweep(player);
    }
    if (!player->draining && !player->timer) {
        int64_t wait = next_ms - player_now(player);
        player->timer = player->host->timer(player->host, wait > 1 ? wait : 1, turn, player);
    }
}

void player_wake(struct player *player) {
    if (!player->draining) {
        player->host->timer_stop(player->host, player->timer);
        player->timer = player->host->timer(player->host, 0, turn, player);
    }
}

/* --- life --- */

static bool make_folders(struct player *player, char *why, size_t why_bytes) {
    const char *state = player->host->state_dir, *paper = player->config->paper_dir;
    snprintf(player->audio_dir, sizeof(player->audio_dir), "%s/audio", state);
    if (paper && paper[0]) {
        snprintf(player->paper_dir, sizeof(player->paper_dir), "%s", paper);
    } else {
        snprintf(player->paper_dir, sizeof(player->paper_dir), "%s/paper", state);
    }
    if ((mkdir(player->audio_dir, 0755) != 0 && errno != EEXIST) ||
        (mkdir(player->paper_dir, 0755) != 0 && errno != EEXIST)) {
        snprintf(why, why_bytes, "%.200s or %.200s: %s", player->audio_dir, player->paper_dir,
            strerror(errno));
        return false;
    }
    return true;
}

int player_open(const struct lantoa_host *host, const struct config *config, struct player **out) {
    struct player *player = calloc(1, sizeof(*player));
    char why[600] = "no memory";
    if (!player) {
        return LANTOA_ENOMEM;
    }
    player->host = host;
    player->config = config;
    player->swept_ms = player->figures_ms = host->ticks(host);
    struct lantoa_fault fault = {.size = sizeof(fault)};
    player->keys = keys_new(config->keys, &fault);
    if (!player->keys) {
        snprintf(why, sizeof(why), "keys: %s", fault.why_en);
    }
    bool good = player->keys && make_folders(player, why, sizeof(why)) &&
                player_load(player, why, sizeof(why));
    if (good) {
        player->quick = worker_new(host, store_sync, player->store);
        player->slow = worker_new(host, NULL, NULL);
        player->rtp = rtp_new(host, config->multicast_via);
        good = player->quick && player->slow && player->rtp;
        for (size_t i = 0; i < URGENT_WORKERS; i++) {
            player->urgent[i] = worker_new(host, NULL, NULL);
            good = good && player->urgent[i];
        }
        snprintf(why, sizeof(why),
            "no thread, no timer, no socket, or multicast_via is no address of this machine");
    }
    if (!good) {
        host->fail(host, "%s", why);
        player_close(player);
        return LANTOA_EINVAL;
    }
    *out = player;
    return LANTOA_OK;
}

/* What the log knows goes on from there. */
static void take_up(struct device *device) {
    for (struct item *item = device->items, *next; item; item = next) {
        next = item->next;
        if (item->end != ITEM_OPEN) {
            if (!item->told) {
                report_give(item);
            }
        } else if (item->entry.state == ENTRY_PLAYS) {
            char clock[WHEN_BYTES], by[200];
            when_print_clock(player_now(device->player), item->zone, clock);
            snprintf(
                by, sizeof(by), ": the player died and was restarted at %s, not more than", clock);
            int64_t most_ms = player_now(device->player) - item->began_ms;
            item->played_ms = most_ms < item->length_ms ? most_ms : item->length_ms;
            report_cut(item, by);
        } else if (device->at.kind == DEVICE_ICECAST || device->at.kind == DEVICE_RTP) {
            schedule_add(&device->schedule, &item->entry);
        }
    }
    device->next_ms = player_now(device->player);
}

int player_start(struct player *player) {
    int code = pull_open(player);
    code = code == LANTOA_OK ? mqtt_open(player) : code;
    if (code != LANTOA_OK) {
        return code;
    }
    for (struct device *device = player->devices; device; device = device->next) {
        take_up(device);
        if (device->at.kind == DEVICE_PAPER && device->items) {
            paper_changed(device);
        }
    }
    player_sweep(player);
    player_wake(player);
    return LANTOA_OK;
}

static void look_drained(void *arg) {
    struct player *player = arg;
    size_t busy = worker_busy(player->quick) + worker_busy(player->slow);
    for (size_t i = 0; i < URGENT_WORKERS; i++) {
        busy += worker_busy(player->urgent[i]);
    }
    player->timer = NULL;
    if (busy == 0) {
        player->drained = true;
        player->host->drained(player->host);
    } else {
        player->timer = player->host->timer(player->host, 20, look_drained, player);
    }
}

void player_drain(struct player *player) {
    player->draining = true;
    player->host->timer_stop(player->host, player->timer);
    for (struct device *device = player->devices; device; device = device->next) {
        playout_hold(device);
    }
    player->timer = player->host->timer(player->host, 0, look_drained, player);
}

static void nothing(void *node) {
    (void)node;
}

void player_close(struct player *player) {
    const struct lantoa_host *host = player->host;
    host->timer_stop(host, player->timer);
    host->timer_stop(host, player->report_timer);
    player->timer = player->report_timer = NULL;
    player->draining = true;
    pull_close(player);
    mqtt_close(player);
    for (struct device *device = player->devices; device; device = device->next) {
        playout_free(device);
    }
    for (size_t i = 0; i < URGENT_WORKERS; i++) {
        worker_free(player->urgent[i]);
    }
    worker_free(player->slow);
    worker_free(player->quick);
    host->timer_stop(host, player->report_timer);
    rtp_free(player->rtp);
    store_close(player->store);
    tdestroy(player->by_key, nothing);
    tdestroy(player->by_url, nothing);
    while (player->devices) {
        struct device *device = player->devices;
        player->devices = device->next;
        while (device->items) {
            struct item *item = device->items;
            device->items = item->next;
            item_free(item);
        }
        free(device);
    }
    while (player->stock) {
        struct stock *stock = player->stock;
        player->stock = stock->next;
        free(stock);
    }
    keys_free(player->keys);
    free(player->untold);
    free(player);
}
