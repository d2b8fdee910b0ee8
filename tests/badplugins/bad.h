/* What the misbehaving plugins share: a config, an instance, and the parts of a plugin that do
 * behave. Each plugin's file shows its one fault. */
#ifndef TESTS_BADPLUGINS_BAD_H
#define TESTS_BADPLUGINS_BAD_H

#include <lantoa/plugin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bad_config {
    int64_t after; /* how many messages are sent rightly before the fault */
    int64_t ms;
    const char *how;
    const char *secret;
};

struct bad {
    const struct lantoa_host *host;
    const struct bad_config *config;
    int64_t sent;
    double done; /* events acknowledged */
    pthread_t thread;
    bool started;
};

static const struct lantoa_option bad_options[] = {
    LANTOA_OPTION_INT(struct bad_config, after, "0", 0, 1000000, 0, "Messages before the fault",
        "Số tin trước khi lỗi"),
    LANTOA_OPTION_INT(
        struct bad_config, ms, "0", 0, 100000, LANTOA_LIVE, "Milliseconds", "Mili giây"),
    LANTOA_OPTION_TEXT(struct bad_config, how, "", 0, "Which fault", "Lỗi nào"),
    LANTOA_OPTION_TEXT(struct bad_config, secret, NULL, LANTOA_SECRET, "Secret", "Bí mật"),
};

static const struct lantoa_content bad_content[] = {
    {"text", LANTOA_CONTENT_REQUIRED, 0, "Text", "Nội dung"},
};

static inline int bad_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct bad *bad = calloc(1, sizeof(*bad));
    if (!bad) {
        return LANTOA_ENOMEM;
    }
    bad->host = host;
    bad->config = config;
    *self_out = bad;
    return 0;
}

static inline void bad_close(void *self) {
    free(self);
}

/* Sends one message as it should be. */
static inline void bad_send_well(struct bad *bad, const struct lantoa_message *message) {
    bad->host->began(bad->host, message->id);
    bad->host->result(bad->host, &LANTOA_RESULT(.id = message->id, .outcome = LANTOA_SENT));
    bad->sent++;
}

static inline void bad_result(struct bad *bad, uint64_t id, enum lantoa_outcome outcome) {
    bad->host->result(bad->host, &LANTOA_RESULT(.id = id, .outcome = outcome));
}

/* The plugin's fault happens at the message with which this becomes true. */
static inline bool bad_now(const struct bad *bad) {
    return bad->sent >= bad->config->after;
}

#define BAD_HEAD(plugin_name)                                                                      \
    LANTOA_PLUGIN_HEAD,                                                                            \
        .name = (plugin_name), .version = "1.0", .kind = "test", .address = LANTOA_ADDRESS_ANY,    \
        .config_size = sizeof(struct bad_config), .options = bad_options,                          \
        .option_count = sizeof(bad_options) / sizeof(bad_options[0]), .content = bad_content,      \
        .content_count = 1

#define BAD_OPS(open_op, send_op)                                                                  \
    .size = sizeof(struct lantoa_ops), .open = (open_op), .send = (send_op), .close = bad_close

#define BAD_PLUGIN(plugin_name, open_op, send_op)                                                  \
    LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {                                  \
        BAD_HEAD(plugin_name), .ops = {BAD_OPS(open_op, send_op)}}

#endif
