/* What the files of this plugin share: the one instance, its devices and its materials. */
#ifndef LOUDSPEAKER_LOUDSPEAKER_H
#define LOUDSPEAKER_LOUDSPEAKER_H

#include "device.h"
#include "icecast.h"
#include "item.h"
#include "keys.h"
#include "material.h"
#include "rtp.h"
#include "store.h"
#include "worker.h"
#include <lantoa/plugin.h>

struct config {
    const char *keys, *ca_file;
    const char *listen, *tls_cert, *tls_key;
    const char *mqtt, *mqtt_user, *mqtt_password, *mqtt_topic;
    const char *paper_dir, *multicast_via;
    int64_t resume_within, asrun_wait, plan_valid;
};

#define URGENT_WORKERS 2

struct player;

struct device {
    struct device *next;
    struct player *player;
    char url[400];
    struct device_url at;
    struct item *items; /* all that are known, newest first */
    int64_t next_ms;    /* nothing to do before; the program's clock */
    /* streams */
    struct schedule schedule;
    struct icecast *icecast;
    struct rtp_stream *stream;
    struct device_lookup *lookup;
    char lost[160]; /* why the device could not be reached last */
    /* pull */
    int64_t version;   /* of its plan */
    int64_t seen;      /* the version that it has fetched */
    int64_t announced; /* the version told over MQTT in this connection */
    int64_t offset_ms; /* its clock minus ours, as it said last */
    int64_t heard_ms;  /* when it called last */
    bool online;       /* as it says over MQTT */
    /* paper */
    bool paper_busy, paper_dirty;
};

/* A recording in one form, made or being made, since the plugin opened. */
struct stock {
    struct stock *next;
    struct player *player;
    char name[124];
    enum material_form form;
    bool ready;
    int code;
    char why[AUDIO_WHY_BYTES];
    struct material material;
    struct item *waiting; /* by next */
};

struct player {
    const struct lantoa_host *host;
    const struct config *config;
    struct keys *keys;
    struct store *store;
    struct worker *quick, *slow; /* the log; recordings and paper */
    /* Recordings of emergencies: a minute's takes a fifth of a second, and the log does not wait
     * for it. Taken in turn. */
    struct worker *urgent[URGENT_WORKERS];
    size_t next_urgent;
    char audio_dir[300], paper_dir[4096];
    struct device *devices;
    size_t device_count;
    void *by_key, *by_url; /* trees of items and devices (tsearch) */
    struct stock *stock;
    struct item **untold; /* ended, the core has not confirmed yet */
    size_t untold_count, untold_room;
    uint64_t last_token;
    struct lantoa_timer *timer, *report_timer;
    int64_t swept_ms, figures_ms;
    struct rtp *rtp;
    struct pull *pull;
    struct mqtt *mqtt;
    double played, failed;
    bool draining, drained;
};

/* player.c: items come and go */
int player_open(const struct lantoa_host *host, const struct config *config, struct player **out);
int player_start(struct player *player);
void player_send(struct player *player, const struct lantoa_message *message);
void player_drain(struct player *player);
void player_close(struct player *player);
struct item *player_find(const struct player *player, const char *key);
struct device *player_device(struct player *player, const char *url); /* NULL: not known */
int64_t player_now(const struct player *player);
void player_wake(struct player *player); /* look at all devices soon */
/* Gives a message its result and forgets it. */
void player_answer(
    struct item *item, enum lantoa_outcome outcome, enum lantoa_reason reason, const char *words);

/* load.c: the log at opening */
bool player_load(struct player *player, char *why, size_t why_bytes);
/* Puts an item where it belongs; false: no memory, or the key is there already. */
bool player_place(struct player *player, struct item *item);
void player_forget(struct player *player, struct item *item); /* frees it */
struct device *player_device_new(struct player *player, const char *url, char *why, size_t bytes);
/* Drops items that nobody asks for any more, and recordings no item needs. */
void player_sweep(struct player *player);

/* report.c: how items end */
void report_end(struct item *item, enum item_end end, const char *words);
/* Has ended, and the end is in the log: tells the core, until it has confirmed. */
void report_give(struct item *item);
void report_done(struct player *player, uint64_t token);
/* "40 of 95 s played" */
void report_cut(struct item *item, const char *by);

/* playout.c: streams */
void playout_turn(struct device *device);
void playout_hold(struct device *device); /* the plugin ends: what plays is kept for later */
void playout_free(struct device *device);
void playout_let_go(struct item *item);              /* stops it, if it plays */
void playout_cut(struct item *item, const char *by); /* what has begun ends here */

/* pull.c, pull_http.c: devices that fetch */
int pull_check(const struct config *config, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
int pull_open(struct player *player); /* nothing to do without the option `listen` */
void pull_close(struct player *player);
void pull_turn(struct device *device); /* what can no longer come is missed */
/* Items of these keys may have been told: answers waiting uploads. */
void pull_told(struct player *player);

/* mqtt.c */
int mqtt_check(const struct config *config, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
int mqtt_open(struct player *player); /* nothing to do without the option `mqtt` */
void mqtt_close(struct player *player);
void mqtt_announce(struct device *device); /* its plan has changed */
void mqtt_play(struct item *item);         /* an emergency */

/* paper.c */
void paper_changed(struct device *device);

#endif
