/* Tells devices of changes over MQTT (libmosquitto on the host's loop), QoS 1:
 *
 *   TOPIC/ID/plan    {"version": N}: retained, so that a device that comes back learns it at once
 *   TOPIC/ID/play    an emergency, signed (plan.h): not retained, for it must not play again at
 * each coming back; a device that was away finds it in its plan TOPIC/ID/status  from the device,
 * retained, with a last will: "online" or "offline" */
#include "plan.h"
#include <arpa/inet.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S 15
#define MISC_MS 500
#define BACKOFF_LEAST_MS 500
#define BACKOFF_MOST_MS 30000
#define TOPIC_BYTES 200

struct mqtt_lookup {
    struct mqtt *mqtt;
};

struct mqtt {
    struct player *player;
    struct mosquitto *mosquitto;
    struct lantoa_watch *watch;
    struct lantoa_timer *timer;
    struct mqtt_lookup *lookup;
    int watched; /* the descriptor under watch, -1: none */
    char host[128], port[8];
    bool tls, connected, lost;
    int64_t backoff_ms;
};

static void later(struct mqtt *mqtt, int64_t ms, void (*fire)(void *arg)) {
    mqtt->player->host->timer_stop(mqtt->player->host, mqtt->timer);
    mqtt->timer = mqtt->player->host->timer(mqtt->player->host, ms, fire, mqtt);
}

static void look_up(void *arg);
static void ready(void *arg, unsigned events);

static void unwatch(struct mqtt *mqtt) {
    mqtt->player->host->watch_stop(mqtt->player->host, mqtt->watch);
    mqtt->watch = NULL;
    mqtt->watched = -1;
}

static void drop(struct mqtt *mqtt, const char *why) {
    const struct lantoa_host *host = mqtt->player->host;
    unwatch(mqtt);
    if (!mqtt->lost) {
        host->log(host, LANTOA_LOG_WARN, "mqtt: %s", why);
    }
    mqtt->connected = false;
    mqtt->lost = true;
    host->metric(host, "mqtt_connected", 0);
    later(mqtt, mqtt->backoff_ms, look_up);
    mqtt->backoff_ms =
        2 * mqtt->backoff_ms < BACKOFF_MOST_MS ? 2 * mqtt->backoff_ms : BACKOFF_MOST_MS;
}

/* After each call of the library: watch what it waits for. */
static void follow(struct mqtt *mqtt) {
    const struct lantoa_host *host = mqtt->player->host;
    int fd = mosquitto_socket(mqtt->mosquitto);
    if (fd < 0) {
        return;
    }
    unsigned events =
        LANTOA_READ | (mosquitto_want_write(mqtt->mosquitto) ? (unsigned)LANTOA_WRITE : 0);
    if (fd != mqtt->watched) {
        unwatch(mqtt);
        mqtt->watch = host->watch(host, fd, events, ready, mqtt);
        mqtt->watched = fd;
    } else {
        host->watch_set(host, mqtt->watch, events);
    }
}

static void ready(void *arg, unsigned events) {
    struct mqtt *mqtt = arg;
    int code = MOSQ_ERR_SUCCESS;
    if (events & LANTOA_READ) {
        code = mosquitto_loop_read(mqtt->mosquitto, 10);
    }
    if (code == MOSQ_ERR_SUCCESS && (events & LANTOA_WRITE)) {
        code = mosquitto_loop_write(mqtt->mosquitto, 10);
    }
    if (code != MOSQ_ERR_SUCCESS) {
        drop(mqtt, mosquitto_strerror(code));
    } else {
        follow(mqtt);
    }
}

static void misc(void *arg) {
    struct mqtt *mqtt = arg;
    mqtt->timer = NULL;
    int code = mosquitto_loop_misc(mqtt->mosquitto);
    if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(mqtt->mosquitto) < 0) {
        drop(mqtt, mosquitto_strerror(code));
        return;
    }
    follow(mqtt);
    later(mqtt, MISC_MS, misc);
}

/* --- connecting --- */

static void found(
    void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error) {
    struct mqtt_lookup *lookup = arg;
    struct mqtt *mqtt = lookup->mqtt;
    char address[INET6_ADDRSTRLEN] = "";
    free(lookup);
    if (!mqtt) {
        return;
    }
    mqtt->lookup = NULL;
    if (count > 0 && addresses[0].family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, addresses[0].bytes, sizeof(four));
        inet_ntop(AF_INET, &four.sin_addr, address, sizeof(address));
    } else if (count > 0 && addresses[0].family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, addresses[0].bytes, sizeof(six));
        inet_ntop(AF_INET6, &six.sin6_addr, address, sizeof(address));
    }
    if (!address[0]) {
        drop(mqtt, error ? error : "no address");
        return;
    }
    int code = mosquitto_connect_async(
        mqtt->mosquitto, address, (int)strtol(mqtt->port, NULL, 10), KEEPALIVE_S);
    if (code != MOSQ_ERR_SUCCESS) {
        drop(mqtt, mosquitto_strerror(code));
        return;
    }
    follow(mqtt);
    later(mqtt, MISC_MS, misc);
}

static void look_up(void *arg) {
    struct mqtt *mqtt = arg;
    const struct lantoa_host *host = mqtt->player->host;
    struct mqtt_lookup *lookup = calloc(1, sizeof(*lookup));
    mqtt->timer = NULL;
    if (!lookup) {
        drop(mqtt, "no memory");
        return;
    }
    lookup->mqtt = mqtt;
    mqtt->lookup = lookup;
    if (host->resolve(host, mqtt->host, mqtt->port, found, lookup) != LANTOA_OK) {
        mqtt->lookup = NULL;
        free(lookup);
        drop(mqtt, "too many names are being looked up");
    }
}

/* --- what is said --- */

static bool publish(
    struct mqtt *mqtt, const struct device *device, const char *what, const char *text, bool keep) {
    char topic[TOPIC_BYTES];
    int bytes = snprintf(
        topic, sizeof(topic), "%s/%s/%s", mqtt->player->config->mqtt_topic, device->at.id, what);
    if (bytes < 0 || (size_t)bytes >= sizeof(topic) || !mqtt->connected) {
        return false;
    }
    int code = mosquitto_publish(mqtt->mosquitto, NULL, topic, (int)strlen(text), text, 1, keep);
    follow(mqtt);
    return code == MOSQ_ERR_SUCCESS;
}

void mqtt_announce(struct device *device) {
    struct mqtt *mqtt = device->player->mqtt;
    char text[64];
    snprintf(text, sizeof(text), "{\"version\":%lld}", (long long)device->version);
    if (mqtt && device->announced != device->version && publish(mqtt, device, "plan", text, true)) {
        device->announced = device->version;
    }
}

void mqtt_play(struct item *item) {
    struct mqtt *mqtt = item->device->player->mqtt;
    const char *key = keys_find(item->device->player->keys, item->device->at.id);
    char *text = mqtt && key ? plan_write_play(item, key) : NULL;
    if (text) {
        publish(mqtt, item->device, "play", text, false);
    }
    free(text);
}

/* What happened while there was no connection. */
static void catch_up(struct mqtt *mqtt) {
    int64_t now_ms = player_now(mqtt->player);
    for (struct device *device = mqtt->player->devices; device; device = device->next) {
        if (device->at.kind != DEVICE_PULL) {
            continue;
        }
        device->announced = 0;
        mqtt_announce(device);
        for (struct item *item = device->items; item; item = item->next) {
            if (item->entry.priority == ENTRY_EMERGENCY && plan_has(item, now_ms) &&
                item->entry.ends_ms >= now_ms) {
                mqtt_play(item);
            }
        }
    }
}

static void on_connect(struct mosquitto *mosquitto, void *arg, int code) {
    struct mqtt *mqtt = arg;
    const struct lantoa_host *host = mqtt->player->host;
    char topic[TOPIC_BYTES];
    if (code != 0) {
        host->log(host, LANTOA_LOG_ERROR, "mqtt: %s", mosquitto_connack_string(code));
        return;
    }
    mqtt->connected = true;
    mqtt->lost = false;
    mqtt->backoff_ms = BACKOFF_LEAST_MS;
    host->metric(host, "mqtt_connected", 1);
    snprintf(topic, sizeof(topic), "%s/+/status", mqtt->player->config->mqtt_topic);
    mosquitto_subscribe(mosquitto, NULL, topic, 1);
    catch_up(mqtt);
}

static void on_message(
    struct mosquitto *mosquitto, void *arg, const struct mosquitto_message *message) {
    struct mqtt *mqtt = arg;
    char url[DEVICE_ID_BYTES + 8];
    (void)mosquitto;
    size_t prefix = strlen(mqtt->player->config->mqtt_topic);
    const char *id = strlen(message->topic) > prefix ? message->topic + prefix + 1 : "";
    size_t bytes = strcspn(id, "/");
    if (bytes == 0 || bytes >= DEVICE_ID_BYTES || strcmp(id + bytes, "/status") != 0) {
        return;
    }
    snprintf(url, sizeof(url), "device:%.*s", (int)bytes, id);
    struct device *device = player_device(mqtt->player, url);
    if (device) {
        device->online = message->payloadlen == 6 && memcmp(message->payload, "online", 6) == 0;
    }
}

/* --- life --- */

static bool read_url(struct mqtt *mqtt, const char *url) {
    const char *rest = strncmp(url, "mqtt://", 7) == 0    ? url + 7
                       : strncmp(url, "mqtts://", 8) == 0 ? url + 8
                                                          : NULL;
    const char *colon = rest ? strrchr(rest, ':') : NULL;
    if (!colon || colon == rest || (size_t)(colon - rest) >= sizeof(mqtt->host) ||
        strlen(colon + 1) == 0 || strlen(colon + 1) >= sizeof(mqtt->port) ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return false;
    }
    snprintf(mqtt->host, sizeof(mqtt->host), "%.*s", (int)(colon - rest), rest);
    snprintf(mqtt->port, sizeof(mqtt->port), "%s", colon + 1);
    mqtt->tls = url[4] == 's';
    return true;
}

static const char *configure(struct mqtt *mqtt) {
    const struct config *config = mqtt->player->config;
    char id[80];
    mosquitto_lib_init();
    snprintf(id, sizeof(id), "lantoa-%.60s", mqtt->player->host->channel);
    mqtt->mosquitto = mosquitto_new(id, true, mqtt);
    if (!mqtt->mosquitto) {
        return "no memory";
    }
    mosquitto_connect_callback_set(mqtt->mosquitto, on_connect);
    mosquitto_message_callback_set(mqtt->mosquitto, on_message);
    if (config->mqtt_user && mosquitto_username_pw_set(mqtt->mosquitto, config->mqtt_user,
                                 config->mqtt_password) != MOSQ_ERR_SUCCESS) {
        return "mqtt_user or mqtt_password cannot be used";
    }
    if (mqtt->tls &&
        mosquitto_tls_set(mqtt->mosquitto, config->ca_file,
            config->ca_file ? NULL : "/etc/ssl/certs", NULL, NULL, NULL) != MOSQ_ERR_SUCCESS) {
        return "ca_file cannot be used";
    }
    return NULL;
}

int mqtt_check(const struct config *config, struct lantoa_fault *fault_out) {
    struct mqtt mqtt = {0};
    return !config->mqtt || !config->mqtt[0] || read_url(&mqtt, config->mqtt)
               ? LANTOA_OK
               : lantoa_fault_set(fault_out, "mqtt",
                     "must be mqtt://HOST:PORT or mqtts://HOST:PORT",
                     "phải có dạng mqtt://MÁY-CHỦ:CỔNG hoặc mqtts://MÁY-CHỦ:CỔNG");
}

int mqtt_open(struct player *player) {
    const char *url = player->config->mqtt;
    if (!url || !url[0]) {
        return LANTOA_OK;
    }
    struct mqtt *mqtt = calloc(1, sizeof(*mqtt));
    if (!mqtt) {
        return LANTOA_ENOMEM;
    }
    mqtt->player = player;
    mqtt->watched = -1;
    mqtt->backoff_ms = BACKOFF_LEAST_MS;
    player->mqtt = mqtt;
    const char *wrong = read_url(mqtt, url) ? configure(mqtt)
                                            : "mqtt: must be mqtt://HOST:PORT or mqtts://HOST:PORT";
    if (wrong) {
        player->host->fail(player->host, "%s", wrong);
        return LANTOA_EINVAL;
    }
    look_up(mqtt);
    return LANTOA_OK;
}

void mqtt_close(struct player *player) {
    struct mqtt *mqtt = player->mqtt;
    if (!mqtt) {
        return;
    }
    player->mqtt = NULL;
    unwatch(mqtt);
    player->host->timer_stop(player->host, mqtt->timer);
    if (mqtt->lookup) {
        mqtt->lookup->mqtt = NULL;
    }
    if (mqtt->mosquitto) {
        mosquitto_disconnect(mqtt->mosquitto);
        mosquitto_destroy(mqtt->mosquitto);
    }
    mosquitto_lib_cleanup();
    free(mqtt);
}
