/* Breaks no rule: answers every message with an event, counts the acknowledgements, looks up names,
 * wakes itself from a thread, and fails a message whose address is not as expected. */
#include "bad.h"

static void *wake_from_thread(void *arg) {
    struct bad *bad = arg;
    bad->host->wake(bad->host);
    return NULL;
}

static void echo_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct bad *bad = self;
    for (size_t i = 0; i < count; i++) {
        const struct lantoa_message *message = messages[i];
        char text[600];
        int length = snprintf(text, sizeof(text), "%s/%s/%s: %s", message->step->campaign.at,
            message->step->step.at, message->name.at, message->fields[0].at);
        struct lantoa_event event = LANTOA_EVENT(.token = message->id, .kind = LANTOA_EVENT_INBOUND,
            .key = message->key, .address = message->address, .detail = {text, (size_t)length});
        bad_send_well(bad, message);
        bad->host->metric(bad->host, "clock_ms", (double)bad->host->now(bad->host));
        if (bad->host->event(bad->host, &event) != 0) {
            bad->host->metric(bad->host, "held_off", 1);
        }
    }
}

static void echo_done(void *self, uint64_t token) {
    struct bad *bad = self;
    (void)token;
    bad->host->metric(bad->host, "acknowledged", ++bad->done);
}

static void echo_woken(void *self) {
    struct bad *bad = self;
    bad->host->metric(bad->host, "woken", 1);
}

static void found(
    void *arg, const struct lantoa_sockaddr *addresses, size_t count, const char *error) {
    struct bad *bad = arg;
    (void)addresses;
    bad->host->metric(bad->host, error[0] ? "not_found" : "found", (double)count);
}

static int echo_start(void *self) {
    struct bad *bad = self;
    if (pthread_create(&bad->thread, NULL, wake_from_thread, bad) != 0) {
        return LANTOA_ENOMEM;
    }
    bad->started = true;
    const char *secret = bad->config->secret;
    bad->host->metric(bad->host, "secret_bytes", secret ? (double)strlen(secret) : -1);
    bad->host->log(bad->host, LANTOA_LOG_INFO, "started as %s", bad->host->channel);
    int code = bad->host->resolve(bad->host, "127.0.0.1", "25", found, bad);
    return code ? code : bad->host->resolve(bad->host, "no such name", "25", found, bad);
}

static void echo_close(void *self) {
    struct bad *bad = self;
    if (bad->started) {
        pthread_join(bad->thread, NULL);
    }
    bad_close(bad);
}

static void echo_lookup(void *self, struct lantoa_str key, struct lantoa_str ref) {
    struct bad *bad = self;
    (void)ref;
    bad->host->event(bad->host, &LANTOA_EVENT(.token = 1000000, .kind = LANTOA_EVENT_DELIVERED,
                                    .key = key, .detail = {"looked up", 9}));
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    BAD_HEAD("echo"),
    .capabilities = LANTOA_CAN_INBOUND | LANTOA_CAN_LOOKUP,
    .ops = {.size = sizeof(struct lantoa_ops),
        .open = bad_open,
        .start = echo_start,
        .send = echo_send,
        .event_done = echo_done,
        .lookup = echo_lookup,
        .woken = echo_woken,
        .close = echo_close},
};
