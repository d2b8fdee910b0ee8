/* The plugin that is kept as a binary for each version of the ABI (tests/abi/README.md): it uses
 * what its version has, and writes every message into a file of its state folder. AS_MINOR builds
 * one as it was in an earlier version. */
#include <lantoa/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef AS_MINOR
#define AS_MINOR LANTOA_ABI_MINOR
#endif
#if AS_MINOR >= 6
#define OPS_SIZE sizeof(struct lantoa_ops)
#elif AS_MINOR >= 1
#define OPS_SIZE offsetof(struct lantoa_ops, check)
#else
#define OPS_SIZE offsetof(struct lantoa_ops, hook)
#endif

struct config {
    const char *prefix, *secret;
    int64_t delay;
    bool loud;
};

static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(struct config, prefix, "abi: ", 0, "First words", "Lời đầu"),
    LANTOA_OPTION_TEXT(struct config, secret, NULL, LANTOA_SECRET, "A secret", "Bí mật"),
    LANTOA_OPTION_DURATION(struct config, delay, "1", 0, 1000, LANTOA_LIVE, "Wait", "Chờ"),
    LANTOA_OPTION_BOOL(struct config, loud, "no", 0, "In capitals", "Chữ hoa"),
};
static const struct lantoa_content content[] = {
    {"text", LANTOA_CONTENT_REQUIRED, 500, "Text", "Nội dung"},
    {"title", LANTOA_CONTENT_SINGLE_LINE, 0, "Title", "Tiêu đề"},
};

struct self {
    const struct lantoa_host *host;
    const struct config *config;
};
struct waiting {
    struct self *self;
    const struct lantoa_message *message;
};

static int abi_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct self *self = malloc(sizeof(*self));
    if (self == NULL) {
        return LANTOA_ENOMEM;
    }
    *self = (struct self){host, config};
    *self_out = self;
    return LANTOA_OK;
}

static void write_file(void *arg) {
    struct waiting *waiting = arg;
    const struct lantoa_message *m = waiting->message;
    const struct lantoa_host *host = waiting->self->host;
    char path[4200];
    snprintf(path, sizeof(path), "%s/%s.txt", host->state_dir, m->key.at);
    host->began(host, m->id);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%s%s|%s|%s|%s|%s\n", waiting->self->config->prefix, m->fields[0].at,
            m->fields[1].at, m->address.at, m->step->campaign.at,
#if AS_MINOR >= 2
            m->step->accents.at
#else
            "-"
#endif
        );
        fclose(file);
    }
    host->result(host,
        &LANTOA_RESULT(.id = m->id, .outcome = file ? LANTOA_SENT : LANTOA_RETRY, .ref = m->key));
    free(waiting);
}

static void abi_send(void *arg, const struct lantoa_message *const *messages, size_t count) {
    struct self *self = arg;
    for (size_t i = 0; i < count; i++) {
        struct waiting *waiting = malloc(sizeof(*waiting));
        if (waiting != NULL) {
            *waiting = (struct waiting){self, messages[i]};
        }
        if (waiting == NULL ||
            self->host->timer(self->host, self->config->delay, write_file, waiting) == NULL) {
            self->host->result(
                self->host, &LANTOA_RESULT(.id = messages[i]->id, .outcome = LANTOA_NOT_SENT));
            free(waiting);
        }
    }
}

static int abi_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    (void)config;
    quote_out->units = 1;
    quote_out->minor = (int64_t)message->fields[0].bytes;
    return LANTOA_OK;
}

#if AS_MINOR >= 1
static int abi_hook(void *arg, const struct lantoa_hook *hook) {
    const struct self *self = arg;
    return self->host->event(
        self->host, &LANTOA_EVENT(.token = 1, .kind = LANTOA_EVENT_DELIVERED, .key = hook->body));
}
#endif

#if AS_MINOR >= 6
static int abi_check(const void *given, struct lantoa_fault *fault_out) {
    const struct config *config = given;
    return strcmp(config->prefix, "no") != 0
               ? LANTOA_OK
               : lantoa_fault_set(fault_out, "prefix", "\"%s\" is no word to begin with",
                     "\"%s\" không phải lời mở đầu", config->prefix);
}
#endif

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    .size = sizeof(struct lantoa_plugin),
    .abi_major = LANTOA_ABI_MAJOR,
    .abi_minor = AS_MINOR,
    .option_size = sizeof(struct lantoa_option),
    .content_size = sizeof(struct lantoa_content),
    .name = "abi-example",
    .version = "1.0",
    .kind = "test",
    .help_en = "Kept binary",
    .help_vi = "Bản lưu",
    .address = LANTOA_ADDRESS_ANY,
    .max_batch = 7,
    .config_size = sizeof(struct config),
    .options = options,
    .option_count = 4,
    .content = content,
    .content_count = 2,
#if AS_MINOR >= 2
    .capabilities = LANTOA_CAN_ACCENTS | LANTOA_CAN_RECEIPT,
#endif
    .ops =
        {
            .size = OPS_SIZE,
            .open = abi_open,
            .send = abi_send,
            .close = free,
            .price = abi_price,
#if AS_MINOR >= 1
            .hook = abi_hook,
#endif
#if AS_MINOR >= 6
            .check = abi_check,
#endif
        },
};
