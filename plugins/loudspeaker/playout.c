/* Streams: does what the schedule of a device says, and turns what became of it into ends. */
#include "loudspeaker.h"
#include "when.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 2000 /* until the next try to reach a device that was not there */

/* A name that is being looked up; outlives the device. */
struct device_lookup {
    struct device *device;
};

static struct item *item_of(struct schedule_entry *entry) {
    return (struct item *)entry; /* its first member */
}

static enum material_form form_of(const struct device *device) {
    static const enum material_form forms[] = {
        [CODEC_L16] = FORM_L16, [CODEC_PCMU] = FORM_PCMU, [CODEC_OPUS] = FORM_OPUS};
    if (device->at.kind == DEVICE_ICECAST) {
        return device->at.mp3 ? FORM_MP3 : FORM_STREAM;
    }
    return forms[device->at.codec];
}

/* --- what the outputs say --- */

static void started(void *arg) {
    struct device *device = arg;
    struct player *player = device->player;
    struct item *item = item_of(device->schedule.playing);
    if (item->began_ms == 0) {
        item->began_ms = player_now(player);
    }
    item->entry.held_ms = 0;
    device->lost[0] = '\0';
    store_put(player->store, player->quick,
        json_pack("{s:s, s:I}", "key", item->key, "began", (json_int_t)item->began_ms), NULL, NULL);
}

static void over(void *arg) {
    struct device *device = arg;
    struct item *item = item_of(device->schedule.playing);
    item->played_ms = item->length_ms;
    report_end(item, ITEM_PLAYED, "");
    playout_turn(device);
}

/* It did not begin, or it broke off: both may still come to a good end. */
static void lost(void *arg, const char *words) {
    struct device *device = arg;
    struct item *item = item_of(device->schedule.playing);
    int64_t now_ms = player_now(device->player);
    snprintf(device->lost, sizeof(device->lost), "%s", words);
    if (device->icecast && icecast_played_ms(device->icecast) > item->played_ms) {
        item->played_ms = icecast_played_ms(device->icecast);
    } else if (device->stream) {
        item->played_ms = rtp_stream_played_ms(device->stream);
    }
    if (item->began_ms && !item->entry.held_ms) {
        schedule_hold(&device->schedule, now_ms);
        item->entry.block = ENTRY_DEVICE_OFFLINE;
        item->entry.retry_ms = now_ms + RETRY_MS;
    } else {
        schedule_postpone(&device->schedule, now_ms + RETRY_MS);
    }
    device->next_ms = now_ms;
    player_wake(device->player);
}

static void rtp_over(void *arg, const char *why) {
    if (why) {
        lost(arg, why);
    } else {
        over(arg);
    }
}

/* --- beginning --- */

static void refuse(struct device *device, struct item *item) {
    (void)device;
    report_end(item, ITEM_REFUSED, "the recording is gone from the player's folder");
}

static bool play_rtp(struct device *device, struct item *item, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    rtp_stream_play(device->stream, fd, item->played_ms);
    started(device);
    return true;
}

static void found(
    void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error) {
    static const struct rtp_format formats[] = {
        [CODEC_L16] = {0, MATERIAL_L16_BYTES, 10, 44100},
        [CODEC_PCMU] = {0, MATERIAL_PCMU_BYTES, 20, 8000},
        [CODEC_OPUS] = {0, MATERIAL_OPUS_BYTES, 20, 48000},
    };
    struct device_lookup *lookup = arg;
    struct device *device = lookup->device;
    char path[MATERIAL_PATH_BYTES];
    free(lookup);
    if (!device) {
        return;
    }
    device->lookup = NULL;
    if (count > 0) {
        struct rtp_format format = formats[device->at.codec];
        format.payload_type = device->at.payload_type;
        device->stream = rtp_stream_new(
            device->player->rtp, &addresses[0], device->at.ttl, &format, rtp_over, device);
    }
    if (!device->schedule.playing) {
        return;
    }
    struct item *item = item_of(device->schedule.playing);
    material_path(device->player->audio_dir, item->audio, form_of(device), path);
    if (!device->stream) {
        lost(device, error ? error : "no address");
    } else if (!play_rtp(device, item, path)) {
        refuse(device, item);
    }
}

static bool look_up(struct device *device) {
    const struct lantoa_host *host = device->player->host;
    struct device_lookup *lookup = calloc(1, sizeof(*lookup));
    if (!lookup) {
        return false;
    }
    lookup->device = device;
    device->lookup = lookup;
    if (host->resolve(host, device->at.host, device->at.port, found, lookup) != LANTOA_OK) {
        device->lookup = NULL;
        free(lookup);
        return false;
    }
    return true;
}

static const char *mount_password(const struct device *device) {
    const struct device_url *at = &device->at;
    char name[400];
    const char *password;
    snprintf(name, sizeof(name), "%s@%s:%s%s", at->user, at->host, at->port, at->mount);
    password = keys_find(device->player->keys, name);
    if (!password) {
        snprintf(name, sizeof(name), "%s:%s%s", at->host, at->port, at->mount);
        password = keys_find(device->player->keys, name);
    }
    if (!password) {
        snprintf(name, sizeof(name), "%s:%s", at->host, at->port);
        password = keys_find(device->player->keys, name);
    }
    return password;
}

static void begin_icecast(struct device *device, struct item *item, const char *path) {
    static const struct icecast_calls calls = {started, over, lost};
    const char *password = mount_password(device);
    if (!password) {
        lost(device, "no password for this mount in `keys`");
        return;
    }
    if (!device->icecast) {
        device->icecast = icecast_new(device->player->host, &device->at, password,
            device->player->config->ca_file, &calls, device);
    }
    if (!device->icecast) {
        lost(device, "no memory");
    } else if (!icecast_play(device->icecast, path, item->played_ms)) {
        refuse(device, item);
    }
}

static void begin(struct device *device, struct item *item) {
    char path[MATERIAL_PATH_BYTES];
    material_path(device->player->audio_dir, item->audio, form_of(device), path);
    if (device->at.kind == DEVICE_ICECAST) {
        begin_icecast(device, item, path);
    } else if (device->stream) {
        if (!play_rtp(device, item, path)) {
            refuse(device, item);
        }
    } else if (!device->lookup && !look_up(device)) {
        lost(device, "too many names are being looked up");
    }
}

/* --- ending --- */

static void stop(struct device *device, struct item *item) {
    if (device->icecast) {
        icecast_stop(device->icecast);
        item->played_ms = icecast_played_ms(device->icecast);
    } else if (device->stream) {
        rtp_stream_stop(device->stream);
        item->played_ms = rtp_stream_played_ms(device->stream);
    }
}

static void expire(struct device *device, struct item *item) {
    char clock[WHEN_BYTES], words[ITEM_WORDS_BYTES];
    when_print_clock(item->entry.ends_ms, item->zone, clock);
    switch (item->entry.block) {
    case ENTRY_DEVICE_OFFLINE:
        snprintf(words, sizeof(words), "missed: device offline (%s)", device->lost);
        report_end(item, ITEM_MISSED, words);
        break;
    case ENTRY_DEVICE_BUSY:
        snprintf(words, sizeof(words),
            "missed: the device was playing something else until %s, the latest time to begin",
            clock);
        report_end(item, ITEM_MISSED, words);
        break;
    case ENTRY_FREE:
        snprintf(words, sizeof(words), "expired: it could begin until %s", clock);
        report_end(item, ITEM_EXPIRED, words);
        break;
    }
}

static void cut(struct device *device, struct item *item) {
    char clock[WHEN_BYTES], by[200];
    when_print_clock(item->entry.held_ms, item->zone, clock);
    item->ended_ms = item->entry.held_ms;
    if (item->entry.block == ENTRY_DEVICE_OFFLINE) {
        snprintf(by, sizeof(by), ": device lost at %s (%.100s)", clock, device->lost);
    } else {
        snprintf(by, sizeof(by), " by an emergency at %s", clock);
    }
    report_cut(item, by);
}

void playout_turn(struct device *device) {
    struct player *player = device->player;
    if (player->draining) {
        return;
    }
    for (;;) {
        int64_t now_ms = player_now(player);
        struct schedule_step step =
            schedule_next(&device->schedule, now_ms, player->config->resume_within);
        struct item *item = step.entry ? item_of(step.entry) : NULL;
        if (step.act == SCHEDULE_WAIT || !item) {
            device->next_ms = step.at_ms;
            return;
        }
        switch (step.act) {
        case SCHEDULE_WAIT:
            return;
        case SCHEDULE_BEGIN:
            schedule_begin(&device->schedule, step.entry);
            begin(device, item);
            break;
        case SCHEDULE_INTERRUPT:
            stop(device, item);
            if (item->began_ms) {
                schedule_hold(&device->schedule, now_ms);
                item->entry.block = ENTRY_FREE;
            } else {
                schedule_postpone(&device->schedule, now_ms);
                item->entry.block = ENTRY_DEVICE_BUSY;
            }
            break;
        case SCHEDULE_EXPIRED:
            expire(device, item);
            break;
        case SCHEDULE_CUT:
            cut(device, item);
            break;
        }
    }
}

static void keep_held(struct player *player, const struct item *item) {
    store_put(player->store, player->quick,
        json_pack("{s:s, s:I, s:I, s:I}", "key", item->key, "held", (json_int_t)item->entry.held_ms,
            "began", (json_int_t)item->began_ms, "played", (json_int_t)item->played_ms),
        NULL, NULL);
}

void playout_hold(struct device *device) {
    if (device->schedule.playing) {
        struct item *item = item_of(device->schedule.playing);
        stop(device, item);
        if (item->began_ms) {
            schedule_hold(&device->schedule, player_now(device->player));
        } else {
            schedule_postpone(&device->schedule, 0);
        }
    }
    for (struct schedule_entry *entry = device->schedule.first; entry; entry = entry->next) {
        if (entry->state == ENTRY_HELD) {
            keep_held(device->player, item_of(entry));
        }
    }
}

void playout_let_go(struct item *item) {
    if (&item->entry == item->device->schedule.playing) {
        stop(item->device, item);
    }
}

void playout_cut(struct item *item, const char *by) {
    playout_let_go(item);
    report_cut(item, by);
}

void playout_free(struct device *device) {
    if (device->lookup) {
        device->lookup->device = NULL;
    }
    icecast_free(device->icecast);
    rtp_stream_free(device->stream);
}
